"""The recorder: everything is in the journal, what is lost is said, failures are loud and counted."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.conftest import engine_module
from tests.unit.data.offers import MS, NOON, WDO, WIN, ArrayFeed, Market, SetClock, merged

from quantumtrader.data import journal as journal_module
from quantumtrader.data.checkpoints import Books, Checkpoint, take
from quantumtrader.data.journal import JournalReader
from quantumtrader.data.recorder import KEPT_MESSAGES, CollectorSettings, RealtimeBookCollector
from quantumtrader.data.sequences import Sequences
from quantumtrader.data.sidecar import read_sidecar, sidecar_of
from quantumtrader.exceptions import ConfigError, DataAccessError, EngineError
from quantumtrader.profitdll.feed import MESSAGES
from quantumtrader.types import EVENT, Events, Flag, Instrument, Kind

SECOND = 1_000 * MS


def books() -> Books:
    core: Any = engine_module("rust") or engine_module("python")
    return {Kind.LEVEL: core.L2Book(), Kind.ORDER: core.OrderBook()}


def record(
    feed: Any,
    folder: Path,
    *instruments: Instrument,
    settings: CollectorSettings | None = None,
    **options: Any,
) -> RealtimeBookCollector:
    """Record until the feed has nothing more, a millisecond of the clock per read."""
    clock = SetClock()
    options.setdefault("books", books)
    collector = RealtimeBookCollector(
        feed, instruments or (WDO,), folder, source="test", clock=clock, settings=settings, **options
    )
    collector.open()
    while collector.poll():
        clock.now += MS
    collector.close()
    return collector


def lines(collector: RealtimeBookCollector, what: str) -> list[dict[str, Any]]:
    return [
        line for path in collector.journals for line in read_sidecar(sidecar_of(path)) if line["what"] == what
    ]


def read(collector: RealtimeBookCollector) -> Events:
    return np.concatenate([JournalReader(path).read() for path in collector.journals])


def test_every_record_is_in_the_journal_as_it_came(tmp_path: Path) -> None:
    events = merged(Market(1).events(2_000), Market(2, instrument=1).events(1_000))
    actions = set(events["action"][events["kind"] == Kind.ORDER].tolist())
    assert actions == {1, 2, 3, 4, 6, 7}  # the stream has everything that could be filtered out
    collector = record(ArrayFeed(events), tmp_path, WDO, WIN)
    assert read(collector).tobytes() == events.tobytes()
    status = collector.status()
    assert (status.state, status.recorded, status.lost, status.unrecorded) == ("stopped", len(events), 0, 0)
    assert sum(status.events.values()) == len(events)
    assert collector.journals[0].name == "2025-08-15_WDOU25+WINQ25_001.qtj"


def test_threads_record_the_same(tmp_path: Path) -> None:
    events = Market(3).events(5_000)
    feed = ArrayFeed(events)
    with RealtimeBookCollector(feed, [WDO], tmp_path, source="test", books=books) as collector:
        while feed.at < len(events):
            threading.Event().wait(0.001)
    assert read(collector).tobytes() == events.tobytes()
    assert collector.status().state == "stopped"
    assert collector.stop().recorded == len(events)


@pytest.mark.parametrize(("lost", "instruments"), [(1, 1), (1, 2), (2, 2), (500, 2)])
def test_a_hole_becomes_a_gap_for_every_instrument(tmp_path: Path, lost: int, instruments: int) -> None:
    events = Market(4).events(300)
    held = np.concatenate([events[:100], events[100 + lost :]])
    told: list[int] = []
    collector = record(ArrayFeed(held), tmp_path, *(WDO, WIN)[:instruments], on_loss=told.append)
    got = read(collector)
    feeds_own = int((held["kind"] == Kind.GAP).sum())
    gaps = got[(got["kind"] == Kind.GAP) & (got["size"] == lost) & (got["sequence"] > 100)][:instruments]
    assert gaps["instrument"].tolist() == list(range(instruments))
    assert gaps["sequence"].tolist() == [101 + min(k, lost - 1) for k in range(instruments)]
    assert gaps["ts_recv"].tolist() == [held["ts_recv"][100]] * instruments
    status = collector.status()
    assert (status.lost, status.gaps, told) == (lost, instruments + feeds_own, [lost])
    sequences = Sequences()
    sequences.add(got)
    assert sequences.complete
    assert len(lines(collector, "gap")) == status.gaps


def test_a_feed_that_begins_anew_gets_a_new_part(tmp_path: Path) -> None:
    first, second = Market(5).events(200), Market(6).events(200)
    collector = record(ArrayFeed(np.concatenate([first, second])), tmp_path)
    assert [path.name[-7:-4] for path in collector.journals] == ["001", "002"]
    assert [JournalReader(p).read().tobytes() for p in collector.journals] == [
        first.tobytes(),
        second.tobytes(),
    ]
    assert len(lines(collector, "restart")) == 1
    again = record(ArrayFeed(first), tmp_path)
    assert again.journals[0].name.endswith("_003.qtj")


def test_checkpoints_say_what_the_book_was(tmp_path: Path, engine: ModuleType) -> None:
    market = Market(7)
    events = market.events(3_000)
    settings = CollectorSettings(checkpoint_ns=5 * MS, checkpoint_events=10**9)
    collector = record(ArrayFeed(events), tmp_path, settings=settings)
    points = [Checkpoint.of_line(line) for line in lines(collector, "checkpoint")]
    assert len(points) == collector.status().checkpoints > 10
    # The last one, of both books, against the lists of the market itself.
    shown = [
        tuple(sorted(market.ladder(side).items(), key=lambda level, s=side: -s * level[0])[:5])
        for side in (1, -1)
    ]
    for point in points[-2:]:
        assert (point.bids, point.asks, point.valid) == (shown[0], shown[1], True)
        assert point.sequence == events["sequence"][-1]
    # Every one, against a book of either engine.
    made = {"level": (Kind.LEVEL, engine.L2Book()), "order": (Kind.ORDER, engine.OrderBook())}
    at = {"level": 0, "order": 0}
    for point in points:
        kind, book = made[point.book]
        stop = int(np.searchsorted(events["sequence"], point.sequence, side="right"))
        book.update_many(events[at[point.book] : stop])
        at[point.book] = stop
        assert take(book, kind, "WDOU25", point.sequence) == point


def test_digest_sees_the_order_of_the_queue(engine: ModuleType) -> None:
    """Two books with the same levels and other places in the queue are not the same."""
    events = np.zeros(2, EVENT)
    events["kind"], events["action"], events["side"], events["px"], events["size"] = Kind.ORDER, 1, 1, 100, 5
    events["id"], events["ref_b"] = (1, 2), (0, 1)
    points = []
    for places in ((0, 1), (0, 0)):
        events["ref_b"] = places
        book = engine.OrderBook()
        book.update_many(events)
        points.append(take(book, Kind.ORDER, "X", 1))
    assert points[0].bids == points[1].bids == ((100, 10),)
    assert points[0].digest != points[1].digest


def test_a_full_disk_is_loud_and_reading_goes_on_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = Market(8).events(3_000)
    left, real = 50_000, os.write

    def small_disk(fd: int, parts: list[memoryview]) -> int:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = real(fd, b"".join(parts)[:left])
        left -= done
        return done

    monkeypatch.setattr(journal_module.os, "writev", small_disk, raising=False)
    collector = record(ArrayFeed(events), tmp_path, settings=CollectorSettings(flush_ns=0))
    status = collector.status()
    assert status.state == "failed"
    assert status.error is not None
    assert "The disk is full: free some space and start again" in status.error
    kept = read(collector)
    assert 0 < len(kept) == status.recorded
    assert kept.tobytes() == events[: len(kept)].tobytes()
    assert status.recorded + status.unrecorded == len(events)
    assert [line["message"] for line in lines(collector, "error")] == [status.error]
    assert lines(collector, "stop")[0]["events"] == status.recorded


def test_a_full_disk_in_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events, feed = (stream := Market(9).events(2_000)), ArrayFeed(stream)
    calls = iter(range(10**9))
    real = os.writev

    def failing(fd: int, parts: list[memoryview]) -> int:
        if next(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, parts)

    monkeypatch.setattr(journal_module.os, "writev", failing)
    settings = CollectorSettings(flush_ns=0)
    with RealtimeBookCollector(feed, [WDO], tmp_path, source="test", settings=settings) as collector:
        while feed.at < len(events):
            threading.Event().wait(0.001)
    status = collector.status()
    assert (status.state, status.recorded + status.unrecorded) == ("failed", len(events))


def test_a_slow_disk_loses_nothing_silently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ring laps a reader that has to wait; what it lost is counted and marked."""
    rust: Any = engine_module("rust")
    if rust is None:
        pytest.skip("the ring needs the compiled engine")
    ring = rust.Ring.create(None, 256)
    reader = ring.reader()

    class RingFeed:
        def read(self, max: int) -> Events:
            events: Events = reader.read(max)[0]
            return events

        def take_messages(self) -> list[tuple[Any, ...]]:
            return []

        def counters(self) -> dict[str, int]:
            return {}

    total = 40_000
    events = np.zeros(total, EVENT)
    events["kind"], events["size"], events["px"] = Kind.TRADE, 1, 100
    events["ts_event"] = events["ts_recv"] = NOON
    events["sequence"] = np.arange(1, total + 1)
    real = journal_module.JournalWriter.append

    def slow(self: Any, batch: Events, now_ns: int) -> None:
        threading.Event().wait(0.002)
        real(self, batch, now_ns)

    monkeypatch.setattr(journal_module.JournalWriter, "append", slow)
    settings = CollectorSettings(batch=64)
    with RealtimeBookCollector(RingFeed(), [WDO], tmp_path, source="test", settings=settings) as collector:
        for start in range(0, total, 100):
            ring.push(events[start : start + 100])
            threading.Event().wait(0.0002)
    status = collector.status()
    got = read(collector)
    trades = got[got["kind"] == Kind.TRADE]
    assert status.lost > 0, "the disk was not slow enough for this test"
    assert len(trades) + status.lost == total - (
        int(trades["sequence"][0]) - 1
    )  # what came before is not ours
    sequences = Sequences()
    sequences.add(got)
    assert sequences.complete
    assert int(got["size"][got["kind"] == Kind.GAP].sum()) == status.lost


