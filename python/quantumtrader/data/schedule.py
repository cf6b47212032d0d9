"""When to record: from a little before the first opening to a little after the last close of a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from quantumtrader.data.calendar import Calendar
from quantumtrader.data.sessions import session_days
from quantumtrader.types import Instrument

__all__ = ["Window", "next_window"]

_EPOCH = date(1970, 1, 1)
_LOOK_AHEAD = 15
"""Days; no market that is known closes for longer."""
LEAD_NS = 600_000_000_000
"""The opening auction, and time to log in and receive the first image of the book."""
TAIL_NS = 900_000_000_000
"""The closing auction and late corrections."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of recording, ns UTC."""

    date: date
    start_ns: int
    stop_ns: int


def next_window(
    instruments: Sequence[Instrument],
    now_ns: int,
    calendar: Calendar | None = None,
    *,
    lead_ns: int = LEAD_NS,
    tail_ns: int = TAIL_NS,
) -> Window | None:
    """Return the window that is open now, or else the next one.

    Parameters
    ----------
    instruments : sequence of Instrument
        The window spans the sessions of all of them.
    now_ns : int
        The time, ns UTC.
    calendar : Calendar, optional
        Business days; B3's as published by default.
    lead_ns, tail_ns : int
        What is recorded before the opening and after the close.

    Returns
    -------
    Window or None
        None when none of them has hours, or no session within two weeks.
    """
    calendar = calendar or Calendar()
    today = int(session_days(np.array([now_ns], np.int64), instruments[0])[0])
    for ahead in range(-1, _LOOK_AHEAD):
        day = _EPOCH + timedelta(days=today + ahead)
        bounds = [b for i in instruments if (b := calendar.session(i, day)) is not None]
        if bounds:
            start = min(b.open_ns for b in bounds) - lead_ns
            stop = max(b.close_ns for b in bounds) + tail_ns
            if stop > now_ns:
                return Window(day, start, stop)
    return None
