"""Streams written by hand: a small book, and the patterns that detectors look for, near misses included.

They are synthetic and marked as such: they say whether a rule does what it says, nothing about a market.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from quantumtrader.evaluation.units import MS as MS
from quantumtrader.evaluation.units import SECOND as SECOND
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind, Phase

OPENING = 1_700_000_000_000_000_000
BID, ASK = 1_000, 1_001
FAR = 12
"""Rows per side."""

Row = dict[str, int]


class Script:
    """Writes a stream step by step; ``events`` marks it as synthetic.

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
        out = np.zeros(len(self.rows), EVENT)
        for k, row in enumerate(self.rows):
            out[k]["sequence"] = k + 1
            for name, value in row.items():
                out[k][name] = value
        out["flags"] |= int(Flag.SYNTHETIC)
        return out

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
        """Add orders on several rows within ``spread`` s, trade, and take them away; the last one ``late`` s later.

        Every trade but the first is against the broker's orders on the other side.
        """
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
        for k in range(buys):
            self.trade(side, self.best(-side), 1, passive=broker if k else 0)
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


@dataclass(frozen=True, slots=True)
class Case:
    """One script with one pattern in it, or with what just misses it.

    Parameters
    ----------
    kind : str
        Detection that is, or is not, expected.
    name : str
        What is particular about it.
    positive : bool
        Whether the pattern is there.
    side : int
        Side of the expected detection; 0 where it has none.
    feed : str
        Feed of the script.
    build : callable
        Writes the script.
    """

    kind: str
    name: str
    positive: bool
    side: int
    feed: str
    build: Callable[[], Script]


def cases() -> Iterator[Case]:
    """Return every detector's scripted positives, in several sizes and on both sides, and its near misses."""
    for feed in ("trades", "levels", "orders"):
        for side in (1, -1):
            for kind, name, positive, its_side, build in _all(feed, side):
                yield Case(kind, name, positive, its_side, feed, build)


_Row = tuple[str, str, bool, int, Callable[[], Script]]


def _all(feed: str, side: int) -> Iterator[_Row]:
    yield from _sweeps(feed, side)
    yield from _tape(feed, side)
    if feed == "trades":
        yield from _footprints(side)
        return
    yield from _refills(feed, side)
    if feed == "orders":
        yield from _natives(side)
    yield from _absorbed(feed, side)
    yield from _withdrawn(feed, side)
    yield from _seconds(feed, side)


def _prints(feed: str, side: int, steps: Sequence[tuple[float, int, int]]) -> Callable[[], Script]:
    """Prints of ``size`` contracts, ``rows`` from the touch, after ``wait`` ns: (wait, rows, size)."""

    def build() -> Script:
        s = Script(feed).wait(MS)
        for wait, rows, size in steps:
            s.wait(wait).trade(side, (ASK if side > 0 else BID) + side * rows, size)
        return s

    return build


