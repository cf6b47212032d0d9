"""``quantumtrader label``: what a training would learn, before there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quantumtrader.cli import output
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    Source,
    Symbol,
    reads_source,
)
from quantumtrader.cli.train import Clock, End, Gaps, Input, LatencyMs, Spread, Start, open_recording


@reads_source
def command(
    input: Input,
    symbol: Symbol,
    out: Annotated[Path, typer.Option("--out", "-o", help="The Parquet file.")],
    label: Annotated[str, typer.Option("--label", help="Which labels.")] = "side",
    clock: Clock = "",
    horizon_s: Annotated[float, typer.Option("--horizon-s", min=0, help="0: as the trainings do.")] = 0.0,
    every_s: Annotated[float, typer.Option("--every-s", min=0, help="Time between decisions.")] = 0.0,
    barrier_atr: Annotated[float, typer.Option("--barrier-atr", min=0, help="Barriers, in atr_14.")] = 2.0,
    least_ticks: Annotated[float, typer.Option("--least-ticks", help="Least barrier.")] = 4.0,
    spread_ticks: Spread = 1.0,
    latency_ms: LatencyMs = 200.0,
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
    from quantumtrader.exceptions import DataAccessError
    from quantumtrader.training.pipelines.labelling import label_recording
    from quantumtrader.training.run_folder import write_whole

    if out.is_dir():
        raise DataAccessError("is a folder", path=out, remedy="Give the name of a file")
    if out.exists() and not overwrite:
        raise DataAccessError("is there already", path=out, remedy="Replace it with --overwrite")
    try:  # before the work, not after it
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataAccessError(f"cannot be made ({error.strerror})", path=out.parent) from error
    recording = open_recording(input, symbol, config, source, start, end)
    with output.progress(f"labelling {input.name}"):
        found = label_recording(
            recording,
            label,
            clock=clock,
            horizon_s=horizon_s,
            every_s=every_s,
            barrier_atr=barrier_atr,
            least_ticks=least_ticks,
            spread_ticks=spread_ticks,
            latency_ms=latency_ms,
            gaps=gaps,
        )
    tell_read(
        recording.instrument.product,
        found.data.spans.sessions,
        synthetic=found.facts["synthetic"],
        how="labelled",
        why="label",
        label=found.data.label,
    )
    whole = pa.BufferOutputStream()
    pq.write_table(found.table(), whole, compression="zstd")
    write_whole(out, whole.getvalue().to_pybytes())
    facts = found.facts
    if as_json:
        output.print_json({**facts, "out": out})
        return
    from rich.markup import escape

    made = " · SYNTHETIC" if facts["synthetic"] else ""
    output.table(
        f"{symbol} · {facts['label']}{made}",
        ("", ""),
        [
            (
                "labels",
                f"{facts['rows']:,} in {facts['sessions']} sessions (effective {facts['n_eff']:,.0f})",
            ),
            ("classes", ", ".join(f"{c}: {100 * share:.1f} %" for c, share in facts["classes"].items())),
            ("mean span", f"{facts['mean_span_s']:,.1f} s"),
            ("left out", "; ".join(f"{why}: {n:,}" for why, n in facts["dropped"].items()) or "none"),
            ("enough", "yes" if facts["sufficient"] else "; ".join(facts["reasons"])),
        ],
    )
    output.line(escape(str(out)))
