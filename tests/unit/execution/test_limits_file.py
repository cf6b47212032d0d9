"""Limits for real orders: the file states each one, and every mistake is in one message."""

from __future__ import annotations

import dataclasses
from datetime import time
from pathlib import Path

import pytest

from quantumtrader.config import RiskSettings
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution import RiskLimits, limits_from_config, load_limits

GOOD = """
max_position = 5
max_order_size = 3
daily_loss = 500.0
orders_per_minute = 30
price_collar_ticks = 20
trading_from = "09:15"
trading_to = "off"
approval_age_s = 1.0
max_notional = 300_000.0
max_open_positions = 1
max_trade_risk = 200.0
risk_per_trade = 0.02
capital = "off"
min_risk_reward = 1.5
max_correlated_exposure = 400_000.0
correlations = {"WIN/WDO" = -0.6}
unknown_correlation = "one"
min_atr_ticks = "off"
max_atr_ticks = 60
min_realised_volatility = "off"
max_realised_volatility = "off"
max_event_age_s = 5.0
max_book_age_s = 5.0
trading_weekdays = {fri = ["09:30", "16:00"], sat = "off", sun = "off"}
trading_pauses = [["12:00", "12:15"]]
trading_first_minutes = 5
trading_last_minutes = 15
trading_after_auction_s = 60
trading_before_roll_h = 24
"""


def write(path: Path, text: str) -> Path:
    (path / "limits.toml").write_text(text, "utf-8")
    return path / "limits.toml"


def test_settings_and_limits_have_the_same_names_and_defaults() -> None:
    assert RiskSettings().values() == dataclasses.asdict(RiskLimits())


def test_a_complete_file(tmp_path: Path) -> None:
    limits = load_limits(write(tmp_path, GOOD))
    assert (limits.max_position, limits.trading_from, limits.trading_to) == (5, time(9, 15), None)
    assert limits.correlations == {"WDO/WIN": -0.6}
    assert limits.trading_weekdays == {"fri": (time(9, 30), time(16)), "sat": None, "sun": None}
    assert limits.trading_pauses == ((time(12), time(12, 15)),)


def test_one_file_for_several_products(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD + "[WIN]\nmax_position = 20\n")
    assert load_limits(file, "WIN").max_position == 20
    assert load_limits(file, "WDO").max_position == 5


def test_every_mistake_in_one_message(tmp_path: Path) -> None:
    text = GOOD.replace("max_position = 5\n", "").replace("daily_loss = 500.0", 'daily_loss = "off"')
    text = text.replace("max_atr_ticks = 60", "max_atr_ticks = -1").replace("capital =", "capitol =")
    text = text.replace('trading_from = "09:15"', "trading_from = 915") + "[WIN]\nmax_positions = 1\n"
    with pytest.raises(ConfigError) as caught:
        load_limits(write(tmp_path, text))
    for part in (
        "limits.toml",
        "missing: max_position, capital",
        'write "off"',
        "capitol: unknown limit",
        "daily_loss: cannot be off",
        "max_atr_ticks: Input should be greater than 0",
        "trading_from: write a time of day",
        "WIN.max_positions: unknown limit",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"WIN/WDO" = -0.6', '"WINWDO" = -0.6', "no pair"),
        ('"WIN/WDO" = -0.6', '"WIN/WDO" = -1.6', "expected -1 to 1"),
        ("fri = [", "friday = [", "friday needs a weekday"),
        ('min_atr_ticks = "off"', "min_atr_ticks = 61", "above max_atr_ticks"),
        ("risk_per_trade = 0.02", "risk_per_trade = 2.0", "less than or equal to 1"),
        ("risk_per_trade = 0.02", "risk_per_trade = nan", "got nan"),
        ('["12:00", "12:15"]', '["12:00", "12:00"]', "different times"),
        ('"one"', '"zero"', "unknown_correlation"),
    ],
)
def test_values_out_of_range(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=message):
        load_limits(write(tmp_path, GOOD.replace(old, new)))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="real orders need one"):
        load_limits(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_limits(write(tmp_path, "max_position = = 5"))


def test_the_example_is_complete(root: Path) -> None:
    assert load_limits(root / "examples" / "limits.toml", "WIN").max_position == 20


def test_limits_of_a_configuration_dictionary() -> None:
    assert limits_from_config({"symbol": "WDOU25"}) == RiskLimits(risk_per_trade=0.02)
    given = {
        "risk_per_trade": 0.01,
        "trading": {"symbol": "WDO", "risk_per_trade": 0.03},
        "risk": {"daily_loss": 300},
    }
    assert limits_from_config(given) == RiskLimits(risk_per_trade=0.03, daily_loss=300)
    assert limits_from_config({"risk_per_trade": 0.01}).risk_per_trade == 0.01
    with pytest.raises(ConfigError, match=r"risk\.max_position: .*; risk\.daily_los: unknown setting"):
        limits_from_config({"risk": {"daily_los": 1, "max_position": -1}})
    for wrong in ({"risk": 5}, {"risk_per_trade": 2}, {"risk_per_trade": float("nan")}):
        with pytest.raises(ConfigError, match="config"):
            limits_from_config(wrong)
