"""The ring through its Python door; the algorithm itself is tested in ``crates/qt-core/tests``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataFormatError, EngineError
from quantumtrader.types import EVENT, Events

rust: Any = pytest.importorskip("quantumtrader._core", reason="the compiled engine is not installed")


def numbered(first: int, last: int) -> Events:
    out = np.zeros(last - first, EVENT)
    out["sequence"] = np.arange(first, last)
    return out


def test_every_reader_sees_everything() -> None:
    ring = rust.Ring.create(None, 8)
    first, second = ring.reader(), ring.reader()
    ring.push(numbered(0, 5))
    ring.push(numbered(5, 6)[0])
    events, lost = first.read(4)
    assert (events["sequence"].tolist(), lost, events.dtype) == ([0, 1, 2, 3], 0, EVENT)
    assert first.read()[0]["sequence"].tolist() == [4, 5]
    assert second.read()[0]["sequence"].tolist() == [0, 1, 2, 3, 4, 5]
    assert (len(second.read()[0]), second.behind, ring.capacity) == (0, 0, 8)


def test_a_lap_is_counted() -> None:
    ring = rust.Ring.create(None, 8)
    reader = ring.reader()
    ring.push(numbered(0, 100))
    events, lost = reader.read()
    assert (events["sequence"].tolist(), lost) == (list(range(92, 100)), 92)
    ring.push(numbered(100, 103))
    reader.skip_to_end()
    assert reader.behind == 0


def test_two_processes(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    ring = rust.Ring.create(path, 64)
    ring.push(numbered(0, 40))
    code = (
        "import sys, quantumtrader._core as c\n"
        "events, lost = c.Ring.open(sys.argv[1]).reader().read()\n"
        "assert lost == 0, lost\n"
        "sys.stdout.write(','.join(map(str, events['sequence'].tolist())))\n"
    )
    package = Path(rust.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(package)},
    )
    assert done.stdout == ",".join(map(str, range(40)))
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="capacity is 3, expected a power of two"):
        rust.Ring.create(None, 3)
    with pytest.raises(FileNotFoundError, match=r"opening ring .*missing"):
        rust.Ring.open(tmp_path / "missing")
    other = tmp_path / "other"
    other.write_bytes(bytes(8192))
    with pytest.raises(DataFormatError, match="its magic number is 0"):
        rust.Ring.open(other)
    path = tmp_path / "ring"
    owner = rust.Ring.create(path, 8)
    with pytest.raises(EngineError, match="has a producer already"):
        rust.Ring.create(path, 8)
    with pytest.raises(EngineError, match="opened to be read"):
        rust.Ring.open(path).push(numbered(0, 1))
    with pytest.raises(ValueError, match="64-byte records"):
        owner.push(np.zeros(3))
