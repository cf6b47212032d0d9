"""Is the best of many strategies better than the benchmark, or only the best of many?

White's reality check (2000, "A reality check for data snooping") and Hansen's test for superior predictive
ability (2005), which studentises and does not let hopeless strategies blunt it. Both resample the periods of
all strategies together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.evaluation.bootstrap import block_length, stationary_indices

__all__ = ["RealityCheck", "reality_check", "spa"]

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class RealityCheck:
    """Result of a test.

    Parameters
    ----------
    statistic : float
        Of the best strategy.
    p_value : float
        Probability of a statistic at least as large when no strategy is better than the benchmark. For
        Hansen's test the consistent one.
    lower, upper : float
        Hansen's bounds of the p-value; equal to ``p_value`` for White's test.
    best : int
        Column of the best strategy.
    block_length : float
        Mean block length in periods.
    """

    statistic: float
    p_value: float
    lower: float
    upper: float
    best: int
    block_length: float


def reality_check(
    excess: npt.ArrayLike, *, draws: int = 5_000, length: float | None = None, seed: int = 0
) -> RealityCheck:
    """White's reality check.

    Parameters
    ----------
    excess : array_like, shape (periods, strategies)
        Result of each strategy less the benchmark's, per period.
    draws : int
        Resamples.
    length : float, optional
        Mean block length; by default the greatest that :func:`block_length` finds among the strategies.
    seed : int
        Of the resampling.
    """
    d, length = _prepare(excess, length)
    n = len(d)
    mean = d.mean(axis=0)
    root = math.sqrt(n)
    statistic = root * float(mean.max())
    rng = np.random.default_rng(seed)
    above = 0
    for means in _resampled_means(d, draws, length, rng):
        above += int((root * (means - mean).max(axis=1) >= statistic).sum())
    p = (above + 1) / (draws + 1)
    return RealityCheck(statistic, p, p, p, int(mean.argmax()), length)


def spa(
    excess: npt.ArrayLike, *, draws: int = 5_000, length: float | None = None, seed: int = 0
) -> RealityCheck:
    """Hansen's test for superior predictive ability; parameters are those of :func:`reality_check`.

    Raises
    ------
    ConfigError
        A strategy that never differs from the benchmark: it has no studentised statistic.
    """
    d, length = _prepare(excess, length)
    n = len(d)
    mean = d.mean(axis=0)
    root = math.sqrt(n)
    rng = np.random.default_rng(seed)
    resampled = np.concatenate(list(_resampled_means(d, draws, length, rng)))
    omega = root * resampled.std(axis=0)
    flat = np.flatnonzero(omega <= 1e-15 * np.maximum(1, np.abs(d).max(axis=0)))
    if len(flat):
        raise ConfigError(f"SPA: strategy {int(flat[0])} never differs from the benchmark; leave it out")
    scores = root * mean / omega
    statistic = max(float(scores.max()), 0.0)
    threshold = -np.sqrt(2 * math.log(math.log(n)))
    centres = {
        "lower": np.maximum(mean, 0),
        "consistent": np.where(scores >= threshold, mean, 0.0),
        "upper": mean,
    }
    p = {}
    for name, centre in centres.items():
        best = np.maximum((root * (resampled - centre) / omega).max(axis=1), 0)
        p[name] = float(((best >= statistic).sum() + 1) / (draws + 1))
    return RealityCheck(statistic, p["consistent"], p["lower"], p["upper"], int(scores.argmax()), length)


def _prepare(excess: npt.ArrayLike, length: float | None) -> tuple[npt.NDArray[np.float64], float]:
    d = np.asarray(excess, np.float64)
    if d.ndim == 1:
        d = d[:, None]
    if d.ndim != 2 or len(d) < 8 or d.shape[1] < 1:
        raise ConfigError(
            f"reality check: expected (periods, strategies) with at least 8 periods, got {d.shape}"
        )
    if not np.isfinite(d).all():
        raise ConfigError(
            "reality check: a result is not finite; a missing period must be decided about first"
        )
    if length is None:
        length = max(block_length(column) for column in d.T)
    return d, length


def _resampled_means(
    d: npt.NDArray[np.float64], draws: int, length: float, rng: np.random.Generator
) -> list[npt.NDArray[np.float64]]:
    """Means of every resample, in pieces of bounded memory; each piece has shape (piece, strategies)."""
    n = len(d)
    pieces = []
    for begin in range(0, draws, _CHUNK):
        index = stationary_indices(n, min(_CHUNK, draws - begin), length, rng)
        # How often each period was drawn: a product with the results is the sum of the resample.
        counts = np.apply_along_axis(np.bincount, 1, index, minlength=n)
        pieces.append(counts @ d / n)
    return pieces
