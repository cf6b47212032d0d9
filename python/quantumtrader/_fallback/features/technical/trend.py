"""Stops, bands, lines and clouds that follow a trend."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, sqrt

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, quotient, ratio
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.smoothing import AverageTrueRange
from quantumtrader._fallback.features.technical.closed_bar import (
    AtrFeature,
    ClosedBarFeature,
    Window,
    highest,
    lowest,
)


@feature("aroon_osc_25")
class Aroon(ClosedBarFeature):
    """Bars since the low less bars since the high of 26 bars, in percent of 25."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(26)

    def next(self, bar: Bar) -> float:
        """Return the oscillator; the most recent extreme counts on ties."""
        newest_first = self._last.add(bar)[::-1]
        if not newest_first:
            return NAN
        since_high = [b.high for b in newest_first].index(highest(newest_first))
        since_low = [b.low for b in newest_first].index(lowest(newest_first))
        return float(4 * (since_low - since_high))


@dataclass
class _Position:
    long: bool
    stop: float
    extreme: float
    acceleration: float = 0.02


@feature("psar_dist")
class ParabolicSar(AtrFeature):
    """(C − SAR)/ATR14, the stop and reverse of Wilder (1978)."""

    step, most = 0.02, 0.2

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._before: Bar | None = None
        self._position: _Position | None = None

    def next(self, bar: Bar) -> float:
        """Return C − SAR, the SAR in force during ``bar`` or, if the bar reached it, after the turn."""
        before, self._before = self._before, bar
        if before is None:
            return NAN
        recent = [before, bar]
        p = self._position
        if p is None:
            # Long, unless bar 2 goes down only or more than up; it is then looked at alone.
            down, up = before.low - bar.low, bar.high - before.high
            short = down > 0 and down > up
            p = _Position(False, before.high, bar.low) if short else _Position(True, before.low, bar.high)
            self._position, recent = p, [bar]
        low, high = lowest(recent), highest(recent)
        if (p.long and bar.low <= p.stop) or (not p.long and bar.high >= p.stop):
            stop = max(p.extreme, high) if p.long else min(p.extreme, low)
            p = self._position = _Position(not p.long, stop, bar.low if p.long else bar.high)
        elif (p.long and bar.high > p.extreme) or (not p.long and bar.low < p.extreme):
            p.extreme = bar.high if p.long else bar.low
            p.acceleration = min(p.acceleration + self.step, self.most)
        stop = p.stop
        moved = stop + p.acceleration * (p.extreme - stop)
        p.stop = min(moved, low) if p.long else max(moved, high)
        return bar.close - stop


@feature("linreg_slope_20")
class RegressionSlope(AtrFeature):
    """Slope of the least-squares line through 20 closes, /ATR14."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(20)

    def next(self, bar: Bar) -> float:
        """Return the slope in ticks per bar."""
        bars = self._last.add(bar)
        if not bars:
            return NAN
        line = _Line(bars)
        return line.cross / line.xx


@feature("linreg_r2_20", "linreg_dev_20")
class RegressionFit(ClosedBarFeature):
    """Squared correlation of closes with time, or the last residual in standard deviations."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(20)

    def next(self, bar: Bar) -> float:
        """Return r², 0 where closes do not vary; or the residual, NaN where all lie on the line."""
        bars = self._last.add(bar)
        if not bars:
            return NAN
        line = _Line(bars)
        if self.spec.name == "linreg_r2_20":
            return ratio(line.cross**2, line.xx * line.spread)
        # n²·variance of the residuals times xx, and 2·n·xx times the last one: integers both.
        residuals = line.xx * line.spread - line.cross**2
        last = 2 * line.xx * (line.n * bars[-1].close - line.y) - line.n * (line.n - 1) * line.cross
        return quotient(last, 2 * sqrt(line.xx * residuals))


class _Line:
    """Exact sums of the line through closes over 0 … n − 1."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        y = [b.close for b in bars]
        self.n = n = len(y)
        x = range(n)
        self.y = sum(y)
        self.xx = n * sum(i * i for i in x) - sum(x) ** 2
        self.cross = n * sum(i * c for i, c in zip(x, y, strict=True)) - sum(x) * self.y
        self.spread = n * sum(c * c for c in y) - self.y**2


@feature("supertrend_10_3")
class Supertrend(ClosedBarFeature):
    """Direction of the trend by bands three ATR10 around the middle, of Seban."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._atr = AverageTrueRange(10)
        self._upper = self._lower = self._close = NAN
        self._direction = 0

    def next(self, bar: Bar) -> float:
        """Return +1 or −1; NaN before 11 bars."""
        self._atr.add(bar)
        reach = 3.0 * self._atr.value
        if isnan(reach):
            return NAN
        middle = (bar.high + bar.low) / 2
        upper, lower = middle + reach, middle - reach
        if self._direction == 0:
            self._direction = 1 if bar.close >= middle else -1
        else:
            if self._close <= self._upper:
                upper = min(upper, self._upper)
            if self._close >= self._lower:
                lower = max(lower, self._lower)
            if self._direction > 0 and bar.close < lower:
                self._direction = -1
            elif self._direction < 0 and bar.close > upper:
                self._direction = 1
        self._upper, self._lower, self._close = upper, lower, float(bar.close)
        return float(self._direction)


def _middle(bars: Sequence[Bar], n: int) -> float:
    """Return the middle of the range of the last ``n`` bars: a multiple of a half."""
    return (highest(bars[-n:]) + lowest(bars[-n:])) / 2


@feature("ichimoku_tk")
class TenkanKijun(AtrFeature):
    """(Tenkan − Kijun)/ATR14, the middles of 9 and 26 bars."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(26)

    def next(self, bar: Bar) -> float:
        """Return Tenkan − Kijun."""
        bars = self._last.add(bar)
        return _middle(bars, 9) - _middle(bars, 26) if bars else NAN


@feature("ichimoku_cloud")
class Cloud(AtrFeature):
    """Distance of the close to the cloud that was drawn 26 bars ago, /ATR14."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(52)
        self._clouds: deque[tuple[float, float]] = deque(maxlen=27)

    def next(self, bar: Bar) -> float:
        """Return the distance, negative below the cloud and 0 inside; NaN before 78 bars."""
        bars = self._last.add(bar)
        if not bars:
            return NAN
        a, b = (_middle(bars, 9) + _middle(bars, 26)) / 2, _middle(bars, 52)
        self._clouds.append((min(a, b), max(a, b)))
        if len(self._clouds) < 27:
            return NAN
        bottom, top = self._clouds[0]
        return bar.close - min(max(bar.close, bottom), top)
