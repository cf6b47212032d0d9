"""One door to any data: a lake, a raw file, or the folder of a set."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quantumtrader._protocols import Pack
from quantumtrader._records import pack_events
from quantumtrader.data.calendar import Calendar
from quantumtrader.data.contracts import Symbol, front_contract, is_series, parse_symbol
from quantumtrader.data.contracts import instrument as find_instrument
from quantumtrader.data.importers import IMPORTERS, Imported, Importer, Options, Rejected, _parquet
from quantumtrader.data.importers import _text as text
from quantumtrader.data.importers._nearest import nearest
from quantumtrader.data.journal import SUFFIX
from quantumtrader.data.lake import Lake
from quantumtrader.data.sessions import session_days, with_sessions
from quantumtrader.exceptions import (
    ConfigError,
    DataAccessError,
    DataError,
    DataFormatError,
    EmptyDataError,
    UnknownInstrumentError,
)
from quantumtrader.types import Events, Flag, Instrument, Kind

if TYPE_CHECKING:
    from quantumtrader.config import Settings

_SHOWN = 5
_HEADER = 1_000
"""Characters of a first line that are looked at for names of columns."""
_NOT_DATA = (".md", ".rst", ".html", ".toml", ".pdf")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Events that are ready to replay.

    Parameters
    ----------
    events : Events, shape (n,)
        In stream order, ``sequence`` 0, 1, 2, ….
    instrument : Instrument
        With the tick on which the events are: finer than the exchange's for an adjusted series.
    description : str
        One line: where from, how many of what, which days.
    rejected : list of Rejected
        Source rows that are not among the events.
    notes : list of str
        What the importer assumed or left out.
    """

    events: Events
    instrument: Instrument
    description: str
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_importer(path: Path, format: str | None = None) -> Importer:
    """Return the importer for a path.

    Parameters
    ----------
    path : Path
        A file, the folder of a set, or the prefix of one.
    format : str, optional
        Name of a format; found by looking at the file when left out.

    Raises
    ------
    DataError
        There is nothing at ``path``.
    EmptyDataError
        The file has no bytes.
    DataFormatError
        No format fits, or several do; the message lists what was tried.
    """
    names = ", ".join(importer.name for importer in IMPORTERS)
    if format is not None:
        for importer in IMPORTERS:
            if importer.name == format:
                return importer
        raise DataFormatError(f"no format {format!r}", path=path, remedy=f"Use one of {names}")
    if path.is_file() and not os.access(path, os.R_OK):
        raise DataAccessError("may not be read", path=path, remedy="Check the permissions of the file")
    if path.is_file() and path.stat().st_size == 0:
        raise EmptyDataError("the file is empty", path=path, remedy="Export or download it again")
    fitting = [importer for importer in IMPORTERS if importer.sniff(path)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and not path.exists():
        raise DataAccessError("no such file or folder", path=path, remedy="Check the path")
    if not fitting:
        raise DataFormatError(f"is in no format that is known: {_seen(path)}", path=path, remedy=_known())
    raise DataFormatError(
        f"fits several formats: {', '.join(importer.name for importer in fitting)}",
        path=path,
        remedy="Choose one with --format",
    )


def _seen(path: Path) -> str:
    """What is in a file that nobody recognises."""
    try:
        if path.stat().st_size == 0:
            return "it is empty"
        if path.name.lower().endswith((".dbn", ".dbn.zst")):
            return "DBN is not read; write the same columns as Parquet, which is the format `mbo`"
        if path.suffix.lower() == ".parquet":
            columns = _parquet.names(path)
            return (
                f"columns {', '.join(columns)}" if columns else "not readable as Parquet; it may be truncated"
            )
        line = (text.head(path, 1) or [""])[0]
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    if not line.replace("\t", " ").isprintable():
        return "not text"
    return nearest(line[:_HEADER]) or f"it starts with {line[:80]!r}"


def _known() -> str:
    width = max(len(importer.name) for importer in IMPORTERS)
    formats = "".join(f"\n  {i.name:{width}}  {i.describes}" for i in IMPORTERS)
    return (
        f"The formats are:{formats}\n"
        "Name one with --format to see what does not fit. Bars of any other origin can be read as `bars` once their "
        "columns\nare named timestamp, open, high, low, close, volume (CSV or Parquet), trades and quotes as JSON "
        "lines (`collector`)"
    )


def locate(path: Path, symbol: str, format: str | None = None) -> tuple[Path, Importer]:
    """Find what to read, and with which importer.

    A folder that no importer takes as a whole stands for its only data file, or for the only one whose name
    starts with the symbol.

    Raises
    ------
    DataError
        As ``find_importer``; also when a folder holds several files that could be meant.
    """
    if not path.is_dir():
        return path, find_importer(path, format)
    for importer in IMPORTERS:
        if importer.sniff(path) and format in (None, importer.name):
            return path, importer
    files = [
        p for p in sorted(path.iterdir()) if p.is_file() and p.suffix not in _NOT_DATA and p.name[0] != "."
    ]
    known = [(p, i) for p in files for i in IMPORTERS if i.sniff(p) and format in (None, i.name)]
    wanted = symbol.upper()
    mine = [(p, i) for p, i in known if p.name.upper().startswith(wanted)]
    if len(known) == 1 or len(mine) == 1:
        return (known if len(known) == 1 else mine)[0]
    if journals := [p for p in files if p.suffix == SUFFIX]:
        raise DataError(
            f"is a folder of {len(journals)} journals",
            path=path,
            remedy=f"Give one journal file, such as {journals[0]}, or the lake that `quantumtrader collect --roll-only` "
            "brings them into",
        )
    if not files:
        raise EmptyDataError(
            "is a folder without a data file", path=path, remedy="Name a file, or its folder"
        )
    if not known:
        seen = "".join(f"\n  {p.name}: {_seen(p)}" for p in files[:_SHOWN])
        more = f"\n  and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
        raise DataFormatError(f"holds no file in a known format:{seen}{more}", path=path, remedy=_known())
    raise DataError(
        f"holds several data sets ({', '.join(p.name for p, _ in known)}) and "
        f"{'none starts' if not mine else 'several start'} with {symbol}",
        path=path,
        remedy="Name the file",
    )


def read_source(
    path: Path, instrument: Instrument, importer: Importer, options: Options
) -> Iterator[Imported]:
    """Read a raw source part by part; everything at once when it has to be sorted.

    The notes of the first part begin with it when the name of the source is that of another instrument.

    Raises
    ------
    DataFormatError
        Sorting is asked for, but in this format a row changes what the rows before it have left: sorted events
        would be those of another market.
    """
    notes = _name_note(path, instrument)
    for part in _parts(path, instrument, importer, options):
        part.notes[:0] = notes
        notes = []
        yield part


def _parts(path: Path, instrument: Instrument, importer: Importer, options: Options) -> Iterator[Imported]:
    if options.out_of_order != "sort":
        yield from importer.read(path, instrument, options)
        return
    if not importer.sorts:
        raise DataFormatError(
            f"cannot be sorted: in the format {importer.name} each row builds on the rows before it",
            path=path,
            remedy="Put the file in order, or put late rows aside with --out-of-order reject",
        )
    parts = list(importer.read(path, instrument, options))
    events = np.concatenate([part.events for part in parts])
    order = np.argsort(events["ts_recv"], kind="stable")
    moved = int((order != np.arange(len(order))).sum())
    events = events[order]
    events["sequence"] = np.arange(len(events))
    notes = [note for part in parts for note in part.notes]
    if moved:
        notes.append(f"{moved} events changed place when sorted by time")
    yield Imported(events, parts[-1].instrument, [r for part in parts for r in part.rejected], notes)


def _name_note(path: Path, instrument: Instrument) -> list[str]:
    """Say it when a source is named after another instrument: most formats do not say what they are about.

    A product without a month (``win-2025.csv``) may be any word, and a series is made of its contracts.
    """
    named = _table_symbol(re.match(r"[A-Z0-9$@]*", path.name.upper())[0])  # type: ignore[index]  # it matches always
    if named is None or named.text in (named.product, instrument.symbol):
        return []
    mine = _table_symbol(instrument.symbol)
    if mine is not None and mine.product == named.product and (mine.is_series or named.is_series):
        return []
    return [
        f"{path.name} is named after {named.text}, and was read as {instrument.symbol}: is --symbol the right one?"
    ]


def _table_symbol(text: str) -> Symbol | None:
    try:
        return parse_symbol(text)
    except UnknownInstrumentError:
        return None


def load_events(
    path: Path | str,
    symbol: str,
    settings: Settings | None = None,
    *,
    format: str | None = None,
    options: Options | None = None,
    start: date | None = None,
    end: date | None = None,
    sessions: bool = True,
    pack: Pack = pack_events,
) -> Loaded:
    """Load a lake, a raw file or the folder of a set.

    Parameters
    ----------
    path : path
        Root of a lake, a file, a folder, or a prefix such as ``…/usdm_btcusdt``.
    symbol : str
        Contract, series, or a name under ``[instruments]``.
    settings : Settings, optional
        User-defined instruments and corrections to the calendar.
    format : str, optional
        Importer to use for a raw source.
    options : Options, optional
        How to read a raw source.
    start, end : date, optional
        Sessions to keep, both included; see ``session_days``.
    sessions : bool
        Insert session markers by the instrument's hours.
    pack : callable
        Makes the records of a lake out of its columns: ``core().pack_events`` is faster than the default.

    Raises
    ------
    DataError
        Nothing there, not readable, or not usable; see the importer.
    UnknownInstrumentError
        The symbol is not known.
    """
    if not isinstance(symbol, str):
        raise ConfigError(
            f"symbol is {symbol!r}: give its name, such as 'WDOU25' (of an Instrument, .symbol)"
        )
    path = Path(path)
    instrument = find_instrument(symbol, settings)
    rejected: list[Rejected] = []
    notes: list[str] = []
    if path.is_dir() and Lake.is_lake(path):
        lake = Lake(path, pack=pack)
        events = lake.read(instrument.symbol, start, end)
        instrument = lake.instrument(instrument)
        notes += lake.notes(instrument.symbol, start, end)
        origin = f"{path} (lake)"
    else:
        path, importer = locate(path, symbol, format)
        parts = []
        for part in read_source(path, instrument, importer, options or Options()):
            parts.append(part.events)
            rejected += part.rejected
            notes += part.notes
            instrument = part.instrument
        events = parts[0] if len(parts) == 1 else np.concatenate(parts)
        events = _between(events, instrument, start, end, path)
        origin = f"{path} ({importer.name})"
    notes += _roll_note(events, instrument, Calendar(settings))
    described = describe(origin, events, instrument)
    if sessions:
        events = with_sessions(events, instrument, Calendar(settings))
    return Loaded(events, instrument, described, rejected, notes)


def _between(
    events: Events, instrument: Instrument, start: date | None, end: date | None, path: Path
) -> Events:
    if start is None and end is None:
        return events
    day = session_days(events["ts_recv"], instrument)
    epoch = date(1970, 1, 1)
    keep = np.ones(len(events), bool)
    if start is not None:
        keep &= day >= (start - epoch).days
    if end is not None:
        keep &= day <= (end - epoch).days
    if not keep.any():
        raise no_events(path, start, end, (int(day.min()), int(day.max())) if len(day) else None)
    return events[keep]


def no_events(
    path: Path, start: date | None, end: date | None, days: tuple[int, int] | None
) -> EmptyDataError:
    """Return the error for dates that a recording does not have.

    Parameters
    ----------
    path : Path
        The recording.
    start, end : date or None
        What was asked for.
    days : tuple of int, or None
        First and last session that it does have, in days since 1970; None for an empty one.
    """
    held = "nothing"
    if days is not None:
        first, last = (date(1970, 1, 1) + timedelta(days=day) for day in days)
        held = f"{first}" if first == last else f"{first} to {last}"
    return EmptyDataError(
        f"no events from {start or 'the start'} to {end or 'the end'}: it has {held}",
        path=path,
        remedy="Check the dates",
    )


def _roll_note(events: Events, instrument: Instrument, calendar: Calendar) -> list[str]:
    """Say it when a series goes from one contract to the next and is not known to be adjusted."""
    if not len(events) or not is_series(instrument) or (events["flags"] & int(Flag.ADJUSTED)).any():
        return []
    ends = session_days(events["ts_recv"][[0, -1]], instrument).tolist()
    first, last = (date(1970, 1, 1) + timedelta(days=day) for day in ends)
    try:
        old, new = (front_contract(instrument.product, day, calendar) for day in (first, last))
    except ConfigError:  # a year whose holidays are not published: months still tell
        old, new = (f"the contract of {day:%Y-%m}" for day in (first, last))
    if old == new:
        return []
    return [
        f"{instrument.symbol} goes from {old} to {new} and is not marked as adjusted: unless its source adjusted it, "
        "prices jump at each roll, and results of positions held over one are not real"
    ]


def describe(origin: str, events: Events, instrument: Instrument) -> str:
    """One line about a stream: origin, counts by kind, first and last day."""
    kinds, counts = np.unique(events["kind"], return_counts=True)
    what = ", ".join(
        f"{count:,} {Kind(int(kind)).name.lower()}" for kind, count in zip(kinds, counts, strict=True)
    )
    ends = (
        np.array([events["ts_recv"][0], events["ts_recv"][-1]], np.int64)
        if len(events)
        else np.zeros(0, np.int64)
    )
    days = [str(np.datetime64(int(d), "D")) for d in session_days(ends, instrument)]
    span = "" if not days else f", {days[0]}" + (f" to {days[-1]}" if days[-1] != days[0] else "")
    made = " [synthetic]" if len(events) and (events["flags"] & int(Flag.SYNTHETIC)).any() else ""
    return f"{instrument.symbol} from {origin}: {what}{span}{made}"
