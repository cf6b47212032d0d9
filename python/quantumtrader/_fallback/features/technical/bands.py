"""Bollinger bands and the Keltner channel."""

from __future__ import annotations

from math import isnan, sqrt

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.smoothing import AverageTrueRange, Ema


class _Bollinger(HeldFeature):
    """Mean and population standard deviation of 20 closes."""

    bars = 20

    def moments(self) -> tuple[float, float]:
        """Return mean and deviation of the closes kept."""
        closes = [b.close for b in self.last]
        n, total = len(closes), sum(closes)
        # The difference of integers is exact; only the root and the division round.
        return total / n, sqrt(n * sum(c * c for c in closes) - total * total) / n


@feature("bb_pctb_20")
class PercentB(_Bollinger):
    """Place of the close between the bands, 0 at the lower and 1 at the upper one."""

    def close(self, bar: Bar) -> float:
        """Return (C − lower)/(upper − lower); NaN before 20 bars and where all closes are equal."""
        if not self.full:
            return NAN
        # With n·sd and n·(C − mean), n cancels; the mean alone would round.
        n = len(self.last)
        return 0.5 + quotient(n * bar.close - sum(b.close for b in self.last), 4.0 * n * self.moments()[1])


@feature("bb_width_20")
class BandWidth(_Bollinger):
    """Width of the bands against their middle."""

    def close(self, bar: Bar) -> float:
        """Return (upper − lower)/middle; NaN before 20 bars and where the mean price is not positive."""
        if not self.full:
            return NAN
        mean, deviation = self.moments()
        return 4.0 * deviation / mean if mean > 0 else NAN


@feature("keltner_pos_20")
class KeltnerPosition(HeldFeature):
    """(C − EMA20)/(2·ATR10)."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._ema, self._atr = Ema(20), AverageTrueRange(10)

    def close(self, bar: Bar) -> float:
        """Return the position; NaN before 20 bars and where the ATR is 0."""
        self._ema.add(float(bar.close))
        self._atr.add(bar)
        return quotient(bar.close - self._ema.value, 2.0 * self._atr.value)


@feature("squeeze_on")
class Squeeze(_Bollinger):
    """Whether the Bollinger bands lie strictly inside EMA20 ± 1.5·ATR20."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._ema, self._atr = Ema(20), AverageTrueRange(20)

    def close(self, bar: Bar) -> float:
        """Return 1 or 0; NaN before 21 bars."""
        self._ema.add(float(bar.close))
        self._atr.add(bar)
        if isnan(self._atr.value):
            return NAN
        mean, deviation = self.moments()
        band = 1.5 * self._atr.value
        upper, lower = mean + 2.0 * deviation, mean - 2.0 * deviation
        return float(upper < self._ema.value + band and lower > self._ema.value - band)
