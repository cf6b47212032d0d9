"""The order gateway, and how our orders are put for it."""

from __future__ import annotations

from quantumtrader.execution.risk import Approved
from quantumtrader.gateway import (
    GatewayReport,
    OrderDetails,
    OrderGateway,
    OrderRef,
    OrderStage,
    OrderTicket,
    ReportKind,
    VendorPosition,
    stage_of,
)
from quantumtrader.types import Order, OrderType

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
    "ticket_of",
]


def ticket_of(approved: Approved[Order], stop_slack_ticks: int) -> OrderTicket:
    """Put an order as the vendor takes it.

    Parameters
    ----------
    approved : Approved[Order]
        What the risk manager let pass: there is no ticket for anything else. ``reduce_only`` has no counterpart.
    stop_slack_ticks : int
        How far beyond its trigger a stop may trade, at most down to one tick: the exchange has stop-limits only.

    Returns
    -------
    OrderTicket
        The same order.
    """
    order = approved.order
    if order.type is OrderType.STOP:
        limit = max(1, order.px + order.side * stop_slack_ticks)
        return OrderTicket(order.side, order.size, order.type, limit, order.px)
    return OrderTicket(order.side, order.size, order.type, order.px)
