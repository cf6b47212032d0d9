"""The order manager by hand: its doors, what it derives from snapshots, what it does about what is not ours."""

from __future__ import annotations

import errno
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crash_world import LIMITS, MS, PLAN, SECOND, SETTINGS, START, WDO, World
from quantumtrader.exceptions import (
    GatewayError,
    JournalError,
    OrderError,
    OrderRefusedError,
    TradingHaltedError,
)
from quantumtrader.execution import (
    Approved,
    BracketPlan,
    DeskSettings,
    FindingKind,
    ForeignPolicy,
    GatewayReport,
    KillSwitch,
    LiveDesk,
    ManagerSettings,
    OrderDetails,
    OrderExecutionManagerV4,
    OrderJournal,
    OrderRef,
    OrderStage,
    OrderTicket,
    ReportKind,
    RiskManager,
    RiskState,
    Signal,
    SignalAction,
    StopMode,
    VendorPosition,
)
from quantumtrader.execution.gateway import stage_of, ticket_of
from quantumtrader.execution.order_journal import read_journal
from quantumtrader.execution.recovery import open_journal
from quantumtrader.types import PX_NONE, Order, OrderType


class Scripted:
    """A gateway whose answers the test writes by hand."""

    account, symbol, connected = "15003:777", "WDOV26", True

    def __init__(self) -> None:
        self.known: dict[int, OrderDetails] = {}
        self.sent: list[OrderTicket] = []
        self.cancelled: list[OrderRef] = []
        self.others: list[OrderDetails] = []
        self.reports: list[GatewayReport] = []
        self.held = VendorPosition(0)
        self.fails: Exception | None = None
        self.zeroed = 0

    def send(self, ticket: OrderTicket) -> int:
        self.sent.append(ticket)
        if self.fails is not None:
            raise self.fails
        return len(self.sent)

    def show(self, local_id: int, **changes: Any) -> None:
        """Make the vendor's order look like this."""
        ticket = self.sent[local_id - 1]
        base = self.known.get(local_id) or OrderDetails(
            OrderRef(local_id, f"C{local_id}"), self.symbol, ticket.side, ticket.size, ticket.type, ticket.px,
            ticket.stop_px, 0, ticket.size, math.nan, 0,
        )  # fmt: skip
        self.known[local_id] = replace(base, **changes)

    def details(self, ref: OrderRef) -> OrderDetails | None:
        for d in (*self.known.values(), *self.others):
            if (ref.cl_ord_id and d.ref.cl_ord_id == ref.cl_ord_id) or d.ref.local_id == ref.local_id > 0:
                return d
        return None

    def orders(self) -> list[OrderDetails]:
        return [*self.known.values(), *self.others]

    def position(self) -> VendorPosition:
        return self.held

    def cancel(self, ref: OrderRef) -> None:
        self.cancelled.append(ref)

    def cancel_all(self) -> None:
        self.cancelled.append(OrderRef())

    def zero_position(self) -> int:
        self.zeroed += 1
        return 99

    def take_reports(self) -> list[GatewayReport]:
        out, self.reports = self.reports, []
        return out


class Now:
    ns = START

    def now_ns(self) -> int:
        return self.ns


class Bench:
    """A manager on a scripted gateway."""

    def __init__(
        self, path: Path, settings: ManagerSettings = SETTINGS, gateway: Scripted | None = None
    ) -> None:
        self.gateway = gateway or Scripted()
        self.clock = Now()
        self.path = path
        self.journal = OrderJournal(path)
        self.risk = RiskManager(LIMITS, WDO)
        self.manager = OrderExecutionManagerV4(
            self.gateway, self.journal, WDO, self.risk, settings, self.clock
        )
        self.books = self.manager.books

    def approve(self, order: Order) -> Approved[Order]:
        state = RiskState(self.clock.ns, self.manager.position, 0, 0, 0.0, 0.0, 1000, 1001, 1000)
        answer = self.risk.check(order, state)
        assert isinstance(answer, Approved), answer
        return answer

    def buy(self, size: int = 3, px: int = PX_NONE) -> int:
        type_ = OrderType.MARKET if px == PX_NONE else OrderType.LIMIT
        return self.manager.submit(self.approve(Order(self.books.free_id(), 1, size, type_, px)))

    def wait(self, ns: int) -> None:
        self.clock.ns += ns
        self.manager.poll()

    def kinds(self) -> list[str]:
        return [r["kind"] for r in read_journal(self.path)[0]]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path / "orders.journal")
    assert bench.manager.initialize()
    return bench


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


