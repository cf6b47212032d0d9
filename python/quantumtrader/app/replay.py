"""``quantumtrader replay``: a recording in, a folder with report and Parquet files out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quantumtrader.app.fit_notes import fit_notes
from quantumtrader.app.pace import Pacer, parse_pace
from quantumtrader.backtest import (
    Backtest,
    BacktestResult,
    BacktestSettings,
    Baselines,
    Summary,
    VenueSettings,
    compute_baselines,
    save_result,
    summarise,
)
from quantumtrader.backtest.report.labels import count, labels
from quantumtrader.data.source_notes import in_language
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution import RiskLimits, Strategy, Trade, has_parameter, make_strategy
from quantumtrader.features.detectors import DetectorSettings
from quantumtrader.features.fit.segments import Segments
from quantumtrader.features.given import given_detectors, given_fits
from quantumtrader.types import Events, Flag, Instrument, Kind

if TYPE_CHECKING:
    from quantumtrader.config import Settings
    from quantumtrader.data.importers import Options

__all__ = ["ReplayConfig", "ReplayResult", "Stage", "choose_strategy", "run_events", "run_replay"]

Stage = Callable[[str, float | None], AbstractContextManager[Callable[[float], None]]]
"""Shows progress: ``with stage(description, total) as advance: advance(units)``."""

RLP_SIGNS = ("drop", "quote")

_PACED_CHUNK = 512


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    """What to replay, and how.

    Parameters
    ----------
    input : Path
        File or folder of a recording.
    symbol : str
        Instrument, for example ``WDOU25``, or a name under ``[instruments]`` in the settings.
    out : Path
        Folder for the results.
    strategy : str
        Name in the registry; empty chooses a baseline that suits the data.
    parameters : mapping of str to str
        Overrides of the strategy's parameters.
    clock : str
        Sampling clock; empty takes the strategy's.
    latency_ms : float
        One way, in milliseconds.
    queue : str
        ``pessimistic``, ``proportional`` or ``exact``.
    fee : float or None
        Money per contract and side; None takes the instrument's.
    adverse_ticks : int
        What a market order pays where no displayed size is known.
    features : tuple of str
        Further features to record.
    warmup : str
        ``full`` or ``partial``.
    pace : str
        ``max``, ``1x``, ``10x``, …
    lang : str
        Language of the report: ``en`` or ``pt``.
    rlp_sign : str
        How retail liquidity prints are signed: ``drop`` or ``quote``.
    seed : int
        Of the random baseline.
    format : str
        Name of the importer; empty detects it.
    options : Options or None
        How to read a raw source.
    instrument : mapping
        What differs from the table and the settings, in the words of ``[instruments.NAME]``.
    risk : mapping
        What differs from the settings, in the words of ``[risk]``.
    start, end : date or None
        First and last local day to replay.
    settings_file : Path or None
        TOML file in place of ``quantumtrader.toml``.
    fitted : tuple of Path
        Files of ``quantumtrader fit``, in place of ``[fitted]`` of the settings.
    detector_settings : Path, DetectorSettings or None
        TOML of detector thresholds, or what it says, in place of ``[detectors]`` of the settings.
    """

    input: Path
    symbol: str
    out: Path
    strategy: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    clock: str = ""
    latency_ms: float = 20.0
    queue: str = "pessimistic"
    fee: float | None = None
    adverse_ticks: int = 1
    features: tuple[str, ...] = ()
    warmup: str = "full"
    pace: str = "max"
    lang: str = "en"
    rlp_sign: str = "drop"
    seed: int = 0
    format: str = ""
    options: Options | None = None
    instrument: Mapping[str, Any] = field(default_factory=dict)
    risk: Mapping[str, Any] = field(default_factory=dict)
    start: date | None = None
    end: date | None = None
    settings_file: Path | None = None
    fitted: tuple[Path, ...] = ()
    detector_settings: Path | DetectorSettings | None = None


@dataclass(frozen=True, eq=False)
class ReplayResult:
    """A finished replay with its files on disk."""

    backtest: BacktestResult
    baselines: Baselines
    summary: Summary
    report: Path
    description: str
    notes: tuple[str, ...]


def run_replay(
    config: ReplayConfig, *, stage: Stage | None = None, on_trade: Callable[[Trade], None] | None = None
) -> ReplayResult:
    """Load a recording, replay it, and write the results.

    Parameters
    ----------
    config : ReplayConfig
        What to replay, and how.
    stage : callable, optional
        Shows progress.
    on_trade : callable, optional
        Called with each trade as it ends.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of range.
    DataError
        If the recording cannot be used; the message names file, line and remedy.
    """
    from quantumtrader import _backend
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.data.source import load_events

    _check(config)
    settings = with_instrument(
        load_settings(config.settings_file, risk=dict(config.risk)), config.symbol, config.instrument
    )
    with _stage(stage, f"reading {config.input.name}", None):
        loaded = load_events(
            config.input,
            config.symbol,
            settings,
            format=config.format or None,
            options=config.options,
            start=config.start,
            end=config.end,
            pack=_backend.core().pack_events,
        )
    words = labels(config.lang)
    notes = [in_language(note, config.lang) for note in loaded.notes]
    if loaded.rejected:
        notes.append(words["rejected_rows"].format(n=count(len(loaded.rejected), config.lang)))
    limits = _limits(settings)
    traded = loaded.instrument
    if (finer := traded.ticks_per_exchange_tick) > 1:
        notes.append(words["adjusted"].format(n=finer))
    notes += _implausible(loaded.events, traded, words)
    return run_events(
        loaded.events,
        traded,
        config,
        limits=limits,
        description=loaded.description,
        notes=notes,
        stage=stage,
        on_trade=on_trade,
        settings=settings,
    )


def _last_session(events: Events) -> tuple[int, int] | None:
    """Start of the last session, as features count it, and the last event, ns UTC; None without events."""
    now, segments = Segments().cut(events)
    return (segments[-1].start_ns, int(now[-1])) if segments else None


def run_events(
    events: Events,
    instrument: Instrument,
    config: ReplayConfig,
    *,
    limits: RiskLimits | None = None,
    description: str = "",
    notes: list[str] | None = None,
    stage: Stage | None = None,
    on_trade: Callable[[Trade], None] | None = None,
    settings: Settings | None = None,
) -> ReplayResult:
    """Replay events that are in memory already; see ``run_replay``. Settings say fits and thresholds that it does not."""
    _check(config)
    notes = list(notes or [])
    fits = given_fits(settings, instrument, config.fitted)
    detectors = given_detectors(settings, config.detector_settings)
    strategy = choose_strategy(
        events, instrument, config.strategy, config.parameters, notes, lang=config.lang
    )
    if (events["flags"] & Flag.SIDE_INFERRED).any():
        notes.append(labels(config.lang)["sides_inferred"])
    fee = instrument.fee if config.fee is None else config.fee
    if fits:
        span = _last_session(events)
        notes += fit_notes(fits, (*strategy.features, *config.features), span=span, lang=config.lang)
    assumed = BacktestSettings(
        clock=config.clock,
        venue=_venue(config),
        limits=limits or RiskLimits(),
        features=config.features,
        warmup=config.warmup,
        rlp_sign=config.rlp_sign,
        seed=config.seed,
        fees_known=config.fee is not None or config.instrument.get("fee") is not None,
        fitted=fits.given,
        detectors=detectors,
    )
    speed = parse_pace(config.pace)
    with _stage(stage, "replaying", float(len(events))) as advance:
        result = Backtest(
            events,
            replace(instrument, fee=fee),
            strategy,
            assumed,
            on_progress=advance,
            on_sample=Pacer(speed) if speed else None,
            on_trade=on_trade,
            **({"chunk": _PACED_CHUNK} if speed else {}),
        ).run()
    with _stage(stage, "baselines", None):
        baselines = compute_baselines(result)
    with _stage(stage, "writing the report", None):
        summary = summarise(result, baselines)
        report = save_result(
            result, baselines, summary, config.out, lang=config.lang, description=description, notes=notes
        )
    return ReplayResult(result, baselines, summary, report, description, tuple(notes))


def choose_strategy(
    events: Events,
    instrument: Instrument,
    name: str,
    parameters: Mapping[str, Any],
    notes: list[str],
    *,
    lang: str = "en",
) -> Strategy:
    """Build the strategy; where the user left things open, fit them to what the data can carry, and say so.

    Parameters
    ----------
    events : Events
        The stream.
    instrument : Instrument
        Its lot is the default size.
    name : str
        Name in the registry, or empty.
    parameters : mapping
        Given by the user; never overridden.
    notes : list of str
        What was chosen is appended.
    lang : str
        Of those notes.
    """
    values = dict(parameters)
    kinds = np.unique(events["kind"])
    if not name:
        name = (
            "bar_trend_baseline" if Kind.BAR in kinds and Kind.TRADE not in kinds else "order_flow_baseline"
        )
        notes.append(labels(lang)["strategy_chosen"].format(name=name))
    if "size" not in values and has_parameter(name, "size"):
        values["size"] = instrument.lot
    if name == "order_flow_baseline" and "book_min" not in values and not _has_sizes(events):
        values["book_min"] = 0.0
        notes.append(labels(lang)["no_book"])
    return make_strategy(name, **values)


# Points between which the front contract has traded since these products exist, with room on both sides.
_PLAUSIBLE = {
    "WDO": (1_000, 15_000),
    "DOL": (1_000, 15_000),
    "WIN": (20_000, 500_000),
    "IND": (20_000, 500_000),
}


def _implausible(events: Events, instrument: Instrument, words: Mapping[str, str]) -> list[str]:
    """Say it when most prices cannot be this product's: likely the file of another one."""
    kind = events["kind"]
    px = events["px"][((kind == Kind.TRADE) | (kind == Kind.BAR)) & (events["px"] > 0)]
    if instrument.product not in _PLAUSIBLE or px.size == 0:
        return []
    low, high = _PLAUSIBLE[instrument.product]
    middle = instrument.price(float(np.median(px)))
    if low <= middle <= high:
        return []
    return [
        words["implausible"].format(
            symbol=instrument.symbol, middle=f"{middle:g}", product=instrument.product, low=low, high=high
        )
    ]


