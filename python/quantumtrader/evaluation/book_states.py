"""The book after every packet, as arrays: what the published forms are measured on.

This is written with whole arrays and shares no code with the feature engines, so that it is a second opinion on
them. The rules are theirs (``docs/concepts/feature-engine.md``, *Touch*): quotes give the touch until the first book
record; a packet counts after its last record; what a book image shows is no flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader._protocols import BookProtocol, Int64
from quantumtrader.types import PX_NONE, Action, Events, Flag, Kind, Phase

Bool = npt.NDArray[np.bool_]

CHUNK = 50_000
"""Events whose levels are held at once."""

NO_BID, NO_ASK = -(1 << 40), 1 << 40


@dataclass(frozen=True, slots=True)
class Packets:
    """Packets that may have left another book, in stream order.

    Parameters
    ----------
    index : ndarray of int64, shape (n,)
        Place in the stream of each packet's last record.
    times : ndarray of int64, shape (n,)
        Engine time at that record: the greatest ``ts_event`` so far, ns.
    mid2 : ndarray of int64, shape (n,)
        Twice the mid, ticks; only meaningful where ``two_sided``.
    bid_sz, ask_sz : ndarray of int64, shape (n,)
        Contracts at the touch; 0 on a side that is missing or whose size is not known.
    flow : ndarray of int64, shape (n, levels)
        e_n of each occupied level against the packet before (Cont, Kukanov and Stoikov, 2014, equation 4); 0 where
        not ``chained``.
    two_sided : ndarray of bool, shape (n,)
        Whether there is a mid: both sides known, bid below ask.
    chained : ndarray of bool, shape (n,)
        Whether the flow is measured: this touch and the one before are good and have sizes, and no gap, clear,
        image or roll lies between them.
    changed : ndarray of bool, shape (n,)
        Touch updates: chained, and the touch differs from the one before.
    """

    index: Int64
    times: Int64
    mid2: Int64
    bid_sz: Int64
    ask_sz: Int64
    flow: Int64
    two_sided: Bool
    chained: Bool
    changed: Bool

    def without_levels(self, keep: Bool) -> Packets:
        """Return some of the packets, with no level of flow."""
        return self._taken(keep, self.flow[keep][:, :0])

    def since(self, first: int) -> Packets:
        """Return the packets from one on."""
        return self._taken(slice(first, None), self.flow[first:])

    def _taken(self, keep: Bool | slice, flow: Int64) -> Packets:
        return Packets(
            self.index[keep],
            self.times[keep],
            self.mid2[keep],
            self.bid_sz[keep],
            self.ask_sz[keep],
            flow,
            self.two_sided[keep],
            self.chained[keep],
            self.changed[keep],
        )


@dataclass(frozen=True, slots=True)
class _Ladders:
    """Levels at packet ends, shape (n, levels) each, and whether something voided what was displayed before."""

    index: Int64
    bid_px: Int64
    bid_sz: Int64
    ask_px: Int64
    ask_sz: Int64
    void: Bool

    def after(self, before: _Ladders | None) -> _Ladders:
        """Put the last row of ``before`` in front."""
        if before is None:
            return self
        return _Ladders(
            *(np.concatenate([getattr(before, f)[-1:], getattr(self, f)]) for f in _Ladders.__slots__)
        )


def book_packets(events: Events, levels: int = 10, breaks: Int64 | None = None) -> Iterator[Packets]:
    """Read the book after every packet, in parts: levels of one part only are in memory.

    Parameters
    ----------
    events : Events
        One stream, in order.
    levels : int
        Levels to compare; in a stream of quotes there is one.
    breaks : ndarray of int64, optional
        Places in the stream before which a packet is not compared with an earlier one.

    Yields
    ------
    Packets
        None for a stream without quotes and book records.
    """
    times = np.maximum.accumulate(events["ts_event"])
    before: _Ladders | None = None
    for part in _ladders(events, levels):
        if len(part.index) == 0:
            continue
        rows = part.after(before)
        skip = 0 if before is None else 1
        before = part
        first = rows.bid_px[:, 0], rows.bid_sz[:, 0], rows.ask_px[:, 0], rows.ask_sz[:, 0]
        bid_px, bid_sz, ask_px, ask_sz = first
        no_bid, no_ask = bid_px == NO_BID, ask_px == NO_ASK
        good = bid_px < ask_px
        usable = good & ((bid_sz > 0) | no_bid) & ((ask_sz > 0) | no_ask)
        # The very first packet is compared with nothing.
        chained = np.zeros(len(usable), bool)
        chained[1:] = usable[1:] & usable[:-1] & ~rows.void[1:]
        if breaks is not None:
            stretch = np.searchsorted(breaks, rows.index, side="right")
            chained[1:] &= stretch[1:] == stretch[:-1]
        flow = np.zeros(rows.bid_px.shape, np.int64)
        flow[1:] = np.where(chained[1:, None], _order_flow(rows), 0)
        changed = chained.copy()
        changed[1:] &= ~np.logical_and.reduce([x[1:] == x[:-1] for x in first])
        two_sided = good & ~no_bid & ~no_ask
        packets = Packets(
            rows.index, times[rows.index], bid_px + ask_px, bid_sz, ask_sz, flow, two_sided, chained, changed
        )
        yield packets.since(skip)


def _ladders(events: Events, levels: int) -> Iterator[_Ladders]:
    """Levels after every packet that has a quote, a book record, a gap or a roll in it."""
    kind, flags = events["kind"], events["flags"]
    # A packet that the stream does not end is never shown.
    ends = np.flatnonzero((flags & Flag.MORE) == 0)
    is_book = (kind == Kind.LEVEL) | (kind == Kind.ORDER)
    if not is_book.any():
        yield from _quotes(events, ends, 1)
        return
    first = int(np.argmax(is_book))
    earlier = ends[: np.searchsorted(ends, first)]
    if (kind[:first] == Kind.QUOTE).any():
        yield from _quotes(events, earlier, levels)
    core = _backend.core()
    book: BookProtocol = core.L2Book() if kind[first] == Kind.LEVEL else core.OrderBook()
    start = int(earlier[-1]) + 1 if len(earlier) else 0
    book.update_many(np.ascontiguousarray(events[:start]))
    ends = ends[len(earlier) :]
    switched = True
    while len(ends):
        # As many whole packets as fit, at least one.
        n = max(1, int(np.searchsorted(ends, start + CHUNK)))
        stop = int(ends[n - 1]) + 1
        part = np.ascontiguousarray(events[start:stop])
        rows = _levels(book, part, start, ends[:n], int(kind[first]), levels)
        if switched:  # what the book shows first is no flow against the quotes before it
            rows.void[0] = True
            switched = False
        yield rows
        start, ends = stop, ends[n:]


def _levels(
    book: BookProtocol, part: Events, start: int, ends: Int64, book_kind: int, levels: int
) -> _Ladders:
    """Levels after the packets of a part of the stream that begins at ``start`` and ends with a packet."""
    mine = part["kind"] == book_kind
    action, image = part["action"], (part["flags"] & Flag.SNAPSHOT) != 0
    void = _interrupts(part)
    void |= mine & (image | (action == Action.CLEAR) | (action == Action.SNAPSHOT_BEGIN))
    here = ends - start
    begins = np.concatenate([[0], here[:-1] + 1])
    matters = np.logical_or.reduceat(mine | void, begins)
    voids = np.logical_or.reduceat(void, begins)[matters]
    here = here[matters]
    sides = (np.asarray(side)[here].astype(np.int64) for side in book.depth_after_each(part, levels))
    bid_px, bid_sz, ask_px, ask_sz = sides
    bid_px[bid_px == PX_NONE] = NO_BID
    ask_px[ask_px == PX_NONE] = NO_ASK
    return _Ladders(ends[matters], bid_px, bid_sz, ask_px, ask_sz, voids)


def _quotes(events: Events, ends: Int64, levels: int) -> Iterator[_Ladders]:
    """Best quotes in force at the given packet ends, as ladders whose deeper levels are missing."""
    if len(ends) == 0:
        return
    part = events[: int(ends[-1]) + 1]
    void = _interrupts(part)
    places = np.where((part["kind"] == Kind.QUOTE) | void, np.arange(len(part)), -1)
    last = np.maximum.accumulate(places)[ends]
    begins = np.concatenate([[0], ends[:-1] + 1])
    matters = last >= begins
    ends, last, voids = ends[matters], last[matters], np.logical_or.reduceat(void, begins)[matters]
    for k in range(0, len(ends), CHUNK):
        quotes = part[last[k : k + CHUNK]]
        shape = (len(quotes), levels)
        rows = _Ladders(
            ends[k : k + CHUNK],
            np.full(shape, NO_BID),
            np.zeros(shape, np.int64),
            np.full(shape, NO_ASK),
            np.zeros(shape, np.int64),
            voids[k : k + CHUNK],
        )
        for px, size, px_name, size_name in (
            (rows.bid_px, rows.bid_sz, "px", "size"),
            (rows.ask_px, rows.ask_sz, "px_ask", "size_ask"),
        ):
            there = quotes[px_name] != PX_NONE
            px[there, 0] = quotes[px_name][there]
            size[there, 0] = quotes[size_name][there]
        # Nothing is known after a gap or a roll: equal prices are no good touch.
        unknown = quotes["kind"] != Kind.QUOTE
        rows.bid_px[unknown, 0] = rows.ask_px[unknown, 0] = 0
        yield rows


def _interrupts(part: Events) -> Bool:
    rolls = (part["kind"] == Kind.SESSION) & (part["action"] == Phase.ROLL)
    return np.asarray((part["kind"] == Kind.GAP) | rolls, bool)


def _order_flow(rows: _Ladders) -> Int64:
    """e_n of every level between consecutive rows, shape (n − 1, levels)."""
    bid_px, bid_sz, ask_px, ask_sz = rows.bid_px, rows.bid_sz, rows.ask_px, rows.ask_sz
    bid = bid_sz[1:] * (bid_px[1:] >= bid_px[:-1]) - bid_sz[:-1] * (bid_px[1:] <= bid_px[:-1])
    ask = ask_sz[1:] * (ask_px[1:] <= ask_px[:-1]) - ask_sz[:-1] * (ask_px[1:] >= ask_px[:-1])
    return np.asarray(bid - ask, np.int64)
