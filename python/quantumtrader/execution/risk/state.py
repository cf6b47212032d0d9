"""What the risk manager looks at besides the order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Protocol

from quantumtrader.types import PX_NONE, Instrument

__all__ = ["Exposure", "Plan", "RiskState", "TradePlan", "is_px", "number"]


class TradePlan(Protocol):
    """The trade that an entry belongs to; a ``BracketPlan`` is one.

    ``size`` counts the contracts of the whole trade (of all slices), ``stop_ticks`` and ``target_ticks`` are the
    distances from the entry in ticks.
    """

    @property
    def size(self) -> int: ...  # noqa: D102  (the class says it)
    @property
    def stop_ticks(self) -> float: ...  # noqa: D102
    @property
    def target_ticks(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Plan:
    """A plain ``TradePlan``; NaN for a distance that is not known."""

    size: int
    stop_ticks: float
    target_ticks: float


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is held in another instrument.

    Parameters
    ----------
    symbol, product : str
        As in ``Instrument``.
    amount : float
        Contracts, working entries included, times price times money per point, in our currency; positive for a long
        position. NaN when the price is not known.
    """

    symbol: str
    product: str
    amount: float

    @classmethod
    def of(cls, instrument: Instrument, contracts: int, px: int) -> Exposure:
        """Exposure of signed ``contracts`` at ``px`` ticks; NaN without a price."""
        amount = instrument.money(px, contracts) if is_px(px) else (0.0 if contracts == 0 else math.nan)
        return cls(instrument.symbol, instrument.product, amount)


@dataclass(frozen=True, slots=True)
class RiskState:
    """Position, result and market now. Position and money have no default: absent is not calm.

    From ``trade`` on, None says "not known". A rule that is on and needs such a value refuses; one that is off does not
    look at it.

    Parameters
    ----------
    ts : int
        Now, ns UTC.
    position : int
        Contracts held, signed; for the exit of a trade those that the trade holds.
    working_buy, working_sell : int
        Contracts in open orders that may add to the position.
    realised, open : float
        Net realised and open result of the session in the instrument's currency; NaN when it is not known.
    bid_px, ask_px, last_px : int
        Touch and last price in ticks; ``PX_NONE`` when unknown.
    has_touch : bool
        Whether the source has quotes or a book at all.
    trade : TradePlan, optional
        The trade that the order belongs to: size, stop, target.
    capital : float, optional
        Account balance in the instrument's currency.
    open_trades : int, optional
        Trades that are entering or open, in all instruments, besides the one that the order belongs to.
    others : tuple of Exposure, optional
        What is held in every other instrument; empty when nothing is.
    correlations : mapping of str to float
        Measured correlations by pair, as ``measure_correlations`` gives them. Those of the limits are stronger.
    atr_ticks : float, optional
        Average true range in ticks, for example the feature ``atr_14``.
    realised_volatility : float, optional
        Realised volatility, in the unit in which its limits are given.
    last_event_ts, book_ts : int, optional
        When the last market event, and the last change or confirmation of the book, was received, ns UTC.
    book_valid : bool, optional
        Whether the book is complete: False after a gap until the next snapshot.
    open_since_ts : int, optional
        When the present stretch of continuous trading began, ns UTC; None in an auction or halt.
    roll_ts : int, optional
        Last moment of trading of this contract, ns UTC.
    """

    ts: int
    position: int
    working_buy: int
    working_sell: int
    realised: float
    open: float
    bid_px: int = PX_NONE
    ask_px: int = PX_NONE
    last_px: int = PX_NONE
    has_touch: bool = True
    trade: TradePlan | None = None
    capital: float | None = None
    open_trades: int | None = None
    others: tuple[Exposure, ...] | None = None
    correlations: Mapping[str, float] = field(default_factory=dict)
    atr_ticks: float | None = None
    realised_volatility: float | None = None
    last_event_ts: int | None = None
    book_ts: int | None = None
    book_valid: bool | None = None
    open_since_ts: int | None = None
    roll_ts: int | None = None

    @property
    def result(self) -> float:
        """Realised plus open result of the session, in the instrument's currency; NaN when one is not known."""
        return number(self.realised) + number(self.open)


def number(value: float | None) -> float:
    """Return a value as a number: NaN for what is absent or is none."""
    if type(value) is float or type(value) is int:  # the usual case, without the cost of an abstract class
        return value
    return value if isinstance(value, Real) else math.nan


def is_px(px: float | None) -> bool:
    """Whether this is a price."""
    return math.isfinite(number(px)) and px != PX_NONE
