"""Features that compute at the close of a bar and hold the value until the next one."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import log, sqrt
from typing import ClassVar

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Feature, Spec


class HeldFeature(Feature):
    """Keeps the last ``bars`` bars; a subclass says what the value is when one closes."""

    bars: ClassVar[int] = 1
    """How many closed bars :attr:`last` keeps."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self.flow = flow
        self.last: deque[Bar] = deque(maxlen=self.bars)
        self._held = NAN
        flow.bars.listeners.append(self._on_bar)

    @property
    def full(self) -> bool:
        """Whether as many bars as are kept have been seen."""
        return len(self.last) == self.bars

    def _on_bar(self, bar: Bar) -> None:
        self.last.append(bar)
        self._held = self.close(bar)

    def close(self, bar: Bar) -> float:
        """Take the bar that just closed, already the last of :attr:`last`, and return the new value."""
        raise NotImplementedError

    def value(self, t: int) -> float:
        """Return what the last closed bar gave; NaN before the first."""
        return self._held


def log_ratio(a: int, b: int) -> float:
    """Return ln(a/b) of two prices; NaN unless both are positive."""
    return log(a / b) if a > 0 and b > 0 else NAN


def root(x: float) -> float:
    """Return √x, 0 below 0 and NaN of NaN."""
    return 0.0 if x < 0.0 else sqrt(x)


def log_returns(bars: list[Bar]) -> list[float]:
    """Return ln(C/C[−1]) of every bar but the first."""
    return [log_ratio(after.close, before.close) for before, after in pairwise(bars)]
