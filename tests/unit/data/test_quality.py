"""Quality checks: each finds what was planted, and only that."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from quantumtrader import _fallback
from quantumtrader.data.contracts import instrument
from quantumtrader.data.quality import Report, validate
from quantumtrader.types import EVENT, Action, Events, Flag, Instrument, Kind

WDO = instrument("WDOU25")
BTC = Instrument("BTC", "BTC", 0.1, 1.0, timezone="UTC")
OPEN = 1_755_259_200_000_000_000  # 2025-08-15 12:00 UTC, 09:00 in São Paulo
SECOND = 1_000_000_000


def trades(n: int = 20) -> Events:
    out = np.zeros(n, EVENT)
    out["kind"], out["px"], out["size"], out["side"] = Kind.TRADE, 10_800, 1, 1
    out["ts_event"] = out["ts_recv"] = OPEN + SECOND * np.arange(1, n + 1)
    out["sequence"], out["id"] = np.arange(n), np.arange(1, n + 1)
    return out


def found(report: Report) -> dict[str, tuple[str, int]]:
    return {f.check: (f.severity, f.count) for f in report.findings}


def test_clean() -> None:
    report = validate(trades(), WDO)
    assert (report.valid, report.findings, report.events, report.by_kind) == (True, (), 20, {"trade": 20})


def test_empty() -> None:
    report = validate(np.zeros(0, EVENT), WDO)
    assert not report.valid
    assert found(report) == {"empty": ("error", 1)}


def plant(field: str, index: int, value: int) -> Callable[[Events], None]:
    def change(events: Events) -> None:
        events[field][index] = value

    return change


@pytest.mark.parametrize(
    ("change", "check", "severity"),
    [
        (plant("ts_recv", 5, OPEN), "order", "error"),
        (plant("sequence", 5, 4), "sequence", "error"),
        (plant("sequence", 19, 25), "sequence", "warning"),
        (plant("ts_event", 5, OPEN), "order", "info"),
        (plant("id", 5, 3), "duplicates", "error"),
        (plant("size", 5, 0), "size", "error"),
        (plant("size", 5, -1), "size", "error"),
        (plant("px", 5, -7), "price", "error"),
        (plant("side", 5, 3), "side", "error"),
        (plant("side", 5, 0), "side", "info"),
        (plant("kind", 5, 77), "kind", "error"),
    ],
)
def test_planted(change: Callable[[Events], None], check: str, severity: str) -> None:
    events = trades()
    change(events)
    report = validate(events, WDO)
    assert (check, severity, 1) in [(f.check, f.severity, f.count) for f in report.findings]
    assert report.valid == (severity != "error")


def test_trades_without_an_id_are_never_duplicates() -> None:
    events = trades()
    events["id"] = 0
    assert validate(events, WDO).findings == ()


def test_lot_and_jump() -> None:
    events = trades()
    events["size"] = 5
    events["size"][3] = 7
    events["px"][10:] += 200  # 108 ticks are 1 %
    assert found(validate(events, instrument("DOLU25"))) == {"lot": ("warning", 1), "jump": ("warning", 1)}
    assert "jump" not in found(validate(events, instrument("DOLU25"), jump_ticks=300))


def test_silence_counts_inside_sessions_only() -> None:
    events = trades()
    events["ts_event"][10:] += 600 * SECOND
    events["ts_recv"] = events["ts_event"]
    report = validate(events, WDO)
    assert found(report) == {"gap": ("warning", 1)}
    assert report.findings[0].places[0].startswith("sequence 10 at 2025-08-15 09:10:11")
    assert found(validate(events, WDO, gap_seconds=700)) == {}
    night = trades()
    night["ts_event"][10:] += 72 * 3_600 * SECOND  # Friday to Monday
    night["ts_recv"] = night["ts_event"]
    assert found(validate(night, WDO)) == {}


def test_missing_sessions_and_holidays() -> None:
    events = trades(3)
    events["ts_event"] = events["ts_recv"] = OPEN + 86_400 * SECOND * np.array([0, 3, 5]) + SECOND
    report = validate(events, WDO)
    assert found(report) == {"coverage": ("warning", 1)}
    assert report.findings[0].places == ("2025-08-19",)
    events["ts_event"] = events["ts_recv"] = OPEN + 86_400 * SECOND * np.array([0, 1, 3]) + SECOND
    assert validate(events, WDO).findings[0].message == "1 days with events are not sessions of B3"


def level(side: int, px: int, size: int, index: int) -> Events:
    out = np.zeros(1, EVENT)
    out["kind"], out["action"], out["side"], out["px"], out["size"] = Kind.LEVEL, Action.EDIT, side, px, size
    out["ts_event"] = out["ts_recv"] = OPEN + SECOND * index
    out["sequence"] = index
    return out


def test_crossed_and_locked_books() -> None:
    steps = [(1, 100, 5), (-1, 101, 5), (1, 102, 1), (1, 102, 0), (1, 101, 1), (1, 101, 0)]
    events = np.concatenate([level(*step, k) for k, step in enumerate(steps, 1)])  # type: ignore[arg-type]
    report = validate(events, BTC, books={Kind.LEVEL: _fallback.L2Book()})
    assert [(f.check, f.severity, f.count) for f in report.findings] == [
        ("book", "error", 1),
        ("book", "warning", 1),
    ]
    events["flags"][2] = int(Flag.MORE)  # inside a packet the book may cross
    report = validate(events, BTC, books={Kind.LEVEL: _fallback.L2Book()})
    assert [(f.severity, f.count) for f in report.findings] == [("warning", 1)]
    assert found(validate(events, BTC)) == {"book": ("info", 1)}


def test_crossed_before_the_opening_is_no_error() -> None:
    events = np.concatenate([level(1, 103, 5, -20), level(-1, 101, 5, -10), level(1, 103, 0, 5)])
    report = validate(events, WDO, books={Kind.LEVEL: _fallback.L2Book()})
    assert ("book", "info") in [(f.check, f.severity) for f in report.findings]
    assert report.valid


def test_a_book_that_is_lost_after_a_gap() -> None:
    marker = trades(1)
    marker["kind"] = Kind.GAP
    before = [level(1, 100, 5, 0), level(-1, 101, 5, 1)]
    events = np.concatenate([*before, marker, level(1, 100, 6, 3), trades(1), level(1, 100, 7, 4)])
    events["ts_event"] = events["ts_recv"] = OPEN + SECOND * np.arange(6)
    report = validate(events, BTC, books={Kind.LEVEL: _fallback.L2Book()})
    lost = [f for f in report.findings if f.check == "book"]
    assert [(f.severity, f.count) for f in lost] == [("error", 1)]
    assert "for 2 of 4 updates" in lost[0].message
    again = level(1, 100, 1, 6)
    again["flags"] = int(Flag.SNAPSHOT)
    begin, end = level(0, 0, 0, 5), level(0, 0, 0, 7)
    begin["action"], end["action"] = Action.SNAPSHOT_BEGIN, Action.SNAPSHOT_END
    report = validate(
        np.concatenate([events, begin, again, end]), BTC, books={Kind.LEVEL: _fallback.L2Book()}
    )
    assert ("book", "info", 1) in [(f.check, f.severity, f.count) for f in report.findings]
    assert "error" not in [f.severity for f in report.findings if f.check == "book"]


def test_gaps_quotes_and_bars() -> None:
    events = trades(6)
    events["kind"] = [Kind.GAP, Kind.QUOTE, Kind.QUOTE, Kind.BAR, Kind.BAR, Kind.BAR]
    events["px_ask"] = [0, 10_799, 10_800, 10_805, 10_805, 10_799]
    events["ref_a"], events["ref_b"] = 10_795, 10_801
    events["id"][3:] = OPEN + SECOND * np.array([0, 0, 1])
    report = validate(events, WDO)
    assert [(f.check, f.severity, f.count) for f in report.findings] == [
        ("lost", "warning", 1),
        ("quote", "warning", 1),
        ("quote", "warning", 1),
        ("bar", "error", 1),
        ("bar", "error", 1),
    ]


def test_json() -> None:
    events = trades()
    events["id"][5] = 3
    text = json.loads(validate(events, WDO).to_json())
    assert text["valid"] is False
    assert text["findings"][0]["check"] == "duplicates"
    assert text["findings"][0]["places"] == ["sequence 5 at 2025-08-15 09:00:06.000000000 -03"]


HOUR = 3_600 * SECOND


@pytest.mark.parametrize(
    ("index", "ahead", "words"),
    [
        (10, 2 * HOUR, "falls back by more than 60 s in 1 places"),
        (10, -2 * HOUR, "falls back by more than 60 s in 1 places"),
        (19, 5 * HOUR, "1 records stand alone"),  # the last one, still inside the session
        (19, 400 * 24 * HOUR, "1 records stand alone"),
        (19, 60 * 365 * 24 * HOUR, r"1 records lie outside the years of the calendar"),
    ],
)
@pytest.mark.parametrize("received", [False, True])
def test_one_wrong_stamp_is_an_error_with_its_row(index: int, ahead: int, words: str, received: bool) -> None:
    events = trades()
    events["ts_event"][index] += ahead
    if received:
        events["ts_recv"][index] += ahead
    wrong = [f for f in validate(events, WDO).findings if f.check == "time"]
    assert [(f.severity, f.count) for f in wrong] == [("error", 1)]
    assert words in wrong[0].message
    assert wrong[0].places[0].startswith(f"sequence {index} at ")


def test_a_record_alone_outside_the_hours_is_a_warning() -> None:
    events = trades()
    events["ts_event"][0] -= 3 * HOUR
    assert found(validate(events, WDO))["time"] == ("warning", 1)
