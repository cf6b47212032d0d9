"""``quantumtrader import``: a raw source into the lake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    Source,
    Symbol,
    one_of,
    reads_source,
)

if TYPE_CHECKING:
    from quantumtrader.data.importers import Rejected

Input = Annotated[
    Path, typer.Argument(metavar="INPUT", readable=False, help="File, folder of a set, or prefix of one.")
]

_SHOWN = 5


@reads_source
def command(
    input: Input,
    symbol: Symbol,
    root: Annotated[  # not `out`: a lake may lie beside its source, and an import only adds files of its own
        Path | None, typer.Option("--out", "-o", help="Lake; the configured one by default.")
    ] = None,
    source: Source = UNSAID,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace sessions that exist.")] = False,
    compression: Annotated[str, typer.Option("--compression", help="zstd or snappy.")] = "zstd",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Import market data from another program's files into the lake.

    Rows that cannot be used are listed in <lake>/rejected/, never dropped silently; nothing is written when the
    import fails. Exit code 3: the source cannot be used.
    """
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.data.contracts import instrument as find_instrument
    from quantumtrader.data.lake import Lake
    from quantumtrader.data.source import locate, read_source

    options = source.options()
    one_of("--compression", compression, ("zstd", "snappy"))
    given = source.instrument()
    settings = with_instrument(load_settings(config), symbol, given)
    instrument = find_instrument(symbol, settings)
    path, importer = locate(input, instrument.symbol, source.format)
    lake = Lake(root or settings.data.lake)
    with (
        output.progress(f"importing {path.name} ({importer.name})") as advance,
        lake.writer(
            instrument,
            source=f"{importer.name}:{path.name}",
            origin=path,
            overwrite=overwrite,
            compression=compression,  # type: ignore[arg-type]  # checked above
        ) as writer,
    ):
        for part in read_source(path, instrument, importer, options):
            writer.add(part.events, part.instrument)
            writer.rejected += part.rejected
            writer.notes += part.notes
            advance(len(part.events))
    rejected, side_file, notes = writer.rejected, writer.rejected_file, writer.notes
    result: dict[str, Any] = {
        "symbol": instrument.symbol,
        "format": importer.name,
        "input": path,
        "lake": lake.root,
        "rows": writer.rows,
        "dates": writer.dates,
        "rejected": len(rejected),
        "rejected_file": side_file,
        "notes": notes,
    }
    if as_json:
        output.print_json(result)
        return
    output.table(
        f"{instrument.symbol}: {sum(writer.rows.values()):,} events into {lake.root}",
        ("kind", "events"),
        list(writer.rows.items()),
    )
    output.line(
        f"sessions: {len(writer.dates)}, {writer.dates[0]} to {writer.dates[-1]}" if writer.dates else ""
    )
    show_rejected(rejected, side_file)
    for text in notes:
        output.note(f"note: {text}")


def show_rejected(rejected: list[Rejected], side_file: Path | None) -> None:
    """Print the count, the first few, and where the rest is."""
    from pathlib import Path as _Path

    from rich.markup import escape

    if not rejected:
        return
    where = "" if side_file is None else f", all of them in {side_file}"
    output.note(f"[yellow]{len(rejected)} rows rejected[/yellow]{escape(where)}")
    for r in rejected[:_SHOWN]:
        cell = f"{r.column} {r.value!r}".strip()
        output.note(escape(f"  {_Path(r.path).name}:{r.line}: {cell}: {r.reason}"))
