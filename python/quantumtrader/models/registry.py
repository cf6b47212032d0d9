"""The registry: model folders that are written once, verified on every load, and moved from state to state.

::

    models/<name>/states.jsonl              which version is in which state, who decided it, when and why
    models/<name>/performance.jsonl         what each session brought
    models/<name>/<version>/manifest.json   what the model is, and the SHA-256 of every other file
                            estimator.json, model.txt   the estimator
                            calibration.json            scores to probabilities
                            conformal.json              what prediction sets are made of
                            golden.npz, golden_events.npz   what must be reproduced
                            fitted_microprice.json, …   the fits that its columns read
                            oof.parquet, report.md      out-of-fold predictions, the report

Plain files, no server, nothing that is executed on reading.
"""

from __future__ import annotations

import getpass
import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.exceptions import (
    ConfigError,
    DataAccessError,
    DataError,
    DataFormatError,
    ModelError,
    PromotionError,
)
from quantumtrader.features.catalogue import canonical_json
from quantumtrader.features.fit.artifact import KINDS, Fits, parse_artifact
from quantumtrader.models.base import Model
from quantumtrader.models.calibration import Calibration
from quantumtrader.models.conformal import AdaptiveConformal
from quantumtrader.models.folder import MANIFEST, check_name, read_folder, sha256, write_folder
from quantumtrader.models.gate import Condition, conditions
from quantumtrader.models.golden import EVENTS_FILE, ROWS_FILE, GoldenEvents, GoldenRows
from quantumtrader.models.manifest import ModelManifest, fit_file
from quantumtrader.models.performance import PerformanceLog
from quantumtrader.models.scorers import Scorer, make_scorer
from quantumtrader.models.states import Entry, ModelState, Move, StateLog, States
from quantumtrader.types import Events, Instrument

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LoadedModel", "ModelRegistry"]

Float64 = npt.NDArray[np.float64]
CALIBRATION = "calibration.json"
CONFORMAL = "conformal.json"
OOF = "oof.parquet"
REPORT = "report.md"
_REQUIRED = (CALIBRATION, ROWS_FILE, EVENTS_FILE)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that has passed every check and may predict.

    Parameters
    ----------
    manifest : ModelManifest
        What it is.
    state : ModelState
        Its state when it was loaded.
    scorer : Scorer
        Scores rows.
    calibration : Calibration or None
        What makes its probabilities mean what they say; None for a model that does without.
    report : str
        The report of its training.
    conformal : AdaptiveConformal or None
        Sets of its calibrated probabilities; None for a model of before they were kept.
    fits : Fits
        What its columns read, as in its training.
    folder : Path, optional
        Where it lies.
    """

    manifest: ModelManifest
    state: ModelState
    scorer: Scorer
    calibration: Calibration | None
    report: str = ""
    conformal: AdaptiveConformal | None = None
    fits: Fits = field(default_factory=Fits)
    folder: Path | None = None

    @property
    def id(self) -> str:
        """Name and version."""
        return self.manifest.id

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of a row."""
        return self.manifest.features.names

    def fits_with(self, given: Fits, instrument: Instrument, known: date | None) -> Fits:
        """Return the fits to compute its rows with on sessions after its training; see ``ModelRegistry.fits``."""
        return _later(self.id, self.fits, given, instrument, known)

    def probabilities(self, row: Float64, regime: str = "") -> tuple[float, ...]:
        """Return calibrated probabilities of one row, in the order of the manifest's classes.

        Parameters
        ----------
        row : ndarray of float64, shape (n_features,)
            Columns in the order of ``names``.
        regime : str
            Market regime; empty where nobody said.
        """
        found = self.scorer.probabilities(row)
        if self.calibration is None:
            return found
        regimes = np.array([regime]) if regime and self.calibration.intercepts else None
        return tuple(self.calibration.apply(np.array([found]), regimes)[0].tolist())

    def batch(self, rows: Float64, regime: str = "") -> Float64:
        """Return calibrated probabilities, shape (n, n_classes): row by row, so that both ways give the same bits."""
        found = [self.probabilities(row, regime) for row in np.ascontiguousarray(rows, np.float64)]
        return np.array(found, np.float64).reshape(len(found), len(self.manifest.classes))


