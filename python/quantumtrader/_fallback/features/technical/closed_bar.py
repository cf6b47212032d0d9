"""Features that are computed when a bar closes and held until the next one does."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Feature, Spec
from quantumtrader._fallback.features.smoothing import AverageTrueRange


class ClosedBarFeature(Feature):
    """A number of the closed bars; a subclass says what the next bar makes of it."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._held = NAN
        flow.bars.listeners.append(self._on_bar)

    def _on_bar(self, bar: Bar) -> None:
        self._held = self.next(bar)

    def next(self, bar: Bar) -> float:
        """Return the value at the close of ``bar``; NaN before there is one."""
        raise NotImplementedError

    def value(self, t: int) -> float:
        """Return the value of the last closed bar; NaN before the first."""
        return self._held


class AtrFeature(ClosedBarFeature):
    """A number in ticks, divided by the average true range of 14 bars; NaN where that is 0."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._atr = AverageTrueRange(14)

    def _on_bar(self, bar: Bar) -> None:
        self._atr.add(bar)
        self._held = quotient(self.next(bar), self._atr.value)


class Window:
    """The last ``n`` bars, oldest first; empty before there are so many."""

    def __init__(self, n: int) -> None:
        self._bars: deque[Bar] = deque(maxlen=n)

    def add(self, bar: Bar) -> Sequence[Bar]:
        """Take a bar and return the last ``n``."""
        self._bars.append(bar)
        return list(self._bars) if len(self._bars) == self._bars.maxlen else []


def highest(bars: Sequence[Bar]) -> int:
    """Return HH."""
    return max(b.high for b in bars)


def lowest(bars: Sequence[Bar]) -> int:
    """Return LL."""
    return min(b.low for b in bars)
