"""Settings, from the strongest source to the weakest.

Command-line flag, environment (``QT_DATA__LAKE``), ``.env``, ``./quantumtrader.toml``, the user's
configuration folder, default. A key that nobody knows is an error, wherever it comes from. Importing this
module loads pydantic (about 0.2 s), so commands import it inside the function.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any, Literal, TypeVar

import platformdirs
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from quantumtrader.exceptions import ConfigError

__all__ = [
    "DataSettings",
    "FeeSettings",
    "Hours",
    "InstrumentSettings",
    "LiveSettings",
    "LoggingSettings",
    "ProfitSettings",
    "RiskSettings",
    "SessionSettings",
    "Settings",
    "config_files",
    "load_settings",
    "section_complaints",
    "with_instrument",
]

ENV_PREFIX = "QT_"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


S = TypeVar("S", bound=_Section)


def _refuse_bare_numbers(value: Any) -> None:
    """A bare number would be read as seconds after midnight: 900 is not nine o'clock."""
    if isinstance(value, (int, float)):
        raise ValueError('write a time of day such as "09:00"')
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            _refuse_bare_numbers(part)


class Hours(_Section):
    """Continuous trading hours from a date on, in the instrument's zone.

    An opening later than the close is on the evening before: the session is of the date on which it closes.
    """

    valid_from: date = Field(default=date(1970, 1, 1), alias="from")
    open: time
    close: time

    @field_validator("open", "close", mode="before")
    @classmethod
    def _clock_text(cls, value: Any) -> Any:
        _refuse_bare_numbers(value)
        return value

    @model_validator(mode="after")
    def _apart(self) -> Hours:
        if self.open == self.close:
            raise ValueError(
                f"opens and closes at {self.open}: leave hours out for a market that never closes"
            )
        return self


class DataSettings(_Section):
    """Where data lives."""

    lake: Path = Path("data/lake")
    """Root of the Parquet lake."""
    journal: Path = Path("data/journal")
    """Where a recorder appends before the lake takes over."""
    journal_sync_s: float = Field(default=1.0, ge=0)
    """Seconds that a recorded event may wait for the disk; 0 waits for it after every frame."""
    checkpoint_s: float = Field(default=5.0, gt=0)
    """Seconds between two checkpoints of the live books, which ``validate`` holds a recording against."""


class ProfitSettings(_Section):
    """The vendor's library and its session.

    The four secrets come from the environment (``QT_PROFIT__PASSWORD``), the keyring or the credentials file; in a TOML file
    they are an error.
    """

    dll_path: Path | None = None
    """``ProfitDLL.dll`` or its folder; none takes the simulator that ships with the package."""
    version: str | None = Field(default=None, pattern=r"^\d+\.\d+\.\d+\.\d+$")
    """Version of the library, where it cannot be read from the file."""
    exchange: str = Field(default="F", pattern=r"^[A-Z]$")
    """One letter; F is BMF, where the futures are."""
    login_timeout_s: float = Field(default=60.0, gt=0)
    """Seconds until a login that is not complete counts as failed."""
    history_timeout_s: float = Field(default=180.0, gt=0)
    """Seconds to wait for one day of history."""
    quiet_s: float = Field(default=15.0, gt=0)
    """Seconds without any event in continuous trading until the feed counts as silent."""
    scenario: Path | None = None
    """Scenario of the simulator; the vendor's library takes none."""
    account: str = ""
    """Account that orders are sent to, as ``BROKER:ACCOUNT``; empty for market data only."""
    username: SecretStr | None = None
    activation_key: SecretStr | None = None
    password: SecretStr | None = None
    signature: SecretStr | None = None

    def as_environment(self) -> dict[str, str]:
        """Return the secrets that were given, under the names of their variables."""
        names = ("username", "activation_key", "password", "signature")
        given = {name: getattr(self, name) for name in names}
        return {
            f"{ENV_PREFIX}PROFIT__{n.upper()}": s.get_secret_value()
            for n, s in given.items()
            if s is not None
        }


