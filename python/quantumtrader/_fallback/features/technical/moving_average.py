"""Distances to and between exponential moving averages, in units of the average true range."""

from __future__ import annotations

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.smoothing import AverageTrueRange, Ema


@feature("ema_dist_20")
class EmaDistance(Feature):
    """(C − EMA20)/ATR14."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._ema, self._atr, self._close = Ema(20), AverageTrueRange(14), NAN
        flow.bars.listeners.append(self._on_bar)

    def _on_bar(self, bar: Bar) -> None:
        self._close = float(bar.close)
        self._ema.add(self._close)
        self._atr.add(bar)

    def value(self, t: int) -> float:
        """Return the distance; NaN before 20 bars and where the ATR is 0."""
        return quotient(self._close - self._ema.value, self._atr.value)


@feature("ema_cross_9_20")
class EmaCross(Feature):
    """(EMA9 − EMA20)/ATR14."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._fast, self._slow, self._atr = Ema(9), Ema(20), AverageTrueRange(14)
        flow.bars.listeners.append(self._on_bar)

    def _on_bar(self, bar: Bar) -> None:
        self._fast.add(float(bar.close))
        self._slow.add(float(bar.close))
        self._atr.add(bar)

    def value(self, t: int) -> float:
        """Return the distance; NaN before 20 bars and where the ATR is 0."""
        return quotient(self._fast.value - self._slow.value, self._atr.value)
