"""The gateway and its clients, in real processes with the simulator: every request, every refusal."""

from __future__ import annotations

import json
import math
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.gateway_process import SECRETS, Gateway, gateway, until
from quantumtrader import _backend
from quantumtrader.app.vendor_source import VendorSource
from quantumtrader.data.contracts import instrument
from quantumtrader.exceptions import (
    ConfigError,
    GatewayLinkError,
    OrderError,
    OrderRefusedError,
    ProfitDllError,
    SessionError,
)
from quantumtrader.gateway import OrderRef, OrderStage, OrderTicket, ReportKind
from quantumtrader.profitdll.connection import ConnectionPhase
from quantumtrader.profitdll.gateway import GatewayClient, RemoteOrderGateway, handshake
from quantumtrader.profitdll.gateway.folder import GatewayFolder
from quantumtrader.profitdll.gateway.frames import MAX_REPLY, MAX_REQUEST, FrameSocket, PeerGoneError, pack
from quantumtrader.profitdll.gateway.protocol import REQUESTS
from quantumtrader.profitdll.simulator import library_path
from quantumtrader.types import PX_NONE, Kind, OrderType, Side

pytestmark = pytest.mark.integration
if _backend.engine().name != "rust":
    pytest.skip("the gateway's ring is part of the Rust engine", allow_module_level=True)
try:
    library_path()
except SessionError as error:
    pytest.skip(str(error), allow_module_level=True)

FAR = 10_600
"""A price in ticks that the market does not reach."""


@pytest.fixture(scope="module", params=["unix", "tcp"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    if request.param == "unix" and not hasattr(socket, "AF_UNIX"):
        pytest.skip("this system has no Unix sockets")
    folder = tmp_path_factory.mktemp(request.param)
    with gateway(folder, "--orders", "--transport", request.param) as one:
        one.client().disconnect()  # it is up
        yield one


@pytest.fixture
def client(running: Gateway) -> Iterator[GatewayClient]:
    one = running.client()
    yield one
    one.disconnect()


def drain(reader: Any) -> np.ndarray:
    parts = []
    while len((part := reader.read())[0]):
        parts.append(part[0])
    return np.concatenate(parts) if parts else reader.read(0)[0]


def test_every_request_makes_its_round_trip(running: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    client = running.client("everything")
    asked: set[str] = set()
    ask = client.link.ask
    monkeypatch.setattr(client.link, "ask", lambda do, **fields: (asked.add(do), ask(do, **fields))[1])
    assert client.connected
    assert client.connection.phase is ConnectionPhase.CONNECTED
    assert client.connection.routing
    assert client.subscribe_ticker("wdox26", books="both")
    assert client.subscriptions["WDOX26"].index == 0
    events = client.reader()
    until(lambda: (drain(events)["kind"] == Kind.TRADE).any())
    assert client.counters()["trades"] > 0
    assert client.accounts() == ["15003:1001"]
    assert client.agent_name(3) != "3"
    assert client.today().year == 2025
    seen: list[Any] = []
    client.on("history", seen.append)
    assert client.request_historical_data("WDOX26", "2025-08-01", "2025-08-01") == 1
    assert client.wait_for_historical_data(60)
    history = np.concatenate(client.take_history())
    assert client.history_progress == (1, 1)
    assert (history["kind"] == Kind.TRADE).all()
    assert len(history) > 1000
    client.poll()
    assert sum(map(len, seen)) == len(history)

    orders = RemoteOrderGateway(client, "WDOX26", 0.5)
    assert (orders.account, orders.symbol, orders.connected) == ("15003:1001", "WDOX26", True)
    local_id = orders.send(OrderTicket(Side.BUY, 2, OrderType.MARKET))
    until(lambda: (d := orders.details(OrderRef(local_id))) is not None and d.stage is OrderStage.FILLED)
    filled = orders.details(OrderRef(local_id))
    assert filled is not None
    assert (filled.side, filled.size, filled.traded, filled.type) == (Side.BUY, 2, 2, OrderType.MARKET)
    assert filled.px == PX_NONE
    assert orders.position().size == 2
    assert math.isclose(orders.position().average_px, filled.average_px)
    rest = orders.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, FAR))
    until(lambda: (d := orders.details(OrderRef(rest))) is not None and d.ref.cl_ord_id and d.status == 0)
    ref = orders.details(OrderRef(rest)).ref
    orders.change(ref, 3, FAR - 2, PX_NONE)
    until(lambda: (orders.details(ref).size, orders.details(ref).px) == (3, FAR - 2))
    orders.cancel(ref)
    until(lambda: orders.details(ref).stage is OrderStage.CANCELLED)
    more = orders.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, FAR))
    until(lambda: (d := orders.details(OrderRef(more))) is not None and d.status == 0)
    orders.cancel_all()
    until(lambda: all(o.stage.final for o in orders.orders()))
    assert orders.zero_position() > 0
    until(lambda: orders.position().size == 0)
    assert math.isnan(orders.position().average_px)
    kinds = {report.kind for report in orders.take_reports()}
    assert kinds >= {ReportKind.CONNECTED, ReportKind.ORDER}
    assert orders.details(OrderRef(999_999_999)) is None
    assert client.unsubscribe_ticker("WDOX26")
    client.disconnect()
    assert asked == set(REQUESTS)


