"""The folder of one training: what was asked, and everything that was computed so far.

::

    run.json         what was asked, when it was first asked
    data/            labelled rows, so that events are replayed once
    folds/<hash>.npz results of one fold of one configuration
    trials.jsonl     the ledger
    .training.lock   held while somebody trains here

A training that was killed goes on from what is there and ends in the same bytes. Files appear as a whole or not at all. A
folder in which something else was asked is refused, unless that failed before anything was computed: then it takes what is
asked now.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.data._lock import SymbolLock
from quantumtrader.exceptions import ConfigError, DataAccessError, DataFormatError, ModelError
from quantumtrader.models.arrays import pack_arrays, unpack_arrays
from quantumtrader.models.folder import write_whole
from quantumtrader.training.cross_validate import Fold, FoldTask, Mapper
from quantumtrader.training.executor import Executor
from quantumtrader.training.notes import Note
from quantumtrader.training.splits import Split
from quantumtrader.training.trials import Trial, TrialLedger

__all__ = ["RunFolder", "RunLedger"]

SCHEMA = 1
REQUEST = "run.json"
LOCK = ".training.lock"
UNKNOWN_LIBRARIES = Note(
    "its folds were first computed before versions of libraries were kept: they are not known",
    "suas divisões foram calculadas antes de se guardarem as versões das bibliotecas: não são conhecidas",
)
_TOLD = 6


class RunLedger(TrialLedger):
    """A ledger in which a configuration that is evaluated again, with the same results, stands once.

    A resumed training evaluates again what it had evaluated: no new trial, so no new line.
    """

    def record(
        self,
        study: str,
        parameters: Mapping[str, Any],
        sessions: npt.NDArray[np.int64],
        results: npt.ArrayLike,
        metrics: Mapping[str, float] | None = None,
    ) -> Trial:
        """Return the line of this trial; append it where there is none (see ``TrialLedger.record``)."""
        asked = self._trial(study, parameters, sessions, results, metrics)
        return self.append(lambda before: next((t for t in reversed(before) if _same(t, asked)), asked))


def _same(known: Trial, asked: Trial) -> bool:
    """Say whether a trial is another one but for when it was recorded."""
    return (
        (known.study, known.hash, known.sessions, known.results)
        == (asked.study, asked.hash, asked.sessions, asked.results)
        and known.metrics.keys() == asked.metrics.keys()
        and all(
            known.metrics[k] == v or (math.isnan(v) and math.isnan(known.metrics[k]))
            for k, v in asked.metrics.items()
        )
    )


class RunFolder:
    """The folder, held by one process at a time.

    Parameters
    ----------
    path : Path
        Made when it is not there.
    request : mapping
        Everything the result depends on; JSON values.
    clock : Clock, optional
        Says when it was first asked, and stamps the ledger.

    Raises
    ------
    ConfigError
        Something else was asked here before, and something of it is there: the message says what differs.
    DataAccessError
        The folder cannot be used, or another process trains in it.
    """

    def __init__(self, path: Path | str, request: Mapping[str, Any], clock: Clock | None = None) -> None:
        self.path = Path(path)
        clock = clock or LiveClock()
        asked = json.loads(json.dumps(request, sort_keys=True, allow_nan=False))
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataAccessError(f"cannot be made ({error.strerror})", path=self.path) from error
        self._lock = _lock(self.path)
        self.notes: tuple[Note, ...] = ()
        """What must be said with its result."""
        try:
            file = self.path / REQUEST
            document = _read_request(file) if file.exists() else {}
            self.resumed = bool(document) and (document["request"] == asked or self._computed())
            """Whether something had been asked here before, and is gone on with."""
            if self.resumed:
                if "libraries" in asked and "libraries" not in document["request"]:
                    del asked["libraries"]
                    self.notes = (UNKNOWN_LIBRARIES,)
                _require_same(document["request"], asked, self.path)
                _sweep(self.path)
            else:
                # A training that was killed while it wrote what was asked left a part of that.
                if self._computed():
                    raise ConfigError(
                        f"{self.path} holds other files and no {REQUEST}: give a new folder for the training"
                    )
                for part in self.path.glob(f".{REQUEST}.*"):
                    part.unlink(missing_ok=True)
                document = {"schema": SCHEMA, "created_ns": clock.now_ns(), "request": asked}
                write_whole(file, _json(document))
        except BaseException:
            self.close()
            raise
        self.request: dict[str, Any] = document["request"]
        self.created_ns: int = document["created_ns"]
        """When it was first asked, ns UTC."""
        self.ledger = RunLedger(self.path / "trials.jsonl", clock)
        self.reused = 0
        """Folds that were there already."""

    def mapper(
        self, executor: Executor, doing: str = "", advance: Callable[[float], None] | None = None
    ) -> Mapper:
        """Return a ``mapper`` for ``evaluate``: folds that are there are read, the others computed and kept.

        Parameters
        ----------
        executor : Executor
            Computes.
        doing : str
            For the note on an error.
        advance : callable, optional
            Called with 1 for each fold.
        """

        def run(fn: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
            splits = list(items)
            files = [self._fold_file(fn, split) for split in splits]
            found: dict[int, Any] = {}
            for place, file in enumerate(files):
                known = _read_fold(file)
                if known is not None:
                    found[place] = known
                    self.reused += 1
                    if advance is not None:
                        advance(1)
            missing = [place for place in range(len(splits)) if place not in found]

            def done(k: int, result: Any) -> None:
                file = files[missing[k]]
                if isinstance(fn, FoldTask):
                    fn.keep(result)  # the lines come first: a fold that is there is not searched again
                if file is not None:
                    write_whole(file, pack_arrays({"probabilities": result[0], "base": result[1]}))
                if advance is not None:
                    advance(1)

            computed = executor.map(fn, [splits[p] for p in missing], doing=doing, done=done)
            if isinstance(fn, FoldTask):
                computed = [(*fold[:2], ()) for fold in computed]
            found |= dict(zip(missing, computed, strict=True))
            return [found[place] for place in range(len(splits))]

        return run

    def known(self, name: str) -> Any:
        """Return a JSON document that is kept under a name; None where there is none."""
        file = self.path / f"{name}.json"
        return json.loads(file.read_bytes()) if file.exists() else None

    def document(self, name: str, make: Callable[[], Any]) -> Any:
        """Return a JSON document that is kept under a name; made where it is not there yet."""
        file = self.path / f"{name}.json"
        if not file.exists():
            write_whole(file, _json(make()))
        return json.loads(file.read_bytes())

    @staticmethod
    def created(path: Path) -> int:
        """Return when the training of a folder was first asked, ns UTC: it tells trainings apart, as a path does not.

        Raises
        ------
        DataFormatError
            There is none, or it was damaged.
        """
        return int(_read_request(path / REQUEST)["created_ns"])

    def close(self) -> None:
        """Let others train here."""
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _computed(self) -> bool:
        """Whether there is more than what was asked, whole or half written, and the lock."""
        return any(
            p.name not in (REQUEST, LOCK) and not p.name.startswith(f".{REQUEST}.")
            for p in self.path.iterdir()
        )

    def _fold_file(self, fn: Callable[[Any], Any], split: Any) -> Path | None:
        if not (isinstance(fn, FoldTask) and isinstance(split, Split)):
            return None
        digest = hashlib.sha256(fn.key.encode())
        for rows in (split.train, split.test):
            digest.update(len(rows).to_bytes(8, "little") + np.ascontiguousarray(rows, np.int64).tobytes())
        return self.path / "folds" / f"{digest.hexdigest()}.npz"


def _sweep(path: Path) -> None:
    """Remove what a killed training had half written."""
    data = path / "data"
    for folder in (
        path,
        path / "folds",
        path / "assessment",
        data,
        *(p for p in data.glob("*") if p.is_dir()),
    ):
        for left in folder.glob(".*"):
            if left.is_file() and left.name != LOCK:
                left.unlink(missing_ok=True)


def _lock(path: Path) -> SymbolLock:
    try:
        return SymbolLock(path, "training")
    except DataAccessError as error:
        raise DataAccessError(
            "cannot be locked: another process trains here, or the folder may not be written",
            path=path,
            remedy="Wait for it, or give another folder",
        ) from error


def _read_request(file: Path) -> dict[str, Any]:
    try:
        document: Any = json.loads(file.read_bytes())
        if document["schema"] != SCHEMA or not isinstance(document["request"], dict):
            raise ValueError(f"layout {document['schema']!r}")
        int(document["created_ns"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise DataFormatError(
            f"says not what was asked ({error})", path=file, remedy="Give a new folder for the training"
        ) from error
    found: dict[str, Any] = document
    return found


def _require_same(before: Mapping[str, Any], asked: Mapping[str, Any], path: Path) -> None:
    then, now = _flat(before), _flat(asked)
    odd = [key for key in sorted(then.keys() | now.keys()) if then.get(key, ...) != now.get(key, ...)]
    if not odd:
        return
    told = [f"{key} was {_shown(then, key)}, now {_shown(now, key)}" for key in odd[:_TOLD]]
    more = f"; and {len(odd) - _TOLD} more" if len(odd) > _TOLD else ""
    raise ConfigError(
        f"{path} holds another training: {'; '.join(told)}{more}. Give a new folder, or ask for the same"
    )


def _flat(document: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{before}{key}"
        out |= _flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return out


def _shown(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        return "not given"
    text = json.dumps(values[key])
    return text if len(text) <= 60 else f"{text[:57]}…"


def _read_fold(file: Path | None) -> Fold | None:
    if file is None or not file.exists():
        return None
    found = _unpack(file)
    return found["probabilities"], found["base"], ()


def _unpack(file: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        return unpack_arrays(file.read_bytes(), file.name)
    except ModelError as error:
        raise DataFormatError(
            f"was damaged ({error})", path=file, remedy="Remove it: it is computed again"
        ) from error


def _json(document: Any) -> bytes:
    return (json.dumps(document, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()
