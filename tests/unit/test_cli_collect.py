"""``collect``, and ``validate`` of what it made: outcomes, exit codes, the status line."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.data.offers import ArrayFeed, Market, merged
from typer.testing import CliRunner

from quantumtrader.app import collect as app
from quantumtrader.cli import main as cli
from quantumtrader.cli.collect import status_line
from quantumtrader.config import load_settings
from quantumtrader.data.journal import JournalReader
from quantumtrader.data.lake import Lake
from quantumtrader.data.recorder import CollectorStatus, Feed
from quantumtrader.data.schedule import Window
from quantumtrader.data.sidecar import sidecar_of
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import Flag

runner = CliRunner()


def collect(folder: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    result = runner.invoke(
        cli.app,
        [
            "collect",
            "--source",
            "generator",
            "--journal",
            str(folder / "journal"),
            "--lake",
            str(folder / "lake"),
            *options,
        ],
    )
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    return result.exit_code, lines


@pytest.fixture
def market_source(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a random market with every action in place of the generator; returns what was closed."""
    closed: list[str] = []

    def open_market(request: app.Request) -> tuple[Feed, Any]:
        parts = [Market(k, instrument=k).events(1_000) for k in range(len(request.instruments))]
        return ArrayFeed(merged(*parts)), lambda: closed.append("closed")

    monkeypatch.setitem(app.SOURCES, "generator", app.Source(open_market, synthetic=True))
    return closed


def test_record_roll_validate(tmp_path: Path, market_source: list[str]) -> None:
    code, lines = collect(tmp_path, "-s", "WDOU25", "-s", "WINV25", "--now", "--duration", "0.8s", "--json")
    assert code == 0
    assert market_source == ["closed"]
    status = [line for line in lines if line["what"] == "status"][-1]
    assert (status["state"], status["lost"], status["error"]) == ("stopped", 0, None)
    rolls = [line for line in lines if line["what"] == "roll"]
    assert [(r["symbol"], r["state"]) for r in rolls] == [("WDOU25", "rolled"), ("WINV25", "rolled")]
    assert sum(r["events"] for r in rolls) == status["recorded"]

    (path,) = (tmp_path / "journal").glob("*.qtj")
    for where in (path, tmp_path / "journal"):
        result = runner.invoke(cli.app, ["validate", str(where), "--json"])
        assert result.exit_code == 0, result.stdout
        report = json.loads(result.stdout)
        (journal,) = report["journals"]
        assert report["valid"] is True
        assert "[synthetic]" in journal["source"]
        assert [r["symbol"] for r in journal["replay"]] == ["WDOU25", "WINV25"]
        assert all(r["agreed"] == r["checkpoints"] > 0 for r in journal["replay"])
        assert all(r["comparisons_agreed"] == r["comparisons"] > 0 for r in journal["replay"])
    one = json.loads(runner.invoke(cli.app, ["validate", str(path), "-s", "WINV25", "--json"]).stdout)
    assert [r["symbol"] for r in one["journals"][0]["replay"]] == ["WINV25"]
    text = runner.invoke(cli.app, ["validate", str(path)])
    assert "checkpoints agree" in text.stdout
    assert "[synthetic]" in text.stdout

    lake = runner.invoke(cli.app, ["validate", str(tmp_path / "lake"), "-s", "WDOU25", "--json"])
    report = json.loads(lake.stdout)
    (replayed,) = report["replay"].values()
    assert replayed["valid"] is True
    assert replayed["agreed"] == replayed["checkpoints"] > 0
    assert not any(f["check"] == "sequence" for f in report["report"]["findings"])


def test_validate_finds_a_journal_that_is_not_what_was_seen(tmp_path: Path, market_source: list[str]) -> None:
    collect(tmp_path, "-s", "WDOU25", "--now", "--duration", "0.5s", "--no-roll")
    assert not (tmp_path / "lake").exists()
    (path,) = (tmp_path / "journal").glob("*.qtj")
    sidecar = sidecar_of(path)
    lines = [json.loads(line) for line in sidecar.read_text().splitlines()]
    for line in lines:
        if line["what"] == "checkpoint" and line["book"] == "order":
            line["digest"] = "0" * 32
    sidecar.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = runner.invoke(cli.app, ["validate", str(path)])
    assert result.exit_code == 3
    assert "not reproduced" in " ".join(result.stdout.split())

    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 0xFF
    path.write_bytes(raw)
    damaged = runner.invoke(cli.app, ["validate", str(path)])
    assert damaged.exit_code == 3
    assert "damaged at byte" in damaged.stderr
    before = runner.invoke(cli.app, ["validate", str(path), "--until-damage", "--json"])
    assert before.exit_code == 3
    assert any(f["check"] == "damage" for f in json.loads(before.stdout)["journals"][0]["sequence"])


