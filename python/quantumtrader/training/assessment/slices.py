"""Where the edge is: the same two means per path, regime, hour, volatility, contract and roll week.

A slice with fewer than 20 sessions or 500 effective decisions has no numbers: many slices of little data always show a
winner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from quantumtrader.data.contracts import is_table_product, near_rolls
from quantumtrader.training.assessment.scores import Scores, said
from quantumtrader.training.assessment.walk import Walk
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.evaluation import Interval, expected_calibration_error
from quantumtrader.types import Instrument

__all__ = [
    "TERCILES",
    "PathResult",
    "Slice",
    "hours_of",
    "path_results",
    "rolls_of",
    "slices",
    "terciles",
    "volatility_of",
]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]

TERCILES = ("low", "middle", "high")
ROLLS = ("roll_week", "other_weeks")
_ROLL_SESSIONS = 2
_EPOCH = date(1970, 1, 1)
_VOLATILITY = ("rv_1m", "atr_14", "natr_14", "rv_close_30", "ewma_vol")


@dataclass(frozen=True, slots=True)
class PathResult:
    """One complete out-of-sample path.

    Parameters
    ----------
    skill : float
        Share of the base rate's log loss that is removed.
    edge, net : Interval or None
        Log loss gained per row in nats, net ticks per trade; None where insufficient.
    trades : int
        On this path.
    net_ticks : float
        Sum of all trades; NaN where results of trades are unknown.
    """

    skill: float
    edge: Interval | None
    trades: int
    net: Interval | None
    net_ticks: float


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the rows.

    Parameters
    ----------
    axis : str
        ``regime``, ``hour``, ``volatility``, ``contract`` or ``roll``.
    name : str
        Which part.
    rows, sessions : int
        Tested rows in it.
    n_eff : float
        Effective number of them.
    trades : float
        Per path.
    edge, net : Interval or None
        As in :class:`PathResult`.
    skill, ece : float or None
        Share of the base rate's log loss that is removed, and the calibration error of the greatest class, over all paths;
        None where ``edge`` is.
    """

    axis: str
    name: str
    rows: int
    sessions: int
    n_eff: float
    trades: float
    edge: Interval | None
    net: Interval | None
    skill: float | None
    ece: float | None


def path_results(
    evaluation: Evaluation, scores: Scores, walk: Walk | None, cost_ticks: float
) -> tuple[PathResult, ...]:
    """Judge each path by itself."""
    out = []
    for k, skill in enumerate(evaluation.skill.tolist()):
        edge = said(scores.gained[k], scores.spans.session, scores.weights)
        if walk is None:
            out.append(PathResult(skill, edge, 0, None, float("nan")))
            continue
        own = walk.of_path(k)
        net = own.net(cost_ticks)
        out.append(PathResult(skill, edge, len(net), said(net, own.session), float(net.sum())))
    return tuple(out)


def slices(
    evaluation: Evaluation,
    scores: Scores,
    walk: Walk | None,
    cost_ticks: float,
    axes: Mapping[str, Names],
) -> tuple[Slice, ...]:
    """Cut the tested rows along each axis.

    Parameters
    ----------
    evaluation : Evaluation
    scores : Scores
        Of it.
    walk : Walk, optional
        Its trades.
    cost_ticks : float
        Of the policy.
    axes : mapping of str to ndarray of str
        One name per row of the data set; an empty one is left out.
    """
    return tuple(
        s for axis, names in axes.items() for s in _cut(evaluation, scores, walk, cost_ticks, axis, names)
    )


def _cut(
    evaluation: Evaluation,
    scores: Scores,
    walk: Walk | None,
    cost_ticks: float,
    axis: str,
    names: Names,
) -> Iterator[Slice]:
    gained, own = scores.gained.mean(axis=0), names[scores.rows]
    # Contracts come in the order of time, everything else by name.
    found = list(dict.fromkeys(map(str, own)))
    for name in found if axis == "contract" else sorted(found, key=_order):
        if not name:
            continue
        inside = own == name
        session, weights = scores.spans.session[inside], scores.weights[inside]
        trades, net = 0.0, None
        if walk is not None:
            part = walk.take(names[walk.row] == name)
            trades = len(part) / part.paths
            net = said(part.net(cost_ticks), part.session, part.weights)
        edge = said(gained[inside], session, weights)
        skill, ece = (None, None) if edge is None else _quality(evaluation, scores, inside)
        yield Slice(
            axis,
            name,
            int(inside.sum()),
            len(np.unique(session)),
            float(weights.sum()),
            trades,
            edge,
            net,
            skill,
            ece,
        )


