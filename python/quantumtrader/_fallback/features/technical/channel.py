"""Close inside the range of the last bars (Donchian)."""

from __future__ import annotations

from collections import deque

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("close_pos_20")
class ClosePosition(Feature):
    """(C − LL)/(HH − LL) over 20 bars, the last one included."""

    bars = 20

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last: deque[Bar] = deque(maxlen=self.bars)
        flow.bars.listeners.append(self._last.append)

    def value(self, t: int) -> float:
        """Return the position; NaN before 20 bars and where the range is 0."""
        if len(self._last) < self.bars:
            return NAN
        low, high = min(b.low for b in self._last), max(b.high for b in self._last)
        return quotient(self._last[-1].close - low, high - low)