def test_two_collectors_of_a_symbol_are_refused(tmp_path: Path) -> None:
    first = RealtimeBookCollector(ArrayFeed(Market(1).events(5)), [WDO], tmp_path, source="test")
    first.open()
    second = RealtimeBookCollector(ArrayFeed(Market(1).events(5)), [WIN, WDO], tmp_path, source="test")
    with pytest.raises(
        DataAccessError, match="WDOU25 is being recorded into this folder by another collector"
    ):
        second.open()
    third = RealtimeBookCollector(ArrayFeed(Market(1).events(5)), [WIN], tmp_path, source="test")
    third.open()  # the refused one holds nothing
    first.close()
    with pytest.raises(EngineError, match="make a new one"):
        first.open()
    third.close()


def test_only_market_messages_are_kept(tmp_path: Path) -> None:
    messages: list[tuple[object, ...]] = [
        ("state", 123, 2, 4),
        ("account", 124, "12345", "A. Holder"),
        ("order", 125, {"password": "hunter2"}),
        ("theoretical", 126, 5_400.5),
    ]
    collector = record(ArrayFeed(Market(1).events(5), messages=messages), tmp_path)
    assert [(line["name"], line["fields"]) for line in lines(collector, "message")] == [
        ("state", [123, 2, 4]),
        ("theoretical", [126, 5_400.5]),
    ]
    assert lines(collector, "stop")[0]["messages_left_out"] == {"account": 1, "order": 1}
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(secret in everything for secret in (b"Holder", b"hunter2", b"12345"))


