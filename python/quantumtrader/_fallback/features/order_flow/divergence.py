"""Price that moves against delta."""

from __future__ import annotations

from collections import deque

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print


@feature("delta_divergence_5m", "delta_divergence_15m")
class DeltaDivergence(Feature):
    """Sign of delta where the last price moved the other way in the window, else 0."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._tape = flow.tape
        self._window = flow.tape.window(spec.window_ns)
        self._length = spec.window_ns
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._prices: deque[Print] = deque()

    def _add(self, trade: Print) -> None:
        self._prices.append(trade)
        self._slide(trade.t)

    def _slide(self, t: int) -> None:
        # The front is the last print at or before t − W, once there is one.
        prices, edge = self._prices, t - self._length
        while len(prices) > 1 and prices[1].t <= edge:
            prices.popleft()

    def value(self, t: int) -> float:
        """Return −1, 0 or 1; NaN without a print at or before t − W."""
        self._slide(t)
        last = self._tape.last
        if last is None or self._prices[0].t > t - self._length:
            return NAN
        w = self._window.slide(t)
        delta, move = w.buy - w.sell, last.px - self._prices[0].px
        return 0.0 if move * delta >= 0 else 1.0 if delta > 0 else -1.0
