"""A trip outlives the process, comes from a file as well, and ends only when a person clears it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from quantumtrader.exceptions import DataAccessError, OrderError, TradingHaltedError
from quantumtrader.execution import Approved, KillSwitch, Refused, RiskLimits, RiskManager, RiskState
from quantumtrader.types import Instrument, Order

ANY = Instrument("X", "X", 1.0, 1.0, hours=())
STATE = RiskState(0, 1, 0, 0, 0.0, 0.0, bid_px=10, ask_px=11, last_px=10)


def test_a_trip_survives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "kill"
    KillSwitch(file).trip("runaway", hard=True)
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = KillSwitch(file)
    assert (again.on, again.reason, again.hard) == (True, "runaway", True)
    risk = RiskManager(RiskLimits(), ANY, switch=again)
    assert isinstance(risk.check(Order(1, -1, 1, reduce_only=True), STATE), Refused)
    risk.clear("Ana")
    assert not file.exists()
    assert not KillSwitch(file).on
    assert sorted(p.name for p in tmp_path.iterdir()) == []


def test_a_softer_trip_does_not_soften(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path / "kill")
    switch.trip("first", hard=True)
    switch.trip("second")
    assert KillSwitch(tmp_path / "kill").hard


def test_a_file_trips_a_running_process_and_voids_approvals(tmp_path: Path) -> None:
    file = tmp_path / "kill"
    risk = RiskManager(RiskLimits(), ANY, switch=KillSwitch(file))
    approved = risk.check(Order(1, 1, 1), STATE)
    assert isinstance(approved, Approved)
    file.touch()
    with pytest.raises(TradingHaltedError, match="is there"):
        approved.use(0)
    answer = risk.check(Order(2, 1, 1), STATE)
    assert isinstance(answer, Refused)
    assert answer.rule == "kill_switch"
    assert isinstance(risk.check(Order(3, -1, 1, reduce_only=True), STATE), Approved)
    file.unlink()  # not a person's clear: this process stays off
    assert isinstance(risk.check(Order(4, 1, 1), STATE), Refused)
    risk.clear("Ana")
    assert isinstance(risk.check(Order(5, 1, 1), STATE), Approved)
    file.write_text("lunch\n", "utf-8")
    assert risk.refusal(Order(6, 1, 1), STATE) is not None
    assert risk.tripped == "lunch"


def test_instruments_share_a_switch() -> None:
    switch = KillSwitch()
    first, second = (RiskManager(RiskLimits(), ANY, switch=switch) for _ in range(2))
    first.trip("one for all")
    assert second.tripped == "one for all"


@pytest.mark.parametrize("text", ['{"reason": "x", "hard": "?"}', '{"reason": "x"}'])
def test_a_doubtful_file_is_hard(tmp_path: Path, text: str) -> None:
    (tmp_path / "kill").write_text(text, "utf-8")
    assert KillSwitch(tmp_path / "kill").hard


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_reason_of_a_person_is_read_as_any_shell_writes_it(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "kill").write_bytes("pânico\r\n".encode(encoding))
    assert KillSwitch(tmp_path / "kill").reason == "pânico"


def test_a_file_that_cannot_be_read_is_hard(tmp_path: Path) -> None:
    (tmp_path / "kill").mkdir()
    switch = KillSwitch(tmp_path / "kill")
    assert switch.hard
    assert "cannot be read" in switch.reason
    epoch = switch.epoch
    switch.refresh()
    assert switch.epoch == epoch
    with pytest.raises(DataAccessError, match="Remove it by hand"):
        switch.clear("Ana")
    assert switch.on


def test_a_trip_that_cannot_be_written_still_stops(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    switch = KillSwitch(folder / "kill")
    folder.rmdir()
    switch.trip("disk gone")
    assert switch.on
    assert "lost at a restart" in switch.log[-1]


def test_misuse_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataAccessError, match="no folder"):
        KillSwitch(tmp_path / "nowhere" / "kill")
    with pytest.raises(OrderError, match="reason"):
        KillSwitch().trip("")


def test_what_is_written_is_plain(tmp_path: Path) -> None:
    KillSwitch(tmp_path / "kill").trip("perda diária")
    assert json.loads((tmp_path / "kill").read_text("utf-8")) == {"reason": "perda diária", "hard": False}
