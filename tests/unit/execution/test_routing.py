"""Slicing: schedules and decisions by hand, and what holds against any exchange."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from quantumtrader.exceptions import ConfigError, OrderError
from quantumtrader.execution import CancelOrder, Report, Send
from quantumtrader.execution.routing import (
    SLICERS,
    FlowRouter,
    MarketView,
    ParentOrder,
    Pov,
    Slicer,
    Twap,
    make_slicer,
)
from quantumtrader.types import PX_NONE, OrderType

S = 10**9


def parent(**change: Any) -> ParentOrder:
    return ParentOrder(**{"side": 1, "size": 100, "start_ns": 0, "end_ns": 100 * S, **change})


def view(at: float, bid: int = 100, ask: int = 101, **change: Any) -> MarketView:
    return MarketView(
        **{"ts": int(at * S), "bid_px": bid, "ask_px": ask, "bid_sz": 50, "ask_sz": 50, **change}
    )


def build(name: str, order: ParentOrder, **parameters: Any) -> Slicer:
    return make_slicer(name, order, itertools.count(1).__next__, **parameters)


def report(client_id: int, status: str, size: int = 0, at: float = 0.0) -> Report:
    return Report(-1, client_id, int(at * S), status, 1, 100, size, True, 0.0)


def sent(commands: list[Any]) -> list[tuple[int, int]]:
    """``(px, size)`` of what is sent."""
    return [(c.order.px, c.order.size) for c in commands if isinstance(c, Send)]


def cancelled(commands: list[Any]) -> list[int]:
    return [c.client_id for c in commands if isinstance(c, CancelOrder)]


# ---- what all share


def test_names_and_parameters() -> None:
    assert set(SLICERS) == {"twap", "pov", "flow"}
    with pytest.raises(ConfigError, match="there are twap, pov, flow"):
        build("vwap", parent())
    with pytest.raises(ConfigError, match="patienc"):
        build("twap", parent(), patienc=1)
    for name, wrong in (("twap", {"slices": 0}), ("pov", {"rate": 0.0}), ("pov", {"rate": math.nan}),
                        ("flow", {"urgency": 1.0}), ("flow", {"clip": math.nan})):  # fmt: skip
        with pytest.raises(ConfigError):
            build(name, parent(), **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": 0},
        {"size": 0},
        {"size": 7, "lot": 5},
        {"end_ns": 0},
        {"max_participation": 0.0},
        {"max_participation": math.nan},
    ],
)
def test_parents_that_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(OrderError, match="parent order"):
        parent(**wrong)


def test_a_replacement_waits_for_the_cancel_of_what_it_replaces() -> None:
    slicer = build("twap", parent(size=10), slices=1, patience=0.5)
    assert sent(slicer.on_market(view(0))) == [(100, 10)]
    commands = slicer.on_market(view(50))  # patience is over: cross
    assert (sent(commands), cancelled(commands)) == ([], [1])
    assert slicer.on_market(view(51)) == []
    slicer.on_reports([report(1, "filled", 4), report(1, "cancelled", 6)], 52 * S)
    assert sent(slicer.on_market(view(52))) == [(101, 6)]


def test_the_limit_price_bounds_every_child() -> None:
    slicer = build("twap", parent(size=10, limit_px=99), slices=1, patience=0.0)
    assert sent(slicer.on_market(view(0))) == [(99, 10)]
    seller = build("twap", parent(side=-1, size=10, limit_px=103), slices=1, patience=0.0)
    assert sent(seller.on_market(view(0))) == [(103, 10)]


def test_participation_bounds_every_algorithm() -> None:
    slicer = build("twap", parent(max_participation=0.1), slices=1, patience=0.0)
    assert slicer.on_market(view(0)) == []  # nothing is known to have traded
    assert slicer.on_market(view(1, volume=1_000)) == []
    assert sent(slicer.on_market(view(2, volume=1_059))) == [(101, 5)]
    assert sent(slicer.on_market(view(3, volume=1_070))) == [(101, 2)]


def test_small_children_wait_unless_they_are_the_rest() -> None:
    slicer = build("pov", parent(size=12, least_child=5), rate=0.1, tolerance=1.0)
    slicer.on_market(view(0, volume=0))
    assert slicer.on_market(view(1, volume=40)) == []
    assert sent(slicer.on_market(view(2, volume=100))) == [(100, 10)]
    slicer.on_reports([report(1, "filled", 10)], 3 * S)
    assert sent(slicer.on_market(view(3, volume=200))) == [(100, 2)]


def test_a_halt_takes_children_back_and_nothing_is_sent_in_it() -> None:
    slicer = build("twap", parent(), slices=10)
    slicer.on_market(view(0))
    assert cancelled(slicer.on_market(view(1, continuous=False))) == [1]
    slicer.on_reports([report(1, "cancelled", 10)], 2 * S)
    assert slicer.on_market(view(2, continuous=False)) == []
    assert slicer.on_market(view(2, bid=PX_NONE)) == []
    assert slicer.on_market(view(2, bid=101)) == []
    assert sent(slicer.on_market(view(3))) == [(100, 10)]


def test_refusals_are_retried_after_a_second_and_end_after_ten() -> None:
    slicer = build("twap", parent(size=10), slices=1, patience=1.0)
    for k in range(10):
        assert sent(slicer.on_market(view(k * 1.5))) == [(100, 10)]
        slicer.on_refused(k + 1, int(k * 1.5 * S))
        assert slicer.on_market(view(k * 1.5 + 0.9)) == []
    assert (slicer.ended, slicer.done) == ("refused", True)
    with pytest.raises(OrderError, match="not one of its own"):
        slicer.on_refused(99, 0)


def test_the_end_comes_without_a_market() -> None:
    slicer = build("twap", parent())
    slicer.on_market(view(0))
    assert cancelled(slicer.on_time(100 * S)) == [1]
    assert not slicer.done
    slicer.on_reports([report(1, "filled", 3), report(1, "cancelled", 7)], 101 * S)
    assert (slicer.done, slicer.ended, slicer.filled, slicer.remaining) == (True, "time", 3, 97)
    assert slicer.on_market(view(101)) == []


def test_cancel_ends_early() -> None:
    slicer = build("twap", parent())
    slicer.on_market(view(0))
    assert cancelled(slicer.cancel("kill_switch", S)) == [1]
    slicer.on_reports([report(1, "cancelled", 10)], 2 * S)
    assert (slicer.done, slicer.ended) == (True, "kill_switch")


# ---- TWAP


def test_twap_schedule_to_the_contract() -> None:
    twap = Twap(parent(size=10), itertools.count(1).__next__, slices=4)
    # 10 x 1/4, 2/4, 3/4, 4/4 in whole contracts.
    assert [twap.due(int(t * S)) for t in (0, 24.9, 25, 50, 75, 99.9, 200)] == [2, 2, 5, 7, 10, 10, 10]
    lots = Twap(parent(size=25, lot=5), itertools.count(1).__next__, slices=10)
    assert lots.slices == 5
    assert [lots.due(t * 20 * S) for t in range(5)] == [5, 10, 15, 20, 25]


def test_twap_rests_then_crosses_then_catches_up() -> None:
    slicer = build("twap", parent(), slices=10, patience=0.5, catch_up=2.0)
    assert sent(slicer.on_market(view(0))) == [(100, 10)]
    assert slicer.on_market(view(4.9)) == []
    assert cancelled(slicer.on_market(view(5))) == [1]
    slicer.on_reports([report(1, "cancelled", 10)], 5 * S)
    assert sent(slicer.on_market(view(5.1))) == [(101, 10)]
    slicer.on_reports([report(2, "filled", 10)], 6 * S)
    assert slicer.on_market(view(6)) == []  # on schedule
    # A halt until 45 s: 50 are due, 40 missing, at most 2 slices at once, crossing because they are late.
    assert sent(slicer.on_market(view(45))) == [(101, 20)]
    slicer.on_reports([report(3, "filled", 20)], 46 * S)
    assert sent(slicer.on_market(view(46))) == [(101, 20)]
    slicer.on_reports([report(4, "filled", 20)], 47 * S)
    # The last interval may ask for everything.
    assert sent(slicer.on_market(view(90))) == [(101, 50)]


# ---- POV


def test_pov_follows_the_volume() -> None:
    slicer = build("pov", parent(), rate=0.1, tolerance=0.05)
    assert slicer.on_market(view(0)) == []
    assert slicer.on_market(view(1, volume=5_000)) == []
    assert sent(slicer.on_market(view(2, volume=5_039))) == [(100, 3)]
    assert sent(slicer.on_market(view(3, volume=5_050))) == [(100, 2)]
    commands = slicer.on_market(view(4, volume=5_060))  # 6 missing, more than 5 % of 100: cross
    assert (sent(commands), cancelled(commands)) == ([(101, 1)], [1, 2])  # the other 5 may still fill
    slicer.on_reports([report(1, "cancelled", 3), report(2, "cancelled", 2)], 5 * S)
    assert sent(slicer.on_market(view(5, volume=5_060))) == [(101, 5)]
    assert Pov(parent(max_participation=0.02), lambda: 1, rate=0.1).rate == 0.02


# ---- flow


def flow(**change: Any) -> FlowRouter:
    slicer = build("flow", parent(), **change)
    assert isinstance(slicer, FlowRouter)
    return slicer


def why(slicer: Slicer, market: MarketView) -> tuple[str, int, int] | None:
    aim = slicer.aim(market)
    return None if aim is None else (aim.why, aim.px, aim.size)


def test_flow_joins_improves_and_crosses() -> None:
    calm = view(1, micro_px=100.5)
    assert why(flow(), calm) == ("join", 100, 10)
    wide = view(1, ask=103, micro_px=101.5)
    assert why(flow(), wide) == ("improve", 101, 10)
    assert why(flow(), view(1, ask=103, micro_px=101.0)) == ("join", 100, 10)  # the price comes to us
    assert why(flow(), view(1, ask=103, micro_px=101.0, bid_sz=201)) == ("improve", 101, 10)  # a long queue
    leaving = view(1, micro_px=100.95, ask_sz=4)  # pressure 0.9
    assert why(flow(), leaving) == ("cross", 101, 4)  # what is displayed, no more
    assert why(flow(), view(1, ask=104, micro_px=104.0)) == ("improve", 101, 10)  # too wide to cross
    seller = build("flow", parent(side=-1))
    assert why(seller, view(1, micro_px=100.05, bid_sz=4)) == ("cross", 100, 4)
    assert why(seller, view(1, ask=103, micro_px=101.5)) == ("improve", 102, 10)


def test_flow_without_a_microprice_takes_the_imbalance_or_nothing() -> None:
    assert flow().pressure(view(1, imbalance=0.4)) == pytest.approx(0.4)
    assert flow().pressure(view(1, imbalance=0.4, micro_px=100.25)) == pytest.approx(-0.5)
    assert flow().pressure(view(1)) == 0.0


def test_flow_pays_when_late_or_urgent_and_at_the_end() -> None:
    assert why(flow(rush=0.0), view(79)) == ("join", 100, 79)
    assert why(flow(rush=0.0), view(80)) == ("cross", 101, 50)
    assert why(flow(urgency=0.5, cross_at=0.6), view(1)) == ("cross", 101, 10)  # pace 10 % after 1 %
    assert why(flow(), view(95.1, ask=109)) == ("rush", 109, 100)


def test_flow_stays_with_its_pace_and_in_its_queue() -> None:
    slicer = flow(rest_ns=2 * S)
    assert sent(slicer.on_market(view(0))) == [(100, 10)]
    assert slicer.on_market(view(1, bid=101, ask=102)) == []  # too young to leave
    assert cancelled(slicer.on_market(view(2, bid=101, ask=102))) == [1]
    slicer.on_reports([report(1, "filled", 10)], 3 * S)
    assert slicer.on_market(view(0.5)) == []
    assert why(slicer, view(0.5)) is None  # a clip ahead of the pace


# ---- any exchange


class AnyExchange(RuleBasedStateMachine):
    """An exchange that fills, cancels, rejects and refuses as it likes, and a market that does so too."""

    @initialize(
        name=st.sampled_from(sorted(SLICERS)),
        side=st.sampled_from([1, -1]),
        lots=st.integers(1, 30),
        lot=st.sampled_from([1, 5]),
        limit=st.sampled_from([PX_NONE, 99, 101]),
        share=st.sampled_from([None, 0.05, 0.3]),
    )
    def begin(self, name: str, side: int, lots: int, lot: int, limit: int, share: float | None) -> None:
        self.parent = parent(side=side, size=lots * lot, lot=lot, limit_px=limit, max_participation=share)
        self.slicer = build(name, self.parent)
        self.now, self.volume, self.filled = 0, 7, 0
        self.alive: dict[int, list[int]] = {}  # id: [left, cancel asked]
        event(name)

    def carry_out(self, commands: list[Any], *, sending: bool = True) -> None:
        for command in commands:
            if isinstance(command, CancelOrder):
                assert command.client_id in self.alive, "cancels what is not alive"
                assert not self.alive[command.client_id][1], "cancels twice"
                self.alive[command.client_id][1] = 1
                continue
            order = command.order
            assert sending
            assert self.now < self.parent.end_ns
            assert order.type is OrderType.LIMIT
            assert order.side == self.parent.side
            assert order.size % self.parent.lot == 0
            if self.parent.limit_px != PX_NONE:
                assert order.px * order.side <= self.parent.limit_px * order.side
            self.alive[order.client_id] = [order.size, 0]
            if self.parent.max_participation is not None:
                committed = self.filled + sum(left for left, _ in self.alive.values())
                assert committed <= self.parent.max_participation * (self.volume - 7) + 1e-6

    def say(self, client_id: int, status: str, size: int) -> None:
        self.carry_out(self.slicer.on_reports([report(client_id, status, size)], self.now), sending=False)

    @rule(
        wait=st.integers(0, 8),
        traded=st.integers(0, 80),
        bid=st.integers(98, 102),
        spread=st.integers(-1, 4),
        sizes=st.tuples(st.integers(0, 50), st.integers(0, 50)),
        continuous=st.sampled_from([True, True, True, False]),
        tilt=st.sampled_from([math.nan, -0.4, 0.0, 0.45]),
    )
    def look(
        self,
        wait: int,
        traded: int,
        bid: int,
        spread: int,
        sizes: tuple[int, int],
        continuous: bool,
        tilt: float,
    ) -> None:
        self.now += wait * S
        self.volume += traded
        market = MarketView(
            ts=self.now,
            bid_px=bid,
            ask_px=bid + spread,
            bid_sz=sizes[0],
            ask_sz=sizes[1],
            volume=self.volume,
            continuous=continuous,
            micro_px=bid + spread * (0.5 + tilt),
        )
        self.carry_out(self.slicer.on_market(market), sending=continuous and spread > 0)

    @precondition(lambda self: self.alive)
    @rule(pick=st.integers(0, 99), part=st.integers(1, 100))
    def fill(self, pick: int, part: int) -> None:
        client_id = list(self.alive)[pick % len(self.alive)]
        size = min(part, self.alive[client_id][0])
        self.alive[client_id][0] -= size
        self.filled += size
        if self.alive[client_id][0] == 0:
            del self.alive[client_id]
        self.say(client_id, "filled", size)

    @precondition(lambda self: self.alive)
    @rule(
        pick=st.integers(0, 99), how=st.sampled_from(["cancelled", "rejected", "refused", "cancel_rejected"])
    )
    def end(self, pick: int, how: str) -> None:
        client_id = list(self.alive)[pick % len(self.alive)]
        if how == "cancel_rejected":
            self.say(client_id, how, 0)
            return
        left, _ = self.alive.pop(client_id)
        if how == "refused":
            self.carry_out(self.slicer.on_refused(client_id, self.now), sending=False)
        else:
            self.say(client_id, how, left)

    @rule()
    def pass_time(self) -> None:
        self.carry_out(self.slicer.on_time(self.now), sending=False)

    @rule()
    def stop(self) -> None:
        if self.now > 60 * S:
            self.carry_out(self.slicer.cancel("stop", self.now), sending=False)

    @invariant()
    def never_too_much(self) -> None:
        if not hasattr(self, "slicer"):
            return
        left = sum(left for left, _ in self.alive.values())
        assert self.filled + left <= self.parent.size
        assert (self.slicer.filled, self.slicer.working) == (self.filled, left)
        assert self.slicer.done == (bool(self.slicer.ended) and not self.alive)
        if self.slicer.ended:
            assert all(asked for _, asked in self.alive.values()), "an order is left after the end"

    def teardown(self) -> None:
        if not hasattr(self, "slicer"):
            return
        self.now = max(self.now, self.parent.end_ns)
        self.carry_out(self.slicer.on_time(self.now), sending=False)
        for client_id in list(self.alive):
            left, _ = self.alive.pop(client_id)
            self.say(client_id, "cancelled", left)
        assert self.slicer.done


TestAnyExchange = AnyExchange.TestCase
TestAnyExchange.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
