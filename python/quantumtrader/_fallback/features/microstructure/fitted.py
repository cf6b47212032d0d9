"""Numbers fitted off the hot path: Stoikov's micro-price (2018) and the probability of informed trading."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("microprice_dev")
class Microprice(Feature):
    """Adjustment of the fitted table for the imbalance and the spread in force."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._flow, self._table = flow, flow.fitted.microprice

    def value(self, t: int) -> float:
        """Return G* in ticks; NaN without a table that may be used, and for a state it lacks."""
        touch, start = self._flow.touch.current, self._flow.session_start
        if self._table is None or touch is None or not touch.two_sided:
            return NAN
        spread = touch.ask_px - touch.bid_px
        if start is None or start < self._table[0] or spread > 3 or not touch.sized:
            return NAN
        at = self._table[1][10 * (spread - 1) : 10 * spread]
        total = touch.bid_sz + touch.ask_sz
        if touch.bid_sz == touch.ask_sz:
            return (at[4] + at[5]) / 2
        if touch.bid_sz > touch.ask_sz:
            return at[10 * touch.bid_sz // total]
        return at[9 - 10 * touch.ask_sz // total]


@feature("pin_60")
class Pin(Feature):
    """Probability of informed trading."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._series = flow.fitted.pin

    def value(self, t: int) -> float:
        """Return the last value that may be used by ``t``; NaN before the first."""
        passed = [p for since, p in self._series if since <= t]
        return passed[-1] if passed else NAN
