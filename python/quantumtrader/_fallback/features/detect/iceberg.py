"""Icebergs: resting orders that show only a part of their size. Three rules, by what the feed shows."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import NamedTuple

from quantumtrader._fallback.books import Order
from quantumtrader._fallback.features.detect.detection import Held, Sink
from quantumtrader._fallback.features.feed import RowChange
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.touch import Touch

_MAX_PRINTS = 1 << 14
_MAX_FOLLOWED = 64
_MAX_TRADED = 16
_MAX_ORDERS = 512
_MAX_GONE = 64


class TapeIceberg:
    """Equal prints at one price; judged at each signed print, and whenever it is read."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self._prints: deque[Print] = deque()
        self._told: dict[tuple[int, int], int] = {}
        self.held = Held()

    def on_print(self, trade: Print) -> None:
        """Judge the prints of the window at this price with this side."""
        if not trade.side:
            return
        s, prints = self._s, self._prints
        while prints and prints[0].t <= trade.t - s.tape_window_ns:
            prints.popleft()
        if len(prints) == _MAX_PRINTS:
            prints.popleft()
            self._sink.dropped += 1
        prints.append(trade)
        found = self._alike(trade.t)
        if not found:
            return
        row = trade.px, -trade.side
        self._told = {row: t for row, t in self._told.items() if trade.t - t < s.tape_window_ns}
        if row in self._told:
            return
        self._told[row] = trade.t
        self.held.set(trade.t, float(-trade.side))
        n, volume = len(found), sum(p.size for p in found)
        score = min(1.0, n / (2 * s.tape_min_prints))
        facts = n, volume, volume / n, _spread(found) / volume, trade.t - found[0].t
        self._sink.push(trade.t, "iceberg_tape", -trade.side, score, 0.3, trade.px, *facts)

    def _alike(self, t: int) -> list[Print]:
        """Return the prints of the window at ``t`` like the last one, if they look like slices of one order."""
        s = self._s
        if not self._prints:
            return []
        last, since = self._prints[-1], t - s.tape_window_ns
        found = [p for p in self._prints if p.t > since and (p.px, p.side) == (last.px, last.side)]
        n, volume = len(found), sum(p.size for p in found)
        even = _spread(found) <= s.tape_max_cv * volume
        return found if n >= s.tape_min_prints and even and volume <= s.tape_max_mean * n else []

    def signal(self, t: int) -> float:
        """Return the resting side at the last signed print, if the rule holds for it at ``t``."""
        return float(-self._prints[-1].side) if self._alike(t) else 0.0


def _spread(prints: list[Print]) -> float:
    """Return n times the population deviation of the sizes."""
    sizes = [p.size for p in prints]
    return math.sqrt(len(sizes) * sum(q * q for q in sizes) - sum(sizes) ** 2)


@dataclass
class _Followed:
    side: int
    px: int
    began: int
    left: int | None
    """When the touch left the row, None while it is there."""
    traded: int = 0
    consumed: tuple[int, int] | None = None
    """Last trade that has not been refilled, and the size shown before the first of its series."""
    refills: int = 0
    hidden: int = 0


