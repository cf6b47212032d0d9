"""Size on the bid against size on the ask (Cartea, Jaimungal and Penalva, 2015)."""

from __future__ import annotations

from quantumtrader._fallback.features.depth import LEVELS
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("book_imbalance_5")
class BookImbalance(Feature):
    """(D_b − D_a)/(D_b + D_a) over the first five occupied levels of each side."""

    levels = LEVELS

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._depth, self._touch = flow.depth, flow.touch
        flow.depth.wanted = True

    def value(self, t: int) -> float:
        """Return the imbalance; NaN while a side is missing."""
        touch, levels = self._touch.current, self._depth.current
        if levels is None or touch is None or not touch.two_sided:
            return NAN
        bid, ask = sum(x.bid_sz for x in levels[:LEVELS]), sum(x.ask_sz for x in levels[:LEVELS])
        return ratio(bid - ask, bid + ask)
