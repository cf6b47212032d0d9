"""Icebergs by the three rules: positives and near misses."""

from __future__ import annotations

import pytest

from quantumtrader.types import Flag
from reference.scripts import ASK, BID, MS, SECOND, Script

# -- tape -----------------------------------------------------------------------------------------------


def equal(sizes: list[int], apart: float = SECOND, side: int = 1, px: int = ASK) -> Script:
    s = Script("trades").wait(MS)
    for q in sizes:
        s.trade(side, px, q).wait(apart)
    return s


@pytest.mark.parametrize(
    ("sizes", "side", "apart"),
    [([5] * 5, 1, SECOND), ([20] * 5, -1, 7.499 * SECOND), ([8, 12, 8, 12, 10], 1, 1)],
)
def test_equal_prints(find, sizes, side, apart):
    (d,) = find(equal(sizes, apart, side), "iceberg_tape")
    assert (d.side, d.confidence, d.score) == (-side, 0.3, 0.5)
    assert (d.evidence["prints"], d.evidence["volume"]) == (5, sum(sizes))


@pytest.mark.parametrize(
    ("sizes", "apart"),
    [
        ([5] * 4, SECOND),  # one short
        ([5] * 5, 7.5 * SECOND),  # the first one is exactly 30 s old
        ([20, 20, 20, 20, 21], SECOND),  # mean above 20
        ([5, 5, 5, 5, 9], SECOND),  # uneven
    ],
)
def test_prints_that_just_miss(find, sizes, apart):
    assert find(equal(sizes, apart), "iceberg_tape") == []


def test_prints_of_another_price_or_side_do_not_count(find):
    for side, px in ((-1, ASK), (1, ASK + 1)):
        s = equal([5] * 4)
        s.trade(side, px, 5)
        assert find(s, "iceberg_tape") == []


def test_an_iceberg_of_the_tape_is_told_once_in_its_window(find):
    assert len(find(equal([5] * 12), "iceberg_tape")) == 1
    assert len(find(equal([5] * 40), "iceberg_tape")) == 2


# -- synthetic ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feed", ["levels", "orders"])
@pytest.mark.parametrize(("side", "share", "delay"), [(1, 1.0, 100), (-1, 1.1, 300), (1, 0.9, 0)])
def test_refills(find, feed, side, share, delay):
    s = Script(feed).refills(side, 3, share=share, delay=delay)
    (d,) = find(s, "iceberg_synthetic")
    assert (d.side, d.px) == (side, BID if side > 0 else ASK)
    assert (d.score, d.confidence) == (0.5, 0.7 if feed == "orders" else 0.6)
    assert (d.evidence["refills"], d.evidence["traded"]) == (3, 12)
    if share == 1.0:
        assert d.evidence["hidden"] == 12


@pytest.mark.parametrize(("back", "refills"), [(8, 3), (12, 3), (7, 0), (13, 0)])
def test_a_refill_may_be_a_fifth_off(find, back, refills):
    s = Script()
    for _ in range(3):
        s.wait(SECOND).hit(-1, 4).wait(MS).set(1, BID, back).wait(400 * MS).set(1, BID, 10)
    assert len(find(s, "iceberg_synthetic")) == refills // 3


def test_every_further_refill_is_told(find):
    told = find(Script().refills(1, 5), "iceberg_synthetic")
    assert [d.evidence["hidden"] for d in told] == [12, 16, 20]


def test_what_a_trade_takes_beyond_the_size_shown_was_hidden(find):
    s = Script().refills(1, 2)
    s.wait(SECOND).trade(-1, BID, 25).set(1, BID, 2).wait(MS).set(1, BID, 10)
    (d,) = find(s, "iceberg_synthetic")
    assert d.evidence["hidden"] == 4 + 4 + 15 + 8


@pytest.mark.parametrize(
    "miss", ["two refills", "1 ms too late", "too small", "too large", "abandoned", "gap"]
)
def test_refills_that_just_miss(find, miss):
    s = Script()
    if miss == "two refills":
        s.refills(1, 2)
    elif miss == "1 ms too late":
        s.refills(1, 3, delay=301)
    elif miss == "too small":
        s.refills(1, 3, share=0.7)
    elif miss == "too large":
        s.refills(1, 3, share=1.3)
    elif miss == "abandoned":
        s.refills(1, 2).set(1, BID, 0).wait(5 * SECOND + 1).set(1, BID, 10).refills(1, 2)
    elif miss == "gap":
        s.refills(1, 2)
        s.put(6)
        s.put(3, action=5)
        s.set(1, BID, 0).set(1, BID, 10).refills(1, 2)
    assert find(s, "iceberg_synthetic") == []


def test_a_row_that_price_leaves_for_five_seconds_stays(find):
    s = Script().refills(1, 2).set(1, BID, 0).wait(5 * SECOND).set(1, BID, 10).refills(1, 1)
    assert len(find(s, "iceberg_synthetic")) == 1


def test_an_addition_without_a_trade_is_no_refill(find):
    s = Script()
    for _ in range(4):
        s.wait(SECOND).set(1, BID, 6).wait(100 * MS).set(1, BID, 10)
    assert find(s, "iceberg_synthetic") == []


