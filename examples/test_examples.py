"""Every example runs as a user would run it, and says what it promises."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quantumtrader.exceptions import SessionError
from quantumtrader.profitdll.simulator import library_path

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


def test_profitdll_client_in_python(tmp_path: Path) -> None:
    run = _run([sys.executable, str(HERE / "profitdll" / "client.py"), _simulator(4)], tmp_path)
    assert "synthetic trades, from" in run


@pytest.mark.skipif(
    shutil.which("cc") is None or sys.platform == "win32", reason="needs a C compiler on the path"
)
def test_profitdll_client_in_c(tmp_path: Path) -> None:
    program = tmp_path / "client"
    source = HERE / "profitdll" / "client.c"
    _run(["cc", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source), "-ldl"], tmp_path)
    lines = _run([str(program), _simulator(2)], tmp_path).splitlines()
    assert lines[0].startswith("first trade: WDO")
    assert int(lines[1].split()[0]) > 0


def _simulator(char_width: int) -> str:
    try:
        return str(library_path(char_width))
    except SessionError as error:
        pytest.skip(str(error))


def _run(command: list[str], folder: Path) -> str:
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout
