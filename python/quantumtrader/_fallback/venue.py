"""A simulated exchange in plain Python; the twin of ``crates/qt-venue``.

The rules are those of ``docs/concepts/venue.md``. Everything is integers but the fee.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from quantumtrader._fallback.books import L2Book, OrderBook
from quantumtrader._protocols import Report
from quantumtrader.exceptions import ConfigError, OrderError, UnsortedEventsError
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase

__all__ = ["Replay", "Venue"]

Row: TypeAlias = tuple[int, ...]
"""One event as plain integers, in the order of the fields of ``EVENT``."""
Touch: TypeAlias = tuple[int, int, int, int]

_TS, _RECV, _SEQ, _ID, _PX, _PX_ASK, _SIZE, _SIZE_ASK, _A, _B, _, _FLAGS, _KIND, _ACTION, _SIDE, _ = range(16)
_TRADE, _QUOTE, _LEVEL, _ORDER = int(Kind.TRADE), int(Kind.QUOTE), int(Kind.LEVEL), int(Kind.ORDER)
_SESSION, _GAP, _BAR = int(Kind.SESSION), int(Kind.GAP), int(Kind.BAR)
_MORE, _AUCTION, _RLP, _CROSS = int(Flag.MORE), int(Flag.AUCTION), int(Flag.RLP), int(Flag.CROSS)
_SNAPSHOT, _HIDDEN, _NO_PRINT = int(Flag.SNAPSHOT), int(Flag.HIDDEN), int(Flag.CANCELLED | Flag.EDITED)
_ADD, _DELETE = int(Action.ADD), int(Action.DELETE)
_CLOSED, _OPEN, _RESUME, _ROLL = int(Phase.CLOSED), int(Phase.OPEN), int(Phase.RESUME), int(Phase.ROLL)
_LEAST = -(2**63)
_NO_TOUCH: Touch = (PX_NONE, 0, PX_NONE, 0)
_FIDELITIES = ("none", "bar", "trade", "quote", "touch", "book", "orders")
_QUEUES = ("pessimistic", "proportional", "exact")
_TYPES = ("market", "limit", "stop")
_MATCH_NS = 50_000_000
"""A print and a fall of the level belong together when they are at most this far apart."""


def _short_of(side: int, a: int, b: int) -> bool:
    """Whether an order of this side with limit ``a`` does not reach ``b``: a lower buy, a higher sale."""
    return a < b if side > 0 else a > b


class _Queue:
    """How much displayed volume is ahead of one resting order of ours."""

    __slots__ = ("ahead", "behind", "credit", "printed", "shown", "touched")

    def __init__(self, shown: int | None = None) -> None:
        self.ahead = shown
        """Displayed contracts ahead; None when nothing is known: only a print through the price fills."""
        self.shown = shown
        """Displayed size of the level when it was last looked at."""
        self.printed = 0
        """Printed at our price and not yet seen as a fall of the level."""
        self.credit = 0
        """Taken off ``ahead`` as cancelled, though a print may still explain it."""
        self.touched = _LEAST
        self.behind: list[int] = []
        """Exact model: ids that came behind us at our price."""

    def _expire(self, now: int) -> None:
        if now - self.touched > _MATCH_NS:
            self.printed = self.credit = 0
        self.touched = now

    def on_print(self, volume: int, now: int) -> int:
        """Take a print at our price; return what of it gets past the volume ahead, to us."""
        if self.ahead is None:
            return 0
        self._expire(now)
        self.printed += volume
        explained = min(volume, self.credit)
        self.credit -= explained
        rest = volume - explained
        used = min(rest, self.ahead)
        self.ahead -= used
        return rest - used

    def on_shown(self, size: int | None, model: str, now: int) -> None:
        """See the level with this size (None: out of sight)."""
        if size is None:
            self.shown = None
            return
        fall = 0 if self.shown is None else self.shown - size
        self.shown = size
        if self.ahead is None:
            if fall >= 0:
                self.ahead = size
            return
        if fall < 0 or (fall == 0 and self.ahead <= size):
            return
        self._expire(now)
        traded = min(fall, self.printed)
        self.printed -= traded
        ahead = self.ahead
        base = size + fall - traded
        if model == "proportional" and fall > 0 and base > 0:
            ahead -= (fall - traded) * ahead // base
        ahead = min(ahead, size)
        self.credit += self.ahead - ahead
        self.ahead = ahead

    def on_orders(self, ahead: int, now: int) -> None:
        """Exact model: see what the orders ahead display now, executions of this packet included."""
        if now - self.touched > _MATCH_NS:
            self.printed = 0
        self.touched = now
        before = ahead if self.shown is None else self.shown
        self.shown = ahead
        # What fell is first what printed: those contracts have been taken off already.
        self.printed = max(self.printed - max(before - ahead, 0), 0)
        self.ahead = max(ahead - self.printed, 0)


@dataclass(slots=True)
class _Working:
    """An order at the venue. ``state`` is ``taking``, ``resting``, ``armed`` or ``done``."""

    client_id: int
    side: int
    size: int
    type: str
    px: int
    reduce_only: bool
    sent: int
    arrived: int = 0
    left: int = 0
    state: str = "taking"
    queue: _Queue = field(default_factory=_Queue)
    changed: bool = True

    def accepts(self, px: int) -> bool:
        """Whether it may trade at ``px`` as a taker."""
        return self.type != "limit" or not _short_of(self.side, self.px, px)

    def triggers(self, px: int) -> bool:
        """Whether a print at ``px`` triggers it."""
        return px >= self.px if self.side > 0 else px <= self.px


class _Depth:
    """The recorded market as the venue sees it: a book by order, a book by level, a touch, or less."""

    def __init__(self) -> None:
        self.book: L2Book | OrderBook | None = None
        self.quote = _NO_TOUCH
        self.fidelity = 0
        self._gap: Row | None = None

    def raise_to(self, name: str) -> None:
        self.fidelity = max(self.fidelity, _FIDELITIES.index(name))

    def apply(self, row: Row) -> None:
        if self.book is not None:
            self._apply_book(self.book, row)
            return
        kind = row[_KIND]
        if kind in (_LEVEL, _ORDER):
            self.book = L2Book() if kind == _LEVEL else OrderBook()
            self.raise_to("book" if kind == _LEVEL else "orders")
            if self._gap is not None:
                self._apply_book(self.book, self._gap)
            self._apply_book(self.book, row)
        elif kind == _QUOTE:
            bid, ask = row[_PX], row[_PX_ASK]
            bid_sz = 0 if bid == PX_NONE else max(row[_SIZE], 0)
            ask_sz = 0 if ask == PX_NONE else max(row[_SIZE_ASK], 0)
            self.raise_to("touch" if bid_sz > 0 or ask_sz > 0 else "quote")
            self.quote = (bid, bid_sz, ask, ask_sz)
        elif kind == _GAP:
            self._gap, self.quote = row, _NO_TOUCH
        elif kind == _SESSION and row[_ACTION] == _ROLL:
            self._gap, self.quote = None, _NO_TOUCH

    @staticmethod
    def _apply_book(book: L2Book | OrderBook, r: Row) -> None:
        book._apply((r[_KIND], r[_ACTION], r[_SIDE], r[_FLAGS], r[_PX], r[_SIZE], r[_ID], r[_A], r[_B]))

    def touch(self) -> Touch:
        return self.quote if self.book is None else self.book.best()

    def levels(self, side: int) -> Iterator[tuple[int, int | None]]:
        """Levels of a side, best first; a size of None means that the recording does not say."""
        if self.book is None:
            px, size = self.quote[:2] if side > 0 else self.quote[2:]
            if px != PX_NONE:
                yield px, size or None
        elif self.book.valid:
            yield from self.book._sides[side].levels()

    def shown(self, side: int, px: int) -> int | None:
        """Displayed size at a price; None when the recording does not show that price."""
        if self.book is None:
            best, size = self.quote[:2] if side > 0 else self.quote[2:]
            if best == PX_NONE:
                return None
            if best == px:
                return size or None
            return 0 if _short_of(side, best, px) else None
        size = self.book.size_at(side, px)
        if size > 0:
            return size
        # Nothing at the price: a gap between displayed levels, or out of the displayed window?
        return 0 if any(_short_of(side, level, px) for level, _ in self.levels(side)) else None


class Venue:
    """A simulated exchange that fills our orders against recorded events.

    Parameters
    ----------
    tick_size : float
        Points per tick.
    point_value : float
        Money per point and contract.
    lot : int
        Orders are multiples of this many contracts.
    latency_ns : int
        From sending an order or a cancel to the venue handling it, ns.
    queue : str
        ``pessimistic``, ``proportional`` or ``exact``: which cancels come from ahead of us.
    fee : float
        Money per contract and side.
    adverse_ticks : int
        Ticks that a taker pays where no displayed size is known.

    Raises
    ------
    ConfigError
        If an argument is out of range.
    """

    def __init__(
        self,
        tick_size: float,
        point_value: float,
        lot: int = 1,
        latency_ns: int = 0,
        queue: str = "pessimistic",
        fee: float = 0.0,
        adverse_ticks: int = 1,
    ) -> None:
        for name, value in (("tick_size", tick_size), ("point_value", point_value)):
            if not (math.isfinite(value) and value > 0.0):
                raise ConfigError(f"{name} is {value}; expected a positive number")
        if queue not in _QUEUES:
            raise ConfigError(f'queue "{queue}" is not known; use "pessimistic", "proportional" or "exact"')
        if lot < 1:
            raise ConfigError(f"lot is {lot}; expected a positive number")
        if latency_ns < 0:
            raise ConfigError(f"latency_ns is {latency_ns}; expected 0 or more")
        if not math.isfinite(fee):
            raise ConfigError(f"fee is {fee}; expected a number")
        if adverse_ticks < 0:
            raise ConfigError(f"adverse_ticks is {adverse_ticks}; expected 0 or more")
        self.tick_size = float(tick_size)
        self.point_value = float(point_value)
        self.now_ns = _LEAST
        """Greatest ``ts_event`` seen."""
        self.position = 0
        """Signed contracts that the fills add up to."""
        self._lot, self._latency, self._model, self._fee, self._adverse = (
            lot,
            latency_ns,
            queue,
            fee,
            adverse_ticks,
        )
        self._depth = _Depth()
        self._taken: dict[tuple[int, int], int] = {}
        self._working: list[_Working] = []
        self._pending: list[tuple[int, _Working | int]] = []
        self._known: set[int] = set()
        self._reports: list[Report] = []
        self._next_report = 1
        self._recv = self._sequence = _LEAST
        self._in_packet = False
        self._phase = _OPEN
        self._last_px = PX_NONE
        self._has_prints = False
        self._before = _NO_TOUCH
        self._by_id = False

    @property
    def fidelity(self) -> str:
        """What fills rest on."""
        return _FIDELITIES[self._depth.fidelity]

    def best(self) -> Touch:
        """Return the recorded touch ``(bid_px, bid_sz, ask_px, ask_sz)``."""
        return self._depth.touch()

    def take_reports(self) -> list[Report]:
        """Return the reports since the last call, in order."""
        out, self._reports = self._reports, []
        return out

    # ---- events

    def update(self, event: np.void) -> None:
        """Apply one market event."""
        dtype = getattr(event, "dtype", None)
        if dtype != EVENT or event.size != 1:
            got = dtype if dtype is not None else type(event)
            raise ValueError(f"an event must be one record of quantumtrader.EVENT, got {got}")
        for row in _rows(np.asarray(event).reshape(1)):
            self._apply(row, 0)

    def update_many(self, events: Events) -> None:
        """Apply market events in order."""
        for index, row in enumerate(_rows(events)):
            self._apply(row, index)

    def advance(self, until_ns: int) -> None:
        """Let time pass without an event: orders and cancels that arrive by ``until_ns`` are handled."""
        if not self._in_packet and self._pending and self._pending[0][0] <= until_ns:
            self._arrivals(until_ns)

    def _apply(self, row: Row, index: int) -> None:
        for name, value, after in (
            ("ts_recv", row[_RECV], self._recv),
            ("sequence", row[_SEQ], self._sequence),
        ):
            if value < after:
                raise UnsortedEventsError(
                    f"{name} runs backwards at event {index}: {value} after {after}",
                    remedy="Sort the events by ts_recv and sequence",
                )
        self._recv, self._sequence = row[_RECV], row[_SEQ]
        now = max(self.now_ns, row[_TS])
        self.advance(now)
        self.now_ns = now
        self._in_packet = bool(row[_FLAGS] & _MORE)
        kind = row[_KIND]
        if kind == _TRADE:
            self._on_trade(row)
        elif kind == _BAR:
            self._on_bar(row)
        else:
            if kind == _SESSION:
                self._on_session(row[_ACTION])
            self._mark_changed(row)
            if kind == _ORDER and self._model == "exact":
                self._on_order_exact(row)
            else:
                self._depth.apply(row)
        if not self._in_packet and (self._working or self._taken):
            self._end_packet()

    def _mark_changed(self, row: Row) -> None:
        one_level = row[_KIND] == _LEVEL and row[_ACTION] <= _DELETE
        for w in self._working:
            w.changed |= not one_level or (row[_PX] == w.px and row[_SIDE] == w.side)

    def _on_session(self, phase: int) -> None:
        if phase in (_CLOSED, _ROLL):
            reason = "session closed" if phase == _CLOSED else "contract roll"
            for w in self._working:
                self._end(w, reason, self.now_ns)
            self._working.clear()
            self._taken.clear()
            self._last_px = PX_NONE
        if phase != _ROLL:
            self._phase = phase

    def _end_packet(self) -> None:
        self._refresh_taken()
        for w in self._working:
            if not w.changed:
                continue
            w.changed = False
            if w.state != "resting":
                continue
            ahead = self._exact_ahead(w) if self._by_id else None
            if ahead is not None:
                w.queue.on_orders(ahead, self.now_ns)
            else:
                w.queue.on_shown(self._depth.shown(w.side, w.px), self._model, self.now_ns)
        self._match_book(self.now_ns)
        self._sweep_done()

    def _refresh_taken(self) -> None:
        """Forget what was taken of a level as far as the level no longer displays it."""
        for (side, px), size in list(self._taken.items()):
            displayed = self._depth.shown(side, px)
            if displayed is not None and displayed < size:
                if displayed > 0:
                    self._taken[side, px] = displayed
                else:
                    del self._taken[side, px]

    def _sweep_done(self) -> None:
        self._working = [w for w in self._working if w.state != "done"]

    def _is_continuous(self) -> bool:
        return self._phase in (_OPEN, _RESUME)

    # ---- orders in

    def submit(
        self, client_id: int, side: int, size: int, type: str, px: int, reduce_only: bool, now_ns: int
    ) -> None:
        """Send an order at ``now_ns``; raises ``OrderError`` when it is malformed."""
        if type not in _TYPES:
            raise OrderError(
                f'order {client_id}: type "{type}" is not known; use "market", "limit" or "stop"'
            )
        if side not in (1, -1):
            raise OrderError(f"order {client_id}: side is {side}, expected 1 (buy) or -1 (sell)")
        if size <= 0:
            raise OrderError(f"order {client_id}: size is {size}, expected a positive number")
        if (type == "market") != (px == PX_NONE):
            raise OrderError(f"order {client_id}: a {type} order with price {px}")
        self._in_time(client_id, now_ns)
        if client_id in self._known:
            raise OrderError(f"order {client_id}: this id has been used before")
        self._known.add(client_id)
        order = _Working(
            int(client_id), int(side), int(size), str(type), int(px), bool(reduce_only), int(now_ns)
        )
        self._send(now_ns, order)

    def cancel(self, client_id: int, now_ns: int) -> None:
        """Ask to cancel an order at ``now_ns``."""
        self._in_time(client_id, now_ns)
        self._send(now_ns, client_id)

    def _in_time(self, client_id: int, now_ns: int) -> None:
        if now_ns < self.now_ns:
            raise OrderError(
                f"order {client_id}: sent at {now_ns}, before the venue's time {self.now_ns}; "
                "send before applying later events"
            )

    def _send(self, now_ns: int, action: _Working | int) -> None:
        arrival = now_ns + self._latency
        at = bisect_right(self._pending, arrival, key=lambda p: p[0])
        self._pending.insert(at, (arrival, action))

    def _arrivals(self, until: int) -> None:
        due = [p for p in self._pending if p[0] <= until]
        self._pending = self._pending[len(due) :]
        for arrival, action in due:
            ts = max(arrival, self.now_ns)
            if isinstance(action, _Working):
                self._arrive(action, ts)
            else:
                self._arrive_cancel(action, ts)
            self._sweep_done()

    def _arrive(self, w: _Working, ts: int) -> None:
        if w.size % self._lot != 0:
            refused = "not a multiple of the lot"
        elif self._phase == _CLOSED:
            refused = "market closed"
        elif w.reduce_only and self._reducible(w.side) == 0:
            refused = "nothing to reduce"
        else:
            refused = ""
        self._report(w, ts, "rejected" if refused else "accepted", w.px, w.size, False, refused)
        if refused:
            return
        w.left, w.arrived = w.size, ts
        if w.type == "stop" and not (self._last_px != PX_NONE and w.triggers(self._last_px)):
            w.state = "armed"
        self._working.append(w)
        self._match_book(ts)

    def _arrive_cancel(self, client_id: int, ts: int) -> None:
        for w in self._working:
            if w.client_id == client_id and w.state != "done":
                self._end(w, "", ts)
                return
        reason = "order is not working" if client_id in self._known else "unknown order"
        nobody = _Working(client_id, 0, 0, "market", PX_NONE, False, ts)
        self._report(nobody, ts, "cancel_rejected", PX_NONE, 0, False, reason)

    # ---- prints

    def _on_trade(self, row: Row) -> None:
        """Fill resting orders and trigger stops with a print."""
        self._depth.raise_to("trade")
        flags, px, size = row[_FLAGS], row[_PX], row[_SIZE]
        if flags & (_NO_PRINT | _CROSS) or size <= 0:
            return
        self._has_prints = True
        self._last_px = px
        if not self._working:
            return
        used = self._fill_resting(px, size, self._reached(row))
        regular = not flags & (_AUCTION | _RLP | _HIDDEN)
        if self.fidelity == "trade" and regular and self._is_continuous():
            self._take_from_print(px, size - used)
        for w in self._working:
            if w.state == "armed" and w.triggers(px):
                w.state = "taking"

    def _reached(self, row: Row) -> Callable[[_Working], bool]:
        """Whom a print can have traded with: by the aggressor, or by the touch before where it is not told."""
        px, flags, aggressor = row[_PX], row[_FLAGS], row[_SIDE]
        if flags & _RLP:
            return lambda w: False
        if flags & (_AUCTION | _HIDDEN):
            return lambda w: _short_of(-w.side, w.px, px)
        bid, _, ask, _ = self._before
        if aggressor == 0 and bid != PX_NONE and ask != PX_NONE and bid < ask:
            aggressor = 1 if px >= ask else -1 if px <= bid else 0
        if aggressor == 0:
            return lambda w: _short_of(-w.side, w.px, px)
        return lambda w: w.side == -aggressor and (w.px == px or _short_of(-w.side, w.px, px))

    def _fill_resting(self, px: int, size: int, reached: Callable[[_Working], bool]) -> int:
        """Give the printed volume to resting orders, best price first, then first come."""
        used = 0
        for w in self._by_priority(lambda w: w.state == "resting" and reached(w)):
            volume = size - used
            wanted = self._wanted(w)
            reaches = w.queue.on_print(volume, self.now_ns) if w.px == px else volume
            done = min(reaches, wanted)
            if done > 0:
                used += done
                self._fill(w, w.px, done, True, self.now_ns)
        return used

    def _take_from_print(self, px: int, volume: int) -> None:
        """Trades only: what wants liquidity takes it from the next print, at a worse price."""
        for w in self._working:
            if w.state != "taking":
                continue
            paid = px + w.side * self._adverse
            if w.accepts(paid):
                done = min(self._wanted(w), volume)
                if done > 0:
                    volume -= done
                    self._fill(w, paid, done, False, self.now_ns)
            else:
                self._rest(w)

    def _by_priority(self, select: Callable[[_Working], bool]) -> list[_Working]:
        return sorted((w for w in self._working if select(w)), key=lambda w: -w.side * w.px)

    # ---- the displayed book

    def _match_book(self, ts: int) -> None:
        """Between packets: the book crosses resting orders, and what wants liquidity takes it."""
        if not self._working:
            return
        touch = self._before = self._depth.touch()
        if not self._is_continuous() or self.fidelity in ("none", "bar"):
            return
        if self.fidelity == "trade":
            self._rest_far_limits()
            return
        bid, _, ask, _ = touch
        if (bid == PX_NONE and ask == PX_NONE) or (PX_NONE not in (bid, ask) and bid >= ask):
            return

        def opposite(w: _Working) -> int:
            return ask if w.side > 0 else bid

        if not self._has_prints:  # without prints in the stream, the touch triggers stops
            for w in self._working:
                if w.state == "armed" and opposite(w) != PX_NONE and w.triggers(opposite(w)):
                    w.state = "taking"
        for w in self._by_priority(
            lambda w: w.state == "resting" and opposite(w) != PX_NONE and w.accepts(opposite(w))
        ):
            self._take(w, ts, maker=True)
        for w in self._working:
            if w.state == "taking":
                self._take(w, ts, maker=False)
                if w.state == "taking" and w.type == "limit":
                    self._rest(w)

    def _take(self, w: _Working, ts: int, *, maker: bool) -> None:
        """Walk the other side of the displayed book, without what was taken before."""
        left = self._wanted(w)
        fills: list[tuple[int, int, int]] = []
        for px, size in self._depth.levels(-w.side):
            paid = px + w.side * self._adverse if size is None and not maker else px
            if left == 0 or not w.accepts(paid):
                break
            free = left if size is None else size - self._taken.get((-w.side, px), 0)
            done = min(left, free)
            if done > 0:
                fills.append((px, paid, done))
                left -= done
        for px, paid, done in fills:
            if self.fidelity != "quote":
                self._taken[-w.side, px] = self._taken.get((-w.side, px), 0) + done
            self._fill(w, w.px if maker else paid, done, maker, ts)

    def _rest(self, w: _Working) -> None:
        """Rest what a limit order could not take behind what is displayed at its price."""
        if w.type == "limit":
            w.state = "resting"
            w.queue = _Queue(self._depth.shown(w.side, w.px))

    def _rest_far_limits(self) -> None:
        """Trades only: a limit order that the last print says is not marketable rests at once."""
        for w in self._working:
            far = self._last_px != PX_NONE and not w.accepts(self._last_px + w.side * self._adverse)
            if w.state == "taking" and w.type == "limit" and far:
                self._rest(w)

    # ---- exact queues

    def _on_order_exact(self, row: Row) -> None:
        """Apply a by-order record and note who came behind our orders."""
        if row[_ACTION] == _ADD:
            self._by_id = row[_B] == -1
        if not self._working or not self._by_id:
            self._depth.apply(row)
            return
        old = self._recorded(row[_ID])
        self._depth.apply(row)
        new = self._recorded(row[_ID])
        if new is None or row[_FLAGS] & _SNAPSHOT:
            return
        side, px, size, _ = new
        if old is not None and old[1] == px and size <= old[2]:
            return
        for w in self._working:
            if w.state == "resting" and (w.side, w.px) == (side, px) and row[_ID] not in w.queue.behind:
                w.queue.behind.append(row[_ID])

    def _recorded(self, order_id: int) -> tuple[int, int, int, int] | None:
        book = self._depth.book
        return book.order(order_id) if isinstance(book, OrderBook) else None

    def _exact_ahead(self, w: _Working) -> int | None:
        """Contracts displayed ahead of a resting order, None where the feed does not tell."""
        total = self._depth.shown(w.side, w.px)
        if total is None or not isinstance(self._depth.book, OrderBook):
            return None
        kept, behind = [], 0
        for order_id in w.queue.behind:
            order = self._recorded(order_id)
            if order is not None and order[:2] == (w.side, w.px):
                kept.append(order_id)
                behind += order[2]
        w.queue.behind = kept
        return total - behind

    # ---- bars

    def _on_bar(self, row: Row) -> None:
        """Fill inside a closed bar; only orders sent before it began can trade in it."""
        self._depth.raise_to("bar")
        if self.fidelity != "bar" or not self._working or not self._is_continuous():
            return
        ts_open, bar_open, high, low = row[_ID], row[_PX], row[_PX_ASK], row[_A]
        for w in self._working:  # market orders, and limits that the open makes marketable
            if w.state != "taking" or w.sent > ts_open:
                continue
            paid = bar_open + w.side * self._adverse
            if w.accepts(paid):
                self._fill(w, paid, self._wanted(w), False, max(w.arrived, ts_open))
            else:
                w.state = "resting"
        for w in self._working:  # a bar that holds both a stop and a target is a loss
            if w.state != "armed" or w.sent > ts_open or not w.triggers(high if w.side > 0 else low):
                continue
            start = max(bar_open, w.px) if w.side > 0 else min(bar_open, w.px)
            self._fill(w, start + w.side * self._adverse, self._wanted(w), False, self.now_ns)
        for w in self._working:  # through the limit, not only to it
            through = w.type == "limit" and _short_of(-w.side, w.px, low if w.side > 0 else high)
            if w.state == "resting" and w.sent <= ts_open and through and self._wanted(w) > 0:
                self._fill(w, w.px, self._wanted(w), True, self.now_ns)
        self._sweep_done()

    # ---- executions

    def _reducible(self, side: int) -> int:
        return max(-self.position * side, 0)

    def _wanted(self, w: _Working) -> int:
        """Contracts that an order may trade now."""
        if w.state == "done":
            return 0
        return min(w.left, self._reducible(w.side)) if w.reduce_only else w.left

    def _fill(self, w: _Working, px: int, size: int, maker: bool, ts: int) -> None:
        """Execute; reduce-only orders that have nothing left to reduce end here."""
        w.left -= size
        if w.left == 0:
            w.state = "done"
        self.position += w.side * size
        self._report(w, ts, "filled", px, size, maker, "")
        for other in self._working:
            if other.state != "done" and other.reduce_only and self._reducible(other.side) == 0:
                self._end(other, "nothing to reduce", ts)

    def _end(self, w: _Working, reason: str, ts: int) -> None:
        if w.state != "done":
            w.state = "done"
            self._report(w, ts, "cancelled", w.px, w.left, False, reason)

    def _report(
        self, w: _Working, ts: int, status: str, px: int, size: int, maker: bool, reason: str
    ) -> None:
        fee = self._fee * size if status == "filled" else 0.0
        self._reports.append(
            (self._next_report, w.client_id, ts, status, w.side, px, size, maker, fee, reason)
        )
        self._next_report += 1


class Replay:
    """Steps a venue through an event array.

    Parameters
    ----------
    events : Events, shape (n_events,)
        Not to be written to while the replay runs.
    venue : Venue
        Driven by this replay.
    """

    def __init__(self, events: Events, venue: Venue) -> None:
        self._rows: list[Row] = list(_rows(events))
        self._venue = venue
        self.cursor = 0
        """Events applied so far."""

    def __len__(self) -> int:
        return len(self._rows)

    def advance(self, until_ns: int) -> int:
        """Apply the events with engine time <= ``until_ns``, then let time pass to it; return the cursor."""
        if until_ns >= self._venue.now_ns:
            rows = self._rows
            while self.cursor < len(rows) and rows[self.cursor][_TS] <= until_ns:
                self._venue._apply(rows[self.cursor], self.cursor)
                self.cursor += 1
            self._venue.advance(until_ns)
        return self.cursor

    def advance_to(self, count: int) -> int:
        """Apply events until ``count`` of the array have been applied; return the cursor."""
        while self.cursor < min(count, len(self._rows)):
            self._venue._apply(self._rows[self.cursor], self.cursor)
            self.cursor += 1
        return self.cursor

    def every(self, step_ns: int) -> Iterator[tuple[int, int, int, int, int]]:
        """Iterate over the rest of the array in steps of engine time.

        Yields ``(now_ns, bid_px, bid_sz, ask_px, ask_sz)`` after every event with time <= ``now_ns``, until the
        array is used up.
        """
        if step_ns <= 0:
            raise ConfigError(f"step_ns is {step_ns}; expected a positive number of nanoseconds")
        return self._steps(step_ns)

    def _steps(self, step_ns: int) -> Iterator[tuple[int, int, int, int, int]]:
        rows = self._rows
        now_ns = rows[self.cursor][_TS] if self.cursor < len(rows) else 0
        while self.cursor < len(rows):
            now_ns += step_ns
            self.advance(now_ns)
            yield (now_ns, *self._venue.best())


def _rows(events: Any) -> list[Row]:
    if not isinstance(events, np.ndarray) or events.dtype != EVENT or events.ndim != 1:
        got = getattr(events, "dtype", None) or type(events)
        raise ValueError(
            f"events must be a one-dimensional array of quantumtrader.EVENT (64-byte records), got {got}"
        )
    if not events.flags.c_contiguous:
        raise ValueError("events must be contiguous: pass np.ascontiguousarray(events), or slice with step 1")
    rows: list[Row] = events.tolist()
    return rows