# -- native ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "peak", "executed"), [(1, 2, 5), (-1, 1, 1), (1, 26, 29)])
def test_an_order_restored_in_its_packet(find, side, peak, executed):
    s = Script("orders")
    ident = s.native(side, peak=peak, executed=executed)
    (d,) = find(s, "iceberg_native")
    assert (d.side, d.confidence, d.px) == (side, 1.0, BID if side > 0 else ASK)
    facts = d.evidence
    assert (facts["order_id"], facts["hidden"], facts["restorations"]) == (ident, executed, 1)
    assert facts["shown"] == peak
    assert d.score == pytest.approx(executed / (executed + peak))


def test_restored_again(find):
    s = Script("orders")
    ident = s.native(1, peak=3, executed=3)
    s.wait(SECOND).trade(-1, BID, 3, flags=int(Flag.MORE))
    s.edit(ident, 3)
    told = find(s, "iceberg_native")
    assert [(d.evidence["hidden"], d.evidence["restorations"]) for d in told] == [(3, 1), (6, 2)]


def test_an_order_executed_beyond_what_it_showed_and_gone(find):
    s = Script("orders")
    ident = s.makers[1, BID]
    s.trade(-1, BID, 25, flags=int(Flag.MORE))
    s.delete(ident)
    (d,) = find(s, "iceberg_native")
    assert (d.evidence["order_id"], d.evidence["hidden"], d.evidence["shown"]) == (ident, 15, 0)


@pytest.mark.parametrize("wait", [0, 5 * MS])
@pytest.mark.parametrize("after", [0, 2 * MS])
def test_a_new_id_by_broker_price_and_peak(find, wait, after):
    s = Script("orders")
    ident = s.add(-1, ASK, 7, broker=9)
    s.trade(1, ASK, 17, flags=0 if after else int(Flag.MORE)).wait(after)
    s.delete(s.makers.pop((-1, ASK)), more=True)
    s.delete(ident)
    new = s.wait(wait - after if wait else 0).add(-1, ASK, 7, broker=9)
    (d,) = find(s, "iceberg_native")
    assert (d.side, d.confidence, d.evidence["order_id"], d.evidence["hidden"]) == (-1, 0.9, new, 7)


def test_records_of_other_packets_are_waited_for(find):
    s = Script("orders")
    ident = s.makers[1, BID]
    s.trade(-1, BID, 4)
    at = s.now
    s.wait(2 * MS).edit(ident, 10)
    (d,) = find(s, "iceberg_native")
    assert (d.ts, d.confidence, d.evidence["hidden"]) == (at + 5 * MS + 1, 0.9, 4)


@pytest.mark.parametrize(
    "miss",
    [
        "explained",
        "other row",
        "too late",
        "hidden print",
        "other broker",
        "other peak",
        "new id too late",
        "new id late after the trade",
        "no broker",
    ],
)
def test_native_near_misses(find, miss):
    s = Script("orders")
    ident = s.makers[1, BID]
    more = int(Flag.MORE)
    if miss == "explained":
        s.trade(-1, BID, 4, flags=more)
        s.edit(ident, 6)
    elif miss == "other row":
        s.trade(-1, BID, 4, flags=more)
        s.edit(s.makers[1, BID - 1], 10)
    elif miss == "too late":
        s.trade(-1, BID, 4).wait(5 * MS + 1)
        s.edit(ident, 10)
    elif miss == "hidden print":
        s.trade(-1, BID, 4, flags=more | int(Flag.HIDDEN))
        s.edit(ident, 10)
    else:
        broker = 0 if miss == "no broker" else 9
        order = s.add(-1, ASK, 7, broker=broker)
        late = miss == "new id late after the trade"
        s.trade(1, ASK, 17, flags=0 if late else more).wait(4 * MS if late else 0)
        s.delete(s.makers.pop((-1, ASK)), more=True)
        s.delete(order)
        s.wait(5 * MS + 1 if miss == "new id too late" else 2 * MS)
        s.add(-1, ASK, 8 if miss == "other peak" else 7, broker=8 if miss == "other broker" else broker)
    assert find(s, "iceberg_native") == []


def test_the_tape_signal_counts_at_each_read(engine):
    """Five equal prints four seconds apart: on at the fifth, out once the first of them is thirty seconds old."""
    s = Script("trades")
    for size in (30, 5, 5, 5, 5, 5):
        s.trade(-1, BID, size).wait(4 * SECOND)
    # The uneven one leaves at 30 s, and the next at 34 s, when the last print is 14 s old.
    s.timer(20 * SECOND)
    features = engine.FeatureEngine(["iceberg_tape_signal"], 0.5, 10.0, "1s")
    features.update_many(s.events())
    times, values, _ = features.take()
    start = int(s.events()["ts_event"][0])
    seconds = ((times - start) // SECOND).tolist()
    assert [t for t, v in zip(seconds, values[:, 0].tolist(), strict=True) if v == 1.0] == [30, 31, 32, 33]
