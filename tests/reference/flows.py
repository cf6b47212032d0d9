"""Random streams with everything that goes wrong in real ones: ties, late stamps, empty and crossed books, gaps."""

from __future__ import annotations

import numpy as np

from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase
from reference.places import FORMS, Lists, Rows, tell

OPENING = 1_700_000_000_000_000_000
CENTRE = 1_000

FEEDS = ("quotes", "levels", "orders", "positions", "trades", "bars")


class _Writer:
    def __init__(self, rng: np.random.Generator, calm: bool) -> None:
        self.rng, self.calm = rng, calm
        self.now = OPENING
        self.rows: list[dict[str, int]] = []
        self.levels: set[tuple[int, int]] = set()
        self.orders: dict[int, tuple[int, int, int]] = {}
        self.next_id = 1

    def put(self, kind: Kind, **fields: int) -> None:
        late = 0 if self.rng.random() > 0.02 else int(self.rng.integers(0, 10**9))
        self.rows.append({"kind": kind, "ts_event": self.now - late, "ts_recv": self.now, **fields})

    def wait(self) -> None:
        # Ties, bursts inside the 50 ms of trade matching, grid points hit exactly, and quiet minutes.
        r = self.rng.random()
        if r < 0.3:
            return
        if r < 0.55:
            self.now += int(self.rng.integers(1, 60)) * 10**6
        elif r < 0.65:
            self.now += 10**9 - (self.now - OPENING) % 10**9
        elif r < 0.69:
            self.now += 60 * 10**9 - (self.now - OPENING) % (60 * 10**9)
        else:
            self.now += int(self.rng.exponential(15e9 if r < 0.97 else 120e9))

    def trade(self, centre: int) -> None:
        flags = 0
        if not self.calm and self.rng.random() < 0.25:
            odd = [Flag.RLP, Flag.CROSS, Flag.AUCTION, Flag.CANCELLED, Flag.EDITED, Flag.HIDDEN, Flag.HIDDEN]
            flags = int(self.rng.choice(odd))
        self.put(
            Kind.TRADE,
            px=centre + int(self.rng.integers(-3, 4)),
            size=int(self.rng.choice([0, 1, 1, 2, 5, 10, 40, 300])),
            side=int(self.rng.choice([-1, -1, 0, 1, 1])),
            ref_a=int(self.rng.integers(0, 4)),
            ref_b=int(self.rng.integers(0, 4)),
            flags=flags | self.more(),
        )

    def more(self) -> int:
        return int(Flag.MORE) if self.rng.random() < 0.15 else 0

    def quote(self, centre: int) -> None:
        spread = (
            int(self.rng.choice([1, 1, 2, 3])) if self.calm else int(self.rng.choice([-1, 0, 1, 1, 1, 2, 3]))
        )
        bid = centre - int(self.rng.integers(0, 2))
        fields = {"px": bid, "px_ask": bid + spread, "size": self.size(), "size_ask": self.size()}
        if not self.calm and self.rng.random() < 0.1:
            fields |= {"px": PX_NONE, "size": 0}
        if not self.calm and self.rng.random() < 0.1:
            fields |= {"px_ask": PX_NONE, "size_ask": 0}
        self.put(Kind.QUOTE, flags=self.more(), **fields)

    def size(self) -> int:
        return int(self.rng.integers(1, 30)) if self.calm or self.rng.random() < 0.97 else 0

    def place(self, centre: int, side: int) -> int:
        reach = -1 if not self.calm and self.rng.random() < 0.04 else 1
        return centre - side * reach * (1 + int(self.rng.integers(0, 7)))

    def uncross(self, side: int, px: int, flags: int) -> None:
        """Delete what stands in the way of a bid or ask at ``px``, in the same packet; forget to, now and then."""
        if not self.calm and self.rng.random() < 0.05:
            return
        gone = {"action": Action.DELETE, "side": -side, "flags": flags | Flag.MORE}
        for s, x in sorted(self.levels):
            if s == -side and side * (x - px) <= 0:
                self.levels.discard((s, x))
                self.put(Kind.LEVEL, px=x, **gone)
        for ident, (s, x, _) in list(self.orders.items()):
            if s == -side and side * (x - px) <= 0:
                del self.orders[ident]
                self.put(Kind.ORDER, id=ident, px=x, ref_b=-1, **gone)

    def level(self, centre: int, flags: int = 0) -> None:
        side = int(self.rng.choice([-1, 1]))
        px, gone = self.place(centre, side), self.rng.random() < 0.35
        if gone:
            self.levels.discard((side, px))
        else:
            self.uncross(side, px, flags)
            self.levels.add((side, px))
        self.put(
            Kind.LEVEL,
            px=px,
            size=0 if gone else int(self.rng.integers(1, 30)),
            side=side,
            action=Action.DELETE if gone else Action.EDIT,
            flags=flags | self.more(),
        )

    def order(self, centre: int, flags: int = 0) -> None:
        r = self.rng.random()
        if self.orders and r < 0.45:
            ident = int(self.rng.choice(list(self.orders)))
            side, px, size = self.orders[ident]
            if r < 0.3:
                del self.orders[ident]
                action = Action.DELETE
            else:
                if r < 0.36:
                    px = self.place(centre, side)
                    self.uncross(side, px, flags)
                size = int(self.rng.integers(1, 30))
                self.orders[ident] = (side, px, size)
                action = Action.EDIT
        else:
            ident, side = self.next_id, int(self.rng.choice([-1, 1]))
            px, size, action = self.place(centre, side), int(self.rng.integers(1, 30)), Action.ADD
            self.next_id += 1
            self.uncross(side, px, flags)
            self.orders[ident] = (side, px, size)
        self.put(
            Kind.ORDER,
            id=ident,
            px=px,
            size=size,
            side=side,
            action=action,
            ref_b=-1,
            flags=flags | self.more(),
        )

    def image(self, centre: int, kind: Kind) -> None:
        more, snap = int(Flag.MORE), int(Flag.SNAPSHOT)
        self.forget(0)
        self.put(kind, action=Action.SNAPSHOT_BEGIN, flags=more | snap)
        for _ in range(int(self.rng.integers(0, 8))):
            if kind == Kind.LEVEL:
                side = int(self.rng.choice([-1, 1]))
                px, size = self.place(centre, side), int(self.rng.integers(1, 30))
                self.uncross(side, px, more | snap)
                self.levels.add((side, px))
                self.put(kind, px=px, size=size, side=side, action=Action.ADD, flags=more | snap)
            else:
                self.order(centre, more | snap)
        self.put(kind, action=Action.SNAPSHOT_END, flags=snap)

    def forget(self, side: int) -> None:
        """Empty a side, or both when ``side`` is 0."""
        self.orders = {k: o for k, o in self.orders.items() if side not in (0, o[0])}
        self.levels = {x for x in self.levels if side not in (0, x[0])}

    def bar(self, centre: int) -> None:
        px = centre + self.rng.integers(-6, 7, 4)
        self.put(
            Kind.BAR,
            id=self.now - 60 * 10**9,
            px=int(px[0]),
            ref_b=int(px[1]),
            px_ask=int(px.max()),
            ref_a=int(px.min()),
            size=int(self.rng.integers(0, 500)),
        )


