"""``quantumtrader features compute``: a recording into a Parquet file of features."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output, targets
from quantumtrader.cli.import_ import show_rejected
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

if TYPE_CHECKING:
    from quantumtrader.exceptions import DataError
    from quantumtrader.features.files import Computed

_NAMED = 6
_DAY_S = 86_400


@reads_source
def command(
    input: Annotated[
        Path, typer.Option("--input", "-i", readable=False, help="File, folder or lake of a recording.")
    ],
    symbol: Symbol,
    out: Annotated[Path, typer.Option("--out", "-o", help="The Parquet file.")],
    set: Annotated[str | None, typer.Option("--set", help="Set of features.")] = None,
    features: Annotated[
        list[str] | None,
        typer.Option("--features", "-f", help="Names or aliases, separated by commas; in place of --set."),
    ] = None,
    clock: Annotated[str, typer.Option(help="Sampling clock: event, bar, 100ms, 50trades.")] = "100ms",
    warmup: Annotated[str, typer.Option(help="full or partial.")] = "full",
    rlp_sign: Annotated[
        str,
        typer.Option(
            "--rlp-sign", help="Side of retail liquidity prints: drop (none), quote (against the mid)."
        ),
    ] = "drop",
    fitted: FittedFiles = None,
    detector_settings: DetectorFile = None,
    tail_s: Annotated[
        float,
        typer.Option(
            "--tail-s",
            min=0,
            help="Leave out rows later than so many seconds after the last record of their session.",
        ),
    ] = 60.0,
    keep_tail: Annotated[
        bool, typer.Option("--keep-tail", help="Write them too, up to the close of the session.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    source: Source = UNSAID,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Compute features over a recording and write them as Parquet, with their manifest.

    The recording is read in parts: memory holds one session of it. The same recording gives the same values, and
    they are those of FeatureEngine.run. Where a recording stops before the close, rows go on for --tail-s seconds.
    """
    from quantumtrader import _backend
    from quantumtrader.app.fit_notes import unused_notes
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.data.stream import stream_events
    from quantumtrader.exceptions import DataError
    from quantumtrader.features import FeatureEngine, compute_to_file
    from quantumtrader.features.given import given_fits

    names = known(features)
    if (set is None) == (names is None):
        raise typer.BadParameter("give either --set or --features", param_hint="--set")
    given = source.instrument()
    options = source.options()
    if not out.is_dir() and out.suffix.lower() != ".parquet":
        raise typer.BadParameter(f"{out} is written as Parquet: end it with .parquet", param_hint="--out")
    targets.check_file(out, overwrite=overwrite)
    settings = with_instrument(load_settings(config), symbol, given)
    detectors = read_detectors(detector_settings, settings)
    began = time.perf_counter()
    stream = stream_events(
        input,
        symbol,
        settings,
        format=source.format,
        options=options,
        start=None if start is None else start.date(),
        end=None if end is None else end.date(),
        pack=_backend.core().pack_events,
    )
    wanted = names if names is not None else (set or "")
    fits = given_fits(settings, stream.instrument, fitted)
    engine = FeatureEngine(
        wanted, stream.instrument, clock, warmup, rlp_sign, detectors=detectors, fitted=fits.given
    )
    with output.progress(f"computing {len(engine.names)} features of {input.name}", stream.total) as advance:
        tail = None if keep_tail else tail_s
        try:
            done = compute_to_file(stream, engine, out, overwrite=overwrite, tail_s=tail, advance=advance)
        except DataError as error:
            if (quiet_s := _quiet_stretch(error)) is None:
                raise
            text = f"a quiet stretch of {quiet_s} s makes more rows of {clock} than the million that the engines allow"
            raise typer.BadParameter(
                f"{text}; take a longer step, or the clock event", param_hint="--clock"
            ) from error
    seconds = time.perf_counter() - began
    notes = list(stream.notes)
    if done.tail_rows and keep_tail:
        notes.append(
            f"{done.tail_rows:,} rows come more than a minute after the last record of their session, with nothing "
            "behind them"
        )
    elif done.tail_rows:
        notes.append(
            f"{done.tail_rows:,} rows that would come more than {tail_s:g} s after the last record of their session are "
            "left out: nothing stands behind them; --keep-tail writes them"
        )
    notes += _value_notes(done, clock)
    notes += unused_notes(fits, engine.names) if fitted else []
    result: dict[str, Any] = {
        "out": out,
        "source": stream.origin,
        "symbol": stream.instrument.symbol,
        "features": len(engine.names),
        "clock": clock,
        "rows": done.rows,
        "first_ns": done.first_ns,
        "last_ns": done.last_ns,
        "events": done.events,
        "seconds": seconds,
        "events_per_second": done.events / seconds,
        "peak_rss_bytes": peak_rss_bytes(),
        "bytes": out.stat().st_size,
        "engine": engine.manifest.engine,
        "manifest": engine.manifest.hash,
        "rejected": len(stream.rejected),
        "tail_rows": done.tail_rows,
        "without_values": done.without_values,
        "zero_without_input": done.zero_without_input,
        "notes": notes,
    }
    if as_json:
        output.print_json(result)
        return
    from rich.markup import escape

    _print(result)
    show_rejected(stream.rejected, None)
    for text in notes:
        output.note(f"note: {escape(text)}")


