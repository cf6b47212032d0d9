"""Trend of on-balance volume (Granville)."""

from __future__ import annotations

from collections import deque

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Spec, feature


@feature("obv_slope_20")
class ObvSlope(HeldFeature):
    """Least-squares slope of the last 20 values of on-balance volume over the mean volume."""

    bars = 20

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._obv: deque[int] = deque(maxlen=self.bars)

    def close(self, bar: Bar) -> float:
        """Return the slope; NaN before 20 bars and where nothing traded in them."""
        if not self._obv:
            self._obv.append(0)
        else:
            change = bar.close - self.last[-2].close
            sign = (change > 0) - (change < 0)
            self._obv.append(self._obv[-1] + sign * bar.volume)
        if not self.full:
            return NAN
        # 2i − 19 is twice the distance from the middle; all sums are integers.
        slope = (
            2
            * sum((2 * i - 19) * y for i, y in enumerate(self._obv))
            / sum((2 * i - 19) ** 2 for i in range(20))
        )
        return quotient(20 * slope, sum(b.volume for b in self.last))
