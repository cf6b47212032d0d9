"""``quantumtrader fit``: what features need beforehand, fitted to a recording and written as JSON."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output, targets
from quantumtrader.cli.features_compute import show_ns
from quantumtrader.cli.import_ import show_rejected
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    Source,
    Symbol,
    reads_source,
)

if TYPE_CHECKING:
    from quantumtrader.data.stream import EventStream
    from quantumtrader.features.fit.artifact import Artifact
    from quantumtrader.features.fit.pin import Block
    from quantumtrader.types import Events, Instrument

Input = Annotated[
    Path, typer.Option("--input", "-i", readable=False, help="File, folder or lake of a recording.")
]
Out = Annotated[Path, typer.Option("--out", "-o", help="The JSON file.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]
Start = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")]
End = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")]

_WHOLE = 0.8
"""Share of the trading hours from which a session counts as whole."""
_FEW = 5
"""Sessions whose mean volume the engine takes by itself."""
_THIN = 100
"""Observations of a state below which its number is little more than a guess."""


@reads_source
def microprice(
    input: Input,
    symbol: Symbol,
    out: Out,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the table: .png, .svg or .pdf (needs the extra plot).")
    ] = None,
    overwrite: Overwrite = False,
    source: Source = UNSAID,
    start: Start = None,
    end: End = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Fit the micro-price table of Stoikov (2018), for microprice_dev.

    Only sessions that start at or after the end of the data use it.
    """
    from quantumtrader.features.fit.artifact import Artifact
    from quantumtrader.features.fit.microprice import MicropriceFitter
    from quantumtrader.features.pictures import check_picture
    from quantumtrader.features.plots import plot_microprice

    if plot is not None:
        check_picture(plot)
        targets.check_file(plot, overwrite=overwrite, option="--plot")
    given = source.instrument()
    options = source.options()
    targets.check_file(out, overwrite=overwrite)
    stream = _open(input, symbol, config, given, options, source.format, start, end)
    began = time.perf_counter()
    fitter = MicropriceFitter()
    _read(stream, input, fitter.add)
    fit = fitter.fit()
    artifact = Artifact.microprice(fit, stream.instrument)
    thin = int(((fit.steps.observations > 0) & (fit.steps.observations < _THIN)).sum())
    notes = [] if not thin else [f"{thin} states have fewer than {_THIN} observations"]
    if fit.steps.outside:
        share = fit.steps.outside / (fit.steps.outside + fit.observations)
        notes.append(f"{share:.1%} of all steps begin or end at a spread above 3 ticks and are left out")
    if plot is not None:
        plot_microprice(fit.solution.adjustment, fit.steps.observations, plot)
    _finish(artifact, out, overwrite, stream, time.perf_counter() - began, notes, as_json=as_json, plot=plot)
    if not as_json:
        _print_table(fit.solution.adjustment.tolist(), fit.steps.observations.tolist())


