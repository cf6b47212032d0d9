"""``quantumtrader label``: what a training would learn, before there is one, and labels that no training learns."""

from __future__ import annotations

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
    read_detectors,
    reads_source,
)
from quantumtrader.cli.train_options import (
    Clock,
    End,
    Gaps,
    Input,
    LatencyFrom,
    LatencyMs,
    Slippage,
    Spread,
    Start,
    measured_latency,
    open_recording,
    read_fits,
    tell_unused,
)

if TYPE_CHECKING:
    from quantumtrader.training.pipelines.sides import Sides

_META = "Meta-labels"
_VENUE = "Fills and markouts"


@reads_source
def command(
    ctx: typer.Context,
    input: Input,
    symbol: Symbol,
    out: Annotated[Path, typer.Option("--out", "-o", help="The Parquet file.")],
    label: Annotated[str, typer.Option("--kind", "--label", help="Which labels.")] = "side",
    clock: Clock = "",
    horizon_s: Annotated[float, typer.Option("--horizon-s", min=0, help="0: as the trainings do.")] = 0.0,
    every_s: Annotated[float, typer.Option("--every-s", min=0, help="Time between decisions.")] = 0.0,
    barrier_atr: Annotated[float, typer.Option("--barrier-atr", min=0, help="Barriers, in atr_14.")] = 2.0,
    least_ticks: Annotated[float, typer.Option("--least-ticks", help="Least barrier.")] = 4.0,
    spread_ticks: Spread = 1.0,
    latency_ms: LatencyMs = 200.0,
    latency_from: LatencyFrom = None,
    seed: Annotated[int, typer.Option(help="Of the draws from measured latencies.")] = 7,
    strategy: Annotated[
        str,
        typer.Option(
            help="Whose entries are judged: name, path/to/file.py:Class or module:Class.",
            rich_help_panel=_META,
        ),
    ] = "",
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param", "-p", help="Strategy parameter, NAME=VALUE; repeatable.", rich_help_panel=_META
        ),
    ] = None,
    sides: Annotated[
        Path | None,
        typer.Option(
            "--sides",
            readable=False,
            help="In place of --strategy: Parquet with t0 (ns UTC) and side (1, -1 or 0).",
            rich_help_panel=_META,
        ),
    ] = None,
    slippage_ticks: Slippage = 1.0,
    side: Annotated[
        str,
        typer.Option(
            help="Which orders join the best price: buy (the bid), sell (the ask) or both.",
            rich_help_panel=_VENUE,
        ),
    ] = "both",
    wait_s: Annotated[
        float, typer.Option("--wait-s", help="Until an order is cancelled.", rich_help_panel=_VENUE)
    ] = 10.0,
    queue: Annotated[str, typer.Option(help="Model of the queue.", rich_help_panel=_VENUE)] = "pessimistic",
    after_s: Annotated[
        list[float] | None,
        typer.Option(
            "--after-s",
            help="Seconds after the fill, ascending; repeatable, 1, 5 and 30 without it.",
            rich_help_panel=_VENUE,
        ),
    ] = None,
    fitted: FittedFiles = None,
    detector_settings: DetectorFile = None,
    gaps: Gaps = "refuse",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    source: Source = UNSAID,
    start: Start = None,
    end: End = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the labels of a recording as Parquet: spans, classes, what was left out and why.

    Sessions that a training of the same study holds out are labelled too, and that is written into the study.
    Exit code 3: nothing can be labelled.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from quantumtrader.cli.held_out import tell_read
    from quantumtrader.cli.replay import read_parameters
    from quantumtrader.config import load_settings
    from quantumtrader.models.folder import write_whole
    from quantumtrader.training.pipelines.labelling import READ_BY, LabelConfig, label_recording
    from quantumtrader.training.study import require_log

    for name, kinds in READ_BY.items():
        if label not in kinds and (idle := given(ctx, [name])):
            raise typer.BadParameter(f"--kind {label} does not read it", param_hint=idle[0])
    parameters = read_parameters(param or [])
    asked = LabelConfig(
        label=label,
        clock=clock,
        horizon_s=horizon_s,
        every_s=every_s,
        barrier_atr=barrier_atr,
        least_ticks=least_ticks,
        spread_ticks=spread_ticks,
        gaps=gaps,
        latency_ms=latency_ms,
        latency_sample_ns=measured_latency(ctx, latency_from),
        seed=seed,
        sides=_sides(ctx, strategy, parameters, sides) if label == "meta" else None,
        slippage_ticks=slippage_ticks,
        side=side,
        wait_s=wait_s,
        queue=queue,
        after_s=tuple(after_s or (1.0, 5.0, 30.0)),
    )
    targets.check_file(out, overwrite=overwrite)
    detectors = read_detectors(detector_settings, load_settings(config))  # before the recording is read
    recording = open_recording(input, symbol, config, source, start, end)
    survey, product = recording.survey(), recording.instrument.product
    # What no training learns is an outcome for every study of the market.
    require_log(product, survey.days, synthetic=survey.synthetic, label=asked.study)
    if strategy:
        from quantumtrader.app.primary import primary_sides
        from quantumtrader.execution.registry import make_strategy

        fits = read_fits(recording.instrument, config, fitted)
        if fitted:
            tell_unused(fits, make_strategy(strategy, **parameters).features)
        found_sides = primary_sides(
            recording,
            strategy,
            parameters,
            fitted=fits.given,
            detectors=detectors,
            stage=output.progress,
        )
        asked = replace(asked, sides=found_sides)
    with output.progress(f"labelling {input.name}", float(len(survey.days))) as advance:
        found = label_recording(recording, asked, advance)
    tell_read(
        product,
        found.spans.sessions,
        synthetic=found.facts["synthetic"],
        how="labelled",
        why=f"label --kind {label}",
        label=asked.study,
    )
    whole = pa.BufferOutputStream()
    pq.write_table(found.table(), whole, compression="zstd")
    write_whole(out, whole.getvalue().to_pybytes())
    if as_json:
        output.print_json({**found.facts, "out": out})
        return
    _show(symbol, found.facts, out)


