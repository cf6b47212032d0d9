"""Where a live session's events come from, and how a session that is joined late begins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from quantumtrader.data.calendar import DAY, Calendar
from quantumtrader.execution import OrderGateway
from quantumtrader.types import Events, Instrument, Kind, Phase, empty_events

__all__ = ["EventSource", "with_opening"]


class EventSource(Protocol):
    """Feeds one instrument to a live session; its calls come from the trading thread unless said otherwise."""

    synthetic: bool
    """Whether its market is made."""
    name: str
    """Where events come from, for journals and reports."""

    def open(self, instrument: Instrument, *, routing: bool) -> None:
        """Connect and subscribe; called once, before any other, from the main thread."""
        ...

    def today(self) -> date:
        """Return the session date of the market, from the main thread."""
        ...

    def history(self, days: int, timeout_s: float, stopped: Callable[[], bool]) -> tuple[Events, str]:
        """Fetch the trades of the last session dates, from the main thread; returns them, and why some are missing."""
        ...

    def read(self) -> tuple[Events, int]:
        """Return what is new, and the time of the turn, ns UTC. Does not wait."""
        ...

    @property
    def over(self) -> bool:
        """Whether no event will come any more."""
        ...

    def gateway(self, account: str) -> OrderGateway:
        """Return the order gateway of an account."""
        ...

    def poll(self) -> None:
        """Do what is due; called again and again from a thread of its own."""
        ...

    def trouble(self) -> str:
        """Why the feed cannot be trusted now; empty while it can. From any thread."""
        ...

    def take_news(self) -> list[str]:
        """Hand over what a person should know. From any thread."""
        ...

    def close(self) -> None:
        """End the session with the source."""
        ...


def with_opening(events: Events, instrument: Instrument) -> Events | None:
    """Put the opening by the timetable in front of a session that was joined while it went on.

    Features count from it, and recordings get the same marker from ``with_sessions``.

    Parameters
    ----------
    events : Events, shape (n,)
        The first ones that came.
    instrument : Instrument
        For its hours.

    Returns
    -------
    Events or None
        As they are when a phase marker comes before the first market event, or outside of sessions; with an OPEN in
        front otherwise. None while there is neither marker nor market event.
    """
    marker = np.flatnonzero(events["kind"] == Kind.SESSION)
    market = np.flatnonzero(~np.isin(events["kind"], (Kind.SESSION, Kind.TIMER, Kind.GAP)))
    if not marker.size and not market.size:
        return None
    if marker.size and (not market.size or marker[0] < market[0]):
        return events
    opening = _opening_before(instrument, int(events["ts_event"][market[0]]))
    if opening is None:
        return events
    opens = empty_events(1)
    for name in ("ts_recv", "sequence", "instrument"):
        opens[name] = events[name][0]
    opens["ts_event"], opens["kind"], opens["action"] = opening, Kind.SESSION, Phase.OPEN
    return np.concatenate((opens, events))


def _opening_before(instrument: Instrument, ts: int) -> int | None:
    """Opening of the session that goes on at ``ts``, ns UTC; None outside of sessions."""
    day = datetime.fromtimestamp(ts // 10**9, UTC).astimezone(ZoneInfo(instrument.timezone)).date()
    for k in (0, 1):  # hours that open on the evening before belong to the next date
        bounds = Calendar().session(instrument, day + k * DAY)
        if bounds is not None and bounds.open_ns <= ts < bounds.close_ns:
            return bounds.open_ns
    return None
