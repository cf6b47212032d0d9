"""The rows of a live session and what was decided on them, appended as they come.

``samples.bin`` holds one record of fixed size per row, ``words.jsonl`` the words that records point to: action, reason,
rule and message. A record that a killed process did not finish is left out on reading.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.app.live.loop import Sample
from quantumtrader.exceptions import DataAccessError, DataFormatError

__all__ = ["SAMPLES", "WORDS", "SampleLog", "read_samples", "record_of"]

SAMPLES, WORDS = "samples.bin", "words.jsonl"
_MAX_WORDS = 100_000
"""Different words of one session; what comes beyond is told without its message."""


def sample_dtype(features: int) -> np.dtype[np.void]:
    """Record of one row."""
    return np.dtype(
        [
            ("ts", "<i8"),
            ("count", "<i8"),
            ("bracket", "<i4"),
            ("word", "<u4"),
            ("values", "<f8", (features,)),
        ]
    )


class SampleLog:
    """Writes the rows of one session.

    Parameters
    ----------
    folder : Path
        Where; the files must not be there yet.
    names : sequence of str
        Features, in column order.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._folder = folder
        try:
            self._rows = os.open(folder / SAMPLES, flags, 0o600)
            self._texts = os.open(folder / WORDS, flags, 0o600)
        except OSError as error:
            raise DataAccessError(f"cannot be made: {error.strerror or error}", path=folder) from error
        self._record = np.zeros(1, sample_dtype(len(names)))
        self._words: dict[tuple[str, ...], int] = {}
        self.failed = ""
        """Why rows are not written any more; empty while all is well."""
        self._append(self._texts, (json.dumps(list(names)) + "\n").encode())

    def write(self, sample: Sample) -> None:
        """Append one row; what cannot be written ends the log, not the session."""
        if self.failed:
            return
        try:
            record_of(sample, self._word(sample), self._record)
            self._append(self._rows, self._record.tobytes())
        except OSError as error:
            self.failed = f"the rows cannot be written to {self._folder}: {error.strerror or error}"

    def close(self) -> None:
        """Close the files."""
        os.close(self._rows)
        os.close(self._texts)

    def _word(self, sample: Sample) -> int:
        word: tuple[str, ...] = (sample.action, sample.reason, sample.rule, sample.message)
        if len(self._words) >= _MAX_WORDS:
            word = (*word[:3], "")
        if word not in self._words:
            self._append(self._texts, (json.dumps(word, ensure_ascii=False) + "\n").encode())
            self._words[word] = len(self._words)
        return self._words[word]

    @staticmethod
    def _append(fd: int, data: bytes) -> None:
        while data:
            data = data[os.write(fd, data) :]


def record_of(sample: Sample, word: int, out: npt.NDArray[np.void]) -> None:
    """Fill a record, shape (1,), in place."""
    out["ts"], out["count"], out["bracket"] = sample.ts, sample.count, sample.bracket
    out["word"], out["values"] = word, sample.values


def read_samples(folder: Path) -> tuple[tuple[str, ...], npt.NDArray[np.void], list[tuple[str, ...]]]:
    """Read what a log has written.

    Returns
    -------
    names : tuple of str
        Features.
    rows : ndarray, shape (n,)
        Fields ``ts``, ``count``, ``bracket``, ``word`` and ``values`` (n_features,).
    words : list of tuple
        Action, reason, rule and message, by ``word``.

    Raises
    ------
    DataAccessError
        The files cannot be read.
    DataFormatError
        They do not belong together.
    """
    try:
        lines = (folder / WORDS).read_bytes().split(b"\n")[:-1]
        data = (folder / SAMPLES).read_bytes()
    except OSError as error:
        raise DataAccessError(f"cannot be read: {error.strerror or error}", path=folder) from error
    parsed: list[Any] = [json.loads(line) for line in lines]
    if not parsed:
        raise DataFormatError("has no names of features", path=folder / WORDS)
    names, words = tuple(parsed[0]), [tuple(word) for word in parsed[1:]]
    dtype = sample_dtype(len(names))
    rows = np.frombuffer(data[: len(data) - len(data) % dtype.itemsize], dtype)
    known = rows["word"] < len(words)
    return names, rows[: len(rows) if known.all() else int(np.argmin(known))], words
