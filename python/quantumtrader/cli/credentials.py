"""``quantumtrader credentials``: the secrets of the vendor's session, in the system's keyring."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

NAMES = ("username", "activation_key", "password", "signature")

Name = Annotated[str, typer.Argument(metavar="NAME", help=f"One of {', '.join(NAMES)}.")]
More = Annotated[
    list[str] | None, typer.Argument(metavar="", hidden=True, help="Nothing: secrets are not given here.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def set(name: Name, more: More = None) -> None:
    """Store one credential in the keyring; it is asked for, or read from standard input, never from the command line."""
    from quantumtrader.cli import output
    from quantumtrader.profitdll.credentials import store_credential

    # What else stands on the line may be a secret: nothing of it is repeated.
    if more:
        raise typer.BadParameter(
            "give the name alone: the secret is asked for, or read from standard input; change one that was typed here, "
            "the shell's history has it"
        )
    if name not in NAMES:
        raise typer.BadParameter(f"that is no credential; there are {', '.join(NAMES)}")
    if sys.stdin.isatty():
        secret = typer.prompt(name, hide_input=True, confirmation_prompt=name != "username")
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise typer.BadParameter(f"{name} is empty; nothing was stored")
    store_credential(name, secret)
    output.line(f"{name} is stored in the keyring")


def show(as_json: AsJson = False) -> None:
    """Show which credentials are there and where each comes from; their values are never shown."""
    from quantumtrader.cli import output
    from quantumtrader.config import load_settings
    from quantumtrader.profitdll.credentials import where

    found = where(environ=load_settings().profit.as_environment())
    if as_json:
        output.print_json(found)
        return
    rows = [(name, place or "missing") for name, place in found.items()]
    output.table("credentials of ProfitDLL", ("credential", "from"), rows)
