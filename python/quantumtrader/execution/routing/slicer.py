"""One parent order as a state machine: market, reports and time in, commands out.

The machine is pure, like a bracket: the caller sends its children through risk manager and order manager. A policy
(``twap``, ``pov``, ``flow``) only says what should be working now, ``Aim(px, size)``; this class compares that with what is
working and asks for the difference. So partial fills, rejections, halts and lost races need no cases in a policy.

Invariants (Hypothesis explores them in ``tests/unit/execution/test_routing.py``):

- filled plus everything that may still fill never exceeds the parent's size: a replacement waits until the cancel of what
  it replaces is confirmed;
- no child off the lot, beyond the limit price, or above ``max_participation`` of the traded volume;
- nothing is sent before the start, in a halt, or after the end; at the end what is left is cancelled, and DONE means that
  no child is alive.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from quantumtrader.exceptions import OrderError
from quantumtrader.execution.brackets import CancelOrder, Command, Send
from quantumtrader.execution.orders import Report
from quantumtrader.execution.routing.parent import MarketView, ParentOrder
from quantumtrader.types import Order, OrderType

__all__ = ["Aim", "Child", "Router", "Slicer"]

_RETRY_NS = 1_000_000_000
_MAX_REFUSALS = 10


class Router(Protocol):
    """What the caller of a parent order needs: every slicer is one."""

    parent: ParentOrder

    @property
    def done(self) -> bool: ...  # noqa: D102
    @property
    def filled(self) -> int: ...  # noqa: D102
    def owns(self, client_id: int) -> bool: ...  # noqa: D102
    def on_market(self, market: MarketView) -> list[Command]: ...  # noqa: D102
    def on_reports(self, reports: Iterable[Report], now_ns: int) -> list[Command]: ...  # noqa: D102
    def on_refused(self, client_id: int, now_ns: int) -> list[Command]: ...  # noqa: D102
    def on_time(self, now_ns: int) -> list[Command]: ...  # noqa: D102
    def cancel(self, reason: str, now_ns: int) -> list[Command]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Aim:
    """What a policy wants to be working: ``size`` contracts at ``px`` ticks, and why."""

    px: int
    size: int
    why: str


@dataclass(slots=True)
class Child:
    """One child order."""

    order: Order
    why: str
    sent_ts: int
    filled: int = 0
    final: bool = False
    cancel_asked: bool = False

    @property
    def remaining(self) -> int:
        """Contracts that may still fill."""
        return 0 if self.final else self.order.size - self.filled


class Slicer(ABC):
    """Works one parent order.

    Parameters
    ----------
    parent : ParentOrder
        What to do.
    new_id : callable
        Gives client ids that were not used before.
    """

    name: ClassVar[str]
    """Name in the registry."""

    def __init__(self, parent: ParentOrder, new_id: Callable[[], int]) -> None:
        self.parent = parent
        self.filled = 0
        """Contracts filled."""
        self.ended = ""
        """Why it ended; empty while it is worked."""
        self._new_id = new_id
        self._children: dict[int, Child] = {}
        self._alive: dict[int, Child] = {}
        self._first_volume: int | None = None
        self._volume: int | None = None
        self._now = parent.start_ns
        self._blocked_until = parent.start_ns
        self._refusals = 0

    @abstractmethod
    def aim(self, market: MarketView) -> Aim | None:
        """What should be working now, all of it; None for nothing. Asked only while there is a market to work in.

        ``size`` may exceed what is left or allowed: it is cut to that.
        """

    @property
    def children(self) -> tuple[Child, ...]:
        """All children, in the order of sending."""
        return tuple(self._children.values())

    @property
    def alive(self) -> tuple[Child, ...]:
        """Children that may still fill, oldest first."""
        return tuple(self._alive.values())

    @property
    def working(self) -> int:
        """Contracts that may still fill, children with an unconfirmed cancel included."""
        return sum(child.remaining for child in self._alive.values())

    @property
    def remaining(self) -> int:
        """Contracts not filled yet."""
        return max(0, self.parent.size - self.filled)

    @property
    def done(self) -> bool:
        """Whether nothing more can happen."""
        return bool(self.ended) and not self._alive

    @property
    def traded(self) -> int | None:
        """Contracts that the market traded since the start; None when not known."""
        if self._volume is None or self._first_volume is None:
            return None
        return self._volume - self._first_volume

    def owns(self, client_id: int) -> bool:
        """Whether an order is a child of this parent."""
        return client_id in self._children

    def on_market(self, market: MarketView) -> list[Command]:
        """Look at the market and return what to do."""
        self._now = max(self._now, market.ts)
        if market.ts < self.parent.start_ns or self.ended:
            return []
        if market.volume is not None:
            if self._first_volume is None:
                self._first_volume = market.volume
            self._volume = max(market.volume, self._volume or market.volume)
        if self._is_over():
            return self._cancel_all()
        if not market.continuous:
            return self._cancel_all()  # an order left resting would take part in an auction nobody asked for
        if not market.touch_ok:
            return []
        return self._towards(self.aim(market))

    def on_reports(self, reports: Iterable[Report], now_ns: int) -> list[Command]:
        """Take the venue's reports; others' are ignored."""
        self._now = max(self._now, now_ns)
        for report in reports:
            child = self._children.get(report.client_id)
            if child is not None:
                self._apply(child, report)
        return self._cancel_all() if self._is_over() else []

    def on_refused(self, client_id: int, now_ns: int) -> list[Command]:
        """The risk manager refused a child: try again a second later, and give up after ten in a row."""
        self._now = max(self._now, now_ns)
        child = self._children.get(client_id)
        if child is None:
            raise OrderError(f"slicer: order {client_id} is not one of its own")
        self._lose(child)
        return self._cancel_all() if self._is_over() else []

    def on_time(self, now_ns: int) -> list[Command]:
        """Let time pass without a market: the end comes all the same."""
        self._now = max(self._now, now_ns)
        return self._cancel_all() if self._is_over() else []

    def cancel(self, reason: str, now_ns: int) -> list[Command]:
        """End early; what is working is cancelled."""
        self._now = max(self._now, now_ns)
        self.ended = self.ended or reason
        return self._cancel_all()

    def _is_over(self) -> bool:
        if not self.ended:
            if self.filled >= self.parent.size:
                self.ended = "filled"
            elif self._now >= self.parent.end_ns:
                self.ended = "time"
            elif self._refusals >= _MAX_REFUSALS:
                self.ended = "refused"
        return bool(self.ended)

    def _apply(self, child: Child, report: Report) -> None:
        if report.status == "filled":
            child.filled += report.size
            self.filled += report.size
            child.final = child.final or child.filled >= child.order.size
            self._refusals = 0
        elif report.status in ("cancelled", "rejected") and not child.final:
            if child.cancel_asked and report.status == "cancelled":
                child.final = True
            else:
                self._lose(child)
        if child.final:
            self._alive.pop(child.order.client_id, None)

    def _lose(self, child: Child) -> None:
        child.final = True
        self._alive.pop(child.order.client_id, None)
        self._refusals += 1
        self._blocked_until = self._now + _RETRY_NS

    def _budget(self) -> int:
        """Contracts that may be sent on top of what is filled and working."""
        committed = self.filled + self.working
        free = self.parent.size - committed
        if self.parent.max_participation is not None:
            traded = self.traded
            allowed = 0.0 if traded is None else traded * self.parent.max_participation
            free = min(free, self.parent.whole_lots(allowed) - committed)
        return self.parent.whole_lots(free)

    def _towards(self, aim: Aim | None) -> list[Command]:
        px = None if aim is None else self.parent.bounded(aim.px)
        wanted = 0 if aim is None else min(self.parent.whole_lots(aim.size), self.remaining)
        out: list[Command] = []
        kept = 0
        for child in self._alive.values():
            if child.cancel_asked:
                continue
            if child.order.px == px and kept + child.remaining <= wanted:
                kept += child.remaining
            else:
                out.append(self._ask_cancel(child))
        # What is being cancelled counts until that is confirmed: it may still fill.
        missing = min(self.parent.whole_lots(wanted - self.working), self._budget())
        if missing < min(self.parent.least_child, self.remaining - self.working):
            missing = 0
        if aim is not None and px is not None and missing > 0 and self._now >= self._blocked_until:
            order = Order(
                self._new_id(),
                self.parent.side,
                missing,
                OrderType.LIMIT,
                px,
                reduce_only=self.parent.reduce_only,
                tag=self.parent.tag,
            )
            child = Child(order, aim.why, self._now)
            self._children[order.client_id] = self._alive[order.client_id] = child
            out.append(Send(order))
        return out

    def _cancel_all(self) -> list[Command]:
        return [self._ask_cancel(child) for child in self._alive.values() if not child.cancel_asked]

    def _ask_cancel(self, child: Child) -> CancelOrder:
        child.cancel_asked = True
        return CancelOrder(child.order.client_id)
