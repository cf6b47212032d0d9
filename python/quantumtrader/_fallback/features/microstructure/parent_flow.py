"""Parent orders in time: how long one side goes on, and how they excite each other."""

from __future__ import annotations

from collections import deque
from math import exp

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, SECOND, quotient
from quantumtrader._fallback.features.parents import Parent
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print


@feature("sign_acf_1", "sign_acf_10")
class SignAutocorrelation(Feature):
    """Autocorrelation of the sides of the last 500 ended parents, mean removed (Lillo and Farmer, 2004)."""

    parents = 500

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._lag = int(spec.name.removeprefix("sign_acf_"))
        flow.parents.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._sides: deque[int] = deque(maxlen=self.parents)
        self._value: float | None = None

    def _add(self, parent: Parent) -> None:
        self._sides.append(parent.side)
        self._value = None

    def value(self, t: int) -> float:
        """Return the autocorrelation; NaN before 500 parents, or when all have one side."""
        if self._value is None:
            self._value = self._compute() if len(self._sides) == self.parents else NAN
        return self._value

    def _compute(self) -> float:
        # Deviations from the mean times n are integers.
        n, total = self.parents, sum(self._sides)
        x = [n * side - total for side in self._sides]
        return quotient(sum(a * b for a, b in zip(x, x[self._lag :], strict=False)), sum(a * a for a in x))


@feature("hawkes_buy", "hawkes_sell")
class HawkesIntensity(Feature):
    """Intensity of parents of one side, per second, with an exponential kernel (Hawkes, 1971)."""

    base, jump, decay = 0.2, 0.8, 1.0

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._side = 1 if spec.name == "hawkes_buy" else -1
        self._tape, self._parents = flow.tape, flow.parents
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        # Σ exp(−β(last − t_i)) over the parents up to and with the last one; those at its very time.
        self._last, self._sum, self._fresh = 0, 0.0, 0

    def _add(self, trade: Print) -> None:
        parent = self._parents.open
        if trade.side != self._side or parent is None or len(parent.prints) > 1:
            return
        fresh = self._fresh + 1 if trade.t == self._last else 1
        self._sum = self._excitement(trade.t) + fresh
        self._last, self._fresh = trade.t, fresh

    def _excitement(self, t: int) -> float:
        """Return Σ exp(−β(t − t_i)) over the parents before ``t``."""
        if t == self._last:
            return self._sum - self._fresh
        return self._sum * exp(-self.decay * (t - self._last) / SECOND)

    def value(self, t: int) -> float:
        """Return the intensity; NaN before the first print."""
        return self.base + self.jump * self._excitement(t) if self._tape.prints else NAN
