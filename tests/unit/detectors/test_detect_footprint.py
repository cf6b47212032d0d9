"""Absorption and exhaustion in closed footprints: positives and near misses."""

from __future__ import annotations

import pytest

from quantumtrader.types import Kind, Phase
from reference.scripts import ASK, BID, OPENING, SECOND, Script

FAR = 4


def bar(side: int, **sizes: int) -> Script:
    """A footprint with one print at the touch on either side and aggression at a far price."""
    s = Script("trades")
    s.trade(1, ASK, 2).trade(-1, BID, 2)
    return s.extreme(side, distance=FAR, **sizes).five_minutes()


def far(side: int) -> int:
    return (ASK if side > 0 else BID) + side * FAR


@pytest.mark.parametrize(("side", "last", "tip"), [(1, 100, 0), (-1, 60, 60), (1, 1, 99)])
def test_absorbed_at_an_extreme(find, side, last, tip):
    (d,) = find(bar(side, last=last, tip=tip, inside=0), "absorption_bar")
    assert (d.side, d.px, d.ts) == (-side, far(side), OPENING + 300 * SECOND)
    volume, height = last + tip + 5, FAR + 2
    ratio = (last + tip) * height / (2 * volume)
    assert d.evidence["ratio"] == pytest.approx(ratio)
    assert (d.evidence["absorbed"], d.evidence["volume"], d.evidence["height"]) == (
        last + tip,
        volume,
        height,
    )
    assert d.score == pytest.approx(ratio / 4)
    assert d.confidence == 0.7


@pytest.mark.parametrize("miss", ["little", "closed there", "other side", "still forming"])
def test_absorption_near_misses(find, miss):
    s = Script("trades").trade(1, ASK, 2).trade(-1, BID, 2)
    if miss == "little":  # 9 · 6 / (2 · 14) < 2
        s = bar(1, last=9, inside=0)
    elif miss == "closed there":
        s.trade(1, ASK + 4, 100).trade(-1, ASK + 3, 1).five_minutes()
    elif miss == "other side":
        s.trade(-1, ASK + 4, 100).trade(-1, BID, 1).five_minutes()
    else:
        s.extreme(1, last=100, inside=0, distance=FAR).timer(100 * SECOND)
    assert find(s, "absorption_bar") == []


def test_a_session_that_ends_closes_its_footprint(find):
    s = Script("trades").trade(1, ASK, 2).trade(-1, BID, 2).extreme(1, last=100, inside=0, distance=FAR)
    s.wait(7).put(Kind.SESSION, action=Phase.CLOSED)
    (d,) = find(s, "absorption_bar")
    assert d.ts == OPENING + 7


@pytest.mark.parametrize(("side", "last", "inside"), [(1, 5, 15), (-1, 1, 3), (1, 2, 100)])
def test_aggressors_dry_up(find, side, last, inside):
    (d,) = find(bar(side, last=last, inside=inside), "exhaustion")
    assert (d.side, d.px, d.ts) == (-side, far(side), OPENING + 300 * SECOND)
    assert (d.evidence["last"], d.evidence["inside"]) == (last, inside)
    assert d.score == pytest.approx(1 - last / inside)


@pytest.mark.parametrize(
    ("last", "inside", "tip"),
    [(5, 14, 0), (5, 0, 15), (0, 15, 0)],
    ids=["not enough", "one row inside", "nobody there"],
)
def test_exhaustion_near_misses(find, last, inside, tip):
    s = bar(1, last=last, inside=inside, tip=tip)
    if not last:  # a seller makes the high
        s = (
            Script("trades")
            .trade(-1, ASK + 4, 5)
            .trade(1, ASK + 2, 15)
            .trade(1, ASK, 1)
            .trade(-1, BID, 1)
            .five_minutes()
        )
    assert [d for d in find(s, "exhaustion") if d.side == -1] == []
