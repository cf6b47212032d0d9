"""Wilder's average true range (1978)."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.smoothing import AverageTrueRange


@feature("atr_14")
class Atr(Feature):
    """Average true range of 14 bars, in ticks."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._atr = AverageTrueRange(14)
        flow.bars.listeners.append(self._atr.add)

    def value(self, t: int) -> float:
        """Return the mean; NaN before 15 bars."""
        return self._atr.value
