"""Known patterns put into a recorded stream: what is found of them says what a detector would have found.

The book stays consistent: what is injected is size of its own beside the recorded one, and its removal. Prints take
injected size only; their brokers are unknown. An ignition hides recorded rows while it lasts. Times lie between
those of the records around, sequence numbers are given anew, and every injected record is marked as synthetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from quantumtrader.evaluation.scoring import Episode
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import EVENT, Action, Events, Flag, Kind

MS = 10**6
SECOND = 10**9
REST = 60 * SECOND
"""A longer pause is no time in which the market was watched."""
HISTORY_S = 300
_TRIES = 12
_APART = 2 * SECOND
_BOOK = (int(Kind.LEVEL), int(Kind.ORDER))
_WHOLE = (int(Action.CLEAR), int(Action.SNAPSHOT_BEGIN), int(Action.SNAPSHOT_END), int(Action.DELETE_FROM))


@dataclass(frozen=True, slots=True)
class Injected:
    """A stream with patterns in it.

    Parameters
    ----------
    events : Events
        The stream.
    episodes : tuple of Episode
        The patterns.
    refused : int
        Places that were tried in vain: the book was one-sided or began anew, or price ran into the pattern.
    """

    events: Events
    episodes: tuple[Episode, ...]
    refused: int


def watched_hours(events: Events) -> float:
    """Return the hours between events that are at most a minute apart."""
    steps = np.diff(np.maximum.accumulate(events["ts_event"]))
    return float(steps[steps <= REST].sum()) / (3600 * SECOND)


def inject(events: Events, kind: str, count: int = 20, seed: int = 7) -> Injected:
    """Put patterns of one kind into a stream, spread over it at random.

    Parameters
    ----------
    events : Events
        In stream order; with a book for every kind but ``sweep``.
    kind : str
        One of :func:`injectable`.
    count : int
        Patterns wanted; there may be fewer where the stream leaves no room.
    seed : int
        The same seed gives the same stream.

    Raises
    ------
    ConfigError
        If the kind cannot be injected at all, or not into this stream.
    """
    if kind not in _PATTERNS:
        raise ConfigError(f'"{kind}" cannot be injected; use {", ".join(_PATTERNS)}')
    if kind not in injectable(events):
        raise ConfigError(
            f'"{kind}" cannot be injected into this stream: its book does not show what it needs'
        )
    return _Injection(events, kind, count, seed).run()


def injectable(events: Events) -> tuple[str, ...]:
    """Return the kinds that can be injected into a stream."""
    kinds = events["kind"]
    book = np.isin(kinds, _BOOK)
    # Rows named by their place, or changed by a difference, would have to be followed through the whole book.
    placed = book & ((events["action"] == Action.DELETE_FROM) | ((events["flags"] & int(Flag.DELTA)) != 0))
    if not book.any() or placed.any() or len(np.unique(kinds[book])) > 1:
        return ("sweep",) if (kinds == Kind.TRADE).any() and not book.any() else ()
    by_order = bool((kinds == Kind.ORDER).any())
    return tuple(k for k in _PATTERNS if by_order or k != "iceberg_native")


class _Act(NamedTuple):
    """Something to do at a time."""

    t: int
    what: str
    """``trade``, ``extra`` (injected size of a row from now on), ``again`` (tell the injected order anew), ``hide``
    (rows of a side up to ``px``) or ``show``."""
    side: int
    px: int = 0
    size: int = 0
    more: bool = False


class _Refused(Exception):
    """The market ran into the pattern."""


@dataclass
class _Book:
    """What the recorded book shows."""

    rows: dict[tuple[int, int], int] = field(default_factory=dict)
    orders: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    last_px: int | None = None

    def apply(self, r: dict[str, int]) -> None:
        """Apply a record."""
        kind, action = r["kind"], r["action"]
        if kind == Kind.TRADE:
            self.last_px = r["px"]
        elif kind == Kind.GAP or (kind in _BOOK and action == Action.SNAPSHOT_BEGIN):
            self.rows.clear()
            self.orders.clear()
        elif kind in _BOOK and action == Action.CLEAR:
            for key in [k for k in self.rows if r["side"] in (0, k[0])]:
                del self.rows[key]
            for ident in [k for k, o in self.orders.items() if r["side"] in (0, o[0])]:
                del self.orders[ident]
        elif kind == Kind.LEVEL and action != Action.SNAPSHOT_END:
            size = 0 if action == Action.DELETE else r["size"]
            self.put(r["side"], r["px"], size - self.rows.get((r["side"], r["px"]), 0))
        elif kind == Kind.ORDER and action != Action.SNAPSHOT_END:
            self.order(r["id"], self.state_after(r))

    def state_after(self, r: dict[str, int]) -> tuple[int, int, int] | None:
        """Where an order is after a record, None where it is gone."""
        if r["action"] == Action.DELETE or r["size"] <= 0:
            return None
        return r["side"], r["px"], r["size"]

    def order(self, ident: int, state: tuple[int, int, int] | None) -> None:
        """Put an order where it is now."""
        before = self.orders.pop(ident, None)
        if before is not None:
            self.put(before[0], before[1], -before[2])
        if state is not None:
            self.orders[ident] = state
            self.put(*state)

    def put(self, side: int, px: int, change: int) -> None:
        """Change what a row shows."""
        size = self.rows.get((side, px), 0) + change
        if size > 0:
            self.rows[side, px] = size
        else:
            self.rows.pop((side, px), None)

    def best(self, side: int) -> int:
        """Return the touch of a side."""
        prices = [px for s, px in self.rows if s == side]
        if not prices:
            raise _Refused
        return max(prices) if side > 0 else min(prices)

    def copy(self) -> _Book:
        """Return a copy."""
        return _Book(dict(self.rows), dict(self.orders), self.last_px)


@dataclass
class _Market:
    """What a pattern is fitted to."""

    book: _Book
    rng: np.random.Generator
    t: int
    bid: int
    ask: int
    usual: dict[str, tuple[float, float]]
    """Mean and deviation per second of the minutes before: ``updates``, ``trades``, ``volume``."""

    def whole(self, low: int, high: int) -> int:
        """Return a random number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def between(self, low: float, high: float) -> float:
        """Return a random number."""
        return float(self.rng.uniform(low, high))

    def best(self, side: int) -> int:
        """Return the touch of a side."""
        return self.bid if side > 0 else self.ask

    def shown(self, side: int, px: int) -> int:
        """Return the size shown by a row."""
        return self.book.rows.get((side, px), 0)

    def typical(self, side: int) -> float:
        """Return the mean size of the rows shown near the touch."""
        near = sorted((abs(px - self.best(side)), q) for (s, px), q in self.book.rows.items() if s == side)
        sizes = [q for _, q in near[:5]]
        return sum(sizes) / len(sizes) if sizes else 1.0

    def burst(self, name: str, low: float, high: float) -> int:
        """Return a count some deviations above what is usual."""
        mean, deviation = self.usual[name]
        return max(1, round(mean + self.between(low, high) * max(deviation, 1.0)))


