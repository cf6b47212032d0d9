"""Was the primary side's trade worth its costs: what the gate learns (López de Prado, 2018, chapter 3.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.labels.barrier import BarrierLabels
from quantumtrader.training.labels.base import Labels

__all__ = ["MetaLabels", "meta_label"]


@dataclass(frozen=True, slots=True)
class MetaLabels(Labels):
    """Class 1 where the trade of the primary side nets more than zero, else 0.

    Parameters
    ----------
    net_ticks : ndarray of float64, shape (n,)
        Gross result less costs.
    """

    net_ticks: npt.NDArray[np.float64]


def meta_label(barrier: BarrierLabels, cost_ticks: float) -> MetaLabels:
    """Label the trades of a primary model.

    Parameters
    ----------
    barrier : BarrierLabels
        Made with the primary model's sides, which must come from rows it was not fitted on.
    cost_ticks : float
        Fees and slippage of the round trip; the spread is in the gross result.
    """
    if not cost_ticks >= 0:
        raise ConfigError(f"meta label: cost is {cost_ticks} ticks, expected a number that is not negative")
    net = barrier.gross_ticks - cost_ticks
    facts = {**barrier.measured_from, "cost_ticks": float(cost_ticks)}
    y = (net > 0).astype(np.int64)
    return MetaLabels("meta", barrier.rows, barrier.spans, y, facts, barrier.dropped, net)
