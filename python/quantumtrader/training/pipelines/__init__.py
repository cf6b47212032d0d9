"""From recordings to judged models in the registry: tick, book, and both."""

from quantumtrader.training.pipelines.book import BookOpening, BookResult, BookTrainingPipeline
from quantumtrader.training.pipelines.book_config import BookConfig
from quantumtrader.training.pipelines.dual import DualConfig, DualResult, DualTrainingSystem
from quantumtrader.training.pipelines.orchestrator import TrainingOrchestrator
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.result import TrainingResult
from quantumtrader.training.pipelines.tick import TickTrainingPipeline
from quantumtrader.training.pipelines.tick_config import TickConfig

__all__ = [
    "BookConfig",
    "BookOpening",
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
