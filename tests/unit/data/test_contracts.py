"""Contract calendar against contracts and sessions that are known."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, time

import pytest

from quantumtrader.config import SessionSettings, Settings, load_settings, with_instrument
from quantumtrader.data.calendar import Calendar
from quantumtrader.data.contracts import (
    expiry,
    front_contract,
    instrument,
    is_series,
    last_trading_day,
    near_rolls,
    parse_symbol,
)
from quantumtrader.exceptions import ConfigError, UnknownInstrumentError
from quantumtrader.types import SessionHours


@pytest.mark.parametrize(
    ("product", "day", "contract"),
    [
        ("WDO", "2025-08-01", "WDOU25"),  # first business day: WDOQ25 has expired
        ("WDO", "2025-08-15", "WDOU25"),
        ("WDO", "2025-07-31", "WDOQ25"),
        ("WDO", "2025-12-31", "WDOF26"),
        ("WDO", "2026-01-01", "WDOF26"),  # holiday: the first business day is the 2nd
        ("WDO", "2026-01-02", "WDOG26"),
        ("WDO", "2020-04-02", "WDOK20"),
        ("DOL", "2020-04-02", "DOLK20"),
        ("DOL", "2020-03-31", "DOLJ20"),
        ("WIN", "2025-10-14", "WINV25"),
        ("WIN", "2025-10-15", "WINV25"),
        ("WIN", "2025-10-16", "WINZ25"),
        ("WIN", "2025-12-17", "WINZ25"),
        ("WIN", "2025-12-18", "WING26"),
        ("IND", "2025-08-12", "INDQ25"),
    ],
)
def test_front_contract(product: str, day: str, contract: str) -> None:
    assert front_contract(product, date.fromisoformat(day)) == contract


@pytest.mark.parametrize(
    ("symbol", "day"),
    [
        ("WDOU25", "2025-09-01"),
        ("DOLK20", "2020-05-04"),  # 1 May is a holiday, then a weekend
        ("WINV25", "2025-10-15"),
        ("WINZ25", "2025-12-17"),
        ("WING26", "2026-02-18"),  # Ash Wednesday: B3 opens late but trades
        ("WINQ25", "2025-08-13"),
        ("WINM22", "2022-06-15"),
        ("WINV22", "2022-10-13"),  # Wednesday 12 October is a holiday
    ],
)
def test_expiry(symbol: str, day: str) -> None:
    assert expiry(symbol) == date.fromisoformat(day)


def test_last_trading_day() -> None:
    assert last_trading_day("WDOU25") == date(2025, 8, 29)
    assert last_trading_day("WINV25") == date(2025, 10, 15)


def test_front_contract_never_goes_back() -> None:
    calendar = Calendar()
    for product in ("WDO", "WIN"):
        expiries = [
            expiry(front_contract(product, day, calendar), calendar)
            for day in calendar.business_days(date(2024, 1, 1), date(2026, 10, 30))
        ]
        assert expiries == sorted(expiries)


@pytest.mark.parametrize(("year", "sessions"), [(2025, 250), (2026, 247), (2027, 249)])
def test_sessions_of_a_year(year: int, sessions: int) -> None:
    assert len(Calendar().business_days(date(year, 1, 1), date(year, 12, 31))) == sessions


def test_session_bounds_are_utc() -> None:
    bounds = Calendar().session(instrument("DOLK20"), date(2020, 4, 2))
    assert bounds is not None
    utc = [datetime.fromtimestamp(ns / 1e9, UTC).isoformat() for ns in (bounds.open_ns, bounds.close_ns)]
    assert utc == ["2020-04-02T12:00:00+00:00", "2020-04-02T21:00:00+00:00"]
    summer = Calendar().session(instrument("WDO$"), date(2018, 1, 2))
    assert summer is not None  # UTC-2 in the summer of 2018
    assert datetime.fromtimestamp(summer.open_ns / 1e9, UTC).hour == 11


def test_late_opening_on_ash_wednesday() -> None:
    bounds = Calendar().session(instrument("WDOH25"), date(2025, 3, 5))
    assert bounds is not None
    assert datetime.fromtimestamp(bounds.open_ns / 1e9, UTC).hour == 16  # 13:00 in São Paulo


def test_no_session_on_a_holiday_or_weekend() -> None:
    calendar = Calendar()
    assert calendar.session(instrument("WDOU25"), date(2025, 9, 7)) is None
    assert calendar.session(instrument("WDOX25"), date(2025, 11, 20)) is None
    assert calendar.holiday(date(2025, 11, 20)) == "Black Awareness"


def test_years_without_published_holidays_are_refused() -> None:
    with pytest.raises(ConfigError, match="2018 to 2027, not for 2031-01-01"):
        Calendar().is_business_day(date(2031, 1, 1))


def test_symbols() -> None:
    assert parse_symbol("wdou25").month == 9
    assert parse_symbol("WDOFUT").is_series
    assert parse_symbol("WIN$N").product == "WIN"
    assert not parse_symbol("DOLK20").is_series
    assert is_series(instrument("WDO@"))
    with pytest.raises(UnknownInstrumentError, match="month letters are GJMQVZ"):
        parse_symbol("WINF25")


def test_table_instrument() -> None:
    wdo, win = instrument("WDOU25"), instrument("WINV25")
    assert (wdo.product, wdo.tick_size, wdo.tick_value, wdo.lot) == ("WDO", 0.5, 5.0, 1)
    assert (win.tick_size, win.tick_value) == (5.0, 1.0)
    assert instrument("DOLK20").lot == 5


def test_unknown_instrument_shows_how_to_define_one() -> None:
    with pytest.raises(UnknownInstrumentError, match=r"\[instruments.AAPL\]\ntick_size"):
        instrument("AAPL")
    with pytest.raises(
        UnknownInstrumentError,
        match=r"--tick-size, --point-value and --currency(?s:.*)in Python with quantumtrader.Instrument",
    ):
        instrument("AAPL")


def settings(symbol: str, **given: object) -> Settings:
    return with_instrument(
        Settings.model_construct(instruments={}, sessions=SessionSettings()), symbol, given
    )


def test_an_instrument_of_ones_own() -> None:
    own = instrument("esh4", settings("ESH4", tick_size=0.25, point_value=50.0, currency="USD"))
    assert (own.symbol, own.product, own.tick_value, own.currency, own.hours) == (
        "ESH4",
        "ESH4",
        12.5,
        "USD",
        (),
    )
    with pytest.raises(
        ConfigError, match=r"ESH4 lacks point_value and currency: .* or give --point-value and --currency"
    ):
        instrument("ESH4", settings("ESH4", tick_size=0.25))
    with pytest.raises(ConfigError, match=r"instrument ESH4: tick_size: .*greater than 0 \(got -1"):
        settings("ESH4", tick_size=-1)


def test_what_the_user_says_beats_the_table() -> None:
    table = instrument("WDOU25")
    assert instrument("WDOU25", settings("wdou25", fee=1.5)) == dataclasses.replace(table, fee=1.5)
    both = with_instrument(settings("WDO", fee=1.0, lot=2), "WDOU25", {"fee": 3.0, "lot": None})
    assert instrument("WDOU25", both) == dataclasses.replace(table, fee=3.0, lot=2)
    assert instrument("WDOFUT", both).fee == 1.0
    hours = [{"open": "10:00", "close": "12:00"}]
    assert instrument("WDOU25", settings("WDOU25", hours=hours)).hours == (
        SessionHours(date(1970, 1, 1), time(10), time(12)),
    )


def test_currency_and_zone_are_never_assumed() -> None:
    numbers = {"tick_size": 0.01, "point_value": 1.0}
    with pytest.raises(
        ConfigError, match=r"AAPL lacks currency: add it to \[instruments.AAPL\], or give --currency"
    ):
        instrument("AAPL", settings("AAPL", **numbers))
    hours = [{"open": "09:30", "close": "16:00"}]
    with pytest.raises(ConfigError, match=r"AAPL lacks timezone: .* --timezone"):
        instrument("AAPL", settings("AAPL", **numbers, currency="USD", hours=hours))
    always_open = instrument("AAPL", settings("AAPL", **numbers, currency="USD"))
    assert (always_open.currency, always_open.timezone) == ("USD", "UTC")
    assert (instrument("WDOU25").currency, instrument("WDOU25").timezone) == ("BRL", "America/Sao_Paulo")


def test_fees_come_from_the_schedule_of_the_product() -> None:
    schedule = {"wdo": {"exchange": 0.5, "broker": 0.25}, "WDOV25": {"broker": 0.125}}
    known = load_settings(env_file=None, fees=schedule)
    assert instrument("WDOU25", known).fee == 0.75
    assert instrument("WDOV25", known).fee == 0.125  # a contract of its own beats the product
    assert (instrument("WDOFUT", known).fee, instrument("WINV25", known).fee) == (0.75, 0.0)
    assert instrument("WDOU25", with_instrument(known, "WDOU25", {"fee": 2.0})).fee == 2.0  # --fee
    assert instrument("WDOU25", with_instrument(known, "WDO", {"fee": 1.0})).fee == 1.0
    es = {"tick_size": 0.25, "point_value": 50.0, "currency": "USD", "product": "ES"}
    own = load_settings(env_file=None, fees={"ES": {"broker": 2.25}}, instruments={"ES": es, "ESH4": es})
    assert instrument("ESH4", own).fee == 2.25


def test_a_fee_of_zero_is_known_where_it_was_said() -> None:
    plain = load_settings(env_file=None)
    assert not instrument("WDOU25", plain).fee_known
    said = with_instrument(plain, "WDOU25", {"fee": 0.0})
    scheduled = load_settings(env_file=None, fees={"WDO": {"broker": 0.0}})
    for settings_of in (said, scheduled, with_instrument(plain, "WDO", {"fee": 1.0})):
        assert instrument("WDOU25", settings_of).fee_known
    assert not instrument("WDOU25", with_instrument(plain, "WDOU25", {"lot": 2})).fee_known
    own = {"tick_size": 0.25, "point_value": 50.0, "currency": "USD"}
    assert not instrument("ES", with_instrument(plain, "ES", own)).fee_known
    assert instrument("ES", with_instrument(plain, "ES", {**own, "fee": 0.0})).fee_known


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"WDOO": {"broker": 1.0}}, "fees.WDOO"),
        ({"WDO": {"broker": -1.0}}, "fees.WDO.broker"),
        ({"WDO": {"b3": 1.0}}, "b3"),
    ],
)
def test_bad_fees(schedule: dict[str, dict[str, float]], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        instrument("WDOU25", load_settings(env_file=None, fees=schedule))


def test_sessions_near_a_roll() -> None:
    """WDOU25 is in front through Friday, August 29; WINV25 through Wednesday, October 15."""

    def near(product: str, *days: str) -> list[bool]:
        found = near_rolls(product, [date.fromisoformat(day) for day in days], 2)
        return list(found.values())

    august = (
        "2025-08-26",
        "2025-08-27",
        "2025-08-28",
        "2025-08-29",
        "2025-09-01",
        "2025-09-02",
        "2025-09-03",
    )
    assert near("WDO", *august) == [False, True, True, True, True, True, False]
    october = (
        "2025-10-10",
        "2025-10-13",
        "2025-10-14",
        "2025-10-15",
        "2025-10-16",
        "2025-10-17",
        "2025-10-20",
    )
    assert near("WIN", *october) == [False, True, True, True, True, True, False]
    assert near("WIN", "2025-08-29") == [False]
    first, last = Calendar().years
    assert near_rolls("WDO", [date(first, 1, 2), date(last, 12, 1)], 2) == {}  # who knows
