"""Where a command writes: never over what it reads, and only where that can be done, both said before anything is read."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

__all__ = ["check", "keep_apart"]

_READ = {
    "file": "FILE",
    "input": "--input",
    "ticks": "--ticks",
    "book": "--book",
    "reference": "--reference",
    "fitted": "--fitted",
    "detectors": "--settings",
    "config": "--config",
}
_RECORDINGS = ("--input", "--ticks", "--book")
"""Sources that may be folders of which everything is read."""
_WRITTEN = {"out": "--out", "plot": "--plot"}


def check(values: Mapping[str, Any]) -> None:
    """Check the outputs among the parameters of a command against its sources.

    Parameters
    ----------
    values : mapping of str to object
        Parameters by name; the names tell which are read and which are written.

    Raises
    ------
    typer.BadParameter
        Usage error (exit code 2): an output is a source, or lies inside one.
    """
    for name, option in _WRITTEN.items():
        if values.get(name) is not None:
            keep_apart(values[name], values, option)


def keep_apart(target: Path, values: Mapping[str, Any], option: str) -> None:
    """Refuse to write over a source of the command, or into it.

    Parameters
    ----------
    target : Path
        What will be written: a file or a folder. Links count as what they lead to.
    values : mapping of str to object
        Parameters of the command.
    option : str
        That gave ``target``, for the message.

    Raises
    ------
    typer.BadParameter
        Usage error (exit code 2).
    """
    for source, where in _sources(values):
        if _same(target, source):
            text = f"{target} is what {where} reads, and would be lost"
        elif where in _RECORDINGS and source.is_dir() and _inside(target, source):
            text = f"{target} lies inside {source}, which {where} reads, and would become part of it"
        else:
            continue
        raise typer.BadParameter(f"{text}; choose another place", param_hint=option)


def _sources(values: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield what is read, and the option that names it; the prefix of a set stands for the files of the set."""
    for name, option in _READ.items():
        given = values.get(name)
        for path in given if isinstance(given, (list, tuple)) else [given]:
            if not isinstance(path, Path):
                continue
            if path.exists():
                yield path, option
            else:
                yield from ((p, option) for p in path.parent.glob(f"{glob.escape(path.name)}*"))


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _inside(path: Path, folder: Path) -> bool:
    if folder.resolve() in path.resolve().parents:
        return True
    # A hard link lies in two places: only then is it worth looking at every file.
    return path.is_file() and path.stat().st_nlink > 1 and any(_same(path, p) for p in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    return (Path(root, name) for root, _, names in os.walk(folder) for name in names)
