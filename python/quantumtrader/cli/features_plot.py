"""``quantumtrader features plot``: pictures of a file of features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantumtrader.cli import output, targets
from quantumtrader.cli.features_compute import bare_note, chosen, some
from quantumtrader.cli.source_options import AsJson

if TYPE_CHECKING:
    from quantumtrader.types import FeatureFrame


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="Parquet of features.")],
    plot: Annotated[Path, typer.Option("--out", "-o", help="The picture: .png, .svg or .pdf.")],
    features: Annotated[
        list[str] | None,
        typer.Option("--features", "-f", help="Columns, separated by commas; the first ones when left out."),
    ] = None,
    correlations: Annotated[
        bool,
        typer.Option(
            "--correlations", help="Draw correlations and distributions in place of values over time."
        ),
    ] = False,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference", readable=False, help="Lay its distributions beside; with --correlations."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw features over time, or how they are distributed and hang together.

    Needs the extra plot, with matplotlib.
    """
    from quantumtrader.exceptions import ConfigError
    from quantumtrader.features import FeatureDebugger, read_features
    from quantumtrader.features.plots import drawn_features, plot_overview, plot_series, select

    names = chosen(features)
    if reference is not None and not correlations:
        raise typer.BadParameter("goes with --correlations", param_hint="--reference")
    targets.keep_apart(plot, {"file": file, "reference": reference}, "--out")
    targets.check_file(plot, overwrite=overwrite)
    targets.check_writable(plot)
    frame = read_features(file)
    try:
        with output.progress(f"drawing {file.name}"):
            if correlations:
                part = frame if names is None else select(frame, names)
                path = plot_overview(FeatureDebugger(part, reference), plot)
            else:
                path = plot_series(frame, names, plot)
    except ConfigError as error:  # a column that is not there, or too many of them
        raise typer.BadParameter(str(error), param_hint="--features") from error
    drawn = drawn_features(frame, names, distributions=correlations)
    matrix = names or list(frame.names)
    notes = [*_left_out(frame, names, drawn), *_without_values(frame, matrix if correlations else drawn)]
    if as_json:
        output.print_json({"out": path, "rows": len(frame), "features": drawn, "notes": notes})
        return
    from rich.markup import escape

    output.line(escape(str(path)))
    for text in notes:
        output.note(f"note: {escape(text)}")


def _without_values(frame: FeatureFrame, names: list[str]) -> list[str]:
    """Say what of a picture is empty, and why."""
    import numpy as np

    if not len(frame):
        return ["the file has no rows: the picture is empty"]
    notes = []
    bare = [name for name in names if not np.isfinite(frame[name]).any()]
    if bare:
        notes.append(bare_note(bare))
    infinite = [name for name in names if np.isinf(frame[name]).any()]
    if infinite:
        notes.append(
            f"infinite values of {some(infinite)} are not drawn: quantumtrader features check counts them"
        )
    return notes


def _left_out(frame: FeatureFrame, names: list[str] | None, drawn: list[str]) -> list[str]:
    """Say which columns a picture has no room for."""
    if names is not None or len(drawn) in (0, len(frame.names)):
        return []
    return [f"drawn are {len(drawn)} of {len(frame.names)} features; choose others with --features"]
