"""Five-minute bars from prints, with the volume of either side at every price row."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from quantumtrader._fallback.features.numbers import MINUTE
from quantumtrader._fallback.features.profile import Profile
from quantumtrader._fallback.features.tape import Print

SPAN = 5 * MINUTE


class PriceRow(NamedTuple):
    """Contracts at one price: bought and sold by aggressors, and all."""

    px: int
    buy: int = 0
    sell: int = 0
    total: int = 0


class Footprint:
    """A closed footprint; flat, with no rows, where nothing was printed.

    Parameters
    ----------
    prints : list of Print
        The prints of the bar, in order.
    last_px : int
        Close of the bar before it; of use where there are no prints.
    """

    def __init__(self, prints: list[Print], last_px: int) -> None:
        prices = [trade.px for trade in prints] or [last_px]
        self.high, self.low, self.close = max(prices), min(prices), prices[-1]
        self.rows = [self._row(px, prints) for px in sorted({trade.px for trade in prints})]
        self.buy = sum(row.buy for row in self.rows)
        self.sell = sum(row.sell for row in self.rows)
        self.volume = sum(row.total for row in self.rows)
        running = [0]
        for trade in prints:
            running.append(running[-1] + trade.side * trade.size)
        self.delta_max, self.delta_min = max(running), min(running)
        self.profile = Profile()
        """Of this bar alone."""
        for trade in prints:
            self.profile.add(trade)
        self._by_price = {row.px: row for row in self.rows}

    @staticmethod
    def _row(px: int, prints: list[Print]) -> PriceRow:
        here = [trade for trade in prints if trade.px == px]
        return PriceRow(
            px,
            sum(trade.size for trade in here if trade.side > 0),
            sum(trade.size for trade in here if trade.side < 0),
            sum(trade.size for trade in here),
        )

    @property
    def delta(self) -> int:
        """Contracts bought less contracts sold."""
        return self.buy - self.sell

    @property
    def height(self) -> int:
        """Rows from the lowest to the highest, empty ones too."""
        return self.high - self.low + 1

    @property
    def absorbed_high(self) -> Fraction:
        """Buyers' mean volume in the two highest rows, in mean rows; 0 unless price closed below them."""
        if self.close > self.high - 2:
            return Fraction(0)
        return Fraction((self.at(self.high).buy + self.at(self.high - 1).buy) * self.height, 2 * self.volume)

    @property
    def absorbed_low(self) -> Fraction:
        """Sellers' mean volume in the two lowest rows, in mean rows; 0 unless price closed above them."""
        if self.close < self.low + 2:
            return Fraction(0)
        return Fraction((self.at(self.low).sell + self.at(self.low + 1).sell) * self.height, 2 * self.volume)

    def at(self, px: int) -> PriceRow:
        """Return the row of a price; empty where nothing traded."""
        return self._by_price.get(px, PriceRow(px))


class Footprints:
    """Builds footprints [start + k·5 min, + 5 min) from the first print of the session on.

    Five minutes without a print are flat at the last close. Bars that the stream brings make no difference. Nothing is
    built unless somebody listens.
    """

    def __init__(self) -> None:
        self.listeners: list[Callable[[Footprint], None]] = []
        self.last: Footprint | None = None
        """The last closed one of the contract."""
        self.ended = 0
        """When it closed."""
        self._start = 0
        self._active = False
        self._open: int | None = None
        self._prints: list[Print] = []
        self._last_px = 0

    @property
    def next_end(self) -> int | None:
        """End of the forming footprint; None when none is forming."""
        return None if self._open is None else self._open + SPAN

    def ends_by(self, t: int) -> int:
        """Return how many footprints end at or before ``t``."""
        end = self.next_end
        return 0 if end is None else max(0, (t - end) // SPAN + 1)

    def begin(self, start: int) -> None:
        """Begin a session."""
        self._start, self._active, self._open, self._prints = start, True, None, []

    def stop(self, t: int) -> None:
        """End the session; the forming footprint closes early, if it has begun."""
        self.ended = t
        if self._open is not None and (self._prints or self._open < t):
            self._close()
        self._open, self._active = None, False

    def add(self, trade: Print) -> None:
        """Count one print in the forming footprint."""
        if not (self._active and self.listeners):
            return
        if self._open is None:
            self._open = trade.t - (trade.t - self._start) % SPAN
        self._prints.append(trade)

    def roll(self) -> None:
        """Close the forming footprint at its end and begin the next one."""
        if self._open is not None:
            self._open += SPAN
            self.ended = self._open
            self._close()

    def _close(self) -> None:
        self.last = Footprint(self._prints, self._last_px)
        self._prints, self._last_px = [], self.last.close
        for listener in self.listeners:
            listener(self.last)
