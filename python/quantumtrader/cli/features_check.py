"""``quantumtrader features check``: whether a file of features may be used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.features_compute import show_ns
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    FittedFiles,
    Source,
    reads_source,
)
from quantumtrader.cli.validate import INVALID

if TYPE_CHECKING:
    from quantumtrader.features.debugger import Finding
    from quantumtrader.features.guards import GuardReport
    from quantumtrader.features.verify import Recomputed
    from quantumtrader.types import FeatureFrame

_NAMED = 12
_VALUES = ("infinite", "out_of_range")
"""Reasons of a guard that the checks of the table tell already."""
_NO_MANIFEST = (
    "the file carries no manifest: which definitions, clock and contract its columns are of was not checked, "
    "nor can they be computed again"
)


@reads_source
def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", readable=False, help="Parquet of features, with its manifest.")
    ],
    reference: Annotated[
        Path | None,
        typer.Option("--reference", readable=False, help="Another one, to measure drift against."),
    ] = None,
    input: Annotated[
        Path | None,
        typer.Option(
            "--input",
            "-i",
            readable=False,
            help="The recording it comes from: compute it again, and compare.",
        ),
    ] = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", "-s", help="Of the recording; that of the file when left out.")
    ] = None,
    fitted: FittedFiles = None,
    frozen_share: Annotated[
        float,
        typer.Option(
            "--frozen-share",
            min=0,
            max=1,
            help="Share of rows in which a feature or the feed may stand still before it is an error.",
        ),
    ] = 0.01,
    drift_psi: Annotated[
        float, typer.Option("--drift-psi", min=0.01, help="Stability index that counts as drift.")
    ] = 0.25,
    source: Source = UNSAID,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check a file of features: missing, infinite, out of range, frozen, duplicates, drift.

    With --input the features are computed again and must be the same. Exit code 3: there are no rows or no manifest,
    values are infinite or out of range, something stands still for too long or never came, the reference has nothing to
    compare with, or the features are not those of the reference or the recording.
    """
    from quantumtrader.features import FeatureDebugger, FeatureGuard, read_features
    from quantumtrader.features.debugger import Finding

    if fitted and input is None:
        raise typer.BadParameter("goes with --input", param_hint="--fitted")
    frame = read_features(file)
    with output.progress(f"checking {file.name}"):
        report = FeatureDebugger(frame, reference, drifted=drift_psi).report()
    again: Recomputed | None = None
    unused: list[str] = []
    if input is not None:
        given = source.instrument()
        options = source.options()
        if "manifest" in frame.metadata:
            again, unused = _recompute(frame, input, symbol, config, given, options, source.format, fitted)
    watched: GuardReport | None = None
    if frame.names:
        guard = FeatureGuard(frame.names)
        arrived = again.arrived if again is not None and len(again.arrived) == len(frame) else None
        guard.observe_many(frame.times, frame.values, arrived)
        watched = guard.report()
    findings = [
        *report.findings,
        *([] if watched is None else _frozen(watched, frozen_share)),
        *([] if again is None else [*_recomputed(again), *_without_input(frame, again, frozen_share)]),
    ]
    if "manifest" not in frame.metadata:
        findings.append(Finding("error", "manifest", "", 1, _NO_MANIFEST))
    computed = frame.metadata.get("symbol")
    if again is not None and symbol and computed and symbol.strip().upper() != computed.upper():
        text = f"the file is of {computed}, and was compared with the recording read as {symbol}"
        findings.append(Finding("warning", "symbol", "", 1, text))
    findings += [Finding("warning", "fitted", "", 1, text) for text in unused]
    if not len(frame):
        findings.append(Finding("error", "rows", "", 0, "there are no rows: nothing was checked"))
    rank = {"error": 0, "warning": 1, "info": 2}
    findings.sort(key=lambda finding: rank[finding.severity])
    valid = all(finding.severity != "error" for finding in findings)
    if as_json:
        _print_json(file, frame, valid, findings, report.to_dict(), watched, again)
    else:
        _print(file, frame, findings)
        output.line("[green]valid[/green]" if valid else "[red]invalid[/red]")
    if not valid:
        raise typer.Exit(INVALID)


def _recompute(
    frame: FeatureFrame,
    path: Path,
    symbol: str | None,
    config: Path | None,
    instrument: dict[str, Any],
    options: Any,
    format: str | None,
    fitted: list[Path] | None,
) -> tuple[Recomputed, list[str]]:
    from quantumtrader import _backend
    from quantumtrader.app.fit_notes import unused_notes
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.data.stream import stream_events
    from quantumtrader.features import FeatureManifest
    from quantumtrader.features.fit.artifact import Fits
    from quantumtrader.features.given import given_fits
    from quantumtrader.features.manifest import FITTED
    from quantumtrader.features.verify import recompute

    about = symbol or frame.metadata.get("symbol")
    if about is None:
        raise typer.BadParameter("the file does not say of what it is", param_hint="--symbol")
    settings = with_instrument(load_settings(config), about, instrument)
    stream = stream_events(
        path, about, settings, format=format, options=options, pack=_backend.core().pack_events
    )
    manifest = FeatureManifest.of_frame(frame)
    found = given_fits(settings, stream.instrument, fitted)
    unused = unused_notes(found, manifest.features) if fitted else []
    if not fitted and not any(name.startswith(FITTED) for name, _ in manifest.options):
        found = Fits()  # those of the settings came after the file
    with output.progress(f"computing the features of {path.name} again", stream.total) as advance:
        return recompute(frame, stream, stream.instrument, fitted=found.given, advance=advance), unused


