"""The gateway's socket: lets clients in, answers their requests, tells all of them the news.

Every connection has two threads: one reads and answers at once (an order goes from the socket to the vendor's function on
it), one sends what comes unasked. A client that breaks the rules, does not read, or falls silent loses its connection;
nothing that it sends reaches the others.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from quantumtrader.exceptions import GatewayLinkError, QuantumTraderError
from quantumtrader.profitdll.gateway.folder import Endpoint, GatewayFolder
from quantumtrader.profitdll.gateway.frames import MAX_REQUEST, FrameSocket, Message, PeerGoneError, pack
from quantumtrader.profitdll.gateway.handshake import Peer, admit, greet
from quantumtrader.profitdll.gateway.market_door import MarketDoor
from quantumtrader.profitdll.gateway.order_door import OrderDoor
from quantumtrader.profitdll.gateway.protocol import REQUESTS, error_to, parse_request

__all__ = ["BEAT_S", "GatewayServer"]

_log = logging.getLogger(__name__)

BEAT_S = 0.2
"""Seconds between two heartbeats, in both directions."""
_CLIENT_SILENCE_S = 5.0
"""A client may be busy for so long; its orders are at the exchange anyway."""
_CONNECTIONS = 16
_OUTBOX = 20_000
_ORDER_SIDE = frozenset(
    name for name in REQUESTS if name in ("open_desk", "release") or "desk" in REQUESTS[name]
)


class GatewayServer:
    """Listens, and knows every connection.

    Parameters
    ----------
    folder : GatewayFolder
        Prepared.
    market : MarketDoor
        Answers what sends no order.
    orders : OrderDoor
        Answers the rest.
    welcome : callable
        What a client is told when it is let in.
    transport : str
        ``unix`` or ``tcp``.
    """

    def __init__(
        self,
        folder: GatewayFolder,
        market: MarketDoor,
        orders: OrderDoor,
        welcome: Callable[[], Message],
        *,
        life: str,
        transport: str,
    ) -> None:
        self.folder, self.market, self.orders, self.welcome = folder, market, orders, welcome
        self.refused = 0
        """Connections that ended because the client broke the rules."""
        self._connections: list[_Connection] = []
        self._lock = threading.Lock()
        self._token = folder.new_token()
        self._listener = _listen(folder, transport)
        port = self._listener.getsockname()[1] if transport == "tcp" else 0
        folder.write_endpoint(Endpoint(os.getpid(), life, transport, port))
        self._thread = threading.Thread(target=self._accept, name="gateway-accept", daemon=True)
        self._thread.start()

    @property
    def clients(self) -> list[str]:
        """Who is connected."""
        with self._lock:
            return [str(c.peer) for c in self._connections if c.peer is not None]

    def publish(self, push: str, /, **fields: Any) -> None:
        """Tell every client."""
        frame = pack({"push": push, **fields})
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.post(frame)

    def close(self) -> None:
        """End every connection and stop listening."""
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.end()
        self.folder.leave()

    def enrol(self, connection: _Connection) -> None:
        """A client is in; an older connection of the same one is replaced."""
        with self._lock:
            older = [
                c
                for c in self._connections
                if c is not connection
                and c.peer
                and connection.peer
                and c.peer.client == connection.peer.client
            ]
        for other in older:
            other.end()
            self.orders.ended(other)

    def strike(self, connection: _Connection) -> None:
        """A connection has ended."""
        with self._lock:
            if connection in self._connections:
                self._connections.remove(connection)
        if connection.peer is not None:
            self.orders.ended(connection)
            if not any(c.peer and c.peer.client == connection.peer.client for c in self._connections):
                self.market.forget(connection.peer.client)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return  # closed
            connection = _Connection(self, sock, self._token)
            with self._lock:
                full = len(self._connections) >= _CONNECTIONS
                if not full:
                    self._connections.append(connection)
            if full:
                connection.refuse(f"{_CONNECTIONS} clients are connected, which is all that there may be")
            elif not _same_user(sock):
                connection.refuse("another user's process")
                self.strike(connection)
            else:
                connection.start()


class _Connection:
    def __init__(self, server: GatewayServer, sock: socket.socket, token: bytes) -> None:
        self._server, self._token = server, token
        self._link = FrameSocket(sock, MAX_REQUEST)
        self._outbox: queue.Queue[bytes | None] = queue.Queue(_OUTBOX)
        self.peer: Peer | None = None
        self.alive = True

    def start(self) -> None:
        threading.Thread(target=self._run, name="gateway-client", daemon=True).start()

    def post(self, frame: bytes) -> None:
        """Send something when the client is ready for it; one that reads too slowly is disconnected."""
        if self.peer is None or not self.alive:
            return
        try:
            self._outbox.put_nowait(frame)
        except queue.Full:
            _log.warning("%s does not read: disconnected", self.peer)
            self.end()

    def refuse(self, why: str) -> None:
        """Say why, and end."""
        _log.warning("a connection was refused: %s", why)
        self._server.refused += 1
        with contextlib.suppress(GatewayLinkError):
            self._link.send(pack({"error": why}))
        self.end()

    def end(self) -> None:
        self.alive = False
        self._link.close()
        with contextlib.suppress(queue.Full):
            self._outbox.put_nowait(None)

    def _run(self) -> None:
        try:
            self.peer = greet(self._link, self._token)
            self._server.enrol(self)
            admit(self._link, self.peer, **self._server.welcome())
            threading.Thread(target=self._write, name="gateway-push", daemon=True).start()
            _log.info("%s is connected", self.peer)
            while self.alive:
                message, payload = self._link.receive(_CLIENT_SILENCE_S)
                if message != {"beat": 1} or payload:
                    self._take(message, payload)
        except PeerGoneError as error:
            if self.peer is not None and self.alive:
                _log.info("%s is gone: %s", self.peer, error)
        except GatewayLinkError as error:
            if self.alive:
                self.refuse(str(error))
        except Exception:  # one client's trouble must not become everybody's
            _log.exception("a connection failed")
            self.refuse("the gateway failed on this connection; its log says how")
        finally:
            self.end()
            self._server.strike(self)

    def _take(self, message: Message, payload: bytes) -> None:
        if payload:
            raise GatewayLinkError(f"a request with {len(payload)} raw bytes, expected none")
        request = parse_request(message)
        assert self.peer is not None  # greet came first
        answer: Message
        raw = b""
        try:
            if request.do in _ORDER_SIDE:
                answer = self._server.orders.carry_out(self, self.peer, request)
            else:
                done, raw = self._server.market.carry_out(self.peer.client, request.do, request.fields)
                answer = {"answer": done}
        except QuantumTraderError as error:
            answer = {"error": error_to(error)}
        self._link.send(pack({"id": request.id, **answer}, raw))

    def _write(self) -> None:
        while self.alive:
            frames = [self._outbox.get()]
            with contextlib.suppress(queue.Empty):
                while len(frames) < 256:
                    frames.append(self._outbox.get_nowait())
            try:
                self._link.send(b"".join(f for f in frames if f is not None))
            except GatewayLinkError:
                self.end()


def _listen(folder: GatewayFolder, transport: str) -> socket.socket:
    if transport == "tcp":
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: nobody else may take the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        listener.bind(("127.0.0.1", 0))
    else:
        path = folder.socket_path()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # of a gateway that crashed: the ring's lock says that none is running
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
    listener.listen(_CONNECTIONS)
    return listener


def _same_user(sock: socket.socket) -> bool:
    """Whether the peer of a Unix socket is ours; the folder's mode says so already, where the system cannot tell."""
    if not hasattr(socket, "SO_PEERCRED") or sock.family != socket.AF_UNIX:
        return True
    layout = struct.Struct("3i")
    _, uid, _ = layout.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, layout.size))
    return bool(uid == os.getuid())
