"""Sweeps and sweeping runs: positives and near misses."""

from __future__ import annotations

import math

import pytest

from reference.scripts import ASK, BID, MS, Script


@pytest.mark.parametrize(("side", "levels", "gap"), [(1, 3, 0), (-1, 3, MS), (1, 5, 1)])
def test_walking_rows_is_a_sweep(find, side, levels, gap):
    s = Script().wait(MS)
    begin = s.now
    s.sweep(side, levels, gap=gap, size=10)
    (d,) = find(s, "sweep")
    assert d.side == side
    assert d.ts == begin + gap * (levels - 1) + MS + 1
    assert d.px == (ASK if side > 0 else BID) + side * (levels - 1)
    assert d.score == pytest.approx(levels / 5)
    assert d.confidence == 1.0
    facts = d.evidence
    assert (facts["levels"], facts["volume"], facts["prints"]) == (levels, 10 * levels, levels)
    assert facts["consumed_share"] == 1.0
    assert facts["span_ns"] == gap * (levels - 1)


def test_several_prints_on_a_row_count_once(find):
    s = Script("trades")
    for px in (ASK, ASK, ASK + 1, ASK + 1, ASK + 3):
        s.trade(1, px, 2)
    (d,) = find(s, "sweep")
    assert (d.evidence["levels"], d.evidence["prints"], d.evidence["volume"]) == (3, 5, 10)
    assert math.isnan(d.evidence["consumed_share"])
    assert d.confidence == 0.8  # no brokers, one time


def test_without_brokers_and_over_time_it_is_less_sure(find):
    s = Script()
    s.sweep(1, 3, gap=MS // 2, broker=0)
    assert find(s, "sweep")[0].confidence == 0.6


def test_the_end_is_certain_with_the_print_that_breaks_it(find):
    s = Script()
    s.sweep(1, 3)
    s.wait(MS // 4).trade(-1, BID)
    assert find(s, "sweep")[0].ts == s.rows[-2]["ts_event"]


@pytest.mark.parametrize(
    "miss", ["one row short", "1 ns too late", "stepped back", "other side", "unsigned", "other broker"]
)
def test_near_misses(find, miss):
    s = Script("trades").wait(MS)
    s.trade(1, ASK, 5, broker=3).trade(1, ASK + 1, 5, broker=3)
    if miss == "1 ns too late":
        s.wait(MS + 1).trade(1, ASK + 2, 5, broker=3)
    elif miss == "stepped back":
        s.trade(1, ASK + 2, 5, broker=3).trade(1, ASK + 1, 1, broker=3)
    elif miss == "other side":
        s.trade(-1, ASK + 2, 5, broker=3)
    elif miss == "unsigned":
        s.trade(0, ASK + 2, 5).trade(1, ASK + 3, 5, broker=3)
    elif miss == "other broker":
        s.trade(1, ASK + 2, 5, broker=4)
    assert find(s, "sweep") == []


def test_thresholds_move(find):
    def two_rows() -> Script:
        return Script("trades").trade(1, ASK, 5).wait(2 * MS).trade(1, ASK + 1, 5)

    assert find(two_rows(), "sweep", sweep_min_levels=2) == []
    assert len(find(two_rows(), "sweep", sweep_min_levels=2, sweep_gap_ns=2 * MS)) == 1
    assert find(two_rows(), "sweep", sweep_min_levels=2, sweep_gap_ns=2 * MS, sweep_min_qty=11) == []


def run_of(sizes: list[int], apart: int, side: int = 1) -> Script:
    s = Script("trades").wait(MS)
    for q in sizes:
        s.trade(side, ASK, q).wait(apart)
    return s


@pytest.mark.parametrize(
    ("sizes", "apart", "side"),
    [([1, 2, 3, 4, 5], 0, 1), ([5, 1, 5, 6, 9], 100 * MS, -1), ([1, 1, 1, 1, 2], 1, 1)],
)
def test_a_quick_growing_run(find, sizes, apart, side):
    (d,) = find(run_of(sizes, apart, side), "sweep_run")
    assert (d.side, d.evidence["length"], d.evidence["volume"]) == (side, 5, sum(sizes))
    assert d.evidence["slope"] > 0
    assert d.score == 0.5


@pytest.mark.parametrize(
    ("sizes", "apart"),
    [
        ([1, 2, 3, 4], 0),  # one short
        ([3, 3, 3, 3, 3], 0),  # no slope
        ([5, 4, 3, 2, 1], 0),  # falling
        ([1, 2, 3, 4, 5], 200 * MS),  # exactly 5 trades/s
    ],
)
def test_runs_that_just_miss(find, sizes, apart):
    assert find(run_of(sizes, apart), "sweep_run") == []


def test_another_side_or_an_unsigned_print_ends_a_run(find):
    for side in (-1, 0):
        s = run_of([1, 2, 3, 4], 0)
        s.trade(side, ASK, 1)
        for q in (5, 6, 7):
            s.trade(1, ASK, q)
        assert find(s, "sweep_run") == []


def test_a_run_is_told_once(find):
    assert len(find(run_of([1, 2, 3, 4, 5, 6, 7, 8], 10), "sweep_run")) == 1