@reads_source
def pin(
    input: Input,
    symbol: Symbol,
    out: Out,
    every: Annotated[
        str,
        typer.Option(
            help="A value at the end of every block, or of every session: what a live session knows, which reads the fit "
            "of the evening before."
        ),
    ] = "block",
    overwrite: Overwrite = False,
    source: Source = UNSAID,
    start: Start = None,
    end: End = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Fit the probability of informed trading on rolling 60 blocks of five minutes, for pin_60.

    Each value is used from the end of its window on. Needs scipy: pip install 'quantumtrader[fit]'.
    """
    # Before scipy is loaded: threads for the linear algebra of five unknowns cost far more than they save.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from quantumtrader.features.fit.artifact import Artifact
    from quantumtrader.features.fit.pin import BLOCKS, Block, BlockCounter, require_scipy, series

    require_scipy()
    given = source.instrument()
    options = source.options()
    targets.check_file(out, overwrite=overwrite)
    stream = _open(input, symbol, config, given, options, source.format, start, end)
    began = time.perf_counter()
    counter, blocks = BlockCounter(), list[Block]()
    _read(stream, input, lambda events: blocks.extend(counter.add(events)))
    ends = None if every == "block" else _last_of_sessions(blocks, stream.instrument)
    count = len(blocks) - BLOCKS + 1 if ends is None else sum(k >= BLOCKS - 1 for k in ends)
    with output.progress("fitting windows", max(1, count)) as advance:
        windows = series(blocks, advance=advance, ends=ends)
    artifact = Artifact.pin(windows, stream.instrument, counter.range, len(counter.sessions), every)
    notes = [f"{windows.empty:,} windows have no signed trade: no value"] if windows.empty else []
    _finish(artifact, out, overwrite, stream, time.perf_counter() - began, notes, as_json=as_json)


def _last_of_sessions(blocks: list[Block], instrument: Instrument) -> set[int]:
    """Return the index of the last block of each session."""
    import numpy as np

    from quantumtrader.data.sessions import session_days

    days = session_days(np.array([block.end_ns - 1 for block in blocks], np.int64), instrument)
    return {int(k) for k in np.flatnonzero(np.append(days[1:] != days[:-1], True))} if len(days) else set()


@reads_source
def vpin(
    input: Input,
    symbol: Symbol,
    out: Out,
    overwrite: Overwrite = False,
    source: Source = UNSAID,
    start: Start = None,
    end: End = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Take a fiftieth of the mean volume of the sessions as the bucket of vpin_50 and vpin_bvc_50.

    Only sessions that start at or after the end of the data use it.
    """
    from quantumtrader.features.fit.artifact import Artifact
    from quantumtrader.features.fit.vpin import SessionVolumes, bucket_size

    given = source.instrument()
    options = source.options()
    targets.check_file(out, overwrite=overwrite)
    stream = _open(input, symbol, config, given, options, source.format, start, end)
    began = time.perf_counter()
    sessions = SessionVolumes()
    _read(stream, input, sessions.add)
    artifact = Artifact.vpin(
        bucket_size(sessions.volumes), sessions.volumes, stream.instrument, sessions.range
    )
    notes = _days(sessions.lengths_s, stream.instrument.session_seconds())
    _finish(artifact, out, overwrite, stream, time.perf_counter() - began, notes, as_json=as_json)


def _days(lengths_s: list[float], hours_s: float | None) -> list[str]:
    """Say how far the volumes of these sessions are those of whole days, and of enough of them."""
    notes = []
    short = [] if hours_s is None else [x for x in lengths_s if x < _WHOLE * hours_s]
    if short:
        notes.append(
            f"{len(short)} of {len(lengths_s)} sessions cover less than {_WHOLE:.0%} of the trading hours (the shortest "
            f"{min(short) / 3600:.1f} of {(hours_s or 0) / 3600:.1f} h): their volume counts as that of a day, and the "
            "bucket is too small"
        )
    elif hours_s is None:
        notes.append(
            "the trading hours are not known: whether the sessions are whole cannot be told; give --hours"
        )
    if len(lengths_s) < _FEW:
        of = f"{len(lengths_s)} session{'s' * (len(lengths_s) != 1)}"
        notes.append(f"the mean is of {of}; without a fit the engine takes that of {_FEW}")
    return notes


def _open(
    path: Path,
    symbol: str,
    config: Path | None,
    instrument: dict[str, Any],
    options: Any,
    format: str | None,
    start: datetime | None,
    end: datetime | None,
) -> EventStream:
    from quantumtrader import _backend
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.data.stream import stream_events

    return stream_events(
        path,
        symbol,
        with_instrument(load_settings(config), symbol, instrument),
        format=format,
        options=options,
        start=None if start is None else start.date(),
        end=None if end is None else end.date(),
        pack=_backend.core().pack_events,
    )


def _read(stream: EventStream, path: Path, add: Callable[[Events], object]) -> None:
    with output.progress(f"reading {path.name}", stream.total) as advance:
        for part in stream:
            add(part)
            advance(len(part))


def _finish(
    artifact: Artifact,
    out: Path,
    overwrite: bool,
    stream: EventStream,
    seconds: float,
    notes: list[str],
    *,
    as_json: bool,
    plot: Path | None = None,
) -> None:
    """Write the file, and say what it holds."""
    from quantumtrader.features.fit.artifact import write_artifact

    write_artifact(artifact, out, overwrite=overwrite)
    notes = [*stream.notes, *notes]
    if artifact.synthetic:
        notes.append("the events are synthetic: the fit says nothing about a market")
    if as_json:
        document = artifact.to_document()
        rejected = len(stream.rejected)
        output.print_json(
            {**document, "out": out, "plot": plot, "seconds": seconds, "rejected": rejected, "notes": notes}
        )
        return
    from rich.markup import escape

    rows = [
        ("data", f"{show_ns(artifact.from_ns)} to {show_ns(artifact.to_ns)} UTC"),
        ("sessions", f"{artifact.sessions:,}"),
        *_results(artifact),
        ("tick", f"{artifact.tick_size:g}"),
        ("hash", artifact.values_hash[:16]),
        ("seconds", f"{seconds:.1f}"),
    ]
    output.table(f"{artifact.symbol}: {artifact.kind}", ("", ""), rows)
    output.line(escape(str(out)))
    if plot is not None:
        output.line(escape(str(plot)))
    show_rejected(stream.rejected, None)
    for text in notes:
        output.note(f"note: {escape(text)}")


def _results(artifact: Artifact) -> list[tuple[str, str]]:
    """Return the rows of the summary that are the kind's own."""
    values, details = artifact.values, artifact.details
    if artifact.kind == "microprice":
        return [
            ("steps", f"{artifact.observations:,}"),
            ("states", f"{sum(x is not None for x in values['adjustment'])} of {len(values['adjustment'])}"),
            ("spectral radius", f"{details['spectral_radius']:.4f}"),
            ("used by", f"sessions that start at or after {show_ns(values['usable_from_ns'])} UTC"),
        ]
    if artifact.kind == "pin":
        shares = [share for _, share in values["pin"]]
        return [
            ("values", f"{len(shares):,}, from {show_ns(values['pin'][0][0])} UTC on"),
            ("pin", f"{min(shares):.3f} to {max(shares):.3f}, last {shares[-1]:.3f}"),
        ]
    return [
        ("volume", f"{artifact.observations:,}"),
        ("bucket", f"{values['bucket']:,}"),
        ("used by", f"sessions that start at or after {show_ns(values['usable_from_ns'])} UTC"),
    ]


def _print_table(adjustment: list[float], observations: list[int]) -> None:
    per = len(adjustment) // 3
    rows = []
    for tenth in range(per):
        row: list[object] = [f"{tenth / per:.1f} to {(tenth + 1) / per:.1f}"]
        for spread in range(3):
            value = adjustment[spread * per + tenth]
            row += [f"{value:+.4f}" if value == value else "", observations[spread * per + tenth]]
        rows.append(row)
    columns = ["bid share", *(f"{k} tick{'s' * (k > 1)}{what}" for k in (1, 2, 3) for what in ("", ", n"))]
    output.table("G* in ticks by spread, and observations", columns, rows)
