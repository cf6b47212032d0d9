"""From journals into the lake: whole sessions, verified by reading them back, resumable after a kill.

All journals of a symbol that share a session become one session of the lake. Where a recording was restarted, a gap
marker stands between its parts, and the sequences of the later part go on after it. Beside the lake's files lies what
``validate`` needs: the lines of the sidecars (``recorded/symbol=…/date=….jsonl``) and a note of what was rolled
(``….json``), which is also what makes a second roll a matter of looking.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from quantumtrader.data._lock import SymbolLock, is_locked
from quantumtrader.data.contracts import instrument as find_instrument
from quantumtrader.data.journal import SUFFIX, JournalHeader, JournalReader
from quantumtrader.data.lake import FOLDERS, Lake
from quantumtrader.data.sequences import Sequences
from quantumtrader.data.sessions import session_days
from quantumtrader.data.sidecar import read_sidecar, sidecar_of
from quantumtrader.exceptions import DataAccessError, DataError, DataFormatError
from quantumtrader.types import EVENT, VIEWS, Events, Instrument, Kind

if TYPE_CHECKING:
    from quantumtrader.config import Settings

__all__ = ["Rolled", "journals_in", "recorded_lines", "roll", "rolled_note"]

_EPOCH = date(1970, 1, 1)
_FOLDER_OF = {int(kind): view.lake for kind, view in VIEWS.items()}
Digests = dict[str, dict[str, str]]
"""Of the records of each session (ISO date) and kind of file."""


@dataclass(frozen=True, slots=True)
class Rolled:
    """What became of the journals of one symbol that share sessions.

    Parameters
    ----------
    symbol : str
        The instrument.
    journals : tuple of Path
        In the order in which they were recorded.
    state : {"rolled", "unchanged", "recording", "refused"}
        ``unchanged``: the lake had it all. ``recording``: one of them is still being written, so none was touched.
    dates : tuple of date
        Sessions in the lake now.
    events : int
        Records in them, without what other instruments have.
    notes : tuple of str
        What is worth knowing, or why it was refused.
    deleted : tuple of Path
        Journals that were removed because the lake has all of them.
    """

    symbol: str
    journals: tuple[Path, ...]
    state: Literal["rolled", "unchanged", "recording", "refused"]
    dates: tuple[date, ...] = ()
    events: int = 0
    notes: tuple[str, ...] = ()
    deleted: tuple[Path, ...] = ()


@dataclass(slots=True)
class _Source:
    """One journal, as far as one symbol is concerned."""

    path: Path
    header: JournalHeader
    index: int
    first_day: int
    last_day: int
    events: int
    size: int
    notes: list[str] = field(default_factory=list)
    complete: bool = True
    """Whether no sequence number is missing without a gap marker."""
    offset: int = 0
    """What was added to its sequences."""
    last_ns: int = 0
    """Greatest exchange time."""
    last_recv_ns: int = 0
    """When that one was received."""
    first_trade_ns: int | None = None
    days_on: int = 0
    """Days from the date of receipt to that of the exchange's time."""

    @property
    def begins_ns(self) -> int:
        """Exchange time at which its market goes on: images of the book have older times, trades have not."""
        return self.last_ns if self.first_trade_ns is None else self.first_trade_ns


def journals_in(folder: Path) -> list[Path]:
    """Every journal of a folder, by name."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def recorded_lines(lake: Lake, symbol: str, start: date | None, end: date | None) -> list[dict[str, Any]]:
    """Read the sidecars' lines of some sessions; empty where nothing was recorded live."""
    lines: list[dict[str, Any]] = []
    for path in sorted((lake.root / "recorded" / f"symbol={symbol}").glob("date=*.jsonl")):
        day = date.fromisoformat(path.stem.removeprefix("date="))
        if (start is None or day >= start) and (end is None or day <= end):
            lines += read_sidecar(path)
    return lines


