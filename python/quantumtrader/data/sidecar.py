"""The sidecar of a journal: JSON lines beside it, for what is no market event.

One object per line with ``ts`` (ns UTC) and ``what``: ``start``, ``stop``, ``message`` (a control message of the
feed), ``gap``, ``checkpoint``, ``error``. Lines are appended whole; one that a killed writer left unfinished is left
out on reading.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quantumtrader.exceptions import DataAccessError, DataFormatError

__all__ = ["SUFFIX", "SidecarWriter", "read_sidecar", "sidecar_of"]

SUFFIX = ".jsonl"
_LONGEST = 4_096
"""Characters of a text that a feed sends; what is longer is cut."""


def sidecar_of(journal: Path) -> Path:
    """Where the sidecar of a journal lies."""
    return journal.with_suffix(SUFFIX)


class SidecarWriter:
    """Appends lines to a new file, for its owner only.

    Raises
    ------
    DataAccessError
        The file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._fd: int | None = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        except OSError as error:
            raise self._refused(error) from error
        self.size = 0
        """Bytes of whole lines."""

    def write(self, ts_ns: int, what: str, **fields: Any) -> None:
        """Append one line.

        Raises
        ------
        DataAccessError
            The disk is full or fails; the sidecar is closed then.
        """
        if self._fd is None:
            return
        text = json.dumps({"ts": ts_ns, "what": what, **fields}, default=_plain, ensure_ascii=False)
        line = (text + "\n").encode("utf-8", "replace")
        try:
            left = memoryview(line)
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError as error:
            self.close()
            raise self._refused(error) from error
        self.size += len(line)

    def sync(self) -> None:
        """Make the lines durable."""
        if self._fd is not None:
            os.fsync(self._fd)

    def close(self) -> None:
        """Close the file; later lines are dropped."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _refused(self, error: OSError) -> DataAccessError:
        full = error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
        return DataAccessError(
            f"cannot write the sidecar: {error.strerror or error}",
            path=self.path,
            remedy="The disk is full: free some space" if full else "Check the folder and its permissions",
        )


def read_sidecar(path: Path) -> Iterator[dict[str, Any]]:
    """Read the lines of a sidecar; none where there is no file.

    Raises
    ------
    DataFormatError
        A line that is not the last one cannot be read.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataAccessError(
            f"cannot read the sidecar: {error.strerror or error}", path=path, remedy="Check the permissions"
        ) from error
    with file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return  # torn
            try:
                found = json.loads(line)
                yield {**found, "ts": int(found["ts"]), "what": str(found["what"])}
            except (ValueError, KeyError, TypeError) as error:
                raise DataFormatError(
                    "is not a line of a sidecar",
                    path=path,
                    line=number,
                    remedy="Restore the file, or delete it: "
                    "the journal can be read without, but not compared with what was seen live",
                ) from error


def _plain(value: Any) -> Any:
    """Turn what ``json`` does not know into what it does."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)[:_LONGEST]
