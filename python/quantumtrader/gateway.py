"""What stands between us and an exchange: the order gateway as brokers' libraries really behave.

Three facts shape the protocol. ``send`` answers with a number that is worth something only in this session; the
permanent number (``cl_ord_id``) appears later, with the order's details. A report says *that* an order changed,
never how: the client fetches the details, which are a snapshot and may be fetched any number of times. Reports
may be doubled, late, out of order or missing. And there is nothing on an order that its sender could mark it with,
no ``reduce_only`` and no one-cancels-other.

The vocabulary lives beside the types, because the rooms that implement it may not know the rooms that use it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from quantumtrader._generated.profitdll_codes import OrderStatus
from quantumtrader.types import PX_NONE, OrderType

__all__ = [
    "GatewayReport",
    "OrderDetails",
    "OrderGateway",
    "OrderRef",
    "OrderStage",
    "OrderTicket",
    "ReportKind",
    "VendorPosition",
    "stage_of",
]


class OrderStage(StrEnum):
    """Where the vendor says that an order is, in our words. The last three are final."""

    UNKNOWN = "unknown"
    """The status says nothing about the order."""
    SENT = "sent"
    """On its way to the exchange."""
    WORKING = "working"
    """In the exchange's hands, waiting triggers included."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def final(self) -> bool:
        """Whether nothing more is expected of the order."""
        return self in (OrderStage.FILLED, OrderStage.CANCELLED, OrderStage.REJECTED)


_STAGES: dict[int, OrderStage] = {
    OrderStatus.NEW: OrderStage.WORKING,
    OrderStatus.PARTIALLY_FILLED: OrderStage.WORKING,
    OrderStatus.FILLED: OrderStage.FILLED,
    OrderStatus.DONE_FOR_DAY: OrderStage.CANCELLED,
    OrderStatus.CANCELED: OrderStage.CANCELLED,
    OrderStatus.REPLACED: OrderStage.WORKING,  # the order lives on with its new values
    OrderStatus.PENDING_CANCEL: OrderStage.WORKING,  # it may still be filled
    OrderStatus.STOPPED: OrderStage.WORKING,  # a fill is guaranteed but has not happened
    OrderStatus.REJECTED: OrderStage.REJECTED,
    OrderStatus.SUSPENDED: OrderStage.WORKING,  # waits in the exchange
    OrderStatus.PENDING_NEW: OrderStage.SENT,
    OrderStatus.CALCULATED: OrderStage.CANCELLED,  # over for the day, whatever was filled stands
    OrderStatus.EXPIRED: OrderStage.CANCELLED,
    OrderStatus.ACCEPTED_FOR_BIDDING: OrderStage.WORKING,
    OrderStatus.PENDING_REPLACE: OrderStage.WORKING,
    OrderStatus.PARTIALLY_FILLED_CANCELED: OrderStage.CANCELLED,
    OrderStatus.RECEIVED: OrderStage.SENT,
    OrderStatus.PARTIALLY_FILLED_EXPIRED: OrderStage.CANCELLED,
    OrderStatus.PARTIALLY_FILLED_REJECTED: OrderStage.CANCELLED,  # the fills stand
    OrderStatus.UNKNOWN: OrderStage.UNKNOWN,
    OrderStatus.HADES_CREATED: OrderStage.SENT,
    OrderStatus.BROKER_SENT: OrderStage.SENT,
    OrderStatus.CLIENT_CREATED: OrderStage.SENT,
    OrderStatus.ORDER_NOT_CREATED: OrderStage.REJECTED,
    OrderStatus.CANCELED_BY_ADMIN: OrderStage.CANCELLED,
    OrderStatus.DELAY_FIX_GATEWAY: OrderStage.SENT,
    OrderStatus.SCHEDULED_ORDER: OrderStage.SENT,
}


def stage_of(status: int) -> OrderStage:
    """Translate the vendor's order status; one that is not in the table says nothing (``UNKNOWN``)."""
    return _STAGES.get(status, OrderStage.UNKNOWN)


@dataclass(frozen=True, slots=True)
class OrderRef:
    """How the vendor knows an order.

    Parameters
    ----------
    local_id : int
        Number of this session; 0 when the order is not from it.
    cl_ord_id : str
        Permanent number; empty until the broker has given one.
    """

    local_id: int = 0
    cl_ord_id: str = ""


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """What is sent. Account and instrument are the gateway's own.

    Parameters
    ----------
    side : int
        ``Side.BUY`` or ``Side.SELL``.
    size : int
        Contracts.
    type : OrderType
        A ``STOP`` is a stop-limit: B3 has no other.
    px : int
        Limit price in ticks; ``PX_NONE`` for a market order.
    stop_px : int
        Trigger in ticks; ``PX_NONE`` unless it is a stop.
    """

    side: int
    size: int
    type: OrderType
    px: int = PX_NONE
    stop_px: int = PX_NONE


