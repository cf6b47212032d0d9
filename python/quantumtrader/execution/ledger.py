"""Positions and money, driven by fills and nothing else.

Each fill id counts once. Prices are ticks, sums are exact (integers and fractions, worked out once per fill);
money appears only when a number is read. The average price is the market's ``preço médio``: an exit realises against
it and leaves it unchanged. Conservation, for any sequence of fills and any mark: realised + open = cash + position x mark.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from fractions import Fraction

from quantumtrader.types import PX_NONE, Fill, Instrument

__all__ = ["Ledger", "Trade"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trade:
    """A round trip: from flat to flat, or through zero.

    Parameters
    ----------
    trade_id : int
        1, 2, … in the order of closing.
    side : int
        1 long, −1 short.
    size : int
        Contracts entered.
    entry_ts, exit_ts : int
        First and last fill, ns UTC.
    entry_px, exit_px : float
        Size-weighted average prices in ticks.
    gross, costs, net : float
        Result before costs, fees, and result after them, in the instrument's currency.
    mae_ticks, mfe_ticks : float
        Worst and best excursion per contract from the average entry price, in ticks; worst is 0 or negative.
        Marked at the executable price (bid for a long, ask for a short), fills included.
    entry_tag, exit_tag : str
        Reasons of the first entry and of the last exit.
    """

    trade_id: int
    side: int
    size: int
    entry_ts: int
    exit_ts: int
    entry_px: float
    exit_px: float
    gross: float
    costs: float
    net: float
    mae_ticks: float
    mfe_ticks: float
    entry_tag: str
    exit_tag: str

    @property
    def seconds(self) -> float:
        """Time from first to last fill."""
        return (self.exit_ts - self.entry_ts) / 1e9


@dataclass(slots=True)
class _OpenTrade:
    side: int
    entry_ts: int
    entry_tag: str
    size: int = 0
    paid: int = 0
    closed: int = 0
    received: int = 0
    costs: float = 0.0
    worst: float = 0.0
    best: float = 0.0


class Ledger:
    """Position, average price, realised and open result of one instrument.

    Parameters
    ----------
    instrument : Instrument
        Tick value and currency.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.position = 0
        """Contracts held, signed."""
        self.fees = 0.0
        """Fees paid so far, in the instrument's currency."""
        self.fills: list[Fill] = []
        self.trades: list[Trade] = []
        self._cash_ticks = 0
        self._cost = Fraction(0)
        self._realised_gross = 0.0
        self._average = 0.0
        self._seen: set[int] = set()
        self._open: _OpenTrade | None = None
        self._session_realised = 0.0

    @property
    def average_px(self) -> float | None:
        """Average price of the position in ticks; None when flat."""
        return None if self.position == 0 else float(self._cost / self.position)

    @property
    def realised_gross(self) -> float:
        """Realised result before costs, in the instrument's currency."""
        return self._realised_gross

    @property
    def realised_net(self) -> float:
        """Realised result after all fees, in the instrument's currency."""
        return self.realised_gross - self.fees

    def open_gross(self, mark_px: int) -> float:
        """Open result before costs if the position were closed at ``mark_px`` ticks.

        0 when flat; NaN when there is a position and its price is not known (``PX_NONE``).
        """
        if self.position == 0:
            return 0.0
        if mark_px == PX_NONE:
            return math.nan
        # The same number as float(Fraction): a quotient of integers is correctly rounded.
        numerator, denominator = self._cost.numerator, self._cost.denominator
        return (self.position * mark_px * denominator - numerator) / denominator * self.instrument.tick_value

    def equity_net(self, mark_px: int) -> float:
        """Realised plus open result after fees, in the instrument's currency; NaN as ``open_gross``."""
        return self.realised_net + self.open_gross(mark_px)

    @property
    def session_realised(self) -> float:
        """Realised result after fees since ``begin_session``."""
        return self.realised_net - self._session_realised

    def begin_session(self) -> None:
        """Start the count of the session's result (the daily loss limit) at zero."""
        self._session_realised = self.realised_net

    def mark(self, low_px: int, high_px: int) -> None:
        """Record the range of prices at which the position could have been closed since the last mark.

        Parameters
        ----------
        low_px, high_px : int
            Least and greatest executable price in ticks; ``PX_NONE`` when there was none.
        """
        if self._open is None or low_px == PX_NONE or high_px == PX_NONE:
            return
        average = self._average
        at_low, at_high = (low_px - average) * self._open.side, (high_px - average) * self._open.side
        self._open.worst = min(self._open.worst, at_low, at_high)
        self._open.best = max(self._open.best, at_low, at_high)

    def apply(self, fill: Fill, tag: str = "") -> list[Trade]:
        """Apply one fill and return the trades it closed (none for an id that was applied before).

        Parameters
        ----------
        fill : Fill
            The execution.
        tag : str
            Tag of its order, for the trade list.
        """
        if fill.fill_id in self._seen:
            return []
        self._seen.add(fill.fill_id)
        self.fills.append(fill)
        self.fees += fill.fee
        closing = min(fill.size, abs(self.position)) if self.position * fill.side < 0 else 0
        closed: list[Trade] = []
        if closing:
            closed = self._reduce(fill, closing, tag)
        if fill.size > closing:
            self._extend(fill, fill.size - closing, tag)
        self._realised_gross = float(self._cash_ticks + self._cost) * self.instrument.tick_value
        self._average = self.average_px or 0.0
        _log.info(
            "fill %d: %+d at %d, position %+d", fill.fill_id, fill.side * fill.size, fill.px, self.position
        )
        return closed

    def _extend(self, fill: Fill, size: int, tag: str) -> None:
        if self._open is None:
            self._open = _OpenTrade(fill.side, fill.ts, tag)
        self.position += fill.side * size
        self._cash_ticks -= fill.side * size * fill.px
        self._cost += fill.side * size * fill.px
        self._open.size += size
        self._open.paid += size * fill.px
        self._open.costs += fill.fee * size / fill.size

    def _reduce(self, fill: Fill, size: int, tag: str) -> list[Trade]:
        trade = self._open
        assert trade is not None  # a position exists, so its trade does
        self.mark(fill.px, fill.px)
        self._cost -= self._cost * Fraction(size, abs(self.position))
        self.position += fill.side * size
        self._cash_ticks -= fill.side * size * fill.px
        trade.closed += size
        trade.received += size * fill.px
        trade.costs += fill.fee * size / fill.size
        if self.position != 0:
            return []
        self._open = None
        gross = self.instrument.money((trade.received - trade.paid) * trade.side, 1)
        done = Trade(
            trade_id=len(self.trades) + 1,
            side=trade.side,
            size=trade.size,
            entry_ts=trade.entry_ts,
            exit_ts=fill.ts,
            entry_px=trade.paid / trade.size,
            exit_px=trade.received / trade.closed,
            gross=gross,
            costs=trade.costs,
            net=gross - trade.costs,
            mae_ticks=trade.worst,
            mfe_ticks=trade.best,
            entry_tag=trade.entry_tag,
            exit_tag=tag,
        )
        self.trades.append(done)
        return [done]
