"""Empty figures, and what writes them: PNG, SVG or PDF. matplotlib comes with the extra ``plot``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from quantumtrader.exceptions import ConfigError, DataAccessError, MissingExtraError

__all__ = ["SUFFIXES", "check_picture", "new_figure"]

SUFFIXES = (".png", ".svg", ".pdf")


def check_picture(path: Path | str, purpose: str = "drawing features") -> Path:
    """Refuse what cannot be drawn, before the work begins.

    Raises
    ------
    ConfigError
        If the ending is not known.
    MissingExtraError
        Without matplotlib.
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"a picture cannot be written as {target.name!r}; end it with {', '.join(SUFFIXES)}"
        )
    try:
        import_module("matplotlib.figure")
    except ModuleNotFoundError as error:
        raise MissingExtraError("matplotlib", "plot", purpose) from error
    return target


def new_figure(
    path: Path | str, size: tuple[float, float], *, purpose: str = "drawing features", text: bool = False
) -> tuple[Any, Callable[[], Path]]:
    """Return an empty figure, and what writes it to ``path`` and returns that.

    Parameters
    ----------
    path : path
        The picture; its ending says which kind.
    size : tuple of float
        Width and height, inches.
    purpose : str
        What matplotlib is needed for, for the error.
    text : bool
        Write letters of an SVG as text, not as outlines: a smaller file, in the fonts of whoever looks at it.

    Raises
    ------
    ConfigError
        If the ending is not known.
    MissingExtraError
        Without matplotlib.
    DataAccessError
        When writing, if the file cannot be written.
    """
    target = check_picture(path, purpose)
    figure_module, matplotlib = import_module("matplotlib.figure"), import_module("matplotlib")
    # Without pyplot there is no window, no global state, and nothing to close.
    figure = figure_module.Figure(figsize=size, layout="constrained")

    def save() -> Path:
        temporary = target.with_name(f".{target.name}.tmp{target.suffix}")
        fixed = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(target.suffix.lower(), {})
        if target.is_dir():
            raise DataAccessError("is a folder", path=target, remedy="Name the picture in it")
        style = {"svg.hashsalt": "quantumtrader", "svg.fonttype": "none" if text else "path"}
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with matplotlib.rc_context(style):
                figure.savefig(temporary, dpi=120, metadata=fixed)
            os.replace(temporary, target)
        except OSError as error:
            with contextlib.suppress(OSError):  # it must not hide the error that led here
                temporary.unlink()
            raise DataAccessError(
                f"cannot be written ({error.strerror or error})", path=target, remedy="Choose another file"
            ) from error
        return target

    return figure, save
