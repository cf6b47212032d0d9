"""Diagonal imbalances: rows where one side took far more than the other side did one tick further on."""

from __future__ import annotations

from types import SimpleNamespace

from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.registry import feature


def buy_imbalances(footprint: Footprint, s: SimpleNamespace) -> list[int]:
    """Return the rows where buyers overwhelmed the sellers one tick lower."""
    return [
        row.px
        for row in footprint.rows
        if row.buy >= s.imbalance_min and row.buy >= s.imbalance_times * max(footprint.at(row.px - 1).sell, 1)
    ]


def sell_imbalances(footprint: Footprint, s: SimpleNamespace) -> list[int]:
    """Return the rows where sellers overwhelmed the buyers one tick higher."""
    return [
        row.px
        for row in footprint.rows
        if row.sell >= s.imbalance_min
        and row.sell >= s.imbalance_times * max(footprint.at(row.px + 1).buy, 1)
    ]


def stacked(rows: list[int]) -> int:
    """Return how many of the rows lie side by side at most."""
    here = set(rows)
    longest = 0
    for bottom in here:
        top = bottom
        while top in here:
            top += 1
        longest = max(longest, top - bottom)
    return longest


@feature("fp_buy_imb_count")
class BuyImbalanceCount(FootprintFeature):
    """Rows with a buy imbalance."""

    def measure(self, footprint: Footprint) -> float:
        """Return their number."""
        return len(buy_imbalances(footprint, self.settings))


@feature("fp_sell_imb_count")
class SellImbalanceCount(FootprintFeature):
    """Rows with a sell imbalance."""

    def measure(self, footprint: Footprint) -> float:
        """Return their number."""
        return len(sell_imbalances(footprint, self.settings))


@feature("fp_stacked_buy")
class StackedBuy(FootprintFeature):
    """Longest run of adjacent rows with a buy imbalance."""

    def measure(self, footprint: Footprint) -> float:
        """Return its length."""
        return stacked(buy_imbalances(footprint, self.settings))


@feature("fp_stacked_sell")
class StackedSell(FootprintFeature):
    """Longest run of adjacent rows with a sell imbalance."""

    def measure(self, footprint: Footprint) -> float:
        """Return its length."""
        return stacked(sell_imbalances(footprint, self.settings))