def test_status_says_how_it_goes(tmp_path: Path) -> None:
    clock = SetClock()
    events = Market(1, depth=False).events(400)
    events["ts_recv"] = NOON - 7 * MS
    feed = ArrayFeed(events)
    collector = RealtimeBookCollector(feed, [WDO, WIN], tmp_path, source="test", clock=clock)
    assert collector.status().state == "idle"
    collector.open()
    while collector.poll():
        pass
    clock.now += 2 * SECOND
    status = collector.status()
    assert (status.state, status.since_ns, status.lag_ms) == ("recording", NOON, 7.0)
    assert status.rates["order"] == status.events["order"] / 2
    assert status.ages_s["WDOU25"] == pytest.approx(2.007)
    assert math.isnan(status.ages_s["WINQ25"])
    assert status.counters == {"read": len(events)}
    assert status.disk_free_bytes > 0
    assert status.journal is not None
    assert not status.synthetic
    collector.close()
    assert collector.status().journal_bytes == status.journal.stat().st_size
    json.dumps(collector.status().events)


def test_made_events_are_labelled(tmp_path: Path) -> None:
    events = Market(1).events(5)
    events["flags"] |= int(Flag.SYNTHETIC)
    assert record(ArrayFeed(events), tmp_path).status().synthetic


def test_events_of_unknown_instruments_are_counted(tmp_path: Path) -> None:
    events = Market(1, instrument=9).events(5)
    collector = record(ArrayFeed(events), tmp_path)
    assert collector.status().foreign == len(events) == len(read(collector))


