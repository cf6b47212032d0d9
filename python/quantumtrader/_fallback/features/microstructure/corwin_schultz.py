"""Spread from highs and lows (Corwin and Schultz, 2012)."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import exp, isnan, sqrt

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature, log_ratio
from quantumtrader._fallback.features.numbers import MINUTE, NAN
from quantumtrader._fallback.features.registry import Spec, feature

_K = 3 - 2 * sqrt(2)


def _estimate(a: tuple[int, int], b: tuple[int, int]) -> float:
    beta = log_ratio(*a) ** 2 + log_ratio(*b) ** 2
    gamma = log_ratio(max(a[0], b[0]), min(a[1], b[1])) ** 2
    if isnan(beta) or isnan(gamma):
        return NAN
    alpha = (sqrt(2 * beta) - sqrt(beta)) / _K - sqrt(gamma / _K)
    return max(0.0, 2 * (exp(alpha) - 1) / (1 + exp(alpha)))


@feature("corwin_schultz_30m")
class CorwinSchultz(HeldFeature):
    """Mean estimate over the pairs of the session's last six five-minute bars."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._forming: dict[int, tuple[int, int]] = {}
        self._closed: deque[tuple[int, int]] = deque(maxlen=6)
        self._value = self._held = NAN

    def close(self, bar: Bar) -> float:
        """Return the mean; NaN before six five-minute bars."""
        start = self.flow.session_start or 0
        span = (bar.start - start) // (5 * MINUTE)
        for earlier in [k for k in self._forming if k != span]:
            self._take(self._forming.pop(earlier))
        high, low = self._forming.get(span, (bar.high, bar.low))
        self._forming[span] = max(high, bar.high), min(low, bar.low)
        if bar.end >= start + (span + 1) * 5 * MINUTE:
            self._take(self._forming.pop(span))
        return self._value

    def _take(self, ranged: tuple[int, int]) -> None:
        self._closed.append(ranged)
        if len(self._closed) == 6:
            self._value = sum(_estimate(a, b) for a, b in pairwise(self._closed)) / 5
