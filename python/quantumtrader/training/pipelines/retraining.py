"""Training again: the same procedure on a recording that has grown, and the same gates for what comes out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.clock import Clock
from quantumtrader.exceptions import ConfigError, ModelError
from quantumtrader.models.manager import RetrainingConfig
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.training.executor import Executor, SerialExecutor
from quantumtrader.training.pipelines.judge import Stage
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.result import TrainingResult
from quantumtrader.training.pipelines.tick import TickTrainingPipeline
from quantumtrader.training.pipelines.tick_config import TickConfig

__all__ = ["Retraining", "config_of", "retrain"]


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
    result : TrainingResult or None
        A candidate of the next version; None when it was not time.
    """

    before: str
    new_sessions: int
    new_rows: int
    due: bool
    result: TrainingResult | None


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
    known = {f.name for f in fields(TickConfig)}
    later = {f.name for f in fields(TickConfig) if f.default is None}  # unused, and unknown to older models
    if not isinstance(given, dict) or not known - later <= given.keys() <= known:
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
    executor: Executor | None = None,
    clock: Clock | None = None,
    stage: Stage | None = None,
) -> Retraining:
    """Train the next version of a tick model, if enough has come since the last one.

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
        When it is time; see ``ModelManager.setup_auto_retraining``.
    executor, clock, stage
        As of ``TickTrainingPipeline``.
    """
    rule = config or RetrainingConfig()
    if not rule.enabled:
        raise ConfigError("retraining is switched off (enabled = false)")
    registry = ModelRegistry(models)
    before, asked = config_of(registry, name)
    data = registry.manifest(name, before).data
    known = int(np.datetime64(str(data["recorded_until"]), "D").astype(np.int64))
    sessions = int((recording.survey().days > known).sum())
    per_session = float(data["rows"]) / max(1, int(data["session_count"]))
    rows = int(sessions * per_session)
    if not rule.due(sessions, rows, float("nan")):
        return Retraining(before, sessions, rows, False, None)
    pipeline = TickTrainingPipeline(asked, models, executor or SerialExecutor(), clock, stage)
    return Retraining(before, sessions, rows, True, pipeline.train(recording, out))
