"""Trade imbalance that fades instead of leaving a window."""

from __future__ import annotations

from math import exp

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, SECOND, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print

_TAU_NS = 30 * SECOND


@feature("flow_ofi_ewm_30s")
class EwmImbalance(Feature):
    """X/Y of the exponentially weighted sums of signed and absolute signed volume, τ = 30 s.

    Both fade by the same factor between prints, so the ratio needs no decay when it is read.
    """

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._tape = flow.tape
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._signed = self._gross = 0.0
        self._at = 0

    def _add(self, trade: Print) -> None:
        if trade.side == 0:
            return
        weight = exp(-(trade.t - self._at) / _TAU_NS) if self._gross else 0.0
        self._signed = self._signed * weight + trade.side * trade.size
        self._gross = self._gross * weight + trade.size
        self._at = trade.t

    def value(self, t: int) -> float:
        """Return X/Y; NaN before the first print, 0 before the first signed one."""
        return ratio(self._signed, self._gross) if self._tape.prints else NAN
