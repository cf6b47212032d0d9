r"""The micro-price of Stoikov (2018, *The Micro-Price: A High Frequency Estimator of Future Prices*).

A state is a tenth of q_b/(q_b + q_a) at a spread of 1 to 3 ticks; a step is from one touch to the next other one.
With Q the steps that leave the mid where it is, T those that move it, and r the expected move of one step,

    G1 = (1 - Q)^-1 r,   B = (1 - Q)^-1 T,   G* = G1 + B G1 + B^2 G1 + ...

is the expected move of the mid from here to infinity: G1 up to the first move, B G1 from there to the second, and so
on. Every step also counts mirrored (sides exchanged, prices negated), which makes the table antisymmetric in the
imbalance and the sum finite. Here that is used the other way round: what is antisymmetric is known by its lower half,
so the equations are solved for 15 states, and antisymmetry holds to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from quantumtrader._protocols import Float64, Int64
from quantumtrader.exceptions import DataError, EmptyDataError
from quantumtrader.features.fit.segments import Range
from quantumtrader.features.fit.touches import Touches, TouchPairs
from quantumtrader.types import Events

__all__ = ["SPREADS", "STATES", "TENTHS", "MicropriceFit", "MicropriceFitter", "Steps", "lookup", "solve"]

TENTHS, SPREADS = 10, 3
STATES = TENTHS * SPREADS
TOLERANCE = 1e-6
"""Ticks that the rest of the sum may be worth."""

_WEIGHT = 4
"""Of one step: an imbalance of exactly one half counts half in both tenths next to it, at either end of the step."""
_MOST_DOUBLINGS = 40
_MIRROR = np.array([(k // TENTHS) * TENTHS + TENTHS - 1 - k % TENTHS for k in range(STATES)])
_LOWER = np.flatnonzero(np.arange(STATES) % TENTHS < TENTHS // 2)


@dataclass(slots=True)
class Steps:
    """Counted steps, each also mirrored; whole numbers, so that the mirror image is exact.

    Parameters
    ----------
    stays, moves : ndarray of int64, shape (30, 30)
        Steps from a state to another, or the same, that leave the mid, or move it. One step counts 4.
    moved : ndarray of int64, shape (30, 30)
        Sum over the second of by how many half ticks.
    observations : ndarray of int64, shape (30,)
        Touches seen in each state that another one followed, before mirroring, those at exactly one half in the upper
        tenth.
    outside : int
        Steps left out because they begin or end at a spread beyond the table.
    """

    stays: Int64 = field(default_factory=lambda: np.zeros((STATES, STATES), np.int64))
    moves: Int64 = field(default_factory=lambda: np.zeros((STATES, STATES), np.int64))
    moved: Int64 = field(default_factory=lambda: np.zeros((STATES, STATES), np.int64))
    observations: Int64 = field(default_factory=lambda: np.zeros(STATES, np.int64))
    outside: int = 0

    def add(self, pairs: TouchPairs) -> None:
        """Count pairs of consecutive touches."""
        before, after = pairs.before, pairs.after
        spreads = np.column_stack((before[:, 2] - before[:, 0], after[:, 2] - after[:, 0]))
        inside = (spreads <= SPREADS).all(axis=1)
        self.outside += int((~inside).sum())
        before, after = before[inside], after[inside]
        up = (after[:, 0] + after[:, 2]) - (before[:, 0] + before[:, 2])
        self.observations += np.bincount(_states(before)[0], minlength=STATES)
        for x in _states(before):
            for y in _states(after):
                self._count(x, y, up)
                self._count(_MIRROR[x], _MIRROR[y], -up)

    def _count(self, x: Int64, y: Int64, up: Int64) -> None:
        still = up == 0
        np.add.at(self.stays, (x[still], y[still]), 1)
        np.add.at(self.moves, (x[~still], y[~still]), 1)
        np.add.at(self.moved, (x, y), up)


def _states(touch: Int64) -> tuple[Int64, Int64]:
    """Return the state of each touch twice: both neighbours of exactly one half, else the same one."""
    bid, ask = touch[:, 1], touch[:, 3]
    total = bid + ask
    # As the engine does it: the larger side's share is rounded down, so that exchanging sides mirrors the tenth.
    tenth = np.where(bid >= ask, TENTHS * bid // total, TENTHS - 1 - TENTHS * ask // total)
    upper = TENTHS * (touch[:, 2] - touch[:, 0] - 1) + tenth
    return upper, np.where(bid == ask, upper - 1, upper)


def lookup(adjustment: npt.ArrayLike, touch: Int64) -> Float64:
    """Return G* in ticks at each touch, as ``microprice_dev`` gives it.

    Parameters
    ----------
    adjustment : array_like of float, shape (30,)
        The table.
    touch : ndarray of int64, shape (n, 4)
        Bid price, bid size, ask price, ask size; good touches, as in :class:`TouchPairs`.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN beyond the table's spreads and for states that it lacks.
    """
    table = np.asarray(adjustment, np.float64)
    known = touch[:, 2] - touch[:, 0] <= SPREADS
    out = np.full(len(touch), np.nan)
    upper, lower = _states(touch[known])
    out[known] = np.where(upper == lower, table[upper], (table[lower] + table[upper]) * 0.5)
    return out


@dataclass(frozen=True, slots=True)
class Solution:
    """A solved table.

    Parameters
    ----------
    adjustment : ndarray of float64, shape (30,)
        G* in ticks, by spread - 1 and tenth; NaN for a state that is not in the table.
    first : ndarray of float64, shape (30,)
        G1, the expected first move.
    spectral_radius : float
        Of B on antisymmetric tables: how fast the sum converges. Below 1.
    dropped : float
        Steps left out because they end in a state that is not in the table.
    """

    adjustment: Float64
    first: Float64
    spectral_radius: float
    dropped: float


def solve(steps: Steps) -> Solution:
    """Solve for the table.

    A state is not in the table if no step begins in it, or if the mid never moves from it or from where it leads. Steps
    into such states are left out: what follows them is not known.

    Raises
    ------
    EmptyDataError
        If the mid never moved.
    DataError
        If the sum does not converge: the observations say that the mid drifts for ever.
    """
    inside = _usable(steps)
    if not steps.observations.any():
        raise EmptyDataError(
            "no two touches with known sizes follow one another at a spread of 1 to 3 ticks: there is nothing to fit a "
            "micro-price to"
        )
    if not inside.any():
        raise EmptyDataError(
            "the mid never moves at a spread of 1 to 3 ticks: there is nothing to fit a micro-price to"
        )
    every = int((steps.stays + steps.moves).sum())
    both = np.outer(inside, inside)
    stays, moves, moved = (np.where(both, part, 0) for part in (steps.stays, steps.moves, steps.moved))
    kept = int((stays + moves).sum())
    total = np.where(inside, (stays + moves).sum(axis=1), 1).astype(np.float64)[:, None]
    lower = _LOWER[inside[_LOWER]]

    def half(part: Int64) -> Float64:
        # For a table with g[mirror] = -g: what leads to a mirror state counts against the state.
        rows = part[lower] / total[lower]
        return np.asarray(rows[:, lower] - rows[:, _MIRROR[lower]])

    remaining = np.eye(len(lower)) - half(stays)
    expected: Float64 = moved.sum(axis=1)[lower] / (2 * total[lower, 0])
    first = np.asarray(np.linalg.solve(remaining, expected), np.float64)
    onward = np.asarray(np.linalg.solve(remaining, half(moves)), np.float64)
    radius = float(np.abs(np.linalg.eigvals(onward)).max())
    if not radius < 1 - 1e-9:
        raise DataError(
            f"the micro-price does not converge: the spectral radius of B is {radius:.9f}, expected below 1. The mid "
            "of these observations keeps moving one way, or back and forth without an end",
            remedy="Fit to more data",
        )
    return Solution(
        _whole(lower, _sum(onward, first, radius)),
        _whole(lower, first),
        radius,
        (every - kept) / (2 * _WEIGHT),
    )


def _usable(steps: Steps) -> npt.NDArray[np.bool_]:
    """Return the largest set of states from each of which the mid is certain to move, staying inside the set."""
    inside = np.asarray((steps.stays + steps.moves).sum(axis=1) > 0)
    while True:
        both = np.outer(inside, inside)
        stays, moves = (steps.stays > 0) & both, (steps.moves > 0) & both
        exits = np.asarray(moves.any(axis=1))
        while True:
            further = np.asarray(exits | (stays & exits).any(axis=1))
            if (further == exits).all():
                break
            exits = further
        if (exits == inside).all():
            return inside
        inside = exits


def _sum(onward: Float64, first: Float64, radius: float) -> Float64:
    """Sum B^i G1 over all i, to TOLERANCE: each round doubles the terms."""
    total, power = first, onward
    for _ in range(_MOST_DOUBLINGS):
        rest = power @ total
        total = total + rest
        if np.abs(rest).max() < TOLERANCE * (1 - radius):
            return total
        power = power @ power
    raise DataError(
        f"the micro-price has not converged after 2^{_MOST_DOUBLINGS} terms: the spectral radius of B is {radius:.12f}"
    )


def _whole(lower: Int64, half: Float64) -> Float64:
    out = np.full(STATES, np.nan)
    out[lower] = half
    out[_MIRROR[lower]] = -half
    return out


@dataclass(frozen=True, slots=True)
class MicropriceFit:
    """A fitted table and what it rests on.

    Parameters
    ----------
    solution : Solution
        The numbers.
    steps : Steps
        The counts.
    sessions : int
        Sessions with at least one step.
    range : Range
        Times of the data; the table may be used by sessions that start at or after its end.
    """

    solution: Solution
    steps: Steps
    sessions: int
    range: Range

    @property
    def observations(self) -> int:
        """Steps at spreads of the table."""
        return int(self.steps.observations.sum())


class MicropriceFitter:
    """Fits a table to a stream that comes in parts."""

    def __init__(self) -> None:
        self._touches, self._steps, self._range = Touches(), Steps(), Range()
        self._sessions: set[int] = set()

    def add(self, events: Events) -> None:
        """Take the next part of the stream."""
        self._range.add(events)
        pairs = self._touches.add(events)
        self._steps.add(pairs)
        self._sessions |= set(np.unique(pairs.session).tolist())

    def fit(self) -> MicropriceFit:
        """Solve for the table; errors are those of :func:`solve`."""
        return MicropriceFit(solve(self._steps), self._steps, len(self._sessions), self._range)
