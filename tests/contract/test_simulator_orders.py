"""Orders, accounts and positions through the vendor's symbols, in both flavours."""

from __future__ import annotations

import ctypes
import struct
from ctypes import byref
from typing import Any

import pytest

from contract.order_client import (
    ASSETS_PROC,
    KINDS,
    ORDERS_PROC,
    PASSWORD,
    AccountOut,
    CancelAll,
    CancelTicker,
    NewOrder,
    OrderClient,
    PositionOut,
    Zero,
    routing,
)
from contract.simulator_client import NL_OK, SystemTime, f64, i32, i64, nl, ptr, session, u8

BUY, SELL = 1, 2
MARKET = "[market]\nmax_events = 20000\n"
HEALTHY = [0, 2, 4, 6, 8, 10]
BORN = [203, 201, 202, 10, 0]


@pytest.fixture(params=[2, 4], ids=["utf16", "wchar32"])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def best(client: OrderClient, side: int) -> float:
    """Best price of a side of the true book, 0 buy or 1 sell."""
    return client.true_book("WDOU25", side)[-1][0]


def orders(*lines: str) -> str:
    return MARKET + "[orders]\n" + "\n".join(lines)


# ---- an order's life


def test_a_market_order_from_request_to_position(width: int) -> None:
    with routing(width, orders(f'password = "{PASSWORD}"')) as client:
        new = client.new(BUY, 2)
        ask = best(client, 1)
        local = client.call("SendOrder", byref(new), result=i64)
        client.step(0)
        assert local > 0
        assert new.message > 0
        assert client.answers() == HEALTHY
        assert {e[1][1] for e in client.of("TradingMessageResult")} == {new.message}
        statuses = client.statuses()
        assert statuses[:5] == BORN
        assert statuses[-1] == 2
        ids = [e[1] for e in client.of("Order")]
        assert {i[0] for i in ids} == {local}
        assert [bool(i[1]) for i in ids[:5]] == [False, False, False, True, True]
        order = client.details(local)
        assert order.permanent == ids[-1][1]
        assert (order.account, order.ticker, order.exchange) == ((15003, "1001", ""), "WDOU25", "F")
        assert (order.quantity, order.traded, order.leaves, order.status) == (2, 2, 0, 2)
        assert (order.side, order.type, order.price, order.stop_price) == (BUY, 1, -1.0, -1.0)
        assert order.average >= ask
        assert (order.closed.hour, order.date.year) == (order.date.hour, 2025)
        by_permanent = client.details(order.permanent)
        assert by_permanent.local == local
        code, position = client.position()
        assert (code, position.open, position.side, position.bought) == (NL_OK, 2, 1, 2)
        assert position.average == position.average_bought == order.average
        told = client.of("AssetPositionList")[-1]
        assert told[1:] == ((15003, "1001", ""), "WDOU25:F", position.event)


def test_a_limit_order_is_changed_and_cancelled(width: int) -> None:
    with routing(width, MARKET) as client:
        bid = best(client, 0)
        local = client.send(BUY, 3, bid - 10)
        assert client.details(local).status == 0
        assert client.change(local, bid - 11, 5) == NL_OK
        order = client.details(local)
        assert (order.status, order.price, order.quantity, order.leaves) == (5, bid - 11, 5, 5)
        assert client.cancel(order.permanent) == NL_OK
        order = client.details(local)
        assert (order.status, order.leaves) == (4, 0)
        assert client.answers() == HEALTHY * 3
        assert client.statuses() == [*BORN, 14, 5, 6, 4]
        assert client.cancel(local) == NL_OK
        assert client.answers()[-1] == 9, "rejected by the market: it is over"
        assert client.cancel(123) == client.change("none", 1.0, 1) == nl(12)


def test_a_resting_order_fills_in_parts_as_the_market_trades() -> None:
    with routing(2, orders("max_fill = 1")) as client:
        local = client.send(SELL, 3, best(client, 0) + 0.5)
        traded = [client.details(local).traded]
        while client.step(50) and client.details(local).leaves:
            traded.append(client.details(local).traded)
        order = client.details(local)
        assert (order.status, order.traded) == (2, 3)
        assert client.statuses()[5:] == [1, 1, 2]
        assert sorted(traded) == traded
        code, position = client.position()
        assert (code, position.open, position.side, position.sold) == (NL_OK, 3, 2, 3)