class SyntheticIceberg:
    """Rows that are refilled again and again after trades."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self._rows: list[_Followed] = []
        self.held, self.hidden = Held(), Held()

    def _abandoned(self, row: _Followed, t: int) -> bool:
        return row.left is not None and t - row.left > self._s.refill_abandon_ns

    def _find(self, side: int, px: int, t: int) -> _Followed | None:
        row = next((r for r in self._rows if (r.side, r.px) == (side, px)), None)
        if row is not None and self._abandoned(row, t):
            self._rows.remove(row)
            return None
        return row

    def on_print(self, trade: Print, touch: Touch | None, size_at: Callable[[int, int], int | None]) -> None:
        """Note a trade at a row and what the row showed before it."""
        side, px = -trade.side, trade.px
        shown = size_at(side, px) if side else None
        if not shown:
            return
        row = self._find(side, px, trade.t)
        if row is None:
            if len(self._rows) == _MAX_FOLLOWED:
                del self._rows[0]
                self._sink.dropped += 1
            row = _Followed(side, px, trade.t, None if _best(touch, side) == px else trade.t)
            self._rows.append(row)
        series = row.consumed is not None and trade.t - row.consumed[0] <= self._s.refill_window_ns
        row.consumed = trade.t, row.consumed[1] if series and row.consumed is not None else shown
        row.traded += trade.size
        row.hidden += max(0, trade.size - shown)

    def on_touch(self, t: int, touch: Touch | None) -> None:
        """Follow whether price is at the rows."""
        for row in list(self._rows):
            if self._abandoned(row, t):
                self._rows.remove(row)
            elif _best(touch, row.side) == row.px:
                row.left = None
            elif row.left is None:
                row.left = t

    def on_row(self, t: int, c: RowChange, confidence: float) -> None:
        """Take an increase of a row: perhaps a refill."""
        s = self._s
        row = self._find(c.side, c.px, t) if c.after > c.before else None
        if row is None or row.consumed is None:
            return
        last, reference = row.consumed
        if t - last > s.refill_window_ns or c.before >= reference:
            return
        if abs(c.after - reference) > s.refill_tolerance * reference:
            return
        row.consumed = None
        row.refills += 1
        row.hidden += c.after - c.before
        if row.refills < s.refill_min:
            return
        self.held.set(t, float(row.side))
        self.hidden.set(t, float(row.hidden))
        score = min(1.0, row.refills / (2 * s.refill_min))
        facts = row.hidden, row.refills, c.after - c.before, c.after, row.traded, t - row.began
        self._sink.push(t, "iceberg_synthetic", row.side, score, confidence, row.px, *facts)

    def void(self) -> None:
        """Forget what was displayed."""
        self._rows = []


def _best(touch: Touch | None, side: int) -> int | None:
    return None if touch is None else touch.bid_px if side > 0 else touch.ask_px


@dataclass
class _Traded:
    """Contracts traded at a row that order records have not explained yet."""

    side: int
    px: int
    at: int
    packet: bool
    volume: int
    left: int
    restored: _Restored | None = None
    """The order that would have been executed beyond what it showed."""


@dataclass(frozen=True)
class _Known:
    peak: int
    hidden: int = 0
    restorations: int = 0


class _Restored(NamedTuple):
    id: int
    shown: int
    fit: int
    """2 it did not shrink, 1 it shrank, 0 it was deleted."""
    known: _Known


class NativeIceberg:
    """Matches trades with the order records after them; what they leave unexplained was restored."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self.held, self.hidden = Held(), Held()
        self.void()

    def void(self) -> None:
        """Forget what was displayed."""
        self._traded: list[_Traded] = []
        self._slots = [0] * _MAX_ORDERS
        self._next_slot = 0
        self._known: dict[int, tuple[int, _Known]] = {}
        self._gone: list[tuple[int, int, int, int, _Known]] = []

    def on_print(self, trade: Print, packet: bool) -> None:
        """Note a trade; ``packet``: what it does to orders comes in its own packet."""
        side = -trade.side
        if not side:
            return
        for row in self._traded:
            if (row.side, row.px) == (side, trade.px):
                row.at, row.packet = trade.t, packet
                row.volume += trade.size
                row.left += trade.size
                return
        if len(self._traded) == _MAX_TRADED:
            del self._traded[0]
            self._sink.dropped += 1
        self._traded.append(_Traded(side, trade.px, trade.t, packet, trade.size, trade.size))

    def on_order(self, t: int, old: Order | None, new: Order | None) -> None:
        """Take what a record did to one order: as it was displayed before it, and as it is after it."""
        if old is None:
            if new is not None:
                self._added(t, new)
            return
        size = 0 if new is None else new.size
        row = next((r for r in self._traded if (r.side, r.px) == (old.side, old.px)), None)
        if row is None:
            if not size:
                self._known.pop(old.id, None)
            return
        if new is not None and new.px != old.px:
            return
        lost = old.size - size
        executed = min(max(lost, 0), row.left)
        row.left -= executed
        known = self._known[old.id][1] if old.id in self._known else _Known(old.size)
        fit = 0 if not size else 1 if lost > 0 else 2
        # Whether other orders explain the rest of a trade is certain only within its packet.
        if (fit or row.packet) and (row.restored is None or row.restored.fit <= fit):
            row.restored = _Restored(old.id, size, fit, known)
        if size:
            self._remember(old.id, known)
            return
        self._known.pop(old.id, None)
        if executed == old.size and old.broker:
            if len(self._gone) == _MAX_GONE:
                del self._gone[0]
                self._sink.dropped += 1
            self._gone.append((row.at, old.side, old.px, old.broker, known))

    def _added(self, t: int, order: Order) -> None:
        """Take a new order: perhaps a fully executed one under a new id."""
        side, px, size, ident = order.side, order.px, order.size, order.id
        self._gone = [g for g in self._gone if t - g[0] <= self._s.native_window_ns]
        for k, (_, s, p, b, known) in enumerate(self._gone):
            if (s, p, b, known.peak) == (side, px, order.broker, size):
                del self._gone[k]
                known = replace(known, hidden=known.hidden + size, restorations=known.restorations + 1)
                self._remember(ident, known)
                self._tell(
                    t, _Traded(side, px, t, False, size, size, _Restored(ident, size, 1, known)), known, 0.9
                )
                return

    def on_packet(self, t: int) -> None:
        """Judge the trades of a packet at its end."""
        mine = [r for r in self._traded if r.packet]
        self._traded = [r for r in self._traded if not r.packet]
        for row in mine:
            self._resolve(t, row, 1.0)

    def due(self) -> float:
        """Return the time after which something is due."""
        window: int = self._s.native_window_ns
        return min((r.at for r in self._traded), default=math.inf) + window

    def passed(self, due: int) -> None:
        """Judge trades whose consequences can come no more."""
        for row in [r for r in self._traded if r.at + self._s.native_window_ns <= due]:
            self._traded.remove(row)
            self._resolve(due + 1, row, 0.9)

    def _resolve(self, ts: int, row: _Traded, confidence: float) -> None:
        order = row.restored
        # A deleted order, and one without an id, is known by its last record alone.
        by_id = order is not None and order.fit > 0 and order.id != 0
        if order is None or row.left <= 0 or (by_id and order.id not in self._known):
            return
        known = self._known[order.id][1] if by_id else order.known
        known = replace(known, hidden=known.hidden + row.left, restorations=known.restorations + 1)
        if by_id:
            self._remember(order.id, known)
        self._tell(ts, row, known, confidence)

    def _tell(self, ts: int, row: _Traded, known: _Known, confidence: float) -> None:
        assert row.restored is not None
        self.held.set(ts, float(row.side))
        self.hidden.set(ts, float(known.hidden))
        score = known.hidden / (known.hidden + known.peak)
        facts = known.hidden, known.restorations, row.restored.id, row.restored.shown, row.left, row.volume
        self._sink.push(ts, "iceberg_native", row.side, score, confidence, row.px, *facts)

    def _remember(self, ident: int, known: _Known) -> None:
        if not ident:
            return
        if ident in self._known:
            self._known[ident] = self._known[ident][0], known
            return
        slot, self._next_slot = self._next_slot, (self._next_slot + 1) % _MAX_ORDERS
        before, self._slots[slot] = self._slots[slot], ident
        if before in self._known and self._known[before][0] == slot:
            del self._known[before]
            self._sink.dropped += 1
        self._known[ident] = slot, known
