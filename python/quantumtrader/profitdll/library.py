"""ProfitDLL or its simulator, loaded by path: one interface, and nothing above it can tell which one it has."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quantumtrader.exceptions import ProfitLibraryError
from quantumtrader.profitdll.abi import Abi, Function, abi
from quantumtrader.profitdll.binary import file_version, identify, this_system
from quantumtrader.profitdll.codes import check

__all__ = ["FILE_NAMES", "ProfitLibrary", "find_library", "load_library"]

FILE_NAMES = ("ProfitDLL64.dll", "Win64/ProfitDLL64.dll", "Win64/ProfitDLL.dll", "ProfitDLL.dll")
"""Where the vendor's packs have the 64-bit library, in the order in which a folder is searched."""

_REQUIRED = ("DLLInitializeMarketLogin", "DLLFinalize", "SubscribeTicker")
"""A library without these is another one."""

_ALIVE: list[Any] = []
"""Callbacks and libraries in use: the library's thread may call until the process ends."""

_log = logging.getLogger(__name__)


def find_library(path: str | os.PathLike[str]) -> Path:
    """Return the library file that ``path`` means: the file itself, or the 64-bit library in that folder.

    Raises
    ------
    ProfitLibraryError
        If there is none.
    """
    given = Path(path).expanduser().resolve()
    if given.is_file():
        return given
    if given.is_dir():
        for name in FILE_NAMES:
            if (given / name).is_file():
                return given / name
        raise ProfitLibraryError(
            f"{given}: no {' or '.join(FILE_NAMES)} in this folder; give the library's path"
        )
    raise ProfitLibraryError(
        f"{given}: there is no such file; give the path of ProfitDLL64.dll as Nelogica ships it, or of the simulator"
    )


def load_library(path: str | os.PathLike[str]) -> ProfitLibrary:
    """Load ProfitDLL or its simulator.

    Loading happens with the library's folder as working directory, where it looks for its side files, and on Windows
    that folder is searched for the libraries that it needs.

    Parameters
    ----------
    path : path-like
        The library, under either of the vendor's names or the simulator's, or the folder that holds it.

    Returns
    -------
    ProfitLibrary
        It is never unloaded.

    Raises
    ------
    ProfitLibraryError
        If the process has 32 bits, the file is missing, is no library, is one of another system or word size, needs
        another library, or lacks the vendor's functions.
    """
    if sys.maxsize <= 2**32:
        raise ProfitLibraryError(
            "this Python has 32 bits, in which callbacks are unsafe; install a 64-bit Python"
        )
    file = find_library(path)
    _check_file(file)
    try:
        with contextlib.chdir(file.parent):
            if sys.platform == "win32":
                _ALIVE.append(os.add_dll_directory(str(file.parent)))
                handle: ctypes.CDLL = ctypes.WinDLL(str(file))
            else:
                handle = ctypes.CDLL(str(file))
    except OSError as error:
        raise ProfitLibraryError(
            f"{file}: the system cannot load it ({error}); check that the files it came with lie beside it"
        ) from error
    library = ProfitLibrary(file, handle)
    if absent := [name for name in _REQUIRED if not library.has(name)]:
        raise ProfitLibraryError(f"{file}: this library is not ProfitDLL, it lacks {', '.join(absent)}")
    _ALIVE.append(handle)
    return library


def _check_file(file: Path) -> None:
    try:
        binary = identify(file)
    except OSError as error:
        raise ProfitLibraryError(
            f"{file}: it cannot be read ({error.strerror}); check its permissions"
        ) from error
    if not binary.system:
        raise ProfitLibraryError(
            f"{file}: this file is not a library, or was cut off; give the path of ProfitDLL64.dll"
        )
    if binary.system != this_system():
        remedy = (
            "ProfitDLL runs on Windows only; use the simulator here"
            if binary.system == "Windows"
            else f"use the file for {this_system()}"
        )
        raise ProfitLibraryError(
            f"{file}: this is a library for {binary.system}, not for {this_system()}; {remedy}"
        )
    if binary.bits != 64:
        raise ProfitLibraryError(f"{file}: this is the 32-bit library; use ProfitDLL64.dll (folder Win64)")


