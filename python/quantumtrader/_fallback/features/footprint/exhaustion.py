"""Exhaustion: aggressors dry up at the extreme."""

from __future__ import annotations

from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.registry import feature


def exhausted_high(f: Footprint) -> bool:
    """Tell whether the buyers at the high were a third of those two ticks lower, or fewer."""
    return 0 < 3 * f.at(f.high).buy <= f.at(f.high - 2).buy


def exhausted_low(f: Footprint) -> bool:
    """Tell whether the sellers at the low were a third of those two ticks higher, or fewer."""
    return 0 < 3 * f.at(f.low).sell <= f.at(f.low + 2).sell


@feature("fp_exhaustion_high")
class ExhaustionHigh(FootprintFeature):
    """Buyers dry up at the high."""

    def measure(self, footprint: Footprint) -> float:
        """Return 1 if they do, else 0."""
        return exhausted_high(footprint)


@feature("fp_exhaustion_low")
class ExhaustionLow(FootprintFeature):
    """Sellers dry up at the low."""

    def measure(self, footprint: Footprint) -> float:
        """Return 1 if they do, else 0."""
        return exhausted_low(footprint)
