"""``quantumtrader models``: what is in the registry, whether it is sound, and who may trade."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.features_compute import show_ns
from quantumtrader.cli.source_options import AsJson

if TYPE_CHECKING:
    from quantumtrader.models.gate import Condition
    from quantumtrader.models.states import Entry

Folder = Annotated[Path, typer.Option("--models", "-m", file_okay=False, help="Folder of all models.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The model.")]
Version = Annotated[
    str, typer.Argument(metavar="[VERSION]", help="Such as 1.4.0; the live one, else the newest, without it.")
]
Why = Annotated[str, typer.Option("--why", help="Reason, for the record.")]
Who = Annotated[str, typer.Option("--who", help="Who decides it; your user name without it.")]
_MODELS = Path("models")


def list_models(models: Folder = _MODELS, as_json: AsJson = False) -> None:
    """List every version of every model, and its state."""
    from quantumtrader.exceptions import DataError
    from quantumtrader.models.registry import ModelRegistry

    registry = ModelRegistry(models)
    rows: list[dict[str, Any]] = []
    for name in registry.names():
        for version in registry.versions(name):
            row: dict[str, Any] = {"name": name, "version": version, "state": None, "problem": None}
            try:
                manifest = registry.manifest(name, version)
                row |= {
                    "state": str(registry.states(name).of(version)),
                    "kind": manifest.kind,
                    "features": len(manifest.features.names),
                    "clock": manifest.features.clock,
                    "created": show_ns(manifest.created_ns)[:10],
                    "synthetic": bool(manifest.data["synthetic"]),
                }
            except DataError as error:
                row["problem"] = str(error)
            rows.append(row)
    if as_json:
        output.print_json(rows)
        return
    if not rows:
        output.line(f"no model in {models}")
        return
    from rich.markup import escape

    columns = ("name", "version", "state", "kind", "features", "clock", "created")
    output.table(str(models), columns, [[row.get(c) for c in columns] for row in rows])
    for row in rows:
        if row["problem"]:
            output.note(f"{row['name']} {row['version']} cannot be used: {escape(row['problem'])}")


def show(name: Name, version: Version = "", models: Folder = _MODELS, as_json: AsJson = False) -> None:
    """Show what a model is, what it has shown, and what keeps it from the next state."""
    from quantumtrader.models.registry import ModelRegistry

    registry = ModelRegistry(models)
    version = chosen_version(registry, name, version)
    manifest = registry.manifest(name, version)
    states = registry.states(name)
    gate = registry.gate(name, version)
    if as_json:
        document = {
            "manifest": manifest.to_document(),
            "state": str(states.of(version)),
            "moves": [e.to_dict() for e in states.entries if any(m.version == version for m in e.moves)],
            "gate": gate,
            "performance": registry.performance(name).lines(version),
        }
        output.print_json(document)
        return
    data, until = manifest.data, manifest.limits["valid_until_ns"]
    rows = [
        ("state", str(states.of(version))),
        ("kind", manifest.kind),
        ("label", str(manifest.label["id"])),
        ("classes", ", ".join(map(str, manifest.classes))),
        ("features", f"{len(manifest.features.names)}, clock {manifest.features.clock}"),
        ("engine", f"{manifest.features.engine} {manifest.features.version}"),
        ("data", f"{show_ns(data['from_ns'])} to {show_ns(data['to_ns'])} UTC, {data['rows']:,} rows"),
        ("synthetic", "yes: its numbers say nothing about a market" if data["synthetic"] else "no"),
        ("calibration", manifest.calibration),
        ("valid until", "no end" if until is None else f"{show_ns(until)} UTC"),
        ("hash", manifest.hash[:16]),
    ]
    output.table(manifest.id, ("", ""), rows)
    if gate:
        _print_gate(f"for {states.of(version).next}", gate)
    moves = [
        (show_ns(e.ts), f"{m.origin} to {m.target}", e.who, e.why)
        for e in states.entries
        for m in e.moves
        if m.version == version
    ]
    if moves:
        output.table("moves", ("when", "what", "who", "why"), moves, wrap=("why",))


def verify(name: Name, version: Version = "", models: Folder = _MODELS, as_json: AsJson = False) -> None:
    """Load a model through every check, golden rows and golden events included; exit code 3 when one fails."""
    from quantumtrader.models.registry import ModelRegistry

    registry = ModelRegistry(models)
    version = chosen_version(registry, name, version)
    loaded = registry.load(name, version)
    silent = registry.golden_events(name, version).never_valid(loaded.names)
    if as_json:
        output.print_json(
            {
                "model": loaded.id,
                "state": str(loaded.state),
                "verified": True,
                "never_valid_in_golden": silent,
            }
        )
        return
    output.line(f"{loaded.id} is sound: files, features, golden rows and golden events")
    if silent:
        shown = ", ".join(silent[:6]) + (f" and {len(silent) - 6} more" if len(silent) > 6 else "")
        output.note(f"note: golden events have no value of {shown}: of these they say nothing")


def promote(
    name: Name,
    why: Why,
    version: Version = "",
    who: Who = "",
    models: Folder = _MODELS,
    as_json: AsJson = False,
) -> None:
    """Move a model one state up, if it meets every condition: candidate, shadow, canary, live."""
    from quantumtrader.models.registry import ModelRegistry

    registry = ModelRegistry(models)
    version = chosen_version(registry, name, version, rising=True)
    _print_entry(name, registry.promote(name, version, why=why, who=who or None), as_json=as_json)


def rollback(name: Name, why: Why, who: Who = "", models: Folder = _MODELS, as_json: AsJson = False) -> None:
    """Make the version before the live one live again: one step."""
    from quantumtrader.models.registry import ModelRegistry

    entry = ModelRegistry(models).rollback(name, why=why, who=who or None)
    _print_entry(name, entry, as_json=as_json)


def retire(
    name: Name,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Such as 1.4.0.")],
    why: Why,
    who: Who = "",
    models: Folder = _MODELS,
    as_json: AsJson = False,
) -> None:
    """Take a version out of service, in whatever state it is."""
    from quantumtrader.models.registry import ModelRegistry

    entry = ModelRegistry(models).retire(name, version, why=why, who=who or None)
    _print_entry(name, entry, as_json=as_json)


def chosen_version(registry: Any, name: str, version: str, *, rising: bool = False) -> str:
    """Return the version that is meant: the one given, the live one, the newest that is not retired."""
    from quantumtrader.exceptions import ModelError

    if version:
        return version
    states = registry.states(name)
    if states.live and not rising:
        return str(states.live)
    there = [v for v in registry.versions(name) if not rising or states.of(v).next is not None]
    if not there:
        raise ModelError(
            f"there is no version of {name}{' that can rise' if rising else ''}",
            path=registry.root,
            remedy="See quantumtrader models list",
        )
    return str(there[-1])


def _print_gate(title: str, gate: tuple[Condition, ...]) -> None:
    rows = [("yes" if c.met else "no", c.name, c.found, c.wanted) for c in gate]
    output.table(title, ("met", "condition", "found", ""), rows, wrap=("found", ""))


def _print_entry(name: str, entry: Entry, *, as_json: bool) -> None:
    if as_json:
        output.print_json({"name": name, **entry.to_dict()})
        return
    for move in entry.moves:
        output.line(f"{name} {move.version}: {move.origin} to {move.target}")
