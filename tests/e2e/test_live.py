"""Live trading through the library's ABI: the command, the simulator, and what it leaves behind.

The vendor allows one session per process, so every run is a process of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from e2e.live_desk import LOCKSTEP, SETTINGS, Desk
from quantumtrader import _backend
from quantumtrader.app.live import relive
from quantumtrader.app.live.runner import EVENTS
from quantumtrader.data.journal import JournalReader
from quantumtrader.exceptions import SessionError
from quantumtrader.execution.order_journal import read_journal
from quantumtrader.profitdll.simulator import library_path
from quantumtrader.training.labels.latency import ORDER_LATENCIES, read_latencies
from quantumtrader.types import Flag

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


SHORT, SHORT_SETTINGS = LOCKSTEP.replace("900", "360"), SETTINGS.replace("09:14", "09:05")
"""Of a session that is over after six minutes."""


@pytest.fixture(autouse=True)
def _in_the_desk(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strategies are named relative to where the session ran."""
    desk = request.getfixturevalue("paper") if "paper" in request.fixturenames else None
    monkeypatch.chdir(tmp_path if desk is None else desk.folder)


@pytest.fixture(scope="module", autouse=True)
def _simulator() -> None:
    try:
        library_path()
    except SessionError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A finished paper session in lockstep."""
    desk = Desk(tmp_path_factory.mktemp("paper"))
    document = desk.run()
    assert document["synthetic"] is True
    assert document["trades"] > 5
    assert (document["clean"], document["halted"]) == (True, "")
    return desk


needs_rust = pytest.mark.skipif(
    _backend.engine().name != "rust",
    reason="real orders on the Python engine are refused unless a setting allows them",
)


def test_a_paper_session_is_lived_again_to_the_bit(paper: Desk) -> None:
    relived = relive(paper.sessions[0])
    assert relived.identical, relived.differences
    assert relived.samples > 1_000
    assert relived.synthetic


def test_features_are_those_of_the_recording(paper: Desk) -> None:
    folder = paper.sessions[0]
    live = pq.read_table(folder / "features.parquet")
    names = [name for name in live.column_names if name != "ts"]
    source = str(folder / EVENTS)
    options = [
        "-s",
        "WDOU25",
        "-f",
        ",".join(names),
        "--clock",
        "100ms",
        "-o",
        "again.parquet",
        "--config",
        "settings.toml",
    ]
    paper.command("features", "compute", "-i", source, *options)
    again = pq.read_table(paper.folder / "again.parquet")
    count = len(live)
    assert count <= len(again)
    for name in live.column_names:
        now, then = live[name].to_numpy(), again[name].to_numpy()[:count]
        assert np.array_equal(now.view(np.int64), then.view(np.int64)), name


def test_trades_are_those_of_replay(paper: Desk) -> None:
    """With one difference: an exit by time first takes stop and target out, because B3 knows no reduce-only orders, and so
    comes a round trip later than in replay."""
    folder = paper.sessions[0]
    paper.command(
        *("replay", "--config", "settings.toml", "-i", str(folder / EVENTS), "-s", "WDOU25"),
        *("-o", "replayed", "--fee", "1.2", "--strategy", "clockwork.py:Clockwork"),
    )
    live = pq.read_table(folder / "trades.parquet").to_pylist()
    replayed = pq.read_table(paper.folder / "replayed" / "trades.parquet").to_pylist()
    reasons = set()
    for ours, theirs in zip(live, replayed, strict=True):
        reasons.add(ours["exit_reason"])
        for name in ("side", "size", "entry_ts", "entry_price", "entry_reason", "exit_reason"):
            assert ours[name] == theirs[name], name
        if ours["exit_reason"] in ("stop", "target"):
            for name in ("exit_ts", "exit_price", "net"):
                assert ours[name] == theirs[name], name
        else:
            assert abs((ours["exit_ts"] - theirs["exit_ts"]).total_seconds()) < 2.0
    assert reasons >= {"stop", "target", "time_stop"}


@needs_rust
def test_a_real_session_on_the_simulator_is_lived_again_from_its_tape(tmp_path: Path) -> None:
    desk = Desk(tmp_path, SHORT, SHORT_SETTINGS)
    document = desk.run(real=True)
    assert (document["mode"], document["synthetic"]) == ("real", True)
    assert document["trades"] > 3
    # What its orders took is a sample that labels can be drawn from.
    assert (
        document["order_latencies"]
        == len((desk.sessions[0] / ORDER_LATENCIES).read_text().splitlines()) - 1
        > 3
    )
    assert len(read_latencies(desk.sessions[0])) == document["order_latencies"]
    relived = relive(desk.sessions[0])
    assert relived.identical, relived.differences
    assert relived.calls > 100
    journal = next((tmp_path / "data" / "live").glob("*.orders"))
    assert any(r["kind"] == "sent" for r in read_journal(journal)[0])
    # A second session goes on in the same journal.
    desk.run(real=True)
    for folder in desk.sessions:
        assert relive(folder).identical


def _wait(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError(process.communicate())
        if ready():
            return
        time.sleep(0.02)
    process.kill()
    raise AssertionError(f"nothing happened in a minute: {process.communicate()}")


def _orders(desk: Desk) -> list[dict[str, Any]]:
    found = [
        *(desk.folder / "data" / "live").glob("*.orders"),
        *(desk.folder / "data" / "live").glob("*/orders.journal"),
    ]
    return read_journal(found[0])[0] if found else []


PACED = LOCKSTEP.replace("[market]", "[market]\nspeed = 30.0")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_signals_end_a_session_cleanly(number: signal.Signals, code: int, tmp_path: Path) -> None:
    desk = Desk(tmp_path, PACED)
    process = desk.start()
    _wait(process, lambda: any(r["kind"] == "snapshot" for r in _orders(desk)))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    document = json.loads(out)
    assert (document["ended"], document["clean"], document["position"]) == ("stopped", True, 0)
    relived = relive(desk.sessions[0])
    assert relived.identical, relived.differences


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@needs_rust
def test_a_killed_session_is_resumed_and_says_what_it_found(tmp_path: Path) -> None:
    desk = Desk(tmp_path, PACED)
    process = desk.start(real=True)
    _wait(process, lambda: sum(r["kind"] == "snapshot" for r in _orders(desk)) > 3)
    process.kill()
    process.communicate()
    first = relive(desk.sessions[0])
    assert first.identical, first.differences
    assert not first.ended
    document = desk.run("--duration", "1s", real=True)
    assert any("resumed from the order journal" in note for note in document["notes"])
    assert document["position"] == 0
    kinds = [r["kind"] for r in _orders(desk)]
    assert kinds.count("session") == 2
    assert relive(desk.sessions[1]).identical


def test_a_disconnection_halts_with_exit_code_4(tmp_path: Path) -> None:
    scenario = PACED + '\n[[trouble]]\nkind = "disconnect"\nevent = 1500\nseconds = 600\n'
    settings = SETTINGS.replace("[live]", "[live]\ndisconnect_halt_s = 0.5")
    desk = Desk(tmp_path, scenario, settings)
    document = desk.run(code=4)
    assert "disconnected" in document["halted"]
    assert relive(desk.sessions[0]).identical


def test_real_orders_name_everything_that_is_missing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    document = desk.run("--real", code=1)
    assert "an account" in document["error"]["message"]
    assert "a limits file" in document["error"]["message"]


def test_history_of_the_day_before_warms_the_features(tmp_path: Path) -> None:
    desk = Desk(tmp_path, SHORT, SHORT_SETTINGS.replace("[live]", "[live]\nhistorical_days = 1"))
    desk.run()
    folder = desk.sessions[0]
    past = JournalReader(folder / "warmup.qtj").read()
    live = JournalReader(folder / EVENTS).read()
    assert len(past) > 100
    assert past["ts_event"].max() < live["ts_event"].min()
    assert (past["flags"] & int(Flag.SYNTHETIC)).all()
    assert relive(folder).identical


def test_the_python_engine_trades_on_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTUMTRADER_ENGINE", "python")
    desk = Desk(tmp_path, LOCKSTEP.replace("max_events = 40000", "max_events = 4000"))
    document = desk.run()
    assert document["engine"] == "python"
    assert document["events"] > 3_000
    assert desk.run("--verify", str(desk.sessions[0].resolve()))["identical"] is True


def test_verify_tells_by_its_exit_code(paper: Desk, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(paper.sessions[0], folder)
    desk = Desk(tmp_path)
    assert desk.run("--verify", str(folder))["identical"] is True
    words = folder / "words.jsonl"
    words.write_text(words.read_text("utf-8").replace("waiting", "musing"), "utf-8")
    assert desk.run("--verify", str(folder), code=3)["identical"] is False
