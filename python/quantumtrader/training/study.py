"""What all trainings of one user on the same market and target have tried and seen, whatever folder they ran in.

How much of a result is luck depends on everything that was tried on its sessions, and a locked session tests nothing once
somebody has seen it. Neither may be forgotten because a training began in a new folder. So each study has two
append-only files in one place: ``trials.jsonl``, a line for each configuration that was judged, and ``vault.jsonl``, a line
for each opening of a vault, each look at sessions after a training, and each training on blocks of their time.

In the ledger of one training, and so in its report, ``study`` is the name of a group of trials that compete there
(``Trial.study``, ``Plan.name``). A :class:`Study` holds the trials of all such groups of a market and a target.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import platformdirs

from quantumtrader.clock import Clock
from quantumtrader.exceptions import ConfigError
from quantumtrader.training.evaluation import sharpe
from quantumtrader.training.run_folder import RunLedger
from quantumtrader.training.trials import Trial, configuration_hash, independent_trials

__all__ = ["STUDIES_VARIABLE", "Earlier", "Study", "lineage_of", "log_read", "require_log", "studies_folder"]

Int64 = npt.NDArray[np.int64]

STUDIES_VARIABLE = "QUANTUMTRADER_STUDIES"
"""Environment variable that names another folder than the user's."""
_FAMILIES = ("triple_barrier", "direction")
"""Labels that begin so are one target: another horizon or another naming of classes is another trial of it."""

_VALID_SESSIONS = 10
"""Stands for every ``valid_sessions``: what the hashes of lines hold that were written when it made a lineage."""


def studies_folder() -> Path:
    """Return the folder of all studies: ``$QUANTUMTRADER_STUDIES``, or one in the user's data folder."""
    given = os.environ.get(STUDIES_VARIABLE)
    return Path(given) if given else Path(platformdirs.user_data_dir("quantumtrader", False)) / "studies"


