"""The bar's volume, and recent volume, against usual volume."""

from __future__ import annotations

from collections import deque
from math import sqrt

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("volume_ratio_5_20")
class VolumeRatio(Feature):
    """Mean volume of the last 5 bars over that of the last 20."""

    short, long = 5, 20

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._volumes: deque[int] = deque(maxlen=self.long)
        flow.bars.listeners.append(self._on_bar)

    def _on_bar(self, bar: Bar) -> None:
        self._volumes.append(bar.volume)

    def value(self, t: int) -> float:
        """Return SMA5(v)/SMA20(v); NaN before 20 bars and where nothing traded in them."""
        if len(self._volumes) < self.long:
            return NAN
        volumes = list(self._volumes)
        return quotient(self.long * sum(volumes[-self.short :]), self.short * sum(volumes))


@feature("volume_z_20")
class VolumeScore(HeldFeature):
    """Standard score of the volume among the last 20 bars."""

    bars = 20

    def close(self, bar: Bar) -> float:
        """Return (v − mean)/population sd; NaN before 20 bars and where all volumes are equal."""
        if not self.full:
            return NAN
        volumes = [b.volume for b in self.last]
        n, total = len(volumes), sum(volumes)
        return quotient(n * bar.volume - total, sqrt(n * sum(v * v for v in volumes) - total * total))