def _quality(evaluation: Evaluation, scores: Scores, inside: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return skill and calibration error of some of the tested rows, all paths together."""
    rows, paths = scores.rows[inside], len(evaluation.predictions)
    outcome = np.tile(scores.outcome[inside], paths)
    weights = np.tile(scores.weights[inside], paths)
    width = len(evaluation.classes)
    base = evaluation.base[:, rows].reshape(-1, width)
    silent = -np.log(base[np.arange(len(base)), outcome])
    lost = (weights * silent).sum() - (weights * scores.gained[:, inside].ravel()).sum()
    up = evaluation.predictions[:, rows, -1].ravel()
    return (
        float(1 - lost / (weights * silent).sum()),
        expected_calibration_error(up, outcome == width - 1, weights),
    )


def _order(name: str) -> tuple[int, str]:
    return (TERCILES.index(name) if name in TERCILES else -1, name)


def hours_of(times: Int64, timezone: str) -> Names:
    """Return the local hour of each time, ``09h``."""
    zone = ZoneInfo(timezone)
    quarters, where = np.unique(times // 900_000_000_000, return_inverse=True)
    hours = [datetime.fromtimestamp(q * 900, UTC).astimezone(zone).hour for q in quarters.tolist()]
    return np.array([f"{h:02d}h" for h in hours])[where] if len(times) else np.empty(0, "U3")


def rolls_of(sessions: Int64, instrument: Instrument) -> Names | None:
    """Return for each row whether its session is one of the five around a roll of the contract in front.

    They are the last session of a contract, two before it and two after it.

    Parameters
    ----------
    sessions : ndarray of int64, shape (rows,)
        Days since 1970.
    instrument : Instrument

    Returns
    -------
    ndarray of str, shape (rows,), or None
        Of ``ROLLS``; empty where the published holidays do not reach. None where the calendar knows no rolls.
    """
    if not is_table_product(instrument):
        return None
    days, place = np.unique(sessions, return_inverse=True)
    dates = [_EPOCH + timedelta(days=day) for day in days.tolist()]
    near = near_rolls(instrument.product, dates, _ROLL_SESSIONS)
    names = {True: ROLLS[0], False: ROLLS[1], None: ""}
    return np.array([names[near.get(day)] for day in dates])[place] if near else None


def volatility_of(data: Dataset) -> tuple[str, Float64] | None:
    """Return a measure of volatility that the rows know, and its name: a feature, else how far prices moved.

    Without a feature for it, the mean absolute result of a trade in the row's session stands for it, which is known only
    after the session: good enough to cut by, not to trade on.
    """
    for name in _VOLATILITY:
        if name in data.manifest.features:
            return name, data.X[:, data.manifest.features.index(name)]
    if data.trips is None:
        return None
    moved = np.abs(data.trips.buy_ticks - data.trips.sell_ticks) / 2
    known = ~np.isnan(moved)
    place = np.searchsorted(data.spans.sessions, data.spans.session)
    total, count = (np.bincount(place, np.where(known, v, 0)) for v in (moved, known))
    with np.errstate(invalid="ignore"):
        return "move", np.asarray((total / count)[place])


def terciles(values: Float64) -> Names | None:
    """Cut values into thirds; empty where a value is NaN. None where they do not differ enough to be cut."""
    known = ~np.isnan(values)
    low, high = np.quantile(values[known], (1 / 3, 2 / 3)) if known.any() else (0.0, 0.0)
    if not (values[known] <= low).any() or not low < high or not (values[known] > high).any():
        return None
    names = np.where(values <= low, TERCILES[0], np.where(values <= high, TERCILES[1], TERCILES[2]))
    return np.where(known, names, "")
