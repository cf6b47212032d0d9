"""Delta: buyer-initiated minus seller-initiated volume, its change, and its speed."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("delta_1m", "delta_5m")
class Delta(Feature):
    """B − S in contracts."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = flow.tape.window(spec.window_ns)

    def value(self, t: int) -> float:
        """Return B − S."""
        w = self._window.slide(t)
        return float(w.buy - w.sell)


@feature("delta_accel_1m")
class DeltaAcceleration(Feature):
    """Delta of the last minute minus delta of the minute before."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._one, self._two = flow.tape.window(MINUTE), flow.tape.window(2 * MINUTE)

    def value(self, t: int) -> float:
        """Return delta_1m(t) − delta_1m(t − 60 s)."""
        one, two = self._one.slide(t), self._two.slide(t)
        return float(2 * (one.buy - one.sell) - (two.buy - two.sell))


@feature("aggression_buy_1m", "aggression_sell_1m")
class Aggression(Feature):
    """Contracts per second that one side took."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = flow.tape.window(MINUTE)
        self._buy = spec.name == "aggression_buy_1m"

    def value(self, t: int) -> float:
        """Return B/60 or S/60."""
        w = self._window.slide(t)
        return (w.buy if self._buy else w.sell) / 60
