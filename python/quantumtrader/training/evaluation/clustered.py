"""Means of decisions with the uncertainty of days: decisions of one session are not independent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, MissingExtraError

__all__ = ["Interval", "clustered_mean"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval.

    Parameters
    ----------
    mean, low, high : float
        NaN for the bounds where fewer than two clusters have weight.
    error : float
        Cluster-robust standard error.
    clusters : int
        Sessions with weight.
    n_eff : float
        Sum of the weights: the effective number of decisions.
    """

    mean: float
    low: float
    high: float
    error: float
    clusters: int
    n_eff: float

    def sufficient(self, sessions: int = 20, decisions: float = 500) -> bool:
        """Whether there is enough to say anything at all."""
        return self.clusters >= sessions and self.n_eff >= decisions


def clustered_mean(
    values: npt.ArrayLike,
    clusters: npt.NDArray[Any],
    weights: npt.ArrayLike | None = None,
    *,
    confidence: float = 0.95,
) -> Interval:
    """Estimate a weighted mean, with an interval that treats each cluster as one observation.

    The variance is the sandwich estimator for cluster sums with the factor ``G / (G - 1)``, the quantile
    Student's with ``G - 1`` degrees of freedom (Cameron and Miller, 2015, "A practitioner's guide to
    cluster-robust inference").

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite.
    clusters : ndarray, shape (n,)
        Session of each value.
    weights : array_like, shape (n,), optional
        Not negative; average uniqueness, for example.
    confidence : float
        Of the two-sided interval.
    """
    x = np.asarray(values, np.float64)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    if not (x.shape == w.shape == clusters.shape) or x.ndim != 1:
        raise ConfigError(f"clustered mean: shapes differ: {x.shape}, {clusters.shape}, {w.shape}")
    if not (np.isfinite(x).all() and np.isfinite(w).all() and (w >= 0).all()):
        raise ConfigError("clustered mean: values must be finite, weights finite and not negative")
    total = float(w.sum())
    if total == 0:
        return Interval(math.nan, math.nan, math.nan, math.nan, 0, 0.0)
    mean = float((w * x).sum() / total)
    _, group = np.unique(clusters[w > 0], return_inverse=True)
    count = int(group.max()) + 1
    if count < 2:
        return Interval(mean, math.nan, math.nan, math.nan, count, total)
    scores = np.bincount(group, (w * (x - mean))[w > 0])
    error = math.sqrt(count / (count - 1) * float((scores**2).sum())) / total
    half = error * _student(0.5 + confidence / 2, count - 1)
    return Interval(mean, mean - half, mean + half, error, count, total)


def _student(probability: float, freedom: int) -> float:
    try:
        from scipy.stats import t
    except ImportError as error:
        raise MissingExtraError("scipy", "ml", "an interval over sessions") from error
    return float(t.ppf(probability, freedom))
