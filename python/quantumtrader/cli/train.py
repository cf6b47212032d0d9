"""``quantumtrader train``: recordings into judged models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output, targets
from quantumtrader.cli.choices import given
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    DetectorFile,
    FittedFiles,
    Source,
    Symbol,
    reads_source,
)

if TYPE_CHECKING:
    from quantumtrader.features.fit.artifact import Fits
    from quantumtrader.training.pipelines import Recording
from quantumtrader.cli.train_options import (
    LABEL,
    LATENCY,
    SLIPPAGE,
    Candidates,
    Clock,
    End,
    Gaps,
    HalfLife,
    Input,
    LatencyFrom,
    LatencyMs,
    Margin,
    Models,
    Name,
    OpenVault,
    Out,
    Scheduler,
    Seed,
    Slippage,
    Spread,
    Start,
    ValidSessions,
    Who,
    Why,
    Workers,
    measured_latency,
    model_name,
    open_recording,
    read_fits,
    read_thresholds,
    require_series_only,
    tell_unused,
    user_name,
)
from quantumtrader.cli.train_results import show, show_book

_LEARNED = (
    "name", "candidates", "seed", "features", "clock", "horizon_s", "every_s", "classes", "barrier_atr", "least_ticks",
    "spread_ticks", "slippage_ticks", "margin", "latency_ms", "latency_from", "half_life", "gaps", "open_vault",
    "detector_settings",
)  # fmt: skip
"""Options that ``--update`` takes from the model's last training, or does not do."""


