"""Size on the bid against size on the ask."""

from __future__ import annotations

from math import log

from quantumtrader._fallback.features.depth import DEPTH, LEVELS, Ladder
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.liquidity.ladder import LadderFeature, ask_depth, bid_depth
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("book_imbalance_1")
class TouchImbalance(Feature):
    """(q_b − q_a)/(q_b + q_a) at the touch (Gould and Bonart, 2016)."""

    needs_sizes = True

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._touch = flow.touch

    def value(self, t: int) -> float:
        """Return the imbalance; a missing side has size 0, and without both it is 0."""
        touch = self._touch.current
        if touch is None:
            return NAN
        return ratio(touch.bid_sz - touch.ask_sz, touch.bid_sz + touch.ask_sz)


@feature("book_imbalance_5")
class BookImbalance(LadderFeature):
    """(D_b − D_a)/(D_b + D_a), levels 1-5 (Cartea, Jaimungal and Penalva, 2015)."""

    def of(self, levels: Ladder) -> float:
        """Return the imbalance; a missing side has size 0, and without both it is 0."""
        bid, ask = bid_depth(levels[:LEVELS]), ask_depth(levels[:LEVELS])
        return ratio(bid - ask, bid + ask)


@feature("book_imbalance_w10")
class WeightedImbalance(LadderFeature):
    """(D_b − D_a)/(D_b + D_a), levels m = 1-10 with weights 0.5^(m − 1) (after Cao, Hansch and Wang, 2009)."""

    def of(self, levels: Ladder) -> float:
        """Return the imbalance; a missing side has size 0, and without both it is 0."""
        weights = [2 ** (DEPTH - m) for m in range(1, DEPTH + 1)]
        bid = sum(w * level.bid_sz for w, level in zip(weights, levels, strict=True))
        ask = sum(w * level.ask_sz for w, level in zip(weights, levels, strict=True))
        return ratio(bid - ask, bid + ask)


@feature("book_pressure")
class BookPressure(LadderFeature):
    """ln(D_b/D_a), levels 1-10."""

    def of(self, levels: Ladder) -> float:
        """Return the log ratio; NaN while a side is empty."""
        bid, ask = bid_depth(levels), ask_depth(levels)
        return log(bid / ask) if bid and ask else NAN
