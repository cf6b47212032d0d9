"""From recordings to judged models in the registry: tick, book, and both."""

from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.result import TrainingResult
from quantumtrader.training.pipelines.tick import TickConfig, TickTrainingPipeline

__all__ = ["Recording", "TickConfig", "TickTrainingPipeline", "TrainingResult"]
