"""Order-flow imbalance at the touch (Cont, Kukanov and Stoikov, 2014)."""

from __future__ import annotations

from collections import deque
from math import sqrt

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.touch import Touch, order_flow_imbalance


@feature("book_ofi_10s", "book_ofi_1m", "book_ofi_5m", "book_ofi_15m", "book_ofi_30m", "book_ofi_60m")
class BookOfi(Feature):
    """Sum of e_n over a time window, in contracts."""

    needs_sizes = True

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = flow.ofi(spec.window_ns)

    def value(self, t: int) -> float:
        """Return Σ e_n."""
        return float(self._window.at(t)[0])


@feature("book_ofi_100e")
class BookOfiEvents(Feature):
    """Sum of e_n over the last 100 touch updates of the session."""

    needs_sizes = True

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.touch.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._last: deque[int] = deque(maxlen=100)

    def _add(self, t: int, before: Touch, after: Touch) -> None:
        self._last.append(order_flow_imbalance(before, after))

    def value(self, t: int) -> float:
        """Return Σ e_n; NaN before the 100th update."""
        return float(sum(self._last)) if len(self._last) == 100 else float("nan")


@feature("book_ofi_norm_1m")
class BookOfiNormalised(Feature):
    """One-minute OFI in units of the mean depth after the window's updates."""

    needs_sizes = True

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = flow.ofi(MINUTE)

    def value(self, t: int) -> float:
        """Return Σ e_n / mean of (q_b + q_a)/2; NaN without an update in the window."""
        ofi, updates, sizes = self._window.at(t)
        return quotient(2 * ofi * updates, sizes)


@feature("book_ofi_z_1m")
class BookOfiScore(Feature):
    """One-minute OFI against its last 30 minute-end values."""

    needs_sizes = True
    minutes = 30

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = flow.ofi(MINUTE)
        self._ends = flow.grid(MINUTE, self.minutes, self._read)

    def _read(self, t: int) -> int:
        return self._window.at(t)[0]

    def value(self, t: int) -> float:
        """Return (x − mean)/sd, population sd; NaN before 30 minutes or when they are all equal."""
        ends = [x for x in self._ends.at(t) if x is not None]
        n = self.minutes
        if len(ends) < n:
            return float("nan")
        s1, s2 = sum(ends), sum(x * x for x in ends)
        return quotient(n * self._read(t) - s1, sqrt(n * s2 - s1 * s1))
