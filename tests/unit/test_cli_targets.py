"""What a command writes: never over what it reads, never over other things unasked, and checked before the work."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from quantumtrader import core
from quantumtrader.cli.main import app
from quantumtrader.data.contracts import instrument
from quantumtrader.data.lake import Lake

WDO = "WDOU25"
ROWS = [f"2025-08-14 09:{m:02d},5400,5401,5399.5,5400.5,10\n" for m in range(30)]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refused(*arguments: object, code: int = 2) -> str:
    """The words of a command that must not work."""
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return str(json.loads(result.stdout)["error"]["message"])


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    path = tmp_path / "bars.csv"
    path.write_text("timestamp,open,high,low,close,volume\n" + "".join(ROWS))
    return path


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    with Lake(root).writer(instrument(WDO), source="test") as writer:
        writer.add(core().generate_session(seed=6, max_events=2_000))
    return root


READERS = [
    ("features", "compute", "-f", "cvd_session", "--overwrite"),
    ("fit", "microprice", "--overwrite"),
    ("fit", "pin", "--overwrite"),
    ("fit", "vpin", "--overwrite"),
    ("label", "--overwrite"),
    ("replay",),
    ("evaluate", "detectors"),
    ("evaluate", "forms"),
    ("train", "tick"),
    ("train", "book"),
]


@pytest.mark.parametrize("command", READERS, ids=lambda command: " ".join(command[:2]))
def test_a_source_is_never_written_over(command: tuple[str, ...], bars: Path, tmp_path: Path) -> None:
    link, hard = tmp_path / "link.csv", tmp_path / "hard.csv"
    link.symlink_to(bars)
    (tmp_path / "sub").mkdir()
    os.link(bars, hard)
    before = bars.read_bytes()
    for out in (bars, tmp_path / "sub" / ".." / "bars.csv", link, hard):
        assert "is what" in refused(*command, "-i", bars, "-s", WDO, "-o", out)
    assert bars.read_bytes() == before


@pytest.mark.parametrize("command", READERS, ids=lambda command: " ".join(command[:2]))
def test_nothing_is_written_into_a_folder_that_is_read(
    command: tuple[str, ...], lake: Path, tmp_path: Path
) -> None:
    part = next(lake.rglob("*.parquet"))
    hard = tmp_path / "hard.parquet"
    os.link(part, hard)
    (tmp_path / "door").symlink_to(lake)
    before = {p: p.stat().st_mtime_ns for p in lake.rglob("*")}
    for out in (part, lake / "new" / "f.parquet", tmp_path / "door" / "f.parquet", hard):
        assert "lies inside" in refused(*command, "-i", lake, "-s", WDO, "-o", out)
    assert {p: p.stat().st_mtime_ns for p in lake.rglob("*")} == before


def test_other_outputs_and_sources(bars: Path, tmp_path: Path) -> None:
    common = ("-i", bars, "-s", WDO)
    picture = tmp_path / "bars.png"
    os.link(bars, picture)
    assert "--plot" in refused("fit", "microprice", *common, "-o", tmp_path / "m.json", "--plot", picture)
    settings = tmp_path / "own.toml"
    settings.write_text("")
    assert "--config" in refused("fit", "vpin", *common, "-o", settings, "--config", settings, "--overwrite")
    assert "is what" in refused(
        "fit", "vpin", "-i", tmp_path / "ba", "-s", WDO, "-o", bars, "--overwrite"
    )  # a prefix
    assert "FILE" in refused("features", "plot", picture, "-o", picture)


def test_a_lake_may_lie_beside_its_source(bars: Path, tmp_path: Path) -> None:
    result = run("import", tmp_path, "-s", WDO, "-o", tmp_path / "lake")
    assert result.exit_code == 0, result.output
