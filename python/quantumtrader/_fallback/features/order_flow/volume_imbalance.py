"""Trade imbalance of the last closed bar."""

from __future__ import annotations

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("flow_volume_imbalance")
class VolumeImbalance(Feature):
    """(B − S)/(B + S) of the last closed one-minute bar."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._value = NAN
        flow.bars.listeners.append(self._on_bar)

    def _on_bar(self, bar: Bar) -> None:
        if bar.buy is None or bar.sell is None:
            self._value = NAN
        else:
            self._value = ratio(bar.buy - bar.sell, bar.buy + bar.sell)

    def value(self, t: int) -> float:
        """Return the held value; NaN before the first bar and for bars without aggressors."""
        return self._value
