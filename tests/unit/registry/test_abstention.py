"""A model that abstains: prediction sets from the folder to the signal, on synthetic rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader import FeatureEngine
from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import ModelError
from quantumtrader.execution import MarketState, bind_strategy, make_strategy
from quantumtrader.models import model
from quantumtrader.models.calibration import Calibration
from quantumtrader.models.conformal import AdaptiveConformal
from quantumtrader.models.folder import MANIFEST
from quantumtrader.models.manager import ModelManager
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.models.prediction import PredictionEngine, Predictor
from quantumtrader.models.registry import CONFORMAL, LoadedModel, ModelRegistry

NOW = 1_800_000_000_000_000_000
CLASSES = np.array([-1, 1])


@pytest.fixture
def known(root: Path, trained: Any) -> tuple[LoadedModel, np.ndarray, np.ndarray]:
    """A calibrated model whose sets are of rows that it was not fitted on, and rows after those with what came."""
    rng = np.random.default_rng(11)
    X = rng.normal(0, 0.3, (9_000, len(trained.draft.features.names)))
    y = np.where(rng.random(9_000) < 1 / (1 + np.exp(-6 * X[:, 0])), 1, -1)
    fit, hold, test = slice(0, 3_000), slice(3_000, 6_000), slice(6_000, None)
    estimator = model("logistic").fit(X[fit], y[fit], names=trained.draft.features.names)
    raw = estimator.predict_proba(X[hold])
    calibration = Calibration.fit(raw, (y[hold] > 0).astype(int))
    sets = AdaptiveConformal(CLASSES).calibrate(calibration.apply(raw), y[hold])
    registry = ModelRegistry(root, ReplayClock(NOW))
    draft = replace(trained.draft, name="sets", kind="logistic")
    events = trained.events[:8_000]
    registry.save(draft, estimator, X[fit], events, calibration=calibration, conformal=sets)
    return registry.load("sets", "1.0.0"), X[test], y[test]


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
def test_sets_hold_what_comes_as_often_as_promised(known: Any, alpha: float) -> None:
    loaded, X, y = known
    predictor = Predictor(loaded, alpha)
    said = [predictor.predict(1, row) for row in X]
    both = np.array([p.reason == "conformal_both_sides" for p in said])
    right = np.array([p.ok and p.side == side for p, side in zip(said, y, strict=True)])
    # Sets of calibrated probabilities: 3,000 rows on either side leave a standard error of 0.008 at most.
    assert (both | right).mean() == pytest.approx(1 - alpha, abs=0.025)
    assert 0.05 < both.mean() < 0.9
    assert all(np.isfinite(p.direction) for p in said)  # what nobody may act on is still told


def test_an_ambiguous_row_holds(known: Any, root: Path, trained: Any) -> None:
    loaded, X, _ = known
    unsure, sure = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    sure[0] = 0.8
    engine = PredictionEngine(ModelManager(root, ReplayClock(NOW)))
    engine.manager.load_models()
    for row, reason in ((unsure, "conformal_both_sides"), (sure, "")):
        features = dict(zip(loaded.names, row.tolist(), strict=True))
        assert engine.predict(features, model="sets")["reason"] == reason
    loose = {"direction": 0.0, "confidence": 0.0, "magnitude": 0.0, "margin": 0.0, "cost_ticks": 0.0}
    market = MarketState(int(trained.frame.times[-1]), 10_800, 10_801, 10_800)
    for options, wanted in (({}, "conformal_both_sides"), ({"alpha": 0.0}, "model_")):
        strategy = make_strategy(
            "model", folder=str(root / "sets" / "1.0.0"), no_trade_regimes="", **loose, **options
        )
        manifest = FeatureEngine(strategy.features, trained.instrument, clock="1s").manifest.to_json()
        bind_strategy(strategy, trained.instrument, manifest)
        nearly = unsure + 1e-3
        nearly[loaded.names.index("spread_ticks")] = 1.0  # within the range of the guard
        assert strategy.evaluate(np.r_[nearly, 4.0, 30.0, 1.0], market).reason.startswith(wanted)


@pytest.mark.parametrize("odd", [(np.nan, np.nan), (np.inf, -np.inf), (0.5, np.inf)])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_probabilities_that_are_none_lead_to_no_side(
    known: Any, monkeypatch: pytest.MonkeyPatch, odd: tuple[float, float], alpha: float
) -> None:
    loaded, X, _ = known
    monkeypatch.setattr(LoadedModel, "probabilities", lambda *_: odd)
    said = Predictor(loaded, alpha).predict(1, X[0])
    assert (said.reason, said.side, said.ok) == ("not_a_number", 0, False)
    assert np.isnan([said.direction, said.confidence, said.magnitude]).all()


def test_a_model_without_scores_is_served_only_when_asked(root: Path, trained: Any) -> None:
    rows = trained.frame.values[np.isfinite(trained.frame.values).all(axis=1)]
    registry = ModelRegistry(root, ReplayClock(NOW))
    registry.save(replace(trained.draft, name="old"), trained.estimator, rows, trained.events[:8_000])
    old = registry.load("old", "1.0.0")
    assert old.conformal is None
    with pytest.raises(ModelError, match=r"old 1\.0\.0 carries no scores.*alpha=0"):
        Predictor(old)
    with pytest.raises(ModelError, match="carries no scores"):
        make_strategy("model", folder=str(root / "old" / "1.0.0"))
    assert Predictor(old, alpha=0).predict(1, rows[0]).ok


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scores": [0.4, 0.2]}, "not the scores of prediction sets"),
        ({"classes": [0, 1]}, r"of classes \[0, 1\]"),
    ],
)
def test_scores_are_checked_at_load(save: Callable[..., Path], change: dict[str, Any], words: str) -> None:
    """Even where somebody wrote the hashes anew."""
    folder = save(version="1.1.0")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    manifest = ModelManifest.from_bytes(files.pop(MANIFEST))
    files[CONFORMAL] = json.dumps(json.loads(files[CONFORMAL]) | change).encode()
    (folder / CONFORMAL).write_bytes(files[CONFORMAL])
    registry = ModelRegistry(folder.parents[1], ReplayClock(NOW))
    with pytest.raises(ModelError, match=r"hash of conformal\.json"):
        registry.load("wdo_dir", "1.1.0")
    (folder / MANIFEST).write_bytes(manifest.with_files(files).to_bytes())
    with pytest.raises(ModelError, match=words):
        registry.load("wdo_dir", "1.1.0")
