"""Spread and size-weighted mid of the touch."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature


class _TouchFeature(Feature):
    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._touch = flow.touch


@feature("spread_ticks")
class SpreadTicks(_TouchFeature):
    """Ask minus bid, in ticks."""

    def value(self, t: int) -> float:
        """Return the spread; NaN while a side is missing."""
        touch = self._touch.current
        return float(touch.ask_px - touch.bid_px) if touch is not None and touch.two_sided else NAN


@feature("spread_bps")
class SpreadBasisPoints(_TouchFeature):
    """Ask minus bid in hundredths of a percent of the mid."""

    def value(self, t: int) -> float:
        """Return the relative spread; NaN while a side is missing or the mid is not positive."""
        touch = self._touch.current
        if touch is None or not touch.two_sided or touch.mid <= 0:
            return NAN
        return 10_000 * (touch.ask_px - touch.bid_px) / touch.mid


@feature("weighted_mid_dev")
class WeightedMidDeviation(_TouchFeature):
    """Mid weighted by the opposite sizes, minus the mid, in ticks (Gatheral and Oomen, 2010)."""

    def value(self, t: int) -> float:
        """Return the deviation; NaN while a side is missing or a size is not known."""
        touch = self._touch.current
        if touch is None or not touch.two_sided or not touch.sized:
            return NAN
        spread, tilt = touch.ask_px - touch.bid_px, touch.bid_sz - touch.ask_sz
        return quotient(0.5 * spread * tilt, touch.bid_sz + touch.ask_sz)
