"""Trade imbalance over the last 1,000 contracts (volume clock; Easley, López de Prado and O'Hara, 2012)."""

from __future__ import annotations

from collections import deque

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print


@feature("flow_ofi_1000v")
class VolumeClockImbalance(Feature):
    """(B − S)/(B + S) of the last 1,000 contracts, signed or not; the oldest print is split."""

    contracts = 1_000

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._parts: deque[tuple[int, int]] = deque()
        self._volume = self._net = self._gross = 0

    def _add(self, trade: Print) -> None:
        self._parts.append((trade.side, trade.size))
        self._count(trade.side, trade.size)
        while (excess := self._volume - self.contracts) > 0:
            side, size = self._parts.popleft()
            cut = min(size, excess)
            self._count(side, -cut)
            if cut < size:
                self._parts.appendleft((side, size - cut))

    def _count(self, side: int, size: int) -> None:
        self._volume += size
        self._net += side * size
        self._gross += size if side else 0

    def value(self, t: int) -> float:
        """Return the imbalance; NaN before 1,000 contracts have printed in the session."""
        return ratio(self._net, self._gross) if self._volume == self.contracts else NAN
