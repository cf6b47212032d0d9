"""When an order of ours trades with recorded prints and books."""

from __future__ import annotations

from collections.abc import Callable

from quantumtrader._fallback.books import OrderBook
from quantumtrader._fallback.venue.exchange import Exchange
from quantumtrader._fallback.venue.order import Working, short_of
from quantumtrader._fallback.venue.queue import Queue
from quantumtrader._fallback.venue.records import (
    ACTION,
    ADD,
    AUCTION,
    CROSS,
    FLAGS,
    HIDDEN,
    ID,
    INFERRED,
    NO_PRINT,
    PX,
    RLP,
    SIDE,
    SIZE,
    SNAPSHOT,
    B,
    Row,
)
from quantumtrader.types import PX_NONE

__all__ = ["Matching"]


class Matching(Exchange):
    """Fills against prints, touches and books."""

    # ---- prints

    def _on_trade(self, row: Row) -> None:
        """Fill resting orders and trigger stops with a print."""
        self._depth.raise_to("trade")
        flags, px, size = row[FLAGS], row[PX], row[SIZE]
        if flags & (NO_PRINT | CROSS) or size <= 0:
            return
        self._has_prints = True
        self._last_px = px
        if not self._working:
            return
        used = self._fill_resting(px, size, self._reached(row))
        regular = not flags & (AUCTION | RLP | HIDDEN)
        if self.fidelity == "trade" and regular and self._is_continuous():
            self._take_from_print(px, size - used)
        for w in self._working:
            if w.state == "armed" and w.triggers(px):
                w.trigger()

    def _reached(self, row: Row) -> Callable[[Working], bool]:
        """Whom a print can have traded with: by the aggressor, or by the touch before where it is not told."""
        px, flags = row[PX], row[FLAGS]
        # A side that an importer inferred is a guess from the same prints and quotes: the touch decides instead.
        aggressor = 0 if flags & INFERRED else row[SIDE]
        if flags & RLP:
            return lambda w: False
        if flags & (AUCTION | HIDDEN):
            return lambda w: short_of(-w.side, w.px, px)
        bid, _, ask, _ = self._before
        if aggressor == 0 and bid != PX_NONE and ask != PX_NONE and bid < ask:
            aggressor = 1 if px >= ask else -1 if px <= bid else 0
        if aggressor == 0:
            return lambda w: short_of(-w.side, w.px, px)
        return lambda w: w.side == -aggressor and (w.px == px or short_of(-w.side, w.px, px))

    def _fill_resting(self, px: int, size: int, reached: Callable[[Working], bool]) -> int:
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
        bid, bid_sz, ask, ask_sz = touch
        if (bid == PX_NONE and ask == PX_NONE) or (PX_NONE not in (bid, ask) and bid >= ask):
            return

        def opposite(w: Working) -> int:
            return ask if w.side > 0 else bid

        if not self._has_prints:  # without prints in the stream, the touch triggers stops
            for w in self._working:
                if w.state == "armed" and opposite(w) != PX_NONE and w.triggers(opposite(w)):
                    w.trigger()

        def crossed(w: Working) -> bool:
            px, size = (ask, ask_sz) if w.side > 0 else (bid, bid_sz)
            if w.state != "resting" or px == PX_NONE or not w.accepts(px):
                return False
            # A quote without size at our price may be one contract behind a queue of others: only beyond it.
            return size > 0 or short_of(-w.side, w.px, px)

        for w in self._by_priority(crossed):
            self._take(w, ts, maker=True)
        for w in self._working:
            if w.state == "taking":
                self._take(w, ts, maker=False)
                if w.state == "taking" and w.type == "limit":
                    self._rest(w)

    def _take(self, w: Working, ts: int, *, maker: bool) -> None:
        """Walk the other side of the displayed book, without what was taken before."""
        left = self._wanted(w)
        fills: list[tuple[int, int, int, bool]] = []
        for px, size in self._depth.levels(-w.side):
            paid = px + w.side * self._adverse if size is None and not maker else px
            if left == 0 or not w.accepts(paid):
                break
            free = left if size is None else size - self._taken.get((-w.side, px), 0)
            done = min(left, free)
            if done > 0:
                fills.append((px, paid, done, size is not None))
                left -= done
        for px, paid, done, sized in fills:
            if sized:
                self._taken[-w.side, px] = self._taken.get((-w.side, px), 0) + done
            self._fill(w, w.px if maker else paid, done, maker, ts)

    def _rest(self, w: Working) -> None:
        """Rest what a limit order could not take behind what is displayed at its price."""
        if w.type == "limit":
            w.state = "resting"
            w.queue = Queue(self._depth.shown(w.side, w.px))

    def _rest_far_limits(self) -> None:
        """Trades only: a limit order that the last print says is not marketable rests at once."""
        for w in self._working:
            far = self._last_px != PX_NONE and not w.accepts(self._last_px + w.side * self._adverse)
            if w.state == "taking" and w.type == "limit" and far:
                self._rest(w)

    # ---- exact queues

    def _on_order_exact(self, row: Row) -> None:
        """Apply a by-order record and note who came behind our orders."""
        if row[ACTION] == ADD:
            self._by_id = row[B] == -1
        if not self._working or not self._by_id:
            self._depth.apply(row)
            return
        old = self._recorded(row[ID])
        self._depth.apply(row)
        new = self._recorded(row[ID])
        if new is None or row[FLAGS] & SNAPSHOT:
            return
        side, px, size, _ = new
        if old is not None and old[1] == px and size <= old[2]:
            return
        for w in self._working:
            if w.state == "resting" and (w.side, w.px) == (side, px) and row[ID] not in w.queue.behind:
                w.queue.behind.append(row[ID])

    def _recorded(self, order_id: int) -> tuple[int, int, int, int] | None:
        book = self._depth.book
        return book.order(order_id) if isinstance(book, OrderBook) else None

    def _exact_ahead(self, w: Working) -> int | None:
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
