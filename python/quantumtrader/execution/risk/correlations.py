"""Correlation of instruments: the name of a pair, looking one up, and measuring it from returns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError

__all__ = ["correlation_of", "measure_correlations", "pair"]


def pair(first: str, second: str) -> str:
    """Name of a pair, the same in both orders: ``WDO/WIN``."""
    return "/".join(sorted((first.strip().upper(), second.strip().upper())))


def correlation_of(first: tuple[str, str], second: tuple[str, str], *tables: Mapping[str, float]) -> float:
    """Look up the correlation of two instruments, each given as (symbol, product).

    Contracts of one product are the same bet: 1. Otherwise the first table that knows the symbols, or else the products,
    decides. NaN when none does, or when what it says is no correlation.
    """
    if first[1] == second[1]:
        return 1.0
    for table in tables:
        for name in (pair(first[0], second[0]), pair(first[1], second[1])):
            if name in table:
                value = table[name]
                return value if -1.0 <= value <= 1.0 else math.nan
    return math.nan


def measure_correlations(
    returns: Mapping[str, Sequence[float] | npt.NDArray[np.float64]], *, least: int = 30
) -> dict[str, float]:
    """Pearson correlation of returns over the same intervals.

    Parameters
    ----------
    returns : mapping of str to array of float, shape (n,)
        Returns by product or symbol; entry i of each covers the same interval. An interval in which one is NaN is left
        out for its pairs.
    least : int
        Fewest intervals from which a correlation is taken.

    Returns
    -------
    dict of str to float
        By pair name. A pair with too few intervals, or without movement, is absent: not known.

    Raises
    ------
    ConfigError
        If the series are not of one length.
    """
    arrays = {name: np.asarray(values, np.float64) for name, values in returns.items()}
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ConfigError(f"correlations: the returns are not of one length: {lengths}; align them by time")
    out: dict[str, float] = {}
    for (first, x), (second, y) in combinations(arrays.items(), 2):
        known = np.isfinite(x) & np.isfinite(y)
        if known.sum() < max(least, 2) or np.ptp(x[known]) == 0 or np.ptp(y[known]) == 0:
            continue
        dx, dy = x[known] - x[known].mean(), y[known] - y[known].mean()
        scale = math.sqrt(float(dx @ dx)) * math.sqrt(float(dy @ dy))
        if scale > 0:
            out[pair(first, second)] = max(-1.0, min(1.0, float(dx @ dy) / scale))
    return out
