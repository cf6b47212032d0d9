"""What the market shows now: touch, last price, trading phase, ages, batch after batch.

The same numbers as ``backtest.market.MarketPath`` gives for a whole stream, whatever the batches are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.types import PX_NONE, Events, Flag, Kind, Phase

__all__ = ["LiveMarket", "MarketNow"]

Array = npt.NDArray[Any]
_NEVER = -(1 << 63)
_MARKERS = (Kind.SESSION, Kind.TIMER, Kind.GAP)
_BOOKS = (Kind.ORDER, Kind.LEVEL)


@dataclass(frozen=True, slots=True)
class MarketNow:
    """The market after one event.

    Parameters
    ----------
    now_ns : int
        Greatest ``ts_event`` so far, ns UTC; the least int64 before the first event.
    bid_px, ask_px, last_px : int
        Touch and last print in ticks; ``PX_NONE`` where there is none, and after a gap until the next image.
    continuous : bool
        Whether continuous trading is known to be on: False before the first phase marker.
    open_since_ns : int
        When it began, ns UTC.
    broken : bool
        Whether a gap or a contract roll voided the book and no touch has come since.
    event_ns, book_ns : int
        Stamp of the last market event and of the last change of book or quote, ns UTC; 0 before the first.
    """

    now_ns: int = _NEVER
    bid_px: int = PX_NONE
    ask_px: int = PX_NONE
    last_px: int = PX_NONE
    continuous: bool = False
    open_since_ns: int = 0
    broken: bool = False
    event_ns: int = 0
    book_ns: int = 0

    @property
    def touch_ok(self) -> bool:
        """Whether both sides exist and do not cross."""
        return self.bid_px != PX_NONE and self.ask_px != PX_NONE and self.bid_px < self.ask_px

    @property
    def book_valid(self) -> bool | None:
        """Whether the book is complete; None while it has shown nothing."""
        return False if self.broken else (True if self.touch_ok else None)


class LiveMarket:
    """Follows one instrument.

    Parameters
    ----------
    core : module
        Engine module with the books.
    stamp : str
        Which stamp ages are counted from: ``ts_recv`` where time is the receive clock's, ``ts_event`` where it is the
        market's own.
    """

    def __init__(self, core: Any, stamp: str = "ts_recv") -> None:
        self._stamp = stamp
        self._waiting: dict[int, Any] = {int(Kind.ORDER): core.OrderBook(), int(Kind.LEVEL): core.L2Book()}
        self._book: Any = None
        self._before = MarketNow()
        self._quote = (PX_NONE, PX_NONE)
        self._columns: dict[str, Array] = {}
        self._length = 0
        self.rolls: list[int] = []
        """Indices of contract rolls in the last batch."""

    def extend(self, events: Events) -> None:
        """Take the next batch, shape (n,), in stream order."""
        self._before = self.last
        self._length = n = len(events)
        if n == 0:
            self._columns, self.rolls = {}, []
            return
        before, kind, phase = self._before, events["kind"], events["action"]
        session = kind == Kind.SESSION
        roll = session & (phase == Phase.ROLL)
        void = (kind == Kind.GAP) | roll
        market = ~np.isin(kind, _MARKERS)
        quote = kind == Kind.QUOTE
        now = np.maximum(np.maximum.accumulate(events["ts_event"]), before.now_ns)
        bid, ask = self._touch(events, quote, void)
        bad = (events["flags"] & (Flag.CANCELLED | Flag.EDITED)) != 0
        bar = kind == Kind.BAR
        printed = bar | ((kind == Kind.TRADE) & ~bad & (events["size"] > 0))
        on = _hold(np.isin(phase, (Phase.OPEN, Phase.RESUME)), session & ~roll, before.continuous)
        starts = on & ~np.r_[before.continuous, on[:-1]]
        shown = (bid != PX_NONE) | (ask != PX_NONE)
        stamp = events[self._stamp]
        self._columns = {
            "now_ns": now,
            "bid_px": bid,
            "ask_px": ask,
            "last_px": _hold(np.where(bar, events["ref_b"], events["px"]), printed, before.last_px),
            "continuous": on,
            "open_since_ns": _hold(now, starts, before.open_since_ns),
            "broken": _hold(void, void | shown, before.broken),
            "event_ns": _hold(stamp, market, before.event_ns),
            "book_ns": _hold(stamp, quote | np.isin(kind, _BOOKS), before.book_ns),
        }
        self.rolls = np.flatnonzero(roll).tolist()

    @property
    def last(self) -> MarketNow:
        """After the last event."""
        return self.at(self._length - 1)

    def at(self, index: int) -> MarketNow:
        """After event ``index`` of the last batch; -1: before it."""
        if index < 0:
            return self._before
        return MarketNow(**{name: column[index].item() for name, column in self._columns.items()})

    def _touch(self, events: Events, quote: Array, void: Array) -> tuple[Array, Array]:
        whole = (events["flags"] & Flag.MORE) == 0
        sides = []
        raws = []
        for name, held, shown in zip(
            ("px", "px_ask"), self._quote, (self._before.bid_px, self._before.ask_px), strict=True
        ):
            raw = _hold(np.where(void, PX_NONE, events[name]), quote | void, held)
            raws.append(int(raw[-1]))
            sides.append(_hold(raw, whole, shown))
        self._quote = (raws[0], raws[1])
        bid, ask = sides
        first = 0
        if self._book is None:
            found = np.flatnonzero(np.isin(events["kind"], _BOOKS))
            if not found.size:  # only gaps concern books that have shown nothing yet
                for book in self._waiting.values():
                    book.update_many(events)
                return bid, ask
            first = int(found[0])
            self._book = self._waiting[int(events["kind"][first])]
            self._waiting = {}
        book_bid, _, book_ask, _ = self._book.best_after_each(events)
        bid[first:], ask[first:] = book_bid[first:], book_ask[first:]
        return bid, ask


def _hold(values: Array, mask: Array, carry: Any) -> Array:
    """Last value under the mask at or before each place; ``carry`` before the first."""
    at = np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))
    return np.where(at >= 0, values[at], carry)
