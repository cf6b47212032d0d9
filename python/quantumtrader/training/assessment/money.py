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

__all__ = ["MULTIPLES", "Money", "TradeMeans", "money", "p_t", "trade_means"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

MULTIPLES = (1.0, 1.5, 2.0)
"""Times the expected cost."""


@dataclass(frozen=True, slots=True)
class TradeMeans:
    """What a trade brings on average.

    Parameters
    ----------
    break_even_ticks : float
        Mean gross result: the cost per round trip at which nothing is left.
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

    break_even_ticks: float
    hit_rate: float
    break_even_hit_rate: float
    mean_win: float
    mean_loss: float
    p_t: float


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
    trades, trades_per_session : float
        Round trips per path and per tested session: the turnover is two contracts each.
    holding_seconds : float
        Mean time in a position.
    means : TradeMeans or None
        None where there are too few trades.
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
    trades: float
    trades_per_session: float
    holding_seconds: float
    means: TradeMeans | None


def money(
    data: Dataset, evaluation: Evaluation, scores: Scores, walk: Walk, policy: Policy, instrument: Instrument
) -> Money:
    """Add up a walk."""
    sessions = scores.spans.sessions
    nets = [walk.net(policy.cost_ticks, m) for m in MULTIPLES]
    gross = walk.by_session(walk.gross, sessions)
    net = np.array([walk.by_session(n, sessions) for n in nets])
    per_trade = tuple(said(n, walk.session, walk.weights) for n in nets)
    return Money(
        sessions=sessions,
        gross=gross,
        net=net,
        per_trade=per_trade,
        gross_ticks=float(gross.sum()),
        gross_money=float(gross.sum()) * instrument.tick_value,
        net_ticks=tuple(net.sum(axis=1).tolist()),
        net_money=tuple((net.sum(axis=1) * instrument.tick_value).tolist()),
        tick_value=instrument.tick_value,
        currency=instrument.currency,
        cost_ticks=_mean(walk.spread) + policy.cost_ticks,
        spread_ticks=_mean(walk.spread),
        trades=len(walk) / walk.paths,
        trades_per_session=len(walk) / walk.paths / len(sessions),
        holding_seconds=_mean(walk.seconds),
        means=None
        if per_trade[0] is None
        else trade_means(walk, policy.cost_ticks, p_t(data, evaluation, scores, policy)),
    )


def trade_means(walk: Walk, cost_ticks: float, share: float) -> TradeMeans:
    """Average the trades of a walk; ``share`` is their ``p_T``."""
    net = walk.net(cost_ticks)
    won = net > 0
    win, loss = _mean(net[won]), -_mean(net[~won])
    return TradeMeans(
        break_even_ticks=_mean(walk.gross),
        hit_rate=_mean(won.astype(np.float64)),
        break_even_hit_rate=break_even(win, loss, 0.0) if win > 0 and loss > 0 else math.nan,
        mean_win=win,
        mean_loss=loss,
        p_t=share,
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
