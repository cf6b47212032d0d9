"""``quantumtrader doctor``: what is in force on this machine, what is missing and how to get it."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    login: Annotated[
        bool, typer.Option("--login", help="Log in to ProfitDLL as well, and out again; no order is sent.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the engine in force, versions, extras, folders, ProfitDLL and clock, and what to do about gaps."""
    from quantumtrader.cli import output
    from quantumtrader.cli.check import BROKEN, MISSING, OK
    from quantumtrader.cli.checks import examine
    from quantumtrader.cli.checks_profit import check_login

    checks = examine() + (check_login() if login else [])
    broken = [check for check in checks if check.status == BROKEN]
    if as_json:
        engine = next(check for check in checks if check.section == "engine")
        output.print_json({"ok": not broken, "engine": engine.data.get("engine"), "checks": checks})
    else:
        marks = {OK: "[green]ok[/]", MISSING: "[yellow]missing[/]", BROKEN: "[red]broken[/]"}
        rows: list[tuple[str, ...]] = [
            (c.section, c.name, marks[c.status], _escape(c.detail), _escape(c.remedy)) for c in checks
        ]
        output.table("quantumtrader doctor", ("", "what", "state", "found", "what to do"), _grouped(rows))
        if broken:
            output.line(
                f"[red]{len(broken)} essential thing(s) broken[/]: {', '.join(c.name for c in broken)}"
            )
        else:
            output.line("[green]everything essential works[/]")
    if broken:
        raise typer.Exit(1)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _grouped(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Write each section's heading once."""
    return [(row[0] if k == 0 or rows[k - 1][0] != row[0] else "", *row[1:]) for k, row in enumerate(rows)]
