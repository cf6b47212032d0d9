"""What a pipeline reads: whole sessions of one instrument, as often as it needs them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader.data.calendar import Calendar
from quantumtrader.data.contracts import front_contract
from quantumtrader.data.sessions import session_days
from quantumtrader.data.source import load_events
from quantumtrader.data.stream import stream_events
from quantumtrader.exceptions import ConfigError, DataError, EmptyDataError
from quantumtrader.training.dataset import gap_sessions
from quantumtrader.types import Events, Flag, Instrument, Kind

if TYPE_CHECKING:
    from quantumtrader.config import Settings
    from quantumtrader.data.importers import Options

__all__ = ["Recording", "Survey"]

Int64 = npt.NDArray[np.int64]

_HELD_BYTES = 1 << 29
"""A recording of up to this size is kept in memory; a larger one is read again for each pass."""
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Survey:
    """What is in a recording, before anything is computed from it.

    Parameters
    ----------
    days : ndarray of int64
        Session dates as days since 1970, ascending.
    contracts : tuple of str
        Contract in front on each; empty where the product has no table.
    events : int
        Without session markers.
    kinds : tuple of str
        Kinds of events, by name.
    bar_ns : int
        Length of bars; 0 without bars.
    synthetic : bool
        Whether a generator made any of it.
    sha256 : str
        Of the records.
    """

    days: Int64
    contracts: tuple[str, ...]
    events: int
    kinds: tuple[str, ...]
    bar_ns: int
    synthetic: bool
    sha256: str

    @property
    def first_date(self) -> date:
        """First session. An engine counts with its hours, as a replay of the recording does."""
        return _EPOCH + timedelta(days=int(self.days[0]))

    @property
    def has_bars(self) -> bool:
        """Whether prices come as bars."""
        return "BAR" in self.kinds

    @property
    def has_book(self) -> bool:
        """Whether there is an order book or a ladder of levels."""
        return not {"ORDER", "LEVEL"}.isdisjoint(self.kinds)

    @property
    def has_touch(self) -> bool:
        """Whether best bid and ask are known."""
        return self.has_book or "QUOTE" in self.kinds


class Recording:
    """Whole sessions of one instrument, readable more than once.

    Parameters
    ----------
    instrument : Instrument
        With the tick on which the events are.
    sessions : callable
        Returns an iterator over the events of one session after the other, markers included.
    origin : str
        Where it comes from, in words.
    notes : list of str, optional
        What the importer assumed.
    """

    def __init__(
        self,
        instrument: Instrument,
        sessions: Callable[[], Iterable[Events]],
        origin: str,
        notes: list[str] | None = None,
    ) -> None:
        self.instrument = instrument
        self.origin = origin
        # Not a copy: a part shares those of the whole, and some are known only after a pass.
        self.notes: list[str] = [] if notes is None else notes
        self._sessions = sessions
        self._held: list[Events] | None = None
        self._survey: Survey | None = None

    @classmethod
    def of(cls, parts: Iterable[Events], instrument: Instrument, origin: str = "events") -> Recording:
        """Take sessions that are in memory."""
        held = list(parts)
        return cls(instrument, lambda: held, origin)

    @classmethod
    def joined(cls, parts: Sequence[Recording]) -> Recording:
        """Put recordings of one instrument behind one another, by their first sessions.

        Raises
        ------
        ConfigError
            There is none, or they are of different instruments.
        """
        if not parts:
            raise ConfigError("a recording of several files: none is given")
        ordered = sorted(parts, key=lambda part: int(part.survey().days[0]))
        first = ordered[0]
        for other in ordered[1:]:
            if other.instrument != first.instrument:
                raise ConfigError(
                    f"a recording of several files: {other.origin} is of another instrument than {first.origin}, or on "
                    "another tick; import both into a lake first"
                )

        def sessions() -> Iterator[Events]:
            count = 0
            for part in ordered:
                for events in part.sessions():
                    numbered = events.copy()  # one stream: numbered on from file to file
                    numbered["sequence"] = np.arange(count, count + len(events))
                    count += len(events)
                    yield numbered

        notes = list(dict.fromkeys(note for part in ordered for note in part.notes))
        return cls(first.instrument, sessions, ", ".join(part.origin for part in ordered), notes)

    @classmethod
    def open(
        cls,
        path: Path | str | Sequence[Path | str],
        symbol: str,
        settings: Settings | None = None,
        *,
        format: str | None = None,
        options: Options | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> Recording:
        """Open a lake, a raw file or a folder, or several files; see ``quantumtrader.data.stream.stream_events``.

        Dates choose among the sessions of all files together: one that has none of them is left out.
        """
        if not isinstance(path, (Path, str)):
            whole = cls.joined(
                [cls.open(one, symbol, settings, format=format, options=options) for one in path]
            )
            if start is None and end is None:
                return whole
            chosen = whole.between(start, end)
            chosen.origin += f" from {start or 'the start'} to {end or 'the end'}"
            return chosen
        pack = _backend.core().pack_events
        stream = stream_events(
            path, symbol, settings, format=format, options=options, start=start, end=end, pack=pack
        )
        if not stream.instrument.hours:  # parts are not sessions then
            loaded = load_events(
                path, symbol, settings, format=format, options=options, start=start, end=end, pack=pack
            )
            found = cls.of([loaded.events], loaded.instrument, stream.origin)
            found.notes = _noted(loaded.notes, len(loaded.rejected))
            return found
        first = [stream]

        def sessions() -> Iterator[Events]:
            opened = (
                first.pop()
                if first
                else stream_events(
                    path, symbol, settings, format=format, options=options, start=start, end=end, pack=pack
                )
            )
            yield from opened
            found.notes[:] = _noted(opened.notes, len(opened.rejected))

        found = cls(stream.instrument, sessions, stream.origin)
        return found

    def between(self, start: date | None, end: date | None) -> Recording:
        """Return the sessions from one date to another, both included; without hours the events of these dates."""
        first = -(1 << 62) if start is None else (start - _EPOCH).days
        last = 1 << 62 if end is None else (end - _EPOCH).days

        def sessions() -> Iterator[Events]:
            for part in self.sessions():
                if self.instrument.hours:
                    if first <= self.day_of(part) <= last:
                        yield part
                else:  # parts are not sessions
                    days = session_days(part["ts_recv"], self.instrument)
                    yield part[(first <= days) & (days <= last)]

        return Recording(self.instrument, sessions, self.origin, self.notes)

    def sessions(self, days: Int64 | None = None) -> Iterator[Events]:
        """Yield the events of each session, or of those on some days (since 1970)."""
        held = self._held
        for part in self._sessions() if held is None else held:
            if len(part) and (days is None or self.day_of(part) in days):
                yield part

    def day_of(self, part: Events) -> int:
        """Session date of a part, as days since 1970."""
        body = part[part["kind"] != Kind.SESSION]
        ts = (body if len(body) else part)["ts_event"]
        return int(np.median(session_days(ts.astype(np.int64), self.instrument)))

    def session_before(self, day: int) -> date | None:
        """Return the session before one of its sessions (days since 1970): its own, else the calendar's; None: not known."""
        earlier = self.survey().days
        earlier = earlier[earlier < day]
        if len(earlier):
            return _EPOCH + timedelta(days=int(earlier[-1]))
        return Calendar().previous_session(self.instrument, _EPOCH + timedelta(days=day))

    def gap_sessions(self) -> Int64:
        """Return the sessions with a gap marker, as days since 1970."""
        return np.unique(np.concatenate([gap_sessions(part, self.instrument) for part in self.sessions()]))

    def survey(self, calendar: Calendar | None = None) -> Survey:
        """Read everything once; what is small enough stays in memory.

        Raises
        ------
        EmptyDataError
            There are no events.
        DataError
            A session comes in pieces.
        """
        if self._survey is not None:
            return self._survey
        digest = hashlib.sha256()
        days: list[int] = []
        kinds: set[int] = set()
        lengths: list[int] = []
        held: list[Events] | None = []
        size = events = 0
        synthetic = False
        for part in self.sessions():
            marker = part["kind"] == Kind.SESSION
            digest.update(np.ascontiguousarray(part).tobytes())
            kinds |= set(np.unique(part["kind"]).tolist())
            synthetic = synthetic or bool((part["flags"] & int(Flag.SYNTHETIC)).any())
            events += int((~marker).sum())
            bars = part[part["kind"] == Kind.BAR]
            if len(bars):
                lengths.append(int(np.median(bars["ts_event"] - bars["id"])))
            if not marker.all():
                days.append(self.day_of(part))
            size += part.nbytes
            if held is not None:
                held = None if size > _HELD_BYTES else [*held, part]
        if not events:
            raise EmptyDataError(f"{self.origin}: there are no events")
        if len(set(days)) < len(days) or days != sorted(days):
            raise DataError(
                f"{self.origin}: sessions come in pieces or out of order",
                remedy="Import it into a lake first, or give the hours of the market (--hours)",
            )
        if self._held is None:
            self._held = held
        self._survey = Survey(
            days=np.array(days, np.int64),
            contracts=self._contracts(days, calendar or Calendar()),
            events=events,
            kinds=tuple(Kind(k).name for k in sorted(kinds - {int(Kind.SESSION)})),
            bar_ns=int(np.median(lengths)) if lengths else 0,
            synthetic=synthetic,
            sha256=digest.hexdigest(),
        )
        return self._survey

    def _contracts(self, days: list[int], calendar: Calendar) -> tuple[str, ...]:
        try:
            return tuple(
                front_contract(self.instrument.product, _EPOCH + timedelta(days=d), calendar) for d in days
            )
        except ConfigError:  # a product without a table, or years without published holidays
            return ("",) * len(days)


def _noted(notes: list[str], rejected: int) -> list[str]:
    return [*notes, f"{rejected} rows of the source were rejected"] if rejected else list(notes)
