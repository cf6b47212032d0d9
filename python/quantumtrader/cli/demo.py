"""``quantumtrader demo``: a synthetic session through the whole path, and a report at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantumtrader.cli.source_options import (
    DailyLoss,
    DetectorFile,
    FittedFiles,
    MaxOrderSize,
    MaxPosition,
    make_risk,
    read_detectors,
)

if TYPE_CHECKING:
    from quantumtrader.execution import Trade


def command(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path("out/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the synthetic session.")] = 7,
    minutes: Annotated[float, typer.Option(min=5, max=600, help="Length of the session.")] = 120.0,
    pace: Annotated[str, typer.Option(help="max, 1x (live speed), 10x.")] = "max",
    lang: Annotated[str, typer.Option(help="Language of the report: en or pt.")] = "en",
    strategy: Annotated[
        str, typer.Option(help="Name, path/to/file.py:Class or module:Class.")
    ] = "order_flow_baseline",
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="Strategy parameter, NAME=VALUE; repeatable.")
    ] = None,
    fitted: FittedFiles = None,
    detector_settings: DetectorFile = None,
    daily_loss: DailyLoss = None,
    max_position: MaxPosition = None,
    max_order_size: MaxOrderSize = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Trade a seeded synthetic WDO session and write a report; nothing real is touched."""
    from quantumtrader.app import DemoConfig, run_demo
    from quantumtrader.cli.held_out import tell_replay
    from quantumtrader.cli.output import progress
    from quantumtrader.cli.replay import read_parameters, show

    result = run_demo(
        DemoConfig(
            out=out,
            seed=seed,
            minutes=minutes,
            pace=pace,
            lang=lang,
            strategy=strategy,
            parameters=read_parameters(param or []),
            risk=make_risk(daily_loss, max_position, max_order_size),
            fitted=tuple(fitted or ()),
            detector_settings=read_detectors(detector_settings),
        ),
        stage=progress,
        on_trade=None if pace == "max" or as_json else _tell,
    )
    tell_replay(result, "demo")
    show(result, lang=lang, as_json=as_json)


def _tell(trade: Trade) -> None:
    from quantumtrader.backtest.report.labels import money
    from quantumtrader.cli.output import note

    side = "long" if trade.side > 0 else "short"
    note(
        f"synthetic trade {trade.trade_id}: {side} {trade.size}, {trade.exit_tag}, {money(trade.net, 'BRL', 'en')}"
    )
