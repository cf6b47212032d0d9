"""Feature rows from replaying events through the streaming engine: the only way rows come about.

Each row carries the greatest exchange time of the events behind it. Some rows of every session are computed a second time
with no later event known: an engine that looks ahead gives another number then.
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

_SEED = 7
"""Of the rows that are checked."""


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

    A second engine of the same kind replays them too, in pieces that end where chosen rows are due. Rows are the same in
    any pieces, so a row that differs was computed from events that come after its decision.

    Parameters
    ----------
    engine : FeatureEngine
        Reset at the start.
    checks : int
        Rows of each part at which a piece ends, drawn from a seed; besides these, the row at which a feature has its
        first value. 0 checks nothing.
    """

    def __init__(self, engine: FeatureEngine, checks: int = 4) -> None:
        self._engine = engine
        self._second = engine.clone() if checks else None
        self._checks = checks
        self._rng = np.random.default_rng(_SEED)
        self._valued = np.zeros(len(engine.names), np.bool_)
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
        self._engine.update_many(events)
        frame, counts = self._engine.take_counted()
        seen = np.concatenate(([self._newest], events["ts_event"]))
        newest = np.maximum.accumulate(seen)
        before = counts - self._applied
        rows = Rows(frame, newest[before])
        if self._second is not None:
            self._require_causal(self._second, events, frame, before)
        self._applied += len(events)
        self._newest = int(newest[-1])
        return rows

    def _require_causal(
        self, second: FeatureEngine, events: Events, frame: FeatureFrame, before: Int64
    ) -> None:
        fed = due = 0
        for k in self._chosen(frame).tolist():
            end = int(before[k])
            second.update_many(events[fed:end])
            fed = end
            due = _require_same(frame, due, second.take())
            if due <= k and end < len(
                events
            ):  # a row of a time clock waits for whatever comes after its time
                second.update_many(_timer(events[end : end + 1]))
                due = _require_same(frame, due, second.take())
            if due <= k:
                raise DataError(
                    f"features look ahead: the row decided at {frame.times[k]} ns is not due when only the events before "
                    "it are known"
                )
        second.update_many(events[fed:])
        if _require_same(frame, due, second.take()) < len(frame):
            raise DataError("features look ahead: some rows are not due when the events come in pieces")

    def _chosen(self, frame: FeatureFrame) -> Int64:
        """Return rows at which a piece ends, ascending: some at random, and the first value of each feature."""
        if not len(frame):
            return np.zeros(0, np.int64)
        drawn = self._rng.integers(0, len(frame), self._checks)
        there = ~np.isnan(frame.values)
        new = there.any(axis=0) & ~self._valued
        self._valued |= new
        return np.unique(np.concatenate((drawn, there[:, new].argmax(axis=0))))


def _require_same(frame: FeatureFrame, begin: int, again: FeatureFrame) -> int:
    """Refuse rows that are not those of ``frame`` from ``begin`` on; returns where they end there."""
    end = begin + len(again)
    times, values = frame.times[begin:end], frame.values[begin:end]
    if not np.array_equal(times, again.times):
        raise DataError(
            f"features look ahead: rows are due at other times when the events come in pieces, from "
            f"{again.times[0]} ns on"
        )
    same = (again.values == values) | (np.isnan(again.values) & np.isnan(values))
    if not same.all():
        k = int(np.flatnonzero(~same.all(axis=1))[0])
        odd = [frame.names[j] for j in np.flatnonzero(~same[k])]
        raise DataError(
            f"features look ahead: from the events before its decision at {times[k]} ns alone, {', '.join(odd[:5])} "
            f"{'is' if len(odd) == 1 else 'are'} another number than with later events there",
            remedy="Leave these out, or correct how they are computed",
        )
    return end


def _timer(event: Events) -> Events:
    """Return an event that says nothing but that the time of another one has come."""
    out = np.zeros(1, EVENT)
    out["kind"] = Kind.TIMER
    for name in ("ts_event", "ts_recv", "sequence", "instrument"):
        out[name] = event[name]
    return out
