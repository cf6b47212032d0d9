"""The bracket: one walk by hand, and every order of events of a small exchange explored exhaustively."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pytest

from quantumtrader.exceptions import OrderError
from quantumtrader.execution import (
    Bracket,
    BracketPhase,
    BracketPlan,
    CancelOrder,
    Report,
    Send,
    Signal,
    SignalAction,
)
from quantumtrader.execution.routing import ParentOrder
from quantumtrader.types import PX_NONE, Order, OrderType

SECOND = 10**9


class Ids:
    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> int:
        self.last += 1
        return self.last


def report(client_id: int, status: str, side: int = 1, size: int = 0, px: int = 100, ts: int = 0) -> Report:
    report.count += 1  # type: ignore[attr-defined]
    return Report(report.count, client_id, ts, status, side, px, size, False, 0.0)  # type: ignore[attr-defined]


report.count = 0  # type: ignore[attr-defined]


def sends(commands: list[object]) -> list[tuple[str, int, int, int]]:
    return [(c.order.tag, c.order.side, c.order.size, c.order.px) for c in commands if isinstance(c, Send)]


def test_a_long_trade_from_entry_to_target() -> None:
    bracket = Bracket(BracketPlan(1, 2, stop_ticks=8, target_ticks=10, tag="why"), Ids())
    assert sends(bracket.start(0)) == [("why", 1, 2, PX_NONE)]
    assert bracket.phase is BracketPhase.ENTERING
    out = bracket.on_reports([report(1, "filled", 1, 1, px=1000)], 1)
    assert sends(out) == [("stop", -1, 1, 992), ("target", -1, 1, 1010)]
    assert bracket.phase is BracketPhase.OPEN
    out = bracket.on_reports([report(1, "filled", 1, 1, px=1001)], 2)
    assert sends(out) == [("stop", -1, 1, 992), ("target", -1, 1, 1010)]
    out = bracket.on_reports([report(3, "filled", -1, 1), report(5, "filled", -1, 1)], 3)
    assert [c.client_id for c in out if isinstance(c, CancelOrder)] == [2, 4]
    assert bracket.phase is BracketPhase.CLOSING
    bracket.on_reports([report(2, "cancelled"), report(4, "cancelled")], 4)
    assert bracket.phase is BracketPhase.DONE
    assert bracket.net == 0


def test_a_short_trade_is_the_mirror_image() -> None:
    bracket = Bracket(BracketPlan(-1, 1, stop_ticks=8, target_ticks=10), Ids())
    bracket.start(0)
    out = bracket.on_reports([report(1, "filled", -1, 1, px=1000)], 1)
    assert sends(out) == [("stop", 1, 1, 1008), ("target", 1, 1, 990)]
    assert all(isinstance(c, Send) and c.order.reduce_only for c in out)
    assert [c.order.type for c in out if isinstance(c, Send)] == [OrderType.STOP, OrderType.LIMIT]


def test_time_stop_counts_from_the_first_fill() -> None:
    bracket = Bracket(BracketPlan(1, 1, 8, 8, time_stop_ns=60 * SECOND), Ids())
    bracket.start(0)
    bracket.on_reports([report(1, "filled", 1, 1, ts=5 * SECOND)], 5 * SECOND)
    assert bracket.on_time(64 * SECOND) == []
    out = bracket.on_time(65 * SECOND)
    assert sends(out) == [("time_stop", -1, 1, PX_NONE)]
    assert [c.client_id for c in out if isinstance(c, CancelOrder)] == [2, 3]


def test_an_entry_that_does_not_fill_is_cancelled() -> None:
    bracket = Bracket(BracketPlan(1, 1, 8, 8, entry_px=99, entry_ttl_ns=10 * SECOND), Ids())
    bracket.start(0)
    assert bracket.on_time(9 * SECOND) == []
    assert bracket.on_time(10 * SECOND) == [CancelOrder(1)]
    bracket.on_reports([report(1, "cancelled")], 11 * SECOND)
    assert bracket.done


def test_a_refused_stop_leaves_at_the_market_and_a_refused_exit_is_retried_with_pauses() -> None:
    bracket = Bracket(BracketPlan(1, 1, 8, 8), Ids())
    bracket.start(0)
    bracket.on_reports([report(1, "filled", 1, 1)], 1)
    out = bracket.on_refused(2, 2)
    assert sends(out) == [("stop_lost", -1, 1, PX_NONE)]
    assert bracket.on_refused(4, 3) == []
    assert bracket.on_time(4) == []
    assert sends(bracket.on_time(3 + SECOND)) == [("stop_lost", -1, 1, PX_NONE)]


def test_misuse_is_an_error() -> None:
    with pytest.raises(OrderError, match="must be positive"):
        BracketPlan(1, 1, 0, 8)
    with pytest.raises(OrderError, match="must be 0 or more"):
        BracketPlan(1, 1, 8, 8, time_stop_ns=-1)
    bracket = Bracket(BracketPlan(1, 1, 8, 8), Ids())
    bracket.start(0)
    with pytest.raises(OrderError, match="twice"):
        bracket.start(1)
    with pytest.raises(OrderError, match="not one of its own"):
        bracket.on_refused(99, 1)


NOT_WHOLE = (6.5, 6.0, math.nan, math.inf, True, "6", None, np.float64(6.0), np.bool_(True))


@pytest.mark.parametrize("wrong", NOT_WHOLE)
def test_what_is_no_whole_number_of_ticks_begins_no_trade(wrong: Any) -> None:
    """A stop of 6.5 ticks has no price: it would be refused when contracts are held already."""
    for name in ("size", "stop_ticks", "target_ticks"):
        good = {"size": 1, "stop_ticks": 6, "target_ticks": 6}
        with pytest.raises(OrderError, match=f"{name} is .*whole number"):
            BracketPlan(1, **{**good, name: wrong})
        with pytest.raises(OrderError, match=f"{name} is .*whole number"):
            Signal(0, SignalAction.BUY, "why", **{**good, name: wrong})
        if not (isinstance(wrong, float) and math.isnan(wrong)) or name == "size":
            with pytest.raises(OrderError, match=f"{name} is .*whole number"):
                ParentOrder(side=1, start_ns=0, end_ns=1, **{**good, name: wrong})
    for name in ("side", "time_stop_ns", "entry_px", "entry_ttl_ns"):
        plan = {"side": 1, "size": 1, "stop_ticks": 6, "target_ticks": 6}
        with pytest.raises(OrderError, match=f"{name} is .*whole number"):
            BracketPlan(**{**plan, name: wrong})


def test_integers_of_numpy_become_our_own() -> None:
    six = np.int64(6)
    plan = BracketPlan(np.int8(1), six, six, six, six, six, six)  # type: ignore[arg-type]
    signal = Signal(0, SignalAction.BUY, "why", six, six, six, six)  # type: ignore[arg-type]
    parent = ParentOrder(side=1, size=six, start_ns=0, end_ns=1, stop_ticks=six, target_ticks=six)  # type: ignore[arg-type]
    for value in (*asdict(plan).values(), *asdict(signal).values(), parent.size, parent.stop_ticks):
        assert not isinstance(value, np.generic)
    assert math.isnan(ParentOrder(side=1, size=1, start_ns=0, end_ns=1).stop_ticks)


@dataclass
class Resting:
    order: Order
    left: int
    working: bool = False
    cancel: bool = False


@dataclass
class World:
    """A bracket, an exchange that may do anything legal, and the reports on their way."""

    bracket: Bracket
    ids: Ids
    enforce_reduce_only: bool
    orders: dict[int, Resting] = field(default_factory=dict)
    outbox: list[tuple[int, str, int, int]] = field(default_factory=list)
    position: int = 0
    now: int = 0
    accidents: int = 1
    flattens: int = 1
    ticks: int = 1

    def carry_out(self, commands: list[object]) -> None:
        assert not (commands and self.bracket.done), "a command after DONE"
        for command in commands:
            if isinstance(command, Send):
                self.orders[command.order.client_id] = Resting(command.order, command.order.size)
            elif isinstance(command, CancelOrder) and command.client_id in self.orders:
                self.orders[command.client_id].cancel = True
        self.check()

    def check(self) -> None:
        if self.enforce_reduce_only:
            assert self.position >= 0, "an exit turned the position"
        b = self.bracket
        if b.phase is BracketPhase.OPEN:
            protection = sum(
                leg.remaining for leg in b._legs.values() if leg.kind == "stop" and not leg.cancel_asked
            )
            assert protection >= b.net, "contracts without a stop"
        if b.done:
            assert b.net == 0
            assert self.position == 0
            assert not self.orders, "an orphan order"

    def actions(self) -> list[tuple[str, int]]:
        out: list[tuple[str, int]] = []
        for cid, resting in self.orders.items():
            if not resting.working:
                out.append(("accept", cid))
                if self.accidents:
                    out.append(("reject", cid))
            else:
                out.append(("fill", cid))
                if self.accidents:
                    out.append(("kill", cid))
            if resting.cancel:
                out.append(("cancel", cid))
        if self.outbox:
            out.append(("deliver", 0))
        if self.flattens and not self.bracket.done:
            out.append(("flatten", 0))
        if self.ticks and not self.bracket.done:
            out.append(("tick", 0))
        return out

    def act(self, name: str, cid: int) -> None:
        if name == "deliver":
            client_id, status, side, size = self.outbox.pop(0)
            self.carry_out(self.bracket.on_reports([report(client_id, status, side, size, ts=1)], self.now))
        elif name == "flatten":
            self.flattens -= 1
            self.carry_out(self.bracket.flatten("test", self.now))
        elif name == "tick":
            self.ticks -= 1
            self.now += 60 * SECOND
            self.carry_out(self.bracket.on_time(self.now))
        elif name == "accept":
            self.orders[cid].working = True
        elif name in ("reject", "kill"):
            self.accidents -= 1
            self.end(cid, "rejected" if name == "reject" else "cancelled")
        elif name == "cancel":
            self.end(cid, "cancelled")
        else:
            self.fill(cid)

    def fill(self, cid: int) -> None:
        resting = self.orders[cid]
        side = resting.order.side
        if self.enforce_reduce_only and resting.order.reduce_only and self.position * side >= 0:
            self.end(cid, "cancelled")
            return
        self.position += side
        resting.left -= 1
        self.outbox.append((cid, "filled", side, 1))
        if resting.left == 0:
            del self.orders[cid]

    def end(self, cid: int, status: str) -> None:
        del self.orders[cid]
        self.outbox.append((cid, status, 0, 0))

    def clone(self) -> World:
        """A copy that shares only what is never changed; ``copy.deepcopy`` takes ten times as long."""
        twin = copy.copy(self)
        twin.ids = Ids()
        twin.ids.last = self.ids.last
        twin.bracket = copy.copy(self.bracket)
        twin.bracket._new_id = twin.ids
        twin.bracket._legs = {cid: copy.copy(leg) for cid, leg in self.bracket._legs.items()}
        twin.orders = {cid: copy.copy(resting) for cid, resting in self.orders.items()}
        twin.outbox = list(self.outbox)
        return twin

    def key(self) -> tuple[object, ...]:
        b = self.bracket
        legs = tuple(
            (cid, leg.kind, leg.order.side, leg.order.size, leg.filled, leg.final, leg.cancel_asked)
            for cid, leg in b._legs.items()
        )
        orders = tuple((cid, r.left, r.working, r.cancel) for cid, r in self.orders.items())
        return (
            legs, b._entered, b._exited, b._closing != "", b.done, self.now < b._blocked_until, b._blocked_until > 0,
            orders, tuple(self.outbox), self.position, self.now, self.accidents, self.flattens, self.ticks,
        )  # fmt: skip


def explore(
    size: int,
    enforce_reduce_only: bool,
    limit: bool,
    accidents: int = 1,
    flattens: int = 1,
    ticks: int = 1,
    patient: bool = False,
) -> tuple[int, int]:
    ids = Ids()
    plan = BracketPlan(1, size, 2, 2, time_stop_ns=50 * SECOND, entry_px=99 if limit else PX_NONE)
    start = World(Bracket(plan, ids, reduce_only=not patient), ids, enforce_reduce_only)
    start.accidents, start.flattens, start.ticks = accidents, flattens, ticks
    start.carry_out(start.bracket.start(0))
    seen = {start.key()}
    stack = [start]
    ended = 0
    while stack:
        world = stack.pop()
        actions = world.actions()
        if not actions:
            ended += 1
            for _ in range(3):  # nothing is under way: a bracket that is not done must act by itself
                if world.bracket.done or world.orders:
                    break
                world.now += 60 * SECOND
                world.carry_out(world.bracket.on_time(world.now))
            assert world.bracket.done or world.orders, "the bracket is stuck"
            if not world.bracket.done:
                stack.append(world)
            continue
        for name, cid in actions:
            after = world.clone()
            after.act(name, cid)
            key = after.key()
            if key not in seen:
                seen.add(key)
                stack.append(after)
    return len(seen), ended


@pytest.mark.parametrize("limit", [False, True])
@pytest.mark.parametrize("enforce_reduce_only", [True, False])
def test_every_interleaving_of_one_contract_ends_flat(enforce_reduce_only: bool, limit: bool) -> None:
    states, ended = explore(1, enforce_reduce_only, limit)
    assert states > 300
    assert ended > 0


def test_every_interleaving_of_two_contracts_ends_flat() -> None:
    states, ended = explore(2, True, False, accidents=0, flattens=1, ticks=0)
    assert states > 1000
    assert ended > 0


@pytest.mark.parametrize("limit", [False, True])
def test_a_venue_without_reduce_only_ends_flat_in_every_interleaving(limit: bool) -> None:
    states, ended = explore(1, False, limit, patient=True)
    assert states > 300
    assert ended > 0


def test_two_contracts_without_reduce_only_end_flat_in_every_interleaving() -> None:
    states, ended = explore(2, False, False, accidents=0, flattens=1, ticks=0, patient=True)
    assert states > 1000
    assert ended > 0


def test_without_reduce_only_the_exit_waits_until_no_other_exit_can_trade() -> None:
    bracket = Bracket(BracketPlan(1, 2, 8, 8), Ids(), reduce_only=False)
    bracket.start(0)
    bracket.on_reports([report(1, "filled", 1, 2)], 1)
    out = bracket.flatten("test", 2)
    assert out == [CancelOrder(2), CancelOrder(3)]
    assert bracket.on_reports([report(3, "cancelled")], 3) == []  # the stop still stands, and may trade
    assert sends(bracket.on_reports([report(2, "filled", -1, 1)], 4)) == []
    assert sends(bracket.on_reports([report(2, "cancelled")], 5)) == [("test", -1, 1, PX_NONE)]


def test_an_order_that_never_left_is_replaced_unless_it_was_the_entry() -> None:
    bracket = Bracket(BracketPlan(1, 1, 8, 8), Ids())
    bracket.start(0)
    bracket.on_reports([report(1, "filled", 1, 1)], 1)
    assert sends(bracket.on_unsent(2, 2)) == [("stop", -1, 1, 92)]
    entry = Bracket(BracketPlan(1, 1, 8, 8), Ids())
    entry.start(0)
    assert entry.on_unsent(1, 1) == []
    assert entry.done


def test_a_fill_after_the_end_is_closed_again() -> None:
    bracket = Bracket(BracketPlan(1, 1, 8, 8, entry_px=99), Ids())
    bracket.start(0)
    bracket.on_time(10 * SECOND)
    bracket.on_reports([report(1, "cancelled")], 11 * SECOND)
    assert bracket.done
    assert sends(bracket.on_reports([report(1, "filled", 1, 1)], 12 * SECOND)) == [
        ("late_fill", -1, 1, PX_NONE)
    ]
    bracket.on_reports([report(2, "filled", -1, 1)], 13 * SECOND)
    assert bracket.done


def test_it_says_when_time_matters() -> None:
    bracket = Bracket(BracketPlan(1, 1, 8, 8, entry_px=99, time_stop_ns=60 * SECOND), Ids())
    bracket.start(0)
    assert bracket.wakes_ns == 10 * SECOND
    bracket.on_reports([report(1, "filled", 1, 1, ts=5 * SECOND)], 5 * SECOND)
    assert bracket.wakes_ns == 65 * SECOND
    bracket.on_time(65 * SECOND)
    assert bracket.wakes_ns is None
    bracket.on_refused(4, 66 * SECOND)
    assert bracket.wakes_ns == 67 * SECOND
