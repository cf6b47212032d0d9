"""From probabilities to trades, one position at a time: what a configuration is paid by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.labels.round_trip import RoundTrips
from quantumtrader.training.spans import Spans

__all__ = ["Policy", "Trades"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades of a policy, in order.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Decisions that were acted on.
    side : ndarray of int64, shape (n,)
        1 or −1.
    gross_ticks, net_ticks : ndarray of float64, shape (n,)
        Of one contract, before and after ``cost_ticks``.
    """

    rows: Int64
    side: Int64
    gross_ticks: Float64
    net_ticks: Float64


@dataclass(frozen=True, slots=True)
class Policy:
    """Trade the more probable side when it leads by more than a margin and nothing is open.

    Parameters
    ----------
    margin : float
        Least P(up) − P(down); for classes 0 and 1 least P(1) − P(0), which trades the buy column (the primary side of a meta
        label).
    cost_ticks : float
        Fees and slippage per round trip; the spread is in the results already.
    """

    margin: float = 0.1
    cost_ticks: float = 0.5

    def __post_init__(self) -> None:
        if not (0 <= self.margin < 1 and self.cost_ticks >= 0):
            raise ConfigError(
                f"policy: margin is {self.margin}, cost {self.cost_ticks} ticks; expected 0 to below 1, and not negative"
            )

    def sides(self, probabilities: Float64, classes: Int64) -> Int64:
        """Return 1, −1 or 0 (no trade) per row; NaN rows are no trade."""
        up = probabilities[:, classes > 0].sum(axis=1)
        if (classes < 0).any():
            lead = up - probabilities[:, classes < 0].sum(axis=1)
            return np.where(lead > self.margin, 1, np.where(lead < -self.margin, -1, 0)).astype(np.int64)
        return np.where(2 * up - 1 > self.margin, 1, 0).astype(np.int64)

    def trade(self, sides: Int64, trips: RoundTrips, spans: Spans) -> Trades:
        """Walk through the decisions; a side that finds no price is no trade."""
        gross = np.where(sides > 0, trips.buy_ticks, trips.sell_ticks)
        left = np.where(sides > 0, trips.buy_left, trips.sell_left)
        able = np.flatnonzero((sides != 0) & ~np.isnan(gross))
        chosen: list[int] = []
        free = np.iinfo(np.int64).min
        for k in able.tolist():
            if spans.t0[k] >= free:
                chosen.append(k)
                free = left[k]
        rows = np.array(chosen, np.int64)
        return Trades(rows, sides[rows], gross[rows], gross[rows] - self.cost_ticks)
