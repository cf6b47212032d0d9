"""Probability of backtest overfitting, by combinatorially symmetric cross-validation.

The periods are cut into ``blocks`` of equal length; each half of them once plays the past, the other half the
future. Overfitting is when the winner of the past lands in the lower half of the future (Bailey, Borwein,
López de Prado and Zhu, 2017, "The probability of backtest overfitting").
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError

__all__ = ["Overfitting", "pbo"]


@dataclass(frozen=True, slots=True)
class Overfitting:
    """Result of :func:`pbo`.

    Parameters
    ----------
    probability : float
        Share of the combinations whose past winner lands at or below the future median.
    ranks : ndarray of float64, shape (combinations,)
        Relative rank of the past winner in the future, in (0, 1); 0.5 is the median.
    past, future : ndarray of float64, shape (combinations,)
        Sharpe ratio per period of the past winner, in its past and in its future.
    """

    probability: float
    ranks: npt.NDArray[np.float64]
    past: npt.NDArray[np.float64]
    future: npt.NDArray[np.float64]


def pbo(returns: npt.ArrayLike, blocks: int = 10) -> Overfitting:
    """Estimate the probability that choosing the best of these trials is overfitting.

    Parameters
    ----------
    returns : array_like, shape (periods, trials)
        Result per period of every trial, the ones that were thrown away included.
    blocks : int
        Even, at least 2; 10 gives 252 combinations. Periods that do not fill a block are left out at the
        start.

    Raises
    ------
    ConfigError
        Fewer than two trials, too few periods, values that are not finite, or a trial without variation in
        some half: its ratio is not defined and so neither is its rank.
    """
    x = np.asarray(returns, np.float64)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ConfigError(f"PBO needs (periods, trials) with at least two trials, got shape {x.shape}")
    if blocks < 2 or blocks % 2:
        raise ConfigError(f"PBO: blocks is {blocks}, expected an even number from 2 on")
    size = len(x) // blocks
    if size < 2:
        raise ConfigError(f"PBO: {len(x)} periods do not make {blocks} blocks of at least two")
    if not np.isfinite(x).all():
        raise ConfigError("PBO: a result is not finite; a missing period must be decided about first")
    x = x[len(x) - size * blocks :]
    parts = x.reshape(blocks, size, -1)
    # Sums of a block are enough for the ratio of any half: mean and variance add up.
    first, second = parts.sum(axis=1), (parts**2).sum(axis=1)
    total, total_second = first.sum(axis=0), second.sum(axis=0)
    halves = [list(c) for c in combinations(range(blocks), blocks // 2)]
    n = size * blocks // 2
    ranks, past, future = (np.empty(len(halves)) for _ in range(3))
    for k, chosen in enumerate(halves):
        sums, squares = first[chosen].sum(axis=0), second[chosen].sum(axis=0)
        inside = _ratio(sums, squares, n)
        outside = _ratio(total - sums, total_second - squares, n)
        winner = int(np.argmax(inside))
        # Ties share their rank, so that equal trials sit at the median.
        below = (outside < outside[winner]).sum() + 0.5 * ((outside == outside[winner]).sum() - 1)
        ranks[k] = (below + 1) / (x.shape[1] + 1)
        past[k], future[k] = inside[winner], outside[winner]
    return Overfitting(float((ranks <= 0.5).mean()), ranks, past, future)


def _ratio(
    sums: npt.NDArray[np.float64], squares: npt.NDArray[np.float64], n: int
) -> npt.NDArray[np.float64]:
    mean = sums / n
    variance = (squares - n * mean**2) / (n - 1)
    flat = np.flatnonzero(variance <= 1e-12 * squares / n)
    if len(flat):
        raise ConfigError(f"PBO: trial {int(flat[0])} does not vary in one half of the periods; leave it out")
    return np.asarray(mean / np.sqrt(variance))
