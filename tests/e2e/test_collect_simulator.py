"""``collect`` on the simulator: what the session has to say reaches the user, the exit code and the sidecar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quantumtrader.cli import main as cli
from quantumtrader.data.lake import Lake
from quantumtrader.exceptions import SessionError
from quantumtrader.profitdll.simulator import library_path

try:
    library_path()
except SessionError as error:
    pytest.skip(str(error), allow_module_level=True)

runner = CliRunner()
MARKET = '[market]\nticker = "WDOU25"\nspeed = 2000.0\nseed = 5\n'


def collect(folder: Path, scenario: str, *options: str) -> tuple[int, list[dict[str, Any]]]:
    file = folder / "scenario.toml"
    file.write_text(scenario)
    fixed = ["collect", "--source", "simulator", "--scenario", str(file), "-s", "WDOU25", "--now", "--json"]
    folders = ["--journal", str(folder / "journal"), "--lake", str(folder / "lake")]
    result = runner.invoke(cli.app, [*fixed, *folders, *(options or ("--duration", "1.5s"))])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def sidecar(folder: Path, what: str) -> list[dict[str, Any]]:
    (path,) = (p for p in (folder / "journal").iterdir() if p.suffix == ".jsonl")
    return [line for line in map(json.loads, path.read_text().splitlines()) if line["what"] == what]


def test_an_invalid_ticker_is_told_and_fails(tmp_path: Path) -> None:
    trouble = '[[trouble]]\nkind = "invalid_ticker"\nticker = "WDOU25"\n'
    code, lines = collect(tmp_path, MARKET + trouble)
    assert code == 1
    told = [line for line in lines if line["what"] == "news" and line["kind"] == "invalid_ticker"]
    assert "does not know 'WDOU25'" in told[0]["text"]
    assert [line["text"] for line in sidecar(tmp_path, "news") if line["kind"] == "invalid_ticker"] == [
        told[0]["text"]
    ]
    last = [line for line in lines if line["what"] == "status"][-1]
    assert last["news"]["invalid_ticker"] == 1


def test_a_feed_of_which_nothing_comes_fails(tmp_path: Path) -> None:
    code, lines = collect(tmp_path, MARKET + '[[trouble]]\nkind = "silent"\n')
    assert code == 1
    (told,) = (line for line in lines if line["what"] == "news" and line["kind"] == "nothing")
    assert "nothing at all was recorded of WDOU25" in told["text"]


def test_what_goes_well_is_no_failure_and_is_filed_under_its_own_date(tmp_path: Path) -> None:
    code, lines = collect(tmp_path, MARKET)
    assert code == 0
    assert not [line for line in lines if line["what"] == "news" and line["kind"] != "connection"]
    (day,) = Lake(tmp_path / "lake").dates("WDOU25")
    assert str(day) == "2025-08-04"  # of the simulated market, not of the clock

    code, lines = collect(tmp_path, MARKET)
    assert code == 1
    (refused,) = (line for line in lines if line["what"] == "roll" and line["state"] == "refused")
    assert "starts over" in refused["notes"][0]
    assert Lake(tmp_path / "lake").dates("WDOU25") == [day]
    result = runner.invoke(cli.app, ["validate", str(tmp_path / "lake"), "-s", "WDOU25"])
    assert result.exit_code == 0, result.stdout