class ModelRegistry:
    """The models of one folder.

    Parameters
    ----------
    root : Path
        The folder; made with the first model.
    clock : Clock, optional
        Stamps moves and judges validity.

    Raises
    ------
    DataAccessError
        The folder is a file.
    """

    def __init__(self, root: Path | str, clock: Clock | None = None) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise DataAccessError(
                "is a file", path=self.root, remedy="Give the folder of all models, such as out/wdo/models"
            )
        self.clock = clock or LiveClock()

    # -- what is there -----------------------------------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        """Names of all models, sorted."""
        return tuple(sorted(p.name for p in self._folders(self.root)))

    def versions(self, name: str) -> tuple[str, ...]:
        """Versions of a model, oldest first."""
        found = [p.name for p in self._folders(self.root / check_name(name))]
        return tuple(
            sorted(found, key=lambda v: tuple(int(part) if part.isdigit() else 0 for part in v.split(".")))
        )

    def states(self, name: str) -> States:
        """States of all versions of a model."""
        return self._log(name).read()

    def performance(self, name: str) -> PerformanceLog:
        """What sessions brought."""
        return PerformanceLog(self.root, name, self.clock)

    def manifest(self, name: str, version: str) -> ModelManifest:
        """Read a manifest, and verify that the folder is what it says; nothing is evaluated."""
        return self._read(name, version)[0]

    def golden_events(self, name: str, version: str) -> GoldenEvents:
        """Read the golden events of a model."""
        return GoldenEvents.from_bytes(self._read(name, version)[1].get(EVENTS_FILE, b""))

    def fits(self, name: str, version: str, given: Fits, instrument: Instrument, known: date | None) -> Fits:
        """Return the fits to compute a model's rows with on sessions after its training.

        Parameters
        ----------
        name, version : str
            Which model.
        given : Fits
            Of whoever has the sessions. Only a PIN series counts of them: it is of the days that it covers. The rest are the
            model's own.
        instrument : Instrument
            Of the sessions.
        known : date or None
            Session before the last one: a PIN series must reach it, or its last value would stand for days that it does not
            know. None where nobody can tell.

        Raises
        ------
        ConfigError
            The model reads a PIN series and none is given, or one that ended before ``known``, as its own does.
        """
        manifest, files, _ = self._read(name, version)
        own = _fits(files, self.root / name / version)
        return _later(manifest.id, own, given, instrument, known)

    def oof(self, name: str, version: str) -> pa.Table:
        """Read the out-of-fold predictions of a model.

        Raises
        ------
        ModelError
            If the model was saved without any, or the folder is not what it says.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        data = self._read(name, version)[1].get(OOF)
        path = self.root / name / version / OOF
        if data is None:
            raise ModelError("the model was saved without out-of-fold predictions", path=path)
        try:
            return pq.read_table(io.BytesIO(data))
        except (pa.ArrowInvalid, OSError) as error:
            raise ModelError(f"no table can be read ({error})", path=path) from error

    # -- writing -----------------------------------------------------------------------------------------------

    def save(
        self,
        draft: ModelManifest,
        estimator: Model,
        rows: Float64,
        events: Events,
        *,
        calibration: Calibration | None = None,
        conformal: AdaptiveConformal | None = None,
        oof: pa.Table | None = None,
        report: str = "",
        fits: Fits | None = None,
    ) -> Path:
        """Write a fitted estimator as a new version, and read it back through every check.

        Parameters
        ----------
        draft : ModelManifest
            Everything that the training knows; kind, classes, calibration and files are filled in here.
        estimator : Model
            Fitted on the columns of ``draft.features``, in their order.
        rows : ndarray of float64, shape (n, n_features)
            Rows of the training data; golden rows are chosen from them.
        events : Events, shape (n_events,)
            Beginning of a session of the training data: golden events are taken from it.
        calibration : Calibration, optional
            Fitted out of fold.
        conformal : AdaptiveConformal, optional
            Calibrated on out-of-fold probabilities behind ``calibration``.
        oof : pyarrow.Table, optional
            Out-of-fold predictions.
        report : str
            In Markdown.
        fits : Fits, optional
            That the rows were computed with; the model keeps a copy of those that its columns read.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        ModelError
            If the estimator does not fit the draft, the version is there already, or the running feature engine is
            not that of the draft.
        """
        with tempfile.TemporaryDirectory(prefix="quantumtrader-") as folder:
            estimator.to_files(Path(folder))
            files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
        classes = tuple(int(c) for c in estimator.classes_)
        manifest = replace(
            draft,
            kind=estimator.kind,
            classes=classes,
            calibration="none" if calibration is None else calibration.method,
            files={},
        )
        scorer = make_scorer(manifest.kind, files, manifest.features.names, classes)
        document = None if calibration is None else calibration.to_document()
        own = (fits or Fits()).read_by(manifest.features.features)
        files |= {
            CALIBRATION: canonical_json(document) + b"\n",
            ROWS_FILE: GoldenRows.of(rows, scorer).to_bytes(),
            EVENTS_FILE: GoldenEvents.of(events, manifest, own).to_bytes(),
            REPORT: report.encode(),
            **{fit_file(artifact.kind): artifact.to_bytes() for artifact in own.artifacts},
        }
        if conformal is not None:
            files[CONFORMAL] = canonical_json(conformal.to_document()) + b"\n"
        if oof is not None:
            files[OOF] = _parquet(oof)
        manifest = manifest.with_files(files)
        self._check(manifest, files, ModelState.CANDIDATE, now_ns=None)
        return write_folder(
            self.root, manifest.name, manifest.version, {**files, MANIFEST: manifest.to_bytes()}
        )

    # -- loading -----------------------------------------------------------------------------------------------

    def load(self, name: str, version: str, *, validity: bool = True) -> LoadedModel:
        """Load a model; every check is fatal.

        Files must be those of the manifest to the byte, the manifest that of the last recorded move, features those
        of the running engine, golden rows and golden events reproduced, and the model in its time.

        Parameters
        ----------
        name, version : str
            Which model.
        validity : bool
            Whether a model beyond its time is refused; a replay of old events does not ask.

        Raises
        ------
        ModelError
            Names what differs; ``differences`` has it one by one.
        """
        manifest, files, states = self._read(name, version)
        return self._check(
            manifest, files, states.of(version), now_ns=self.clock.now_ns() if validity else None
        )

    # -- moving ------------------------------------------------------------------------------------------------

    def gate(self, name: str, version: str, target: ModelState | None = None) -> tuple[Condition, ...]:
        """Return the conditions of the next state, or of a given one, met or not."""
        manifest, _, states = self._read(name, version)
        state = target or states.of(version).next
        if state is None:
            return ()
        return conditions(manifest, state, self.performance(name).results(version), self.clock.now_ns())

    def promote(self, name: str, version: str, *, why: str, who: str | None = None) -> Entry:
        """Move a version one state up; a version that becomes live retires the one before it.

        Raises
        ------
        PromotionError
            If there is no state above, or a condition is not met: every failed one is named.
        ModelError
            If the version would not load.
        """
        loaded = self.load(name, version)
        manifest = loaded.manifest

        def decide(states: States) -> tuple[tuple[Move, ...], tuple[str, ...]]:
            origin = states.of(version)
            target = origin.next
            if target is None:
                raise PromotionError(f"{manifest.id} is {origin}: there is no way up from it")
            asked = conditions(manifest, target, self.performance(name).results(version), self.clock.now_ns())
            failed = tuple(str(c) for c in asked if not c.met)
            if failed:
                raise PromotionError(
                    f"{manifest.id} stays {origin}: {len(failed)} of {len(asked)} conditions for {target} are not "
                    f"met: {'; '.join(failed)}",
                    failed,
                )
            moves = [Move(version, origin, target, manifest.hash)]
            if target is ModelState.LIVE and states.live is not None:
                moves.append(self._retirement(states, states.live))
            return tuple(moves), tuple(str(c) for c in asked)

        return self._log(name).move(who or _user(), why, "promote", decide)

    def retire(self, name: str, version: str, *, why: str, who: str | None = None) -> Entry:
        """Take a version out of service; always allowed, also for one that no longer loads."""
        if version not in self.versions(name):
            raise ModelError(f"there is no model {name} {version}", remedy="See quantumtrader models list")

        def decide(states: States) -> tuple[tuple[Move, ...], tuple[str, ...]]:
            if states.of(version) is ModelState.RETIRED:
                raise PromotionError(f"{name} {version} is retired already")
            return (self._retirement(states, version),), ()

        return self._log(name).move(who or _user(), why, "retire", decide)

    def rollback(self, name: str, *, why: str, who: str | None = None) -> Entry:
        """Make the version before the live one live again: one step, and only one.

        Raises
        ------
        PromotionError
            If there is none.
        ModelError
            If it would not load.
        """
        previous = self.states(name).previous
        if previous is None:
            raise PromotionError(f"{name} has no version to go back to")
        manifest = self.load(name, previous, validity=False).manifest

        def decide(states: States) -> tuple[tuple[Move, ...], tuple[str, ...]]:
            if states.previous != previous:
                raise PromotionError(f"{name} was moved meanwhile: look at it again")
            moves = [] if states.live is None else [self._retirement(states, states.live)]
            moves.append(Move(previous, states.of(previous), ModelState.LIVE, manifest.hash))
            return tuple(moves), ()

        return self._log(name).move(who or _user(), why, "rollback", decide)

    # -- inside ------------------------------------------------------------------------------------------------

    def _folders(self, parent: Path) -> list[Path]:
        if not parent.is_dir():
            return []
        return [
            p for p in parent.iterdir() if not p.name.startswith(".") and p.is_dir() and not p.is_symlink()
        ]

    def _log(self, name: str) -> StateLog:
        return StateLog(self.root, name, self.clock)

    @staticmethod
    def _retirement(states: States, version: str) -> Move:
        return Move(version, states.of(version), ModelState.RETIRED, states.manifest_of(version) or "")

    def _read(self, name: str, version: str) -> tuple[ModelManifest, dict[str, bytes], States]:
        """Read a folder and hold it against its manifest, and the manifest against the record of states."""
        files = read_folder(self.root, name, version)
        folder = self.root / name / version
        if MANIFEST not in files:
            raise ModelError(
                "has no manifest", path=folder, remedy="It is no model, or was not written to its end"
            )
        try:
            manifest = ModelManifest.from_bytes(files.pop(MANIFEST))
        except ModelError as error:
            raise ModelError(str(error), path=folder / MANIFEST) from error
        if (manifest.name, manifest.version) != (name, version):
            raise ModelError(f"holds {manifest.id}", path=folder, remedy="Folders may not be renamed")
        _compare_files(manifest, files, folder)
        states = self.states(name)
        known = states.manifest_of(version)
        if known and known != manifest.hash:
            raise ModelError(
                f"is not the model that was moved to {states.of(version)}: its manifest has hash "
                f"{manifest.hash[:16]}, then it was {known[:16]}",
                path=folder,
                remedy="Restore it from a backup, or give the other one a new version",
            )
        return manifest, files, states

    def _check(
        self, manifest: ModelManifest, files: Mapping[str, bytes], state: ModelState, now_ns: int | None
    ) -> LoadedModel:
        folder = self.root / manifest.name / manifest.version
        absent = [name for name in _REQUIRED if name not in files]
        if absent:
            raise ModelError(f"has no {', '.join(absent)}", path=folder)
        until = manifest.limits["valid_until_ns"]
        if now_ns is not None and until is not None and now_ns > until:
            raise ModelError(
                f"was valid until {np.datetime64(until, 'ns')}Z",
                path=folder,
                remedy="Train it again on newer sessions",
            )
        try:
            calibration = _calibration(files[CALIBRATION], manifest)
            conformal = _conformal(files.get(CONFORMAL), manifest)
            fits = _fits(files, folder)
            kept = (*_REQUIRED, CONFORMAL, OOF, REPORT, *(fit_file(a.kind) for a in fits.artifacts))
            own = {k: v for k, v in files.items() if k not in kept}
            names = manifest.features.names
            scorer = make_scorer(manifest.kind, own, names, manifest.classes)
            GoldenEvents.from_bytes(files[EVENTS_FILE]).check(manifest, fits)
            GoldenRows.from_bytes(files[ROWS_FILE]).check(scorer, names)
        except ModelError as error:
            raise ModelError(str(error), path=folder, differences=error.differences) from error
        report = files.get(REPORT, b"").decode(errors="replace")
        return LoadedModel(manifest, state, scorer, calibration, report, conformal, fits, folder)


def _compare_files(manifest: ModelManifest, files: Mapping[str, bytes], folder: Path) -> None:
    absent = sorted(manifest.files.keys() - files.keys())
    added = sorted(files.keys() - manifest.files.keys())
    if absent or added:
        words = [f"missing {', '.join(absent)}"] * bool(absent) + [f"not expected {', '.join(added)}"] * bool(
            added
        )
        raise ModelError(
            f"has other files than its manifest: {'; '.join(words)}", path=folder, differences=tuple(words)
        )
    changed = [name for name in sorted(files) if sha256(files[name]) != manifest.files[name]]
    if changed:
        raise ModelError(
            f"was changed after it was written: the hash of {', '.join(changed)} does not fit",
            path=folder,
            remedy="Restore it from a backup",
            differences=tuple(f"hash of {name}" for name in changed),
        )


def _calibration(data: bytes, manifest: ModelManifest) -> Calibration | None:
    try:
        document: Any = json.loads(data)
        found = None if document is None else Calibration.from_document(document)
    except (ValueError, DataFormatError, DataError) as error:
        raise ModelError(f"{CALIBRATION}: {error}") from error
    method = "none" if found is None else found.method
    if method != manifest.calibration or (found is not None and found.classes != len(manifest.classes)):
        raise ModelError(f"{CALIBRATION} is {method}, the manifest says {manifest.calibration}")
    return found


def _conformal(data: bytes | None, manifest: ModelManifest) -> AdaptiveConformal | None:
    if data is None:
        return None
    try:
        found = AdaptiveConformal.from_document(json.loads(data))
    except (ValueError, DataFormatError) as error:
        raise ModelError(f"{CONFORMAL}: {error}") from error
    if tuple(found.classes.tolist()) != manifest.classes:
        raise ModelError(
            f"{CONFORMAL} is of classes {found.classes.tolist()}, the manifest says {list(manifest.classes)}"
        )
    return found


def _fits(files: Mapping[str, bytes], folder: Path) -> Fits:
    """Read the copies of the fits that a model keeps."""
    names = [fit_file(kind) for kind in KINDS]
    try:
        return Fits(tuple(parse_artifact(files[name], folder / name) for name in names if name in files))
    except DataFormatError as error:
        raise ModelError(str(error)) from error


def _later(model: str, own: Fits, given: Fits, instrument: Instrument, known: date | None) -> Fits:
    """Join a model's copies with the PIN series of somebody who has later sessions; see ``ModelRegistry.fits``."""
    if own.of_kind("pin") is not None:
        until = given.series_until(instrument)
        if until is None or (known is not None and until < known):
            what = "its own PIN series ends with its training"
            what = what if until is None else f"the PIN series that is given ends on {until}, before {known}"
            raise ConfigError(
                f"{model} reads pin_60, and {what}: give one of all these sessions, --fitted FILE (quantumtrader fit pin "
                "--every session)"
            )
    return own.with_series_of(given)


def _parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in this system's table
        raise PromotionError("nobody is known to decide this: give a name (who)") from None
