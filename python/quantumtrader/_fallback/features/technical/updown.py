"""Balance of rising and falling closes."""

from __future__ import annotations

from itertools import pairwise

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import feature


@feature("updown_10")
class UpDown(HeldFeature):
    """Rising minus falling closes among the last 10 bars, over 10."""

    bars = 11

    def close(self, bar: Bar) -> float:
        """Return the balance; NaN before 11 bars."""
        if not self.full:
            return NAN
        closes = [b.close for b in self.last]
        pairs = list(pairwise(closes))
        return (sum(b > a for a, b in pairs) - sum(b < a for a, b in pairs)) / 10
