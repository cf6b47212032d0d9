"""The short way: a file of bars or prints in, a judged model out; and training again when it is time to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.executor import Executor, SerialExecutor
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.result import TrainingResult
from quantumtrader.training.pipelines.tick import TickTrainingPipeline
from quantumtrader.training.pipelines.tick_config import TickConfig

__all__ = ["TrainingOrchestrator"]

_EPOCH = date(1970, 1, 1)


@dataclass
class TrainingOrchestrator:
    """Trains from files.

    Parameters
    ----------
    config : mapping
        ``symbol``, ``out`` (folder of the training), ``models`` (registry), and the fields of ``TickConfig``.
    executor : Executor, optional
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    executor: Executor = field(default_factory=SerialExecutor)

    def train_from_csv(
        self,
        csv_file: Path | str,
        lookback_days: int = 365,
        target: str = "direction",
        models: Sequence[str] = (),
    ) -> TrainingResult:
        """Train on the last days of a file.

        Parameters
        ----------
        csv_file : Path
            Bars or prints in any format that can be imported.
        lookback_days : int
            Calendar days before the last session, that one included.
        target : str
            ``direction`` (which side pays more) or ``touch``.
        models : sequence of str
            ``["quick"]``, or empty for all that is installed.

        Returns
        -------
        TrainingResult
            ``best_model`` and ``metrics``, among others.
        """
        if lookback_days < 1:
            raise ConfigError(f"lookback_days is {lookback_days}, expected 1 or more")
        if target not in ("direction", "touch"):
            raise ConfigError(f"target is {target!r}, expected direction or touch")
        given = dict(self.config)
        symbol = given.pop("symbol", None)
        if symbol is None:
            raise ConfigError("train_from_csv: the configuration has no symbol")
        out = Path(given.pop("out", "training"))
        registry = given.pop("models", None)
        odd = sorted(given.keys() - {f.name for f in fields(TickConfig)})
        if odd:
            raise ConfigError(f"train_from_csv: no setting {', '.join(odd)}")
        given["classes"] = "side" if target == "direction" else "touch"
        if models:
            if len(models) > 1:
                raise ConfigError(f"train_from_csv: give one set of models, got {', '.join(models)}")
            given["candidates"] = models[0]
        recording = Recording.open(csv_file, symbol)
        last = _EPOCH + timedelta(days=int(recording.survey().days[-1]))
        part = recording.between(last - timedelta(days=lookback_days - 1), None)
        pipeline = TickTrainingPipeline(
            TickConfig(**given), None if registry is None else Path(registry), self.executor
        )
        return pipeline.train(part, out)
