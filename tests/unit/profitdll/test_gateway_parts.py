"""Parts of the gateway that need no second process: frames, requests, files, and which orders a lost client leaves."""

from __future__ import annotations

import math
import os
import socket
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumtrader import _backend
from quantumtrader.exceptions import (
    ConfigError,
    GatewayError,
    GatewayLinkError,
    OrderRefusedError,
    ProfitDllError,
    SessionError,
)
from quantumtrader.gateway import (
    GatewayReport,
    OrderDetails,
    OrderRef,
    OrderTicket,
    ReportKind,
    VendorPosition,
)
from quantumtrader.profitdll.gateway import GatewayFolder, GatewayOptions, LinkOptions
from quantumtrader.profitdll.gateway import protocol as p
from quantumtrader.profitdll.gateway.folder import Endpoint
from quantumtrader.profitdll.gateway.frames import MAX_REPLY, FrameSocket, PeerGoneError, pack
from quantumtrader.profitdll.gateway.order_door import entries
from quantumtrader.profitdll.gateway.reader import RingFile, RingFollower
from quantumtrader.types import EVENT, PX_NONE, Kind, OrderType, Side

posix = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")


def order(side: int, *, status: int = 0, traded: int = 0, size: int = 1) -> OrderDetails:
    return OrderDetails(
        OrderRef(7, "C7"), "WDOX26", Side(side), size, OrderType.LIMIT, 100, PX_NONE, traded, size - traded,
        math.nan, status,
    )  # fmt: skip


def exchange(frame: bytes) -> tuple[dict[str, object], bytes]:
    ours, theirs = socket.socketpair()
    a, b = FrameSocket(ours, MAX_REPLY), FrameSocket(theirs, MAX_REPLY)
    try:
        a.send(frame)
        return b.receive(1.0)
    finally:
        a.close()
        b.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON), st.binary(max_size=3000))
def test_frames_arrive_as_they_were_sent(message: dict[str, object], payload: bytes) -> None:
    assert exchange(pack(message, payload)) == (message, payload)


def test_numbers_that_are_not_finite_become_null() -> None:
    sent = {"a": math.nan, "b": [math.inf, 1.5, {"c": -math.inf}], "d": (1, math.nan)}
    assert exchange(pack(sent))[0] == {"a": None, "b": [None, 1.5, {"c": None}], "d": [1, None]}


def test_silence_and_closing_are_told_apart() -> None:
    ours, theirs = socket.socketpair()
    a, b = FrameSocket(ours, MAX_REPLY), FrameSocket(theirs, MAX_REPLY)
    with pytest.raises(PeerGoneError, match=r"sent nothing for 0\.05 s"):
        a.receive(0.05)
    b.close()
    with pytest.raises(PeerGoneError, match="closed the connection"):
        a.receive(0.05)
    a.close()
    with pytest.raises(PeerGoneError, match="receiving failed"):
        a.receive(0.05)
    with pytest.raises(PeerGoneError, match="sending failed"):
        a.send(pack({}))


def test_the_vocabulary_travels_whole() -> None:
    filled = OrderDetails(
        OrderRef(3, "C3"), "WDOX26", Side.SELL, 5, OrderType.STOP, 90, 95, 2, 3, 93.25, 1, "parcial", 11, 12, 13
    )  # fmt: skip
    (again, _) = exchange(pack(p.details_to(filled)))
    assert p.details_from(again) == filled
    new = p.details_from(exchange(pack(p.details_to(order(1))))[0])
    assert math.isnan(new.average_px)
    assert new.stage is order(1).stage
    ticket = OrderTicket(Side.BUY, 4, OrderType.STOP, 10, 11)
    assert p.ticket_from(exchange(pack(p.ticket_to(ticket)))[0]) == ticket
    assert p.position_from(exchange(pack(p.position_to(VendorPosition(-3, 10.5))))[0]) == VendorPosition(
        -3, 10.5
    )
    assert math.isnan(p.position_from(p.position_to(VendorPosition(0))).average_px)
    report = GatewayReport(ReportKind.REFUSED, OrderRef(9), "não")
    assert p.report_from(exchange(pack(p.report_to(report)))[0]) == report


@pytest.mark.parametrize(
    "error",
    [ConfigError("a"), SessionError("b"), GatewayError("c"), OrderRefusedError("d"), ProfitDllError(-1, "F")],
)
def test_errors_travel_as_what_they_are(error: Exception) -> None:
    again = p.error_from(exchange(pack(p.error_to(error)))[0])  # type: ignore[arg-type]
    assert (type(again), str(again)) == (type(error), str(error))


def test_an_error_of_another_kind_is_the_sessions() -> None:
    assert type(p.error_from({"kind": "SystemExit", "text": "x"})) is SessionError
    assert type(p.error_from({"kind": ["x"]})) is SessionError


