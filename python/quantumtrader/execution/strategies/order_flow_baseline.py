"""A transparent order-flow rule: a baseline to measure others against, not a promise of profit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.signals import MarketState, Signal, SignalAction
from quantumtrader.execution.strategy import register_strategy

__all__ = ["OrderFlowBaseline"]

_FLOW, _STRETCH, _BOOK = "flow_ofi_1m", "vwap_z", "book_ofi_norm_1m"


@register_strategy("order_flow_baseline")
@dataclass(frozen=True, slots=True)
class OrderFlowBaseline:
    """Enter with the flow when trades and touch agree, the spread is tight and price is not stretched.

    Buy when ``flow_ofi_1m >= flow_min`` (aggressors buy), ``book_ofi_norm_1m >= book_min`` (the touch is being
    built up on the bid or eaten on the ask), ``vwap_z <= z_max``, and the spread is at most
    ``max_spread_ticks``. Sell on the mirror image. Leave by bracket: stop, target, or after ``hold_s``.

    Parameters
    ----------
    flow_min : float
        Least trade imbalance of the last minute, in (0, 1].
    book_min : float
        Least event OFI of the last minute in units of the average size at the touch; 0 does not ask, for
        sources that know no sizes.
    z_max : float
        Greatest distance from the session's VWAP on the side of the trade, in volume-weighted deviations.
    max_spread_ticks : int
        Widest spread to cross.
    size : int
        Contracts per entry.
    stop_ticks, target_ticks : int
        Bracket distances from the entry price.
    hold_s : float
        Time stop in seconds.
    cooldown_s : float
        Least time between the end of one trade and the next entry, in seconds.
    settle_s : float
        Continuous trading after each opening before the first entry, in seconds: features of the last minute
        would look at the auction otherwise.
    """

    flow_min: float = 0.30
    book_min: float = 1.0
    z_max: float = 1.5
    max_spread_ticks: int = 1
    size: int = 1
    stop_ticks: int = 8
    target_ticks: int = 8
    hold_s: float = 300.0
    cooldown_s: float = 30.0
    settle_s: float = 60.0

    def __post_init__(self) -> None:
        if not 0.0 < self.flow_min <= 1.0:
            raise ConfigError(
                f"order_flow_baseline: flow_min is {self.flow_min}, expected a number in (0, 1]"
            )
        if self.book_min < 0:
            raise ConfigError(f"order_flow_baseline: book_min is {self.book_min}, expected 0 or more")
        for name in ("z_max", "max_spread_ticks", "size", "stop_ticks", "target_ticks", "hold_s"):
            if getattr(self, name) <= 0:
                raise ConfigError(
                    f"order_flow_baseline: {name} is {getattr(self, name)}, expected a positive number"
                )
        for name in ("cooldown_s", "settle_s"):
            if getattr(self, name) < 0:
                raise ConfigError(f"order_flow_baseline: {name} is {getattr(self, name)}, expected 0 or more")

    @property
    def name(self) -> str:
        """Name in the registry."""
        return "order_flow_baseline"

    @property
    def features(self) -> tuple[str, ...]:
        """Columns of the row."""
        return (_FLOW, _STRETCH, _BOOK) if self.book_min else (_FLOW, _STRETCH)

    @property
    def clock(self) -> str:
        """Sampling clock it was meant for."""
        return "100ms"

    @property
    def rule(self) -> str:
        """The rule in words."""
        book = f" and {_BOOK} >= {self.book_min:g}" if self.book_min else ""
        return (
            f"Buy when {_FLOW} >= {self.flow_min:g}{book} and {_STRETCH} <= {self.z_max:g} with a spread of at most "
            f"{self.max_spread_ticks} tick(s); sell on the mirror image. Stop {self.stop_ticks}, target "
            f"{self.target_ticks} ticks, time stop {self.hold_s:g} s, {self.cooldown_s:g} s between trades, "
            f"none in the first {self.settle_s:g} s after each opening."
        )

    def evaluate(self, row: npt.NDArray[np.float64], market: MarketState) -> Signal:
        """Decide on one sample; see ``Strategy.evaluate``."""
        if market.busy:
            return _hold(market, "in_position")
        if market.last_exit_ts and market.ts - market.last_exit_ts < self.cooldown_s * 1e9:
            return _hold(market, "cooldown")
        for name, value in zip(self.features, row, strict=True):
            if math.isnan(value):
                return _hold(market, f"not_ready_{name}")
        if market.open_since_ts and market.ts - market.open_since_ts < self.settle_s * 1e9:
            return _hold(market, "settling")
        if market.has_touch and not market.touch_ok:
            return _hold(market, "no_touch")
        if market.has_touch and market.spread_ticks > self.max_spread_ticks:
            return _hold(market, "wide_spread")
        flow, stretch = float(row[0]), float(row[1])
        if abs(flow) < self.flow_min:
            return _hold(market, "flow_neutral")
        side = 1 if flow > 0 else -1
        if self.book_min and float(row[2]) * side < self.book_min:
            return _hold(market, "book_disagrees")
        if stretch * side > self.z_max:
            return _hold(market, "price_stretched")
        return Signal(
            ts=market.ts,
            action=SignalAction.BUY if side > 0 else SignalAction.SELL,
            reason="flow_and_book_agree",
            size=self.size,
            stop_ticks=self.stop_ticks,
            target_ticks=self.target_ticks,
            time_stop_ns=round(self.hold_s * 1e9),
        )


def _hold(market: MarketState, reason: str) -> Signal:
    return Signal(market.ts, SignalAction.HOLD, reason)
