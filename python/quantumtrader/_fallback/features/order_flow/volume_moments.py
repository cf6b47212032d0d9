"""Moments of the session's volume at price: VWAP distance, its score, and skewness."""

from __future__ import annotations

from math import sqrt

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature


class _MomentFeature(Feature):
    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._profile, self._tape = flow.profile, flow.tape

    def _excess(self) -> int:
        """V·(last − VWAP), in ticks times contracts."""
        assert self._tape.last is not None
        return self._tape.last.px * self._profile.volume - self._profile.s1


@feature("vwap_distance")
class VwapDistance(_MomentFeature):
    """Last price minus the session's VWAP, in ticks."""

    def value(self, t: int) -> float:
        """Return the distance; NaN before the first print."""
        return self._excess() / self._profile.volume if self._profile.volume else NAN


@feature("vwap_z")
class VwapScore(_MomentFeature):
    """Last price minus VWAP in standard deviations of volume at price."""

    def value(self, t: int) -> float:
        """Return the score; NaN before the first print and while all volume is at one price."""
        return quotient(self._excess(), sqrt(self._profile.spread)) if self._profile.volume else NAN


@feature("profile_skew")
class ProfileSkew(_MomentFeature):
    """Third standardised moment of volume at price."""

    def value(self, t: int) -> float:
        """Return Σ v(p − p̄)³/(V σ³); NaN before the first print and while all volume is at one price."""
        p = self._profile
        if not p.spread:
            return NAN
        third = p.volume * p.volume * p.s3 - 3 * p.volume * p.s1 * p.s2 + 2 * p.s1**3
        return third / (p.spread * sqrt(p.spread))
