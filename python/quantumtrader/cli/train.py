"""``quantumtrader train``: recordings into judged models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.choices import given
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    Source,
    Symbol,
    reads_source,
)

if TYPE_CHECKING:
    from quantumtrader.training.pipelines import BookResult, Recording, TrainingResult

_WHERE = "Where folds are computed"
_LABEL = "What is learned"

Input = Annotated[Path, typer.Option("--input", "-i", readable=False, help="File, folder or lake.")]
Out = Annotated[
    Path,
    typer.Option("--out", "-o", help="Folder of the training; a training that was cut off goes on in it."),
]
Models = Annotated[
    Path | None,
    typer.Option("--models", "-m", file_okay=False, help="Folder of all models; models in --out without it."),
]


def _model_name(name: str) -> str:
    """Check the name of a model before anything is read."""
    from quantumtrader.exceptions import ModelError
    from quantumtrader.models.folder import check_name

    try:
        return check_name(name) if name else name
    except ModelError as error:
        raise typer.BadParameter(str(error)) from error


Name = Annotated[
    str, typer.Option("--name", help="Of the model; by the symbol without it.", callback=_model_name)
]
Workers = Annotated[
    int, typer.Option("--workers", "-w", min=1, help="Processes of this machine.", rich_help_panel=_WHERE)
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        help="Dask scheduler, tcp://host:8786, in place of --workers.",
        rich_help_panel=_WHERE,
    ),
]
Seed = Annotated[int, typer.Option(help="Of every draw: the same data and seed give the same model.")]
Candidates = Annotated[
    str,
    typer.Option(
        help="What competes: standard, quick (one LightGBM), tuned (Optuna searches) or deep (networks)."
    ),
]
Start = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First session.")]
End = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last session.")]
Margin = Annotated[
    float,
    typer.Option(min=0, max=0.99, help="Least lead of a side until it is traded.", rich_help_panel=_LABEL),
]
Spread = Annotated[
    float,
    typer.Option(
        "--spread-ticks", help="Assumed where only prints or bars are known.", rich_help_panel=_LABEL
    ),
]
_SLIPPAGE = typer.Option(
    "--slippage-ticks", min=0, help="Per round trip, beyond spread and fees.", rich_help_panel=_LABEL
)
Slippage = Annotated[float, _SLIPPAGE]
_LATENCY = typer.Option(
    "--latency-ms", min=0, help="From decision to arrival of an order.", rich_help_panel=_LABEL
)
LatencyMs = Annotated[float, _LATENCY]
LatencyFrom = Annotated[
    Path | None,
    typer.Option(
        "--latency-from",
        readable=False,
        help="Measured latencies to draw from in place of --latency-ms: folder of a live session with real orders, or "
        "a file of ns.",
        rich_help_panel=_LABEL,
    ),
]
HalfLife = Annotated[
    float | None,
    typer.Option(
        "--half-life",
        help="Sessions in which the weight of training rows halves; without it all sessions count alike.",
        rich_help_panel=_LABEL,
    ),
]
Clock = Annotated[
    str, typer.Option(help="When rows are taken: bar, 1s, 1m, event; fits the data without it.")
]
Gaps = Annotated[str, typer.Option(help="Sessions with lost events: refuse or drop.")]
ValidSessions = Annotated[
    int,
    typer.Option(
        "--valid-sessions",
        min=0,
        help="Sessions after the newest one until which the model is valid; 0: no end. The way to live takes more than 20.",
    ),
]
OpenVault = Annotated[
    bool,
    typer.Option(
        "--open-vault", help="Judge the model on the locked sessions too: once, on record; needs --why."
    ),
]
Why = Annotated[str, typer.Option("--why", help="Reason for opening the vault.")]
Who = Annotated[str, typer.Option("--who", help="Who opens it; your user name without it.")]


_LEARNED = (
    "name", "candidates", "seed", "features", "clock", "horizon_s", "every_s", "classes", "barrier_atr", "least_ticks",
    "spread_ticks", "slippage_ticks", "margin", "latency_ms", "latency_from", "half_life", "gaps", "valid_sessions",
    "open_vault",
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
            "--horizon-s", min=0, help="Vertical barrier; 0: an hour, or half of it.", rich_help_panel=_LABEL
        ),
    ] = 0.0,
    every_s: Annotated[
        float,
        typer.Option(
            "--every-s",
            min=0,
            help="Between decisions; 0: a quarter of the horizon.",
            rich_help_panel=_LABEL,
        ),
    ] = 0.0,
    classes: Annotated[
        str, typer.Option(help="side (which side pays more) or touch.", rich_help_panel=_LABEL)
    ] = "side",
    barrier_atr: Annotated[
        float, typer.Option("--barrier-atr", min=0, help="Barriers, in atr_14.", rich_help_panel=_LABEL)
    ] = 2.0,
    least_ticks: Annotated[
        float, typer.Option("--least-ticks", help="Least barrier.", rich_help_panel=_LABEL)
    ] = 4.0,
    spread_ticks: Spread = 1.0,
    slippage_ticks: Slippage = 1.0,
    margin: Margin = 0.1,
    latency_ms: LatencyMs = 200.0,
    latency_from: LatencyFrom = None,
    half_life: HalfLife = None,
    gaps: Gaps = "refuse",
    valid_sessions: ValidSessions = 30,
    update: Annotated[
        str,
        typer.Option(
            "--update",
            callback=_model_name,
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
    from quantumtrader.training.executor import make_executor
    from quantumtrader.training.pipelines import TickConfig, TickTrainingPipeline

    idle = given(ctx, _LEARNED) if update else []
    if idle:
        raise typer.BadParameter(
            f"cannot be given with --update: {update} is trained again as it was trained before",
            param_hint=", ".join(idle),
        )
    _require_reason(open_vault, why)
    names = known(features)
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
    recording = open_recording(input, symbol, config, source, start, end)
    if update:
        _retrain(update, models or Path("models"), recording, out, workers, scheduler, as_json=as_json)
        return
    with make_executor(workers, scheduler) as executor:
        pipeline = TickTrainingPipeline(asked, models=models, executor=executor, stage=output.progress)
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


def measured_latency(ctx: typer.Context, path: Path | None) -> tuple[int, ...] | None:
    """Read what ``--latency-from`` names; None without it."""
    from quantumtrader.training.labels import read_latencies

    if path is None:
        return None
    if given(ctx, ["latency_ms"]):
        raise typer.BadParameter("give one of --latency-ms and --latency-from", param_hint="--latency-from")
    return read_latencies(path)


def _require_reason(open_vault: bool, why: str) -> None:
    if open_vault and not why:
        raise typer.BadParameter("opening the vault needs a reason: --why", param_hint="--open-vault")


def _retrain(
    name: str,
    models: Path,
    recording: Recording,
    out: Path,
    workers: int,
    scheduler: str | None,
    *,
    as_json: bool,
) -> None:
    from quantumtrader.training.executor import make_executor
    from quantumtrader.training.pipelines.retraining import retrain

    with make_executor(workers, scheduler) as executor:
        found = retrain(models, name, recording, out, executor=executor, stage=output.progress)
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
            rich_help_panel=_LABEL,
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
            rich_help_panel=_LABEL,
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
    recording = open_recording(input, symbol, config, source, start, end)
    with make_executor(workers, scheduler) as executor:
        pipeline = BookTrainingPipeline(asked, models=models, executor=executor, stage=output.progress)
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
    slippage_ticks: Annotated[float | None, _SLIPPAGE] = None,
    margin: Margin = 0.1,
    latency_ms: Annotated[float | None, _LATENCY] = None,
    gaps: Gaps = "refuse",
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
    from dataclasses import replace

    from quantumtrader.cli.features_compute import known
    from quantumtrader.config import load_settings
    from quantumtrader.training.executor import make_executor
    from quantumtrader.training.pipelines import DualConfig, DualTrainingSystem, Recording
    from quantumtrader.training.pipelines.synthetic import synthetic_bars, synthetic_book

    recorded = ticks is not None or book is not None
    if recorded if synthetic else ticks is None:
        raise typer.BadParameter("give --ticks (and --book), or --synthetic", param_hint="--ticks")
    tick_names, book_names = known(tick_features, "--tick-features"), known(book_features, "--book-features")
    base = DualConfig()
    shared: dict[str, Any] = {"candidates": candidates, "margin": margin, "gaps": gaps, "seed": seed}
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
        system = DualTrainingSystem(asked, executor, stage=output.progress, models=models)
        if synthetic:
            recording = synthetic_bars(synthetic_sessions, seed)
            levels: Recording | None = synthetic_book(synthetic_days, seed)
        else:
            assert ticks is not None  # checked above
            recording = Recording.open(ticks, symbol, settings)
            levels = None if book is None else Recording.open(book, symbol, settings)
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


def show_book(
    result: BookResult, *, as_json: bool, refused: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Print the summary of each target, and whose vault was not opened."""
    if as_json:
        output.print_json(
            {
                "pace": result.pace,
                "insufficient": dict(result.insufficient),
                "vault_refused": dict(refused),
                "targets": {name: found.summary for name, found in result.results.items()},
            }
        )
        return
    from rich.markup import escape

    output.line(
        f"pace: {result.pace.tau_ns / 1e9:.3f} s between changes of the mid, spread {result.pace.spread_ticks:.2f} ticks"
    )
    output.table(
        "targets",
        ("", "rows", "effective", "chosen", "verdict"),
        [
            (name, f"{r.summary['rows']:,}", f"{r.summary['n_eff']:,.0f}", r.best_model, r.verdict)
            for name, r in result.results.items()
        ],
        wrap=("verdict",),
    )
    for name, r in result.results.items():
        if "vault_result" in r.summary:
            output.line(f"{name} · {_vault(r.summary['vault_result'], r.summary['ticks_per_exchange_tick'])}")
    for text in dict.fromkeys(text for r in result.results.values() for text in r.summary["notes"]):
        output.note(f"[dim]note: {escape(text)}[/]")
    for name, why in result.insufficient.items():
        output.note(escape(f"{name}: {why}"))
    for name, why in refused.items():
        output.note(escape(f"error: {name}: vault not opened: {why}"))
    output.line(f"training: {escape(str(result.folder))}")