def test_a_stop_limit_waits_for_its_price() -> None:
    with routing(2, MARKET) as client:
        bid = best(client, 0)
        local = client.send(SELL, 1, bid - 5, bid - 2)
        order = client.details(local)
        assert (order.status, order.type, order.stop_price) == (0, 4, bid - 2)
        while client.step(100) and client.details(local).leaves:
            pass
        assert client.details(local).average <= bid - 1.5


@pytest.mark.parametrize(
    ("stage", "answers", "statuses"),
    [
        ("proxy", [0, 1], [203, 204]),
        ("mercury", [0, 2, 3], [203, 204]),
        ("gateway", [0, 2, 4, 5], [203, 201, 8]),
        ("risk", [0, 2, 4, 24], [203, 201, 8]),
        ("broker", [0, 2, 4, 6, 7], [203, 201, 202, 8]),
        ("market", [0, 2, 4, 6, 8, 9], [203, 201, 202, 10, 8]),
    ],
)
def test_rejection_at_each_stage(stage: str, answers: list[int], statuses: list[int]) -> None:
    rule = f'[[orders.rules]]\nnth = 1\nreject = "{stage}"\ntext = "Não à estação {stage}"'
    with routing(2, MARKET + rule) as client:
        local = client.send(BUY, 1)
        assert (client.answers(), client.statuses()) == (answers, statuses)
        order = client.details(local)
        assert order.text == f"Não à estação {stage}"
        assert order.leaves == 0
        assert client.of("TradingMessageResult")[-1][1][4] == order.text
        assert client.position()[0] == nl(11)


def test_what_the_world_refuses() -> None:
    with routing(2, orders(f'password = "{PASSWORD}"', "per_minute = 3")) as client:
        bid = best(client, 0)
        for code, text, args, more in [
            (9, "incremento mínimo", (BUY, 1, bid - 10.2), {}),
            (5, "WDOFUT não é um contrato", (BUY, 1), {"ticker": "WDOFUT"}),
            (5, "Assinatura eletrônica inválida", (BUY, 1), {"password": "senha"}),
            (24, "3 ordens por minuto", (BUY, 1), {}),
        ]:
            local = client.send(*args, **more)
            assert client.answers()[-1] == code
            assert text in client.details(local).text
        assert client.send(BUY, 0) == nl(3)
        assert client.send(3, 1) == nl(3)
        assert client.send(BUY, 1, ticker="PETR4") == nl(0x1F)
        assert client.send(BUY, 1, password="") == nl(0x1C)
        assert client.send(BUY, 1, account=(1, "x", "")) == nl(12)


def test_nobody_trades_outside_the_session() -> None:
    with routing(2, "[market]\nopen = false", steps=0) as client:
        local = client.send(BUY, 1)
        order = client.details(local)
        assert (order.status, order.text) == (8, "Mercado fechado")


def test_orders_work_on_while_the_broker_is_down() -> None:
    down = '[[trouble]]\nkind = "broker_down"\nevent = 800\nevents = 3000\n'
    with routing(2, MARKET + down) as client:
        client.step(390)
        resting = client.send(BUY, 1, best(client, 0)), client.send(SELL, 1, best(client, 1))
        while client.states()[-1] != (1, 3):
            assert client.step(10)
        assert [client.details(o).leaves for o in resting] == [1, 1]
        before = len(client.events)
        local = client.send(BUY, 1)
        assert client.answers()[-2:] == [0, 1]
        assert client.details(local).status == 204
        while client.states()[-1] == (1, 3):
            assert client.step(100)
        assert client.states()[-2:] == [(1, 4), (1, 5)]
        told = client.events[before:]
        state = told.index(("State", 1, 5))
        kinds = [e[0] for e in told[:state]]
        assert kinds == [*["TradingMessageResult", "Order", "OrderChange"] * 2, "State"], (
            "nobody hears of fills"
        )
        assert "Account" in {e[0] for e in told[state:]}
        filled = [o for o in resting if client.details(o).status == 2]
        assert filled
        assert set(filled) <= {e[1][0] for e in told[state:] if e[0] == "Order"}, "told with the connection"
        assert client.details(client.send(BUY, 1)).status in (1, 2)


