"""The patterns that are put into a recording: each one a list of acts, and the episode that they make."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from quantumtrader.evaluation.recorded_book import RecordedBook
from quantumtrader.evaluation.scoring import Episode
from quantumtrader.evaluation.units import MS, SECOND


class Act(NamedTuple):
    """Something to do at a time."""

    t: int
    what: str
    """``trade``, ``extra`` (injected size of a row from now on), ``again`` (tell the injected order anew), ``hide``
    (rows of a side up to ``px``) or ``show``."""
    side: int
    px: int = 0
    size: int = 0
    more: bool = False
    at_touch: bool = False
    """Whether a trade is refused once the recorded book shows a better row on the resting side."""


class Refused(Exception):
    """The market left no room for the pattern, or ran into it."""


@dataclass
class Market:
    """What a pattern is fitted to."""

    book: RecordedBook
    rng: np.random.Generator
    t: int
    bid: int
    ask: int
    usual: dict[str, tuple[float, float]]
    """Mean and deviation per second of the minutes before: ``updates``, ``trades``, ``volume``; and of the absolute
    ``delta`` of ten seconds."""

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

    def print_size(self) -> float:
        """Return the mean size of the prints of the minutes before; 1 where there were none."""
        trades, volume = self.usual["trades"][0], self.usual["volume"][0]
        return volume / trades if trades else 1.0

    def burst(self, name: str, low: float, high: float) -> int:
        """Return a count some deviations above what is usual."""
        mean, deviation = self.usual[name]
        return max(1, round(mean + self.between(low, high) * max(deviation, 1.0)))


Pattern = tuple[list[Act], Episode]


def _sweep(m: Market, side: int) -> Pattern:
    rows, gap = m.whole(3, 6), int(m.rng.choice([0, 300_000]))
    first, size = m.best(-side), max(1, round(m.between(0.5, 2.0) * m.typical(-side)))
    px = [first + side * k for k in range(rows)]
    began = m.t + m.whole(50, 500) * MS
    acts = [Act(m.t, "extra", -side, p, size) for p in px] if m.book.rows else []
    for k, p in enumerate(px):
        t = began + k * gap
        acts.append(Act(t, "trade", side, p, size, more=bool(m.book.rows)))
        if m.book.rows:
            acts.append(Act(t, "extra", -side, p, 0))
    return acts, Episode("sweep", side, began, t + 2 * MS, t, tuple(px))


def _refilled(m: Market, side: int) -> Pattern:
    px, times = m.best(side), m.whole(3, 6)
    peak = max(1, round(m.between(0.5, 2.0) * max(m.shown(side, px), 1)))
    acts, t, back = [Act(m.t, "extra", side, px, peak)], m.t, []
    for _ in range(times):
        t += m.whole(200, 900) * MS
        acts += [Act(t, "trade", -side, px, peak, more=True), Act(t, "extra", side, px, 0)]
        t += m.whole(10, 250) * MS
        acts.append(Act(t, "extra", side, px, peak))
        back.append(t)
    acts.append(Act(t + 500 * MS, "extra", side, px, 0))
    return acts, Episode("iceberg_synthetic", side, back[2], t + 300 * MS, back[2], (px,))


def _restored(m: Market, side: int) -> Pattern:
    px, times = m.best(side), m.whole(2, 5)
    peak = max(1, round(m.between(0.2, 1.0) * max(m.shown(side, px), 1)))
    acts, t, at = [Act(m.t, "extra", side, px, peak)], m.t, []
    for _ in range(times):
        t += m.whole(200, 900) * MS
        acts += [Act(t, "trade", -side, px, peak, more=True), Act(t, "again", side, px, peak)]
        at.append(t)
    acts.append(Act(t + 500 * MS, "extra", side, px, 0))
    return acts, Episode("iceberg_native", side, at[0], t + 10 * MS, at[0], (px,))


def _pressure(m: Market, side: int, t: int) -> list[Act]:
    """Prints that a simulated ``side`` would bring about, against size of their own."""
    px, size = m.best(-side), max(3, round(m.typical(-side)))
    each = size // 3
    acts = [Act(m.t, "extra", -side, px, 3 * each)]
    for k in range(3):
        at = t + k * 5 * MS
        acts += [Act(at, "trade", side, px, each, more=True), Act(at, "extra", -side, px, (2 - k) * each)]
    return acts


def _spoof(m: Market, side: int) -> Pattern:
    px = m.best(side) - side * m.whole(1, 5)
    size = round(m.between(6, 15) * max(m.shown(side, px), m.typical(side)))
    life = m.whole(100, 1800) * MS
    gone = m.t + life
    acts = [
        Act(m.t, "extra", side, px, size),
        Act(gone, "extra", side, px, 0),
        *_pressure(m, side, m.t + life // 2),
    ]
    return acts, Episode("spoofing", side, gone, gone + 600 * MS, gone, (px,))


def _layers(m: Market, side: int) -> Pattern:
    px = [m.best(side) - side * (1 + k) for k in range(m.whole(3, 5))]
    usual, factor = m.typical(side), m.between(3, 6)
    hold, step = m.whole(300, 800) * MS, m.whole(0, 100) * MS
    gone = m.t + step * len(px) + hold
    acts = [
        Act(m.t + step * k, "extra", side, p, round(factor * max(m.shown(side, p), usual)))
        for k, p in enumerate(px)
    ]
    acts += [Act(gone, "extra", side, p, 0) for p in px]
    acts += _pressure(m, side, gone - hold // 2)
    return acts, Episode("layering", side, gone, gone + 600 * MS, gone, tuple(px))


def _stuff(m: Market, side: int) -> Pattern:
    px = m.best(side) - side * m.whole(2, 5)
    size, pairs = max(1, round(m.typical(side) / 2)), max(10, m.burst("updates", 6, 15) // 2)
    span = m.whole(200, 600) * MS
    step = span // (2 * pairs)
    acts = [Act(m.t + k * step, "extra", side, px, size * (1 - k % 2)) for k in range(2 * pairs)]
    end = m.t + (2 * pairs - 1) * step
    return acts, Episode("stuffing", 0, m.t, end + SECOND, end)


def _ignite(m: Market, side: int) -> Pattern:
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
                acts.append(Act(t, "hide", -side, px - side))
                acts.append(Act(t, "extra", side, behind + side * row, max(1, round(m.typical(side)))))
            last = row
        acts += [
            Act(t, "extra", -side, px, each),
            Act(t, "trade", side, px, each, more=True),
            Act(t, "extra", -side, px, 0),
        ]
    t += step
    acts.append(Act(t, "hide", -side, first + side * (move - 1)))
    acts.append(Act(t, "extra", side, behind + side * move, max(1, round(m.typical(side)))))
    back = t + m.whole(800, 8000) * MS
    acts += [Act(back, "extra", side, behind + side * k, 0, more=True) for k in range(1, move + 1)]
    acts.append(Act(back, "show", -side))
    return acts, Episode("ignition", -side, t, back + 5 * MS, back)


def _run(m: Market, side: int) -> Pattern:
    count, rows, gap = m.whole(5, 10), m.whole(1, 3), int(m.rng.choice([0, m.whole(1, 150) * MS]))
    base = max(1, round(m.between(0.3, 1.0) * m.print_size()))
    sizes = [base]
    for _ in range(count - 1):
        sizes.append(sizes[-1] + m.whole(0, base))
    sizes[4:] = [q + (sizes[4] == base) for q in sizes[4:]]  # five equal prints do not rise
    px = [m.best(-side) + side * (k * rows // count) for k in range(count)]
    left = {p: sum(q for q, row in zip(sizes, px, strict=True) if row == p) for p in px}
    began = m.t + m.whole(50, 500) * MS
    acts = [Act(m.t, "extra", -side, p, q) for p, q in left.items()] if m.book.rows else []
    for k, (p, q) in enumerate(zip(px, sizes, strict=True)):
        t = began + k * gap
        acts.append(Act(t, "trade", side, p, q, more=bool(m.book.rows)))
        left[p] -= q
        if m.book.rows:
            acts.append(Act(t, "extra", -side, p, left[p]))
    return acts, Episode("sweep_run", side, began, t, began + 4 * gap, tuple(left))


def _slices(m: Market, side: int) -> Pattern:
    px, peak, count = m.best(side), m.whole(1, 20), m.whole(5, 9)
    shown = bool(m.book.rows)
    acts, t, at = [Act(m.t, "extra", side, px, peak)] if shown else [], m.t, []
    for k in range(count):
        t += m.whole(200, 2500) * MS
        at.append(t)
        acts.append(Act(t, "trade", -side, px, peak, more=shown, at_touch=True))
        if shown:
            acts.append(Act(t, "extra", side, px, 0))
            if k < count - 1:
                t += m.whole(10, 250) * MS
                acts.append(Act(t, "extra", side, px, peak))
    return acts, Episode("iceberg_tape", side, m.t, at[-1], at[4], (px,))


def _absorb(m: Market, side: int) -> Pattern:
    px, count = m.best(-side), m.whole(5, 25)
    each = max(1, -(-round(m.between(3.5, 8.0) * max(m.usual["delta"][0], 1.0)) // count))
    left = each * count + max(1, round(m.typical(-side)))  # what rests behind is not used up
    at = sorted(m.t + m.whole(50, 6000) * MS for _ in range(count))
    acts = [Act(m.t, "extra", -side, px, left)]
    for t in at:
        left -= each
        acts.append(Act(t, "trade", side, px, each, more=True, at_touch=True))
        acts.append(Act(t, "extra", -side, px, left))
    held = at[-1] + 1200 * MS  # over the end of the second
    acts.append(Act(held, "extra", -side, px, 0))
    return acts, Episode("absorption", -side, m.t, at[-1] + 2 * SECOND, at[-1])


@dataclass(frozen=True, slots=True)
class Bar:
    """Five minutes of recorded prints.

    Parameters
    ----------
    end : int
        When it closes, ns.
    traded : dict of int to dict of int to int
        Contracts by price and side of the aggressor, 0 where none is known.
    last_at : dict of int to int
        When each price was printed last, ns.
    close : int
        Price of the last print.
    """

    end: int
    traded: dict[int, dict[int, int]]
    last_at: dict[int, int]
    close: int

    def extreme(self, side: int) -> int:
        """Return the high for buyers, the low for sellers."""
        return max(self.traded) if side > 0 else min(self.traded)

    def at(self, px: int, side: int) -> int:
        """Return what aggressors of a side took at a price."""
        return self.traded.get(px, {}).get(side, 0)


def _absorb_bar(bar: Bar, side: int, rng: np.random.Generator) -> tuple[int, int]:
    """Aggressors take so much at the extreme that the bar shows it absorbed; returns price and contracts."""
    ratio = float(rng.uniform(2.2, 3.5))
    px, volume = bar.extreme(side), sum(sum(q.values()) for q in bar.traded.values())
    rows = max(bar.traded) - min(bar.traded) + 1
    there = bar.at(px, side) + bar.at(px - side, side)
    already = there * rows >= 4 * volume
    # With few rows the extreme would have to hold nearly all of the bar.
    if already or side * (px - bar.close) < 2 or rows < 3 * ratio:
        raise Refused
    return px, math.ceil((2 * ratio * volume - there * rows) / (rows - 2 * ratio))


def _exhaust(bar: Bar, side: int, rng: np.random.Generator) -> tuple[int, int]:
    """Aggressors take many times as much two rows inside as at the extreme; returns price and contracts."""
    tip = bar.extreme(side)
    px, last = tip - 2 * side, bar.at(tip, side)
    size = math.ceil(float(rng.uniform(1.1, 2.5)) * 3 * last) - bar.at(px, side)
    if not last or px not in bar.last_at or bar.at(px, side) >= 3 * last:
        raise Refused
    return px, size


def in_bar(
    kind: str, bar: Bar, side: int, rng: np.random.Generator, *, shown: bool
) -> tuple[list[Act], Episode]:
    """Add to the prints of a bar, where it was recorded to trade at that price, what makes it show a pattern.

    Raises
    ------
    Refused
        If the bar leaves no room, or shows the pattern as it is.
    """
    px, size = BARS[kind](bar, side, rng)
    t = bar.last_at[px]
    trade = Act(t, "trade", side, px, size, more=shown)
    around = Act(t, "extra", -side, px, size), Act(t, "extra", -side, px, 0)
    acts = [around[0], trade, around[1]] if shown else [trade]
    return acts, Episode(kind, -side, bar.end, bar.end, bar.end, (bar.extreme(side),))


PATTERNS: dict[str, Callable[[Market, int], Pattern]] = {
    "sweep": _sweep,
    "iceberg_synthetic": _refilled,
    "iceberg_native": _restored,
    "spoofing": _spoof,
    "layering": _layers,
    "ignition": _ignite,
    "stuffing": _stuff,
    "sweep_run": _run,
    "iceberg_tape": _slices,
    "absorption": _absorb,
}
BARS: dict[str, Callable[[Bar, int, np.random.Generator], tuple[int, int]]] = {
    "absorption_bar": _absorb_bar,
    "exhaustion": _exhaust,
}
KINDS = (*PATTERNS, *BARS)
WITHOUT_BOOK = ("sweep", "sweep_run", "iceberg_tape", *BARS)
"""What prints alone can show."""
NEED_HISTORY = ("ignition", "stuffing", "absorption")
