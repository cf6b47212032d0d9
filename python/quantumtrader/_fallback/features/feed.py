"""Where the touch comes from: quotes, or the book that level or order records build."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from quantumtrader._fallback.books import L2Book, OrderBook
from quantumtrader._fallback.features.touch import Touch
from quantumtrader.types import PX_NONE, Action, Flag, Kind

_IMAGE = int(Flag.SNAPSHOT)
_LEVEL = int(Kind.LEVEL)
_VOIDS = (int(Action.CLEAR), int(Action.SNAPSHOT_BEGIN))

Record = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int]
"""One event as plain integers, fields in the order of ``EVENT``."""


class OldOrder(NamedTuple):
    """An order as it was before a record about it."""

    id: int
    side: int
    px: int
    size: int
    broker: int


class Addition(NamedTuple):
    """Displayed size that one record added at a row."""

    side: int
    px: int
    size: int


class RowChange(NamedTuple):
    """What one record did to the displayed size of one row."""

    side: int
    px: int
    before: int
    after: int
    order_id: int
    broker: int


class Feed:
    """Applies quotes and book records; says what touch they give at the end of a packet.

    Records go into the book one by one, and not packet by packet, because each one may add size at a row.
    The book is read at packet ends only, so its readers see whole packets all the same.
    """

    def __init__(self, book_class: type[L2Book | OrderBook] | None = None) -> None:
        self.book_class = book_class
        self.book = None if book_class is None else book_class()
        self.additions: list[Addition] = []
        self.rows: list[RowChange] = []
        """Row changes of the packet, in the order of its records; those before a void are not among them."""
        self.voided = False
        """Whether an image, a clear or a gap of the packet voided what was displayed before."""
        self.dirty = False
        self.order_listeners: list[Callable[[Record, OldOrder | None], None]] = []
        """Hear of order records outside images, before they are applied."""
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
        self._void()
        if self.book is not None:
            self._apply(self.book, record)

    def change(self, record: Record) -> bool:
        """Apply a level or order record; False when it breaks the chain of touches (an image, a clear)."""
        flags, kind, action = record[11:14]
        wanted = L2Book if kind == _LEVEL else OrderBook
        switched = self.book is None
        if self.book is None:
            self.book_class, self.book, self._quote = wanted, wanted(), None
            if self._gap is not None:
                self._apply(self.book, self._gap)
                self._void()
        elif self.book_class is not wanted:
            return True
        book = self.book
        self.dirty = self._given = True
        if flags & _IMAGE or action in _VOIDS:
            self._void()
        if self.order_listeners and isinstance(book, OrderBook) and not flags & _IMAGE and book.valid:
            old = self._old_order(book, record)
            for listener in self.order_listeners:
                listener(record, old)
        before = None if flags & _IMAGE or not book.valid else self._rows_of(book, record)
        self._apply(book, record)
        for row in before or ():
            after = book.size_at(row.side, row.px)
            if after > row.before:
                self.additions.append(Addition(row.side, row.px, after - row.before))
            if after != row.before:
                self.rows.append(row._replace(after=after))
        return not (switched or flags & _IMAGE or action in _VOIDS)

    def touch(self) -> Touch | None:
        """Return the touch now; None where it is not known."""
        if self.book is None:
            return self._quote
        return Touch.of(*self.book.best()) if self._given and self.book.valid else None

    @property
    def by_order(self) -> bool:
        """Whether the book comes order by order."""
        return isinstance(self.book, OrderBook)

    def size_at(self, side: int, px: int) -> int | None:
        """Return what is displayed at a row after the last record; None without a valid book."""
        return (
            self.book.size_at(side, px) if self.book is not None and self._given and self.book.valid else None
        )

    @staticmethod
    def _old_order(book: OrderBook, record: Record) -> OldOrder | None:
        ident, position, action, side = record[3], record[9], record[13], record[14]
        if action not in (Action.EDIT, Action.DELETE):
            return None
        if position < 0:
            old = book._find(ident)
        else:
            orders = book._lists.get(side, [])
            old = orders[-1 - position] if position < len(orders) else None
        return None if old is None else OldOrder(old.id, old.side, old.px, old.size, old.broker)

    def _void(self) -> None:
        self.voided, self.rows = True, []

    @staticmethod
    def _rows_of(book: L2Book | OrderBook, record: Record) -> list[RowChange]:
        """Rows that a record may change, with their size before it."""
        px, side, position, broker, action = record[4], record[14], record[9], record[8], record[13]
        if not isinstance(book, OrderBook):
            places, ident, broker = [(side, px)], 0, 0
        else:
            ident = record[3]
            old = None
            if action in (Action.EDIT, Action.DELETE):
                if position < 0:
                    old = book._find(ident)
                else:
                    orders = book._lists.get(side, [])
                    old = orders[-1 - position] if position < len(orders) else None
            if action == Action.DELETE_FROM:
                rows = book._sides[side].levels() if side in book._sides else ()
                places = [(side, row) for row, _ in rows]
            else:
                places = [] if old is None else [(old.side, old.px)]
                if px != PX_NONE and action in (Action.ADD, Action.EDIT):
                    places.append((side if old is None else old.side, px))
            if old is not None:
                ident, broker = ident or old.id, broker or old.broker
        return [
            RowChange(s, p, book.size_at(s, p), 0, ident, broker)
            for s, p in dict.fromkeys(places)
            if p != PX_NONE and s in (-1, 1)
        ]

    @staticmethod
    def _apply(book: L2Book | OrderBook, record: Record) -> None:
        _, _, _, ident, px, _, size, _, ref_a, ref_b, _, flags, kind, action, side, _ = record
        book._apply((kind, action, side, flags, px, size, ident, ref_a, ref_b))
