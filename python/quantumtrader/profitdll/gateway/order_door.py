"""What one client at a time may ask of the order side: requests that act are carried out once.

The right to order belongs to the connection that asked for it first, until it ends. Answers to requests that act are
kept: a request that comes again, after a reconnection, gets the answer of the first time and is not carried out again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from quantumtrader.exceptions import (
    ConfigError,
    GatewayError,
    OrderRefusedError,
    QuantumTraderError,
    SessionError,
)
from quantumtrader.gateway import GatewayReport, OrderDetails, OrderRef, ReportKind
from quantumtrader.profitdll.gateway.folder import GatewayFolder
from quantumtrader.profitdll.gateway.frames import Message
from quantumtrader.profitdll.gateway.handshake import Peer
from quantumtrader.profitdll.gateway.protocol import (
    ACTING,
    Request,
    details_to,
    error_to,
    position_to,
    ticket_from,
)
from quantumtrader.profitdll.orders import ProfitOrderGateway, accounts
from quantumtrader.profitdll.session import ConnectionManagerV4

__all__ = ["ClientLost", "OrderDoor", "entries"]

_log = logging.getLogger(__name__)

_ANSWERS = 4_096
_DESKS = 8
_RETRY_S = 1.0


class ClientLost(StrEnum):
    """What happens to working orders when the client that gave them is gone."""

    KEEP = "keep"
    """Nothing: they are the exchange's, and the next client finds them."""
    CANCEL = "cancel"
    """Those that would open or enlarge a position are cancelled; what reduces it (stop, target) stays."""


@dataclass(slots=True)
class _Desk:
    wish: Message
    """What it was opened with, the account among it."""
    gateway: ProfitOrderGateway
    sent: set[int] = field(default_factory=set)
    """Numbers of this life's orders."""
    permanent: set[str] = field(default_factory=set)
    """Permanent numbers of orders that clients gave, in earlier lives too."""
    missed: bool = False
    """Reports came while nobody listened."""

    def gave(self, order: OrderDetails) -> bool:
        """Whether an order is a client's."""
        return order.ref.local_id in self.sent or order.ref.cl_ord_id in self.permanent


def entries(orders: list[OrderDetails], position: int) -> list[OrderDetails]:
    """Those of some orders that are alive and would not reduce the position."""
    alive = [order for order in orders if not order.stage.final]
    return [order for order in alive if order.side * position >= 0]