def _frozen(watched: GuardReport, share: float) -> list[Finding]:
    """Turn what the guard has seen into findings, those of features that stood still together one after the other."""
    from quantumtrader.features.debugger import Finding

    together: dict[tuple[str, int, int, int], list[str]] = {}
    for count in watched.invalid:
        if count.reason not in _VALUES:
            together.setdefault((count.reason, count.rows, count.first_ns, count.last_ns), []).append(
                count.name
            )
    out = []
    for (reason, rows, first, last), names in together.items():
        when = show_ns(first) if first == last else f"{show_ns(first)} to {show_ns(last)}"
        out += [
            Finding(
                "error" if rows > share * watched.rows else "warning",
                reason,
                name,
                rows,
                f"{when} UTC",
            )
            for name in names
        ]
    return out


def _without_input(frame: FeatureFrame, again: Recomputed, share: float) -> list[Finding]:
    """Tell of columns that read what the recording never has, one finding for those that lack the same."""
    import numpy as np

    from quantumtrader.features.debugger import Finding
    from quantumtrader.features.guards import absent_inputs

    if not len(again.arrived):
        return []
    together: dict[tuple[tuple[str, ...], int], list[str]] = {}
    for name, absent in absent_inputs(frame.names, again.arrived[-1]).items():
        together.setdefault((absent, int(np.isfinite(frame[name]).sum())), []).append(name)
    return [
        Finding(
            "error" if rows > share * len(frame) else "warning",
            "absent_input",
            _names(names),
            rows,
            f"the recording has no {' and no '.join(absent)}: "
            + ("nothing stands behind these values" if rows else "without a value, as it should be"),
        )
        for (absent, rows), names in together.items()
    ]


def _names(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (
        f" and {len(names) - _NAMED} more, which --json names" if len(names) > _NAMED else ""
    )


def _recomputed(again: Recomputed) -> list[Finding]:
    from quantumtrader.features.debugger import Finding

    out = [Finding("error", "manifest", "", 1, text) for text in again.manifest]
    out += [
        Finding(
            "error",
            "recomputed",
            d.name,
            d.rows,
            f"first at {show_ns(d.first_ns)} UTC: {d.stored!r} in the file, {d.computed!r} from the recording",
        )
        for d in again.differences
    ]
    if again.first_other_ns is not None:
        text = f"the recording gives a row at {show_ns(again.first_other_ns)} UTC that the file has not"
        out.append(Finding("error", "recomputed", "", 1, text))
    if again.missing:
        out.append(Finding("error", "recomputed", "", again.missing, "rows that the recording does not give"))
    if again.extra:
        out.append(
            Finding("info", "recomputed", "", again.extra, "rows more from the recording, after the last")
        )
    if again.equal:
        how = "to the bit" if again.exact else "to 1e-7 relative: the file is from another engine"
        out.append(Finding("info", "recomputed", "", again.rows, f"rows are equal {how}"))
    return out


def _print(file: Path, frame: FeatureFrame, findings: list[Finding]) -> None:
    from rich.markup import escape

    colour = {"error": "red", "warning": "yellow", "info": "dim"}
    span = f", {show_ns(int(frame.times[0]))} to {show_ns(int(frame.times[-1]))} UTC" if len(frame) else ""
    clock = f" on the clock {frame.metadata['clock']}" if "clock" in frame.metadata else ""
    output.line(escape(f"{file}: {len(frame):,} rows of {len(frame.names)} features{clock}{span}"))
    together: dict[tuple[str, str, int, str], list[str]] = {}
    for f in findings:
        together.setdefault((f.severity, f.check, f.count, f.message), []).append(f.feature)
    if findings:
        output.table(
            f"{len(findings)} finding{'s' * (len(findings) > 1)}{', alike ones together' * (len(together) < len(findings))}",
            ("severity", "check", "feature", "count", "what"),
            [
                (
                    f"[{colour[severity]}]{severity}[/]",
                    check,
                    escape(_names(names)),
                    count,
                    escape(message),
                )
                for (severity, check, count, message), names in together.items()
            ],
        )


def _print_json(
    file: Path,
    frame: FeatureFrame,
    valid: bool,
    findings: list[Finding],
    report: dict[str, Any],
    watched: GuardReport | None,
    again: Recomputed | None,
) -> None:
    import json
    from dataclasses import fields

    recomputed = None
    if again is not None:
        recomputed = {f.name: getattr(again, f.name) for f in fields(again) if f.name != "arrived"}
        recomputed["equal"] = again.equal
    report.pop("valid")
    output.print_json(
        {
            "valid": valid,
            "file": file,
            "findings": findings,
            "manifest": json.loads(frame.metadata["manifest"]) if "manifest" in frame.metadata else None,
            "report": report,
            "guards": watched,
            "recomputed": recomputed,
        }
    )
