"""``quantumtrader replay``: recorded events through features, strategy, risk and venue."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantumtrader.cli import targets
from quantumtrader.cli.features_compute import known
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    DailyLoss,
    DetectorFile,
    FittedFiles,
    MaxOrderSize,
    MaxPosition,
    Source,
    Symbol,
    make_risk,
    read_detectors,
    reads_source,
)
from quantumtrader.exceptions import TradingHaltedError

if TYPE_CHECKING:
    from quantumtrader.app import ReplayResult


@reads_source
def command(
    input: Annotated[
        Path, typer.Option("--input", "-i", readable=False, help="File, folder or lake of a recording.")
    ],
    symbol: Symbol,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for report and Parquet files.")],
    strategy: Annotated[
        str, typer.Option(help="Name, path/to/file.py:Class or module:Class; without it a fitting baseline.")
    ] = "",
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="Strategy parameter, NAME=VALUE; repeatable.")
    ] = None,
    clock: Annotated[str, typer.Option(help="Sampling clock: event, bar, 100ms, 50trades.")] = "",
    latency_ms: Annotated[
        float, typer.Option("--latency-ms", min=0, help="One way, in milliseconds.")
    ] = 20.0,
    queue: Annotated[str, typer.Option(help="pessimistic, proportional or exact.")] = "pessimistic",
    adverse_ticks: Annotated[
        int, typer.Option("--adverse-ticks", min=0, help="Paid by market orders where sizes are unknown.")
    ] = 1,
    feature: Annotated[
        list[str] | None, typer.Option("--feature", help="Further feature to record; repeatable.")
    ] = None,
    warmup: Annotated[str, typer.Option(help="full or partial.")] = "full",
    pace: Annotated[str, typer.Option(help="max, 1x (as it happened), 10x.")] = "max",
    rlp_sign: Annotated[
        str,
        typer.Option(
            "--rlp-sign", help="Side of retail liquidity prints: drop (none), quote (against the mid)."
        ),
    ] = "drop",
    fitted: FittedFiles = None,
    detector_settings: DetectorFile = None,
    seed: Annotated[int, typer.Option(help="Seed of the random baseline.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of a replay in a folder that is not empty.")
    ] = False,
    source: Source = UNSAID,
    daily_loss: DailyLoss = None,
    max_position: MaxPosition = None,
    max_order_size: MaxOrderSize = None,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
    config: Config = None,
    lang: Annotated[str, typer.Option(help="Language of the report: en or pt.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Replay a recording through strategy, risk and venue, and write a report."""
    from quantumtrader.app import ReplayConfig, run_replay
    from quantumtrader.backtest.save import FILES
    from quantumtrader.cli.held_out import tell_replay
    from quantumtrader.cli.output import progress

    asked = ReplayConfig(
        input=input,
        symbol=symbol,
        out=out,
        strategy=strategy,
        parameters=read_parameters(param or []),
        clock=clock,
        latency_ms=latency_ms,
        queue=queue,
        adverse_ticks=adverse_ticks,
        features=tuple(known(feature, "--feature") or ()),
        warmup=warmup,
        pace=pace,
        lang=lang,
        rlp_sign=rlp_sign,
        seed=seed,
        format=source.format or "",
        options=source.options(),
        instrument=source.instrument(),
        risk=make_risk(daily_loss, max_position, max_order_size),
        start=None if start is None else start.date(),
        end=None if end is None else end.date(),
        settings_file=config,
        fitted=tuple(fitted or ()),
        detector_settings=read_detectors(detector_settings),  # before the recording is read
    )
    read = {"input": input, "config": config, "fitted": fitted, "detector_settings": detector_settings}
    targets.check_folder(out, FILES, read, overwrite=overwrite)
    result = run_replay(asked, stage=progress)
    tell_replay(result, "replay")
    show(result, lang=lang, as_json=as_json)


