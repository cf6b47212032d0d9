"""Would an order that joins the best price have been filled, and what did the mid do afterwards.

The orders go through the real venue engine: queue position, latency, cancels that lose against a fill.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.training.labels.base import Drops, Labels
from quantumtrader.training.labels.latency import Latency
from quantumtrader.training.labels.path import PricePath
from quantumtrader.training.spans import Spans
from quantumtrader.types import Events, Instrument

__all__ = ["FillLabels", "MarkoutLabels", "fill", "markout"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_MOST_LANES = 256
_SECOND = 10**9


@dataclass(frozen=True, slots=True)
class FillLabels(Labels):
    """Class 1 filled, 0 not; all arrays have shape (n,).

    Parameters
    ----------
    side : ndarray of int64
        1 joined the bid, −1 the ask.
    limit_px : ndarray of float64
        Price of the order in ticks.
    fill_ts : ndarray of int64
        Venue time of the fill, ns UTC; 0 where there was none.
    fill_px : ndarray of float64
        Ticks; NaN where there was none.
    maker : ndarray of bool
        Whether the fill was a resting order's: one whose price moved through while it was under way takes.
    """

    side: Int64
    limit_px: Float64
    fill_ts: Int64
    fill_px: Float64
    maker: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MarkoutLabels(Labels):
    """Move of the mid after a fill, in ticks, positive in favour of the order; ``y`` is that of the first horizon.

    Parameters
    ----------
    horizons_ns : tuple of int
        After the fill.
    moves_ticks : ndarray of float64, shape (n, horizons)
        From the mid right before the fill, so that what the fill itself moves counts; NaN beyond the segment.
    """

    horizons_ns: tuple[int, ...]
    moves_ticks: Float64


def fill(
    events: Events,
    path: PricePath,
    decisions: Int64,
    *,
    instrument: Instrument,
    side: npt.ArrayLike,
    wait_ns: int,
    latency: Latency,
    queue: str = "pessimistic",
) -> FillLabels:
    """Join the best price of one contract at every decision; cancel after a wait.

    Parameters
    ----------
    events : Events, shape (m,)
        The stream that ``path`` was made from.
    path : PricePath
        Of ``events``.
    decisions : ndarray of int64, shape (n,)
        Decision times, ns UTC, non-decreasing.
    instrument : Instrument
        Tick, point value and lot.
    side : array_like of int, shape () or (n,)
        1 joins the bid, −1 the ask.
    wait_ns : int
        From the decision to the cancel; that travels as long as the order did.
    latency : Latency
        From the decision to the arrival.
    queue : str
        Model of the venue.

    Notes
    -----
    Orders must not queue behind one another, so those that overlap go through venues of their own: the time taken grows
    with the overlap.
    """
    if wait_ns <= 0:
        raise ConfigError(f"fill: the wait is {wait_ns} ns, expected a positive number")
    drops = Drops(path, decisions)
    n = len(drops.t0)
    sides = np.broadcast_to(np.asarray(side, np.int64), (n,))
    if not np.isin(sides, (-1, 1)).all():
        raise DataError("fill: sides must be 1 or -1")
    delay = latency.draw(drops.t0)
    t1 = drops.t0 + wait_ns + delay
    drops.drop_beyond(t1)
    step = path.last_known(drops.t0, drops.segment)
    limit = np.where(sides > 0, path.at(path.last_bid, step), path.at(path.last_ask, step))
    drops.drop("no price", np.isnan(limit))
    rows = drops.rows()
    arrivals, cancels = (drops.t0 + delay)[rows], t1[rows]
    fill_ts, fill_px, maker = np.zeros(n, np.int64), np.full(n, np.nan), np.zeros(n, np.bool_)
    for lane in _lanes(arrivals, cancels):
        chosen = rows[lane]
        found = _play(events, instrument, queue, chosen, sides, limit, drops.t0 + delay, t1)
        for k, (ts, px, resting) in found.items():
            fill_ts[k], fill_px[k], maker[k] = ts, px, resting
    facts = {
        "wait_ns": int(wait_ns),
        "queue": queue,
        **latency.facts(),
    }
    y = (fill_ts[rows] > 0).astype(np.int64)
    return FillLabels(
        "fill", rows, drops.spans(t1), y, facts, drops.reasons,
        sides[rows].copy(), limit[rows], fill_ts[rows], fill_px[rows], maker[rows],
    )  # fmt: skip


def markout(
    path: PricePath, fills: FillLabels, horizons_ns: Sequence[int] = (_SECOND, 5 * _SECOND, 30 * _SECOND)
) -> MarkoutLabels:
    """Measure the mid after the fills; orders that were not filled have no markout.

    A label is kept while its first horizon lies in the segment; its span ends with its last horizon there.
    """
    steps = tuple(int(h) for h in horizons_ns)
    if not steps or min(steps) <= 0 or list(steps) != sorted(steps):
        raise ConfigError(f"markout: horizons are {steps} ns, expected positive and ascending")
    filled = np.flatnonzero(fills.y == 1)
    ts = fills.fill_ts[filled]
    segment = path.segment_of(fills.spans.t0[filled])
    before = path.at(path.mid, path.last_known(ts - 1, segment))
    side = fills.side[filled]
    moves = np.full((len(filled), len(steps)), np.nan)
    t1 = ts.copy()
    for j, h in enumerate(steps):
        inside = ts + h <= path.segment_end[segment]
        later = path.at(path.mid, path.last_known(ts + h, np.where(inside, segment, -1)))
        moves[:, j] = side * (later - before)
        t1 = np.where(np.isnan(moves[:, j]), t1, ts + h)
    kept = ~np.isnan(moves[:, 0])
    chosen = filled[kept]
    spans = Spans(fills.spans.t0[chosen], t1[kept], fills.spans.session[chosen])
    dropped = {**fills.dropped, "not filled": int((fills.y == 0).sum()), "no mid": int((~kept).sum())}
    return MarkoutLabels(
        "markout", fills.rows[chosen], spans, moves[kept, 0].copy(),
        {**fills.measured_from, "horizons_ns": list(steps)}, dropped, steps, moves[kept],
    )  # fmt: skip


def _lanes(begin: Int64, end: Int64) -> list[Int64]:
    """Divide orders so that no two of a lane live at the same time; the fewest lanes."""
    lanes: list[list[int]] = []
    free: list[tuple[int, int]] = []
    for k in np.argsort(begin, kind="stable").tolist():
        if free and free[0][0] < begin[k]:
            lane = heapq.heappop(free)[1]
        elif len(lanes) == _MOST_LANES:
            raise DataError(
                f"fill: more than {_MOST_LANES} orders live at the same time",
                remedy="Use fewer decisions, or a shorter wait",
            )
        else:
            lane = len(lanes)
            lanes.append([])
        lanes[lane].append(k)
        heapq.heappush(free, (int(end[k]), lane))
    return [np.array(lane, np.int64) for lane in lanes]


def _play(
    events: Events,
    instrument: Instrument,
    queue: str,
    orders: Int64,
    sides: Int64,
    limit: Float64,
    arrivals: Int64,
    cancels: Int64,
) -> dict[int, tuple[int, float, bool]]:
    """Send one lane's orders through a venue; returns time, price and kind of the fills by order."""
    core = _backend.core()
    venue = core.Venue(instrument.tick_size, instrument.point_value, instrument.lot, queue=queue)
    replay = core.Replay(events, venue)
    found: dict[int, tuple[int, float, bool]] = {}
    for k in orders.tolist():
        arrives, leaves = int(arrivals[k]), int(cancels[k])
        replay.advance(arrives)  # an order sees every event of the time at which it arrives
        venue.submit(k + 1, int(sides[k]), instrument.lot, "limit", int(limit[k]), False, arrives)
        replay.advance(leaves)
        venue.cancel(k + 1, leaves)
        venue.advance(leaves)
        for _, client, ts, status, _, px, _, maker, _, _ in venue.take_reports():
            if status == "filled" and client == k + 1:
                found.setdefault(k, (ts, float(px), maker))
    return found