_Pattern = tuple[list[_Act], Episode]


def _sweep(m: _Market, side: int) -> _Pattern:
    rows, gap = m.whole(3, 6), int(m.rng.choice([0, 300_000]))
    first, size = m.best(-side), max(1, round(m.between(0.5, 2.0) * m.typical(-side)))
    px = [first + side * k for k in range(rows)]
    began = m.t + m.whole(50, 500) * MS
    acts = [_Act(m.t, "extra", -side, p, size) for p in px] if m.book.rows else []
    for k, p in enumerate(px):
        t = began + k * gap
        acts.append(_Act(t, "trade", side, p, size, more=bool(m.book.rows)))
        if m.book.rows:
            acts.append(_Act(t, "extra", -side, p, 0))
    return acts, Episode("sweep", side, began, t + 2 * MS, t, tuple(px))


def _refilled(m: _Market, side: int) -> _Pattern:
    px, times = m.best(side), m.whole(3, 6)
    peak = max(1, round(m.between(0.5, 2.0) * max(m.shown(side, px), 1)))
    acts, t, back = [_Act(m.t, "extra", side, px, peak)], m.t, []
    for _ in range(times):
        t += m.whole(200, 900) * MS
        acts += [_Act(t, "trade", -side, px, peak, more=True), _Act(t, "extra", side, px, 0)]
        t += m.whole(10, 250) * MS
        acts.append(_Act(t, "extra", side, px, peak))
        back.append(t)
    acts.append(_Act(t + 500 * MS, "extra", side, px, 0))
    return acts, Episode("iceberg_synthetic", side, back[2], t + 300 * MS, back[2], (px,))


