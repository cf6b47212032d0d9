"""One small model, trained on a synthetic session: it proves code paths and nothing about a market."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from quantumtrader import FeatureEngine, _backend
from quantumtrader.data.contracts import instrument
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.models import model
from quantumtrader.models.base import Model
from quantumtrader.models.conformal import AdaptiveConformal
from quantumtrader.models.manifest import Evidence, ModelManifest
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.types import Events, FeatureFrame, Instrument

NAMES = (
    "flow_ofi_1m",
    "book_ofi_norm_1m",
    "spread_ticks",
    "book_imbalance_1",
    "delta_1m",
    "cvd_session",
    "ret_1",
    "vwap_distance",
)
NOW = 1_800_000_000_000_000_000
DAY = 86_400_000_000_000
GOOD = Evidence(
    "dsr",
    paths=9,
    paths_beaten=8,
    net_at_1_5_cost=120.0,
    dsr=0.97,
    pbo=0.05,
    placebos_clean=True,
    parity_clean=True,
    expected_low=-5.0,
    expected_high=10.0,
)


class FixedClock:
    """A clock that stands where the test puts it."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def now_ns(self) -> int:
        return self.now


@dataclass(frozen=True)
class Trained:
    """What the tests start from."""

    instrument: Instrument
    events: Events
    frame: FeatureFrame
    estimator: Model
    draft: ModelManifest
    template: Path


def make_draft(frame: FeatureFrame, wdo: Instrument, **changes: object) -> ModelManifest:
    draft = ModelManifest(
        name="wdo_dir",
        version="1.0.0",
        kind="lightgbm",
        created_ns=NOW - DAY,
        features=FeatureManifest.of_frame(frame),
        classes=(-1, 1),
        instrument={
            "symbol": wdo.symbol,
            "product": wdo.product,
            "tick_size": wdo.tick_size,
            "point_value": wdo.point_value,
        },
        data={
            "from_ns": int(frame.times[0]),
            "to_ns": int(frame.times[-1]),
            "rows": len(frame),
            "sha256": "0" * 64,
            "synthetic": False,
        },
        label={"id": "y_dir", "horizon_s": 30.0, "move": 0.0004, "barrier_ticks": 6},
        evidence=GOOD,
        limits={"valid_until_ns": NOW + 10 * DAY, "max_psi": 0.25},
        may_be_missing=(),
    )
    return replace(draft, **changes)  # type: ignore[arg-type]


def rows_and_labels(frame: FeatureFrame) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    ahead = 30
    vwap = frame["vwap_distance"]
    moved = np.r_[vwap[ahead:] - vwap[:-ahead], np.full(ahead, np.nan)]
    keep = np.isfinite(frame.values).all(axis=1) & np.isfinite(moved) & (moved != 0)
    return frame.values[keep], np.where(moved[keep] > 0, 1, -1)


def sets_of(
    estimator: Model, rows: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> AdaptiveConformal:
    """Prediction sets, calibrated on the rows that were fitted: for tests that are not about coverage."""
    return AdaptiveConformal(np.asarray(estimator.classes_)).calibrate(estimator.predict_proba(rows), labels)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    pytest.importorskip("lightgbm", reason="the models need the ml extra")
    wdo = instrument("WDOU25")
    events = _backend.core().generate_session(seed=5, duration_ns=90 * 60_000_000_000)
    frame = FeatureEngine(NAMES, wdo, clock="1s").run(events)
    rows, labels = rows_and_labels(frame)
    estimator = model("lightgbm", trees=12, leaves=7, threads=1).fit(rows, labels, names=NAMES)
    draft = make_draft(frame, wdo)
    root = tmp_path_factory.mktemp("template") / "models"
    ModelRegistry(root, FixedClock()).save(
        draft,
        estimator,
        rows,
        events[:8_000],
        conformal=sets_of(estimator, rows, labels),
        report="# synthetic\n",
    )
    return Trained(wdo, events, frame, estimator, draft, root)


@pytest.fixture
def root(trained: Trained, tmp_path: Path) -> Path:
    """A folder of models with ``wdo_dir 1.0.0`` in it, of this test alone."""
    return Path(shutil.copytree(trained.template, tmp_path / "models"))


@pytest.fixture
def save(trained: Trained, root: Path) -> Callable[..., Path]:
    """Write a further version, or another model, with changes to the draft."""

    def write(**changes: object) -> Path:
        draft = replace(trained.draft, **changes)  # type: ignore[arg-type]
        rows, labels = rows_and_labels(trained.frame)
        sets = sets_of(trained.estimator, rows, labels)
        return ModelRegistry(root, FixedClock()).save(
            draft, trained.estimator, rows, trained.events[:8_000], conformal=sets
        )

    return write
