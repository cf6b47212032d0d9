"""What the order manager does about what the vendor shows and its books do not, and the other way round."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from crash_world import MS, PLAN, SECOND, SETTINGS, START, World
from quantumtrader.exceptions import (
    GatewayError,
    OrderError,
    TradingHaltedError,
)
from quantumtrader.execution import (
    FindingKind,
    ForeignPolicy,
    GatewayReport,
    OrderDetails,
    OrderRef,
    OrderTicket,
    ReportKind,
    VendorPosition,
)
from quantumtrader.types import PX_NONE, OrderType
from scripted_gateway import Bench


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


def test_numbers_of_an_older_session_mean_nothing(bench: Bench, tmp_path: Path) -> None:
    order = bench.buy(1, 990)
    bench.journal.close()
    again = Bench(tmp_path / "orders.journal")
    again.gateway.reports = [GatewayReport(ReportKind.REFUSED, OrderRef(1), "not ours")]
    again.manager.initialize()
    assert again.manager.get_order_status(order)["status"] == "unknown"
    assert again.books.find(OrderRef(1)) is None


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
