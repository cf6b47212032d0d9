"""Settings: order of the sources, unknown keys, messages."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from quantumtrader.config import load_settings
from quantumtrader.data.calendar import Calendar
from quantumtrader.data.contracts import instrument
from quantumtrader.exceptions import ConfigError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *a, **k: str(tmp_path / "user"))


def test_defaults() -> None:
    settings = load_settings()
    assert settings.data.lake == Path("data/lake")
    assert settings.instruments == {}


def test_order_of_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "quantumtrader.toml").write_text(
        '[data]\nlake="user"\njournal="user"\n[risk]\nmax_position=1\n'
    )
    assert load_settings().data.lake == Path("user")
    (tmp_path / "quantumtrader.toml").write_text('[data]\nlake="toml"\n[risk]\nmax_order_size=2\n')
    assert load_settings().data.lake == Path("toml")
    (tmp_path / ".env").write_text("QT_DATA__LAKE=dotenv\nOTHER=1\n")
    assert load_settings().data.lake == Path("dotenv")
    monkeypatch.setenv("QT_DATA__LAKE", "env")
    monkeypatch.setenv("QT_TEST_DATA", "not a setting")
    assert load_settings().data.lake == Path("env")
    settings = load_settings(data={"lake": "flag"})
    assert settings.data.lake == Path("flag")
    assert settings.data.journal == Path("user")
    assert (settings.risk.max_position, settings.risk.max_order_size) == (1, 2)


def test_explicit_file(tmp_path: Path) -> None:
    (tmp_path / "quantumtrader.toml").write_text('[data]\nlake="toml"\n')
    (tmp_path / "mine.toml").write_text('[data]\nlake="mine"\n')
    assert load_settings("mine.toml").data.lake == Path("mine")
    with pytest.raises(ConfigError, match=r"none.toml does not exist"):
        load_settings("none.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[data]\nlakes="x"\n', r"data\.lakes: unknown setting"),
        ("[dta]\n", r"dta: unknown setting"),
        ("[risk]\nmax_position=-1\n", r"risk\.max_position: .*greater than 0.*-1"),
        ("[instruments.X]\ntick_size=0\n", r"instruments\.X\.tick_size: Input should be greater than 0"),
        ('[instruments.X]\ntick_size=1\npoint_value=1\ntimezone="Mars"\n', r"timezone: no time zone 'Mars'"),
        ('[[sessions.overrides.WDO]]\nopen="18:00"\nclose="18:00"\n', "opens and closes at 18:00:00"),
        ("[data\n", "not valid TOML"),
    ],
)
def test_bad_settings(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "quantumtrader.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_settings()


def test_unknown_section_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_DTA__LAKE", "x")
    with pytest.raises(ConfigError, match="QT_DTA__LAKE: no section 'dta'"):
        load_settings()


def test_user_instrument_and_sessions(tmp_path: Path) -> None:
    (tmp_path / "quantumtrader.toml").write_text(
        '[instruments.AAPL]\ntick_size=0.01\npoint_value=1.0\ncurrency="USD"\ntimezone="America/New_York"\n'
        'hours=[{from=2000-01-01, open="09:30", close="16:00"}]\nfee=0.005\n'
        '[sessions]\nholidays_extra=[2025-08-15]\n[[sessions.overrides.WDO]]\nfrom=2025-08-01\nopen="10:00"\nclose="17:00"\n'
    )
    settings = load_settings()
    aapl = instrument("aapl", settings)
    assert (aapl.symbol, aapl.tick_size, aapl.currency, aapl.fee) == ("AAPL", 0.01, "USD", 0.005)
    assert aapl.hours[0].open == time(9, 30)
    calendar = Calendar(settings)
    assert calendar.session(aapl, date(2012, 6, 21)) is not None
    wdo = instrument("WDOU25", settings)
    assert calendar.session(wdo, date(2025, 8, 15)) is None
    bounds = calendar.session(wdo, date(2025, 8, 14))
    assert bounds is not None
    assert bounds.close_ns - bounds.open_ns == 7 * 3600 * 10**9
