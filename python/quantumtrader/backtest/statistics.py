"""Figures of a replay, after costs, with what is needed to doubt them.

Money is in the instrument's currency. A figure that has no meaning (a hit rate without trades) is NaN.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from quantumtrader.backtest.baselines import Baselines
from quantumtrader.backtest.harness import BacktestResult, LossHalt
from quantumtrader.data.sessions import session_days
from quantumtrader.execution.ledger import Trade
from quantumtrader.execution.risk import Refused

__all__ = ["HourRow", "Summary", "break_even_hit_rate", "max_drawdown", "summarise"]


@dataclass(frozen=True, slots=True)
class HourRow:
    """Trades by the hour of their entry, in the instrument's zone."""

    hour: int
    trades: int
    wins: int
    gross: float
    costs: float
    net: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Key figures of a replay.

    Parameters
    ----------
    events, samples, sessions : int
        How much was replayed; ``sessions`` counts local dates with at least one sample.
    entries, trades : int
        Brackets that got a fill, and round trips that ended.
    gross, costs, net : float
        Result of everything, an open position at the end included; gross and net are NaN when that has no price.
    mean_net, se_net : float
        Mean net result per trade and its standard error; NaN below two trades.
    hit_rate : float
        Share of trades with a net gain.
    break_even_hit_rate : float
        Hit rate at which the average net win and loss would cancel.
    mean_win, mean_loss : float
        Average net gain of winners, and net loss of losers (negative or 0).
    profit_factor : float
        Net gains over net losses.
    max_drawdown : float
        Greatest fall of the net equity curve from its peak.
    net_at_double_costs : float
        Gross minus twice the costs.
    break_even_cost : float
        Cost per contract and side at which the gross result is eaten up; NaN without fills.
    mean_seconds, exposure : float
        Average duration of a trade, and share of the time sampled in continuous trading spent with a position.
    mean_mae_ticks, mean_mfe_ticks : float
        Average worst and best excursion, in ticks of the exchange.
    open_position : int
        Contracts, signed, that could not be closed before the stream ended: settled at the last price, or without one.
    loss_halts : tuple of LossHalt
        Sessions stopped by the daily loss.
    refusal_examples : dict of str to Refused
        First refusal by each risk rule.
    hours : tuple of HourRow
        By hour of entry.
    exits, holds, refusals : dict of str to int
        Counts by reason of the exit, by reason to hold, by risk rule.
    hold_net : float
        Net result of buy and hold; NaN when it cannot be had.
    random_mean, random_p05, random_p95, random_percentile : float
        Net results of random sides, and where the strategy stands among them, in percent.
    draws : int
        Number of random draws.
    fees_known : bool
        Whether ``costs`` and ``net`` are what they say; otherwise net equals gross for want of fees.
    """

    events: int
    samples: int
    sessions: int
    entries: int
    trades: int
    gross: float
    costs: float
    net: float
    mean_net: float
    se_net: float
    hit_rate: float
    break_even_hit_rate: float
    mean_win: float
    mean_loss: float
    profit_factor: float
    max_drawdown: float
    net_at_double_costs: float
    break_even_cost: float
    mean_seconds: float
    exposure: float
    mean_mae_ticks: float
    mean_mfe_ticks: float
    open_position: int
    hours: tuple[HourRow, ...]
    exits: dict[str, int]
    holds: dict[str, int]
    refusals: dict[str, int]
    hold_net: float
    random_mean: float
    random_p05: float
    random_p95: float
    random_percentile: float
    draws: int
    fees_known: bool = True
    loss_halts: tuple[LossHalt, ...] = ()
    refusal_examples: dict[str, Refused] = field(default_factory=dict)


def max_drawdown(equity: npt.NDArray[np.float64]) -> float:
    """Greatest fall from a peak, as a positive amount; the start counts as a peak of 0.

    Parameters
    ----------
    equity : ndarray of float64, shape (n,)
        Result over time.
    """
    if equity.size == 0:
        return 0.0
    peak = np.maximum.accumulate(np.maximum(equity, 0.0))
    return float((peak - equity).max())


def break_even_hit_rate(mean_win: float, mean_loss: float) -> float:
    """Hit rate p with p·win = (1 − p)·loss; NaN unless there are both winners and losers.

    For stop and target of k ticks each and a round-trip cost of c ticks this is 1/2 + c/(2k).
    """
    loss = abs(mean_loss)
    return loss / (mean_win + loss) if mean_win > 0 and loss > 0 else math.nan


def summarise(result: BacktestResult, baselines: Baselines) -> Summary:
    """Compute the key figures of a replay."""
    ledger, trades = result.ledger, result.trades
    nets = np.array([t.net for t in trades])
    wins, losses = nets[nets > 0], nets[nets <= 0]
    mean_win = float(wins.mean()) if wins.size else math.nan
    mean_loss = float(losses.mean()) if losses.size else math.nan
    gross = ledger.realised_gross + ledger.open_gross(result.path.final_px(ledger.position))
    contracts = sum(f.size for f in result.fills)
    finer = result.instrument.ticks_per_exchange_tick
    n = len(nets)
    random, hold = baselines.random, baselines.hold
    return Summary(
        events=len(result.path.events),
        samples=len(result.frame),
        sessions=_sessions(result),
        entries=len(result.entries),
        trades=n,
        gross=gross,
        costs=ledger.fees,
        net=gross - ledger.fees,
        mean_net=float(nets.mean()) if n else math.nan,
        se_net=float(nets.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan,
        hit_rate=wins.size / n if n else math.nan,
        break_even_hit_rate=break_even_hit_rate(mean_win, mean_loss),
        mean_win=mean_win,
        mean_loss=mean_loss,
        profit_factor=float(wins.sum() / -losses.sum()) if losses.size and losses.sum() < 0 else math.nan,
        max_drawdown=max_drawdown(result.equity.net),
        net_at_double_costs=gross - 2 * ledger.fees,
        break_even_cost=gross / contracts if contracts else math.nan,
        mean_seconds=float(np.mean([t.seconds for t in trades])) if n else math.nan,
        exposure=_exposure(result),
        mean_mae_ticks=float(np.mean([t.mae_ticks for t in trades])) / finer if n else math.nan,
        mean_mfe_ticks=float(np.mean([t.mfe_ticks for t in trades])) / finer if n else math.nan,
        open_position=ledger.position + result.left_open,
        hours=_by_hour(trades, result.instrument.timezone),
        exits=dict(Counter(t.exit_tag for t in trades).most_common()),
        holds=dict(
            Counter(
                r for a, r in zip(result.actions, result.reasons, strict=True) if a == "hold"
            ).most_common()
        ),
        refusals=dict(Counter(r.rule for r in result.refusals).most_common()),
        hold_net=math.nan if hold is None else hold.net,
        random_mean=random.mean if len(random.long) else math.nan,
        random_p05=_quantile(random.nets, 0.05, len(random.long)),
        random_p95=_quantile(random.nets, 0.95, len(random.long)),
        random_percentile=random.percentile,
        draws=len(random.nets),
        fees_known=result.fees_known,
        loss_halts=tuple(result.loss_halts),
        refusal_examples={r.rule: r for r in reversed(result.refusals)},
    )


def _quantile(values: npt.NDArray[np.float64], q: float, entries: int) -> float:
    return float(np.quantile(values, q)) if entries and values.size else math.nan


def _exposure(result: BacktestResult) -> float:
    """Share of the sampled time in continuous trading that was spent with a position; nights do not count."""
    times, counts = result.frame.times, result.counts
    if len(times) < 2:
        return math.nan
    days = session_days(times, result.instrument)
    on = (counts > 0) & result.path.continuous[np.maximum(counts - 1, 0)]
    runs = on[:-1] & (days[1:] == days[:-1]) & (times[:-1] < result.path.recorded_until)
    clock = np.r_[0, np.cumsum(np.where(runs, np.diff(times), 0))].astype(np.float64)
    if clock[-1] == 0:
        return math.nan
    start = int(times[0])  # seconds from the start keep floats exact enough
    since = (times - start).astype(np.float64)
    ends = np.array([(t.entry_ts - start, t.exit_ts - start) for t in result.trades], np.float64).reshape(
        -1, 2
    )
    held = np.interp(ends[:, 1], since, clock) - np.interp(ends[:, 0], since, clock)
    return float(held.sum() / clock[-1])


def _sessions(result: BacktestResult) -> int:
    # Whole days in the instrument's zone; the offset is taken once per UTC day, which is enough to count dates.
    zone = ZoneInfo(result.instrument.timezone)
    hours = np.unique(result.frame.times // 3_600_000_000_000)
    return len({datetime.fromtimestamp(int(h) * 3600, UTC).astimezone(zone).date() for h in hours})


def _by_hour(trades: list[Trade], timezone: str) -> tuple[HourRow, ...]:
    zone = ZoneInfo(timezone)
    groups: dict[int, list[Trade]] = {}
    for trade in trades:
        hour = datetime.fromtimestamp(trade.entry_ts // 10**9, UTC).astimezone(zone).hour
        groups.setdefault(hour, []).append(trade)
    return tuple(
        HourRow(
            hour,
            len(group),
            sum(t.net > 0 for t in group),
            sum(t.gross for t in group),
            sum(t.costs for t in group),
            sum(t.net for t in group),
        )
        for hour, group in sorted(groups.items())
    )