def roll(
    folder: Path,
    lake: Lake,
    settings: Settings | None = None,
    *,
    keep_days: int | None = None,
    now_ns: int,
    until_damage: bool = False,
) -> list[Rolled]:
    """Bring every journal of a folder into the lake.

    Parameters
    ----------
    folder : Path
        Of the journals.
    lake : Lake
        Where to.
    settings : Settings, optional
        User-defined instruments.
    keep_days : int, optional
        Remove journals that are older, once each of their records has been read back from the lake; by default
        they are kept.
    now_ns : int
        The time, ns UTC.
    until_damage : bool
        Take what comes before damage; by default a damaged journal is refused.

    Returns
    -------
    list of Rolled
        One per symbol and stretch of sessions. What is refused does not stop the others.

    Raises
    ------
    DataAccessError
        Another roll of this folder is at work, or the lake cannot be written.
    """
    if not folder.is_dir():
        return []
    lock = SymbolLock(folder, "roll!")
    try:
        found, broken = _sources(folder, settings, until_damage)
        results = [
            Rolled(path.stem, (path,), "refused", notes=(str(error),)) for path, (_, error) in broken.items()
        ]
        for symbol, sources in found.items():
            instrument = _instrument(symbol, sources[0].header, settings)
            sources, again = _played_again(sources)
            results += [Rolled(symbol, (s.path,), "refused", notes=(note,)) for s, note in again]
            for group in _groups(sources):
                if is_locked(folder, symbol) and sources[-1] in group:
                    results.append(Rolled(symbol, tuple(s.path for s in group), "recording"))
                    continue
                if (missing := _missing(broken, instrument, group)) is not None:
                    note = f"{missing.name} holds a part of this session and cannot be read: half of it is not taken"
                    results.append(Rolled(symbol, tuple(s.path for s in group), "refused", notes=(note,)))
                    continue
                try:
                    results.append(_roll_group(lake, instrument, group, until_damage))
                except DataError as error:
                    if isinstance(error, DataAccessError) and error.path == lake.root:
                        raise  # the disk, not these journals
                    paths = tuple(s.path for s in group)
                    results.append(Rolled(symbol, paths, "refused", notes=(str(error),)))
        return results if keep_days is None else _delete(results, lake, keep_days, now_ns)
    finally:
        lock.release()


def _instrument(symbol: str, header: JournalHeader, settings: Settings | None) -> Instrument:
    row = header.instruments[[r.symbol for r in header.instruments].index(symbol)]
    return replace(find_instrument(symbol, settings), tick_size=row.tick_size)


_Broken = dict[Path, tuple[JournalHeader | None, DataError]]


def _sources(
    folder: Path, settings: Settings | None, until_damage: bool
) -> tuple[dict[str, list[_Source]], _Broken]:
    """Every symbol with its journals in the order of recording, and the journals that cannot be read."""
    found: dict[str, list[_Source]] = {}
    broken: _Broken = {}
    for path in journals_in(folder):
        header = None
        try:
            header = JournalReader(path).header
            for symbol, source in list(_scan(path, settings, until_damage)):
                found.setdefault(symbol, []).append(source)
        except DataError as error:
            broken[path] = (header, error)
    ordered = {s: sorted(found[s], key=lambda x: (x.header.created_ns, x.path.name)) for s in sorted(found)}
    return ordered, broken


def _missing(broken: _Broken, instrument: Instrument, group: list[_Source]) -> Path | None:
    """Return a journal that cannot be read and may hold a part of this group's sessions."""
    for path, (header, _) in broken.items():
        if header is None or instrument.symbol not in (row.symbol for row in header.instruments):
            continue
        day = int(session_days(np.array([header.created_ns], np.int64), instrument)[0])
        if min(s.first_day - s.days_on for s in group) <= day <= max(s.last_day - s.days_on for s in group):
            return path
    return None


