"""An order manager on a gateway whose answers the test writes by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from crash_world import LIMITS, SETTINGS, START, WDO
from quantumtrader.execution import (
    Approved,
    GatewayReport,
    ManagerSettings,
    OrderDetails,
    OrderExecutionManagerV4,
    OrderJournal,
    OrderRef,
    OrderTicket,
    RiskManager,
    RiskState,
    VendorPosition,
)
from quantumtrader.execution.order_journal import read_journal
from quantumtrader.types import PX_NONE, Order, OrderType


class Scripted:
    """A gateway whose answers the test writes by hand."""

    account, symbol, connected = "15003:777", "WDOV26", True

    def __init__(self) -> None:
        self.known: dict[int, OrderDetails] = {}
        self.sent: list[OrderTicket] = []
        self.cancelled: list[OrderRef] = []
        self.others: list[OrderDetails] = []
        self.reports: list[GatewayReport] = []
        self.held = VendorPosition(0)
        self.fails: Exception | None = None
        self.zeroed = 0

    def send(self, ticket: OrderTicket) -> int:
        self.sent.append(ticket)
        if self.fails is not None:
            raise self.fails
        return len(self.sent)

    def show(self, local_id: int, **changes: Any) -> None:
        """Make the vendor's order look like this."""
        ticket = self.sent[local_id - 1]
        base = self.known.get(local_id) or OrderDetails(
            OrderRef(local_id, f"C{local_id}"), self.symbol, ticket.side, ticket.size, ticket.type, ticket.px,
            ticket.stop_px, 0, ticket.size, math.nan, 0,
        )  # fmt: skip
        self.known[local_id] = replace(base, **changes)

    def details(self, ref: OrderRef) -> OrderDetails | None:
        for d in (*self.known.values(), *self.others):
            if (ref.cl_ord_id and d.ref.cl_ord_id == ref.cl_ord_id) or d.ref.local_id == ref.local_id > 0:
                return d
        return None

    def orders(self) -> list[OrderDetails]:
        return [*self.known.values(), *self.others]

    def position(self) -> VendorPosition:
        return self.held

    def cancel(self, ref: OrderRef) -> None:
        self.cancelled.append(ref)

    def cancel_all(self) -> None:
        self.cancelled.append(OrderRef())

    def zero_position(self) -> int:
        self.zeroed += 1
        return 99

    def take_reports(self) -> list[GatewayReport]:
        out, self.reports = self.reports, []
        return out


class Now:
    ns = START

    def now_ns(self) -> int:
        return self.ns


class Bench:
    """A manager on a scripted gateway."""

    def __init__(
        self, path: Path, settings: ManagerSettings = SETTINGS, gateway: Scripted | None = None
    ) -> None:
        self.gateway = gateway or Scripted()
        self.clock = Now()
        self.path = path
        self.journal = OrderJournal(path)
        self.risk = RiskManager(LIMITS, WDO)
        self.manager = OrderExecutionManagerV4(
            self.gateway, self.journal, WDO, self.risk, settings, self.clock
        )
        self.books = self.manager.books

    def approve(self, order: Order) -> Approved[Order]:
        state = RiskState(self.clock.ns, self.manager.position, 0, 0, 0.0, 0.0, 1000, 1001, 1000)
        answer = self.risk.check(order, state)
        assert isinstance(answer, Approved), answer
        return answer

    def buy(self, size: int = 3, px: int = PX_NONE) -> int:
        type_ = OrderType.MARKET if px == PX_NONE else OrderType.LIMIT
        return self.manager.submit(self.approve(Order(self.books.free_id(), 1, size, type_, px)))

    def wait(self, ns: int) -> None:
        self.clock.ns += ns
        self.manager.poll()

    def kinds(self) -> list[str]:
        return [r["kind"] for r in read_journal(self.path)[0]]
