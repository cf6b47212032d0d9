"""The drop-in ProfitDLL that ships with the package: where it is, and how it is told what to play.

Two files lie here, built from ``crates/qt-profitdll-sim``: ``libprofitdll_sim16`` has the vendor's 16-bit characters,
``libprofitdll_sim32`` the 32-bit ones that unmodified ctypes programs expect on Linux and macOS.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantumtrader.exceptions import ConfigError, SessionError

if TYPE_CHECKING:
    from quantumtrader.profitdll.library import ProfitLibrary

__all__ = ["SCENARIO_VARIABLE", "configure", "last_error", "library_path", "report", "step"]

SCENARIO_VARIABLE = "QUANTUMTRADER_SIM_SCENARIO"
"""Names a scenario file for clients that configure nothing."""

_FOLDER = Path(__file__).parent
_SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


def library_path(char_width: int = 2) -> Path:
    """Return the simulator's file.

    Parameters
    ----------
    char_width : int
        Bytes per character: 2 as the vendor's, 4 for programs that take the platform's wide characters.

    Raises
    ------
    SessionError
        It is not there: the package was installed without Rust.
    """
    if char_width not in (2, 4):
        raise ConfigError(f"the simulator has characters of 2 or 4 bytes, not {char_width}")
    file = _FOLDER / f"libprofitdll_sim{8 * char_width}{_SUFFIX}"
    if not file.is_file():
        raise SessionError(
            f"the simulator is not built ({file.name} is missing): install Rust, then `make build` in a checkout or "
            "`pip install .` again"
        )
    return file


def configure(library: ProfitLibrary, scenario: str, folder: Path | None = None) -> None:
    """Tell a loaded simulator what to play; before it is initialised.

    Parameters
    ----------
    library : ProfitLibrary
        The simulator.
    scenario : str
        TOML, see ``docs/guides/simulator.md``.
    folder : Path, optional
        What its relative paths are relative to: that of its file; by default the working directory.

    Raises
    ------
    ConfigError
        The scenario is not one; the message is the simulator's.
    """
    text = scenario.encode()
    take = _export(library, "QtSimConfigure", ctypes.c_int32, ctypes.c_char_p, ctypes.c_int64)
    with contextlib.chdir(folder or Path.cwd()):
        result = take(text, len(text))
    if result != 0:
        raise ConfigError(f"scenario of the simulator: {last_error(library)}")


def step(library: ProfitLibrary, events: int) -> int:
    """Let a market in lockstep go on by so many events; returns how many there were, after their callbacks."""
    return int(_export(library, "QtSimStep", ctypes.c_int64, ctypes.c_int64)(events))


def report(library: ProfitLibrary) -> dict[str, Any]:
    """What the simulator noticed: sins of the client, leaked blobs, counts, depth of the queue."""
    function = _export(library, "QtSimReport", ctypes.c_int64, ctypes.c_char_p, ctypes.c_int64)
    return dict(json.loads(_text(function)))


def last_error(library: ProfitLibrary) -> str:
    """Why the simulator last failed; empty when it did not."""
    return _text(_export(library, "QtSimLastError", ctypes.c_int64, ctypes.c_char_p, ctypes.c_int64))


def _text(function: Any) -> str:
    """Text of a running simulator: it may grow between two calls, so it is asked for until all of it fits."""
    room = 4096
    while True:
        buffer = ctypes.create_string_buffer(room)
        size = int(function(buffer, room))
        if size <= room:
            return buffer.raw[:size].decode()
        room = 2 * size


def _export(library: ProfitLibrary, name: str, restype: Any, *argtypes: Any) -> Any:
    if not library.is_simulator:
        raise SessionError(f"{library.path} is the vendor's library: {name} belongs to the simulator")
    function = getattr(library.handle, name)
    function.restype, function.argtypes = restype, argtypes
    return function