@dataclass(frozen=True, slots=True)
class OrderDetails:
    """A snapshot of one order, as the vendor has it now.

    Parameters
    ----------
    ref : OrderRef
        Both numbers, as far as they are known.
    symbol : str
        Contract.
    side, size : int
        As it stands, changes included.
    type : OrderType
        Market, limit, or stop.
    px, stop_px : int
        Limit and trigger in ticks; ``PX_NONE`` where there is none, and where it is off the tick.
    traded, leaves : int
        Contracts filled, and still to be filled.
    average_px : float
        Average price of what was filled, in ticks, not rounded; NaN before the first fill.
    status : int
        The vendor's own status.
    text : str
        The vendor's message, for example why it was rejected.
    created_ns, updated_ns : int
        ns UTC; 0 when the vendor does not say.
    event_id : int
        Grows with every change where the vendor counts them; 0 elsewhere.
    off_tick : bool
        Whether the vendor shows a price that is no whole number of ticks; ``text`` names it.
    """

    ref: OrderRef
    symbol: str
    side: int
    size: int
    type: OrderType
    px: int
    stop_px: int
    traded: int
    leaves: int
    average_px: float
    status: int
    text: str = ""
    created_ns: int = 0
    updated_ns: int = 0
    event_id: int = 0
    off_tick: bool = False

    @property
    def stage(self) -> OrderStage:
        """The status in our words; an end that the numbers contradict is not one yet."""
        stage = stage_of(self.status)
        if stage is OrderStage.FILLED and self.traded < self.size:
            return OrderStage.WORKING
        return stage

    @property
    def complete(self) -> bool:
        """Whether the numbers can be booked: what was filled has a price."""
        return self.traded == 0 or math.isfinite(self.average_px)


class ReportKind(StrEnum):
    """What a gateway tells without being asked."""

    ORDER = "order"
    """This order changed."""
    REFUSED = "refused"
    """The message about this order was turned down on its way; ``text`` says why."""
    LOST = "lost"
    """Reports were lost: look at every order."""
    RESTARTED = "restarted"
    """The gateway was started anew: numbers of the session from before are worth nothing."""
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class GatewayReport:
    """A hint, never a fact: what happened is in the details of the order.

    Parameters
    ----------
    kind : ReportKind
        What the hint is about.
    ref : OrderRef
        The order; empty for news of the connection.
    text : str
        The vendor's words.
    """

    kind: ReportKind
    ref: OrderRef = OrderRef()
    text: str = ""


@dataclass(frozen=True, slots=True)
class VendorPosition:
    """Position as the vendor has it.

    Parameters
    ----------
    size : int
        Contracts, signed.
    average_px : float
        Average price in ticks; NaN when flat.
    """

    size: int
    average_px: float = math.nan


class OrderGateway(Protocol):
    """One account and one instrument at one broker.

    ``OrderRefusedError`` means that nothing was sent; ``GatewayError`` that nobody knows. No method may be called
    from inside one of the vendor's callbacks, and all of them from one thread.
    """

    @property
    def account(self) -> str:
        """Which account the orders are for, without secrets; goes into the journal."""
        ...

    @property
    def symbol(self) -> str:
        """Which contract."""
        ...

    @property
    def connected(self) -> bool:
        """Whether orders can be sent now."""
        ...

    def send(self, ticket: OrderTicket) -> int:
        """Send an order and return its number in this session, positive."""
        ...

    def change(self, ref: OrderRef, size: int, px: int, stop_px: int) -> None:
        """Ask to change a working order; ``size`` is the new total, fills included."""
        ...

    def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order."""
        ...

    def cancel_all(self) -> None:
        """Ask to cancel every order of the account in this contract, ours or not."""
        ...

    def zero_position(self) -> int:
        """Ask the vendor to close the position at the market; returns the number of the order that does it."""
        ...

    def details(self, ref: OrderRef) -> OrderDetails | None:
        """Snapshot of one order; None when the vendor does not know it (yet)."""
        ...

    def orders(self) -> list[OrderDetails]:
        """Every order of the account in this contract that the vendor has, from all sessions, ended ones included.

        Raises ``GatewayError`` while the vendor has not loaded them.
        """
        ...

    def position(self) -> VendorPosition:
        """Position of the account in this contract; raises ``GatewayError`` while it is not known."""
        ...

    def take_reports(self) -> list[GatewayReport]:
        """Hints since the last call."""
        ...