class OrderDoor:
    """Carries out order requests, for whoever holds the right.

    Parameters
    ----------
    session : ConnectionManagerV4
        Initialised; with order routing unless every order shall be refused.
    folder : GatewayFolder
        Keeps which orders clients gave.
    routing : bool
        Whether orders are allowed at all.
    account : str
        Of the settings: clients may name no other. Empty for the login's only account.
    signature : str
        Trading password; stays in this process.
    on_lost : ClientLost
        What happens to orders without a client.
    grace_s : float
        Seconds that a lost client has to come back.
    tell : callable
        Takes news for people.
    """

    def __init__(
        self,
        session: ConnectionManagerV4,
        folder: GatewayFolder,
        *,
        routing: bool,
        account: str,
        signature: str,
        on_lost: ClientLost,
        grace_s: float,
        tell: Callable[[str, str], None],
    ) -> None:
        self._session, self._folder, self._routing, self._account = session, folder, routing, account
        self.__signature = signature
        self._on_lost, self._grace_s, self._tell = on_lost, grace_s, tell
        self._lock = threading.RLock()
        self._looking = threading.Lock()
        self._list: list[_Desk] = []
        self._unwritten = False
        self._holder: Any = None
        self._holder_name = ""
        self._lost_at: float | None = None
        self._answers: OrderedDict[tuple[str, int], Message] = OrderedDict()

    def carry_out(self, connection: Any, peer: Peer, request: Request) -> Message:
        """Do what a client asks, and return the answer or the error, both as they travel."""
        with self._lock:
            if not connection.alive:
                raise SessionError("this connection was replaced by a newer one of the same client")
            key = (peer.client, request.id)
            if request.do not in ACTING:
                return self._answer(connection, peer, request)
            known = self._answers.get(key)
            if known is not None:
                return known
            if request.fields["again"]:
                late = OrderRefusedError(
                    f"the {request.do} did not arrive before the connection was lost: it was not carried out"
                )
                answer = {"error": error_to(late)}  # kept: should it still come, it is too late
            else:
                answer = self._answer(connection, peer, request)
            self._answers[key] = answer
            if len(self._answers) > _ANSWERS:
                self._answers.popitem(last=False)
            return answer

    def _answer(self, connection: Any, peer: Peer, request: Request) -> Message:
        try:
            return {"answer": self._do(connection, peer, request.do, request.fields)}
        except QuantumTraderError as error:
            return {"error": error_to(error)}
        except Exception as error:  # of the binding: what it did to the order is not known
            _log.exception("%s failed", request.do)
            return {"error": error_to(GatewayError(f"{request.do}: {type(error).__name__}: {error}"))}

    def _do(self, connection: Any, peer: Peer, do: str, fields: Message) -> Message:
        if do == "release":
            self._release(connection)
            return {}
        if do == "open_desk":
            return self._open(connection, peer, fields)
        if connection is not self._holder:
            raise OrderRefusedError("this client does not hold the right to order: open a desk first")
        if fields["desk"] >= len(self._list):
            raise OrderRefusedError(f"there is no desk {fields['desk']}")
        desk = self._list[fields["desk"]]
        gateway = desk.gateway
        if do in ("change", "cancel", "details"):
            ref = OrderRef(fields["local_id"], fields["cl_ord_id"])
        match do:
            case "send":
                local_id = gateway.send(ticket_from(fields))
                desk.sent.add(local_id)
                return {"local_id": local_id}
            case "change":
                gateway.change(ref, fields["size"], fields["px"], fields["stop_px"])
            case "cancel":
                gateway.cancel(ref)
            case "cancel_all":
                gateway.cancel_all()
            case "zero_position":
                return {"local_id": gateway.zero_position()}
            case "details":
                found = gateway.details(ref)
                return {"details": None if found is None else details_to(found)}
            case "orders":
                return {"orders": [details_to(order) for order in gateway.orders()]}
            case "position":
                return {"position": position_to(gateway.position())}
        return {}

    def _open(self, connection: Any, peer: Peer, fields: Message) -> Message:
        if not self._routing:
            raise OrderRefusedError("this gateway takes no orders: start it with --orders")
        if self._holder is not None and self._holder is not connection:
            raise OrderRefusedError(
                f"{self._holder_name} holds the right to order, and only one client may: stop it first"
            )
        wish = {k: v for k, v in fields.items() if k != "desk"} | {
            "account": self._account_for(fields["account"])
        }
        desk = self._desk(wish)
        if self._holder is None:
            self._holder, self._holder_name, self._lost_at = connection, str(peer), None
        return {
            "desk": self._list.index(desk),
            "account": wish["account"],
            "connected": desk.gateway.connected,
        }

    def _desk(self, wish: Message) -> _Desk:
        """The desk that was opened like this before, or a new one."""
        found = next((desk for desk in self._list if desk.wish == wish), None)
        if found is not None:
            return found
        if len(self._list) >= _DESKS:
            raise ConfigError(f"{_DESKS} desks are open, one more is not allowed: restart the gateway")
        gateway = ProfitOrderGateway(
            self._session,
            wish["account"],
            wish["symbol"],
            wish["tick_size"],
            exchange=wish["exchange"],
            signature=self.__signature,
            day_trade=wish["day_trade"],
        )
        self._list.append(_Desk(wish, gateway))
        return self._list[-1]

    def restore(self) -> None:
        """After a crash: remember the orders that clients gave, and wait for their client to come back."""
        for row in self._folder.read_rows(self._folder.desks):
            self._desk(row["wish"]).permanent.update(row["orders"])
        if self._list:
            self._lost_at = time.monotonic()

    def keep(self) -> None:
        """Write down which orders clients gave, if there are new ones."""
        if self._unwritten:
            self._unwritten = False
            rows = [{"wish": d.wish, "orders": sorted(d.permanent)} for d in tuple(self._list)]
            self._folder.write_rows(self._folder.desks, rows)

    def _account_for(self, asked: str) -> str:
        if self._account and asked and asked != self._account:
            raise ConfigError(f"this gateway trades account {self._account}, not {asked}")
        if self._account or asked:
            return self._account or asked
        found = accounts(self._session)
        if len(found) != 1:
            raise ConfigError(
                f"the login has {len(found)} accounts ({', '.join(map(str, found))}): set [profit] account"
            )
        return str(found[0])

    def _release(self, connection: Any) -> None:
        if connection is self._holder:
            self._holder, self._holder_name = None, ""

    def ended(self, connection: Any) -> None:
        """A connection ended without giving its right back."""
        with self._lock:
            if connection is self._holder:
                name = self._holder_name
                self._release(connection)
                self._lost_at = time.monotonic()
                self._tell("connection", f"{name} is gone; on_client_lost is {self._on_lost.value}")

    @property
    def holder(self) -> Any:
        """The connection that may order; None when there is none."""
        return self._holder

    def take_reports(self) -> tuple[Any, list[tuple[int, GatewayReport]]]:
        """Reports for the holder; without one they wait, and what was missed becomes ``LOST``.

        Waits for no request: loading orders takes the vendor seconds, and the heart must go on beating.
        """
        holder = self._holder
        found = []
        for number, desk in enumerate(tuple(self._list)):
            reports = desk.gateway.take_reports()
            for ref in (r.ref for r in reports):
                if ref.cl_ord_id and ref.local_id in desk.sent and ref.cl_ord_id not in desk.permanent:
                    desk.permanent.add(ref.cl_ord_id)
                    self._unwritten = True
            if holder is None:
                desk.missed = desk.missed or bool(reports)
                continue
            if desk.missed:
                desk.missed = False
                found.append((number, GatewayReport(ReportKind.LOST, text="nobody listened for a while")))
            found += [(number, report) for report in reports]
        return holder, found

    def look_after_orders(self) -> None:
        """Without a client for too long: do what the setting says, on a thread of its own."""
        lost_at = self._lost_at
        if self._on_lost is ClientLost.KEEP or lost_at is None or self._holder is not None:
            return
        if time.monotonic() - lost_at >= self._grace_s and not self._looking.locked():
            threading.Thread(target=self._cancel_for_the_lost, name="gateway-cancel", daemon=True).start()

    def _cancel_for_the_lost(self) -> None:
        with self._looking, self._lock:
            if self._lost_at is None or self._holder is not None:
                return  # it came back meanwhile
            try:
                for desk in self._list:
                    self._cancel_entries(desk)
            except (GatewayError, OrderRefusedError) as error:
                self._tell(
                    "trouble", f"cancelling the orders of the lost client failed, it is tried again: {error}"
                )
                self._lost_at = time.monotonic() - self._grace_s + _RETRY_S
            else:
                self._lost_at = None

    def _cancel_entries(self, desk: _Desk) -> None:
        gateway = desk.gateway
        ours = [order for order in gateway.orders() if desk.gave(order)]
        dangerous = entries(ours, gateway.position().size)
        for order in dangerous:
            gateway.cancel(order.ref)
        kept = sum(not order.stage.final for order in ours) - len(dangerous)
        self._tell(
            "connection",
            f"no client for {self._grace_s:g} s: {len(dangerous)} orders in {gateway.symbol} are being cancelled, "
            f"{kept} that reduce the position stay",
        )