def _scan(path: Path, settings: Settings | None, until_damage: bool) -> Iterator[tuple[str, _Source]]:
    """Read a journal once: which instruments it has records of, and of which sessions."""
    reader = JournalReader(path, until_damage=until_damage)
    rows = {row.index: row.symbol for row in reader.header.instruments}
    instruments = {index: _instrument(symbol, reader.header, settings) for index, symbol in rows.items()}
    seen: dict[int, _Source] = {}
    sequences = Sequences()
    for events in reader:
        sequences.add(events)
        for index in np.unique(events["instrument"]).tolist():
            if index not in rows:
                raise DataFormatError(
                    f"holds events of instrument {index}, which its header does not name",
                    path=path,
                    remedy="It was not written by quantumtrader, or by a feed with more instruments than it said",
                )
            days = session_days(events["ts_recv"][events["instrument"] == index], instruments[index])
            low, high = int(days.min()), int(days.max())
            source = seen.setdefault(index, _Source(path, reader.header, index, low, high, 0, 0))
            source.first_day, source.last_day = min(source.first_day, low), max(source.last_day, high)
            source.events += len(days)
            mine = events[events["instrument"] == index]
            latest = int(np.argmax(mine["ts_event"]))
            if (ts := int(mine["ts_event"][latest])) > source.last_ns:
                source.last_ns, source.last_recv_ns = ts, int(mine["ts_recv"][latest])
            trades = mine["ts_event"][mine["kind"] == Kind.TRADE]
            if source.first_trade_ns is None and len(trades):
                source.first_trade_ns = int(trades[0])
    for index, source in seen.items():
        ends = np.array([source.last_recv_ns, source.last_ns], np.int64)
        received, happened = session_days(ends, instruments[index]).tolist()
        source.days_on = happened - received
        source.first_day += source.days_on
        source.last_day += source.days_on
        source.size = reader.end
        source.complete = sequences.complete
        if not sequences.complete:
            source.notes.append(
                f"{path.name}: {sequences.holes:,} events are missing and {sequences.backwards:,} out of order without a "
                f"gap marker, first at sequence {sequences.first_place:,}"
            )
        if reader.torn:
            source.notes.append(f"{path.name}: the last {reader.torn:,} bytes were not written to the end")
        if reader.damage is not None:
            source.notes.append(f"taken until the damage: {reader.damage}")
        yield rows[index], source


def _played_again(sources: list[_Source]) -> tuple[list[_Source], list[tuple[_Source, str]]]:
    """Part synthetic recordings that go on from those whose market starts over: one session holds one market."""
    good: list[_Source] = []
    again = []
    for source in sorted(sources, key=lambda s: s.first_day):  # stable: of one day, in the order of recording
        before = good[-1] if good else None
        if (
            before is not None
            and source.header.synthetic
            and before.header.synthetic
            and source.first_day <= before.last_day
            and source.begins_ns <= before.last_ns
        ):
            day = _EPOCH + timedelta(days=source.first_day)
            note = (
                f"{source.path.name}: the simulated market of {day} starts over, and the lake takes that day from "
                f"{before.path.name}: move one of the two journals away, or roll it into a lake of its own"
            )
            again.append((source, note))
        else:
            good.append(source)
    return good, again


def _groups(sources: list[_Source]) -> list[list[_Source]]:
    """Put journals together that share a session."""
    groups: list[list[_Source]] = []
    for source in sources:
        if groups and source.first_day <= max(s.last_day for s in groups[-1]):
            groups[-1].append(source)
        else:
            groups.append([source])
    return groups


