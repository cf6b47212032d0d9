"""Contracts and orders outside trades, and how they are left: sent by hand, adopted, or accepted from the vendor.

Nothing tells the exchange that an order may only reduce, so the exit never exceeds what is held less what other
orders may still close: those are cancelled first, and what they leave over is closed when their end is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from quantumtrader.execution.manager import OrderExecutionManagerV4
from quantumtrader.execution.orders import OrderState
from quantumtrader.execution.risk import Refused, RiskState
from quantumtrader.types import Order

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
        self.reason = ""
        """Why everything is being left; empty while nothing is."""
        self._exit = 0
        self._lost = 0
        self._due = 0

    @property
    def contracts(self) -> int:
        """Contracts, signed, that no bracket holds."""
        books = self._manager.books
        return books.ledger.position - sum(b.plan.side * b.net for b in books.live.values())

    @property
    def orders(self) -> list[OrderState]:
        """Orders outside brackets that have not ended."""
        books = self._manager.books
        return [s for s in books.table.open_orders if not books.bracket_of(s.order.client_id)]

    @property
    def held(self) -> bool:
        """Whether there is something that is not being left."""
        return not self.reason and bool(self.contracts or self.orders)

    def begin(self, reason: str) -> None:
        """Leave from now on; ``reason`` becomes the tag of the exits, unless another one was first."""
        self.reason = self.reason or reason

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
        if not self.reason or manager.risk.tripped_hard or manager.journal.failed:
            return None
        self._watch(now)
        for working in self.orders:
            if working.order.client_id != self._exit and not working.cancel_asked:
                manager.cancel(working.order.client_id)
        left, orders = self.contracts, self.orders
        if not (left or orders):
            self.reason, self._lost = "", 0
            return None
        side = -1 if left > 0 else 1
        coming = sum(s.remaining for s in orders if s.order.side == side)
        size = min(abs(left) - coming, max(0, -side * manager.position))
        if size <= 0 or now < self._due or not (manager.ready and priced):
            return None
        order = Order(manager.books.free_id(), side, size, reduce_only=True, tag=self.reason)
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
        _log.warning("%+d contracts outside trades are still held: %s", self.contracts, why)
        if self._lost == self._most_lost or (self._lost > self._most_lost and not self._manager.risk.tripped):
            self._manager.halt(
                f"{self.contracts:+d} contracts outside trades cannot be closed after {self._lost} attempts; "
                f"the last: {why}"
            )
