"""Direction of the mid after a horizon in event time, with a dead zone the size of the spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.training.labels.base import Drops, Labels
from quantumtrader.training.labels.path import PricePath

__all__ = ["DirectionLabels", "Pace", "direction", "pace_of"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a market moves.

    Parameters
    ----------
    tau_ns : float
        Mean time between two changes of the mid.
    spread_ticks : float
        Mean spread over time.
    """

    tau_ns: float
    spread_ticks: float

    @property
    def dead_zone_ticks(self) -> float:
        """Moves up to this are none: half a tick, or half the mean spread if that is more."""
        return max(0.5, self.spread_ticks / 2)


def pace_of(path: PricePath) -> Pace:
    """Measure the pace on a path of sessions that no test will use.

    Raises
    ------
    DataError
        The mid never changed.
    """
    defined = ~np.isnan(path.mid)
    held = (path.end - path.begin)[defined]
    values, segment = path.mid[defined], path.segment[defined]
    changes = int(((np.diff(values) != 0) & (np.diff(segment) == 0)).sum())
    if changes == 0 or held.sum() == 0:
        raise DataError("pace: the mid never changed", remedy="Use more data")
    spread = (path.last_ask - path.last_bid)[defined]
    return Pace(float(held.sum()) / changes, float((spread * held).sum() / held.sum()))


@dataclass(frozen=True, slots=True)
class DirectionLabels(Labels):
    """Class −1, 0 or 1 by the move of the mid.

    Parameters
    ----------
    move_ticks : ndarray of float64, shape (n,)
        mid(t0 + horizon) − mid(t0).
    """

    move_ticks: Float64


def direction(
    path: PricePath, decisions: Int64, horizon_ns: int, dead_zone_ticks: float, *, name: str = "direction"
) -> DirectionLabels:
    """Label decisions by the sign of the move of the mid.

    Parameters
    ----------
    path : PricePath
        Prices.
    decisions : ndarray of int64, shape (n,)
        Decision times, ns UTC, non-decreasing.
    horizon_ns : int
        Positive; in event time a multiple of :attr:`Pace.tau_ns`.
    dead_zone_ticks : float
        Moves of at most this size are class 0; :attr:`Pace.dead_zone_ticks`.

    Returns
    -------
    DirectionLabels
        Without decisions that lack a mid at either end, or whose horizon crosses the end of a session, a roll or a gap.
    """
    if not (horizon_ns > 0 and dead_zone_ticks >= 0):
        raise ConfigError(
            f"direction: horizon {horizon_ns} ns must be positive, dead zone {dead_zone_ticks} not negative"
        )
    drops = Drops(path, decisions)
    t1 = drops.t0 + horizon_ns
    drops.drop_beyond(t1)
    move = path.at(path.mid, path.last_known(t1, drops.segment)) - path.at(
        path.mid, path.last_known(drops.t0, drops.segment)
    )
    drops.drop("no mid", np.isnan(move))
    rows = drops.rows()
    move = move[rows]
    y = np.where(move > dead_zone_ticks, 1, np.where(move < -dead_zone_ticks, -1, 0)).astype(np.int64)
    facts = {"horizon_ns": int(horizon_ns), "dead_zone_ticks": float(dead_zone_ticks)}
    return DirectionLabels(name, rows, drops.spans(t1), y, facts, drops.reasons, move)
