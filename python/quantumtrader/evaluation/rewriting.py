"""The records of a stream while one injected pattern lasts: its own, and the recorded ones carried along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from quantumtrader._protocols import Int64
from quantumtrader.evaluation.patterns import Act, Refused
from quantumtrader.evaluation.recorded_book import Change, Form, Order, Record, RecordedBook
from quantumtrader.types import Action, Events, Flag, Kind

_CHANGES = (int(Action.ADD), int(Action.EDIT), int(Action.DELETE), int(Action.DELETE_FROM))


class Stream(Protocol):
    """The stream that a pattern is written into."""

    events: Events
    times: Int64
    breaks: Int64
    """How many records before each place void what was displayed, or are a session marker."""
    form: Form
    next_id: int
    instrument: int

    def place(self, t: int) -> int:
        """Return the first place at or after a time where no packet is open."""

    def records(self, start: int, stop: int) -> Iterator[Record]:
        """Records as dicts."""


class Window:
    """The stream while one pattern lasts.

    Parameters
    ----------
    run : Stream
        The stream.
    book : RecordedBook
        What it shows before the pattern; it is carried along.
    """

    def __init__(self, run: Stream, book: RecordedBook) -> None:
        self.run, self.book = run, book
        self.extra: dict[tuple[int, int], int] = {}
        self.idents: dict[tuple[int, int], int] = {}
        self.own: dict[int, int] = {}
        self.hidden: dict[int, int] = {}
        # By position: what is shown of each side, best first. Recorded orders have negative keys, injected ones ids.
        self.lines = {side: list(line) for side, line in book.lists.items()}
        self.known: tuple[object, int] = (None, 0)
        self.inserted: list[tuple[int, Record]] = []
        self.changed: dict[int, Record] = {}

    def write(self, acts: list[Act]) -> tuple[list[tuple[int, Record]], dict[int, Record]]:
        """Do what is to be done, and carry the records in between along.

        Returns
        -------
        inserted : list of (int, Record)
            New records, each with the place before which it goes.
        changed : dict of int to Record
            What differs from now on in recorded ones, by place.

        Raises
        ------
        Refused
            If price runs into the pattern, or the book is voided while it lasts.
        """
        run = self.run
        # What the caller's book has seen: everything at or before the first time.
        at = int(np.searchsorted(run.times, acts[0].t, side="right"))
        stop = run.place(acts[-1].t)
        if run.breaks[stop] > run.breaks[max(0, at - 1)] or stop >= len(run.events):
            raise Refused
        for act in acts:
            place = max(at, run.place(act.t))
            for k, record in enumerate(run.records(at, place), at):
                self._carry(k, record)
            at = place
            self._do(at, act)
        return self.inserted, self.changed

    def _do(self, at: int, act: Act) -> None:
        # A feed by position has no packets: each of its records stands alone.
        flags = int(Flag.MORE) * (act.more and self.run.form is not Form.POSITION)
        side, px = act.side, act.px
        if act.what == "trade":
            best = self.book.best(-side)
            if act.at_touch and best is not None and side * (px - best) > 0:
                raise Refused  # price has left the row
            self._put(at, act.t, kind=Kind.TRADE, side=side, px=px, size=act.size, flags=flags)
        elif act.what == "extra":
            self._show_extra(at, act, flags)
        elif act.what == "again":
            ident = self.idents[side, px]
            self._order(at, act.t, Action.EDIT, ident, Order(side, px, act.size, ident, 0), flags)
        else:
            before = {key for key in self._keys(side) if self._visible(side, self._px(key))}
            if act.what == "hide":
                self.hidden[side] = px
            else:
                self.hidden.pop(side, None)
            after = {key for key in self._keys(side) if self._visible(side, self._px(key))}
            self._toggle(at, act, before ^ after, shown=act.what == "show")

    def _keys(self, side: int) -> list[int]:
        """Orders, or prices of rows, of the recorded book."""
        if self.run.form.by_order:
            return list(self.book.keys(side))
        return sorted(px for s, px in self.book.rows if s == side)

    def _px(self, key: int) -> int:
        return self.book.orders[key].px if self.run.form.by_order else key

    def _visible(self, side: int, px: int) -> bool:
        """Whether a recorded row is not hidden."""
        limit = self.hidden.get(side)
        return limit is None or side * px < side * limit

    def _visible_rows(self, side: int) -> set[int]:
        return {px for s, px in self.book.rows if s == side and self._visible(s, px)}

    def _base(self, side: int, px: int) -> int:
        return self.book.rows.get((side, px), 0) if self._visible(side, px) else 0

    def _toggle(self, at: int, act: Act, keys: set[int], *, shown: bool) -> None:
        """Take recorded rows out of the book, or put them back, in one packet."""
        side, form = act.side, self.run.form
        ordered = [key for key in self._keys(side) if key in keys]
        if form is Form.ID:
            ordered.sort(key=self._px)
        for k, key in enumerate(ordered):
            flags = int(Flag.MORE) * (k < len(ordered) - 1 and form is not Form.POSITION)
            if not form.by_order:
                size = self._base(side, key) + self.extra.get((side, key), 0)
                self._put(at, act.t, **_level(side, key, size), flags=flags)
            else:
                order = self.book.orders[key]
                self._order(at, act.t, Action.ADD if shown else Action.DELETE, key, order, flags)
        if not ordered:
            self._put(at, act.t, kind=Kind.TIMER)

    def _show_extra(self, at: int, act: Act, flags: int) -> None:
        side, px = act.side, act.px
        before = self.extra.get((side, px), 0)
        if before == act.size:
            return
        if act.size and side * (px - self._opposite(at, side)) >= 0:
            raise Refused  # it would cross
        self.extra[side, px] = act.size
        if not act.size:
            del self.extra[side, px]
        if not self.run.form.by_order:
            self._put(at, act.t, **_level(side, px, self._base(side, px) + act.size), flags=flags)
            return
        if not before:
            self.idents[side, px] = self.run.next_id
            self.own[self.run.next_id] = px
            self.run.next_id += 1
        action = Action.DELETE if not act.size else Action.EDIT if before else Action.ADD
        ident = self.idents[side, px]
        self._order(at, act.t, action, ident, Order(side, px, act.size, ident, 0), flags)

    def _order(self, at: int, t: int, action: Action, key: int, order: Order, flags: int) -> None:
        """Insert a record about an injected order, or about one that is hidden or shown again."""
        place = self._in_line(action, key, order) if self.run.form is Form.POSITION else -1
        size = 0 if action == Action.DELETE else order.size
        fields = {"side": order.side, "px": order.px, "size": size, "id": order.id, "ref_a": order.broker}
        self._put(at, t, kind=Kind.ORDER, action=action, ref_b=place, flags=flags, **fields)

    def _in_line(self, action: Action, key: int, order: Order) -> int:
        """Return the position that a record names, and add to, or take from, what is shown."""
        line = self.lines[order.side]
        if action == Action.ADD:
            place = self._behind(key, order)
            line.insert(place, key)
            return place
        place = line.index(key)
        if action == Action.DELETE:
            del line[place]
        return place

    def _behind(self, key: int, order: Order) -> int:
        """Return where an order goes: an injected one to the back of its row, a recorded one to its place."""
        side, line, place = order.side, self.lines[order.side], 0
        if key in self.own:
            while place < len(line) and side * self._line_px(line[place]) >= side * order.px:
                place += 1
            return place
        recorded = self.book.lists[side]
        for before in reversed(recorded[: recorded.index(key)]):
            if self._visible(side, self.book.orders[before].px):
                place = line.index(before) + 1
                break
        # Injected orders of a better row, or of the same one, were there before.
        while (
            place < len(line)
            and line[place] in self.own
            and side * self._line_px(line[place]) >= side * order.px
        ):
            place += 1
        return place

    def _line_px(self, key: int) -> int:
        return self.own[key] if key in self.own else self.book.orders[key].px

    def _opposite(self, at: int, side: int) -> int:
        """Return the visible recorded touch against a side; kept while the recorded book stays as it is."""
        key = at, side, self.hidden.get(-side)
        if self.known[0] != key:
            rows = self._visible_rows(-side)
            far = side * (1 << 40)
            self.known = key, min(rows, key=lambda px: side * px) if rows else far
        return self.known[1]

    def _put(self, at: int, t: int, **fields: int) -> None:
        """Insert a record before place ``at``, at a time between its neighbours'."""
        events = self.run.events
        now = max(t, int(self.run.times[at - 1]))
        low, high = (int(events["ts_recv"][k]) for k in (at - 1, at))
        lag = low - int(self.run.times[at - 1])
        stamps = {
            "ts_event": now,
            "ts_recv": min(max(now + lag, low), high),
            "instrument": self.run.instrument,
        }
        fields["flags"] = fields.get("flags", 0) | int(Flag.SYNTHETIC)
        self.inserted.append((at, {**stamps, **{k: int(v) for k, v in fields.items()}}))

    def _carry(self, k: int, r: Record) -> None:
        """Take a recorded record along: it may be hidden, or lie on a row with injected size."""
        changes = self.book.apply(r)
        form = self.run.form
        if r["kind"] != form.kind:
            return
        if form is Form.LEVEL:
            side, px = r["side"], r["px"]
            extra = self.extra.get((side, px), 0)
            if not self._visible(side, px):
                self._silence(k)
            elif extra:
                level = _level(side, px, self._base(side, px) + extra)
                self.changed[k] = {n: level[n] for n in ("size", "action")}
            self._must_not_cross(side, px)
            return
        if not changes and form is Form.POSITION and r["action"] in _CHANGES:
            self._silence(k)  # the book refuses it; with injected orders it might not
        elif r["action"] == Action.DELETE_FROM:
            self._carry_many(k, r["side"], changes)
        for change in changes if r["action"] != Action.DELETE_FROM else ():
            self._carry_one(k, r, change)

    def _carry_one(self, k: int, r: Record, change: Change) -> None:
        before, after = change.before, change.after
        was, there = (o is not None and self._visible(o.side, o.px) for o in (before, after))
        placed = self.run.form is Form.POSITION
        if after is not None and there and not (was or before is None):  # it comes out of what is hidden
            fields = {"px": after.px, "size": after.size, "id": after.id, "ref_a": after.broker}
            flags = r["flags"] & ~int(Flag.DELTA)
            self.changed[k] = {"action": int(Action.ADD), **fields, "flags": flags}
            if placed:
                self.changed[k]["ref_b"] = self._in_line(Action.ADD, change.key, after)
        elif before is not None and was and not there and after is not None:
            flags = r["flags"] & ~int(Flag.DELTA)
            self.changed[k] = {"action": int(Action.DELETE), "size": 0, "px": before.px, "flags": flags}
            if placed:
                self.changed[k]["ref_b"] = self._in_line(Action.DELETE, change.key, before)
        elif not was and not there:
            self._silence(k)
        elif placed and (order := after or before) is not None:
            action = Action.ADD if before is None else Action.DELETE if after is None else Action.EDIT
            place = self._in_line(action, change.key, order)
            if place != r["ref_b"]:
                self.changed[k] = {"ref_b": place}
        if after is not None:
            self._must_not_cross(after.side, after.px)

    def _carry_many(self, k: int, side: int, changes: list[Change]) -> None:
        """Take the best orders of a side away, those that are shown."""
        line = self.lines[side]
        gone = [c.key for c in changes if c.before is not None and self._visible(side, c.before.px)]
        if not gone:
            self._silence(k)
        elif line[: len(gone)] != gone:
            raise Refused  # it runs through an injected order
        else:
            del line[: len(gone)]
            self.changed[k] = {"ref_b": len(gone) - 1}

    def _silence(self, k: int) -> None:
        """Let time pass in place of a record; a packet that ends with it still ends."""
        flags = int(self.run.events["flags"][k]) & int(Flag.MORE)
        rest: dict[str, Any] = dict.fromkeys(("px", "size", "id", "side", "action", "ref_a", "ref_b"), 0)
        self.changed[k] = {"kind": int(Kind.TIMER), **rest, "flags": flags}

    def _must_not_cross(self, side: int, px: int) -> None:
        if not self._base(side, px):
            return
        if any(s == -side and side * p <= side * px for s, p in self.extra):
            raise Refused


def _level(side: int, px: int, size: int) -> dict[str, int]:
    action = Action.EDIT if size else Action.DELETE
    return {"kind": int(Kind.LEVEL), "action": int(action), "side": side, "px": px, "size": size}
