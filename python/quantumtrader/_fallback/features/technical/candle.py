"""Shape of the last closed bar."""

from __future__ import annotations

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature


class _CandleFeature(Feature):
    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._held = NAN
        flow.bars.listeners.append(self._on_bar)

    def _on_bar(self, bar: Bar) -> None:
        self._held = self.shape(bar)

    def shape(self, bar: Bar) -> float:
        """Return the value of one bar."""
        raise NotImplementedError

    def value(self, t: int) -> float:
        """Return the value of the last closed bar; NaN before the first."""
        return self._held


@feature("bar_range")
class BarRange(_CandleFeature):
    """High minus low, in ticks."""

    def shape(self, bar: Bar) -> float:
        """Return H − L."""
        return float(bar.high - bar.low)


@feature("body_ratio")
class BodyRatio(_CandleFeature):
    """Signed body as a share of the range."""

    def shape(self, bar: Bar) -> float:
        """Return (C − O)/(H − L)."""
        return ratio(bar.close - bar.open, bar.high - bar.low)


@feature("upper_wick")
class UpperWick(_CandleFeature):
    """Part of the range above the body."""

    def shape(self, bar: Bar) -> float:
        """Return (H − max(O, C))/(H − L)."""
        return ratio(bar.high - max(bar.open, bar.close), bar.high - bar.low)


@feature("lower_wick")
class LowerWick(_CandleFeature):
    """Part of the range below the body."""

    def shape(self, bar: Bar) -> float:
        """Return (min(O, C) − L)/(H − L)."""
        return ratio(min(bar.open, bar.close) - bar.low, bar.high - bar.low)
