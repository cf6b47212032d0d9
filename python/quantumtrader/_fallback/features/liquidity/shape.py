"""How depth is spread over distance and over rows."""

from __future__ import annotations

from itertools import accumulate
from math import log

from quantumtrader._fallback.features.depth import DEPTH, Ladder
from quantumtrader._fallback.features.liquidity.ladder import LadderFeature, ask_depth, bid_depth
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import feature
from quantumtrader._fallback.features.touch import NO_ASK, NO_BID


def slope(prices: list[int], sizes: list[int]) -> float:
    """Return the OLS slope of cumulative size on the distance from the best row; NaN for fewer than two rows.

    The mid lies a constant further away, which moves no slope.
    """
    n = len(prices)
    if n < 2:
        return NAN
    x = [abs(px - prices[0]) for px in prices]
    y = list(accumulate(sizes))
    covariance = n * sum(a * b for a, b in zip(x, y, strict=True)) - sum(x) * sum(y)
    return covariance / (n * sum(a * a for a in x) - sum(x) ** 2)


@feature("book_slope_10")
class BookSlope(LadderFeature):
    """Growth of depth per tick, mean of both sides (Næs and Skjeltorp, 2006)."""

    def of(self, levels: Ladder) -> float:
        """Return the slope in contracts per tick; NaN while a side has fewer than two rows."""
        bids = [level for level in levels if level.bid_px != NO_BID]
        asks = [level for level in levels if level.ask_px != NO_ASK]
        bid = slope([level.bid_px for level in bids], [level.bid_sz for level in bids])
        ask = slope([level.ask_px for level in asks], [level.ask_sz for level in asks])
        return (bid + ask) / 2


@feature("depth_entropy_10")
class DepthEntropy(LadderFeature):
    """Shannon's entropy of the shares of the 20 sizes, over its greatest value."""

    def of(self, levels: Ladder) -> float:
        """Return the entropy; NaN when the book is empty."""
        total = bid_depth(levels) + ask_depth(levels)
        if total == 0:
            return NAN
        shares = [size / total for level in levels for size in (level.bid_sz, level.ask_sz) if size]
        entropy = -sum(w * log(w) for w in shares) / log(2 * DEPTH)
        return min(max(entropy, 0.0), 1.0)
