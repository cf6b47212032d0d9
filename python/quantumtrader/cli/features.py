"""``quantumtrader features list`` and ``show``: the catalogue, as tables or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from quantumtrader.cli import output
from quantumtrader.exceptions import ConfigError

if TYPE_CHECKING:
    from quantumtrader.features import FeatureInfo

NEEDS = (
    "needs: T trades, L1 best bid and ask, L2 book levels, L3 orders of the book, B bars\n"
    "warm-up: Wt time since the session start, Wn items or bars, Ws first event that defines it, 0 none"
)


def show(family: str | None, set_name: str | None, search: str | None, *, as_json: bool) -> None:
    """Print the features of the catalogue.

    Parameters
    ----------
    family, set_name, search : str or None
        Only features of this family, of this set, with this text in name, alias, definition or source.

    Raises
    ------
    ConfigError
        If there are none.
    UnknownFeatureError
        If a set names a feature that this catalogue does not have.
    """
    from quantumtrader.features import canonical, catalogue, resolve

    every = list(catalogue())
    chosen = [info for info in every if family in (None, info.family)]
    if not chosen:
        families = ", ".join(sorted({info.family for info in every}))
        raise ConfigError(f"no feature family {family!r}; there are {families}")
    if set_name is not None:
        members = {canonical(name) for name in resolve(set_name)}
        chosen = [info for info in chosen if info.name in members]
    if search is not None:
        chosen = [info for info in chosen if search.casefold() in _text(info)]
    if not chosen:
        raise ConfigError("no feature fits; see quantumtrader features list")
    if as_json:
        output.print_json([_document(info) for info in chosen])
        return
    from quantumtrader.features import aliases_of

    rows = [
        (info.number, info.name, info.family, info.unit, " ".join(info.inputs), info.warmup)
        for info in chosen
    ]
    columns = ("#", "name", "family", "unit", "needs", "warm-up")
    output.table(f"{len(rows)} feature{'s' * (len(rows) > 1)}", columns, rows, wrap=("unit", "family"))
    others = [(alias, info.name) for info in chosen for alias in aliases_of(info.name)]
    if others:  # a table of its own: one more column would break long names on a narrow terminal
        output.table("Other names", ("name", "feature"), others)
    output.line(NEEDS)


def show_one(name: str, *, as_json: bool) -> None:
    """Print everything about one feature, by any of its names.

    Raises
    ------
    typer.BadParameter
        Usage error (exit code 2): the catalogue has no such name; the message offers close ones.
    """
    from quantumtrader._fallback.features.suggestions import suggestion
    from quantumtrader.features import (
        ALIASES,
        GuardLimits,
        catalogue,
        definition_hash,
        info,
        resolve,
        set_names,
    )
    from quantumtrader.features.lags import split_lag

    features = [entry.name for entry in catalogue()]
    if name in set_names() and name not in (*features, *ALIASES):
        raise typer.BadParameter(
            f'"{name}" is a set of {len(resolve(name))} features: quantumtrader features list --set {name}'
        )
    if split_lag(name)[0] not in (*features, *ALIASES):
        near = suggestion(name, (*features, *ALIASES, *set_names())) or "."
        raise typer.BadParameter(
            f'no feature "{name}" in the catalogue{near} All names: quantumtrader features list'
        )
    entry = info(name)
    limit = GuardLimits().unchanged(entry)
    if as_json:
        output.print_json(
            {**_document(entry), "definition_hash": definition_hash(name), "unchanged_limit_s": limit}
        )
        return
    from rich.markup import escape

    low, high = ("–∞" if entry.range[0] is None else f"{entry.range[0]:g}"), entry.range[1]
    warm = entry.warmup
    if entry.warmup_ns is not None:
        warm += f", {entry.warmup_ns / 1e9:g} s"
    if entry.warmup_items is not None:
        warm += f", {entry.warmup_items} items"
    document = _document(entry)
    rows = [
        ("definition", entry.definition),
        ("also called", ", ".join(document["aliases"])),
        ("family", entry.family),
        ("sets", ", ".join(document["sets"])),
        ("needs", ", ".join(entry.inputs)),
        ("window", entry.window),
        ("unit", entry.unit),
        ("range", f"{low} … {'∞' if high is None else f'{high:g}'}"),
        ("kind", entry.kind),
        ("warm-up", warm),
        ("zero denominator", {"Z0": "0", "ZN": "NaN"}.get(entry.zero or "", "")),
        ("starts anew at", entry.reset),
        ("guard: unchanged for", "no limit" if limit == float("inf") else f"at most {limit:g} s"),
        ("source", entry.source),
        ("definition hash", definition_hash(name)),
    ]
    output.table(
        f"{entry.number} {entry.name}", ("", ""), [(label, escape(value)) for label, value in rows if value]
    )
    output.line(NEEDS)


def _text(info: FeatureInfo) -> str:
    from quantumtrader.features import aliases_of

    return " ".join((info.name, *aliases_of(info.name), info.definition, info.source)).casefold()


def _document(info: FeatureInfo) -> dict[str, Any]:
    from dataclasses import asdict

    from quantumtrader.features import GROUPS, SETS, aliases_of, canonical

    groups = [group for group, names in GROUPS.items() if info.name in {canonical(name) for name in names}]
    sets = [name for name, member in SETS.items() if member(info)]
    return {**asdict(info), "aliases": list(aliases_of(info.name)), "sets": [*sets, *groups]}
