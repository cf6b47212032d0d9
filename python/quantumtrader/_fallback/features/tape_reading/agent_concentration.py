"""Concentration of aggression in brokers."""

from __future__ import annotations

from collections import Counter, deque

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print


@feature("agent_concentration_5m")
class AgentConcentration(Feature):
    """Herfindahl index of the aggressors' known brokers by contracts."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._prints: deque[Print] = deque()
        self._volume: Counter[int] = Counter()

    def _add(self, trade: Print) -> None:
        if trade.broker:
            self._prints.append(trade)
            self._volume[trade.broker] += trade.size
        self._slide(trade.t)

    def _slide(self, t: int) -> None:
        edge = t - self.spec.window_ns
        while self._prints and self._prints[0].t <= edge:
            gone = self._prints.popleft()
            self._volume[gone.broker] -= gone.size
            if not self._volume[gone.broker]:
                del self._volume[gone.broker]

    def value(self, t: int) -> float:
        """Return Σ(share)²; NaN without volume of a known broker."""
        self._slide(t)
        volumes = self._volume.values()
        return quotient(sum(v * v for v in volumes), sum(volumes) ** 2)
