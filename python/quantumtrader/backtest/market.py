"""What the market showed after each event: touch, last price, trading phase, and when sessions end.

Computed once per stream, and read at an index: entry ``i`` knows events ``0..i`` and nothing later. The ends of
sessions are the exception: the exchange's timetable is public in advance, and a recording that ends is left in good
time. A halt or auction that nobody announced acts when it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import EmptyDataError, UnsortedEventsError
from quantumtrader.execution.risk import hours_on
from quantumtrader.types import PX_NONE, Events, Flag, Instrument, Kind, Phase

__all__ = ["MarketPath"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class MarketPath:
    """A stream of events with what they add up to.

    Parameters
    ----------
    events : Events, shape (n,)
        The stream, unchanged.
    instrument : Instrument
        What is traded.
    now : ndarray of int64, shape (n,)
        Engine time after each event: running maximum of ``ts_event``, ns UTC.
    bid_px, ask_px : ndarray of int32, shape (n,)
        Touch after each event in ticks; ``PX_NONE`` where a side is missing, the book is invalid, or there is none.
        Quotes until the first Level or Order record, the book of that kind from then on; a gap or a contract roll
        voids it until the next quote or snapshot.
    last_px : ndarray of int32, shape (n,)
        Last print, or close of the last bar, in ticks; ``PX_NONE`` before the first.
    continuous : ndarray of bool, shape (n,)
        Whether continuous trading is on; always True in a stream without phase markers. A stream whose first one
        is OPEN or AUCTION was not trading before it.
    session_ends : ndarray of int64
        Ascending times at which continuous trading ends by the timetable, ns UTC; the last ones are those of
        the last market event and of the stream.
    source : str
        What the touch comes from: ``orders``, ``levels``, ``quotes``, ``trades`` or ``bars``.
    """

    events: Events
    instrument: Instrument
    now: Int64
    bid_px: Int32
    ask_px: Int32
    last_px: Int32
    continuous: Bool
    session_ends: Int64
    source: str

    @classmethod
    def of(cls, events: Events, instrument: Instrument, core: Any) -> MarketPath:
        """Read a stream.

        Parameters
        ----------
        events : Events, shape (n,)
            Sorted by ``ts_recv`` and ``sequence``.
        instrument : Instrument
            For its trading hours.
        core : module
            Engine module with the books.

        Raises
        ------
        EmptyDataError
            If there are no events.
        UnsortedEventsError
            If ``ts_recv`` or ``sequence`` runs backwards; the message gives the index.
        """
        if len(events) == 0:
            raise EmptyDataError("there are no events to replay", remedy="Check the dates and the symbol")
        _check_order(events)
        kind = events["kind"]
        now = np.maximum.accumulate(events["ts_event"])
        source = _source(kind)
        bid_px, ask_px = _touch(events, source, core)
        return cls(
            events,
            instrument,
            now,
            bid_px,
            ask_px,
            _last(events),
            _continuous(events),
            _session_ends(events, now, instrument),
            source,
        )

    @cached_property
    def touch_defined(self) -> Bool:
        """Whether both sides exist and the bid is below the ask, after each event; pre-open quotes may cross."""
        out: Bool = (self.bid_px != PX_NONE) & (self.ask_px != PX_NONE) & (self.bid_px < self.ask_px)
        return out

    @cached_property
    def _can_leave(self) -> Bool:
        """Whether the touch is one to trade at: a missing side alone does not spoil the other, a cross does."""
        out: Bool = self.touch_defined | (self.bid_px == PX_NONE) | (self.ask_px == PX_NONE)
        return out

    @cached_property
    def open_since(self) -> Int64:
        """When continuous trading began that is on after each event, ns UTC; meaningless where it is off."""
        on = self.continuous
        starts = np.maximum(_last_index(on & ~np.r_[False, on[:-1]]), 0)
        out: Int64 = self.now[starts]
        return out

    @property
    def has_touch(self) -> bool:
        """Whether the stream has quotes or a book."""
        return self.source in ("orders", "levels", "quotes")

    @property
    def has_book(self) -> bool:
        """Whether the stream has depth behind the touch."""
        return self.source in ("orders", "levels")

    @cached_property
    def has_sizes(self) -> bool:
        """Whether sizes at the touch are known; some quote exports carry prices only."""
        if self.has_book:
            return True
        quotes = self.events[self.events["kind"] == Kind.QUOTE]
        return bool(len(quotes)) and bool((quotes["size"] > 0).any())

    @cached_property
    def recorded_until(self) -> int:
        """Time of the last market event, ns UTC; markers may come later."""
        return _recorded_until(self.events, self.now)

    @cached_property
    def synthetic(self) -> bool:
        """Whether any event was made by a generator."""
        return bool((self.events["flags"] & Flag.SYNTHETIC).any())

    @cached_property
    def bar_ns(self) -> int:
        """Typical length of the bars in ns; 0 when there are none."""
        bars = self.events[self.events["kind"] == Kind.BAR]
        return int(np.median(bars["ts_event"] - bars["id"])) if len(bars) else 0

    def exit_px(self, side: int, index: int) -> int:
        """Price in ticks at which a position of ``side`` could be closed after event ``index``, or ``PX_NONE``."""
        if not self.has_touch:
            return int(self.last_px[index])
        px = int((self.bid_px if side > 0 else self.ask_px)[index]) if self._can_leave[index] else PX_NONE
        return px if px != PX_NONE else int(self.last_px[index])

    def exit_range(self, side: int, start: int, stop: int) -> tuple[int, int]:
        """Least and greatest exit price of a position of ``side`` over events ``[start, stop)``; ``PX_NONE`` if none."""
        if self.has_touch:
            px = (self.bid_px if side > 0 else self.ask_px)[start:stop]
            low = high = px[self._can_leave[start:stop]]
        elif self.source == "bars":
            bars = self.events[start:stop]
            bars = bars[bars["kind"] == Kind.BAR]
            low, high = bars["ref_a"], bars["px_ask"]
        else:
            low = high = self.last_px[start:stop]
        low, high = low[low != PX_NONE], high[high != PX_NONE]
        return (PX_NONE, PX_NONE) if low.size == 0 else (int(low.min()), int(high.max()))

    def session_end(self, ts: int) -> int:
        """End of the session that runs at ``ts`` (or comes next), ns UTC."""
        return int(self._ends(np.array([ts], np.int64))[0])

    def closing(self, times: Int64, before_ns: int) -> Bool:
        """Whether a session's end is so near that positions are left and no entries made.

        Parameters
        ----------
        times : ndarray of int64, shape (n,)
            ns UTC.
        before_ns : int
            How long before the end; at least two bars.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        before = max(before_ns, 2 * self.bar_ns)
        # After the last market event a later close is only a marker: the market is not there any more.
        closing: Bool = (times >= self._ends(times) - before) | (times >= self.recorded_until - before)
        return closing

    def final_px(self, side: int) -> int:
        """Price in ticks that marks what is left at the end of the stream, or ``PX_NONE``."""
        return self.exit_px(side, len(self.events) - 1)

    @cached_property
    def rolls(self) -> list[int]:
        """Indices of the contract rolls, ascending."""
        events = self.events
        return np.flatnonzero((events["kind"] == Kind.SESSION) & (events["action"] == Phase.ROLL)).tolist()

    def _ends(self, times: Int64) -> Int64:
        at = np.searchsorted(self.session_ends, times, side="right")
        out: Int64 = self.session_ends[np.minimum(at, len(self.session_ends) - 1)]
        return out