def test_a_send_without_an_answer_stops_everything_until_it_is_found(bench: Bench) -> None:
    bench.gateway.fails = GatewayError("timeout")
    order = bench.buy()
    assert bench.manager.get_order_status(order)["status"] == "unknown"
    with pytest.raises(TradingHaltedError, match="has not answered for order"):
        bench.buy()
    bench.gateway.show(1, ref=OrderRef(0, "C1"), traded=3, leaves=0, average_px=1001.0, status=2)
    bench.gateway.held = VendorPosition(3, 1001.0)
    bench.wait(MS)
    assert bench.manager.ready
    assert bench.manager.position == 3
    bench.gateway.fails = None
    bench.buy()


def test_a_send_that_never_arrived_is_lost_after_its_time(bench: Bench) -> None:
    bench.gateway.fails = GatewayError("timeout")
    order = bench.buy()
    bench.wait(100 * MS)
    assert bench.manager.last_report is not None
    assert bench.manager.last_report.of(FindingKind.WAITING)
    bench.wait(SETTINGS.reconcile.settle_ns)
    assert bench.manager.get_order_status(order)["status"] == "rejected"
    assert bench.manager.ready
    # It was only late: it is known again, and cancelled, because nobody wants it any more.
    bench.gateway.show(1, ref=OrderRef(0, "C1"))
    bench.wait(SETTINGS.reconcile_ns)
    assert bench.books.undead == [order]
    bench.wait(SETTINGS.retry_ns)
    assert bench.gateway.cancelled[-1] == OrderRef(0, "C1")
    assert not bench.risk.tripped


def test_two_orders_that_fit_are_never_guessed(bench: Bench) -> None:
    bench.gateway.fails = GatewayError("timeout")
    order = bench.buy()
    bench.gateway.show(1, ref=OrderRef(0, "C1"))
    bench.gateway.others = [replace(bench.gateway.known[1], ref=OrderRef(0, "X1"))]
    bench.wait(MS)
    assert "2 of the vendor's orders fit: C1 (market +3, traded 0, working); X1" in bench.risk.tripped
    bench.wait(60 * SECOND)
    assert not bench.manager.ready
    bench.manager.resolve(order, "C1", by="Ana")
    bench.gateway.others = []
    bench.wait(SECOND)
    bench.manager.clear("Ana")
    assert bench.manager.ready
    assert bench.manager.get_order_status(order)["cl_ord_id"] == "C1"


FOREIGN = OrderDetails(
    OrderRef(0, "X1"), "WDOV26", -1, 2, OrderType.LIMIT, 1010, PX_NONE, 0, 2, math.nan, 0, created_ns=START
)


@pytest.mark.parametrize("policy", list(ForeignPolicy))
def test_orders_that_are_not_ours(policy: ForeignPolicy, tmp_path: Path) -> None:
    settings = replace(SETTINGS, reconcile=replace(SETTINGS.reconcile, foreign_orders=policy))
    bench = Bench(tmp_path / "orders.journal", settings)
    bench.gateway.others = [FOREIGN, replace(FOREIGN, ref=OrderRef(0, "OLD"), status=4)]
    bench.manager.initialize()
    halted = policy is ForeignPolicy.HALT
    assert bool(bench.risk.tripped) is halted
    assert len(bench.manager.get_open_orders()) == (policy is ForeignPolicy.CLAIM)
    count = len(bench.journal)
    bench.wait(60 * SECOND)
    assert len(bench.journal) == count + 2 * (policy is not ForeignPolicy.HALT) - (
        policy is not ForeignPolicy.HALT
    )
    if policy is ForeignPolicy.CLAIM:
        bench.gateway.others = [replace(FOREIGN, traded=2, leaves=0, average_px=1010.0, status=2)]
        bench.gateway.held = VendorPosition(-2, 1010.0)
        bench.wait(MS)
        assert bench.manager.position == -2


OFF_TICK = replace(FOREIGN, px=PX_NONE, off_tick=True, text="price 5390.25 is off the tick of 0.5")


def test_a_rejected_order_of_somebody_off_the_tick_changes_nothing(bench: Bench) -> None:
    bench.gateway.others = [replace(OFF_TICK, status=8, leaves=0)]
    assert bench.manager.reconcile() is not None
    assert bench.manager.ready
    assert not bench.risk.tripped


@pytest.mark.parametrize("policy", list(ForeignPolicy))
def test_an_order_off_the_tick_is_never_claimed(policy: ForeignPolicy, tmp_path: Path) -> None:
    settings = replace(SETTINGS, reconcile=replace(SETTINGS.reconcile, foreign_orders=policy))
    bench = Bench(tmp_path / "orders.journal", settings)
    bench.gateway.others = [OFF_TICK]
    assert bench.manager.initialize()
    assert bench.manager.get_open_orders() == []
    assert bool(bench.risk.tripped) is (policy is not ForeignPolicy.IGNORE)


