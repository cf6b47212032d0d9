"""When to record, by the calendar; cases of August 2025 at B3, 09:00 to 18:30 in São Paulo (UTC-3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from quantumtrader.data.contracts import instrument
from quantumtrader.data.schedule import LEAD_NS, TAIL_NS, next_window
from quantumtrader.types import Instrument

WDO, WIN = instrument("WDOU25"), instrument("WINV25")
MINUTE = 60 * 10**9


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def hours(day: str) -> tuple[int, int]:
    from datetime import date

    from quantumtrader.data.calendar import Calendar

    bounds = Calendar().session(WDO, date.fromisoformat(day))
    assert bounds is not None
    return bounds.open_ns - LEAD_NS, bounds.close_ns + TAIL_NS


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2025-08-14 05:00", "2025-08-14"),  # before the opening
        ("2025-08-14 15:00", "2025-08-14"),  # inside the session
        ("2025-08-14 23:30", "2025-08-15"),  # after the close, still the 14th in São Paulo
        ("2025-08-15 23:00", "2025-08-18"),  # Friday evening: Monday
        ("2025-12-24 23:00", "2025-12-26"),  # over Christmas
    ],
)
def test_the_session_that_is_on_or_comes_next(now: str, day: str) -> None:
    window = next_window([WDO], utc(now))
    assert window is not None
    assert str(window.date) == day
    assert (window.start_ns, window.stop_ns) == hours(day)


def test_the_opening_auction_and_the_tail_are_recorded() -> None:
    start, stop = hours("2025-08-14")
    for now, day in ((start - MINUTE, "2025-08-14"), (stop - 1, "2025-08-14"), (stop, "2025-08-15")):
        window = next_window([WDO], now)
        assert window is not None
        assert str(window.date) == day


def test_a_window_spans_every_instrument() -> None:
    early = replace(WDO, hours=tuple(replace(h, open=h.open.replace(hour=8)) for h in WDO.hours))
    both, alone = (
        next_window([WIN, early], utc("2025-08-14 05:00")),
        next_window([WIN], utc("2025-08-14 05:00")),
    )
    assert both is not None
    assert alone is not None
    assert alone.start_ns - both.start_ns == 60 * MINUTE
    late = next_window([WDO], utc("2025-08-14 05:00"))
    assert late is not None
    assert both.stop_ns == max(late.stop_ns, alone.stop_ns) > min(late.stop_ns, alone.stop_ns)


def test_a_market_without_hours_has_no_window() -> None:
    assert next_window([Instrument("BTC", "BTC", 1.0, 1.0, timezone="UTC")], utc("2025-08-14 05:00")) is None


def test_the_session_before_a_date() -> None:
    from datetime import date

    from quantumtrader.data.calendar import Calendar

    calendar = Calendar()
    assert calendar.previous_session(WDO, date(2025, 8, 18)) == date(2025, 8, 15)  # Monday: Friday
    assert calendar.previous_session(WDO, date(2025, 12, 26)) == date(2025, 12, 23)  # over Christmas
    assert calendar.previous_session(WDO, date(1990, 1, 2)) is None  # before any holiday is known
    always = replace(WDO, symbol="X", product="X", hours=())
    assert calendar.previous_session(always, date(2025, 8, 18)) == date(2025, 8, 17)