def _check_order(events: Events) -> None:
    for name in ("ts_recv", "sequence"):
        back = np.flatnonzero(np.diff(events[name]) < 0)
        if back.size:
            i = int(back[0]) + 1
            raise UnsortedEventsError(
                f"{name} runs backwards at event {i}: {events[name][i]} after {events[name][i - 1]}",
                remedy="Sort the events by ts_recv and sequence",
            )


def _source(kind: npt.NDArray[np.uint8]) -> str:
    book = np.flatnonzero((kind == Kind.ORDER) | (kind == Kind.LEVEL))
    if book.size:  # the first record decides which book it is
        return "orders" if kind[book[0]] == Kind.ORDER else "levels"
    for code, name in ((Kind.QUOTE, "quotes"), (Kind.BAR, "bars")):
        if (kind == code).any():
            return name
    return "trades"


def _touch(events: Events, source: str, core: Any) -> tuple[Int32, Int32]:
    kind = events["kind"]
    at = _last_index(kind == Kind.QUOTE)
    void = _last_index((kind == Kind.GAP) | ((kind == Kind.SESSION) & (events["action"] == Phase.ROLL)))
    at = np.where(at > void, at, -1)
    whole = _last_index((events["flags"] & Flag.MORE) == 0)
    bid_px, ask_px = (_pick(_pick(events[name], at), whole) for name in ("px", "px_ask"))
    if source in ("orders", "levels"):
        book = core.OrderBook() if source == "orders" else core.L2Book()
        book_bid, _, book_ask, _ = book.best_after_each(events)  # packets and gaps are the book's business
        first = int(np.argmax((kind == Kind.ORDER) | (kind == Kind.LEVEL)))
        bid_px[first:], ask_px[first:] = book_bid[first:], book_ask[first:]
    return bid_px, ask_px


