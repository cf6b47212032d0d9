"""Volume by where prices go: money flow index, accumulation and distribution."""

from __future__ import annotations

from fractions import Fraction

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN, quotient, ratio
from quantumtrader._fallback.features.registry import Spec, feature


@feature("mfi_14")
class MoneyFlowIndex(HeldFeature):
    """Share of typical price times volume in bars of rising typical price, in percent (Quong and Soudack)."""

    bars = 15

    def close(self, bar: Bar) -> float:
        """Return the index in [0, 100]; NaN before 15 bars and where a typical price is not positive."""
        if not self.full:
            return NAN
        # Three times the typical price is an integer; the factor cancels.
        typical = [b.high + b.low + b.close for b in self.last]
        if min(typical[1:]) <= 0:
            return NAN
        moves = list(zip(typical, typical[1:], [b.volume for b in list(self.last)[1:]], strict=False))
        up = sum(after * volume for before, after, volume in moves if after > before)
        down = sum(after * volume for before, after, volume in moves if after < before)
        return 100.0 * ratio(up, up + down)


def accumulated(bar: Bar) -> Fraction:
    """Volume times the place of the close in the range, −1 at the low and 1 at the high; 0 where H = L."""
    if bar.high == bar.low:
        return Fraction(0)
    return Fraction(bar.volume * (2 * bar.close - bar.high - bar.low), bar.high - bar.low)


@feature("cmf_20")
class ChaikinMoneyFlow(HeldFeature):
    """Accumulated volume as a share of volume over 20 bars."""

    bars = 20

    def close(self, bar: Bar) -> float:
        """Return the share; NaN before 20 bars, 0 where nothing traded."""
        if not self.full:
            return NAN
        volume = sum(b.volume for b in self.last)
        return float(sum(map(accumulated, self.last), Fraction(0)) / volume) if volume else 0.0


@feature("ad_osc_3_10")
class ChaikinOscillator(HeldFeature):
    """EMA3 minus EMA10 of the accumulation line over the mean volume; both start at its first value.

    They are kept as distances from the line, which may wander far: EMA' − A' = (1 − k)·(EMA − A − ΔA).
    """

    bars = 20

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._fast = self._slow = 0.0

    def close(self, bar: Bar) -> float:
        """Return the oscillator; NaN before 20 bars and where nothing traded in them."""
        if len(self.last) > 1:
            step = float(accumulated(bar))
            self._fast = (self._fast - step) * (1.0 - 2.0 / 4.0)
            self._slow = (self._slow - step) * (1.0 - 2.0 / 11.0)
        if not self.full:
            return NAN
        return quotient(20.0 * (self._fast - self._slow), sum(b.volume for b in self.last))