class _Placer(_Writer):
    """Orders by position."""

    def __init__(self, rng: np.random.Generator, calm: bool, anonymous: bool) -> None:
        super().__init__(rng, calm)
        self.lists = Lists(rng, anonymous)

    def forget(self, side: int) -> None:
        self.lists.forget(side)

    def order(self, centre: int, flags: int = 0) -> None:
        lists, side, r = self.lists, int(self.rng.choice([-1, 1])), self.rng.random()
        lots, last = lists.sides[side], flags | self.more()
        if flags or r < 0.4 or not lots:
            px = self.place(centre, side)
            lists.uncross(side, px, flags)
            lists.add(side, px, lists.whole(1, 30), last)
        elif r < 0.5:
            lists.sweep(side)
        elif r < 0.6:
            lists.take(side, min(len(lots), lists.whole(1, 5)), last)
        elif r < 0.7:
            lists.delete(side, lists.whole(0, len(lots)), last)
        elif r < 0.72:
            # Behind the last order: the record makes no sense.
            action = [Action.DELETE, Action.DELETE_FROM][lists.whole(0, 2)]
            lists.put(action, side, len(lots) + lists.whole(0, 3), [], flags=last)
        elif r < 0.8:
            self.flash(centre, side)
        else:
            lists.edit(side, lists.whole(0, len(lots)), self.place(centre, side), last)
        self.tell()

    def flash(self, centre: int, side: int) -> None:
        """Show large orders of one broker, and take them away with all that is before them."""
        lists, broker, shown = self.lists, self.lists.whole(0, 4), []
        for _ in range(int(self.rng.choice([1, 1, 5]))):
            px = self.place(centre, side)
            lists.uncross(side, px, 0)
            shown.append(lists.add(side, px, lists.whole(100, 400), 0, broker))
            self.tell()
            self.now += lists.whole(0, 300) * 10**6
        self.now += lists.whole(100, 1_600) * 10**6
        if lists.chance(0.7) and lists.sides[-side]:
            best = lists.sides[-side][0]
            lists.trade(-side, best.px, lists.whole(1, 5), best.broker, 0)
            self.tell()
        places = [k for k, order in enumerate(lists.sides[side]) if any(order is x for x in shown)]
        if places:
            lists.take(side, places[-1] + 1, 0)

    def tell(self) -> None:
        """Stamp what the lists have to say: all of it comes at once."""
        rows, self.lists.rows = self.lists.rows, []
        for row in rows:
            self.put(**row)


