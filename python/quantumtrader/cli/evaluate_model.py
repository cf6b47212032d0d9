"""``quantumtrader evaluate model``: what a model did out of fold, or on sessions after its training."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.choices import given
from quantumtrader.cli.source_options import (
    UNSAID,
    AsJson,
    Config,
    FittedFiles,
    Source,
    reads_source,
)

if TYPE_CHECKING:
    from quantumtrader.training.assessment.record import RecordFacts
    from quantumtrader.training.evaluation import Interval

_SOURCE = "Sessions after its training"


_ALWAYS = ("--models", "--config", "--json")
"""What may be given without a recording."""


@reads_source
def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model.")],
    version: Annotated[
        str,
        typer.Argument(metavar="[VERSION]", help="Such as 1.4.0; the live one, else the newest, without it."),
    ] = "",
    models: Annotated[Path, typer.Option("--models", "-m", help="Folder of all models.")] = Path("models"),
    input: Annotated[
        Path | None,
        typer.Option(
            "--input", "-i", readable=False, help="File, folder or lake to replay.", rich_help_panel=_SOURCE
        ),
    ] = None,
    symbol: Annotated[
        str,
        typer.Option(
            "--symbol", "-s", help="Contract or series; the model's without it.", rich_help_panel=_SOURCE
        ),
    ] = "",
    margin: Annotated[
        float,
        typer.Option(
            min=0, max=0.99, help="Least lead of a side until it is traded.", rich_help_panel=_SOURCE
        ),
    ] = 0.1,
    slippage_ticks: Annotated[
        float,
        typer.Option(
            "--slippage-ticks", min=0, help="Per round trip, beyond spread and fees.", rich_help_panel=_SOURCE
        ),
    ] = 1.0,
    fitted: FittedFiles = None,
    who: Annotated[
        str, typer.Option("--who", help="Who looks; your user name without it.", rich_help_panel=_SOURCE)
    ] = "",
    source: Source = UNSAID,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First session.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last session.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Judge a model by the out-of-fold predictions it was saved with, or by sessions after its training.

    With --input the recording is replayed through the engine, labelled as in the training, and judged where it is newer
    than that (directions and barriers only: labels of price_move_1min, spread_change and order_imbalance cannot be measured
    again); the look is written into looks.jsonl, and no vault is opened on these sessions any more. The base rate is the
    share of the classes among the judged rows. Fewer than 20 sessions or 500 effective rows are insufficient: then there
    is no number.
    """
    from quantumtrader.cli.models import chosen_version
    from quantumtrader.models.registry import ModelRegistry
    from quantumtrader.training.assessment.record import judge_record

    idle = [] if input is not None else [option for option in given(ctx) if option not in _ALWAYS]
    if idle:
        raise typer.BadParameter(
            "is for the sessions of a recording: give --input. The out-of-fold record is judged as a whole",
            param_hint=", ".join(idle),
        )
    registry = ModelRegistry(models)
    version = chosen_version(registry, name, version)
    manifest = registry.manifest(name, version)
    synthetic = bool(manifest.data["synthetic"])
    extra: dict[str, Any] = {}
    if input is None:
        found, where = judge_record(registry.oof(name, version), manifest.classes), "out of fold"
    else:
        from quantumtrader.cli.train_options import (
            open_recording,
            read_fits,
            require_series_only,
            user_name,
        )
        from quantumtrader.training.pipelines.costs import cost_ticks
        from quantumtrader.training.pipelines.unseen import judge_unseen
        from quantumtrader.training.policy import Policy

        require_series_only(fitted, manifest)  # before the recording is read
        recording = open_recording(
            input, symbol or str(manifest.instrument["symbol"]), config, source, start, end
        )
        fits = read_fits(recording.instrument, config, fitted)
        synthetic |= recording.survey().synthetic
        policy = Policy(margin, cost_ticks(recording, slippage_ticks))
        with output.progress(f"replaying {input.name}"):
            unseen = judge_unseen(
                registry,
                registry.load(name, version, validity=False),
                recording,
                policy,
                who=who or user_name(),
                given=fits,
            )
        found, where = unseen.facts, "after its training"
        extra = {
            "net": unseen.net,
            "trades": unseen.trades,
            "cost_ticks": unseen.cost_ticks,
            "fees_known": recording.instrument.fee_known,
            "ticks_per_exchange_tick": recording.instrument.ticks_per_exchange_tick,
            "dropped": unseen.dropped,
            "earlier_looks": unseen.earlier_looks,
            "locked": unseen.locked,
        }
        if unseen.locked:
            output.note(
                f"note: {unseen.locked} of these sessions were locked away by the training of {manifest.id}. They are "
                "seen now, on record: its vault, and that of a later training, is not opened on them any more"
            )
    if as_json:
        about = {"model": manifest.id, "judged": where, "synthetic": synthetic}
        output.print_json({**about, "sufficient": found.edge is not None, **output.plain(found), **extra})
        return
    _show(f"{manifest.id}{' (synthetic)' if synthetic else ''}", where, found, extra)


def _show(title: str, where: str, found: RecordFacts, extra: dict[str, Any]) -> None:
    rows: list[tuple[str, Any]] = [
        ("sessions", f"{found.sessions}, {found.first} to {found.last}"),
        ("rows", f"{found.predicted:,} predicted of {found.rows:,}"),
        ("effective rows", f"{found.n_eff:,.0f}"),
        ("edge, nats per row", _interval(found.edge, 5)),
    ]
    if found.quality is not None:
        q = found.quality
        rows += [
            ("log-loss skill", f"{q.skill:.2%}"),
            ("log loss", f"{q.log_loss:.5f} (base rate {q.base_log_loss:.5f})"),
            ("Brier score", f"{q.brier:.5f} (base rate {q.base_brier:.5f})"),
            *((f"calibration error, class {c.name}", f"{c.ece:.4f}") for c in q.classes),
        ]
    if extra:
        fine = extra["ticks_per_exchange_tick"]  # people think in the exchange's ticks
        rows += [
            ("trades", f"{extra['trades']:,}"),
            ("net ticks per trade", _interval(extra["net"], 2, fine)),
            (
                "cost beyond the spread, ticks",
                f"{extra['cost_ticks'] / fine:.2f}{'' if extra['fees_known'] else ', fees unknown: counted as zero'}",
            ),
        ]
    output.table(title, ("", where), rows)
    if found.regimes:
        cells = [(s.name, s.sessions, f"{s.n_eff:,.0f}", _interval(s.edge, 5)) for s in found.regimes]
        output.table("by regime", ("regime", "sessions", "n_eff", "edge, nats per row"), cells)
    if extra.get("earlier_looks"):
        output.note(f"note: some of these sessions were looked at {extra['earlier_looks']} times before")


def _interval(found: Interval | None, decimals: int, unit: int = 1) -> str:
    if found is None:
        return "insufficient"
    mean, low, high = (value / unit for value in (found.mean, found.low, found.high))
    return f"{mean:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})"
