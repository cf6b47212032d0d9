"""Delta of the last footprint, and how far it ran on either side."""

from __future__ import annotations

from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.numbers import ratio
from quantumtrader._fallback.features.registry import feature


@feature("fp_delta")
class Delta(FootprintFeature):
    """Trade imbalance of the bar."""

    def measure(self, footprint: Footprint) -> float:
        """Return (B − S)/(B + S)."""
        return ratio(footprint.delta, footprint.buy + footprint.sell)


@feature("fp_delta_max")
class DeltaMax(FootprintFeature):
    """Greatest running delta as a share of all volume."""

    def measure(self, footprint: Footprint) -> float:
        """Return max(0, running B − S)/V."""
        return ratio(footprint.delta_max, footprint.volume)


@feature("fp_delta_min")
class DeltaMin(FootprintFeature):
    """Least running delta as a share of all volume."""

    def measure(self, footprint: Footprint) -> float:
        """Return min(0, running B − S)/V."""
        return ratio(footprint.delta_min, footprint.volume)
