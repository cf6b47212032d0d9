"""What it costs, against the mid, to take 50 contracts from the displayed book."""

from __future__ import annotations

from quantumtrader._fallback.features.depth import Ladder
from quantumtrader._fallback.features.liquidity.ladder import LadderFeature
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import feature

QUANTITY = 50


def impact(levels: Ladder, side: int) -> float:
    """Return the mean distance from the mid, in ticks, that a buyer (1) or seller (-1) pays; NaN if it is too thin."""
    if not levels[0].two_sided:
        return NAN
    mid2 = levels[0].bid_px + levels[0].ask_px
    left, half_ticks = QUANTITY, 0
    for level in levels:
        px, size = (level.ask_px, level.ask_sz) if side > 0 else (level.bid_px, level.bid_sz)
        taken = min(left, size)
        half_ticks += taken * abs(2 * px - mid2)
        left -= taken
    return NAN if left else half_ticks / (2 * QUANTITY)


@feature("impact_buy_50")
class BuyImpact(LadderFeature):
    """Mean price of buying 50 contracts, above the mid."""

    def of(self, levels: Ladder) -> float:
        """Return the cost in ticks; NaN while ten levels show too little."""
        return impact(levels, 1)


@feature("impact_sell_50")
class SellImpact(LadderFeature):
    """Mean price of selling 50 contracts, below the mid."""

    def of(self, levels: Ladder) -> float:
        """Return the cost in ticks; NaN while ten levels show too little."""
        return impact(levels, -1)
