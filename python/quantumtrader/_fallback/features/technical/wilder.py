"""Wilder's average true range and relative strength index (1978)."""

from __future__ import annotations

from math import isnan

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.smoothing import AverageTrueRange, Wilder


@feature("atr_14")
class Atr(Feature):
    """Average true range of 14 bars, in ticks."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._atr = AverageTrueRange(14)
        flow.bars.listeners.append(self._atr.add)

    def value(self, t: int) -> float:
        """Return the mean; NaN before 15 bars."""
        return self._atr.value


@feature("rsi_14")
class Rsi(Feature):
    """Mean gain as a share of mean gain and loss, in percent; 0 on a flat series, as in TA-Lib."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._gain, self._loss = Wilder(14), Wilder(14)
        self._close: int | None = None
        flow.bars.listeners.append(self._on_bar)

    def _on_bar(self, bar: Bar) -> None:
        if self._close is not None:
            change = bar.close - self._close
            self._gain.add(float(max(change, 0)))
            self._loss.add(float(max(-change, 0)))
        self._close = bar.close

    def value(self, t: int) -> float:
        """Return the index in [0, 100]; NaN before 15 bars."""
        gain, loss = self._gain.value, self._loss.value
        return NAN if isnan(gain) else ratio(100.0 * gain, gain + loss)
