"""The roll: the lake has what the journals have, bit for bit, or says why not; journals go only when it has."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.unit.data.offers import MS, NOON, WDO, WIN, ArrayFeed, Market, merged
from tests.unit.data.test_recorder import books, record

from quantumtrader.data.checkpoints import Checkpoint
from quantumtrader.data.importers import Options
from quantumtrader.data.journal import JournalReader
from quantumtrader.data.lake import Lake
from quantumtrader.data.recorder import CollectorSettings, RealtimeBookCollector
from quantumtrader.data.replayability import check_replayable
from quantumtrader.data.roll import Rolled, recorded_lines, roll
from quantumtrader.data.sidecar import sidecar_of
from quantumtrader.data.source import load_events
from quantumtrader.exceptions import DataFormatError, EmptyDataError
from quantumtrader.types import Events, Kind

DAY = date(2025, 8, 15)
DAY_NS = 86_400_000_000_000
OFTEN = CollectorSettings(checkpoint_ns=2 * MS)


def both() -> Events:
    return merged(Market(1).events(1_500), Market(2, instrument=1).events(800))


def of(events: Events, index: int) -> Events:
    mine = events[events["instrument"] == index].copy()
    mine["instrument"] = 0
    return mine


def bring(
    folder: Path, *, keep_days: int | None = None, now_ns: int = NOON, until_damage: bool = False
) -> list[Rolled]:
    return roll(
        folder / "journal",
        Lake(folder / "lake"),
        keep_days=keep_days,
        now_ns=now_ns,
        until_damage=until_damage,
    )


def test_every_symbol_gets_its_own_session_bit_for_bit(tmp_path: Path) -> None:
    events = both()
    collector = record(ArrayFeed(events), tmp_path / "journal", WDO, WIN)
    done = bring(tmp_path)
    assert [(r.symbol, r.state, r.dates, r.events) for r in done] == [
        ("WDOU25", "rolled", (DAY,), len(of(events, 0))),
        ("WINQ25", "rolled", (DAY,), len(of(events, 1))),
    ]
    lake = Lake(tmp_path / "lake")
    for symbol, index in (("WDOU25", 0), ("WINQ25", 1)):
        assert lake.read(symbol).tobytes() == of(events, index).tobytes()
        assert lake.metadata(symbol)["source"] == "test"
    assert lake.metadata("WINQ25")["tick_size"] == "5.0"
    assert collector.journals[0].exists()


def test_a_journal_is_a_source_as_well(tmp_path: Path) -> None:
    events = both()
    collector = record(ArrayFeed(events), tmp_path / "journal", WDO, WIN)
    loaded = load_events(collector.journals[0], "WINQ25", options=Options(chunk_rows=100), sessions=False)
    assert loaded.events.tobytes() == of(events, 1).tobytes()
    assert loaded.instrument.tick_size == 5.0
    assert "(journal)" in loaded.description
    with pytest.raises(EmptyDataError, match="no DOLU25 in this journal"):
        load_events(collector.journals[0], "DOLU25")


def test_a_second_roll_only_looks(tmp_path: Path) -> None:
    record(ArrayFeed(both()), tmp_path / "journal", WDO, WIN)
    bring(tmp_path)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "lake").rglob("*") if path.is_file()}
    assert [r.state for r in bring(tmp_path)] == ["unchanged", "unchanged"]
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "lake").rglob("*") if p.is_file()} == files


def test_parts_of_a_session_become_one_with_a_gap_between(tmp_path: Path) -> None:
    first, second = Market(3).events(300), Market(4, start=NOON + 60_000 * MS).events(300)
    record(ArrayFeed(first), tmp_path / "journal", settings=OFTEN)
    assert [r.state for r in bring(tmp_path)] == ["rolled"]
    record(ArrayFeed(second), tmp_path / "journal", settings=OFTEN)
    done = bring(tmp_path)
    assert [(r.state, r.events) for r in done] == [("rolled", len(first) + len(second) + 1)]
    lake = Lake(tmp_path / "lake")
    got = lake.read("WDOU25")
    n = len(first)
    assert got[:n].tobytes() == first.tobytes()
    assert (int(got["kind"][n]), int(got["size"][n])) == (Kind.GAP, 0)
    assert (np.diff(got["sequence"]) == 1).all()
    rest = got[n + 1 :].copy()
    rest["sequence"] = second["sequence"]
    assert rest.tobytes() == second.tobytes()
    assert any("2 parts" in note for note in lake.notes("WDOU25"))
    # The checkpoints of both parts have followed: a replay of the lake reproduces each.
    lines = recorded_lines(lake, "WDOU25", DAY, DAY)
    result = check_replayable([got], WDO, books(), lines)
    assert result.valid, result.findings
    assert result.agreed == result.checkpoints == sum(line["what"] == "checkpoint" for line in lines) > 10
    assert (
        max(Checkpoint.of_line(x).sequence for x in lines if x["what"] == "checkpoint") == got["sequence"][-1]
    )


def test_a_torn_journal_gives_its_whole_frames(tmp_path: Path) -> None:
    events = Market(5).events(500)
    collector = record(ArrayFeed(events), tmp_path / "journal", settings=CollectorSettings(flush_ns=0))
    path = collector.journals[0]
    path.write_bytes(path.read_bytes()[:-100])
    whole = JournalReader(path).read()
    (done,) = bring(tmp_path)
    assert (done.state, done.events) == ("rolled", len(whole))
    assert 0 < len(whole) < len(events)
    assert "were not written to the end" in done.notes[0]
    assert Lake(tmp_path / "lake").read("WDOU25").tobytes() == whole.tobytes()


def test_a_damaged_journal_is_refused_and_others_go_on(tmp_path: Path) -> None:
    settings = CollectorSettings(flush_ns=0)
    bad = record(ArrayFeed(Market(6).events(500)), tmp_path / "journal", WDO, settings=settings).journals[0]
    good = Market(7).events(200)
    record(ArrayFeed(good), tmp_path / "journal", WIN)
    raw = bytearray(bad.read_bytes())
    raw[len(raw) // 2] ^= 1
    bad.write_bytes(raw)
    states = {r.symbol: r for r in bring(tmp_path)}
    refused = states[bad.stem]
    assert refused.state == "refused"
    assert "is damaged at byte" in refused.notes[0]
    assert states["WINQ25"].state == "rolled"
    assert Lake(tmp_path / "lake").symbols() == ["WINQ25"]
    (_, taken) = sorted(bring(tmp_path, until_damage=True), key=lambda r: r.symbol, reverse=True)
    assert (taken.symbol, taken.state) == ("WDOU25", "rolled")
    assert "taken until the damage" in taken.notes[0]


def test_a_session_with_a_damaged_part_is_not_taken_in_half(tmp_path: Path) -> None:
    settings = CollectorSettings(flush_ns=0)
    bad = record(ArrayFeed(Market(6).events(500)), tmp_path / "journal", settings=settings).journals[0]
    good = record(ArrayFeed(Market(7).events(200)), tmp_path / "journal").journals[0]
    raw = bytearray(bad.read_bytes())
    raw[len(raw) // 2] ^= 1
    bad.write_bytes(raw)
    done = bring(tmp_path)
    assert [(r.journals, r.state) for r in done] == [((bad,), "refused"), ((good,), "refused")]
    assert f"{bad.name} holds a part of this session" in done[1].notes[0]
    assert Lake(tmp_path / "lake").symbols() == []
    assert [r.state for r in bring(tmp_path, until_damage=True)] == ["rolled"]


def test_a_session_that_was_imported_is_not_replaced(tmp_path: Path) -> None:
    imported = Market(8).events(50)
    with Lake(tmp_path / "lake").writer(WDO, source="b3-trades") as writer:
        writer.add(imported)
    record(ArrayFeed(Market(9).events(50)), tmp_path / "journal")
    for _ in range(2):
        (done,) = bring(tmp_path)
        assert done.state == "refused"
        assert "WDOU25 already has data of 2025-08-15" in done.notes[0]
    assert Lake(tmp_path / "lake").read("WDOU25").tobytes() == imported.tobytes()


def test_what_is_being_recorded_is_left_alone(tmp_path: Path) -> None:
    record(ArrayFeed(Market(1).events(20)), tmp_path / "journal")
    collector = RealtimeBookCollector(
        ArrayFeed(Market(2).events(20)), [WDO], tmp_path / "journal", source="test"
    )
    collector.open()
    collector.poll()
    states = [r.state for r in bring(tmp_path)]
    assert states in (["recording"], ["rolled", "recording"])
    collector.close()
    assert "recording" not in [r.state for r in bring(tmp_path)]


def test_journals_go_when_they_are_old_and_the_lake_has_them(tmp_path: Path) -> None:
    collector = record(ArrayFeed(both()), tmp_path / "journal", WDO, WIN)
    path = collector.journals[0]
    assert [r.deleted for r in bring(tmp_path, keep_days=3, now_ns=NOON + 3 * DAY_NS)] == [(), ()]
    assert path.exists()
    done = bring(tmp_path, keep_days=3, now_ns=NOON + 4 * DAY_NS)
    assert [r.deleted for r in done] == [(path,), (path,)]
    assert not path.exists()
    assert not sidecar_of(path).exists()
    assert bring(tmp_path, keep_days=3, now_ns=NOON + 5 * DAY_NS) == []


def test_a_lake_that_differs_keeps_the_journals(tmp_path: Path) -> None:
    collector = record(ArrayFeed(both()), tmp_path / "journal", WDO, WIN)
    bring(tmp_path)
    lake = Lake(tmp_path / "lake")
    other = of(both(), 0)
    other["px"][10] += 1
    with lake.writer(WDO, source="test", overwrite=True) as writer:
        writer.add(other)
    with pytest.raises(DataFormatError, match="2025-08-15 in the lake are not what was recorded"):
        bring(tmp_path, keep_days=0, now_ns=NOON + 9 * DAY_NS)
    assert collector.journals[0].exists()


def test_a_refused_symbol_keeps_the_journal_of_the_others(tmp_path: Path) -> None:
    with Lake(tmp_path / "lake").writer(WIN, source="import") as writer:
        writer.add(Market(8).events(20))
    collector = record(ArrayFeed(both()), tmp_path / "journal", WDO, WIN)
    done = bring(tmp_path, keep_days=0, now_ns=NOON + 9 * DAY_NS)
    assert [(r.state, r.deleted) for r in done] == [("rolled", ()), ("refused", ())]
    assert collector.journals[0].exists()


def test_a_later_part_is_not_rolled_without_the_earlier_one(tmp_path: Path) -> None:
    first = record(ArrayFeed(Market(1).events(50)), tmp_path / "journal")
    bring(tmp_path)
    record(ArrayFeed(Market(2).events(50)), tmp_path / "journal")
    kept = first.journals[0].rename(tmp_path / "elsewhere.qtj")
    before = Lake(tmp_path / "lake").read("WDOU25").tobytes()
    (done,) = bring(tmp_path)
    assert done.state == "refused"
    assert first.journals[0].name in done.notes[0]
    assert Lake(tmp_path / "lake").read("WDOU25").tobytes() == before
    kept.rename(first.journals[0])
    assert [r.state for r in bring(tmp_path)] == ["rolled"]


def test_a_recording_over_midnight_fills_both_sessions(tmp_path: Path) -> None:
    """A market without hours: the date is the local one of the receive time."""
    events = Market(3).events(600)
    step = np.linspace(0, 16 * 3_600_000 * MS, len(events)).astype(np.int64)
    events["ts_event"] += step
    events["ts_recv"] += step
    events = events[np.argsort(events["ts_recv"], kind="stable")]
    events["sequence"] = np.arange(1, len(events) + 1)
    record(ArrayFeed(events), tmp_path / "journal")
    (done,) = bring(tmp_path)
    assert [str(d) for d in done.dates] == ["2025-08-15", "2025-08-16"]
    assert Lake(tmp_path / "lake").read("WDOU25").tobytes() == events.tobytes()
    assert [r.state for r in bring(tmp_path)] == ["unchanged"]


def test_missing_numbers_without_a_gap_are_noted(tmp_path: Path) -> None:
    events = Market(1).events(50)
    record(ArrayFeed(events), tmp_path / "journal")
    (path,) = (tmp_path / "journal").glob("*.qtj")
    from quantumtrader.data.journal import JournalWriter

    header = JournalReader(path).header
    path.unlink()
    with JournalWriter(path, header) as writer:
        writer.append(np.concatenate([events[:20], events[25:]]), NOON)
    (done,) = bring(tmp_path)
    assert "5 events are missing" in done.notes[0]
    note = json.loads((tmp_path / "lake/recorded/symbol=WDOU25/date=2025-08-15.json").read_text())
    assert note["complete"]
    assert not note["sequences_complete"]


def test_an_empty_folder_is_nothing_to_do(tmp_path: Path) -> None:
    assert bring(tmp_path) == []
    (tmp_path / "journal").mkdir()
    assert bring(tmp_path) == []


def test_a_synthetic_market_that_starts_over_is_refused(tmp_path: Path) -> None:
    """The same market twice would have its time fall back and its trade numbers come again."""
    events = Market(1).events(1_500)
    for _ in range(2):
        record(ArrayFeed(events), tmp_path / "journal", WDO, synthetic=True)
    states = {r.state: r for r in bring(tmp_path)}
    assert set(states) == {"rolled", "refused"}
    assert "starts over" in states["refused"].notes[0]
    assert states["refused"].journals[0].name.endswith("_002.qtj")
    assert Lake(tmp_path / "lake").read("WDOU25").tobytes() == events.tobytes()
    assert {r.state for r in bring(tmp_path)} == {"unchanged", "refused"}


def test_a_session_has_the_date_of_its_exchange_time(tmp_path: Path) -> None:
    """An old market that is played today is a session of then; images of the book are older still."""
    events = Market(1).events(1_500)
    events["ts_event"] -= 11 * DAY_NS
    events["ts_event"][0] -= 3 * DAY_NS
    record(ArrayFeed(events), tmp_path / "journal", WDO, synthetic=True)
    (done,) = bring(tmp_path, keep_days=5)
    assert (done.state, done.dates, done.deleted) == ("rolled", (date(2025, 8, 4),), ())
    assert Lake(tmp_path / "lake").read("WDOU25").tobytes() == events.tobytes()
    assert recorded_lines(Lake(tmp_path / "lake"), "WDOU25", done.dates[0], done.dates[0])
    assert [r.state for r in bring(tmp_path)] == ["unchanged"]
