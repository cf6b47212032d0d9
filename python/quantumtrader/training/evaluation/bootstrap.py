"""The stationary bootstrap: resampling that keeps short-range dependence.

Blocks of random length (geometric, mean ``length``) from random places, wrapped around the end (Politis and
Romano, 1994). The length follows from the autocorrelations (Politis and White, 2004, with the correction of
Patton, Politis and White, 2009).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError

__all__ = ["block_length", "stationary_indices"]


def stationary_indices(n: int, draws: int, length: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw resampled positions.

    Parameters
    ----------
    n : int
        Periods.
    draws : int
        Resamples.
    length : float
        Mean block length in periods, at least 1.
    rng : numpy.random.Generator
        Source of randomness: the same state gives the same draws.

    Returns
    -------
    ndarray of int64, shape (draws, n)
    """
    if n < 1 or draws < 1:
        raise ConfigError(f"bootstrap: {n} periods and {draws} draws, expected at least one of each")
    if not length >= 1:
        raise ConfigError(f"bootstrap: mean block length is {length}, expected at least 1")
    starts = rng.integers(0, n, (draws, n))
    fresh = rng.random((draws, n)) < 1 / length
    fresh[:, 0] = True
    # Position of the block's first element, carried forward; within a block positions go on by one.
    at = np.where(fresh, np.arange(n), 0)
    np.maximum.accumulate(at, axis=1, out=at)
    return (np.take_along_axis(starts, at, axis=1) + np.arange(n) - at) % n


def block_length(x: npt.ArrayLike) -> float:
    """Choose the mean block length of the stationary bootstrap for the mean of a series.

    Parameters
    ----------
    x : array_like, shape (n,)
        Finite values.

    Returns
    -------
    float
        In periods, from 1 to ``min(3 sqrt(n), n / 3)``; 1 for a series without variation.
    """
    series = np.asarray(x, np.float64)
    n = len(series)
    if series.ndim != 1 or n < 8 or not np.isfinite(series).all():
        raise ConfigError(f"block length: expected at least 8 finite values, got shape {series.shape}")
    centred = series - series.mean()
    most = max(1.0, min(3 * math.sqrt(n), n / 3))
    quiet = max(5, math.ceil(math.sqrt(math.log10(n))))
    lags = min(n - 1, math.ceil(math.sqrt(n)) + quiet)
    covariance = np.array([float(centred[: n - k] @ centred[k:]) / n for k in range(lags + 1)])
    if covariance[0] <= 0:
        return 1.0
    bound = 2 * math.sqrt(math.log10(n) / n)
    small = np.abs(covariance[1:] / covariance[0]) < bound
    cut = next((m for m in range(lags - quiet + 1) if small[m : m + quiet].all()), lags - quiet)
    # The last lag that is not small decides; with none, the correlations are noise.
    window = min(2 * max(cut, 1), lags)
    k = np.arange(1, window + 1)
    weight = np.clip(2 * (1 - k / window), 0, 1)
    tail = covariance[1 : window + 1]
    spread = 2 * float((weight * k * tail).sum())
    level = float(covariance[0] + 2 * (weight * tail).sum())
    if level <= 0:
        return most
    return float(min(most, max(1.0, (spread**2 / level**2) ** (1 / 3) * n ** (1 / 3))))
