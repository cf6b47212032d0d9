"""What the features that mirror the book have in common."""

from __future__ import annotations

from quantumtrader._fallback.features.depth import Ladder
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Feature, Spec


class LadderFeature(Feature):
    """A number computed from the best ten levels in force."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._depth = flow.depth
        flow.depth.wanted = True

    def value(self, t: int) -> float:
        """Return the number; NaN while there are no levels to compute it from."""
        return NAN if self._depth.current is None else self.of(self._depth.current)

    def of(self, levels: Ladder) -> float:
        """Return the number for these levels."""
        raise NotImplementedError


def bid_depth(levels: Ladder) -> int:
    """Return the contracts on the bid."""
    return sum(level.bid_sz for level in levels)


def ask_depth(levels: Ladder) -> int:
    """Return the contracts on the ask."""
    return sum(level.ask_sz for level in levels)
