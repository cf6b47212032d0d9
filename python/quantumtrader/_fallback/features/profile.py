"""Volume at price since the session start, and its moments."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from quantumtrader._fallback.features.tape import Print


class ValueArea(NamedTuple):
    """Rows in ticks."""

    poc: int
    low: int
    high: int


class Profile:
    """One row per tick; integer sums of v, vp, vp², vp³ give the moments exactly."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self.rows: dict[int, int] = {}
        self.volume = self.s1 = self.s2 = self.s3 = 0
        self._area: ValueArea | None = None
        self._poc: int | None = None

    def add(self, trade: Print) -> None:
        """Count one print."""
        p, q = trade.px, trade.size
        self.rows[p] = self.rows.get(p, 0) + q
        self.volume += q
        self.s1 += q * p
        self.s2 += q * p * p
        self.s3 += q * p * p * p
        self._area = self._poc = None

    @property
    def poc(self) -> int | None:
        """Row of greatest volume; ties go to the row nearest the mean price, then to the lower row."""
        if self._poc is None and self.rows:
            v, s1 = self.volume, self.s1
            top = max(self.rows.values())
            rows = [p for p, q in self.rows.items() if q == top]
            self._poc = min(rows, key=lambda p: (abs(p * v - s1), p))
        return self._poc

    @property
    def area(self) -> ValueArea | None:
        """The 70 % value area (Steidlmayer); None before the first print."""
        if self._area is None and (poc := self.poc) is not None:
            self._area = self._expand(poc)
        return self._area

    @property
    def spread(self) -> int:
        """V²·variance of price, in ticks² contracts²."""
        return self.volume * self.s2 - self.s1 * self.s1

    def _expand(self, poc: int) -> ValueArea:
        rows, prices = self.rows, sorted(self.rows)
        lowest, highest = prices[0], prices[-1]
        low = high = poc
        inside = rows[poc]
        while 10 * inside < 7 * self.volume:
            above = range(high + 1, min(high + 2, highest) + 1)
            below = range(max(low - 2, lowest), low)
            up = sum(rows.get(p, 0) for p in above)
            down = sum(rows.get(p, 0) for p in below)
            if above and (up >= down or not below):
                # Pairs of empty rows go by one by one, as nothing below holds more: a print far away is not walked to.
                empty = 0 if up else (prices[bisect_right(prices, high)] - high - 1) // 2
                high, inside = high + 2 * empty if empty else above[-1], inside + up
            else:
                empty = 0 if down else (low - prices[bisect_left(prices, low) - 1] - 1) // 2
                low, inside = low - 2 * empty if empty else below[0], inside + down
        return ValueArea(poc, low, high)
