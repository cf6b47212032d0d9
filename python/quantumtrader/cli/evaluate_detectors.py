"""``quantumtrader evaluate detectors``: how well the detectors do, on scripts, injections, truths and shuffles."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.import_ import show_rejected
from quantumtrader.cli.source_options import (
    AsJson,
    Config,
    Currency,
    Day,
    Format,
    InferSide,
    PointValue,
    SizeStep,
    TickSize,
    TimeZone,
    TradingHours,
    make_instrument,
    make_options,
)

if TYPE_CHECKING:
    from quantumtrader.evaluation import Quality, Share


def command(
    input: Annotated[
        Path | None,
        typer.Option(
            "--input", "-i", readable=False, help="Recording to inject into; a synthetic session without it."
        ),
    ] = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", "-s", help="Contract, series, or your own.")
    ] = None,
    kinds: Annotated[
        str, typer.Option("--kinds", help="Detections, by commas; all of them without it.")
    ] = "",
    injections: Annotated[int, typer.Option(min=1, max=1000, help="Patterns of each kind.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of injections, shuffles and the synthetic session.")] = 7,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for detectors.json; it is replaced.")
    ] = None,
    format: Format = None,
    timezone: TimeZone = None,
    day: Day = None,
    infer_side: InferSide = "auto",
    tick_size: TickSize = None,
    point_value: PointValue = None,
    currency: Currency = None,
    size_step: SizeStep = None,
    hours: TradingHours = None,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Measure the detectors: recall, precision, delay and false alarms, weak figures included.

    Hand-written scripts and near misses; patterns put into the recording at random; what the feed itself tells
    (executions of one instant, hidden executions); the recording with its prints shuffled.
    """
    from quantumtrader import _backend
    from quantumtrader.data.contracts import instrument as find_instrument
    from quantumtrader.evaluation import measure_quality
    from quantumtrader.features import detector_kinds

    chosen = tuple(name for name in (part.strip() for part in kinds.split(",")) if name)
    for name in chosen:
        if name not in detector_kinds():
            raise typer.BadParameter(f"--kinds has {name!r}; there are {', '.join(detector_kinds())}")
    rejected: list[Any] = []
    notes: list[str] = []
    if input is None:
        core: Any = _backend.core()
        events, instrument = (
            core.generate_session(seed=seed, duration_ns=3_600_000_000_000),
            find_instrument("WDOU25"),
        )
        source = f"synthetic session of an hour, seed {seed}"
    else:
        if symbol is None:
            raise typer.BadParameter("--input needs --symbol")
        from quantumtrader.config import load_settings, with_instrument
        from quantumtrader.data.source import load_events

        given = make_instrument(tick_size, point_value, currency, None, size_step, None, hours, timezone)
        loaded = load_events(
            input,
            symbol,
            with_instrument(load_settings(config), symbol, given),
            format=format,
            options=make_options("auto", timezone, day, infer_side),
            start=None if start is None else start.date(),
            end=None if end is None else end.date(),
            pack=_backend.core().pack_events,
        )
        events, instrument, source = loaded.events, loaded.instrument, loaded.description
        rejected, notes = loaded.rejected, loaded.notes
    with output.progress("measuring detectors", total=1.0) as advance:
        quality = measure_quality(
            events, instrument, kinds=chosen or None, injections=injections, seed=seed, advance=advance
        )
    document = {
        "symbol": instrument.symbol,
        "source": source,
        "engine": _backend.engine().name,
        "injections": injections,
        "seed": seed,
        "quality": quality,
        "notes": notes,
    }
    written = None
    if out is not None:
        from quantumtrader.exceptions import DataAccessError

        written = out / "detectors.json"
        try:
            out.mkdir(parents=True, exist_ok=True)
            written.write_text(output.as_json(document), "utf-8")
        except OSError as error:
            raise DataAccessError(
                f"cannot be written ({error.strerror or error})", path=written, remedy="Choose another folder"
            ) from error
    if as_json:
        output.print_json({**document, "file": written})
        return
    output.line(source)
    _print(quality)
    show_rejected(rejected, None)
    for text in notes:
        output.note(f"note: {text}")
    if written is not None:
        from rich.markup import escape

        output.line(escape(str(written)))


def _print(q: Quality) -> None:
    label = "SYNTHETIC: " if q.synthetic else ""
    output.table(
        "SYNTHETIC: hand-written scripts",
        ("detection", "found", "near misses told of"),
        [(kind, _share(s.found), _share(s.fooled)) for kind, s in q.scripted.items()],
    )
    output.table(
        f"{label}patterns put into the stream ({q.hours:.2f} h watched)",
        ("detection", "recall", "precision", "median ms", "p90 ms", "false per hour"),
        [
            (
                kind,
                _share(p.score.recall),
                _share(p.score.precision),
                _number(p.score.median_delay_ms),
                _number(p.score.p90_delay_ms),
                _number(p.score.false_per_hour),
            )
            for kind, p in q.planted.items()
        ],
    )
    if q.told:
        output.table(
            f"{label}against what the feed tells",
            ("what", "recall", "precision", "by chance"),
            [
                (name, _share(t.recall), _share(t.precision), _number(t.chance, 3))
                for name, t in q.told.items()
            ],
        )
    output.table(
        f"{label}detections per hour",
        ("detection", "as recorded", "sides shuffled", "prints shuffled"),
        [
            (kind, _number(r.recorded), _number(r.shuffled_sides), _number(r.shuffled_prints))
            for kind, r in q.rates.items()
        ],
    )


def _share(s: Share) -> str:
    if not s.of:
        return "–"
    return f"{s.hits}/{s.of} ({s.low:.2f}–{s.high:.2f})"


def _number(x: float, digits: int = 1) -> str:
    return "–" if math.isnan(x) else f"{x:.{digits}f}"
