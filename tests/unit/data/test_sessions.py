"""Session markers: where they stand, and what they leave alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import numpy as np

from quantumtrader.data.contracts import instrument
from quantumtrader.data.sessions import with_sessions
from quantumtrader.types import EVENT, Events, Flag, Instrument, Kind, Phase, SessionHours

DOL = instrument("DOLK20")  # 09:00 to 18:00, UTC-3


def at(*times: str, day: int = 2) -> Events:
    out = np.zeros(len(times), EVENT)
    out["kind"] = Kind.TRADE
    out["ts_event"] = [
        int(datetime.combine(date(2020, 4, day), time.fromisoformat(t), UTC).timestamp()) * 10**9
        for t in times
    ]
    out["ts_recv"] = out["ts_event"]
    return out


def shape(events: Events) -> list[str]:
    names = {int(p): p.name for p in Phase}
    return [names[int(e["action"])] if e["kind"] == Kind.SESSION else "trade" for e in events]


def test_one_day() -> None:
    out = with_sessions(at("11:59", "12:00", "20:59", "21:00", "21:01"), DOL)
    assert shape(out) == ["CLOSED", "trade", "OPEN", "trade", "trade", "trade", "CLOSED", "trade"]
    assert out["sequence"].tolist() == list(range(8))
    assert out["ts_event"][2] == at("12:00")["ts_event"][0]
    assert (np.diff(out["ts_recv"]) >= 0).all()


def test_two_days_and_a_holiday() -> None:
    # 9 April is a session, 10 April 2020 is Good Friday
    out = with_sessions(
        np.concatenate((at("12:30", "13:00", day=9), at("12:30", day=10), at("14:00", day=13))), DOL
    )
    assert shape(out) == [
        "OPEN", "trade", "trade", "CLOSED", "trade", "OPEN", "trade", "CLOSED",
    ]  # fmt: skip


def test_a_day_with_events_outside_hours_only() -> None:
    assert shape(with_sessions(at("22:00", "23:00"), DOL)) == ["CLOSED", "trade", "trade"]


def test_market_that_never_closes() -> None:
    btc = Instrument("BTC", "BTC", 0.1, 1.0)
    assert shape(with_sessions(at("12:00", "23:00"), btc)) == ["OPEN", "trade", "trade"]


def test_packets_are_not_split() -> None:
    events = at("11:59", "12:00", "12:01")
    events["flags"][0] = int(Flag.MORE)
    assert shape(with_sessions(events, DOL)) == ["CLOSED", "trade", "trade", "OPEN", "trade", "CLOSED"]


def test_markers_of_the_source_stay() -> None:
    events = at("12:00", "13:00")
    events["kind"][0], events["action"][0] = Kind.SESSION, Phase.OPEN
    events["sequence"] = [7, 9]
    out = with_sessions(events, DOL)
    assert shape(out) == ["OPEN", "trade", "CLOSED"]  # the close is added: the source has none
    assert out["sequence"].tolist() == [0, 1, 2]


def test_markers_of_the_source_count_for_their_own_date() -> None:
    events = np.concatenate((at("12:30", "13:00", day=2), at("12:30", "13:00", "22:00", day=3)))
    events["kind"][0], events["action"][0] = Kind.SESSION, Phase.OPEN
    out = with_sessions(events, DOL)
    assert shape(out) == ["OPEN", "trade", "CLOSED", "OPEN", "trade", "trade", "CLOSED", "trade"]
    events["action"][0] = Phase.CLOSED  # overnight, before the opening of the next date
    events["ts_event"][0] = events["ts_recv"][0] = at("11:00", day=2)["ts_event"][0]
    out = with_sessions(events, DOL)
    assert shape(out) == ["CLOSED", "OPEN", "trade", "CLOSED", "OPEN", "trade", "trade", "CLOSED", "trade"]


def test_a_close_of_the_source_is_not_repeated() -> None:
    events = at("12:30", "13:00", "20:00")
    events["kind"][2], events["action"][2] = Kind.SESSION, Phase.CLOSED
    assert shape(with_sessions(events, DOL)) == ["OPEN", "trade", "trade", "CLOSED"]


def test_a_recording_that_starts_late_opens_at_the_official_time() -> None:
    out = with_sessions(at("15:00", "15:01"), DOL)
    assert shape(out) == ["OPEN", "trade", "trade", "CLOSED"]
    assert out["ts_event"][0] == at("12:00")["ts_event"][0]


def test_receive_clock_behind_the_exchange() -> None:
    events = at("11:59", "12:01")
    events["ts_recv"] -= 3_600 * 10**9
    out = with_sessions(events, DOL)
    assert (np.diff(out["ts_recv"]) >= 0).all()


def test_last_bar_ends_with_the_session() -> None:
    bars = at("12:05", "21:00")
    bars["kind"] = Kind.BAR
    hours = (SessionHours(date(2020, 1, 1), time(9), time(18)),)
    own = Instrument("X", "X", 0.5, 1.0, hours=hours)
    out = with_sessions(bars, own)
    assert out["kind"].tolist() == [Kind.SESSION, Kind.BAR, Kind.BAR, Kind.SESSION]


def test_empty() -> None:
    assert len(with_sessions(np.zeros(0, EVENT), DOL)) == 0
