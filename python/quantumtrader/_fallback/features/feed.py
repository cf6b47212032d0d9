"""Where the touch comes from: quotes, or the book that level or order records build."""

from __future__ import annotations

from typing import NamedTuple

from quantumtrader._fallback.books import L2Book, OrderBook
from quantumtrader._fallback.features.touch import Touch
from quantumtrader.types import PX_NONE, Action, Flag, Kind

_IMAGE = int(Flag.SNAPSHOT)
_LEVEL = int(Kind.LEVEL)
_VOIDS = (int(Action.CLEAR), int(Action.SNAPSHOT_BEGIN))

Record = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int]
"""One event as plain integers, fields in the order of ``EVENT``."""


class Addition(NamedTuple):
    """Displayed size that one record added at a row."""

    side: int
    px: int
    size: int


class Feed:
    """Applies quotes and book records; says what touch they give at the end of a packet.

    Records go into the book one by one, and not packet by packet, because each one may add size at a row.
    The book is read at packet ends only, so its readers see whole packets all the same.
    """

    def __init__(self, book_class: type[L2Book | OrderBook] | None = None) -> None:
        self.book_class = book_class
        self.book = None if book_class is None else book_class()
        self.additions: list[Addition] = []
        self.dirty = False
        self._given = False
        self._gap: Record | None = None
        self._quote: Touch | None = None

    def quote(self, bid_px: int, bid_sz: int, ask_px: int, ask_sz: int) -> None:
        """Apply a best quote; ignored once the stream has had a book record."""
        if self.book is None:
            self._quote, self.dirty = Touch.of(bid_px, bid_sz, ask_px, ask_sz), True

    def gap(self, record: Record) -> None:
        """Apply a gap marker."""
        self._quote, self._gap, self.dirty = None, record, True
        if self.book is not None:
            self._apply(self.book, record)

    def change(self, record: Record) -> bool:
        """Apply a level or order record; False when it breaks the chain of touches (an image, a clear)."""
        flags, kind, action, side = record[11:15]
        wanted = L2Book if kind == _LEVEL else OrderBook
        switched = self.book is None
        if self.book is None:
            self.book_class, self.book, self._quote = wanted, wanted(), None
            if self._gap is not None:
                self._apply(self.book, self._gap)
        elif self.book_class is not wanted:
            return True
        book = self.book
        self.dirty = self._given = True
        px = PX_NONE if flags & _IMAGE or not book.valid else self._row_of(book, record)
        if px == PX_NONE or side == 0:
            self._apply(book, record)
        else:
            before = book.size_at(side, px)
            self._apply(book, record)
            added = book.size_at(side, px) - before
            if added > 0:
                self.additions.append(Addition(side, px, added))
        return not (switched or flags & _IMAGE or action in _VOIDS)

    def touch(self) -> Touch | None:
        """Return the touch now; None where it is not known."""
        if self.book is None:
            return self._quote
        return Touch.of(*self.book.best()) if self._given and self.book.valid else None

    @staticmethod
    def _row_of(book: L2Book | OrderBook, record: Record) -> int:
        """Price of the row that a record is about; ``PX_NONE`` where it names no order of the book."""
        px, side, position = record[4], record[14], record[9]
        if px != PX_NONE or not isinstance(book, OrderBook):
            return px
        if position < 0:
            found = book.order(record[3])
            return PX_NONE if found is None else found[1]
        orders = book._lists.get(side, [])
        return orders[-1 - position].px if position < len(orders) else PX_NONE

    @staticmethod
    def _apply(book: L2Book | OrderBook, record: Record) -> None:
        _, _, _, ident, px, _, size, _, ref_a, ref_b, _, flags, kind, action, side, _ = record
        book._apply((kind, action, side, flags, px, size, ident, ref_a, ref_b))
