"""Runs of prints, and the time since the last large one."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, SECOND
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.tape_reading.size_window import LARGE


@feature("same_side_run")
class SameSideRun(Feature):
    """Signed number of prints in a row by one aggressor side; an unsigned print ends the run and has none."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._tape = flow.tape
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._side = self._prints = self._contracts = 0

    def _add(self, trade: Print) -> None:
        if trade.side != self._side:
            self.restart()
        self._side = trade.side
        self._prints += 1
        self._contracts += trade.size

    def value(self, t: int) -> float:
        """Return side × prints; NaN before the first print."""
        return float(self._side * self._prints) if self._tape.prints else NAN


@feature("same_side_run_volume")
class SameSideRunVolume(SameSideRun):
    """Signed contracts of the same run."""

    def value(self, t: int) -> float:
        """Return side × contracts; NaN before the first print."""
        return float(self._side * self._contracts) if self._tape.prints else NAN


@feature("same_price_run")
class SamePriceRun(Feature):
    """Number of consecutive prints at the last price, signed or not."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._px: int | None = None
        self._length = 0

    def _add(self, trade: Print) -> None:
        self._length = self._length + 1 if trade.px == self._px else 1
        self._px = trade.px

    def value(self, t: int) -> float:
        """Return the length; NaN before the first print."""
        return float(self._length) if self._length else NAN


@feature("time_since_large")
class TimeSinceLarge(Feature):
    """Seconds since the last trade of 50 contracts or more, signed or not."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._last: int | None = None

    def _add(self, trade: Print) -> None:
        if trade.size >= LARGE:
            self._last = trade.t

    def value(self, t: int) -> float:
        """Return the seconds; NaN until there is such a trade."""
        return NAN if self._last is None else (t - self._last) / SECOND
