"""Wilder's directional movement system (1978)."""

from __future__ import annotations

from collections import deque

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.technical.closed_bar import ClosedBarFeature

_N = 14


class Movement:
    """Wilder sums of +DM, −DM and the true range: the first 13 added up, then s ← s − s/14 + x."""

    def __init__(self) -> None:
        self._before: Bar | None = None
        self._seen = 0
        self.plus = self.minus = self.range = 0.0

    def add(self, bar: Bar) -> bool:
        """Take a bar; True from bar 15 on."""
        before, self._before = self._before, bar
        if before is None:
            return False
        up, down = bar.high - before.high, before.low - bar.low
        self._seen += 1
        if self._seen >= _N:
            self.plus -= self.plus / _N
            self.minus -= self.minus / _N
            self.range -= self.range / _N
        self.plus += up if up > 0 and up > down else 0
        self.minus += down if down > 0 and down > up else 0
        self.range += max(bar.high, before.close) - min(bar.low, before.close)
        return self._seen >= _N

    @property
    def plus_di(self) -> float:
        """+DI in percent; 0 where nothing moved."""
        return 100.0 * ratio(self.plus, self.range)

    @property
    def minus_di(self) -> float:
        """−DI in percent; 0 where nothing moved."""
        return 100.0 * ratio(self.minus, self.range)


class Adx:
    """Wilder mean of DX. A DX with both DI at 0 is missing: it counts 0 in the first mean and nothing later."""

    def __init__(self) -> None:
        self._movement = Movement()
        self._first: list[float] = []
        self.value = NAN

    def add(self, bar: Bar) -> float:
        """Take a bar and return the mean; NaN before bar 28."""
        if not self._movement.add(bar):
            return NAN
        plus, minus = self._movement.plus_di, self._movement.minus_di
        missing = plus + minus == 0
        dx = 100.0 * ratio(abs(minus - plus), plus + minus)
        if len(self._first) < _N:
            self._first.append(dx)
            if len(self._first) == _N:
                self.value = sum(self._first) / _N
        elif not missing:
            self.value = (self.value * (_N - 1) + dx) / _N
        return self.value


@feature("adx_14")
class AdxFeature(ClosedBarFeature):
    """Average directional index."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._adx = Adx()

    def next(self, bar: Bar) -> float:
        """Return the index in [0, 100]."""
        return self._adx.add(bar)


@feature("adx_slope_5")
class AdxSlope(ClosedBarFeature):
    """(ADX − ADX[−5])/5."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._adx = Adx()
        self._last: deque[float] = deque(maxlen=6)

    def next(self, bar: Bar) -> float:
        """Return the change per bar."""
        self._last.append(self._adx.add(bar))
        return (self._last[-1] - self._last[0]) / 5 if len(self._last) == 6 else NAN


@feature("plus_di_14", "minus_di_14", "di_spread_14")
class DirectionalIndicator(ClosedBarFeature):
    """+DI, −DI, or their difference over their sum."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._movement = Movement()

    def next(self, bar: Bar) -> float:
        """Return what the name asks for; 0 where nothing moved."""
        if not self._movement.add(bar):
            return NAN
        m = self._movement
        if self.spec.name == "plus_di_14":
            return m.plus_di
        if self.spec.name == "minus_di_14":
            return m.minus_di
        return ratio(m.plus - m.minus, m.plus + m.minus)
