"""Held scores of the patterns that manipulators leave: withdrawn orders, reversed bursts, undone updates."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("spoof_score", "layering_score")
class Withdrawn(Feature):
    """Signed score of the last withdrawn candidate, or of the last layering."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._detectors = flow.want_detector("spoofing")

    def value(self, t: int) -> float:
        """Return the score while it is held, else 0."""
        spoofing = self._detectors.spoofing
        assert spoofing is not None
        held = spoofing.layering.held if self.spec.name == "layering_score" else spoofing.held
        return held.live(t, self._detectors.settings.spoof_hold_ns) or 0.0


@feature("momentum_ignition")
class MomentumIgnition(Feature):
    """Sign of the last reversal of a burst."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._detectors = flow.want_detector("ignition")

    def value(self, t: int) -> float:
        """Return the sign while it is held, else 0."""
        assert self._detectors.ignition is not None
        return self._detectors.ignition.held.live(t, self._detectors.settings.ignition_hold_ns) or 0.0


@feature("quote_stuffing")
class QuoteStuffing(Feature):
    """Score of the last second of the grid."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._detectors = flow.want_detector("stuffing")

    def value(self, t: int) -> float:
        """Return the score."""
        assert self._detectors.stuffing is not None
        return self._detectors.stuffing.score
