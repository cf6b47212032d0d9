"""One trade as one state machine: entry, protective stop, target, time stop.

The machine is pure. It takes reports, refusals and the passing of time, and answers with commands (``Send``,
``CancelOrder``) that the caller carries out through risk manager and order manager. After every input it
compares what is held with what protects it and asks for the difference, so partial fills, late fills and lost
races need no cases of their own::

    ENTERING ──first fill──► OPEN ──stop or target filled──► CLOSING ──flat, nothing working──► DONE
        └──────cancelled or refused──► DONE     └──time stop, flatten, refused stop──► CLOSING

Invariants (explored exhaustively in ``tests/unit/execution/test_brackets.py``):

- while contracts are held and the bracket is not closing, stops for at least that many are on their way;
- DONE means flat, and no order of the bracket is alive: no orphan stop, no ghost position;
- if more was closed than was held (a venue without ``reduce_only``), the excess is bought or sold back;
- on such a venue an exit at the market never adds to exits that may still trade: stop and target are cancelled
  first, protect until their end is known, and only what is then left is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from quantumtrader.exceptions import OrderError
from quantumtrader.execution.orders import Report
from quantumtrader.execution.whole import whole_fields
from quantumtrader.types import PX_NONE, Order, OrderType, Side

__all__ = ["Bracket", "BracketPhase", "BracketPlan", "CancelOrder", "Command", "Send"]

_RETRY_NS = 1_000_000_000


class BracketPhase(StrEnum):
    """Where a bracket is."""

    ENTERING = "entering"
    OPEN = "open"
    CLOSING = "closing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class BracketPlan:
    """What a bracket shall do.

    Parameters
    ----------
    side : int
        ``Side.BUY`` or ``Side.SELL``.
    size : int
        Contracts.
    stop_ticks, target_ticks : int
        Distance of stop and target from the first fill, in whole ticks, positive.
    time_stop_ns : int
        Leave at the market when the first fill is this old; 0 means never.
    entry_px : int
        Limit price of the entry in ticks; ``PX_NONE`` enters at the market.
    entry_ttl_ns : int
        Cancel what is left of the entry after this time; 0 means never.
    tag : str
        Why the trade was entered.

    Raises
    ------
    OrderError
        A number is not a whole one, or out of range. NumPy's integers become Python's.
    """

    side: int
    size: int
    stop_ticks: int
    target_ticks: int
    time_stop_ns: int = 0
    entry_px: int = PX_NONE
    entry_ttl_ns: int = 10_000_000_000
    tag: str = "entry"

    def __post_init__(self) -> None:
        whole_fields(self, "bracket", "side", "size", "stop_ticks", "target_ticks")
        whole_fields(self, "bracket", "time_stop_ns", "entry_px", "entry_ttl_ns")
        if self.side not in (Side.BUY, Side.SELL):
            raise OrderError(f"bracket: side is {self.side}, expected 1 (buy) or -1 (sell)")
        if min(self.size, self.stop_ticks, self.target_ticks) <= 0:
            raise OrderError(
                f"bracket: size {self.size}, stop {self.stop_ticks} and target {self.target_ticks} ticks "
                "must be positive"
            )
        if min(self.time_stop_ns, self.entry_ttl_ns) < 0:
            raise OrderError(
                f"bracket: time_stop_ns {self.time_stop_ns} and entry_ttl_ns {self.entry_ttl_ns} must be 0 or more"
            )


@dataclass(frozen=True, slots=True)
class Send:
    """Command: send this order, after the risk check."""

    order: Order


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Command: cancel this order."""

    client_id: int


Command = Send | CancelOrder


@dataclass(slots=True)
class _Leg:
    order: Order
    kind: str
    filled: int = 0
    final: bool = False
    cancel_asked: bool = False

    @property
    def remaining(self) -> int:
        return 0 if self.final else self.order.size - self.filled


