"""What buying or selling at a decision and leaving after a horizon would have brought, at executable prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.labels.base import Drops, Latency
from quantumtrader.training.labels.path import PricePath

__all__ = ["RoundTrips", "round_trips"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Gross results per decision.

    Parameters
    ----------
    buy_ticks, sell_ticks : ndarray of float64, shape (n,)
        Of one contract; the spread is paid, fees are not. NaN where a price was missing or the session over.
    left : ndarray of int64, shape (n,)
        Arrival of the leaving order, ns UTC.
    """

    buy_ticks: Float64
    sell_ticks: Float64
    left: Int64


def round_trips(path: PricePath, decisions: Int64, horizon_ns: int, latency: Latency) -> RoundTrips:
    """Trade every decision both ways: enter at ``t0`` + latency, leave at ``t0`` + horizon + latency."""
    if horizon_ns <= 0:
        raise ConfigError(f"round trips: horizon is {horizon_ns} ns, expected a positive number")
    drops = Drops(path, decisions)
    delay = latency.draw(len(decisions))
    left = drops.t0 + horizon_ns + delay
    drops.drop_beyond(left)
    segment = np.where(drops.kept, drops.segment, -1)
    enter = path.executable(drops.t0 + delay, segment)
    leave = path.executable(left, segment)
    buy = path.at(path.bid, leave) - path.at(path.ask, enter)
    sell = path.at(path.bid, enter) - path.at(path.ask, leave)
    return RoundTrips(buy, sell, left)
