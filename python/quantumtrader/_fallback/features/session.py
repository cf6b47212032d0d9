"""Sessions: when windows start anew and when nothing is sampled."""

from __future__ import annotations

from enum import Enum, auto

from quantumtrader.types import Phase


class Change(Enum):
    """What a marker means for the engines."""

    NONE = auto()
    START = auto()
    ROLL = auto()
    CLOSE = auto()


class Session:
    """Follows the markers.

    A stream without any opens with its first event; that session has no phase yet, so an opening auction that
    follows starts it again.
    """

    def __init__(self) -> None:
        self.start: int | None = None
        self.open = False
        self.known = False
        self._phase_known = False
        self._started_by_auction = False

    def first_event(self, t: int) -> Change:
        """Take the first event of a stream when it is no marker: it opens a session."""
        self.known = True
        return self._begin(t)

    def mark(self, t: int, phase: int) -> Change:
        """Apply a session marker."""
        first, self.known = not self.known, True
        phase_known, self._phase_known = self._phase_known, True
        if phase == Phase.CLOSED:
            was_open, self.open, self._started_by_auction = self.open, False, False
            return Change.CLOSE if was_open else Change.NONE
        if phase == Phase.ROLL:
            if self.open or first:
                self._begin(t)
            return Change.ROLL
        if phase == Phase.OPEN:
            if self._started_by_auction:
                self._started_by_auction = False
                return Change.NONE
            return self._begin(t)
        if phase == Phase.AUCTION and not (self.open and phase_known):
            self._begin(t)
            self._started_by_auction = True
            return Change.START
        return self._begin(t) if first else Change.NONE

    def _begin(self, t: int) -> Change:
        self.start, self.open, self._started_by_auction = t, True, False
        return Change.START
