r"""The journal: events as they were received, in an append-only file that survives a kill at any byte.

::

    QTJRNL\0\1 | u32 length of the header | u32 crc32 of it | header, JSON in UTF-8
    FRAM | u32 count | u32 crc32 of (count, records) | u32 zero | count × 64-byte event records
    FRAM | …

Numbers are little endian, crc32 is zlib's. A frame is there as a whole or not at all: what a killed writer left of its
last frame is cut off on reading. A frame whose bytes are all there and do not add up, or that is followed by whole
ones, is damage, and an error. ``crates/qt-core/src/journal`` reads the same files.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

from quantumtrader.exceptions import DataAccessError, DataError, DataFormatError, EmptyDataError
from quantumtrader.types import EVENT, Events, Instrument

__all__ = ["SUFFIX", "JournalHeader", "JournalInstrument", "JournalReader", "JournalWriter", "is_journal"]

SUFFIX = ".qtj"
SCHEMA_VERSION = 1
MAGIC = b"QTJRNL\0\1"
FRAME = b"FRAM"
RECORD = EVENT.itemsize
MAX_RECORDS = 1 << 20
"""Records of one frame; a greater count is damage."""
_MAX_HEADER = 1 << 20
_HEADER = struct.Struct("<8sII")
_PREFIX = struct.Struct("<4sIII")
_SCAN = 1 << 20
"""Bytes looked at in one go when searching for a frame after damage."""


@dataclass(frozen=True, slots=True)
class JournalInstrument:
    """One row of a journal's instrument table: what ``Event.instrument`` stands for."""

    index: int
    symbol: str
    tick_size: float
    point_value: float

    @classmethod
    def of(cls, index: int, instrument: Instrument) -> Self:
        """Take the numbers of an instrument."""
        return cls(index, instrument.symbol, instrument.tick_size, instrument.point_value)


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """What a journal says about itself.

    Parameters
    ----------
    instruments : tuple of JournalInstrument
        Indices need not be dense.
    source : str
        Where the events come from, for example ``profitdll``.
    synthetic : bool
        Whether they were made and never seen on a market.
    created_ns : int
        When the file was begun, ns UTC.
    """

    instruments: tuple[JournalInstrument, ...]
    source: str
    synthetic: bool
    created_ns: int

    def index(self, symbol: str) -> int:
        """Return the index of a symbol.

        Raises
        ------
        EmptyDataError
            The journal has no such instrument.
        """
        for row in self.instruments:
            if row.symbol == symbol:
                return row.index
        names = ", ".join(row.symbol for row in self.instruments)
        raise EmptyDataError(f"no {symbol} in this journal", remedy=f"It holds {names}")

    def encode(self) -> bytes:
        """Return the header as it stands at the beginning of the file."""
        text = json.dumps({"schema_version": SCHEMA_VERSION, "record_size": RECORD, **asdict(self)})
        body = text.encode()
        return _HEADER.pack(MAGIC, len(body), zlib.crc32(body)) + body

    @classmethod
    def decode(cls, body: bytes, path: Path) -> Self:
        """Read the JSON of a header whose checksum has been verified."""
        try:
            found = json.loads(body)
            version, size = found["schema_version"], found["record_size"]
            if (version, size) != (SCHEMA_VERSION, RECORD):
                raise DataFormatError(
                    f"is a journal of version {version} with records of {size} bytes, this version reads "
                    f"{SCHEMA_VERSION} with {RECORD}",
                    path=path,
                    remedy="Read it with the version of quantumtrader that wrote it",
                )
            rows = tuple(
                JournalInstrument(
                    int(r["index"]), str(r["symbol"]), float(r["tick_size"]), float(r["point_value"])
                )
                for r in found["instruments"]
            )
            return cls(rows, str(found["source"]), bool(found["synthetic"]), int(found["created_ns"]))
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataFormatError(
                f"has a header without {error}", path=path, remedy="It was not written by quantumtrader"
            ) from error