def test_what_the_gateway_refuses_is_the_same_error_here(client: GatewayClient) -> None:
    with pytest.raises(ConfigError, match="tick size of NOSUCH"):
        client.subscribe_ticker("NOSUCH")
    with pytest.raises(SessionError, match="subscribe it first"):
        client.request_historical_data("WINV25", "2025-08-01", "2025-08-01")
    with pytest.raises(SessionError, match="requested no history"):
        client.link.call("take_history")
    with pytest.raises(ConfigError, match="name the contract"):
        RemoteOrderGateway(client, "WDOFUT", 0.5)
    orders = RemoteOrderGateway(client, "WDOX26", 0.5)
    with pytest.raises(ConfigError, match="gateway on this client already"):
        RemoteOrderGateway(client, "WDOX26", 0.5)
    with pytest.raises(OrderRefusedError, match="cancelling order 123456"):
        orders.cancel(OrderRef(123456))
    with pytest.raises(OrderError, match="no order manager"):
        client.send_order(None)
    assert client.connected
    assert issubclass(ProfitDllError, Exception)


def test_market_reads_as_in_one_process(running: Gateway, client: GatewayClient) -> None:
    """Events come whole, in order, and lead to a valid book even for a client that comes in the middle."""
    client.subscribe_ticker("WDOX26", books="offers")
    for name in ("first", "second"):
        late = running.client(name)
        late.subscribe_ticker("WDOX26", books="offers")
        reader = late.reader()
        book = _backend.core().OrderBook()
        seen: list[np.ndarray] = []

        def valid(reader: Any = reader, book: Any = book, seen: list[np.ndarray] = seen) -> bool:
            seen.append(drain(reader))
            book.update_many(seen[-1])
            return bool(book.valid) and sum(map(len, seen)) > 200

        if name == "first":
            client.disconnect()  # nobody else depends on the books now
            late.disconnect()
            continue
        until(valid)
        events = np.concatenate(seen)
        assert events["kind"][0] == Kind.GAP
        whole = events[events["kind"] != Kind.GAP]
        assert (np.diff(whole["sequence"]) >= 1).all()
        assert (np.diff(events["ts_recv"]) >= 0).all()
        late.disconnect()


def test_a_hook_that_fails_costs_nobody_else_an_event_or_a_message(client: GatewayClient) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("mine")

    trades: list[np.ndarray] = []
    events: list[np.ndarray] = []
    messages: list[str] = []
    for kind in ("trade", "message"):
        client.on(kind, fail)
    client.on("trade", lambda ticker, part: trades.append(part))
    client.on("events", lambda ticker, part: events.append(part))
    client.on("message", lambda message: messages.append(message[0]))
    client.subscribe_ticker("WDOX26", books="both")
    reader = client.reader()
    seen: list[np.ndarray] = []

    def played() -> bool:
        client.poll()
        return bool(trades and "daily" in messages)

    until(played)
    last = int(np.concatenate(events)["sequence"].max())
    until(lambda: (seen.append(drain(reader)), np.concatenate(seen)["sequence"].max() >= last)[1])
    there = np.concatenate(seen)
    there = there[there["sequence"] <= last]
    assert (np.concatenate(events)["sequence"] == there["sequence"]).all()
    kinds = there[there["kind"] == Kind.TRADE]
    assert (np.concatenate(trades)["sequence"] == kinds["sequence"]).all()
    told = [n.text for n in client.take_news() if n.kind == "trouble"]
    assert "a hook for 'trade' failed: RuntimeError: mine" in told
    with pytest.raises(ConfigError, match="no hook 'candle'"):
        client.on("candle", print)


