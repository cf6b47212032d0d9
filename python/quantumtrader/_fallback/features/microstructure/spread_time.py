"""Spread over time: each spread counts for as long as it was in force."""

from __future__ import annotations

from collections import deque
from math import sqrt

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.touch import Touch


@feature("spread_mean_1m", "spread_std_5m", "spread_quality")
class SpreadTime(Feature):
    """Mean, deviation or tight share of the spread over the window's time with a good touch of both sides."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._spread: int | None = None
        flow.touch.watchers.append(self._watch)
        self._flow = flow
        self.restart()

    def restart(self) -> None:
        """Begin a session; the spread stays in force, from its start on."""
        self._past: deque[tuple[int, int, int]] = deque()
        # Sums over `_past`: time, time at one tick, Σ s·Δt, Σ s²·Δt.
        self._sums = (0, 0, 0, 0)
        self._since = self._flow.session_start or 0

    def _watch(self, t: int, touch: Touch | None) -> None:
        if self._spread is not None:
            self._past.append((self._since, t, self._spread))
            self._sums = _plus(self._sums, self._spread, t - self._since)
        self._since = t
        self._spread = touch.ask_px - touch.bid_px if touch is not None and touch.two_sided else None
        self._slide(t)

    def _slide(self, t: int) -> None:
        while self._past and self._past[0][1] <= t - self.spec.window_ns:
            since, until, spread = self._past.popleft()
            self._sums = _plus(self._sums, spread, since - until)

    def value(self, t: int) -> float:
        """Return the number; NaN when no time counts."""
        self._slide(t)
        begin, sums = t - self.spec.window_ns, self._sums
        if self._past and self._past[0][0] < begin:
            sums = _plus(sums, self._past[0][2], self._past[0][0] - begin)
        if self._spread is not None:
            sums = _plus(sums, self._spread, t - max(self._since, begin))
        time, tight, first, second = sums
        if time == 0:
            return NAN
        if self.spec.name == "spread_mean_1m":
            return first / time
        if self.spec.name == "spread_quality":
            return tight / time
        return sqrt(time * second - first * first) / time


def _plus(sums: tuple[int, int, int, int], spread: int, length: int) -> tuple[int, int, int, int]:
    time, tight, first, second = sums
    return (
        time + length,
        tight + (length if spread == 1 else 0),
        first + spread * length,
        second + spread * spread * length,
    )
