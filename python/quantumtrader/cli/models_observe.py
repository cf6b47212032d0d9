"""``quantumtrader models observe``: what sessions after its training brought a model, for the promotion gate."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.choices import given
from quantumtrader.cli.models import Folder, Name, Who
from quantumtrader.cli.source_options import UNSAID, AsJson, Config, FittedFiles, Source, reads_source

if TYPE_CHECKING:
    from quantumtrader.models.observation import Observed

_SOURCE = "Sessions of a shadow"
_ALWAYS = ("--session", "--models", "--who", "--absent", "--why", "--config", "--json")
"""What may be given without a recording."""


@reads_source
def command(
    ctx: typer.Context,
    name: Name,
    version: Annotated[
        str,
        typer.Argument(
            metavar="[VERSION]", help="Such as 1.4.0; the one in the shadow or canary without it."
        ),
    ] = "",
    models: Folder = Path("models"),
    input: Annotated[
        Path | None,
        typer.Option(
            "--input",
            "-i",
            readable=False,
            help="Of a shadow: file, folder or lake to replay.",
            rich_help_panel=_SOURCE,
        ),
    ] = None,
    symbol: Annotated[
        str,
        typer.Option(
            "--symbol", "-s", help="Contract or series; the model's without it.", rich_help_panel=_SOURCE
        ),
    ] = "",
    fitted: FittedFiles = None,
    session: Annotated[
        list[Path] | None,
        typer.Option(
            "--session",
            file_okay=False,
            help="Of a canary or a live model: folder that run left behind; repeatable.",
        ),
    ] = None,
    absent: Annotated[
        list[datetime] | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Session that nobody has, or on which a canary did not trade; repeatable, needs --why.",
        ),
    ] = None,
    why: Annotated[str, typer.Option("--why", help="Reason for --absent, for the record.")] = "",
    who: Who = "",
    source: Source = UNSAID,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First session.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last session.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Record what sessions after its training brought a model: the gate of the next state reads it.

    A shadow predicts beside a recording (--input) and sends nothing: rows, margin, slippage and latency are those of its
    training, fees those given here (--fee, or [fees] of the settings), and without them nothing is recorded.
    A canary or a live model has the fills of its own sessions (--session). Each session counts once, in unbroken order;
    those that the model was trained or judged on do not count. Exit code 3: the sessions cannot be used.
    """
    from quantumtrader.cli.train_options import (
        open_recording,
        read_fits,
        require_series_only,
        user_name,
    )
    from quantumtrader.config import load_settings
    from quantumtrader.data.calendar import Calendar
    from quantumtrader.models.registry import ModelRegistry

    folders = session or []
    if (input is None) == (not folders):
        raise typer.BadParameter(
            "give the recording of a shadow (--input), or folders of a canary (--session)",
            param_hint="--input",
        )
    idle = [] if input is not None else [option for option in given(ctx) if option not in _ALWAYS]
    if idle:
        raise typer.BadParameter("is for a recording: give --input", param_hint=", ".join(idle))
    if absent and not why:
        raise typer.BadParameter("needs a reason: --why", param_hint="--absent")
    registry = ModelRegistry(models)
    version = version or _observable(registry, name)
    without = frozenset(day.date() for day in absent or ())
    about: dict[str, Any] = {
        "who": who or user_name(),
        "why": why,
        "absent": without,
        "calendar": Calendar(load_settings(config)),
    }
    if input is None:
        from quantumtrader.app.live.observe import observe_sessions

        with output.progress("reading sessions"):
            found = observe_sessions(registry, name, version, folders, **about)
    else:
        from quantumtrader.training.pipelines.observe import observe_shadow

        manifest = registry.manifest(name, version)
        require_series_only(fitted, manifest)  # before the recording is read
        of_model = str(manifest.instrument["symbol"])
        recording = open_recording(input, symbol or of_model, config, source, start, end)
        about["given"] = read_fits(recording.instrument, config, fitted)
        with output.progress(f"replaying {input.name}", float(len(recording.survey().days))) as advance:
            found = observe_shadow(registry, name, version, recording, advance=advance, **about)
    _show(registry, name, version, found, as_json=as_json)


def _observable(registry: Any, name: str) -> str:
    """Return the only version in the shadow or canary, else the live one."""
    from quantumtrader.exceptions import ModelError
    from quantumtrader.models.states import ModelState

    states = registry.states(name)
    rising = [v for v in registry.versions(name) if states.of(v) in (ModelState.SHADOW, ModelState.CANARY)]
    there = rising or [v for v in (states.live,) if v]
    if len(there) != 1:
        raise ModelError(
            f"{len(there)} versions of {name} are in the shadow, canary or live ({', '.join(there) or 'none'})",
            path=registry.root,
            remedy="Name the version" if there else "Promote one into the shadow first",
        )
    return str(there[0])


def _show(registry: Any, name: str, version: str, found: Observed, *, as_json: bool) -> None:
    gate = registry.gate(name, version)
    left_out: dict[date, str] = found.left_out
    evidence = registry.manifest(name, version).evidence
    if as_json:
        output.print_json(
            {
                "model": found.model,
                "state": str(found.state),
                "synthetic": found.synthetic,
                "expected": [evidence.expected_low, evidence.expected_high],
                "sessions": found.sessions,
                "left_out": {str(day): why for day, why in left_out.items()},
                "gate": gate,
            }
        )
        return
    rows = [
        (str(s.session), s.trades, f"{s.gross:.2f}", f"{s.result:.2f}", _inside(s.result, evidence))
        for s in found.sessions
    ]
    made = " (synthetic)" if found.synthetic else ""
    output.table(
        f"{found.model}, {found.state}{made}",
        ("session", "trades", "gross ticks", "net ticks", "inside"),
        rows,
    )
    if left_out:
        reasons = list(left_out.values())
        for why in dict.fromkeys(reasons):
            output.note(f"note: {reasons.count(why)} sessions do not count: {why}")
    for condition in gate:
        if condition.name == f"{found.state}_sessions":
            output.line(str(condition))


def _inside(result: float, evidence: Any) -> str:
    if evidence.expected_low is None or evidence.expected_high is None:
        return ""
    return "yes" if evidence.expected_low <= result <= evidence.expected_high else "no"