def _quiet_stretch(error: DataError) -> int | None:
    """Return the seconds of a jump of time that a session can have, and that only the clock makes too many rows of.

    Both engines say it in these words alone, and tests of each hold them to these.
    """
    found = re.search(r"time jumps (\d+) s ahead, which makes \d+ samples of", str(error))
    return int(found[1]) if found is not None and int(found[1]) < _DAY_S else None


def _value_notes(done: Computed, clock: str) -> list[str]:
    """Say which columns tell nothing about this recording."""
    if not done.rows:
        due = "all rows are left out" if done.tail_rows else f"the clock {clock} was never due"
        return [f"the file has no rows: {due}"]
    notes = [bare_note(done.without_values)] if done.without_values else []
    for what, names in done.zero_without_input.items():
        verb = "are" if len(names) > 1 else "is"
        notes.append(f"the recording has no {what}: {some(names)} {verb} 0 throughout")
    return notes


def bare_note(names: Sequence[str]) -> str:
    """Say that columns are NaN in every row, and why that may be."""
    return f"no row has a value of {some(names)}: not warm in so short a time, or the data lack what it needs"


def some(names: Sequence[str]) -> str:
    """Name the first few."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _print(result: dict[str, Any]) -> None:
    peak = result["peak_rss_bytes"]
    output.table(
        f"{result['symbol']}: {result['features']} features on the clock {result['clock']}",
        ("", ""),
        [
            ("rows", f"{result['rows']:,}{_span(result['first_ns'], result['last_ns'])}"),
            ("events", f"{result['events']:,}"),
            ("speed", f"{result['events_per_second']:,.0f} events/s ({result['seconds']:.1f} s)"),
            ("peak memory", "unknown" if peak is None else f"{peak / 2**20:,.0f} MiB"),
            ("file", f"{result['bytes'] / 2**20:,.1f} MiB"),
            ("engine", result["engine"]),
            ("manifest", result["manifest"][:16]),
        ],
    )
    from rich.markup import escape

    output.line(escape(str(result["out"])))


def _span(first: int | None, last: int | None) -> str:
    return "" if first is None or last is None else f", {show_ns(first)} to {show_ns(last)} UTC"


def show_ns(ts: int) -> str:
    """Return a time of ns UTC as text, to the millisecond."""
    from datetime import UTC

    when = datetime.fromtimestamp(ts // 10**9, UTC)
    return f"{when:%Y-%m-%d %H:%M:%S}.{ts % 10**9 // 10**6:03}"


def chosen(features: list[str] | None, option: str = "--features") -> list[str] | None:
    """Return the names in ``--features a,b --features c``; None when the option was not given."""
    if not features:
        return None
    names = [name.strip() for text in features for name in text.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("names no feature", param_hint=option)
    return names


def known(features: list[str] | None, option: str = "--features") -> list[str] | None:
    """Return the names that an option gives as :func:`chosen` does, if the catalogue has them all, each once.

    Raises
    ------
    typer.BadParameter
        Usage error (exit code 2).
    """
    from quantumtrader.exceptions import UnknownFeatureError
    from quantumtrader.features.lags import MOST_ROWS, split_lag
    from quantumtrader.features.sets import resolve

    names = chosen(features, option)
    for k, name in enumerate(names or []):
        try:
            resolve([name])
        except UnknownFeatureError as error:
            raise typer.BadParameter(str(error), param_hint=option) from error
        if name in (names or [])[:k]:
            raise typer.BadParameter(f"{name} is given twice", param_hint=option)
        if (rows := split_lag(name)[1]) > MOST_ROWS:
            raise typer.BadParameter(
                f"{name} looks {rows} rows back; at most {MOST_ROWS} are kept", param_hint=option
            )
    return names


def peak_rss_bytes() -> int | None:
    """Return the greatest memory that this process has held; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
