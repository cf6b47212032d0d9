"""Average true range against the price and against a longer one."""

from __future__ import annotations

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.smoothing import AverageTrueRange


@feature("natr_14")
class NormalisedRange(HeldFeature):
    """ATR14 in percent of the close."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._atr = AverageTrueRange(14)

    def close(self, bar: Bar) -> float:
        """Return 100·ATR14/C; NaN before 15 bars and where the close is not positive."""
        self._atr.add(bar)
        return 100.0 * self._atr.value / bar.close if bar.close > 0 else NAN


@feature("atr_ratio_7_28")
class RangeRatio(HeldFeature):
    """ATR7/ATR28."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._short, self._long = AverageTrueRange(7), AverageTrueRange(28)

    def close(self, bar: Bar) -> float:
        """Return the ratio; NaN before 29 bars and where ATR28 is 0."""
        self._short.add(bar)
        self._long.add(bar)
        return quotient(self._short.value, self._long.value)
