"""Speed of the tape: trades and contracts per second."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, SECOND, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("tape_speed", "tape_speed_1m")
class TapeSpeed(Feature):
    """Trades per second of the window, signed or not."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = flow.tape.window(spec.window_ns)

    def value(self, t: int) -> float:
        """Return n/W."""
        return self._window.slide(t).count / (self.spec.window_ns // SECOND)


@feature("tape_volume_speed")
class TapeVolumeSpeed(TapeSpeed):
    """Contracts per second of the window."""

    def value(self, t: int) -> float:
        """Return V/W."""
        return self._window.slide(t).volume / (self.spec.window_ns // SECOND)


@feature("tape_speed_ratio")
class TapeSpeedRatio(Feature):
    """Trades per second of ten seconds against those of five minutes."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._short, self._long = flow.tape.window(10 * SECOND), flow.tape.window(5 * MINUTE)

    def value(self, t: int) -> float:
        """Return (n/10)/(N/300); NaN without a trade in five minutes."""
        return quotient(30 * self._short.slide(t).count, self._long.slide(t).count)


@feature("tape_accel")
class TapeAcceleration(Feature):
    """Trades per second of the last ten seconds minus those of the ten before."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._ten, self._twenty = flow.tape.window(10 * SECOND), flow.tape.window(20 * SECOND)

    def value(self, t: int) -> float:
        """Return tape_speed(t) − tape_speed(t − 10 s)."""
        last = self._ten.slide(t).count
        before = self._twenty.slide(t).count - last
        return (last - before) / 10
