"""A client that dies at any journal write or order request, through the vendor's interface, and is started again.

The client is the whole path: session, native feed, order gateway, manager, desk. What survives is its order journal and the
broker's side. ``QT_EXHAUSTIVE=1`` dies at every point instead of some.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exhaustive import sample
from quantumtrader import _backend
from quantumtrader.exceptions import SessionError
from quantumtrader.execution.order_journal import read_journal
from quantumtrader.profitdll.simulator import library_path

try:
    library_path()
except SessionError as error:
    pytest.skip(str(error), allow_module_level=True)

CLIENT = Path(__file__).parent.parent / "dll_client.py"
POINTS = 103
STEP = sample(17, 1)
KILLED = 9


def run(folder: Path, die_at: int) -> tuple[int, dict[str, Any]]:
    path = os.pathsep.join(str(p) for p in (CLIENT.parents[1] / "python", CLIENT.parent))
    done = subprocess.run(
        [sys.executable, str(CLIENT), str(folder), str(die_at)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "QUANTUMTRADER_ENGINE": _backend.engine().name},
    )
    assert done.returncode in (0, KILLED), done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def nothing_is_wrong(result: dict[str, Any]) -> None:
    assert result["ready"], result
    assert result["idle"], result
    assert result["ledger"] == result["vendor"] == 0, "a position that one side does not know"
    assert result["open"] == [], "an order outlives its trade"
    assert result["traded"] == result["filled"], "a fill was lost or doubled"
    assert result["gross_ticks"] == result["vendor_ticks"], "the ledger's money is not the exchange's"
    assert result["entries"] <= result["trades"], "an entry was sent twice"


def test_without_a_death_two_trades_are_made(tmp_path: Path) -> None:
    code, result = run(tmp_path, 0)
    assert code == 0
    nothing_is_wrong(result)
    assert (result["points"], result["trades"], result["entries"]) == (POINTS, 2, 2)
    assert result["traded"] == 12
    assert result["ours"] == result["orders"] == 6


@pytest.mark.parametrize("die_at", range(3, POINTS, STEP))
def test_death_at_a_point(tmp_path: Path, die_at: int) -> None:
    code, _ = run(tmp_path, die_at)
    assert code == KILLED
    read_journal(tmp_path / "orders.journal")
    code, result = run(tmp_path, 0)
    assert code == 0
    nothing_is_wrong(result)


def test_three_deaths_in_a_row(tmp_path: Path) -> None:
    for die_at in (41, 7, 19):
        code, _ = run(tmp_path, die_at)
        assert code == KILLED
    code, result = run(tmp_path, 0)
    assert code == 0
    nothing_is_wrong(result)
