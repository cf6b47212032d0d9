"""Price response to money: Amihud (2002) and Hasbrouck (2009)."""

from __future__ import annotations

from collections import deque
from math import sqrt

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature, log_returns
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.tape import Print


@feature("amihud_30m")
class Amihud(HeldFeature):
    """Mean |return| per million of money over the bars that traded."""

    bars = 31

    def close(self, bar: Bar) -> float:
        """Return the mean; NaN before 31 bars and where none traded."""
        if not self.full:
            return NAN
        bars = list(self.last)
        traded = [(r, b) for r, b in zip(log_returns(bars), bars[1:], strict=True) if b.volume > 0]
        millions = [b.close * b.volume * self.flow.tick_value / 1e6 for _, b in traded]
        ratios = [abs(r) / m if m else NAN for (r, _), m in zip(traded, millions, strict=True)]
        return quotient(sum(ratios), len(ratios))


@feature("hasbrouck_lambda_30m")
class Hasbrouck(HeldFeature):
    """Slope of the return on the signed square roots of the money of the bar's prints."""

    bars = 31

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._forming = 0.0
        self._signed: deque[float] = deque(maxlen=30)
        flow.tape.listeners.append(self._on_print)

    def restart(self) -> None:
        """Forget the prints of the old session's last bar."""
        self._forming = 0.0

    def _on_print(self, trade: Print) -> None:
        if self.flow.bars.active:
            notional = trade.px * trade.size * self.flow.tick_value
            self._forming += trade.side * (sqrt(notional) if notional >= 0 else NAN)

    def close(self, bar: Bar) -> float:
        """Return the slope; NaN before 31 bars, without prints, and where the regressor is constant."""
        signed, self._forming = (NAN if bar.buy is None else self._forming), 0.0
        if len(self.last) > 1:
            self._signed.append(signed)
        if not self.full:
            return NAN
        x, y = list(self._signed), log_returns(list(self.last))
        mx, my = sum(x) / 30, sum(y) / 30
        xx = sum((a - mx) ** 2 for a in x)
        return quotient(sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)), xx)
