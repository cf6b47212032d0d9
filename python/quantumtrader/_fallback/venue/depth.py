"""The recorded market as the venue sees it: a book by order, a book by level, a touch, or less."""

from __future__ import annotations

from collections.abc import Iterator

from quantumtrader._fallback.books import L2Book, OrderBook, Touch
from quantumtrader._fallback.venue.order import short_of
from quantumtrader._fallback.venue.records import (
    ACTION,
    FLAGS,
    GAP,
    ID,
    KIND,
    LEVEL,
    ORDER,
    PX,
    PX_ASK,
    QUOTE,
    ROLL,
    SESSION,
    SIDE,
    SIZE,
    SIZE_ASK,
    A,
    B,
    Row,
)
from quantumtrader.types import PX_NONE

__all__ = ["FIDELITIES", "NO_TOUCH", "Depth", "Touch"]

NO_TOUCH: Touch = (PX_NONE, 0, PX_NONE, 0)
FIDELITIES = ("none", "bar", "trade", "quote", "touch", "book", "orders")


class Depth:
    """The recorded market as the venue sees it: a book by order, a book by level, a touch, or less."""

    def __init__(self) -> None:
        self.book: L2Book | OrderBook | None = None
        self.quote = NO_TOUCH
        self.fidelity = 0
        self._gap: Row | None = None

    def raise_to(self, name: str) -> None:
        self.fidelity = max(self.fidelity, FIDELITIES.index(name))

    def apply(self, row: Row) -> None:
        if self.book is not None:
            self._apply_book(self.book, row)
            return
        kind = row[KIND]
        if kind in (LEVEL, ORDER):
            self.book = L2Book() if kind == LEVEL else OrderBook()
            self.raise_to("book" if kind == LEVEL else "orders")
            if self._gap is not None:
                self._apply_book(self.book, self._gap)
            self._apply_book(self.book, row)
        elif kind == QUOTE:
            bid, ask = row[PX], row[PX_ASK]
            bid_sz = 0 if bid == PX_NONE else max(row[SIZE], 0)
            ask_sz = 0 if ask == PX_NONE else max(row[SIZE_ASK], 0)
            self.raise_to("touch" if bid_sz > 0 or ask_sz > 0 else "quote")
            self.quote = (bid, bid_sz, ask, ask_sz)
        elif kind == GAP:
            self._gap, self.quote = row, NO_TOUCH
        elif kind == SESSION and row[ACTION] == ROLL:
            self._gap, self.quote = None, NO_TOUCH

    @staticmethod
    def _apply_book(book: L2Book | OrderBook, r: Row) -> None:
        book._apply((r[KIND], r[ACTION], r[SIDE], r[FLAGS], r[PX], r[SIZE], r[ID], r[A], r[B]))

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
            return 0 if short_of(side, best, px) else None
        size = self.book.size_at(side, px)
        if size > 0:
            return size
        # Nothing at the price: a gap between displayed levels, or out of the displayed window?
        return 0 if any(short_of(side, level, px) for level, _ in self.levels(side)) else None