def test_one_client_orders_and_more_may_read(running: Gateway, client: GatewayClient) -> None:
    orders = RemoteOrderGateway(client, "WDOX26", 0.5)
    other = running.client("other")
    with pytest.raises(OrderRefusedError, match=r"test \(process \d+\) holds the right to order"):
        RemoteOrderGateway(other, "WDOX26", 0.5)
    with pytest.raises(OrderRefusedError, match="does not hold the right"):
        other.link.call("cancel_all", desk=0, again=False)
    other.subscribe_ticker("WDOX26")
    assert orders.connected
    client.disconnect()
    assert other.route_orders("", "WDOX26") is other.order_gateway
    assert other.order_gateway.connected
    other.disconnect()


def test_a_request_that_comes_twice_is_carried_out_once(client: GatewayClient) -> None:
    orders = RemoteOrderGateway(client, "WDOX26", 0.5)
    link = client.link._socket
    assert link is not None
    before = len(orders.orders())
    frame = {"id": 10**9, "do": "send", "desk": 0, "side": 1, "size": 1, "type": "limit", "px": FAR}
    for again in (False, True, False):
        link.send(pack({**frame, "stop_px": PX_NONE, "again": again}))
    until(lambda: len(orders.orders()) > before)
    link.send(pack({**frame, "id": 10**9 + 1, "stop_px": PX_NONE, "again": True}))  # never arrived before
    orders.position()
    assert len(orders.orders()) == before + 1
    orders.cancel_all()


def test_files_are_for_their_owner_alone(running: Gateway, client: GatewayClient) -> None:
    client.subscribe_ticker("WDOX26")
    folder = GatewayFolder(running.folder)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    paths = [folder.ring, folder.token, folder.endpoint, folder.instruments]
    paths += [folder.socket] if folder.read_endpoint().transport == "unix" else []
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in (folder.path, folder.ring, folder.token, folder.endpoint):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | 0o040)
        with pytest.raises(ConfigError, match=f"{path} can be opened by others"):
            GatewayClient(running.folder).initialize()
        path.chmod(mode)


def test_no_secret_leaves_the_gateway(running: Gateway, client: GatewayClient) -> None:
    RemoteOrderGateway(client, "WDOX26", 0.5)
    assert client.accounts()
    folder = GatewayFolder(running.folder)
    written = running.errors().encode() + " ".join(running.said).encode()
    for path in running.folder.iterdir():
        if path != folder.socket:
            written += path.read_bytes()
    for name in ("ACTIVATION_KEY", "PASSWORD", "SIGNATURE"):
        assert SECRETS[name].encode() not in written


