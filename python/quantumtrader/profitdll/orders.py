"""One account and one contract at the vendor: the order gateway over the v4 structs.

What the vendor's calls promise is little: a number of this session, and later a callback that says which
order changed. Everything else is asked for. Nothing here decides; see ``quantumtrader.gateway`` for the
contract.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from quantumtrader.exceptions import ConfigError, GatewayError, OrderRefusedError, ProfitDllError
from quantumtrader.gateway import (
    GatewayReport,
    OrderDetails,
    OrderRef,
    OrderTicket,
    ReportKind,
    VendorPosition,
)
from quantumtrader.profitdll._mapping import system_time
from quantumtrader.profitdll.codes import (
    Connection,
    MessageResult,
    NResult,
    OpenSide,
    OrderSide,
    PositionType,
)
from quantumtrader.profitdll.codes import OrderType as VendorType
from quantumtrader.profitdll.connection import Transition
from quantumtrader.profitdll.subscriptions import contract_of
from quantumtrader.types import PX_NONE, OrderType, Side

if TYPE_CHECKING:
    from quantumtrader.profitdll.session import ConnectionManagerV4

__all__ = ["Account", "ProfitOrderGateway", "accounts"]

_QUEUE = 10_000
_MESSAGES = 4_096

_TYPES = {
    OrderType.MARKET: VendorType.MARKET,
    OrderType.LIMIT: VendorType.LIMIT,
    OrderType.STOP: VendorType.STOP_LIMIT,
}
_TYPES_BACK = {
    VendorType.MARKET: OrderType.MARKET,
    VendorType.LIMIT: OrderType.LIMIT,
    VendorType.STOP: OrderType.STOP,
    VendorType.STOP_LIMIT: OrderType.STOP,
}
_UNCERTAIN = (NResult.NL_INTERNAL_ERROR, NResult.NL_TIMEOUT, NResult.NL_WAITING_SERVER)
"""Answers after which nobody knows whether the order left; all others mean that it did not."""
_TURNED_DOWN = (
    MessageResult.NOT_CONNECTED,
    MessageResult.REJECTED_MERCURY,
    MessageResult.REJECTED_BY_GATEWAY,
    MessageResult.REJECTED_BY_BROKER,
    MessageResult.REJECTED_BY_MARKET,
    MessageResult.BLOCKED_BY_RISK,
)
_LOOK_BACK = timedelta(days=5)
"""Orders of the last sessions are loaded: one that was left working over a weekend is found."""


class Account:
    """Which account, without secrets.

    Parameters
    ----------
    broker : int
        Broker's number.
    account, sub_account : str
        Their numbers at the broker; the second is empty for the account itself.
    """

    def __init__(self, broker: int, account: str, sub_account: str = "") -> None:
        self.broker, self.account, self.sub_account = broker, account, sub_account

    @classmethod
    def parse(cls, text: str) -> Account:
        """Read ``BROKER:ACCOUNT`` or ``BROKER:ACCOUNT:SUB``.

        Raises
        ------
        ConfigError
            It is something else.
        """
        parts = [part.strip() for part in text.split(":")] if isinstance(text, str) else []
        broker = parts[0] if parts else ""
        if len(parts) not in (2, 3) or not (broker.isascii() and broker.isdigit()) or not parts[1]:
            raise ConfigError(
                f"account {text!r}: write BROKER:ACCOUNT, for example 32003:12345, or BROKER:ACCOUNT:SUB"
            )
        return cls(int(broker), *parts[1:])

    def __str__(self) -> str:
        return ":".join([str(self.broker), self.account, *([self.sub_account] if self.sub_account else [])])

    def fields(self) -> dict[str, Any]:
        """Fields of ``TConnectorAccountIdentifier``."""
        return {"BrokerID": self.broker, "AccountID": self.account, "SubAccountID": self.sub_account}


def accounts(session: ConnectionManagerV4) -> list[Account]:
    """Return the master accounts that the login can use.

    Raises
    ------
    ProfitDllError
        The session has no order routing.
    """
    library = session.library
    count = library.call("GetAccountCount")
    struct = library.abi.structs["TConnectorAccountIdentifierOut"]
    array = (struct * max(count, 1))()
    written = library.call("GetAccounts", 0, 0, count, array) if count else 0
    decode = library.abi.decode
    return [Account(a.BrokerID, decode(a.AccountID), decode(a.SubAccountID)) for a in array[:written]]


class ProfitOrderGateway:
    """Implements ``OrderGateway`` over a session with order routing.

    Parameters
    ----------
    session : ConnectionManagerV4
        Initialised with ``routing=True``.
    account : Account or str
        See :meth:`Account.parse`.
    symbol : str
        The contract; the vendor rejects aliases such as ``WDOFUT``.
    tick_size : float
        Points per tick.
    exchange : str, optional
        One letter; the session's by default.
    signature : str
        Trading password; goes to the vendor with every request and nowhere else.
    day_trade : bool
        Which of the two positions of the account is meant: the day's, or the consolidated one.
    """

    def __init__(
        self,
        session: ConnectionManagerV4,
        account: Account | str,
        symbol: str,
        tick_size: float,
        *,
        exchange: str | None = None,
        signature: str = "",
        day_trade: bool = True,
    ) -> None:
        symbol = contract_of(symbol)
        if not (math.isfinite(tick_size) and tick_size > 0):
            raise ConfigError(f"orders in {symbol}: tick size {tick_size} is not a positive number")
        self._session = session
        self._account = Account.parse(account) if isinstance(account, str) else account
        self._symbol, self._tick = symbol, tick_size
        self._exchange = exchange or session.options.exchange
        self.__signature = signature
        self._position_type = PositionType.DAY_TRADE if day_trade else PositionType.CONSOLIDATED
        self._reports: deque[GatewayReport] = deque(maxlen=_QUEUE)
        self._pushed_out = False
        self._sent: dict[int, int] = {}
        self._was_connected = session.connection.routing
        if day_trade:  # tags every order from here on; a session without it trades swing positions
            session.library.call("SetDayTrade", 1)
        session.on("message", self._on_message)
        session.on("state", self._on_state)

    def __repr__(self) -> str:
        return f"ProfitOrderGateway({self._account}, {self._symbol})"

    @property
    def account(self) -> str:
        """Which account the orders are for."""
        return str(self._account)

    @property
    def symbol(self) -> str:
        """Which contract."""
        return self._symbol

    @property
    def connected(self) -> bool:
        """Whether orders can be sent now."""
        return self._session.connection.routing

    def send(self, ticket: OrderTicket) -> int:
        """Send an order and return its number in this session."""
        order = self._new(
            "TConnectorSendOrder",
            Version=2,
            AssetID=self._asset(),
            OrderType=_TYPES[ticket.type],
            OrderSide=OrderSide.BUY if ticket.side == Side.BUY else OrderSide.SELL,
            Price=self._price(ticket.px),
            StopPrice=self._price(ticket.stop_px),
            Quantity=ticket.size,
        )
        local_id = self._ask("SendOrder", order, f"sending {ticket.side * ticket.size:+d} {self._symbol}")
        if local_id == 0:
            raise GatewayError("SendOrder answered 0, which is no order number: look at the vendor's orders")
        self._remember(order.MessageID, local_id)
        return local_id

    def change(self, ref: OrderRef, size: int, px: int, stop_px: int) -> None:
        """Ask to change a working order."""
        order = self._new(
            "TConnectorChangeOrder",
            Version=1,
            OrderID=_order_id(ref),
            Price=self._price(px),
            StopPrice=self._price(stop_px),
            Quantity=size,
        )
        self._ask("SendChangeOrderV2", order, f"changing order {_name(ref)}")
        self._remember(order.MessageID, ref.local_id)

    def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order."""
        order = self._new("TConnectorCancelOrder", Version=1, OrderID=_order_id(ref))
        self._ask("SendCancelOrderV2", order, f"cancelling order {_name(ref)}")
        self._remember(order.MessageID, ref.local_id)

    def cancel_all(self) -> None:
        """Ask to cancel every order of the account in this contract."""
        order = self._new("TConnectorCancelOrders", AssetID=self._asset())
        self._ask("SendCancelOrdersV2", order, f"cancelling all orders in {self._symbol}")

    def zero_position(self) -> int:
        """Ask the vendor to close the position at the market."""
        order = self._new(
            "TConnectorZeroPosition",
            Version=2,
            AssetID=self._asset(),
            Price=-1.0,
            PositionType=self._position_type,
        )
        local_id = self._ask("SendZeroPositionV2", order, f"closing the position in {self._symbol}")
        self._remember(order.MessageID, local_id)
        return local_id

    def details(self, ref: OrderRef) -> OrderDetails | None:
        """Snapshot of one order; None when the vendor does not know it (yet)."""
        abi = self._session.library.abi
        call = self._session.library.function("GetOrderDetails")
        asked: dict[str, Any] = {"Version": 1, "OrderID": _order_id(ref)}
        first = abi.new("TConnectorOrderOut", **asked)
        result = call(ctypes.byref(first))
        if result in (NResult.NL_NOT_FOUND, NResult.NL_INVALID_ARGS, NResult.NL_WAITING_SERVER):
            return None
        if result != 0:
            raise GatewayError(str(ProfitDllError(result, "GetOrderDetails")))
        ticker = abi.buffer(first.AssetID.TickerLength)
        text = abi.buffer(first.TextMessageLength)
        asset = {
            "Version": 0,
            "Ticker": ticker,
            "TickerLength": first.AssetID.TickerLength,
            "Exchange": abi.buffer(first.AssetID.ExchangeLength),
            "ExchangeLength": first.AssetID.ExchangeLength,
        }
        full = abi.new(
            "TConnectorOrderOut",
            **asked,
            AssetID=asset,
            TextMessage=text,
            TextMessageLength=first.TextMessageLength,
        )
        result = call(ctypes.byref(full))
        if result != 0:
            raise GatewayError(str(ProfitDllError(result, "GetOrderDetails")))
        return self._details(full, abi.decode(ticker), abi.decode(text))

    def orders(self) -> list[OrderDetails]:
        """Every order of the account in this contract that the vendor has."""
        self._load_orders()
        abi = self._session.library.abi
        found: list[OrderDetails] = []
        failed: list[BaseException] = []

        def take(order: Any, _: int) -> int:
            # On this thread, inside the call: what fails must not be lost in the library.
            try:
                given = order.contents
                if abi.text_at(given.AssetID.Ticker) == self._symbol:
                    found.append(self._details(given, self._symbol, abi.text_at(given.TextMessage)))
            except Exception as error:
                failed.append(error)
                return 0
            return 1

        callback = abi.callbacks["EnumerateOrdersProc"](take)
        account = abi.new("TConnectorAccountIdentifier", **self._account.fields())
        result = self._session.library.function("EnumerateAllOrders")(ctypes.byref(account), 1, 0, callback)
        if failed:
            raise GatewayError(f"reading the vendor's orders failed: {failed[0]}") from failed[0]
        if result != 0:
            raise GatewayError(str(ProfitDllError(result, "EnumerateAllOrders")))
        return found

    def position(self) -> VendorPosition:
        """Position of the account in this contract."""
        abi = self._session.library.abi
        asked = abi.new(
            "TConnectorTradingAccountPosition",
            Version=2,
            AccountID=self._account.fields(),
            AssetID=self._asset(),
            PositionType=self._position_type,
        )
        result = self._session.library.function("GetPositionV2")(ctypes.byref(asked))
        if result == NResult.NL_NO_POSITION:
            return VendorPosition(0)
        if result != 0:
            raise GatewayError(str(ProfitDllError(result, "GetPositionV2")))
        if asked.OpenQuantity == 0:
            return VendorPosition(0)
        if asked.OpenSide not in (OpenSide.LONG, OpenSide.SHORT):
            raise GatewayError(
                f"GetPositionV2: {asked.OpenQuantity} contracts with side {asked.OpenSide}: unknown"
            )
        sign = 1 if asked.OpenSide == OpenSide.LONG else -1
        price = asked.OpenAveragePrice
        average = price / self._tick if math.isfinite(price) and price > 0 else math.nan
        return VendorPosition(sign * abs(asked.OpenQuantity), average)

    def take_reports(self) -> list[GatewayReport]:
        """Hints since the last call."""
        # The session's own thread may be appending: one by one, and what comes meanwhile comes next time.
        taken = [self._reports.popleft() for _ in range(len(self._reports))]
        if self._pushed_out:
            self._pushed_out = False
            taken.append(GatewayReport(ReportKind.LOST, text="the queue of order reports was full"))
        return taken

    def _report(self, report: GatewayReport) -> None:
        self._pushed_out |= len(self._reports) == _QUEUE
        self._reports.append(report)

    def _load_orders(self) -> None:
        """Ask for the orders of the last days; until the vendor has them, nobody knows, and it tells when it has."""
        library, abi = self._session.library, self._session.library.abi
        account = abi.new("TConnectorAccountIdentifier", **self._account.fields())
        today = self._session.today()
        start, end = (abi.new("SYSTEMTIME", **_date(day)) for day in (today - _LOOK_BACK, today))
        ask = library.function("HasOrdersInInterval")
        result = ask(ctypes.byref(account), start, end)
        for _ in range(5):  # a moment, not longer: whoever asks has prices to look after
            if result != NResult.NL_WAITING_SERVER:
                break
            time.sleep(0.005)
            result = ask(ctypes.byref(account), start, end)
        if result == NResult.NL_WAITING_SERVER:
            raise GatewayError(f"the vendor is loading the orders of {self._account}; ask again")
        if result != 0:
            raise GatewayError(str(ProfitDllError(result, "HasOrdersInInterval")))

    def _new(self, struct: str, **fields: Any) -> Any:
        return self._session.library.abi.new(
            struct, AccountID=self._account.fields(), Password=self.__signature, **fields
        )

    def _ask(self, function: str, struct: Any, what: str) -> int:
        answer = int(self._session.library.function(function)(ctypes.byref(struct)))
        if answer >= 0:
            return answer
        error = ProfitDllError(answer, function)
        if error.code in _UNCERTAIN:
            raise GatewayError(f"{what}: {error}; whether it was sent is not known")
        raise OrderRefusedError(f"{what}: {error}")

    def _remember(self, message_id: int, local_id: int) -> None:
        if message_id:
            self._sent[message_id] = local_id
            if len(self._sent) > _MESSAGES:
                self._sent.pop(next(iter(self._sent)))

    def _asset(self) -> dict[str, Any]:
        return {"Ticker": self._symbol, "Exchange": self._exchange}

    def _price(self, ticks: int) -> float:
        return -1.0 if ticks == PX_NONE else ticks * self._tick

    def _ticks(self, price: float, off_tick: list[float]) -> int:
        """Price in ticks. One off the tick is noted, not an error: what it means depends on whose order it is."""
        if not price > 0:
            return PX_NONE
        ticks = round(price / self._tick) if math.isfinite(price) else 0
        if not abs(ticks * self._tick - price) <= 1e-6 * self._tick:
            off_tick.append(price)
            return PX_NONE
        return ticks

    def _details(self, order: Any, ticker: str, text: str) -> OrderDetails:
        abi = self._session.library.abi
        kind = _TYPES_BACK.get(order.OrderType)
        if kind is None:
            kind = OrderType.LIMIT if order.Price > 0 else OrderType.MARKET
        traded = order.TradedQuantity
        off_tick: list[float] = []
        px = self._ticks(order.Price, off_tick) if kind is not OrderType.MARKET else PX_NONE
        stop_px = self._ticks(order.StopPrice, off_tick) if kind is OrderType.STOP else PX_NONE
        told = self._session.redact(text)
        if off_tick:
            prices = " and ".join(map(str, off_tick))
            told = f"{told}; price {prices} is off the tick of {self._tick}".removeprefix("; ")
        return OrderDetails(
            OrderRef(max(order.OrderID.LocalOrderID, 0), abi.text_at(order.OrderID.ClOrderID)),
            ticker,
            Side.BUY if order.OrderSide == OrderSide.BUY else Side.SELL,
            order.Quantity,
            kind,
            px,
            stop_px,
            traded,
            order.LeavesQuantity,
            order.AveragePrice / self._tick if traded > 0 and order.AveragePrice > 0 else math.nan,
            order.OrderStatus,
            told,
            _ns(order.Date),
            _ns(order.LastUpdate),
            order.EventID,
            bool(off_tick),
        )

    def _on_message(self, message: tuple[Any, ...]) -> None:
        kind, _, *values = message
        if kind == "order":
            local_id, cl_ord_id = values
            self._report(GatewayReport(ReportKind.ORDER, OrderRef(max(local_id, 0), cl_ord_id or "")))
        elif kind == "message_result":
            _, local_id, cl_ord_id, message_id, code, text = values[:6]
            if code in _TURNED_DOWN:
                local_id = local_id if local_id > 0 else self._sent.get(message_id, 0)
                self._report(
                    GatewayReport(
                        ReportKind.REFUSED,
                        OrderRef(local_id, cl_ord_id or ""),
                        self._session.redact(text or ""),
                    )
                )
        elif kind in ("order_history", "overflow"):
            self._report(GatewayReport(ReportKind.LOST, text="the vendor's orders were loaded anew"))

    def _on_state(self, transition: Transition) -> None:
        if transition.kind == Connection.ROUTING and transition.routing != self._was_connected:
            self._was_connected = transition.routing
            kind = ReportKind.CONNECTED if transition.routing else ReportKind.DISCONNECTED
            self._report(GatewayReport(kind, text=transition.text))


def _order_id(ref: OrderRef) -> dict[str, Any]:
    """Fields of the identifier: one of the two numbers, the other -1 or empty."""
    if ref.cl_ord_id:
        return {"LocalOrderID": -1, "ClOrderID": ref.cl_ord_id}
    return {"LocalOrderID": ref.local_id, "ClOrderID": ""}


def _name(ref: OrderRef) -> str:
    return ref.cl_ord_id or str(ref.local_id)


def _date(day: Any) -> dict[str, int]:
    return {"wYear": day.year, "wMonth": day.month, "wDay": day.day}


def _ns(told: Any) -> int:
    """A time of the vendor's as ns UTC; 0 where it gives none, or one that is none."""
    moment = system_time(told)
    return moment if isinstance(moment, int) else 0
