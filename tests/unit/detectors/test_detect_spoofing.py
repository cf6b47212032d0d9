"""Spoofing and layering: positives and near misses."""

from __future__ import annotations

import pytest

from reference.scripts import ASK, BID, MS, SECOND, Script


def begin(feed: str = "levels") -> Script:
    """A book whose rows have been seen, so that their usual size of 10 is known."""
    s = Script(feed)
    for k in range(8):
        for side, px in ((1, BID - k), (-1, ASK + k)):
            s.set(side, px, 11)
            s.set(side, px, 10)
    return s.wait(100 * MS)


@pytest.mark.parametrize("feed", ["levels", "orders"])
@pytest.mark.parametrize(("side", "distance", "life"), [(1, 1, 1.0), (-1, 5, 2.0), (1, 3, 0.1)])
def test_a_large_order_withdrawn(find, feed, side, distance, life):
    s = begin(feed).spoof(side, factor=8, distance=distance, life=life, buys=3, sells=1)
    ended = s.now
    (d,) = find(s, "spoofing")
    assert (d.side, d.ts) == (side, ended + 500 * MS + 1)
    assert d.confidence == (0.8 if feed == "orders" else 0.5)
    facts = d.evidence
    assert (facts["size"], facts["withdrawn"], facts["pressure"]) == (80, 1.0, 0.75)
    assert facts["usual"] == pytest.approx(10, rel=0.01)
    assert d.score == pytest.approx(0.8 * 0.75, rel=0.01)
    assert facts["lifetime_ns"] == life * SECOND


def test_by_order_the_touch_itself_counts(find):
    assert len(find(begin("orders").spoof(1, distance=0), "spoofing")) == 1
    assert find(begin("levels").spoof(1, distance=0), "spoofing") == []


def test_with_brokers_only_prints_against_its_own_orders_count(find):
    s = begin("orders").spoof(1, factor=12, broker=4)
    (d,) = find(s, "spoofing")
    assert (d.confidence, d.evidence["pressure"], d.score) == (1.0, 0.75, 0.75)


def test_prints_until_half_a_second_after_count(find):
    for wait, share in ((500 * MS, 1 / 1), (500 * MS + 1, 0.0)):
        s = begin().spoof(1, factor=12, buys=0, sells=0).wait(wait).trade(1, ASK, 1)
        assert find(s, "spoofing")[0].evidence["pressure"] == share


@pytest.mark.parametrize("share", [0.9, 0.95])
def test_nine_tenths_are_enough(find, share):
    (d,) = find(begin().spoof(1, factor=10.0, share=share), "spoofing")
    assert d.evidence["withdrawn"] == share


@pytest.mark.parametrize("feed", ["levels", "orders"])
@pytest.mark.parametrize(
    "miss",
    [
        {"factor": 4.0},
        {"distance": 6},
        {"life": 2.0 + 2e-9},
        {"factor": 10.0, "share": 0.89},
    ],
    ids=["too small", "too far", "too late", "89 %"],
)
def test_spoofing_near_misses(find, feed, miss):
    assert find(begin(feed).spoof(1, **miss), "spoofing") == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_executed_order_was_not_withdrawn(find, when):
    s = begin("levels")
    s.set(1, BID, 0).set(1, BID - 1, 70).wait(SECOND)  # a row at the touch is none: look one row behind
    s = begin("levels")
    s.set(1, BID - 1, 90).wait(100 * MS)
    if when == "before":
        s.trade(-1, BID - 1, 80).wait(50 * MS).set(1, BID - 1, 10)
    else:
        s.set(1, BID - 1, 10).wait(50 * MS).trade(-1, BID - 1, 80)
    assert find(s, "spoofing") == []


def test_a_print_51_ms_away_explains_nothing(find):
    s = begin("levels")
    s.set(1, BID - 1, 90).wait(100 * MS).trade(-1, BID - 1, 80).wait(50 * MS + 1).set(1, BID - 1, 10)
    assert len(find(s, "spoofing")) == 1


def test_a_row_seen_for_the_first_time_has_no_usual_size(find):
    s = Script()
    s.set(1, BID - 20, 500).wait(SECOND).set(1, BID - 20, 0)
    s.set(1, BID - 3, 0).set(1, BID - 3, 10)
    assert find(s, "spoofing") == []


def test_a_gap_voids_candidates(find):
    s = begin()
    s.set(1, BID - 2, 90).wait(SECOND)
    s.put(6)
    s.put(3, action=5)
    s.shown = {}
    s.set(1, BID, 10).set(-1, ASK, 10).set(1, BID - 2, 90).set(1, BID - 2, 10)
    assert find(s, "spoofing") == []


# -- layering -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feed", ["levels", "orders"])
@pytest.mark.parametrize(("side", "rows"), [(1, 3), (-1, 4), (1, 5)])
def test_layers(find, feed, side, rows):
    told = find(begin(feed).layers(side, rows, factor=3), "layering")
    assert [d.evidence["rows"] for d in told] == list(range(3, rows + 1))
    d = told[-1]
    assert d.side == side
    assert d.score == pytest.approx(min(1, rows / 5))
    assert (d.evidence["size"], d.evidence["withdrawn"], d.evidence["pressure"]) == (30 * rows, 1.0, 1.0)


def test_layers_of_one_broker(find):
    told = find(begin("orders").layers(1, 3, broker=5), "layering")
    assert [d.confidence for d in told] == [1.0]


def test_added_and_withdrawn_just_in_time(find):
    assert len(find(begin().layers(1, 3, spread=1.5, life=0.3), "layering")) == 1
    assert len(find(begin().layers(1, 3, spread=0.3, life=0.3, late=1.0), "layering")) == 1


@pytest.mark.parametrize(
    "miss",
    [
        {"rows": 2},
        {"factor": 1.9},
        {"spread": 1.6, "life": 0.3},
        {"spread": 0.3, "life": 0.3, "late": 1.0 + 2e-9},
        {"life": 1.8},
    ],
    ids=["two rows", "too small", "added too late", "withdrawn too late", "held too long"],
)
def test_layering_near_misses(find, miss):
    assert find(begin().layers(1, **miss), "layering") == []


def test_layers_of_two_sides_or_two_brokers_are_none(find):
    s = begin().layers(1, 2, life=0.1).layers(-1, 1, life=0.1)
    assert find(s, "layering") == []
    s = begin("orders")
    orders = [s.add(1, BID - 1 - k, 30, broker=1 + k) for k in range(3)]
    s.wait(SECOND / 2).trade(1, ASK, 1)
    for ident in orders:
        s.delete(ident)
    assert find(s, "layering") == []


def test_a_far_row_in_the_same_slot_erases_nothing(find):
    s = begin()
    s.set(1, BID - 2, 0)  # known, and empty when the large order comes
    s.set(1, BID - 2 - 256, 500).wait(100 * MS)
    s.set(1, BID - 2, 80).wait(SECOND / 2).trade(1, ASK, 1).wait(SECOND / 2).set(1, BID - 2, 0)
    assert len(find(s, "spoofing")) == 1
