"""The order manager by hand: its doors, its journal, and what it derives from snapshots."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crash_world import MS, SECOND, SETTINGS, START, WDO
from quantumtrader.exceptions import (
    JournalError,
    OrderError,
    OrderRefusedError,
    TradingHaltedError,
)
from quantumtrader.execution import (
    Approved,
    GatewayReport,
    KillSwitch,
    OrderJournal,
    OrderRef,
    OrderStage,
    OrderTicket,
    ReportKind,
    RiskState,
    Signal,
    SignalAction,
    VendorPosition,
)
from quantumtrader.execution.gateway import stage_of, ticket_of
from quantumtrader.execution.recovery import open_journal
from quantumtrader.types import Order, OrderType
from scripted_gateway import Bench, Scripted


def test_the_status_table_is_whole() -> None:
    finals = {2: "filled", 3: "cancelled", 4: "cancelled", 8: "rejected", 11: "cancelled", 12: "cancelled",
              15: "cancelled", 17: "cancelled", 18: "cancelled", 204: "rejected", 205: "cancelled"}  # fmt: skip
    sent, working = {10, 16, 201, 202, 203, 206, 207}, {0, 1, 5, 6, 7, 9, 13, 14}
    for status in [*range(19), *range(200, 208)]:
        stage = stage_of(status)
        assert stage.final == (status in finals)
        assert stage == finals.get(
            status, "sent" if status in sent else "working" if status in working else "unknown"
        )
    assert stage_of(4711) is OrderStage.UNKNOWN


def test_a_stop_is_put_as_a_stop_limit_beyond_its_trigger(bench: Bench) -> None:
    def ticket(*order: Any) -> OrderTicket:
        return ticket_of(bench.approve(Order(*order)), 20)

    assert ticket(1, -1, 2, OrderType.STOP, 992) == OrderTicket(-1, 2, OrderType.STOP, 972, 992)
    assert ticket(2, 1, 2, OrderType.STOP, 1008) == OrderTicket(1, 2, OrderType.STOP, 1028, 1008)
    assert ticket(3, 1, 2) == OrderTicket(1, 2, OrderType.MARKET)
    low = RiskState(bench.clock.ns, 2, 0, 0, 0.0, 0.0, 20, 21, 20)
    answer = bench.risk.check(Order(4, -1, 2, OrderType.STOP, 5, reduce_only=True), low)
    assert isinstance(answer, Approved)
    assert ticket_of(answer, 20).px == 1  # never at a price that is none


def test_the_way_out_is_taken_though_the_disk_fills_up_just_then(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    bench.manager.emergency_zero("Ana")
    assert bench.gateway.zeroed == 1
    assert bench.risk.tripped_hard


def test_the_way_out_is_taken_though_nothing_can_be_cancelled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OrderRefusedError("nothing to cancel")

    monkeypatch.setattr(bench.gateway, "cancel_all", refuse)
    with pytest.raises(OrderRefusedError):
        bench.manager.emergency_zero("Ana")
    assert bench.gateway.zeroed == 1


def test_fills_are_differences_and_their_money_is_exact(bench: Bench) -> None:
    order = bench.buy(6)
    bench.gateway.show(1, traded=1, leaves=5, average_px=1001.0, status=1)
    bench.wait(MS)
    bench.gateway.show(1, traded=6, leaves=0, average_px=(1001 * 1 + 1001 * 2 + 1002 * 3) / 6, status=2)
    bench.wait(MS)
    fills = bench.books.ledger.fills
    assert [(f.px, f.size) for f in fills] == [(1001, 1), (1001, 2), (1002, 3)]
    assert [f.fill_id for f in fills] == [order << 24 | 1, order << 24 | 3, order << 24 | 6]
    assert bench.books.ledger.average_px == pytest.approx(1001.5)
    assert bench.manager.get_order_status(order)["average_price"] == pytest.approx(1001.5 * 0.5)
    assert bench.manager.result(1003) == pytest.approx(6 * 1.5 * 5.0 - 6 * 1.1)


def test_doubled_late_and_stale_snapshots_change_nothing(bench: Bench) -> None:
    order = bench.buy(3)
    bench.gateway.show(1, traded=2, leaves=1, average_px=1001.0, status=1)
    bench.gateway.reports = [GatewayReport(ReportKind.ORDER, OrderRef(1))] * 5
    bench.wait(MS)
    count = len(bench.journal)
    bench.gateway.reports = [GatewayReport(ReportKind.ORDER, OrderRef(1, "C1"))] * 5
    bench.wait(MS)
    assert len(bench.journal) == count
    bench.gateway.show(1, traded=1, leaves=2, average_px=1001.0, status=1)
    bench.wait(MS)
    bench.gateway.show(1, traded=3, leaves=0, average_px=1001.0, status=2)
    bench.wait(MS)
    bench.gateway.show(1, status=1)  # an end stays an end
    bench.wait(MS)
    assert bench.manager.position == 3
    assert bench.manager.get_order_status(order)["status"] == "filled"


def test_contracts_without_a_price_are_waited_for(bench: Bench) -> None:
    bench.buy(2)
    bench.gateway.show(1, traded=2, leaves=0, average_px=math.nan, status=2)
    bench.wait(MS)
    assert bench.manager.position == 0
    bench.gateway.show(1, average_px=1001.0)
    bench.wait(MS)
    assert bench.manager.position == 2


def test_filled_with_contracts_left_is_no_end(bench: Bench) -> None:
    order = bench.buy(3)
    bench.gateway.show(1, traded=2, leaves=1, average_px=1001.0, status=2)
    bench.wait(MS)
    assert bench.manager.get_order_status(order)["status"] == "working"


def test_only_approved_orders_pass_and_each_once(bench: Bench) -> None:
    order = Order(bench.books.free_id(), 1, 1)
    with pytest.raises(OrderError, match="needs the Approved"):
        bench.manager.send_order(order)  # type: ignore[arg-type]
    approved = bench.approve(order)
    bench.manager.send_order(approved)
    with pytest.raises(OrderError, match="already sent"):
        bench.manager.send_order(approved)
    stale = bench.approve(Order(bench.books.free_id(), 1, 1))
    bench.clock.ns += 2 * SECOND
    with pytest.raises(OrderError, match="is 2 s old"):
        bench.manager.send_order(stale)
    assert len(bench.gateway.sent) == 1


def test_the_doors_of_the_design_documents(bench: Bench) -> None:
    manager = bench.manager
    signal = {"action": "buy", "position_size": 2, "entry_price": 500.0, "reason": "cvd"}
    order = manager.create_order(signal, {"account": "15003:777"})
    assert (order.side, order.size, order.type, order.px, order.tag) == (1, 2, OrderType.LIMIT, 1000, "cvd")
    assert manager.create_order(Signal(1, SignalAction.SELL, "why", 1, 8, 8), {}).side == -1
    of_numpy = {**signal, "position_size": np.int64(2), "entry_price": np.float64(500.0)}
    order_of_numpy = manager.create_order(of_numpy, {})
    assert (type(order_of_numpy.size), order_of_numpy.px) == (int, 1000)
    for bad, text in (
        ({"action": "hold", "position_size": 1}, "expected buy or sell"),
        *(
            ({**signal, "position_size": size}, "position_size, .*whole number")
            for size in (True, "2", math.nan, None)
        ),
        *(
            ({**signal, "entry_price": price}, "entry_price is .*expected points above 0")
            for price in (math.nan, math.inf, -math.inf, "500", True, -500.0, 0, 10**400)
        ),
        ({"action": "buy", "position_size": 1.5}, "whole number"),
        ({**signal, "entry_price": 500.3}, "not on the grid of 0.5"),
        (Signal(1, SignalAction.HOLD, "quiet"), "asks for no order"),
    ):
        with pytest.raises(OrderError, match=text):
            manager.create_order(bad, {})
    with pytest.raises(OrderError, match="not 1:2"):
        manager.create_order(signal, {"account": "1:2"})
    status = manager.send_order(bench.approve(order))
    assert status["status"] == "sent"
    assert status["price"] == 500.0
    bench.gateway.show(1)
    bench.wait(MS)
    (open_order,) = manager.get_open_orders()
    assert (open_order["status"], open_order["cl_ord_id"]) == ("working", "C1")
    assert manager.cancel_order(order.client_id)
    bench.gateway.show(1, status=4, leaves=0)
    bench.wait(MS)
    assert not manager.cancel_order(order.client_id)
    assert manager.get_open_orders() == []
    with pytest.raises(OrderError, match="never sent"):
        manager.get_order_status(5)


def test_what_the_gateway_refuses_was_never_sent(bench: Bench) -> None:
    bench.gateway.fails = OrderRefusedError("no margin")
    order = bench.buy()
    assert bench.manager.get_order_status(order)["status"] == "rejected"
    assert bench.manager.ready


def test_a_refusal_on_the_way_ends_an_order_that_was_never_made(bench: Bench) -> None:
    order = bench.buy()
    bench.gateway.reports = [GatewayReport(ReportKind.REFUSED, OrderRef(1), "blocked by risk")]
    bench.wait(MS)
    assert bench.manager.get_order_status(order)["status"] == "rejected"


def test_a_cancel_without_effect_is_repeated(bench: Bench) -> None:
    order = bench.buy(1, 990)
    bench.gateway.show(1)
    bench.wait(MS)
    bench.manager.cancel_order(order)
    for _ in range(40):
        bench.wait(SETTINGS.retry_ns)
    assert 3 <= len(bench.gateway.cancelled) <= 6  # with growing patience


def test_the_kill_switch_is_on_after_a_restart(bench: Bench, tmp_path: Path) -> None:
    bench.manager.halt("strategy failed", hard=True)
    bench.journal.close()
    again = Bench(tmp_path / "orders.journal")
    again.manager.initialize()
    assert again.risk.tripped == "strategy failed"
    assert again.risk.tripped_hard
    again.manager.clear("Ana")
    again.journal.close()
    third = Bench(tmp_path / "orders.journal")
    third.manager.initialize()
    assert not third.risk.tripped


def test_the_journal_of_another_account_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.journal.close()
    gateway = Scripted()
    gateway.account = "15003:888"
    with pytest.raises(JournalError, match="of account 15003:777 in WDOV26, the gateway of 15003:888"):
        Bench(tmp_path / "orders.journal", gateway=gateway).manager.initialize()


def test_without_its_journal_no_order_leaves(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    approved = bench.approve(Order(bench.books.free_id(), 1, 1))

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(TradingHaltedError, match="No space left"):
        bench.manager.send_order(approved)
    monkeypatch.undo()
    assert bench.gateway.sent == []
    assert bench.risk.tripped_hard
    assert not bench.manager.ready
    with pytest.raises(TradingHaltedError, match="no order leaves without its journal"):
        bench.manager.send_order(approved)
    bench.manager.emergency_zero("Ana")  # a person's way out needs no journal
    assert bench.gateway.zeroed == 1


def test_the_day_counts_from_its_beginning_also_after_a_restart(bench: Bench, tmp_path: Path) -> None:
    bench.manager.begin_day("2026-09-21")
    bench.buy(3)
    bench.gateway.show(1, traded=3, leaves=0, average_px=1001.0, status=2)
    bench.wait(MS)
    before = bench.manager.result(990)
    assert before == pytest.approx(-3 * 11 * 5.0 - 3 * 1.1)
    bench.journal.close()
    again = Bench(tmp_path / "orders.journal")
    again.manager.begin_day("2026-09-21")
    assert again.manager.result(990) == before
    again.manager.begin_day("2026-09-22")
    assert again.manager.result(990) == pytest.approx(-3 * 11 * 5.0)


@pytest.mark.parametrize("damage", ["kind", "order"])
def test_a_journal_of_another_version_is_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.journal"
    with OrderJournal(path) as journal:
        journal.append("begin", START, schema=1, account="a", symbol="WDOV26", tick_size=0.5)
        if damage == "kind":
            journal.append("prophecy", START)
        else:
            journal.append("unsent", START, client_id=1_000_001)
    text = "unknown kind 'prophecy'" if damage == "kind" else "which was not asked for"
    with pytest.raises(JournalError, match=text):
        Bench(path)


def test_a_journal_is_put_aside_once_nothing_of_it_matters(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "orders.journal"
    bench.manager.begin_day("2026-09-21")
    bench.buy(1)
    bench.gateway.show(1, traded=1, leaves=0, average_px=1001.0, status=2)
    bench.wait(MS)
    bench.journal.close()
    with open_journal(path, WDO, "2026-09-22") as held:
        assert len(held) > 0  # a position is carried over
    again = Bench(path, gateway=bench.gateway)
    again.gateway.held = VendorPosition(1, 1001.0)
    again.manager.initialize()
    again.manager.submit(again.approve(Order(again.books.free_id(), -1, 1, reduce_only=True)))
    again.gateway.show(2, traded=1, leaves=0, average_px=1002.0, status=2)
    again.wait(MS)
    again.journal.close()
    with open_journal(path, WDO, "2026-09-21") as same:
        assert len(same) > 0
    with open_journal(path, WDO, "2026-09-22") as new:
        assert len(new) == 0
    assert (tmp_path / "orders-2026-09-21.journal").exists()


def test_the_kill_switch_thrown_by_others_is_kept_as_well(bench: Bench) -> None:
    bench.risk.trip("somebody's reason")
    bench.wait(MS)
    assert bench.books.killed == "somebody's reason"


def test_a_switch_with_a_file_is_believed_over_the_journal(bench: Bench, tmp_path: Path) -> None:
    bench.manager.halt("strategy failed")
    bench.journal.close()
    again = Bench(tmp_path / "orders.journal")
    again.risk.switch = again.risk._gate.switch = KillSwitch(
        tmp_path / "kill.json"
    )  # cleared by a person meanwhile
    again.manager.initialize()
    assert not again.risk.tripped
    assert not again.books.killed
