"""What a strategy says at a sampled time: enter, leave, or hold, and always why.

A signal is a wish. It becomes an order only through ``RiskManager.check``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from quantumtrader.exceptions import OrderError
from quantumtrader.execution.whole import whole_fields
from quantumtrader.types import PX_NONE, Side

__all__ = ["MarketState", "Signal", "SignalAction"]


class SignalAction(StrEnum):
    """What a signal asks for."""

    BUY = "buy"
    SELL = "sell"
    EXIT = "exit"
    """Leave the trade that is alive, whatever of it is filled by then."""
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class MarketState:
    """What a strategy may know besides its features; nothing in it is later than ``ts``.

    Parameters
    ----------
    ts : int
        Sample time, ns UTC.
    bid_px, ask_px : int
        Touch in ticks after the last event at or before ``ts``; ``PX_NONE`` for a side that is not there.
    last_px : int
        Last print (or bar close) in ticks; ``PX_NONE`` before the first.
    has_touch : bool
        Whether the source has quotes or a book at all; False for bars and for plain trades.
    position : int
        Contracts held, signed.
    busy : bool
        Whether a bracket is still working: entering, open, or closing.
    trade_side : int
        ``Side`` of that bracket's entry; 0 for none. ``position`` may be another one's: it counts the contracts outside
        trades too, and is 0 while the entry is on its way.
    inputs : tuple of 4 int, or None
        Prints, quote records, book records and bar records that had arrived when the row was read: whether the feed still
        lives. None where nobody counts.
    last_exit_ts : int
        When the last bracket ended, ns UTC; 0 before the first.
    open_since_ts : int
        When the present stretch of continuous trading began, ns UTC; 0 where nobody knows.
    lot : int
        Orders are multiples of this many contracts.
    """

    ts: int
    bid_px: int = PX_NONE
    ask_px: int = PX_NONE
    last_px: int = PX_NONE
    has_touch: bool = True
    position: int = 0
    busy: bool = False
    last_exit_ts: int = 0
    open_since_ts: int = 0
    lot: int = 1
    trade_side: int = int(Side.NONE)
    inputs: tuple[int, ...] | None = None

    @property
    def touch_ok(self) -> bool:
        """Whether both sides exist and do not cross."""
        return self.bid_px != PX_NONE and self.ask_px != PX_NONE and self.bid_px < self.ask_px

    @property
    def spread_ticks(self) -> int:
        """Ask minus bid in ticks; meaningful only when ``touch_ok``."""
        return self.ask_px - self.bid_px


@dataclass(frozen=True, slots=True)
class Signal:
    """The answer of a strategy at one sample.

    Parameters
    ----------
    ts : int
        Sample time, ns UTC.
    action : SignalAction
        ``BUY``, ``SELL``, ``EXIT`` or ``HOLD``. ``EXIT`` takes the stop and the target out, withdraws what is left of the
        entry and closes at the market; without a trade, or while one is being left already, it changes nothing.
    reason : str
        Reason code, lower case with underscores: why this and not something else.
    size : int
        Contracts to enter with; 0 for ``EXIT`` and ``HOLD``.
    stop_ticks, target_ticks : int
        Distance of the protective stop and of the target from the entry price; positive, 0 for ``EXIT`` and
        ``HOLD``.
    time_stop_ns : int
        Leave at the market when the position is this old; 0 means never.

    Raises
    ------
    OrderError
        A number is not a whole one (a stop of 6.5 ticks has no price), or not positive; an exit has one: it leaves with
        everything. NumPy's integers become Python's.
    """

    ts: int
    action: SignalAction
    reason: str
    size: int = 0
    stop_ticks: int = 0
    target_ticks: int = 0
    time_stop_ns: int = 0

    def __post_init__(self) -> None:
        if not self.reason:
            raise OrderError("a signal needs a reason code")
        whole_fields(self, f"{self.action} signal", "size", "stop_ticks", "target_ticks", "time_stop_ns")
        if self.action is SignalAction.EXIT and (
            self.size or self.stop_ticks or self.target_ticks or self.time_stop_ns
        ):
            raise OrderError(
                f"exit signal: size {self.size}, stop {self.stop_ticks}, target {self.target_ticks} ticks and time stop "
                f"{self.time_stop_ns} ns; an exit leaves with everything, give none of them"
            )
        if self.side and min(self.size, self.stop_ticks, self.target_ticks) <= 0:
            raise OrderError(
                f"{self.action} signal: size {self.size}, stop {self.stop_ticks} and target "
                f"{self.target_ticks} ticks; "
                "all must be positive"
            )

    @property
    def side(self) -> int:
        """``Side`` of the entry; 0 for ``EXIT`` and ``HOLD``."""
        if self.action is SignalAction.BUY:
            return int(Side.BUY)
        return int(Side.SELL if self.action is SignalAction.SELL else Side.NONE)
