"""Targets of the book models: the spread's change, the one-minute move, the imbalance to come."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.labels.base import Drops, Labels
from quantumtrader.training.labels.direction import DirectionLabels, direction
from quantumtrader.training.labels.path import PricePath

__all__ = ["order_imbalance", "price_move", "spread_change"]

Int64 = npt.NDArray[np.int64]

MINUTE_NS = 60 * 10**9


def price_move(path: PricePath, decisions: Int64, dead_zone_ticks: float) -> DirectionLabels:
    """Label by the move of the mid over one minute; see :func:`direction`."""
    return direction(path, decisions, MINUTE_NS, dead_zone_ticks, name="price_move_1min")


def spread_change(path: PricePath, decisions: Int64, horizon_ns: int) -> Labels:
    """Label −1, 0 or 1 by whether the spread is narrower, the same or wider after the horizon."""
    spread = path.last_ask - path.last_bid
    return _compared(path, decisions, horizon_ns, spread, "spread_change", None)


def order_imbalance(path: PricePath, decisions: Int64, horizon_ns: int, threshold: float = 0.3) -> Labels:
    """Label −1, 0 or 1 by the touch's imbalance after the horizon: below −threshold, within, above.

    The imbalance is (q_b − q_a)/(q_b + q_a), as ``book_imbalance_1``.
    """
    if not 0 <= threshold < 1:
        raise ConfigError(f"order imbalance: threshold is {threshold}, expected 0 to below 1")
    total = path.bid_size + path.ask_size
    with np.errstate(invalid="ignore", divide="ignore"):
        imbalance = (path.bid_size - path.ask_size) / total
    return _compared(path, decisions, horizon_ns, imbalance, "order_imbalance", threshold)


def _compared(
    path: PricePath,
    decisions: Int64,
    horizon_ns: int,
    values: npt.NDArray[np.float64],
    name: str,
    threshold: float | None,
) -> Labels:
    """Class of a value at the horizon: against a threshold, or against itself at the decision without one."""
    if horizon_ns <= 0:
        raise ConfigError(f"{name}: horizon is {horizon_ns} ns, expected a positive number")
    drops = Drops(path, decisions)
    t1 = drops.t0 + horizon_ns
    drops.drop_beyond(t1)
    later = path.at(values, path.last_known(t1, drops.segment))
    now = path.at(values, path.last_known(drops.t0, drops.segment))
    drops.drop("no value", np.isnan(later) | np.isnan(now))
    rows = drops.rows()
    moved = later[rows] - now[rows] if threshold is None else later[rows]
    limit = threshold or 0.0
    y = np.where(moved > limit, 1, np.where(moved < -limit, -1, 0)).astype(np.int64)
    facts = {"horizon_ns": int(horizon_ns)} | ({} if threshold is None else {"threshold": float(threshold)})
    return Labels(name, rows, drops.spans(t1), y, facts, drops.reasons)