class RiskSettings(_Section):
    """Limits that no order passes; names, units and defaults are those of ``execution.RiskLimits``.

    None switches one off; in a file, leave it out.
    """

    max_position: int = Field(default=5, gt=0)
    """Contracts held, long or short."""
    max_order_size: int = Field(default=5, gt=0)
    """Contracts in one order."""
    daily_loss: float = Field(default=1_000.0, gt=0)
    """Loss of a session, realised plus open, at which trading halts."""
    orders_per_minute: int = Field(default=60, gt=0)
    """Orders sent in any 60 seconds."""
    price_collar_ticks: int = Field(default=50, gt=0)
    """Greatest distance of a limit price from the touch."""
    trading_from: time | None = None
    """First moment of the day for new positions, in the instrument's zone."""
    trading_to: time | None = None
    """Last moment of the day for new positions, in the instrument's zone."""
    approval_age_s: float = Field(default=1.0, gt=0)
    """Seconds of event time within which an approved order must be sent."""
    max_notional: float | None = Field(default=None, gt=0)
    """Value of one order: contracts x price x money per point."""
    max_open_positions: int | None = Field(default=None, gt=0)
    """Trades entering or open at once, over all instruments."""
    max_trade_risk: float | None = Field(default=None, gt=0)
    """Loss of one trade at its stop, fees included."""
    risk_per_trade: float | None = Field(default=None, gt=0, le=1)
    """The same as a share of the capital, for example 0.02."""
    capital: float | None = Field(default=None, gt=0)
    """What may be risked at most; a smaller account balance counts instead."""
    min_risk_reward: float | None = Field(default=None, gt=0)
    """Distance of the target as a multiple of the stop's."""
    max_correlated_exposure: float | None = Field(default=None, gt=0)
    """Combined exposure of correlated instruments."""
    correlations: dict[str, float] | None = None
    """By pair of products or symbols: {"WDO/WIN" = -0.6}."""
    unknown_correlation: Literal["refuse", "one"] = "refuse"
    """Of a pair that nobody knows."""
    min_atr_ticks: float | None = Field(default=None, gt=0)
    max_atr_ticks: float | None = Field(default=None, gt=0)
    """Bounds of the average true range for entries."""
    min_realised_volatility: float | None = Field(default=None, gt=0)
    max_realised_volatility: float | None = Field(default=None, gt=0)
    """Bounds of the realised volatility for entries."""
    max_event_age_s: float | None = Field(default=None, gt=0)
    """Age of the last market event."""
    max_book_age_s: float | None = Field(default=None, gt=0)
    """Age of the book, which must then be valid as well."""
    trading_weekdays: dict[str, tuple[time, time] | None] | None = None
    """Hours by weekday: {fri = ["09:30", "16:00"], sat = "off"}."""
    trading_pauses: tuple[tuple[time, time], ...] | None = None
    """Stretches of every day without entries."""
    trading_first_minutes: float | None = Field(default=None, gt=0)
    trading_last_minutes: float | None = Field(default=None, gt=0)
    """No entries this near to the opening and the close."""
    trading_after_auction_s: float | None = Field(default=None, gt=0)
    """No entries this soon after continuous trading began."""
    trading_before_roll_h: float | None = Field(default=None, gt=0)
    """No entries in the last hours of a contract."""

    @field_validator("trading_from", "trading_to", "trading_weekdays", "trading_pauses", mode="before")
    @classmethod
    def _clock_text(cls, value: Any) -> Any:
        _refuse_bare_numbers(value)
        return value

    @field_validator("trading_weekdays", mode="before")
    @classmethod
    def _closed_days(cls, value: Any) -> Any:
        return {k: None if v == "off" else v for k, v in value.items()} if isinstance(value, dict) else value

    def values(self) -> dict[str, Any]:
        """Every limit by name."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class InstrumentSettings(_Section):
    """An instrument of the user's own; see ``types.Instrument`` for the units.

    A contract, series or product of the table may be named as well: what is given then replaces the table's.
    """

    tick_size: float | None = Field(default=None, gt=0)
    """Needed unless the table has it, like ``point_value``."""
    point_value: float | None = Field(default=None, gt=0)
    currency: str | None = Field(default=None, min_length=3, max_length=5)
    """Of that money. Needed as well: there is no currency that could be assumed."""
    product: str | None = None
    lot: int = Field(default=1, gt=0)
    size_step: float = Field(default=1.0, gt=0)
    timezone: str | None = None
    """Needed with ``hours``; UTC for a market that never closes."""
    hours: tuple[Hours, ...] = ()
    fee: float = Field(default=0.0, ge=0)
    """Money per contract and side; stronger than the schedule under ``[fees]``."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        if value is None:
            return None
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {value!r}; use an IANA name such as America/New_York") from error
        return value


class FeeSettings(_Section):
    """What a contract costs per side, in the instrument's currency (R$ for B3).

    The package knows no fees: exchanges charge by volume and day trade, and brokers as they like.
    """

    exchange: float = Field(default=0.0, ge=0)
    """Exchange and clearing, per contract and side."""
    broker: float = Field(default=0.0, ge=0)
    """Brokerage with its taxes, per contract and side."""

    @property
    def total(self) -> float:
        """Money per contract and side."""
        return self.exchange + self.broker


