"""The live desk on a scripted gateway: how trades end, and what becomes of contracts that no trade holds."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crash_world import LIMITS, MS, PLAN, SECOND, SETTINGS, START, World
from quantumtrader.exceptions import (
    GatewayError,
    OrderError,
    OrderRefusedError,
    TradingHaltedError,
)
from quantumtrader.execution import (
    Approved,
    BracketPlan,
    DeskSettings,
    ForeignPolicy,
    LiveDesk,
    OrderDetails,
    OrderRef,
    OrderTicket,
    StopMode,
    VendorPosition,
)
from quantumtrader.types import PX_NONE, Order, OrderType
from scripted_gateway import Bench


@pytest.mark.parametrize("stopped_out", [False, True])
def test_cancels_do_not_wait_for_the_vendors_list(
    stopped_out: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart the vendor cannot give its list; an exit fills, and the other one must not stay alive."""
    bench = Bench(tmp_path / "orders.journal")
    desk = bought(bench, BracketPlan(1, 1, 8, 8))
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


def test_a_contradiction_stops_the_desk_hard(tmp_path: Path) -> None:
    world = World(tmp_path / "orders.journal")
    world.tick(1000, 1001)
    world.act(lambda desk: desk.enter(PLAN) and None)
    world.tick(1000, 1001)
    world.broker.held[0].ticket = replace(world.broker.held[0].ticket, side=-1)
    with pytest.raises(AssertionError, match="uncertain state: order 1000001: the vendor shows"):
        world.act()
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


def bought(bench: Bench, plan: BracketPlan) -> LiveDesk:
    """A desk whose entry was filled, and whose stop and target the vendor shows."""
    desk = LiveDesk(bench.manager)
    desk.start()
    desk.on_market(bench.clock.ns, 1000, 1001, 1000)
    desk.enter(plan)
    bench.gateway.show(1, traded=plan.size, leaves=0, average_px=1001.0, status=2)
    bench.gateway.held = VendorPosition(plan.size, 1001.0)
    desk.step()
    bench.gateway.show(2)
    bench.gateway.show(3)
    return desk


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
    gateway, desk = bench.gateway, bought(bench, BracketPlan(1, 3, 20, 20))
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
    desk = bought(bench, BracketPlan(1, 3, 20, 20))
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
    desk = bought(bench, BracketPlan(1, 1, 8, 8))
    assert [t.type for t in bench.gateway.sent] == [OrderType.MARKET, OrderType.STOP, OrderType.LIMIT]
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
