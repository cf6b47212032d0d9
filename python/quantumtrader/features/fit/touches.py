"""Consecutive touches of a recording, as the feature engine sees them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader._protocols import BookProtocol, Int64
from quantumtrader.features.fit.segments import Segments
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase

__all__ = ["TouchPairs", "Touches"]

_MORE, _IMAGE = int(Flag.MORE), int(Flag.SNAPSHOT)
_NO_TOUCH = (PX_NONE, 0, PX_NONE, 0)


class TouchPairs(NamedTuple):
    """Touches that follow one another, each pair a touch and the next other one.

    Parameters
    ----------
    before, after : ndarray of int64, shape (n, 4)
        Bid price, bid size, ask price, ask size; two-sided, uncrossed, sizes known.
    ts : ndarray of int64, shape (n,)
        When ``after`` came, ns UTC.
    session : ndarray of int64, shape (n,)
        Number of the session, from 1.
    """

    before: Int64
    after: Int64
    ts: Int64
    session: Int64


class Touches:
    """Finds pairs of consecutive touches in a stream that comes in parts.

    The touch is that of the book once the stream has a book record, before that of the quotes, and read at packet
    ends. A pair lies within continuous trading of one session; a gap, an image or a clear of the book, a missing
    side, a crossed touch and unknown sizes end the chain.
    """

    def __init__(self) -> None:
        self._segments = Segments()
        self._book: BookProtocol | None = None
        self._kind = 0
        self._gap: Events | None = None
        self._quote = _NO_TOUCH
        self._chain = 0
        self._last: Int64 | None = None
        """Touch, chain, whether it is good, and the segment it came in, at the last packet end."""
        self._count = 0

    def add(self, events: Events) -> TouchPairs:
        """Return the pairs that end in the next part of the stream."""
        now, segments = self._segments.cut(events)
        touch = np.empty((len(events), 4), np.int64)
        breaks = np.zeros(len(events), bool)
        switch = self._switch(events)
        self._quotes(events[:switch], touch[:switch])
        if switch < len(events):
            self._levels(events[switch:], touch[switch:], breaks[switch:])
        breaks |= events["kind"] == Kind.GAP
        continuous = np.zeros(len(events), bool)
        session, part = np.zeros(len(events), np.int64), np.zeros(len(events), np.int64)
        for segment in segments:
            here = slice(segment.first, segment.last)
            continuous[here], session[here] = segment.continuous, segment.session
            # The first segment of a part goes on from the part before, unless a marker begins it.
            self._count += segment.first > 0 or bool(events["kind"][0] == Kind.SESSION)
            part[here] = self._count
        chain = self._chain + np.cumsum(breaks)
        self._chain = int(chain[-1]) if len(chain) else self._chain
        ends = np.flatnonzero(events["flags"] & _MORE == 0)
        good = continuous & (touch[:, 0] != PX_NONE) & (touch[:, 2] != PX_NONE)
        good &= (touch[:, 0] < touch[:, 2]) & (touch[:, 1] > 0) & (touch[:, 3] > 0)
        rows = np.column_stack((touch, chain, good, part))[ends]
        return self._pairs(rows, now[ends], session[ends])

    def _switch(self, events: Events) -> int:
        """Where the book takes over from the quotes in this part."""
        if self._book is not None:
            return 0
        found = np.flatnonzero((events["kind"] == Kind.LEVEL) | (events["kind"] == Kind.ORDER))
        return int(found[0]) if len(found) else len(events)

    def _quotes(self, events: Events, out: Int64) -> None:
        if not len(events):
            return
        gap, quote = events["kind"] == Kind.GAP, events["kind"] == Kind.QUOTE
        if gap.any():
            self._gap = events[gap][-1:]
        given = np.empty((len(events) + 1, 4), np.int64)
        given[0] = self._quote
        for k, name in enumerate(("px", "size", "px_ask", "size_ask")):
            given[1:, k] = events[name]
        given[1:][gap] = _NO_TOUCH
        # A roll empties the touch as well.
        roll = (events["kind"] == Kind.SESSION) & (events["action"] == Phase.ROLL)
        given[1:][roll] = _NO_TOUCH
        source = np.maximum.accumulate(np.where(gap | quote | roll, np.arange(1, len(events) + 1), 0))
        out[:] = given[source]
        self._quote = tuple(out[-1].tolist())

    def _levels(self, events: Events, out: Int64, breaks: npt.NDArray[np.bool_]) -> None:
        if self._book is None:
            self._kind = int(events["kind"][0])
            engine = _backend.core()
            self._book = engine.L2Book() if self._kind == Kind.LEVEL else engine.OrderBook()
            breaks[0] = True
            if self._gap is not None:
                self._book.update_many(self._gap)
        best = self._book.best_after_each(np.ascontiguousarray(events, EVENT))
        out[:] = np.column_stack(best)
        voids = np.isin(events["action"], (Action.CLEAR, Action.SNAPSHOT_BEGIN))
        breaks |= (events["kind"] == self._kind) & (voids | (events["flags"] & _IMAGE != 0))

    def _pairs(self, rows: Int64, now: Int64, session: Int64) -> TouchPairs:
        """Return the pairs among packet ends: touch, chain, whether good, segment."""
        if self._last is not None:
            rows = np.vstack((self._last, rows))
            now, session = np.concatenate(([0], now)), np.concatenate(([0], session))
        if not len(rows):
            return TouchPairs(rows[:, :4], rows[:, :4], now, session)
        here = rows[:, 6].copy()
        changed = np.concatenate(([True], (rows[1:, :4] != rows[:-1, :4]).any(axis=1)))
        # A touch left over from before a marker is no beginning: what came in between is not known.
        rows[:, 6] = here[np.maximum.accumulate(np.where(changed, np.arange(len(rows)), 0))]
        self._last = rows[-1]
        k = np.flatnonzero(
            changed[1:]
            & (rows[1:, 4] == rows[:-1, 4])
            & (rows[1:, 5] & rows[:-1, 5] == 1)
            & (rows[:-1, 6] == here[1:])
        )
        return TouchPairs(rows[k, :4], rows[k + 1, :4], now[k + 1], session[k + 1])
