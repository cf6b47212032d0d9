"""``quantumtrader train``: recordings into judged models."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.source_options import (
    AsJson,
    BarSeconds,
    Config,
    Currency,
    Day,
    Decimal,
    Fee,
    Format,
    InferSide,
    Lot,
    OutOfOrder,
    PointValue,
    SizeStep,
    Symbol,
    TickSize,
    TimeZone,
    TradingHours,
    make_instrument,
    make_options,
)

if TYPE_CHECKING:
    from quantumtrader.training.pipelines import Recording, TrainingResult

_WHERE = "Where folds are computed"
_LABEL = "What is learned"

Input = Annotated[Path, typer.Option("--input", "-i", readable=False, help="File, folder or lake.")]
Out = Annotated[
    Path,
    typer.Option("--out", "-o", help="Folder of the training; a training that was cut off goes on in it."),
]
Models = Annotated[
    Path | None, typer.Option("--models", "-m", help="Folder of all models; models in --out without it.")
]
Name = Annotated[str, typer.Option("--name", help="Of the model; by the symbol without it.")]
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
Candidates = Annotated[str, typer.Option(help="What competes: standard, or quick (one LightGBM).")]
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
Slippage = Annotated[
    float,
    typer.Option(
        "--slippage-ticks", min=0, help="Per round trip, beyond spread and fees.", rich_help_panel=_LABEL
    ),
]
LatencyMs = Annotated[
    float,
    typer.Option("--latency-ms", min=0, help="From decision to arrival of an order.", rich_help_panel=_LABEL),
]
Clock = Annotated[
    str, typer.Option(help="When rows are taken: bar, 1s, 1m, event; fits the data without it.")
]
Gaps = Annotated[str, typer.Option(help="Sessions with lost events: refuse or drop.")]
OpenVault = Annotated[
    bool,
    typer.Option(
        "--open-vault", help="Judge the model on the locked sessions too: once, on record; needs --why."
    ),
]
Why = Annotated[str, typer.Option("--why", help="Reason for opening the vault.")]
Who = Annotated[str, typer.Option("--who", help="Who opens it; your user name without it.")]


def tick(
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
    gaps: Gaps = "refuse",
    open_vault: OpenVault = False,
    why: Why = "",
    who: Who = "",
    format: Format = None,
    decimal: Decimal = "auto",
    timezone: TimeZone = None,
    day: Day = None,
    infer_side: InferSide = "auto",
    out_of_order: OutOfOrder = "error",
    bar_seconds: BarSeconds = None,
    tick_size: TickSize = None,
    point_value: PointValue = None,
    currency: Currency = None,
    lot: Lot = None,
    size_step: SizeStep = None,
    fee: Fee = None,
    hours: TradingHours = None,
    start: Start = None,
    end: End = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Train on a year or more of prints or bars: triple barrier, purged comparison, one judged model.

    The last fifth of the sessions is locked away. What comes out is a candidate in the registry, with an assessment that
    says plainly when there is nothing there. Exit code 3: the data cannot be learned from.
    """
    from quantumtrader.cli.features_compute import chosen
    from quantumtrader.training.executor import make_executor
    from quantumtrader.training.pipelines import TickConfig, TickTrainingPipeline

    if open_vault and not why:
        raise typer.BadParameter("opening the vault needs a reason: --why", param_hint="--open-vault")
    names = chosen(features)
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
        candidates=candidates,
        gaps=gaps,
        seed=seed,
    )
    recording = _open(
        input, symbol, config, format, start, end,
        make_options(decimal, timezone, day, infer_side, out_of_order, bar_seconds),
        make_instrument(tick_size, point_value, currency, lot, size_step, fee, hours, timezone),
    )  # fmt: skip
    with make_executor(workers, scheduler) as executor:
        pipeline = TickTrainingPipeline(asked, models=models, executor=executor, stage=output.progress)
        result = pipeline.train(recording, out)
    if open_vault:
        pipeline.open_vault(recording, result, who=who or _user(), why=why)
    show(result, as_json=as_json)


def show(result: TrainingResult, *, as_json: bool) -> None:
    """Print the summary document, or what a person wants to know of it."""
    summary = result.summary
    if as_json:
        output.print_json(summary)
        return
    from rich.markup import escape

    made = " · SYNTHETIC" if summary["synthetic"] else ""
    sessions = summary["sessions"]
    output.table(
        f"{summary['symbol']} · {summary['kind']}{made}",
        ("", ""),
        [
            ("sessions", _sessions(sessions)),
            ("rows", f"{summary['rows']:,} (effective {summary['n_eff']:,.0f})"),
            ("label", _label(summary)),
            ("features", f"{summary['features']}, {len(summary['left_out'])} left out (summary.json)"),
        ],
    )
    if summary["table"]:
        output.table(
            "out of sample",
            ("", "skill %", "edge, nats per row", "net ticks per trade", "trades per path"),
            [
                (name, _percent(row["skill"]), _interval(row["edge"], 4), _interval(row["net_ticks"], 2),
                 "" if row["trades"] is None else f"{row['trades']:,.0f}")
                for name, row in summary["table"].items()
            ],
        )  # fmt: skip
    output.line(f"[bold]{escape(summary['verdict'])}[/]")
    vault = summary.get("vault_result")
    if vault:
        output.line(
            f"vault: skill {_percent(vault['skill'])} %, net {_interval(vault['net_ticks'], 2)} ticks"
        )
    for text in summary["notes"]:
        output.note(f"[dim]note: {escape(text)}[/]")
    output.line(f"model: {escape(summary['model'])}")
    output.line(f"training: {escape(str(result.folder))}")


def _open(
    path: Path,
    symbol: str,
    config: Path | None,
    format: str | None,
    start: datetime | None,
    end: datetime | None,
    options: Any,
    given: dict[str, Any],
) -> Recording:
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.training.pipelines import Recording

    settings = with_instrument(load_settings(config), symbol, given)
    with output.progress(f"reading {path.name}"):
        recording = Recording.open(
            path,
            symbol,
            settings,
            format=format,
            options=options,
            start=None if start is None else start.date(),
            end=None if end is None else end.date(),
        )
        recording.survey()
    return recording


def _user() -> str:
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


def _interval(found: dict[str, float] | None, decimals: int) -> str:
    if found is None:
        return ""
    return f"{found['mean']:.{decimals}f} ({found['low']:.{decimals}f} to {found['high']:.{decimals}f})"