def lineage_of(request: Mapping[str, Any]) -> str:
    """Return the hash of what was asked of a training, but for its data, its name and the versions that ran it.

    Trainings of one lineage are one procedure: on a recording that has grown it makes no new trials. How long a model is
    valid changes no result either.

    Parameters
    ----------
    request : mapping
        As ``run.json`` holds it.
    """
    asked = {k: v for k, v in request.items() if k not in ("events", "version", "libraries")}
    # An option that is not used is left out: trainings of before there was one are of the same lineage.
    config = {k: v for k, v in request.get("config", {}).items() if k != "name" and v is not None}
    if "valid_sessions" in config:
        config["valid_sessions"] = _VALID_SESSIONS
    asked["config"] = config
    return configuration_hash(asked)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier trainings leave to a later one, as it was when that was first assessed.

    Parameters
    ----------
    configurations : int
        Judged by earlier trainings on at least one of its sessions, each once.
    independent : int
        Those that vary, and move neither with one another nor with one of its own.
    ratios : tuple of float
        Their Sharpe ratios per session, where they have one.
    locked : int
        Sessions that it has locked away; 0 where that is not known.
    seen : tuple of str
        Those of them that were seen before, ``YYYY-MM-DD``.
    """

    configurations: int = 0
    independent: int = 0
    ratios: tuple[float, ...] = ()
    locked: int = 0
    seen: tuple[str, ...] = ()


class Study:
    """The two files of a study.

    Parameters
    ----------
    folder : Path
        Made when it is not there.
    clock : Clock, optional
        Stamps the lines.
    """

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.folder = folder
        self._tried = RunLedger(folder / "trials.jsonl", clock)
        self._seen = RunLedger(folder / "vault.jsonl", clock)

    @classmethod
    def of(cls, product: str, label: str, *, synthetic: bool, clock: Clock | None = None) -> Study:
        """Return the study of a market and a target, in the folder of all studies.

        Neither symbol nor sampling clock tell studies apart: a continuous series and its contracts are the same
        sessions, and so are bars and prints. Generated data is never counted with recorded data.

        Parameters
        ----------
        product : str
            Of the instrument.
        label : str
            Name of the label.
        synthetic : bool
            Whether a generator made any of the data.
        clock : Clock, optional
        """
        family = next((name for name in _FAMILIES if label.startswith(name)), label)
        return cls(studies_folder() / f"{quote(product, safe='')}-{family}{_kind(synthetic)}", clock)

    @classmethod
    def existing(cls, product: str, *, synthetic: bool, clock: Clock | None = None) -> list[Study]:
        """Return the studies of a market that are there, of any target; arguments are those of :meth:`of`."""
        found = sorted(studies_folder().glob(f"{quote(product, safe='')}-*/trials.jsonl"))
        kept = [file.parent for file in found if file.parent.name.endswith(_kind(True)) == synthetic]
        return [cls(folder, clock) for folder in kept]

    def require_writable(self) -> None:
        """Open both files for reading and writing, made where they are not there.

        Raises
        ------
        DataAccessError
            One cannot be read or written, as where another user made it for himself.
        """
        for ledger in (self._tried, self._seen):
            ledger.require_writable()

    def add(self, trial: Trial, lineage: str, candidate: str) -> None:
        """Append a judged configuration; one that stands there with the same results is not written again.

        Parameters
        ----------
        trial : Trial
        lineage : str
            Of the training.
        candidate : str
            What the training calls it, its calibration included.
        """
        self._tried.record(
            trial.study,
            {**trial.parameters, "lineage": lineage, "candidate": candidate},
            _days(trial.sessions),
            trial.results,
            trial.metrics,
        )

    def earlier(self, own: Mapping[str, Trial], lineage: str, locked: Int64) -> Earlier:
        """Return what was tried and seen before.

        An earlier trial counts if it shares a session with the own ones, and once, however often it was evaluated. It is
        an own one if the same procedure evaluated the same candidate there on no other sessions than now: a training
        again after more sessions came, or in another folder. What follows from the sessions (least rows in a leaf, splits,
        columns that are there) does not make it another one. Trials without a policy are no money and do not count, as
        in ``read_trials``.

        Parameters
        ----------
        own : mapping of str to Trial
            Of the training that is judged, all of them, by candidate.
        lineage : str
            Its own.
        locked : ndarray of int64
            Sessions that it has locked away, as days since 1970.
        """
        paid = {name: t for name, t in own.items() if t.parameters.get("policy")}
        mine = list(paid.values())
        known = {(lineage, name): set(t.sessions) for name, t in paid.items()}
        sessions = set().union(*known.values())
        found: dict[tuple[str, str], list[Trial]] = {}
        for trial in self._tried.trials():
            told = trial.parameters
            # Lines of before candidates were named there: each configuration is one of its own.
            identity = (str(told["lineage"]), str(told.get("candidate", trial.hash)))
            asked = set(trial.sessions)
            if not told.get("policy") or sessions.isdisjoint(asked):
                continue
            if asked <= known.get(identity, set()):
                continue
            before = found.setdefault(identity, [])
            before[:] = [t for t in before if not asked.issuperset(t.sessions)]
            before.append(trial)
        others = [t for trials in found.values() for t in trials]
        ratios = [sharpe(np.array(t.results)).ratio for t in others]
        moving = [t for t, ratio in zip(others, ratios, strict=True) if np.isfinite(ratio)]
        return Earlier(
            configurations=len(others),
            independent=independent_trials(_matrix([*mine, *moving])) - independent_trials(_matrix(mine)),
            ratios=tuple(float(r) for r in ratios if np.isfinite(r)),
            locked=len(locked),
            seen=tuple(self.seen(locked)),
        )

    def look(self, sessions: Int64, *, how: str, model: str, who: str, why: str) -> None:
        """Write down that sessions are seen; the same look is not written again. A vault has :meth:`open_unseen`.

        Parameters
        ----------
        sessions : ndarray of int64
            Days since 1970.
        how : str
            ``looked at``, ``observed``, ``trained on in blocks of time``, ``labelled``, ``replayed``.
        model : str
            Hash of its manifest; its name while it has none yet; empty where none looked.
        who, why : str
        """
        about = {"how": how, "model": model, "who": who, "why": why, "training": None}
        self._seen.record("vault", about, sessions, np.zeros(len(sessions)))

    def held_out(self, sessions: Int64) -> Int64:
        """Return those of some sessions that no training of the study was trained on, from its first session on.

        They are locked away, or came later.

        Parameters
        ----------
        sessions : ndarray of int64
            Days since 1970.
        """
        trained = {day for trial in self._tried.trials() for day in trial.sessions}
        asked = sorted(_dates(sessions) - trained)
        return _days([day for day in asked if trained and day > min(trained)])

    def open_unseen(
        self, sessions: Int64, *, training: int, model: str, who: str, why: str
    ) -> tuple[Int64, dict[str, str]]:
        """Write down that those of a vault's sessions are opened that nobody has seen.

        Of two trainings that ask at once one comes first, and the other is told what that one opened.

        Parameters
        ----------
        sessions : ndarray of int64
            All that are locked away, as days since 1970.
        training : int
            ``created_ns`` of the training whose vault it is: its own openings are left out.
        model : str
            Hash of its manifest.
        who, why : str

        Returns
        -------
        fresh : ndarray of int64
            The sessions that are opened.
        seen : dict of str to str
            The others, each with how it was seen, as :meth:`seen` says it.

        Raises
        ------
        ConfigError
            All were seen before; nothing is written then.
        """
        about = {"how": "opened", "model": model, "who": who, "why": why, "training": training}
        found: dict[str, str] = {}

        def opened(before: list[Trial]) -> Trial:
            found.update(self._seen_by(before, sessions, training))
            fresh = tuple(day for day in map(str, sessions.astype("datetime64[D]")) if day not in found)
            if not fresh:
                day, how = next(iter(found.items()))
                raise ConfigError(
                    f"the vault holds {len(found)} sessions and all were seen before, {day} was {how}: a second look is no "
                    "test any more. Record new sessions"
                )
            same = (
                t for t in before if t.parameters == about and t.sessions == fresh
            )  # a look that was cut short
            return next(same, Trial("vault", about, fresh, (0.0,) * len(fresh)))

        return _days(self._seen.append(opened).sessions), found

    def seen(self, sessions: Int64, training: int | None = None) -> dict[str, str]:
        """Return which of some sessions were seen before, ascending, each with how.

        A session was seen if a vault was opened on it, a model was judged on it after its training, or a training
        judged its candidates on it or on blocks of its time.

        Parameters
        ----------
        sessions : ndarray of int64
            Days since 1970.
        training : int, optional
            ``created_ns`` of the training that asks: its own openings are left out.
        """
        return self._seen_by(self._seen.trials(), sessions, training)

    def _seen_by(self, looks: Sequence[Trial], sessions: Int64, training: int | None) -> dict[str, str]:
        asked = _dates(sessions)
        found = {day: "trained on" for t in self._tried.trials() for day in asked & set(t.sessions)}
        for line in looks:
            told = line.parameters
            if training is None or told["training"] != training:
                when = str(np.datetime64(line.ts, "ns").astype("datetime64[D]"))
                found |= dict.fromkeys(
                    asked & set(line.sessions), f"{told['how']} by {told['who']} on {when} ({told['why']})"
                )
        return dict(sorted(found.items()))


def log_read(
    product: str, sessions: Int64, *, synthetic: bool, how: str, who: str, why: str, label: str | None = None
) -> dict[str, tuple[str, ...]]:
    """Write down that a command showed outcomes of sessions that trainings hold out; it keeps nobody from looking.

    Parameters
    ----------
    product, synthetic
        As in :meth:`Study.of`.
    sessions : ndarray of int64
        Those that were read, as days since 1970.
    how, who, why : str
        As in :meth:`Study.look`; ``why`` is the command.
    label : str, optional
        Only the study of this label, where it is there; by default all of the market.

    Returns
    -------
    dict of str to tuple of str
        Sessions that were held out, ``YYYY-MM-DD``, by the name of the study. Empty where there is no study of the
        market: no file is made then.
    """
    told = {}
    for study, held in _holding_out(product, sessions, synthetic, label):
        study.look(held, how=how, model="", who=who, why=why)
        told[study.folder.name] = tuple(map(str, held.astype("datetime64[D]")))
    return told


def require_log(product: str, sessions: Int64, *, synthetic: bool, label: str | None = None) -> None:
    """Ask, before the work, whether :func:`log_read` will be able to write; parameters are those of it.

    Raises
    ------
    DataAccessError
        A study that holds out some of the sessions cannot be read or written.
    """
    for study, _ in _holding_out(product, sessions, synthetic, label):
        study.require_writable()


def _holding_out(
    product: str, sessions: Int64, synthetic: bool, label: str | None
) -> Iterator[tuple[Study, Int64]]:
    """Yield the studies of a market that hold out some of the sessions, with those."""
    only = None if label is None else Study.of(product, label, synthetic=synthetic).folder
    for study in Study.existing(product, synthetic=synthetic):
        if only is None or study.folder == only:
            held = study.held_out(sessions)
            if len(held):
                yield study, held


def _kind(synthetic: bool) -> str:
    return "-synthetic" if synthetic else ""


def _matrix(trials: Sequence[Trial]) -> npt.NDArray[np.float64]:
    """Return results, shape (sessions of any, trials); NaN where a trial has none."""
    days = sorted({day for t in trials for day in t.sessions})
    place = {day: k for k, day in enumerate(days)}
    out = np.full((len(days), len(trials)), np.nan)
    for k, trial in enumerate(trials):
        out[[place[day] for day in trial.sessions], k] = trial.results
    return out


def _days(sessions: Collection[str]) -> Int64:
    return np.array(list(sessions), "datetime64[D]").astype(np.int64)


def _dates(sessions: Int64) -> set[str]:
    return {str(day) for day in sessions.astype("datetime64[D]")}
