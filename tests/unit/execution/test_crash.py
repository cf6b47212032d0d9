"""The client killed at every write and every call of an order's life, and at random in longer ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crash_world import MS, PLAN, SECOND, SETTINGS, Fuse, Trouble, World, serve
from quantumtrader.execution import Approved, BracketPlan, LiveDesk
from quantumtrader.types import Order, OrderType


def enter(plan: BracketPlan) -> Callable[[World], None]:
    def run(world: World) -> None:
        world.act(lambda desk: None if desk.busy else desk.enter(plan) and None)

    return run


def to_target(world: World) -> None:
    """Entry in two parts, target in two parts."""
    world.tick(1000, 1001, 5, 2)
    world.act()
    enter(PLAN)(world)
    for bid, ask, bid_sz, ask_sz in (
        (1000, 1001, 5, 2), (1001, 1002, 5, 5), (1002, 1003, 5, 5), (1009, 1010, 1, 5), (1010, 1011, 5, 5),
        (1011, 1012, 5, 5),
    ):  # fmt: skip
        world.tick(bid, ask, bid_sz, ask_sz)
        world.act()


def to_stop(world: World) -> None:
    """Entry in two parts, the market jumps through the stop, which fills in two parts."""
    world.tick(1000, 1001, 5, 2)
    world.act()
    enter(PLAN)(world)
    for bid, ask, bid_sz, ask_sz in (
        (1000, 1001, 5, 2), (1001, 1002, 5, 5), (995, 996, 5, 5), (992, 993, 1, 5), (991, 992, 1, 5), (991, 992, 5, 5),
    ):  # fmt: skip
        world.tick(bid, ask, bid_sz, ask_sz)
        world.act()


def to_open(world: World) -> None:
    """A short trade that is still open at the end, its entry a limit order that waits, fills in part, and is cancelled."""
    plan = replace(PLAN, side=-1, entry_px=1003, entry_ttl_ns=400 * MS)
    world.tick(1000, 1001)
    world.act()
    enter(plan)(world)
    for bid, ask, bid_sz in (
        (1001, 1002, 5),
        (1002, 1003, 5),
        (1003, 1004, 2),
        (1003, 1004, 0),
        (1002, 1004, 5),
    ):
        world.tick(bid, ask, bid_sz or 1)
        world.act()
    for _ in range(8):
        world.tick(1002, 1003)
        world.act()


def to_race(world: World) -> None:
    """Flatten while the target fills, then a market entry that is flattened at once."""
    world.tick(1000, 1001)
    world.act()
    enter(PLAN)(world)
    for bid, ask in ((1000, 1001), (1001, 1002)):
        world.tick(bid, ask)
        world.act()
    world.act(lambda desk: desk.flatten("test"))
    world.tick(1009, 1010, 2, 5)
    world.act()
    for _ in range(3):
        world.tick(1009, 1010)
        world.act()
    enter(PLAN)(world)
    world.act(lambda desk: desk.flatten("test"))
    for _ in range(4):
        world.tick(1009, 1010)
        world.act()


def to_change(world: World) -> None:
    """An order outside brackets: sent, changed, filled in part, cancelled; another one is rejected; then zeroed."""
    ids: list[int] = []

    def send(size: int, px: int) -> Callable[[LiveDesk], None]:
        def run(desk: LiveDesk) -> None:
            ids.append(desk.books.free_id())
            answer = desk.manager.risk.check(Order(ids[-1], 1, size, OrderType.LIMIT, px), desk.state())
            assert isinstance(answer, Approved)
            desk.manager.send_order(answer)

        return run

    def change(desk: LiveDesk) -> None:
        if not ids or ids[0] not in desk.books.table or desk.books.table[ids[0]].status != "working":
            return
        answer = desk.manager.risk.check(Order(ids[0], 1, 4, OrderType.LIMIT, 999), desk.state())
        assert isinstance(answer, Approved)
        desk.manager.change(answer)

    world.tick(1000, 1001)
    world.act()
    world.act(send(2, 998))
    world.tick(1000, 1001)
    world.act()
    world.act(change)
    for bid, ask, ask_sz in ((1000, 1001, 5), (1000, 1001, 5), (998, 999, 1), (998, 999, 1), (1000, 1001, 5)):
        world.tick(bid, ask, 5, ask_sz)
        world.act()
    world.act(lambda desk: desk.manager.cancel_all())
    for _ in range(3):
        world.tick(1000, 1001)
        world.act()
    world.act(lambda desk: desk.zero_position("test"))
    for _ in range(3):
        world.tick(1000, 1001)
        world.act()
    world.settle()
    world.act(lambda desk: desk.zero_position("end"))


SCRIPTS = (to_target, to_stop, to_open, to_race, to_change)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_life_without_a_death(script: Callable[[World], None], tmp_path: Path) -> None:
    world = World(tmp_path / "orders.journal")
    script(world)
    world.finish()
    assert world.deaths == 0
    assert world.desk is not None
    assert world.desk.books.ledger.trades


@pytest.mark.parametrize(
    ("downtime", "latency_ns", "every"),
    [
        (0, 0, 1),
        (3, 0, 2),
        (0, 80 * MS, 2),
    ],
)
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_death_at_every_write_and_every_call(
    script: Callable[[World], None], downtime: int, latency_ns: int, every: int, tmp_path: Path
) -> None:
    whole = World(tmp_path / "whole.journal", latency_ns=latency_ns)
    script(whole)
    points = whole.fuse.count
    whole.journal.close()
    assert points > 100
    for at in range(1, points + 1, every):
        world = World(tmp_path / f"{at}.journal", Fuse(frozenset({at})), None, latency_ns, downtime)
        try:
            script(world)
            world.finish()
        except Exception as error:
            raise AssertionError(f"death {at}, {world.fuse.where[at - 1]}: {error}") from error
        assert world.deaths == 1


def walk(world: World, rng: random.Random, turns: int) -> None:
    """A market that wanders and jumps, and a client that enters, flattens and zeroes as it likes."""
    mid = 1000
    for _ in range(turns):
        mid += rng.choice([-6, -2, -1, -1, 0, 0, 0, 1, 1, 2, 6])
        spread = rng.choice([1, 1, 2])
        world.tick(mid, mid + spread, rng.randint(1, 4), rng.randint(1, 4), dt=rng.choice([20, 50, 120]) * MS)
        luck = rng.random()
        if luck < 0.15:
            plan = BracketPlan(
                rng.choice([1, -1]),
                rng.randint(1, 4),
                rng.randint(2, 6),
                rng.randint(2, 6),
                rng.choice([0, SECOND]),
                *([mid + rng.randint(-2, 2)] if rng.random() < 0.5 else []),
                entry_ttl_ns=rng.choice([300 * MS, SECOND]),
            )
            enter(plan)(world)
        elif luck < 0.18:
            world.act(lambda desk: desk.flatten("whim"))
        elif luck < 0.20:
            world.act(lambda desk: desk.zero_position("whim"))
        else:
            world.act()


def wander(path: Path, seed: int, turns: int) -> World:
    rng = random.Random(seed)
    probe_points = 10 * turns  # about as many as it takes
    deaths = frozenset(rng.sample(range(1, probe_points), rng.randint(0, turns // 8)))
    world = World(
        path,
        Fuse(deaths),
        Trouble(random.Random(seed + 1)) if seed % 2 else None,
        rng.choice([0, 0, 30, 150]) * MS,
        rng.choice([0, 0, 1, 8]),
        # Every third client looks only now and then at orders that nobody told it about.
        SETTINGS if seed % 3 else replace(SETTINGS, sweep_ns=700 * MS),
        strict=seed % 3 != 0,
    )
    try:
        walk(world, rng, turns)
        world.finish()
    except Exception as error:
        raise AssertionError(f"seed {seed}, {world.deaths} deaths: {error}") from error
    return world


@pytest.mark.parametrize("block", range(4))
def test_random_lives_with_doubled_late_and_dropped_reports(block: int, tmp_path: Path) -> None:
    trades = deaths = 0
    for seed in range(block * 15, block * 15 + 15):
        world = wander(tmp_path / f"{seed}.journal", seed, 80)
        assert world.desk is not None
        trades += len(world.desk.books.ledger.trades)
        deaths += world.deaths
    assert trades > 20
    assert deaths > 20


MARKET = [
    (1000, 1001, 5, 2), (1000, 1001, 5, 2), (1000, 1001, 5, 2), (1001, 1002, 5, 5), (1002, 1003, 5, 5),
    *[(1004, 1005, 5, 5)] * 12, (1009, 1010, 1, 5), (1010, 1011, 5, 5), *[(1010, 1011, 5, 5)] * 25,
]  # fmt: skip


@pytest.mark.integration
def test_a_process_that_is_killed_for_real(tmp_path: Path) -> None:
    whole = World(tmp_path / "whole.journal")
    deaths, points = serve(whole, MARKET, 0)
    assert deaths == 0
    assert points > 300
    died = 0
    for at in range(3, points, points // 12):
        world = World(tmp_path / f"{at}.journal")
        deaths, _ = serve(world, MARKET, at)
        died += deaths
        world.boot()
        world.finish()
    assert died >= 10
