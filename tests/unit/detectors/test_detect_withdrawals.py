"""Spoofing and layering on both engines, by hand: what is withdrawn, by whom, and who is hit meanwhile."""

from __future__ import annotations

import pytest

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