def test_wrong_token_and_other_versions_are_refused_in_words(
    running: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(words: str) -> None:
        with pytest.raises(GatewayLinkError, match=words):
            GatewayClient(running.folder).initialize()

    with monkeypatch.context() as patch:
        patch.setattr(GatewayFolder, "read_token", lambda _: bytes(32))
        refused("refused: the token is wrong")
    with monkeypatch.context() as patch:
        patch.setattr(handshake, "PROTOCOL", 99)
        refused(
            "the gateway is quantumtrader .* with protocol 1, this is .* protocol 99: run both from the same"
        )
    with monkeypatch.context() as patch:
        patch.setattr(handshake, "_versions_differ", lambda *_: "")
        patch.setattr(handshake, "__version__", "9.9.9")
        refused("refused: the client is quantumtrader 9.9.9 .* run both from the same installation")
    running.client().disconnect()


def test_a_gateway_that_does_not_know_the_token_gets_nothing(tmp_path: Path) -> None:
    folder = GatewayFolder(tmp_path / "gw")
    folder.prepare()
    ours, theirs = socket.socketpair()
    link = FrameSocket(theirs, MAX_REQUEST)
    link.send(
        pack(
            {
                "gateway": "quantumtrader",
                "protocol": handshake.PROTOCOL,
                "version": handshake.__version__,
                "nonce": "0" * 32,
            }
        )
    )
    link.send(pack({"proof": "0" * 64, "life": "x"}))
    with pytest.raises(GatewayLinkError, match="does not know the token"):
        handshake.enter(FrameSocket(ours, MAX_REPLY), bytes(32), "0" * 32, "test")
    ours.close()
    theirs.close()


# -- malformed frames ------------------------------------------------------------------------------------------


def connect(running: Gateway) -> socket.socket:
    endpoint = GatewayFolder(running.folder).read_endpoint()
    if endpoint.transport == "unix":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(str(GatewayFolder(running.folder).socket))
    else:
        sock = socket.create_connection(("127.0.0.1", endpoint.port))
    return sock


def enter(running: Gateway) -> tuple[socket.socket, FrameSocket]:
    sock = connect(running)
    link = FrameSocket(sock, MAX_REPLY)
    handshake.enter(link, GatewayFolder(running.folder).read_token(), os.urandom(16).hex(), "fuzz")
    return sock, link


def refusal(link: FrameSocket) -> str:
    """Read to the end of the connection; return the reason that was given."""
    reason = ""
    while True:
        try:
            message, _ = link.receive(5.0)
        except PeerGoneError as error:
            return reason if "closed" in str(error) or "reset" in str(error) else "the connection stays open"
        if "push" not in message and "id" not in message:
            reason = message.get("error", reason)


def frame(text: bytes, payload: bytes = b"", claimed: int | None = None) -> bytes:
    return struct.pack("!II", len(text) if claimed is None else claimed, len(payload)) + text + payload


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "at most 65536 are taken"),
        (struct.pack("!II", 2**32 - 1, 2**32 - 1), "at most 65536 are taken"),
        (struct.pack("!II", 0, 0), "no JSON"),
        (frame(b"[1,2]"), "a JSON list, expected an object"),
        (frame(b'{"id": NaN}'), "NaN is no JSON"),
        (frame(b"[" * 60_000), "no JSON"),
        (frame(b'{"id": ' + b"9" * 20_000 + b"}"), "no JSON"),
        (frame(b"\xff\xfe{}"), "no JSON"),
        (frame(b'{"id": true, "do": "counters"}'), "without a positive id"),
        (frame(b'{"id": 1, "do": "format_disk"}'), "not known; there are subscribe"),
        (frame(b'{"id": 1, "do": ["send"]}'), "not known"),
        (frame(b'{"id": 1, "do": "counters", "x": 1}'), "unknown field 'x'"),
        (frame(b'{"id": 1, "do": "counters"}', b"raw"), "3 raw bytes"),
        (
            frame(
                b'{"id": 1, "do": "send", "desk": 0, "side": 0, "size": 1, "type": "limit", "px": 1, "stop_px": 1}'
            ),
            "side is 0, expected one of 1, -1",
        ),
        (
            frame(
                b'{"id": 1, "do": "send", "desk": 0, "side": 1, "size": 1.5, "type": "limit", "px": 1, "stop_px": 1}'
            ),
            "size is 1.5, expected a whole number",
        ),
        (
            frame(b'{"id": 1, "do": "subscribe", "ticker": "", "books": "both", "image": true}'),
            "ticker is ''",
        ),
    ],
)
def test_a_malformed_frame_ends_its_connection_with_the_reason(
    running: Gateway, sent: bytes, words: str
) -> None:
    sock, link = enter(running)
    sock.sendall(sent)
    assert words in refusal(link)
    running.client().disconnect()
    sock.close()


def test_half_a_frame_does_not_hold_a_connection(running: Gateway) -> None:
    sock, link = enter(running)
    sock.sendall(frame(b'{"id": 1, "do"', claimed=60_000))
    assert "not complete" in refusal(link)
    sock.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
VALUES = st.sampled_from([0, 1, -1, 2**31, 2**63, "", "limit", "WDOX26", True, None, 0.5]) | JSON