def show(result: ReplayResult, *, lang: str, as_json: bool) -> None:
    """Print the outcome of a replay: the summary document, or a table, the verdict and the report's path.

    Raises
    ------
    TradingHaltedError
        After everything was printed, if the replay ended with the kill switch on: exit code 4.
    """
    _print(result, lang=lang, as_json=as_json)
    if result.backtest.halted:
        if as_json:  # the document on standard output says why
            raise typer.Exit(4)
        raise TradingHaltedError(f"trading was halted: {result.backtest.halted}")


def _print(result: ReplayResult, *, lang: str, as_json: bool) -> None:
    from quantumtrader.backtest import verdict
    from quantumtrader.backtest.report.labels import labels
    from quantumtrader.backtest.report.remarks import fidelity_note, remarks
    from quantumtrader.backtest.save import summary_document
    from quantumtrader.cli.output import line, note, print_json, table

    backtest, summary = result.backtest, result.summary
    if as_json:
        document = summary_document(
            backtest, summary, lang=lang, description=result.description, notes=result.notes
        )
        print_json({**document, "report": result.report})
        return
    from rich.markup import escape

    words = labels(lang)
    engine = words["engine_of"].format(engine=backtest.engine)
    title = f"{backtest.instrument.symbol} · {backtest.strategy.name} · {engine}"
    if backtest.path.synthetic:
        title += " · SYNTHETIC"
    table(title, ("", ""), figures(result, lang))
    currency = backtest.instrument.currency
    line(f"[bold]{escape(verdict(summary, currency, synthetic=backtest.path.synthetic, lang=lang))}[/]")
    for text in (fidelity_note(backtest, lang), *result.notes, *remarks(backtest, lang)):
        note(f"[dim]{escape(text)}[/]")
    line(f"{words['report']}: {escape(str(result.report))}")


def figures(result: ReplayResult, lang: str) -> list[tuple[str, str]]:
    """Rows of the terminal summary: words and figures."""
    from quantumtrader.backtest.report.labels import count, explain, labels, money, number, signed_contracts
    from quantumtrader.backtest.verdict import loss_halts

    summary, words = result.summary, labels(lang)
    currency = result.backtest.instrument.currency

    def cash(amount: float) -> str:
        return money(amount, currency, lang)

    def share(value: float) -> str:
        return "–" if value != value else f"{number(100 * value, lang, 1)} %"

    unknown = "" if summary.fees_known else f"  {words['fees_unknown']}"
    return [
        (words["events_samples"], f"{count(summary.events, lang)} / {count(summary.samples, lang)}"),
        (words["trades"], count(summary.trades, lang)),
        (
            words["left_open"],
            signed_contracts(summary.open_position, lang)
            if summary.open_position
            else words["left_open_none"],
        ),
        (
            words["net"],
            f"{cash(summary.net)}  ({words['gross']} {cash(summary.gross)}, {words['costs']} {cash(summary.costs)})"
            f"{unknown}",
        ),
        (
            words["hit_rate"],
            f"{share(summary.hit_rate)}  ({words['break_even']} {share(summary.break_even_hit_rate)})",
        ),
        (words["max_drawdown"], cash(summary.max_drawdown)),
        (
            words["random_side"],
            f"{cash(summary.random_mean)}  (5–95 %: {cash(summary.random_p05)} … {cash(summary.random_p95)})",
        ),
        (
            words["random_percentile"],
            number(summary.random_percentile, lang, 1),
        ),
        (words["buy_and_hold"].split(",")[0], cash(summary.hold_net)),
        (
            words["refusals"],
            ", ".join(f"{explain(k, lang)} {count(n, lang)}" for k, n in summary.refusals.items())
            or words["none"],
        ),
        (
            words["holds"],
            ", ".join(f"{explain(k, lang)} {count(n, lang)}" for k, n in list(summary.holds.items())[:4]),
        ),
        *((words["daily_loss"], text) for text in loss_halts(summary, currency, lang)),
    ]


def read_parameters(pairs: list[str]) -> dict[str, str]:
    """Read strategy parameters as they stand on the command line: NAME=VALUE each."""
    out = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--param")
        out[name.strip()] = value.strip()
    return out