def test_a_feed_that_fails_is_a_loud_end(tmp_path: Path) -> None:
    class Broken(ArrayFeed):
        def read(self, max: int) -> Events:
            raise OSError("the vendor's library is gone")

    with RealtimeBookCollector(Broken(Market(1).events(1)), [WDO], tmp_path, source="test") as collector:
        threading.Event().wait(0.05)
    status = collector.status()
    assert status.state == "failed"
    assert status.error == "the feed cannot be read: OSError: the vendor's library is gone"


def test_what_was_read_before_the_feed_failed_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = Market(1).events(500)
    failed = threading.Event()

    class Broken(ArrayFeed):
        def read(self, max: int) -> Events:
            if self.at >= len(events):
                failed.set()
                raise OSError("the vendor's library is gone")
            return super().read(max)

    append = journal_module.JournalWriter.append

    def slow(self: Any, events: Events, now: int) -> None:
        assert failed.wait(10)
        threading.Event().wait(0.01)
        append(self, events, now)

    monkeypatch.setattr(journal_module.JournalWriter, "append", slow)
    settings = CollectorSettings(batch=len(events) // 10)
    with RealtimeBookCollector(
        Broken(events), [WDO], tmp_path, source="test", settings=settings
    ) as collector:
        assert failed.wait(10)
    status = collector.status()
    assert (status.state, status.recorded, status.unrecorded) == ("failed", len(events), 0)
    assert read(collector).tobytes() == events.tobytes()
    assert [line["message"] for line in lines(collector, "error")] == [status.error]


def test_events_are_recorded_when_the_messages_cannot_be_taken(tmp_path: Path) -> None:
    class Broken(ArrayFeed):
        def take_messages(self) -> list[tuple[Any, ...]]:
            raise OSError("no more")

    events = Market(1).events(5)
    with RealtimeBookCollector(Broken(events), [WDO], tmp_path, source="test") as collector:
        threading.Event().wait(0.05)
    assert (collector.status().state, collector.status().recorded) == ("failed", len(events))


def test_the_reports_of_the_feed_are_kept(tmp_path: Path) -> None:
    about = ("lost", "panics", "missed", "count")
    reports = {name for name, fields in MESSAGES.items() if fields[-1] in about}
    assert len(reports) == 10
    messages: list[tuple[object, ...]] = [(name, 1, "WDOU25", 0, 2) for name in sorted(reports)]
    collector = record(ArrayFeed(Market(1).events(5), messages=messages), tmp_path)
    assert {line["name"] for line in lines(collector, "message")} == reports
    assert set(MESSAGES) - KEPT_MESSAGES == {
        *("account", "broker_account_list", "broker_sub_account_list", "order", "order_history"),
        *("position_list", "message_result", "order_change", "order_change_v2", "history_order"),
        *("history_order_v2", "asset_list"),
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
def test_everything_is_for_the_owner_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        record(ArrayFeed(Market(1).events(5)), tmp_path / "journal")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "journal").stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "journal").iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("instruments", "message"),
    [
        ([], "no instrument"),
        ([WDO, WDO], "named twice"),
        ([WDO, Instrument("ESH4", "ESH4", 0.25, 50.0, timezone="America/Chicago")], "different dates"),
    ],
)
def test_instruments_that_do_not_go_together(
    tmp_path: Path, instruments: list[Instrument], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        RealtimeBookCollector(ArrayFeed(Market(1).events(1)), instruments, tmp_path, source="test")
