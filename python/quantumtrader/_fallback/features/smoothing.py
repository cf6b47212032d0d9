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
    """Wilder's mean (1978), weight 1/n, computed as TA-Lib does; starts as the mean of the first n values."""

    def __init__(self, n: int) -> None:
        self._n, self._seen, self._sum = n, 0, 0.0
        self.value = NAN

    def add(self, x: float) -> None:
        """Take the next value."""
        self._seen += 1
        if self._seen > self._n:
            self.value = (self.value * (self._n - 1) + x) * (1.0 / self._n)
            return
        self._sum += x
        if self._seen == self._n:
            self.value = self._sum / self._n


class TrueRange:
    """Range of a bar, the close before it included; the first bar has none."""

    def __init__(self) -> None:
        self._close: float | None = None

    def next(self, high: float, low: float, close: float) -> float | None:
        """Take the next bar and return its true range."""
        before, self._close = self._close, close
        return None if before is None else float(max(high, before) - min(low, before))


class AverageTrueRange:
    """Wilder's mean of the true range, in ticks; the first bar has no previous close and gives none."""

    def __init__(self, n: int) -> None:
        self._mean, self._ranges = Wilder(n), TrueRange()

    @property
    def value(self) -> float:
        """Return the mean; NaN before n + 1 bars."""
        return self._mean.value

    def add(self, bar: Bar) -> None:
        """Take the next bar."""
        x = self._ranges.next(bar.high, bar.low, bar.close)
        if x is not None:
            self._mean.add(x)
