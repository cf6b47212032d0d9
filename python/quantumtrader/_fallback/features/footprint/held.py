"""What features of the last closed footprint have in common."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Feature, Spec


class FootprintFeature(Feature):
    """A number of one footprint, computed when it closes and held until the next one does."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self.settings = flow.settings
        self._held = NAN
        flow.footprints.listeners.append(self._on_footprint)

    def _on_footprint(self, footprint: Footprint) -> None:
        self._held = float(self.measure(footprint))

    def measure(self, footprint: Footprint) -> float:
        """Return the value of one footprint."""
        raise NotImplementedError

    def value(self, t: int) -> float:
        """Return the value of the last closed footprint; NaN before the first."""
        return self._held