def _sweeps(feed: str, side: int) -> Iterator[_Row]:
    for rows in (3, 4, 5, 8):
        for gap in (0, MS // 2, MS):
            yield (
                "sweep",
                f"{rows} rows, {gap} ns apart",
                True,
                side,
                _prints(feed, side, [(gap, k, 5) for k in range(rows)]),
            )
    misses = {
        "two rows": [(0, 0, 5), (0, 1, 5)],
        "1 ns too late": [(0, 0, 5), (0, 1, 5), (MS + 1, 2, 5)],
        "stepped back": [(0, 0, 5), (0, 1, 5), (0, 2, 5), (0, 1, 1)],
        "one row": [(0, 0, 5)] * 4,
    }
    for name, steps in misses.items():
        yield "sweep", name, False, side, _prints(feed, side, steps)
    for sizes in ((1, 2, 3, 4, 5), (5, 1, 5, 6, 9, 9), (1, 1, 1, 1, 2), tuple(range(1, 13))):
        for gap in (0, 50 * MS, 150 * MS):
            run = [(gap, 0, q) for q in sizes]
            yield (
                "sweep_run",
                f"{len(sizes)} prints, {gap // MS} ms apart",
                True,
                side,
                _prints(feed, side, run),
            )
    for name, sizes, gap in (
        ("four prints", (1, 2, 3, 4), 0),
        ("equal", (3, 3, 3, 3, 3), 0),
        ("falling", (5, 4, 3, 2, 1), 0),
        ("5 trades/s", (1, 2, 3, 4, 5), 250 * MS),
    ):
        yield "sweep_run", name, False, side, _prints(feed, side, [(gap, 0, q) for q in sizes])


def _tape(feed: str, side: int) -> Iterator[_Row]:
    for size, count in ((1, 5), (5, 5), (20, 6), (10, 12)):
        for gap in (SECOND // 2, 2 * SECOND):
            run = [(gap, 0, size)] * count
            yield "iceberg_tape", f"{count} of {size}", True, -side, _prints(feed, side, run)
    for name, sizes, gap in (
        ("four prints", (5,) * 4, SECOND),
        ("too slow", (5,) * 5, 15 * SECOND // 2),
        ("mean above 20", (20, 20, 20, 20, 21), SECOND),
        ("uneven", (5, 5, 5, 5, 9), SECOND),
    ):
        yield "iceberg_tape", name, False, -side, _prints(feed, side, [(gap, 0, q) for q in sizes])


def _refills(feed: str, side: int) -> Iterator[_Row]:
    def make(times: int, **how: float) -> Callable[[], Script]:
        return lambda: Script(feed).refills(side, times, **how)  # type: ignore[arg-type]

    for times in (3, 4, 6):
        for size in (2, 4, 9):
            for delay in (0, 100, 300):
                name = f"{times} refills of {size} after {delay} ms"
                yield "iceberg_synthetic", name, True, side, make(times, size=size, delay=delay)
    yield "iceberg_synthetic", "two refills", False, side, make(2)
    yield "iceberg_synthetic", "1 ms too late", False, side, make(3, delay=301)
    yield "iceberg_synthetic", "too small", False, side, make(3, share=0.7)
    yield "iceberg_synthetic", "too large", False, side, make(3, share=1.3)


def _natives(side: int) -> Iterator[_Row]:
    def make(peak: int, executed: int) -> Callable[[], Script]:
        def build() -> Script:
            s = Script("orders")
            s.native(side, peak=peak, executed=executed)
            return s

        return build

    for peak, executed in ((1, 1), (1, 4), (2, 5), (26, 29)):
        yield "iceberg_native", f"{executed} of a peak of {peak}", True, side, make(peak, executed)

    def explained() -> Script:
        s = Script("orders")
        px = s.best(side)
        s.trade(-side, px, 4, flags=int(Flag.MORE))
        s.edit(s.makers[side, px], 6)
        return s

    def other_row() -> Script:
        s = Script("orders")
        px = s.best(side)
        s.trade(-side, px, 4, flags=int(Flag.MORE))
        s.edit(s.makers[side, px - side], 10)
        return s

    def too_late() -> Script:
        s = Script("orders")
        px = s.best(side)
        s.trade(-side, px, 4).wait(5 * MS + 1)
        s.edit(s.makers[side, px], 10)
        return s

    for name, build in (("explained", explained), ("other row", other_row), ("too late", too_late)):
        yield "iceberg_native", name, False, side, build


def _absorbed(feed: str, side: int) -> Iterator[_Row]:
    def make(size: int, move: int) -> Callable[[], Script]:
        def build() -> Script:
            s = Script(feed)
            for _ in range(20):
                s.wait(SECOND).trade(side, ASK if side > 0 else BID, 1)
            s.wait(SECOND // 2).trade(side, ASK if side > 0 else BID, size)
            s.shift(side * move)
            return s.timer(SECOND)

        return build

    for size, move in ((25, 1), (60, 0), (200, -2)):
        yield "absorption", f"{size} contracts, {move} ticks", True, -side, make(size, move)
    for size, move in ((20, 0), (60, 2)):
        yield "absorption", f"{size} contracts, {move} ticks", False, -side, make(size, move)


def _seen(feed: str) -> Script:
    """A book whose rows have been seen, so that their usual size of 10 is known."""
    s = Script(feed)
    for k in range(8):
        for side, px in ((1, BID - k), (-1, ASK + k)):
            s.set(side, px, 11).set(side, px, 10)
    return s.wait(100 * MS)


def _withdrawn(feed: str, side: int) -> Iterator[_Row]:
    def spoof(**how: float) -> Callable[[], Script]:
        return lambda: _seen(feed).spoof(side, **how)  # type: ignore[arg-type]

    def layers(**how: float) -> Callable[[], Script]:
        return lambda: _seen(feed).layers(side, **how)  # type: ignore[arg-type]

    for factor in (5.0, 8.0, 20.0):
        for distance in (1, 3, 5):
            for life in (0.1, 1.0, 2.0):
                name = f"{factor:g} times, row {distance}, {life:g} s"
                its = spoof(factor=factor + 0.5, distance=distance, life=life)
                yield "spoofing", name, True, side, its
    for name, how in (
        ("too small", {"factor": 4.0}),
        ("too far", {"distance": 6}),
        ("too late", {"life": 2.0 + 2e-9}),
        ("89 % withdrawn", {"factor": 10.0, "share": 0.89}),
    ):
        yield "spoofing", name, False, side, spoof(**how)
    for rows in (3, 4, 5):
        for factor in (2.5, 4.0):
            yield "layering", f"{rows} rows, {factor:g} times", True, side, layers(rows=rows, factor=factor)
    for name, how in (
        ("two rows", {"rows": 2}),
        ("too small", {"factor": 1.9}),
        ("added too late", {"spread": 1.6, "life": 0.3}),
        ("withdrawn too late", {"spread": 0.3, "life": 0.3, "late": 1.0 + 2e-9}),
        ("held too long", {"life": 1.8}),
    ):
        yield "layering", name, False, side, layers(**how)


def _seconds(feed: str, side: int) -> Iterator[_Row]:
    def burst(**how: float) -> Callable[[], Script]:
        return lambda: Script(feed).calm(305).burst(side, **how)  # type: ignore[arg-type]

    for move, back, after in ((3, 2, 3.0), (4, 2, 9.9), (6, 5, 0.0)):
        name = f"{move} ticks, {back} back after {after:g} s"
        yield "ignition", name, True, -side, burst(move=move, back=back, after=after)
    for name, how in (
        ("two ticks", {"move": 2}),
        ("a third given back", {"back": 1}),
        ("too late", {"after": 10.1}),
        ("few trades", {"trades": 1, "size": 100}),
    ):
        yield "ignition", name, False, -side, burst(**how)

    def stuff(times: int, apart: float, **how: int) -> Callable[[], Script]:
        def build() -> Script:
            s = Script(feed).calm(305).wait(100 * MS).stuff(side, times, apart=apart, **how)
            return s.timer(SECOND)

        return build

    for times, apart in ((20, 10.0), (40, 5.0), (150, 2.0)):
        yield "stuffing", f"{times} times, {apart:g} ms apart", True, 0, stuff(times, apart)

    def traded() -> Script:
        s = Script(feed).calm(305).wait(100 * MS).stuff(side, 40)
        return s.trade(1, ASK, 1).timer(SECOND)

    def early() -> Script:
        return Script(feed).calm(290).wait(100 * MS).stuff(side, 40).timer(SECOND)

    def held() -> Script:
        s = Script(feed).calm(305).wait(100 * MS)
        for size in (15, 10):
            for k in range(6):
                s.set(side, s.best(side) - side * (2 + k), size)
            s.wait(101 * MS)
        return s.timer(SECOND)

    yield "stuffing", "undone too late", False, 0, held
    yield "stuffing", "with a trade", False, 0, traded
    yield "stuffing", "too early", False, 0, early


def _footprints(side: int) -> Iterator[_Row]:
    def bar(**sizes: int) -> Callable[[], Script]:
        def build() -> Script:
            s = Script("trades").trade(1, ASK, 2).trade(-1, BID, 2)
            return s.extreme(side, distance=4, **sizes).five_minutes()

        return build

    for last, tip in ((100, 0), (60, 60), (1, 99)):
        yield "absorption_bar", f"{last} and {tip}", True, -side, bar(last=last, tip=tip, inside=0)
    yield "absorption_bar", "little", False, -side, bar(last=9, inside=0)
    for last, inside in ((5, 15), (1, 3), (2, 100)):
        yield "exhaustion", f"{last} of {inside}", True, -side, bar(last=last, inside=inside)
    yield "exhaustion", "14 of 15", False, -side, bar(last=5, inside=14)
    yield "exhaustion", "one row inside", False, -side, bar(last=5, inside=0, tip=15)
