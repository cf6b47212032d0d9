"""Labels of a recording without a training: what would be learned, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.features import FeatureEngine
from quantumtrader.training.dataset import Dataset, build_dataset
from quantumtrader.training.labels import Latency, PathBuilder, pace_of
from quantumtrader.training.pipelines.barrier_task import SIGMA, BarrierTask
from quantumtrader.training.pipelines.book_task import TARGETS, BookTask, targets_of
from quantumtrader.training.pipelines.horizon import barrier_horizon_ns, require_prices
from quantumtrader.training.pipelines.recording import Recording

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LABELS", "Labelled", "label_recording"]

LABELS = ("side", "touch", *TARGETS)
"""Barrier labels (see ``BarrierTask``), and the book's targets."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels of a recording.

    Parameters
    ----------
    data : Dataset
        Labels, spans and results; its features are those that the label needed.
    facts : dict
        Counts, shares of the classes, effective number, what was dropped and why.
    """

    data: Dataset
    facts: dict[str, Any]

    def table(self) -> pa.Table:
        """Return one row per label: ``t0, t1`` (ns UTC), ``session``, ``y``, and what trading it would have brought."""
        import pyarrow as pa

        data = self.data
        columns: dict[str, Any] = {
            "t0": data.spans.t0,
            "t1": data.spans.t1,
            "session": data.spans.session.astype("datetime64[D]"),
            "y": data.y,
        }
        if data.trips is not None:
            columns |= {"buy_ticks": data.trips.buy_ticks, "sell_ticks": data.trips.sell_ticks}
        return pa.table(columns)


def label_recording(
    recording: Recording,
    label: str,
    *,
    clock: str = "",
    horizon_s: float = 0.0,
    every_s: float = 0.0,
    barrier_atr: float = 2.0,
    least_ticks: float = 4.0,
    spread_ticks: float = 1.0,
    latency_ms: float = 200.0,
    gaps: str = "refuse",
) -> Labelled:
    """Label a recording; arguments are those of the trainings.

    Raises
    ------
    ConfigError
        The label is not known.
    DataError
        Nothing can be labelled, or the horizon is shorter than a bar.
    """
    if label not in LABELS:
        raise ConfigError(f"no label {label!r}; there are {', '.join(LABELS)}")
    survey, instrument = recording.survey(), recording.instrument
    unit = instrument.ticks_per_exchange_tick
    latency = Latency((int(latency_ms * 1e6),))
    spread = None if survey.has_touch else spread_ticks * unit
    if label in ("side", "touch"):
        horizon = barrier_horizon_ns(horizon_s, survey)
        every = int(every_s * 1e9) or horizon // 4
        task = BarrierTask(barrier_atr, least_ticks * unit, horizon, latency, every, label)
        engine = FeatureEngine([SIGMA], instrument, clock=clock or ("bar" if survey.has_bars else "1m"))
        data = build_dataset(
            recording.sessions(),
            engine,
            task.label,
            payer=task.pay,
            spread_ticks=spread,
            gaps=gaps,
            usable=False,
        )
    else:
        first = next(recording.sessions(survey.days[:1]))
        pace = pace_of(PathBuilder(instrument, spread).add(first))
        if horizon_s:
            pace = type(pace)(horizon_s * 1e9, pace.spread_ticks)
        (target,) = targets_of((label,), pace)
        require_prices(target.horizon_ns, survey)
        beat = int(every_s * 1e9) or max(100_000_000, int(pace.tau_ns / 2))
        book = BookTask((target,), beat, latency, -(1 << 62), 1 << 62)
        engine = FeatureEngine(["mid_return_1s"], instrument, clock=clock or "event")
        found = build_dataset(
            recording.sessions(), engine, book.label, spread_ticks=spread, gaps=gaps, usable=False
        )
        data = book.dataset(target, found, recording.gap_sessions())
    if not len(data):
        raise DataError(f"no decision has a label; dropped: {dict(data.dropped)}")
    classes = data.classes
    facts = {
        "label": data.label,
        "rows": len(data),
        "n_eff": data.n_eff,
        "sessions": len(data.spans.sessions),
        "classes": {str(c): float((data.y == c).mean()) for c in classes},
        "dropped": dict(data.dropped),
        "measured_from": dict(data.measured_from),
        "mean_span_s": float((data.spans.t1 - data.spans.t0).mean() / 1e9),
        "synthetic": survey.synthetic,
        "sufficient": data.sufficiency().sufficient,
        "reasons": list(data.sufficiency().reasons),
    }
    if data.trips is not None:
        facts["mean_buy_ticks"] = float(np.nanmean(data.trips.buy_ticks))
        facts["mean_sell_ticks"] = float(np.nanmean(data.trips.sell_ticks))
    return Labelled(data, facts)
