"""What a list of events says, with the position at which each fact became known.

Everything here is a list of facts in stream order. A feature at a row (t, n events seen) is computed from the
facts whose position is below n, so nothing is carried from row to row.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from quantumtrader.types import PX_NONE, Action, Events, Flag, Kind, Phase

MINUTE = 60 * 10**9
INFINITE = 10**12


@dataclass(frozen=True)
class Period:
    """One session: events ``first`` up to, not including, ``last`` (None while it runs)."""

    first: int
    start: int
    last: int | None = None
    dropped: bool = False
    """Whether a roll ended it, so that its forming bar never closes."""


@dataclass(frozen=True)
class Deal:
    """A print."""

    at: int
    t: int
    px: int
    q: int
    side: int
    broker: int = 0
    """Of the aggressor, 0 unknown or unsigned."""
    passive: int = 0
    hidden: bool = False


@dataclass(frozen=True)
class Change:
    """What one record did to the displayed size of one row."""

    at: int
    side: int
    px: int
    before: int
    after: int
    order_id: int = 0
    """Of the order that it was, 0 where the feed has none."""
    broker: int = 0


@dataclass(frozen=True)
class Lot:
    """An order at rest."""

    id: int
    side: int
    px: int
    size: int
    broker: int


Step = tuple[Lot | None, Lot | None]
"""One order as it was before, and as it is after."""


@dataclass(frozen=True)
class View:
    """The touch at the end of a packet; ``bids`` and ``asks`` hold up to ten occupied levels, best first."""

    at: int
    t: int
    good: bool
    sized: bool
    chained: bool
    """Whether it may be compared with the view before."""
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    added: int = 0
    by_book: bool = False
    changes: tuple[Change, ...] = ()
    """Row changes of the packet; those before a void are not among them."""
    voided: bool = False
    """Whether an image, a clear or a gap of the packet voided what was displayed before."""

    def level(self, m: int) -> tuple[float, int, float, int]:
        bid = self.bids[m] if m < len(self.bids) else (-INFINITE, 0)
        ask = self.asks[m] if m < len(self.asks) else (INFINITE, 0)
        return (*bid, *ask)

    @property
    def mid(self) -> float | None:
        return (self.bids[0][0] + self.asks[0][0]) / 2 if self.bids and self.asks else None


@dataclass(frozen=True)
class Candle:
    """A closed bar and the row that it makes: (time, events seen)."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    net: int | None
    gross: int | None
    row: tuple[int, int]
    start: int = 0
    session: Period | None = None
    """The session it belongs to; None before the first one of the contract."""


@dataclass
class _Rows:
    """A book as a dict of rows, or as a list of orders, per side; in the order of the feed if that has places."""

    sides: dict[int, dict[int, int]] = field(default_factory=lambda: {1: {}, -1: {}})
    lots: dict[int, list[Lot]] = field(default_factory=lambda: {1: [], -1: []})
    valid: bool = True
    given: bool = False
    imaging: bool = False

    def rows(self, side: int) -> dict[int, int]:
        out = dict(self.sides[side])
        for lot in self.lots[side]:
            if lot.size:
                out[lot.px] = out.get(lot.px, 0) + lot.size
        return out

    def steps(self, e: dict[str, int]) -> Iterator[Step]:
        """Apply a record about orders, one order after the other; nothing where it makes no sense."""
        action, side, place = e["action"], e["side"], e["ref_b"]
        if action == Action.DELETE_FROM:
            for _ in range(place + 1 if place < len(self.lots[side]) else 0):
                yield self.lots[side].pop(0), None
            return
        if place < 0:
            found = [(s, k) for s in (1, -1) for k, lot in enumerate(self.lots[s]) if lot.id == e["id"]]
        else:
            found = [(side, place)] if place < len(self.lots[side]) else []
        if action == Action.ADD:
            new = Lot(e["id"], side, e["px"], e["size"], e["ref_a"])
            if place <= len(self.lots[side]) and not (place < 0 and found):
                self.lots[side].insert(max(0, place), new)
                yield None, new
        elif found:
            side, k = found[0]
            old = self.lots[side][k]
            new = replace(
                old,
                id=e["id"] or old.id,
                px=old.px if e["px"] == PX_NONE else e["px"],
                size=e["size"] + (old.size if e["flags"] & Flag.DELTA else 0),
                broker=e["ref_a"] or old.broker,
            )
            if action == Action.DELETE or (place < 0 and new.size == 0):
                del self.lots[side][k]
                yield replace(old, broker=new.broker), None
            elif new.size >= 0 and old.id in (0, new.id):
                self.lots[side][k] = new
                yield old, new
            elif new.size >= 0:
                # Another id is another order.
                self.lots[side][k] = replace(old, size=0)
                yield old, None
                self.lots[side][k] = new
                yield None, new

    def best(self, side: int) -> tuple[tuple[int, int], ...]:
        return tuple(sorted(self.rows(side).items(), key=lambda r: -side * r[0])[:10])


