"""What commands print: tables and lines for people, JSON for programs.

Results go to standard output, notes and errors to standard error, progress bars only to a terminal. rich is
imported when something is printed, so that ``--help`` stays quick.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["as_json", "console", "line", "note", "plain", "print_json", "progress", "table"]


_SHORT = 24
"""Characters of a cell that is not wrapped."""


def console(*, stderr: bool = False) -> Console:
    """Return a console on standard output or standard error.

    Where the output is no terminal, lines are as long as they need to be: a table in a log is not cut at 80
    columns.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 160
    return Console(file=stream, highlight=False, soft_wrap=not stream.isatty(), width=width)


def line(text: str = "") -> None:
    """Print one line of rich markup to standard output."""
    console().print(text)


def note(text: str) -> None:
    """Print one line of rich markup to standard error."""
    console(stderr=True).print(text)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, wrap: Sequence[str] = ()
) -> None:
    """Print a table; columns whose cells are all numbers are right-aligned, None is an empty cell.

    On a narrow terminal columns with long cells give way first, and those named in ``wrap``.
    """
    from rich.markup import escape
    from rich.table import Table

    cells = [list(row) for row in rows]
    shown = Table(
        title=escape(title),
        title_justify="left",
        title_style="bold",
        header_style="bold",
        show_header=any(columns),
    )
    for k, name in enumerate(columns):
        numbers = bool(cells) and all(isinstance(row[k], (int, float)) or row[k] is None for row in cells)
        longest = max((len(str(row[k])) for row in cells), default=0)
        shown.add_column(  # short cells stay whole: on a narrow terminal the long ones give way
            escape(name),
            justify="right" if numbers else "left",
            overflow="fold",
            no_wrap=longest <= _SHORT and name not in wrap,
        )
    for row in cells:
        shown.add_row(*("" if cell is None else cell if isinstance(cell, str) else str(cell) for cell in row))
    console().print(shown)


def plain(value: Any) -> Any:
    """Turn what ``json`` does not know into what it does; NaN and infinities become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return plain(value.tolist())
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def as_json(value: Any) -> str:
    """Return a JSON document; dataclasses, paths, dates and numpy values are accepted."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def print_json(value: Any) -> None:
    """Print one JSON document to standard output; what may be in it is what :func:`as_json` takes."""
    sys.stdout.write(as_json(value))
    sys.stdout.flush()


@contextmanager
def progress(description: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show a progress bar on standard error, if that is a terminal.

    Parameters
    ----------
    description : str
        What is being done.
    total : float, optional
        How many units there are; a pulsing bar without it.

    Yields
    ------
    callable
        ``advance(units)``: call it as work gets done.
    """
    if not sys.stderr.isatty():
        yield lambda units: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%" if total else ""),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(description, total=total)
        yield lambda units: bar.advance(task, units)