def _restored(m: _Market, side: int) -> _Pattern:
    px, times = m.best(side), m.whole(2, 5)
    peak = max(1, round(m.between(0.2, 1.0) * max(m.shown(side, px), 1)))
    acts, t, at = [_Act(m.t, "extra", side, px, peak)], m.t, []
    for _ in range(times):
        t += m.whole(200, 900) * MS
        acts += [_Act(t, "trade", -side, px, peak, more=True), _Act(t, "again", side, px, peak)]
        at.append(t)
    acts.append(_Act(t + 500 * MS, "extra", side, px, 0))
    return acts, Episode("iceberg_native", side, at[0], t + 10 * MS, at[0], (px,))


def _pressure(m: _Market, side: int, t: int) -> list[_Act]:
    """Prints that a simulated ``side`` would bring about, against size of their own."""
    px, size = m.best(-side), max(3, round(m.typical(-side)))
    each = size // 3
    acts = [_Act(m.t, "extra", -side, px, 3 * each)]
    for k in range(3):
        at = t + k * 5 * MS
        acts += [_Act(at, "trade", side, px, each, more=True), _Act(at, "extra", -side, px, (2 - k) * each)]
    return acts


def _spoof(m: _Market, side: int) -> _Pattern:
    px = m.best(side) - side * m.whole(1, 5)
    size = round(m.between(6, 15) * max(m.shown(side, px), m.typical(side)))
    life = m.whole(100, 1800) * MS
    gone = m.t + life
    acts = [
        _Act(m.t, "extra", side, px, size),
        _Act(gone, "extra", side, px, 0),
        *_pressure(m, side, m.t + life // 2),
    ]
    return acts, Episode("spoofing", side, gone, gone + 600 * MS, gone, (px,))


def _layers(m: _Market, side: int) -> _Pattern:
    px = [m.best(side) - side * (1 + k) for k in range(m.whole(3, 5))]
    usual, factor = m.typical(side), m.between(3, 6)
    hold, step = m.whole(300, 800) * MS, m.whole(0, 100) * MS
    gone = m.t + step * len(px) + hold
    acts = [
        _Act(m.t + step * k, "extra", side, p, round(factor * max(m.shown(side, p), usual)))
        for k, p in enumerate(px)
    ]
    acts += [_Act(gone, "extra", side, p, 0) for p in px]
    acts += _pressure(m, side, gone - hold // 2)
    return acts, Episode("layering", side, gone, gone + 600 * MS, gone, tuple(px))


def _stuff(m: _Market, side: int) -> _Pattern:
    px = m.best(side) - side * m.whole(2, 5)
    size, pairs = max(1, round(m.typical(side) / 2)), max(10, m.burst("updates", 6, 15) // 2)
    span = m.whole(200, 600) * MS
    step = span // (2 * pairs)
    acts = [_Act(m.t + k * step, "extra", side, px, size * (1 - k % 2)) for k in range(2 * pairs)]
    end = m.t + (2 * pairs - 1) * step
    return acts, Episode("stuffing", 0, m.t, end + SECOND, end)


def _ignite(m: _Market, side: int) -> _Pattern:
    move = m.whole(3, 6) + m.ask - m.bid
    count = max(m.burst("trades", 5, 10), move)
    each = max(1, -(-m.burst("volume", 5, 10) // count))
    first, behind = m.best(-side), m.best(side)
    step, acts = 300 * MS // count, []
    last = -1
    for k in range(count):
        t, row = m.t + k * step, k * move // count
        px = first + side * row
        if row != last:  # the row before is used up: it hides, and the other side follows
            if row:
                acts.append(_Act(t, "hide", -side, px - side))
                acts.append(_Act(t, "extra", side, behind + side * row, max(1, round(m.typical(side)))))
            last = row
        acts += [
            _Act(t, "extra", -side, px, each),
            _Act(t, "trade", side, px, each, more=True),
            _Act(t, "extra", -side, px, 0),
        ]
    t += step
    acts.append(_Act(t, "hide", -side, first + side * (move - 1)))
    acts.append(_Act(t, "extra", side, behind + side * move, max(1, round(m.typical(side)))))
    back = t + m.whole(800, 8000) * MS
    acts += [_Act(back, "extra", side, behind + side * k, 0, more=True) for k in range(1, move + 1)]
    acts.append(_Act(back, "show", -side))
    return acts, Episode("ignition", -side, t, back + 5 * MS, back)


_PATTERNS: dict[str, Callable[[_Market, int], _Pattern]] = {
    "sweep": _sweep,
    "iceberg_synthetic": _refilled,
    "iceberg_native": _restored,
    "spoofing": _spoof,
    "layering": _layers,
    "ignition": _ignite,
    "stuffing": _stuff,
}
_NEED_HISTORY = ("ignition", "stuffing")


class _Injection:
    """One run over the stream."""

    def __init__(self, events: Events, kind: str, count: int, seed: int) -> None:
        self.events, self.kind, self.count = events, kind, count
        self.pattern = _PATTERNS[kind]
        self.rng = np.random.default_rng([seed, list(_PATTERNS).index(kind)])
        self.times = np.maximum.accumulate(events["ts_event"])
        more = (events["flags"] & int(Flag.MORE)) != 0
        # Places at which a packet may be put in: its predecessor has ended.
        self.open = np.flatnonzero(np.concatenate([[True], ~more]))
        book = np.isin(events["kind"], _BOOK)
        self.by_order = bool((events["kind"] == Kind.ORDER).any())
        whole = book & (np.isin(events["action"], _WHOLE) | ((events["flags"] & int(Flag.SNAPSHOT)) != 0))
        breaks = whole | np.isin(events["kind"], (int(Kind.GAP), int(Kind.SESSION)))
        self.breaks = np.concatenate([[0], np.cumsum(breaks)])
        self.second = (self.times - self.times[0]) // SECOND
        self.rates = {
            name: np.bincount(self.second, weights, minlength=int(self.second[-1]) + 1)
            for name, weights in (
                ("updates", book.astype(float)),
                ("trades", (events["kind"] == Kind.TRADE).astype(float)),
                ("volume", np.where(events["kind"] == Kind.TRADE, events["size"], 0).astype(float)),
            )
        }
        self.next_id = int(events["id"].max(initial=0)) + 1
        self.instrument = int(events["instrument"][0])
        self.inserted: list[tuple[int, dict[str, int]]] = []
        self.changed: dict[int, dict[str, int]] = {}

    def run(self) -> Injected:
        """Find places, and put the patterns in."""
        book, at, free = _Book(), 0, int(self.times[0])
        episodes: list[Episode] = []
        refused = 0
        for tries in self._tries():
            for t in tries:
                if t < free:
                    continue
                place = int(np.searchsorted(self.times, t, side="right"))
                for record in self._records(at, place):
                    book.apply(record)
                at = max(at, place)
                done = self._attempt(book, t)
                if done is None:
                    refused += 1
                    continue
                inserted, changed, episode, end = done
                self.inserted += inserted
                self.changed |= changed
                episodes.append(episode)
                free = end + _APART
                break
        return Injected(self._joined(), tuple(episodes), refused)

    def _tries(self) -> Iterator[list[int]]:
        """Random times of watched trading in order: some in each of ``count`` equal parts of it."""
        steps = np.diff(self.times)
        steps = np.where(steps <= REST, steps, 0)
        passed = np.concatenate([[0], np.cumsum(steps)])
        first = HISTORY_S * SECOND + 5 * SECOND if self.kind in _NEED_HISTORY else 20 * SECOND
        total = int(passed[-1]) - 12 * SECOND
        for k in range(self.count):
            low, high = (first + (total - first) * j // self.count for j in (k, k + 1))
            if high <= low:
                return
            out = []
            for when in np.sort(self.rng.integers(low, high, _TRIES)).tolist():
                place = int(np.searchsorted(passed, when, side="right")) - 1
                out.append(int(self.times[place]) + when - int(passed[place]))
            yield out

    def _records(self, start: int, stop: int) -> Iterator[dict[str, int]]:
        """Records as dicts."""
        names = ("kind", "action", "side", "px", "size", "id", "flags")
        part = self.events[start:stop]
        for row in zip(*(part[n].tolist() for n in names), strict=True):
            yield dict(zip(names, row, strict=True))

    def _attempt(
        self, book: _Book, t: int
    ) -> tuple[list[tuple[int, dict[str, int]]], dict[int, dict[str, int]], Episode, int] | None:
        k = int((t - self.times[0]) // SECOND)
        usual = {}
        for name, rate in self.rates.items():
            past = rate[max(0, k - HISTORY_S) : k]
            usual[name] = (float(past.mean()), float(past.std())) if len(past) else (0.0, 0.0)
        side = int(self.rng.choice([-1, 1]))
        try:
            if book.rows:
                bid, ask = book.best(1), book.best(-1)
                if bid >= ask:
                    return None
            elif self.by_order or (self.events["kind"] == Kind.LEVEL).any() or book.last_px is None:
                return None
            else:
                bid, ask = book.last_px, book.last_px + 1
            acts, episode = self.pattern(_Market(book, self.rng, t, bid, ask, usual), side)
            acts.sort(key=lambda a: a.t)
            end = acts[-1].t
            window = _Window(self, book.copy())
            return *window.write(acts), episode, end
        except _Refused:
            return None

    def place(self, t: int) -> int:
        """Return the first place at or after a time where no packet is open."""
        after = int(np.searchsorted(self.times, t, side="right"))
        return int(self.open[min(int(np.searchsorted(self.open, after)), len(self.open) - 1)])

    def _joined(self) -> Events:
        out = self.events.copy()
        for k, values in self.changed.items():
            for name, value in values.items():
                out[k][name] = value
        records = np.zeros(len(self.inserted), EVENT)
        for name in EVENT.names or ():
            records[name] = [r.get(name, 0) for _, r in self.inserted]
        where = np.array([k for k, _ in self.inserted], np.int64)
        out = np.insert(out, where, records)
        out["sequence"] = np.arange(len(out))
        return np.ascontiguousarray(out)


class _Window:
    """The stream while one pattern lasts."""

    def __init__(self, run: _Injection, book: _Book) -> None:
        self.run, self.book = run, book
        self.extra: dict[tuple[int, int], int] = {}
        self.idents: dict[tuple[int, int], int] = {}
        self.hidden: dict[int, int] = {}
        self.known: tuple[object, int] = (None, 0)
        self.inserted: list[tuple[int, dict[str, int]]] = []
        self.changed: dict[int, dict[str, int]] = {}

    def write(self, acts: list[_Act]) -> tuple[list[tuple[int, dict[str, int]]], dict[int, dict[str, int]]]:
        """Do what is to be done, and carry the records in between along."""
        run = self.run
        # What the caller's book has seen: everything at or before the first time.
        at = int(np.searchsorted(run.times, acts[0].t, side="right"))
        stop = run.place(acts[-1].t)
        if run.breaks[stop] > run.breaks[max(0, at - 1)] or stop >= len(run.events):
            raise _Refused
        for act in acts:
            place = max(at, run.place(act.t))
            for k, record in enumerate(run._records(at, place), at):
                self._carry(k, record)
            at = place
            self._do(at, act)
        return self.inserted, self.changed

    def _do(self, at: int, act: _Act) -> None:
        flags = int(Flag.MORE) * act.more
        side, px = act.side, act.px
        if act.what == "trade":
            self._put(at, act.t, kind=Kind.TRADE, side=side, px=px, size=act.size, flags=flags)
        elif act.what == "extra":
            self._show_extra(at, act, flags)
        elif act.what == "again":
            ident = self.idents[side, px]
            fields = {"side": side, "px": px, "size": act.size, "id": ident, "flags": flags}
            self._put(at, act.t, kind=Kind.ORDER, action=Action.EDIT, ref_b=-1, **fields)
        elif act.what == "hide":
            before = self._visible_rows(side)
            self.hidden[side] = px
            self._toggle(at, act, before - self._visible_rows(side), shown=False)
        else:
            before = self._visible_rows(side)
            self.hidden.pop(side, None)
            self._toggle(at, act, self._visible_rows(side) - before, shown=True)

    def _visible(self, side: int, px: int) -> bool:
        """Whether a recorded row is not hidden."""
        limit = self.hidden.get(side)
        return limit is None or side * px < side * limit

    def _visible_rows(self, side: int) -> set[int]:
        return {px for s, px in self.book.rows if s == side and self._visible(s, px)}

    def _base(self, side: int, px: int) -> int:
        return self.book.rows.get((side, px), 0) if self._visible(side, px) else 0

    def _toggle(self, at: int, act: _Act, rows: set[int], *, shown: bool) -> None:
        """Take recorded rows out of the book, or put them back, in one packet."""
        out: list[dict[str, int]] = []
        for px in sorted(rows):
            if not self.run.by_order:
                size = self._base(act.side, px) + self.extra.get((act.side, px), 0)
                out.append(_level(act.side, px, size))
                continue
            for ident, (s, p, size) in self.book.orders.items():
                if (s, p) == (act.side, px):
                    action = Action.ADD if shown else Action.DELETE
                    fields = {"side": s, "px": p, "size": size * shown, "id": ident, "ref_b": -1}
                    out.append({"kind": Kind.ORDER, "action": action, **fields})
        if not out:
            out.append({"kind": Kind.TIMER})
        for k, fields in enumerate(out):
            self._put(at, act.t, **fields, flags=int(Flag.MORE) * (k < len(out) - 1))

    def _show_extra(self, at: int, act: _Act, flags: int) -> None:
        side, px = act.side, act.px
        before = self.extra.get((side, px), 0)
        if before == act.size:
            return
        if act.size and side * (px - self._opposite(at, side)) >= 0:
            raise _Refused  # it would cross
        self.extra[side, px] = act.size
        if not act.size:
            del self.extra[side, px]
        if not self.run.by_order:
            self._put(at, act.t, **_level(side, px, self._base(side, px) + act.size), flags=flags)
            return
        if not before:
            self.idents[side, px] = self.run.next_id
            self.run.next_id += 1
        action = Action.DELETE if not act.size else Action.EDIT if before else Action.ADD
        fields = {"side": side, "px": px, "size": act.size, "id": self.idents[side, px], "flags": flags}
        self._put(at, act.t, kind=Kind.ORDER, action=action, ref_b=-1, **fields)

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

    def _carry(self, k: int, r: dict[str, int]) -> None:
        """Take a recorded record along: it may be hidden, or lie on a row with injected size."""
        kind = r["kind"]
        if kind == Kind.LEVEL:
            self.book.apply(r)
            side, px = r["side"], r["px"]
            extra = self.extra.get((side, px), 0)
            if not self._visible(side, px):
                self._silence(k)
            elif extra:
                level = _level(side, px, self._base(side, px) + extra)
                self.changed[k] = {n: level[n] for n in ("size", "action")}
            self._must_not_cross(side, px)
        elif kind == Kind.ORDER:
            before = self.book.orders.get(r["id"])
            self.book.apply(r)
            after = self.book.orders.get(r["id"])
            was, there = (s is not None and self._visible(s[0], s[1]) for s in (before, after))
            if was and not there and after is not None and before is not None:
                self.changed[k] = {"action": int(Action.DELETE), "size": 0, "px": before[1]}
            elif not was and there and before is not None:
                self.changed[k] = {"action": int(Action.ADD)}
            elif not was and not there and (before or after):
                self._silence(k)
            if after is not None:
                self._must_not_cross(after[0], after[1])
        else:
            self.book.apply(r)

    def _silence(self, k: int) -> None:
        """Let time pass in place of a record; a packet that ends with it still ends."""
        flags = int(self.run.events["flags"][k]) & int(Flag.MORE)
        rest: dict[str, Any] = dict.fromkeys(("px", "size", "id", "side", "action", "ref_a", "ref_b"), 0)
        self.changed[k] = {"kind": int(Kind.TIMER), **rest, "flags": flags}

    def _must_not_cross(self, side: int, px: int) -> None:
        if not self._base(side, px):
            return
        if any(s == -side and side * p <= side * px for s, p in self.extra):
            raise _Refused


def _level(side: int, px: int, size: int) -> dict[str, int]:
    action = Action.EDIT if size else Action.DELETE
    return {"kind": int(Kind.LEVEL), "action": int(action), "side": side, "px": px, "size": size}
