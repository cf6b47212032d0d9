"""A recording in parts: the events of ``load_events``, with no more than one session in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quantumtrader._protocols import Pack
from quantumtrader._records import pack_events
from quantumtrader.data.calendar import Calendar
from quantumtrader.data.contracts import instrument as find_instrument
from quantumtrader.data.importers import Imported, Options, Rejected
from quantumtrader.data.lake import Lake
from quantumtrader.data.sessions import session_days, with_sessions_in_parts
from quantumtrader.data.source import locate, no_events, read_source
from quantumtrader.exceptions import DataError, EmptyDataError
from quantumtrader.types import Events, Instrument

if TYPE_CHECKING:
    from quantumtrader.config import Settings

_EPOCH = date(1970, 1, 1)


@dataclass(slots=True)
class EventStream:
    """A recording that is read while it is iterated over, once.

    Parameters
    ----------
    instrument : Instrument
        With the tick on which the events are.
    origin : str
        Where they come from.
    parts : iterator of Events
        Together the events of ``load_events``, session markers included.
    total : int or None
        Events in the source, where that is known before reading.
    rejected : list of Rejected
        Source rows that are not among the events; complete when the iteration is.
    notes : list of str
        What the importer assumed or left out; complete when the iteration is.
    """

    instrument: Instrument
    origin: str
    parts: Iterator[Events]
    total: int | None = None
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Events]:
        return self.parts


def stream_events(
    path: Path | str,
    symbol: str,
    settings: Settings | None = None,
    *,
    format: str | None = None,
    options: Options | None = None,
    start: date | None = None,
    end: date | None = None,
    pack: Pack = pack_events,
) -> EventStream:
    """Open a lake, a raw file or the folder of a set for reading in parts.

    A lake is read session by session. A raw file is read in the importer's parts, and a session is held back until
    it is complete, because where its markers go is known only then; the parts of a market without hours pass
    straight through. Sorting (``out_of_order="sort"``) needs the whole file.

    Parameters and errors are those of :func:`quantumtrader.data.source.load_events`; errors in the data come while
    reading.
    """
    path = Path(path)
    instrument = find_instrument(symbol, settings)
    calendar = Calendar(settings)
    if path.is_dir() and Lake.is_lake(path):
        lake = Lake(path, pack=pack)
        days = [
            day
            for day in lake.dates(instrument.symbol)
            if (start is None or day >= start) and (end is None or day <= end)
        ]
        if not days:
            lake.read(instrument.symbol, start, end)  # raises, in its own words
        symbol = instrument.symbol
        instrument = lake.instrument(instrument)
        sessions = (lake.read(symbol, day, day) for day in days)
        return EventStream(
            instrument,
            f"{path} (lake)",
            with_sessions_in_parts(sessions, instrument, calendar),
            lake.count(symbol, start, end),
            notes=lake.notes(symbol, start, end),
        )
    path, importer = locate(path, instrument.symbol, format)
    imported = read_source(path, instrument, importer, options or Options())
    try:
        first = next(imported)
    except StopIteration:
        raise EmptyDataError("there are no events", path=path, remedy="Export or download it again") from None
    stream = EventStream(first.instrument, f"{path} ({importer.name})", iter(()))
    parts = _raw(chain((first,), imported), stream, path, start, end)
    stream.parts = with_sessions_in_parts(parts, first.instrument, calendar)
    return stream


def _raw(
    parts: Iterator[Imported], stream: EventStream, path: Path, start: date | None, end: date | None
) -> Iterator[Events]:
    some = False
    held: tuple[int, int] | None = None
    for part in parts:
        if part.instrument.tick_size != stream.instrument.tick_size:
            raise DataError(
                f"the tick of the prices changes inside the source, from {stream.instrument.tick_size:g} to "
                f"{part.instrument.tick_size:g}",
                path=path,
                remedy="Import it into a lake first",
            )
        stream.rejected += part.rejected
        stream.notes += part.notes
        events = part.events
        if start is not None or end is not None:
            day = session_days(events["ts_recv"], stream.instrument)
            if len(day):
                ends = int(day.min()), int(day.max())
                held = ends if held is None else (min(held[0], ends[0]), max(held[1], ends[1]))
            keep = np.ones(len(events), bool)
            if start is not None:
                keep &= day >= (start - _EPOCH).days
            if end is not None:
                keep &= day <= (end - _EPOCH).days
            events = events[keep]
        some = some or len(events) > 0
        yield events
    if not some:
        raise no_events(path, start, end, held)