@reads_source
def tick(
    ctx: typer.Context,
    input: Input,
    symbol: Symbol,
    out: Out,
    name: Name = "",
    models: Models = None,
    candidates: Candidates = "standard",
    workers: Workers = 1,
    scheduler: Scheduler = None,
    seed: Seed = 7,
    features: Annotated[
        list[str] | None,
        typer.Option("--features", "-f", help="Names, separated by commas; tick_only without it."),
    ] = None,
    clock: Clock = "",
    horizon_s: Annotated[
        float,
        typer.Option(
            "--horizon-s", min=0, help="Vertical barrier; 0: an hour, or half of it.", rich_help_panel=LABEL
        ),
    ] = 0.0,
    every_s: Annotated[
        float,
        typer.Option(
            "--every-s",
            min=0,
            help="Between decisions; 0: a quarter of the horizon.",
            rich_help_panel=LABEL,
        ),
    ] = 0.0,
    classes: Annotated[
        str, typer.Option(help="side (which side pays more) or touch.", rich_help_panel=LABEL)
    ] = "side",
    barrier_atr: Annotated[
        float, typer.Option("--barrier-atr", min=0, help="Barriers, in atr_14.", rich_help_panel=LABEL)
    ] = 2.0,
    least_ticks: Annotated[
        float, typer.Option("--least-ticks", help="Least barrier.", rich_help_panel=LABEL)
    ] = 4.0,
    spread_ticks: Spread = 1.0,
    slippage_ticks: Slippage = 1.0,
    margin: Margin = 0.1,
    latency_ms: LatencyMs = 200.0,
    latency_from: LatencyFrom = None,
    half_life: HalfLife = None,
    gaps: Gaps = "refuse",
    valid_sessions: ValidSessions = 30,
    fitted: FittedFiles = None,
    detector_settings: DetectorFile = None,
    update: Annotated[
        str,
        typer.Option(
            "--update",
            callback=model_name,
            help="Train the next version of this tick model, as it was trained, if its rule of retraining says so.",
        ),
    ] = "",
    open_vault: OpenVault = False,
    why: Why = "",
    who: Who = "",
    source: Source = UNSAID,
    start: Start = None,
    end: End = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Train on a year or more of prints or bars: triple barrier, purged comparison, one judged model.

    The last fifth of the sessions is locked away. What comes out is a candidate in the registry, with an assessment that
    says plainly when there is nothing there. Exit code 3: the data cannot be learned from.
    """
    from quantumtrader.cli.features_compute import known
    from quantumtrader.exceptions import QuantumTraderError
    from quantumtrader.models.registry import ModelRegistry
    from quantumtrader.training.executor import make_executor
    from quantumtrader.training.pipelines import TickConfig, TickTrainingPipeline
    from quantumtrader.training.pipelines.retraining import config_of

    idle = given(ctx, _LEARNED) if update else []
    if idle:
        raise typer.BadParameter(
            f"cannot be given with --update: {update} is trained again as it was trained before",
            param_hint=", ".join(idle),
        )
    _require_reason(open_vault, why)
    names = known(features)
    home = models or Path("models")
    if update and fitted:
        registry = ModelRegistry(home)
        require_series_only(fitted, registry.manifest(update, config_of(registry, update)[0]))
    asked = TickConfig(
        name=name,
        features="tick_only" if names is None else tuple(names),
        clock=clock,
        horizon_s=horizon_s,
        every_s=every_s,
        classes=classes,
        barrier_atr=barrier_atr,
        least_ticks=least_ticks,
        spread_ticks=spread_ticks,
        slippage_ticks=slippage_ticks,
        margin=margin,
        latency_ms=latency_ms,
        latency_sample_ns=measured_latency(ctx, latency_from),
        half_life_sessions=half_life,
        candidates=candidates,
        gaps=gaps,
        valid_sessions=valid_sessions,
        seed=seed,
    )
    detectors = read_thresholds(config, detector_settings)  # before the recording is read
    recording = open_recording(input, symbol, config, source, start, end)
    fits = read_fits(recording.instrument, config, fitted)
    if update:
        valid = valid_sessions if given(ctx, ["valid_sessions"]) else None
        _retrain(update, home, recording, out, valid, workers, scheduler, fits, as_json=as_json)
        return
    asked = replace(asked, detectors=detectors)
    if fitted:
        tell_unused(fits, asked.features)
    with make_executor(workers, scheduler) as executor:
        pipeline = TickTrainingPipeline(
            asked, models=models, executor=executor, stage=output.progress, fitted=fits
        )
        result = pipeline.train(recording, out)
    refused = ""
    if open_vault:
        try:
            pipeline.open_vault(recording, result, who=who or user_name(), why=why)
        except QuantumTraderError as error:  # what the training found is shown all the same
            refused = str(error)
    show(result, as_json=as_json, refused=refused)
    if refused:
        raise typer.Exit(1)


def _require_reason(open_vault: bool, why: str) -> None:
    if open_vault and not why:
        raise typer.BadParameter("opening the vault needs a reason: --why", param_hint="--open-vault")


def _retrain(
    name: str,
    models: Path,
    recording: Recording,
    out: Path,
    valid_sessions: int | None,
    workers: int,
    scheduler: str | None,
    fits: Fits,
    *,
    as_json: bool,
) -> None:
    from quantumtrader.training.executor import make_executor
    from quantumtrader.training.pipelines.retraining import retrain

    with make_executor(workers, scheduler) as executor:
        found = retrain(
            models,
            name,
            recording,
            out,
            valid_sessions=valid_sessions,
            executor=executor,
            stage=output.progress,
            given=fits,
        )
    if found.result is not None:
        show(found.result, as_json=as_json)
    elif as_json:
        drift = None if found.drift is None else dict(zip(("feature", "psi"), found.drift, strict=True))
        output.print_json(
            {
                "due": False,
                "before": found.before,
                "new_sessions": found.new_sessions,
                "new_rows": found.new_rows,
                "rule": found.rule,
                "drift": drift,
            }
        )
    else:
        moved = "" if found.drift is None else f"; {found.drift[0]} moved most, PSI {found.drift[1]:.3f}"
        output.line(
            f"{name} {found.before}: not yet, {found.new_sessions} of {found.rule.every_sessions} sessions and about "
            f"{found.new_rows:,} of {found.rule.min_new_rows:,} rows came since{moved}"
        )


@reads_source
def book(
    ctx: typer.Context,
    input: Input,
    symbol: Symbol,
    out: Out,
    name: Name = "",
    models: Models = None,
    candidates: Candidates = "standard",
    workers: Workers = 1,
    scheduler: Scheduler = None,
    seed: Seed = 7,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            help="direction, spread_change, price_move_1min, order_imbalance; repeatable, all without it.",
            rich_help_panel=LABEL,
        ),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option("--features", "-f", help="Names, separated by commas; book_enhanced without it."),
    ] = None,
    clock: Clock = "",
    heartbeat_s: Annotated[
        float,
        typer.Option(
            "--heartbeat-s",
            min=0,
            help="A decision at least so often; 0: half of the pace.",
            rich_help_panel=LABEL,
        ),
    ] = 0.0,
    max_rows: Annotated[
        int, typer.Option("--max-rows", min=100, help="Decisions at most, thinned evenly.")
    ] = 60_000,
    slippage_ticks: Slippage = 0.0,
    margin: Margin = 0.1,
    latency_ms: LatencyMs = 20.0,
    latency_from: LatencyFrom = None,
    half_life: HalfLife = None,
    gaps: Gaps = "refuse",
    valid_sessions: ValidSessions = 30,
    fitted: FittedFiles = None,
    detector_settings: DetectorFile = None,
    update: Annotated[str, typer.Option("--update", hidden=True)] = "",
    open_vault: OpenVault = False,
    why: Why = "",
    who: Who = "",
    source: Source = UNSAID,
    start: Start = None,
    end: End = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Train on weeks of recorded book: one model per target, judged decision by decision, never by a Sharpe ratio.

    Fewer than eight sessions are divided into blocks of time: that trains, and is insufficient. There is no --update: the
    same options on a recording that has grown make the next version. Exit code 3: the data cannot be learned from.
    """
    from quantumtrader.cli.features_compute import known
    from quantumtrader.training.executor import make_executor
    from quantumtrader.training.pipelines import BookConfig, BookTrainingPipeline

    if update:
        raise typer.BadParameter(
            f"is for tick models: give train book the options that {update} was trained with, and its next version is made",
            param_hint="--update",
        )
    _require_reason(open_vault, why)
    names = known(features)
    asked = BookConfig(
        name=name,
        targets=tuple(target or ("direction", "spread_change", "price_move_1min", "order_imbalance")),
        features="book_enhanced" if names is None else tuple(names),
        clock=clock,
        heartbeat_s=heartbeat_s,
        max_rows=max_rows,
        slippage_ticks=slippage_ticks,
        margin=margin,
        latency_ms=latency_ms,
        latency_sample_ns=measured_latency(ctx, latency_from),
        half_life_sessions=half_life,
        candidates=candidates,
        gaps=gaps,
        valid_sessions=valid_sessions,
        seed=seed,
    )
    detectors = read_thresholds(config, detector_settings)  # before the recording is read
    recording = open_recording(input, symbol, config, source, start, end)
    fits = read_fits(recording.instrument, config, fitted)
    asked = replace(asked, detectors=detectors)
    if fitted:
        tell_unused(fits, asked.features)
    with make_executor(workers, scheduler) as executor:
        pipeline = BookTrainingPipeline(
            asked, models=models, executor=executor, stage=output.progress, fitted=fits
        )
        if open_vault:
            pipeline.require_vault(recording)  # before the work
        result = pipeline.train(recording, out)
    refused: Mapping[str, str] = {}
    if open_vault:
        refused = pipeline.open_vault(recording, result, who=who or user_name(), why=why).refused
    show_book(result, as_json=as_json, refused=refused)
    if refused:
        raise typer.Exit(1)


def dual(
    ctx: typer.Context,
    symbol: Symbol,
    out: Out,
    ticks: Annotated[
        Path | None, typer.Option("--ticks", readable=False, help="A year of prints or bars of a minute.")
    ] = None,
    book: Annotated[
        Path | None, typer.Option("--book", readable=False, help="Weeks of book; ticks only without it.")
    ] = None,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Generate both instead: a year of bars, 30 days of book.")
    ] = False,
    synthetic_sessions: Annotated[
        int, typer.Option("--synthetic-sessions", min=10, help="Sessions of the generated year.")
    ] = 250,
    synthetic_days: Annotated[int, typer.Option("--synthetic-days", min=2, help="Generated book days.")] = 30,
    tick_features: Annotated[
        list[str] | None,
        typer.Option("--tick-features", help="Of bars: names, separated by commas; the set bars without it."),
    ] = None,
    book_features: Annotated[
        list[str] | None,
        typer.Option("--book-features", help="Names, separated by commas; book_enhanced without it."),
    ] = None,
    csv_lookback: Annotated[
        int,
        typer.Option(
            "--csv-lookback", min=1, help="Calendar days of --ticks, before the book's first, that count."
        ),
    ] = 365,
    book_lookback: Annotated[
        int, typer.Option("--book-lookback", min=1, help="Last recorded sessions of --book that count.")
    ] = 30,
    models: Models = None,
    candidates: Candidates = "standard",
    spread_ticks: Spread = 1.0,
    slippage_ticks: Annotated[float | None, SLIPPAGE] = None,
    margin: Margin = 0.1,
    latency_ms: Annotated[float | None, LATENCY] = None,
    latency_from: LatencyFrom = None,
    half_life: HalfLife = None,
    gaps: Gaps = "refuse",
    valid_sessions: ValidSessions = 30,
    fitted: FittedFiles = None,
    detector_settings: DetectorFile = None,
    ensemble: Annotated[str, typer.Option(help="How both are joined: stacking or weighted.")] = "stacking",
    workers: Workers = 1,
    scheduler: Scheduler = None,
    seed: Seed = 7,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Train on ticks for the side and on the book for the moment, and join them where that is better than the book alone.

    What is asked of costs and latency holds for both; without it slippage is 1 tick for ticks and 0 for the book, and
    latency 200 ms and 20 ms, as of train tick and train book. Exit code 3: the data cannot be learned from.
    """
    from quantumtrader.cli.features_compute import known
    from quantumtrader.config import load_settings
    from quantumtrader.features.sets import resolve
    from quantumtrader.training.executor import make_executor
    from quantumtrader.training.pipelines import DualConfig, DualTrainingSystem, Recording
    from quantumtrader.training.pipelines.synthetic import synthetic_bars, synthetic_book

    read: dict[str, Any] = {"ticks": ticks, "book": book, "config": config}
    read |= {"fitted": fitted, "detector_settings": detector_settings}
    targets.check({**read, "out": out})
    detectors = read_thresholds(config, detector_settings)  # before the recordings are read
    recorded = ticks is not None or book is not None
    if recorded if synthetic else ticks is None:
        raise typer.BadParameter("give --ticks (and --book), or --synthetic", param_hint="--ticks")
    tick_names, book_names = known(tick_features, "--tick-features"), known(book_features, "--book-features")
    base = DualConfig()
    shared: dict[str, Any] = {
        "candidates": candidates,
        "margin": margin,
        "latency_sample_ns": measured_latency(ctx, latency_from),
        "half_life_sessions": half_life,
        "gaps": gaps,
        "valid_sessions": valid_sessions,
        "seed": seed,
    }
    if slippage_ticks is not None:
        shared["slippage_ticks"] = slippage_ticks
    if latency_ms is not None:
        shared["latency_ms"] = latency_ms
    side, moment = dict(shared, spread_ticks=spread_ticks), dict(shared, targets=(base.target,))
    if tick_names is not None:
        side["features"] = tuple(tick_names)
    if book_names is not None:
        moment["features"] = tuple(book_names)
    asked = replace(
        base,
        tick=replace(base.tick, **side),
        book=replace(base.book, **moment),
        ensemble_method=ensemble,
        csv_lookback=csv_lookback,
        book_lookback=book_lookback,
    )
    settings = load_settings(config)
    with make_executor(workers, scheduler) as executor:
        if synthetic:
            recording = synthetic_bars(synthetic_sessions, seed)
            levels: Recording | None = synthetic_book(synthetic_days, seed)
        else:
            assert ticks is not None  # checked above
            recording = Recording.open(ticks, symbol, settings)
            levels = None if book is None else Recording.open(book, symbol, settings)
        fits = read_fits(recording.instrument, config, fitted)
        asked = replace(
            asked,
            tick=replace(asked.tick, detectors=detectors),
            book=replace(asked.book, detectors=detectors),
        )
        if fitted:
            tell_unused(
                fits, tuple(dict.fromkeys((*resolve(asked.tick.features), *resolve(asked.book.features))))
            )
        system = DualTrainingSystem(asked, executor, stage=output.progress, models=models, fitted=fits)
        if not synthetic:
            recording, levels = system.within(recording, levels)
        result = system.train(recording, levels, out)
    if as_json:
        output.print_json(result.summary)
        return
    from rich.markup import escape

    show(result.tick, as_json=False)
    if result.book is not None:
        show_book(result.book, as_json=False)
    if result.summary["notice"]:
        output.line(f"[bold]{escape(result.summary['notice'])}[/]")
    strategy = result.summary["strategy"]
    options = (
        f" -p {name}={value:.3f}" if isinstance(value, float) else f" -p {name}={value}"
        for name, value in strategy["parameters"].items()
    )
    output.line(f"decided by: {', '.join(result.summary['decides'])}")
    output.line(escape(f"--strategy {strategy['name']}{''.join(options)}"))
    output.line(escape(f"page: {result.folder / 'report.html'}"))
