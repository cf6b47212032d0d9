"""Whether the probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Sequence
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

__all__ = ["ClassQuality", "Quality", "pooled_quality", "quality"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_LEAST = 1e-12


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
    y, w = np.tile(scores.outcome, paths), np.tile(scores.weights, paths) / paths
    return pooled_quality(p, base, y, w, evaluation.classes.tolist())


def pooled_quality(p: Float64, base: Float64, y: Int64, w: Float64, classes: Sequence[int]) -> Quality:
    """Judge probabilities of rows.

    Parameters
    ----------
    p, base : ndarray of float64, shape (n, classes)
        Of the model, and of the base rate.
    y : ndarray of int64, shape (n,)
        Index of the class that came.
    w : ndarray of float64, shape (n,)
        Weight of each row.
    classes : sequence of int
        What the columns are.
    """
    p, base = (_positive(q) for q in (p, base))
    model, silent = log_loss(p, y, w), log_loss(base, y, w)
    judged = (1,) if len(classes) == 2 else range(len(classes))
    found = tuple(
        ClassQuality(
            str(classes[c]),
            expected_calibration_error(p[:, c], y == c, w),
            reliability(p[:, c], y == c, w),
        )
        for c in judged
    )
    return Quality(brier(p, y, w), brier(base, y, w), model, silent, 1 - model / silent, found)


def _positive(p: Float64) -> Float64:
    """Return probabilities that add up to 1, none of which is 0: an outcome may surprise, not infinitely."""
    q = np.maximum(p, _LEAST)
    return np.asarray(q / q.sum(axis=1, keepdims=True))
