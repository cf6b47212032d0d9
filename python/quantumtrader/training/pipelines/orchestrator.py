"""The short way: a file of bars or prints in, a judged model out; and training again when it is time to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.executor import Executor, SerialExecutor
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.result import TrainingResult
from quantumtrader.training.pipelines.sources import OUT, Paths, split_config
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
        ``symbol``, ``out`` (folder of the training), ``models_path`` (registry; ``models`` as well), and the fields of
        ``TickConfig``.
    executor : Executor, optional
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    executor: Executor = field(default_factory=SerialExecutor)

    def train_from_csv(
        self,
        csv_file: Paths,
        lookback_days: int = 365,
        target: str = "direction",
        models: Sequence[str] = (),
    ) -> TrainingResult:
        """Train on the last days of a file.

        Parameters
        ----------
        csv_file : path, or sequence of paths
            Bars or prints in any format that can be imported; several files follow one another.
        lookback_days : int
            Calendar days before the last session, that one included.
        target : str
            ``direction`` (which side pays more) or ``touch``.
        models : sequence of str
            Candidates by name, such as ``["lightgbm", "random_forest"]``, or a set such as ``["quick"]``; empty for those of
            the configuration, all that is installed by default.

        Returns
        -------
        TrainingResult
            Holds ``["best_model"]`` and ``["metrics"]``, among others.

        Raises
        ------
        ConfigError
            What is asked for is not known; said before the file is read.
        """
        if lookback_days < 1:
            raise ConfigError(f"lookback_days is {lookback_days}, expected 1 or more")
        if target not in ("direction", "touch"):
            raise ConfigError(f"target is {target!r}, expected direction or touch")
        given = dict(self.config)
        out = Path(given.pop("out", OUT))
        if "models" in given:
            given["models_path"] = given.pop("models")
        given["classes"] = "side" if target == "direction" else "touch"
        if models:
            given["candidates"] = (models,) if isinstance(models, str) else tuple(models)
        sources, asked = split_config(given, TickConfig, "train_from_csv")
        recording = Recording.open(csv_file, sources.require("symbol"))
        last = _EPOCH + timedelta(days=int(recording.survey().days[-1]))
        part = recording.between(last - timedelta(days=lookback_days - 1), None)
        pipeline = TickTrainingPipeline(asked, sources.models, self.executor, fitted=sources.fitted)
        return pipeline.train(part, out)
