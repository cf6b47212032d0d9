"""The gate that every order passes: ``RiskManager.check(order, state) -> Approved[Order] | Refused``.

Nothing else makes an ``Approved``, and ``OrderManager.submit`` takes nothing else, so an unchecked order is a
type error. An approval holds for one order, for a short time, and not past a trip of the kill switch. The manager
has no learned parameter; it counts in contracts, ticks and money.

Every rule fails closed: it passes only what it can show to be within the limit, so an input that is NaN, None or
absent refuses.

Exits are not held back by the rules that stop new risk: an order with ``reduce_only`` passes position limit,
daily loss, order rate, trading hours and the soft kill switch, but never with a wrong side or size, off the
lot, through the market by more than the collar, or to a market that has no price.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime, time
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from quantumtrader.exceptions import ConfigError, OrderError, TradingHaltedError
from quantumtrader.types import PX_NONE, Instrument, Order, OrderType, SessionHours, Side

__all__ = ["Approved", "Refused", "RiskLimits", "RiskManager", "RiskState", "hours_on"]

T_co = TypeVar("T_co", covariant=True)
_TOKEN = object()
_MINUTE_NS = 60_000_000_000


@dataclass(slots=True)
class _Gate:
    """What decides whether an approval still holds; shared by a manager and its approvals."""

    max_age_ns: int
    epoch: int = 0
    reason: str = ""
    issued: int = 0
    unused: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Approved(Generic[T_co]):
    """An order that passed the checks. Only ``RiskManager`` can make one, and it is good for one use.

    Parameters
    ----------
    order : Order
        The order.
    ts : int
        When it was checked, ns UTC.
    epoch : int
        How often the kill switch had been tripped or cleared by then.
    """

    order: T_co
    ts: int
    epoch: int = 0
    serial: int = field(default=0, repr=False, compare=False)
    gate: _Gate | None = field(default=None, repr=False, compare=False)
    token: InitVar[object] = None

    def __post_init__(self, token: object) -> None:
        if token is not _TOKEN:
            raise OrderError(
                "an Approved comes only from RiskManager.check; it cannot be built or copied by hand"
            )

    def use(self, now_ns: int) -> None:
        """Spend the approval at ``now_ns``.

        Raises
        ------
        TradingHaltedError
            If the kill switch was tripped or cleared since the check.
        OrderError
            If it was used before, or is older than ``RiskLimits.approval_age_s``.
        """
        gate = self.gate
        assert gate is not None  # __post_init__ lets nothing else pass
        if self.serial not in gate.unused:
            raise OrderError(
                "an Approved counts for one order; this one was used already. Check the order again"
            )
        gate.unused.discard(self.serial)
        if self.epoch != gate.epoch:
            raise TradingHaltedError(
                "the kill switch was moved after the order was approved"
                + (f" ({gate.reason})" if gate.reason else "")
                + "; check the order again"
            )
        age = now_ns - self.ts
        if not 0 <= age <= gate.max_age_ns:
            raise OrderError(
                f"the approval is {age / 1e9:g} s old, at most {gate.max_age_ns / 1e9:g} s; check the order again"
            )


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that did not pass.

    Parameters
    ----------
    order : Order
        The order.
    ts : int
        When it was checked, ns UTC.
    rule : str
        Name of the rule that refused it.
    message : str
        What is wrong, with the values.
    numbers : mapping of str to float
        The values, for reports.
    """

    order: Order
    ts: int
    rule: str
    message: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """What is allowed. Every limit is on by default; the settings section ``[risk]`` has the same names.

    Parameters
    ----------
    max_position : int
        Greatest absolute position in contracts, open orders included.
    max_order_size : int
        Greatest size of one order in contracts.
    daily_loss : float
        Loss of the session, realised and open, after fees, at which no new risk is taken; in the instrument's
        currency.
    orders_per_minute : int
        Entries allowed in any 60 seconds.
    price_collar_ticks : int
        Greatest distance of a limit or stop price from the touch (or last price), in ticks; exits count only
        when their limit is on the far side of the market.
    trading_from, trading_to : time, optional
        Narrower hours for entries than the instrument's own, in its zone.
    approval_age_s : float
        Seconds of event time within which an approved order must be sent.
    """

    max_position: int = 5
    max_order_size: int = 5
    daily_loss: float = 1_000.0
    orders_per_minute: int = 60
    price_collar_ticks: int = 50
    trading_from: time | None = None
    trading_to: time | None = None
    approval_age_s: float = 1.0

    def __post_init__(self) -> None:
        for name in (
            "max_position",
            "max_order_size",
            "daily_loss",
            "orders_per_minute",
            "price_collar_ticks",
            "approval_age_s",
        ):
            if not getattr(self, name) > 0:
                raise ConfigError(f"risk limit {name} is {getattr(self, name)}, expected a positive number")