class SessionSettings(_Section):
    """Corrections to the calendar that ships with the package."""

    overrides: dict[str, tuple[Hours, ...]] = {}
    """Product to hours, added to the table's; an equal ``from`` replaces."""
    holidays_extra: tuple[date, ...] = ()
    """Days without a session that the calendar takes for sessions."""
    holidays_removed: tuple[date, ...] = ()
    """Days with a session that the calendar takes for holidays."""


class LiveSettings(_Section):
    """``quantumtrader run``: what trades, with what, and how a session is watched and ended."""

    ticker: str = ""
    """Contract such as WDOX26, or a product or series such as WDO or WDOFUT: its front contract of the day."""
    strategy: str = "order_flow_baseline"
    """Name, path/to/file.py:Class or module:Class, as in ``replay``."""
    parameters: dict[str, str | int | float] = {}
    """Of the strategy."""
    clock: str = ""
    """Sampling clock; empty takes the strategy's."""
    features: tuple[str, ...] = ()
    """Further features to record."""
    folder: Path = Path("data/live")
    """Sessions, order journals and kill switches."""
    limits: Path | None = None
    """File with every limit; real orders need it. Paper takes ``[risk]`` without one."""
    gateway: str = ""
    """Folder of a running ``quantumtrader gateway``, or ``default`` for the user's; else the library is in this process."""
    latency_ms: float = Field(default=20.0, ge=0)
    """Of paper orders, one way."""
    queue: Literal["pessimistic", "proportional", "exact"] = "pessimistic"
    """Which cancels move a resting paper order forward."""
    on_stop: Literal["flatten", "hand_over"] = "flatten"
    """At the end: leave at the market, or leave stop and target at the exchange."""
    stop_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds that a stop may take."""
    flatten_before_s: float = Field(default=60.0, ge=0)
    """Leave, and enter no more, so many seconds before continuous trading ends."""
    late_sample_s: float = Field(default=1.0, gt=0)
    """A row that is older when it is looked at leads to no real order."""
    historical_days: int = Field(default=0, ge=0, le=30)
    """Past sessions whose trades warm the features."""
    history_timeout_s: float = Field(default=180.0, gt=0)
    """Seconds to wait for all of them."""
    worker_late_s: float = Field(default=5.0, gt=0)
    """A thread that does not move for so long halts trading."""
    disconnect_halt_s: float = Field(default=30.0, gt=0)
    """Market data that stay disconnected for so long halt trading; entries end at once."""
    min_free_mb: int = Field(default=500, ge=0)
    """Trading halts when the disk has less left."""
    foreign: Literal["halt", "claim", "ignore"] = "halt"
    """Orders and positions on the account that are not ours."""
    day_trade: bool = True
    """Which of the two positions of the account counts: the day's, or the consolidated one."""
    alone: bool = False
    """Nothing else trades on the account. Otherwise limits over several instruments refuse: what is held is not known."""
    capital: float | None = Field(default=None, gt=0)
    """Balance of the account; the vendor does not tell it."""
    python_engine_orders: bool = False
    """Allow real orders on the Python engine."""

    @field_validator("ticker")
    @classmethod
    def _capitals(cls, value: str) -> str:
        return value.strip().upper()


