"""Distances to, between and along moving averages."""

from __future__ import annotations

import itertools
from collections import deque
from math import isnan

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.smoothing import Ema
from quantumtrader._fallback.features.technical.closed_bar import AtrFeature, ClosedBarFeature, Window

_EMA = {f"ema_dist_{n}": n for n in (9, 20, 50, 100, 200)}
_SMA = {f"sma_dist_{n}": n for n in (20, 50, 200)}
_CROSS = {f"ema_cross_{a}_{b}": (a, b) for a, b in ((9, 20), (20, 50), (50, 200))}


@feature(*_EMA)
class EmaDistance(AtrFeature):
    """(C − EMA)/ATR14."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._ema = Ema(_EMA[spec.name])

    def next(self, bar: Bar) -> float:
        """Return C − EMA."""
        self._ema.add(float(bar.close))
        return bar.close - self._ema.value


@feature(*_SMA)
class SmaDistance(AtrFeature):
    """(C − SMA)/ATR14."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(_SMA[spec.name])

    def next(self, bar: Bar) -> float:
        """Return C − SMA."""
        bars = self._last.add(bar)
        return sum(bar.close - b.close for b in bars) / len(bars) if bars else NAN


@feature(*_CROSS)
class EmaCross(AtrFeature):
    """(fast EMA − slow EMA)/ATR14."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        fast, slow = _CROSS[spec.name]
        self._fast, self._slow = Ema(fast), Ema(slow)

    def next(self, bar: Bar) -> float:
        """Return fast − slow."""
        self._fast.add(float(bar.close))
        self._slow.add(float(bar.close))
        return self._fast.value - self._slow.value


@feature("ema_alignment")
class EmaAlignment(ClosedBarFeature):
    """Whether EMA9, EMA20 and EMA50 are in falling (+1) or rising (−1) order."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._averages = [Ema(n) for n in (9, 20, 50)]

    def next(self, bar: Bar) -> float:
        """Return +1, −1 or 0."""
        for ema in self._averages:
            ema.add(float(bar.close))
        a, b, c = (ema.value for ema in self._averages)
        return NAN if isnan(c) else float((a > b > c) - (a < b < c))


@feature("ema20_slope_5")
class EmaSlope(AtrFeature):
    """(EMA20 − EMA20[−5])/(5·ATR14)."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._ema = Ema(20)
        self._last: deque[float] = deque(maxlen=6)

    def next(self, bar: Bar) -> float:
        """Return the change of the average per bar."""
        self._ema.add(float(bar.close))
        self._last.append(self._ema.value)
        return (self._last[-1] - self._last[0]) / 5 if len(self._last) == 6 else NAN


@feature("macd_line", "macd_signal", "macd_hist")
class Macd(AtrFeature):
    """EMA12 − EMA26, its EMA9, or the difference of both; all from bar 34 on."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._fast, self._slow, self._signal = Ema(12), Ema(26), Ema(9)
        self._seen = 0

    def next(self, bar: Bar) -> float:
        """Return the output that the name asks for, in ticks."""
        self._seen += 1
        if self._seen > 14:  # so that both averages appear at bar 26
            self._fast.add(float(bar.close))
        self._slow.add(float(bar.close))
        if self._seen < 26:
            return NAN
        line = self._fast.value - self._slow.value
        self._signal.add(line)
        if self._seen < 34:
            return NAN
        signal = self._signal.value
        return {"macd_line": line, "macd_signal": signal, "macd_hist": line - signal}[self.spec.name]


@feature("ppo_12_26")
class PercentageOscillator(ClosedBarFeature):
    """100·(EMA12 − EMA26)/EMA26."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._fast, self._slow = Ema(12), Ema(26)

    def next(self, bar: Bar) -> float:
        """Return the difference in percent; NaN where EMA26 is not positive."""
        self._fast.add(float(bar.close))
        self._slow.add(float(bar.close))
        slow = self._slow.value
        return 100.0 * ((self._fast.value - slow) / slow) if slow > 0 else NAN


@feature("trix_15")
class Trix(ClosedBarFeature):
    """One-bar change of the triple EMA15, in percent."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._averages = [Ema(15) for _ in range(3)]
        self._before = NAN

    def next(self, bar: Bar) -> float:
        """Return the change; NaN where one of the two averages is not positive."""
        x = float(bar.close)
        for ema in self._averages:
            ema.add(x)
            x = ema.value
            if isnan(x):
                return NAN
        before, self._before = self._before, x
        return 100.0 * (x / before - 1.0) if before > 0 and x > 0 else NAN


@feature("kama_dist_10")
class KamaDistance(AtrFeature):
    """(C − KAMA10)/ATR14, of Kaufman: the straighter the path, the faster the average."""

    fast, slow = 2.0 / 3.0, 2.0 / 31.0

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(11)
        self._kama = NAN

    def next(self, bar: Bar) -> float:
        """Return C − KAMA."""
        c = [b.close for b in self._last.add(bar)]
        if not c:
            return NAN
        if isnan(self._kama):
            self._kama = float(c[-2])
        path = sum(abs(b - a) for a, b in itertools.pairwise(c))
        efficiency = abs(c[-1] - c[0]) / path if path else 1.0
        weight = efficiency * (self.fast - self.slow) + self.slow
        self._kama += (c[-1] - self._kama) * (weight * weight)
        return c[-1] - self._kama


@feature("awesome_osc")
class AwesomeOscillator(AtrFeature):
    """(SMA5 − SMA34 of the bars' middles)/ATR14."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(34)

    def next(self, bar: Bar) -> float:
        """Return the difference of the two means."""
        twice = [b.high + b.low for b in self._last.add(bar)]
        return (34 * sum(twice[-5:]) - 5 * sum(twice)) / 340 if twice else NAN