def _roll_group(lake: Lake, instrument: Instrument, group: list[_Source], until_damage: bool) -> Rolled:
    symbol = instrument.symbol
    paths = tuple(source.path for source in group)
    notes = tuple(dict.fromkeys(note for source in group for note in source.notes))
    span = range(min(s.first_day for s in group), max(s.last_day for s in group) + 1)
    days = [_EPOCH + timedelta(days=day) for day in span]
    about = [rolled_note(lake, symbol, day) for day in days]
    journals = [{"name": s.path.name, "events": s.events, "size": s.size} for s in group]
    known = [note for note in about if note is not None]
    if known and all(note["complete"] and note["journals"] == journals for note in known):
        dates = tuple(day for day, note in zip(days, about, strict=True) if note is not None)
        if all(not lake.publishing(symbol, day).exists() for day in dates) and set(dates) <= set(
            lake.dates(symbol)
        ):
            return Rolled(symbol, paths, "unchanged", dates, sum(int(n["events"]) for n in known), notes)
    gone = {j["name"] for note in known for j in note["journals"]} - {s.path.name for s in group}
    if gone:
        raise DataFormatError(
            f"{symbol}: the lake's session came from journals that are not there any more ({', '.join(sorted(gone))})",
            path=paths[0],
            remedy="Put them back to roll them together with this one, or move this one away",
        )
    for day in days if known else ():  # what was rolled before is replaced as a whole
        _write_note(lake, symbol, day, {"complete": False, "journals": journals, "events": 0, "digests": {}})
    with lake.writer(instrument, source=group[0].header.source, overwrite=bool(known)) as writer:
        writer.notes += notes
        if len(group) > 1:
            writer.notes.append(f"recorded in {len(group)} parts, with a gap marker between them")
        made = _Digests(instrument)
        for events, days_on in _stream(group, until_damage):
            writer.add(events, days_on=days_on)
            made.add(events, days_on)
        for day in writer.dates:  # from here on a second roll may replace what this one leaves unfinished
            _write_note(
                lake, symbol, day, {"complete": False, "journals": journals, "events": 0, "digests": {}}
            )
    digests = made.result()
    _verify(lake, symbol, digests, paths)
    _write_lines(lake, instrument, group, writer.dates)
    for day in days:
        if day not in writer.dates:
            _note_path(lake, symbol, day).unlink(missing_ok=True)
    for day in writer.dates:
        count = made.events[str(day)]
        _write_note(
            lake,
            symbol,
            day,
            {
                "complete": True,
                "journals": journals,
                "events": count,
                "digests": digests[str(day)],
                "sequences_complete": all(source.complete for source in group),
            },
        )
    return Rolled(symbol, paths, "rolled", tuple(writer.dates), sum(made.events.values()), notes)


def _stream(group: list[_Source], until_damage: bool) -> Iterator[tuple[Events, int]]:
    """Events of one symbol from all its journals, one after the other, and how many days on their session is."""
    last: int | None = None
    for source in group:
        begun = False
        for events in JournalReader(source.path, until_damage=until_damage):
            mine = events[events["instrument"] == source.index]
            if not len(mine):
                continue
            mine["instrument"] = 0
            if not begun:
                begun = True
                source.offset = 0
                if last is not None:
                    source.offset = max(0, last + 2 - int(mine["sequence"][0]))
                    gap = np.zeros(1, EVENT)
                    gap["kind"], gap["sequence"] = Kind.GAP, last + 1
                    gap["ts_event"], gap["ts_recv"] = mine["ts_event"][0], mine["ts_recv"][0]
                    yield gap, source.days_on
            mine["sequence"] += source.offset
            last = int(mine["sequence"][-1])
            yield mine, source.days_on