def test_orders_need_routing() -> None:
    with session(2, MARKET) as client:
        assert client.call("GetAccountCount") == nl(0x0A)
        assert client.call("SetDayTrade", 1) == NL_OK


# ---- versions


def guarded(kind: Any, size: int, value: ctypes.Structure) -> ctypes.Array[ctypes.c_char]:
    """The first ``size`` bytes of a struct, then a guard."""
    buffer = ctypes.create_string_buffer(size + 64)
    ctypes.memset(buffer, 0xA5, size + 64)
    ctypes.memmove(buffer, ctypes.addressof(value), size)
    return buffer


def test_send_order_writes_no_more_than_its_version_has(width: int) -> None:
    with routing(width, MARKET) as client:
        bid = best(client, 0)
        for version, kind, side, size in ((0, 0, 0, 112), (1, 2, BUY, 112), (2, 2, BUY, 120)):
            new = client.new(side, 1, bid - 10, version=version, type=kind)
            buffer = guarded(NewOrder, size, new)
            local = client.call("SendOrder", buffer, result=i64)
            order = client.details(local)
            assert (order.type, order.side, order.status) == (2, BUY, 0)
            assert buffer.raw[size:] == b"\xa5" * 64
            if version == 2:
                assert struct.unpack_from("<q", buffer, 112)[0] > 0
        legacy_stop = client.new(1, 1, bid - 5, bid - 4, version=0, type=1)
        order = client.details(client.call("SendOrder", byref(legacy_stop), result=i64))
        assert (order.type, order.side) == (4, SELL)
        assert client.send(BUY, 1, version=3) == nl(0x0D)
        assert client.call("SendOrder", None, result=i64) == nl(3)


def test_zero_position_in_every_version(width: int) -> None:
    with routing(width, MARKET) as client:
        assert client.zero()[0] == nl(11), "no position"
        for version, size in ((0, 88), (1, 96), (2, 104)):
            client.send(BUY, 2)
            struct_ = Zero(
                version, client.account(), client.asset_of("WDOU25"), client.text(PASSWORD), -1.0, 1
            )
            buffer = guarded(Zero, size, struct_)
            local = client.call("SendZeroPositionV2", buffer, result=i64)
            client.step(0)
            assert client.details(local).status == 2
            assert buffer.raw[size:] == b"\xa5" * 64
            assert client.position()[1].open == 0
        client.send(BUY, 2)
        assert client.zero(version=1, kind=0)[0] == nl(3), "the kind of position is mandatory"
        assert client.zero(version=3)[0] == nl(0x0D)


def test_positions_in_every_version(width: int) -> None:
    carried = '[[orders.positions]]\naccount = "1001"\nticker = "WDOU25"\nquantity = -3\nprice = 5400.0\n'
    with routing(width, MARKET + carried) as client:
        client.send(BUY, 1)
        for version, size in ((0, 200), (1, 208), (2, 216)):
            value = PositionOut(
                version=version, account=client.account(), asset=client.asset_of("WDOU25"), kind=2
            )
            buffer = guarded(PositionOut, size, value)
            assert client.call("GetPositionV2", buffer) == NL_OK
            assert buffer.raw[size:] == b"\xa5" * 64
            read = PositionOut.from_buffer_copy(buffer.raw[:216])
            assert (read.open, read.side, read.average, read.bought) == (2, 2, 5400.0, 1)
        day = client.position(kind=1)[1]
        assert (day.open, day.side) == (1, 1)
        assert client.position(version=1, kind=0)[0] == nl(3)
        assert client.position(version=3)[0] == nl(0x0D)
        assert client.position(ticker="XYZ")[0] == nl(0x1F)


