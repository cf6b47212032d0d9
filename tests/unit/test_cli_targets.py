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


def test_a_training_on_two_sources_writes_into_neither(bars: Path, lake: Path, tmp_path: Path) -> None:
    line = ("train", "dual", "-s", WDO, "--ticks", bars, "--book", lake, "-o")
    assert "lies inside" in refused(*line, lake / "new")
    assert "is what --ticks reads" in refused(*line, bars)
    gone = ("train", "dual", "-s", WDO, "--ticks", tmp_path / "none.csv", "-o", bars / "sub")
    assert "bars.csv is a file, not a folder" in refused(*gone, code=1)  # before a source is looked for


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


def test_a_folder_with_other_things_is_replayed_into_only_when_asked(bars: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    out.mkdir()
    (out / "trades.parquet").write_text("mine")
    (out / "notes.txt").write_text("mine")
    line = ("replay", "-i", bars, "-s", WDO, "-o", out)
    text = refused(*line, code=1)
    assert "holds trades.parquet. Choose a new folder with --out" in text
    assert "--overwrite" in text
    assert {p.name for p in out.iterdir()} == {"trades.parquet", "notes.txt"}
    (out / "trades.parquet").unlink()
    assert "holds notes.txt" in refused(*line, code=1)
    for _ in range(2):
        assert run(*line, "--overwrite").exit_code == 0
    assert (out / "notes.txt").read_text() == "mine"
    assert "holds features.parquet, decisions.parquet" in refused(*line, code=1)


def test_a_replay_does_not_replace_its_own_source(bars: Path, tmp_path: Path) -> None:
    source = tmp_path / "trades.parquet"
    source.write_bytes(bars.read_bytes())
    for more in ((), ("--overwrite",)):
        assert "is what" in refused("replay", "-i", source, "-s", WDO, "-o", tmp_path, *more)
    source = tmp_path / "forms.json"
    source.write_bytes(bars.read_bytes())
    assert "is what" in refused("evaluate", "forms", "-i", source, "-s", WDO, "-o", tmp_path)


def test_a_picture_is_replaced_only_when_asked(lake: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file, picture = tmp_path / "f.parquet", tmp_path / "f.png"
    assert run("features", "compute", "-i", lake, "-s", WDO, "-f", "cvd_session", "-o", file).exit_code == 0
    picture.write_text("mine")
    assert "is there already. Replace it with --overwrite" in refused(
        "features", "plot", file, "-o", picture, code=1
    )
    assert picture.read_text() == "mine"
    assert run("features", "plot", file, "-o", picture, "--overwrite").exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    fit = ("fit", "microprice", "-i", lake, "-s", WDO, "-o", tmp_path / "m.json", "--plot", picture)
    assert "or choose another --plot" in refused(*fit, code=1)


@pytest.mark.parametrize("command", [c for c in READERS if c[0] != "train"], ids=lambda c: " ".join(c[:2]))
def test_a_place_that_cannot_be_written_is_told_before_reading(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "afile").write_text("")
    (tmp_path / "loose").symlink_to(tmp_path / "nowhere")
    for name, words in (("afile", "afile is a file, not a folder"), ("loose", "leads nowhere")):
        out = tmp_path / name / "sub" / "x.parquet"
        # The source does not exist either: whoever reads it first says that.
        text = refused(*command, "-i", tmp_path / "none.csv", "-s", WDO, "-o", out, code=1)
        assert words in text


def test_a_folder_without_permission_is_told_before_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)  # root may write everywhere
    line = ("fit", "vpin", "-i", tmp_path / "none.csv", "-s", WDO, "-o", tmp_path / "sub" / "x.json")
    assert f"the folder {tmp_path} may not be written to" in refused(*line, code=1)
