"""Options that trainings share, and what is made of them before anything is read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantumtrader.cli import output
from quantumtrader.cli.choices import given
from quantumtrader.cli.source_options import (
    Source,
    read_detectors,
)

if TYPE_CHECKING:
    from quantumtrader.features.fit.artifact import Fits
    from quantumtrader.models.manifest import ModelManifest
    from quantumtrader.training.pipelines import Recording
    from quantumtrader.types import Instrument

WHERE = "Where folds are computed"
LABEL = "What is learned"

Input = Annotated[Path, typer.Option("--input", "-i", readable=False, help="File, folder or lake.")]
Out = Annotated[
    Path,
    typer.Option("--out", "-o", help="Folder of the training; a training that was cut off goes on in it."),
]
Models = Annotated[
    Path | None,
    typer.Option("--models", "-m", file_okay=False, help="Folder of all models; models in --out without it."),
]


def model_name(name: str) -> str:
    """Check the name of a model before anything is read."""
    from quantumtrader.exceptions import ModelError
    from quantumtrader.models.folder import check_name

    try:
        return check_name(name) if name else name
    except ModelError as error:
        raise typer.BadParameter(str(error)) from error


Name = Annotated[
    str, typer.Option("--name", help="Of the model; by the symbol without it.", callback=model_name)
]
Workers = Annotated[
    int, typer.Option("--workers", "-w", min=1, help="Processes of this machine.", rich_help_panel=WHERE)
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        help="Dask scheduler, tcp://host:8786, in place of --workers.",
        rich_help_panel=WHERE,
    ),
]
Seed = Annotated[int, typer.Option(help="Of every draw: the same data and seed give the same model.")]
Candidates = Annotated[
    str,
    typer.Option(
        help="What competes: standard, quick (one LightGBM), tuned (Optuna searches) or deep (networks)."
    ),
]
Start = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First session.")]
End = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last session.")]
Margin = Annotated[
    float,
    typer.Option(min=0, max=0.99, help="Least lead of a side until it is traded.", rich_help_panel=LABEL),
]
Spread = Annotated[
    float,
    typer.Option(
        "--spread-ticks", help="Assumed where only prints or bars are known.", rich_help_panel=LABEL
    ),
]
SLIPPAGE = typer.Option(
    "--slippage-ticks", min=0, help="Per round trip, beyond spread and fees.", rich_help_panel=LABEL
)
Slippage = Annotated[float, SLIPPAGE]
LATENCY = typer.Option(
    "--latency-ms", min=0, help="From decision to arrival of an order.", rich_help_panel=LABEL
)
LatencyMs = Annotated[float, LATENCY]
LatencyFrom = Annotated[
    Path | None,
    typer.Option(
        "--latency-from",
        readable=False,
        help="Measured latencies to draw from in place of --latency-ms: folder of a live session with real orders, or "
        "a file of ns.",
        rich_help_panel=LABEL,
    ),
]
HalfLife = Annotated[
    float | None,
    typer.Option(
        "--half-life",
        help="Sessions in which the weight of training rows halves; without it all sessions count alike.",
        rich_help_panel=LABEL,
    ),
]
Clock = Annotated[
    str, typer.Option(help="When rows are taken: bar, 1s, 1m, event; fits the data without it.")
]
Gaps = Annotated[str, typer.Option(help="Sessions with lost events: refuse or drop.")]
ValidSessions = Annotated[
    int,
    typer.Option(
        "--valid-sessions",
        min=0,
        help="Sessions after the newest one until which the model is valid; 0: no end. The way to live takes more than 20.",
    ),
]
OpenVault = Annotated[
    bool,
    typer.Option(
        "--open-vault", help="Judge the model on the locked sessions too: once, on record; needs --why."
    ),
]
Why = Annotated[str, typer.Option("--why", help="Reason for opening the vault.")]
Who = Annotated[str, typer.Option("--who", help="Who opens it; your user name without it.")]


def measured_latency(ctx: typer.Context, path: Path | None) -> tuple[int, ...] | None:
    """Read what ``--latency-from`` names; None without it."""
    from quantumtrader.training.labels import read_latencies

    if path is None:
        return None
    if given(ctx, ["latency_ms"]):
        raise typer.BadParameter("give one of --latency-ms and --latency-from", param_hint="--latency-from")
    return read_latencies(path)


def read_fits(instrument: Instrument, config: Path | None, fitted: list[Path] | None) -> Fits:
    """Read the files of ``--fitted``, else those that the settings name for an instrument."""
    from quantumtrader.config import load_settings
    from quantumtrader.features.given import given_fits

    return given_fits(load_settings(config), instrument, fitted)


def read_thresholds(config: Path | None, file: Path | None) -> dict[str, float] | None:
    """Return what ``read_detectors`` reads as a training keeps it: what differs from the defaults, None for nothing."""
    from quantumtrader.config import load_settings

    found = read_detectors(file, load_settings(config))
    return None if found is None else found.changed() or None


def require_series_only(fitted: list[Path] | None, manifest: ModelManifest) -> None:
    """Refuse files of the command line that a model would pass over: it has copies of its own, but for a PIN series.

    Raises
    ------
    typer.BadParameter
        Usage error (exit code 2): a file is no PIN series, or no column of the model reads one.
    DataError
        A file cannot be read.
    """
    from quantumtrader.features.fit.artifact import read_artifact
    from quantumtrader.features.manifest import FITTED

    reads = any(name == f"{FITTED}pin" for name, _ in manifest.features.options)
    for path in fitted or ():
        if (kind := read_artifact(path).kind) != "pin" or not reads:
            raise typer.BadParameter(
                f"{path} is a {kind} fit, and {manifest.id} keeps to its own copies: only a PIN series may be given, to a "
                "model that reads one",
                param_hint="--fitted",
            )


def tell_unused(fits: Fits, features: str | tuple[str, ...]) -> None:
    """Say which fits of the command line no feature reads."""
    from quantumtrader.app.fit_notes import unused_notes
    from quantumtrader.features.sets import resolve

    for text in unused_notes(fits, resolve(features)):
        output.note(f"note: {text}")


def open_recording(
    path: Path,
    symbol: str,
    config: Path | None,
    source: Source,
    start: datetime | None,
    end: datetime | None,
) -> Recording:
    """Open a recording and read it once."""
    from quantumtrader.config import load_settings, with_instrument
    from quantumtrader.training.pipelines import Recording

    options = source.options()
    settings = with_instrument(load_settings(config), symbol, source.instrument())
    with output.progress(f"reading {path.name}"):
        recording = Recording.open(
            path,
            symbol,
            settings,
            format=source.format,
            options=options,
            start=None if start is None else start.date(),
            end=None if end is None else end.date(),
        )
        recording.survey()
    return recording


def user_name() -> str:
    """Return who is logged in: what stands in a record unless a name was given."""
    import getpass

    return getpass.getuser()
