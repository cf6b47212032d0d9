"""The triple barrier on executable prices (after López de Prado, 2018, chapter 3).

A buy enters at the ask that is in force when its order arrives and leaves at the bid; a sell the other way
round. Target and stop lie the same distance from the entry. In a step that touches both, the stop counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.training.labels.base import Drops, Labels
from quantumtrader.training.labels.latency import Latency
from quantumtrader.training.labels.path import PricePath
from quantumtrader.training.spans import Spans

__all__ = ["BarrierLabels", "triple_barrier"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_BLOCK = 256  # steps looked at first; then four times as many, and so on


@dataclass(frozen=True, slots=True)
class BarrierLabels(Labels):
    """Class 1 target, −1 stop, 0 neither; all arrays have shape (n,).

    Parameters
    ----------
    side : ndarray of int64
        1 bought, −1 sold.
    gross_ticks : ndarray of float64
        Result of one contract; the spread is paid, fees are not.
    entry_px, exit_px : ndarray of float64
        In ticks.
    barrier_ticks : ndarray of float64
        Distance of target and stop from the entry.
    ended : ndarray of str
        By ``target``, ``stop``, ``horizon``, or the end of the ``session`` or contract (``roll``).
    """

    side: Int64
    gross_ticks: Float64
    entry_px: Float64
    exit_px: Float64
    barrier_ticks: Float64
    ended: npt.NDArray[np.str_]


def triple_barrier(
    path: PricePath,
    decisions: Int64,
    sigma_ticks: npt.ArrayLike,
    *,
    side: npt.ArrayLike = 1,
    multiple: float = 2.0,
    least_ticks: float = 4.0,
    horizon_ns: int,
    latency: Latency,
) -> BarrierLabels:
    """Label decisions by the barrier that is touched first.

    Parameters
    ----------
    path : PricePath
        Prices.
    decisions : ndarray of int64, shape (n,)
        Decision times, ns UTC, non-decreasing.
    sigma_ticks : array_like, shape () or (n,)
        Volatility known at the decision, such as ``atr_14``; a decision where it is NaN has no label.
    side : array_like of int, shape () or (n,)
        1 buys, −1 sells, 0 does nothing and has no label.
    multiple, least_ticks : float
        Barriers at ``max(least_ticks, multiple * sigma_ticks)``, rounded up to whole ticks.
    horizon_ns : int
        Vertical barrier, from the decision; the end of the session or contract comes first where it is earlier.
    latency : Latency
        From the decision to the arrival of the order.

    Returns
    -------
    BarrierLabels
        Without decisions whose order finds no price, and without those that are still open when a gap or the end of
        the recording hides what follows.
    """
    if not (horizon_ns > 0 and multiple >= 0 and least_ticks > 0):
        raise ConfigError(
            f"triple barrier: horizon {horizon_ns} ns and least {least_ticks} ticks must be positive, "
            f"multiple {multiple} not negative"
        )
    drops = Drops(path, decisions)
    n = len(drops.t0)
    sigma = np.broadcast_to(np.asarray(sigma_ticks, np.float64), (n,))
    sides = np.broadcast_to(np.asarray(side, np.int64), (n,))
    if not np.isin(sides, (-1, 0, 1)).all():
        raise DataError("triple barrier: sides must be 1, -1 or 0")
    arrival = drops.t0 + latency.draw(drops.t0)
    step = path.executable(arrival, drops.segment)
    entry = np.where(sides > 0, path.at(path.ask, step), path.at(path.bid, step))
    vertical = drops.t0 + horizon_ns
    drops.drop("no side", sides == 0)
    drops.drop("no volatility", np.isnan(sigma))
    drops.drop("no price", np.isnan(entry) | (np.where(step >= 0, path.begin[step], 0) >= vertical))
    width = np.ceil(np.maximum(least_ticks, multiple * np.nan_to_num(sigma)))

    y, gross = np.zeros(n, np.int64), np.full(n, np.nan)
    t1, ended = vertical.copy(), np.full(n, "", dtype="U8")
    lost: dict[str, list[int]] = {"gap": [], "data": []}
    for k in drops.rows().tolist():
        segment = drops.segment[k]
        cut = path.segment_ended[segment] if path.segment_end[segment] < vertical[k] else "horizon"
        until = min(int(vertical[k]), int(path.segment_end[segment]))
        outcome = _scan(path, int(step[k]), until, int(sides[k]), float(entry[k]), float(width[k]))
        if outcome is not None:
            y[k], gross[k], t1[k] = outcome
            t1[k] = max(t1[k], arrival[k])  # the step in force at the arrival may have begun before
            ended[k] = "target" if y[k] > 0 else "stop"
        elif cut in lost:
            lost[cut].append(k)
        else:
            leave = _last_price(path, until, int(segment), int(sides[k]))
            gross[k] = sides[k] * (leave - entry[k])
            t1[k], ended[k] = until, cut
    for why, rows in lost.items():
        gone = np.zeros(n, np.bool_)
        gone[rows] = True
        drops.drop("open at a gap" if why == "gap" else "open at the recording's end", gone)
    drops.drop("no price to leave at", drops.kept & np.isnan(gross))
    rows_kept = drops.rows()
    facts = {
        "multiple": float(multiple),
        "least_ticks": float(least_ticks),
        "horizon_ns": int(horizon_ns),
        **latency.facts(),
    }
    spans: Spans = drops.spans(t1)
    r = rows_kept
    exits = entry[r] + sides[r] * gross[r]
    return BarrierLabels(
        "triple_barrier", r, spans, y[r], facts, drops.reasons,
        sides[r].copy(), gross[r], entry[r], exits, width[r], ended[r],
    )  # fmt: skip


def _scan(
    path: PricePath, first: int, until: int, side: int, entry: float, width: float
) -> tuple[int, float, int] | None:
    """Return class, gross ticks and time of the first touch before ``until``; None when there is none."""
    best, worst = (path.bid_high, path.bid_low) if side > 0 else (path.ask_low, path.ask_high)
    opened = path.bid if side > 0 else path.ask
    stop_at = int(np.searchsorted(path.begin, until, "left"))
    size = _BLOCK
    while first < stop_at:
        block = slice(first, min(first + size, stop_at))
        gain, loss = side * (best[block] - entry), side * (worst[block] - entry)
        touched = (gain >= width) | (loss <= -width)  # False where there is no price
        if touched.any():
            at = int(touched.argmax())
            k = first + at
            if path.known[k] > until and path.end[k] > until:
                return None  # a bar that closes after the horizon: which part of it came first is not known
            if loss[at] <= -width:
                # A price that jumped over the stop is what one gets.
                return -1, min(-width, float(side * (opened[k] - entry))), int(path.known[k])
            return 1, width, int(path.known[k])
        first, size = block.stop, size * 4
    return None


def _last_price(path: PricePath, until: int, segment: int, side: int) -> float:
    """Return the newest price of the segment at which one could leave by ``until``; NaN when there is none."""
    prices = path.last_bid if side > 0 else path.last_ask
    k = int(np.searchsorted(path.known, until, "right")) - 1
    while k >= 0 and path.segment[k] == segment:
        if not np.isnan(prices[k]):
            return float(prices[k])
        k -= 1
    return float("nan")
