"""Volume, entropy and imbalance by size class; micro < 5 ≤ small < 20 ≤ medium < 50 ≤ large < 100 ≤ whale."""

from __future__ import annotations

from itertools import pairwise
from math import inf, log

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.tape_reading.size_window import (
    LARGE,
    MEDIUM,
    MICRO,
    SMALL,
    WHALE,
    SizeFeature,
    Sizes,
    volume,
)
from quantumtrader._fallback.features.windows import TimeSum


@feature("trade_size_entropy_5m")
class TradeSizeEntropy(SizeFeature):
    """Evenness of volume over the five size classes."""

    def of(self, sizes: Sizes) -> float:
        """Return −Σ s ln s / ln 5 of the classes' shares; NaN without a trade."""
        whole = volume(sizes)
        if not whole:
            return NAN
        edges = pairwise((MICRO, SMALL, MEDIUM, LARGE, WHALE, inf))
        shares = [volume(sizes, low, high) / whole for low, high in edges]
        # Five equal shares may round to more than 1, a single one to -0.
        return min(abs(sum(s * log(s) for s in shares if s)) / log(5), 1.0)


_SHARES: dict[str, tuple[int, float]] = {
    "small_trade_ratio_5m": (MICRO, MEDIUM),
    "medium_trade_ratio_5m": (MEDIUM, LARGE),
    "flow_large_trade_ratio": (LARGE, inf),
    "whale_trade_ratio_5m": (WHALE, inf),
}


@feature(*_SHARES)
class SizeShare(SizeFeature):
    """Share of volume in trades of a size."""

    def of(self, sizes: Sizes) -> float:
        """Return the share; 0 without a trade."""
        return ratio(volume(sizes, *_SHARES[self.spec.name]), volume(sizes))


@feature("large_trade_count_5m")
class LargeTrades(SizeFeature):
    """Number of large trades, signed or not."""

    def of(self, sizes: Sizes) -> float:
        """Return how many have 50 contracts or more."""
        return float(sum(count for size, count in sizes.items() if size >= LARGE))


_IMBALANCES: dict[str, tuple[int, float]] = {
    "large_trade_imb_5m": (LARGE, inf),
    "small_trade_imb_5m": (MICRO, MEDIUM),
}


@feature(*_IMBALANCES)
class SizeImbalance(Feature):
    """Trade imbalance of large or of small trades."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._low, self._high = _IMBALANCES[spec.name]
        self._window = TimeSum(spec.window_ns, 2)
        flow.tape.listeners.append(self._add)

    def restart(self) -> None:
        """Forget the session."""
        self._window.restart()

    def _add(self, trade: Print) -> None:
        if trade.side and self._low <= trade.size < self._high:
            self._window.add(trade.t, trade.side * trade.size, trade.size)

    def value(self, t: int) -> float:
        """Return (B − S)/(B + S); 0 when nothing signed traded in these sizes."""
        return ratio(*self._window.at(t))
