"""Absorption: heavy volume of aggressors at an extreme that price then left."""

from __future__ import annotations

from fractions import Fraction

from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.registry import feature


def absorbed_high(f: Footprint) -> Fraction:
    """Return the buyers' mean volume in the two highest rows, in mean rows; 0 unless price closed below them."""
    if f.close > f.high - 2:
        return Fraction(0)
    return Fraction((f.at(f.high).buy + f.at(f.high - 1).buy) * f.height, 2 * f.volume)


def absorbed_low(f: Footprint) -> Fraction:
    """Return the sellers' mean volume in the two lowest rows, in mean rows; 0 unless price closed above them."""
    if f.close < f.low + 2:
        return Fraction(0)
    return Fraction((f.at(f.low).sell + f.at(f.low + 1).sell) * f.height, 2 * f.volume)


@feature("fp_absorption_high")
class AbsorptionHigh(FootprintFeature):
    """Buyers absorbed at the high."""

    def measure(self, footprint: Footprint) -> float:
        """Return (b(H) + b(H − 1))/(2·mean row)."""
        return float(absorbed_high(footprint))


@feature("fp_absorption_low")
class AbsorptionLow(FootprintFeature):
    """Sellers absorbed at the low."""

    def measure(self, footprint: Footprint) -> float:
        """Return (s(L) + s(L + 1))/(2·mean row)."""
        return float(absorbed_low(footprint))
