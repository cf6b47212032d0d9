"""Absorption, momentum ignition and quote stuffing: positives and near misses."""

from __future__ import annotations

import math
import statistics

import pytest

from reference.scripts import ASK, BID, MS, OPENING, SECOND, Script

# -- absorption -----------------------------------------------------------------------------------------


def aggress(side: int, size: int, move: int, *, calm: int = 20) -> Script:
    """Seconds with a delta of one or so, then ``size`` contracts at once while the mid moves by ``move``."""
    s = Script()
    for _ in range(calm):
        s.wait(SECOND).trade(side, ASK if side > 0 else BID, 1)
    s.wait(SECOND // 2).trade(side, ASK if side > 0 else BID, size)
    s.shift(side * move)
    return s.timer(SECOND)


@pytest.mark.parametrize(("side", "size", "move"), [(1, 60, 0), (-1, 60, 1), (1, 25, 1)])
def test_aggression_that_does_not_move_the_mid(find, side, size, move):
    (d,) = find(aggress(side, size, move), "absorption", absorption_factor=3)
    assert (d.side, d.confidence) == (-side, 0.8)
    assert d.px == (ASK if side > 0 else BID) + side * move
    facts = d.evidence
    assert facts["delta"] == side * (size + 9)
    assert facts["usual"] == pytest.approx(10)
    assert facts["mid_move"] == side * move
    assert (d.ts - OPENING) % SECOND == 1


@pytest.mark.parametrize(
    ("side", "size", "move"), [(1, 20, 0), (1, 60, 2), (-1, 60, 2)], ids=["2.9 times", "moved", "moved down"]
)
def test_absorption_near_misses(find, side, size, move):
    assert find(aggress(side, size, move), "absorption", absorption_factor=3) == []


def test_the_mid_may_move_against_the_aggressor(find):
    assert len(find(aggress(1, 60, -3), "absorption")) == 1


def test_nothing_is_usual_before_a_whole_window(find):
    assert find(aggress(1, 60, 0, calm=8), "absorption") == []


# -- ignition -------------------------------------------------------------------------------------------


def calm(feed: str = "quotes", seconds: int = 305) -> Script:
    return Script(feed).calm(seconds)


@pytest.mark.parametrize(
    ("feed", "side", "move", "back", "after"),
    [("quotes", 1, 3, 2, 3), ("levels", -1, 4, 2, 9.9), ("orders", 1, 3, 3, 0)],
)
def test_a_burst_given_back(find, feed, side, move, back, after):
    s = calm(feed).burst(side, move=move, back=back, after=after)
    (d,) = find(s, "ignition")
    assert d.side == -side
    assert d.ts <= s.now
    assert d.confidence == (0.6 if feed == "quotes" else 0.7)
    assert d.evidence["move"] == side * move
    assert d.evidence["given_back"] >= 0.5
    assert d.evidence["volume"] >= 48


@pytest.mark.parametrize(
    "miss",
    [{"move": 2}, {"back": 1}, {"after": 10.1}, {"trades": 1, "size": 100}, {"trades": 1, "size": 1}],
    ids=["two ticks", "a third", "too late", "few trades", "no burst"],
)
def test_ignition_near_misses(find, miss):
    assert find(calm().burst(1, **miss), "ignition") == []


def test_a_burst_needs_five_minutes_before_it(find):
    assert find(calm(seconds=290).burst(1), "ignition") == []


# -- stuffing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("feed", "side", "apart"), [("levels", 1, 5), ("orders", -1, 2), ("levels", -1, 12)])
def test_updates_undone_at_once(find, feed, side, apart):
    s = calm(feed).wait(100 * MS).stuff(side, 40, apart=apart)
    d = find(s.timer(SECOND), "stuffing")[0]
    assert (d.side, d.confidence) == (0, 0.8 if feed == "orders" else 0.5)
    assert d.score == pytest.approx(1.0, abs=0.05)
    assert d.evidence["updates"] >= 70
    assert math.isnan(d.evidence["z"]), "all seconds before were equal"


def test_z_in_deviations_of_uneven_seconds(find):
    """Of 300 seconds one had twelve changes, one two, and the others one."""
    s = Script("levels").calm(20).stuff(1, 6).calm(290).wait(100 * MS).stuff(1, 40)
    d = find(s.timer(SECOND), "stuffing")[0]
    r, mean = d.evidence["updates"], d.evidence["usual"]
    usual = [12, 2] + 298 * [1]
    assert mean == sum(usual) / 300
    assert d.evidence["z"] == pytest.approx((r - mean) / statistics.pstdev(usual))


@pytest.mark.parametrize("miss", ["undone too late", "unequal", "trades", "few", "too early"])
def test_stuffing_near_misses(find, miss):
    s = calm("levels", 290 if miss == "too early" else 305).wait(100 * MS)
    if miss == "undone too late":
        for k in range(6):
            s.set(1, BID - 2 - k, 15)
        s.wait(101 * MS)
        for k in range(6):
            s.set(1, BID - 2 - k, 10)
    elif miss == "unequal":
        for _ in range(40):
            s.set(1, BID - 3, s.shown[1, BID - 3] + 5).wait(MS)
            s.set(1, BID - 3, s.shown[1, BID - 3] - 4).wait(MS)
    elif miss == "trades":
        s.stuff(1, 40)
        s.trade(1, ASK, 1)
    elif miss == "few":
        s = Script("levels").calm(20).stuff(1, 6).stuff(1, 6).calm(285).wait(100 * MS).stuff(1, 1)
    else:
        s.stuff(1, 40)
    assert find(s.timer(SECOND), "stuffing") == []
