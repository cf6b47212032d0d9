"""Feature rows from replaying events through the streaming engine: the only way rows come about.

Each row carries the greatest exchange time of the events behind it. Some rows are computed a second time from
the events before them alone: an engine that looks ahead gives another number then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataError
from quantumtrader.features import FeatureEngine, FeatureManifest
from quantumtrader.types import EVENT, Events, FeatureFrame, Kind

__all__ = ["Replayer", "Rows"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_CHECKED_EVENTS = 200_000
"""Rows that saw more events than this are not recomputed: each check replays all of them."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Feature rows of a stretch of events.

    Parameters
    ----------
    frame : FeatureFrame
        Times are those of the decisions; carries its manifest.
    ts_feature_max : ndarray of int64, shape (n,)
        Greatest ``ts_event`` that a row reflects, ns UTC; never after the decision.
    """

    frame: FeatureFrame
    ts_feature_max: Int64

    def __post_init__(self) -> None:
        require_past(self.frame.times, self.ts_feature_max)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def times(self) -> Int64:
        """Decision times, ns UTC."""
        return self.frame.times

    @property
    def manifest(self) -> FeatureManifest:
        """What the columns are."""
        return FeatureManifest.of_frame(self.frame)


def require_past(decisions: Int64, ts_feature_max: Int64) -> None:
    """Refuse rows that know of events after their decision.

    Raises
    ------
    DataError
        The message gives the first such row and by how much it looks ahead.
    """
    ahead = np.flatnonzero(ts_feature_max > decisions)
    if len(ahead):
        k = int(ahead[0])
        raise DataError(
            f"features look ahead: row {k} decides at {decisions[k]} ns and knows of an event "
            f"{ts_feature_max[k] - decisions[k]} ns later "
            f"({len(ahead)} such rows)",
            remedy="Rows must come from replaying events in order",
        )


class Replayer:
    """Replays parts of a stream through an engine.

    Parameters
    ----------
    engine : FeatureEngine
        Reset at the start.
    checks : int
        Rows of the first part that are computed again from the events before them alone.
    """

    def __init__(self, engine: FeatureEngine, checks: int = 4) -> None:
        self._engine = engine
        self._checks = checks
        self._applied = 0
        self._newest = np.iinfo(np.int64).min
        engine.reset()

    def add(self, events: Events) -> Rows:
        """Return the rows due within the events that follow.

        Raises
        ------
        DataError
            A row knows more than the events before it.
        """
        first = self._applied == 0
        if first and self._checks:
            rows, counts = self._replay(events)
            self._require_causal(events, rows.frame, counts)
            # The check used the engine: bring it back to where it was.
            self._engine.reset()
            self._engine.update_many(events)
            self._engine.take_counted()
            return rows
        return self._replay(events)[0]

    def _replay(self, events: Events) -> tuple[Rows, Int64]:
        self._engine.update_many(events)
        frame, counts = self._engine.take_counted()
        seen = np.concatenate(([self._newest], events["ts_event"]))
        newest = np.maximum.accumulate(seen)
        rows = Rows(frame, newest[counts - self._applied])
        self._applied += len(events)
        self._newest = int(newest[-1])
        return rows, counts

    def _require_causal(self, events: Events, frame: FeatureFrame, counts: Int64) -> None:
        within = np.flatnonzero((counts > 0) & (counts <= _CHECKED_EVENTS))
        if not len(within):
            return
        places = np.unique(np.linspace(0, len(within) - 1, self._checks + 1).astype(np.int64)[1:])
        for k in within[places].tolist():
            self._engine.reset()
            past = events[: counts[k]]
            self._engine.update_many(past)
            self._engine.update_many(_timer(past, int(frame.times[k])))
            again, _ = self._engine.take_counted()
            if len(again) <= k or again.times[k] != frame.times[k]:
                raise DataError(
                    f"features look ahead: row {k} is not due when only the {counts[k]} events before it are known"
                )
            same = (again.values[k] == frame.values[k]) | (
                np.isnan(again.values[k]) & np.isnan(frame.values[k])
            )
            if not same.all():
                odd = [frame.names[j] for j in np.flatnonzero(~same)]
                raise DataError(
                    f"features look ahead: from the {counts[k]} events before row {k} alone, {', '.join(odd[:5])} "
                    f"{'is' if len(odd) == 1 else 'are'} another number than with later events there",
                    remedy="Leave these out, or correct how they are computed",
                )


def _timer(past: Events, decision: int) -> Events:
    """Return an event that says nothing but that the decision's time has passed."""
    out = np.zeros(1, EVENT)
    out["kind"] = Kind.TIMER
    out["ts_event"] = decision + 1
    out["ts_recv"] = max(int(past["ts_recv"][-1]), decision + 1)
    out["sequence"] = int(past["sequence"][-1]) + 1
    out["instrument"] = past["instrument"][-1]
    return out
