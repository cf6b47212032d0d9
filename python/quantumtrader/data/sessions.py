"""Session markers: where windows, profile, VWAP and CVD restart.

Sources rarely say when trading opens and closes, so the instrument's hours do. A session date for which the
stream has an opening or a close of its own keeps that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta

import numpy as np
import numpy.typing as npt

from quantumtrader.data.calendar import Calendar
from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.types import EVENT, Events, Flag, Instrument, Kind, Phase

Int64 = npt.NDArray[np.int64]

_EPOCH = date(1970, 1, 1)
_BEGINNING = -(1 << 63)


def with_sessions(events: Events, instrument: Instrument, calendar: Calendar | None = None) -> Events:
    """Insert OPEN and CLOSED markers, and number the stream anew.

    A market without hours gets one OPEN at its first event, unless the stream opens itself. Otherwise every
    date with events and a session gets OPEN before its first event at or after the opening and CLOSED after its
    last event at or before the close, each unless the stream has its own on that date; events that come before
    the first opening stand behind a CLOSED marker. Markers never split a packet, and carry a receive time
    between those of their neighbours.

    OPEN carries the official opening also when the recording starts later: time grids are anchored there.

    Parameters
    ----------
    events : Events, shape (n,)
        In stream order.
    instrument : Instrument
        Its hours and zone.
    calendar : Calendar, optional
        Business days; B3's as published by default.

    Returns
    -------
    Events, shape (n + markers,)
        With ``sequence`` 0, 1, 2, …; a copy.
    """
    out = events.copy()
    if len(events):
        markers = _markers(events, instrument, calendar or Calendar())
        out = _insert(events, markers) if markers else out
    out["sequence"] = np.arange(len(out))
    return out


def session_days(ts: Int64, instrument: Instrument) -> Int64:
    """Session date of each time, as days since 1970.

    It is the local date, unless the hours in force cross midnight: such a session is of the date on which it
    closes, and what lies between a close and the next opening belongs to the nearer of the two (so an auction
    before the opening is in the session that it opens).

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        ns UTC.
    instrument : Instrument
        Its hours and zone.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    local = numbers.to_local(ts, numbers.zone(instrument.timezone))
    days = local // numbers.DAY_NS
    for k, hours in enumerate(instrument.hours):
        opens, closes = _ns_of_day(hours.open), _ns_of_day(hours.close)
        if opens < closes:
            continue
        following = instrument.hours[k + 1 :]
        until = (following[0].valid_from if following else date.max) - _EPOCH
        shifted = (local + numbers.DAY_NS - (opens + closes) // 2) // numbers.DAY_NS
        in_force = (shifted >= (hours.valid_from - _EPOCH).days) & (shifted < until.days)
        days = np.where(in_force, shifted, days)
    return days


def _ns_of_day(at: time) -> int:
    return (at.hour * 3_600 + at.minute * 60 + at.second) * 1_000_000_000 + at.microsecond * 1_000


def with_sessions_in_parts(
    parts: Iterable[Events], instrument: Instrument, calendar: Calendar | None = None
) -> Iterator[Events]:
    """Insert the markers of :func:`with_sessions` into a stream that comes in parts.

    A session date is held back until the next one begins: only then is it known where its markers go. Of a market
    without hours each part passes straight through; whether it opens itself is then judged by the first part.

    Parameters
    ----------
    parts : iterable of Events
        In stream order; together the stream.
    instrument, calendar
        As in :func:`with_sessions`.

    Yields
    ------
    Events
        Together what :func:`with_sessions` returns for the whole stream.
    """
    calendar = calendar or Calendar()
    dates = _pass_through(parts) if not instrument.hours else _by_date(parts, instrument)
    count, highest, before = 0, _BEGINNING, None
    for events, after in dates:
        if instrument.hours or count == 0:
            markers = _markers(events, instrument, calendar, highest, first=count == 0)
            out = _insert(events, markers, before, after) if markers else events.copy()
        else:
            out = events.copy()
        highest = max(highest, int(events["ts_event"].max()))
        before = int(events["ts_recv"][-1])
        out["sequence"] = np.arange(count, count + len(out))
        count += len(out)
        yield out


def _pass_through(parts: Iterable[Events]) -> Iterator[tuple[Events, int | None]]:
    for events in parts:
        if len(events):
            yield events, None


def _by_date(parts: Iterable[Events], instrument: Instrument) -> Iterator[tuple[Events, int | None]]:
    """Yield the events of one session date after the other, and the receive time of the event that follows."""
    held: list[Events] = []
    day, highest = None, _BEGINNING
    for events in parts:
        if not len(events):
            continue
        now = np.maximum(np.maximum.accumulate(events["ts_event"]), highest)
        highest = int(now[-1])
        days = session_days(now, instrument)
        edges = np.flatnonzero(days[1:] != days[:-1]) + 1
        if day is not None and days[0] != day:
            edges = np.concatenate(([0], edges))
        for edge, piece in zip([*edges.tolist(), None], np.split(events, edges), strict=True):
            if len(piece):
                held.append(piece.copy() if edge is None and len(edges) else piece)
            if edge is not None:
                yield np.concatenate(held), int(events["ts_recv"][edge])
                held = []
        day = int(days[-1])
    if held:
        yield np.concatenate(held), None


def _markers(
    events: Events,
    instrument: Instrument,
    calendar: Calendar,
    highest: int = _BEGINNING,
    *,
    first: bool = True,
) -> list[tuple[int, int, Phase]]:
    """``(index, ts, phase)`` of each marker to insert, ascending.

    ``highest`` is the greatest ``ts_event`` before these events, which are not the ``first`` ones then.
    """
    now = np.maximum(np.maximum.accumulate(events["ts_event"]), highest)
    marker = events["kind"] == Kind.SESSION
    opens = np.flatnonzero(marker & (events["action"] == Phase.OPEN))
    closes = np.flatnonzero(marker & (events["action"] == Phase.CLOSED))
    if not instrument.hours:
        return [] if len(opens) or len(closes) else [(0, int(now[0]), Phase.OPEN)]
    days = session_days(now, instrument)
    opened = set(days[opens].tolist())
    out: list[tuple[int, int, Phase]] = []
    for day in np.unique(days).tolist():
        bounds = calendar.session(instrument, _EPOCH + timedelta(days=day))
        if bounds is None:
            continue
        begin = int(np.searchsorted(now, bounds.open_ns, side="left"))
        end = int(np.searchsorted(now, bounds.close_ns, side="right"))
        if begin >= end:
            continue
        if day not in opened:
            out.append((begin, bounds.open_ns, Phase.OPEN))
        # A close before the opening says that the market was closed overnight, not when this session ends.
        if not (days[closes[closes >= begin]] == day).any():
            out.append((end, bounds.close_ns, Phase.CLOSED))
    earliest = min([index for index, _, _ in out] + opens[:1].tolist() + closes[:1].tolist(), default=-1)
    if first and earliest != 0:
        out.insert(0, (0, int(now[0]), Phase.CLOSED))
    return out


def _insert(
    events: Events,
    markers: list[tuple[int, int, Phase]],
    previous: int | None = None,
    following: int | None = None,
) -> Events:
    """Insert markers; ``previous`` and ``following`` are the receive times of the neighbours of ``events``."""
    inside = np.concatenate(([False], (events["flags"] & int(Flag.MORE)) != 0))
    inside[-1] = False
    records = np.zeros(len(markers), EVENT)
    places = []
    for record, (index, ts, phase) in zip(records, markers, strict=True):
        while inside[index]:
            index += 1
        before = int(events["ts_recv"][index - 1]) if index else previous
        after = int(events["ts_recv"][index]) if index < len(events) else following
        recv = ts if after is None else min(ts, after)
        record["ts_event"] = ts
        record["ts_recv"] = recv if before is None else max(recv, before)
        record["kind"], record["action"] = Kind.SESSION, phase
        places.append(index)
    return np.insert(events, places, records)
