"""Decisions of a tick model: when they fall due, their triple barrier, and what trading them would have brought."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.training.labels import (
    BarrierLabels,
    Labels,
    Latency,
    PricePath,
    RoundTrips,
    triple_barrier,
)
from quantumtrader.training.pipelines.prepared import RegimeTrack
from quantumtrader.training.rows import Rows
from quantumtrader.training.spans import Spans

__all__ = ["BarrierTask", "decisions_every"]

Int64 = npt.NDArray[np.int64]

SIGMA = "atr_14"
"""What the barriers are measured in."""


def decisions_every(times: Int64, every_ns: int) -> Int64:
    """Return the first row of each stretch of ``every_ns``; all rows for 0."""
    if every_ns <= 0 or not len(times):
        return np.arange(len(times))
    stretch = times // every_ns
    return np.flatnonzero(np.concatenate(([True], stretch[1:] != stretch[:-1])))


@dataclass
class BarrierTask:
    """Labels rows, and pays for them; both need the same two walks along the prices.

    Parameters
    ----------
    multiple, least_ticks, horizon_ns, latency
        See ``triple_barrier``.
    every_ns : int
        Time between decisions; labels that overlap a lot share what they tell.
    classes : str
        ``side``: 1 where buying brings more than selling between the same barriers, −1 where less. ``touch``: 1 where a
        buy's target comes first, −1 its stop, 0 neither. Whether a barrier is reached at all depends on the hour of the
        day, and a model of ``touch`` gains most of its skill from that.
    """

    multiple: float
    least_ticks: float
    horizon_ns: int
    latency: Latency
    every_ns: int
    classes: str = "side"
    regimes: RegimeTrack = field(default_factory=RegimeTrack)
    _widths: list[tuple[Int64, npt.NDArray[np.float64]]] = field(default_factory=list)
    _trips: RoundTrips | None = None

    def label(self, path: PricePath, rows: Rows) -> Labels:
        """Label the decisions among the rows; see ``classes``."""
        self.regimes.observe(rows)
        due = decisions_every(rows.times, self.every_ns)
        sigma = rows.frame[SIGMA][due]
        buy, sell = (self._barrier(path, rows.times[due], sigma, side) for side in (1, -1))
        self._trips = _trips(len(rows), rows.times, due, buy, sell)
        found = buy if self.classes == "touch" else _sides(buy, sell)
        self._widths.append((buy.spans.t0, buy.barrier_ticks))
        facts = {**buy.measured_from, "sigma": SIGMA, "every_ns": self.every_ns, "classes": self.classes}
        dropped = dict(found.dropped)
        if len(due) < len(rows):
            dropped["between decisions"] = len(rows) - len(due)
        return replace(found, rows=due[found.rows], measured_from=facts, dropped=dropped)

    def widths_at(self, times: Int64) -> npt.NDArray[np.float64]:
        """Return the distance of the barriers at decision times that have a label, ticks."""
        every, widths = (np.concatenate(column) for column in zip(*self._widths, strict=True))
        return np.asarray(widths[np.searchsorted(every, times)])

    def pay(self, path: PricePath, times: Int64) -> RoundTrips:
        """Return what trading each row would have brought; NaN between decisions."""
        assert self._trips is not None  # rows are labelled before they are paid for
        return self._trips

    def _barrier(self, path: PricePath, times: Int64, sigma: Any, side: int) -> BarrierLabels:
        return triple_barrier(
            path,
            times,
            sigma,
            side=side,
            multiple=self.multiple,
            least_ticks=self.least_ticks,
            horizon_ns=self.horizon_ns,
            latency=self.latency,
        )


def _sides(buy: BarrierLabels, sell: BarrierLabels) -> Labels:
    """Label by the side that brings more; where both bring the same, or one finds no price, there is no label."""
    _, b, s = np.intersect1d(buy.rows, sell.rows, assume_unique=True, return_indices=True)
    lead = buy.gross_ticks[b] - sell.gross_ticks[s]
    moved = lead != 0
    dropped = dict(buy.dropped)
    for reason, count in (("other side finds no price", len(buy) - len(b)), ("no move", int((~moved).sum()))):
        if count:
            dropped[reason] = dropped.get(reason, 0) + count
    b, s, lead = b[moved], s[moved], lead[moved]
    spans = Spans(buy.spans.t0[b], np.maximum(buy.spans.t1[b], sell.spans.t1[s]), buy.spans.session[b])
    y = np.where(lead > 0, 1, -1).astype(np.int64)
    return Labels("triple_barrier_side", buy.rows[b], spans, y, buy.measured_from, dropped)


def _trips(n: int, times: Int64, due: Int64, buy: BarrierLabels, sell: BarrierLabels) -> RoundTrips:
    out = []
    for found in (buy, sell):
        ticks, left = np.full(n, np.nan), times.astype(np.int64)
        ticks[due[found.rows]], left[due[found.rows]] = found.gross_ticks, found.spans.t1
        out.append((ticks, left))
    return RoundTrips(out[0][0], out[1][0], out[0][1], out[1][1])
