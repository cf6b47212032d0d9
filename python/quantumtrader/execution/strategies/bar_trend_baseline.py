"""A trend rule on closed bars, for sources that have nothing finer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.signals import MarketState, Signal, SignalAction
from quantumtrader.execution.strategy import register_strategy

__all__ = ["BarTrendBaseline"]

_FEATURES = ("ema_cross_9_20", "rsi_14", "atr_14")


@register_strategy("bar_trend_baseline")
@dataclass(frozen=True, slots=True)
class BarTrendBaseline:
    """Follow the trend of two averages unless the move is exhausted; stop and target scale with the range.

    Buy when ``ema_cross_9_20 >= cross_min`` and ``50 < rsi_14 <= rsi_max``; sell when
    ``ema_cross_9_20 <= -cross_min`` and ``100 - rsi_max <= rsi_14 < 50``. Stop at ``stop_atr`` and target at
    ``target_atr`` average true ranges, rounded to ticks.

    Parameters
    ----------
    cross_min : float
        Least distance of EMA9 from EMA20, in average true ranges.
    rsi_max : float
        Exhaustion bound, in (50, 100).
    size : int
        Contracts per entry.
    stop_atr, target_atr : float
        Bracket distances in average true ranges.
    hold_s : float
        Time stop in seconds.
    cooldown_s : float
        Least time between the end of one trade and the next entry, in seconds.
    """

    cross_min: float = 0.5
    rsi_max: float = 70.0
    size: int = 1
    stop_atr: float = 1.5
    target_atr: float = 2.0
    hold_s: float = 7200.0
    cooldown_s: float = 900.0

    def __post_init__(self) -> None:
        if not 50.0 < self.rsi_max < 100.0:
            raise ConfigError(
                f"bar_trend_baseline: rsi_max is {self.rsi_max}, expected a number in (50, 100)"
            )
        for name in ("cross_min", "size", "stop_atr", "target_atr", "hold_s"):
            if getattr(self, name) <= 0:
                raise ConfigError(
                    f"bar_trend_baseline: {name} is {getattr(self, name)}, expected a positive number"
                )
        if self.cooldown_s < 0:
            raise ConfigError(f"bar_trend_baseline: cooldown_s is {self.cooldown_s}, expected 0 or more")

    @property
    def name(self) -> str:
        """Name in the registry."""
        return "bar_trend_baseline"

    @property
    def features(self) -> tuple[str, ...]:
        """Columns of the row."""
        return _FEATURES

    @property
    def clock(self) -> str:
        """Sampling clock it was meant for."""
        return "bar"

    @property
    def rule(self) -> str:
        """The rule in words."""
        return (
            f"Buy when ema_cross_9_20 >= {self.cross_min:g} ATR and rsi_14 is in (50, {self.rsi_max:g}]; "
            "sell on the "
            f"mirror image. Stop {self.stop_atr:g} ATR, target {self.target_atr:g} ATR, time stop "
            f"{self.hold_s / 60:g} min, {self.cooldown_s / 60:g} min between trades."
        )

    def evaluate(self, row: npt.NDArray[np.float64], market: MarketState) -> Signal:
        """Decide on one closed bar; see ``Strategy.evaluate``."""
        if market.busy:
            return _hold(market, "in_position")
        if market.last_exit_ts and market.ts - market.last_exit_ts < self.cooldown_s * 1e9:
            return _hold(market, "cooldown")
        cross, rsi, atr = float(row[0]), float(row[1]), float(row[2])
        for name, value in zip(_FEATURES, (cross, rsi, atr), strict=True):
            if math.isnan(value):
                return _hold(market, f"not_ready_{name}")
        if abs(cross) < self.cross_min:
            return _hold(market, "no_trend")
        side = 1 if cross > 0 else -1
        strength = rsi if side > 0 else 100.0 - rsi
        if strength <= 50.0:
            return _hold(market, "momentum_disagrees")
        if strength > self.rsi_max:
            return _hold(market, "move_exhausted")
        stop, target = round(self.stop_atr * atr), round(self.target_atr * atr)
        if stop < 1 or target < 1:
            return _hold(market, "range_below_one_tick")
        return Signal(
            ts=market.ts,
            action=SignalAction.BUY if side > 0 else SignalAction.SELL,
            reason="trend_with_momentum",
            size=self.size,
            stop_ticks=stop,
            target_ticks=target,
            time_stop_ns=round(self.hold_s * 1e9),
        )


def _hold(market: MarketState, reason: str) -> Signal:
    return Signal(market.ts, SignalAction.HOLD, reason)