def _sides(ctx: typer.Context, strategy: str, parameters: dict[str, str], path: Path | None) -> Sides:
    """Read the sides; those of a strategy are not known before the recording is, but whether there is such a one."""
    import numpy as np

    from quantumtrader.execution.registry import make_strategy
    from quantumtrader.training.pipelines.sides import Sides, read_sides

    if bool(strategy) == (path is not None):
        raise typer.BadParameter("--kind meta takes one of --strategy and --sides", param_hint="--strategy")
    if path is not None:
        if idle := given(ctx, ["param", "fitted", "detector_settings"]):
            raise typer.BadParameter("is for --strategy", param_hint=", ".join(idle))
        return read_sides(path)
    make_strategy(strategy, **parameters)
    nothing = np.empty(0, np.int64)
    return Sides(nothing, nothing, strategy)


def _show(symbol: str, facts: dict[str, Any], out: Path) -> None:
    from rich.markup import escape

    made = " · SYNTHETIC" if facts["synthetic"] else ""
    if "classes" in facts:
        values = ("classes", ", ".join(f"{c}: {100 * share:.1f} %" for c, share in facts["classes"].items()))
    else:
        shown = {"mean": facts["mean"], **facts["quantiles"]}
        values = ("values", ", ".join(f"{name}: {value:,.2f}" for name, value in shown.items()))
    output.table(
        f"{symbol} · {facts['label']}{made}",
        ("", ""),
        [
            (
                "labels",
                f"{facts['rows']:,} in {facts['sessions']} sessions (effective {facts['n_eff']:,.0f})",
            ),
            values,
            ("mean span", f"{facts['mean_span_s']:,.1f} s"),
            ("left out", "; ".join(f"{why}: {n:,}" for why, n in facts["dropped"].items() if n) or "none"),
            *(
                []
                if facts.get("fees_known", True)
                else [("costs", "fees unknown: counted as zero, give --fee")]
            ),
            ("enough", "yes" if facts["sufficient"] else "; ".join(facts["reasons"])),
        ],
    )
    output.line(escape(str(out)))
