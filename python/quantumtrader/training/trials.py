"""The trial ledger: one line for everything that was ever evaluated, and no evaluation without a line.

How many trials stand behind the best one decides how much of its result is luck, so the count must not depend
on memory. The file is append-only JSON lines, each with a checksum, written by one process at a time; a line that was
cut off by a crash is dropped with a warning, a line that was altered is an error.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.exceptions import DataAccessError, DataError, EmptyDataError
from quantumtrader.models.records import locked

__all__ = ["Trial", "TrialLedger", "TrialMemory", "configuration_hash", "independent_trials"]

_log = logging.getLogger(__name__)
_BEGUN = re.compile(rb"[0-9a-f]{1,8}|[0-9a-f]{8} (\{.*)?")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"?')
"""A text of JSON, or what is there of one."""
_REMEDY = "Check disk and permissions: whoever shares the folder must be able to read and write its files"


def configuration_hash(parameters: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a configuration, whatever the order of its keys."""
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluated configuration.

    Parameters
    ----------
    study : str
        What was searched: trials of one study compete with each other.
    parameters : dict
        Everything that was chosen; JSON values.
    sessions : tuple of str
        Session dates of the results, ``YYYY-MM-DD``, ascending.
    results : tuple of float
        Net result per session, in the unit of the study.
    metrics : dict of str to float
        Whatever else was measured.
    ts : int
        When it was recorded, ns UTC.
    """

    study: str
    parameters: Mapping[str, Any]
    sessions: tuple[str, ...]
    results: tuple[float, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)
    ts: int = 0

    @property
    def hash(self) -> str:
        """Hash of study and parameters."""
        return configuration_hash({"study": self.study, "parameters": dict(self.parameters)})


class TrialLedger:
    """The file.

    Parameters
    ----------
    path : Path
        Made when it is not there.
    clock : Clock, optional
        Stamps the lines.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or LiveClock()
        self._warned = False

    def record(
        self,
        study: str,
        parameters: Mapping[str, Any],
        sessions: npt.NDArray[np.int64],
        results: npt.ArrayLike,
        metrics: Mapping[str, float] | None = None,
    ) -> Trial:
        """Append a trial and force it to the disk; returns it.

        Parameters
        ----------
        study, parameters, metrics
            See :class:`Trial`.
        sessions : ndarray of int64, shape (n,)
            Session dates as days since 1970, ascending.
        results : array_like, shape (n,)
            Net result per session, finite.

        Raises
        ------
        DataError
            Nothing to record, or something that is not finite.
        DataAccessError
            The file cannot be written.
        """
        trial = self._trial(study, parameters, sessions, results, metrics)
        return self.append(lambda before: trial)

    def append(self, make: Callable[[list[Trial]], Trial]) -> Trial:
        """Append a trial that depends on those that are there, and force it to the disk; returns it, stamped.

        Parameters
        ----------
        make : callable
            Gets the trials that are there, oldest first, and returns the new one; nothing can come in between. If it
            returns one of them nothing is written. What it raises leaves the file as it was.

        Raises
        ------
        DataError
            A line was altered.
        DataAccessError
            The file cannot be read or written.
        """
        with self._opened() as file:
            data: bytes = file.read()
            before = list(self._trials(data))
            trial = make(before)
            if any(trial is known for known in before):
                return trial
            trial = replace(trial, ts=self._clock.now_ns())
            line = _encode(trial)
            kept = data.rfind(b"\n") + 1
            if _body(data[kept:]) is not None:  # all of it but its end
                kept, line = len(data), b"\n" + line
            file.truncate(kept)  # without what a killed writer left of its line
            file.seek(kept)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        return trial

    def trials(self, study: str | None = None) -> list[Trial]:
        """Return the trials of a study, or all, oldest first.

        Raises
        ------
        DataError
            A line was altered; the message gives its number.
        DataAccessError
            The file cannot be read.
        """
        return [t for t in self._trials(self._bytes()) if study is None or t.study == study]

    def count(self, study: str) -> int:
        """Return how many different configurations of a study were evaluated."""
        return len({t.hash for t in self.trials(study)})

    def matrix(self, study: str) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]:
        """Return the results of a study on the sessions that all its trials share, for PBO and the reality
        check.

        Returns
        -------
        sessions : ndarray of str, shape (n,)
        results : ndarray of float64, shape (n, trials)
            One column per configuration, in the order of its first evaluation; the last result of each
            counts.

        Raises
        ------
        EmptyDataError
            There is no trial, or no session in common.
        """
        latest: dict[str, Trial] = {}
        for trial in self.trials(study):
            latest[trial.hash] = trial
        if not latest:
            raise EmptyDataError(f"no trial of {study!r} was recorded", path=self.path)
        shared = set.intersection(*(set(t.sessions) for t in latest.values()))
        if not shared:
            raise EmptyDataError(f"the trials of {study!r} have no session in common", path=self.path)
        sessions = sorted(shared)
        columns = []
        for trial in latest.values():
            by_session = dict(zip(trial.sessions, trial.results, strict=True))
            columns.append([by_session[s] for s in sessions])
        return np.array(sessions), np.array(columns).T

    def independent(self, study: str, correlation: float = 0.7) -> int:
        """Return the number of trials when those that move together count once.

        Trials are joined greedily: one whose results correlate with those of an earlier cluster's first
        member by at least ``correlation`` belongs to it.
        """
        return independent_trials(self.matrix(study)[1], correlation)

    def require_writable(self) -> None:
        """Open the file for reading and writing, made where it is not there: who may not is told before the work.

        Raises
        ------
        DataAccessError
            It cannot be read or written.
        """
        with self._opened():
            pass
        self._bytes()

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A study may be shared: who may write is for the umask to say.
            with locked(self.path, 0o666) as file:
                yield file
        except OSError as error:
            raise DataAccessError(
                f"cannot be written ({error.strerror or error})", path=self.path, remedy=_REMEDY
            ) from error

    def _trial(
        self,
        study: str,
        parameters: Mapping[str, Any],
        sessions: npt.NDArray[np.int64],
        results: npt.ArrayLike,
        metrics: Mapping[str, float] | None,
    ) -> Trial:
        values = np.asarray(results, np.float64)
        if values.shape != sessions.shape or len(values) == 0 or not np.isfinite(values).all():
            raise DataError(
                f"trial of {study}: {values.shape} results for {sessions.shape} sessions, finite: "
                f"{bool(np.isfinite(values).all())}; every session needs a result",
                path=self.path,
            )
        dates = tuple(str(d) for d in sessions.astype("datetime64[D]"))
        given = {k: float(v) for k, v in (metrics or {}).items()}
        return Trial(study, dict(parameters), dates, tuple(values.tolist()), given)

    def _bytes(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise DataAccessError(
                f"cannot be read ({error.strerror or error})", path=self.path, remedy=_REMEDY
            ) from error

    def _trials(self, data: bytes) -> Iterator[Trial]:
        for number, line in enumerate(data.split(b"\n"), 1):
            if not line:
                continue
            body = _body(line)
            if body is None:
                if not _cut(line):
                    self._refuse(number)
                if not self._warned:
                    _log.warning("%s:%d: a line that was cut off is left out", self.path, number)
                    self._warned = True
                continue
            row = json.loads(body)
            metrics = {k: float("nan") if v is None else v for k, v in row["metrics"].items()}
            yield Trial(
                row["study"],
                row["parameters"],
                tuple(row["sessions"]),
                tuple(row["results"]),
                metrics,
                row["ts"],
            )

    def _refuse(self, number: int) -> NoReturn:
        raise DataError("this line was altered", path=self.path, line=number, remedy="Restore the file")


def _cut(line: bytes) -> bool:
    """Say whether a killed writer may have left this of a line: its record has begun and is not closed.

    What is complete and wrong was altered.
    """
    record = _TEXT.sub(b"", line)
    return bool(_BEGUN.fullmatch(line)) and (b"{" not in record or record.count(b"{") > record.count(b"}"))


def _encode(trial: Trial) -> bytes:
    """Return the line of a trial."""
    body = json.dumps(
        {
            "study": trial.study,
            "hash": trial.hash,
            "ts": trial.ts,
            "parameters": trial.parameters,
            "metrics": {k: None if np.isnan(v) else v for k, v in trial.metrics.items()},
            "sessions": trial.sessions,
            "results": trial.results,
        },
        separators=(",", ":"),
        allow_nan=False,
    ).encode()
    return f"{zlib.crc32(body):08x} ".encode() + body + b"\n"


class TrialMemory(TrialLedger):
    """A ledger without a file, for a worker: who gave the work writes down what was ``added``.

    Parameters
    ----------
    path : Path
        The file that it stands for; neither read nor written.
    known : sequence of Trial
        Those that are there.
    """

    def __init__(self, path: Path, known: Sequence[Trial]) -> None:
        super().__init__(path)
        self._known = tuple(known)
        self.added: list[Trial] = []

    def append(self, make: Callable[[list[Trial]], Trial]) -> Trial:
        """See :class:`TrialLedger`; the trial is stamped when it is written."""
        before = self.trials()
        trial = make(before)
        if not any(trial is known for known in before):
            self.added.append(trial)
        return trial

    def trials(self, study: str | None = None) -> list[Trial]:
        """See :class:`TrialLedger`."""
        return [t for t in (*self._known, *self.added) if study is None or t.study == study]


def _body(line: bytes) -> bytes | None:
    """Return what a line holds behind its checksum; None where that does not fit."""
    check, _, body = line.partition(b" ")
    return body if f"{zlib.crc32(body):08x}".encode() == check else None


def independent_trials(results: npt.NDArray[np.float64], correlation: float = 0.7) -> int:
    """Count trials when those that move together count once; see :meth:`TrialLedger.independent`.

    Two that share less than half of the sessions of either are not known to move together, and count twice.

    Parameters
    ----------
    results : ndarray of float64, shape (sessions, trials)
        One column per configuration, in the order of the first evaluation; NaN where it has no result.
    correlation : float
        From which on two move together.
    """
    heads, count = np.empty(results.shape), 0
    for column in results.T:
        others = heads[:, :count]
        both = ~(np.isnan(others) | np.isnan(column)[:, None])
        shared = both.sum(axis=0)
        longest = np.maximum((~np.isnan(others)).sum(axis=0), (~np.isnan(column)).sum())
        a, b = (_centred(values, both, shared) for values in (column[:, None], others))
        norm = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
        together = (norm > 0) & ((a * b).sum(axis=0) >= correlation * norm)
        if not (together & (2 * shared >= longest)).any():
            heads[:, count] = column
            count += 1
    return count


def _centred(
    values: npt.NDArray[np.float64], where: npt.NDArray[np.bool_], count: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return values less their mean where both are known, 0 elsewhere."""
    known = np.where(where, values, 0.0)
    return np.where(where, known - known.sum(axis=0) / np.maximum(count, 1), 0.0)
