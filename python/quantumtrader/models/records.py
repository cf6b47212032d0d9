"""A file of lines that is only ever appended to, each line chained to the one before by its hash.

A line that was cut off by a crash is dropped; one that was changed, taken out or moved is an error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from quantumtrader.exceptions import DataAccessError, ModelError
from quantumtrader.features.catalogue import canonical_json
from quantumtrader.models.folder import sha256

__all__ = ["ChainedFile", "locked"]

_START = "0" * 64


class ChainedFile:
    """Append-only JSON lines.

    Parameters
    ----------
    path : Path
        The file; made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """Return every line, oldest first.

        Raises
        ------
        ModelError
            If a line was changed, taken out or moved.
        """
        if self.path.is_symlink():
            raise ModelError("is a link", path=self.path)
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DataAccessError(f"cannot be read ({error.strerror})", path=self.path) from error
        return [line for line, _ in self._lines(data)]

    def append(self, make: Callable[[list[dict[str, Any]]], Mapping[str, Any]]) -> dict[str, Any]:
        """Append one line and force it to the disk.

        Parameters
        ----------
        make : callable
            Gets the lines that are there and returns the new one; nothing can come in between. What it raises leaves
            the file as it was.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.is_symlink():
            raise ModelError("is a link", path=self.path)
        try:
            with locked(self.path) as file:
                data = file.read()
                lines = list(self._lines(data))
                line = dict(make([dict(found) for found, _ in lines]))
                previous = lines[-1][1] if lines else _START
                kept = len(data) if self._whole_tail(data, lines) else data.rfind(b"\n") + 1
                file.truncate(kept)  # without what a killed writer left of its line
                file.seek(kept)
                file.write(
                    (b"\n" if kept and data[kept - 1 : kept] != b"\n" else b"") + _encode(line, previous)
                )
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DataAccessError(f"cannot be written ({error.strerror})", path=self.path) from error
        return line

    @staticmethod
    def _whole_tail(data: bytes, lines: list[tuple[dict[str, Any], str]]) -> bool:
        return len(lines) > data.count(b"\n")

    def _lines(self, data: bytes) -> Iterator[tuple[dict[str, Any], str]]:
        *whole, tail = data.split(b"\n")
        previous = _START
        for k, text in enumerate(whole, 1):
            body = _decode(text, previous)
            if body is None:
                self._refuse(k)
            previous = body.pop("hash")
            yield body, previous
        # A crash leaves less than a line, or all but its end; a whole line with something else behind it is damage.
        body = _decode(tail, previous)
        if body is not None:
            yield body, body.pop("hash")
        elif tail and _decode(tail[:-1], previous) is not None:
            self._refuse(len(whole) + 1)

    def _refuse(self, line: int) -> NoReturn:
        raise ModelError(
            f"line {line} was changed, or one before it taken out",
            path=self.path,
            remedy="Restore the file from a backup: what it said is no longer known",
        )


def _encode(line: Mapping[str, Any], previous: str) -> bytes:
    body = {**line, "previous": previous}
    return canonical_json({**body, "hash": sha256(canonical_json(body))}) + b"\n"


def _decode(text: bytes, previous: str) -> dict[str, Any] | None:
    """Return a line with its ``hash``; None when it is not the one written after ``previous``."""
    try:
        body: dict[str, Any] = json.loads(text)
        written = body.pop("hash")
        if body.pop("previous") != previous or _encode(body, previous) != text + b"\n":
            return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return {**body, "hash": written}


@contextmanager
def locked(path: Path, mode: int = 0o600) -> Iterator[Any]:
    """Open a file for reading and writing, made where it is not there, and keep other writers out until it is closed.

    Parameters
    ----------
    path : Path
    mode : int
        Who may read and write a file that is made, less what the process's umask forbids.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, mode), "r+b") as file:
        _lock(file.fileno())  # released when the file is closed
        yield file


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        # A byte far behind the end: locks of this system are mandatory.
        os.lseek(handle, 1 << 40, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)
