"""The trades of a policy on every out-of-sample path, with what each paid for the spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.training.assessment.scores import Scores
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.labels.round_trip import RoundTrips
from quantumtrader.training.policy import Policy

__all__ = ["Walk", "spread_of", "walk_paths"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Walk:
    """Trades of one contract, path after path; all arrays have shape (trades,).

    Parameters
    ----------
    paths : int
        Complete paths; the sum over all trades divided by it is one path's mean.
    path, row : ndarray of int64
        Path, and row of the data set.
    side : ndarray of int64
        1 or −1.
    gross : ndarray of float64
        Ticks from mid to mid where the spread is known, else at executable prices.
    spread : ndarray of float64
        Ticks that the spread took; 0 where it is not known by itself.
    seconds : ndarray of float64
        From the decision to the exit.
    session : ndarray of int64
        Date as days since 1970.
    """

    paths: int
    path: Int64
    row: Int64
    side: Int64
    gross: Float64
    spread: Float64
    seconds: Float64
    session: Int64

    def __len__(self) -> int:
        return len(self.row)

    @property
    def weights(self) -> Float64:
        """One path's share of each trade: paths repeat the same sessions and together count once."""
        return np.full(len(self), 1 / self.paths)

    def net(self, cost_ticks: float, multiple: float = 1.0) -> Float64:
        """Return each trade's ticks after ``multiple`` times spread, fees and slippage; 0 is gross."""
        return np.asarray(self.gross - multiple * (self.spread + cost_ticks))

    def take(self, which: npt.NDArray[Any]) -> Walk:
        """Return some trades."""
        parts = (self.path, self.row, self.side, self.gross, self.spread, self.seconds, self.session)
        return Walk(self.paths, *(part[which] for part in parts))

    def of_path(self, number: int) -> Walk:
        """Return one path's trades, as a walk of one path."""
        own = self.take(self.path == number)
        return Walk(1, own.path, own.row, own.side, own.gross, own.spread, own.seconds, own.session)

    def by_session(self, values: Float64, sessions: Int64) -> Float64:
        """Sum values of trades per session, mean over the paths, shape (sessions,)."""
        total = np.bincount(np.searchsorted(sessions, self.session), values, len(sessions))
        return np.asarray(total / self.paths)


def spread_of(trips: RoundTrips) -> Float64:
    """Return the ticks that a round trip loses to the spread, shape (n,).

    Buying and selling at the same two moments loses it twice, whatever the price did: half their sum, negated. Where
    any two leave at different times, as with barriers, it is not known and 0 everywhere.
    """
    both = ~np.isnan(trips.buy_ticks + trips.sell_ticks)
    if (trips.buy_left[both] != trips.sell_left[both]).any():
        return np.zeros(len(both))
    return np.where(both, np.maximum(-(trips.buy_ticks + trips.sell_ticks) / 2, 0), 0.0)


def walk_paths(
    data: Dataset, evaluation: Evaluation, scores: Scores, policy: Policy, spread_ticks: float | None = None
) -> Walk | None:
    """Trade every path as :func:`~quantumtrader.training.cross_validate.evaluate` does; None without results of
    trades.

    ``spread_ticks`` is what a round trip loses to the spread where the results do not tell it.
    """
    if data.trips is None:
        return None
    trips = data.trips[scores.rows]
    spread = spread_of(trips)
    if spread_ticks is not None and not spread.any():
        spread = np.full(len(spread), float(spread_ticks))
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    for number, path in enumerate(evaluation.predictions):
        made = policy.trade(policy.sides(path[scores.rows], evaluation.classes), trips, scores.spans)
        left = np.where(made.side > 0, trips.buy_left[made.rows], trips.sell_left[made.rows])
        parts.append(
            (
                np.full(len(made.rows), number, np.int64),
                scores.rows[made.rows],
                made.side,
                made.gross_ticks + spread[made.rows],
                spread[made.rows],
                (left - scores.spans.t0[made.rows]) / 1e9,
                scores.spans.session[made.rows],
            )
        )
    return Walk(len(evaluation.predictions), *(np.concatenate(c) for c in zip(*parts, strict=True)))
