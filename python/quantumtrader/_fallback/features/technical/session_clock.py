"""Where in the session the clock stands."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, SECOND
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("session_frac")
class SessionShare(Feature):
    """Elapsed share of the scheduled length of the session."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._flow = flow

    def value(self, t: int) -> float:
        """Return the share in [0, 1]; NaN where the length is not known."""
        start, seconds = self._flow.session_start, self._flow.session_seconds
        if start is None or seconds is None:
            return NAN
        return min(1.0, (t - start) / (seconds * SECOND))
