"""Time that counts only while there are sessions: what blocks of a few sessions are cut in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.types import Events, Kind, Phase

__all__ = ["TradingTime"]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TradingTime:
    """Sessions laid end to end.

    Parameters
    ----------
    begins, ends : ndarray of int64, shape (sessions,)
        Opening and close of each, ns UTC, ascending.
    """

    begins: Int64
    ends: Int64

    @classmethod
    def of(cls, recording: Recording) -> TradingTime:
        """Measure a recording."""
        bounds = [_bounds(part) for part in recording.sessions()]
        return cls(*(np.array(column, np.int64) for column in zip(*bounds, strict=True)))

    @property
    def total(self) -> int:
        """Length of all sessions, ns."""
        return int((self.ends - self.begins).sum())

    def elapsed(self, times: Int64) -> Int64:
        """Return the time traded until each time, ns."""
        before = np.concatenate(([0], np.cumsum(self.ends - self.begins)))
        k = np.maximum(np.searchsorted(self.begins, times, "right") - 1, 0)
        inside = np.clip(times - self.begins[k], 0, self.ends[k] - self.begins[k])
        return np.asarray(before[k] + inside)

    def at(self, elapsed: int) -> int:
        """Return the time at which so much was traded, ns UTC."""
        before = np.concatenate(([0], np.cumsum(self.ends - self.begins)))
        k = min(int(np.searchsorted(before, elapsed, "right")) - 1, len(self.begins) - 1)
        return int(self.begins[k] + elapsed - before[k])


def _bounds(part: Events) -> tuple[int, int]:
    """From the opening to the close, as far as the recording goes: it may begin late and end early."""
    marks = part[part["kind"] == Kind.SESSION]
    market = part["ts_event"][part["kind"] != Kind.SESSION]
    if not len(market):
        return int(part["ts_event"].min()), int(part["ts_event"].min())
    opened, closed = (marks["ts_event"][marks["action"] == phase] for phase in (Phase.OPEN, Phase.CLOSED))
    begin, end = int(market.min()), int(market.max())
    if len(opened):
        begin = max(begin, int(opened.min()))
    after = closed[closed > begin]
    if len(after):
        end = min(end, int(after.max()))
    return begin, max(begin, end)