def is_journal(path: Path) -> bool:
    """Whether a file begins like a journal."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


class JournalWriter:
    """Appends events to a new journal.

    What :meth:`append` takes is collected until a frame is full or ``flush_ns`` have passed, then handed to the
    operating system in one piece (it then survives the end of this process), and made durable every ``sync_ns`` (it
    then survives a loss of power). :attr:`written` and :attr:`durable` count the events of either kind.

    Parameters
    ----------
    path : Path
        New file, for its owner only; one that exists is never touched.
    header : JournalHeader
        What the file says about itself.
    frame_records : int
        Events collected at most.
    flush_ns : int
        How long an event may wait in this process; 0 writes every call.
    sync_ns : int or None
        How long an event may wait for the disk; 0 syncs every frame, None leaves it to the system until ``close``.

    Raises
    ------
    DataAccessError
        The file exists or cannot be made.
    """

    def __init__(
        self,
        path: Path,
        header: JournalHeader,
        *,
        frame_records: int = 8_192,
        flush_ns: int = 50_000_000,
        sync_ns: int | None = 1_000_000_000,
    ) -> None:
        if not 0 < frame_records <= MAX_RECORDS:
            raise ValueError(f"frame_records is {frame_records}, expected 1 to {MAX_RECORDS}")
        self.path = path
        self.header = header
        self.written = 0
        """Events in whole frames that the operating system has."""
        self.durable = 0
        """Events that are on the disk."""
        self.taken = 0
        """Events given to ``append``; on a failure the difference to ``written`` is what is not in the file."""
        self._flush_ns = flush_ns
        self._sync_ns = sync_ns
        self._buffer = np.zeros(frame_records, EVENT)
        self._waiting = 0
        self._oldest_ns = 0
        self._synced_ns = header.created_ns
        self._fd: int | None = self._create()

    def _create(self) -> int:
        """Make the file with its header under another name first: under its own it is never without one."""
        temporary = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex}.tmp")
        encoded = self.header.encode()
        try:
            fd = os.open(
                temporary,
                os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0),
                0o600,
            )
        except OSError as error:
            raise self._refused("begin", error) from error
        try:
            _write_all(fd, encoded)
            os.fsync(fd)
            if self.path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            if os.name == "nt":  # an open file cannot be renamed there
                os.close(fd)
                os.rename(temporary, self.path)
                fd = os.open(self.path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
            else:
                os.rename(temporary, self.path)
                _sync_folder(self.path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.close(fd)
            temporary.unlink(missing_ok=True)
            raise self._refused("begin", error) from error
        self.size = len(encoded)
        """Bytes of the header and of all whole frames."""
        return fd

    @property
    def waiting(self) -> int:
        """Events taken that are in no frame yet."""
        return self._waiting

    def append(self, events: Events, now_ns: int) -> None:
        """Take events over.

        Parameters
        ----------
        events : Events, shape (n,)
            In stream order; copied.
        now_ns : int
            The time, ns UTC.

        Raises
        ------
        DataAccessError
            The disk is full or fails. All whole frames stay readable; the events that are in none, these included,
            are not in the file (``written`` says how many are). The writer is closed then.
        """
        if self._fd is None:
            raise DataAccessError(
                "the journal is closed",
                path=self.path,
                remedy="Record into a new one; this one stays as it is",
            )
        self.taken += len(events)
        start = 0
        while start < len(events):
            take = min(len(self._buffer) - self._waiting, len(events) - start)
            if not self._waiting:
                self._oldest_ns = now_ns
            self._buffer[self._waiting : self._waiting + take] = events[start : start + take]
            self._waiting += take
            start += take
            if self._waiting == len(self._buffer):
                self.flush()
        self.tick(now_ns)

    def tick(self, now_ns: int) -> None:
        """Write and sync what has waited long enough; call it while nothing arrives."""
        if self._waiting and now_ns - self._oldest_ns >= self._flush_ns:
            self.flush()
        if (
            self._sync_ns is not None
            and self.durable < self.written
            and now_ns - self._synced_ns >= self._sync_ns
        ):
            self.sync()
            self._synced_ns = now_ns

    def flush(self) -> None:
        """Write what waits as one frame."""
        if not self._waiting or self._fd is None:
            return
        records = self._buffer[: self._waiting].data.cast("B")
        count = struct.pack("<I", self._waiting)
        crc = zlib.crc32(records, zlib.crc32(count))
        try:
            _write_all(self._fd, _PREFIX.pack(FRAME, self._waiting, crc, 0), records)
        except OSError as error:
            self._give_up()
            raise self._refused("write to", error) from error
        self.size += _PREFIX.size + len(records)
        self.written += self._waiting
        self._waiting = 0

    def sync(self) -> None:
        """Make everything written durable."""
        if self._fd is None or self.durable == self.written:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            self._give_up()
            raise self._refused("sync", error) from error
        self.durable = self.written

    def close(self) -> None:
        """Write, sync and close; a closed journal takes nothing more."""
        if self._fd is None:
            return
        try:
            self.flush()
            self.sync()
        finally:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def _give_up(self) -> None:
        """Cut off what was written of a frame, and close."""
        assert self._fd is not None
        with contextlib.suppress(OSError):  # reading cuts it off as well
            os.ftruncate(self._fd, self.size)
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._fd = None

    def _refused(self, doing: str, error: OSError) -> DataAccessError:
        full = error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
        kept = f"the {self.written:,} events in the file stay readable"
        if error.errno == errno.EEXIST:
            remedy = "Journals are never written to twice: choose another name"
        elif full:
            remedy = f"The disk is full: free some space and start again; {kept}"
        else:
            remedy = f"Check the folder, its permissions and the disk; {kept}"
        return DataAccessError(
            f"cannot {doing} the journal: {error.strerror or error}", path=self.path, remedy=remedy
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class JournalReader:
    """Reads a journal, also one that is still being written.

    Parameters
    ----------
    path : Path
        The file.
    until_damage : bool
        End before damage in place of raising; :attr:`damage` says what was found.

    Raises
    ------
    DataAccessError
        The file is missing or may not be read.
    DataFormatError
        It is no journal of this version, or its header is damaged.
    EmptyDataError
        It ends inside its header.
    """

    def __init__(self, path: Path, *, until_damage: bool = False) -> None:
        self.path = path
        self._until_damage = until_damage
        self.damage: DataFormatError | None = None
        """What ended the reading early, where that is allowed."""
        self.end = 0
        """Byte after the last whole frame read."""
        self.torn = 0
        """Bytes of an unfinished frame at the end of the file; known once everything has been read."""
        with self._open() as file:
            self.header = self._read_header(file)
            self._first = self.end = file.tell()

    def __iter__(self) -> Iterator[Events]:
        """Read the records of one frame after the other.

        Yields
        ------
        Events, shape (n,)

        Raises
        ------
        DataFormatError
            A frame is damaged; the message names the byte.
        """
        self.damage, self.torn, self.end = None, 0, self._first
        with self._open() as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(self.end)
            while True:
                try:
                    records = self._frame(file, size)
                except DataFormatError as damage:
                    if not self._until_damage:
                        raise
                    self.damage = damage
                    return
                if records is None:
                    return
                self.end = file.tell()
                if len(records):
                    yield records

    def read(self) -> Events:
        """Read every record, shape (n,)."""
        parts = list(self)
        return np.concatenate(parts) if parts else np.zeros(0, EVENT)

    def _open(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise DataAccessError(
                f"cannot read the journal: {error.strerror or error}",
                path=self.path,
                remedy="Check the path and the permissions",
            ) from error

    def _read_header(self, file: BinaryIO) -> JournalHeader:
        start = file.read(_HEADER.size)
        if not MAGIC.startswith(start[: len(MAGIC)]):
            raise DataFormatError("is not a journal", path=self.path, remedy="Check the path")
        if len(start) == _HEADER.size:
            _, length, crc = _HEADER.unpack(start)
            body = file.read(min(length, _MAX_HEADER + 1))
            if length > _MAX_HEADER or (len(body) == length and zlib.crc32(body) != crc):
                raise DataFormatError(
                    "the header of the journal is damaged (byte 8)",
                    path=self.path,
                    remedy="Restore the file from a copy: without its header the records cannot be read",
                )
            if len(body) == length:
                return JournalHeader.decode(body, self.path)
        raise EmptyDataError(
            "ends inside its header: nothing was recorded", path=self.path, remedy="Delete it"
        )

    def _frame(self, file: BinaryIO, size: int) -> Events | None:
        """Read one frame; None at the end of the file, be it torn."""
        start = file.tell()
        prefix = file.read(min(_PREFIX.size, size - start))
        if len(prefix) < _PREFIX.size:
            self.torn = size - start
            return None
        magic, count, crc, zero = _PREFIX.unpack(prefix)
        whole = magic == FRAME and zero == 0 and count <= MAX_RECORDS
        if whole and count * RECORD <= size - file.tell():
            records = file.read(count * RECORD)
            if zlib.crc32(records, zlib.crc32(prefix[4:8])) == crc:
                return np.frombuffer(records, EVENT)
            what = "its checksum is wrong"
        elif whole:
            what = f"it should hold {count:,} events, and the file ends before"
        else:
            what = "no frame begins there"
        # A killed writer leaves the first bytes of a frame, or a file system zeros, and nothing after them.
        torn = whole and count * RECORD > size - start - _PREFIX.size
        if (torn or _only_zeros(file, start)) and not _frame_follows(file, start):
            self.torn = size - start
            return None
        raise DataFormatError(
            f"the journal is damaged at byte {start:,}: {what}",
            path=self.path,
            remedy=f"Restore the file from a copy, or read the {start:,} bytes before it with until_damage=True "
            "(validate and collect: --until-damage)",
        )


def _only_zeros(file: BinaryIO, start: int) -> bool:
    file.seek(start)
    while part := file.read(_SCAN):
        if part.count(0) != len(part):
            return False
    return True


def _frame_follows(file: BinaryIO, start: int) -> bool:
    """Whether a whole frame begins anywhere after ``start``."""
    base, held = start + 1, b""
    file.seek(base)
    while part := file.read(_SCAN):
        held += part
        at = held.find(FRAME)
        while at >= 0:
            if _is_frame(file, base + at):
                return True
            at = held.find(FRAME, at + 1)
        keep = held[-(len(FRAME) - 1) :]
        base += len(held) - len(keep)
        held = keep
        file.seek(base + len(held))
    return False


def _is_frame(file: BinaryIO, at: int) -> bool:
    file.seek(at)
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        return False
    magic, count, crc, zero = _PREFIX.unpack(prefix)
    if magic != FRAME or zero or count > MAX_RECORDS:
        return False
    records = file.read(count * RECORD)
    return len(records) == count * RECORD and bool(zlib.crc32(records, zlib.crc32(prefix[4:8])) == crc)


def _write_all(fd: int, *parts: Any) -> None:
    """Write buffers in one call where the system takes them whole, in more where it does not."""
    left: list[memoryview] = [memoryview(part) for part in parts]
    while left:
        done = os.writev(fd, left) if hasattr(os, "writev") else os.write(fd, left[0])
        while left and done >= len(left[0]):
            done -= len(left.pop(0))
        if left and done:
            left[0] = left[0][done:]


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # Windows has no handle on a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def instrument_rows(instruments: Sequence[Instrument]) -> tuple[JournalInstrument, ...]:
    """Number instruments in their order."""
    return tuple(JournalInstrument.of(k, instrument) for k, instrument in enumerate(instruments))