def show(result: TrainingResult, *, as_json: bool, refused: str = "") -> None:
    """Print the summary document, or what a person wants to know of it, and why the vault was not opened."""
    summary = result.summary
    if as_json:
        output.print_json({**summary, "vault_refused": refused} if refused else summary)
        return
    from rich.markup import escape

    made = " · SYNTHETIC" if summary["synthetic"] else ""
    sessions = summary["sessions"]
    fine = int(summary["ticks_per_exchange_tick"])  # people think in the exchange's ticks
    output.table(
        f"{summary['symbol']} · {summary['kind']}{made}",
        ("", ""),
        [
            ("sessions", _sessions(sessions)),
            ("rows", f"{summary['rows']:,} (effective {summary['n_eff']:,.0f})"),
            ("label", _label(summary)),
            (
                "trials",
                f"{summary['trials']['here']}, and {summary['trials']['earlier']} of earlier trainings",
            ),
            ("features", f"{summary['features']}, {len(summary['left_out'])} left out (summary.json)"),
            ("cost", _cost(summary)),
        ],
    )
    if summary["table"]:
        output.table(
            "out of sample",
            ("", "skill %", "edge, nats per row", "net ticks per trade", "trades per path"),
            [
                (name, _percent(row["skill"]), _interval(row["edge"], 4), _net(row, fine),
                 "" if row["trades"] is None else f"{row['trades']:,.0f}")
                for name, row in summary["table"].items()
            ],
        )  # fmt: skip
    output.line(f"[bold]{escape(summary['verdict'])}[/]")
    for text in summary["networks"].values():
        output.line(escape(text))
    vault = summary.get("vault_result")
    if vault:
        output.line(_vault(vault, fine))
    for text in summary["notes"]:
        output.note(f"[dim]note: {escape(text)}[/]")
    output.line(f"model: {escape(summary['model'])}")
    output.line(f"training: {escape(str(result.folder))}")
    if refused:
        output.note(escape(f"error: vault not opened: {refused}"))


