"""Commands that are built when they are called.

Building one reads the signature of its function, which for all of them costs as much as the rest of the start. The page that
lists them needs a line of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from quantumtrader.cli.choices import Command, epilog

__all__ = ["add", "build"]

Declared = tuple[str, Callable[..., Any], dict[str, Any]]
"""Name, function, and context settings of a command."""


class _Later(TyperCommand):
    """Stands in the list with its summary; calls the builder that is its callback, and hands over to what it made."""

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        assert self.callback is not None  # add gave it
        return self.callback().make_context(info_name, args, parent, **extra)


def add(app: typer.Typer, name: str, summary: str, builder: Callable[[], Any]) -> None:
    """Add a command or group to ``app`` whose click command ``builder`` makes when it is called."""

    def call() -> Any:
        return builder()

    app.command(name, cls=_Later, help=summary)(call)


def build(prefix: str, commands: Iterable[Declared], help: str | None = None) -> Any:
    """Build a group of commands, or without ``help`` the only one of ``commands``.

    Parameters
    ----------
    prefix : str
        Name of the group and a space, or empty: where the examples of a command stand.
    commands : iterable of Declared
        In the order of the page.
    help : str, optional
        Of the group.
    """
    app = typer.Typer(add_completion=False, no_args_is_help=help is not None, help=help)
    for name, function, settings in commands:
        options = settings or None
        app.command(name, cls=Command, epilog=epilog(f"{prefix}{name}"), context_settings=options)(function)
    return get_command(app)
