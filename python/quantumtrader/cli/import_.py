"""``quantumtrader import``: a raw source into the lake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output

if TYPE_CHECKING:
    from quantumtrader.data.importers import Options, Rejected

Input = Annotated[Path, typer.Argument(metavar="INPUT", help="File, folder of a set, or prefix of one.")]
Symbol = Annotated[str, typer.Option("--symbol", "-s", help="Contract, series, or a configured instrument.")]
Format = Annotated[
    str | None, typer.Option("--format", help="Source format; found by looking when left out.")
]
Decimal = Annotated[str, typer.Option("--decimal", help="Decimal mark of text files: auto, ',' or '.'.")]
TimeZone = Annotated[str | None, typer.Option("--timezone", help="IANA zone of times that carry none.")]
Day = Annotated[str | None, typer.Option("--date", help="YYYY-MM-DD, for files that hold times of day only.")]
InferSide = Annotated[
    str, typer.Option("--infer-side", help="Missing aggressors: auto, none, quote or tick.")
]
OutOfOrder = Annotated[str, typer.Option("--out-of-order", help="Rows back in time: error, reject or sort.")]
BarSeconds = Annotated[int | None, typer.Option("--bar-seconds", min=1, help="Length of bars.")]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file in place of ./quantumtrader.toml.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_SHOWN = 5


def command(
    input: Input,
    symbol: Symbol,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Lake; the configured one by default.")
    ] = None,
    format: Format = None,
    decimal: Decimal = "auto",
    timezone: TimeZone = None,
    day: Day = None,
    infer_side: InferSide = "auto",
    out_of_order: OutOfOrder = "error",
    bar_seconds: BarSeconds = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace sessions that exist.")] = False,
    compression: Annotated[str, typer.Option("--compression", help="zstd or snappy.")] = "zstd",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Import market data from another program's files into the lake.

    Rows that cannot be used are listed in <lake>/rejected/, never dropped silently; nothing is written when the
    import fails. Exit code 3: the source cannot be used.
    """
    from quantumtrader.config import load_settings
    from quantumtrader.data.contracts import instrument as find_instrument
    from quantumtrader.data.lake import Lake
    from quantumtrader.data.source import locate, read_source

    options = make_options(decimal, timezone, day, infer_side, out_of_order, bar_seconds)
    one_of("--compression", compression, ("zstd", "snappy"))
    settings = load_settings(config)
    instrument = find_instrument(symbol, settings)
    path, importer = locate(input, instrument.symbol, format)
    lake = Lake(out or settings.data.lake)
    rejected: list[Rejected] = []
    notes: list[str] = []
    with (
        output.progress(f"importing {path.name} ({importer.name})") as advance,
        lake.writer(
            instrument,
            source=f"{importer.name}:{path.name}",
            overwrite=overwrite,
            compression=compression,  # type: ignore[arg-type]  # checked above
        ) as writer,
    ):
        for part in read_source(path, instrument, importer, options):
            writer.add(part.events, part.instrument)
            rejected += part.rejected
            notes += part.notes
            advance(len(part.events))
    side_file = write_rejected(
        lake.root / "rejected" / f"{instrument.symbol}_{path.stem}.rejected.csv", rejected
    )
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


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Check a choice.

    Raises
    ------
    typer.BadParameter
        Usage error (exit code 2).
    """
    if value not in allowed:
        raise typer.BadParameter(f"{option} is {value!r}; use one of {', '.join(allowed)}")


def make_options(
    decimal: str = "auto",
    timezone: str | None = None,
    day: str | None = None,
    infer_side: str = "auto",
    out_of_order: str = "error",
    bar_seconds: int | None = None,
) -> Options:
    """Turn command-line values into importer options; a value that is not allowed is a usage error."""
    from datetime import date

    from quantumtrader.data.importers import Options

    one_of("--decimal", decimal, ("auto", ",", "."))
    one_of("--infer-side", infer_side, ("auto", "none", "quote", "tick"))
    one_of("--out-of-order", out_of_order, ("error", "reject", "sort"))
    try:
        when = None if day is None else date.fromisoformat(day)
    except ValueError as error:
        raise typer.BadParameter(f"--date is {day!r}; write YYYY-MM-DD") from error
    return Options(
        decimal=decimal,  # type: ignore[arg-type]  # checked above, as the next two
        timezone=timezone,
        date=when,
        infer_side=infer_side,  # type: ignore[arg-type]
        out_of_order=out_of_order,  # type: ignore[arg-type]
        bar_seconds=bar_seconds,
    )


def write_rejected(path: Path, rejected: list[Rejected]) -> Path | None:
    """Keep refused rows in a side file; an older one is removed when there are none."""
    import csv
    import os

    if not rejected:
        path.unlink(missing_ok=True)
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "line", "column", "value", "reason"))
        writer.writerows((r.path, r.line, r.column, r.value, r.reason) for r in rejected)
    os.replace(temporary, path)
    return path


def show_rejected(rejected: list[Rejected], side_file: Path | None) -> None:
    """Print the count, the first few, and where the rest is."""
    from pathlib import Path as _Path

    from rich.markup import escape

    if not rejected:
        return
    where = "" if side_file is None else f", all of them in {side_file}"
    output.note(f"[yellow]{len(rejected)} rows rejected[/yellow]{escape(where)}")
    for r in rejected[:_SHOWN]:
        output.note(escape(f"  {_Path(r.path).name}:{r.line}: {r.column} {r.value!r}: {r.reason}"))
