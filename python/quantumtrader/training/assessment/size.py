"""How many contracts the edge carries."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from quantumtrader.training.assessment.walk import Walk
from quantumtrader.training.evaluation import Capacity, capacity, walk_the_book

__all__ = ["Books", "Liquidity", "SizeFacts", "size_facts", "with_books"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Books = Callable[[Int64, Int64], tuple[Float64, Float64] | None]
"""Times of decisions (ns UTC) and their sides to ``sizes`` and ``distances`` of ``Liquidity``; None where not known."""

_ENDLESS = 1e12  # contracts at the touch, where no book says how many there are


@dataclass(frozen=True, slots=True)
class Liquidity:
    """What the market showed at decision times.

    Parameters
    ----------
    sigma_ticks, volume : float
        Standard deviation of the mid over a minute, and contracts traded in one.
    sizes : ndarray of float64, shape (books, levels), optional
        Displayed contracts from the best level on; without it only the square-root law costs more for more, which is the
        least that it can cost.
    distances : ndarray of float64, shape (books, levels) or (levels,), optional
        Of each level from the mid, in ticks.
    impact, participation : float
        See :func:`~quantumtrader.training.evaluation.capacity`.
    """

    sigma_ticks: float
    volume: float
    sizes: Float64 | None = None
    distances: Float64 | None = None
    impact: float = 1.0
    participation: float = 0.01


@dataclass(frozen=True, slots=True)
class SizeFacts:
    """Net ticks per contract by size.

    Parameters
    ----------
    books : int
        Displayed books that were walked; 0 where there were none.
    sizes : tuple of int
        Contracts per trade.
    net_ticks : ndarray of float64, shape (sizes,)
        NaN where the books are not deep enough to know.
    break_even_size, participation_size : float
        Where the net edge crosses zero, and where the allowed share of a minute's volume is reached.
    contracts : int
        Greatest size that both allow.
    """

    books: int
    sizes: tuple[int, ...]
    net_ticks: Float64
    break_even_size: float
    participation_size: float
    contracts: int


def with_books(liquidity: Liquidity, walk: Walk, decided: Int64, books: Books) -> Liquidity:
    """Return the liquidity with what was displayed at the entries of a walk, each once; as it was where that is not known.

    Parameters
    ----------
    decided : ndarray of int64, shape (rows,)
        When each row of the data set was decided.
    """
    entries = np.unique(np.column_stack((walk.row, walk.side)), axis=0)
    found = books(decided[entries[:, 0]], entries[:, 1])
    return liquidity if found is None else replace(liquidity, sizes=found[0], distances=found[1])


def size_facts(walk: Walk, cost_ticks: float, liquidity: Liquidity) -> SizeFacts:
    """Estimate what more contracts would have left of the mean trade of a walk.

    One contract's spread is in the trades already: the books say what further ones pay more than that.
    """
    shown, away = liquidity.sizes, liquidity.distances
    books = 0
    paid = float(walk.spread.mean()) if len(walk) else math.nan
    if shown is None or away is None:
        shown, away, first = np.array([[_ENDLESS]]), np.array([0.0]), 0.0
    else:
        books = len(np.atleast_2d(shown))
        first = float(np.nanmean(walk_the_book(shown, away, 1)))
    edge = (float(walk.gross.mean()) if len(walk) else math.nan) - paid + 2 * first
    found: Capacity = capacity(
        edge,
        shown,
        away,
        sigma_ticks=liquidity.sigma_ticks,
        volume=liquidity.volume,
        cost_ticks=cost_ticks,
        impact=liquidity.impact,
        participation=liquidity.participation,
    )
    return SizeFacts(
        books,
        found.sizes,
        found.net_ticks,
        found.break_even_size,
        found.participation_size,
        found.contracts,
    )
