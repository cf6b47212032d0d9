"""From settings and wishes to a session that can be run, or to everything that is missing for it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from quantumtrader import _backend
from quantumtrader.app.fit_notes import fit_notes
from quantumtrader.app.live.gateway_source import GatewaySource
from quantumtrader.app.live.loop import LoopSettings
from quantumtrader.app.live.profit_source import ProfitSource
from quantumtrader.app.live.runner import LiveRun, RunSettings, new_folder
from quantumtrader.app.live.session_source import SYNTHETIC
from quantumtrader.app.live.source import EventSource
from quantumtrader.app.live.spec import PaperSettings, SessionSpec, strategy_hash
from quantumtrader.app.vendor_source import session_options
from quantumtrader.clock import LiveClock
from quantumtrader.data.calendar import Calendar
from quantumtrader.data.contracts import front_contract, instrument, last_trading_day, parse_symbol
from quantumtrader.exceptions import ConfigError, UnknownInstrumentError
from quantumtrader.execution import (
    ForeignPolicy,
    ManagerSettings,
    ReconcileSettings,
    RiskLimits,
    StopMode,
    bind_strategy,
    load_limits,
    make_strategy,
)
from quantumtrader.features import DetectorSettings, FeatureEngine
from quantumtrader.features.given import given_detectors, given_fits
from quantumtrader.profitdll.credentials import Credentials, load_credentials
from quantumtrader.types import Instrument

if TYPE_CHECKING:
    from quantumtrader.config import Settings

__all__ = ["Planned", "RunRequest", "plan_run"]

_SIMULATED_DAY = date(2025, 8, 4)
"""Of the sessions that the simulator generates."""
_ACCOUNT = re.compile(r"\d+:[^:\s]+(:[^:\s]+)?")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What is wished for one session; empty values leave it to the settings.

    Parameters
    ----------
    ticker : str
        As in ``[live] ticker``.
    strategy : str
        As in ``make_strategy``.
    parameters : mapping
        Of the strategy.
    real : bool
        Whether orders are real.
    account : str
        ``BROKER:ACCOUNT``.
    limits : Path, optional
        File with every limit.
    gateway : str
        Folder of a running ``quantumtrader gateway``, or ``default`` for the user's; empty: the library is in this process.
    dll_path : Path, optional
        The vendor's library or its folder.
    scenario : Path, optional
        TOML for the simulator.
    duration_s : float, optional
        Stop after so long, in seconds.
    clear_halt : str
        Name of the person who decided to trade again after a halt.
    out : Path, optional
        Folder of sessions.
    day : date, optional
        Of the contract, where the ticker names a product; today's.
    fitted : tuple of Path
        Files of ``quantumtrader fit``, in place of ``[fitted]``.
    detector_settings : Path or DetectorSettings, optional
        TOML of detector thresholds, or what it says, in place of ``[detectors]``.
    """

    ticker: str = ""
    strategy: str = ""
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    real: bool = False
    account: str = ""
    limits: Path | None = None
    gateway: str = ""
    dll_path: Path | None = None
    scenario: Path | None = None
    duration_s: float | None = None
    clear_halt: str = ""
    out: Path | None = None
    day: date | None = None
    fitted: tuple[Path, ...] = ()
    detector_settings: Path | DetectorSettings | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Planned:
    """A session that only has to be run, and what its owner should know before."""

    run: LiveRun
    folder: Path
    notices: tuple[str, ...]


