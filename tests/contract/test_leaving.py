"""A process that ends without DLLFinalize ends quietly, whatever callbacks are on their way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from quantumtrader.exceptions import SessionError
from quantumtrader.profitdll.simulator import library_path

try:
    library_path()
except SessionError as error:
    pytest.skip(str(error), allow_module_level=True)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("who", ["bare", "session"])
def test_leaving_without_finalising_is_no_crash(who: str) -> None:
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("leaving_client.py")), who],
            capture_output=True,
            text=True,
            timeout=60,
            env={"PYTHONPATH": str(ROOT / "python"), "PATH": ""},
            check=False,
        )
        assert (done.returncode, done.stdout.strip()) == (0, "left"), done.stderr
        assert done.stderr == ""