@st.composite
def nearly_requests(draw: st.DrawFn) -> bytes:
    """A request with some of its fields right."""
    do = draw(st.sampled_from(sorted(set(REQUESTS) - {"history", "unsubscribe"})))
    message = {"id": draw(st.integers(1, 9) | VALUES), "do": do}
    for name in REQUESTS[do]:
        if draw(st.integers(0, 9)):
            message[name] = draw(VALUES)
    try:
        text = json.dumps(message).encode()
    except ValueError:
        text = b"{"
    return frame(text[: 1 << 15])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    before=st.booleans(), sent=st.lists(st.binary(max_size=200) | nearly_requests(), min_size=1, max_size=5)
)
def test_garbage_never_ends_the_gateway(running: Gateway, before: bool, sent: list[bytes]) -> None:
    """Random bytes before the handshake, random bytes and nearly right requests after it."""
    sock = connect(running) if before else enter(running)[0]
    try:
        for piece in sent:
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it was refused already
    sock.close()
    assert running.process.poll() is None


def test_after_all_that_it_is_the_same_process(running: Gateway) -> None:
    """Runs behind the tests above, on the gateway that they shared."""
    client = running.client()
    assert client.connected
    ups = [text for text in running.said if "is up" in text]
    assert len(ups) == 1
    assert f"process {client.gateway_pid}" in ups[0]
    assert "Traceback" not in running.errors()
    client.disconnect()


def test_there_is_room_for_a_number_of_clients(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        client = running.client()
        strangers = [connect(running) for _ in range(15)]
        with pytest.raises(GatewayLinkError, match="refused: 16 clients are connected"):
            GatewayClient(running.folder).initialize()
        for sock in strangers:
            sock.close()
        running.client().disconnect()
        assert client.connected
        client.disconnect()


def test_a_client_that_does_not_read_is_disconnected(running: Gateway, client: GatewayClient) -> None:
    sock, link = enter(running)
    for number in range(1, 200_000):
        try:
            link.send(pack({"id": number, "do": "counters"}))
        except GatewayLinkError:
            break
    else:
        pytest.fail("answers pile up in the gateway")
    sock.close()
    assert client.connected
    assert client.counters()


# -- the ring --------------------------------------------------------------------------------------------------


def test_a_lap_of_the_ring_is_counted_and_announced(tmp_path: Path) -> None:
    with gateway(tmp_path, "--capacity", "1024", speed='"max"', more="duration_s = 7200.0\n") as running:
        client = running.client()
        client.subscribe_ticker("WDOX26", books="both")
        reader = client.reader()
        until(lambda: reader.behind > 4096)
        events, lost = until(lambda: (part := reader.read())[1] and part)  # a gap may come first
        assert lost > 1000
        assert len(events) <= 1024
        assert client.lost == lost
        assert f"{lost} events were overtaken" in " ".join(
            n.text for n in client.take_news() if n.kind == "lost"
        )
        assert client.counters()["lost"] == lost
        client.disconnect()


def test_a_second_gateway_in_the_same_folder_is_refused(running: Gateway, tmp_path: Path) -> None:
    with gateway(tmp_path, "--folder", str(running.folder)) as second:
        assert second.wait() == 1
        assert "the gateway cannot run" in " ".join(second.said)
        assert "has a producer already" in " ".join(second.said)
    running.client().disconnect()


def test_a_client_is_a_source_of_events(running: Gateway, client: GatewayClient) -> None:
    """What records and trades takes it in place of a session."""
    whole: Any = client
    source = VendorSource(whole, [instrument("WDOX26")])
    kinds: set[int] = set()
    until(lambda: kinds.update(source.read(1 << 16)["kind"]) or Kind.TRADE in kinds)
    assert Kind.ORDER in kinds
    assert source.counters()["trades"] > 0
    source.close()
    assert not client.connected


def test_without_orders_every_order_is_refused(tmp_path: Path) -> None:
    with gateway(tmp_path) as running:
        client = running.client()
        with pytest.raises(OrderRefusedError, match="start it with --orders"):
            RemoteOrderGateway(client, "WDOX26", 0.5)
        client.disconnect()


def test_a_ring_of_another_capacity_is_named_and_not_tried_again(tmp_path: Path) -> None:
    with gateway(tmp_path, "--capacity", "1024") as running:
        running.client().disconnect()
    with gateway(tmp_path, "--capacity", "2048") as running:
        assert running.wait() == 1
        assert "market.ring" in " ".join(running.said)
        assert "started again" not in " ".join(running.said)
