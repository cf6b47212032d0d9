"""Do probabilities mean what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError

__all__ = ["Reliability", "brier", "expected_calibration_error", "log_loss", "log_loss_skill", "reliability"]

Float64 = npt.NDArray[np.float64]


def brier(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> float:
    """Mean squared error of probabilities (Brier, 1950); summed over the classes when there are several.

    Parameters
    ----------
    probabilities : array_like, shape (n,) or (n, classes)
        Of outcome 1, or of each class.
    outcomes : array_like of int, shape (n,)
        0 or 1, or the class.
    weights : array_like, shape (n,), optional
        Of each decision.
    """
    p, y, w = _checked(probabilities, outcomes, weights)
    target = np.eye(p.shape[1])[y]
    error = (p - target) ** 2
    # Two classes err by the same amount: counting one of them is the usual form.
    per_row = error[:, 1] if p.shape[1] == 2 else error.sum(axis=1)
    return float((w * per_row).sum() / w.sum())


def log_loss(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> float:
    """Mean negative log likelihood in nats; infinite when an outcome had probability 0. Parameters:
    :func:`brier`.
    """
    p, y, w = _checked(probabilities, outcomes, weights)
    with np.errstate(divide="ignore"):
        surprise = -np.log(p[np.arange(len(y)), y])
    seen = w > 0  # what has no weight may be as surprising as it likes
    return float((w[seen] * surprise[seen]).sum() / w.sum())


def log_loss_skill(
    probabilities: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    base: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
) -> float:
    """Share of the base rate's log loss that a model removes: 0 is no better, negative is worse.

    Parameters
    ----------
    probabilities, outcomes, weights
        As in :func:`brier`.
    base : array_like
        Base rate *of the training data*: a number for outcome 1, or shape (classes,). The test's own rate
        would be knowledge of the future.
    """
    p, y, w = _checked(probabilities, outcomes, weights)
    rate = np.asarray(base, np.float64)
    rate = np.array([1 - float(rate), float(rate)]) if rate.ndim == 0 else rate
    if (
        rate.shape != (p.shape[1],)
        or not math.isclose(float(rate.sum()), 1, abs_tol=1e-9)
        or (rate <= 0).any()
    ):
        raise ConfigError(f"log-loss skill: base rates {rate} are not positive rates of {p.shape[1]} classes")
    silent = log_loss(np.broadcast_to(rate, p.shape), y, w)
    return 1 - log_loss(p, y, w) / silent


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of a reliability diagram; a bin without weight has NaN.

    Parameters
    ----------
    edges : ndarray of float64, shape (bins + 1,)
        Of the predicted probability.
    predicted, observed : ndarray of float64, shape (bins,)
        Mean probability and share of outcome 1.
    weight : ndarray of float64, shape (bins,)
        Sum of the weights.
    """

    edges: Float64
    predicted: Float64
    observed: Float64
    weight: Float64


def reliability(
    probabilities: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    bins: int = 10,
) -> Reliability:
    """Bin probabilities of outcome 1 into bins of equal width; parameters are those of :func:`brier`."""
    p, y, w = _checked(probabilities, outcomes, weights)
    if p.shape[1] != 2:
        raise ConfigError(f"reliability needs two classes, got {p.shape[1]}; give one class against the rest")
    edges = np.linspace(0, 1, bins + 1)
    place = np.minimum((p[:, 1] * bins).astype(np.int64), bins - 1)
    weight = np.bincount(place, w, bins).astype(np.float64)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(place, w * p[:, 1], bins) / weight
        observed = np.bincount(place, w * y, bins) / weight
    return Reliability(edges, predicted, observed, weight)


def expected_calibration_error(
    probabilities: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    bins: int = 10,
) -> float:
    """Mean distance between predicted and observed share over the bins, by weight (Naeini et al., 2015)."""
    r = reliability(probabilities, outcomes, weights, bins=bins)
    full = r.weight > 0
    gap = np.abs(r.predicted[full] - r.observed[full])
    return float((r.weight[full] * gap).sum() / r.weight.sum())


def _checked(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Float64, npt.NDArray[np.int64], Float64]:
    p = np.asarray(probabilities, np.float64)
    if p.ndim == 1:
        p = np.column_stack((1 - p, p))
    raw = np.asarray(outcomes)
    y = raw.astype(np.int64)
    w = np.ones(len(p)) if weights is None else np.asarray(weights, np.float64)
    if p.ndim != 2 or y.shape != (len(p),) or w.shape != y.shape or len(y) == 0:
        raise ConfigError(
            f"calibration: shapes {p.shape}, {y.shape} and {w.shape} do not belong together, or are empty"
        )
    if not (np.isfinite(p).all() and (p >= 0).all() and np.allclose(p.sum(axis=1), 1, atol=1e-9)):
        raise ConfigError("calibration: probabilities must be finite, not negative and add up to 1")
    if not ((y == raw).all() and (y >= 0).all() and (y < p.shape[1]).all()):
        raise ConfigError(f"calibration: outcomes must be whole numbers from 0 to {p.shape[1] - 1}")
    if not (np.isfinite(w).all() and (w >= 0).all() and w.sum() > 0):
        raise ConfigError("calibration: weights must be finite, not negative, and not all 0")
    return p, y, w
