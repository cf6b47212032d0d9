"""Random books by order as ProfitDLL tells them, by position, and the same market told in other words."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from quantumtrader.types import PX_NONE, Action, Events, Flag, Kind, Phase

FORMS = ("from", "single", "id")
"""By position with delete-from, by position with deletes alone, by id."""
_MORE, _DELTA = int(Flag.MORE), int(Flag.DELTA)
_UNKNOWN = 1 << 40

Rows = list[dict[str, object]]


@dataclass
class Resting:
    """An entry of a list; one that shows nothing keeps its place."""

    id: int
    px: int
    size: int
    broker: int


class Lists:
    """Two lists of orders, best first, and random records about them.

    Parameters
    ----------
    rng : np.random.Generator
        Where chance comes from.
    anonymous : bool
        Whether some orders have no id; such a market cannot be told by id.
    """

    def __init__(self, rng: np.random.Generator, anonymous: bool) -> None:
        self.rng, self.anonymous = rng, anonymous
        self.sides: dict[int, list[Resting]] = {1: [], -1: []}
        self.next_id = 1
        self.rows: Rows = []

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def whole(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    def forget(self, side: int) -> None:
        """Empty a side, or both when ``side`` is 0."""
        for s in (1, -1) if side == 0 else (side,):
            self.sides[s] = []

    def new_id(self) -> int:
        self.next_id += 1
        return 0 if self.anonymous and self.chance(0.2) else self.next_id

    def put(
        self, action: Action, side: int, place: int, lots: list[tuple[Resting, int]], **fields: int
    ) -> None:
        """Note a record with the orders it is about and the id that each has after it."""
        before = [(Resting(o.id, o.px, o.size, o.broker), ident) for o, ident in lots]
        row = {"kind": Kind.ORDER, "action": action, "side": side, "ref_b": place, "lots": before}
        self.rows.append(row | fields)

    def add(self, side: int, px: int, size: int, flags: int, broker: int | None = None) -> Resting:
        """Put an order at the back of its price, of any broker unless told."""
        lots = self.sides[side]
        place = next((k for k, o in enumerate(lots) if side * (o.px - px) < 0), len(lots))
        order = Resting(self.new_id(), px, size, self.whole(0, 4) if broker is None else broker)
        told = {"id": order.id, "px": px, "size": size, "ref_a": order.broker, "flags": flags}
        self.put(Action.ADD, side, place, [(order, order.id)], **told)
        lots.insert(place, order)
        return order

    def delete(self, side: int, place: int, flags: int) -> None:
        order = self.sides[side].pop(place)
        self.put(Action.DELETE, side, place, [(order, order.id)], flags=flags)

    def take(self, side: int, count: int, flags: int) -> None:
        """Take the best orders out."""
        if count == 1 and self.chance(0.7):
            self.delete(side, 0, flags)
            return
        taken, self.sides[side] = self.sides[side][:count], self.sides[side][count:]
        self.put(Action.DELETE_FROM, side, count - 1, [(o, o.id) for o in taken], flags=flags)

    def uncross(self, side: int, px: int, flags: int) -> None:
        """Take out what stands in the way of an order, in the same packet."""

        def is_in_the_way(order: Resting) -> bool:
            return side * (order.px - px) <= 0

        lots = self.sides[-side]
        leading = next((k for k, o in enumerate(lots) if not is_in_the_way(o)), len(lots))
        if leading:
            self.take(-side, leading, flags | _MORE)
        for place in reversed([k for k, o in enumerate(self.sides[-side]) if is_in_the_way(o)]):
            self.delete(-side, place, flags | _MORE)

    def resize(self, side: int, place: int, size: int, flags: int, **fields: int) -> None:
        """Edit an order: its size as a change or as such, what stays said again or left out."""
        order = self.sides[side][place]
        ident = int(fields.get("id", order.id if self.chance(0.3) else 0))
        delta = self.chance(0.6)
        told = {
            "id": ident,
            "px": PX_NONE if self.chance(0.6) else order.px,
            "size": size - order.size if delta else size,
            "ref_a": self.whole(0, 4) if self.chance(0.1) else 0,
            "flags": flags | (_DELTA if delta else 0),
        } | {k: v for k, v in fields.items() if k != "id"}
        self.put(Action.EDIT, side, place, [(order, ident or order.id)], **told)
        order.id, order.size, order.broker = ident or order.id, size, told["ref_a"] or order.broker
        order.px = order.px if told["px"] == PX_NONE else told["px"]

    def edit(self, side: int, place: int, px: int, flags: int) -> None:
        """Change something about an order."""
        order, r = self.sides[side][place], self.rng.random()
        if r < 0.05:
            # Less than nothing would be left: the record makes no sense.
            less = {"px": PX_NONE, "size": -order.size - 1, "flags": flags | _DELTA}
            self.put(Action.EDIT, side, place, [(order, order.id)], **less)
        elif r < 0.2:
            self.uncross(side, px, flags)
            self.resize(side, place, self.whole(1, 30), flags, px=px)
        elif r < 0.3:
            self.resize(side, place, self.whole(1, 30), flags, id=self.new_id())
        elif r < 0.4:
            self.resize(side, place, 0, flags)
        else:
            self.resize(side, place, self.whole(1, 30), flags)

    def trade(self, side: int, px: int, size: int, broker: int, flags: int) -> None:
        """Note a trade against orders of a side."""
        brokers = {
            "ref_a" if side > 0 else "ref_b": broker,
            "ref_b" if side > 0 else "ref_a": self.whole(0, 4),
        }
        self.rows.append(
            {"kind": Kind.TRADE, "px": px, "size": size, "side": -side, "flags": flags, **brokers}
        )

    def sweep(self, side: int) -> None:
        """Tell of an aggressor as ProfitDLL does: trades, then what they did to orders; sometimes they took more."""
        lots = self.sides[side]
        count = min(len(lots), self.whole(1, 5))
        more = lots[count] if count < len(lots) and lots[count].size > 1 else None
        part = self.whole(1, more.size) if more is not None else 0
        executed = [(o.px, o.size, o.broker) for o in lots[:count] if o.size]
        if more is not None:
            executed.append((more.px, part + self.whole(0, 9) * self.whole(0, 2), more.broker))
        packet = _MORE if self.chance(0.5) else 0
        for px, size, broker in executed:
            self.trade(side, px, size, broker, packet)
        self.take(side, count, packet if more is not None else 0)
        if more is not None:
            self.resize(side, 0, more.size - part, 0)


def tell(rows: Rows, form: str) -> list[dict[str, int]]:
    """Tell a market in one of ``FORMS``: the same orders, packets, times and prints."""
    out: list[dict[str, int]] = []
    for row in rows:
        told = {k: v for k, v in row.items() if k != "lots"}
        lots = row.get("lots")
        if lots is None or form == "from":
            out.append(told)
        elif form == "single":
            if told["action"] == Action.DELETE_FROM and lots:
                told |= {"action": Action.DELETE, "ref_b": 0}
            out += _packet([told] * max(1, len(lots)))
        else:
            out += _packet([x for lot, ident in lots or [(None, 0)] for x in _by_id(told, lot, ident)])
    return out


def _packet(parts: list[dict[str, int]]) -> list[dict[str, int]]:
    """Return what one record says in several."""
    more = [x | {"flags": x.get("flags", 0) | _MORE} for x in parts[:-1]]
    return [*more, parts[-1]]


def _by_id(told: dict[str, int], lot: Resting | None, ident: int) -> list[dict[str, int]]:
    told = told | {"ref_b": -1}
    if lot is None:
        return [told | {"action": Action.DELETE, "id": _UNKNOWN}]
    if told["action"] == Action.ADD:
        return [told]
    gone = told | {"action": Action.DELETE, "id": lot.id, "px": lot.px, "size": 0, "ref_a": 0}
    gone["flags"] = told.get("flags", 0) & ~_DELTA
    if told["action"] != Action.EDIT:
        return [gone]
    size = told["size"] + (lot.size if told["flags"] & _DELTA else 0)
    px, broker = lot.px if told["px"] == PX_NONE else told["px"], told.get("ref_a", 0) or lot.broker
    added = gone | {"action": Action.ADD, "id": ident, "px": px, "size": size, "ref_a": broker}
    if size < 0:
        return [told | {"id": lot.id}]
    if not lot.size:
        return [added] if size else [gone]
    if ident != lot.id:
        return [gone, added] if size else [gone]
    return [told | {"id": lot.id}]


def placed(events: Events) -> Rows:
    """Put orders that are told by id in their places, to be told in any of ``FORMS``.

    An order that changes its price is one that goes and one that comes. Orders that leave the best places at one time,
    nothing else between, leave in one packet.

    Parameters
    ----------
    events : Events
        A stream by id.
    """
    places: dict[int, list[tuple[int, int, int]]] = {1: [], -1: []}
    known: dict[int, tuple[int, tuple[int, int, int], Resting]] = {}
    out: Rows = []

    def note(
        row: dict[str, object], action: Action, side: int, place: int, lot: Resting, **fields: int
    ) -> None:
        copy = Resting(lot.id, lot.px, lot.size, lot.broker)
        told = {"action": action, "side": side, "ref_b": place, "px": 0, "size": 0, "id": 0, "ref_a": 0}
        out.append(row | told | {"lots": [(copy, lot.id)]} | fields)

    def delete(row: dict[str, object], ident: int) -> None:
        side, key, lot = known.pop(ident)
        place = bisect_left(places[side], key)
        del places[side][place]
        last = out[-1] if out else {}
        run = (
            last.get("lots") if place == 0 and last.get("ref_b") == len(last.get("lots") or ()) - 1 else None
        )
        joins = run and last["action"] in (Action.DELETE, Action.DELETE_FROM) and last["side"] == side
        if joins and last["ts_event"] == row["ts_event"] and not (last["flags"] | row["flags"]) & ~_MORE:
            lots = [*run, (Resting(lot.id, lot.px, lot.size, lot.broker), lot.id)]
            now = {"action": Action.DELETE_FROM, "ref_b": len(lots) - 1, "lots": lots, "flags": row["flags"]}
            out[-1] = last | now
        else:
            note(row, Action.DELETE, side, place, lot)

    def add(row: dict[str, object], side: int, lot: Resting) -> None:
        key = (-side * lot.px, len(out), lot.id)
        place = bisect_left(places[side], key)
        places[side].insert(place, key)
        known[lot.id] = side, key, lot
        told = {"px": lot.px, "size": lot.size, "id": lot.id, "ref_a": lot.broker}
        note(row, Action.ADD, side, place, lot, **told)

    for values in events.tolist():
        row = dict(zip(events.dtype.names, values, strict=True))
        ident, action, side = row["id"], row["action"], row["side"]
        if row["kind"] != Kind.ORDER or action >= Action.CLEAR:
            if row["kind"] == Kind.ORDER or (row["kind"] == Kind.SESSION and action == Phase.ROLL):
                whole = row["kind"] == Kind.SESSION or action == Action.SNAPSHOT_BEGIN
                ends = row["kind"] == Kind.ORDER and action == Action.SNAPSHOT_END
                for s in () if ends else (1, -1) if whole or not side else (side,):
                    places[s] = []
                    known = {k: o for k, o in known.items() if o[0] != s}
            out.append(row)
        elif action == Action.ADD and ident not in known:
            add(row, side, Resting(ident, row["px"], row["size"], row["ref_a"]))
        elif ident not in known or action == Action.ADD:
            out.append(row | {"action": Action.DELETE, "side": 1, "ref_b": len(places[1]), "lots": []})
        elif action == Action.DELETE:
            delete(row, ident)
        else:
            side, key, lot = known[ident]
            now = Resting(ident, row["px"], row["size"], row["ref_a"] or lot.broker)
            if now.px == lot.px:
                place = bisect_left(places[side], key)
                told = {"px": PX_NONE, "size": now.size - lot.size, "ref_a": row["ref_a"]}
                note(row, Action.EDIT, side, place, lot, flags=row["flags"] | _DELTA, **told)
                known[ident] = side, key, now
            else:
                delete(row | {"flags": row["flags"] | _MORE}, ident)
                add(row, side, now)
    return out