@dataclass(frozen=True, slots=True)
class RiskState:
    """What the manager looks at besides the order. Position and money have no default: absent is not calm.

    Parameters
    ----------
    ts : int
        Now, ns UTC.
    position : int
        Contracts held, signed.
    working_buy, working_sell : int
        Contracts in open orders that may add to the position.
    realised, open : float
        Net realised and open result of the session in the instrument's currency; NaN when it is not known.
    bid_px, ask_px, last_px : int
        Touch and last price in ticks; ``PX_NONE`` when unknown.
    has_touch : bool
        Whether the source has quotes or a book at all.
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

    @property
    def result(self) -> float:
        """Realised plus open result of the session, in the instrument's currency; NaN when one is not known."""
        return _number(self.realised) + _number(self.open)


@dataclass(slots=True)
class _KillSwitch:
    reason: str = ""
    hard: bool = False
    log: list[str] = field(default_factory=list)


class RiskManager:
    """Checks orders against limits and owns the kill switch.

    Parameters
    ----------
    limits : RiskLimits
        What is allowed.
    instrument : Instrument
        Lot, tick value and trading hours.
    """

    def __init__(self, limits: RiskLimits, instrument: Instrument) -> None:
        self.limits = limits
        self.instrument = instrument
        self._kill = _KillSwitch()
        self._gate = _Gate(round(limits.approval_age_s * 1e9))
        self._entries: deque[int] = deque()
        self._zone = ZoneInfo(instrument.timezone)

    @property
    def tripped(self) -> str:
        """Why the kill switch is on; empty when it is off."""
        return self._kill.reason

    @property
    def tripped_hard(self) -> bool:
        """Whether exits are refused as well."""
        return self._kill.hard

    @property
    def kill_log(self) -> tuple[str, ...]:
        """Every trip and clear, in order."""
        return tuple(self._kill.log)

    def trip(self, reason: str, *, hard: bool = False) -> None:
        """Switch trading off until a person clears it.

        Parameters
        ----------
        reason : str
            Shown in every refusal.
        hard : bool
            Refuse exits as well: for orders that run away, where each further one makes it worse.
        """
        if not reason:
            raise OrderError("kill switch: tripping it needs a reason")
        self._kill.reason = reason
        self._kill.hard = self._kill.hard or hard
        self._kill.log.append(f"trip{' hard' if hard else ''}: {reason}")
        self._gate.epoch, self._gate.reason = self._gate.epoch + 1, reason

    def clear(self, by: str) -> None:
        """Switch trading on again; ``by`` names the person who decided so."""
        if not by:
            raise OrderError("kill switch: clearing it needs the name of the person who decides so")
        self._kill.log.append(f"clear by {by}: was {self._kill.reason}")
        self._kill.reason, self._kill.hard = "", False
        self._gate.epoch, self._gate.reason = self._gate.epoch + 1, ""

    def loss_limit_hit(self, result: float) -> bool:
        """Whether a session's result, realised and open, has reached the daily loss.

        A result that is not known (NaN) counts as reached: what cannot be shown to be within the limit is not.
        """
        return not (math.isfinite(result) and result > -self.limits.daily_loss)

    def check(self, order: Order, state: RiskState) -> Approved[Order] | Refused:
        """Approve or refuse an order.

        Parameters
        ----------
        order : Order
            The wish.
        state : RiskState
            Position, result and prices now.

        Returns
        -------
        Approved[Order] or Refused
            The first rule that is broken refuses; an approved entry counts towards the order rate.
        """
        rules = (
            (self._kill_switch, self._known, self._size, self._reduce, self._price)
            if order.reduce_only
            else (
                self._kill_switch,
                self._known,
                self._size,
                self._trading_hours,
                self._price,
                self._position,
                self._daily_loss,
                self._rate,
            )
        )
        for rule in rules:
            refused = rule(order, state)
            if refused is not None:
                return refused
        if not order.reduce_only:
            self._entries.append(state.ts)
        gate = self._gate
        gate.issued += 1
        gate.unused.add(gate.issued)
        return Approved(order, state.ts, gate.epoch, gate.issued, gate, _TOKEN)

    def _kill_switch(self, order: Order, state: RiskState) -> Refused | None:
        if not self._kill.reason or (order.reduce_only and not self._kill.hard):
            return None
        return _refuse(order, state, "kill_switch", f"the kill switch is on: {self._kill.reason}")

    def _known(self, order: Order, state: RiskState) -> Refused | None:
        needed = ("position",) if order.reduce_only else ("position", "working_buy", "working_sell")
        for name in needed:
            if not math.isfinite(_number(getattr(state, name))):
                return _refuse(
                    order, state, "unknown_state", f"{name} is {getattr(state, name)}, not a number"
                )
        return None

    def _size(self, order: Order, state: RiskState) -> Refused | None:
        lot = self.instrument.lot
        if order.size % lot != 0:
            return _refuse(
                order,
                state,
                "lot_multiple",
                f"{order.size} contracts, not a multiple of {lot}",
                size=order.size,
                lot=lot,
            )
        if not (order.reduce_only or order.size <= self.limits.max_order_size):
            limit = self.limits.max_order_size
            return _refuse(
                order,
                state,
                "max_order_size",
                f"{order.size} contracts, at most {limit}",
                size=order.size,
                limit=limit,
            )
        return None

    def _reduce(self, order: Order, state: RiskState) -> Refused | None:
        if state.position * order.side < 0 and order.size <= abs(state.position):
            return None
        return _refuse(
            order,
            state,
            "reduce_only",
            f"an exit of {order.side * order.size:+d} contracts does not reduce a position of "
            f"{state.position:+d}",
            size=order.side * order.size,
            position=state.position,
        )

    def _trading_hours(self, order: Order, state: RiskState) -> Refused | None:
        local = datetime.fromtimestamp(state.ts // 1_000_000_000, UTC).astimezone(self._zone)
        hours = hours_on(self.instrument, local)
        if self.instrument.hours and hours is None:
            return _refuse(order, state, "trading_hours", f"no trading hours are known for {local:%Y-%m-%d}")
        opens, closes = (hours.open, hours.close) if hours is not None else (time.min, time.max)
        now = local.time()
        first, last = self.limits.trading_from or opens, self.limits.trading_to or closes
        if opens < closes:
            opens, closes = max(opens, first), min(closes, last)
            inside = opens <= now < closes
        else:  # these hours cross midnight
            inside = not closes <= now < opens
            opens, closes = first, last
            inside &= opens <= now < closes if opens < closes else not closes <= now < opens
        if inside:
            return None
        return _refuse(
            order,
            state,
            "trading_hours",
            f"it is {local:%Y-%m-%d %H:%M:%S} in {self.instrument.timezone}; entries are from {opens} to {closes}",
            hour=local.hour + local.minute / 60,
        )

    def _price(self, order: Order, state: RiskState) -> Refused | None:
        if state.has_touch:
            reference = state.ask_px if order.side == Side.BUY else state.bid_px
            what = "best ask" if order.side == Side.BUY else "best bid"
        else:
            reference, what = state.last_px, "last price"
        if order.type is OrderType.MARKET:
            if not _is_px(reference):
                return _refuse(order, state, "no_touch", f"a market order needs a {what}, and there is none")
            return None
        if not _is_px(reference):
            reference, what = state.last_px, "last price"
        if not (_is_px(reference) and _is_px(order.px)):
            return _refuse(
                order, state, "no_price", "no touch and no last price to hold the order price against"
            )
        # What protects a position may stand far away; it may only not be thrown through the market.
        through = (order.px - reference) * order.side if order.type is OrderType.LIMIT else 0
        away = through if order.reduce_only else abs(order.px - reference)
        if not away <= self.limits.price_collar_ticks:
            return _refuse(
                order,
                state,
                "price_collar",
                f"{order.px} ticks is {away} from the {what} {reference}, at most {self.limits.price_collar_ticks}",
                px=order.px,
                reference=reference,
                away=away,
                limit=self.limits.price_collar_ticks,
            )
        return None

    def _position(self, order: Order, state: RiskState) -> Refused | None:
        working = state.working_buy if order.side == Side.BUY else state.working_sell
        reached = abs(state.position + order.side * (working + order.size))
        limit = self.limits.max_position
        if reached <= limit:
            return None
        return _refuse(
            order,
            state,
            "position_limit",
            f"{state.position:+d} held, {working} working and {order.side * order.size:+d} more reach "
            f"{reached} "
            f"contracts, at most {limit}",
            position=state.position,
            working=working,
            size=order.side * order.size,
            limit=limit,
        )

    def _daily_loss(self, order: Order, state: RiskState) -> Refused | None:
        if not self.loss_limit_hit(state.result):
            return None
        limit, unit = self.limits.daily_loss, self.instrument.currency
        return _refuse(
            order,
            state,
            "daily_loss",
            f"the session is at {state.result:.2f} {unit} ({_number(state.realised):.2f} realised, "
            f"{_number(state.open):.2f} open), "
            f"the limit is -{limit:.2f}",
            realised=_number(state.realised),
            open=_number(state.open),
            limit=limit,
        )

    def _rate(self, order: Order, state: RiskState) -> Refused | None:
        while self._entries and self._entries[0] <= state.ts - _MINUTE_NS:
            self._entries.popleft()
        count, limit = len(self._entries), self.limits.orders_per_minute
        if count < limit:
            return None
        return _refuse(
            order,
            state,
            "order_rate",
            f"{count} entries in the last minute, at most {limit}",
            orders=count,
            limit=limit,
        )


def hours_on(instrument: Instrument, local: datetime) -> SessionHours | None:
    """Trading hours in force on the local date; None where the table has none yet or the market never closes."""
    found = None
    for hours in instrument.hours:
        if hours.valid_from <= local.date():
            found = hours
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _is_px(px: float | None) -> bool:
    return px is not None and math.isfinite(px) and px != PX_NONE


def _refuse(order: Order, state: RiskState, rule: str, message: str, **numbers: float) -> Refused:
    return Refused(order, state.ts, rule, f"order {order.client_id} refused by {rule}: {message}", numbers)