def test_roll_only(tmp_path: Path, market_source: list[str]) -> None:
    assert collect(tmp_path, "--roll-only") == (0, [])
    collect(tmp_path, "-s", "WDOU25", "--now", "--duration", "0.3s", "--no-roll")
    code, (rolled,) = collect(tmp_path, "--roll-only")
    assert (code, rolled["state"]) == (0, "rolled")
    events = JournalReader(next((tmp_path / "journal").glob("*.qtj"))).read()
    assert Lake(tmp_path / "lake").read("WDOU25").tobytes() == events.tobytes()
    assert collect(tmp_path, "--roll-only")[1][0]["state"] == "unchanged"


def test_a_refused_journal_is_an_error(tmp_path: Path, market_source: list[str]) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "bad_001.qtj").write_bytes(b"QTJRNL")
    code, (refused,) = collect(tmp_path, "--roll-only")
    assert (code, refused["state"]) == (1, "refused")
    code, lines = collect(tmp_path, "-s", "WDOU25", "--now", "--duration", "0.2s")
    assert code == 1
    assert {line["state"] for line in lines if line["what"] == "roll"} == {"refused", "rolled"}


def test_a_recording_that_failed_is_an_error(
    tmp_path: Path, market_source: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from quantumtrader.data import journal

    def full(fd: int, parts: list[memoryview]) -> int:
        raise OSError(28, "No space left on device")

    real = journal.os.writev
    calls = iter(range(10**6))
    monkeypatch.setattr(
        journal.os, "writev", lambda fd, parts: (real if next(calls) < 1 else full)(fd, parts)
    )
    code, lines = collect(tmp_path, "-s", "WDOU25", "--now", "--duration", "0.5s", "--no-roll")
    last = lines[-1]
    assert (code, last["state"]) == (1, "failed")
    assert "The disk is full" in last["error"]
    assert last["unrecorded"] > 0


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-s", "WDOU25", "--duration", "soon"],
        ["-s", "WDOU25", "--duration", "0s"],
        ["-s", "WDOU25", "--source", "nonsense"],
        ["-s", "WDOU25", "--keep-days", "-1"],
        ["-s", "WDOU25", "-s", "wdou25"],
        ["-s", "WDOU25", "--scenario", "day.toml"],
        ["-s", "WDOU25", "--speed", "0"],
    ],
)
def test_wrong_usage(tmp_path: Path, options: list[str]) -> None:
    assert collect(tmp_path, *options)[0] == 2


def test_a_speed_that_is_no_number_is_called_so(tmp_path: Path) -> None:
    result = runner.invoke(cli.app, ["collect", "-s", "WDOU25", "--source", "generator", "--speed", "nan"])
    assert result.exit_code == 2
    assert "nan is not a finite number" in result.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.dll", "there is no such file"),
        ("folder", "in this folder"),
        ("text.dll", "not a library"),
    ],
)
def test_a_wrong_library_is_judged_before_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    for secret in ("USERNAME", "ACTIVATION_KEY", "PASSWORD"):
        monkeypatch.delenv(f"QT_PROFIT__{secret}", raising=False)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.dll").write_text("nothing that could be loaded")
    result = runner.invoke(cli.app, ["collect", "-s", "WDOU25", "--now", "--dll", str(tmp_path / name)])
    assert result.exit_code == 1
    assert words in result.stderr
    assert "username" not in result.stderr


