"""From recordings to judged models in the registry: tick, book, and both."""

from quantumtrader.training.pipelines.book import BookConfig, BookResult, BookTrainingPipeline
from quantumtrader.training.pipelines.dual import DualConfig, DualResult, DualTrainingSystem
from quantumtrader.training.pipelines.orchestrator import TrainingOrchestrator
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.result import TrainingResult
from quantumtrader.training.pipelines.tick import TickConfig, TickTrainingPipeline

__all__ = [
    "BookConfig",
    "BookResult",
    "BookTrainingPipeline",
    "DualConfig",
    "DualResult",
    "DualTrainingSystem",
    "Recording",
    "TickConfig",
    "TickTrainingPipeline",
    "TrainingOrchestrator",
    "TrainingResult",
]
