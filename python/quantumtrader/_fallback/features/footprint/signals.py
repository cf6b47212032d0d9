"""Footprint signals: a refused extreme, and imbalances that price follows."""

from __future__ import annotations

from quantumtrader._fallback.features.footprint.exhaustion import exhausted_high, exhausted_low
from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprint.imbalance import buy_imbalances, sell_imbalances, stacked
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.registry import feature


@feature("fp_reversal_signal")
class ReversalSignal(FootprintFeature):
    """An extreme where aggressors were absorbed or dried up, left in the other direction."""

    def measure(self, footprint: Footprint) -> float:
        """Return −1 for a refused high, +1 for a refused low, else 0."""
        s = self.settings
        above_middle = 2 * footprint.close - (footprint.high + footprint.low)
        if footprint.delta < 0 and above_middle < 0:
            return -float(footprint.absorbed_high >= s.absorption_bar_min or exhausted_high(footprint, s))
        if footprint.delta > 0 and above_middle > 0:
            return float(footprint.absorbed_low >= s.absorption_bar_min or exhausted_low(footprint, s))
        return 0.0


@feature("fp_continuation_signal")
class ContinuationSignal(FootprintFeature):
    """Stacked imbalances with the close beyond the point of control on their side."""

    def measure(self, footprint: Footprint) -> float:
        """Return +1 for buyers, −1 for sellers, else 0."""
        s, poc = self.settings, footprint.profile.poc
        if poc is None:
            return 0.0
        if footprint.delta > 0 and footprint.close > poc:
            return float(stacked(buy_imbalances(footprint, s)) >= s.imbalance_stacked)
        if footprint.delta < 0 and footprint.close < poc:
            return -float(stacked(sell_imbalances(footprint, s)) >= s.imbalance_stacked)
        return 0.0
