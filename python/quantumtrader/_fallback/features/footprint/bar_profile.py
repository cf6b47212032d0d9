"""Point of control and value area of the last footprint (Steidlmayer)."""

from __future__ import annotations

from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import feature


@feature("fp_poc_pos")
class PocPosition(FootprintFeature):
    """Point of control in the range of the bar."""

    def measure(self, footprint: Footprint) -> float:
        """Return (POC − L)/(H − L)."""
        poc = footprint.profile.poc
        return NAN if poc is None else quotient(poc - footprint.low, footprint.high - footprint.low)


@feature("fp_poc_share")
class PocShare(FootprintFeature):
    """Part of the volume that traded at the point of control."""

    def measure(self, footprint: Footprint) -> float:
        """Return v(POC)/V."""
        poc = footprint.profile.poc
        return NAN if poc is None else quotient(footprint.at(poc).total, footprint.volume)


@feature("fp_va_close_pos")
class ValueAreaClosePosition(FootprintFeature):
    """Close in the value area of the bar, unclipped."""

    def measure(self, footprint: Footprint) -> float:
        """Return (C − VAL)/(VAH − VAL)."""
        area = footprint.profile.area
        return NAN if area is None else quotient(footprint.close - area.low, area.high - area.low)