class LoggingSettings(_Section):
    """What is logged, and where."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    json_lines: bool = Field(default=False, alias="json")
    file: Path | None = None


class Settings(BaseSettings):
    """Everything a user can set; build it with ``load_settings``."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__"
    )

    data: DataSettings = DataSettings()
    profit: ProfitSettings = ProfitSettings()
    risk: RiskSettings = RiskSettings()
    instruments: dict[str, InstrumentSettings] = {}
    fees: dict[str, FeeSettings] = {}
    fitted: dict[str, tuple[Path, ...]] = {}
    """Product or symbol to the files of ``quantumtrader fit`` that its features read, at most one of each kind."""
    detectors: dict[str, int | float | bool] = {}
    """Thresholds of the detectors that differ from the defaults; ``features.DetectorSettings`` judges names and values."""
    sessions: SessionSettings = SessionSettings()
    live: LiveSettings = LiveSettings()
    logging: LoggingSettings = LoggingSettings()

    @classmethod
    def from_legacy(cls, config: Mapping[str, Any]) -> tuple[Settings, tuple[str, ...]]:
        """Take the flat configuration dictionary of the design documents.

        Parameters
        ----------
        config : mapping
            ``dll_path``, ``username``, ``password``, ``key``, ``symbol`` or ``ticker``, ``strategy``, ``historical_days``,
            ``risk_per_trade``, ``tick_data_path``; ``trading`` with ``symbol`` and ``risk_per_trade``; ``risk`` with any
            limit by name; the environment names ``TRADING_ENV``, ``LOG_LEVEL``, ``USE_GPU``. Keys of rooms that do not
            exist yet are accepted.

        Returns
        -------
        settings : Settings
            Defaults with what was given; nothing is read from files or the environment.
        unused : tuple of str
            One line for each key that changes nothing yet.

        Raises
        ------
        ConfigError
            A key that nobody knows, or a value out of range; the message names every one.
        """
        given, unused = _legacy(config)
        built: dict[str, Any] = {}
        wrong: list[str] = []
        for name, values in given.items():
            section: type[_Section] = type(cls.model_fields[name].get_default())
            built[name], complaints = section_complaints(section, values)
            wrong += [f"{name}.{text}" for text in complaints]
        if wrong:
            raise ConfigError(f"configuration dictionary: {'; '.join(wrong)}")
        return cls.model_construct(
            **{name: field.get_default() for name, field in cls.model_fields.items()} | built
        ), unused


_LEGACY = {
    "dll_path": ("profit", "dll_path"),
    "username": ("profit", "username"),
    "password": ("profit", "password"),
    "key": ("profit", "activation_key"),
    "activation_key": ("profit", "activation_key"),
    "signature": ("profit", "signature"),
    "account": ("profit", "account"),
    "ticker": ("live", "ticker"),
    "symbol": ("live", "ticker"),
    "strategy": ("live", "strategy"),
    "historical_days": ("live", "historical_days"),
    "risk_per_trade": ("risk", "risk_per_trade"),
    "tick_data_path": ("data", "lake"),
    "LOG_LEVEL": ("logging", "level"),
}
"""Keys of the design documents' flat dictionary, and the settings that they are."""
_LEGACY_LATER = {
    "models_dir": "models",
    "models_path": "models",
    "ml_interval": "models",
    "book_data_path": "the lake holds trades and books together",
    "use_book_features": "features are chosen by the strategy",
    "use_gui": "dashboards",
    "zmq": "the bus",
    "valkey": "the stream store",
    "flow": "flow analysis",
    "agents": "agents",
    "learning": "learning",
    "hmarl": "HMARL",
    "TRADING_ENV": "orders are real with the flag real alone",
    "USE_GPU": "models",
}
"""Keys that change nothing yet, and what they belong to."""


