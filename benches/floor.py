"""Compiles ``floor.c`` with the system's C compiler and offers its kernels on event arrays."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from quantumtrader.types import Events

SOURCE = Path(__file__).with_name("floor.c")
TICKS = 16_384


def compiler() -> str | None:
    """Return the C compiler: ``$CC``, ``cc``, ``gcc`` or ``clang``; None where there is none."""
    names = (os.environ.get("CC"), "cc", "gcc", "clang")
    return next((path for name in names if name and (path := shutil.which(name))), None)


class Floor:
    """The kernels, for events whose prices span less than the ladder.

    Parameters
    ----------
    events : Events
        The stream that will be handed in; its prices place the ladder.
    """

    def __init__(self, events: Events) -> None:
        cc = compiler()
        if cc is None:
            raise FileNotFoundError("no C compiler: install gcc or clang, or set CC")
        levels = events[events["kind"] == 3]
        low, high = int(levels["px"].min()), int(levels["px"].max())
        if high - low > TICKS - 2_000:
            raise ValueError(f"prices span {high - low} ticks, more than the floor's ladder of {TICKS}")
        self.base = (low + high) // 2 - TICKS // 2
        self._lib = _library(cc)

    def _run(self, kernel: str, events: Events, *rest: object) -> int:
        make = self._lib.folded_new if kernel == "book_folded" else self._lib.book_new
        book = make(self.base)
        try:
            return int(
                getattr(self._lib, kernel)(book, ctypes.c_void_p(events.ctypes.data), len(events), *rest)
            )
        finally:
            self._lib.book_free(book)

    def book_branchy(self, events: Events) -> int:
        """Apply level updates; returns a checksum of the touch after each."""
        return self._run("book_branchy", events)

    def book_folded(self, events: Events) -> int:
        """Like :meth:`book_branchy`, with the side folded into an index."""
        return self._run("book_folded", events)

    def stream(self, events: Events, out: npt.NDArray[np.float64]) -> int:
        """Write (OFI, imbalance of 5 levels, weighted mid - mid) after each level update; returns the rows."""
        return self._run("stream", events, ctypes.c_void_p(out.ctypes.data))

    def replay(self, events: Events, step_ns: int) -> int:
        """Run a do-nothing strategy every ``step_ns``; returns how often it was called."""
        calls = ctypes.c_int64()
        self._run("replay", events, ctypes.c_int64(step_ns), ctypes.byref(calls))
        return calls.value


def compile_shared(cc: str, source: Path) -> ctypes.CDLL:
    """Compile a C file into a library, once per content, and load it."""
    tag = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    target = Path(tempfile.gettempdir()) / f"quantumtrader-{source.stem}-{tag}.so"
    if not target.exists():
        scratch = target.with_suffix(f".{os.getpid()}")
        options = ["-O3", "-march=native", "-std=gnu11", "-Wall", "-Wextra", "-shared", "-fPIC"]
        subprocess.run([cc, *options, "-o", str(scratch), str(source)], check=True)
        scratch.replace(target)
    return ctypes.CDLL(str(target))


def _library(cc: str) -> ctypes.CDLL:
    lib = compile_shared(cc, SOURCE)
    for name in ("book_new", "folded_new"):
        getattr(lib, name).restype = ctypes.c_void_p
        getattr(lib, name).argtypes = [ctypes.c_int32]
    lib.book_free.argtypes = [ctypes.c_void_p]
    for name, rest in (("book_branchy", 0), ("book_folded", 0), ("stream", 1), ("replay", 2)):
        kernel = getattr(lib, name)
        kernel.restype = ctypes.c_int64
        extra: list[object] = (
            [ctypes.c_void_p] if rest == 1 else [ctypes.c_int64, ctypes.c_void_p] if rest else []
        )
        kernel.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, *extra]
    return lib
