"""What every definition is written with: the facts at one row, the rules around a formula, exact ratios."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from quantumtrader.features import DetectorSettings, FeatureInfo
from quantumtrader.types import Fitted
from reference.recording import Candle, Deal, Recording, View

SECOND = 10**9
NAN = math.nan
SESSION_SECONDS = 10_800.0
"""Scheduled length of the continuous session that engines under comparison are told."""
POINTS_PER_TICK = 0.5
FITTED = Fitted(
    vpin_bucket=40,
    # Antisymmetric, as every fitted table is.
    microprice=(0, tuple((k % 10 - 4.5) * (0.03 + 0.05 * (k // 10)) for k in range(30))),
    pin=((0, 0.25),),
)
"""Fitted inputs that engines under comparison are given; from the beginning of time, so that shifts change nothing."""


class Row:
    """The facts at one row: time ``t``, the first ``seen`` events."""

    def __init__(
        self, recording: Recording, t: int, seen: int, partial: bool = False, at_close: bool = False
    ) -> None:
        self.t, self.seen, self.partial, self.at_close = t, seen, partial, at_close
        self.session_seconds: float | None = SESSION_SECONDS
        self.fitted: Fitted | None = FITTED
        self.limits = DetectorSettings()
        self.recording = recording
        self.period = recording.period(seen)
        first = self.period.first if self.period else seen
        self.start = self.period.start if self.period else None
        self.began = recording.first_market_event(self.period, seen) if self.period else None
        self.deals = [d for d in recording.deals if first <= d.at < seen]
        known = [v for v in recording.views if v.at < seen]
        self.view = known[-1] if known and known[-1].good else None
        self.known = known
        self.first = first
        self._candles: list[Candle] | None = None
        self.kept: dict[str, object] = {}

    @property
    def candles(self) -> list[Candle]:
        if self._candles is None:
            closing = (
                self.at_close
                and self.period is not None
                and self.period.last == self.seen
                and self.recording.times[self.seen] == self.t
            )
            self._candles = self.recording.candles(self.t, self.seen, closing)
        return self._candles

    def inside(self, window: int, t: int | None = None) -> list[Deal]:
        t = self.t if t is None else t
        return [d for d in self.deals if t - window < d.t <= t]

    def updates(self) -> list[tuple[View, View]]:
        """Pairs of touches, before and after, of this session."""
        pairs = zip(self.known, self.known[1:], strict=False)
        return [
            (a, b)
            for a, b in pairs
            if b.at >= self.first and b.chained and a.sized and b.sized and a.level(0) != b.level(0)
        ]

    def warm(self, window: int) -> bool:
        return self.partial or (self.began is not None and self.t - self.began >= window)


def shared(f: Callable[[Row], Any]) -> Callable[[Row], Any]:
    """Work out once a row what several of its definitions ask for."""

    @functools.wraps(f)
    def kept(row: Row) -> Any:
        if f.__name__ not in row.kept:
            row.kept[f.__name__] = f(row)
        return row.kept[f.__name__]

    return kept


def sessions_needed(info: FeatureInfo) -> int:
    """How many sessions must have passed before a feature that counts sessions has a value; 0 for the others."""
    count, _, unit = info.window.partition(" ")
    return int(count) if unit in ("session", "sessions") else 0


Definition = Callable[[Row], float]
DEFINITIONS: dict[str, Definition] = {}


def define(name: str, window: int = 0, touch: bool = False, sizes: bool = False, book: bool = False):
    """Register a definition with the rules that hold around it."""

    def register(f: Definition) -> Definition:
        def guarded(row: Row) -> float:
            if row.start is None:
                return NAN
            if window and not row.warm(window):
                return NAN
            if (touch or sizes or book) and row.view is None:
                return NAN
            if sizes and not row.view.sized:
                return NAN
            if book and not row.view.by_book:
                return NAN
            return float(f(row))

        DEFINITIONS[name] = guarded
        return f

    return register


def points(row: Row, step: int, until: int) -> range:
    """Grid points of the session from its first market event on, up to ``until``."""
    if row.began is None:
        return range(0)
    grid = range(row.start + step, until + 1, step)
    return grid[sum(1 for g in grid if g < row.began) :] if grid and grid[0] < row.began else grid


def over(a: float, b: float, otherwise: float = 0.0) -> float:
    return float(Fraction(a) / Fraction(b)) if b else otherwise


def net(deals: list[Deal]) -> int:
    return sum(d.q for d in deals if d.side == 1) - sum(d.q for d in deals if d.side == -1)


def gross(deals: list[Deal]) -> int:
    return sum(d.q for d in deals if d.side)


def imbalance(deals: list[Deal]) -> float:
    return over(net(deals), gross(deals))


def e_n(a: tuple[float, int, float, int], b: tuple[float, int, float, int]) -> int:
    """Cont, Kukanov and Stoikov (2014), equation 4."""
    return (b[0] >= a[0]) * b[1] - (b[0] <= a[0]) * a[1] - (b[2] <= a[2]) * b[3] + (b[2] >= a[2]) * a[3]


def ofi(row: Row, window: int, t: int | None = None) -> int:
    t = row.t if t is None else t
    return sum(e_n(a.level(0), b.level(0)) for a, b in row.updates() if t - window < b.t <= t)
