"""Close against open and extremes of the session, and the gap between two sessions."""

from __future__ import annotations

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature, log_ratio
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.smoothing import AverageTrueRange


class _SessionFeature(HeldFeature):
    """Keeps open, high and low of the bars of the session; bars before the first session belong to none."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._atr = AverageTrueRange(14)
        self.open: int | None = None
        self.high = self.low = 0

    def restart(self) -> None:
        """Forget the levels; the held value stays until the next close."""
        self.open = None

    def close(self, bar: Bar) -> float:
        """Return the distance in average true ranges; NaN before 15 bars and where the ATR is 0."""
        self._atr.add(bar)
        if self.flow.session_start is None:
            return NAN
        if self.open is None:
            self.open, self.high, self.low = bar.open, bar.high, bar.low
        self.high, self.low = max(self.high, bar.high), min(self.low, bar.low)
        return quotient(self.distance(bar, self.open), self._atr.value)

    def distance(self, bar: Bar, opening: int) -> int:
        """Return the distance in ticks."""
        raise NotImplementedError


@feature("dist_session_high")
class SessionHighDistance(_SessionFeature):
    """(session H − C)/ATR14."""

    def distance(self, bar: Bar, opening: int) -> int:
        """Return session H − C."""
        return self.high - bar.close


@feature("dist_session_low")
class SessionLowDistance(_SessionFeature):
    """(C − session L)/ATR14."""

    def distance(self, bar: Bar, opening: int) -> int:
        """Return C − session L."""
        return bar.close - self.low


@feature("dist_open")
class OpenDistance(_SessionFeature):
    """(C − session O)/ATR14."""

    def distance(self, bar: Bar, opening: int) -> int:
        """Return C − session O."""
        return bar.close - opening


@feature("gap_open")
class OpeningGap(HeldFeature):
    """ln(session O/previous session C), from the close of the session's first bar on."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._awaits_bar = False
        self._close: int | None = None
        self._gap = NAN

    def restart(self) -> None:
        """Wait for the first bar of the session; the held value stays until then."""
        self._awaits_bar = True

    def close(self, bar: Bar) -> float:
        """Return the gap; NaN in the first session and where a price is not positive."""
        if self.flow.session_start is None:
            return NAN
        if self._awaits_bar:
            self._gap = NAN if self._close is None else log_ratio(bar.open, self._close)
            self._awaits_bar = False
        self._close = bar.close
        return self._gap