class Bracket:
    """State machine of one trade.

    Parameters
    ----------
    plan : BracketPlan
        What to do.
    new_id : callable
        Gives client ids that were not used before.
    reduce_only : bool
        Whether the venue lets such an order never trade more than is held.
    """

    def __init__(self, plan: BracketPlan, new_id: Callable[[], int], *, reduce_only: bool = True) -> None:
        self.plan = plan
        self._new_id = new_id
        self._reduce_only = reduce_only
        self._legs: dict[int, _Leg] = {}
        self._entered = 0
        self._exited = 0
        self._closing = ""
        self._blocked_until = 0
        self._now = 0
        self._started = -1
        self.entry_ts = 0
        """Time of the first fill, ns UTC; 0 before it."""
        self.base_px = PX_NONE
        """Price of the first fill in ticks: stop and target are measured from it."""
        self.done = False

    @property
    def net(self) -> int:
        """Contracts held in the direction of the entry."""
        return self._entered - self._exited

    @property
    def phase(self) -> BracketPhase:
        """Where the bracket is."""
        if self.done:
            return BracketPhase.DONE
        if self._closing or self._exited:
            return BracketPhase.CLOSING
        return BracketPhase.OPEN if self._entered else BracketPhase.ENTERING

    @property
    def closing(self) -> str:
        """Why the bracket leaves; empty while it does not."""
        return self._closing

    @property
    def stop_px(self) -> int:
        """Trigger of the protective stop in ticks; ``PX_NONE`` before the first fill."""
        return PX_NONE if self.base_px == PX_NONE else self.base_px - self.plan.side * self.plan.stop_ticks

    @property
    def target_px(self) -> int:
        """Price of the target in ticks; ``PX_NONE`` before the first fill."""
        return PX_NONE if self.base_px == PX_NONE else self.base_px + self.plan.side * self.plan.target_ticks

    @property
    def client_ids(self) -> tuple[int, ...]:
        """Ids of all orders of this bracket, in the order of sending."""
        return tuple(self._legs)

    def owns(self, client_id: int) -> bool:
        """Whether an order belongs to this bracket."""
        return client_id in self._legs

    def start(self, now_ns: int) -> list[Command]:
        """Send the entry."""
        if self._started >= 0:
            raise OrderError("bracket: started twice")
        self._now = self._started = now_ns
        type_ = OrderType.MARKET if self.plan.entry_px == PX_NONE else OrderType.LIMIT
        return [self._send("entry", self.plan.side, self.plan.size, type_, self.plan.entry_px, self.plan.tag)]

    def on_reports(self, reports: Iterable[Report], now_ns: int) -> list[Command]:
        """Take the venue's reports (others' are ignored) and return what to do about them."""
        self._now = max(self._now, now_ns)
        for report in reports:
            leg = self._legs.get(report.client_id)
            if leg is not None:
                self._apply(leg, report)
        if self.done and self.net != 0:  # an order filled after it was reported to have ended
            self.done = False
            self._close("late_fill")
        return self._react()

    def on_closed(self, size: int, now_ns: int) -> list[Command]:
        """Somebody closed ``size`` contracts of the trade by hand: the rest is left too."""
        self._now = max(self._now, now_ns)
        self._exited += size
        self._close("closed_by_hand")
        return self._react()

    def on_refused(self, client_id: int, now_ns: int) -> list[Command]:
        """The risk manager refused an order: a lost stop or target closes the trade, a lost exit is retried later."""
        self._now = max(self._now, now_ns)
        leg = self._legs.get(client_id)
        if leg is None:
            raise OrderError(f"bracket: order {client_id} is not one of its own")
        self._lose(leg)
        return self._react()

    def on_unsent(self, client_id: int, now_ns: int) -> list[Command]:
        """An order is known never to have left: what it was for is asked for again, an entry is not."""
        self._now = max(self._now, now_ns)
        leg = self._legs.get(client_id)
        if leg is None:
            raise OrderError(f"bracket: order {client_id} is not one of its own")
        leg.final = True
        return self._react()

    @property
    def wakes_ns(self) -> int | None:
        """When ``on_time`` has something to do next, ns UTC; None while only reports matter."""
        due: list[int] = []
        if self.done:
            return None
        if self.plan.time_stop_ns and self.entry_ts and not self._closing and not self._exited:
            due.append(self.entry_ts + self.plan.time_stop_ns)
        if self.plan.entry_ttl_ns and self._working("entry", self.plan.side):
            due.append(self._started + self.plan.entry_ttl_ns)
        if self.net != 0 and self._closing and self._blocked_until > self._now:
            due.append(self._blocked_until)
        return min(due, default=None)

    def on_time(self, now_ns: int) -> list[Command]:
        """Let time pass: time stop, entry timeout, retries."""
        self._now = max(self._now, now_ns)
        if self.plan.time_stop_ns and self.entry_ts and self._now - self.entry_ts >= self.plan.time_stop_ns:
            self._close("time_stop")
        commands: list[Command] = []
        if self.plan.entry_ttl_ns and self._now - self._started >= self.plan.entry_ttl_ns:
            commands += self._cancel("entry")
        return commands + self._react()

    def flatten(self, reason: str, now_ns: int) -> list[Command]:
        """Leave at the market; ``reason`` becomes the tag of the exit."""
        self._now = max(self._now, now_ns)
        self._close(reason)
        return self._react()

    def _apply(self, leg: _Leg, report: Report) -> None:
        if report.status == "filled":
            leg.filled += report.size
            leg.final = leg.final or leg.filled >= leg.order.size
            if leg.order.side == self.plan.side:
                self._entered += report.size
            else:
                self._exited += report.size
            if leg.kind == "entry" and self.base_px == PX_NONE:
                self.base_px, self.entry_ts = report.px, report.ts
        elif report.status in ("cancelled", "rejected") and not leg.final:
            if leg.cancel_asked and report.status == "cancelled":
                leg.final = True
            else:
                self._lose(leg)

    def _lose(self, leg: _Leg) -> None:
        leg.final = True
        if leg.kind in ("stop", "target"):
            self._close(f"{leg.kind}_lost")
        elif leg.kind == "close":
            self._blocked_until = self._now + _RETRY_NS

    def _close(self, reason: str) -> None:
        self._closing = self._closing or reason

    def _react(self) -> list[Command]:
        if self.done:
            return []
        out: list[Command] = []
        if self._exited or self._closing:
            out += self._cancel("entry")
        if self.net > 0 and not self._closing:
            out += self._protect()
        elif self.net != 0:
            self._close("excess_closed" if self.net < 0 else "exit")
            out += self._cancel("stop") + self._cancel("target") + self._leave()
        elif self._exited or self._closing:
            # Flat for now; an entry whose cancel loses the race is closed again at once.
            self._close("flat")
            out += self._cancel("stop") + self._cancel("target") + self._cancel("close")
        if self.net == 0 and not any(leg.remaining for leg in self._legs.values()):
            self.done = True
        return out

    def _protect(self) -> list[Command]:
        out: list[Command] = []
        side = -self.plan.side
        missing = self.net - self._working("stop", side)
        if missing > 0:
            out.append(self._send("stop", side, missing, OrderType.STOP, self.stop_px, "stop"))
        missing = self.net - self._working("target", side)
        if missing > 0:
            out.append(self._send("target", side, missing, OrderType.LIMIT, self.target_px, "target"))
        return out

    def _leave(self) -> list[Command]:
        side = -self.plan.side if self.net > 0 else self.plan.side
        under_way = self._working("close", side) if self._reduce_only else self._alive(side)
        missing = abs(self.net) - under_way
        if missing <= 0 or self._now < self._blocked_until:
            return []
        return [self._send("close", side, missing, OrderType.MARKET, PX_NONE, self._closing)]

    def _working(self, kind: str, side: int) -> int:
        return sum(
            leg.remaining
            for leg in self._legs.values()
            if leg.kind == kind and leg.order.side == side and not leg.cancel_asked
        )

    def _alive(self, side: int) -> int:
        """Contracts of one side that may still trade, orders whose cancel is on its way included."""
        return sum(leg.remaining for leg in self._legs.values() if leg.order.side == side)

    def _cancel(self, kind: str) -> list[Command]:
        out: list[Command] = []
        for client_id, leg in self._legs.items():
            if leg.kind == kind and leg.remaining and not leg.cancel_asked:
                leg.cancel_asked = True
                out.append(CancelOrder(client_id))
        return out

    def _send(self, kind: str, side: int, size: int, type_: OrderType, px: int, tag: str) -> Send:
        order = Order(self._new_id(), side, size, type_, px, reduce_only=kind != "entry", tag=tag)
        self._legs[order.client_id] = _Leg(order, kind)
        return Send(order)
