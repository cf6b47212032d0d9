"""Streams written by hand: a small book, and the patterns that detectors look for, near misses included."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantumtrader.types import PX_NONE, Action, Events, Flag, Kind, Phase
from reference.flows import OPENING, as_events

MS = 10**6
SECOND = 10**9
BID, ASK = 1_000, 1_001
FAR = 12
"""Rows per side."""

Row = dict[str, int]


class Script:
    """Writes a stream step by step.

    Parameters
    ----------
    feed : str
        ``trades``, ``quotes``, ``levels`` or ``orders``. In ``orders`` each row begins with one order of a market maker.
    size : int
        Contracts that every row of the first book shows.
    """

    def __init__(self, feed: str = "levels", size: int = 10) -> None:
        self.feed, self.now = feed, OPENING
        self.rows: list[Row] = []
        self.shown: dict[tuple[int, int], int] = {}
        self.makers: dict[tuple[int, int], int] = {}
        self.orders: dict[int, tuple[int, int, int]] = {}
        self.next_id = 1_000
        self.put(Kind.SESSION, action=Phase.OPEN)
        for k in range(FAR):
            for side, px in ((1, BID - k), (-1, ASK + k)):
                self.set(side, px, size)

    # -- records ----------------------------------------------------------------------------------------

    def put(self, kind: Kind, **fields: int) -> None:
        """Append a record now."""
        self.rows.append({"kind": kind, "ts_event": self.now, "ts_recv": self.now, **fields})

    def wait(self, ns: float) -> Script:
        """Let time pass."""
        self.now += int(ns)
        return self

    def timer(self, ns: float = 0) -> Script:
        """Let time pass and say so."""
        self.wait(ns).put(Kind.TIMER)
        return self

    def trade(
        self, side: int, px: int, size: int = 1, *, broker: int = 0, passive: int = 0, flags: int = 0
    ) -> Script:
        """Print a trade; the book is not touched."""
        buyer, seller = (broker, passive) if side >= 0 else (passive, broker)
        self.put(Kind.TRADE, px=px, size=size, side=side, ref_a=buyer, ref_b=seller, flags=flags)
        return self

    def set(self, side: int, px: int, size: int, *, more: bool = False) -> Script:
        """Show a size at a row, by its market maker's order where the feed is by order."""
        before, flags = self.shown.get((side, px), 0), int(Flag.MORE) * more
        if size == before:
            return self
        self.shown[side, px] = size
        if not size:
            del self.shown[side, px]
        if self.feed == "levels":
            action = Action.EDIT if size else Action.DELETE
            self.put(Kind.LEVEL, px=px, size=size, side=side, action=action, flags=flags)
        elif self.feed == "quotes":
            self._quote()
        elif self.feed == "orders":
            ident = self.makers.get((side, px), 0)
            own = self.orders[ident][2] + size - before if ident else size
            if not ident:
                self.makers[side, px] = self.add(side, px, own, more=more, note=False)
            elif own > 0:
                self.edit(ident, own, more=more, note=False)
            else:
                del self.makers[side, px]
                self.delete(ident, more=more, note=False)
        return self

    def _quote(self) -> None:
        bids, asks = ([px for s, px in self.shown if s == side] for side in (1, -1))
        bid, ask = max(bids, default=PX_NONE), min(asks, default=PX_NONE)
        sizes = {"size": self.shown.get((1, bid), 0), "size_ask": self.shown.get((-1, ask), 0)}
        self.put(Kind.QUOTE, px=bid, px_ask=ask, **sizes)

    def add(
        self,
        side: int,
        px: int,
        size: int,
        *,
        broker: int = 0,
        ident: int = 0,
        more: bool = False,
        note: bool = True,
    ) -> int:
        """Add an order; returns its id."""
        if not ident:
            self.next_id += 1
            ident = self.next_id
        self.orders[ident] = (side, px, size)
        if note:
            self.shown[side, px] = self.shown.get((side, px), 0) + size
        self._order(ident, side, px, size, Action.ADD, more, broker)
        return ident

    def edit(self, ident: int, size: int, *, more: bool = False, note: bool = True) -> None:
        """Change the size of an order."""
        side, px, before = self.orders[ident]
        self.orders[ident] = (side, px, size)
        if note:
            self.shown[side, px] += size - before
        self._order(ident, side, px, size, Action.EDIT, more)

    def delete(self, ident: int, *, more: bool = False, note: bool = True) -> None:
        """Take an order away."""
        side, px, size = self.orders.pop(ident)
        if note:
            self.shown[side, px] -= size
        self._order(ident, side, px, 0, Action.DELETE, more)

    def _order(
        self, ident: int, side: int, px: int, size: int, action: Action, more: bool, broker: int = 0
    ) -> None:
        flags = int(Flag.MORE) * more
        fields = {"id": ident, "px": px, "size": size, "side": side, "action": action, "flags": flags}
        self.put(Kind.ORDER, ref_a=broker, ref_b=-1, **fields)

    def events(self) -> Events:
        """Return the stream."""
        return as_events(self.rows)

    # -- patterns ---------------------------------------------------------------------------------------

    def best(self, side: int) -> int:
        """Return the best price of a side."""
        prices = [px for s, px in self.shown if s == side]
        return max(prices, key=lambda px: side * px, default=BID if side > 0 else ASK)

    def hit(
        self, side: int, size: int, *, px: int | None = None, broker: int = 0, passive: int = 0
    ) -> Script:
        """Trade at the best row of the other side, or at ``px``, in one packet with what it does to the row."""
        px = self.best(-side) if px is None else px
        shown = self.shown.get((-side, px), 0)
        more = int(Flag.MORE) if shown and self.feed in ("levels", "orders") else 0
        self.trade(side, px, size, broker=broker, passive=passive, flags=more)
        if shown:
            self.set(-side, px, max(0, shown - size))
        return self

    def sweep(self, side: int, levels: int = 3, *, gap: int = 0, size: int = 10, broker: int = 7) -> Script:
        """Walk rows of the other side, one print each."""
        for k in range(levels):
            self.wait(gap if k else 0)
            self.hit(side, size, broker=broker)
        return self

    def mend(self, size: int = 10) -> Script:
        """Restore the first book."""
        for k in range(FAR):
            for side, px in ((1, BID - k), (-1, ASK + k)):
                self.set(side, px, size)
        return self

    def refills(
        self, side: int, times: int = 3, *, size: int = 4, share: float = 1.0, delay: int = 100
    ) -> Script:
        """Consume the best row of a side and refill it to a share of what it showed, ``delay`` ms later."""
        px = self.best(side)
        for _ in range(times):
            shown = self.shown[side, px]
            self.wait(700 * MS).hit(-side, min(size, shown - 1), px=px)
            self.wait(delay * MS).set(side, px, max(1, round(share * shown)))
        return self

    def spoof(
        self,
        side: int,
        *,
        factor: float = 6.0,
        distance: int = 2,
        life: float = 1.0,
        share: float = 1.0,
        buys: int = 3,
        sells: int = 1,
        broker: int = 0,
    ) -> Script:
        """Add a large order, let others trade, and take a share of it away; the rest stays."""
        px = self.best(side) - side * distance
        shown = self.shown.get((side, px), 0)
        size = round(factor * shown)
        by_order = self.feed == "orders"
        ident = self.add(side, px, size, broker=broker) if by_order else 0
        if not by_order:
            self.set(side, px, shown + size)
        self.wait(life * SECOND / 2)
        for k in range(buys + sells):
            aggressor = side if k < buys else -side
            self.trade(aggressor, self.best(-aggressor), 1, passive=broker)
        self.wait(life * SECOND / 2)
        rest = size - round(share * size)
        if not by_order:
            self.set(side, px, shown + rest)
        elif rest:
            self.edit(ident, rest)
        else:
            self.delete(ident)
        return self

    def layers(
        self,
        side: int,
        rows: int = 3,
        *,
        factor: float = 3.0,
        spread: float = 0.3,
        life: float = 0.8,
        late: float = 0.0,
        buys: int = 2,
        broker: int = 0,
    ) -> Script:
        """Add orders on several rows within ``spread`` s, trade, and take them away; the last one ``late`` s later."""
        px = [self.best(side) - side * (1 + k) for k in range(rows)]
        usual = {p: self.shown.get((side, p), 0) for p in px}
        idents = {}
        for p in px:
            size = round(factor * usual[p])
            if self.feed == "orders":
                idents[p] = self.add(side, p, size, broker=broker)
            else:
                self.set(side, p, usual[p] + size)
            self.wait(spread * SECOND / rows)
        for _ in range(buys):
            self.trade(side, self.best(-side), 1)
        self.wait(life * SECOND)
        for k, p in enumerate(px):
            if k == rows - 1:
                self.wait(late * SECOND)
            if self.feed == "orders":
                self.delete(idents[p])
            else:
                self.set(side, p, usual[p])
        return self

    def native(self, side: int, *, peak: int = 2, executed: int = 5, broker: int = 3) -> int:
        """An order that shows ``peak``, is executed beyond it in one trade and shows it again; returns its id."""
        px = self.best(side)
        ahead = self.shown[side, px]
        ident = self.add(side, px, peak, broker=broker)
        self.wait(50 * MS)
        self.trade(-side, px, ahead + executed, flags=int(Flag.MORE), passive=broker)
        for other in [k for k, o in self.orders.items() if o[:2] == (side, px) and k != ident]:
            self.makers = {row: maker for row, maker in self.makers.items() if maker != other}
            self.delete(other, more=True)
        self.edit(ident, peak)
        return ident

    def burst(
        self, side: int, *, trades: int = 12, move: int = 3, back: int = 2, after: float = 3.0, size: int = 4
    ) -> Script:
        """Trade one way within a second while both sides move, then move back by ``back`` rows ``after`` s later."""
        self.wait(SECOND - (self.now - OPENING) % SECOND + 100 * MS)
        for _ in range(trades):
            self.trade(side, self.best(-side), size)
            self.wait(10 * MS)
        self.shift(side * move)
        self.wait(SECOND - (self.now - OPENING) % SECOND)
        self.timer(1)
        self.wait(after * SECOND)
        self.shift(-side * back)
        return self

    def shift(self, ticks: int) -> Script:
        """Move both sides of the book."""
        step = 1 if ticks > 0 else -1
        for _ in range(abs(ticks)):
            bid, ask = self.best(1), self.best(-1)
            if step > 0:
                self.set(-1, ask, 0).set(1, bid + 1, 10)
            else:
                self.set(1, bid, 0).set(-1, ask - 1, 10)
        return self

    def stuff(
        self, side: int, times: int = 40, *, apart: float = 5.0, distance: int = 3, size: int = 5
    ) -> Script:
        """Add and take away the same size at one row, again and again."""
        px = self.best(side) - side * distance
        for _ in range(times):
            shown = self.shown.get((side, px), 0)
            self.set(side, px, shown + size)
            self.wait(apart * MS).set(side, px, shown)
            self.wait(apart * MS)
        return self

    def extreme(self, side: int, *, last: int, inside: int, tip: int = 0, distance: int = 20) -> Script:
        """Aggress at a far price, beside it and two rows inside, then trade at the touch again."""
        px = self.best(-side) + side * distance
        for row, size in ((px, last), (px - side, tip), (px - 2 * side, inside)):
            if size:
                self.trade(side, row, size)
        return self.trade(-side, self.best(side), 1)

    def five_minutes(self) -> Script:
        """Let time pass to the end of the five minutes since the first event, and say so."""
        span = 300 * SECOND
        return self.timer(span - (self.now - OPENING) % span)

    def gap(self, rng: np.random.Generator) -> Script:
        """Lose records; then show the book anew, or only say that both sides are empty."""
        shown, self.shown, self.makers, self.orders = self.shown, {}, {}, {}
        self.put(Kind.GAP)
        kind = Kind.LEVEL if self.feed == "levels" else Kind.ORDER
        if rng.random() < 0.5:
            self.put(kind, action=Action.CLEAR)
        else:
            more = int(Flag.MORE | Flag.SNAPSHOT)
            self.put(kind, action=Action.SNAPSHOT_BEGIN, flags=more)
            self.put(kind, action=Action.SNAPSHOT_END, flags=int(Flag.SNAPSHOT))
        for (side, px), size in shown.items():
            self.set(side, px, size)
        return self

    def calm(self, seconds: int, *, every: int = 1) -> Script:
        """A trade of one contract each way and two changes of a row, each ``every`` seconds."""
        for k in range(0, seconds, every):
            self.wait(every * SECOND / 4)
            self.trade(1 if k % 2 else -1, self.best(-1 if k % 2 else 1), 1)
            self.wait(every * SECOND / 4)
            px = self.best(1) - 8
            self.set(1, px, 11 if self.shown.get((1, px)) != 11 else 10)
            self.wait(every * SECOND / 2)
        return self


