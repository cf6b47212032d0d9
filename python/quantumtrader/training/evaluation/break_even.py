"""What a forecast must achieve before it earns anything."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError

__all__ = ["break_even", "round_trip_share"]


def break_even(target_ticks: float, stop_ticks: float, cost_ticks: float) -> float:
    """Hit rate at which barriers measured from the mid earn nothing after costs.

    ``p T - (1 - p) S - c = 0``, so ``p = (S + c) / (T + S)``; for equal barriers ``1/2 + c / (2k)``.

    Parameters
    ----------
    target_ticks, stop_ticks : float
        Distances from the mid at the decision, positive.
    cost_ticks : float
        All-in cost of the round trip: spread crossed, fees, slippage.

    Returns
    -------
    float
        Above 1 where no hit rate is enough.
    """
    if not (target_ticks > 0 and stop_ticks > 0 and cost_ticks >= 0):
        raise ConfigError(
            f"break-even: target {target_ticks} and stop {stop_ticks} must be positive, cost {cost_ticks} not negative"
        )
    return (stop_ticks + cost_ticks) / (target_ticks + stop_ticks)


def round_trip_share(
    side: npt.ArrayLike,
    entry_bid: npt.ArrayLike,
    entry_ask: npt.ArrayLike,
    exit_bid: npt.ArrayLike,
    exit_ask: npt.ArrayLike,
    cost_ticks: float,
) -> float:
    """``p_T``: share of predicted moves whose whole round trip, at executable prices, nets more than zero.

    Forecast skill is not money: a correct direction inside the spread earns nothing (Briola, Bartolucci and
    Aste, 2025).

    Parameters
    ----------
    side : array_like, shape (n,)
        1 buy, −1 sell, 0 no trade (left out).
    entry_bid, entry_ask, exit_bid, exit_ask : array_like, shape (n,)
        Touch in ticks when the orders arrive, NaN where there was none: such a trade counts as not won.
    cost_ticks : float
        Fees and slippage of the round trip.

    Returns
    -------
    float
        NaN when nothing was predicted.
    """
    s = np.asarray(side)
    if not np.isin(s, (-1, 0, 1)).all():
        raise ConfigError("p_T: sides must be -1, 0 or 1")
    trade = s != 0
    if not trade.any():
        return math.nan
    enter = np.where(s > 0, np.asarray(entry_ask, np.float64), np.asarray(entry_bid, np.float64))
    leave = np.where(s > 0, np.asarray(exit_bid, np.float64), np.asarray(exit_ask, np.float64))
    net = s * (leave - enter) - cost_ticks
    return float((net[trade] > 0).mean())  # NaN > 0 is False