def _last(events: Events) -> Int32:
    kind = events["kind"]
    bar = kind == Kind.BAR
    bad = (events["flags"] & (Flag.CANCELLED | Flag.EDITED)) != 0
    printed = (kind == Kind.TRADE) & ~bad & (events["size"] > 0)
    return _pick(np.where(bar, events["ref_b"], events["px"]), _last_index(bar | printed))


def _continuous(events: Events) -> Bool:
    phase = events["action"]
    marker = (events["kind"] == Kind.SESSION) & (phase != Phase.ROLL)  # a roll leaves the phase as it is
    if not marker.any():
        return np.ones(len(events), np.bool_)
    on = np.isin(phase, (Phase.OPEN, Phase.RESUME))
    at = _last_index(marker)
    first_on = phase[int(np.argmax(marker))] in (
        Phase.CLOSED,
        Phase.HALT,
    )  # it ends what the start of the stream missed
    return np.where(at >= 0, on[at], first_on)


def _session_ends(events: Events, now: Int64, instrument: Instrument) -> Int64:
    # Known ahead: the timetable and where the recording stops. Markers are not: they act when they come.
    ends = {int(now[-1]), _recorded_until(events, now)}
    if instrument.hours:
        zone = ZoneInfo(instrument.timezone)
        day = datetime.fromtimestamp(int(now[0]) // 10**9, UTC).astimezone(zone).date()
        last = datetime.fromtimestamp(int(now[-1]) // 10**9, UTC).astimezone(zone).date()
        while day <= last:
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
            hours = hours_on(instrument, noon)
            if hours is not None:
                ends.add(int(datetime.combine(day, hours.close, zone).timestamp()) * 10**9)
            day += timedelta(days=1)
    return np.array(sorted(end for end in ends if end <= now[-1]), np.int64)


def _recorded_until(events: Events, now: Int64) -> int:
    """Time of the last market event: a recording ends there, even when a marker tells of a later close."""
    market = np.flatnonzero(~np.isin(events["kind"], (Kind.SESSION, Kind.TIMER, Kind.GAP)))
    return int(now[market[-1] if market.size else -1])


def _last_index(mask: Bool) -> Int64:
    """Index of the last True at or before each place, -1 before the first."""
    at = np.where(mask, np.arange(len(mask), dtype=np.int64), -1)
    out: Int64 = np.maximum.accumulate(at)
    return out


def _pick(px: npt.NDArray[Any], at: Int64) -> Int32:
    return np.where(at >= 0, px[at], PX_NONE).astype(np.int32)
