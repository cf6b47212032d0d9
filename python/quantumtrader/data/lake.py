"""The lake: events as Parquet in hive folders, one file per kind, symbol and session date.

``v1/kind=trades/symbol=WDOU25/date=2025-08-15/part-0000.parquet``. Columns have the names that each kind gives
to its fields, but ``ts_recv`` is stored as ``recv_delay``, its distance from ``ts_event`` in ns, which is
smaller. What never changes inside a file (a flag, a side, that delay) is stored once, in the schema's
metadata. Reading gives back the same records, bit for bit.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from quantumtrader._generated.schema import ARROW_TYPES
from quantumtrader._protocols import Pack
from quantumtrader._records import pack_events
from quantumtrader.data.importers.base import Rejected
from quantumtrader.data.sessions import session_days
from quantumtrader.exceptions import DataAccessError, DataError, DataFormatError, EmptyDataError
from quantumtrader.types import EVENT, STAMPS, VIEWS, Events, Flag, Instrument

SCHEMA_VERSION = 1
ROW_GROUP = 131_072
_BATCH = 32_768
"""Records decoded at a time: their columns stay in a core's own cache until they are packed."""
Compression = Literal["zstd", "snappy"]

_EPOCH = date(1970, 1, 1)
_DELTA = ("ts_event", "ts_recv", "sequence", "id", "px", "px_ask")
"""Fields that change by little from one record to the next; the rest repeat and get a dictionary."""
_DELAY = "recv_delay"
_PACKED = ("ts_event", "ts_recv", "sequence", "px", "px_ask")
"""Delta-packed fields that a compressor would shrink by a few percent and slow down by half."""
_NEVER_CONSTANT = ("ts_event", "sequence")
"""Fields that have a column in every file."""
_ABANDONED_SECONDS = 86_400.0
_SYMBOL = re.compile(r"[A-Za-z0-9_$@.-]+")


def _fields(folder: str) -> dict[str, str]:
    """Column name to flat field of one lake folder, stamps first."""
    kinds = [kind for kind, view in VIEWS.items() if view.lake == folder]
    columns = {name: name for name in STAMPS}
    for kind in kinds:
        columns.update(VIEWS[kind].columns)
    if len(kinds) > 1:
        columns["kind"] = "kind"
    return columns


FOLDERS = {folder: _fields(folder) for folder in dict.fromkeys(view.lake for view in VIEWS.values())}
_FOLDER_OF = {int(kind): view.lake for kind, view in VIEWS.items()}


