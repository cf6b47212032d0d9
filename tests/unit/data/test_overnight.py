"""Sessions that cross midnight: the evening belongs to the date on which the session closes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from quantumtrader import _fallback
from quantumtrader.config import load_settings, with_instrument
from quantumtrader.data.calendar import Calendar
from quantumtrader.data.contracts import instrument
from quantumtrader.data.lake import Lake
from quantumtrader.data.quality import validate
from quantumtrader.data.sessions import session_days, with_sessions
from quantumtrader.data.source import load_events
from quantumtrader.types import EVENT, Events, Instrument, Kind, Phase, SessionHours

CHICAGO = ZoneInfo("America/Chicago")
ES = Instrument(
    "ESH4", "ESH4", 0.25, 50.0, "USD", timezone="America/Chicago",
    hours=(SessionHours(date(1970, 1, 1), time(17), time(16)),),
)  # fmt: skip
MONDAY = date(2023, 12, 18)


def chicago(day: int, at: str) -> int:
    moment = datetime.combine(date(2023, 12, day), time.fromisoformat(at), CHICAGO)
    return int(moment.timestamp()) * 1_000_000_000


def trades(*when: tuple[int, str]) -> Events:
    out = np.zeros(len(when), EVENT)
    out["kind"], out["px"], out["size"], out["side"] = Kind.TRADE, 19_000, 1, 1
    out["ts_event"] = out["ts_recv"] = [chicago(*w) for w in when]
    out["sequence"] = np.arange(len(when))
    return out


def test_the_session_is_of_the_day_it_closes_on() -> None:
    bounds = Calendar().session(ES, MONDAY)
    assert bounds is not None
    assert datetime.fromtimestamp(bounds.open_ns // 10**9, UTC) == datetime(2023, 12, 17, 23, tzinfo=UTC)
    assert datetime.fromtimestamp(bounds.close_ns // 10**9, UTC) == datetime(2023, 12, 18, 22, tzinfo=UTC)
    week = Calendar().session_dates(ES, date(2023, 12, 16), date(2023, 12, 24))
    assert [d.day for d in week] == [18, 19, 20, 21, 22]  # none closes on a Saturday or a Sunday


@pytest.mark.parametrize(
    ("day", "at", "session"),
    [
        (18, "00:00", 18), (18, "15:59", 18), (18, "16:00", 18),
        (18, "16:29:59", 18), (18, "16:30", 19),  # nearer to the close, nearer to the opening
        (18, "17:00", 19), (18, "23:59", 19), (17, "17:00", 18),
    ],
)  # fmt: skip
def test_session_days(day: int, at: str, session: int) -> None:
    days = session_days(np.array([chicago(day, at)]), ES)
    assert np.datetime64(int(days[0]), "D") == np.datetime64(f"2023-12-{session}")


def test_session_days_follow_the_hours_in_force() -> None:
    late = Instrument(
        "X", "X", 1.0, 1.0, timezone="America/Chicago",
        hours=(
            SessionHours(date(2000, 1, 1), time(9), time(15)),
            SessionHours(date(2023, 12, 19), time(17), time(16)),
            SessionHours(date(2023, 12, 21), time(9), time(15)),
        ),
    )  # fmt: skip
    when = np.array([chicago(d, "20:00") for d in (17, 18, 19, 20, 21)])
    # the evening of the 18th is the first of the long sessions, that of the 19th the last one
    days = session_days(when, late).astype("datetime64[D]").astype(object)
    assert [d.day for d in days] == [17, 19, 20, 20, 21]


def test_local_days_stay_where_the_session_is_of_one_day() -> None:
    wdo = instrument("WDOU25")
    night = np.array([int(datetime(2025, 8, 16, 2, tzinfo=UTC).timestamp()) * 10**9])
    assert str(np.datetime64(int(session_days(night, wdo)[0]), "D")) == "2025-08-15"


def test_markers() -> None:
    out = with_sessions(
        trades((18, "16:45"), (18, "17:00"), (19, "00:30"), (19, "16:00"), (19, "16:10"), (19, "18:00")), ES
    )
    names = {int(p): p.name for p in Phase}
    assert [names[int(e["action"])] if e["kind"] == Kind.SESSION else "trade" for e in out] == [
        "CLOSED", "trade", "OPEN", "trade", "trade", "trade", "CLOSED", "trade", "OPEN", "trade", "CLOSED",
    ]  # fmt: skip


def test_quality() -> None:
    # silence over the daily break is none; silence over midnight is
    report = validate(trades((18, "15:59"), (18, "17:01"), (18, "23:00"), (19, "01:00"), (20, "15:00")), ES)
    gaps = [f for f in report.findings if f.check == "gap"]
    assert [f.count for f in gaps] == [2]  # 17:01 to 23:00, 23:00 to 01:00; the next day is another session
    assert report.sessions == 3
    assert [f.check for f in report.findings] == ["gap"]


def test_the_lake_keeps_a_session_together(tmp_path: Path) -> None:
    events = trades((18, "15:00"), (18, "16:50"), (18, "20:00"), (19, "09:00"), (19, "17:30"))
    lake = Lake(tmp_path)
    with lake.writer(ES, source="test") as writer:
        writer.add(events)
    assert lake.dates("ESH4") == [date(2023, 12, day) for day in (18, 19, 20)]
    assert lake.read("ESH4", date(2023, 12, 19), date(2023, 12, 19)).tobytes() == events[1:4].tobytes()
    assert lake.read("ESH4").tobytes() == events.tobytes()


def test_real_sessions_of_the_mini_sp(shared_data: Callable[[str], Path]) -> None:
    given = {
        "tick_size": 0.25, "point_value": 50.0, "currency": "USD", "timezone": "America/Chicago",
        "hours": [{"open": "17:00", "close": "16:00"}],
    }  # fmt: skip
    settings = with_instrument(load_settings(env_file=None), "ESH4", given)
    path = shared_data("cme_es_mbo_20231225") / "esh4_mbo_20231225.parquet"
    loaded = load_events(path, "ESH4", settings, sessions=False)
    report = validate(loaded.events, loaded.instrument, books={Kind.ORDER: _fallback.OrderBook()})
    assert report.valid
    crossed = [f for f in report.findings if f.check == "book" and "crosses" in f.message]
    assert [(f.severity, f.count) for f in crossed] == [("info", 1)]  # the auction before the opening
    marked = with_sessions(loaded.events, loaded.instrument)
    markers = marked[marked["kind"] == Kind.SESSION]
    opening = markers[markers["action"] == Phase.OPEN]["ts_event"][-1]
    assert datetime.fromtimestamp(int(opening) // 10**9, UTC) == datetime(2023, 12, 25, 23, tzinfo=UTC)
