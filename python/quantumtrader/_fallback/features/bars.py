"""One-minute bars from prints, or the bars that the stream brings itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quantumtrader._fallback.features.numbers import MINUTE
from quantumtrader._fallback.features.tape import Print


@dataclass(slots=True)
class Bar:
    """Prices in ticks, volumes in contracts; ``buy`` and ``sell`` are None where the source has no aggressor.

    ``start`` is where it begins, ``end`` where it ended, ns.
    """

    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    buy: int | None = 0
    sell: int | None = 0
    prints: int = 0
    start: int = 0
    end: int = 0

    def add(self, trade: Print) -> None:
        """Count one print."""
        self.high, self.low, self.close = max(self.high, trade.px), min(self.low, trade.px), trade.px
        self.volume += trade.size
        self.prints += 1
        if trade.side > 0:
            self.buy = (self.buy or 0) + trade.size
        elif trade.side < 0:
            self.sell = (self.sell or 0) + trade.size


class Bars:
    """Builds bars [start + k·60 s, + 60 s) from the minute of the session's first print on.

    A minute without a print is flat at the last close. Listeners hear of closed bars only; without one nothing is built
    from prints, unless ``wanted``.
    """

    def __init__(self) -> None:
        self.listeners: list[Callable[[Bar], None]] = []
        self.from_source = False
        self.wanted = False
        """Whether bars are needed though nobody listens: they are the sampling clock."""
        self._start = 0
        self._active = False
        self._bar: Bar | None = None
        self._bar_open = 0

    @property
    def active(self) -> bool:
        """Whether a session is running."""
        return self._active

    @property
    def next_end(self) -> int | None:
        """End of the forming bar; None when none is forming."""
        return None if self._bar is None else self._bar_open + MINUTE

    def ends_by(self, t: int) -> int:
        """Return how many bars end at or before ``t``."""
        end = self.next_end
        return 0 if end is None else max(0, (t - end) // MINUTE + 1)

    def begin(self, start: int) -> None:
        """Begin a session."""
        self._start, self._active, self._bar = start, True, None

    def stop(self, t: int) -> bool:
        """End the session; the forming bar closes early, if it has begun. Tells whether it did."""
        bar, self._bar, self._active = self._bar, None, False
        if bar is None or (bar.prints == 0 and self._bar_open == t):
            return False
        bar.end = t
        self._close(bar)
        return True

    def add(self, trade: Print) -> None:
        """Count one print in the forming bar."""
        if self.from_source or not self._active or not (self.wanted or self.listeners):
            return
        if self._bar is None:
            self._bar_open = trade.t - (trade.t - self._start) % MINUTE
            self._bar = Bar(trade.px, trade.px, trade.px, trade.px, start=self._bar_open)
        elif self._bar.prints == 0:
            self._bar = Bar(trade.px, trade.px, trade.px, trade.px, start=self._bar_open)
        self._bar.add(trade)

    def roll(self) -> None:
        """Close the forming bar at its end and begin the next one, flat until a print."""
        bar = self._bar
        if bar is not None:
            self._bar_open += MINUTE
            bar.end = self._bar_open
            self._bar = Bar(bar.close, bar.close, bar.close, bar.close, start=self._bar_open)
            self._close(bar)

    def source_bar(self, bar: Bar) -> None:
        """Take a bar record: from now on bars come from the source alone."""
        self.from_source, self._bar = True, None
        self._close(bar)

    def _close(self, bar: Bar) -> None:
        for listener in self.listeners:
            listener(bar)