def _cost(summary: dict[str, Any]) -> str:
    """Say what a round trip costs, and that fees are not in it where they are not known."""
    unknown = "" if summary["fees_known"] else ", fees unknown"
    return (
        f"{summary['cost_ticks'] / summary['ticks_per_exchange_tick']:.2f} ticks beyond the spread{unknown}"
    )


def _net(row: dict[str, Any], fine: int) -> str:
    """Write net per trade; trades that are too few for a mean have none, as on the page."""
    if row["net_ticks"] is None and row["trades"]:
        return "insufficient"
    return _interval(row["net_ticks"], 2, fine)


def _vault(found: dict[str, Any], fine: int) -> str:
    """Say what the locked sessions brought, and which were no test any more."""
    if found.get("seen"):
        rest = _vault({**found, "seen": 0}, fine).removeprefix("vault: ")
        return (
            f"vault: {found['seen']} of {found['locked']} sessions were seen before and are left out; {rest}"
        )
    if not found["sufficient"]:
        return f"vault: insufficient: {'; '.join(found['reasons'])}"
    net = f"net {_interval(found['net_ticks'], 2, fine)} ticks in {found['trades']:,} trades"
    if found["net_ticks"] is None:
        net = f"{found['trades']:,} trades, too few for a mean" if found["trades"] else "no trades"
    return f"vault: skill {_percent(found['skill'])} %, {net}"


def open_recording(
    path: Path,
    symbol: str,
    config: Path | None,
    source: Source,
    start: datetime | None,
    end: datetime | None,
) -> Recording:
    """Open a recording and read it once."""
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.training.pipelines import Recording

    options = source.options()
    settings = with_instrument(load_settings(config), symbol, source.instrument())
    with output.progress(f"reading {path.name}"):
        recording = Recording.open(
            path,
            symbol,
            settings,
            format=source.format,
            options=options,
            start=None if start is None else start.date(),
            end=None if end is None else end.date(),
        )
        recording.survey()
    return recording


def user_name() -> str:
    """Return who is logged in: what stands in a record unless a name was given."""
    import getpass

    return getpass.getuser()


def _sessions(s: dict[str, Any]) -> str:
    dev, vault = s["development"], s["vault"]
    return f"{s['development_count']}, {dev[0]} to {dev[1]}; locked away {s['vault_count']}, {vault[0]} to {vault[1]}"


def _label(summary: dict[str, Any]) -> str:
    classes = ", ".join(f"{c}: {100 * n / summary['rows']:.0f} %" for c, n in summary["classes"].items())
    return f"{summary['label']['name']} ({classes})"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"


def _interval(found: dict[str, float] | None, decimals: int, over: int = 1) -> str:
    if found is None:
        return ""
    mean, low, high = (f"{found[k] / over:.{decimals}f}" for k in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"
