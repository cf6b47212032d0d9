"""The order side of a hand-declared ctypes client of the simulated ProfitDLL."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from ctypes import CFUNCTYPE, POINTER, Structure, byref
from ctypes import c_double as f64
from ctypes import c_int32 as i32
from ctypes import c_int64 as i64
from ctypes import c_uint8 as u8
from ctypes import c_void_p as ptr
from types import SimpleNamespace
from typing import Any

from contract import simulator_client
from contract.simulator_client import NL_OK, Asset, AssetId, Client, SystemTime, open_client

PASSWORD = "assinatura"
ACCOUNT = (15003, "1001", "")


class AccountId(Structure):
    _fields_ = [("version", u8), ("broker", i32), ("account", ptr), ("sub", ptr), ("reserved", i64)]


class OrderId(Structure):
    _fields_ = [("version", u8), ("local", i64), ("permanent", ptr)]


class Answer(Structure):
    _fields_ = [
        ("version", u8),
        ("broker", i32),
        ("order", OrderId),
        ("message", i64),
        ("code", u8),
        ("text", ptr),
        ("length", i32),
    ]


class NewOrder(Structure):
    _fields_ = [
        ("version", u8),
        ("account", AccountId),
        ("asset", AssetId),
        ("password", ptr),
        ("type", u8),
        ("side", u8),
        ("price", f64),
        ("stop_price", f64),
        ("quantity", i64),
        ("message", i64),  # version 2
    ]


class Change(Structure):
    _fields_ = [
        ("version", u8),
        ("account", AccountId),
        ("order", OrderId),
        ("password", ptr),
        ("price", f64),
        ("stop_price", f64),
        ("quantity", i64),
        ("message", i64),  # version 1
    ]


class Cancel(Structure):
    _fields_ = [
        ("version", u8),
        ("account", AccountId),
        ("order", OrderId),
        ("password", ptr),
        ("message", i64),  # version 1
    ]


class CancelTicker(Structure):
    _fields_ = [("version", u8), ("account", AccountId), ("asset", AssetId), ("password", ptr)]


class CancelAll(Structure):
    _fields_ = [("version", u8), ("account", AccountId), ("password", ptr)]


class Zero(Structure):
    _fields_ = [
        ("version", u8),
        ("account", AccountId),
        ("asset", AssetId),
        ("password", ptr),
        ("price", f64),
        ("kind", u8),  # version 1
        ("message", i64),  # version 2
    ]


class AccountOut(Structure):
    _fields_ = [
        ("version", u8),
        ("account", AccountId),
        ("broker_name", ptr),
        ("broker_name_length", i32),
        ("owner", ptr),
        ("owner_length", i32),
        ("sub_owner", ptr),
        ("sub_owner_length", i32),
        ("flags", ctypes.c_uint32),
        ("type", u8),  # version 1
    ]


class PositionOut(Structure):
    _fields_ = [
        ("version", u8),
        ("account", AccountId),
        ("asset", AssetId),
        ("open", i64),
        ("average", f64),
        ("side", u8),
        ("average_sold", f64),
        ("sold", i64),
        ("average_bought", f64),
        ("bought", i64),
        ("custody", i64 * 9),
        ("kind", u8),  # version 1
        ("event", i64),  # version 2
    ]


_STATE = [
    ("quantity", i64),
    ("traded", i64),
    ("leaves", i64),
    ("price", f64),
    ("stop_price", f64),
    ("average", f64),
    ("side", u8),
    ("type", u8),
    ("status", u8),
    ("validity", u8),
    ("date", SystemTime),
    ("updated", SystemTime),
    ("closed", SystemTime),
    ("valid", SystemTime),
]


class Order(Structure):
    _fields_ = [
        ("version", u8),
        ("order", OrderId),
        ("account", AccountId),
        ("asset", AssetId),
        *_STATE,
        ("text", ptr),
        ("event", i64),  # version 1
    ]


class AssetOut(Structure):
    _fields_ = [
        ("version", u8),
        ("ticker", ptr),
        ("ticker_length", i32),
        ("exchange", ptr),
        ("exchange_length", i32),
        ("feed", u8),
    ]


def inline_structs(width: int) -> tuple[type[Structure], type[Structure]]:
    """``TConnectorAccountIdentifierOut`` and ``TConnectorOrderOut``: their size depends on the string unit."""
    text = ctypes.c_char * (100 * width)

    class AccountIdOut(Structure):
        _fields_ = [
            ("version", u8),
            ("broker", i32),
            ("account", text),
            ("account_length", i32),
            ("sub", text),
            ("sub_length", i32),
            ("reserved", i64),
        ]

    # Text inside needs the alignment of its unit, which a byte array does not have: both lie at multiples of 4.
    class OrderOut(Structure):
        _fields_ = [
            ("version", u8),
            ("order", OrderId),
            ("account", AccountIdOut),
            ("asset", AssetOut),
            *_STATE,
            ("text", ptr),
            ("text_length", i32),
            ("event", i64),  # version 1
        ]

    return AccountIdOut, OrderOut


_CHANGE = (Asset, i32, i32, i32, i32, i32, f64, f64, f64, i64)
_CHANGE_V2 = (Asset, i32, i32, i32, i32, i32, i32, f64, f64, f64, i64)
simulator_client.TYPES.update(
    {
        "Order": CFUNCTYPE(None, OrderId),
        "OrderHistory": CFUNCTYPE(None, AccountId),
        "AssetPositionList": CFUNCTYPE(None, AccountId, AssetId, i64),
        "BrokerAccountListChanged": CFUNCTYPE(None, i32, ctypes.c_uint32),
        "BrokerSubAccountListChanged": CFUNCTYPE(None, AccountId),
        "TradingMessageResult": CFUNCTYPE(None, POINTER(Answer)),
        "OrderChange": CFUNCTYPE(None, *_CHANGE, *(ptr,) * 7),
        "OrderChangeV2": CFUNCTYPE(None, *_CHANGE_V2, *(ptr,) * 10),
        "History": CFUNCTYPE(None, *_CHANGE, *(ptr,) * 6),
        "HistoryV2": CFUNCTYPE(None, *_CHANGE_V2, *(ptr,) * 9),
    }
)
ORDERS_PROC = CFUNCTYPE(i32, POINTER(Order), ctypes.c_ssize_t)
ASSETS_PROC = CFUNCTYPE(i32, POINTER(AssetId), ctypes.c_ssize_t)


class OrderClient(Client):
    """A client that sends orders; structs of the order callbacks become plain tuples as well."""

    def __init__(self, lib: ctypes.CDLL, width: int) -> None:
        super().__init__(lib, width)
        self.AccountIdOut, self.OrderOut = inline_structs(width)
        self._texts: list[Any] = []

    # ---- callbacks

    def _record(self, kind: str, args: tuple[Any, ...]) -> None:
        if kind not in ORDER_KINDS:
            super()._record(kind, args)
            return
        inside = self.inside.get(kind)
        if inside is not None:
            inside(*args)
        if kind == "TradingMessageResult":
            a = args[0].contents
            text = self.read(a.text)
            assert a.length == len(text)
            args = ((a.code, a.message, a.order.local, self.read(a.order.permanent), text),)
        plain = []
        for value in args:
            if isinstance(value, OrderId):
                value = (value.local, self.read(value.permanent))
            elif isinstance(value, AccountId):
                value = (value.broker, self.read(value.account), self.read(value.sub))
            elif isinstance(value, Asset | AssetId):
                value = self.asset(value)
            plain.append(value)
        if kind in ("OrderChange", "OrderChangeV2", "History", "HistoryV2"):
            declared = simulator_client.TYPES[kind]._argtypes_
            plain = [self.read(v) if d is ptr else v for v, d in zip(plain, declared, strict=True)]
        with self.changed:
            self.events.append((kind, *plain))
            self.changed.notify_all()

    def statuses(self) -> list[int]:
        """Status of the order at each update, as the string callback had it."""
        return [STATUS[e[15]] for e in self.of("OrderChange")]

    def answers(self) -> list[int]:
        """Codes of the answers to requests."""
        return [e[1][0] for e in self.of("TradingMessageResult")]

    # ---- arguments

    def text(self, text: str) -> int:
        """Address of a text that lives as long as the client."""
        array = self.wide(text)
        self._texts.append(array)
        return ctypes.addressof(array)

    def account(self, key: tuple[int, str, str] = ACCOUNT) -> AccountId:
        """An account."""
        return AccountId(0, key[0], self.text(key[1]), self.text(key[2]), 0)

    def asset_of(self, ticker: str) -> AssetId:
        """An asset."""
        return AssetId(0, self.text(ticker), self.text("F"), 0)

    def order_id(self, order: int | str) -> OrderId:
        """An order by its id in this session, or by its permanent one."""
        if isinstance(order, str):
            return OrderId(0, -1, self.text(order))
        return OrderId(0, order, self.text(""))

    def new(self, side: int, quantity: int, price: float = -1.0, stop: float = -1.0, **more: Any) -> NewOrder:
        """A struct for ``SendOrder``: market without price, limit with, stop-limit with a stop price."""
        kind = 4 if stop != -1.0 else 2 if price != -1.0 else 1
        return NewOrder(
            version=more.pop("version", 2),
            account=self.account(more.pop("account", ACCOUNT)),
            asset=self.asset_of(more.pop("ticker", "WDOU25")),
            password=self.text(more.pop("password", PASSWORD)),
            type=more.pop("type", kind),
            side=side,
            price=price,
            stop_price=stop,
            quantity=quantity,
            message=-7,
            **more,
        )

    # ---- requests

    def send(self, *args: Any, **more: Any) -> int:
        """Send an order and let what it causes at once be delivered."""
        local = int(self.call("SendOrder", byref(self.new(*args, **more)), result=i64))
        self.step(0)
        return local

    def change(self, order: int | str, price: float, quantity: int) -> int:
        """Change an order; returns the code."""
        struct = Change(
            1,
            self.account(),
            self.order_id(order),
            self.text(PASSWORD),
            price,
            -1.0,
            quantity,
            -7,
        )
        code = int(self.call("SendChangeOrderV2", byref(struct)))
        self.step(0)
        return code

    def cancel(self, order: int | str) -> int:
        """Cancel an order; returns the code."""
        struct = Cancel(1, self.account(), self.order_id(order), self.text(PASSWORD), -7)
        code = int(self.call("SendCancelOrderV2", byref(struct)))
        self.step(0)
        return code

    def zero(self, version: int = 2, price: float = -1.0, kind: int = 2) -> tuple[int, Zero]:
        """Zero the position; returns the id or code, and the struct."""
        struct = Zero(
            version,
            self.account(),
            self.asset_of("WDOU25"),
            self.text(PASSWORD),
            price,
            kind,
            -7,
        )
        local = int(self.call("SendZeroPositionV2", byref(struct), result=i64))
        self.step(0)
        return local, struct

    # ---- reading

    def details(self, order: int | str, version: int = 1) -> SimpleNamespace:
        """``GetOrderDetails`` in two calls."""
        out = self.OrderOut(version=version, order=self.order_id(order))
        assert self.call("GetOrderDetails", byref(out)) == NL_OK
        lengths = [out.asset.ticker_length, out.asset.exchange_length, out.text_length]
        buffers = [ctypes.create_string_buffer(max(n, 1) * self.width) for n in lengths]
        out.asset.ticker, out.asset.exchange, out.text = (ctypes.addressof(b) for b in buffers)
        assert self.call("GetOrderDetails", byref(out)) == NL_OK
        ticker, exchange, text = (
            b.raw[: n * self.width].decode(self.codec) for b, n in zip(buffers, lengths, strict=True)
        )
        account = (out.account.broker, *self.inline(out.account))
        return SimpleNamespace(
            raw=out,
            local=out.order.local,
            permanent=self.read(out.order.permanent),
            account=account,
            ticker=ticker,
            exchange=exchange,
            text=text,
            **{name: getattr(out, name) for name, _ in _STATE},
        )

    def inline(self, account: Any) -> tuple[str, str]:
        """Account and sub-account of an identifier with its text inside."""
        # `c_char` arrays stop at a zero byte when read as values: read the memory.
        at = ctypes.addressof(account)
        return (
            self.read(at + type(account).account.offset),
            self.read(at + type(account).sub.offset),
        )

    def position(self, version: int = 2, kind: int = 2, ticker: str = "WDOU25") -> tuple[int, PositionOut]:
        """``GetPositionV2``: code and struct."""
        out = PositionOut(version=version, account=self.account(), asset=self.asset_of(ticker), kind=kind)
        out.event = -7
        return int(self.call("GetPositionV2", byref(out))), out

    def all_orders(self, version: int = 1) -> list[tuple[int, str, int, int, int]]:
        """Local id, permanent id, status, traded, quantity of every known order of the account."""
        found: list[tuple[int, str, int, int, int]] = []
        threads: set[int] = set()

        def proc(order: Any, param: int) -> int:
            o = order.contents
            assert (o.version, param) == (version, 42)
            threads.add(threading.get_ident())
            found.append((o.order.local, self.read(o.order.permanent), o.status, o.traded, o.quantity))
            return 1

        code = self.call(
            "EnumerateAllOrders",
            byref(self.account()),
            u8(version),
            ctypes.c_ssize_t(42),
            ORDERS_PROC(proc),
        )
        assert code == NL_OK
        assert threads <= {threading.get_ident()}
        return found


ORDER_KINDS = {
    "Order",
    "OrderHistory",
    "AssetPositionList",
    "BrokerAccountListChanged",
    "BrokerSubAccountListChanged",
    "TradingMessageResult",
    "OrderChange",
    "OrderChangeV2",
    "History",
    "HistoryV2",
}
STATUS = {
    "New": 0,
    "PartiallyFilled": 1,
    "Filled": 2,
    "Canceled": 4,
    "Replaced": 5,
    "PendingCancel": 6,
    "Rejected": 8,
    "PendingNew": 10,
    "Expired": 12,
    "PendingReplace": 14,
    "PartiallyFilledCanceled": 15,
    "HadesCreated": 201,
    "BrokerSent": 202,
    "ClientCreated": 203,
    "OrderNotCreated": 204,
}
KINDS = ("Account", "Order", "TradingMessageResult", "OrderChange", "AssetPositionList")


@contextlib.contextmanager
def routing(width: int, toml: str, *kinds: str, steps: int = 400) -> Iterator[OrderClient]:
    """A client whose broker is connected, some events into the market; what the login told is forgotten."""
    with open_client(width) as plain:
        client = OrderClient(plain.lib, width)
        plain.close = client.close  # type: ignore[method-assign]
        client.register(*(kinds or KINDS))  # before the login: accounts come with it
        client.connect(toml, routing=True)
        client.wait_for(lambda: ("State", 1, 5) in client.events)
        client.step(steps)
        yield client
