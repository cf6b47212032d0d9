"""The only place that may read the wall clock.

Everything below the application takes its time from events, so a live session that was recorded and is
replayed gives the same features, signals and orders.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def now_ns(self) -> int:
        """Return the time in ns since 1970 UTC."""
        ...


class LiveClock:
    """The system clock, for live trading and for the recorder."""

    def now_ns(self) -> int:
        """Return the system time in ns since 1970 UTC."""
        return time.time_ns()

    def sleep_until(self, ts_ns: int) -> None:
        """Sleep until ``ts_ns``; return at once when it has passed."""
        wait = ts_ns - self.now_ns()
        if wait > 0:
            time.sleep(wait / 1e9)


class ReplayClock:
    """The time of the last event seen; never runs backwards."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the greatest event time seen, ns since 1970 UTC."""
        return self._now_ns

    def advance(self, ts_ns: int) -> None:
        """Move to ``ts_ns``; an earlier time leaves the clock where it is."""
        self._now_ns = max(self._now_ns, ts_ns)
