"""Injected patterns: the same for the same seed, marked, and in a book that stays consistent."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from quantumtrader import core
from quantumtrader.evaluation.controls import shuffled_sides, shuffled_times
from quantumtrader.evaluation.injection import inject, injectable, watched_hours
from quantumtrader.evaluation.scripts import MS, Script
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import PX_NONE, Events, Flag, Kind

KINDS = ("sweep", "iceberg_synthetic", "spoofing", "layering", "ignition", "stuffing")


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


def test_prints_alone_take_sweeps_only():
    s = Script("trades")
    for k in range(400):
        s.wait(500 * MS).trade(1 if k % 2 else -1, 1_000, 1)
    events = s.events()
    assert injectable(events) == ("sweep",)
    assert len(inject(events, "sweep", 5).episodes) == 5
    with pytest.raises(ConfigError, match="cannot be injected into this stream"):
        inject(events, "spoofing")
    with pytest.raises(ConfigError, match="use sweep"):
        inject(events, "absorption")


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
