"""Absorption: heavy volume of aggressors at an extreme that price then left."""

from __future__ import annotations

from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.registry import feature


@feature("fp_absorption_high")
class AbsorptionHigh(FootprintFeature):
    """Buyers absorbed at the high."""

    def measure(self, footprint: Footprint) -> float:
        """Return (b(H) + b(H − 1))/(2·mean row)."""
        return float(footprint.absorbed_high)


@feature("fp_absorption_low")
class AbsorptionLow(FootprintFeature):
    """Sellers absorbed at the low."""

    def measure(self, footprint: Footprint) -> float:
        """Return (s(L) + s(L + 1))/(2·mean row)."""
        return float(footprint.absorbed_low)
