"""A tick model and a book model of a synthetic session, for the strategy ``hybrid``: they prove code paths only."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader import FeatureEngine, _backend
from quantumtrader.clock import ReplayClock
from quantumtrader.data.contracts import instrument
from quantumtrader.features.manifest import FeatureManifest
from quantumtrader.models import model
from quantumtrader.models.conformal import AdaptiveConformal
from quantumtrader.models.manifest import Evidence, ModelManifest
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.types import Events

BARS = ("ret_5", "ret_1", "bar_range")
ROWS = ("ret_1", "book_imbalance_1", "mid_return_1s")
"""Both models read ``ret_1``, at different places."""

LOOSE: dict[str, Any] = {
    "direction": 0.0, "confidence": 0.0, "settle_s": 0.0, "margin": 0.0, "cost_ticks": 0.0, "max_spread_ticks": 9,
    "entry": 0.05, "exit": 0.05, "cooldown_s": 4.5, "min_stop_points": 4.0, "risk_reward": 1.5, "hold_s": 120.0,
    "no_trade_regimes": "", "alpha": 0.0,
}  # fmt: skip
"""Parameters with which these models trade often: by stop, target, time, and by the book. The pause between trades ends
between two rows, so that a latency more or less in the end of a trade changes no decision."""

_MINUTE = 60 * 10**9
_EVIDENCE = Evidence(
    "dsr", paths=9, paths_beaten=8, net_at_1_5_cost=120.0, dsr=0.97, pbo=0.05, placebos_clean=True, parity_clean=True,
    expected_low=-5.0, expected_high=10.0,
)  # fmt: skip


@cache
def session() -> Events:
    """What both models are trained on: 90 minutes of 2025-08-04, which is the day of generated sessions."""
    events: Events = _backend.core().generate_session(seed=5, duration_ns=90 * _MINUTE)
    return events


def hybrid_models(root: Path) -> dict[str, str]:
    """Train both models into a folder; returns the parameters ``tick`` and ``book`` of the strategy."""
    return {
        "tick": str(_save(root, "wdo_tick", BARS, "bar", ahead=2)),
        "book": str(_save(root, "wdo_book", ROWS, "1s", ahead=5)),
    }


def _save(root: Path, name: str, names: tuple[str, ...], clock: str, ahead: int) -> Path:
    wdo, events = instrument("WDOU25"), session()
    frame = FeatureEngine((*names, "vwap_distance"), wdo, clock=clock).run(events)
    level = frame["vwap_distance"]
    moved = np.r_[level[ahead:] - level[:-ahead], np.full(ahead, np.nan)]
    own = frame.values[:, : len(names)]
    keep = np.isfinite(own).all(axis=1) & np.isfinite(moved) & (moved != 0)
    rows, labels = own[keep], np.where(moved[keep] > 0, 1, -1)
    trees = model("lightgbm", trees=8, leaves=4, learning_rate=0.3, min_leaf=5, threads=1).fit(
        rows, labels, names=names
    )
    draft = ModelManifest(
        name=name,
        version="1.0.0",
        kind="lightgbm",
        created_ns=int(frame.times[-1]),
        features=FeatureManifest.of_frame(FeatureEngine(names, wdo, clock=clock).run(events[:8_000])),
        classes=(-1, 1),
        instrument={"symbol": "WDOU25", "product": "WDO", "tick_size": 0.5, "point_value": 10.0},
        data={
            "from_ns": int(frame.times[0]),
            "to_ns": int(frame.times[-1]),
            "rows": len(rows),
            "sha256": "0" * 64,
            "synthetic": True,
        },
        label={"id": "y_dir", "horizon_s": 10.0, "move": 0.0004},
        evidence=_EVIDENCE,
        limits={"valid_until_ns": int(frame.times[-1]) + 1440 * _MINUTE, "max_psi": 0.25},
        may_be_missing=(),
    )
    clock_now = ReplayClock()
    clock_now.advance(int(frame.times[-1]))
    report = f"# {name}: synthetic\n"
    sets = AdaptiveConformal(np.array([-1, 1])).calibrate(trees.predict_proba(rows), labels)
    return ModelRegistry(root, clock_now).save(
        draft, trees, rows, events[:8_000], conformal=sets, report=report
    )
