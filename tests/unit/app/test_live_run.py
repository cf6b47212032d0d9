"""Whole sessions in this process: supervision, stop, recording, and living them again."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from live_world import Market, run_session, session, spec
from quantumtrader.app.live import relive, write_results
from quantumtrader.app.live.runner import EVENTS, ORDERS, TAPE, LiveRun, RunSettings, RunStatus
from quantumtrader.app.live.samples import SAMPLES, read_samples
from quantumtrader.app.live.workers import Worker
from quantumtrader.data.journal import JournalReader
from quantumtrader.exceptions import ConfigError, DataAccessError, DataFormatError, TradingHaltedError
from quantumtrader.execution import KillSwitch, StopMode
from quantumtrader.training.labels.latency import ORDER_LATENCIES
from quantumtrader.types import Events


def _in_background(run: LiveRun, stop: threading.Event, when: Callable[[RunStatus], bool]) -> object:
    """Run, and set ``stop`` as soon as the status is as wished."""

    def watch(status: RunStatus) -> None:
        if when(status):
            stop.set()

    return run.run(stop, on_status=watch, period_s=0.01)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished paper session."""
    folder = tmp_path_factory.mktemp("session")
    run, result = run_session(Market(session()), folder)
    assert (result.why, result.halted, result.clean) == ("the market ended", "", True)
    assert result.status.events == len(session())
    assert result.status.trades > 10
    write_results(run.loop, result, ["said before"])
    return folder


def test_a_session_leaves_everything_for_its_owner_only(lived: Path) -> None:
    events = JournalReader(lived / EVENTS).read()
    assert events.tobytes() == session().tobytes()
    document = json.loads((lived / "session.json").read_text("utf-8"))
    assert document["synthetic"] is True
    assert document["notes"][0] == "said before"
    assert document["order_latencies"] == 0  # on paper they are a setting
    assert not (lived / ORDER_LATENCIES).exists()
    for name in ("features.parquet", "decisions.parquet", "trades.parquet", "fills.parquet", "report.html"):
        assert (lived / name).stat().st_size > 0
    assert "SYNTHETIC" in (lived / "report.html").read_text("utf-8")
    if os.name == "posix":
        for name in (EVENTS, TAPE, ORDERS, SAMPLES):
            assert (lived / name).stat().st_mode & 0o077 == 0


def test_a_session_is_lived_again_to_the_bit(lived: Path) -> None:
    relived = relive(lived)
    assert relived.identical, relived.differences
    assert not relived.remarks
    assert relived.samples == len(read_samples(lived)[1]) > 1_000
    assert relived.records > 50