def _legacy(config: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    """Sort a flat dictionary into sections; empty texts count as not given."""
    given: dict[str, dict[str, Any]] = {}
    unused, unknown = [], []

    def put(section: str, name: str, value: Any) -> None:
        if value is not None and value != "":
            given.setdefault(section, {})[name] = value

    for key, value in config.items():
        if key in _LEGACY:
            put(*_LEGACY[key], value)
        elif key in _LEGACY_LATER:
            unused.append(f"{key} is not used yet ({_LEGACY_LATER[key]})")
        elif key == "trading" and isinstance(value, Mapping):
            for name, inner in value.items():
                if name in ("symbol", "risk_per_trade"):
                    put(*_LEGACY[name], inner)
                else:
                    unknown.append(f"trading.{name}")
        elif key == "risk" and isinstance(value, Mapping):
            given.setdefault("risk", {}).update(value)
        else:
            unknown.append(key)
    if unknown:
        known = ", ".join((*_LEGACY, "trading", "risk", *_LEGACY_LATER))
        raise ConfigError(f"configuration dictionary: unknown {', '.join(unknown)}; there are {known}")
    return given, tuple(unused)


def config_files() -> tuple[Path, ...]:
    """Return the TOML files that are looked for, strongest first; they need not exist."""
    folder = Path(platformdirs.user_config_dir("quantumtrader", appauthor=False))
    return (Path("quantumtrader.toml"), folder / "quantumtrader.toml")


def load_settings(
    config: Path | str | None = None, *, env_file: Path | str | None = ".env", **flags: Any
) -> Settings:
    """Read the settings from every source.

    Parameters
    ----------
    config : path, optional
        A TOML file that takes the place of ``./quantumtrader.toml``; it must exist.
    env_file : path, optional
        File of ``QT_…=…`` lines; one that does not exist is passed over.
    **flags
        Strongest of all, by section: ``data={"lake": "x"}``. Sections are merged key by key.

    Raises
    ------
    ConfigError
        A file that cannot be read, an unknown key, or a value out of range; the message gives the path of
        the key and the file or variable.
    """
    files = config_files()
    if config is not None:
        if not Path(config).is_file():
            raise ConfigError(f"configuration file {config} does not exist; create it or leave --config out")
        files = (Path(config), *files[1:])
    found = [file for file in files if file.is_file()]
    for file in found:
        _check_toml(file)
    _check_environment()

    class Loader(Settings):
        model_config = SettingsConfigDict(env_file=env_file)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            # A `.env` is shared with other programs: only what is ours, or tries to be, is looked at.
            ours = {k: v for k, v in dotenv_settings().items() if k in Settings.model_fields or _is_ours(k)}
            files = [TomlConfigSettingsSource(settings_cls, toml_file=file) for file in found]
            return (init_settings, env_settings, InitSettingsSource(settings_cls, ours), *files)

    try:
        loaded = Loader(**flags)
    except ValidationError as error:
        raise ConfigError(_explain(error, found)) from error
    return Settings.model_construct(**{name: getattr(loaded, name) for name in Settings.model_fields})


def with_instrument(settings: Settings, symbol: str, given: Mapping[str, Any]) -> Settings:
    """Define an instrument, or change what the settings say of it.

    Parameters
    ----------
    settings : Settings
        Not changed.
    symbol : str
        In any case.
    given : mapping
        Keys as under ``[instruments.NAME]``; None leaves a key as it is.

    Raises
    ------
    ConfigError
        An unknown key or a value out of range.
    """
    wanted = {key: value for key, value in given.items() if value is not None}
    if not wanted:
        return settings
    text = symbol.strip().upper()
    name = next((known for known in settings.instruments if known.upper() == text), text)
    old = settings.instruments.get(name, InstrumentSettings())
    try:
        new = InstrumentSettings(**{**{key: getattr(old, key) for key in old.model_fields_set}, **wanted})
    except ValidationError as error:
        raise ConfigError(f"instrument {name}: {_complaints(error)}") from error
    return settings.model_copy(update={"instruments": {**settings.instruments, name: new}})


def section_complaints(section: type[S], given: Mapping[str, Any]) -> tuple[S | None, list[str]]:
    """Read one section from a mapping; returns it, or None and what is wrong, one line per key."""
    try:
        return section(**given), []
    except ValidationError as error:
        return None, _complaint_lines(error, secret=section is ProfitSettings)


def _check_toml(file: Path) -> None:
    try:
        with file.open("rb") as handle:
            content = tomllib.load(handle)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"cannot read the configuration file {file}: {error.strerror}") from error
    profit = content.get("profit", {})
    kept = [name for name in ("activation_key", "password", "signature") if name in profit]
    if kept:
        raise ConfigError(
            f"{file}: [profit] {', '.join(kept)}: secrets do not belong in a settings file; store them with "
            f"`quantumtrader credentials set`, or set {ENV_PREFIX}PROFIT__{kept[0].upper()}, and change what stood here"
        )


def _is_ours(variable: str) -> bool:
    return variable.upper().startswith(ENV_PREFIX)


def _check_environment() -> None:
    """Reject nested variables of sections that do not exist; pydantic passes them over."""
    sections = {name.upper() for name in Settings.model_fields}
    for variable in os.environ:
        section, nested, _ = variable.upper().removeprefix(ENV_PREFIX).partition("__")
        if _is_ours(variable) and nested and section not in sections:
            raise ConfigError(
                f"environment variable {variable}: no section {section.lower()!r}; there are "
                f"{', '.join(Settings.model_fields)}"
            )


def _explain(error: ValidationError, files: list[Path]) -> str:
    read = ", ".join(str(file) for file in files) or "no file"
    return f"settings (read from flags, {ENV_PREFIX}* variables, .env and {read}): {_complaints(error)}"


def _complaints(error: ValidationError) -> str:
    return "; ".join(_complaint_lines(error))


def _complaint_lines(error: ValidationError, *, secret: bool = False) -> list[str]:
    lines = []
    for item in error.errors():
        path = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"{path}: unknown setting")
        elif item["type"] == "missing":
            lines.append(f"{path}: missing")
        else:
            # A whole section that is wrong could hold a secret.
            got = "" if secret or path.startswith("profit") else f" (got {item['input']!r})"
            lines.append(f"{path}: {item['msg'].removeprefix('Value error, ')}{got}")
    return lines
