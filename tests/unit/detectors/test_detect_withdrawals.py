"""Spoofing and layering on both engines, by hand: what is withdrawn, by whom, and who is hit meanwhile."""

from __future__ import annotations

import pytest

from quantumtrader.types import Flag
from reference.scripts import ASK, BID, MS, SECOND, Script


def layers(broker: int, passives: list[int], apart: tuple[float, ...] = (0.1, 0.1)) -> Script:
    """Three layers of bids ``apart`` seconds from each other, buys against ``passives``, all withdrawn at once."""
    s = Script("orders").calm(3)
    idents = []
    for k in range(3):
        px = BID - 1 - k
        idents.append(s.add(1, px, 3 * s.shown[1, px], broker=broker))
        s.wait((*apart, 0.0)[k] * SECOND)
    for passive in passives:
        s.trade(1, ASK, 1, passive=passive)
    s.wait(0.1 * SECOND)
    for ident in idents:
        s.delete(ident)
    return s


@pytest.mark.parametrize(
    ("passives", "pressure"), [([7, 7, 8, 0], 0.5), ([8, 8, 8, 8], 0.0), ([7, 7, 7, 7], 1.0)]
)
def test_a_layering_counts_prints_against_its_broker_alone(find, passives, pressure):
    found = find(layers(7, passives), "layering")
    assert [(d.evidence["rows"], d.evidence["pressure"]) for d in found] == [(3, pressure)]
    assert found[0].score == pytest.approx(3 / 5 * pressure)


def test_without_a_broker_all_prints_count(find):
    assert find(layers(0, [7, 8]), "layering")[0].evidence["pressure"] == 1.0


@pytest.mark.parametrize(("apart", "rows"), [((0.5, 0.5), [3]), ((0.7, 0.7), [])])
def test_layers_are_added_within_a_second_of_each_other(find, apart, rows):
    """The first and the last of three are 1.4 s apart: each is near the one between them, but not near the other."""
    s = Script("orders").calm(3)
    px = [BID - 1, BID - 2, BID - 3]
    idents = []
    for k in range(3):
        idents.append(s.add(1, px[k], 3 * s.shown[1, px[k]], broker=7))
        s.wait((*apart, 0.0)[k] * SECOND)
    s.trade(1, ASK, 1, passive=7).wait(10 * MS)
    # The one in the middle goes last: the others are within a second of it, not of each other.
    for k in (0, 2, 1):
        s.wait(MS).delete(idents[k])
    found = find(s, "layering")
    assert [d.evidence["rows"] for d in found] == rows


def test_layers_of_other_brokers_are_no_layering(find):
    s = Script("orders").calm(3)
    idents = [s.add(1, BID - 1 - k, 3 * s.shown[1, BID - 1 - k], broker=k) for k in range(3)]
    s.trade(1, ASK, 1).wait(10 * MS)
    for ident in idents:
        s.delete(ident)
    assert find(s, "layering") == []


def pair(brokers: tuple[int, int]) -> tuple[Script, list[int], int]:
    """Two candidates at one row behind its maker's ten contracts: 100 and 200."""
    s = Script("orders").calm(3)
    px = BID - 1
    s.wait(MS)
    idents = [s.add(1, px, size, broker=broker) for size, broker in zip((100, 2000), brokers, strict=True)]
    return s.wait(SECOND // 2), idents, px


def test_a_print_is_charged_to_one_order(find):
    """One hundred are traded, and both orders go: only one of them was executed."""
    s, (first, second), px = pair((0, 0))
    s.trade(-1, px, 100)
    s.delete(first)
    s.delete(second)
    (d,) = find(s, "spoofing")
    assert (d.evidence["size"], d.evidence["withdrawn"]) == (2000, 1.0)


def test_a_print_that_comes_late_is_charged_to_one_order(find):
    s, (first, second), px = pair((0, 0))
    s.delete(first)
    s.delete(second)
    s.wait(5 * MS).trade(-1, px, 100)
    (d,) = find(s, "spoofing")
    assert (d.evidence["size"], d.evidence["withdrawn"]) == (2000, 1.0)


def test_a_print_of_another_broker_executed_another_order(find):
    s, (first, second), px = pair((4, 5))
    s.trade(-1, px, 100, passive=5)
    s.delete(first)
    s.delete(second)
    assert [(d.evidence["size"], d.evidence["withdrawn"]) for d in find(s, "spoofing")] == [
        (100, 1.0),
        (2000, 0.95),
    ]


def test_a_print_is_used_up_by_the_order_that_it_executed(find):
    """What stood at the row before loses the ten contracts of the print; the candidate is withdrawn whole."""
    s, (first, _), px = pair((0, 0))
    maker = s.makers[1, px]
    s.trade(-1, px, 10).delete(maker)
    s.wait(MS).delete(first)
    (d,) = find(s, "spoofing")
    assert (d.evidence["size"], d.evidence["withdrawn"]) == (100, 1.0)


def test_hidden_executions_explain_no_decrease(find):
    s, (first, _), px = pair((0, 0))
    s.trade(-1, px, 100, flags=int(Flag.HIDDEN)).delete(first)
    assert [d.evidence["withdrawn"] for d in find(s, "spoofing")] == [1.0]


@pytest.mark.parametrize("feed", ["levels", "orders"])
def test_what_goes_after_two_seconds_was_not_withdrawn_in_time(find, feed):
    s = Script(feed).calm(3)
    px = BID - 2
    shown = s.shown[1, px]
    if feed == "orders":
        ident = s.add(1, px, 100)
        s.trade(1, ASK, 1).wait(1.9 * SECOND).edit(ident, 8)
        s.wait(0.2 * SECOND).delete(ident)
    else:
        s.set(1, px, shown + 100).trade(1, ASK, 1).wait(1.9 * SECOND).set(1, px, shown + 8)
        s.wait(0.2 * SECOND).set(1, px, shown)
    (d,) = find(s, "spoofing")
    assert d.evidence["withdrawn"] == 0.92