def busy_flow(seed: int, feed: str, patterns: int = 16) -> Events:
    """Make a stream of calm minutes with patterns and near misses in random order and size."""
    rng = np.random.default_rng(seed)
    s = Script(feed)

    def pick(*choices: float) -> float:
        return float(rng.choice(choices))

    def whole(*choices: int) -> int:
        return int(rng.choice(choices))

    def side() -> int:
        return whole(-1, 1)

    makers: list[Callable[[], object]] = [
        lambda: (
            s.sweep(side(), whole(2, 3, 5), gap=whole(0, MS, MS + 1), broker=whole(0, 7)).wait(50 * MS).mend()
        ),
        lambda: [
            s.wait(pick(20, 150, 250) * MS).trade(1, ASK, k + 1 + whole(0, 0, 1))
            for k in range(whole(4, 5, 7))
        ],
        lambda: [
            s.wait(2 * SECOND).trade(-1, s.best(1), whole(5, 5, 5, 6, 9)) for _ in range(whole(4, 6, 8))
        ],
        lambda: s.trade(side(), s.best(1), 200).wait(SECOND),
        lambda: s.gap(rng) if feed in ("levels", "orders") and rng.random() < 0.3 else None,
    ]
    if feed in ("levels", "orders"):
        makers += [
            lambda: s.refills(side(), whole(2, 3, 4), share=pick(1.0, 1.1, 0.7), delay=whole(100, 300, 301)),
            lambda: s.spoof(
                side(),
                factor=pick(4.9, 5.5, 12, 12),
                distance=whole(0, 1, 2, 5, 6),
                life=pick(0.5, 0.5, 2.0, 2.1),
                share=pick(1.0, 1.0, 0.95, 0.85),
                buys=whole(0, 3),
                broker=whole(0, 4),
            ),
            lambda: s.layers(
                side(), whole(2, 3, 5), spread=pick(0.2, 0.9), late=pick(0, 0.5, 1.1), broker=whole(0, 4)
            ),
            lambda: s.stuff(side(), whole(20, 40, 60), apart=pick(2, 5, 60)),
        ]
    if feed == "orders":
        makers.append(lambda: (s.native(side(), peak=whole(1, 3), executed=whole(2, 5)), s.mend()))
    if feed != "trades":
        makers.append(
            lambda: (
                s.burst(side(), move=whole(2, 3, 4), back=whole(1, 2, 3), after=pick(1, 9, 11)),
                s.mend(),
            )
        )
    s.calm(305)
    for _ in range(patterns):
        makers[int(rng.integers(len(makers)))]()
        s.calm(whole(1, 3, 8))
    s.extreme(
        side(),
        **(
            {"last": 500, "tip": 300, "inside": 1}
            if rng.random() < 0.5
            else {"last": 5, "inside": whole(14, 40)}
        ),
    )
    s.timer(5 * SECOND).five_minutes()
    return s.events()
