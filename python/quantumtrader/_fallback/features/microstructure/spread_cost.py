"""What taking liquidity cost, what it left the maker, and how far the mid followed."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, SECOND, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.windows import TimeSum


@feature("effective_spread_1m")
class EffectiveSpread(Feature):
    """Volume-weighted 2·side·(p − mid before the trade), in ticks (Huang and Stoll, 1996)."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._mids = flow.mids
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._window = TimeSum(self.spec.window_ns, 2)

    def _add(self, trade: Print) -> None:
        mid2 = self._mids.current
        if trade.side and mid2 is not None:
            self._window.add(trade.t, trade.size * trade.side * (2 * trade.px - mid2), trade.size)

    def value(self, t: int) -> float:
        """Return the spread; NaN without a signed trade that had a mid before it."""
        cost, size = self._window.at(t)
        return quotient(cost, size)


class _Waiting(NamedTuple):
    due: int
    weight: int
    size: int
    px2: int
    mid2: int


@feature("realized_spread_1m", "price_impact_1m")
class Markout(Feature):
    """Volume-weighted move against the mid 5 s after the trade, over trades aged 5 s to 65 s.

    ``_mid2`` is the mid that was in force up to the last event; a trade that comes of age strictly before a
    change of the mid is marked with the mid before the change.
    """

    age_ns = 5 * SECOND

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._mids = flow.mids
        flow.mids.listeners.append(self._watch)
        flow.tape.listeners.append(self._add)
        self._realized = spec.name == "realized_spread_1m"
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._waiting: deque[_Waiting] = deque()
        self._marked = TimeSum(MINUTE, 2)

    def _add(self, trade: Print) -> None:
        mid2 = self._mids.current
        if trade.side and mid2 is not None:
            weight = trade.size * trade.side
            self._waiting.append(_Waiting(trade.t + self.age_ns, weight, trade.size, 2 * trade.px, mid2))

    def _watch(self, t: int, before: int | None, after: int | None) -> None:
        self._settle(t, before)

    def _settle(self, t: int, mid2: int | None) -> None:
        """Mark what came of age before ``t``, while this was the mid."""
        while self._waiting and self._waiting[0].due < t:
            w = self._waiting.popleft()
            if mid2 is not None:
                self._marked.add(w.due, self._outcome(w, mid2), w.size)

    def _outcome(self, w: _Waiting, later2: int) -> int:
        return w.weight * (w.px2 - later2 if self._realized else later2 - w.mid2)

    def value(self, t: int) -> float:
        """Return the number; NaN without a trade that has both mids."""
        now = self._mids.current
        self._settle(t, now)
        outcome, size = self._marked.at(t)
        if now is not None:
            for w in self._waiting:
                if w.due <= t:  # it comes of age right now
                    outcome, size = outcome + self._outcome(w, now), size + w.size
        return quotient(outcome, size)
