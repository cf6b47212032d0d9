"""The order gateway on the client's side: the same protocol, the vendor's library in another process."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quantumtrader.exceptions import (
    GatewayError,
    GatewayLinkError,
    OrderRefusedError,
    ProfitDllError,
    SessionError,
)
from quantumtrader.gateway import (
    GatewayReport,
    OrderDetails,
    OrderRef,
    OrderTicket,
    ReportKind,
    VendorPosition,
)
from quantumtrader.profitdll.gateway.frames import Message
from quantumtrader.profitdll.gateway.protocol import details_from, position_from, report_from, ticket_to

if TYPE_CHECKING:
    from quantumtrader.profitdll.gateway.client import GatewayClient

__all__ = ["RemoteOrderGateway"]

_REPORTS = 10_000


class RemoteOrderGateway:
    """Implements ``OrderGateway`` over a client's link, for an ``OrderExecutionManagerV4``, which alone should hold it.

    A request without an answer is a ``GatewayError``: nobody knows, and nothing is tried again blindly. When the link comes
    back to the same gateway within the patience of the request, it is asked what came of the first time.

    Parameters
    ----------
    client : GatewayClient
        Open. It asks for the right to order, which one client has at a time.
    symbol : str
        The contract.
    tick_size : float
        Points per tick.
    account : str
        ``BROKER:ACCOUNT``; empty for the gateway's.
    exchange : str, optional
        One letter; the session's by default.
    day_trade : bool
        Which of the two positions of the account is meant.

    Raises
    ------
    OrderRefusedError
        The gateway takes no orders, or another client has the right.
    """

    def __init__(
        self,
        client: GatewayClient,
        symbol: str,
        tick_size: float,
        *,
        account: str = "",
        exchange: str | None = None,
        day_trade: bool = True,
    ) -> None:
        self._client, self._symbol = client, symbol
        self._wish: Message = {
            "symbol": symbol,
            "tick_size": tick_size,
            "account": account,
            "exchange": exchange,
            "day_trade": day_trade,
        }
        self._reports: deque[GatewayReport] = deque(maxlen=_REPORTS)
        self._account = account
        self._life = ""
        self._told_life = ""
        """The life that whoever takes the reports knows of: numbers of orders are of this one."""
        self._desk: int | None = None
        client.attach_desk(self)

    def __repr__(self) -> str:
        return f"RemoteOrderGateway({self._account}, {self._symbol})"

    # -- called by the client ----------------------------------------------------------------------------------

    def open(self) -> None:
        """Ask for the right to order; again after every reconnection."""
        answer = self._client.link.call("open_desk", **self._wish)
        self._desk, self._account = int(answer["desk"]), str(answer["account"])
        self._wish["account"] = self._account  # another one after a restart would be somebody else's orders
        before, life = self._life, self._client.link.life
        if not before:
            self._told_life = life
        if before and before != life:
            self._report(ReportKind.RESTARTED, "the gateway was started anew")
        self._life = life  # after the report: whoever takes it is told
        if before:
            self._report(ReportKind.LOST, "the gateway was away")
        if answer["connected"]:
            self._report(ReportKind.CONNECTED, "the order routing is connected")

    def lose(self, why: str) -> None:
        """The gateway is gone, or took the right away."""
        self._desk = None
        self._report(ReportKind.DISCONNECTED, why)

    def take(self, desk: int, fields: Message) -> None:
        """Take a report of the gateway."""
        if desk == self._desk:
            self._reports.append(report_from(fields))

    @property
    def key(self) -> tuple[str, bool]:
        """What no two gateways of one client may share."""
        return self._symbol, bool(self._wish["day_trade"])

    def _report(self, kind: ReportKind, text: str) -> None:
        self._reports.append(GatewayReport(kind, text=text))

    # -- OrderGateway ------------------------------------------------------------------------------------------

    @property
    def account(self) -> str:
        """Which account the orders are for."""
        return self._account

    @property
    def symbol(self) -> str:
        """Which contract."""
        return self._symbol

    @property
    def connected(self) -> bool:
        """Whether orders can be sent now: the gateway is there, and its broker."""
        told = self._told_life == self._client.link.life
        return told and self._desk is not None and self._client.link.up and self._client.connection.routing

    def send(self, ticket: OrderTicket) -> int:
        """Send an order and return its number in this life of the gateway."""
        return int(self._act("send", **ticket_to(ticket))["local_id"])

    def change(self, ref: OrderRef, size: int, px: int, stop_px: int) -> None:
        """Ask to change a working order."""
        self._act("change", **_ref(ref), size=size, px=px, stop_px=stop_px)

    def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order."""
        self._act("cancel", **_ref(ref))

    def cancel_all(self) -> None:
        """Ask to cancel every order of the account in this contract."""
        self._act("cancel_all")

    def zero_position(self) -> int:
        """Ask the vendor to close the position at the market."""
        return int(self._act("zero_position")["local_id"])

    def details(self, ref: OrderRef) -> OrderDetails | None:
        """Snapshot of one order; None when the vendor does not know it (yet)."""
        found = self._look("details", **_ref(ref))["details"]
        return None if found is None else details_from(found)

    def orders(self) -> list[OrderDetails]:
        """Every order of the account in this contract that the vendor has."""
        return [details_from(fields) for fields in self._look("orders")["orders"]]

    def position(self) -> VendorPosition:
        """Position of the account in this contract."""
        return position_from(self._look("position")["position"])

    def take_reports(self) -> list[GatewayReport]:
        """Hints since the last call."""
        life, taken = self._life, []
        while self._reports:
            taken.append(self._reports.popleft())
        if len(taken) >= _REPORTS:  # full: older ones may have been pushed out
            taken.append(GatewayReport(ReportKind.LOST, text="the queue of order reports was full"))
        self._told_life = life
        return taken

    def _act(self, do: str, **fields: object) -> Message:
        if self._desk is None:
            raise OrderRefusedError(f"{do}: the gateway is gone; nothing was sent")
        try:
            return self._client.link.call(do, life=self._told_life, desk=self._desk, again=False, **fields)
        except GatewayLinkError as error:
            raise GatewayError(str(error)) from error
        except SessionError as error:
            raise OrderRefusedError(str(error)) from error

    def _look(self, do: str, **fields: object) -> Message:
        if self._desk is None:
            raise GatewayError(f"{do}: the gateway is gone")
        try:
            return self._client.link.call(do, life=self._told_life, desk=self._desk, **fields)
        except (SessionError, ProfitDllError, OrderRefusedError) as error:
            raise GatewayError(str(error)) from error


def _ref(ref: OrderRef) -> Message:
    return {"local_id": ref.local_id, "cl_ord_id": ref.cl_ord_id}
