"""Quantiles of trade sizes."""

from __future__ import annotations

from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import feature
from quantumtrader._fallback.features.tape_reading.size_window import SizeFeature, Sizes


@feature("trade_size_median_5m")
class TradeSizeMedian(SizeFeature):
    """Lower median of sizes."""

    percent = 50

    def of(self, sizes: Sizes) -> float:
        """Return the smallest size with at least ``percent`` % of the trades at or below it; NaN without one."""
        n, below = sizes.total(), 0
        for size in sorted(sizes):
            below += sizes[size]
            if 100 * below >= self.percent * n:
                return float(size)
        return NAN


@feature("trade_size_p95_5m")
class TradeSizeTail(TradeSizeMedian):
    """95 % quantile of sizes."""

    percent = 95
