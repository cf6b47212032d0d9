"""Placebos: data in which there is nothing to find, whatever was there before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataError
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.spans import Spans

__all__ = ["later_rows", "permute_days"]

Int64 = npt.NDArray[np.int64]


def permute_days(data: Dataset, seed: int = 7) -> Dataset:
    """Give every session the labels and results of another one, at the same place of the day.

    Features, spans and the course of the day stay; what links a row to its own outcome is gone. A model that still
    scores better than chance learned the calendar, or leaks.

    Raises
    ------
    DataError
        There are fewer than two sessions.
    """
    sessions = data.spans.sessions
    if len(sessions) < 2:
        raise DataError(f"permuting days needs two sessions, there are {len(sessions)}")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(sessions))
    giver = np.empty(len(sessions), np.int64)
    giver[order] = np.roll(order, 1)  # one cycle through all: no session keeps its own
    rows = np.empty(len(data), np.int64)
    begins = np.searchsorted(data.spans.session, sessions)
    ends = np.searchsorted(data.spans.session, sessions, "right")
    for k, g in enumerate(giver):
        own, other = int(ends[k] - begins[k]), int(ends[g] - begins[g])
        rows[begins[k] : ends[k]] = begins[g] + np.arange(own) * other // own
    moved = data.derived(y=data.y[rows], label=f"{data.label} (days permuted)")
    if data.trips is None:
        return moved
    trips = data.trips[rows]
    # Results move, times do not: a position is as long as the other day's was.
    shift = data.spans.t0 - data.spans.t0[rows]
    return replace(
        moved, trips=replace(trips, buy_left=trips.buy_left + shift, sell_left=trips.sell_left + shift)
    )


def later_rows(spans: Spans, rng: np.random.Generator) -> tuple[Int64, Int64]:
    """Move every label to an earlier row of its session, by an offset of the session's own; none goes round its end.

    Offsets are of one row to half of the session, all alike probable. A row whose span the later one begins within has no
    label: both would tell of the same prices.

    Returns
    -------
    rows, later : ndarray of int64, shape (n,)
        Row ``rows[k]`` gets the label of row ``later[k]``.
    """
    begins = np.searchsorted(spans.session, spans.sessions)
    counts = np.diff(np.append(begins, len(spans)))
    offset = np.repeat(rng.integers(1, np.maximum(counts // 2, 1) + 1), counts)
    later = np.arange(len(spans)) + offset
    rows = np.flatnonzero(later < np.repeat(begins + counts, counts))
    rows = rows[spans.t0[later[rows]] >= spans.t1[rows]]
    return rows, later[rows]
