"""What validate proves: a good recording passes, and each thing that spoils one is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.data.offers import MS, WDO, ArrayFeed, Market
from tests.unit.data.test_recorder import books, lines, read, record

from quantumtrader.data.checkpoints import Checkpoint
from quantumtrader.data.recorder import CollectorSettings
from quantumtrader.data.replayability import Replayability, check_replayable
from quantumtrader.data.sequences import Sequences
from quantumtrader.types import Action, Events, Kind, Phase, SessionHours, Side

OFTEN = CollectorSettings(checkpoint_ns=2 * MS)


def recorded(folder: Path, market: Market, steps: int) -> tuple[Events, list[dict[str, Any]]]:
    collector = record(ArrayFeed(market.events(steps)), folder, settings=OFTEN)
    return read(collector), lines(collector, "checkpoint")


def seen(events: Events, points: list[dict[str, Any]], places: Any) -> int:
    """One of the places whose effect a checkpoint sees before the next image of the book wipes it out."""
    sequence = events["sequence"]
    images = sequence[events["action"] == Action.SNAPSHOT_BEGIN]
    marks = np.array(sorted(p["sequence"] for p in points if p["book"] == "order"))
    for place in places[::-1]:
        mark = marks[np.searchsorted(marks, sequence[place])] if sequence[place] <= marks[-1] else 0
        if mark and not ((images > sequence[place]) & (images <= mark)).any():
            return int(place)
    raise AssertionError("no such place: take more steps")


def check(events: Events, points: list[dict[str, Any]] | None = None) -> Replayability:
    return check_replayable(np.array_split(events, 7), WDO, books(), points or [])


def errors(result: Replayability) -> set[str]:
    return {f.check for f in result.findings if f.severity == "error"}


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(50, 600))
def test_a_recording_of_random_actions_is_replayable(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: int
) -> None:
    events, points = recorded(tmp_path_factory.mktemp("r"), Market(seed), steps)
    result = check(events, points)
    assert result.valid, result.findings
    assert result.agreed == result.checkpoints == len(points) > 0
    assert result.comparisons_agreed == result.comparisons
    assert result.beyond == 0


@pytest.mark.parametrize("action", [Action.ADD, Action.EDIT, Action.DELETE, Action.DELETE_FROM])
def test_an_action_that_was_filtered_out_is_found(tmp_path: Path, action: Action) -> None:
    """The classic failure of book recordings: one kind of record, or one record, is not there."""
    events, points = recorded(tmp_path, Market(11), 1_500)
    mine = (events["kind"] == Kind.ORDER) & (events["action"] == action)
    result = check(events[~mine], points)
    assert "checkpoint" in errors(result)
    assert result.agreed < result.checkpoints
    one = seen(events, points, np.flatnonzero(mine))
    assert "checkpoint" in errors(check(np.delete(events, one), points))


def test_a_snapshot_that_was_left_out_is_found(tmp_path: Path) -> None:
    events, points = recorded(tmp_path, Market(12), 1_500)
    image = (events["flags"] & 128) != 0
    assert not check(events[~image], points).valid


def test_one_changed_price_is_found_and_named(tmp_path: Path) -> None:
    events, points = recorded(tmp_path, Market(13), 400)
    adds = np.flatnonzero((events["kind"] == Kind.ORDER) & (events["action"] == Action.ADD))
    place = seen(events, points, adds)
    events["size"][place] += 1
    result = check(events, points)
    finding = next(f for f in result.findings if f.check == "checkpoint")
    assert finding.severity == "error"
    assert "order book after sequence" in finding.places[0]
    assert "are not reproduced" in finding.message


def test_a_checkpoint_with_another_book_is_found(tmp_path: Path) -> None:
    events, points = recorded(tmp_path, Market(14), 300)
    for change in ({"digest": "0" * 32}, {"valid": False}, {"bids": [[1, 1]]}):
        other = [*points[:-1], {**points[-1], **change}]
        assert errors(check(events, other)) == {"checkpoint"}


def test_checkpoints_beyond_a_tear_are_told_apart(tmp_path: Path) -> None:
    events, points = recorded(tmp_path, Market(15), 300)
    cut = Checkpoint.of_line(points[-3]).sequence
    kept = events[events["sequence"] <= cut]
    result = check(kept, points)
    assert result.valid, result.findings
    assert result.beyond == sum(Checkpoint.of_line(p).sequence > cut for p in points) > 0
    assert result.agreed == result.checkpoints == len(points) - result.beyond


def spoiled(change: Callable[[Market], None]) -> Replayability:
    market = Market(16)
    market.events(200)
    change(market)
    return check(market.events(200))


def test_a_position_that_is_not_there_is_impossible() -> None:
    result = spoiled(lambda m: m.record(Kind.ORDER, action=Action.DELETE, side=1, ref_b=5_000))
    assert errors(result) == {"position"}
    (finding,) = (f for f in result.findings if f.check == "position")
    assert finding.count == 1


def test_an_impossible_position_inside_an_image_counts_too() -> None:
    def change(market: Market) -> None:
        market.record(Kind.ORDER, action=Action.SNAPSHOT_BEGIN)
        market.record(Kind.ORDER, action=Action.ADD, side=1, px=10, size=1, ref_b=3)
        market.record(Kind.ORDER, action=Action.SNAPSHOT_END)
        market.snapshot(10)

    assert errors(spoiled(change)) == {"position"}


def test_an_order_that_is_not_known_is_impossible() -> None:
    market = Market(17)
    market.records.clear()
    for order_id in (1, 2):
        market.record(Kind.ORDER, action=Action.ADD, side=1, id=order_id, px=10, size=1, ref_b=-1)
    market.record(Kind.ORDER, action=Action.DELETE, id=3, ref_b=-1)
    assert "position" in errors(check(market.events(0)))


def crossing(market: Market) -> None:
    best = market.lists[-1][0][1]
    market.now += 50 * MS
    market.record(Kind.ORDER, action=Action.ADD, side=1, id=9_999, px=best + 3, size=1, ref_b=0)
    market.record(Kind.ORDER, action=Action.DELETE, side=1, ref_b=0)


def test_a_book_crossed_in_continuous_trading_is_an_error() -> None:
    assert errors(spoiled(crossing)) == {"crossed"}


def test_a_book_may_cross_in_an_auction_and_inside_a_packet() -> None:
    def in_auction(market: Market) -> None:
        market.marker(Kind.SESSION, Phase.AUCTION)
        crossing(market)
        market.marker(Kind.SESSION, Phase.RESUME)

    def in_packet(market: Market) -> None:
        crossing(market)
        market.records[-2]["flags"] = 1

    assert errors(spoiled(in_auction)) == set()
    assert errors(spoiled(in_packet)) == set()


def test_hours_say_what_is_continuous_until_a_marker_does() -> None:
    market = Market(16)
    market.records.pop(0)  # the marker
    market.events(100)
    crossing(market)
    events = market.events(10)
    day = np.datetime64(int(events["ts_event"][0]), "ns").astype(object)
    assert day is not None
    from datetime import date, time

    open_now = replace(WDO, hours=(SessionHours(date(2020, 1, 1), time(9), time(18)),))
    closed = replace(WDO, hours=(SessionHours(date(2020, 1, 1), time(9), time(10)),))
    assert errors(check_replayable([events], open_now, books())) == {"crossed"}
    assert errors(check_replayable([events], closed, books())) == set()


def test_a_gap_without_a_new_image_is_an_error() -> None:
    market = Market(18)
    market.events(50)
    market.marker(Kind.GAP, size=3)
    market.record(Kind.ORDER, action=Action.ADD, side=1, id=1, px=10, size=1, ref_b=0)
    result = check(market.events(0))
    assert errors(result) == {"gap"}
    assert any("no image of it follows" in f.message for f in result.findings)
    market.snapshot(10)
    assert check(market.events(0)).valid


def test_price_depth_that_differs_for_long_is_an_error_and_once_a_warning() -> None:
    def run(times: int) -> Replayability:
        market = Market(19)
        market.records = [r for r in market.records if True]
        for k in range(12):
            market.now += 1_500 * MS
            side = int(Side.BUY)
            px, size = next(iter(market.ladder(side).items()))
            shown = size + 1 if k in range(3, 3 + times) else size
            market.record(Kind.LEVEL, action=Action.EDIT, side=side, px=px, size=shown)
        return check(market.events(0))

    assert errors(run(2)) == {"depth"}
    once = run(1)
    assert once.valid
    assert [f.severity for f in once.findings if f.check == "depth"] == ["warning"]
    assert (once.comparisons - once.comparisons_agreed) == 1
    never = run(0)
    assert never.comparisons == never.comparisons_agreed > 5


def test_sequences() -> None:
    def numbered(*rows: tuple[int, Kind]) -> Sequences:
        out = Sequences()
        for sequence, kind in rows:  # one at a time: what is known crosses the pieces
            event = np.zeros(1, Market(1).events(0).dtype)
            event["sequence"], event["kind"] = sequence, kind
            out.add(event)
        return out

    t, g = Kind.TRADE, Kind.GAP
    assert numbered((1, t), (2, t), (3, g), (4, t)).complete
    announced = numbered((1, t), (2, g), (6, t))
    assert (announced.complete, announced.announced) == (True, 3)
    assert numbered((1, t), (2, g), (2, g), (3, t)).complete
    hole = numbered((1, t), (5, t))
    assert (hole.complete, hole.holes, hole.first_place) == (False, 3, 5)
    assert numbered((1, t), (1, t)).backwards == 1
    assert numbered((2, t), (1, g)).backwards == 1
