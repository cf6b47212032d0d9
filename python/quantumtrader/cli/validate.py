"""``quantumtrader validate``: what is odd in a data set, and whether it may be used."""

from __future__ import annotations

from typing import Annotated

import typer

from quantumtrader.cli import output
from quantumtrader.cli.import_ import Input, show_rejected
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

INVALID = 3
"""Exit code for data that must not be used."""


def command(
    input: Input,
    symbol: Symbol,
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
    gap_seconds: Annotated[
        float, typer.Option("--gap-seconds", min=0, help="Silence worth a warning.")
    ] = 300.0,
    jump_ticks: Annotated[
        int | None, typer.Option("--jump-ticks", min=1, help="Jump worth a warning.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check a lake or a raw source: order, gaps, grid, duplicates, crossed books, coverage.

    Exit code 3: the data breaks a rule that everything downstream relies on, or rows had to be put aside.
    """
    from quantumtrader import _backend
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.data.calendar import Calendar
    from quantumtrader.data.quality import Book, validate
    from quantumtrader.data.source import load_events
    from quantumtrader.types import Kind

    given = make_instrument(tick_size, point_value, currency, lot, size_step, fee, hours, timezone)
    settings = with_instrument(load_settings(config), symbol, given)
    options = make_options(decimal, timezone, day, infer_side, out_of_order, bar_seconds)
    with output.progress(f"checking {input.name}"):
        engine = _backend.core()
        loaded = load_events(
            input,
            symbol,
            settings,
            format=format,
            options=options,
            sessions=False,
            pack=engine.pack_events,
        )
        books: dict[Kind, Book] = {Kind.LEVEL: engine.L2Book(), Kind.ORDER: engine.OrderBook()}
        report = validate(
            loaded.events,
            loaded.instrument,
            calendar=Calendar(settings),
            books=books,
            gap_seconds=gap_seconds,
            jump_ticks=jump_ticks,
        )
    valid = report.valid and not loaded.rejected
    if as_json:
        output.print_json(
            {
                "valid": valid,
                "source": loaded.description,
                "report": report,
                "rejected": loaded.rejected,
                "notes": loaded.notes,
            }
        )
    else:
        colour = {"error": "red", "warning": "yellow", "info": "dim"}
        output.line(loaded.description)
        if report.findings:
            output.table(
                f"{len(report.findings)} finding{'s' * (len(report.findings) > 1)}",
                ("severity", "check", "count", "what", "first"),
                [
                    (
                        f"[{colour[f.severity]}]{f.severity}[/]",
                        f.check,
                        f.count,
                        f.message,
                        f.places[0] if f.places else "",
                    )
                    for f in report.findings
                ],
            )
        show_rejected(loaded.rejected, None)
        for text in loaded.notes:
            output.note(f"note: {text}")
        output.line("[green]valid[/green]" if valid else "[red]invalid[/red]")
    if not valid:
        raise typer.Exit(INVALID)
