"""What traded prices say: the bounce between bid and ask, upticks, volume at the ask."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import sqrt

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.windows import TimeSum


@feature("roll_spread_5m")
class RollSpread(Feature):
    """Spread implied by the covariance of successive price changes, in ticks (Roll, 1984)."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._trades: deque[tuple[int, int]] = deque()
        self._value: float | None = None

    def _add(self, trade: Print) -> None:
        self._trades.append((trade.t, trade.px))
        self._value = None
        self._slide(trade.t)

    def _slide(self, t: int) -> None:
        while self._trades and self._trades[0][0] <= t - self.spec.window_ns:
            self._trades.popleft()
            self._value = None

    def value(self, t: int) -> float:
        """Return 2√max(0, −cov); NaN with fewer than four trades."""
        self._slide(t)
        if self._value is None:
            self._value = self._compute()
        return self._value

    def _compute(self) -> float:
        if len(self._trades) < 4:
            return NAN
        changes = [b - a for (_, a), (_, b) in pairwise(self._trades)]
        n = len(changes) - 1
        products = sum(a * b for a, b in pairwise(changes))
        covariance = n * products - sum(changes[1:]) * sum(changes[:-1])
        return 2 * sqrt(max(0, -covariance)) / n


@feature("uptick_ratio_1m")
class UptickRatio(Feature):
    """Share of upticks among trades that changed the price."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._last: int | None = None
        self._window = TimeSum(self.spec.window_ns, 2)

    def _add(self, trade: Print) -> None:
        if self._last is not None and trade.px != self._last:
            self._window.add(trade.t, int(trade.px > self._last), 1)
        self._last = trade.px

    def value(self, t: int) -> float:
        """Return the share; NaN without a price change."""
        up, changes = self._window.at(t)
        return quotient(up, changes)


@feature("trade_at_ask_ratio_1m")
class TradeAtAskRatio(Feature):
    """Volume at or above the ask, as a share of that and the volume at or below the bid."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._touch = flow.touch
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._window = TimeSum(self.spec.window_ns, 2)

    def _add(self, trade: Print) -> None:
        touch = self._touch.current
        if touch is not None:
            at_ask, at_bid = trade.px >= touch.ask_px, trade.px <= touch.bid_px
            self._window.add(trade.t, trade.size * at_ask, trade.size * at_bid)

    def value(self, t: int) -> float:
        """Return the share; NaN without volume at either price."""
        ask, bid = self._window.at(t)
        return quotient(ask, ask + bid)
