"""Volume together with the move of the price."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.smoothing import AverageTrueRange, Ema


@feature("vwma_dist_20")
class VwmaDistance(HeldFeature):
    """(C − Σcv/Σv)/ATR14 over 20 bars."""

    bars = 20

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._atr = AverageTrueRange(14)

    def close(self, bar: Bar) -> float:
        """Return the distance; NaN before 20 bars, where nothing traded or the ATR is 0."""
        self._atr.add(bar)
        if not self.full:
            return NAN
        above = sum((bar.close - b.close) * b.volume for b in self.last)
        return quotient(quotient(above, sum(b.volume for b in self.last)), self._atr.value)


@feature("force_index_13")
class ForceIndex(HeldFeature):
    """EMA13 of ΔC·v over ATR14 and the mean volume of 20 bars."""

    bars = 20

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._force, self._atr = Ema(13), AverageTrueRange(14)

    def close(self, bar: Bar) -> float:
        """Return the index; NaN before 20 bars, where nothing traded or the ATR is 0."""
        if len(self.last) > 1:
            self._force.add(float((bar.close - self.last[-2].close) * bar.volume))
        self._atr.add(bar)
        if not self.full:
            return NAN
        return quotient(self._force.value, self._atr.value * fmean(b.volume for b in self.last))


@feature("eom_14")
class EaseOfMovement(HeldFeature):
    """Mean over 14 bars of the move of the middle times the range over the volume, times 100."""

    bars = 15

    def close(self, bar: Bar) -> float:
        """Return the mean; NaN before 15 bars; a bar without volume counts as 0."""
        if not self.full:
            return NAN
        bars = list(self.last)
        return fmean(self._ease(before, after) for before, after in pairwise(bars))

    @staticmethod
    def _ease(before: Bar, bar: Bar) -> float:
        move = (bar.high + bar.low - before.high - before.low) / 2
        return 100.0 * move * (bar.high - bar.low) / bar.volume if bar.volume else 0.0
