"""Mean, spread, skewness and concentration of trade sizes."""

from __future__ import annotations

from math import sqrt

from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import feature
from quantumtrader._fallback.features.tape_reading.size_window import SizeFeature, Sizes, volume


def _power(sizes: Sizes, k: int) -> int:
    return sum(size**k * count for size, count in sizes.items())


@feature("trade_size_mean_1m")
class TradeSizeMean(SizeFeature):
    """Contracts per trade."""

    def of(self, sizes: Sizes) -> float:
        """Return Σq/n; NaN without a trade."""
        return quotient(volume(sizes), sizes.total())


@feature("trade_size_std_5m")
class TradeSizeDeviation(SizeFeature):
    """Population standard deviation of sizes."""

    def of(self, sizes: Sizes) -> float:
        """Return √(n·Σq² − (Σq)²)/n, integers up to the root; NaN without a trade."""
        n = sizes.total()
        return quotient(sqrt(n * _power(sizes, 2) - _power(sizes, 1) ** 2), n)


@feature("trade_size_skew_5m")
class TradeSizeSkewness(SizeFeature):
    """Population skewness of sizes."""

    def of(self, sizes: Sizes) -> float:
        """Return m₃/m₂^1.5; NaN while all sizes are equal."""
        n, s1, s2, s3 = (_power(sizes, k) for k in range(4))
        spread = n * s2 - s1 * s1
        if not spread:
            return NAN
        # n³·m₃ and n²·m₂ are integers; the powers of n cancel.
        return (n * n * s3 - 3 * n * s1 * s2 + 2 * s1**3) / (spread * sqrt(spread))


@feature("trade_size_hhi_1m")
class TradeSizeConcentration(SizeFeature):
    """Herfindahl index of the trades' shares of volume."""

    def of(self, sizes: Sizes) -> float:
        """Return Σq²/V²; NaN without a trade."""
        return quotient(_power(sizes, 2), volume(sizes) ** 2)
