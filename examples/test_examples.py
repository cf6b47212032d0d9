"""Every example runs as a user would run it, and says what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LAST_WORDS = {
    "microprice_forecast.py": "both halves looked at",
    "features_of_a_session.py": "flow_ofi_1m is warm",
    "own_strategy.py": "refused by risk, net R$",
    "read_the_lake.py": "read back: the same records, bit for bit",
    "slice_an_order.py": "every part adds up to its total, to the centavo",
}


def test_the_table_is_complete() -> None:
    assert {path.name for path in HERE.glob("*.py")} - {Path(__file__).name} == set(LAST_WORDS)


@pytest.mark.parametrize("name", LAST_WORDS)
def test_example(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "python")}
    run = subprocess.run(
        [sys.executable, str(HERE / name)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert LAST_WORDS[name] in run.stdout.splitlines()[-1]
