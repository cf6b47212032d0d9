"""Labels of a recording without a training: what would be learned, and how much of it there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataError
from quantumtrader.features import FeatureEngine
from quantumtrader.training.dataset import Dataset, build_dataset, sufficiency_of
from quantumtrader.training.labels import PathBuilder, pace_of
from quantumtrader.training.pipelines.barrier_task import SIGMA, BarrierTask
from quantumtrader.training.pipelines.book_task import BookTask, targets_of
from quantumtrader.training.pipelines.horizon import barrier_horizon_ns, require_prices
from quantumtrader.training.pipelines.label_config import LABELS, LEARNED, READ_BY, LabelConfig
from quantumtrader.training.pipelines.label_rows import label_rows
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.spans import Spans
from quantumtrader.training.weights import average_uniqueness
from quantumtrader.types import Events

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LABELS", "LEARNED", "READ_BY", "LabelConfig", "Labelled", "label_recording"]

_QUANTILES = {"p05": 0.05, "p50": 0.5, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels of a recording; all arrays have shape (n,).

    Parameters
    ----------
    spans : Spans
        From the decision to the last time that the label looks at.
    y : ndarray
        Class (int64), or number (float64).
    columns : dict of str to ndarray
        What else is known of each label; ``docs/guides/training.md`` says what.
    facts : dict
        Counts, shares of the classes or quantiles, effective number, what was dropped and why; of meta-labels whether
        fees are known (``fees_known``), which count as zero where they are not.
    """

    spans: Spans
    y: npt.NDArray[Any]
    columns: Mapping[str, npt.NDArray[Any]]
    facts: dict[str, Any]

    def table(self) -> pa.Table:
        """Return one row per label: ``t0, t1`` (ns UTC), ``session``, ``y``, ``weight`` (average uniqueness), columns."""
        import pyarrow as pa

        return pa.table(
            {
                "t0": self.spans.t0,
                "t1": self.spans.t1,
                "session": self.spans.session.astype("datetime64[D]"),
                "y": self.y,
                "weight": average_uniqueness(self.spans),
                **self.columns,
            }
        )


def label_recording(
    recording: Recording, asked: LabelConfig, advance: Callable[[float], None] = lambda _: None
) -> Labelled:
    """Label a recording.

    Parameters
    ----------
    recording : Recording
        Whole sessions.
    asked : LabelConfig
        Which labels, and how.
    advance : callable
        Called with 1 for each session that was read.

    Raises
    ------
    DataError
        Nothing can be labelled, the horizon is shorter than a bar, there is a gap, or fills are asked of a recording
        without a book.
    """
    survey = recording.survey()
    unit = recording.instrument.ticks_per_exchange_tick
    spread = None if survey.has_touch else asked.spread_ticks * unit
    columns: Mapping[str, npt.NDArray[Any]]
    if asked.label in LEARNED:
        data = _learned(recording, asked, spread, advance)
        trips = data.trips
        columns = {} if trips is None else {"buy_ticks": trips.buy_ticks, "sell_ticks": trips.sell_ticks}
        name, spans, y, measured, dropped = data.label, data.spans, data.y, data.measured_from, data.dropped
    else:
        found = label_rows(recording, asked, spread, advance)
        labels, columns = found.labels, found.columns
        name, spans, y = labels.name, labels.spans, labels.y
        measured, dropped = labels.measured_from, labels.dropped
    if not len(spans):
        raise DataError(f"no decision has a label; dropped: {dict(dropped)}")
    enough = sufficiency_of(spans)
    facts: dict[str, Any] = {
        "label": name,
        "rows": len(spans),
        "n_eff": float(average_uniqueness(spans).sum()),
        "sessions": len(spans.sessions),
        "dropped": dict(dropped),
        "measured_from": dict(measured),
        "mean_span_s": float((spans.t1 - spans.t0).mean() / 1e9),
        "synthetic": survey.synthetic,
        "sufficient": enough.sufficient,
        "reasons": list(enough.reasons),
    }
    if np.issubdtype(y.dtype, np.integer):
        facts["classes"] = {str(c): float((y == c).mean()) for c in np.unique(y)}
    else:
        facts["mean"] = float(y.mean())
        facts["quantiles"] = {q: float(np.quantile(y, at)) for q, at in _QUANTILES.items()}
    for column in ("buy_ticks", "sell_ticks", "net_ticks"):
        if column in columns:
            facts[f"mean_{column}"] = float(np.nanmean(columns[column]))
    if asked.label == "meta":  # the only ones that are net of fees
        facts["fees_known"] = recording.instrument.fee_known
    return Labelled(spans, y, columns, facts)


def _learned(
    recording: Recording, asked: LabelConfig, spread: float | None, advance: Callable[[float], None]
) -> Dataset:
    """Label as the trainings do."""
    survey, instrument = recording.survey(), recording.instrument

    def sessions() -> Iterator[Events]:
        for part in recording.sessions():
            yield part
            advance(1)

    if asked.label in ("side", "touch"):
        horizon = barrier_horizon_ns(asked.horizon_s, survey)
        task = BarrierTask(
            asked.barrier_atr,
            asked.least_ticks * instrument.ticks_per_exchange_tick,
            horizon,
            asked.latency,
            int(asked.every_s * 1e9) or horizon // 4,
            asked.label,
        )
        clock = asked.clock or ("bar" if survey.has_bars else "1m")
        engine = FeatureEngine([SIGMA], instrument, clock=clock, day=survey.first_date)
        return build_dataset(
            sessions(),
            engine,
            task.label,
            payer=task.pay,
            spread_ticks=spread,
            gaps=asked.gaps,
            usable=False,
        )
    first = next(recording.sessions(survey.days[:1]))
    pace = pace_of(PathBuilder(instrument, spread).add(first))
    if asked.horizon_s:
        pace = type(pace)(asked.horizon_s * 1e9, pace.spread_ticks)
    (target,) = targets_of((asked.label,), pace)
    require_prices(target.horizon_ns, survey)
    beat = int(asked.every_s * 1e9) or max(100_000_000, int(pace.tau_ns / 2))
    book = BookTask((target,), beat, asked.latency, -(1 << 62), 1 << 62)
    engine = FeatureEngine(["mid_return_1s"], instrument, clock=asked.clock or "event", day=survey.first_date)
    found = build_dataset(sessions(), engine, book.label, spread_ticks=spread, gaps=asked.gaps, usable=False)
    return book.dataset(target, found, recording.gap_sessions())