def random_flow(seed: int, n: int, feed: str, *, markers: bool = True, calm: bool = False) -> Events:
    """Make a stream of about ``n`` events.

    Parameters
    ----------
    seed : int
        Same seed, same stream.
    n : int
        Steps; a book image adds several events in one.
    feed : str
        One of ``FEEDS``.
    markers : bool
        Whether session markers occur.
    calm : bool
        No crossed or one-sided quotes, no gaps, no flags on trades, sizes known.
    """
    return as_events(tell(_random_rows(seed, n, feed, markers, calm, anonymous=True), "from"))


def told_alike(seed: int, n: int, *, calm: bool = False) -> dict[str, Events]:
    """Make one market by order and tell it in each of ``FORMS``; see :func:`random_flow`."""
    rows = _random_rows(seed, n, "positions", True, calm, anonymous=False)
    return {form: as_events(tell(rows, form)) for form in FORMS}


def _random_rows(seed: int, n: int, feed: str, markers: bool, calm: bool, anonymous: bool) -> Rows:
    rng = np.random.default_rng(seed)
    w = _Placer(rng, calm, anonymous) if feed == "positions" else _Writer(rng, calm)
    kind = {"levels": Kind.LEVEL, "orders": Kind.ORDER, "positions": Kind.ORDER}.get(feed)
    centre = CENTRE
    if markers and rng.random() < 0.5:
        w.put(Kind.SESSION, action=int(rng.choice([Phase.OPEN, Phase.AUCTION, Phase.CLOSED])))
    if not calm and rng.random() < 0.1:
        w.put(Kind.GAP)
    while len(w.rows) < n:
        w.wait()
        centre += int(rng.choice([-1, 0, 0, 0, 0, 0, 1]))
        r = rng.random()
        if markers and r < 0.006:
            phase = int(rng.integers(0, 6))
            w.put(Kind.SESSION, action=phase)
            if phase == Phase.ROLL and feed == "positions":
                w.forget(0)  # what is addressed by place must be there
        elif markers and r < 0.012:
            w.put(Kind.SESSION, action=Phase.OPEN)
        elif r < 0.03:
            w.put(Kind.TIMER)
        elif not calm and r < 0.037:
            w.put(Kind.GAP, size=int(rng.integers(0, 5)))
            if kind is not None and rng.random() < 0.8:
                w.image(centre, kind)
        elif not calm and kind is not None and r < 0.042:
            side = int(rng.choice([-1, 0, 1]))
            w.forget(side)
            w.put(kind, action=Action.CLEAR, side=side)
        elif feed == "bars":
            w.bar(centre)
        elif feed == "trades" or r < 0.45:
            w.trade(centre)
        elif feed == "quotes":
            w.quote(centre)
        elif feed == "levels":
            w.level(centre)
        else:
            w.order(centre)
    return w.rows