def test_order_details_in_every_version(width: int) -> None:
    with routing(width, MARKET) as client:
        local = client.send(BUY, 1, best(client, 0) - 10)
        extra = {2: 0, 4: 400}[width]
        assert ctypes.sizeof(client.OrderOut) == 640 + extra
        for version, size in ((0, 632 + extra), (1, 640 + extra)):
            value = client.OrderOut(version=version, order=client.order_id(local))
            buffer = guarded(client.OrderOut, size, value)
            assert client.call("GetOrderDetails", buffer) == NL_OK
            assert buffer.raw[size:] == b"\xa5" * 64
            if version == 1:
                assert struct.unpack_from("<q", buffer, 632 + extra)[0] > 0
        value = client.OrderOut(version=2, order=client.order_id(local))
        assert client.call("GetOrderDetails", byref(value)) == nl(0x0D)
        value = client.OrderOut(version=1, order=client.order_id("unknown"))
        assert client.call("GetOrderDetails", byref(value)) == nl(12)


# ---- accounts

FAMILY = """
[[orders.accounts]]
account = "1001"
owner = "Ana"
subs = ["S1", "S2"]
[[orders.accounts]]
broker_id = 32003
broker = "Outra Corretora"
account = "77"
owner = "João"
"""
ACCOUNT_KINDS = (*KINDS, "BrokerAccountListChanged", "BrokerSubAccountListChanged", "OrderHistory")


def test_accounts_are_announced_listed_and_described(width: int) -> None:
    with routing(width, MARKET + FAMILY, *ACCOUNT_KINDS) as client:
        assert [e[1:] for e in client.of("Account")] == [
            (15003, "Corretora Simulada", "1001", "Ana"),
            (32003, "Outra Corretora", "77", "João"),
        ]
        state = client.events.index(("State", 1, 5))
        assert client.events.index(client.of("Account")[0]) > state, "accounts follow the connection"
        assert [e[1:] for e in client.of("BrokerAccountListChanged")] == [(15003, 3), (32003, 1)]
        assert [e[1] for e in client.of("BrokerSubAccountListChanged")] == [(15003, "1001", "")] * 2
        assert client.call("GetAccountCount") == 2
        assert client.call("GetAccountCountByBroker", i32(32003)) == 1
        out = (client.AccountIdOut * 3)()
        assert client.call("GetAccounts", i32(1), i32(2), i32(5), out) == 1
        assert (out[0].broker, out[2].broker) == (0, 32003)
        assert client.inline(out[2]) == ("77", "")
        assert client.call("GetAccountsByBroker", i32(15003), i32(0), i32(0), i32(1), out) == 1
        assert client.inline(out[0]) == ("1001", "")
        master = client.account()
        assert client.call("GetSubAccountCount", byref(master)) == 2
        assert client.call("GetSubAccounts", byref(master), i32(0), i32(0), i32(3), out) == 2
        assert [client.inline(o) for o in out[:2]] == [("1001", "S1"), ("1001", "S2")]
        other = client.account((32003, "77", ""))
        assert client.call("GetSubAccountCount", byref(other)) == nl(0x20)
        for version, size in ((0, 88), (1, 96)):
            value = AccountOut(version=version, account=client.account((15003, "1001", "S2")))
            assert client.call("GetAccountDetails", byref(value)) == NL_OK
            assert (value.broker_name_length, value.owner_length, value.sub_owner_length) == (18, 3, 2)
            names = [ctypes.create_string_buffer(n * width) for n in (18, 3, 2)]
            value.broker_name, value.owner, value.sub_owner = (ctypes.addressof(n) for n in names)
            buffer = guarded(AccountOut, size, value)
            assert client.call("GetAccountDetails", buffer) == NL_OK
            assert [n.raw.decode(client.codec) for n in names] == ["Corretora Simulada", "Ana", "S2"]
            assert buffer.raw[size:] == b"\xa5" * 64
            read = AccountOut.from_buffer_copy(buffer.raw[:96])
            assert read.flags == 3
            assert version == 0 or read.type == 3
        value = AccountOut(version=1, account=client.account((1, "x", "")))
        assert client.call("GetAccountDetails", byref(value)) == nl(12)


