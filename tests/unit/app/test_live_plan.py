"""What a session needs: everything that is missing is named at once; contracts, notices, folders."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from live_world import Market, session
from quantumtrader import _backend
from quantumtrader.app.live import RunRequest, plan_run
from quantumtrader.app.live.plan import _with_ticker
from quantumtrader.config import LiveSettings, ProfitSettings, Settings
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution import RiskLimits, limits_from_config
from quantumtrader.execution.risk.limits import OPTIONAL

DLL = Path("C:/Profit/ProfitDLL.dll")

needs_rust = pytest.mark.skipif(
    _backend.engine().name != "rust",
    reason="real orders on the Python engine are refused unless a setting allows them",
)


@pytest.fixture(autouse=True)
def _nothing_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("USERNAME", "ACTIVATION_KEY", "PASSWORD", "SIGNATURE"):
        monkeypatch.delenv(f"QT_PROFIT__{name}", raising=False)
    monkeypatch.setattr(
        "quantumtrader.profitdll.credentials.credentials_file", lambda: tmp_path / "none.toml"
    )


def _settings(tmp_path: Path, **live: object) -> Settings:
    return Settings(live=LiveSettings(folder=tmp_path / "live", **live))


def _limits_file(path: Path, **changes: str) -> Path:
    lines = dict.fromkeys(OPTIONAL, '"off"')
    for name in RiskLimits.__dataclass_fields__:
        if name not in lines:
            value = getattr(RiskLimits(), name)
            lines[name] = f'"{value}"' if isinstance(value, str) else str(value)
    lines.update(changes)
    path.write_text("".join(f"{k} = {v}\n" for k, v in lines.items()), "utf-8")
    return path


def test_real_orders_name_everything_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_run(_settings(tmp_path), RunRequest(real=True, dll_path=DLL, ticker="WDOX26"))
    text = str(caught.value)
    for part in ("an account", "a limits file", "username, activation_key, password, signature"):
        assert part in text
    assert not (tmp_path / "live").exists(), "nothing is made for a session that cannot be"


@pytest.mark.parametrize("account", ["1001", "x:1001", "15003:", "15003 1001"])
def test_an_account_has_a_broker(account: str, tmp_path: Path) -> None:
    limits = _limits_file(tmp_path / "limits.toml")
    with pytest.raises(ConfigError, match="an account as BROKER:ACCOUNT"):
        plan_run(_settings(tmp_path), RunRequest(real=True, account=account, limits=limits))


def test_a_limits_file_with_a_hole_is_no_limits_file(tmp_path: Path) -> None:
    limits = _limits_file(tmp_path / "limits.toml")
    limits.write_text(limits.read_text("utf-8").replace("daily_loss", "# daily_loss"), "utf-8")
    with pytest.raises(ConfigError, match=r"a complete limits file .*missing: daily_loss"):
        plan_run(_settings(tmp_path), RunRequest(real=True, account="15003:1001", limits=limits))


def test_real_orders_on_the_python_engine_need_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = _limits_file(tmp_path / "limits.toml")
    request = RunRequest(real=True, account="15003:1001", limits=limits)
    python = replace(_backend.engine(), name="python")
    monkeypatch.setattr(_backend, "engine", lambda: python)
    with pytest.raises(ConfigError, match="the Rust engine, or"):
        plan_run(_settings(tmp_path), request, source=Market(session()))
    plan_run(_settings(tmp_path, python_engine_orders=True), request, source=Market(session()))


@needs_rust
def test_a_complete_real_session_is_planned_and_the_simulator_counts_as_synthetic(tmp_path: Path) -> None:
    limits = _limits_file(tmp_path / "limits.toml", daily_loss="321.0")
    planned = plan_run(_settings(tmp_path), RunRequest(real=True, account="15003:1001", limits=limits))
    spec = planned.run.spec
    assert (spec.mode, spec.account, spec.limits.daily_loss) == ("real", "15003:1001", 321.0)
    assert not spec.loop.alone, "what else trades on a real account is not known"
    assert any(n.startswith("SYNTHETIC") for n in planned.notices)


def test_paper_takes_the_settings_and_needs_nothing(tmp_path: Path) -> None:
    planned = plan_run(_settings(tmp_path))
    spec = planned.run.spec
    assert (spec.mode, spec.account, spec.instrument.symbol) == ("paper", "paper", "WDOU25")
    assert spec.loop.alone
    assert planned.folder.is_dir()
    assert plan_run(_settings(tmp_path)).folder != planned.folder


@pytest.mark.parametrize(
    ("ticker", "day", "contract"),
    [
        ("WDO", date(2025, 8, 15), "WDOU25"),
        ("wdofut", date(2026, 10, 9), "WDOX26"),
        ("WIN", date(2025, 10, 15), "WINV25"),
        ("WDOX26", None, "WDOX26"),
    ],
)
def test_a_product_is_the_front_contract_of_the_day(
    ticker: str, day: date | None, contract: str, tmp_path: Path
) -> None:
    planned = plan_run(_settings(tmp_path), RunRequest(ticker=ticker, day=day), source=Market(session()))
    assert planned.run.spec.instrument.symbol == contract
    assert contract in planned.folder.name


def test_the_last_moment_of_a_contract_is_known(tmp_path: Path) -> None:
    planned = plan_run(_settings(tmp_path), RunRequest(ticker="WDOU25"), source=Market(session()))
    # WDOU25 expires on 1 September 2025 and last trades on Friday, 29 August.
    assert planned.run.spec.loop.roll_ts is not None
    assert date.fromtimestamp(planned.run.spec.loop.roll_ts / 1e9) == date(2025, 8, 29)


def test_the_vendors_library_needs_a_ticker_and_takes_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="which contract"):
        plan_run(_settings(tmp_path), RunRequest(dll_path=DLL))
    with pytest.raises(ConfigError, match="a scenario is for the simulator"):
        plan_run(_settings(tmp_path), RunRequest(dll_path=DLL, scenario=tmp_path / "x.toml"))


def test_a_strategy_that_does_not_exist_is_refused_before_anything_is_connected(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no strategy 'x'"):
        plan_run(_settings(tmp_path), RunRequest(strategy="x"))
    with pytest.raises(ConfigError, match="has no parameter"):
        plan_run(_settings(tmp_path), RunRequest(parameters={"no": "1"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", '[market]\nticker = "WDOX26"\n'),
        ("[market]\nseed = 3\n", '[market]\nticker = "WDOX26"\n\nseed = 3\n'),
        ('[market]\nticker = "WINV26"\n', '[market]\nticker = "WINV26"\n'),
        ('[market]\nsource = "journal"\n', '[market]\nsource = "journal"\n'),
        ("[login]\n", '[login]\n\n[market]\nticker = "WDOX26"\n'),
    ],
)
def test_a_generated_market_is_of_the_contract(text: str, expected: str) -> None:
    assert _with_ticker(text, "WDOX26") == expected


class TestLegacy:
    def test_known_keys_become_settings(self) -> None:
        settings, unused = Settings.from_legacy(
            {
                "dll_path": "C:/Profit/ProfitDLL.dll",
                "username": "ana",
                "password": "not-shown",
                "key": "not-shown-either",
                "historical_days": 2,
                "trading": {"symbol": "wdo", "risk_per_trade": 0.01},
                "LOG_LEVEL": "DEBUG",
            }
        )
        assert settings.profit.dll_path == Path("C:/Profit/ProfitDLL.dll")
        assert settings.profit.as_environment()["QT_PROFIT__PASSWORD"] == "not-shown"
        assert (settings.live.ticker, settings.live.historical_days) == ("WDO", 2)
        assert settings.risk.risk_per_trade == 0.01
        assert settings.logging.level == "DEBUG"
        assert unused == ()
        assert "not-shown" not in repr(settings)

    def test_keys_of_later_rooms_are_told(self) -> None:
        later = [
            "models_dir",
            "ml_interval",
            "use_gui",
            "use_book_features",
            "zmq",
            "valkey",
            "flow",
            "agents",
        ]
        _, unused = Settings.from_legacy({key: {} for key in later})
        assert [text.split()[0] for text in unused] == later

    def test_unknown_keys_are_named(self) -> None:
        with pytest.raises(ConfigError, match=r"unknown dll_pth, trading.simbol;"):
            Settings.from_legacy({"dll_pth": "x", "trading": {"simbol": "WDO"}})

    def test_values_out_of_range_are_named(self) -> None:
        with pytest.raises(ConfigError, match=r"live\.historical_days.*risk\.risk_per_trade"):
            Settings.from_legacy({"historical_days": -1, "risk_per_trade": 7})

    def test_a_password_never_reaches_a_message(self) -> None:
        with pytest.raises(ConfigError) as caught:
            Settings.from_legacy({"password": ["hunter2-hunter2"]})
        assert "hunter2" not in str(caught.value)

    def test_limits_are_those_of_the_risk_room(self) -> None:
        config = {"trading": {"risk_per_trade": 0.03}, "risk": {"daily_loss": 250.0}}
        settings, _ = Settings.from_legacy(config)
        assert RiskLimits(**settings.risk.values()) == limits_from_config(config)


@needs_rust
def test_settings_of_profit_reach_the_source(tmp_path: Path) -> None:
    settings = Settings(profit=ProfitSettings(account="15003:1001"), live=LiveSettings(folder=tmp_path))
    limits = _limits_file(tmp_path / "limits.toml")
    planned = plan_run(settings, RunRequest(real=True, limits=limits), source=Market(session()))
    assert planned.run.spec.account == "15003:1001"
