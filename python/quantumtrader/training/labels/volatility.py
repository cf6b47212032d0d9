"""Realised variance of the mid over a horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.labels.base import Drops, Labels
from quantumtrader.training.labels.path import PricePath

__all__ = ["VolatilityLabels", "volatility"]


@dataclass(frozen=True, slots=True)
class VolatilityLabels(Labels):
    """Realised variance in ticks², a number (not a class)."""

    @property
    def sigma_ticks(self) -> npt.NDArray[np.float64]:
        """Its root, in ticks over the horizon."""
        return np.asarray(np.sqrt(self.y))


def volatility(path: PricePath, decisions: npt.NDArray[np.int64], horizon_ns: int) -> VolatilityLabels:
    """Label decisions by the sum of squared changes of the mid on ``(t0, t0 + horizon]``.

    Changes count between one mid and the next that exists, in one segment. Bounces count too: this is the variance that
    a stop close to the price meets, not that of an efficient price.
    """
    if horizon_ns <= 0:
        raise ConfigError(f"volatility: horizon is {horizon_ns} ns, expected a positive number")
    drops = Drops(path, decisions)
    t1 = drops.t0 + horizon_ns
    drops.drop_beyond(t1)
    mid = path.mid
    there = np.flatnonzero(~np.isnan(mid))
    change = np.diff(mid[there], prepend=mid[there[:1]])
    change[np.diff(path.segment[there], prepend=-1) != 0] = 0
    total = np.concatenate(([0.0], np.cumsum(change**2)))
    known = path.known[there]
    y = total[np.searchsorted(known, t1, "right")] - total[np.searchsorted(known, drops.t0, "right")]
    start = path.at(mid, path.last_known(drops.t0, drops.segment))
    drops.drop("no mid", np.isnan(start))
    rows = drops.rows()
    return VolatilityLabels(
        "volatility", rows, drops.spans(t1), y[rows], {"horizon_ns": int(horizon_ns)}, drops.reasons
    )
