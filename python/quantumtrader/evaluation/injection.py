"""Known patterns put into a recorded stream: what is found of them says what a detector would have found.

The book stays consistent: what is injected is size of its own beside the recorded one, and its removal, written in the
form of the recording (levels, orders by id, or by position). Prints take injected size only; their brokers are
unknown. An ignition hides recorded rows while it lasts. Times lie between those of the records around, sequence
numbers are given anew, and every injected record is marked as synthetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantumtrader._records import NOT_A_PRINT, WITHOUT_AGGRESSOR
from quantumtrader.evaluation.patterns import (
    BARS,
    KINDS,
    NEED_HISTORY,
    PATTERNS,
    WITHOUT_BOOK,
    Act,
    Bar,
    Market,
    Refused,
    in_bar,
)
from quantumtrader.evaluation.recorded_book import Form, Record, RecordedBook, form_of
from quantumtrader.evaluation.rewriting import Window
from quantumtrader.evaluation.scoring import Episode
from quantumtrader.evaluation.units import SECOND
from quantumtrader.exceptions import ConfigError
from quantumtrader.features.fit.segments import Segments
from quantumtrader.types import EVENT, Action, Events, Flag, Kind

REST = 60 * SECOND
"""A longer pause is no time in which the market was watched."""
HISTORY_S = 300
_DELTA_S = 900
_BAR = 300 * SECOND
_TRIES = 12
_APART = 2 * SECOND
_WHOLE = (int(Action.CLEAR), int(Action.SNAPSHOT_BEGIN), int(Action.SNAPSHOT_END))
_FIELDS = ("kind", "action", "side", "px", "size", "id", "flags", "ref_a", "ref_b")


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
        In stream order. Sweeps, runs, equal prints and bars need prints alone, all others a book.
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
    if kind not in KINDS:
        raise ConfigError(f'"{kind}" cannot be injected; use {", ".join(KINDS)}')
    if kind not in injectable(events):
        raise ConfigError(
            f'"{kind}" cannot be injected into this stream: its book does not show what it needs'
        )
    return (_Bars if kind in BARS else _Moments)(events, kind, count, seed).run()


def injectable(events: Events) -> tuple[str, ...]:
    """Return the kinds that can be injected into a stream.

    Raises
    ------
    ConfigError
        If it names orders by id in some records and by position in others.
    """
    form = form_of(events)
    if form is Form.NONE:
        return WITHOUT_BOOK if (events["kind"] == Kind.TRADE).any() else ()
    return tuple(k for k in KINDS if form.by_order or k != "iceberg_native")


_Done = tuple[list[tuple[int, Record]], dict[int, Record], Episode, int]
"""Records with the place before which they go, changed records by place, the episode, and when all is over."""


class _Injection:
    """One run over the stream; what places there are, its subclasses say."""

    def __init__(self, events: Events, kind: str, count: int, seed: int) -> None:
        self.events, self.kind, self.count = events, kind, count
        self.rng = np.random.default_rng([seed, KINDS.index(kind)])
        self.times = np.maximum.accumulate(events["ts_event"])
        more = (events["flags"] & int(Flag.MORE)) != 0
        # Places at which a packet may be put in: its predecessor has ended.
        self.open = np.flatnonzero(np.concatenate([[True], ~more]))
        self.form = form_of(events)
        self.book_record = events["kind"] == self.form.kind
        whole = self.book_record & (
            np.isin(events["action"], _WHOLE) | ((events["flags"] & int(Flag.SNAPSHOT)) != 0)
        )
        breaks = whole | np.isin(events["kind"], (int(Kind.GAP), int(Kind.SESSION)))
        self.breaks = np.concatenate([[0], np.cumsum(breaks)])
        self.next_id = int(events["id"].max(initial=0)) + 1
        self.instrument = int(events["instrument"][0])
        self.inserted: list[tuple[int, Record]] = []
        self.changed: dict[int, Record] = {}

    def run(self) -> Injected:
        """Find places, and put the patterns in."""
        book, at, free = RecordedBook(self.form), 0, int(self.times[0])
        episodes: list[Episode] = []
        refused = 0
        for tries in self._tries():
            for t, what in tries:
                if t < free:
                    continue
                place = int(np.searchsorted(self.times, t, side="right"))
                for record in self.records(at, place):
                    book.apply(record)
                at = max(at, place)
                try:
                    inserted, changed, episode, end = self._attempt(book, t, what)
                except Refused:
                    refused += 1
                    continue
                self.inserted += inserted
                self.changed |= changed
                episodes.append(episode)
                free = end + _APART
                break
        return Injected(self._joined(), tuple(episodes), refused)

    def _tries(self) -> Iterator[list[tuple[int, Any]]]:
        """Times to try in order, with what there is to know of each; one pattern is wanted of each list."""
        raise NotImplementedError

    def _attempt(self, book: RecordedBook, t: int, what: Any) -> _Done:
        raise NotImplementedError

    def write(self, book: RecordedBook, acts: list[Act], episode: Episode) -> _Done:
        """Write the records of a pattern."""
        acts.sort(key=lambda a: a.t)
        return *Window(self, book.copy()).write(acts), episode, acts[-1].t

    def records(self, start: int, stop: int) -> Iterator[Record]:
        """Records as dicts."""
        part = self.events[start:stop]
        for row in zip(*(part[n].tolist() for n in _FIELDS), strict=True):
            yield dict(zip(_FIELDS, row, strict=True))

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


class _Moments(_Injection):
    """Patterns that begin at random moments."""

    def __init__(self, events: Events, kind: str, count: int, seed: int) -> None:
        super().__init__(events, kind, count, seed)
        second = (self.times - self.times[0]) // SECOND
        traded = events["kind"] == Kind.TRADE
        volume = np.where(traded, events["size"], 0).astype(float)
        unsigned = (events["flags"] & (NOT_A_PRINT | WITHOUT_AGGRESSOR | int(Flag.RLP))) != 0
        signed = np.where(unsigned, 0.0, volume * events["side"])
        self.rates = {
            name: np.bincount(second, weights, minlength=int(second[-1]) + 1)
            for name, weights in (
                ("updates", self.book_record.astype(float)),
                ("trades", traded.astype(float)),
                ("volume", volume),
                ("delta", signed),
            )
        }
        self.rates["delta"] = np.abs(np.convolve(self.rates["delta"], np.ones(10))[: int(second[-1]) + 1])

    def _tries(self) -> Iterator[list[tuple[int, Any]]]:
        """Random times of watched trading in order: some in each of ``count`` equal parts of it."""
        steps = np.diff(self.times)
        steps = np.where(steps <= REST, steps, 0)
        passed = np.concatenate([[0], np.cumsum(steps)])
        first = HISTORY_S * SECOND + 5 * SECOND if self.kind in NEED_HISTORY else 20 * SECOND
        total = int(passed[-1]) - 12 * SECOND
        for k in range(self.count):
            low, high = (first + (total - first) * j // self.count for j in (k, k + 1))
            if high <= low:
                return
            out: list[tuple[int, Any]] = []
            for when in np.sort(self.rng.integers(low, high, _TRIES)).tolist():
                place = int(np.searchsorted(passed, when, side="right")) - 1
                out.append((int(self.times[place]) + when - int(passed[place]), None))
            yield out

    def _attempt(self, book: RecordedBook, t: int, what: Any) -> _Done:
        k = int((t - self.times[0]) // SECOND)
        usual = {}
        for name, rate in self.rates.items():
            past = rate[max(0, k - (_DELTA_S if name == "delta" else HISTORY_S)) : k]
            usual[name] = (float(past.mean()), float(past.std())) if len(past) else (0.0, 0.0)
        side = int(self.rng.choice([-1, 1]))
        if self.form is Form.NONE:
            if book.last_px is None:
                raise Refused
            bid, ask = book.last_px, book.last_px + 1
        else:
            best_bid, best_ask = book.best(1), book.best(-1)
            if best_bid is None or best_ask is None or best_bid >= best_ask:
                raise Refused
            bid, ask = best_bid, best_ask
        acts, episode = PATTERNS[self.kind](Market(book, self.rng, t, bid, ask, usual), side)
        return self.write(book, acts, episode)


class _Bars(_Injection):
    """Prints added to five-minute bars, where they were recorded to trade at the price."""

    def _tries(self) -> Iterator[list[tuple[int, Any]]]:
        """Bars in random order until enough leave room, in the order of time; a side at random first."""
        chosen = []
        bars = list(self._bars())
        for k in self.rng.permutation(len(bars)).tolist():
            first = int(self.rng.choice([-1, 1]))
            for side in (first, -first):
                try:
                    chosen.append(
                        in_bar(self.kind, bars[k], side, self.rng, shown=self.form is not Form.NONE)
                    )
                    break
                except Refused:
                    continue
            if len(chosen) == self.count:
                break
        for acts, episode in sorted(chosen, key=lambda made: made[0][0].t):
            yield [(acts[0].t, (acts, episode))]

    def _bars(self) -> Iterator[Bar]:
        """The five-minute bars that the feature engine closes, whose end the stream sees."""
        times, segments = Segments().cut(self.events)
        of = np.zeros((len(times), 2), np.int64)
        last = {}
        for s in segments:
            of[s.first : s.last] = s.session * s.continuous, s.start_ns
            last[s.session] = int(times[s.last - 1])
        events = self.events
        prints = (events["kind"] == Kind.TRADE) & (events["size"] > 0) & (of[:, 0] > 0)
        prints &= (events["flags"] & NOT_A_PRINT) == 0
        here = np.flatnonzero(prints)
        session, number = of[here, 0], (times[here] - of[here, 1]) // _BAR
        edges = np.flatnonzero((np.diff(session) != 0) | (np.diff(number) != 0)) + 1
        for part in np.split(here, edges) if len(here) else ():
            start = int(of[part[0], 1])
            end = start + (int(times[part[0]] - start) // _BAR + 1) * _BAR
            if end <= last[int(of[part[0], 0])]:
                yield _bar(events[part], times[part], end)

    def _attempt(self, book: RecordedBook, t: int, what: Any) -> _Done:
        acts, episode = what
        return self.write(book, list(acts), episode)


def _bar(prints: Events, times: np.ndarray, end: int) -> Bar:
    unsigned = (prints["flags"] & (WITHOUT_AGGRESSOR | int(Flag.RLP))) != 0
    sides = np.where(unsigned, 0, prints["side"])
    traded: dict[int, dict[int, int]] = {}
    last_at: dict[int, int] = {}
    for px, side, size, t in zip(
        prints["px"].tolist(), sides.tolist(), prints["size"].tolist(), times.tolist(), strict=True
    ):
        row = traded.setdefault(px, {})
        row[side] = row.get(side, 0) + size
        last_at[px] = t
    return Bar(end, traded, last_at, int(prints["px"][-1]))
