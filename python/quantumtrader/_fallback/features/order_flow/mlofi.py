"""Multi-level order-flow imbalance (Xu, Gould and Howison, 2019)."""

from __future__ import annotations

from quantumtrader._fallback.features.depth import LEVELS, Ladder
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.touch import order_flow_imbalance
from quantumtrader._fallback.features.windows import TimeSum

_WEIGHTS = [1 << (LEVELS - m) for m in range(1, LEVELS + 1)]


@feature("mlofi_w5_1m")
class MultiLevelOfi(Feature):
    """OFI of the first five occupied levels; each level weighs half of the one before."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = TimeSum(MINUTE)
        flow.depth.ladder_listeners.append(self._add)

    def restart(self) -> None:
        """Forget the session."""
        self._window.restart()

    def _add(self, t: int, before: Ladder, after: Ladder) -> None:
        levels = zip(_WEIGHTS, before[:LEVELS], after[:LEVELS], strict=True)
        self._window.add(t, sum(w * order_flow_imbalance(x, y) for w, x, y in levels))

    def value(self, t: int) -> float:
        """Return Σ w_m MLOFI_m / Σ w_m, in contracts."""
        return self._window.at(t)[0] / sum(_WEIGHTS)
