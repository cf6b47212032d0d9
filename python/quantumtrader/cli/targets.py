"""Where a command writes: never over what it reads, over other things only when asked to, and only where it can.

All of it is said before anything is read: the work of hours is not lost for a folder that may not be written.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from os.path import (
    exists,
    isdir,
    isfile,
    lexists,
)  # False, where Path raises, behind a folder without permission
from pathlib import Path
from typing import Any

import typer

from quantumtrader.exceptions import DataAccessError

__all__ = ["check", "check_file", "check_folder", "check_writable", "keep_apart"]

_READ = {
    "file": "FILE",
    "input": "--input",
    "ticks": "--ticks",
    "book": "--book",
    "reference": "--reference",
    "fitted": "--fitted",
    "detector_settings": "--detector-settings",
    "config": "--config",
}
_RECORDINGS = ("--input", "--ticks", "--book")
"""Sources that may be folders of which everything is read."""
_WRITTEN = {"out": "--out", "plot": "--plot"}
_NAMED = 4


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
    DataAccessError
        An output cannot be written.
    """
    for name, option in _WRITTEN.items():
        if values.get(name) is not None:
            keep_apart(values[name], values, option)
            check_writable(values[name], option)


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
        elif where in _RECORDINGS and isdir(source) and _inside(target, source):
            text = f"{target} lies inside {source}, which {where} reads, and would become part of it"
        else:
            continue
        raise typer.BadParameter(f"{text}; choose another place", param_hint=option)


def check_writable(target: Path, option: str = "--out") -> None:
    """Refuse a place where nothing can be made: a file on the way to it, or a folder without permission.

    Raises
    ------
    DataAccessError
        The message names what is in the way.
    """
    places = (target, *target.parents) if isdir(target) else target.parents
    there = next(p for p in places if lexists(p))
    if not isdir(there):
        why = f"{there} is a file, not a folder" if exists(there) else f"{there} is a link that leads nowhere"
    elif not os.access(there, os.W_OK | os.X_OK):
        why = f"the folder {there} may not be written to"
    else:
        return
    raise DataAccessError(f"cannot be written: {why}", path=target, remedy=f"Choose another {option}")


def check_file(target: Path, *, overwrite: bool, option: str = "--out") -> None:
    """Refuse a file that is there, unless it is to be replaced, and a folder.

    Raises
    ------
    DataAccessError
        The message says what to do.
    """
    if isdir(target):
        raise DataAccessError(
            "is a folder", path=target, remedy=f"Name the file in it: {option} {target / 'FILE'}"
        )
    if exists(target) and not overwrite:
        raise DataAccessError(
            "is there already",
            path=target,
            remedy=f"Replace it with --overwrite, or choose another {option}",
        )


def check_folder(target: Path, names: Sequence[str], values: Mapping[str, Any], *, overwrite: bool) -> None:
    """Refuse a folder that holds anything, unless files in it may be replaced; never one of the sources.

    Parameters
    ----------
    target : Path
        Value of ``--out``.
    names : sequence of str
        Files that will be written into it.
    values : mapping of str to object
        Parameters of the command: see :func:`check`.
    overwrite : bool
        Whether files of these names may be replaced.

    Raises
    ------
    DataAccessError
        It is a file, or holds something.
    typer.BadParameter
        Usage error (exit code 2): one of the files is a source.
    """
    if exists(target) and not isdir(target):
        raise DataAccessError("is a file, not a folder", path=target, remedy="Choose another --out")
    for name in names:
        keep_apart(target / name, values, "--out")
    held = sorted(p.name for p in target.iterdir()) if isdir(target) else []
    if held and not overwrite:
        clash = [name for name in names if name in held]
        what = (
            f"holds {', '.join(clash or held[:_NAMED])}{'' if clash or len(held) <= _NAMED else ' and more'}"
        )
        raise DataAccessError(
            what,
            path=target,
            remedy=f"Choose a new folder with --out, or replace {' '.join(names)} in it with --overwrite",
        )


def _sources(values: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield what is read, and the option that names it; the prefix of a set stands for the files of the set."""
    for name, option in _READ.items():
        given = values.get(name)
        for path in given if isinstance(given, (list, tuple)) else [given]:
            if not isinstance(path, Path):
                continue
            if exists(path):
                yield path, option
            else:
                yield from ((p, option) for p in path.parent.glob(f"{glob.escape(path.name)}*"))


def _same(one: Path, other: Path) -> bool:
    return exists(one) and one.samefile(other)


def _inside(path: Path, folder: Path) -> bool:
    if folder.resolve() in path.resolve().parents:
        return True
    # A hard link lies in two places: only then is it worth looking at every file.
    return isfile(path) and path.stat().st_nlink > 1 and any(_same(path, p) for p in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    return (Path(root, name) for root, _, names in os.walk(folder) for name in names)