def _has_sizes(events: Events) -> bool:
    kind = events["kind"]
    if ((kind == Kind.LEVEL) | (kind == Kind.ORDER)).any():
        return True
    return bool((events["size"][kind == Kind.QUOTE] > 0).any())


def _check(config: ReplayConfig) -> None:
    """Complain about settings before minutes are spent on data."""
    labels(config.lang)
    parse_pace(config.pace)
    _venue(config)
    if config.rlp_sign not in RLP_SIGNS:
        raise ConfigError(f'rlp_sign "{config.rlp_sign}" is not known; use "drop" or "quote"')
    if config.fee is not None and config.fee < 0:
        raise ConfigError(f"fee is {config.fee}, expected 0 or more")
    if config.strategy:
        make_strategy(config.strategy, **config.parameters)


def _venue(config: ReplayConfig) -> VenueSettings:
    return VenueSettings(
        latency_ns=round(config.latency_ms * 1e6), queue=config.queue, adverse_ticks=config.adverse_ticks
    )


def _limits(settings: Settings) -> RiskLimits:
    return RiskLimits(**settings.risk.values())


def _stage(
    stage: Stage | None, description: str, total: float | None
) -> AbstractContextManager[Callable[[float], None]]:
    return nullcontext(_nothing) if stage is None else stage(description, total)


def _nothing(units: float) -> None:
    """Progress that nobody watches."""
