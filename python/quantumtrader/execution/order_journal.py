"""The append-only journal of everything that decides about orders.

One record is one line: eight hex digits of CRC-32, a space, a JSON object, a newline. The object has ``n`` (1, 2, …
without a hole), ``kind``, ``ts`` (ns UTC) and what belongs to the kind. A record is on its way to the disk before
what it announces is done (``sync`` waits until it is there).

A process that dies while it writes leaves a line without an end: it was never acted upon and is cut off. Anything
else that is wrong (a line that does not check, a hole in the numbers) means that the file was damaged or edited;
then nothing in it can be relied on, and reading it is an error that names the line.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from quantumtrader.exceptions import JournalError

__all__ = ["OrderJournal", "Record", "read_journal"]

Record = dict[str, Any]
"""One record: ``n``, ``kind``, ``ts`` and the fields of its kind, as JSON has them."""

_MAX_LINE = 1 << 20


def read_journal(path: Path) -> tuple[list[Record], int]:
    """Read a journal.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    records : list of Record
        All complete records.
    size : int
        Bytes they take; whatever stands behind is a line that was not finished.

    Raises
    ------
    JournalError
        If a line does not check, or one is missing.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(f"cannot be read: {error.strerror or error}", path=path) from error
    records: list[Record] = []
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        records.append(_decode(data[at:end], len(records) + 1, path, at))
        at = end + 1
    return records, at


def _decode(line: bytes, number: int, path: Path, at: int) -> Record:
    remedy = f"Byte {at}: keep the file, restore a backup, or start a new journal once the account is flat"
    text = line[9:]
    if len(line) > _MAX_LINE or line[:9] != b"%08x " % zlib.crc32(text):
        raise JournalError("the record does not match its checksum", path=path, line=number, remedy=remedy)
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JournalError(
            f"the record is no JSON: {error}", path=path, line=number, remedy=remedy
        ) from error
    if (
        not isinstance(record, dict)
        or record.get("n") != number
        or "kind" not in record
        or "ts" not in record
    ):
        raise JournalError(
            f"this is not record {number}: records are missing or were moved",
            path=path,
            line=number,
            remedy=remedy,
        )
    return record


class OrderJournal:
    """The journal of one account and one instrument, open for writing by one process.

    Parameters
    ----------
    path : Path
        The file; created for its owner alone. What was left unfinished at its end is cut off.
    power_safe : bool
        Wait for the disk where a record asks for it. Without that a killed process loses nothing, but a power
        failure may: an order sent in its last moments is then found at the vendor as one that is not ours.

    Raises
    ------
    JournalError
        If it is damaged, cannot be written, or another process writes it.
    """

    def __init__(self, path: Path, *, power_safe: bool = True) -> None:
        self.path = path
        self._power_safe = power_safe
        self.failed = ""
        """Why nothing is written any more; empty while all is well."""
        flags = (
            os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        )
        try:
            self._fd = os.open(path, flags, 0o600)
        except OSError as error:
            raise JournalError(f"cannot be opened: {error.strerror or error}", path=path) from error
        try:
            _lock(self._fd, path)
            self.records, self._size = read_journal(path)
            """What was in the file when it was opened."""
            if os.fstat(self._fd).st_size > self._size:
                os.ftruncate(self._fd, self._size)
            if power_safe:
                _sync_folder(path.parent)
        except BaseException:
            os.close(self._fd)
            raise
        self._count = len(self.records)

    def __len__(self) -> int:
        return self._count

    def append(self, kind: str, ts: int, *, sync: bool = False, **fields: Any) -> Record:
        """Write one record and return it as a reader will see it.

        Parameters
        ----------
        kind : str
            What it is.
        ts : int
            When, ns UTC.
        sync : bool
            Wait until it is on the disk: for what is announced to others.
        **fields
            What belongs to it: numbers that are finite, text, None, lists and dictionaries of these.

        Raises
        ------
        JournalError
            If it cannot be written; from then on nothing is written any more.
        """
        if self.failed:
            raise JournalError(f"is not written any more: {self.failed}", path=self.path)
        text = json.dumps(
            {"n": self._count + 1, "kind": kind, "ts": ts, **fields}, allow_nan=False, separators=(",", ":")
        ).encode()
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        try:
            self._write(line)
            if sync and self._power_safe:
                _sync(self._fd)
        except OSError as error:
            self._fail(error)
            raise JournalError(
                f"cannot be written: {error.strerror or error}",
                path=self.path,
                remedy="No order leaves without it: make room, look at the account, start again",
            ) from error
        self._size += len(line)
        self._count += 1
        record: Record = json.loads(text)
        return record

    def _write(self, line: bytes) -> None:
        written = 0
        while written < len(line):
            written += os.write(self._fd, line[written:])

    def _fail(self, error: OSError) -> None:
        self.failed = error.strerror or str(error)
        with contextlib.suppress(OSError):  # an unfinished line is cut off when the file is opened again
            os.ftruncate(self._fd, self._size)  # a record that was not confirmed was not written

    def close(self) -> None:
        """Give the file free for another process."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self.failed = self.failed or "it was closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


_sync = getattr(os, "fdatasync", os.fsync)
"""Waits for the data and the length of the file, not for its dates."""


def _lock(fd: int, path: Path) -> None:
    """Keep a second process from writing; the system gives the lock free when this one ends."""
    try:
        if os.name == "nt":
            import msvcrt

            # A byte far behind the end: a locked range cannot be read by others.
            os.lseek(fd, 1 << 40, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise JournalError(
            "another process writes it",
            path=path,
            remedy="Two desks on one account would double orders: stop the other one first",
        ) from error


def _sync_folder(folder: Path) -> None:
    """Make a new file's name last; Windows needs and knows no such thing."""
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