def plan_run(
    settings: Settings, request: RunRequest | None = None, *, source: EventSource | None = None
) -> Planned:
    """Plan a session and make its folder; nothing is connected yet.

    Parameters
    ----------
    settings : Settings
        Of the user.
    request : RunRequest, optional
        What differs.
    source : EventSource, optional
        In place of the library.

    Raises
    ------
    ConfigError
        Something is missing or wrong; for real orders the message names all of it.
    ManifestError
        The strategy is a model that was trained on other rows: it reads a fit that is not given, for example.
    """
    request = request or RunRequest()
    live, profit = settings.live, settings.profit
    gateway = request.gateway or live.gateway
    if gateway and (request.dll_path or request.scenario):
        raise ConfigError(
            "the gateway has the library: give --dll or --scenario to `quantumtrader gateway`, not to the one who trades"
        )
    scenario = None if gateway else request.scenario or profit.scenario
    dll_path = None if gateway else request.dll_path or profit.dll_path
    if dll_path is not None and scenario is not None:
        raise ConfigError(
            "a scenario is for the simulator: leave it out, or leave the path of the library out"
        )
    simulated = dll_path is None and not gateway
    notices: list[str] = []
    symbol = _contract(request.ticker or live.ticker, scenario, simulated, request.day, settings, notices)
    traded = instrument(symbol, settings)
    account = request.account or profit.account
    limits_file = request.limits or live.limits
    credentials = Credentials()
    if source is None and not gateway:
        credentials = load_credentials(environ={**os.environ, **profit.as_environment()})
    if request.real:
        limits = _for_real(
            settings, traded, account, limits_file, None if simulated or gateway else credentials
        )
    else:
        limits = (
            load_limits(limits_file, traded.product)
            if limits_file is not None
            else RiskLimits(**settings.risk.values())
        )
        account = "paper"
    strategy = request.strategy or live.strategy
    parameters = dict(live.parameters) if strategy == live.strategy else {}
    parameters.update(request.parameters)
    made = make_strategy(strategy, **parameters)  # complains before anything is connected
    fits = given_fits(settings, traded, request.fitted)
    detectors = given_detectors(settings, request.detector_settings)
    spec = SessionSpec(
        mode="real" if request.real else "paper",
        account=account,
        instrument=traded,
        limits=limits,
        strategy=strategy,
        parameters=parameters,
        loop=LoopSettings(
            clock=live.clock,
            features=live.features,
            flatten_before_s=live.flatten_before_s,
            late_sample_s=live.late_sample_s,
            alone=live.alone or not request.real,
            capital=live.capital,
            roll_ts=_roll_ts(traded, settings),
            paper_latency_ns=round(live.latency_ms * 1e6),
            fitted=fits.given,
            detectors=detectors,
        ),
        manager=ManagerSettings(
            ReconcileSettings(
                foreign_orders=ForeignPolicy(live.foreign), foreign_position=ForeignPolicy(live.foreign)
            )
        ),
        paper=PaperSettings(latency_ns=round(live.latency_ms * 1e6), queue=live.queue),
        strategy_hash=strategy_hash(strategy),
    )
    if simulated:
        notices.append(SYNTHETIC)
    notices.append(f"strategy {made.name}: {made.rule}")
    day = request.day or (_SIMULATED_DAY if simulated else _today())
    until, before = fits.series_until(traded), Calendar(settings).previous_session(traded, day)
    stale = until is not None and before is not None and until < before
    notices += fit_notes(fits, (*made.features, *live.features), stale=stale)
    if source is None and gateway:
        folder = None if gateway == "default" else Path(gateway)
        source = GatewaySource(folder, day_trade=live.day_trade, disconnected_s=live.disconnect_halt_s)
        notices.append("the library is in the gateway's process: dll_path and scenario are its affair")
    elif source is None:
        options = session_options(
            settings.model_copy(update={"profit": profit.model_copy(update={"scenario": scenario})})
        )
        if simulated:
            options = replace(options, scenario=_with_ticker(options.scenario, symbol))
        source = ProfitSource(
            dll_path,
            options,
            credentials,
            day_trade=live.day_trade,
            native=_backend.engine().name == "rust",
            disconnected_s=live.disconnect_halt_s,
        )
    # Whoever refuses these rows does so before there is a folder: another object trades.
    columns = tuple(dict.fromkeys((*made.features, *live.features)))
    rows = FeatureEngine(
        columns, traded, live.clock or made.clock, detectors=detectors, fitted=spec.loop.fitted
    )
    bind_strategy(made, traded, rows.manifest.to_json(), real_money=request.real)
    root = request.out or live.folder
    folder = new_folder(root, f"{_today():%Y-%m-%d}_{symbol}")
    run = LiveRun(spec, source, _run_settings(settings, request, root, folder, symbol, account))
    return Planned(run, folder, tuple(notices))


def _run_settings(
    settings: Settings, request: RunRequest, root: Path, folder: Path, symbol: str, account: str
) -> RunSettings:
    live = settings.live
    name = f"{re.sub(r'[^A-Za-z0-9]+', '-', account)}_{symbol}"
    return RunSettings(
        folder=folder,
        kill_file=root / f"{name}.kill" if request.real else folder / "kill",
        orders=root / f"{name}.orders" if request.real else None,
        on_stop=StopMode(live.on_stop),
        stop_timeout_s=live.stop_timeout_s,
        duration_s=request.duration_s,
        late_s=live.worker_late_s,
        min_free_bytes=live.min_free_mb * 1_000_000,
        history_days=live.historical_days,
        history_timeout_s=live.history_timeout_s,
        clear_halt=request.clear_halt,
    )


