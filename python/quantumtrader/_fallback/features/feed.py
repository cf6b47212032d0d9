"""Where the touch comes from: quotes, or the book that level or order records build."""

from __future__ import annotations

from typing import NamedTuple

from quantumtrader._fallback.features.stand_in_book import L2Book, OrderBook
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
    """Applies quotes and book records; says what touch they give at the end of a packet."""

    def __init__(self, book_class: type[L2Book | OrderBook] | None = None) -> None:
        self.book_class = book_class
        self.book = None if book_class is None else book_class()
        self.additions: list[Addition] = []
        self.dirty = False
        self._given = False
        self._quote: Touch | None = None

    def quote(self, bid_px: int, bid_sz: int, ask_px: int, ask_sz: int) -> None:
        """Apply a best quote; ignored once the stream has had a book record."""
        if self.book is None:
            self._quote, self.dirty = Touch.of(bid_px, bid_sz, ask_px, ask_sz), True

    def gap(self, record: Record) -> None:
        """Apply a gap marker."""
        self._quote, self.dirty = None, True
        if self.book is not None:
            self.book.apply(record)

    def change(self, record: Record) -> bool:
        """Apply a level or order record; False when it breaks the chain of touches (an image, a clear)."""
        flags, kind, action, side = record[11:15]
        switched = self.book is None
        if self.book is None:
            self.book_class = L2Book if kind == _LEVEL else OrderBook
            self.book, self._quote = self.book_class(), None
        elif self.book_class is not (L2Book if kind == _LEVEL else OrderBook):
            return True
        book, px = self.book, record[4]
        self.dirty = self._given = True
        image = bool(flags & _IMAGE) or not book.valid
        before = 0 if image or px == PX_NONE else book.size_at(side, px)
        book.apply(record)
        if not image and px != PX_NONE and book.valid and (added := book.size_at(side, px) - before) > 0:
            self.additions.append(Addition(side, px, added))
        return not (switched or flags & _IMAGE or action in _VOIDS)

    def touch(self) -> Touch | None:
        """Return the touch now; None where it is not known."""
        if self.book is None:
            return self._quote
        return Touch.of(*self.book.best()) if self._given and self.book.valid else None
