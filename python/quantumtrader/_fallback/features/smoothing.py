"""Recursions over closed bars, seeded as TA-Lib does with no unstable period."""

from __future__ import annotations

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.numbers import NAN


class Ema:
    """Exponential mean with weight 2/(n + 1); starts as the mean of the first n values."""

    def __init__(self, n: int) -> None:
        self._n, self._weight = n, 2.0 / (n + 1.0)
        self._seen, self._sum = 0, 0.0
        self.value = NAN

    def add(self, x: float) -> None:
        """Take the next value."""
        self._seen += 1
        if self._seen > self._n:
            self.value += (x - self.value) * self._weight
            return
        self._sum += x
        if self._seen == self._n:
            self.value = self._sum / self._n


class Wilder:
    """Wilder's mean (1978), weight 1/n; starts as the mean of the first n values."""

    def __init__(self, n: int) -> None:
        self._n, self._seen, self._sum = n, 0, 0.0
        self.value = NAN

    def add(self, x: float) -> None:
        """Take the next value."""
        self._seen += 1
        if self._seen > self._n:
            self.value = (self.value * (self._n - 1) + x) / self._n
            return
        self._sum += x
        if self._seen == self._n:
            self.value = self._sum / self._n


class AverageTrueRange:
    """Wilder's mean of the true range, in ticks; the first bar has no previous close and gives none."""

    def __init__(self, n: int) -> None:
        self._mean = Wilder(n)
        self._close: int | None = None

    @property
    def value(self) -> float:
        """Return the mean; NaN before n + 1 bars."""
        return self._mean.value

    def add(self, bar: Bar) -> None:
        """Take the next bar."""
        if self._close is not None:
            self._mean.add(float(max(bar.high, self._close) - min(bar.low, self._close)))
        self._close = bar.close