def test_partial_announcements_must_be_merged() -> None:
    with routing(2, orders('announce = "partial"') + FAMILY, *ACCOUNT_KINDS) as client:
        lists = [e[1:] for e in client.of("BrokerAccountListChanged")]
        assert lists == [(15003, 2), (15003, 2), (32003, 1)]
        assert client.call("GetAccountCount") == 2


def test_positions_are_listed_per_account() -> None:
    with routing(2, MARKET) as client:
        client.send(BUY, 1)
        seen = []

        def proc(asset: Any, param: int) -> int:
            seen.append((client.asset(asset.contents), param))
            return 1

        args = byref(client.account()), u8(0), ctypes.c_ssize_t(9), ASSETS_PROC(proc)
        assert client.call("EnumerateAllPositionAssets", *args) == NL_OK
        assert seen == [("WDOU25:F", 9)]
        assert client.call("EnumerateAllPositionAssets", args[0], u8(1), *args[2:]) == nl(0x0D)


# ---- order history and enumeration


def test_orders_are_enumerated_until_the_low_byte_is_zero(width: int) -> None:
    with routing(width, MARKET) as client:
        bid = best(client, 0)
        locals_ = [client.send(BUY, n, bid - 10) for n in (1, 2, 3)]
        assert [o[0] for o in client.all_orders(0)] == [o[0] for o in client.all_orders(1)] == locals_
        seen = []

        def proc(order: Any, _: int) -> int:
            seen.append(order.contents.quantity)
            return 0x100  # a BOOL in which only the high bytes are set

        args = byref(client.account()), u8(1), ctypes.c_ssize_t(0), ORDERS_PROC(proc)
        assert client.call("EnumerateAllOrders", *args) == NL_OK
        assert seen == [1]
        assert client.call("EnumerateAllOrders", args[0], u8(2), *args[2:]) == nl(0x0D)


def test_the_history_is_asked_for_and_comes(width: int) -> None:
    with routing(width, orders("history_ms = 1000.0"), *KINDS, "OrderHistory") as client:
        local = client.send(BUY, 1, best(client, 0) - 10)
        day = client.details(local).date
        before = SystemTime(2025, 8, 0, 1)
        has = lambda a, b: client.call("HasOrdersInInterval", byref(client.account()), a, b)  # noqa: E731
        assert has(before, day) == nl(4)
        while not client.of("OrderHistory") and client.step(200):
            pass
        assert client.of("OrderHistory")[0][1] == (15003, "1001", "")
        while has(before, day) != NL_OK and client.step(200):
            pass
        assert has(before, day) == NL_OK
        assert has(day, before) == nl(9)
        assert has(before, SystemTime(2026, 1, 0, 1)) == nl(9)
        assert has(SystemTime(), SystemTime()) == nl(9)
        seen = []

        def proc(order: Any, _: int) -> int:
            seen.append(order.contents.order.local)
            return 1

        def between(start: SystemTime, end: SystemTime) -> list[int]:
            seen.clear()
            args = byref(client.account()), u8(1), start, end, ctypes.c_ssize_t(0), ORDERS_PROC(proc)
            assert client.call("EnumerateOrdersByInterval", *args) == NL_OK
            return list(seen)

        assert between(before, day) == [local]
        midnight = SystemTime(day.year, day.month, 0, day.day)
        assert between(before, midnight) == [], "the time of day counts"


# ---- string callbacks and the older functions


def test_both_versions_of_the_string_callbacks(width: int) -> None:
    with routing(width, MARKET, "OrderChange", "OrderChangeV2", "TradingMessageResult") as client:
        bid = best(client, 0)
        local = client.send(SELL, 2, bid + 20)
        permanent = client.details(local).permanent
        one, two = client.of("OrderChange")[-1], client.of("OrderChangeV2")[-1]
        head = ("WDOU25:F", 15003, 2, 0, 2, SELL)
        numbers = (bid + 20, -1.0, 0.0, local)
        texts = ("Limit", "1001", "Titular Simulado", permanent, "New")
        date = one[16]
        assert one == ("OrderChange", *head, *numbers, *texts, date, "")
        assert two[:7] == ("OrderChangeV2", *head)
        assert two[7] == 0
        assert two[8:17] == (*numbers, *texts)
        assert two[17:] == (date, two[18], "", date, "")
        assert len(date) == 23
        client.cancel(local)
        assert client.of("OrderChangeV2")[-1][19] != ""


