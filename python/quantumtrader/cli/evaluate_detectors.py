"""``quantumtrader evaluate detectors``: how good the detectors are, measured."""

from __future__ import annotations

import math
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
    Source,
    read_detectors,
    reads_source,
)

if TYPE_CHECKING:
    from quantumtrader.evaluation.detectors import DetectorReport
    from quantumtrader.evaluation.scoring import Share

_FILE = "detectors.json"
_SYNTHETIC = "SYNTHETIC: made by a generator; this says how the generator works, nothing about a market"


@reads_source
def command(
    input: Annotated[
        Path | None,
        typer.Option(
            "--input", "-i", readable=False, help="Recording; without it a generated synthetic session."
        ),
    ] = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", "-s", help="Contract, series, or an instrument of your own.")
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kinds", "-k", help="Detectors, separated by commas; all when left out."),
    ] = None,
    injections: Annotated[int, typer.Option(min=0, max=10_000, help="Injected patterns of a kind.")] = 20,
    shuffles: Annotated[int, typer.Option(min=0, max=1_000, help="Shuffles of each control.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of injections, shuffles and session.")] = 7,
    detector_settings: Annotated[
        Path | None,
        typer.Option(
            "--detector-settings",
            "--settings",
            readable=False,
            help="TOML file of detector thresholds; in place of the section detectors of the settings.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for detectors.json; it is replaced.")
    ] = None,
    source: Source = UNSAID,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Measure how good the detectors are: on scripts, injections, known truths and shuffled controls.

    Injected patterns have known labels; what a recording holds itself has none, so precision on it is a lower bound.
    """
    if input is not None and symbol is None:
        raise typer.BadParameter("--input needs a symbol", param_hint="--symbol")
    from quantumtrader import _backend
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.data.contracts import instrument as find_instrument
    from quantumtrader.evaluation.detectors import evaluate_detectors
    from quantumtrader.evaluation.patterns import KINDS

    if out is not None:
        read = {"input": input, "config": config, "detector_settings": detector_settings}
        targets.check_folder(out, (_FILE,), read, overwrite=True)
    wanted = _kinds(kinds)
    thresholds = read_detectors(detector_settings, load_settings(config))
    notes: list[str] = []
    rejected: list[Any] = []
    truth: Path | None = None
    if input is None:
        events = _backend.core().generate_session(seed=seed)
        instrument = find_instrument(symbol or "WDOU25", load_settings(config))
        description = f"{instrument.symbol}: generated synthetic session, seed {seed}"
    else:
        from quantumtrader.data.source import load_events, locate

        name = symbol or ""
        given = source.instrument()
        settings = with_instrument(load_settings(config), name, given)
        loaded = load_events(
            input,
            name,
            settings,
            format=source.format,
            options=source.options(),
            start=None if start is None else start.date(),
            end=None if end is None else end.date(),
            pack=_backend.core().pack_events,
        )
        events, instrument, description = loaded.events, loaded.instrument, loaded.description
        notes += loaded.notes
        rejected = list(loaded.rejected)
        truth = _fills(input, description, lambda: locate(input, name, source.format)[0], start, end)
    # Steps: recording, scripts, one injection a kind, truths, two controls.
    with output.progress("measuring detectors", 3 + len(KINDS) * bool(injections) + 2 * shuffles) as advance:
        report = evaluate_detectors(
            events,
            instrument,
            kinds=wanted,
            injections=injections,
            shuffles=shuffles,
            seed=seed,
            settings=thresholds,
            source=truth,
            step=lambda what: advance(1),
        )
    notes += report.notes
    if report.synthetic:
        notes.insert(0, _SYNTHETIC)
    full = [f"{count:,} ({name})" for name, count in report.dropped.items() if count]
    if full:
        notes.append(f"dropped because a table of a detector was full: {', '.join(full)}")
    document: dict[str, Any] = {
        "symbol": instrument.symbol,
        "source": description,
        "engine": _backend.engine().name,
        "injections": injections,
        "shuffles": shuffles,
        "seed": seed,
        "settings": {} if thresholds is None else thresholds.changed(),
        "report": report,
        "rejected": len(rejected),
        "notes": notes,
    }
    written = None
    if out is not None:
        from quantumtrader.cli.evaluate_forms import _write

        written = _write(out / _FILE, output.as_json(document))
    if as_json:
        output.print_json({**document, "file": written})
        return
    _print(instrument.symbol, report)
    show_rejected(rejected, None)
    for text in notes:
        output.note(f"note: {text}")
    if written is not None:
        from rich.markup import escape

        output.line(escape(str(written)))


def _fills(path: Path, description: str, find: Any, start: object, end: object) -> Path | None:
    """The by-order file whose fills prove icebergs, if the whole of one was read."""
    if "(mbo)" not in description or start is not None or end is not None:
        return None
    found: Path = path if path.is_file() else find()
    return found


def _kinds(given: list[str] | None) -> list[str] | None:
    if not given:
        return None
    from quantumtrader.features import detector_kinds

    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in detector_kinds()]
    if unknown or not names:
        raise typer.BadParameter(
            f"{', '.join(unknown) or 'nothing'}: use {', '.join(detector_kinds())}", param_hint="--kinds"
        )
    return list(dict.fromkeys(names))


def _print(symbol: str, report: DetectorReport) -> None:
    mark = f"{symbol}{' · SYNTHETIC' if report.synthetic else ''}"
    output.table(
        "Scripts (synthetic): patterns found, near misses told of",
        ("detector", "found", "near misses told"),
        [(s.kind, _share(s.positives), _share(s.misses)) for s in report.scripted],
    )
    if report.injected:
        output.table(
            f"{mark}: injected patterns; intervals are 95 %",
            ("detector", "recall", "precision ≥", "again", "median ms", "p90 ms", "other/h", "as recorded/h"),
            [
                (
                    i.kind,
                    _share(i.score.recall),
                    _share(i.score.precision),
                    i.score.duplicates,
                    _number(i.score.median_delay_ms, ",.0f"),
                    _number(i.score.p90_delay_ms, ",.0f"),
                    _number(i.score.false_per_hour, ",.0f"),
                    _number(i.background_per_hour, ",.0f"),
                )
                for i in report.injected
            ],
        )
    if report.hidden:
        output.table(
            f"{mark}: seconds with hidden executions, which the detectors were not told of",
            ("by", "recall", "precision", "precision of a guess"),
            [(h.name, _share(h.recall), _share(h.precision), _share(h.base)) for h in report.hidden],
        )
    if report.natives is not None:
        output.table(
            f"{mark}: native icebergs, by order, against the fills of the file",
            ("recall", "precision", "restorations told"),
            [(_share(report.natives.recall), _share(report.natives.precision), report.natives.detections)],
        )
        sizes = report.natives.sizes
        output.table(
            f"{mark}: contracts executed of native icebergs, each at risk beyond its display (Kaplan-Meier)",
            ("orders", "executed whole", "median", "mean"),
            [(sizes.cases, sizes.complete, _number(sizes.median, ",.0f"), _number(sizes.mean, ",.1f"))],
        )
    if report.sweeps is not None:
        output.table(
            f"{mark}: executions of one time over three rows or more, against sweeps",
            ("recall", "precision"),
            [(_share(report.sweeps.recall), _share(report.sweeps.precision))],
        )
    if report.absorbed:
        output.table(
            f"{mark}: the mid 30 s after absorptions, and after matched moments without one",
            ("", "cases", "moves to the absorbing side", "mean ticks"),
            [(a.name, a.cases, _share(a.towards), _number(a.mean_ticks, "+.2f")) for a in report.absorbed],
        )
    if report.controls:
        names = list(report.controls[0].by_control)
        output.table(
            f"{mark}: detections per hour, as recorded and shuffled ({report.hours:.2f} h)",
            ("detector", "recorded", *names),
            [
                (c.kind, _number(c.recorded, ",.1f"), *(_number(c.by_control[n], ",.1f") for n in names))
                for c in report.controls
            ],
        )


def _share(s: Share) -> str:
    return f"{s.hits}/{s.of} ({s.low:.2f}-{s.high:.2f})" if s.of else "0/0"


def _number(value: float, form: str) -> str:
    return "" if math.isnan(value) else format(value, form)