@pytest.mark.parametrize(
    ("what", "said"),
    [("event", "row"), ("value", "values was"), ("reason", "was said"), ("order", "order journal")],
)
def test_what_was_changed_is_found(what: str, said: str, lived: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(lived, folder)
    if what == "event":
        reader = JournalReader(folder / EVENTS)
        events = reader.read().copy()
        trades = np.flatnonzero(events["kind"] == 1)
        events["size"][trades[len(trades) // 2]] += 1
        (folder / EVENTS).unlink()
        from quantumtrader.data.journal import JournalWriter

        writer = JournalWriter(folder / EVENTS, reader.header)
        writer.append(events, 0)
        writer.close()
    elif what == "value":
        data = bytearray((folder / SAMPLES).read_bytes())
        data[len(data) // 2 // 40 * 40 + 30] ^= 1
        (folder / SAMPLES).write_bytes(data)
    elif what == "reason":
        text = (folder / "words.jsonl").read_text("utf-8").replace("waiting", "musing")
        (folder / "words.jsonl").write_text(text, "utf-8")
    else:
        from quantumtrader.execution import OrderJournal

        with OrderJournal(folder / ORDERS) as journal:
            journal.append("note", 1, client_id=0, text="added by hand")
    relived = relive(folder)
    assert not relived.identical
    assert any(said in text for text in relived.differences)


@pytest.mark.parametrize("left", [0.3, 0.9])
def test_a_session_whose_process_died_is_compared_as_far_as_it_goes(
    left: float, lived: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(lived, folder)
    for name in (EVENTS, TAPE):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(len(data) * (left if name == EVENTS else 0.99))])
    relived = relive(folder)
    assert relived.identical, relived.differences
    assert "its process died" in " ".join(relived.remarks)
    assert 0 < relived.samples < len(read_samples(lived)[1])


def test_a_folder_without_a_session_and_a_damaged_tape(lived: Path, tmp_path: Path) -> None:
    with pytest.raises(DataAccessError, match="there is no session"):
        relive(tmp_path)
    folder = tmp_path / "copy"
    shutil.copytree(lived, folder)
    data = bytearray((folder / TAPE).read_bytes())
    data[100] ^= 1
    (folder / TAPE).write_bytes(data)
    with pytest.raises(DataFormatError, match="checksum"):
        relive(folder)


def test_a_strategy_that_changed_is_not_taken_for_the_same(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    source = Path(__file__).parents[3] / "examples" / "own_strategy.py"
    file.write_bytes(source.read_bytes())
    name = next(
        line.split()[1].split("(")[0].rstrip(":")
        for line in file.read_text().splitlines()
        if line.startswith("class ")
    )
    from quantumtrader.app.live.spec import strategy_hash

    strategy = f"{file}:{name}"
    made = spec(strategy=strategy, strategy_hash=strategy_hash(strategy))
    run_session(Market(session(3)), tmp_path / "s", made)
    assert relive(tmp_path / "s").identical
    file.write_text(file.read_text() + "\n# changed\n")
    with pytest.raises(ConfigError, match="has changed since"):
        relive(tmp_path / "s")


@pytest.mark.parametrize("mode", list(StopMode))
def test_a_stop_is_clean_and_can_be_lived_again(mode: StopMode, tmp_path: Path) -> None:
    stop = threading.Event()
    market = Market(session(), batch=10, pause=0.003)
    run = LiveRun(spec(), market, RunSettings(tmp_path, tmp_path / "kill", min_free_bytes=0, on_stop=mode))

    def holds(status: RunStatus) -> bool:
        if status.position:
            market.pause = 0.05  # so that the trade does not end before the stop comes
        return bool(status.position)

    result = _in_background(run, stop, holds)
    assert (result.why, result.clean, result.halted) == ("stopped", True, "")  # type: ignore[attr-defined]
    assert market.closed
    position, orders = result.status.position, result.status.open_orders  # type: ignore[attr-defined]
    if mode is StopMode.FLATTEN:
        assert (position, orders) == (0, 0)
    else:
        assert (abs(position), orders) == (1, 2)
    relived = relive(tmp_path)
    assert relived.identical, relived.differences


def test_a_stop_that_cannot_be_complete_ends_in_time_and_says_what_is_left(tmp_path: Path) -> None:
    class Freezing(Market):
        """Brings no event any more once a position is held."""

        def read(self) -> tuple[Events, int]:
            if run.loop.desk.manager.position:
                self.events = self.events[: self.at]
            return super().read()

    market = Freezing(session(), batch=20, ends=False)
    run = LiveRun(
        spec(), market, RunSettings(tmp_path, tmp_path / "kill", min_free_bytes=0, stop_timeout_s=0.5)
    )
    result = _in_background(run, threading.Event(), lambda status: bool(status.position))
    assert not result.clean  # type: ignore[attr-defined]
    assert "the stop was not complete after 0.5 s: position" in result.why  # type: ignore[attr-defined]


def test_a_duration_ends_a_session(tmp_path: Path) -> None:
    market = Market(session(), batch=10, pause=0.01)
    _, result = run_session(market, tmp_path, duration_s=0.5)
    assert result.clean
    assert 0 < result.status.events < len(session())


def test_a_stop_before_the_market_begins(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    _, result = run_session(Market(session()[:0], ends=False), tmp_path, stop=stop)
    assert (result.why, result.clean) == ("stopped before the market began", True)


SILENCE = "connected, but no event for 16 s"
TROUBLES: dict[str, tuple[str, Callable[[Market, Path], object]]] = {
    "silence": (SILENCE, lambda market, folder: setattr(market, "troubled", SILENCE)),
    "switch": ("a person said so", lambda market, folder: (folder / "kill").write_text("a person said so")),
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_trouble_halts_and_is_kept(kind: str, tmp_path: Path) -> None:
    why, cause = TROUBLES[kind]
    market = Market(session(), batch=20, pause=0.005)
    run = LiveRun(spec(), market, RunSettings(tmp_path, tmp_path / "kill", min_free_bytes=0))

    def watch(status: RunStatus) -> None:
        if status.trades and not market.troubled and not (tmp_path / "kill").exists():
            cause(market, tmp_path)

    result = run.run(threading.Event(), on_status=watch, period_s=0.01)
    assert why in result.halted
    assert result.status.position == 0
    assert why in KillSwitch(tmp_path / "kill").reason
    assert relive(tmp_path).identical
    again = LiveRun(
        spec(), Market(session(3)), RunSettings(tmp_path / "x", tmp_path / "kill", min_free_bytes=0)
    )
    with pytest.raises(TradingHaltedError, match="the kill switch is on since before"):
        again.run(threading.Event())
    (tmp_path / "x").mkdir()
    _, cleared = run_session(
        Market(session(3)), tmp_path / "x", kill_file=tmp_path / "kill", clear_halt="Ana"
    )
    assert not cleared.halted
    assert not (tmp_path / "kill").exists()


def test_a_full_disk_halts(tmp_path: Path) -> None:
    _, result = run_session(Market(session(), batch=20, pause=0.001), tmp_path, min_free_bytes=1 << 60)
    assert "the disk is full" in result.halted


def test_a_journal_that_cannot_be_written_halts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from quantumtrader.data.journal import JournalWriter

    def full(self: JournalWriter, *_: object) -> None:
        raise DataAccessError("the disk is full", path=self.path)

    monkeypatch.setattr(JournalWriter, "append", full)
    _, result = run_session(Market(session(), batch=20, pause=0.001), tmp_path)
    assert "the disk is full" in result.halted


def test_the_order_journal_failing_ends_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from quantumtrader.execution.order_journal import OrderJournal

    write = OrderJournal._write

    def full(self: OrderJournal, line: bytes) -> None:
        if b'"sent"' in line:
            raise OSError(28, "No space left on device")
        write(self, line)

    monkeypatch.setattr(OrderJournal, "_write", full)
    _, result = run_session(Market(session()), tmp_path)
    assert "No space left" in result.why
    assert "No space left" in result.halted
    assert "No space left" in KillSwitch(tmp_path / "kill").reason


def test_a_dead_trading_thread_is_noticed(tmp_path: Path) -> None:
    _, result = run_session(Market(session(), broken_at=len(session()) // 2), tmp_path)
    assert "trading died: RuntimeError: the source fell over" in result.halted
    assert not result.clean
    assert "the source fell over" in KillSwitch(tmp_path / "kill").reason


def test_a_stream_that_runs_backwards_halts_and_the_desk_still_leaves(tmp_path: Path) -> None:
    events = session().copy()
    at = len(events) // 2
    events["sequence"][at:] -= 10_000
    _, result = run_session(Market(events), tmp_path)
    assert "the loop failed: UnsortedEventsError" in result.halted


def test_history_warms_the_features(tmp_path: Path) -> None:
    events = session()
    half = len(events) // 2
    past = events[:half].copy()
    past["ts_recv"], past["sequence"] = past["ts_event"], 0
    _, result = run_session(Market(events[half:], past=past), tmp_path, history_days=1)
    names, rows, _ = read_samples(tmp_path)
    assert np.isfinite(rows["values"][0]).all(), names
    assert result.status.events == len(events) - half
    assert relive(tmp_path).identical


def test_history_that_does_not_come_is_told(tmp_path: Path) -> None:
    _, result = run_session(Market(session(3)), tmp_path, history_days=1)
    assert "history is not complete: the vendor has none" in result.notices[0]


def test_another_accounts_journal_starts_nothing(tmp_path: Path) -> None:
    from quantumtrader.exceptions import JournalError

    run_session(Market(session(3)), tmp_path / "a", orders=tmp_path / "orders")
    with pytest.raises(JournalError, match="the journal is of account"):
        run_session(
            Market(session(3)), tmp_path / "b", replace(spec(), account="other"), orders=tmp_path / "orders"
        )


class TestWorker:
    def test_a_late_one_is_named(self) -> None:
        gate = threading.Event()
        worker = Worker("slow", lambda: bool(gate.wait(5)) and False, late_s=0.05)
        worker.start()
        threading.Event().wait(0.15)
        assert "slow has not moved for 0." in worker.trouble()
        gate.set()
        assert worker.join(5)
        assert worker.trouble() == ""

    def test_a_dead_one_is_named(self) -> None:
        worker = Worker("weak", lambda: 1 // 0 > 0)
        worker.start()
        assert worker.join(5)
        assert worker.trouble() == "weak died: ZeroDivisionError: integer division or modulo by zero"

    def test_one_that_never_started_can_be_joined(self) -> None:
        assert Worker("idle", lambda: False).join(0.1)
