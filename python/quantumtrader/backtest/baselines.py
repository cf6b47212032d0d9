"""What the strategy has to beat: doing nothing, holding, and the same trades with sides drawn at random.

Random side keeps everything but the choice of side: the same entry times, sizes, stops, targets and time
stops, through the same venue with the same latency, queue and fees. Each entry is replayed once long and once
short; a draw then picks one outcome per entry, so a thousand draws cost two replays. The replays keep no
position limit and overlapping trades stand side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader.backtest.desk import BracketResult, Desk
from quantumtrader.backtest.harness import BacktestResult
from quantumtrader.execution.brackets import BracketPlan
from quantumtrader.execution.risk import RiskLimits
from quantumtrader.types import PX_NONE, Side

__all__ = ["Baselines", "BuyAndHold", "RandomSide", "compute_baselines"]

Float64 = npt.NDArray[np.float64]
_NO_LIMITS = RiskLimits(10**9, 10**9, 1e18, 10**9, 10**9)


@dataclass(frozen=True, slots=True)
class BuyAndHold:
    """Buy at the ask of the first good touch of continuous trading, sell at the bid of the last.

    Money is in the instrument's currency, prices in ticks.
    """

    size: int
    entry_px: int
    exit_px: int
    gross: float
    costs: float

    @property
    def net(self) -> float:
        """Result after fees."""
        return self.gross - self.costs


@dataclass(frozen=True, eq=False)
class RandomSide:
    """Net results of the same trades with random sides.

    Parameters
    ----------
    nets : ndarray of float64, shape (n_draws,)
        Net result of each draw in the instrument's currency, ascending.
    long, short : ndarray of float64, shape (n_entries,)
        Net result of each entry taken long and short.
    percentile : float
        Share of draws that the strategy beats, ties counted half, in percent; NaN without trades.
    """

    nets: Float64
    long: Float64
    short: Float64
    percentile: float

    @property
    def mean(self) -> float:
        """Expected net result: half long, half short; exact, not sampled."""
        return float((self.long + self.short).sum() / 2)


@dataclass(frozen=True, eq=False)
class Baselines:
    """All baselines of one replay. ``hold`` is None when the stream has no price to trade at."""

    hold: BuyAndHold | None
    random: RandomSide


def compute_baselines(result: BacktestResult) -> Baselines:
    """Replay the baselines of a finished backtest.

    Parameters
    ----------
    result : BacktestResult
        The replay to compare with.

    Returns
    -------
    Baselines
        Deterministic for ``result.settings.seed``.
    """
    return Baselines(_buy_and_hold(result), _random_side(result))


def _buy_and_hold(result: BacktestResult) -> BuyAndHold | None:
    path = result.path
    size = max((entry.plan.size for entry in result.entries), default=path.instrument.lot)
    buy, sell = (path.ask_px, path.bid_px) if path.has_touch else (path.last_px, path.last_px)
    good = path.touch_defined if path.has_touch else path.last_px != PX_NONE
    can = np.flatnonzero(good & path.continuous)
    if not can.size:
        return None
    entry, out = int(buy[can[0]]), int(sell[can[-1]])
    return BuyAndHold(size, entry, out, path.instrument.money(out - entry, size), 2 * size * result.fee)


def _random_side(result: BacktestResult) -> RandomSide:
    long = _outcomes(result, int(Side.BUY))
    short = _outcomes(result, int(Side.SELL))
    rng = np.random.default_rng(result.settings.seed)
    nets = np.empty(result.settings.draws)
    for k in range(len(nets)):
        coin = rng.integers(0, 2, len(long), dtype=np.int8)
        nets[k] = np.where(coin, long, short).sum()
    nets.sort()
    own = result.ledger.equity_net(result.path.final_px(result.ledger.position))
    below = float((nets < own - 1e-9).sum() + 0.5 * (np.abs(nets - own) <= 1e-9).sum())
    known = len(long) and len(nets) and np.isfinite(own) and np.isfinite(nets).all()
    percentile = 100.0 * below / len(nets) if known else float("nan")
    return RandomSide(nets, long, short, percentile)


def _outcomes(result: BacktestResult, side: int) -> Float64:
    """Net result of every entry of the replay, all taken on one side."""
    core: Any = _backend.core()
    desk = Desk(result.path, core, result.settings.venue, _NO_LIMITS)
    closing = result.path.closing(result.frame.times, result.settings.flatten_before_ns)
    pending = [(entry.sent_ts, entry.plan) for entry in result.entries]
    times, counts = result.frame.times, result.counts
    k = 0
    while k < len(times) and (pending or desk.busy):
        if not desk.busy:
            k = max(k, int(np.searchsorted(times, pending[0][0])))
            if k == len(times):
                break
        ts = int(times[k])
        desk.advance_to(int(counts[k]))
        if desk.busy:
            if closing[k]:
                desk.flatten("session_end", ts)
            else:
                desk.tick(ts)
        while pending and pending[0][0] <= ts:
            desk.enter(_turned(pending.pop(0)[1], side), ts)
        k += 1
    desk.advance_to(len(result.path.events))
    desk.finish()
    last, tick_value = result.path.final_px(side), result.instrument.tick_value
    return np.array([_net(r, last, tick_value) for r in desk.results], np.float64)


def _turned(plan: BracketPlan, side: int) -> BracketPlan:
    return BracketPlan(
        side,
        plan.size,
        plan.stop_ticks,
        plan.target_ticks,
        plan.time_stop_ns,
        PX_NONE,
        plan.entry_ttl_ns,
        plan.tag,
    )


def _net(result: BracketResult, last_px: int, tick_value: float) -> float:
    cash = -sum(f.side * f.size * f.px for f in result.fills)
    left = sum(f.side * f.size for f in result.fills)
    if left and last_px == PX_NONE:
        return float("nan")
    return (cash + left * last_px) * tick_value - sum(f.fee for f in result.fills)
