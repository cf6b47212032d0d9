"""Unfinished auction: both sides printed at the extreme row."""

from __future__ import annotations

from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.registry import feature


def _two_sided(footprint: Footprint, px: int) -> bool:
    return footprint.at(px).buy > 0 and footprint.at(px).sell > 0


@feature("fp_unfinished_high")
class UnfinishedHigh(FootprintFeature):
    """Both sides at the high."""

    def measure(self, footprint: Footprint) -> float:
        """Return 1 if both printed there, else 0."""
        return _two_sided(footprint, footprint.high)


@feature("fp_unfinished_low")
class UnfinishedLow(FootprintFeature):
    """Both sides at the low."""

    def measure(self, footprint: Footprint) -> float:
        """Return 1 if both printed there, else 0."""
        return _two_sided(footprint, footprint.low)
