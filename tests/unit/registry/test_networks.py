"""A network and the columns of earlier rows that it reads, from training to the strategy."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader import FeatureEngine
from quantumtrader.backtest import Backtest
from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import ModelError
from quantumtrader.execution import MarketState
from quantumtrader.execution.predictions import Prediction
from quantumtrader.features import FeatureManifest, lagged
from quantumtrader.models import Model, model
from quantumtrader.models.arrays import pack_arrays, unpack_arrays
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.strategy import ModelStrategy
from quantumtrader.types import FeatureFrame

pytest.importorskip("optax", reason="needs the extra deep")

NOW = 1_800_000_000_000_000_000
BASE = ("flow_ofi_1m", "book_imbalance_1", "vwap_distance")
NAMES = lagged(BASE, (0, 1, 2, 4))


class Recorded(ModelStrategy):
    """Keeps every prediction with the row it was made on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seen: list[tuple[Prediction, Any]] = []

    def evaluate(self, row: Any, market: MarketState) -> Any:
        signal = super().evaluate(row, market)
        assert self.prediction is not None
        self.seen.append((self.prediction, row[: len(NAMES)].copy()))
        return signal


@pytest.fixture(scope="module")
def frame(trained: Any) -> FeatureFrame:
    return FeatureEngine(NAMES, trained.instrument, clock="1s").run(trained.events)


@pytest.fixture(scope="module")
def net(frame: FeatureFrame) -> Model:
    rows = frame.values[100:]
    moved = np.where(np.nan_to_num(rows[:, 2] - rows[:, 5]) > 0, 1, -1)
    return model("lstm", hidden=8, epochs=2, rate=0.01).fit(rows, moved, names=NAMES)


@pytest.fixture
def folder(net: Model, frame: FeatureFrame, trained: Any, tmp_path: Path) -> Path:
    draft = replace(trained.draft, name="net", features=FeatureManifest.of_frame(frame), may_be_missing=NAMES)
    return ModelRegistry(tmp_path / "models", ReplayClock(NOW)).save(
        draft, net, frame.values, trained.events[:8_000]
    )


def test_a_replay_gives_the_rows_and_predictions_of_the_training(
    folder: Path, net: Model, frame: FeatureFrame, trained: Any
) -> None:
    strategy = Recorded(folder=str(folder), alpha=0.0, settle_s=0.0, confidence=0.5, direction=0.0)
    Backtest(trained.events, trained.instrument, strategy, chunk=777).run()
    offline = {int(t): row for t, row in zip(frame.times, frame.values, strict=True)}
    said = [(p, row) for p, row in strategy.seen if p.ok]
    assert len(said) > 3_000
    for one, row in strategy.seen:
        np.testing.assert_array_equal(row, offline[one.ts])
    expected = net.predict_proba(np.array([row for _, row in said]))
    np.testing.assert_allclose([p.probabilities for p, _ in said], expected, rtol=0, atol=1e-12)
    assert np.std(expected[:, 1]) > 0.01


@pytest.mark.parametrize("engine", ["rust", "python"])
def test_it_is_served_without_the_library_that_fitted_it(folder: Path, engine: str) -> None:
    code = (
        "import sys; sys.modules['jax'] = sys.modules['optax'] = None\n"
        "from quantumtrader.models.registry import ModelRegistry\n"
        "print(ModelRegistry(sys.argv[1]).load('net', '1.0.0', validity=False).id)"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "python")}
    env["QUANTUMTRADER_ENGINE"] = engine
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder.parents[1])], capture_output=True, text=True, env=env
    )
    assert run.stdout.strip() == "net 1.0.0", run.stderr


def test_other_scores_are_refused(folder: Path) -> None:
    arrays = unpack_arrays((folder / "golden.npz").read_bytes(), "golden")
    for by, refused in ((5e-7, False), (5e-6, True)):
        raw = arrays["raw"].copy()
        raw[100, 0] += by
        (folder / "golden.npz").write_bytes(pack_arrays({**arrays, "raw": raw}))
        manifest = ModelManifest.from_bytes((folder / "manifest.json").read_bytes())
        files = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "manifest.json"}
        (folder / "manifest.json").write_bytes(manifest.with_files(files).to_bytes())
        registry = ModelRegistry(folder.parents[1], ReplayClock(NOW))
        if refused:
            with pytest.raises(ModelError, match="golden rows: 1 of 512 have other scores; row 100"):
                registry.load("net", "1.0.0")
        else:
            registry.load("net", "1.0.0")