class _Digests:
    """Of the records of each session and kind, in stream order."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._made: dict[str, dict[str, Any]] = {}
        self.events: dict[str, int] = {}

    def add(self, events: Events, days_on: int) -> None:
        days = np.maximum.accumulate(session_days(events["ts_recv"], self._instrument)) + days_on
        for day in np.unique(days).tolist():
            name = str(_EPOCH + timedelta(days=day))
            mine = events[days == day]
            self.events[name] = self.events.get(name, 0) + len(mine)
            folders = self._made.setdefault(name, {})
            for folder in FOLDERS:
                kinds = [kind for kind, own in _FOLDER_OF.items() if own == folder]
                part = mine[np.isin(mine["kind"], kinds)]
                if len(part):
                    folders.setdefault(folder, hashlib.blake2b(digest_size=16)).update(part.tobytes())

    def result(self) -> Digests:
        return {
            day: {folder: made.hexdigest() for folder, made in folders.items()}
            for day, folders in self._made.items()
        }


def _verify(lake: Lake, symbol: str, digests: Digests, paths: Iterable[Path]) -> None:
    """Read the sessions back.

    Raises
    ------
    DataFormatError
        The lake does not hold what the journals do.
    """
    for day, expected in digests.items():
        found: dict[str, str] = {}
        for folder in FOLDERS:
            digest, any_record = hashlib.blake2b(digest_size=16), False
            for events in lake.records(folder, symbol, date.fromisoformat(day)):
                digest.update(events.tobytes())
                any_record = True
            if any_record:
                found[folder] = digest.hexdigest()
        if found != expected:
            wrong = sorted(f for f in {*found, *expected} if found.get(f) != expected.get(f))
            raise DataFormatError(
                f"{symbol}: {', '.join(wrong)} of {day} in the lake are not what was recorded",
                path=lake.file(wrong[0], symbol, date.fromisoformat(day)),
                remedy="The journals are kept ("
                + ", ".join(p.name for p in paths)
                + "): check the disk and roll again",
            )


def _write_lines(lake: Lake, instrument: Instrument, group: list[_Source], dates: list[date]) -> None:
    """Put the sidecars' lines of each session beside the lake, with the sequences that its events have there."""
    lines: dict[date, list[str]] = {day: [] for day in dates}
    for source in group:
        for line in read_sidecar(sidecar_of(source.path)):
            if line.get("symbol", instrument.symbol) != instrument.symbol:
                continue
            if "sequence" in line:
                line["sequence"] += source.offset
            stamp = np.array([line["ts"]], np.int64)
            day = _EPOCH + timedelta(days=int(session_days(stamp, instrument)[0]) + source.days_on)
            nearest = min(dates, key=lambda d: abs((d - day).days))
            lines[nearest].append(json.dumps(line, ensure_ascii=False) + "\n")
    for day, text in lines.items():
        _replace(_note_path(lake, instrument.symbol, day).with_suffix(".jsonl"), "".join(text))


def _note_path(lake: Lake, symbol: str, day: date) -> Path:
    return lake.root / "recorded" / f"symbol={symbol}" / f"date={day}.json"


def rolled_note(lake: Lake, symbol: str, day: date) -> dict[str, Any] | None:
    """Return what was noted when a session was rolled; None when it did not come from journals."""
    path = _note_path(lake, symbol, day)
    try:
        note: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataFormatError(
            f"cannot be read ({error})", path=path, remedy="Delete it and the session, and roll again"
        ) from error
    return note


def _write_note(lake: Lake, symbol: str, day: date, note: dict[str, Any]) -> None:
    _replace(_note_path(lake, symbol, day), json.dumps(note, indent=1) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a file under a temporary name and move it into place."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataAccessError(
            f"cannot write {path.name}: {error.strerror or error}",
            path=path,
            remedy="Free some space or check the permissions, and roll again: the journals are kept",
        ) from error


def _delete(results: list[Rolled], lake: Lake, keep_days: int, now_ns: int) -> list[Rolled]:
    """Remove old journals of which the lake has every record of every symbol."""
    blocked = {p for r in results if r.state not in ("rolled", "unchanged") for p in r.journals}
    today = now_ns // 86_400_000_000_000
    old = set()
    for result in results:
        for path in result.journals:
            age = -1
            if result.dates:  # a market that was played again is as old as its recording
                recorded = JournalReader(path).header.created_ns // 86_400_000_000_000
                age = today - max(recorded, *((day - _EPOCH).days for day in result.dates))
            if age > keep_days:
                old.add(path)
            else:
                blocked.add(path)
    removable = old - blocked
    for result in results:
        if not removable.intersection(result.journals):
            continue
        digests = {
            str(d): (rolled_note(lake, result.symbol, d) or {"digests": {}})["digests"] for d in result.dates
        }
        _verify(lake, result.symbol, digests, result.journals)
    done = []
    for result in results:
        mine = tuple(path for path in result.journals if path in removable)
        done.append(replace(result, deleted=mine))
    for path in removable:
        path.unlink()
        sidecar_of(path).unlink(missing_ok=True)
    return done
