"""Injected patterns: the same for the same seed, marked, and in a book that stays consistent."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from tests.unit.data.offers import WDO, Market

from quantumtrader import core
from quantumtrader.evaluation import evaluate_detectors
from quantumtrader.evaluation.controls import shuffled_sides, shuffled_times
from quantumtrader.evaluation.injection import inject, injectable, watched_hours
from quantumtrader.evaluation.patterns import Bar, Refused, in_bar
from quantumtrader.evaluation.recorded_book import Form, RecordedBook, form_of
from quantumtrader.evaluation.scripts import Script
from quantumtrader.evaluation.units import MS
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import PX_NONE, Action, Events, Flag, Kind

KINDS = (
    *("sweep", "sweep_run", "iceberg_synthetic", "iceberg_tape", "absorption", "spoofing", "layering"),
    *("ignition", "stuffing", "absorption_bar", "exhaustion"),
)
BARS = ("absorption_bar", "exhaustion")


@pytest.fixture(scope="module")
def session() -> Events:
    return core().generate_session(seed=3, max_events=60_000)


@pytest.fixture(scope="module")
def by_order() -> Events:
    """Calm trading by order, unlike a market's."""
    return Script("orders").calm(1_000).events()


def book_of(events: Events, module: ModuleType):
    is_order = bool((events["kind"] == Kind.ORDER).any())
    book = module.OrderBook() if is_order else module.L2Book()
    bid, _, ask, _ = book.best_after_each(np.ascontiguousarray(events))
    whole = (events["flags"] & int(Flag.MORE)) == 0
    two_sided = whole & (bid != PX_NONE) & (ask != PX_NONE)
    return book, int(((bid >= ask) & two_sided).sum())


@pytest.mark.parametrize("kind", [*KINDS, "iceberg_native"])
@pytest.mark.parametrize("feed", ["levels", "orders"])
def test_the_book_is_consistent_and_ends_as_recorded(session, by_order, kind, feed):
    events = session if feed == "levels" else by_order
    if kind not in injectable(events):
        assert (kind, feed) == ("iceberg_native", "levels")
        return
    made = inject(events, kind, 4, seed=1)
    if kind in BARS and feed == "orders":  # calm trading has bars of two rows
        assert not made.episodes
        return
    assert len(made.episodes) >= 3
    recorded, crossed = book_of(events, core())
    book, crossed_now = book_of(made.events, core())
    assert crossed_now == crossed
    for now, then in zip(book.depth(30), recorded.depth(30), strict=True):
        np.testing.assert_array_equal(now, then)
    assert (np.diff(made.events["sequence"]) == 1).all()
    assert (np.diff(made.events["ts_recv"]) >= 0).all()
    more = len(made.events) - len(events)
    assert more > 0
    marked = (made.events["flags"] & int(Flag.SYNTHETIC)) != 0
    assert marked.sum() >= more
    for e in made.episodes:
        assert e.kind == kind
        assert e.start_ns <= e.ready_ns <= e.end_ns


