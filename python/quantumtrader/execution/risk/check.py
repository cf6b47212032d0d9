"""What a rule is: a name, whether exits heed it, and a function from one check to what is broken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from quantumtrader.execution.risk.kill_switch import KillSwitch
from quantumtrader.execution.risk.limits import RiskLimits
from quantumtrader.execution.risk.state import RiskState, is_px
from quantumtrader.types import Instrument, Order, OrderType, Side

__all__ = ["Broken", "Check", "Rule"]


@dataclass(frozen=True, slots=True)
class Check:
    """Everything that one check may look at.

    Parameters
    ----------
    order : Order
        The wish.
    state : RiskState
        Position, result and market now.
    limits : RiskLimits
        What is allowed.
    instrument : Instrument
        Lot, tick value, hours.
    zone : ZoneInfo
        Of the instrument.
    switch : KillSwitch
        The kill switch.
    entries : deque of int
        Times of the entries approved before, ns UTC, oldest first.
    """

    order: Order
    state: RiskState
    limits: RiskLimits
    instrument: Instrument
    zone: ZoneInfo
    switch: KillSwitch
    entries: deque[int]

    @property
    def touch(self) -> tuple[int, str]:
        """Price in ticks that a market order would meet, and what it is; ``PX_NONE`` when it is not known."""
        state = self.state
        if not state.has_touch:
            return state.last_px, "last price"
        if self.order.side == Side.BUY:
            return state.ask_px, "best ask"
        return state.bid_px, "best bid"

    @property
    def reference(self) -> tuple[int, str]:
        """Price in ticks to hold a price against, and what it is: the touch, else the last price."""
        px, what = self.touch
        return (px, what) if is_px(px) else (self.state.last_px, "last price")

    @property
    def value_px(self) -> int:
        """Price in ticks at which the order is valued: its own or, at the market, the reference."""
        return self.reference[0] if self.order.type is OrderType.MARKET else self.order.px

    @property
    def working(self) -> int:
        """Contracts already working on the order's side."""
        return self.state.working_buy if self.order.side == Side.BUY else self.state.working_sell

    @property
    def reached(self) -> int:
        """Signed contracts held once everything that works on the order's side, and the order, is filled."""
        return self.state.position + self.order.side * (self.working + self.order.size)


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken rule: what is wrong, with the values in the instrument's units."""

    message: str
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Parameters
    ----------
    name : str
        In refusals, reports and documentation.
    broken : callable
        ``Check`` in; None when the order may pass, or what is broken. It must pass only what it can show to be within
        the limit.
    exits : bool
        Whether it also holds exits back.
    """

    name: str
    broken: Callable[[Check], Broken | None]
    exits: bool = False
