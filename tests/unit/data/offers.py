"""A market made of random actions on an offer book by position, with price depth and trades beside it.

The model is a plain list of orders per side, best first: it knows what the book is after every record.
"""

from __future__ import annotations

import numpy as np

from quantumtrader.types import EVENT, Action, Events, Flag, Instrument, Kind, Phase, Side

WDO = Instrument("WDOU25", "WDO", 0.5, 10.0)
WIN = Instrument("WINQ25", "WIN", 5.0, 0.2)
NOON = 1_755_270_000_000_000_000  # 2025-08-15 15:00 UTC
MS = 1_000_000
BID, ASK = int(Side.BUY), int(Side.SELL)


class Market:
    """Makes the records of one instrument; ``lists`` is the truth."""

    def __init__(self, seed: int, instrument: int = 0, *, depth: bool = True, start: int = NOON) -> None:
        self.rng = np.random.default_rng(seed)
        self.instrument = instrument
        self.depth = depth
        self.now = start
        self.lists: dict[int, list[tuple[int, int, int]]] = {BID: [], ASK: []}
        self.records: list[np.void] = []
        self._ids = 0
        self.marker(Kind.SESSION, Phase.OPEN)
        self.snapshot(30)

    def record(self, kind: Kind, **fields: int) -> None:
        event = np.zeros(1, EVENT)[0]
        event["kind"], event["instrument"] = kind, self.instrument
        event["ts_event"], event["ts_recv"] = self.now, self.now + 300_000
        for name, value in fields.items():
            event[name] = value
        self.records.append(event)

    def marker(self, kind: Kind, action: int = 0, **fields: int) -> None:
        self.record(kind, action=action, **fields)

    def ladder(self, side: int) -> dict[int, int]:
        sizes: dict[int, int] = {}
        for _, px, size in self.lists[side]:
            sizes[px] = sizes.get(px, 0) + size
        return sizes

    def snapshot(self, orders: int) -> None:
        """A new book, as an image."""
        mid = 10_800 + int(self.rng.integers(-20, 20))
        self.lists = {
            side: sorted(
                (
                    (self.new_id(), mid - side * int(self.rng.integers(1, 8)), int(self.rng.integers(1, 50)))
                    for _ in range(orders)
                ),
                key=lambda order: -side * order[1],
            )
            for side in (BID, ASK)
        }
        flag = int(Flag.SNAPSHOT)
        self.record(Kind.ORDER, action=Action.SNAPSHOT_BEGIN, flags=flag)
        for side in (BID, ASK):
            for position, (order_id, px, size) in enumerate(self.lists[side]):
                self.record(
                    Kind.ORDER,
                    action=Action.ADD,
                    side=side,
                    id=order_id,
                    px=px,
                    size=size,
                    ref_a=3,
                    ref_b=position,
                    flags=flag,
                )
        self.record(Kind.ORDER, action=Action.SNAPSHOT_END, flags=flag)
        if self.depth:
            self.record(Kind.LEVEL, action=Action.SNAPSHOT_BEGIN, flags=flag)
            for side in (BID, ASK):
                for px, size in self.ladder(side).items():
                    self.record(Kind.LEVEL, action=Action.ADD, side=side, px=px, size=size, flags=flag)
            self.record(Kind.LEVEL, action=Action.SNAPSHOT_END, flags=flag)

    def new_id(self) -> int:
        self._ids += 1
        return self._ids

    def step(self) -> None:
        """One random action, and what it changes in price depth."""
        rng = self.rng
        self.now += int(rng.choice([0, 1, 5, 40])) * MS
        side = int(rng.choice([BID, ASK]))
        orders, other = self.lists[side], self.lists[-side]
        before = self.ladder(side)
        what = rng.random()
        if what < 0.45 or len(orders) < 3:
            limit = other[0][1] - side if other else 10_800
            px = limit - side * int(rng.integers(0, 8))
            position = sum(side * o[1] >= side * px for o in orders)
            size = int(rng.integers(1, 50))
            order = (self.new_id(), px, size)
            orders.insert(position, order)
            self.record(
                Kind.ORDER,
                action=Action.ADD,
                side=side,
                id=order[0],
                px=px,
                size=size,
                ref_a=7,
                ref_b=position,
            )
        elif what < 0.6:
            position = int(rng.integers(len(orders)))
            order_id, px, size = orders[position]
            change = int(rng.integers(-size + 1, 20)) or 1
            orders[position] = (order_id, px, size + change)
            self.record(
                Kind.ORDER,
                action=Action.EDIT,
                side=side,
                id=order_id,
                px=px,
                size=change,
                ref_b=position,
                flags=Flag.DELTA,
            )
        elif what < 0.9:
            position = int(rng.integers(len(orders)))
            del orders[position]
            self.record(Kind.ORDER, action=Action.DELETE, side=side, ref_b=position)
        elif what < 0.97:
            position = int(rng.integers(min(3, len(orders))))
            del orders[: position + 1]
            self.record(Kind.ORDER, action=Action.DELETE_FROM, side=side, ref_b=position)
            self.record(Kind.TRADE, id=self.new_id(), px=10_800, size=int(rng.integers(1, 9)), side=-side)
        elif what < 0.98:
            self.marker(Kind.GAP, size=int(rng.integers(0, 9)))
            self.snapshot(int(rng.integers(5, 40)))
            return
        else:
            self.record(Kind.QUOTE, px=10_799, px_ask=10_800, size=1, size_ask=2)
        if self.depth:
            after = self.ladder(side)
            for px in sorted({*before, *after}):
                if before.get(px) != after.get(px):
                    size = after.get(px, 0)
                    action = Action.DELETE if not size else Action.EDIT if px in before else Action.ADD
                    self.record(Kind.LEVEL, action=action, side=side, px=px, size=size)

    def events(self, steps: int, first: int = 1) -> Events:
        """Go on for some steps; returns every record so far, numbered from ``first``."""
        for _ in range(steps):
            self.step()
        out = np.array(self.records, EVENT)
        out["sequence"] = np.arange(first, first + len(out))
        return out


def merged(*parts: Events) -> Events:
    """Interleave streams by receive time, and number them anew."""
    out = np.concatenate(parts)
    out = out[np.argsort(out["ts_recv"], kind="stable")]
    out["sequence"] = np.arange(1, len(out) + 1)
    return out


class ArrayFeed:
    """A feed that hands over an array in pieces of random length."""

    def __init__(
        self, events: Events, seed: int = 0, messages: list[tuple[object, ...]] | None = None
    ) -> None:
        self._events = events
        self._rng = np.random.default_rng(seed)
        self._messages = messages or []
        self.at = 0

    def read(self, max: int) -> Events:
        n = min(max, int(self._rng.integers(1, 200)))
        out = self._events[self.at : self.at + n]
        self.at += len(out)
        return out

    def take_messages(self) -> list[tuple[object, ...]]:
        out, self._messages = self._messages, []
        return out

    def counters(self) -> dict[str, int]:
        return {"read": self.at}


class SetClock:
    """A clock that says what it is told."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def now_ns(self) -> int:
        return self.now
