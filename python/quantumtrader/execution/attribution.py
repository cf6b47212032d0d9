"""Where the cost of a parent order comes from: implementation shortfall (Perold, 1988), taken apart.

The paper portfolio trades the whole size at the decision price D at once. With side s, fills of q contracts at p, the mid
A on arrival, m when a child was sent and n just before its fill, and the mid E at the end for what was not filled::

    delay        s (A - D) q      from the decision to the start
    timing       s (m - A) q      drift while waiting to send
    impact       s (n - m) q      move of the mid between sending and filling: ours and the market's
    spread       s (p - n) q      paid (or earned, resting) against the mid
    opportunity  s (E - D) left   what the unfilled part would have cost
    fees

No data tells our own impact from a move that would have come anyway; the name says where to look. The sum telescopes, so
the components add up to ``s (p - D) q + s (E - D) left + fees``: exactly, as long as prices are multiples of half a tick. A
component whose mid is missing is NaN; the total does not need those mids and stays known. Cost is positive.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from quantumtrader.exceptions import OrderError
from quantumtrader.types import Fill, Instrument, Side

__all__ = ["Cost", "MarkedFill", "Slippage", "SlippageTracker", "attribute"]


@dataclass(frozen=True, slots=True)
class MarkedFill:
    """A fill with the mids around it.

    Parameters
    ----------
    px, size : int
        Price in ticks, contracts.
    fee : float
        In the instrument's currency.
    sent_mid, fill_mid : float
        Mid in ticks when its order was sent, and just before the fill; NaN when there was none.
    """

    px: int
    size: int
    fee: float
    sent_mid: float
    fill_mid: float


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost: ``ticks`` (ticks x contracts) and ``money`` in the instrument's currency; positive is lost, NaN not known."""

    ticks: float
    money: float


@dataclass(frozen=True, slots=True)
class Slippage:
    """The shortfall of one parent order.

    Parameters
    ----------
    size, filled : int
        Contracts wanted and filled.
    arrival_mid : float
        Mid when the order began to be worked, in ticks; NaN when there was none.
    average_px : float
        Average fill price in ticks; NaN without fills.
    delay, timing, impact, spread, opportunity, fees, total : Cost
        See the module.
    """

    size: int
    filled: int
    arrival_mid: float
    average_px: float
    delay: Cost
    timing: Cost
    impact: Cost
    spread: Cost
    opportunity: Cost
    fees: Cost
    total: Cost

    @property
    def components(self) -> dict[str, Cost]:
        """Everything that adds up to the total, by name."""
        names = ("delay", "timing", "impact", "spread", "opportunity", "fees")
        return {name: getattr(self, name) for name in names}

    @property
    def ticks_per_contract(self) -> float:
        """Total per contract wanted, in ticks."""
        return self.total.ticks / self.size


def attribute(
    side: int,
    size: int,
    decision_px: float,
    arrival_mid: float,
    fills: Iterable[MarkedFill],
    end_mid: float,
    instrument: Instrument,
) -> Slippage:
    """Take the cost of a parent order apart.

    Parameters
    ----------
    side : int
        ``Side.BUY`` or ``Side.SELL``.
    size : int
        Contracts wanted.
    decision_px : float
        Price in ticks at which the decision was taken, usually the mid; NaN when there was none.
    arrival_mid, end_mid : float
        Mid in ticks when the order began to be worked, and when it ended; NaN when there was none.
    fills : iterable of MarkedFill
        Its executions.
    instrument : Instrument
        Tick value and currency.

    Raises
    ------
    OrderError
        If more was filled than wanted.
    """
    marked = list(fills)
    filled = sum(f.size for f in marked)
    left = size - filled
    if side not in (Side.BUY, Side.SELL) or size <= 0 or left < 0:
        raise OrderError(f"attribution: side {side}, {filled} contracts filled of {size}")

    def cost(ticks: float) -> Cost:
        return Cost(ticks, ticks * instrument.tick_value)

    # Prices and mids are multiples of half a tick, so these sums carry no rounding.
    paid = sum(f.px * f.size for f in marked)
    at_fill = sum((f.fill_mid * f.size for f in marked), 0.0)
    at_send = sum((f.sent_mid * f.size for f in marked), 0.0)
    delay = side * (arrival_mid - decision_px) * filled if filled else 0.0
    timing = side * (at_send - arrival_mid * filled) if filled else 0.0
    opportunity = side * (end_mid - decision_px) * left if left else 0.0
    fees = math.fsum(f.fee for f in marked)
    executed = side * (paid - decision_px * filled) if filled else 0.0
    shortfall = cost(executed + opportunity)
    return Slippage(
        size,
        filled,
        arrival_mid,
        paid / filled if filled else math.nan,
        cost(delay),
        cost(timing),
        cost(side * (at_fill - at_send)),
        cost(side * (paid - at_fill)),
        cost(opportunity),
        Cost(fees / instrument.tick_value, fees),
        Cost(shortfall.ticks + fees / instrument.tick_value, shortfall.money + fees),
    )


class SlippageTracker:
    """Collects what ``attribute`` needs while a parent order is worked.

    Parameters
    ----------
    side, size : int
        Of the parent.
    decision_px : float
        As in ``attribute``.
    instrument : Instrument
        Tick value and currency.
    """

    def __init__(self, side: int, size: int, decision_px: float, instrument: Instrument) -> None:
        self.side, self.size, self.decision_px, self.instrument = side, size, decision_px, instrument
        self.arrival_mid = math.nan
        self.end_mid = math.nan
        self._sent: dict[int, float] = {}
        self._fills: dict[int, MarkedFill] = {}

    def arrived(self, mid: float) -> None:
        """The order begins to be worked."""
        self.arrival_mid = mid

    def sent(self, client_id: int, mid: float) -> None:
        """A child is sent."""
        self._sent[client_id] = mid

    def filled(self, fill: Fill, mid: float) -> None:
        """A child was filled; ``mid`` is the one just before. A fill counts once."""
        sent = self._sent.get(fill.client_id, math.nan)
        self._fills.setdefault(fill.fill_id, MarkedFill(fill.px, fill.size, fill.fee, sent, mid))

    def ended(self, mid: float) -> None:
        """The order ended."""
        self.end_mid = mid

    def result(self) -> Slippage:
        """The shortfall so far."""
        return attribute(
            self.side,
            self.size,
            self.decision_px,
            self.arrival_mid,
            self._fills.values(),
            self.end_mid,
            self.instrument,
        )
