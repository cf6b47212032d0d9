"""A recording cut at its session markers: what every fit reads a stream with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from quantumtrader._fallback.features.session import Change, Session
from quantumtrader._protocols import Int64
from quantumtrader.types import Events, Flag, Kind, Phase

__all__ = ["MARKET", "Range", "Segment", "Segments"]

MARKET = (Kind.TRADE, Kind.QUOTE, Kind.LEVEL, Kind.ORDER, Kind.BAR)
"""Kinds that say something of the market; the others are markers."""

_BEGINNING = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Segment:
    """Records between two session markers; a marker is the first record of its segment.

    Parameters
    ----------
    first, last : int
        The records are ``events[first:last]``.
    session : int
        Sessions begun so far; 0 before the first.
    start_ns : int
        When the session began, ns UTC.
    contract : int
        Rolls so far.
    continuous : bool
        Whether this is continuous trading: neither an auction, nor a halt, nor closed.
    begins, closes : bool
        Whether its marker begins a session; whether it ends the one before.
    """

    first: int
    last: int
    session: int
    start_ns: int
    contract: int
    continuous: bool
    begins: bool
    closes: bool


class Segments:
    """Follows the sessions of a stream that comes in parts, by the rules of the feature engine."""

    def __init__(self) -> None:
        self._session = Session()
        self._continuous = False
        self._now = _BEGINNING
        self._number = self._start = self._contract = 0

    def cut(self, events: Events) -> tuple[Int64, list[Segment]]:
        """Cut the next part of the stream.

        Returns
        -------
        now : ndarray of int64, shape (n,)
            Engine time at each record: the greatest ``ts_event`` so far.
        segments : list of Segment
            In order; together all records.
        """
        if not len(events):
            return np.zeros(0, np.int64), []
        now = np.maximum(np.maximum.accumulate(events["ts_event"]), self._now)
        self._now = int(now[-1])
        return now, list(self._cut(events, now))

    def _cut(self, events: Events, now: Int64) -> Iterator[Segment]:
        marks = np.flatnonzero(events["kind"] == Kind.SESSION).tolist()
        edges = [*marks, len(events)] if marks and marks[0] == 0 else [0, *marks, len(events)]
        for first, last in pairwise(edges):
            change = Change(0)
            if events["kind"][first] == Kind.SESSION:
                phase = int(events["action"][first])
                change = self._session.mark(phase)
                if phase in (Phase.OPEN, Phase.RESUME) or (Change.START in change and phase == Phase.ROLL):
                    self._continuous = True
                elif phase != Phase.ROLL:
                    self._continuous = False
            elif not self._session.known:
                change, self._continuous = self._session.first_event(), True
            if Change.ROLL in change:
                self._contract += 1
            if Change.START in change:
                self._start, self._number = int(now[first]), self._number + 1
                self._session.begin(self._start)
            yield Segment(
                first,
                last,
                self._number,
                self._start,
                self._contract,
                self._continuous and self._session.open,
                Change.START in change,
                Change.CLOSE in change,
            )


class Range:
    """First and last time of the events that a fit has seen, and whether any of them is made up."""

    def __init__(self) -> None:
        self.from_ns: int | None = None
        self.to_ns: int | None = None
        self.synthetic = False

    def add(self, events: Events) -> None:
        """Take the next part of the stream."""
        if len(events):
            least, greatest = int(events["ts_event"].min()), int(events["ts_event"].max())
            self.from_ns = least if self.from_ns is None else min(self.from_ns, least)
            self.to_ns = greatest if self.to_ns is None else max(self.to_ns, greatest)
            self.synthetic = self.synthetic or bool((events["flags"] & int(Flag.SYNTHETIC)).any())
