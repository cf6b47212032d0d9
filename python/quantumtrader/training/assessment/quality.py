"""Whether the probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.training.assessment.scores import Scores
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.evaluation import (
    Reliability,
    brier,
    expected_calibration_error,
    log_loss,
    reliability,
)

__all__ = ["ClassQuality", "Quality", "quality"]

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """One class against the rest.

    Parameters
    ----------
    name : str
        The class.
    ece : float
        Mean distance between predicted and observed share.
    bins : Reliability
        Of the diagram.
    """

    name: str
    ece: float
    bins: Reliability


@dataclass(frozen=True, slots=True)
class Quality:
    """Scores of the probabilities over all paths, rows weighted by their uniqueness.

    Parameters
    ----------
    brier, base_brier : float
        Mean squared error, of the model and of the training part's base rate.
    log_loss, base_log_loss : float
        In nats.
    skill : float
        Share of the base rate's log loss that is removed.
    classes : tuple of ClassQuality
        Every class; with two only the second.
    """

    brier: float
    base_brier: float
    log_loss: float
    base_log_loss: float
    skill: float
    classes: tuple[ClassQuality, ...]


def quality(evaluation: Evaluation, scores: Scores) -> Quality:
    """Judge the probabilities of all paths together."""
    paths, width = len(evaluation.predictions), len(evaluation.classes)
    p, base = (q[:, scores.rows].reshape(-1, width) for q in (evaluation.predictions, evaluation.base))
    p = p / p.sum(axis=1, keepdims=True)
    y, w = np.tile(scores.outcome, paths), np.tile(scores.weights, paths) / paths
    model, silent = (
        log_loss(np.maximum(p, 1e-12) / np.maximum(p, 1e-12).sum(axis=1, keepdims=True), y, w),
        log_loss(base, y, w),
    )
    judged = (1,) if width == 2 else range(width)
    classes = tuple(
        ClassQuality(
            str(evaluation.classes[c]),
            expected_calibration_error(p[:, c], y == c, w),
            reliability(p[:, c], y == c, w),
        )
        for c in judged
    )
    return Quality(brier(p, y, w), brier(base, y, w), model, silent, 1 - model / silent, classes)