def test_the_older_functions(width: int) -> None:
    kinds = "OrderChange", "History", "Account", "TradingMessageResult"
    with routing(width, MARKET, *kinds) as client:
        bid = best(client, 0)
        who = "1001", "15003", PASSWORD
        what = *who, "WDOU25", "F"
        send = lambda name, *args: client.call(name, *what, *args, result=i64)  # noqa: E731
        ids = [
            send("SendBuyOrder", f64(bid - 10), i32(1)),
            send("SendSellOrder", f64(bid + 20), i32(2)),
            send("SendStopBuyOrder", f64(bid + 21), f64(bid + 20), i32(1)),
            send("SendStopSellOrder", f64(bid - 21), f64(bid - 20), i32(1)),
            send("SendMarketBuyOrder", i32(2)),
            send("SendMarketSellOrder", i32(5)),
        ]
        client.step(0)
        found = [(o.side, o.type) for o in map(client.details, ids)]
        assert found == [(1, 2), (2, 2), (1, 4), (2, 4), (1, 1), (2, 1)]
        blob = client.call("GetPosition", "1001", "15003", "WDOU25", "F", result=ptr)
        size = struct.unpack("<i", ctypes.string_at(blob + 4, 4))[0]
        data = ctypes.string_at(blob, size)
        assert data[-1] == 2, "short"
        assert struct.unpack_from("<i", data, 12 + 6 + 2 + 16 + 8)[0] == -3
        assert client.call("FreePointer", ptr(blob), i32(size)) == NL_OK
        permanent = client.details(ids[0]).permanent
        assert client.call("SendChangeOrder", *who, permanent, f64(bid - 12), i32(4)) == NL_OK
        assert client.details(ids[0]).quantity == 4
        assert client.call("SendCancelOrder", "1001", "15003", permanent, PASSWORD) == NL_OK
        assert client.details(ids[0]).status == 4
        assert client.call("SendCancelOrders", *what) == NL_OK
        assert [client.details(i).leaves for i in ids] == [0] * 6
        args = "1001", "15003", "WDOU25", "F", PASSWORD
        zero = client.call("SendZeroPosition", *args, f64(bid - 50), result=i64)
        client.step(0)
        assert client.details(zero).type == 2
        assert client.call("SendCancelAllOrders", *who) == NL_OK
        client.step(0)
        at_market = client.call("SendZeroPositionAtMarket", *args, result=i64)
        assert at_market > 0 or at_market == nl(11)
        assert client.position()[1].open == 0
        client.step(0)
        seen = len(client.events)
        assert client.call("GetAccount") == NL_OK
        assert client.call("GetOrderProfitID", i64(ids[0])) == NL_OK
        assert client.call("GetOrder", permanent) == NL_OK
        assert client.call("GetOrders", "1001", "15003", "04/08/2025", "04/08/2025") == NL_OK
        client.step(0)
        kinds_ = [e[0] for e in client.events[seen:]]
        assert kinds_.count("Account") == 1
        assert kinds_.count("OrderChange") == 2
        assert kinds_.count("History") >= 7
        assert client.call("GetOrder", "none") == nl(12)
        assert client.call("SendCancelAllOrders", "1001", "x", PASSWORD) == nl(3)


