"""The book after every packet, as arrays: what the published forms are measured on.

This is written with whole arrays and knows nothing of the feature engines, so that it is a second opinion on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from quantumtrader import _backend
from quantumtrader._protocols import Float64, Int64
from quantumtrader.exceptions import EmptyDataError
from quantumtrader.types import PX_NONE, Events, Flag, Kind

CHUNK = 50_000
"""Events whose levels are held at once."""

NO_BID, NO_ASK = -(1 << 40), 1 << 40


@dataclass(frozen=True, slots=True)
class BookStates:
    """What changed from packet to packet.

    Parameters
    ----------
    times : ndarray of int64, shape (n,)
        Engine time of each packet that left a good two-sided touch, ns.
    mid2 : ndarray of int64, shape (n,)
        Twice the mid, ticks.
    bid_sz, ask_sz : ndarray of int64, shape (n,)
        Contracts at the touch.
    flow : ndarray of int64, shape (n, levels)
        e_n of each level against the packet before (Cont, Kukanov and Stoikov, 2014); 0 where there was no good
        packet to compare with.
    changed : ndarray of bool, shape (n,)
        Whether the touch differs from that of the packet before.
    lost : ndarray of int64
        Times of packets that left no good touch, ns.
    """

    times: Int64
    mid2: Int64
    bid_sz: Int64
    ask_sz: Int64
    flow: Int64
    changed: np.ndarray
    lost: Int64

    @property
    def levels(self) -> int:
        """Levels that the flow is known for."""
        return int(self.flow.shape[1])

    def mid2_at(self, t: Int64) -> Float64:
        """Return twice the mid in force at times ``t``; NaN before the first packet and while there is none."""
        k = np.searchsorted(self.times, t, side="right") - 1
        out = np.where(k >= 0, self.mid2[np.maximum(k, 0)], np.nan)
        if len(self.lost):
            j = np.searchsorted(self.lost, t, side="right") - 1
            gone = (j >= 0) & ((k < 0) | (self.lost[np.maximum(j, 0)] > self.times[np.maximum(k, 0)]))
            out[gone] = np.nan
        return out


def book_states(events: Events, levels: int = 10) -> BookStates:
    """Read the book after every packet.

    Parameters
    ----------
    events : Events
        One stream, sorted.
    levels : int
        Levels to compare; a stream of quotes has one.

    Raises
    ------
    EmptyDataError
        If no packet leaves a good touch.
    """
    times = np.maximum.accumulate(events["ts_event"])
    parts = list(_packets(events, times, levels))
    if not any(len(part.times) for part in parts):
        raise EmptyDataError("measuring published forms: no event of the stream gives a two-sided touch")
    return BookStates(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("times", "mid2", "bid_sz", "ask_sz", "flow", "changed", "lost")
        )
    )


def _packets(events: Events, times: Int64, levels: int) -> Iterator[BookStates]:
    kinds = events["kind"]
    book_kind = next((k for k in kinds.tolist() if k in (Kind.LEVEL, Kind.ORDER)), None)
    core = _backend.core()
    book = None if book_kind is None else core.L2Book() if book_kind == Kind.LEVEL else core.OrderBook()
    before: tuple[Int64, ...] | None = None
    for first in range(0, len(events), CHUNK):
        part = events[first : first + CHUNK]
        if book is None:
            mine = (part["kind"] == Kind.QUOTE) | (part["kind"] == Kind.GAP)
            columns = (part["px"], part["size"], part["px_ask"], part["size_ask"])
            sides = [
                np.where(part["kind"] == Kind.GAP, fill, c)[:, None]
                for c, fill in zip(columns, (PX_NONE, 0, PX_NONE, 0), strict=True)
            ]
        else:
            mine = (part["kind"] == book_kind) | (part["kind"] == Kind.GAP) | (part["kind"] == Kind.SESSION)
            sides = list(book.depth_after_each(np.ascontiguousarray(part), levels))
        keep = mine & ((part["flags"] & Flag.MORE) == 0)
        if not keep.any():
            continue
        bid_px, bid_sz, ask_px, ask_sz = (np.asarray(side)[keep].astype(np.int64) for side in sides)
        bid_px[bid_px == PX_NONE] = NO_BID
        ask_px[ask_px == PX_NONE] = NO_ASK
        at = times[first : first + CHUNK][keep]
        voids = (part["flags"][keep] & Flag.SNAPSHOT) != 0
        if before is not None:
            bid_px, bid_sz, ask_px, ask_sz, at, voids = (
                np.concatenate([old, new])
                for old, new in zip(before, (bid_px, bid_sz, ask_px, ask_sz, at, voids), strict=True)
            )
        good = (bid_px[:, 0] > NO_BID) & (ask_px[:, 0] < NO_ASK) & (bid_px[:, 0] < ask_px[:, 0])
        chained = good[1:] & good[:-1] & ~voids[1:]
        flow = np.where(chained[:, None], _order_flow(bid_px, bid_sz, ask_px, ask_sz), 0)
        same = [(x[1:, 0] == x[:-1, 0]) for x in (bid_px, bid_sz, ask_px, ask_sz)]
        changed = chained & ~np.logical_and.reduce(same)
        skip = 0 if before is None else 1
        # Without a packet before it the first one has no flow.
        flow = flow if skip else np.concatenate([np.zeros((1, flow.shape[1]), np.int64), flow])
        changed = changed if skip else np.concatenate([[False], changed])
        ok = good[skip:]
        mid2 = (bid_px[:, 0] + ask_px[:, 0])[skip:]
        yield BookStates(
            at[skip:][ok],
            mid2[ok],
            bid_sz[skip:, 0][ok],
            ask_sz[skip:, 0][ok],
            flow[ok],
            changed[ok],
            at[skip:][~ok],
        )
        before = tuple(x[-1:] for x in (bid_px, bid_sz, ask_px, ask_sz, at, voids))


def _order_flow(bid_px: Int64, bid_sz: Int64, ask_px: Int64, ask_sz: Int64) -> Int64:
    """e_n of every level between consecutive rows, shape (n − 1, levels)."""
    bid = bid_sz[1:] * (bid_px[1:] >= bid_px[:-1]) - bid_sz[:-1] * (bid_px[1:] <= bid_px[:-1])
    ask = ask_sz[1:] * (ask_px[1:] <= ask_px[:-1]) - ask_sz[:-1] * (ask_px[1:] >= ask_px[:-1])
    return np.asarray(bid - ask, np.int64)
