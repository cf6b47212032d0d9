"""Trades by size in a sliding window."""

from __future__ import annotations

from collections import Counter, deque
from math import inf

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.registry import Feature, Spec
from quantumtrader._fallback.features.tape import Print

MICRO, SMALL, MEDIUM, LARGE, WHALE = 1, 5, 20, 50, 100
"""Least size of each class."""

Sizes = Counter[int]
"""How many trades of the window have which size."""


class SizeFeature(Feature):
    """A number of the sizes in the window, computed again when they have changed."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.tape.listeners.append(self._add)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._prints: deque[Print] = deque()
        self._sizes: Sizes = Counter()
        self._value: float | None = None

    def _add(self, trade: Print) -> None:
        self._prints.append(trade)
        self._sizes[trade.size] += 1
        self._value = None
        self._slide(trade.t)

    def _slide(self, t: int) -> None:
        edge = t - self.spec.window_ns
        while self._prints and self._prints[0].t <= edge:
            size = self._prints.popleft().size
            self._sizes[size] -= 1
            if not self._sizes[size]:
                del self._sizes[size]
            self._value = None

    def value(self, t: int) -> float:
        """Return the number of the window at ``t``."""
        self._slide(t)
        if self._value is None:
            self._value = self.of(self._sizes)
        return self._value

    def of(self, sizes: Sizes) -> float:
        """Return the number of some sizes, of none perhaps."""
        raise NotImplementedError


def volume(sizes: Sizes, low: float = MICRO, high: float = inf) -> int:
    """Contracts in trades of ``low`` contracts or more, but fewer than ``high``."""
    return sum(size * count for size, count in sizes.items() if low <= size < high)
