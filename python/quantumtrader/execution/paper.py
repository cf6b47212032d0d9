"""A broker on top of a venue: orders on paper, through the same gateway as real ones.

``PaperBroker`` is the world outside: exchange, order numbers, position. It outlives its clients. ``PaperGateway`` is
one client's session with it and behaves as the vendor's library does: numbers of the session start again with every
login, the permanent number comes with the exchange's acceptance, reports say only that something changed, and
details are snapshots.

Two things differ from the exchange: a stop becomes a market order when it triggers (its limit is shown, not
enforced), and a change takes the order out and puts it back behind the queue.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import dataclass, field

from quantumtrader._protocols import VenueProtocol
from quantumtrader.clock import Clock
from quantumtrader.exceptions import GatewayError, OrderError, OrderRefusedError
from quantumtrader.execution.gateway import (
    GatewayReport,
    OrderDetails,
    OrderRef,
    OrderTicket,
    ReportKind,
    VendorPosition,
)
from quantumtrader.execution.orders import Report
from quantumtrader.types import Events, Instrument, OrderType

__all__ = ["PaperBroker", "PaperGateway"]

_log = logging.getLogger(__name__)

_NEW, _PARTIAL, _FILLED, _CANCELLED, _REJECTED = 0, 1, 2, 4, 8
_PARTIAL_CANCELLED, _CLIENT_CREATED = 15, 203
_QUEUE = 10_000


@dataclass(slots=True)
class _Held:
    """One order as the broker has it."""

    number: int
    ticket: OrderTicket
    size: int
    created_ns: int
    session: int
    local_id: int
    venue_id: int
    cl_ord_id: str = ""
    status: int = _CLIENT_CREATED
    traded: int = 0
    amount: int = 0
    updated_ns: int = 0
    events: int = 0
    text: str = ""
    replacement: OrderTicket | None = None
    log: list[tuple[int, int, int]] = field(default_factory=list)
    """Executions as the exchange made them: ``(ts, px, size)``."""

    @property
    def ended(self) -> bool:
        return self.status in (_FILLED, _CANCELLED, _REJECTED, _PARTIAL_CANCELLED)


class PaperBroker:
    """Exchange and broker in one: orders, numbers, position.

    Parameters
    ----------
    venue : VenueProtocol
        Where orders trade.
    instrument : Instrument
        What is traded.
    clock : Clock
        Time at which orders are sent.
    account : str
        Name of the account.
    """

    def __init__(
        self, venue: VenueProtocol, instrument: Instrument, clock: Clock, account: str = "paper"
    ) -> None:
        self._venue = venue
        self.instrument = instrument
        self.account = account
        self.clock = clock
        self.held: list[_Held] = []
        self.position = 0
        self._cost = 0.0
        self._by_venue: dict[int, _Held] = {}
        self._venue_ids = 0
        self._session = 0
        self._gateway: PaperGateway | None = None

    def connect(self) -> PaperGateway:
        """Log a client in; an older session ends, as with one login per key."""
        if self._gateway is not None:
            self._gateway.connected = False
        self._session += 1
        self._gateway = PaperGateway(self, self._session)
        return self._gateway

    def update_many(self, events: Events) -> None:
        """Let the market go on by recorded events."""
        self._venue.update_many(events)
        self._hear()

    def advance(self, until_ns: int) -> None:
        """Let time pass without events."""
        self._venue.advance(until_ns)
        self._hear()

    @property
    def _now(self) -> int:
        return max(self.clock.now_ns(), self._venue.now_ns)

    def send(self, ticket: OrderTicket, session: int, local_id: int) -> None:
        """Take an order from a session."""
        now = self._now
        held = _Held(len(self.held) + 1, ticket, ticket.size, now, session, local_id, 0, updated_ns=now)
        self._submit(held, ticket, ticket.size, now)
        self.held.append(held)
        self._tell(held)

    def _submit(self, held: _Held, ticket: OrderTicket, size: int, now: int) -> None:
        self._venue_ids += 1
        px = ticket.stop_px if ticket.type is OrderType.STOP else ticket.px
        self._venue.submit(self._venue_ids, ticket.side, size, ticket.type.value, px, False, now)
        held.venue_id = self._venue_ids
        self._by_venue[held.venue_id] = held

    def cancel(self, held: _Held) -> None:
        """Ask the exchange to cancel."""
        if held.ended:
            raise OrderRefusedError(f"order {held.cl_ord_id or held.local_id} is not working")
        held.replacement = None
        self._venue.cancel(held.venue_id, self._now)

    def change(self, held: _Held, ticket: OrderTicket) -> None:
        """Ask the exchange to put another order in the place of this one."""
        if held.ended or ticket.size <= held.traded:
            raise OrderRefusedError(f"order {held.cl_ord_id or held.local_id} cannot be changed")
        held.replacement = ticket
        self._venue.cancel(held.venue_id, self._now)

    def find(self, ref: OrderRef, session: int) -> _Held | None:
        """Return the order that a session calls so."""
        for held in reversed(self.held):
            if (ref.cl_ord_id and held.cl_ord_id == ref.cl_ord_id) or (
                not ref.cl_ord_id and held.session == session and held.local_id == ref.local_id
            ):
                return held
        return None

    def details(self, held: _Held, session: int) -> OrderDetails:
        """Snapshot of an order as a session sees it."""
        ticket = held.ticket
        return OrderDetails(
            ref=OrderRef(held.local_id if held.session == session else 0, held.cl_ord_id),
            symbol=self.instrument.symbol,
            side=ticket.side,
            size=held.size,
            type=ticket.type,
            px=ticket.px,
            stop_px=ticket.stop_px,
            traded=held.traded,
            leaves=0 if held.ended else held.size - held.traded,
            average_px=held.amount / held.traded if held.traded else math.nan,
            status=held.status,
            text=held.text,
            created_ns=held.created_ns,
            updated_ns=held.updated_ns,
            event_id=held.events,
        )

    @property
    def average_px(self) -> float:
        """Average price of the position in ticks; NaN when flat."""
        return self._cost / self.position if self.position else math.nan

    def _hear(self) -> None:
        for raw in self._venue.take_reports():
            report = Report._make(raw)
            held = self._by_venue[report.client_id]
            self._apply(held, report)
            held.updated_ns = max(held.updated_ns, report.ts)
            held.events += 1
            self._tell(held)

    def _apply(self, held: _Held, report: Report) -> None:
        if report.status == "accepted":
            held.cl_ord_id = held.cl_ord_id or f"PAPER{held.number:09d}"
            held.status = _PARTIAL if held.traded else _NEW
        elif report.status == "filled":
            held.traded += report.size
            held.amount += report.px * report.size
            held.log.append((report.ts, report.px, report.size))
            held.status = _FILLED if held.traded == held.size else _PARTIAL
            self._book(report)
        elif (
            report.status == "cancelled"
            and held.replacement is not None
            and held.venue_id == report.client_id
        ):
            held.ticket, held.size, held.replacement = held.replacement, held.replacement.size, None
            if held.traded < held.size:
                self._submit(held, held.ticket, held.size - held.traded, self._now)
            else:
                held.status = _FILLED
        elif report.status == "cancelled":
            held.status, held.text = (_PARTIAL_CANCELLED if held.traded else _CANCELLED), report.reason
        elif report.status == "rejected":
            held.cl_ord_id = held.cl_ord_id or f"PAPER{held.number:09d}"
            held.status, held.text = (_PARTIAL_CANCELLED if held.traded else _REJECTED), report.reason
        else:  # a cancel that found nothing
            held.replacement = None

    def _book(self, report: Report) -> None:
        signed = report.side * report.size
        if self.position * signed < 0:
            closing = min(abs(signed), abs(self.position))
            self._cost -= self._cost * closing / abs(self.position)
            opening = (abs(signed) - closing) * report.side
        else:
            opening = signed
        self.position += signed
        self._cost = 0.0 if self.position == 0 else self._cost + opening * report.px

    def _tell(self, held: _Held) -> None:
        if self._gateway is not None:
            self._gateway.hear(self.details(held, self._gateway.session).ref)


class PaperGateway:
    """One client's session with a paper broker; an ``OrderGateway``. Made by ``PaperBroker.connect``."""

    def __init__(self, broker: PaperBroker, session: int) -> None:
        self._broker = broker
        self.session = session
        self.connected = True
        self._last_id = 0
        self._reports: deque[GatewayReport] = deque()

    @property
    def account(self) -> str:
        """Name of the account."""
        return self._broker.account

    @property
    def symbol(self) -> str:
        """Contract."""
        return self._broker.instrument.symbol

    def hear(self, ref: OrderRef) -> None:
        """Take the broker's hint that an order changed; too many unread ones become one that says so."""
        if len(self._reports) >= _QUEUE:
            self._reports.clear()
            self._reports.append(GatewayReport(ReportKind.LOST))
        self._reports.append(GatewayReport(ReportKind.ORDER, ref))

    def _require(self) -> None:
        if not self.connected:
            raise GatewayError("the session with the paper broker has ended")

    def _find(self, ref: OrderRef) -> _Held:
        self._require()
        held = self._broker.find(ref, self.session)
        if held is None:
            raise OrderRefusedError(f"the paper broker knows no order {ref.cl_ord_id or ref.local_id}")
        return held

    def send(self, ticket: OrderTicket) -> int:
        """Send an order."""
        if not self.connected:
            raise OrderRefusedError("the session with the paper broker has ended")
        self._last_id += 1
        try:
            self._broker.send(ticket, self.session, self._last_id)
        except OrderError as error:
            raise OrderRefusedError(str(error)) from error
        return self._last_id

    def change(self, ref: OrderRef, size: int, px: int, stop_px: int) -> None:
        """Ask to change an order."""
        held = self._find(ref)
        self._broker.change(held, OrderTicket(held.ticket.side, size, held.ticket.type, px, stop_px))

    def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order."""
        self._broker.cancel(self._find(ref))

    def cancel_all(self) -> None:
        """Ask to cancel every order."""
        self._require()
        for held in self._broker.held:
            if not held.ended:
                self._broker.cancel(held)

    def zero_position(self) -> int:
        """Close the position at the market."""
        position = self._broker.position
        if position == 0:
            raise OrderRefusedError("there is no position")
        return self.send(OrderTicket(-1 if position > 0 else 1, abs(position), OrderType.MARKET))

    def details(self, ref: OrderRef) -> OrderDetails | None:
        """Snapshot of one order."""
        self._require()
        held = self._broker.find(ref, self.session)
        return None if held is None else self._broker.details(held, self.session)

    def orders(self) -> list[OrderDetails]:
        """Every order that the exchange has taken, and those of this session."""
        self._require()
        return [
            self._broker.details(held, self.session)
            for held in self._broker.held
            if held.cl_ord_id or held.session == self.session
        ]

    def position(self) -> VendorPosition:
        """Position of the account."""
        self._require()
        return VendorPosition(self._broker.position, self._broker.average_px)

    def take_reports(self) -> list[GatewayReport]:
        """Hints since the last call."""
        reports = list(self._reports)
        self._reports.clear()
        return reports
