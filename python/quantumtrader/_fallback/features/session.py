"""Sessions: when windows start anew and when nothing is sampled."""

from __future__ import annotations

from enum import Flag, auto

from quantumtrader.types import Phase


class Change(Flag):
    """What an event means for the engines, in the order in which they do it."""

    CLOSE = auto()
    """The session ends: the forming bar closes, nothing is sampled from here on."""
    ROLL = auto()
    """The next contract begins: all is as new."""
    START = auto()
    """A session begins."""


_NOTHING = Change(0)


class Session:
    """Follows the markers.

    A stream without any opens with its first event; that session has no phase yet, so an opening auction that
    follows starts it again.
    """

    def __init__(self) -> None:
        self.start: int | None = None
        self.first: int | None = None
        """Time of the first market event of the session: windows warm up from here."""
        self.open = False
        self.known = False
        """Whether there has been an event."""
        self._phase_known = False
        self._started_by_auction = False

    def first_event(self) -> Change:
        """Take the first event of a stream when it is no marker: it opens a session."""
        self.known = True
        return Change.START

    def begin(self, t: int) -> None:
        """Begin the session that a change announced."""
        self.start, self.first, self.open = t, None, True

    def mark(self, phase: int) -> Change:
        """Take a session marker."""
        first, self.known = not self.known, True
        phase_known, self._phase_known = self._phase_known, True
        if phase == Phase.CLOSED:
            self.open = self._started_by_auction = False
            return Change.CLOSE
        if phase == Phase.ROLL:
            self.first = None
            if not (self.open or first):
                return Change.ROLL
            self._started_by_auction = False
            return Change.ROLL | Change.START
        if phase == Phase.OPEN:
            continues, self._started_by_auction = self._started_by_auction, False
            return _NOTHING if continues else Change.CLOSE | Change.START
        if phase == Phase.AUCTION and not (self.open and phase_known):
            self._started_by_auction = True
            return Change.CLOSE | Change.START
        return Change.START if first else _NOTHING
