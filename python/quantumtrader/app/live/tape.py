"""The tape of a live session: its turns, the commands given between them, and every answer of the order gateway.

One line is eight hex digits of CRC-32, a space, a JSON array, a newline, as in the order journal. The first line is the
header. Then, in the order of happening::

    ["turns", number, now, [[events, ns since the turn before], …]]
    ["connected", number, true]                       the gateway, from this turn on
    ["call", number, nth, "send", {arguments}, answer]
    ["call", number, nth, "send", {arguments}, {"error": kind, "text": …}]
    ["command", number, applied, name, {arguments}]
    ["end", number, applied, why]

A turn without calls waits for the next line; what a killed process takes along are turns that nobody outside has seen.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from quantumtrader.exceptions import DataAccessError, DataFormatError

__all__ = ["SCHEMA", "Tape", "TapeReader", "read_header"]

SCHEMA = 1
_TURNS = 200
"""Turns of one line at most."""
_MAX_LINE = 1 << 22


class Tape:
    """Writes a tape.

    Parameters
    ----------
    path : Path
        New file, for its owner only.
    header : dict
        What the session was started with.

    Raises
    ------
    DataAccessError
        It is there already, or cannot be written.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self.turn = 0
        """Number of the turn that goes on; 0 before the first."""
        self._waiting: list[list[int]] = []
        self._first = (0, 0)
        self._now = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            self._fd = os.open(path, flags, 0o600)
        except OSError as error:
            raise DataAccessError(f"the tape cannot be made: {error.strerror or error}", path=path) from error
        self._line(["header", {"schema": SCHEMA, **header}])

    def begin(self, events: int, now_ns: int) -> None:
        """Note a turn before it happens."""
        self.turn += 1
        if not self._waiting:
            self._first = (self.turn, now_ns)
            self._now = now_ns
        self._waiting.append([events, now_ns - self._now])
        self._now = now_ns
        if len(self._waiting) >= _TURNS:
            self.flush()

    def connected(self, on: bool) -> None:
        """Note that the gateway is connected, or not any more, from the next turn on."""
        self.flush()
        self._line(["connected", self.turn + 1, on])

    def call(self, nth: int, name: str, arguments: Any, answer: Any) -> None:
        """Note a call of the gateway and its answer."""
        self.flush()
        self._line(["call", self.turn, nth, name, arguments, answer])

    def command(self, applied: int, name: str, **arguments: Any) -> None:
        """Note a command before it is carried out; ``applied`` events of the stream came before it."""
        self.flush()
        self._line(["command", self.turn, applied, name, arguments])

    def end(self, applied: int, why: str) -> None:
        """Note the end, and close the file."""
        if self._fd < 0:
            return
        self.flush()
        self._line(["end", self.turn, applied, why])
        os.fsync(self._fd)
        self.close()

    def flush(self) -> None:
        """Write the turns that wait."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._line(["turns", *self._first, waiting])

    def close(self) -> None:
        """Close the file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _line(self, value: list[Any]) -> None:
        text = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        try:
            while line:
                line = line[os.write(self._fd, line) :]
        except OSError as error:
            raise DataAccessError(
                f"the tape cannot be written: {error.strerror or error}",
                path=self.path,
                remedy="Make room on the disk; the session ends here",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with contextlib.suppress(DataAccessError):
            self.flush()
        self.close()


class TapeReader:
    """Reads a tape line by line, with one line of foresight.

    Parameters
    ----------
    path : Path
        The file. A last line without an end is one that a killed process did not finish, and is left out.

    Raises
    ------
    DataAccessError
        It cannot be read.
    DataFormatError
        A line does not match its checksum, or this is no tape.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = self._read()
        self._ahead: list[Any] | None = None
        self.calls = 0
        """Answers taken so far."""
        header = self.next()
        if header is None or header[0] != "header":
            raise DataFormatError("does not begin like a tape", path=path)
        self.header: dict[str, Any] = header[1]
        if self.header.get("schema") != SCHEMA:
            raise DataFormatError(
                f"is a tape of version {self.header.get('schema')}, expected {SCHEMA}",
                path=path,
                remedy="Use the version of quantumtrader that wrote it",
            )

    def peek(self) -> list[Any] | None:
        """Return the next line without taking it; None at the end."""
        if self._ahead is None:
            self._ahead = next(self._lines, None)
        return self._ahead

    def next(self) -> list[Any] | None:
        """Take the next line; None at the end."""
        line, self._ahead = self.peek(), None
        self.calls += line is not None and line[0] == "call"
        return line

    def _read(self) -> Iterator[list[Any]]:
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if not line.endswith(b"\n"):
                        return
                    text = line[9:-1]
                    if len(line) > _MAX_LINE or line[:9] != b"%08x " % zlib.crc32(text):
                        raise DataFormatError(
                            "the line does not match its checksum",
                            path=self.path,
                            line=number,
                            remedy="The tape was damaged or edited: what it says cannot be relied on",
                        )
                    value = json.loads(text)
                    if not isinstance(value, list) or not value:
                        raise DataFormatError("the line is no entry of a tape", path=self.path, line=number)
                    yield value
        except OSError as error:
            raise DataAccessError(f"cannot be read: {error.strerror or error}", path=self.path) from error


def read_header(path: Path) -> dict[str, Any]:
    """Return the header of a tape."""
    return TapeReader(path).header