def test_true_is_no_number_and_optional_fields_may_be_left_out() -> None:
    good = {"id": 1, "do": "subscribe", "ticker": "WDOX26", "books": "both", "image": True}
    assert p.parse_request(good).fields["tick_size"] is None
    for name, bad in (
        ("image", 1),
        ("ticker", "W\0"),
        ("tick_size", True),
        ("tick_size", 0),
        ("books", "all"),
    ):
        with pytest.raises(GatewayLinkError, match=name):
            p.parse_request({**good, name: bad})
    with pytest.raises(GatewayLinkError, match="ticker is None"):
        p.parse_request({k: v for k, v in good.items() if k != "ticker"})
    with pytest.raises(GatewayLinkError, match="desk is True"):
        p.parse_request({"id": 1, "do": "position", "desk": True})


@pytest.mark.parametrize(
    ("side", "position", "dangerous"),
    [(1, 0, True), (-1, 0, True), (1, 2, True), (-1, 2, False), (1, -2, False), (-1, -2, True)],
)
def test_what_reduces_the_position_stays(side: int, position: int, dangerous: bool) -> None:
    assert entries([order(side)], position) == ([order(side)] if dangerous else [])
    assert entries([order(side, status=4)], position) == []  # it has ended


@posix
def test_folder_is_made_for_its_owner_and_others_are_refused(tmp_path: Path) -> None:
    folder = GatewayFolder(tmp_path / "a" / "gw")
    with pytest.raises(SessionError, match=r"no gateway in .*start `quantumtrader gateway --folder"):
        folder.read_endpoint()
    folder.prepare()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    token = folder.new_token()
    assert folder.read_token() == token
    folder.token.write_text("not hex")
    with pytest.raises(SessionError, match="holds no token"):
        folder.read_token()
    endpoint = Endpoint(1, "life", "tcp", 4711)
    folder.write_endpoint(endpoint)
    assert folder.read_endpoint() == endpoint
    for content, words in (("[]", "no table"), ("{", "no JSON"), ('{"a": 1}', "not one of this version")):
        folder.endpoint.write_text(content)
        with pytest.raises(SessionError, match=words):
            folder.read_endpoint()
    folder.write_endpoint(Endpoint(1, "life", "carrier pigeon"))
    with pytest.raises(SessionError, match="carrier pigeon"):
        folder.read_endpoint()
    folder.path.chmod(0o750)
    with pytest.raises(ConfigError, match="mode 0750"):
        folder.prepare()
    (tmp_path / "link").symlink_to(folder.path)
    with pytest.raises(ConfigError, match="is a link"):
        GatewayFolder(tmp_path / "link").prepare()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="name another one"):
        GatewayFolder(tmp_path / "file" / "gw").prepare()
    with pytest.raises(ConfigError, match="too long for a socket"):
        GatewayFolder(tmp_path / ("x" * 100)).socket_path()


def test_settings_make_sense(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="more than two heartbeats"):
        LinkOptions(silence_s=0.3)
    with pytest.raises(ConfigError, match="auto, unix or tcp"):
        GatewayOptions(tmp_path, transport="smoke")
    with pytest.raises(ConfigError, match="0 or more"):
        GatewayOptions(tmp_path, client_grace_s=-1.0)


@pytest.mark.skipif(_backend.engine().name != "rust", reason="the ring is part of the Rust engine")
def test_a_lost_gateway_is_a_gap_at_its_place(tmp_path: Path) -> None:
    from quantumtrader._core import Ring

    folder = GatewayFolder(tmp_path / "gw")
    folder.prepare()
    ring = Ring.create(folder.ring, 64)

    def push(*numbers: int) -> None:
        events = np.zeros(len(numbers), EVENT)
        events["sequence"], events["ts_recv"], events["kind"] = numbers, numbers, Kind.TRADE
        ring.push(events)

    push(0, 1)
    file, told = RingFile(folder), []
    file.open()
    reader = RingFollower(file, lambda: [0, 3], told.append)
    seen = reader.read()[0]
    assert seen["kind"].tolist() == [Kind.GAP, Kind.GAP]  # it begins in the middle
    assert seen["instrument"].tolist() == [0, 3]
    assert len(reader.read()[0]) == 0
    push(2, 3)
    file.lose()
    push(4, 5)  # the next life, before anybody has read
    assert reader.behind == 4
    assert reader.read()[0]["sequence"].tolist() == [2, 3]
    gap = reader.read()[0]
    assert gap["kind"].tolist() == [Kind.GAP, Kind.GAP]
    assert gap["sequence"].tolist() == [3, 3]
    assert (gap["ts_recv"] == 3).all()
    assert reader.read()[0]["sequence"].tolist() == [4, 5]
    assert len(reader.read()[0]) == 0
    file.lose()  # with nothing behind it
    assert reader.read()[0]["kind"].tolist() == [Kind.GAP, Kind.GAP]
    assert len(reader.read()[0]) == 0
    push(*range(6, 206))
    events, lost = reader.read()
    assert (len(events), lost, told) == (64, 136, [136])
    reader.skip_to_end()
    assert reader.behind == 0

    late = RingFollower(file, list, told.append)
    assert len(late.read(1)[0]) == 1  # without an instrument there is nothing to mark
    folder.ring.chmod(0o644)
    if os.name == "posix":
        with pytest.raises(ConfigError, match="can be opened by others"):
            RingFile(folder).open()
