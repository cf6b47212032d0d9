"""Contracts and orders outside trades, and how they are left: sent by hand, adopted, or accepted from the vendor.

Nothing tells the exchange that an order may only reduce, so the exit never exceeds what is held less what other
orders may still close: those are cancelled first, and what they leave over is closed when their end is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from quantumtrader.execution.manager import OrderExecutionManagerV4
from quantumtrader.execution.orders import OrderState, OrderStatus
from quantumtrader.execution.risk import Refused, RiskState
from quantumtrader.types import Order, OrderType

__all__ = ["LooseExit"]

_log = logging.getLogger(__name__)


class LooseExit:
    """Leaves at the market with what no bracket holds; to be asked again and again until it is done.

    Parameters
    ----------
    manager : OrderExecutionManagerV4
        Orders; exits pass its risk manager.
    retry_ns : int
        Pause after an exit that was refused or rejected, in ns.
    most_lost : int
        Exits lost one after the other until the kill switch is thrown; they are tried further on.
    """

    def __init__(self, manager: OrderExecutionManagerV4, retry_ns: int, most_lost: int) -> None:
        self._manager = manager
        self._retry_ns, self._most_lost = retry_ns, most_lost
        self._exit = 0
        self._lost = 0
        self._due = 0

    @property
    def held(self) -> bool:
        """Whether there is something that is not being left."""
        books = self._manager.books
        return not books.leaving and bool(books.loose_contracts or books.loose_orders)

    @property
    def opening(self) -> list[OrderState]:
        """Orders that would open or enlarge what no bracket holds."""
        books = self._manager.books
        side = -1 if books.loose_contracts > 0 else 1 if books.loose_contracts < 0 else 0
        return [s for s in books.loose_orders if s.order.side != side]

    @property
    def unguarded(self) -> int:
        """Contracts, signed, that no bracket holds and no stop at the exchange guards."""
        books = self._manager.books
        held = books.loose_contracts
        side = -1 if held > 0 else 1
        stops = sum(
            s.remaining
            for s in books.loose_orders
            if s.order.side == side and s.order.type is OrderType.STOP and s.status is OrderStatus.WORKING
        )
        return -side * max(0, abs(held) - stops)

    def begin(self, reason: str) -> None:
        """Leave from now on; ``reason`` becomes the tag of the exits, unless another one was first."""
        self._manager.leave_loose(reason)

    def cancel_opening(self) -> None:
        """Cancel what would open or enlarge; what reduces stays."""
        for working in self.opening:
            if not working.cancel_asked:
                self._manager.cancel(working.order.client_id)

    def step(self, state: Callable[[], RiskState], priced: bool) -> Refused | None:
        """Do what can be done now; returns the refusal of the risk manager, if there was one.

        Parameters
        ----------
        state : callable
            Gives what the risk manager may know.
        priced : bool
            Whether any price is known; without one nothing is sent.
        """
        manager, now = self._manager, self._manager.clock.now_ns()
        books = manager.books
        if not books.leaving:
            self._exit = self._lost = 0
            return None
        if manager.risk.tripped_hard or manager.journal.failed:
            return None
        self._watch(now)
        for working in books.loose_orders:
            if not (_is_exit(working) or working.cancel_asked):
                manager.cancel(working.order.client_id)
        left, orders = books.loose_contracts, books.loose_orders
        side = -1 if left > 0 else 1
        coming = sum(s.remaining for s in orders if s.order.side == side)
        size = min(abs(left) - coming, max(0, -side * manager.position))
        if size <= 0 or now < self._due or not (manager.ready and priced):
            return None
        order = Order(manager.books.free_id(), side, size, reduce_only=True, tag=books.leaving)
        answer = manager.risk.check(order, state())
        if isinstance(answer, Refused):
            self._lose(answer.message, now)
            return answer
        self._exit = order.client_id
        manager.submit(answer)
        self._watch(now)
        return None

    def _watch(self, now: int) -> None:
        table = self._manager.books.table
        if self._exit not in table or not table[self._exit].status.final:
            return
        ended, self._exit = table[self._exit], 0
        if ended.filled:
            self._lost = 0
        if ended.filled < ended.order.size:
            self._lose(
                f"order {ended.order.client_id} {ended.status}: {ended.reason or 'no reason given'}", now
            )

    def _lose(self, why: str, now: int) -> None:
        self._lost += 1
        self._due = now + self._retry_ns
        held = self._manager.books.loose_contracts
        _log.warning("%+d contracts outside trades are still held: %s", held, why)
        if self._lost == self._most_lost or (self._lost > self._most_lost and not self._manager.risk.tripped):
            self._manager.halt(
                f"{held:+d} contracts outside trades cannot be closed after {self._lost} attempts; the last: {why}"
            )


def _is_exit(state: OrderState) -> bool:
    """Whether it leaves at the market already: one of ours, or of somebody who does the same."""
    return state.order.reduce_only and state.order.type is OrderType.MARKET
