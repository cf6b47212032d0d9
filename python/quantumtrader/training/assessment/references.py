"""What the model has to beat: doing nothing, holding, random sides, and models that a line of code can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.training.assessment.scores import said, score
from quantumtrader.training.assessment.walk import Walk, spread_of, walk_paths
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.policy import Policy

__all__ = [
    "DRAWS",
    "RandomSide",
    "Reference",
    "always_long",
    "hold",
    "paths_beaten",
    "random_side",
    "reference",
]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

DRAWS = 1_000
_CHUNK = 100


@dataclass(frozen=True, slots=True)
class Reference:
    """One line of the table.

    Parameters
    ----------
    name : str
        Model, or ``flat``, ``buy_and_hold``, ``always_long``.
    skill : float
        Mean over the paths; NaN for what predicts nothing.
    edge, net : Interval or None
        Nats per row, net ticks per trade; None where insufficient, or where there is no such thing.
    trades : float
        Per path; NaN where unknown.
    net_ticks : float
        Sum, mean over the paths; NaN where unknown.
    """

    name: str
    skill: float
    edge: Interval | None
    net: Interval | None
    trades: float
    net_ticks: float


@dataclass(frozen=True, slots=True)
class RandomSide:
    """The same trades with sides drawn at random: same turnover, same times in the market, no knowledge.

    Parameters
    ----------
    draws : int
        How many.
    mean, low, high : float
        Net ticks over all sessions: mean, 5 % and 95 % quantile of the draws.
    percentile : float
        Share of draws that the model beats, ties counted half, in percent; NaN without trades.
    """

    draws: int
    mean: float
    low: float
    high: float
    percentile: float


def reference(name: str, data: Dataset, evaluation: Evaluation, policy: Policy) -> Reference:
    """Judge a model as the chosen one is judged."""
    scores = score(data, evaluation)
    edge = said(scores.gained.mean(axis=0), scores.spans.session, scores.weights)
    walk = walk_paths(data, evaluation, scores, policy)
    skill = float(evaluation.skill.mean())
    if walk is None:
        return Reference(name, skill, edge, None, math.nan, math.nan)
    net = walk.net(policy.cost_ticks)
    return Reference(
        name,
        skill,
        edge,
        said(net, walk.session, walk.weights),
        len(net) / walk.paths,
        float(net.sum()) / walk.paths,
    )


def hold(data: Dataset, rows: Int64, cost_ticks: float) -> Reference | None:
    """Hold one contract through the decisions of each session; None where results do not tell mid moves.

    Moves of the mid over trades that follow one another without overlap are added up. Spread and cost are paid once a
    session.
    """
    if data.trips is None:
        return None
    trips, session = data.trips[rows], data.spans.session[rows]
    known = ~np.isnan(trips.buy_ticks + trips.sell_ticks)
    if not known.any() or (trips.buy_left[known] != trips.sell_left[known]).any():
        return None
    moved, spread = (trips.buy_ticks - trips.sell_ticks) / 2, spread_of(trips)
    total, held = 0.0, 0
    free, day = np.iinfo(np.int64).min, None
    for k in np.flatnonzero(known).tolist():
        if session[k] != day:
            day, free = session[k], np.iinfo(np.int64).min
            total -= float(spread[k]) + cost_ticks
            held += 1
        if data.spans.t0[rows[k]] >= free:
            total += float(moved[k])
            free = trips.buy_left[k]
    return Reference("buy_and_hold", math.nan, None, None, float(held), total)


def always_long(data: Dataset, rows: Int64, cost_ticks: float) -> Reference | None:
    """Buy whenever nothing is held, and leave as the trades of the data set do; spread and cost on each."""
    if data.trips is None:
        return None
    part = data.take(rows)
    assert part.trips is not None  # those of the data set
    made = Policy(0.0, cost_ticks).trade(np.ones(len(rows), np.int64), part.trips, part.spans)
    net = said(made.net_ticks, part.spans.session[made.rows])
    return Reference("always_long", math.nan, None, net, float(len(made.rows)), float(made.net_ticks.sum()))


def random_side(data: Dataset, walk: Walk, cost_ticks: float, seed: int, draws: int = DRAWS) -> RandomSide:
    """Draw sides for the trades of a walk; a side that finds no price is no trade."""
    if data.trips is None or not len(walk):
        return RandomSide(draws, math.nan, math.nan, math.nan, math.nan)
    rows, place = np.unique(walk.row, return_inverse=True)
    times = np.bincount(place) / walk.paths
    buy, sell = (
        np.nan_to_num(side[rows] - cost_ticks) * times
        for side in (data.trips.buy_ticks, data.trips.sell_ticks)
    )
    rng = np.random.default_rng(seed)
    totals = np.concatenate(
        [
            sell.sum() + rng.integers(0, 2, (min(_CHUNK, draws - k), len(rows))) @ (buy - sell)
            for k in range(0, draws, _CHUNK)
        ]
    )
    own = float(walk.net(cost_ticks).sum()) / walk.paths
    close = 1e-9 * max(1.0, abs(own))
    beaten = (totals < own - close).mean() + 0.5 * (np.abs(totals - own) <= close).mean()
    low, high = np.quantile(totals, (0.05, 0.95))
    return RandomSide(draws, float(totals.mean()), float(low), float(high), float(100 * beaten))


def paths_beaten(chosen: Evaluation, baselines: Mapping[str, Evaluation]) -> int:
    """Count the paths on which the skill exceeds that of every baseline."""
    best = np.max([b.skill for b in baselines.values()], axis=0)
    return int((chosen.skill > best).sum())
