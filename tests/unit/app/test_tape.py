"""The tape, and the two gateways around it."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest

from live_world import wdo
from quantumtrader import _backend
from quantumtrader.app.live.gateways import DifferenceError, ReplayGateway, TapedGateway, TapeEndError
from quantumtrader.app.live.tape import Tape, TapeReader
from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import DataAccessError, DataFormatError, GatewayError, OrderRefusedError
from quantumtrader.execution import OrderRef, OrderTicket, PaperBroker
from quantumtrader.types import EVENT, Kind, OrderType, Side

BUY = OrderTicket(Side.BUY, 1, OrderType.LIMIT, 10_000)


def _lines(path: Path) -> list[Any]:
    reader, lines = TapeReader(path), []
    while (line := reader.next()) is not None:
        lines.append(line)
    return lines


def _broker() -> PaperBroker:
    venue = _backend.core().Venue(tick_size=0.5, point_value=10.0)
    broker = PaperBroker(venue, wdo(), ReplayClock())
    import numpy as np

    quote = np.zeros(1, EVENT)
    quote["kind"], quote["ts_event"], quote["px"], quote["px_ask"], quote["size"] = (
        Kind.QUOTE,
        10**9,
        9_999,
        10_001,
        5,
    )
    broker.update_many(quote)
    return broker


def test_turns_wait_for_a_call_and_keep_their_times(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    with Tape(path, {"a": 1}) as tape:
        for k, now in enumerate((100, 105, 103)):
            tape.begin(k, now)
        assert len(_lines(path)) == 0
        tape.call(1, "cancel_all", {}, None)
        tape.begin(7, 200)
        tape.command(9, "stop", mode="flatten")
        tape.connected(False)
        tape.end(9, "done")
    assert TapeReader(path).header["a"] == 1
    assert _lines(path) == [
        ["turns", 1, 100, [[0, 0], [1, 5], [2, -2]]],
        ["call", 3, 1, "cancel_all", {}, None],
        ["turns", 4, 200, [[7, 0]]],
        ["command", 4, 9, "stop", {"mode": "flatten"}],
        ["connected", 5, False],
        ["end", 4, 9, "done"],
    ]


def test_a_tape_is_its_owners_and_is_never_written_twice(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    Tape(path, {}).close()
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(DataAccessError, match="cannot be made"):
        Tape(path, {})


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape(tmp_path / "tape", {})

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DataAccessError, match="No space left"):
        tape.call(1, "cancel_all", {}, None)
    monkeypatch.undo()
    tape.close()


@pytest.mark.parametrize("cut", range(1, 30))
def test_an_unfinished_line_is_left_out(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "tape"
    with Tape(path, {}) as tape:
        tape.connected(True)
        size = path.stat().st_size
        tape.call(1, "cancel_all", {}, None)
    data = path.read_bytes()
    path.write_bytes(data[: min(size + cut, len(data) - 1)])
    assert _lines(path) == [["connected", 1, True]]


def test_damage_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    with Tape(path, {}) as tape:
        tape.connected(True)
        tape.end(0, "x")
    path.write_bytes(path.read_bytes().replace(b"true", b"null"))
    with pytest.raises(DataFormatError, match=r"tape:2: the line does not match its checksum"):
        _lines(path)
    path.write_bytes(b"no tape\n")
    with pytest.raises(DataFormatError, match="checksum"):
        TapeReader(path)
    with pytest.raises(DataAccessError, match="cannot be read"):
        TapeReader(tmp_path / "none")


def _conversation(gateway: Any) -> list[Any]:
    """One of everything."""
    said: list[Any] = [gateway.connected, gateway.position(), gateway.orders()]
    said.append(gateway.send(BUY))
    said.append(gateway.take_reports())
    said.append(gateway.take_reports())
    said.append(gateway.details(OrderRef(1)))
    said.append(gateway.details(OrderRef(99)))
    gateway.cancel(OrderRef(1))
    for call in (lambda: gateway.cancel(OrderRef(77)), gateway.zero_position):
        with pytest.raises(OrderRefusedError) as caught:
            call()
        said.append(str(caught.value))
    gateway.cancel_all()
    said.append(gateway.orders())
    return said


def _taped(path: Path) -> list[Any]:
    with Tape(path, {}) as tape:
        gateway = TapedGateway(_broker().connect(), tape)
        gateway.begin_turn()
        tape.begin(0, 1)
        return _conversation(gateway)


def _replayed(path: Path) -> tuple[TapeReader, ReplayGateway]:
    reader = TapeReader(path)
    gateway = ReplayGateway(reader, "paper", "WDOU25")
    assert reader.next() == ["connected", 1, True]
    gateway.connected = True
    assert reader.next()[0] == "turns"
    gateway.begin_turn()
    return reader, gateway


def test_the_same_questions_get_the_same_answers(tmp_path: Path) -> None:
    then = _taped(tmp_path / "tape")
    reader, gateway = _replayed(tmp_path / "tape")
    now = _conversation(gateway)
    gateway.end_turn()
    assert reader.peek() is None
    assert math.isnan(then[1].average_px)
    assert math.isnan(now[1].average_px)
    assert repr(now) == repr(then)
    assert len(then[4]) > 0, "there were reports"
    assert then[5] == []


def test_another_question_is_named(tmp_path: Path) -> None:
    _taped(tmp_path / "tape")
    _, gateway = _replayed(tmp_path / "tape")
    gateway.position()
    gateway.orders()
    with pytest.raises(
        DifferenceError, match=r"turn 1: send\(.*px=10000.*was asked then, send\(.*px=10001.*now"
    ):
        gateway.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, 10_001))
    with pytest.raises(DifferenceError, match=r"send\(.*was asked then, and is not now"):
        gateway.end_turn()


def test_a_question_too_many_and_the_end_of_the_tape(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    with Tape(path, {}) as tape:
        tape.begin(0, 1)
        tape.begin(0, 2)
        tape.call(1, "position", {}, [0, None])
    reader = TapeReader(path)
    gateway = ReplayGateway(reader, "paper", "WDOU25")
    reader.next()
    gateway.begin_turn()
    with pytest.raises(DifferenceError, match=r"turn 1: position\(\) is asked now, and was not then"):
        gateway.position()
    gateway.begin_turn()
    gateway.position()
    with pytest.raises(TapeEndError, match=r"turn 2: the tape ends before orders\(\) was answered"):
        gateway.orders()


def test_uncertainty_is_taped_as_such(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    broker = _broker()
    inner = broker.connect()
    with Tape(path, {}) as tape:
        gateway = TapedGateway(inner, tape)
        gateway.begin_turn()
        tape.begin(0, 1)
        broker.connect()  # the session ends with a second login
        with pytest.raises(GatewayError, match="has ended"):
            gateway.position()
        assert gateway.connected, "within a turn the state stands still"
        gateway.begin_turn()
        assert not gateway.connected
    _, replay = _replayed(path)
    with pytest.raises(GatewayError, match="has ended") as caught:
        replay.position()
    assert not isinstance(caught.value, OrderRefusedError)
