"""Patterns of the last two closed bars."""

from __future__ import annotations

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import feature


@feature("inside_bar")
class InsideBar(HeldFeature):
    """Whether the range lies strictly inside that of the bar before."""

    bars = 2

    def close(self, bar: Bar) -> float:
        """Return 1 or 0; NaN before two bars."""
        if not self.full:
            return NAN
        return float(bar.high < self.last[0].high and bar.low > self.last[0].low)


@feature("engulfing")
class Engulfing(HeldFeature):
    """Whether the body strictly contains that of the bar before, of the other colour."""

    bars = 2

    def close(self, bar: Bar) -> float:
        """Return the direction of the body, or 0; NaN before two bars."""
        if not self.full:
            return NAN
        before = self.last[0]
        if before.close < before.open < bar.close and bar.open < before.close:
            return 1.0
        if before.close > before.open > bar.close and bar.open > before.close:
            return -1.0
        return 0.0
