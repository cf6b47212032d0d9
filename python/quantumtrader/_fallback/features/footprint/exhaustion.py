"""Exhaustion: aggressors dry up at the extreme."""

from __future__ import annotations

from types import SimpleNamespace

from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.registry import feature


def exhausted_high(f: Footprint, s: SimpleNamespace) -> bool:
    """Tell whether the buyers two ticks below the high were so many times those at the high."""
    return bool(0 < s.exhaustion_factor * f.at(f.high).buy <= f.at(f.high - 2).buy)


def exhausted_low(f: Footprint, s: SimpleNamespace) -> bool:
    """Tell whether the sellers two ticks above the low were so many times those at the low."""
    return bool(0 < s.exhaustion_factor * f.at(f.low).sell <= f.at(f.low + 2).sell)


@feature("fp_exhaustion_high")
class ExhaustionHigh(FootprintFeature):
    """Buyers dry up at the high."""

    def measure(self, footprint: Footprint) -> float:
        """Return 1 if they do, else 0."""
        return exhausted_high(footprint, self.settings)


@feature("fp_exhaustion_low")
class ExhaustionLow(FootprintFeature):
    """Sellers dry up at the low."""

    def measure(self, footprint: Footprint) -> float:
        """Return 1 if they do, else 0."""
        return exhausted_low(footprint, self.settings)
