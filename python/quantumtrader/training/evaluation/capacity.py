"""How many contracts an edge carries before its own impact eats it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError

__all__ = ["Capacity", "capacity", "walk_the_book"]

SIZES = (1, 2, 5, 10, 20, 50)


@dataclass(frozen=True, slots=True)
class Capacity:
    """Net edge by size.

    Parameters
    ----------
    sizes : tuple of int
        Contracts per trade.
    net_ticks : ndarray of float64, shape (sizes,)
        Edge per contract after everything; NaN where the displayed books are not deep enough to know.
    break_even_size : float
        Contracts at which the net edge crosses zero, interpolated; infinite where it stays positive, 0 where
        it never is.
    participation_size : float
        Contracts that are the allowed share of the volume.
    """

    sizes: tuple[int, ...]
    net_ticks: npt.NDArray[np.float64]
    break_even_size: float
    participation_size: float

    @property
    def contracts(self) -> int:
        """Greatest whole size that both limits allow, at most the greatest that was looked at."""
        # Beyond the greatest size nothing was estimated.
        return int(min(self.break_even_size, self.participation_size, max(self.sizes)))


def walk_the_book(sizes: npt.ArrayLike, distances: npt.ArrayLike, quantity: int) -> npt.NDArray[np.float64]:
    """Mean distance from the mid at which a market order executes.

    Parameters
    ----------
    sizes : array_like, shape (books, levels)
        Displayed contracts from the best level on.
    distances : array_like, shape (books, levels) or (levels,)
        Of each level from the mid, in ticks.
    quantity : int
        Contracts taken.

    Returns
    -------
    ndarray of float64, shape (books,)
        Ticks per contract; NaN where less than ``quantity`` is displayed.
    """
    shown = np.atleast_2d(np.asarray(sizes, np.float64))
    away = np.broadcast_to(np.asarray(distances, np.float64), shown.shape)
    taken = np.clip(quantity - (np.cumsum(shown, axis=1) - shown), 0, shown)
    cost = (taken * np.where(taken > 0, away, 0)).sum(axis=1) / quantity
    return np.where(taken.sum(axis=1) >= quantity, cost, np.nan)


def capacity(
    edge_ticks: float,
    sizes_shown: npt.ArrayLike,
    distances: npt.ArrayLike,
    *,
    sigma_ticks: float,
    volume: float,
    cost_ticks: float = 0.0,
    impact: float = 1.0,
    participation: float = 0.01,
    sizes: Sequence[int] = SIZES,
) -> Capacity:
    """Estimate the net edge of a round trip that enters and leaves at the market, by size.

    ``net(q) = edge - 2 walk(q) - impact * sigma * sqrt(q / volume) - cost``: twice the walk of the book and
    once the square-root law (Tóth et al., 2011, "Anomalous price impact and the critical nature of
    liquidity").

    Parameters
    ----------
    edge_ticks : float
        Gross move from mid to mid per contract.
    sizes_shown, distances
        Books at decision times, as in :func:`walk_the_book`. Books too thin for a size are left out of its
        mean; where more than half are, the size is NaN.
    sigma_ticks, volume : float
        Standard deviation of the mid and contracts traded, both over the same span (one minute).
    cost_ticks : float
        Fees and slippage of the round trip.
    impact : float
        Coefficient of the square-root law, of order one.
    participation : float
        Allowed share of ``volume`` per trade.
    """
    if not (sigma_ticks >= 0 and volume > 0 and 0 < participation <= 1):
        raise ConfigError(
            f"capacity: sigma {sigma_ticks} must not be negative, volume {volume} positive, "
            f"participation {participation} in (0, 1]"
        )
    net = np.full(len(sizes), math.nan)
    for k, q in enumerate(sizes):
        walk = walk_the_book(sizes_shown, distances, q)
        known = np.isfinite(walk)
        if known.mean() >= 0.5:
            law = impact * sigma_ticks * math.sqrt(q / volume)
            net[k] = edge_ticks - 2 * float(walk[known].mean()) - law - cost_ticks
    return Capacity(tuple(sizes), net, _crossing(sizes, net), participation * volume)


def _crossing(sizes: Sequence[int], net: npt.NDArray[np.float64]) -> float:
    previous: tuple[float, float] | None = None
    for q, value in zip(sizes, net, strict=True):
        if math.isnan(value):  # deeper than the books show: nothing beyond can be promised
            return 0.0 if previous is None else previous[0]
        if value <= 0:
            if previous is None:
                return 0.0
            before, above = previous
            return before + (q - before) * above / (above - float(value))
        previous = (float(q), float(value))
    return math.inf
