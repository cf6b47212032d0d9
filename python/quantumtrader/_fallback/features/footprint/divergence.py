"""A new extreme against the delta of its own bar."""

from __future__ import annotations

from collections import deque

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.footprint.held import FootprintFeature
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Spec, feature


@feature("fp_delta_divergence")
class DeltaDivergence(FootprintFeature):
    """A strict high of ten bars that was sold, or a strict low that was bought."""

    bars = 10

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._before: deque[Footprint] = deque(maxlen=self.bars - 1)

    def measure(self, footprint: Footprint) -> float:
        """Return −1, +1 or 0; NaN before ten bars."""
        before = list(self._before)
        self._before.append(footprint)
        if len(before) < self.bars - 1:
            return NAN
        if footprint.delta < 0 and all(footprint.high > f.high for f in before):
            return -1.0
        if footprint.delta > 0 and all(footprint.low < f.low for f in before):
            return 1.0
        return 0.0
