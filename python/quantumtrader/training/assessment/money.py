"""What the trades brought, at the cost that is expected and at more than that."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.training.assessment.scores import Scores, said
from quantumtrader.training.assessment.walk import Walk
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.evaluation import Interval, break_even
from quantumtrader.training.policy import Policy
from quantumtrader.types import Instrument

__all__ = ["MULTIPLES", "Money", "money", "p_t"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

MULTIPLES = (1.0, 1.5, 2.0)
"""Times the expected cost."""


@dataclass(frozen=True, slots=True)
class Money:
    """Results of one contract, mean over the paths.

    Parameters
    ----------
    sessions : ndarray of int64, shape (sessions,)
        Dates as days since 1970; a session without a trade has 0.
    gross : ndarray of float64, shape (sessions,)
        Ticks before costs.
    net : ndarray of float64, shape (3, sessions)
        Ticks after 1, 1.5 and 2 times the cost.
    per_trade : tuple of Interval or None
        Net ticks per trade at 1, 1.5 and 2 times the cost; None where insufficient.
    gross_ticks, gross_money : float
        Sum of ``gross``, in ticks and in ``currency``.
    net_ticks, net_money : tuple of float
        Sums of ``net``.
    tick_value : float
        Money per tick and contract.
    currency : str
        ISO code.
    cost_ticks : float
        Mean cost of a round trip: spread where known, fees, slippage. NaN without a trade, as all means.
    spread_ticks : float
        The spread's part of it; 0 where results do not tell it, then all multiples are of fees and slippage alone.
    break_even_ticks : float
        Cost per round trip at which nothing is left.
    trades, trades_per_session : float
        Round trips per path and per tested session: the turnover is two contracts each.
    holding_seconds : float
        Mean time in a position.
    hit_rate : float
        Share of trades that net more than zero.
    break_even_hit_rate : float
        ``p*``: the hit rate at which trades of this mean win and mean loss bring nothing. NaN where one of the two is
        missing.
    mean_win, mean_loss : float
        Net ticks of the trades that win, and of the rest (positive).
    p_t : float
        Share of all predicted moves, traded or not, whose round trip nets more than zero.
    """

    sessions: Int64
    gross: Float64
    net: Float64
    per_trade: tuple[Interval | None, ...]
    gross_ticks: float
    gross_money: float
    net_ticks: tuple[float, ...]
    net_money: tuple[float, ...]
    tick_value: float
    currency: str
    cost_ticks: float
    spread_ticks: float
    break_even_ticks: float
    trades: float
    trades_per_session: float
    holding_seconds: float
    hit_rate: float
    break_even_hit_rate: float
    mean_win: float
    mean_loss: float
    p_t: float


def money(
    data: Dataset, evaluation: Evaluation, scores: Scores, walk: Walk, policy: Policy, instrument: Instrument
) -> Money:
    """Add up a walk."""
    sessions = scores.spans.sessions
    nets = [walk.net(policy.cost_ticks, m) for m in MULTIPLES]
    gross = walk.by_session(walk.gross, sessions)
    net = np.array([walk.by_session(n, sessions) for n in nets])
    won = nets[0] > 0
    win, loss = _mean(nets[0][won]), -_mean(nets[0][~won])
    return Money(
        sessions=sessions,
        gross=gross,
        net=net,
        per_trade=tuple(said(n, walk.session, walk.weights) for n in nets),
        gross_ticks=float(gross.sum()),
        gross_money=float(gross.sum()) * instrument.tick_value,
        net_ticks=tuple(net.sum(axis=1).tolist()),
        net_money=tuple((net.sum(axis=1) * instrument.tick_value).tolist()),
        tick_value=instrument.tick_value,
        currency=instrument.currency,
        cost_ticks=_mean(walk.spread) + policy.cost_ticks,
        spread_ticks=_mean(walk.spread),
        break_even_ticks=_mean(walk.gross),
        trades=len(walk) / walk.paths,
        trades_per_session=len(walk) / walk.paths / len(sessions),
        holding_seconds=_mean(walk.seconds),
        hit_rate=_mean(won.astype(np.float64)),
        break_even_hit_rate=break_even(win, loss, 0.0) if win > 0 and loss > 0 else math.nan,
        mean_win=win,
        mean_loss=loss,
        p_t=p_t(data, evaluation, scores, policy),
    )


def p_t(data: Dataset, evaluation: Evaluation, scores: Scores, policy: Policy) -> float:
    """Return the share of predicted moves whose round trip nets more than zero; NaN where none was predicted.

    Every row counts, also those passed over because a position was open; one without a price is not won.
    """
    if data.trips is None:
        return math.nan
    trips = data.trips[scores.rows]
    won = predicted = 0
    for path in evaluation.predictions:
        sides = policy.sides(path[scores.rows], evaluation.classes)
        gross = np.where(sides > 0, trips.buy_ticks, trips.sell_ticks)
        predicted += int((sides != 0).sum())
        won += int(((sides != 0) & (gross - policy.cost_ticks > 0)).sum())
    return won / predicted if predicted else math.nan


def _mean(values: Float64) -> float:
    return float(values.mean()) if len(values) else math.nan