class ProfitLibrary:
    """A loaded library with every function declared.

    Parameters
    ----------
    path : Path
        The file.
    handle : ctypes.CDLL
        The library; :func:`load_library` makes both.

    Attributes
    ----------
    abi : Abi
        Declarations with the string width of this library.
    """

    def __init__(self, path: Path, handle: ctypes.CDLL) -> None:
        self.path = path
        self._handle = handle
        width = getattr(handle, "QtSimCharWidth", None)
        self.is_simulator = width is not None
        self.abi: Abi = abi(2 if width is None else width())
        self._bound: dict[str, Any] = {}

    def __repr__(self) -> str:
        kind = "simulator, " if self.is_simulator else ""
        return f"ProfitLibrary({str(self.path)!r}, {kind}{8 * self.abi.char_width}-bit characters)"

    @property
    def handle(self) -> ctypes.CDLL:
        """The library as ctypes has it, for what is not declared in the vendor's ABI."""
        return self._handle

    @property
    def folder(self) -> Path:
        """Folder of the library, where it looks for its side files."""
        return self.path.parent

    @property
    def version(self) -> str | None:
        """Version in the file's resources, such as ``4.0.0.41``; None when it says none."""
        return file_version(self.path)

    def has(self, name: str) -> bool:
        """Whether this library has the function; older ones lack the newer functions."""
        return getattr(self._handle, name, None) is not None

    def missing(self) -> list[Function]:
        """Declared functions that this library lacks."""
        return [function for name, function in self.abi.functions.items() if not self.has(name)]

    def function(self, name: str) -> Any:
        """Return a function with its types declared; it returns the library's result as it is.

        Raises
        ------
        ProfitLibraryError
            If the library lacks it.
        """
        bound = self._bound.get(name)
        if bound is None:
            declared = self.abi.functions[name]
            bound = getattr(self._handle, name, None)
            if bound is None:
                since = f"; it exists from {declared.since} on, update ProfitDLL" if declared.since else ""
                raise ProfitLibraryError(f"{self.path}: this library has no {name}{since}")
            bound.restype = declared.restype
            bound.argtypes = declared.argtypes
            self._bound[name] = bound
        return bound

    def call(self, name: str, *args: Any) -> int:
        """Call a function and return its result, 0, an id or a count.

        Parameters
        ----------
        name : str
            A function that returns a number.
        *args
            Text as ``str``, structs and outputs as ``ctypes.byref`` of them.

        Raises
        ------
        ProfitDllError
            If the result is an error.
        ProfitLibraryError
            If the library lacks the function.
        """
        return check(self.function(name)(*args), name)

    def address(self, name: str) -> int:
        """Return the address of a function, for code that calls it without Python."""
        address = ctypes.cast(self.function(name), ctypes.c_void_p).value
        return 0 if address is None else address

    def callback(self, name: str, handler: Callable[..., Any]) -> Any:
        """Wrap a Python function as a callback of a declared type, and keep it alive until the process ends.

        Parameters
        ----------
        name : str
            Type of the callback, such as ``State``.
        handler : callable
            Called on the library's thread. It must return at once, and may call no function of the library but
            ``TranslateTrade``, ``GetPriceGroup``, ``GetPriceDepthSideCount``, ``GetTheoreticalValues``,
            ``GetOrderDetails`` and ``FreePointer``. What it raises is logged and goes no further.
        """

        def guarded(*args: Any) -> Any:
            try:
                return handler(*args)
            except Exception:
                _log.exception("callback %s failed", name)
                return 0

        wrapped = self.abi.callbacks[name](guarded)
        _ALIVE.append(wrapped)
        return wrapped