def test_an_order_of_ours_that_was_moved_off_the_tick_halts_and_its_fills_count(bench: Bench) -> None:
    order = bench.buy(3, 1000)
    moved = {"px": PX_NONE, "off_tick": True, "text": "price 500.25 is off the tick of 0.5"}
    bench.gateway.show(1, **moved, traded=1, leaves=2, average_px=1000.0)
    bench.gateway.held = VendorPosition(1, 1000.0)
    bench.wait(MS)
    assert "500.25 is off the tick" in bench.risk.tripped
    assert not bench.risk.tripped_hard
    assert bench.manager.position == 1
    bench.manager.cancel_order(order)
    assert bench.gateway.cancelled == [OrderRef(1, "C1")]


@pytest.mark.parametrize("stopped_out", [False, True])
def test_cancels_do_not_wait_for_the_vendors_list(
    stopped_out: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart the vendor cannot give its list; an exit fills, and the other one must not stay alive."""
    bench = Bench(tmp_path / "orders.journal")
    desk = LiveDesk(bench.manager)
    desk.start()
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    desk.enter(BracketPlan(1, 1, 8, 8))
    bench.gateway.show(1, traded=1, leaves=0, average_px=1001.0, status=2)
    bench.gateway.held = VendorPosition(1, 1001.0)
    desk.step()
    bench.gateway.show(2)
    bench.gateway.show(3)
    desk.step()
    bench.journal.close()

    def silent() -> list[OrderDetails]:
        raise GatewayError("the list cannot be read")

    monkeypatch.setattr(bench.gateway, "orders", silent)
    again = Bench(tmp_path / "orders.journal", gateway=bench.gateway)
    desk = LiveDesk(again.manager)
    assert not desk.start()
    desk.on_market(again.clock.ns, 1000, 1001, 1000)
    desk.flatten("test")
    desk.step()
    # The target may go, the stop guards: what leaves at the market could not be sent.
    assert {ref.cl_ord_id for ref in bench.gateway.cancelled} == {"C3"}
    filled, other = (2, 3) if stopped_out else (3, 2)
    bench.gateway.show(filled, traded=1, leaves=0, average_px=1000.0, status=2)
    bench.gateway.held = VendorPosition(0)
    for _ in range(3):
        again.clock.ns += SECOND
        desk.step()
    assert OrderRef(other, f"C{other}").cl_ord_id in {ref.cl_ord_id for ref in bench.gateway.cancelled}


@pytest.mark.parametrize("policy", list(ForeignPolicy))
def test_a_position_that_is_not_ours(policy: ForeignPolicy, tmp_path: Path) -> None:
    settings = replace(SETTINGS, reconcile=replace(SETTINGS.reconcile, foreign_position=policy))
    bench = Bench(tmp_path / "orders.journal", settings)
    bench.gateway.held = VendorPosition(2, 1000.4)
    assert not bench.manager.initialize()  # the vendor's position may only be late
    bench.wait(100 * MS)
    assert not bench.risk.tripped
    bench.wait(SETTINGS.confirm_ns)
    assert bench.manager.ready
    if policy is ForeignPolicy.HALT:
        assert bench.risk.tripped == "reconciliation: position +0 in our books, +2 at the vendor"
        assert bench.risk.tripped_hard
    assert bench.manager.position == (2 if policy is ForeignPolicy.CLAIM else 0)
    bench.journal.close()
    again = Bench(tmp_path / "orders.journal", settings, bench.gateway)
    again.clock.ns += 120 * SECOND
    assert again.manager.initialize() is (policy is not ForeignPolicy.HALT)
    assert bool(again.risk.tripped_hard) is (policy is ForeignPolicy.HALT)


def test_a_position_that_was_late_is_no_finding(bench: Bench) -> None:
    bench.buy(3)
    bench.gateway.show(1, traded=3, leaves=0, average_px=1001.0, status=2)
    bench.wait(SETTINGS.reconcile_ns)
    bench.gateway.held = VendorPosition(3, 1001.0)
    bench.wait(SETTINGS.confirm_ns)
    bench.wait(SETTINGS.reconcile_ns)
    assert not bench.risk.tripped


def test_an_order_that_the_vendor_forgot_is_gone(bench: Bench) -> None:
    order = bench.buy(1, 990)
    bench.gateway.show(1)
    bench.wait(MS)
    bench.gateway.known.clear()
    bench.wait(SETTINGS.reconcile_ns)
    assert bench.manager.get_order_status(order)["status"] == "cancelled"


def test_a_number_of_another_session_is_not_ours(bench: Bench) -> None:
    bench.buy(1, 990)
    old = replace(FOREIGN, ref=OrderRef(1, "OLD"), status=4)
    bench.gateway.others = [old]
    bench.gateway.reports = [GatewayReport(ReportKind.LOST)]
    bench.gateway.show(1)
    bench.wait(MS)
    assert bench.books.find(OrderRef(0, "C1")) is not None
    assert bench.books.find(OrderRef(0, "OLD")) is None


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


def test_a_contradiction_stops_the_desk_hard(tmp_path: Path) -> None:
    world = World(tmp_path / "orders.journal")
    world.tick(1000, 1001)
    world.act(lambda desk: desk.enter(PLAN) and None)
    world.tick(1000, 1001)
    world.broker.held[0].ticket = replace(world.broker.held[0].ticket, side=-1)
    with pytest.raises(AssertionError, match="uncertain state: order 1000001: the vendor shows"):
        world.act()
    world.journal.close()


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


def test_a_person_can_take_the_vendors_position_for_ours(tmp_path: Path) -> None:
    world = World(tmp_path / "orders.journal")
    world.tick(1000, 1001)
    world.act(lambda desk: desk.enter(PLAN) and None)
    for _ in range(3):
        world.tick(1000, 1001)
        world.act()
    desk = world.desk
    assert desk is not None
    # Somebody sells the position in the broker's own screen.
    world.broker.send(OrderTicket(-1, 3, OrderType.MARKET), 0, 0)
    for _ in range(3):
        world.tick(1000, 1001, dt=SECOND)
        world.broker.advance(world.clock.ns)
        desk.on_market(world.clock.ns, 1000, 1001, 1000)
        desk.step()
    assert "position +3 in our books, +0 at the vendor" in desk.halted
    world.tick(1000, 1001)
    desk.step()
    assert all(held.ended for held in world.broker.held), "a stop outlives its position"
    desk.manager.accept_vendor("Ana")
    desk.manager.clear("Ana")
    desk.step()
    assert desk.idle
    assert desk.manager.position == 0
    world.journal.close()


def test_a_desk_that_stops_hands_over_or_flattens(tmp_path: Path) -> None:
    for mode in StopMode:
        world = World(tmp_path / f"{mode}.journal")
        world.tick(1000, 1001, 5, 2)
        world.act(lambda desk: desk.enter(PLAN) and None)
        world.tick(1000, 1001, 5, 2)  # two of three contracts
        world.act()
        world.act(lambda desk, mode=mode: desk.stop(mode))  # type: ignore[misc]
        for _ in range(10):
            world.tick(1002, 1003, 5, 0)
            world.act()
        desk = world.desk
        assert desk is not None
        assert desk.stopped
        with pytest.raises((TradingHaltedError, OrderError)):
            desk.enter(PLAN)
        guard = [h.ticket.type for h in world.broker.held if not h.ended]
        if mode is StopMode.FLATTEN:
            assert guard == []
            assert world.broker.position == 0
        else:
            assert world.broker.position in (2, 3)
            assert set(guard) == {OrderType.STOP, OrderType.LIMIT}
        world.journal.close()


def loose_desk(bench: Bench, size: int = 3) -> LiveDesk:
    """A desk whose contracts came through ``send_order``: no bracket holds them."""
    desk = LiveDesk(bench.manager)
    desk.start()
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    bench.buy(size)
    bench.gateway.show(1, traded=size, leaves=0, average_px=1001.0, status=2)
    bench.gateway.held = VendorPosition(size, 1001.0)
    desk.step()
    assert bench.manager.position == size
    return desk


HAND = OrderDetails(
    OrderRef(0, "X1"), "WDOV26", -1, 3, OrderType.LIMIT, 1000, PX_NONE, 0, 3, math.nan, 0, created_ns=START
)


@pytest.mark.parametrize("sold", [3, 1, 4])
@pytest.mark.parametrize("how", ["market", "limit"])
def test_a_trade_closed_by_hand_leaves_nothing_that_opens_a_position(
    how: str, sold: int, tmp_path: Path
) -> None:
    """A person sells at the platform what the trade bought; under ``claim`` that is the trade's exit."""
    policy = {"foreign_orders": ForeignPolicy.CLAIM, "foreign_position": ForeignPolicy.CLAIM}
    bench = Bench(tmp_path / "o.journal", replace(SETTINGS, reconcile=replace(SETTINGS.reconcile, **policy)))
    gateway, desk = bench.gateway, LiveDesk(bench.manager)
    desk.start()
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    desk.enter(BracketPlan(1, 3, 20, 20))
    gateway.show(1, traded=3, leaves=0, average_px=1001.0, status=2)
    gateway.held = VendorPosition(3, 1001.0)
    desk.step()
    gateway.show(2)
    gateway.show(3)
    desk.step()
    assert [t.type for t in gateway.sent[1:]] == [OrderType.STOP, OrderType.LIMIT]
    bench.clock.ns += SETTINGS.reconcile_ns
    desk.step()
    order = replace(HAND, size=sold, leaves=sold)
    if how == "limit":
        gateway.others = [order]
        bench.clock.ns += SETTINGS.reconcile_ns
        desk.step()
        assert len(bench.manager.get_open_orders()) == 3
    gateway.others = [replace(order, traded=sold, leaves=0, average_px=1000.0, status=2)]
    gateway.held = VendorPosition(3 - sold, 1001.0)
    for _ in range(8):
        bench.clock.ns += SETTINGS.reconcile_ns // 4
        desk.step()
    assert bench.manager.position == 3 - sold
    assert {ref.local_id for ref in gateway.cancelled} == {2, 3}  # asked again while nothing comes of it
    for number in (2, 3):
        gateway.show(number, status=4, leaves=0)
    desk.step()
    left = gateway.sent[3:]
    assert left == ([OrderTicket(-1, 3 - sold, OrderType.MARKET)] if sold < 3 else [])
    if left:
        gateway.show(4, traded=2, leaves=0, average_px=1000.0, status=2)
        gateway.held = VendorPosition(0)
        desk.step()
    assert not desk.busy
    assert bench.books.loose_contracts == min(0, 3 - sold)
    before = bench.books.fingerprint()
    bench.journal.close()
    assert Bench(tmp_path / "o.journal").books.fingerprint() == before


def test_a_mere_number_at_the_vendor_takes_no_stop_away(tmp_path: Path) -> None:
    settings = replace(SETTINGS, reconcile=replace(SETTINGS.reconcile, foreign_position=ForeignPolicy.CLAIM))
    bench = Bench(tmp_path / "o.journal", settings)
    desk = LiveDesk(bench.manager)
    desk.start()
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    desk.enter(BracketPlan(1, 3, 20, 20))
    bench.gateway.show(1, traded=3, leaves=0, average_px=1001.0, status=2)
    bench.gateway.held = VendorPosition(3, 1001.0)
    desk.step()
    bench.gateway.show(2)
    bench.gateway.show(3)
    bench.gateway.held = VendorPosition(0)  # without an order that explains it
    for _ in range(8):
        bench.clock.ns += SETTINGS.reconcile_ns // 4
        desk.step()
    assert bench.manager.position == 0
    assert bench.gateway.cancelled == []
    assert desk.trade_side == 1
    bench.journal.close()


@pytest.mark.parametrize("how", ["flatten", "stop", "daily_loss", "halt"])
def test_contracts_outside_trades_are_left_as_well(how: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path / "orders.journal")
    bench.risk.limits = replace(LIMITS, daily_loss=1_000.0)
    desk = loose_desk(bench)
    bench.buy(2, 990)
    bench.gateway.show(2)
    desk.step()
    if how == "flatten":
        desk.flatten("test")
    elif how == "stop":
        desk.stop(StopMode.FLATTEN)
    elif how == "halt":
        desk.halt("test")
    else:
        desk.on_market(bench.clock.ns, 900, 901, 900)  # 101 ticks of R$ 5 for each of three
    desk.step()
    assert bench.gateway.sent[2:] == [OrderTicket(-1, 3, OrderType.MARKET)]
    assert [ref.local_id for ref in bench.gateway.cancelled] == [2]
    assert not desk.stopped
    for _ in range(3):  # what is on its way is not sent twice
        bench.clock.ns += 10 * MS
        desk.step()
    assert len(bench.gateway.sent) == 3
    bench.gateway.show(2, status=4, leaves=0)
    bench.gateway.show(3, traded=3, leaves=0, average_px=1000.0, status=2)
    bench.gateway.held = VendorPosition(0)
    desk.step()
    assert desk.idle
    assert desk.stopped is (how == "stop")
    assert len(bench.gateway.sent) == 3


@pytest.mark.parametrize("died", ["before", "after"])
def test_a_restart_goes_on_leaving_what_no_trade_holds(died: str, tmp_path: Path) -> None:
    """The process dies before its exit was sent, or after: once restarted it leaves, and does not leave twice."""
    bench = Bench(tmp_path / "orders.journal")
    desk = loose_desk(bench)
    bench.buy(2, 990)
    bench.gateway.show(2)
    desk.step()
    if died == "before":
        bench.gateway.fails = OrderRefusedError("no margin")
    desk.flatten("the strategy failed")
    assert "leave" in bench.kinds()
    if died == "after":
        bench.gateway.show(3)
        desk.step()
    sent = len(bench.gateway.sent)
    before = bench.books.fingerprint()
    bench.journal.close()

    bench.gateway.fails = None
    again = Bench(tmp_path / "orders.journal", gateway=bench.gateway)
    assert again.books.fingerprint() == before
    again.clock.ns = bench.clock.ns + SECOND
    desk = LiveDesk(again.manager)
    desk.start()
    desk.on_market(again.clock.ns, 1000, 1001, 1000)
    desk.step()
    exits = again.gateway.sent[sent:]
    assert exits == ([OrderTicket(-1, 3, OrderType.MARKET)] if died == "before" else [])
    again.gateway.show(2, status=4, leaves=0)
    again.gateway.show(len(again.gateway.sent), traded=3, leaves=0, average_px=1000.0, status=2)
    again.gateway.held = VendorPosition(0)
    desk.step()
    assert desk.idle
    assert again.books.leaving == ""
    assert len(again.gateway.sent) == sent + len(exits)
    again.journal.close()


def test_a_hand_over_keeps_what_reduces_and_cancels_what_would_open(bench: Bench) -> None:
    desk = loose_desk(bench)
    for order in (
        Order(bench.books.free_id(), -1, 3, OrderType.STOP, 980, reduce_only=True),
        Order(bench.books.free_id(), -1, 3, OrderType.LIMIT, 1010, reduce_only=True),
        Order(bench.books.free_id(), 1, 2, OrderType.LIMIT, 990),
    ):
        answer = bench.risk.check(order, desk.state())
        assert isinstance(answer, Approved)
        bench.manager.submit(answer)
    for local_id in (2, 3, 4):
        bench.gateway.show(local_id)
    desk.step()
    desk.stop(StopMode.HAND_OVER)
    desk.step()
    assert [ref.local_id for ref in bench.gateway.cancelled] == [4]
    assert not desk.stopped, "an entry may still trade"
    bench.gateway.show(4, status=4, leaves=0)
    desk.step()
    assert desk.stopped
    assert (bench.manager.position, desk.unguarded) == (3, 0)


def test_contracts_without_a_stop_are_not_handed_over_and_named(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    desk = loose_desk(bench)
    desk.stop(StopMode.HAND_OVER)
    desk.step()
    assert not desk.stopped
    assert desk.unguarded == 3
    assert "+3 contracts outside trades have no stop at the exchange" in caplog.text
    order = Order(bench.books.free_id(), -1, 2, OrderType.STOP, 980, reduce_only=True)
    answer = bench.risk.check(order, desk.state())
    assert isinstance(answer, Approved)
    bench.manager.submit(answer)
    bench.gateway.show(2)
    desk.step()
    assert (desk.stopped, desk.unguarded) == (False, 1)


def test_an_exit_that_may_still_trade_is_waited_for(bench: Bench) -> None:
    desk = loose_desk(bench)
    order = Order(bench.books.free_id(), -1, 2, OrderType.LIMIT, 1010, reduce_only=True)
    answer = bench.risk.check(order, desk.state())
    assert isinstance(answer, Approved)
    bench.manager.submit(answer)
    bench.gateway.show(2)
    desk.step()
    desk.flatten("test")
    assert bench.gateway.sent[2:] == [OrderTicket(-1, 1, OrderType.MARKET)]
    bench.gateway.show(2, traded=1, leaves=1, average_px=1010.0, status=4)
    bench.gateway.show(3, traded=1, leaves=0, average_px=1000.0, status=2)
    bench.gateway.held = VendorPosition(1, 1001.0)
    desk.step()
    assert bench.gateway.sent[3:] == [OrderTicket(-1, 1, OrderType.MARKET)]


def test_an_exit_outside_trades_is_sent_again_and_the_halt_says_what_is_held(bench: Bench) -> None:
    desk = loose_desk(bench)
    bench.gateway.fails = OrderRefusedError("wrong signature")
    desk.stop(StopMode.FLATTEN)
    desk.step()
    assert len(bench.gateway.sent) == 2  # not again and again at once
    for _ in range(10):
        bench.clock.ns += SECOND
        desk.on_market(bench.clock.ns, 1000, 1001, 1000)
        desk.step()
    assert len(bench.gateway.sent) > 5
    assert "+3 contracts outside trades cannot be closed after 5 attempts" in desk.halted
    assert "wrong signature" in desk.halted
    assert not desk.stopped
    bench.gateway.fails = None
    bench.clock.ns += SECOND
    desk.step()
    bench.gateway.show(
        len(bench.gateway.sent),
        traded=3,
        leaves=0,
        average_px=1000.0,
        status=2,
        ref=OrderRef(len(bench.gateway.sent), "Z"),
    )
    bench.gateway.held = VendorPosition(0)
    desk.step()
    assert desk.stopped


def test_a_position_that_was_accepted_is_left_by_a_stop(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "orders.journal")
    desk = LiveDesk(bench.manager)
    desk.start()
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    bench.gateway.held = VendorPosition(-2, 1000.0)
    bench.manager.accept_vendor("Ana")
    desk.stop(StopMode.FLATTEN)
    assert bench.gateway.sent == [OrderTicket(1, 2, OrderType.MARKET)]
    assert not desk.stopped


@pytest.mark.parametrize("late", [False, True])
def test_entries_that_the_broker_rejects_are_told_and_halt_in_the_end(
    late: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path / "orders.journal")
    desk = LiveDesk(bench.manager, DeskSettings(most_rejected=3))
    desk.start()
    bench.gateway.fails = None if late else OrderRefusedError("wrong signature")
    for k in range(1, 4):
        desk.on_market(bench.clock.ns, 1000, 1001, 1000)
        assert not desk.halted
        desk.enter(PLAN)
        if late:
            bench.gateway.show(k)  # the gateway had taken it
            desk.step()
            bench.gateway.show(k, status=8, leaves=0, text="wrong signature")
            desk.step()
        assert (desk.refusals[-1].rule, len(desk.refusals)) == ("broker", k)
        assert "wrong signature" in desk.refusals[-1].message
        assert caplog.text.count("wrong signature") >= k
        bench.clock.ns += SECOND
    assert "3 entries in a row were rejected; the last: " in desk.halted
    assert "wrong signature" in desk.halted
    with pytest.raises(TradingHaltedError):
        desk.enter(PLAN)
    status = bench.manager.get_order_status(desk.refusals[-1].order.client_id)
    assert "wrong signature" in status["message"]


def test_an_entry_that_was_filled_ends_the_row_of_rejections(bench: Bench) -> None:
    desk = LiveDesk(bench.manager, DeskSettings(most_rejected=2))
    desk.start()
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    bench.gateway.fails = OrderRefusedError("no margin")
    desk.enter(PLAN)
    bench.gateway.fails = None
    desk.enter(BracketPlan(1, 1, 8, 8))
    bench.gateway.show(2, traded=1, leaves=0, average_px=1001.0, status=2)
    bench.gateway.held = VendorPosition(1, 1001.0)
    desk.step()
    bench.gateway.show(3)
    bench.gateway.show(4, traded=1, leaves=0, average_px=1009.0, status=2)
    bench.gateway.held = VendorPosition(0)
    desk.step()
    bench.gateway.show(3, status=4, leaves=0)
    desk.step()
    assert not desk.busy
    bench.gateway.fails = OrderRefusedError("no margin")
    desk.enter(PLAN)
    assert not desk.halted


def test_a_stop_that_was_jumped_over_does_not_keep_the_position(tmp_path: Path) -> None:
    """A stop-limit whose limit the market has left behind protects nothing."""
    bench = Bench(tmp_path / "orders.journal")
    desk = LiveDesk(bench.manager)
    desk.start()
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    desk.enter(BracketPlan(1, 1, 8, 8))
    bench.gateway.show(1, traded=1, leaves=0, average_px=1001.0, status=2)
    bench.gateway.held = VendorPosition(1, 1001.0)
    desk.step()
    assert [t.type for t in bench.gateway.sent] == [OrderType.MARKET, OrderType.STOP, OrderType.LIMIT]
    bench.gateway.show(2)
    bench.gateway.show(3)
    for _ in range(3):
        bench.clock.ns += 400 * MS
        desk.on_market(bench.clock.ns, 950, 951, 950)  # stop 993, its limit 973
        desk.step()
    assert {ref.local_id for ref in bench.gateway.cancelled} == {2, 3}
    bench.gateway.show(2, status=4, leaves=0)
    bench.gateway.show(3, status=4, leaves=0)
    desk.step()
    assert bench.gateway.sent[-1] == OrderTicket(-1, 1, OrderType.MARKET)


@pytest.mark.parametrize("wrong", [math.nan, "1000", None, 1000.5, True])
def test_prices_that_are_no_whole_ticks_are_refused_at_the_door(bench: Bench, wrong: Any) -> None:
    desk = LiveDesk(bench.manager)
    desk.on_market(bench.clock.ns, 1000, 1001, np.int32(1000))
    for k, name in enumerate(("ts", "bid_px", "ask_px", "last_px")):
        args: list[Any] = [bench.clock.ns, 1000, 1001, 1000]
        args[k] = wrong
        with pytest.raises(OrderError, match=f"on_market: {name} .*whole number"):
            desk.on_market(*args)
    assert desk.mark_px() == 1000


def test_a_wish_that_was_overtaken_never_leaves(bench: Bench) -> None:
    desk = LiveDesk(bench.manager)
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    bench.manager.start_bracket(PLAN)  # and then, before the entry was sent:
    desk.flatten("test")
    assert bench.gateway.sent == []
    assert desk.idle


def test_an_entry_that_waited_too_long_never_leaves(bench: Bench) -> None:
    desk = LiveDesk(bench.manager)
    bench.manager.start_bracket(PLAN)
    desk.step()  # no price yet
    assert bench.gateway.sent == []
    bench.clock.ns += 2 * SECOND
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    desk.step()
    assert bench.gateway.sent == []
    assert desk.refusals[0].rule == "stale_entry"
    assert desk.idle


def test_numbers_of_an_older_session_mean_nothing(bench: Bench, tmp_path: Path) -> None:
    order = bench.buy(1, 990)
    bench.journal.close()
    again = Bench(tmp_path / "orders.journal")
    again.gateway.reports = [GatewayReport(ReportKind.REFUSED, OrderRef(1), "not ours")]
    again.manager.initialize()
    assert again.manager.get_order_status(order)["status"] == "unknown"
    assert again.books.find(OrderRef(1)) is None


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


def test_a_gateway_that_was_started_anew_counts_from_one_again(bench: Bench) -> None:
    order = bench.buy(1, 990)
    gateway = bench.gateway
    gateway.show(1, ref=OrderRef(0, "C1"))
    gateway.others = [replace(FOREIGN, ref=OrderRef(1, "X1"), status=4)]
    gateway.reports = [GatewayReport(ReportKind.RESTARTED)]
    bench.wait(MS)
    assert bench.manager.get_order_status(order)["cl_ord_id"] == "C1"
    assert bench.manager.ready


def test_a_person_decides_about_one_order(bench: Bench) -> None:
    bench.gateway.others = [FOREIGN]
    bench.wait(60 * SECOND)
    assert "not ours: X1" in bench.risk.tripped
    bench.manager.decide_foreign("X1", ForeignPolicy.IGNORE, by="Ana")
    bench.manager.clear("Ana")
    bench.wait(60 * SECOND)
    assert not bench.risk.tripped
    with pytest.raises(OrderError, match="unknown to the vendor"):
        bench.manager.decide_foreign("X2", ForeignPolicy.CLAIM, by="Ana")


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


def test_a_vendor_that_cannot_say_is_asked_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> object:
        raise GatewayError("not loaded")

    bench.buy(1, 990)
    for name in ("orders", "details", "position"):
        monkeypatch.setattr(bench.gateway, name, silent)
    bench.gateway.reports = [
        GatewayReport(ReportKind.DISCONNECTED),
        GatewayReport(ReportKind.REFUSED, OrderRef(1), "x"),
        GatewayReport(ReportKind.CONNECTED),
    ]
    bench.wait(MS)
    assert not bench.manager.ready
    monkeypatch.undo()
    bench.gateway.show(1)
    bench.wait(SETTINGS.retry_ns)
    assert bench.manager.ready


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


def test_a_position_without_a_price_is_not_adopted(tmp_path: Path) -> None:
    settings = replace(SETTINGS, reconcile=replace(SETTINGS.reconcile, foreign_position=ForeignPolicy.CLAIM))
    bench = Bench(tmp_path / "claim.journal", settings)
    bench.manager.initialize()
    bench.gateway.held = VendorPosition(2)
    for _ in range(40):
        bench.wait(SECOND // 2)
        if bench.risk.tripped:
            break
    assert "the vendor gives no price for it" in bench.risk.tripped
    assert bench.risk.tripped_hard
    assert bench.manager.position == 0
    with pytest.raises(OrderError, match="no price for its position"):
        bench.manager.accept_vendor("Ana")
    bench.journal.close()