def test_a_ticker_of_which_nothing_comes_fails(
    tmp_path: Path, market_source: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_of_two(request: app.Request) -> tuple[Feed, Any]:
        return ArrayFeed(merged(Market(0, instrument=0).events(500))), lambda: None

    monkeypatch.setitem(app.SOURCES, "generator", app.Source(one_of_two, synthetic=True))
    code, lines = collect(
        tmp_path, "-s", "WDOU25", "-s", "WINV25", "--now", "--duration", "0.5s", "--no-roll"
    )
    assert code == 1
    (told,) = (line for line in lines if line["what"] == "news")
    assert (told["kind"], "WINV25" in told["text"], "WDOU25" in told["text"]) == ("nothing", True, False)


def test_an_unknown_symbol_is_refused(tmp_path: Path) -> None:
    assert collect(tmp_path, "-s", "NONSENSE", "--now")[0] == 1


def test_it_waits_for_the_session(
    tmp_path: Path, market_source: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window is that of the calendar; here it opens in 0.2 s and closes 0.5 s later."""
    clock = app.LiveClock()
    start = clock.now_ns() + 200_000_000
    window = Window(np.datetime64("2025-08-14").astype(object), start, start + 500_000_000)
    monkeypatch.setattr(app, "next_window", lambda *_: window)
    waited: list[Window] = []
    seen: list[CollectorStatus] = []
    settings = load_settings(data={"journal": tmp_path / "journal", "lake": tmp_path / "lake"})
    result = app.run_collect(
        app.CollectConfig(["WDOU25"], settings, until_close=True, rolls=False),
        threading.Event(),
        on_wait=waited.append,
        on_status=seen.append,
        period_s=0.1,
    )
    assert waited == [window]
    assert seen[0].since_ns >= start
    assert start + 500_000_000 <= result.recordings[0].now_ns < start + 3_000_000_000
    assert not result.failed


def test_a_market_without_hours_needs_to_be_told_when(tmp_path: Path) -> None:
    settings = load_settings(
        data={"journal": tmp_path / "journal", "lake": tmp_path / "lake"},
        instruments={"BTC": {"tick_size": 1.0, "point_value": 1.0, "currency": "USD"}},
    )
    with pytest.raises(ConfigError, match=r"no trading hours are known.*use --now"):
        app.run_collect(app.CollectConfig(["BTC"], settings), threading.Event())


def test_the_generator_goes_by_as_if_live() -> None:
    settings = load_settings()
    from quantumtrader.data.contracts import instrument

    clock = app.LiveClock()
    before = clock.now_ns()
    request = app.Request(
        (instrument("WDOU25"), instrument("WINV25")), settings, before + 10**9, {"speed": 2_000.0}
    )
    feed, close = app.SOURCES["generator"].open(request)
    parts = []
    while sum(map(len, parts)) < 2_000:
        events = feed.read(500)
        assert len(events) <= 500
        parts.append(events)
    close()
    events = np.concatenate(parts)
    assert (np.diff(events["sequence"]) == 1).all()
    assert ((events["flags"] & int(Flag.SYNTHETIC)) != 0).all()
    assert set(events["instrument"].tolist()) == {0, 1}
    assert (events["ts_event"] <= events["ts_recv"]).all()
    assert before <= events["ts_recv"][0] <= events["ts_recv"][-1] <= clock.now_ns()


def test_status_line() -> None:
    status = CollectorStatus(
        state="recording",
        now_ns=0,
        since_ns=0,
        journal=None,
        events={"trade": 10},
        rates={"trade": 12.0, "quote": 0.1},
        recorded=1_234,
        lag_ms=3.4,
        ages_s={"WDOU25": 0.25, "WINV25": math.nan},
        lost=0,
        gaps=2,
        unrecorded=0,
        foreign=0,
        queued=0,
        journal_bytes=3 * 2**20,
        disk_free_bytes=5 * 2**30,
        checkpoints=0,
        messages=0,
        synthetic=True,
        news={"connection": 2},
    )
    line = status_line(status)
    assert line == (
        "[green]recording[/] · [magenta]synthetic[/] · 1,234 events · trade 12/s · lag 3 ms · lost 0, gaps 2 · "
        "WDOU25 0.2 s ago WINV25 no event yet · journal 3.0 MiB · 5.0 GiB free"
    )
    bad = status_line(
        replace(
            status,
            state="failed",
            lost=7,
            unrecorded=8,
            error="[disk] full",
            disk_free_bytes=1,
            news={"silence": 3},
        )
    )
    for part in (
        "[bold red]NOT RECORDING[/]",
        "[red]lost 7[/]",
        "[red]unrecorded 8[/]",
        "[yellow]silence 3[/]",
        r"\[disk] full",
        "[red]0.0 GiB",
    ):
        assert part in bad
