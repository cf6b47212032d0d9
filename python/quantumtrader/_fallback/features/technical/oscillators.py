"""Oscillators of closes and ranges."""

from __future__ import annotations

import itertools
from collections import deque
from math import isnan, log

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.smoothing import Ema
from quantumtrader._fallback.features.technical.closed_bar import ClosedBarFeature, Window, highest, lowest


@feature("stoch_k_14", "stoch_d_14")
class Stochastic(ClosedBarFeature):
    """Slow %K (14, 3) of Lane and its mean of 3, %D; both from bar 18 on."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(14)
        self._fast: deque[float] = deque(maxlen=3)
        self._slow: deque[float] = deque(maxlen=3)

    def next(self, bar: Bar) -> float:
        """Return %K or %D in [0, 100]."""
        bars = self._last.add(bar)
        if not bars:
            return NAN
        low, high = lowest(bars), highest(bars)
        self._fast.append(100.0 * ratio(bar.close - low, high - low))
        if len(self._fast) < 3:
            return NAN
        self._slow.append(sum(self._fast) / 3)
        if len(self._slow) < 3:
            return NAN
        return self._slow[-1] if self.spec.name == "stoch_k_14" else sum(self._slow) / 3


@feature("willr_14")
class WilliamsR(ClosedBarFeature):
    """Close below the high of 14 bars, in percent of their range."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(14)

    def next(self, bar: Bar) -> float:
        """Return %R in [−100, 0]; 0 where the range is 0."""
        bars = self._last.add(bar)
        if not bars:
            return NAN
        high = highest(bars)
        return 100.0 * ratio(bar.close - high, high - lowest(bars))


@feature("cci_20")
class CommodityChannel(ClosedBarFeature):
    """Typical price less its mean, over 0.015 mean absolute deviations (Lambert)."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(20)

    def next(self, bar: Bar) -> float:
        """Return the index; 0 where typical prices do not vary."""
        thrice = [b.high + b.low + b.close for b in self._last.add(bar)]
        if not thrice:
            return NAN
        # Sixty times each deviation is an integer, so a series without any is seen exactly.
        away = [20 * x - sum(thrice) for x in thrice]
        return ratio(20 * away[-1], 0.015 * sum(map(abs, away)))


@feature("tsi_25_13")
class TrueStrength(ClosedBarFeature):
    """Doubly smoothed change over doubly smoothed size of change, in percent (Blau, 1991)."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._close: int | None = None
        self._change, self._size = (Ema(25), Ema(13)), (Ema(25), Ema(13))

    def next(self, bar: Bar) -> float:
        """Return the index in [−100, 100]; NaN before 38 bars."""
        before, self._close = self._close, bar.close
        if before is None:
            return NAN
        change = float(bar.close - before)
        net, gross = _twice(self._change, change), _twice(self._size, abs(change))
        # Rounding must not carry it past its limits.
        return max(-100.0, min(100.0, 100.0 * ratio(net, gross))) if not isnan(gross) else NAN


def _twice(averages: tuple[Ema, Ema], x: float) -> float:
    first, second = averages
    first.add(x)
    if not isnan(first.value):
        second.add(first.value)
    return second.value


@feature("ultosc")
class UltimateOscillator(ClosedBarFeature):
    """Buying pressure as a share of the true range over 7, 14 and 28 bars, weighted 4, 2, 1."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(29)

    def next(self, bar: Bar) -> float:
        """Return the oscillator in [0, 100]."""
        bars = self._last.add(bar)
        if not bars:
            return NAN
        lows = [min(b.low, a.close) for a, b in itertools.pairwise(bars)]
        highs = [max(b.high, a.close) for a, b in itertools.pairwise(bars)]
        buying = [b.close - low for b, low in zip(bars[1:], lows, strict=True)]
        ranges = [high - low for high, low in zip(highs, lows, strict=True)]
        short, middle, long = (ratio(sum(buying[-n:]), sum(ranges[-n:])) for n in (7, 14, 28))
        return 100.0 * ((4.0 * short + 2.0 * middle + long) / 7.0)


@feature("fisher_10")
class Fisher(ClosedBarFeature):
    """Fisher transform of the place of the middle in its range of 10 bars (Ehlers, 2002)."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(10)
        self._smoothed = self._fisher = 0.0

    def next(self, bar: Bar) -> float:
        """Return the transform; NaN before 10 bars."""
        twice = [b.high + b.low for b in self._last.add(bar)]
        if not twice:
            return NAN
        low, high = min(twice), max(twice)
        place = ratio(2 * twice[-1] - low - high, high - low)
        self._smoothed = max(-0.999, min(0.999, 0.33 * place + 0.67 * self._smoothed))
        self._fisher = 0.5 * log((1.0 + self._smoothed) / (1.0 - self._smoothed)) + 0.5 * self._fisher
        return self._fisher
