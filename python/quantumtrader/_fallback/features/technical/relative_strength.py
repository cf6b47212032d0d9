"""Wilder's relative strength index (1978) and what is made of it."""

from __future__ import annotations

from collections import deque
from math import isnan

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.smoothing import Wilder
from quantumtrader._fallback.features.technical.closed_bar import ClosedBarFeature

_LENGTHS = {f"rsi_{n}": n for n in (7, 14, 28)}


class RelativeStrength:
    """Mean gain as a share of mean gain and loss, in percent; 0 on a flat series, as in TA-Lib."""

    def __init__(self, n: int) -> None:
        self.gain, self.loss = Wilder(n), Wilder(n)
        self._close: float | None = None
        self._held = NAN

    def add(self, bar: Bar) -> float:
        """Take a bar and return the index; NaN before n + 1 bars."""
        return self.next(bar.close)

    def next(self, close: float) -> float:
        """Take a close and return the index; NaN before n + 1 closes."""
        if self._close is not None:
            change = close - self._close
            self.gain.add(float(max(change, 0)))
            self.loss.add(float(max(-change, 0)))
            # Without a change both means shrink alike: the index is the same, not nearly the same.
            if (change or isnan(self._held)) and not isnan(self.gain.value):
                self._held = 100.0 * ratio(self.gain.value, self.gain.value + self.loss.value)
        self._close = close
        return self._held


@feature(*_LENGTHS)
class Rsi(ClosedBarFeature):
    """The index of 7, 14 or 28 changes."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._rsi = RelativeStrength(_LENGTHS[spec.name])

    def next(self, bar: Bar) -> float:
        """Return the index in [0, 100]."""
        return self._rsi.add(bar)


@feature("rsi_slope_5")
class RsiSlope(ClosedBarFeature):
    """(RSI14 − RSI14[−5])/5."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._rsi = RelativeStrength(14)
        self._last: deque[float] = deque(maxlen=6)

    def next(self, bar: Bar) -> float:
        """Return the change per bar."""
        self._last.append(self._rsi.add(bar))
        return (self._last[-1] - self._last[0]) / 5 if len(self._last) == 6 else NAN


@feature("rsi_divergence_20")
class RsiDivergence(ClosedBarFeature):
    """−1 at a new 20-bar high of closes with a lower RSI14 than at the last one; +1 at a low, mirrored."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._rsi = RelativeStrength(14)
        self._before: deque[int] = deque(maxlen=19)
        self._at_high = self._at_low = NAN

    def next(self, bar: Bar) -> float:
        """Return −1, 0 or +1; NaN before 20 bars."""
        rsi, before = self._rsi.add(bar), list(self._before)
        self._before.append(bar.close)
        if len(before) < 19:
            return NAN
        # Comparing with NaN, before the first high or low, is False.
        if bar.close > max(before):
            weaker, self._at_high = rsi < self._at_high, rsi
            return -1.0 if weaker else 0.0
        if bar.close < min(before):
            stronger, self._at_low = rsi > self._at_low, rsi
            return 1.0 if stronger else 0.0
        return 0.0


@feature("stochrsi_14")
class StochasticRsi(ClosedBarFeature):
    """Place of RSI14 within its range of 14 bars, in percent."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._rsi = RelativeStrength(14)
        self._last: deque[float] = deque(maxlen=14)

    def next(self, bar: Bar) -> float:
        """Return the place; NaN before 28 bars, 0 where the range is 0."""
        rsi = self._rsi.add(bar)
        if not isnan(rsi):
            self._last.append(rsi)
        if len(self._last) < 14:
            return NAN
        low, high = min(self._last), max(self._last)
        return 100.0 * ratio(rsi - low, high - low)


@feature("cmo_14")
class ChandeMomentum(ClosedBarFeature):
    """Mean gain less mean loss, over their sum, in percent."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._rsi = RelativeStrength(14)

    def next(self, bar: Bar) -> float:
        """Return the oscillator in [−100, 100]; NaN before 15 bars."""
        self._rsi.add(bar)
        gain, loss = self._rsi.gain.value, self._rsi.loss.value
        return 100.0 * ratio(gain - loss, gain + loss)
