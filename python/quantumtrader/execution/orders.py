"""Orders on their way, and the only way to a venue: ``OrderManager.submit`` takes an ``Approved`` and nothing else.

``OrderTable`` follows each order through the venue's reports. ``OrderManager`` numbers orders and sends them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, MutableSequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from quantumtrader._protocols import VenueProtocol
from quantumtrader.exceptions import OrderError
from quantumtrader.execution.risk import Approved, Refused
from quantumtrader.types import Fill, Order, Side

__all__ = ["JournalEntry", "OrderManager", "OrderState", "OrderStatus", "OrderTable", "Report"]

_log = logging.getLogger(__name__)


class OrderStatus(StrEnum):
    """Where an order is. The last three are final."""

    SENT = "sent"
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def final(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self in (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED)


class Report(NamedTuple):
    """What a venue says about one order; the tuple of ``VenueProtocol.take_reports`` with names."""

    report_id: int
    client_id: int
    ts: int
    status: str
    side: int
    px: int
    size: int
    maker: bool
    fee: float
    reason: str = ""

    def to_fill(self) -> Fill:
        """Return the execution that a ``filled`` report describes."""
        return Fill(
            self.report_id, self.client_id, self.ts, self.side, self.px, self.size, self.maker, self.fee
        )


@dataclass(slots=True)
class OrderState:
    """An order on its way. ``filled`` counts contracts; ``sent_ts`` and ``done_ts`` are ns UTC, 0 unknown."""

    order: Order
    sent_ts: int
    status: OrderStatus = OrderStatus.SENT
    filled: int = 0
    done_ts: int = 0
    cancel_asked: bool = False
    reason: str = ""
    """The venue's words about its end."""

    @property
    def remaining(self) -> int:
        """Contracts that may still be filled; 0 once the order is final."""
        return 0 if self.status.final else self.order.size - self.filled


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal: what happened to which order, when and why."""

    ts: int
    event: str
    client_id: int
    detail: str


class OrderTable:
    """Knows the state of every order that was registered; sends nothing.

    Parameters
    ----------
    journal : mutable sequence of JournalEntry, optional
        Where to note what happens; a list by default.
    """

    def __init__(self, journal: MutableSequence[JournalEntry] | None = None) -> None:
        self._orders: dict[int, OrderState] = {}
        self._open: dict[int, OrderState] = {}
        self._seen: set[int] = set()
        self.journal: MutableSequence[JournalEntry] = [] if journal is None else journal

    def register(self, order: Order, now_ns: int) -> OrderState:
        """Take an order that is being sent into the table."""
        if order.client_id in self._orders:
            raise OrderError(f"order {order.client_id} was already sent; every order needs its own id")
        state = OrderState(order, now_ns)
        self._orders[order.client_id] = self._open[order.client_id] = state
        self._note(now_ns, "sent", order.client_id, f"{order.type} {order.side * order.size:+d} {order.tag}")
        return state

    def refused(self, refusal: Refused) -> None:
        """Record a refusal of the risk manager."""
        self._note(refusal.ts, "refused", refusal.order.client_id, refusal.message)

    def apply(self, reports: Iterable[Report]) -> list[Report]:
        """Apply reports; one that was seen before is ignored, so redelivery is harmless."""
        fresh: list[Report] = []
        for report in reports:
            if report.report_id in self._seen:
                continue
            self._seen.add(report.report_id)
            self._apply_one(report)
            fresh.append(report)
        return fresh

    def _apply_one(self, report: Report) -> None:
        state = self[report.client_id]
        if report.status == "accepted":
            if not state.status.final and state.filled == 0:
                state.status = OrderStatus.WORKING
        elif report.status == "filled":
            state.filled += report.size
            if state.filled > state.order.size:
                raise OrderError(
                    f"order {report.client_id}: {state.filled} contracts filled of {state.order.size}; "
                    "the venue's reports are inconsistent"
                )
            if state.filled == state.order.size:
                state.status = OrderStatus.FILLED
            elif not state.status.final:  # a fill that comes after the end of its order does not revive it
                state.status = OrderStatus.WORKING
        elif report.status in ("cancelled", "rejected"):
            if not state.status.final:  # one that comes after the last fill changes nothing
                state.status, state.reason = OrderStatus(report.status), report.reason
        elif (
            report.status != "cancel_rejected"
        ):  # that one changes nothing: the order's own end is reported apart
            raise OrderError(f"order {report.client_id}: unknown report status {report.status!r}")
        if state.status.final:
            state.done_ts = state.done_ts or report.ts
            self._open.pop(report.client_id, None)
        self._note(
            report.ts, report.status, report.client_id, f"{report.side * report.size:+d} at {report.px}"
        )

    def __getitem__(self, client_id: int) -> OrderState:
        try:
            return self._orders[client_id]
        except KeyError:
            raise OrderError(f"order {client_id} was never sent from here") from None

    def __contains__(self, client_id: int) -> bool:
        return client_id in self._orders

    @property
    def open_orders(self) -> tuple[OrderState, ...]:
        """Orders that are not final, oldest first."""
        return tuple(self._open.values())

    def working_entries(self, side: Side | int) -> int:
        """Contracts of one side in open orders that may add to the position."""
        return sum(
            s.remaining for s in self._open.values() if s.order.side == side and not s.order.reduce_only
        )

    def _note(self, ts: int, event: str, client_id: int, detail: str) -> None:
        self.journal.append(JournalEntry(ts, event, client_id, detail))
        _log.debug("order %d %s at %d: %s", client_id, event, ts, detail)


class OrderManager(OrderTable):
    """Sends approved orders to one venue and knows their state.

    Parameters
    ----------
    venue : VenueProtocol
        Simulated or live.
    """

    def __init__(self, venue: VenueProtocol) -> None:
        self.journal: list[JournalEntry] = []
        super().__init__(self.journal)
        self._venue = venue
        self._next_id = 1

    def next_id(self) -> int:
        """Return a client id that was not used before."""
        self._next_id += 1
        return self._next_id - 1

    def submit(self, approved: Approved[Order], now_ns: int) -> OrderState:
        """Send an approved order.

        Raises
        ------
        OrderError
            If it is not an ``Approved``, was used before or is too old, if its id was used before, or if the
            venue refuses its form.
        TradingHaltedError
            If the kill switch was moved since the order was approved.
        """
        if not isinstance(approved, Approved):
            raise OrderError(
                f"submit takes an Approved order from RiskManager.check, got {type(approved).__name__}"
            )
        order = approved.order
        if order.client_id in self:
            raise OrderError(f"order {order.client_id} was already sent; every order needs its own id")
        approved.use(now_ns)
        self._venue.submit(
            order.client_id, order.side, order.size, order.type.value, order.px, order.reduce_only, now_ns
        )
        return self.register(order, now_ns)

    def cancel(self, client_id: int, now_ns: int) -> None:
        """Ask to cancel an order; a second request for the same order is not sent."""
        state = self[client_id]
        if state.status.final or state.cancel_asked:
            return
        self._venue.cancel(client_id, now_ns)
        state.cancel_asked = True
        self._note(now_ns, "cancel_asked", client_id, state.order.tag)

    def take_reports(self) -> list[Report]:
        """Fetch the venue's reports, apply them to the order states, and return the new ones in order."""
        return self.apply(Report._make(raw) for raw in self._venue.take_reports())
