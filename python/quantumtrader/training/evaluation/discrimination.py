"""How well scores order outcomes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError

__all__ = ["auc"]


def auc(scores: npt.ArrayLike, outcomes: npt.ArrayLike) -> float:
    """Return the chance that an outcome of 1 has a higher score than one of 0; ties count half (Mann–Whitney).

    Parameters
    ----------
    scores : array_like, shape (n,)
        Finite.
    outcomes : array_like of int, shape (n,)
        0 or 1.

    Returns
    -------
    float
        NaN where there is one kind of outcome only.
    """
    s, y = np.asarray(scores, np.float64), np.asarray(outcomes)
    if s.shape != y.shape or s.ndim != 1 or not np.isfinite(s).all() or not np.isin(y, (0, 1)).all():
        raise ConfigError("auc: expected finite scores and as many outcomes, each 0 or 1")
    ones = int((y == 1).sum())
    zeros = len(y) - ones
    if ones == 0 or zeros == 0:
        return math.nan
    _, place, count = np.unique(s, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]  # mean rank of ties, from 1
    return float((rank[y == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))
