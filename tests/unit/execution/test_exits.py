"""A strategy asks to leave at every moment of a trade: nothing is held without its stop, no order outlives the trade."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crash_world import MS, World
from quantumtrader.exceptions import OrderError
from quantumtrader.execution import BracketPlan, LiveDesk, Signal, SignalAction, StopMode
from quantumtrader.execution.order_journal import read_journal
from quantumtrader.execution.risk import Approved
from quantumtrader.types import Order, OrderType

BUY = Signal(0, SignalAction.BUY, "up", size=3, stop_ticks=4, target_ticks=6)
EXIT = Signal(0, SignalAction.EXIT, "turned")

# Bid, ask and displayed sizes, 50 ms apart: three contracts are bought one by one, then the price falls through the stop.
FALL = [(1000, 1001, 5, 1)] * 6 + [(1000, 1001, 5, 5)] * 2 + [(996, 997, 1, 5)] * 4 + [(994, 995, 5, 5)] * 6


def say(signal: Signal) -> Callable[[LiveDesk], None]:
    return lambda desk: desk.on_signal(signal) and None


def guarded(world: World) -> bool:
    """Whether stops at the broker guard what it holds, or the client is leaving, or has not heard of it yet."""
    desk = world.desk
    assert desk is not None
    held = world.broker.position
    alive = [h for h in world.broker.held if not h.ended and h.ticket.type is OrderType.STOP]
    leaving = all(b.closing for b in desk.books.live.values()) and desk.busy
    return held <= sum(h.size - h.traded for h in alive) or leaving or desk.manager.position != held


@pytest.mark.parametrize("latency_ms", [0, 70])
@pytest.mark.parametrize("at", range(len(FALL)))
def test_an_exit_at_any_moment_ends_flat_without_an_orphan(at: int, latency_ms: int, tmp_path: Path) -> None:
    """Before the first fill, after one of three, while stop and target are on their way, in the turn of the stop's fill."""
    world = World(tmp_path / "orders.journal", latency_ns=latency_ms * MS, strict=latency_ms == 0)
    world.tick(*FALL[0])
    world.act(say(BUY))
    for k, quote in enumerate(FALL):
        if k == at:
            world.act(say(EXIT))
            world.act(say(EXIT))  # asked again, nothing changes
        assert guarded(world)
        world.tick(*quote)
        world.act(say(EXIT) if k == at else None)
        assert guarded(world)
    world.settle()
    desk = world.desk
    assert desk is not None
    assert desk.idle
    assert world.broker.position == 0
    assert all(held.ended for held in world.broker.held)
    kinds = [record["kind"] for record in read_journal(world.path)[0]]
    assert kinds.count("flatten") <= 1
    world.finish()


def test_an_exit_before_the_first_fill_withdraws_the_entry(tmp_path: Path) -> None:
    world = World(tmp_path / "orders.journal")
    world.tick(1000, 1001)
    world.act(say(EXIT))  # without a trade it changes nothing
    assert len(world.broker.held) == 0

    def both(desk: LiveDesk) -> None:
        desk.enter(BracketPlan(1, 3, 4, 6, entry_px=990))
        desk.on_signal(EXIT)

    world.act(both)
    world.settle(5)
    (entry,) = world.broker.held
    assert (entry.ended, entry.traded) == (True, 0)
    world.finish()


@pytest.mark.parametrize("outside", [2, -2, -3, -5])
def test_contracts_outside_a_trade_neither_take_its_stop_nor_its_exit(outside: int, tmp_path: Path) -> None:
    """Held against the trade they make the account's position less, nothing, or of the other sign."""
    world = World(tmp_path / "orders.journal")
    world.tick(1000, 1001)
    side = 1 if outside > 0 else -1
    world.act(
        lambda desk: (
            desk.manager.submit(_approved(desk, Order(desk.books.free_id(), side, abs(outside)))) and None
        )
    )
    world.tick(1000, 1001)
    world.act(say(BUY))
    for _ in range(4):
        world.tick(1000, 1001)
        world.act()
    desk = world.desk
    assert desk is not None
    assert (world.broker.position, desk.trade_side) == (3 + outside, 1)
    assert not desk.refusals
    guard = [(h.ticket.type, h.ticket.side, h.ticket.size) for h in world.broker.held if not h.ended]
    assert sorted(guard) == sorted([(OrderType.STOP, -1, 3), (OrderType.LIMIT, -1, 3)])
    world.act(say(EXIT))
    world.settle(5)
    assert (world.broker.position, desk.busy, desk.trade_side) == (outside, False, 0)
    world.act(lambda desk: desk.flatten("test"))
    world.settle(5)
    assert (world.broker.position, desk.idle) == (0, True)
    world.finish()


def _approved(desk: LiveDesk, order: Order) -> Approved[Order]:
    answer = desk.manager.risk.check(order, desk.state())
    assert isinstance(answer, Approved), answer
    return answer


def test_a_hand_over_waits_for_an_exit_that_took_the_stop_out(tmp_path: Path) -> None:
    world = World(tmp_path / "orders.journal", latency_ns=70 * MS, strict=False)
    world.tick(1000, 1001)
    world.act(say(BUY))
    for _ in range(8):
        world.tick(1000, 1001)
        world.act()
    world.act(say(EXIT))
    world.act(lambda desk: desk.stop(StopMode.HAND_OVER))
    desk = world.desk
    assert desk is not None
    assert world.broker.position == 3
    assert not desk.stopped  # the stop still stands there, and is being cancelled
    while not desk.stopped:
        world.tick(1000, 1001)
        world.act()
    assert world.broker.position == 0
    world.finish()


def test_an_exit_is_told_from_an_entry() -> None:
    assert EXIT.side == 0
    with pytest.raises(OrderError, match="an exit leaves with everything"):
        Signal(0, SignalAction.EXIT, "turned", size=1)
