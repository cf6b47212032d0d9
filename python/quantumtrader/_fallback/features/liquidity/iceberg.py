"""The latest live iceberg."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("iceberg_detected", "iceberg_hidden_est")
class Iceberg(Feature):
    """Its resting side, or the hidden contracts executed so far."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._detectors = flow.want_detector("iceberg_native", "iceberg_synthetic", "iceberg_tape")

    def value(self, t: int) -> float:
        """Return the side or the estimate; 0 without a live one."""
        hidden = self.spec.name == "iceberg_hidden_est"
        return self._detectors.hidden(t) if hidden else self._detectors.iceberg(t)
