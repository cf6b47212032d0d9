"""An engine that follows a ring computes what one that is fed by hand does, and says what it missed."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from quantumtrader.features.sets import resolve
from quantumtrader.types import Events, Kind

rust: Any = pytest.importorskip("quantumtrader._core", reason="the compiled engine is not installed")

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def names() -> list[str]:
    """Return features of the tape and of the book."""
    return list(resolve("all"))[:30]


@pytest.fixture(scope="module")
def events() -> Events:
    """Return some minutes of a generated market."""
    made: Events = rust.generate_session(seed=5, duration_ns=600 * SECOND, intensity=20)
    made["sequence"] = np.arange(len(made))
    return made


def engine(names: list[str], clock: str = "100ms") -> Any:
    return rust.FeatureEngine(names, 0.5, 10.0, clock, "partial")


def ring_of(events: Events, capacity: int) -> tuple[Any, Any]:
    """Return a ring with these events, and a reader from before they came."""
    ring = rust.Ring.create(None, capacity)
    reader = ring.reader()
    ring.push(events)
    return ring, reader


def plain(rows: tuple[Any, ...]) -> tuple[list[int], bytes, list[int]]:
    times, values, counts = rows
    return times.tolist(), values.tobytes(), counts.tolist()


@pytest.mark.parametrize("clock", ["event", "100ms"])
def test_rows_and_events_are_those_of_update_many(names: list[str], events: Events, clock: str) -> None:
    _, reader = ring_of(events, 1 << 17)
    follower, by_hand = engine(names, clock), engine(names, clock)
    applied = []
    while reader.behind:
        some, ready, stamp, lost = follower.follow(reader, SECOND)
        assert lost == 0
        assert (ready == 0) == (stamp == 0)
        applied.append(some)
    assert np.concatenate(applied).tobytes() == events.tobytes()
    assert len(applied) > 20
    by_hand.update_many(events)
    assert plain(follower.take()) == plain(by_hand.take())


def test_the_stamp_is_that_of_the_event_that_completes_the_row(names: list[str], events: Events) -> None:
    _, reader = ring_of(events, 1 << 17)
    follower, by_hand = engine(names), engine(names)
    for _ in range(20):
        some, ready, stamp, _ = follower.follow(reader, SECOND)
        completing = [bool(by_hand.update(event)) for event in some].index(True)
        assert stamp == some["ts_recv"][completing]
        assert abs(ready - time.time_ns()) < 60 * SECOND


def test_other_instruments_and_kinds_are_left_out(names: list[str], events: Events) -> None:
    mixed = events[:2_000].copy()
    mixed["instrument"] = np.arange(len(mixed)) % 3
    mixed["kind"][::50] = 200  # a code of a later version
    _, reader = ring_of(mixed, 1 << 12)
    follower, applied = engine(names), []
    while reader.behind:
        applied.append(follower.follow(reader, 0, instrument=2, kinds=1 << int(Kind.TRADE))[0])
    wanted = mixed[(mixed["instrument"] == 2) & (mixed["kind"] == Kind.TRADE)]
    assert len(wanted) > 20
    assert np.concatenate(applied).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("instrument", [0, 4])
def test_a_loss_is_a_gap_before_what_comes_next(names: list[str], events: Events, instrument: int) -> None:
    _, reader = ring_of(events[:100], 16)
    follower = engine(names)
    # A read without room for an event tells no loss, because it has no event to mark it at.
    nothing, ready, stamp, lost = follower.follow(reader, 0, max=0)
    assert (len(nothing), ready, stamp, lost, reader.behind) == (0, 0, 0, 0, 100)
    applied, _, _, lost = follower.follow(reader, 0, instrument)
    assert lost == 84
    gap, first = applied[0], events[84]
    assert (gap["kind"], gap["size"], gap["sequence"], gap["instrument"]) == (Kind.GAP, 84, 83, instrument)
    assert (gap["ts_event"], gap["ts_recv"]) == (first["ts_event"], first["ts_recv"])
    assert applied[1:].tobytes() == (events[84:100].tobytes() if instrument == 0 else b"")


def test_it_gives_up_in_time_with_nothing_and_with_much_of_something_else(
    names: list[str], events: Events
) -> None:
    ring, reader = ring_of(events[:0], 1 << 10)
    follower = engine(names)
    began = time.monotonic()
    applied, ready, stamp, lost = follower.follow(reader, 20_000_000)
    assert (len(applied), ready, stamp, lost) == (0, 0, 0, 0)
    assert 0.02 <= time.monotonic() - began < 5
    stop = threading.Event()

    def push() -> None:
        while not stop.is_set():
            ring.push(events[:64])

    pusher = threading.Thread(target=push)
    pusher.start()
    try:
        began = time.monotonic()
        assert follower.follow(reader, 20_000_000, instrument=9, kinds=0)[1] == 0
        assert time.monotonic() - began < 5
    finally:
        stop.set()
        pusher.join()


def test_a_reader_answers_other_threads_while_it_is_followed(names: list[str], events: Events) -> None:
    _, reader = ring_of(events[:0], 1 << 10)
    follower = engine(names)
    follow = threading.Thread(target=follower.follow, args=(reader, 300_000_000))
    follow.start()
    answers = 0
    while follow.is_alive():
        assert reader.behind == 0
        answers += 1
    assert answers > 10