class Lake:
    """Reads and writes the lake under ``root``.

    Parameters
    ----------
    root : Path
        Folder that holds, or will hold, ``v1``.
    pack : callable
        Makes records out of columns: an engine's ``pack_events``, or the same in numpy.
    """

    def __init__(self, root: Path | str, *, pack: Pack = pack_events) -> None:
        self.root = Path(root)
        self._pack = pack

    @property
    def base(self) -> Path:
        """Folder of this version of the layout."""
        return self.root / f"v{SCHEMA_VERSION}"

    @staticmethod
    def is_lake(path: Path) -> bool:
        """Whether ``path`` is the root of a lake."""
        return any((path / f"v{SCHEMA_VERSION}").glob("kind=*"))

    def symbols(self) -> list[str]:
        """Symbols with data, ascending."""
        files = self.base.glob("kind=*/symbol=*/date=*/*.parquet")  # an interrupted import may leave folders
        return sorted({path.parents[1].name.removeprefix("symbol=") for path in files})

    def dates(self, symbol: str) -> list[date]:
        """Session dates with data of ``symbol``, ascending."""
        found = {
            p.parent.name for p in self.base.glob(f"kind=*/symbol={safe_symbol(symbol)}/date=*/*.parquet")
        }
        return sorted(date.fromisoformat(name.removeprefix("date=")) for name in found)

    def file(self, folder: str, symbol: str, day: date) -> Path:
        """Where one kind of one session lives."""
        return (
            self.base
            / f"kind={folder}"
            / f"symbol={safe_symbol(symbol)}"
            / f"date={day}"
            / "part-0000.parquet"
        )

    def publishing(self, symbol: str, day: date) -> Path:
        """Note that stands while the files of a session are being moved into place: a killed writer leaves it."""
        return self.root / ".publishing" / f"{safe_symbol(symbol)}_{day}"

    def records(self, folder: str, symbol: str, day: date) -> Iterator[Events]:
        """Read one kind of one session, some records after the others; nothing where there is no file."""
        path = self.file(folder, symbol, day)
        if not path.is_file():
            return
        file = _LakeFile(folder, path)
        for columns in file.batches():
            n = len(columns["sequence"])
            out = np.zeros(n, EVENT)
            self._pack(out, np.arange(n), file.template, columns)
            yield out

    def writer(
        self,
        instrument: Instrument,
        *,
        source: str,
        origin: Path | None = None,
        overwrite: bool = False,
        compression: Compression = "zstd",
    ) -> Writer:
        """Return a writer: a context manager that publishes everything when it ends without an error.

        ``origin`` is the path that the events come from: rejected rows are listed under its name.
        """
        return Writer(self, instrument, source, origin, overwrite, compression)

    def rejected_file(self, symbol: str, origin: Path) -> Path:
        """Where the rows of a source that could not be used are listed.

        The name tells sources apart that have the same file name in different folders, and is the same in
        every import of one source.
        """
        where = hashlib.sha256(str(origin.resolve()).encode()).hexdigest()[:8]
        return self.root / "rejected" / f"{safe_symbol(symbol)}_{origin.stem}_{where}.rejected.csv"

    def notes(self, symbol: str, start: date | None = None, end: date | None = None) -> list[str]:
        """What the imports of these sessions assumed or left out, each note once."""
        found: dict[str, None] = {}
        for day in self.dates(symbol):
            if (start is None or day >= start) and (end is None or day <= end):
                folder = next(f for f in FOLDERS if self.file(f, symbol, day).is_file())
                about = _LakeFile(folder, self.file(folder, symbol, day)).about
                found.update(dict.fromkeys(json.loads(about.get("notes", "[]"))))
        return list(found)

    def read(self, symbol: str, start: date | None = None, end: date | None = None) -> Events:
        """Read the events of some sessions.

        Parameters
        ----------
        symbol : str
            As written in the lake.
        start, end : date, optional
            First and last session, both included.

        Returns
        -------
        Events, shape (n,)
            In stream order. Sequences of a later session go on where the one before ended.

        Raises
        ------
        EmptyDataError
            Nothing is stored for the symbol and the dates.
        DataFormatError
            A file is damaged, has other columns than its kind, or is from another version; or records of a session
            are missing.
        """
        held = self.dates(symbol)
        days = [d for d in held if (start is None or d >= start) and (end is None or d <= end)]
        if not days:
            raise EmptyDataError(
                f"no data of {symbol}"
                + (f" from {start or 'the start'} to {end or 'the end'}" if start or end else "")
                + (f": sessions there are {held[0]}{f' to {held[-1]}' * (len(held) > 1)}" if held else ""),
                path=self.root,
                remedy=f"The lake has {', '.join(self.symbols()) or 'nothing'}; see quantumtrader import",
            )
        parts = []
        last = None
        for day in days:
            part = self._read_day(symbol, day)
            if last is not None and part["sequence"][0] <= last:
                part["sequence"] += last + 1 - part["sequence"][0]
            last = int(part["sequence"][-1])
            parts.append(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def count(self, symbol: str, start: date | None = None, end: date | None = None) -> int:
        """Return how many events these sessions hold, from the footers of their files."""
        return sum(
            _LakeFile(folder, path).rows
            for day in self.dates(symbol)
            if (start is None or day >= start) and (end is None or day <= end)
            for folder in FOLDERS
            if (path := self.file(folder, symbol, day)).is_file()
        )

    def metadata(self, symbol: str) -> dict[str, str]:
        """What the first file of ``symbol`` says about itself: ``tick_size``, ``source``, …."""
        for path in sorted(self.base.glob(f"kind=*/symbol={safe_symbol(symbol)}/date=*/*.parquet")):
            return _LakeFile(path.parents[2].name.removeprefix("kind="), path).about
        raise EmptyDataError(f"no data of {symbol}", path=self.root, remedy="See quantumtrader import")

    def instrument(self, known: Instrument) -> Instrument:
        """``known`` with the grid on which its data are stored."""
        stored = self.metadata(known.symbol)
        tick = float(stored["tick_size"])
        return dataclasses.replace(
            known,
            tick_size=tick,
            size_step=float(stored["size_step"]),
            exchange_tick=known.tick_size if tick < known.tick_size else 0.0,
        )

    def _refuse_incomplete(self, files: list[_LakeFile], total: int, symbol: str, day: date) -> None:
        """Refuse a session of which a part is gone, by what the parts that are left say of the whole."""
        said = [int(file.about["records"]) for file in files if "records" in file.about]
        if any(file.about.get("dense") == "true" for file in files):
            bounds = [file.sequence_bounds() for file in files]
            said.append(max(high for _, high in bounds) - min(low for low, _ in bounds) + 1)
        wanted = next((n for n in said if n != total), total)
        if wanted != total:
            raise DataFormatError(
                f"{'records are missing' if wanted > total else 'there are too many records'}: the session {day} of "
                f"{symbol} was written with {wanted:,}, its {' and '.join(f.folder for f in files)} hold {total:,}",
                path=self.root,
                remedy="A file of the session is gone or is of another import: import the session again",
            )

    def _read_day(self, symbol: str, day: date) -> Events:
        if self.publishing(symbol, day).exists():
            raise DataAccessError(
                f"the session {day} of {symbol} was only written in part",
                path=self.root,
                remedy="Unless a command is writing it now, run that command again: import with --overwrite, or collect",
            )
        files = [
            _LakeFile(folder, path)
            for folder in FOLDERS
            if (path := self.file(folder, symbol, day)).is_file()
        ]
        total = sum(file.rows for file in files)
        self._refuse_incomplete(files, total, symbol, day)
        out = np.zeros(total, EVENT)
        low = _first_of_dense(files)
        ranks = _ranks(files) if low is None else None
        start = 0
        for file in files:
            for columns in file.batches():
                sequence = columns["sequence"]
                stop = start + len(sequence)
                places = sequence - low if ranks is None else ranks[start:stop]
                self._pack(out, places, file.template, columns)
                start = stop
        return out


class Writer:
    """Collects events and publishes them as whole sessions, or not at all.

    Events are spooled to one temporary file per session, so memory does not grow with the source.
    """

    def __init__(
        self,
        lake: Lake,
        instrument: Instrument,
        source: str,
        origin: Path | None,
        overwrite: bool,
        compression: Compression,
    ) -> None:
        self._lake = lake
        self._instrument = instrument
        self._source = source
        self._origin = origin
        self._overwrite = overwrite
        self._compression = compression
        self._spool: Path | None = None
        self._ready: list[tuple[Path, Path]] = []
        self.rows: dict[str, int] = {}
        """Events written, by folder."""
        self.dates: list[date] = []
        """Sessions written, ascending."""
        self.rejected: list[Rejected] = []
        """Source rows that could not be used: add to it."""
        self.notes: list[str] = []
        """What the importer assumed or left out, kept with the data: add to it."""
        self.rejected_file: Path | None = None
        """Where the rejected rows are listed; None when there are none."""

    def __enter__(self) -> Self:
        with self._disk():
            self._lake.root.mkdir(parents=True, exist_ok=True)
            self._spool = Path(tempfile.mkdtemp(prefix=".import-", dir=self._lake.root))
            self._tidy(self._spool.stat().st_mtime)
        return self

    def _tidy(self, now: float) -> None:
        """Remove what killed imports have left behind; what is younger may belong to one that is running."""
        for spool in self._lake.root.glob(".import-*"):
            if now - spool.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(spool, ignore_errors=True)
        left = [
            *self._lake.base.glob("kind=*/symbol=*/date=*/.*.tmp"),
            *self._lake.root.glob("rejected/.*.tmp"),
        ]
        for temporary in left:
            if now - temporary.stat().st_mtime > _ABANDONED_SECONDS:
                temporary.unlink(missing_ok=True)

    def add(self, events: Events, instrument: Instrument | None = None, *, days_on: int = 0) -> None:
        """Take events over; they continue those added before.

        Parameters
        ----------
        events : Events, shape (n,)
            In stream order.
        instrument : Instrument, optional
            The grid that these events are on, when it differs from the writer's.
        days_on : int
            Days from the date of receipt to the session's: not 0 where an old market was played again.

        Raises
        ------
        DataError
            The disk is full or cannot be written, a session exists and may not be replaced, or a record uses
            a field that its kind does not have.
        """
        if instrument is not None:
            self._instrument = instrument
        if not len(events) or self._spool is None:
            return
        days = np.maximum.accumulate(session_days(events["ts_recv"], self._instrument)) + days_on
        edges = np.flatnonzero(np.diff(days)) + 1
        for part, day in zip(np.split(events, edges), days[np.concatenate(([0], edges))], strict=True):
            session = _EPOCH + timedelta(days=int(day))
            if session not in self.dates:
                self._refuse_existing(session)
                self.dates.append(session)
            with self._disk(), (self._spool / f"{session}.events").open("ab") as file:
                file.write(np.ascontiguousarray(part).data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with self._disk():
                    self._list_rejected()
                    for session in self.dates:
                        self._prepare(session)
                with self._disk(publishing=True):
                    self._publish()
        finally:
            for temporary, _ in self._ready:
                with contextlib.suppress(OSError):  # it must not hide the error that led here
                    temporary.unlink(missing_ok=True)
            if self._spool is not None:
                shutil.rmtree(self._spool, ignore_errors=True)
            self._remove_empty_folders()

    def _remove_empty_folders(self) -> None:
        """Remove what a failed import, or a replaced session, leaves empty; folders with content stay."""
        lake = self._lake
        made = {
            folder for _, target in self._ready for folder in target.parents if lake.root in folder.parents
        }
        for session in self.dates:
            made |= {lake.file(folder, self._instrument.symbol, session).parent for folder in FOLDERS}
        deepest_first = sorted(made, key=lambda folder: len(folder.parts), reverse=True)
        for folder in (*deepest_first, lake.root / "rejected", lake.root):
            with contextlib.suppress(OSError):  # not empty, or never made
                folder.rmdir()

    def _refuse_existing(self, session: date) -> None:
        for folder in FOLDERS:
            path = self._lake.file(folder, self._instrument.symbol, session)
            started = self._lake.publishing(self._instrument.symbol, session).exists()
            if path.exists() and not self._overwrite and not started:
                raise DataAccessError(
                    f"{self._instrument.symbol} already has data of {session}",
                    path=path,
                    remedy="Replace the session with --overwrite, or write to another --out",
                )

    def _list_rejected(self) -> None:
        """Write the list of rejected rows under a temporary name: it is published with the data, or not at all."""
        if self._origin is None or not self.rejected:
            return
        target = self._lake.rejected_file(self._instrument.symbol, self._origin)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        self._ready.append((temporary, target))
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("file", "line", "column", "value", "reason"))
            table.writerows((r.path, r.line, r.column, r.value, r.reason) for r in self.rejected)
            file.flush()
            os.fsync(file.fileno())
        self.rejected_file = target

    def _prepare(self, session: date) -> None:
        """Write the files of a session under temporary names."""
        assert self._spool is not None
        events: Events = np.memmap(self._spool / f"{session}.events", dtype=EVENT, mode="r")
        dense = bool((np.diff(events["sequence"]) == 1).all())
        kinds = events["kind"]
        unknown = ~np.isin(kinds, list(_FOLDER_OF))
        if unknown.any():
            raise DataError(
                f"event {int(np.argmax(unknown))} has kind {int(kinds[np.argmax(unknown)])}, which has no folder"
            )
        for folder in FOLDERS:
            wanted = [kind for kind, own in _FOLDER_OF.items() if own == folder]
            mask = np.isin(kinds, wanted)
            if not mask.any():
                continue
            part = events if mask.all() else events[mask]
            target = self._lake.file(folder, self._instrument.symbol, session)
            temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
            self._ready.append((temporary, target))
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(
                temporary,
                part,
                folder,
                self._instrument,
                self._source,
                self._compression,
                dense,
                len(events),
                list(dict.fromkeys(self.notes)),
            )
            self.rows[folder] = self.rows.get(folder, 0) + len(part)

    def _publish(self) -> None:
        """Move everything into place; only whole files are ever seen under a final name."""
        published = set()
        notes = [self._lake.publishing(self._instrument.symbol, session) for session in self.dates]
        for note in notes:  # readers refuse a session of which only some kinds are in place
            note.parent.mkdir(exist_ok=True)
            note.touch()
            _sync_folder(note.parent)
        for temporary, target in self._ready:
            os.replace(temporary, target)
            _sync_folder(target.parent)
            published.add(target)
        for session in self.dates:  # kinds that the replaced session had and this one has not
            for folder in FOLDERS:
                stale = self._lake.file(folder, self._instrument.symbol, session)
                if stale not in published:
                    stale.unlink(missing_ok=True)
        if self._origin is not None and self.rejected_file is None:  # an earlier import of this very source
            self._lake.rejected_file(self._instrument.symbol, self._origin).unlink(missing_ok=True)
        for note in notes:
            note.unlink()
        with contextlib.suppress(OSError):  # another writer's note is there
            (self._lake.root / ".publishing").rmdir()

    @contextlib.contextmanager
    def _disk(self, *, publishing: bool = False) -> Iterator[None]:
        so_far = "run the import again with --overwrite" if publishing else "nothing was changed"
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
            raise DataAccessError(
                f"cannot write to the lake: {error.strerror or error}",
                path=self._lake.root,
                remedy=f"The disk is full: free some space or choose another --out; {so_far}"
                if full
                else f"Check the folder and its permissions; {so_far}",
            ) from error


def _write(
    path: Path,
    events: Events,
    folder: str,
    instrument: Instrument,
    source: str,
    compression: Compression,
    dense: bool,
    records: int,
    notes: list[str],
) -> None:
    fields = FOLDERS[folder]
    strays = [f for f in EVENT.names or () if f not in fields.values() and f not in ("kind", "instrument")]
    for field in strays:
        if events[field].any():
            raise DataError(f"field {field!r} is set in events of {folder}, which have no such column")
    constants: dict[str, int] = {}
    for field in ("kind", "instrument"):
        if field not in fields.values():
            if events[field].min() != events[field].max():
                raise DataError(f"field {field!r} varies inside events of {folder}")
            constants[field] = int(events[field][0])
    columns: dict[str, str] = {}
    for name, field in fields.items():
        values = _values(events, field)
        if field not in _NEVER_CONSTANT and values.min() == values.max():
            constants[field] = int(values[0])
        else:
            columns[_DELAY if field == "ts_recv" else name] = field
    flags = int(np.bitwise_or.reduce(events["flags"]))
    metadata = {
        "schema_version": str(SCHEMA_VERSION),
        "symbol": instrument.symbol,
        "tick_size": repr(instrument.tick_size),
        "size_step": repr(instrument.size_step),
        "source": source,
        "synthetic": str(bool(flags & Flag.SYNTHETIC)).lower(),
        "constants": json.dumps(constants),
        "notes": json.dumps(notes, ensure_ascii=False),
        "dense": str(dense).lower(),  # the sequences of the session, all kinds together, have no holes
        "records": str(records),  # of the session, all kinds together
    }
    schema = pa.schema(
        [pa.field(name, _arrow_type(field), nullable=False) for name, field in columns.items()],
        metadata=metadata,
    )
    with path.open("wb") as handle:
        with pq.ParquetWriter(
            handle,
            schema,
            write_page_checksum=True,
            compression={
                name: "none" if field in _PACKED else compression for name, field in columns.items()
            },
            compression_level={n: 3 for n, f in columns.items() if f not in _PACKED}
            if compression == "zstd"
            else None,
            use_dictionary=[name for name, field in columns.items() if field not in _DELTA],
            column_encoding={
                name: "DELTA_BINARY_PACKED" for name, field in columns.items() if field in _DELTA
            },
            write_page_index=True,
        ) as writer:
            for start in range(0, len(events), ROW_GROUP):
                part = events[start : start + ROW_GROUP]
                arrays = [_to_arrow(_values(part, field), _arrow_type(field)) for field in columns.values()]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
        handle.flush()
        os.fsync(handle.fileno())


def _values(events: Events, field: str) -> npt.NDArray[Any]:
    """What is stored of a field."""
    return np.asarray(events["ts_recv"] - events["ts_event"]) if field == "ts_recv" else events[field]


def _arrow_type(field: str) -> pa.DataType:
    if field == "ts_event":
        return pa.timestamp("ns", "UTC")
    if field == "ts_recv":
        return pa.int64()
    return pa.type_for_alias(ARROW_TYPES[field])


def _to_arrow(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    plain = np.ascontiguousarray(values)
    return pa.array(plain.view("datetime64[ns]") if pa.types.is_timestamp(kind) else plain, type=kind)


class _LakeFile:
    """One Parquet file of the lake, decoded a row group at a time."""

    def __init__(self, folder: str, path: Path) -> None:
        self.path = path
        self.folder = folder
        self.fields = FOLDERS[folder]
        try:
            self.file = pq.ParquetFile(path, page_checksum_verification=True)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(error) from error
        self.schema = self.file.schema_arrow
        self.about = self._about()
        self.template = np.zeros(1, EVENT)
        self.constants: dict[str, int] = self._constants()
        self._check_columns()
        self.targets = [self.fields["ts_recv" if name == _DELAY else name] for name in self.schema.names]
        self.rows: int = self.file.metadata.num_rows

    def _about(self) -> dict[str, str]:
        raw = {k.decode(): v.decode() for k, v in (self.schema.metadata or {}).items()}
        if raw.get("schema_version") != str(SCHEMA_VERSION):
            raise DataFormatError(
                f"has schema version {raw.get('schema_version', 'none')}, this version reads {SCHEMA_VERSION}",
                path=self.path,
                remedy="Import the session again",
            )
        return raw

    def _constants(self) -> dict[str, int]:
        """Read which fields never change in the file, and put their values into the template."""
        try:
            found = dict(json.loads(self.about["constants"]))
            for field, value in found.items():
                self.template[field] = value
            return found
        except (KeyError, ValueError, TypeError) as error:
            raise DataFormatError(
                f"does not say in its metadata which fields are constant ({error})",
                path=self.path,
                remedy="Import the session again",
            ) from error

    def _check_columns(self) -> None:
        """Refuse a file whose columns are not those of its kind: a field without one would read as zeros."""
        expected = {_DELAY if field == "ts_recv" else name: field for name, field in self.fields.items()}
        for name, field in expected.items():
            place = self.schema.get_field_index(name)
            if place < 0 and (field in _NEVER_CONSTANT or field not in self.constants):
                raise self._other_columns(
                    f"has no column {name!r}, and its metadata do not say it is constant"
                )
            if place >= 0 and self.schema.types[place] != _arrow_type(field):
                raise self._other_columns(
                    f"has column {name!r} as {self.schema.types[place]}, expected {_arrow_type(field)}"
                )
        strays = [name for name in self.schema.names if name not in expected]
        if strays:
            raise self._other_columns(f"has a column {strays[0]!r}, which {self.folder} do not have")

    def _other_columns(self, what: str) -> DataFormatError:
        return DataFormatError(
            what, path=self.path, remedy="The file was changed after the import: import the session again"
        )

    def _damaged(self, error: Exception) -> DataFormatError:
        return DataFormatError(
            f"is not a readable lake file ({str(error).splitlines()[0]})",
            path=self.path,
            remedy="It may be truncated: import the session again",
        )

    def sequence_bounds(self) -> tuple[int, int]:
        """Least and greatest sequence, from the statistics in the footer."""
        column = self.schema.get_field_index("sequence")
        groups = [self.file.metadata.row_group(k) for k in range(self.file.metadata.num_row_groups)]
        found = [group.column(column).statistics for group in groups]
        return min(s.min for s in found), max(s.max for s in found)

    def sequences(self) -> npt.NDArray[np.int64]:
        """Every sequence of the file."""
        try:
            table = self.file.read(columns=["sequence"], use_threads=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(error) from error
        return np.asarray(table["sequence"].to_numpy())

    def batches(self) -> Iterator[dict[str, npt.NDArray[Any]]]:
        """Columns of some records after the others, by field, ``ts_recv`` among them."""
        delay = self.constants.get("ts_recv")
        try:
            for batch in self.file.iter_batches(_BATCH, use_threads=False):
                columns = dict(zip(self.targets, map(_plain, batch.columns), strict=True))
                columns["ts_recv"] = columns["ts_event"] + (columns["ts_recv"] if delay is None else delay)
                yield columns
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(error) from error


def _plain(column: pa.Array) -> npt.NDArray[Any]:
    values = column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column
    return np.asarray(values.to_numpy())


def _first_of_dense(files: list[_LakeFile]) -> int | None:
    """First sequence of a session without holes, where a sequence is a place; ``None`` when it may have some."""
    if not all(file.about.get("dense") == "true" for file in files):
        return None
    return min(file.sequence_bounds()[0] for file in files)


def _ranks(files: list[_LakeFile]) -> npt.NDArray[np.int64]:
    """Place of each record, file by file, in the order of their sequences."""
    order = np.argsort(np.concatenate([file.sequences() for file in files]), kind="stable")
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def safe_symbol(symbol: str) -> str:
    """Return a symbol that can be the name of a folder.

    Raises
    ------
    DataError
        It has other characters than letters, digits and ``_ $ @ . -``.
    """
    if not _SYMBOL.fullmatch(symbol):
        raise DataError(
            f"symbol {symbol!r} cannot be a folder name", remedy="Use letters, digits, _ $ @ . and -"
        )
    return symbol


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # Windows has no handle on a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
