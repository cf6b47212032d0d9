"""Contracts displayed near the touch, and how much of them lies at the best row."""

from __future__ import annotations

from quantumtrader._fallback.features.depth import LEVELS, Ladder
from quantumtrader._fallback.features.liquidity.ladder import LadderFeature, ask_depth, bid_depth
from quantumtrader._fallback.features.numbers import quotient
from quantumtrader._fallback.features.registry import feature


@feature("bid_depth_5")
class BidDepth(LadderFeature):
    """Bid sizes of levels 1-5."""

    def of(self, levels: Ladder) -> float:
        """Return the sum; 0 when there is no bid."""
        return float(bid_depth(levels[:LEVELS]))


@feature("ask_depth_5")
class AskDepth(LadderFeature):
    """Ask sizes of levels 1-5."""

    def of(self, levels: Ladder) -> float:
        """Return the sum; 0 when there is no ask."""
        return float(ask_depth(levels[:LEVELS]))


@feature("total_depth_10")
class TotalDepth(LadderFeature):
    """Sizes of both sides, levels 1-10."""

    def of(self, levels: Ladder) -> float:
        """Return the sum."""
        return float(bid_depth(levels) + ask_depth(levels))


@feature("bid_concentration")
class BidConcentration(LadderFeature):
    """Share of the best row in the bids of levels 1-10."""

    def of(self, levels: Ladder) -> float:
        """Return the share; NaN when there is no bid."""
        return quotient(levels[0].bid_sz, bid_depth(levels))


@feature("ask_concentration")
class AskConcentration(LadderFeature):
    """Share of the best row in the asks of levels 1-10."""

    def of(self, levels: Ladder) -> float:
        """Return the share; NaN when there is no ask."""
        return quotient(levels[0].ask_sz, ask_depth(levels))
