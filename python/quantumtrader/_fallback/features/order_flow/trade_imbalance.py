"""Trade imbalance (B − S)/(B + S), by volume and by count (Chordia and Subrahmanyam, 2004)."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("flow_ofi_1m", "flow_ofi_5m", "flow_ofi_15m", "flow_ofi_30m", "flow_ofi_60m")
class TradeImbalance(Feature):
    """Signed share of the signed volume in the window."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = flow.tape.window(spec.window_ns)

    def value(self, t: int) -> float:
        """Return (B − S)/(B + S); 0 when nothing signed traded."""
        w = self._window.slide(t)
        return ratio(w.buy - w.sell, w.buy + w.sell)


@feature("flow_count_imb_1m", "flow_count_imb_5m")
class CountImbalance(Feature):
    """The same with the number of trades."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = flow.tape.window(spec.window_ns)

    def value(self, t: int) -> float:
        """Return (n_B − n_S)/(n_B + n_S); 0 when nothing signed traded."""
        w = self._window.slide(t)
        return ratio(w.buys - w.sells, w.buys + w.sells)


@feature("flow_momentum")
class FlowMomentum(Feature):
    """One-minute minus five-minute imbalance."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._windows = flow.tape.window(MINUTE), flow.tape.window(5 * MINUTE)

    def value(self, t: int) -> float:
        """Return flow_ofi_1m − flow_ofi_5m."""
        short, long = (ratio(w.buy - w.sell, w.buy + w.sell) for w in (w.slide(t) for w in self._windows))
        return short - long
