"""``quantumtrader fit``: what it writes and says, and the way from there to a file of features."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from quantumtrader import EVENT, Kind, core
from quantumtrader.cli import main as cli
from quantumtrader.data.contracts import instrument
from quantumtrader.data.lake import Lake
from quantumtrader.features import load_fitted, read_features

runner = CliRunner()
WDO = "WDOU25"


def run(*arguments: object, code: int = 0) -> Any:
    result = runner.invoke(cli.app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if "--json" in arguments else result


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions, the second a day after the first."""
    root = tmp_path_factory.mktemp("lake")
    first = core().generate_session(seed=6, max_events=20_000)
    later = core().generate_session(seed=7, max_events=5_000)
    shift = 86_400 * 10**9
    for name in ("ts_event", "ts_recv"):
        later[name] += shift
    with Lake(root).writer(instrument(WDO), source="test") as writer:
        for events in (first, later):
            writer.add(events)
    return root


def days(lake: Path) -> tuple[Any, Any]:
    first, second = Lake(lake).dates(WDO)
    return first, second


def test_a_table_of_the_first_day_is_used_on_the_second(lake: Path, tmp_path: Path) -> None:
    first, second = days(lake)
    fit, out = tmp_path / "fits" / "m.json", tmp_path / "f.parquet"
    done = run("fit", "microprice", "-i", lake, "-s", WDO, "--end", first, "-o", fit, "--json")
    assert (done["kind"], done["symbol"], done["synthetic"], done["sessions"]) == ("microprice", WDO, True, 1)
    assert done["values"]["usable_from_ns"] == done["to_ns"]
    assert any("synthetic" in note for note in done["notes"])
    assert load_fitted(fit, instrument(WDO)).microprice is not None
    compute = (
        "features",
        "compute",
        "-i",
        lake,
        "-s",
        WDO,
        "-f",
        "microprice_dev",
        "--clock",
        "1s",
        "-o",
        out,
    )
    run(*compute, "--fitted", fit)
    frame = read_features(out)
    early = frame.times <= done["to_ns"]
    assert early.any()
    assert np.isnan(frame["microprice_dev"][early]).all()
    assert np.isfinite(frame["microprice_dev"][~early]).any()
    check = ("features", "check", out, "-i", lake)
    assert run(*check, "--fitted", fit, "--json")["recomputed"]["equal"]
    refused = run(*check, "--json", code=3)
    assert any("fitted_microprice is not given" in text for text in refused["recomputed"]["manifest"])
    assert "--input" in run("features", "check", out, "--fitted", fit, code=2).stderr
    run("fit", "vpin", "-i", lake, "-s", WDO, "--start", second, "-o", tmp_path / "v.json")
    run(*compute, "--overwrite", "--fitted", fit, "--fitted", tmp_path / "v.json")
    assert (
        "a second microprice fit"
        in run(*compute, "--overwrite", "--fitted", fit, "--fitted", fit, code=1).stderr
    )


def test_people_are_told_as_well(lake: Path, tmp_path: Path) -> None:
    arguments = ("fit", "microprice", "-i", lake, "-s", WDO, "-o", tmp_path / "m.json")
    result = run(*arguments)
    for words in ("spectral radius", "sessions that start at or after", "0.9 to 1.0", "m.json"):
        assert words in result.stdout
    assert "the fit says nothing about a market" in result.stderr
    assert "is there already. Replace it with --overwrite" in run(*arguments, code=1).stderr
    run(*arguments, "--overwrite")
    vpin = run("fit", "vpin", "-i", lake, "-s", WDO, "-o", tmp_path / "v.json")
    assert "bucket" in vpin.stdout
    assert "sessions that start at or after" in vpin.stdout


def test_a_picture(lake: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib comes with the extra `plot`")
    arguments = ("fit", "microprice", "-i", lake, "-s", WDO, "-o", tmp_path / "m.json")
    bad = run(*arguments, "--plot", tmp_path / "m.gif", code=2)
    assert "m.gif" in bad.stderr
    assert not (tmp_path / "m.json").exists()  # refused before the work began
    run(*arguments, "--plot", tmp_path / "m.png")
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def bars(tmp_path: Path) -> Path:
    rows = "".join(f"2025-08-14 09:{i:02},5400,5401,5399,5400.5,7\n" for i in range(30))
    source = tmp_path / "export.csv"
    source.write_text(f"timestamp,open,high,low,close,volume\n{rows}", "utf-8")
    return source


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("microprice", "no two touches with known sizes"),
        ("pin", "no window of 60 blocks of five minutes"),
        ("vpin", "no session has a trade"),
    ],
)
def test_data_that_says_nothing_is_invalid(kind: str, message: str, tmp_path: Path) -> None:
    if kind == "pin":
        pytest.importorskip("scipy", reason="scipy comes with the extra `fit`")
    out = tmp_path / "fit.json"
    assert message in run("fit", kind, "-i", bars(tmp_path), "-s", WDO, "-o", out, code=3).stderr
    assert not out.exists()


