"""Close against the extremes of the last bars."""

from __future__ import annotations

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.smoothing import AverageTrueRange


class _RangeFeature(HeldFeature):
    bars = 60

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._atr = AverageTrueRange(14)

    def close(self, bar: Bar) -> float:
        """Return the distance in average true ranges; NaN before 60 bars and where the ATR is 0."""
        self._atr.add(bar)
        return quotient(self.distance(bar), self._atr.value) if self.full else NAN

    def distance(self, bar: Bar) -> int:
        """Return the distance in ticks."""
        raise NotImplementedError


@feature("dist_high_60")
class HighDistance(_RangeFeature):
    """(HH − C)/ATR14."""

    def distance(self, bar: Bar) -> int:
        """Return HH − C."""
        return max(b.high for b in self.last) - bar.close


@feature("dist_low_60")
class LowDistance(_RangeFeature):
    """(C − LL)/ATR14."""

    def distance(self, bar: Bar) -> int:
        """Return C − LL."""
        return bar.close - min(b.low for b in self.last)


@feature("donchian_width_20")
class DonchianWidth(HeldFeature):
    """Highest high minus lowest low of 20 bars, in ticks."""

    bars = 20

    def close(self, bar: Bar) -> float:
        """Return HH − LL; NaN before 20 bars."""
        if not self.full:
            return NAN
        return float(max(b.high for b in self.last) - min(b.low for b in self.last))
