"""Cumulative volume delta of the session and its slope."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, SECOND
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print


@feature("cvd_session")
class CumulativeDelta(Feature):
    """B − S since the session start, in contracts."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.tape.listeners.append(self._add)
        self._tape = flow.tape
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._delta = 0

    def _add(self, trade: Print) -> None:
        self._delta += trade.side * trade.size

    def value(self, t: int) -> float:
        """Return the running delta; NaN before the first print."""
        return float(self._delta) if self._tape.prints else NAN


@feature("cvd_slope_5m")
class CumulativeDeltaSlope(CumulativeDelta):
    """Least-squares slope of the 300 last one-second samples on time, in contracts per second."""

    samples = 300

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._series = flow.grid(SECOND, self.samples, lambda t: self._delta)
        self._fitted: tuple[int | None, ...] | None = None
        self._slope = NAN

    def value(self, t: int) -> float:
        """Return the slope; NaN with fewer than two samples."""
        series = self._series.at(t)
        if series is not self._fitted:
            self._fitted, self._slope = series, slope([y for y in series if y is not None])
        return self._slope


def slope(series: list[int]) -> float:
    """Return the least-squares slope per step of values one step apart; NaN with fewer than two."""
    n = len(series)
    if n < 2:
        return NAN
    # With x = 0..n-1 the centred abscissa is (2x - n + 1)/2 and its sum of squares n(n² - 1)/12.
    moment = sum((2 * x - n + 1) * y for x, y in enumerate(series))
    return 6 * moment / (n * (n * n - 1))