def test_cancel_structs(width: int) -> None:
    with routing(width, MARKET) as client:
        bid = best(client, 0)
        near = [client.send(BUY, 1, bid - 10), client.send(SELL, 1, bid + 20)]
        one = CancelTicker(0, client.account(), client.asset_of("WDOU25"), client.text(PASSWORD))
        assert client.call("SendCancelOrdersV2", byref(one)) == NL_OK
        assert [client.details(i).status for i in near] == [4, 4]
        last = client.send(BUY, 1, bid - 10)
        every = CancelAll(0, client.account(), client.text(PASSWORD))
        assert client.call("SendCancelAllOrdersV2", byref(every)) == NL_OK
        assert client.details(last).status == 4
        every.version = 1
        assert client.call("SendCancelAllOrdersV2", byref(every)) == nl(0x0D)


# ---- trouble


def test_updates_come_twice_late_and_not_at_all() -> None:
    rules = "\n".join(
        f"[[orders.rules]]\nnth = {n}\n{trouble}"
        for n, trouble in ((1, "duplicate = 1"), (2, "duplicate = 1\nlate_ms = 500.0"), (3, "mute = true"))
    )
    with routing(2, MARKET + rules) as client:
        client.send(BUY, 1)
        twice = client.statuses()
        assert twice[::2] == twice[1::2]
        client.events.clear()
        client.send(BUY, 1)
        first = client.statuses()
        while len(client.statuses()) < 2 * len(first):
            assert client.step(100)
        assert client.statuses() == first * 2, "stale: the order was filled long before"
        client.events.clear()
        local = client.send(BUY, 1, best(client, 0) - 10)
        assert client.events == []
        assert client.details(local).status == 0


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ('"ticker_state"\nstate = "closed"\nevents = 100', 12, "Fim do pregão"),
        ('"roll"', 205, "Vencimento do contrato"),
    ],
)
def test_scripted_states_reach_the_orders(kind: str, status: int, text: str) -> None:
    with routing(2, MARKET + f"[[trouble]]\nevent = 600\nkind = {kind}\n") as client:
        local = client.send(BUY, 1, best(client, 0) - 10)
        while client.details(local).leaves:
            assert client.step(10)
        order = client.details(local)
        assert (order.status, order.text) == (status, text)
        late = client.details(client.send(BUY, 1, best(client, 0) - 10))
        assert (late.status, late.text) == ((8, "Mercado fechado") if status == 12 else (0, ""))


def test_older_versions_deliver_fewer_updates() -> None:
    with routing(2, '[profile]\nversion = "4.0.0.36"\n' + MARKET) as client:
        local = client.send(BUY, 1, best(client, 0) - 10)
        client.cancel(local)
        assert client.statuses() == [203, 10, 0, 4]
        assert client.answers() == HEALTHY * 2


def test_the_reports_of_a_whole_session_balance() -> None:
    with routing(2, orders("max_fill = 2")) as client:
        signed, step = 0, 0
        ids = []
        while client.step(200):
            step += 1
            side = BUY if step % 3 else SELL
            price = best(client, 0) if step % 2 and client.true_book("WDOU25", 0) else -1.0
            ids.append(client.send(side, 1 + step % 4, price))
            if step % 5 == 0:
                client.cancel(ids[-2])
        for local in ids:
            order = client.details(local)
            signed += order.traded if order.side == BUY else -order.traded
            assert order.traded + order.leaves <= order.quantity
        position = client.position()[1]
        assert signed == {1: position.open, 2: -position.open}.get(position.side, 0)
        assert client.report()["leaks"]["blobs"] == 0


def test_answers_come_by_themselves_where_the_market_stands_still() -> None:
    toml = "[market]\nmax_events = 2000\nspeed = 1.0\n[orders]\nlatency_ms = 20.0"
    with routing(2, toml, steps=0) as client:
        client.call("SendOrder", byref(client.new(BUY, 1)), result=i64)
        client.wait_for(lambda: client.answers() == HEALTHY)


def test_a_request_from_an_order_callback_is_refused() -> None:
    with routing(2, MARKET) as client:
        codes = []
        client.inside["Order"] = lambda _: codes.append(
            client.call("SendOrder", byref(client.new(BUY, 1)), result=i64)
        )
        client.send(BUY, 1)
        assert codes
        assert set(codes) == {nl(0x2B)}
        assert "request_in_callback" in client.sins()
