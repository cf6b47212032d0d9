"""Trade imbalance with square-root sizes (the weighting of Hasbrouck, 2009)."""

from __future__ import annotations

from functools import lru_cache
from math import sqrt

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.windows import TimeSum

_SCALE = 2.0**36


@lru_cache(maxsize=4096)
def _root(size: int) -> int:
    """√size as a fixed-point integer: sums of these are exact and come back to 0."""
    return int(sqrt(size) * _SCALE)


@feature("flow_sqrt_imb_1m")
class SqrtImbalance(Feature):
    """Σ side·√q / Σ |side|·√q."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = TimeSum(MINUTE, 2)
        flow.tape.listeners.append(self._add)

    def restart(self) -> None:
        """Forget the session."""
        self._window.restart()

    def _add(self, trade: Print) -> None:
        if trade.side:
            root = _root(trade.size)
            self._window.add(trade.t, trade.side * root, root)

    def value(self, t: int) -> float:
        """Return the imbalance; 0 when nothing signed traded."""
        return ratio(*self._window.at(t))
