"""Log returns of closes."""

from __future__ import annotations

from collections import deque
from math import log

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Feature, Spec, feature

_LAGS = {"ret_1": 1, "ret_5": 5, "ret_10": 10, "ret_15": 15, "ret_30": 30, "ret_60": 60}


@feature(*_LAGS)
class LogReturn(Feature):
    """ln(C/C[−k])."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._closes: deque[int] = deque(maxlen=_LAGS[spec.name] + 1)
        flow.bars.listeners.append(self._on_bar)

    def _on_bar(self, bar: Bar) -> None:
        self._closes.append(bar.close)

    def value(self, t: int) -> float:
        """Return the log return; NaN before k + 1 bars and where a price is not positive."""
        closes = self._closes
        if len(closes) != closes.maxlen or closes[0] <= 0 or closes[-1] <= 0:
            return NAN
        return log(closes[-1] / closes[0])
