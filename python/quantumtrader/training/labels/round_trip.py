"""What buying or selling at a decision would have brought, at executable prices: what policies are paid in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.labels.barrier import triple_barrier
from quantumtrader.training.labels.base import Drops
from quantumtrader.training.labels.latency import Latency
from quantumtrader.training.labels.path import PricePath

__all__ = ["RoundTrips", "barrier_trips", "round_trips"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Gross results of one contract per decision; the spread is paid, fees are not.

    Parameters
    ----------
    buy_ticks, sell_ticks : ndarray of float64, shape (n,)
        NaN where a price was missing or the session over.
    buy_left, sell_left : ndarray of int64, shape (n,)
        When the position was closed, ns UTC.
    """

    buy_ticks: Float64
    sell_ticks: Float64
    buy_left: Int64
    sell_left: Int64

    def __getitem__(self, rows: npt.NDArray[Any]) -> RoundTrips:
        """Return the results of some decisions."""
        return RoundTrips(
            self.buy_ticks[rows], self.sell_ticks[rows], self.buy_left[rows], self.sell_left[rows]
        )


def round_trips(path: PricePath, decisions: Int64, horizon_ns: int, latency: Latency) -> RoundTrips:
    """Trade every decision both ways: enter at ``t0`` + latency, leave at ``t0`` + horizon + latency."""
    if horizon_ns <= 0:
        raise ConfigError(f"round trips: horizon is {horizon_ns} ns, expected a positive number")
    drops = Drops(path, decisions)
    delay = latency.draw(drops.t0)
    left = drops.t0 + horizon_ns + delay
    drops.drop_beyond(left)
    segment = np.where(drops.kept, drops.segment, -1)
    enter = path.executable(drops.t0 + delay, segment)
    leave = path.executable(left, segment)
    buy = path.at(path.bid, leave) - path.at(path.ask, enter)
    sell = path.at(path.bid, enter) - path.at(path.ask, leave)
    return RoundTrips(buy, sell, left, left)


def barrier_trips(
    path: PricePath, decisions: Int64, sigma_ticks: npt.ArrayLike, **barriers: Any
) -> RoundTrips:
    """Trade every decision both ways with target, stop and horizon; arguments of :func:`triple_barrier`."""
    ticks, left = [], []
    for side in (1, -1):
        found = triple_barrier(path, decisions, sigma_ticks, side=side, **barriers)
        gross, until = np.full(len(decisions), np.nan), decisions.astype(np.int64)
        gross[found.rows], until[found.rows] = found.gross_ticks, found.spans.t1
        ticks.append(gross)
        left.append(until)
    return RoundTrips(ticks[0], ticks[1], left[0], left[1])
