"""Training again: the same procedure on a recording that has grown, and the same gates for what comes out."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.clock import Clock
from quantumtrader.exceptions import ConfigError, ModelError
from quantumtrader.features import FeatureEngine
from quantumtrader.features.debugger import population_stability
from quantumtrader.features.fit.artifact import Fits
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.retraining import RetrainingConfig, read_rule
from quantumtrader.training.executor import Executor, SerialExecutor
from quantumtrader.training.pipelines.book_config import BookConfig
from quantumtrader.training.pipelines.judge import Stage
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.result import TrainingResult
from quantumtrader.training.pipelines.tick import TickTrainingPipeline
from quantumtrader.training.pipelines.tick_config import TickConfig

__all__ = ["Retraining", "config_of", "feature_drift", "retrain"]

Float64 = npt.NDArray[np.float64]
_ROWS = 200
"""Rows of a session that its features are compared by, evenly spaced."""


@dataclass(frozen=True, eq=False)
class Retraining:
    """What became of a call to train again.

    Parameters
    ----------
    before : str
        Newest version that was there.
    new_sessions, new_rows : int
        Sessions of the recording after those that it knew, and about how many rows they hold.
    due : bool
        Whether it was time to.
    rule : RetrainingConfig
        What decided it: the one given, the one set for the model, or the usual one.
    drift : tuple of str and float, or None
        Feature whose population stability index between the training's sessions and the new ones is the greatest, and the
        index; None where it could not change the decision.
    result : TrainingResult or None
        A candidate of the next version; None when it was not time.
    """

    before: str
    new_sessions: int
    new_rows: int
    due: bool
    rule: RetrainingConfig
    drift: tuple[str, float] | None
    result: TrainingResult | None


def _is_of(config: type[TickConfig | BookConfig], given: Any) -> bool:
    """Tell whether these are the values of such a configuration; fields that older models do not know may be absent."""
    known = {f.name for f in fields(config)}
    later = {f.name for f in fields(config) if f.default is None}
    return isinstance(given, dict) and known - later <= given.keys() <= known


def config_of(registry: ModelRegistry, name: str) -> tuple[str, TickConfig]:
    """Return the newest version of a tick model, and the configuration that it was trained with.

    Raises
    ------
    ModelError
        There is no such model, or it says nothing of its configuration.
    """
    versions = registry.versions(name)
    if not versions:
        raise ModelError(f"there is no model {name}", path=registry.root, remedy="Train it first")
    manifest = registry.manifest(name, versions[-1])
    given: Any = manifest.code.get("config")
    if _is_of(BookConfig, given):
        raise ModelError(
            f"{manifest.id} is a book model, and only tick models are trained again by their name (--update)",
            remedy="Train it with train book and the options that it was trained with: that makes its next version",
        )
    if not _is_of(TickConfig, given):
        raise ModelError(
            f"{manifest.id} does not say how it was trained, or by another version of this package",
            remedy="Train it anew, with its options",
        )
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    values["name"] = name
    return versions[-1], TickConfig(**values)


def retrain(
    models: Path,
    name: str,
    recording: Recording,
    out: Path,
    config: RetrainingConfig | None = None,
    *,
    valid_sessions: int | None = None,
    executor: Executor | None = None,
    clock: Clock | None = None,
    stage: Stage | None = None,
    given: Fits | None = None,
) -> Retraining:
    """Train the next version of a tick model, if enough has come since the last one, or its features have moved.

    Nothing is carried over but the configuration: rows, choice and gates are those of a first training, on all sessions.

    Parameters
    ----------
    models : Path
        The registry.
    name : str
        Of the model.
    recording : Recording
        What it was trained on, and what came since.
    out : Path
        A new folder.
    config : RetrainingConfig, optional
        When it is time; without it the rule that ``ModelManager.setup_auto_retraining`` set for the model, else the usual
        one.
    valid_sessions : int, optional
        How long the next version is valid, 0 for no end; as long as the last one was without it.
    executor, clock, stage
        As of ``TickTrainingPipeline``.
    given : Fits, optional
        Of whoever has the recording. The model's own micro-price table and bucket are kept; a model that reads a PIN series
        needs one of the whole recording.

    Raises
    ------
    ConfigError
        The rule switches retraining off, or is for other models; a PIN series is missing, or ended before these sessions.
    ModelError
        There is no such model, it is a book model, or it says nothing of its configuration.
    """
    registry = ModelRegistry(models)
    before, asked = config_of(registry, name)
    if valid_sessions is not None:
        asked = replace(asked, valid_sessions=valid_sessions)
    rule = config or read_rule(registry.root, name) or RetrainingConfig()
    if not rule.enabled or not rule.is_for(name):
        why = f"is for {', '.join(rule.models)} only" if rule.enabled else "switches it off (enabled = false)"
        raise ConfigError(
            f"retraining {name}: its rule {why}; set another with ModelManager.setup_auto_retraining"
        )
    manifest, days = registry.manifest(name, before), recording.survey().days
    known = recording.session_before(int(days[-1]))
    fits = registry.fits(name, before, given or Fits(), recording.instrument, known)
    data = manifest.data
    until = int(np.datetime64(str(data["recorded_until"]), "D").astype(np.int64))
    sessions = int((days > until).sum())
    per_session = float(data["rows"]) / max(1, int(data["session_count"]))
    rows = int(sessions * per_session)
    drift: tuple[str, float] | None = None
    due = rule.due(sessions, rows, float("nan"))
    if not due and sessions and rule.due(sessions, rows, float("inf")):  # only the features could tell
        drift = feature_drift(manifest, recording, fits)
        due = rule.due(sessions, rows, float("nan") if drift is None else drift[1])
    if not due:
        return Retraining(before, sessions, rows, False, rule, drift, None)
    pipeline = TickTrainingPipeline(asked, models, executor or SerialExecutor(), clock, stage, fitted=fits)
    return Retraining(before, sessions, rows, True, rule, drift, pipeline.train(recording, out))


def feature_drift(
    manifest: ModelManifest, recording: Recording, fits: Fits | None = None
) -> tuple[str, float] | None:
    """Return the feature that has moved farthest since a training, and its population stability index.

    The sessions that the model was fitted on are held against those recorded since; those that were locked away between
    them are not looked at. Both are replayed by the running engine.

    Parameters
    ----------
    manifest : ModelManifest
        Of the training.
    recording : Recording
        With the sessions of the training and later ones.
    fits : Fits, optional
        Of the model, with a PIN series of the whole recording.

    Returns
    -------
    tuple of str and float, or None
        None where no feature has values on both sides.
    """
    survey = recording.survey()
    engine = FeatureEngine.for_manifest(
        manifest.features,
        recording.instrument,
        survey.first_date,
        fitted=(fits or Fits()).given,
        require_fits=False,
    )
    engine.reset()
    first, last, known = (
        int(np.datetime64(str(day), "D").astype(np.int64))
        for day in (*manifest.data["sessions"], manifest.data["recorded_until"])
    )
    fitted: list[Float64] = []
    later: list[Float64] = []
    for part in recording.sessions():
        engine.update_many(np.ascontiguousarray(part))
        rows = engine.take().values
        day = recording.day_of(part)
        if first <= day <= last or day > known:
            (later if day > known else fitted).append(rows[:: max(1, len(rows) // _ROWS)])
    if not fitted or not later:
        return None
    reference, values = np.concatenate(fitted), np.concatenate(later)
    found = {
        name: population_stability(reference[:, k], values[:, k])
        for k, name in enumerate(manifest.features.names)
    }
    there = {name: psi for name, psi in found.items() if np.isfinite(psi)}
    return max(there.items(), key=lambda item: item[1], default=None)
