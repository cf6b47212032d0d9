"""The order gateway, and how our orders are put for it."""

from __future__ import annotations

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


def ticket_of(order: Order, stop_slack_ticks: int) -> OrderTicket:
    """Put an order as the vendor takes it.

    Parameters
    ----------
    order : Order
        What is wanted. ``reduce_only`` has no counterpart.
    stop_slack_ticks : int
        How far beyond its trigger a stop may trade: the exchange has stop-limits only.

    Returns
    -------
    OrderTicket
        The same order.
    """
    if order.type is OrderType.STOP:
        limit = order.px + order.side * stop_slack_ticks
        return OrderTicket(order.side, order.size, order.type, limit, order.px)
    return OrderTicket(order.side, order.size, order.type, order.px)
