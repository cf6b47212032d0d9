"""Order books in plain Python: the twin of ``crates/qt-core/src/book``.

Both books follow the same rules:

- A packet is atomic for readers: records with ``Flag.MORE`` show only once the packet has ended.
- A gap marker makes the book invalid until a snapshot is complete or both sides are cleared. An invalid book shows
  nothing: neither touch nor levels.
- A session marker with phase ``ROLL`` empties the book: the next contract has a book of its own.
- A record that makes no sense is left out and counted in ``rejected``; nothing is raised per event.
- Memory is bounded. What does not fit is dropped at the far end, and counted in ``dropped``.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import numpy as np

from quantumtrader._fallback.records import checked
from quantumtrader._protocols import Int32, Int64
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase, Side

__all__ = ["MAX_LEVELS", "MAX_ORDERS", "L2Book", "OrderBook"]

MAX_LEVELS = 1 << 16
"""Levels per side that an ``L2Book`` keeps unless told otherwise."""
MAX_ORDERS = 1 << 19
"""Orders that an ``OrderBook`` keeps unless told otherwise."""
MAX_PACKET = 1 << 16
"""Records of one packet that are held back; a longer packet shows in pieces."""

Row: TypeAlias = tuple[int, int, int, int, int, int, int, int, int]
"""``kind, action, side, flags, px, size, id, ref_a, ref_b`` of one event, as plain integers."""
Touch: TypeAlias = tuple[int, int, int, int]
Depth: TypeAlias = tuple[Int32, Int64, Int32, Int64]

_T = TypeVar("_T")

_FIELDS = ("kind", "action", "side", "flags", "px", "size", "id", "ref_a", "ref_b")
_NO_TOUCH: Touch = (PX_NONE, 0, PX_NONE, 0)
# Plain integers: enum members are slow to compare per event.
_MORE, _DELTA = int(Flag.MORE), int(Flag.DELTA)
_LEVEL, _ORDER, _SESSION, _GAP = int(Kind.LEVEL), int(Kind.ORDER), int(Kind.SESSION), int(Kind.GAP)
_ADD, _EDIT, _DELETE, _DELETE_FROM = (
    int(Action.ADD),
    int(Action.EDIT),
    int(Action.DELETE),
    int(Action.DELETE_FROM),
)
_CLEAR, _BEGIN, _END = int(Action.CLEAR), int(Action.SNAPSHOT_BEGIN), int(Action.SNAPSHOT_END)
_ROLL, _BUY, _SELL = int(Phase.ROLL), int(Side.BUY), int(Side.SELL)
_MAX_SIZE = 2**31 - 1


def _rows(events: Events) -> Iterator[Row]:
    checked(events)
    return zip(*(events[name].tolist() for name in _FIELDS), strict=True)


def _one(event: Any) -> Row:
    dtype = getattr(event, "dtype", None)
    if dtype != EVENT or event.size != 1:
        raise ValueError(
            f"an event must be one record of quantumtrader.EVENT, got {dtype if dtype is not None else type(event)}"
        )
    return next(_rows(np.asarray(event).reshape(1)))


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name} is {value}, expected at least 1")
    return value


def _checked_side(side: int) -> int:
    if side not in (_BUY, _SELL):
        raise ValueError(f"side is {side}, expected 1 (bid) or -1 (ask)")
    return side


class _Ladder:
    """Contracts by price of one side, with the prices in order: the greater key is the better price."""

    __slots__ = ("keys", "sign", "sizes")

    def __init__(self, side: int) -> None:
        self.sign = side
        self.sizes: dict[int, int] = {}
        self.keys: list[int] = []

    def __len__(self) -> int:
        return len(self.keys)

    def set(self, px: int, size: int) -> None:
        if size == 0:
            if self.sizes.pop(px, 0):
                del self.keys[bisect_left(self.keys, self.sign * px)]
        else:
            if px not in self.sizes:
                insort(self.keys, self.sign * px)
            self.sizes[px] = size

    def add(self, px: int, size: int) -> None:
        self.set(px, self.sizes.get(px, 0) + size)

    def best(self) -> tuple[int, int]:
        if not self.keys:
            return PX_NONE, 0
        px = self.sign * self.keys[-1]
        return px, self.sizes[px]

    def worst_px(self) -> int:
        return self.sign * self.keys[0]

    def levels(self) -> Iterator[tuple[int, int]]:
        for key in reversed(self.keys):
            px = self.sign * key
            yield px, self.sizes[px]

    def clear(self) -> None:
        self.sizes.clear()
        self.keys.clear()


class _Book:
    """What both books share: validity, packets, reading."""

    _kind: int

    def __init__(self) -> None:
        self.valid = True
        """False after a gap, until a snapshot is complete."""
        self.gaps = 0
        """Gap markers seen."""
        self.rejected = 0
        """Records left out because they make no sense."""
        self.dropped = 0
        """Levels or orders dropped at the far end because the book was full."""
        self._in_snapshot = False
        self._held: list[Row] = []
        self._sides = {_BUY: _Ladder(_BUY), _SELL: _Ladder(_SELL)}

    def _change(self, row: Row) -> bool:
        """Apply one update; False when it makes no sense."""
        raise NotImplementedError

    def _clear(self, side: int) -> None:
        """Forget a side, or both when ``side`` is 0."""
        for s in (_BUY, _SELL) if side == 0 else (side,):
            self._sides[s].clear()

    def update(self, event: Any) -> None:
        """Apply one event: a record scalar, or an array of one record."""
        self._update(_one(event))

    def update_many(self, events: Events) -> None:
        """Apply events in order."""
        for row in _rows(events):
            self._update(row)

    def best(self) -> Touch:
        """Return ``(bid_px, bid_sz, ask_px, ask_sz)``; a missing side is ``(PX_NONE, 0)``."""
        return self._sides[_BUY].best() + self._sides[_SELL].best() if self.valid else _NO_TOUCH

    def depth(self, levels: int) -> Depth:
        """Return the best levels of both sides, four arrays of shape (levels,)."""
        n = _at_least_one("levels", levels)
        bid_px, bid_sz, ask_px, ask_sz = _stack([self._depth(n)])
        return bid_px[0], bid_sz[0], ask_px[0], ask_sz[0]

    def best_after_each(self, events: Events) -> Depth:
        """Apply events and return the touch after each one, four arrays of shape (n_events,)."""
        out = np.array(self._after_each(events, self.best), np.int64).reshape(-1, 4)
        return out[:, 0].astype(np.int32), out[:, 1].copy(), out[:, 2].astype(np.int32), out[:, 3].copy()

    def depth_after_each(self, events: Events, levels: int) -> Depth:
        """Apply events and return the levels after each one, four arrays of shape (n_events, levels)."""
        n = _at_least_one("levels", levels)
        return _stack(self._after_each(events, lambda: self._depth(n)), n)

    def size_at(self, side: int, px: int) -> int:
        """Return the displayed contracts at a price of a side; 0 where there is no level."""
        levels = self._sides[_checked_side(side)].sizes
        return levels.get(px, 0) if self.valid else 0

    def _after_each(self, events: Events, read: Callable[[], _T]) -> list[_T]:
        out = []
        for row in _rows(events):
            self._update(row)
            out.append(read())
        return out

    def _depth(self, n: int) -> list[list[int]]:
        out = []
        for side in (_BUY, _SELL):
            shown = list(islice(self._sides[side].levels(), n)) if self.valid else []
            shown += [(PX_NONE, 0)] * (n - len(shown))
            out += [[px for px, _ in shown], [size for _, size in shown]]
        return out

    def _update(self, row: Row) -> None:
        if row[3] & _MORE:
            if len(self._held) == MAX_PACKET:
                self._flush()
            self._held.append(row)
        else:
            if self._held:
                self._flush()
            self._apply(row)

    def _flush(self) -> None:
        held, self._held = self._held, []
        for row in held:
            self._apply(row)

    def _apply(self, row: Row) -> None:
        kind, action, side = row[0], row[1], row[2]
        if kind == self._kind:
            if action == _CLEAR and side in (0, _BUY, _SELL):
                self._clear(side)
                if side == 0:
                    self._restart(valid=True)
            elif action == _BEGIN:
                self._clear(0)
                self._restart(valid=False)
                self._in_snapshot = True
            elif action == _END and self._in_snapshot:
                self._restart(valid=True)
            elif not self._change(row):
                self.rejected += 1
        elif kind == _GAP:
            self.gaps += 1
            self._restart(valid=False)
        elif kind == _SESSION and action == _ROLL:
            self._clear(0)
            self._restart(valid=True)

    def _restart(self, *, valid: bool) -> None:
        self.valid = valid
        self._in_snapshot = False


def _stack(rows: list[list[list[int]]], levels: int = 0) -> Depth:
    out = np.array(rows, np.int64) if rows else np.empty((0, 4, levels), np.int64)
    return (
        out[:, 0].astype(np.int32),
        np.ascontiguousarray(out[:, 1]),
        out[:, 2].astype(np.int32),
        np.ascontiguousarray(out[:, 3]),
    )


class L2Book(_Book):
    """Sizes by price level, made from ``Level`` records with absolute sizes.

    Parameters
    ----------
    max_levels : int
        Levels per side to keep; beyond it the worst one is dropped and counted.

    Raises
    ------
    ValueError
        If ``max_levels`` is less than 1.
    """

    _kind = _LEVEL

    def __init__(self, max_levels: int = MAX_LEVELS) -> None:
        super().__init__()
        self._max_levels = _at_least_one("max_levels", max_levels)

    def _change(self, row: Row) -> bool:
        _, action, side, flags, px, size, _, _, _ = row
        if action == _DELETE:
            size = 0
        elif action not in (_ADD, _EDIT):
            return False
        if side not in (_BUY, _SELL) or size < 0 or px == PX_NONE or flags & _DELTA:
            return False
        levels = self._sides[side]
        levels.set(px, size)
        if len(levels) > self._max_levels:
            levels.set(levels.worst_px(), 0)
            self.dropped += 1
        return True


@dataclass(frozen=True, slots=True)
class Order:
    """One resting order."""

    id: int
    side: int
    px: int
    size: int
    broker: int


def order_of(row: Row) -> Order:
    """Return the order that an add brings."""
    return Order(row[6], row[2], row[4], row[5], row[7])


def edited(old: Order, row: Row) -> Order | None:
    """Return the order after an edit; None when the result makes no sense."""
    delta = row[3] & _DELTA
    size = old.size + row[5] if delta else row[5]
    px = old.px if row[4] == PX_NONE else row[4]
    if not 0 <= size <= _MAX_SIZE:
        return None
    return replace(old, id=row[6] or old.id, px=px, size=size, broker=row[7] or old.broker)


class OrderBook(_Book):
    """Orders and the levels they make, from ``Order`` records.

    A record with ``position`` −1 names its order by id, one with a position from 0 on by its place from the best.
    The first record after an empty book decides; records of the other scheme are then rejected.

    By id, an order added goes to the back of its price; an edit that adds size or changes the price loses the
    place, one that takes size away keeps it, one to size 0 removes. By position, records are the list operations
    of ProfitDLL: add at, edit, delete, delete-from. A delete-from is the delete of position 0 as many times as it
    takes orders: the one at its position and every better one, best first. In both, ``Flag.DELTA`` makes the size
    of an edit a signed change; a price of ``PX_NONE`` is unchanged.

    Parameters
    ----------
    max_orders : int
        Orders to keep; beyond it the worst one of the side is dropped and counted.

    Raises
    ------
    ValueError
        If ``max_orders`` is less than 1.
    """

    _kind = _ORDER

    def __init__(self, max_orders: int = MAX_ORDERS) -> None:
        super().__init__()
        self._max_orders = _at_least_one("max_orders", max_orders)
        self.unknown_ids = 0
        """Edits and deletes of ids that were not in the book."""
        self._ids: dict[int, Order] = {}
        # Ids by side and price, in order of priority: a dict keeps the order of insertion.
        self._queues: dict[tuple[int, int], dict[int, None]] = {}
        # By position: one list per side, worst first.
        self._lists: dict[int, list[Order]] = {_BUY: [], _SELL: []}

    def __len__(self) -> int:
        return len(self._ids) + len(self._lists[_BUY]) + len(self._lists[_SELL])

    def orders_at(self, side: int, px: int) -> int:
        """Return the number of orders that display something at a price of a side."""
        return len(self._at(_checked_side(side), px)) if self.valid else 0

    def order(self, order_id: int) -> tuple[int, int, int, int] | None:
        """Return ``(side, px, size, broker)`` of an order, None when it is not in the book."""
        found = self._find(order_id)
        return None if found is None else (found.side, found.px, found.size, found.broker)

    def orders(self, side: int) -> tuple[Int64, Int32, Int32, Int32]:
        """Return every order of a side, best first: ``(order_id, px, size, broker)``, each of shape (n_orders,)."""
        found: Iterable[Order] = ()
        if _checked_side(side) and self.valid:
            by_id = (o for px, _ in self._sides[side].levels() for o in self._queue(side, px))
            found = by_id if self._ids else reversed(self._lists[side])
        out = np.array([(o.id, o.px, o.size, o.broker) for o in found], np.int64).reshape(-1, 4)
        px, size, broker = (out[:, k].astype(np.int32) for k in (1, 2, 3))
        return out[:, 0].copy(), px, size, broker

    def queue_ahead(self, order_id: int) -> tuple[int, int] | None:
        """Return ``(contracts, orders)`` ahead of an order at its price, None when it is not in the book."""
        found = self._find(order_id)
        if found is None:
            return None
        size = count = 0
        queue = self._queue(found.side, found.px) if self._ids else reversed(self._lists[found.side])
        for order in queue:
            if order.id == order_id:
                break
            if order.px == found.px and order.size > 0:
                size, count = size + order.size, count + 1
        return size, count

    def _find(self, order_id: int) -> Order | None:
        if not self.valid:
            return None
        lists = (o for side in (_SELL, _BUY) for o in reversed(self._lists[side]) if o.id == order_id)
        return self._ids.get(order_id) or next(lists, None)

    def _queue(self, side: int, px: int) -> Iterable[Order]:
        return (self._ids[i] for i in self._queues.get((side, px), ()))

    def _at(self, side: int, px: int) -> list[Order]:
        orders = self._queue(side, px) if self._ids else self._lists[side]
        return [o for o in orders if o.px == px and o.size > 0]

    def _clear(self, side: int) -> None:
        super()._clear(side)
        for s in (_BUY, _SELL) if side == 0 else (side,):
            self._lists[s].clear()
            self._ids = {i: o for i, o in self._ids.items() if o.side != s}
            self._queues = {key: ids for key, ids in self._queues.items() if key[0] != s}

    def _change(self, row: Row) -> bool:
        position = row[8]
        if row[1] not in (_ADD, _EDIT, _DELETE, _DELETE_FROM) or position < -1:
            return False
        other = len(self) - len(self._ids) if position == -1 else len(self._ids)
        if other:
            return False
        return self._by_id(row) if position == -1 else self._by_position(row)

    def _by_id(self, row: Row) -> bool:
        action, order_id = row[1], row[6]
        old = self._ids.get(order_id)
        if action == _ADD:
            order = order_of(row)
            if (
                old
                or not order_id
                or order.side not in (_BUY, _SELL)
                or order.size <= 0
                or order.px == PX_NONE
            ):
                return False
            self._link(order)
            if len(self) > self._max_orders:
                worst = (order.side, self._sides[order.side].worst_px())
                self._unlink(self._ids[next(reversed(self._queues[worst]))])
                self.dropped += 1
        elif action == _DELETE_FROM:
            return False
        elif old is None:
            self.unknown_ids += 1
        elif action == _DELETE:
            self._unlink(old)
        else:
            new = edited(old, row)
            if new is None:
                return False
            if new.size == 0:
                self._unlink(old)
            elif new.px != old.px or new.size > old.size:
                self._unlink(old)
                self._link(new)
            else:
                self._ids[order_id] = new
                self._sides[new.side].add(new.px, new.size - old.size)
        return True

    def _link(self, order: Order) -> None:
        self._ids[order.id] = order
        self._queues.setdefault((order.side, order.px), {})[order.id] = None
        self._sides[order.side].add(order.px, order.size)

    def _unlink(self, order: Order) -> None:
        del self._ids[order.id]
        queue = self._queues[order.side, order.px]
        del queue[order.id]
        if not queue:
            del self._queues[order.side, order.px]
        self._sides[order.side].add(order.px, -order.size)

    def _by_position(self, row: Row) -> bool:
        action, side, position = row[1], row[2], row[8]
        if side not in (_BUY, _SELL):
            return False
        orders, levels = self._lists[side], self._sides[side]
        at = len(orders) - 1 - position
        if action == _ADD:
            order = order_of(row)
            if at < -1 or order.size <= 0 or order.px == PX_NONE:
                return False
            orders.insert(at + 1, order)
            levels.add(order.px, order.size)
            if len(self) > self._max_orders:
                worst = orders.pop(0)
                levels.add(worst.px, -worst.size)
                self.dropped += 1
            return True
        if at < 0:
            return False
        if action == _EDIT:
            new = edited(orders[at], row)
            if new is None:
                return False
            levels.add(orders[at].px, -orders[at].size)
            orders[at] = new
            levels.add(new.px, new.size)
            return True
        end = at + 1 if action == _DELETE else len(orders)
        for order in orders[at:end]:
            levels.add(order.px, -order.size)
        del orders[at:end]
        return True
