"""Where the touch comes from: quotes, or the book that level or order records build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

from quantumtrader._fallback.books import L2Book, Order, OrderBook, Row, edited, order_of
from quantumtrader._fallback.features.touch import Touch
from quantumtrader.types import PX_NONE, Action, Flag, Kind

_IMAGE = int(Flag.SNAPSHOT)
_LEVEL = int(Kind.LEVEL)
_SIDES = (-1, 1)
_VOIDS = (int(Action.CLEAR), int(Action.SNAPSHOT_BEGIN))

Record = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int]
"""One event as plain integers, fields in the order of ``EVENT``."""


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
        self.order_listeners: list[Callable[[Order | None, Order | None], None]] = []
        """Hear of each order that a record outside images changed: as it was displayed, and as it is."""
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
        if flags & _IMAGE or not book.valid:
            self._apply(book, record)
        elif isinstance(book, OrderBook):
            for one in _one_by_one(book, record):
                self._apply_order(book, one)
        else:
            px, side = record[4], record[14]
            before = book.size_at(side, px) if side in _SIDES else 0
            self._apply(book, record)
            if side in _SIDES and px != PX_NONE:
                self._tell(RowChange(side, px, before, book.size_at(side, px), 0, 0))
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

    def levels_before(self, side: int, px: int) -> int:
        """Return how many levels of a side are better than a price, after the last record."""
        levels = () if self.book is None else self.book._sides[side].levels()
        return sum(1 for _ in takewhile(lambda level: side * (level[0] - px) > 0, levels))

    def _void(self) -> None:
        self.voided, self.rows = True, []

    def _tell(self, row: RowChange) -> None:
        if row.after > row.before:
            self.additions.append(Addition(row.side, row.px, row.after - row.before))
        if row.after != row.before:
            self.rows.append(row)

    def _apply_order(self, book: OrderBook, record: Record) -> None:
        """Apply a record about one order; tell of the order and of its rows, before and after it."""
        ident, broker = record[3], record[8]
        old, new = _change_of(book, record)
        side = record[14] if old is None else old.side
        places = dict.fromkeys(o.px for o in (old, new) if o is not None and o.px != PX_NONE)
        before = {px: book.size_at(side, px) for px in places if side in _SIDES}
        rejected = book.rejected
        self._apply(book, record)
        if book.rejected != rejected:
            return
        changes = [(old, new)]
        if old and new and old.id not in (0, new.id):
            # An edit to another id takes one order away and adds another.
            changes = [(old, None), (None, new)]
        for was, is_now in changes:
            shown = tuple(o if o and o.size else None for o in (was, is_now))
            for listener in self.order_listeners if any(shown) else ():
                listener(*shown)
            me = was or is_now
            whose = (0, 0) if me is None else (me.id, me.broker)
            if len(changes) == 1:
                whose = ident or whose[0], broker or whose[1]
            if was is None or is_now is None or was.px != is_now.px:
                steps = [(was, -1), (is_now, 1)]
            else:
                steps = [(replace(was, size=is_now.size - was.size), 1)]
            for order, sign in steps:
                if order is not None and order.px in before:
                    after = before[order.px] + sign * order.size
                    self._tell(RowChange(side, order.px, before[order.px], after, *whose))
                    before[order.px] = after

    @staticmethod
    def _apply(book: L2Book | OrderBook, record: Record) -> None:
        book._apply(_row(record))


def _one_by_one(book: OrderBook, record: Record) -> list[Record]:
    """Return a delete-from as the deletes that it is, best first; any other record, and one to be rejected, as it is."""
    position, action, side = record[9], record[13], record[14]
    if action != Action.DELETE_FROM or not 0 <= position < len(book._lists.get(side, ())):
        return [record]
    best = (*record[:3], 0, *record[4:8], 0, 0, *record[10:13], int(Action.DELETE), *record[14:])
    return [best] * (position + 1)


def _change_of(book: OrderBook, record: Record) -> tuple[Order | None, Order | None]:
    """Return the order that a record is about, as it is before it and as it would be after it."""
    ident, position, action, side = record[3], record[9], record[13], record[14]
    if action == Action.ADD:
        return None, order_of(_row(record))
    if action not in (Action.EDIT, Action.DELETE):
        return None, None
    if position < 0:
        old = book._find(ident)
    else:
        orders = book._lists.get(side, [])
        old = orders[-1 - position] if position < len(orders) else None
    return old, None if old is None or action == Action.DELETE else edited(old, _row(record))


def _row(record: Record) -> Row:
    _, _, _, ident, px, _, size, _, ref_a, ref_b, _, flags, kind, action, side, _ = record
    return kind, action, side, flags, px, size, ident, ref_a, ref_b