class Recording:
    """Facts of one stream.

    Parameters
    ----------
    events : Events
        The stream.
    rlp_by_quote : bool
        How retail-liquidity prints are signed.
    """

    def __init__(self, events: Events, rlp_by_quote: bool = False) -> None:
        self.events = [dict(zip(events.dtype.names, e, strict=True)) for e in events.tolist()]
        self.times = np.maximum.accumulate(events["ts_event"]).tolist() if len(events) else []
        self.rlp_by_quote = rlp_by_quote
        self._shown: dict[tuple[int, int], int] | None = None
        self._history: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._validity: list[tuple[int, bool]] = []
        self._steps: dict[int, list[Step]] = {}

    # -- sessions ---------------------------------------------------------------------------------------

    @cached_property
    def periods(self) -> list[Period]:
        out: list[Period] = []
        phase: object = None  # None: nothing yet; "implicit": opened by an event; else a Phase
        opening_auction = False

        def end(i: int, dropped: bool = False) -> None:
            if out and out[-1].last is None:
                out[-1] = Period(out[-1].first, out[-1].start, i, dropped)

        for i, e in enumerate(self.events):
            is_open = bool(out) and out[-1].last is None
            if e["kind"] != Kind.SESSION:
                if phase is None:
                    out.append(Period(i, self.times[i]))
                    phase = "implicit"
                continue
            new = Phase(e["action"])
            starts = False
            if new == Phase.CLOSED:
                end(i)
                opening_auction = False
            elif new == Phase.OPEN:
                starts = not opening_auction
                opening_auction = False
            elif new == Phase.AUCTION:
                starts = phase in (None, "implicit") or not is_open
                opening_auction = opening_auction or starts
            elif new == Phase.ROLL:
                starts = is_open or phase is None
                end(i, dropped=True)
                opening_auction = opening_auction and not starts
            else:
                starts = phase is None
            if starts:
                end(i)
                out.append(Period(i, self.times[i]))
            phase = new
        return out

    @cached_property
    def rolls(self) -> list[int]:
        return [
            i for i, e in enumerate(self.events) if e["kind"] == Kind.SESSION and e["action"] == Phase.ROLL
        ]

    def period(self, seen: int) -> Period | None:
        """The session that the first ``seen`` events are in, or were in last."""
        started = [p for p in self.periods if p.first < seen]
        return started[-1] if started else None

    def first_market_event(self, p: Period, seen: int) -> int | None:
        """Time of the first record of the session that is about the market, among the first ``seen``."""
        last = seen if p.last is None else min(seen, p.last)
        quiet = (Kind.SESSION, Kind.GAP, Kind.TIMER)
        return next(
            (self.times[i] for i in range(p.first, last) if self.events[i]["kind"] not in quiet), None
        )

    def is_open_after(self, i: int) -> bool:
        """Whether a session is running once event i has been applied."""
        p = self.period(i + 1)
        return p is not None and (p.last is None or p.last > i)

    # -- the touch --------------------------------------------------------------------------------------

    @cached_property
    def views(self) -> list[View]:
        out: list[View] = []
        quote: tuple[int, int, int, int] | None = None
        book: _Rows | None = None
        book_kind = 0
        broken = True
        dirty = False
        lost = False
        additions: list[tuple[int, int, int]] = []
        changes: list[Change] = []
        voided = False
        starts = {p.first for p in self.periods}
        for i, e in enumerate(self.events):
            kind = e["kind"]
            if i in starts:
                # Records of the old session, in a packet that is still open.
                additions, changes, voided = [], [], False
            if kind == Kind.SESSION and e["action"] == Phase.ROLL:
                quote, broken, lost = None, True, False
                dirty, additions, changes, voided = False, [], [], False
                if book is not None:
                    book = _Rows()
                out.append(View(i, self.times[i], False, False, False, (), (), by_book=book is not None))
            elif kind == Kind.QUOTE and book is None:
                quote, dirty = (e["px"], e["size"], e["px_ask"], e["size_ask"]), True
            elif kind == Kind.GAP:
                quote, broken, dirty, lost = None, True, True, True
                changes, voided = [], True
                if book is not None:
                    book.valid = book.imaging = False
            elif kind in (Kind.LEVEL, Kind.ORDER) and book_kind in (0, kind):
                if book is None:
                    book, book_kind, quote, broken = _Rows(valid=not lost), kind, None, True
                    voided = voided or lost
                dirty = True
                if e["action"] in (Action.CLEAR, Action.SNAPSHOT_BEGIN) or e["flags"] & Flag.SNAPSHOT:
                    broken = voided = True
                    changes = []
                told = book.valid and not e["flags"] & Flag.SNAPSHOT
                shown = {side: book.rows(side) for side in (1, -1)}
                for old, new in self._apply(book, e):
                    mine = new or old
                    side, px = (mine.side, mine.px) if mine else (e["side"], e["px"])
                    whose = (mine.id, mine.broker) if mine else (0, 0)
                    now = book.rows(side)
                    moved = [px for px in {**shown[side], **now} if shown[side].get(px, 0) != now.get(px, 0)]
                    for x in sorted(moved, key=lambda x, to=px: x == to):
                        change = Change(i, side, x, shown[side].get(x, 0), now.get(x, 0), *whose)
                        if told:
                            changes.append(change)
                        if told and change.after > change.before:
                            additions.append((side, x, change.after - change.before))
                    shown[side] = now
                    if told and mine:
                        self._steps.setdefault(i, []).append((old, new))
                self._remember(i, book)
            if e["flags"] & Flag.MORE or not dirty:
                continue
            dirty = False
            bids, asks, known = self._sides(quote, book)
            crossed = bool(bids and asks) and bids[0][0] >= asks[0][0]
            good = known and not crossed
            sized = good and all(side[0][1] > 0 for side in (bids, asks) if side)
            best = {(1, px) for px, _ in bids[:5]} | {(-1, px) for px, _ in asks[:5]}
            added = sum(q for side, px, q in additions if (side, px) in best) if good else 0
            chained = bool(out) and not broken and good and out[-1].good
            by_book = book is not None
            facts = (bids, asks, added, by_book, tuple(changes), voided)
            out.append(View(i, self.times[i], good, sized, chained, *facts))
            broken, additions, changes, voided = False, [], [], False
        return out

    def _remember(self, i: int, book: _Rows) -> None:
        """Note which rows event ``i`` changed, so that :meth:`displayed` can look them up."""
        rows = {(s, px): q for s in (1, -1) for px, q in book.rows(s).items()} if book.valid else None
        for row in {**(self._shown or {}), **(rows or {})}:
            q = 0 if rows is None else rows.get(row, 0)
            if (self._shown or {}).get(row, 0) != q:
                self._history.setdefault(row, []).append((i, q))
        self._shown = rows
        self._validity.append((i, rows is not None))

    def displayed(self, side: int, px: int, before: int) -> int | None:
        """Contracts displayed at a row after the first ``before`` events; None without a valid book."""
        _ = self.views
        known = [valid for i, valid in self._validity if i < before]
        gaps = [i for i, e in enumerate(self.events[:before]) if e["kind"] == Kind.GAP]
        last = max((i for i, _ in self._validity if i < before), default=-1)
        if not known or not known[-1] or (gaps and gaps[-1] > last):
            return None
        rolls = [r for r in self.rolls if r < before]
        if rolls and rolls[-1] > last:
            return None
        return next((q for i, q in reversed(self._history.get((side, px), [])) if i < before), 0)

    @staticmethod
    def _sides(
        quote: tuple[int, int, int, int] | None, book: _Rows | None
    ) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...], bool]:
        if book is not None:
            return book.best(1), book.best(-1), book.given and book.valid
        if quote is None:
            return (), (), False
        bid_px, bid_sz, ask_px, ask_sz = quote
        bids = () if bid_px == PX_NONE else ((bid_px, bid_sz),)
        asks = () if ask_px == PX_NONE else ((ask_px, ask_sz),)
        return bids, asks, True

    def steps(self, i: int) -> list[Step]:
        """What event ``i`` did to orders of a valid book, order by order; nothing inside images."""
        _ = self.views
        return self._steps.get(i, [])

    @staticmethod
    def _apply(book: _Rows, e: dict[str, int]) -> Iterator[Step]:
        """Apply a record of a book: a step for each order or row that an update is about."""
        book.given = True
        action, side = e["action"], e["side"]
        if action == Action.SNAPSHOT_BEGIN:
            book.sides, book.lots, book.valid, book.imaging = {1: {}, -1: {}}, {1: [], -1: []}, False, True
        elif action == Action.SNAPSHOT_END:
            book.valid, book.imaging = book.valid or book.imaging, False
        elif action == Action.CLEAR:
            for s in (1, -1) if side == 0 else (side,):
                book.sides[s], book.lots[s] = {}, []
            book.valid = book.valid or side == 0
        elif e["kind"] == Kind.ORDER:
            yield from book.steps(e)
        elif action == Action.DELETE or e["size"] == 0:
            book.sides[side].pop(e["px"], None)
            yield None, None
        else:
            book.sides[side][e["px"]] = e["size"]
            yield None, None

    # -- prints -----------------------------------------------------------------------------------------

    @cached_property
    def deals(self) -> list[Deal]:
        out: list[Deal] = []
        for i, e in enumerate(self.events):
            if e["kind"] != Kind.TRADE or e["size"] <= 0 or e["flags"] & (Flag.CANCELLED | Flag.EDITED):
                continue
            side = self._side(e, i, out)
            buyer, seller = (e["ref_a"], e["ref_b"]) if side else (0, 0)
            brokers = (buyer, seller) if side > 0 else (seller, buyer)
            out.append(
                Deal(i, self.times[i], e["px"], e["size"], side, *brokers, bool(e["flags"] & Flag.HIDDEN))
            )
        return out

    def _side(self, e: dict[str, int], i: int, before: list[Deal]) -> int:
        if e["flags"] & (Flag.CROSS | Flag.AUCTION):
            return 0
        if not e["flags"] & Flag.RLP:
            return e["side"]
        if not self.rlp_by_quote:
            return 0
        views = [v for v in self.views if v.at < i]
        mid = views[-1].mid if views and views[-1].good else None
        if mid is not None and e["px"] != mid:
            return 1 if e["px"] > mid else -1
        p = self.period(i + 1)
        prices = [d.px for d in before if p is not None and d.at >= p.first] + [e["px"]]
        moves = [b - a for a, b in itertools.pairwise(prices) if a != b]
        return 0 if not moves else 1 if moves[-1] > 0 else -1

    # -- bars -------------------------------------------------------------------------------------------

    def candles(self, t: int, seen: int, closing: bool = False) -> list[Candle]:
        """Bars closed by time ``t``, from the first ``seen`` events, since the last roll.

        ``closing``: the next event is a marker that ends the session, and has closed the forming bar.
        """
        rolls = [r for r in self.rolls if r < seen]
        floor = rolls[-1] if rolls else -1
        brought = [i for i in range(floor + 1, seen) if self.events[i]["kind"] == Kind.BAR]
        out: list[Candle] = []
        for p in self.periods:
            if floor <= p.first < seen and not (p.first < floor):
                out += self._from_deals(p, t, seen + closing, brought[0] if brought else None)
        for i in brought:
            e, p = self.events[i], self.period(i + 1)
            out.append(
                Candle(
                    e["px"],
                    e["px_ask"],
                    e["ref_a"],
                    e["ref_b"],
                    e["size"],
                    None,
                    None,
                    (self.times[i], i + 1),
                    e["id"],
                    p if p is not None and p.first >= floor else None,
                )
            )
        return out

    def _from_deals(self, p: Period, t: int, seen: int, brought: int | None) -> list[Candle]:
        if brought is not None and brought <= p.first:
            return []
        stops = [x for x in (p.last, brought) if x is not None and x < seen]
        stop = min(stops, default=None)
        until = t if stop is None else self.times[stop]
        limit = seen if stop is None else stop
        deals = [d for d in self.deals if p.first <= d.at < limit]
        if not deals:
            return []
        begin = p.start + (deals[0].t - p.start) // MINUTE * MINUTE
        out: list[Candle] = []
        close = deals[0].px
        while begin + MINUTE <= until:
            inside = [d for d in deals if begin <= d.t < begin + MINUTE]
            trigger = bisect_left(self.times, begin + MINUTE, lo=p.first)
            out.append(_candle(inside, close, (begin + MINUTE, trigger), begin, p))
            close, begin = out[-1].close, begin + MINUTE
        if stop is not None and stop == p.last and not p.dropped and brought != stop:
            inside = [d for d in deals if d.t >= begin]
            if inside or begin < until:
                out.append(_candle(inside, close, (until, stop), begin, p))
        return out

    # -- sampling clocks --------------------------------------------------------------------------------

    def rows(self, clock: str) -> list[tuple[int, int]]:
        """Every row that ``clock`` asks for: (time, events seen)."""
        if clock == "event":
            return [(self.times[i], i + 1) for i in range(len(self.events)) if self._ends(i)]
        if clock == "bar":
            return self._bar_rows()
        if clock.endswith("trades"):
            return self._count_rows(int(clock.removesuffix("trades")))
        step = {"ms": 10**6, "s": 10**9, "m": MINUTE}
        unit = "ms" if clock.endswith("ms") else clock[-1]
        return self._time_rows(int(clock.removesuffix(unit)) * step[unit])

    def _ends(self, i: int) -> bool:
        return self.is_open_after(i) and not self.events[i]["flags"] & Flag.MORE

    def _time_rows(self, step: int) -> list[tuple[int, int]]:
        out = []
        for i in range(1, len(self.times)):
            p = self.period(i)
            if p is None or not self.is_open_after(i - 1):
                continue
            first = self.first_market_event(p, i)
            if first is None:
                continue
            k = max(1, -(-(max(first, self.times[i - 1]) - p.start) // step))
            while p.start + k * step < self.times[i]:
                out.append((p.start + k * step, i))
                k += 1
        return out

    def _count_rows(self, n: int) -> list[tuple[int, int]]:
        out = []
        done = 0
        for i in range(len(self.events)):
            p = self.period(i + 1)
            if p is None or not self._ends(i):
                continue
            reached = sum(1 for d in self.deals if p.first <= d.at <= i) // n
            before = 0 if out == [] or out[-1][1] <= p.first else done
            if reached > before:
                out.append((self.times[i], i + 1))
                done = reached
        return out

    def _bar_rows(self) -> list[tuple[int, int]]:
        if not self.times:
            return []
        rows: set[tuple[int, int]] = set()
        for seen in range(1, len(self.times) + 1):
            # Time passes to the next event before that event, a roll perhaps, is applied.
            for t in self.times[seen - 1 : seen + 1]:
                rows |= {c.row for c in self.candles(t, seen) if c.row[1] <= seen}
        return sorted(((t, n) for t, n in rows if self._had_session(n)), key=lambda r: (r[1], r[0]))

    def _had_session(self, n: int) -> bool:
        return not (n and self.events[n - 1]["kind"] == Kind.BAR and not self.is_open_after(n - 1))


def _candle(deals: list[Deal], close: int, row: tuple[int, int], start: int, session: Period) -> Candle:
    if not deals:
        return Candle(close, close, close, close, 0, 0, 0, row, start, session)
    px = [d.px for d in deals]
    net = sum(d.side * d.q for d in deals)
    gross = sum(abs(d.side) * d.q for d in deals)
    volume = sum(d.q for d in deals)
    return Candle(px[0], max(px), min(px), px[-1], volume, net, gross, row, start, session)