def test_without_scipy_pin_says_which_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    result = run("fit", "pin", "-i", bars(tmp_path), "-s", WDO, "-o", tmp_path / "p.json", code=1)
    assert "fitting PIN needs scipy: pip install 'quantumtrader[fit]'" in result.stderr


def test_pin_of_a_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    pytest.importorskip("scipy.optimize", reason="scipy comes with the extra `fit`")
    rng = np.random.default_rng(0)
    events = np.zeros(61 * 40, EVENT)
    opened = 1_755_172_800_000_000_000  # 2025-08-14 09:00 in São Paulo
    events["kind"], events["px"], events["size"] = Kind.TRADE, 10_800, 1
    events["side"] = rng.choice([-1, 1], len(events))
    events["ts_event"] = events["ts_recv"] = opened + np.arange(len(events)) * (300 * 10**9 // 40)
    events["sequence"] = np.arange(len(events))
    root = tmp_path / "lake"
    with Lake(root).writer(instrument(WDO), source="test") as writer:
        writer.add(events)
    done = run("fit", "pin", "-i", root, "-s", WDO, "-o", tmp_path / "p.json", "--json")
    assert [t for t, _ in done["values"]["pin"]] == [opened + 60 * 300 * 10**9]
    assert done["synthetic"] is False
    assert 0 <= done["values"]["pin"][0][1] < 0.3
    text = run("fit", "pin", "-i", root, "-s", WDO, "-o", tmp_path / "q.json").stdout
    assert "pin" in text


def test_pin_once_for_each_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    pytest.importorskip("scipy.optimize", reason="scipy comes with the extra `fit`")
    rng = np.random.default_rng(0)
    opened, per, n = 1_755_172_800_000_000_000, 8, 63  # 2025-08-14 09:00 in São Paulo
    root = tmp_path / "lake"
    with Lake(root).writer(instrument(WDO), source="test") as writer:
        for day in range(2):
            events = np.zeros(n * per, EVENT)
            events["kind"], events["px"], events["size"] = Kind.TRADE, 10_800, 1
            events["side"] = rng.choice([-1, 1], len(events))
            begin = opened + day * 86_400 * 10**9
            events["ts_event"] = events["ts_recv"] = begin + np.arange(len(events)) * (300 * 10**9 // per)
            events["sequence"] = day * len(events) + np.arange(len(events))
            writer.add(events)
    asked = ("fit", "pin", "-i", root, "-s", WDO, "--json")
    blocks = run(*asked, "-o", tmp_path / "b.json", "--end", "2025-08-14")["values"]["pin"]
    sessions = run(*asked, "-o", tmp_path / "s.json", "--every", "session")
    last = [opened + day * 86_400 * 10**9 + (n - 1) * 300 * 10**9 for day in range(2)]
    assert [t for t, _ in sessions["values"]["pin"]] == last
    assert blocks[-1] == sessions["values"]["pin"][0]
    assert len(blocks) == 3
    assert sessions["details"]["every"] == "session"
    assert (
        "--every"
        in run(
            "fit", "pin", "-i", root, "-s", WDO, "-o", tmp_path / "x.json", "--every", "day", code=2
        ).stderr
    )


def test_a_fit_that_no_column_reads_is_told(lake: Path, tmp_path: Path) -> None:
    fit, out = tmp_path / "v.json", tmp_path / "f.parquet"
    first, _ = days(lake)
    done = run("fit", "vpin", "-i", lake, "-s", WDO, "--end", first, "-o", fit, "--json")
    # Twenty thousand events of a day of nine and a half hours, and one session alone.
    assert any("1 of 1 sessions cover less than 80% of the trading hours" in note for note in done["notes"])
    assert any("the mean is of 1 session;" in note for note in done["notes"])
    compute = (
        "features",
        "compute",
        "-i",
        lake,
        "-s",
        WDO,
        "--clock",
        "1s",
        "-o",
        out,
        "--fitted",
        fit,
        "--json",
    )
    note = "The vpin fit is not used: no column is vpin_50 or vpin_bvc_50."
    assert note in run(*compute, "-f", "cvd_session")["notes"]
    checked = run("features", "check", out, "-i", lake, "--fitted", fit, "--json")
    assert any(f["message"] == note for f in checked["findings"])
    assert note not in run(*compute, "-f", "vpin_50", "--overwrite")["notes"]


def test_a_wrong_picture_is_wrong_usage(lake: Path, tmp_path: Path) -> None:
    fit = ("fit", "microprice", "-i", lake, "-s", WDO, "-o", tmp_path / "m.json")
    assert "m.gif" in run(*fit, "--plot", tmp_path / "m.gif", code=2).stderr
    assert "is a folder" in run("fit", "vpin", "-i", lake, "-s", WDO, "-o", tmp_path, code=1).stderr
