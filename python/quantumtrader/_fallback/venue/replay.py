"""Steps a venue through an event array."""

from __future__ import annotations

from collections.abc import Iterator

from quantumtrader._fallback.venue.records import TS, rows
from quantumtrader._fallback.venue.venue import Venue
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import Events

__all__ = ["Replay"]


class Replay:
    """Steps a venue through an event array.

    Parameters
    ----------
    events : Events, shape (n_events,)
        Not to be written to while the replay runs.
    venue : Venue
        Driven by this replay.
    """

    def __init__(self, events: Events, venue: Venue) -> None:
        self._rows = rows(events)
        self._venue = venue
        self.cursor = 0
        """Events applied so far."""

    def __len__(self) -> int:
        return len(self._rows)

    def advance(self, until_ns: int) -> int:
        """Apply the events with engine time <= ``until_ns``, then let time pass to it; return the cursor."""
        if until_ns >= self._venue.now_ns:
            all_rows = self._rows
            while self.cursor < len(all_rows) and all_rows[self.cursor][TS] <= until_ns:
                self._venue._apply(all_rows[self.cursor], self.cursor)
                self.cursor += 1
            self._venue.advance(until_ns)
        return self.cursor

    def advance_to(self, count: int) -> int:
        """Apply events until ``count`` of the array have been applied; return the cursor."""
        while self.cursor < min(count, len(self._rows)):
            self._venue._apply(self._rows[self.cursor], self.cursor)
            self.cursor += 1
        return self.cursor

    def every(self, step_ns: int) -> Iterator[tuple[int, int, int, int, int]]:
        """Iterate over the rest of the array in steps of engine time.

        Yields ``(now_ns, bid_px, bid_sz, ask_px, ask_sz)`` after every event with time <= ``now_ns``, until the
        array is used up.
        """
        if step_ns <= 0:
            raise ConfigError(f"step_ns is {step_ns}; expected a positive number of nanoseconds")
        return self._steps(step_ns)

    def _steps(self, step_ns: int) -> Iterator[tuple[int, int, int, int, int]]:
        all_rows = self._rows
        now_ns = all_rows[self.cursor][TS] if self.cursor < len(all_rows) else 0
        while self.cursor < len(all_rows):
            now_ns += step_ns
            self.advance(now_ns)
            yield (now_ns, *self._venue.best())