def many_sessions(seed: int, sessions: int, minutes: int = 3) -> Events:
    """Make ``sessions`` short sessions a day apart, with prints in each of their minutes."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, int]] = []
    px = CENTRE
    for day in range(sessions):
        start = OPENING + day * 86_400 * 10**9
        rows.append({"kind": Kind.SESSION, "action": Phase.OPEN, "ts_event": start})
        for k in range(2 * minutes):
            px += int(rng.integers(-3, 4))
            ts = start + k * 30 * 10**9 + int(rng.integers(0, 20 * 10**9))
            size, side = int(rng.integers(1, 50)), int(rng.choice([-1, 1]))
            rows.append({"kind": Kind.TRADE, "px": px, "size": size, "side": side, "ts_event": ts})
        close = start + minutes * 60 * 10**9
        rows.append({"kind": Kind.SESSION, "action": Phase.CLOSED, "ts_event": close})
    return as_events([row | {"ts_recv": row["ts_event"]} for row in rows])


def rough_sessions(seed: int, sessions: int) -> Events:
    """Make sessions of bars that the source brings, with everything odd about sessions and minutes.

    Minutes are missing or split in two bars, bars lie before the first session, before the opening and after the
    close, some sessions have no bar or no close, and a contract rolls now and then, also between sessions.
    """
    rng = np.random.default_rng(seed)
    minute = 60 * 10**9
    rows: list[dict[str, int]] = []

    def marker(ts: int, phase: Phase) -> None:
        rows.append({"kind": Kind.SESSION, "action": phase, "ts_event": ts})

    def bar(start: int, length: int) -> None:
        px = CENTRE + rng.integers(-6, 7, 4)
        prices = {"px": int(px[0]), "px_ask": int(px.max()), "ref_a": int(px.min()), "ref_b": int(px[1])}
        size = int(rng.integers(0, 40))
        rows.append({"kind": Kind.BAR, "id": start, "size": size, "ts_event": start + length, **prices})

    marker(OPENING - 10 * minute, Phase.CLOSED)
    bar(OPENING - 5 * minute, minute)
    for day in range(sessions):
        start = OPENING + day * 86_400 * 10**9 + int(rng.integers(0, 5)) * minute // 4
        if rng.random() < 0.02:
            marker(start - minute, Phase.ROLL)
            bar(start - minute, minute)
        marker(start, Phase.AUCTION if rng.random() < 0.1 else Phase.OPEN)
        if rng.random() < 0.1:
            bar(start - minute // 2, minute)
        now = start
        for _ in range(int(rng.integers(0, 8))):
            now += int(rng.choice([0, 0, 0, 1])) * minute
            length = minute // 2 if rng.random() < 0.3 else minute
            bar(now, length)
            now += length
        if rng.random() < 0.02:
            marker(now, Phase.ROLL)
        if rng.random() < 0.8:
            marker(now, Phase.CLOSED)
        if rng.random() < 0.2:
            bar(now, minute)
    last = np.maximum.accumulate([row["ts_event"] for row in rows])
    return as_events([row | {"ts_recv": int(t)} for row, t in zip(rows, last, strict=True)])


def bar_events(bars: np.ndarray) -> Events:
    """Make bar records, a minute apart, of rows of open, high, low, close and volume."""
    events = np.zeros(len(bars), EVENT)
    events["kind"] = Kind.BAR
    events["sequence"] = np.arange(len(bars))
    events["id"] = OPENING + np.arange(len(bars)) * 60 * 10**9
    events["ts_event"] = events["ts_recv"] = events["id"] + 60 * 10**9
    for k, name in enumerate(("px", "px_ask", "ref_a", "ref_b", "size")):
        events[name] = bars[:, k]
    return events


def as_events(rows: list[dict[str, int]]) -> Events:
    """Make an event array of dicts; ``sequence`` counts from 1 where it is not given."""
    events = np.zeros(len(rows), EVENT)
    for i, row in enumerate(rows):
        events[i]["sequence"] = i + 1
        for name, value in row.items():
            events[i][name] = value
    return events