def _for_real(
    settings: Settings,
    traded: Instrument,
    account: str,
    limits_file: Path | None,
    credentials: Credentials | None,
) -> RiskLimits:
    """Limits for real orders; raises with everything that is missing, at once. No credentials: they are not needed."""
    missing: list[str] = []
    limits = RiskLimits()
    if not account:
        missing.append("an account: --account BROKER:ACCOUNT, or [profit] account")
    elif not _ACCOUNT.fullmatch(account):
        missing.append(f"an account as BROKER:ACCOUNT, for example 15003:1001 (not {account!r})")
    if limits_file is None:
        missing.append("a limits file: --limits FILE, or [live] limits")
    else:
        try:
            limits = load_limits(limits_file, traded.product)
        except ConfigError as error:
            missing.append(f"a complete limits file ({error})")
    if credentials is not None:
        names = [
            n for n in ("username", "activation_key", "password", "signature") if not getattr(credentials, n)
        ]
        if names:
            missing.append(f"credentials: {', '.join(names)} (`quantumtrader credentials set NAME`)")
    if traded.symbol.endswith("FUT"):
        missing.append(f"a contract: the vendor rejects orders on the alias {traded.symbol}")
    if _backend.engine().name != "rust" and not settings.live.python_engine_orders:
        missing.append("the Rust engine, or [live] python_engine_orders = true")
    if missing:
        raise ConfigError("real orders need " + "; ".join(missing))
    return limits


def _contract(
    wanted: str,
    scenario: Path | None,
    simulated: bool,
    day: date | None,
    settings: Settings,
    notices: list[str],
) -> str:
    """Name the contract: as wished, as the scenario plays it, or the front contract of the day."""
    wanted = wanted.strip().upper()
    if not wanted and scenario is not None:
        wanted = _played(scenario)
    if not wanted and not simulated:
        raise ConfigError("which contract? Give --ticker, for example WDOX26 or WDO, or set [live] ticker")
    wanted = wanted or "WDO"
    try:
        parsed = parse_symbol(wanted)
    except UnknownInstrumentError:
        return instrument(wanted, settings).symbol  # one of the user's own, or it says how to define one
    if not parsed.is_series:
        return parsed.text
    day = day or (_SIMULATED_DAY if simulated else _today())
    chosen = front_contract(parsed.product, day, Calendar(settings))
    notices.append(f"{wanted} on {day} is {chosen}")
    return chosen


def _played(scenario: Path) -> str:
    try:
        market: Any = tomllib.loads(scenario.read_text("utf-8")).get("market", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"scenario {scenario} cannot be read: {error}") from error
    tickers = market.get("tickers") or [""]
    return str(market.get("ticker") or tickers[0])


def _with_ticker(scenario: str, symbol: str) -> str:
    """Let a generated market be of the contract, unless the scenario names its own."""
    market: Any = tomllib.loads(scenario).get("market", {})
    if market.get("ticker") or market.get("tickers") or market.get("source") == "journal":
        return scenario
    line = f'ticker = "{symbol}"\n'
    found = re.search(r"^\[market\]\s*$", scenario, re.MULTILINE)
    if found is None:
        return f"{scenario}\n[market]\n{line}" if scenario.strip() else f"[market]\n{line}"
    return f"{scenario[: found.end()]}\n{line}{scenario[found.end() :]}"


def _roll_ts(traded: Instrument, settings: Settings) -> int | None:
    """Last moment of trading of a contract of the table."""
    try:
        if parse_symbol(traded.symbol).is_series:
            return None
        calendar = Calendar(settings)
        bounds = calendar.session(traded, last_trading_day(traded.symbol, calendar))
    except ConfigError:  # a year whose holidays are not published
        return None
    return None if bounds is None else bounds.close_ns


def _today() -> date:
    return (
        datetime.fromtimestamp(LiveClock().now_ns() // 10**9, UTC)
        .astimezone(ZoneInfo("America/Sao_Paulo"))
        .date()
    )
