"""A stream cut into intervals: what the mid did in each, and what came in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantumtrader._protocols import Float64, Int64
from quantumtrader.evaluation.book_states import Bool, Packets, book_packets
from quantumtrader.evaluation.prints import Prints
from quantumtrader.evaluation.stretches import Stretch
from quantumtrader.evaluation.units import SECOND
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import Events

MOST_INTERVALS = 2_000_000


@dataclass(frozen=True, slots=True)
class Intervals:
    """One row per interval."""

    starts: Int64
    """ns UTC."""
    stretch: Int64
    """Which stretch it lies in."""
    change: Float64
    """Mid change, ticks; NaN without a mid at an end."""
    flow: Float64
    """Order-flow imbalance by level, shape (n, levels)."""
    delta: Float64
    """Bought less sold, contracts."""
    depth: Float64
    """Sum of (q_b + q_a)/2 over touch updates."""
    updates: Int64
    """Touch updates."""
    usable: Bool
    """There is a mid at both ends and, in a stream with sizes, flow was measured throughout."""
    sized: bool
    """Whether order flow was measured anywhere."""


@dataclass(frozen=True, slots=True)
class Touches:
    """Packets of continuous trading, without their levels."""

    mid2: Int64
    bid_sz: Int64
    ask_sz: Int64
    two_sided: Bool
    chained: Bool
    changed: Bool


def measure_intervals(
    events: Events, pieces: list[Stretch], trades: Prints, step: int, levels: int
) -> tuple[Intervals, Touches]:
    """Measure the whole intervals of all stretches.

    Parameters
    ----------
    events : Events
        The stream.
    pieces : list of Stretch
        Where trading is continuous.
    trades : Prints
        What was traded there.
    step : int
        Length of an interval, ns; the grid of a stretch begins with it.
    levels : int
        Levels of the book.

    Raises
    ------
    ConfigError
        If there are more than two million intervals.
    """
    counts = [(piece.end_ns - piece.start_ns) // step for piece in pieces]
    total = sum(counts)
    if total > MOST_INTERVALS:
        raise ConfigError(
            f"interval_s is {step / SECOND:g}: the recording has {total:,} of them, at most {MOST_INTERVALS:,} are "
            "measured; give longer ones"
        )
    offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
    begins = np.array([piece.first for piece in pieces], np.int64)
    stops = np.array([piece.stop for piece in pieces], np.int64)
    zero = np.array([piece.start_ns for piece in pieces], np.int64)

    def place(where: Int64, t: Int64) -> tuple[Int64, Int64]:
        """Stretch of records, −1 outside; and their interval, −1 outside of the whole ones."""
        if len(pieces) == 0:
            return np.full(len(where), -1), np.full(len(where), -1)
        k = np.searchsorted(begins, where, side="right") - 1
        inside = (k >= 0) & (where < stops[k])
        # An interval is (edge, next edge], as a window at its end is.
        row = (t - zero[k] - 1) // step
        whole = inside & (row >= 0) & (row < np.array(counts)[k])
        return np.where(inside, k, -1), np.where(whole, offsets[k] + row, -1)

    flow = np.zeros((total, 0), np.int64)
    broken = np.zeros(total, bool)
    depth2, updates = np.zeros(total, np.int64), np.zeros(total, np.int64)
    kept: list[Packets] = []
    homes: list[Int64] = []
    for part in book_packets(events, levels, np.union1d(begins, stops)):
        home, row = place(part.index, part.times)
        if flow.shape[1] == 0:
            flow = np.zeros((total, part.flow.shape[1]), np.int64)
        some = row >= 0
        np.add.at(flow, row[some], part.flow[some])
        broken[row[some & ~part.chained]] = True
        shown = some & part.changed
        np.add.at(depth2, row[shown], (part.bid_sz + part.ask_sz)[shown])
        np.add.at(updates, row[shown], 1)
        mine = home >= 0
        homes.append(home[mine])
        kept.append(part.without_levels(mine))
    touch = _joined(kept)
    change = np.full(total, np.nan)
    if kept:
        times = np.concatenate([part.times for part in kept])
        home = np.concatenate(homes)
        for k, piece in enumerate(pieces):
            here = slice(*np.searchsorted(home, [k, k + 1]).tolist())
            edges = piece.start_ns + step * np.arange(counts[k] + 1)
            mids = _mid2_at(times[here], touch.mid2[here], touch.two_sided[here], edges)
            change[offsets[k] : offsets[k + 1]] = np.diff(mids) / 2
    delta = np.zeros(total, np.int64)
    _, row = place(trades.index, trades.times)
    np.add.at(delta, row[row >= 0], (trades.size * trades.side)[row >= 0])
    sized = bool(touch.chained.any())
    usable = np.isfinite(change)
    if sized:
        usable &= ~broken
    stretch = np.repeat(np.arange(len(pieces)), counts)
    starts = zero[stretch] + step * (np.arange(total) - offsets[stretch])
    series = Intervals(
        starts,
        stretch,
        change,
        flow.astype(np.float64),
        delta.astype(np.float64),
        depth2 / 2,
        updates,
        usable,
        sized,
    )
    return series, touch


def _joined(parts: list[Packets]) -> Touches:
    if not parts:
        no, none = np.zeros(0, np.int64), np.zeros(0, bool)
        return Touches(no, no, no, none, none, none)
    return Touches(*(np.concatenate([getattr(part, name) for part in parts]) for name in Touches.__slots__))


def _mid2_at(times: Int64, mid2: Int64, two_sided: Bool, at: Int64) -> Float64:
    """Twice the mid in force at times; NaN before the first packet and while there is none."""
    if len(times) == 0:
        return np.full(len(at), np.nan)
    k = np.searchsorted(times, at, side="right") - 1
    return np.where((k >= 0) & two_sided[k], mid2[k].astype(np.float64), np.nan)
