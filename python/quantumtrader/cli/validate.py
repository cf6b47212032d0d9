"""``quantumtrader validate``: what is odd in a data set, and whether it may be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantumtrader.cli import output
from quantumtrader.cli.import_ import Input, show_rejected
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    Source,
    reads_source,
)

if TYPE_CHECKING:
    from quantumtrader.data.importers import Rejected
    from quantumtrader.data.quality import Finding

INVALID = 3
"""Exit code for data that must not be used."""


@reads_source
def command(
    input: Input,
    symbol: Annotated[
        str | None,
        typer.Option(
            "--symbol",
            "-s",
            help="Contract, series, or an instrument of your own. Not needed for a journal.",
        ),
    ] = None,
    source: Source = UNSAID,
    gap_seconds: Annotated[
        float, typer.Option("--gap-seconds", min=0, help="Silence worth a warning.")
    ] = 300.0,
    jump_ticks: Annotated[
        int | None, typer.Option("--jump-ticks", min=1, help="Jump worth a warning.")
    ] = None,
    until_damage: Annotated[
        bool, typer.Option("--until-damage", help="Of a damaged journal, check what comes before.")
    ] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check a journal, a lake or a raw source: order, gaps, grid, duplicates, crossed books, coverage.

    What was recorded live is also replayed: books are rebuilt, have to be possible, and have to agree with the checkpoints
    that the recorder took of the live ones.

    Exit code 3: the data breaks a rule that everything downstream relies on, or rows had to be put aside.
    """
    from dataclasses import replace

    from rich.markup import escape

    from quantumtrader import _backend
    from quantumtrader.cli import validate_recording as recording
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.data.calendar import Calendar
    from quantumtrader.data.quality import Book, validate
    from quantumtrader.data.source import load_events, locate
    from quantumtrader.types import Kind

    if recording.is_recording(input):
        recording.show(
            recording.check_journals(input, symbol, load_settings(config), until_damage=until_damage),
            as_json=as_json,
        )
        return
    if symbol is None:
        if not input.exists() or (input.is_dir() and not any(input.iterdir())):
            locate(input, "", source.format)  # says in its own words that there is nothing
        raise typer.BadParameter("name the --symbol; only journals say it themselves")
    given = source.instrument()
    settings = with_instrument(load_settings(config), symbol, given)
    options = source.options()
    with output.progress(f"checking {input.name}"):
        engine = _backend.core()
        loaded = load_events(
            input,
            symbol,
            settings,
            format=source.format,
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
        replayed = recording.check_lake(input, loaded.instrument, settings)
        if replayed and recording.sequences_complete(input, loaded.instrument.symbol):
            # Each symbol has its own part of a journal's numbers, all of which were there.
            report = replace(
                report,
                findings=tuple(
                    f for f in report.findings if (f.check, f.severity) != ("sequence", "warning")
                ),
            )
    valid = report.valid and not loaded.rejected and all(r.valid for r in replayed.values())
    if as_json:
        output.print_json(
            {
                "valid": valid,
                "source": loaded.description,
                "report": report,
                "rejected": loaded.rejected,
                "notes": loaded.notes,
                "replay": {str(day): recording.as_dict(r) for day, r in replayed.items()},
            }
        )
    else:
        output.line(escape(loaded.description))
        recording.show_findings([*report.findings, *_of_rejected(loaded.rejected)])
        for day_replayed, result in replayed.items():
            recording.show_replay(f"{result.symbol} of {day_replayed}, replayed", result)
        show_rejected(loaded.rejected, None)
        for text in loaded.notes:
            output.note(f"note: {escape(text)}")
        output.line("[green]valid[/green]" if valid else "[red]invalid[/red]")
    if not valid:
        raise typer.Exit(INVALID)


def _of_rejected(rejected: Sequence[Rejected]) -> list[Finding]:
    """Turn rows that were put aside into findings, one for each reason: they make a source invalid as errors do."""
    from quantumtrader.data.quality import Finding

    by_reason: dict[tuple[str, str], list[Rejected]] = {}
    for row in rejected:
        by_reason.setdefault((row.column, row.reason), []).append(row)
    return [
        Finding(
            "rejected",
            "error",
            len(rows),
            f"{column}: {reason}" if column else reason,
            (f"{Path(rows[0].path).name}:{rows[0].line}",),
        )
        for (column, reason), rows in by_reason.items()
    ]
