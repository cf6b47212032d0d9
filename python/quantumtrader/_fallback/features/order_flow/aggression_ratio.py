"""Market orders against the limit orders that join the first five levels."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.windows import TimeSum


@feature("flow_aggression_ratio")
class AggressionRatio(Feature):
    """Share of market orders in what market and limit orders brought."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._trades = flow.tape.window(MINUTE)
        self._added = TimeSum(MINUTE)
        flow.depth.addition_listeners.append(self._added.add)

    def restart(self) -> None:
        """Forget the session."""
        self._added.restart()

    def value(self, t: int) -> float:
        """Return M/(M + A); 0 when nothing happened."""
        w = self._trades.slide(t)
        market = w.buy + w.sell
        return ratio(market, market + self._added.at(t)[0])
