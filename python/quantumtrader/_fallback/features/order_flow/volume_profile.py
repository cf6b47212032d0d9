"""Where price stands in the session's volume profile (Steidlmayer)."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, NAN, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature


class _ProfileFeature(Feature):
    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._profile, self._touch = flow.profile, flow.touch


@feature("poc_distance")
class PocDistance(_ProfileFeature):
    """Mid minus point of control, in ticks."""

    def value(self, t: int) -> float:
        """Return the distance; NaN before the first print or without both sides of the touch."""
        touch, poc = self._touch.current, self._profile.poc
        return touch.mid - poc if touch is not None and touch.two_sided and poc is not None else NAN


@feature("va_position")
class ValueAreaPosition(_ProfileFeature):
    """Mid as a share of the value area, unclipped."""

    def value(self, t: int) -> float:
        """Return (mid − VAL)/(VAH − VAL); NaN where the area is one row."""
        touch, area = self._touch.current, self._profile.area
        if touch is None or not touch.two_sided or area is None:
            return NAN
        return quotient(touch.mid - area.low, area.high - area.low)


@feature("va_width")
class ValueAreaWidth(_ProfileFeature):
    """Width of the value area in ticks."""

    def value(self, t: int) -> float:
        """Return VAH − VAL; NaN before the first print."""
        area = self._profile.area
        return float(area.high - area.low) if area is not None else NAN


@feature("poc_migration_30m")
class PocMigration(_ProfileFeature):
    """Point of control now minus at the last minute at least 30 minutes ago, in ticks."""

    minutes = 30

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._series = flow.grid(MINUTE, self.minutes + 1, lambda t: self._profile.poc)

    def value(self, t: int) -> float:
        """Return the move; NaN where there was no sample or no print by then."""
        series, now = self._series.at(t), self._profile.poc
        # The newest sample is that of the last minute point ≤ t, so the one of t − 30 min is 30 before it.
        then = series[0] if len(series) == self.minutes + 1 else None
        return float(now - then) if now is not None and then is not None else NAN
