"""``quantumtrader evaluate model``: what a model's out-of-fold record says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.source_options import AsJson

if TYPE_CHECKING:
    from quantumtrader.training.assessment.record import RecordFacts
    from quantumtrader.training.evaluation import Interval


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model.")],
    version: Annotated[
        str,
        typer.Argument(metavar="[VERSION]", help="Such as 1.4.0; the live one, else the newest, without it."),
    ] = "",
    models: Annotated[Path, typer.Option("--models", "-m", help="Folder of all models.")] = Path("models"),
    as_json: AsJson = False,
) -> None:
    """Judge the out-of-fold predictions that a model was saved with.

    Every row was predicted by a model that had not seen it. The base rate is the share of the classes among the same
    rows. Fewer than 20 sessions or 500 effective rows are insufficient: then there is no number.
    """
    from quantumtrader.cli.models import chosen_version
    from quantumtrader.models.registry import ModelRegistry
    from quantumtrader.training.assessment.record import judge_record

    registry = ModelRegistry(models)
    version = chosen_version(registry, name, version)
    manifest = registry.manifest(name, version)
    found = judge_record(registry.oof(name, version), manifest.classes)
    synthetic = bool(manifest.data["synthetic"])
    sufficient = found.edge is not None
    if as_json:
        document = output.plain(found)
        output.print_json(
            {"model": manifest.id, "synthetic": synthetic, "sufficient": sufficient, **document}
        )
        return
    _show(f"{manifest.id}{' (synthetic)' if synthetic else ''}", found)


def _show(title: str, found: RecordFacts) -> None:
    rows: list[tuple[str, Any]] = [
        ("sessions", f"{found.sessions}, {found.first} to {found.last}"),
        ("rows", f"{found.predicted:,} predicted of {found.rows:,}"),
        ("effective rows", f"{found.n_eff:,.0f}"),
        ("edge, nats per row", _interval(found.edge)),
    ]
    if found.quality is not None:
        q = found.quality
        rows += [
            ("log-loss skill", f"{q.skill:.2%}"),
            ("log loss", f"{q.log_loss:.5f} (base rate {q.base_log_loss:.5f})"),
            ("Brier score", f"{q.brier:.5f} (base rate {q.base_brier:.5f})"),
            *((f"calibration error, class {c.name}", f"{c.ece:.4f}") for c in q.classes),
        ]
    output.table(title, ("", "out of fold"), rows)
    if found.regimes:
        cells = [(s.name, s.sessions, f"{s.n_eff:,.0f}", _interval(s.edge)) for s in found.regimes]
        output.table("by regime", ("regime", "sessions", "n_eff", "edge, nats per row"), cells)


def _interval(found: Interval | None) -> str:
    return "insufficient" if found is None else f"{found.mean:.5f} ({found.low:.5f} to {found.high:.5f})"
