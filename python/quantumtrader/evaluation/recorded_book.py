"""What a recorded book shows, record by record, in whichever of three forms: by level, by order id, by position.

The rules are those of the books (``docs/concepts/feature-engine.md``, *Touch*): the kind of the first book record
makes the book, records of the other kind are passed over; what the book would refuse changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import numpy as np

from quantumtrader.exceptions import ConfigError
from quantumtrader.types import PX_NONE, Action, Events, Flag, Kind, Phase

Record = dict[str, int]
Row = tuple[int, int]
"""Side and price."""

# Plain integers: a comparison with a member of an enumeration takes several times as long.
_ADD, _EDIT, _DELETE, _DELETE_FROM = (
    int(a) for a in (Action.ADD, Action.EDIT, Action.DELETE, Action.DELETE_FROM)
)
_CLEAR, _BEGIN, _END = int(Action.CLEAR), int(Action.SNAPSHOT_BEGIN), int(Action.SNAPSHOT_END)
_TRADE, _GAP, _SESSION, _ROLL = int(Kind.TRADE), int(Kind.GAP), int(Kind.SESSION), int(Phase.ROLL)
_CHANGES = (_ADD, _EDIT, _DELETE, _DELETE_FROM)
_DELTA = int(Flag.DELTA)
_MAX_SIZE = 2**31 - 1


class Form(Enum):
    """How the records of a book name what they change."""

    NONE = "no book"
    LEVEL = "price levels"
    ID = "orders by id"
    POSITION = "orders by position"

    @property
    def by_order(self) -> bool:
        """Whether orders can be told apart."""
        return self in (Form.ID, Form.POSITION)

    @property
    def kind(self) -> int:
        """Kind of its records; −1 of no book."""
        return -1 if self is Form.NONE else int(Kind.ORDER if self.by_order else Kind.LEVEL)


def form_of(events: Events) -> Form:
    """Return the form of the book that a stream makes.

    Raises
    ------
    ConfigError
        If orders are named by id in some records and by position in others.
    """
    book = np.flatnonzero(np.isin(events["kind"], (int(Kind.LEVEL), int(Kind.ORDER))))
    if not len(book):
        return Form.NONE
    if events["kind"][book[0]] == Kind.LEVEL:
        return Form.LEVEL
    orders = events[(events["kind"] == Kind.ORDER) & np.isin(events["action"], _CHANGES)]
    placed = orders["ref_b"] >= 0
    if placed.any() and not placed.all():
        raise ConfigError("some order records name their order by id, others by its position")
    return Form.POSITION if placed.any() else Form.ID


class Order(NamedTuple):
    """A resting order."""

    side: int
    px: int
    size: int
    id: int
    broker: int


class Change(NamedTuple):
    """What a record did to one order; ``key`` tells it apart from all others while it rests."""

    key: int
    before: Order | None
    after: Order | None


@dataclass
class RecordedBook:
    """The book after the records applied so far.

    Parameters
    ----------
    form : Form
        Form of the records.
    rows : dict of (side, px) to int
        Contracts displayed; rows with none are not there.
    orders : dict of int to Order
        By id; by position under negative numbers of this class's own, as there ids may be missing or shared.
    lists : dict of int to list of int
        By position: the keys of each side, best first.
    last_px : int or None
        Price of the last trade.
    valid : bool
        Whether the book is known: not after a gap, and not within an image.
    """

    form: Form
    rows: dict[Row, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    lists: dict[int, list[int]] = field(default_factory=lambda: {1: [], -1: []})
    last_px: int | None = None
    valid: bool = True
    _next: int = -1
    _in_snapshot: bool = False
    _kind: int = field(init=False)

    def __post_init__(self) -> None:
        self._kind = self.form.kind

    def apply(self, r: Record) -> list[Change]:
        """Apply a record; returns what it did to orders."""
        kind = r["kind"]
        if kind == self._kind:
            return self._book(r)
        if kind == _TRADE:
            self.last_px = r["px"]
        elif kind == _GAP:
            self._restart(valid=False)
        elif kind == _SESSION and r["action"] == _ROLL:
            self._clear(0)
            self._restart(valid=True)
        return []

    def _book(self, r: Record) -> list[Change]:
        action = r["action"]
        if action in _CHANGES:
            if self.form is Form.LEVEL:
                self._level(r)
                return []
            changes = self._by_id(r) if self.form is Form.ID else self._by_position(r)
            for change in changes:
                self._move(change)
            return changes
        if action == _CLEAR:
            if r["side"] in (0, 1, -1):
                self._clear(r["side"])
            if r["side"] == 0:
                self._restart(valid=True)
        elif action == _BEGIN:
            self._clear(0)
            self._restart(valid=False)
            self._in_snapshot = True
        elif action == _END and self._in_snapshot:
            self._restart(valid=True)
        return []

    def _restart(self, *, valid: bool) -> None:
        self.valid = valid
        self._in_snapshot = False

    def _level(self, r: Record) -> None:
        size = 0 if r["action"] == _DELETE else r["size"]
        known = r["action"] in (_ADD, _EDIT, _DELETE)
        if not known or r["side"] not in (1, -1) or size < 0 or r["px"] == PX_NONE or r["flags"] & _DELTA:
            return
        self._put(r["side"], r["px"], size - self.rows.get((r["side"], r["px"]), 0))

    def _by_id(self, r: Record) -> list[Change]:
        if r["ref_b"] < -1:
            return []
        key, old = r["id"], self.orders.get(r["id"])
        if r["action"] == _ADD:
            return [Change(key, None, _order(r))] if old is None and key and _sound(r) else []
        if old is None or r["action"] == _DELETE_FROM:
            return []
        if r["action"] == _DELETE:
            return [Change(key, old, None)]
        new = _edited(old, r)
        return [] if new is None else [Change(key, old, new if new.size else None)]

    def _by_position(self, r: Record) -> list[Change]:
        side, position, action = r["side"], r["ref_b"], r["action"]
        if side not in (1, -1) or position < 0:
            return []
        line = self.lists[side]
        if action == _ADD:
            if position > len(line) or not _sound(r):
                return []
            key, self._next = self._next, self._next - 1
            line.insert(position, key)
            return [Change(key, None, _order(r))]
        if position >= len(line):
            return []
        if action == _EDIT:
            old = self.orders[line[position]]
            new = _edited(old, r)
            return [] if new is None else [Change(line[position], old, new)]
        first = 0 if action == _DELETE_FROM else position
        gone = line[first : position + 1]
        del line[first : position + 1]
        return [Change(key, self.orders[key], None) for key in gone]

    def _move(self, change: Change) -> None:
        before, after = change.before, change.after
        if before is not None:
            if after is None or after.px != before.px or after.size > before.size:
                del self.orders[change.key]  # what comes after goes to the back
            self._put(before.side, before.px, -before.size)
        if after is not None:
            self.orders[change.key] = after
            self._put(after.side, after.px, after.size)

    def _put(self, side: int, px: int, change: int) -> None:
        size = self.rows.get((side, px), 0) + change
        if size > 0:
            self.rows[side, px] = size
        else:
            self.rows.pop((side, px), None)

    def _clear(self, side: int) -> None:
        for s in (1, -1) if side == 0 else (side,):
            self.rows = {row: q for row, q in self.rows.items() if row[0] != s}
            self.orders = {key: o for key, o in self.orders.items() if o.side != s}
            self.lists[s] = []

    def keys(self, side: int) -> Iterable[int]:
        """Return the orders of a side: by position best first, by id those of one price in their order of priority."""
        if self.form is Form.POSITION:
            return self.lists[side]
        return [key for key, o in self.orders.items() if o.side == side]

    def best(self, side: int) -> int | None:
        """Return the touch of a side; None where it is empty or not known."""
        prices = [px for s, px in self.rows if s == side] if self.valid else []
        return max(prices, key=lambda px: side * px, default=None)

    def copy(self) -> RecordedBook:
        """Return a copy."""
        lists = {side: list(line) for side, line in self.lists.items()}
        return RecordedBook(
            self.form,
            dict(self.rows),
            dict(self.orders),
            lists,
            self.last_px,
            self.valid,
            self._next,
            self._in_snapshot,
        )


def _order(r: Record) -> Order:
    return Order(r["side"], r["px"], r["size"], r["id"], r["ref_a"])


def _sound(r: Record) -> bool:
    return r["side"] in (1, -1) and r["size"] > 0 and r["px"] != PX_NONE


def _edited(old: Order, r: Record) -> Order | None:
    """An order after an edit; None where the result makes no sense."""
    size = old.size + r["size"] if r["flags"] & _DELTA else r["size"]
    if not 0 <= size <= _MAX_SIZE:
        return None
    px = old.px if r["px"] == PX_NONE else r["px"]
    return Order(old.side, px, size, r["id"] or old.id, r["ref_a"] or old.broker)
