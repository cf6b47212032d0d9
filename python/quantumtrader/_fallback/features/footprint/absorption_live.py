"""One-sided aggression that does not move the mid."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("fp_absorption_live")
class AbsorptionLive(Feature):
    """The side that absorbed in the last second of the grid."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._detectors = flow.want_detector("absorption")

    def value(self, t: int) -> float:
        """Return the side, else 0."""
        assert self._detectors.absorption is not None
        return float(self._detectors.absorption.side)