def test_the_same_seed_gives_the_same_stream(session):
    one, again, other = (inject(session, "spoofing", 5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.events, again.events)
    assert one.episodes == again.episodes
    assert one.episodes != other.episodes


def test_prints_alone_take_what_prints_show():
    s = Script("trades")
    for k in range(1_600):
        s.wait(500 * MS).trade(1 if k % 3 else -1, 1_000 + abs(k % 30 - 15), 4)
    events = s.events()
    assert injectable(events) == ("sweep", "sweep_run", "iceberg_tape", "absorption_bar", "exhaustion")
    assert len(inject(events, "sweep", 5).episodes) == 5
    for kind in injectable(events):
        made = inject(events, kind, 5)
        assert made.episodes
        trade = made.events["kind"] == Kind.TRADE
        assert trade.sum() > (events["kind"] == Kind.TRADE).sum()
        assert len(made.events) - trade.sum() == 1  # the marker
    with pytest.raises(ConfigError, match="cannot be injected into this stream"):
        inject(events, "spoofing")
    with pytest.raises(ConfigError, match="use sweep"):
        inject(events, "nonsense")


class Steady(Market):
    """A market by position without gaps and new images, ten actions a second."""

    def marker(self, kind, action=0, **fields):
        if kind != Kind.GAP:
            super().marker(kind, action, **fields)

    def snapshot(self, orders):
        if not self.lists[1]:
            super().snapshot(orders)

    def step(self):
        self.now += 100 * MS
        super().step()


@pytest.fixture(scope="module")
def by_position() -> Events:
    """What a B3 recording holds: trades, offers by position, and depth by level beside them."""
    return np.ascontiguousarray(Steady(1).events(6_000))


@pytest.mark.parametrize("kind", [k for k in (*KINDS, "iceberg_native") if k not in BARS])
def test_a_book_by_position_takes_patterns_too(by_position, kind):
    """It goes on by position: what is shown is the recording, but for what is injected."""
    assert set(injectable(by_position)) == {*KINDS, "iceberg_native"}
    made = inject(by_position, kind, 6, seed=3)
    assert len(made.episodes) >= 3
    recorded, book = core().OrderBook(), core().OrderBook()
    before = recorded.depth_after_each(by_position, 40)
    after = book.depth_after_each(made.events, 40)
    assert book.rejected == recorded.rejected == 0
    for side in (1, -1):
        for now, then in zip(book.orders(side), recorded.orders(side), strict=True):
            np.testing.assert_array_equal(now, then)
    touch = (after[0][:, 0] != PX_NONE) & (after[2][:, 0] != PX_NONE)
    assert (after[0][touch, 0] < after[2][touch, 0]).all()

    new = (made.events["flags"] & int(Flag.SYNTHETIC)) != 0
    assert (~new).sum() == len(by_position)
    order = new & (made.events["kind"] == Kind.ORDER)
    levels = by_position["kind"] == Kind.LEVEL
    np.testing.assert_array_equal(made.events[~new][levels]["px"], by_position[levels]["px"])
    if kind == "ignition":  # its recorded rows come and go
        return
    change = np.select([made.events["action"] == k for k in (Action.ADD, Action.DELETE)], [1, -1])
    alive = np.cumsum(np.where(order, change, 0))
    assert alive[-1] == 0
    apart = alive[~new] == 0
    assert 0 < apart.sum() < len(apart)
    for now, then in zip(after, before, strict=True):
        np.testing.assert_array_equal(now[~new][apart], then[apart])
    same = made.events[~new][apart]
    for name in ("px", "size", "side", "action", "ref_b"):
        np.testing.assert_array_equal(same[name], by_position[apart][name])


def test_patterns_in_a_book_by_position_are_found():
    events = np.ascontiguousarray(Steady(1, depth=False).events(6_000))
    kinds = ("sweep", "iceberg_native", "iceberg_synthetic", "spoofing", "layering")
    report = evaluate_detectors(events, WDO, kinds=kinds, shuffles=0, injections=6)
    found = {i.kind: i.score.recall for i in report.injected}
    assert set(found) == set(kinds)
    for kind, recall in found.items():
        assert recall.hits == recall.of >= 5, kind


def test_a_run_of_the_book_through_an_injected_order_is_no_place():
    """A deletion of the best orders, reaching rows behind an injected one, leaves no room for it."""
    s = Script("trades")
    for k in range(4):
        order = {"id": k + 1, "px": 1_000 - k, "size": 5, "side": 1, "ref_b": k, "action": Action.ADD}
        s.put(Kind.ORDER, **order)
    s.put(Kind.ORDER, id=9, px=1_001, size=50, side=-1, action=Action.ADD)
    for _ in range(600):
        s.wait(100 * MS).put(Kind.ORDER, side=1, ref_b=2, action=Action.DELETE_FROM)
        for k in range(3):
            order = {"id": k + 1, "px": 1_000 - k, "size": 5, "side": 1, "ref_b": k, "action": Action.ADD}
            s.put(Kind.ORDER, **order)
    made = inject(s.events(), "iceberg_synthetic", 5)
    assert all(e.side == -1 for e in made.episodes)
    assert made.refused > 0


def test_two_ways_of_naming_an_order_in_one_stream():
    s = Script("orders")
    s.put(Kind.ORDER, id=5, px=999, size=1, side=1, ref_b=0, action=Action.ADD)
    with pytest.raises(ConfigError, match="others by its position"):
        injectable(s.events())
    report = evaluate_detectors(s.events(), WDO, kinds=["sweep"], shuffles=0)
    assert not report.injected
    assert any("nothing can be injected" in note for note in report.notes)


def test_what_the_book_refuses_changes_nothing():
    """By id: edits of orders that are not there, a change of a size below zero, levels in a book by order."""
    s = Script("orders")
    before = len(s.rows)
    s.put(Kind.ORDER, id=77, px=999, size=1, side=1, ref_b=-1, action=Action.EDIT)
    some = next(iter(s.orders))
    s.put(Kind.ORDER, id=some, px=PX_NONE, size=-99, ref_b=-1, action=Action.EDIT, flags=Flag.DELTA)
    s.put(Kind.LEVEL, px=1_000, size=500, side=1, action=Action.EDIT)
    s.put(Kind.ORDER, id=some, px=PX_NONE, size=-3, ref_b=-1, action=Action.EDIT, flags=Flag.DELTA)
    events = s.events()
    assert form_of(events) is Form.ID
    book, real = RecordedBook(Form.ID), core().OrderBook()
    names = ("kind", "action", "side", "px", "size", "id", "flags", "ref_a", "ref_b")
    for k, row in enumerate(events):
        changes = book.apply({n: int(row[n]) for n in names})
        assert bool(changes) == (before > k >= 1 or k == before + 3)
    real.update_many(events)
    for (side, px), size in book.rows.items():
        assert real.size_at(side, px) == size
    assert sum(book.rows.values()) == sum(int(q.sum()) for q in (real.depth(40)[1], real.depth(40)[3]))


def test_a_bar_shows_what_was_added_to_it():
    """Twelve rows of 10 each; at the high 3 by buyers."""
    traded = {px: {1: 5, -1: 5} for px in range(1_000, 1_011)} | {1_011: {1: 3}}
    bar = Bar(99, traded, dict.fromkeys(traded, 7), close=1_005)
    rng = np.random.default_rng(1)
    acts, e = in_bar("absorption_bar", bar, 1, rng, shown=False)
    (trade,) = acts
    assert (trade.t, trade.side, trade.px) == (7, 1, 1_011)
    ratio = (trade.size + 3 + 5) * 12 / (2 * (113 + trade.size))
    assert 2.2 <= ratio < 3.7
    assert (e.side, e.start_ns, e.px) == (-1, 99, (1_011,))
    (trade,), e = in_bar("exhaustion", bar, 1, rng, shown=False)
    assert trade.px == 1_009
    assert 3 * 3 < trade.size + 5 <= 23
    assert (e.side, e.px) == (-1, (1_011,))
    with pytest.raises(Refused):  # it closes at its high
        in_bar("absorption_bar", replace(bar, close=1_010), 1, rng, shown=False)
    with pytest.raises(Refused):  # no buyer at the high
        in_bar("exhaustion", replace(bar, traded=traded | {1_011: {-1: 3}}), 1, rng, shown=False)


def test_pauses_are_not_watched():
    s = Script("trades")
    for wait in (30, 60, 61, 30):
        s.wait(wait * 1_000 * MS).trade(1, 1_000, 1)
    assert watched_hours(s.events()) == pytest.approx(120 / 3600)


def test_shuffles_keep_what_they_should(session):
    rng = np.random.default_rng(1)
    trade = session["kind"] == Kind.TRADE
    for shuffle, kept in ((shuffled_sides, ("px", "size")), (shuffled_times, ())):
        out = shuffle(session, rng)
        np.testing.assert_array_equal(out[~trade], session[~trade])
        for name in ("ts_event", *kept):
            np.testing.assert_array_equal(out[name], session[name])
        assert (out["side"] != session["side"]).any()
        for name in ("side", "px", "size"):
            np.testing.assert_array_equal(np.sort(out[name][trade]), np.sort(session[name][trade]))


def test_shuffled_trades_take_their_flags_along():
    """An auction print stays one wherever it goes; whether a packet goes on is a fact of the place."""
    s = Script("trades")
    for k in range(40):
        flags = int(Flag.AUCTION if k < 10 else Flag.HIDDEN if k < 20 else 0) | int(Flag.MORE) * (k % 2)
        s.wait(MS).trade(1 if k % 3 else -1, 1_000 + k, 1 + k, flags=flags)
    events = s.events()
    trade = events["kind"] == Kind.TRADE
    out = shuffled_times(events, np.random.default_rng(3))
    np.testing.assert_array_equal(out["flags"][trade] & Flag.MORE, events["flags"][trade] & Flag.MORE)
    own = {
        int(px): int(f) & ~Flag.MORE
        for px, f in zip(events["px"][trade], events["flags"][trade], strict=True)
    }
    assert (out["px"][trade] != events["px"][trade]).any()
    assert all(
        int(f) & ~Flag.MORE == own[int(px)]
        for px, f in zip(out["px"][trade], out["flags"][trade], strict=True)
    )


def test_an_inferred_side_stays_inferred():
    s = Script("trades")
    for k in range(40):
        s.wait(MS).trade(1 if k < 20 else -1, 1_000, 1, flags=int(Flag.SIDE_INFERRED) if k < 20 else 0)
    out = shuffled_sides(s.events(), np.random.default_rng(3))
    signed = out["side"] != 0
    np.testing.assert_array_equal(out["flags"][signed] & Flag.SIDE_INFERRED != 0, out["side"][signed] > 0)
