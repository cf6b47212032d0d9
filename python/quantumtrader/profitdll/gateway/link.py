"""A client's end of the socket: requests, heartbeats, and coming back after the gateway was away.

One thread receives everything. It notices within a second that the gateway is gone: at once when the socket closes, else
when the heartbeats stop. Then every request that waits fails, the owner is told, and the thread tries to come back until
it is closed.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from quantumtrader.exceptions import ConfigError, GatewayLinkError, SessionError
from quantumtrader.profitdll.gateway.folder import GatewayFolder
from quantumtrader.profitdll.gateway.frames import MAX_REPLY, FrameSocket, Message, pack
from quantumtrader.profitdll.gateway.handshake import enter
from quantumtrader.profitdll.gateway.protocol import error_from
from quantumtrader.profitdll.gateway.server import BEAT_S

__all__ = ["GatewayLink", "LinkOptions"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Patience of a client.

    Parameters
    ----------
    silence_s : float
        Seconds without a heartbeat after which the gateway counts as gone.
    request_timeout_s : float
        Seconds until a request without an answer fails.
    resume_s : float
        Seconds that a request which acts waits for the link to come back, to ask what became of it.
    first_s, longest_s : float
        Pause before the first attempt to come back, and the longest; each doubles the one before.
    """

    silence_s: float = 0.8
    request_timeout_s: float = 15.0
    resume_s: float = 1.0
    first_s: float = 0.05
    longest_s: float = 1.0

    def __post_init__(self) -> None:
        if not self.silence_s > 2 * BEAT_S:
            raise ConfigError(
                f"silence_s is {self.silence_s}, expected more than two heartbeats ({2 * BEAT_S:g} s)"
            )


class _Waiting:
    """A request without an answer yet."""

    def __init__(self, frame: Message) -> None:
        self.frame = frame
        self.event = threading.Event()
        self.answer: Message | None = None
        self.payload = b""
        self.life = ""


class GatewayLink:
    """The connection.

    Parameters
    ----------
    folder : Path
        Where the gateway is.
    name : str
        Of this client, for people.
    options : LinkOptions
        Patience.
    on_up : callable
        Called on the receiving thread with what the gateway told, before the link counts as up; may make requests with
        :meth:`call`. What it raises ends the attempt.
    on_down : callable
        Called on the receiving thread with the reason.
    on_push : callable
        Called on the receiving thread with what came unasked.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        options: LinkOptions,
        *,
        on_up: Callable[[Message], None],
        on_down: Callable[[str], None],
        on_push: Callable[[Message], None],
    ) -> None:
        self.folder = GatewayFolder(folder)
        self.options = options
        self.client = secrets.token_hex(16)
        self.name = name
        self.up = False
        self.life = ""
        """Of the gateway that was reached last."""
        self._on_up, self._on_down, self._on_push = on_up, on_down, on_push
        self._socket: FrameSocket | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._beat_due = 0.0

    def open(self) -> None:
        """Connect, or raise; from then on the link comes back by itself.

        Raises
        ------
        ConfigError
            The folder can be opened by others.
        SessionError
            No gateway runs there.
        GatewayLinkError
            It refused this client.
        """
        if self._thread is not None:
            raise SessionError("this client was opened before")
        self._connect()
        self._thread = threading.Thread(target=self._run, name="gateway-link", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the link."""
        self._stop.set()
        self.up = False
        if (link := self._socket) is not None:
            link.close()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def call(self, do: str, *, life: str | None = None, **fields: object) -> Message:
        """Ask and wait for the answer; see :meth:`ask`."""
        return self.ask(do, life=life, **fields)[0]

    def ask(self, do: str, *, life: str | None = None, **fields: object) -> tuple[Message, bytes]:
        """Ask and wait for answer and raw bytes.

        A request of the order side (one with ``again``) whose connection is lost is asked for again, once the link is back
        and the gateway is still the same: it answers what came of the first time, and carries nothing out twice.

        Parameters
        ----------
        do : str
            Name of the request.
        life : str, optional
            Life of the gateway that the request is for; it is not sent to another one.
        **fields
            Of the request.

        Raises
        ------
        SessionError
            There is no link, or to another life only: nothing was sent.
        GatewayLinkError
            There is no answer: whether it was carried out is not known.
        QuantumTraderError
            What the gateway answered.
        """
        waiting = _Waiting({"id": next(self._ids), "do": do, **fields})
        end = time.monotonic() + self.options.request_timeout_s
        answer, payload = self._once(waiting, end, life)
        if answer is None and "again" in fields:
            answer, payload = self._again(waiting, end)
        if answer is None:
            raise GatewayLinkError(
                f"{do}: the gateway gave no answer; whether it was carried out is not known"
            )
        if "error" in answer:
            raise error_from(answer["error"])
        found = answer.get("answer")
        if not isinstance(found, dict):
            raise GatewayLinkError(f"{do}: an answer without content")
        return found, payload

    def _once(self, waiting: _Waiting, end: float, life: str | None) -> tuple[Message | None, bytes]:
        link, inside = self._socket, self._thread in (None, threading.current_thread())
        if link is None or not (self.up or inside):
            raise SessionError(f"{waiting.frame['do']}: the gateway is gone; nothing was sent")
        if life is not None and self.life != life:
            raise SessionError(f"{waiting.frame['do']}: the gateway was started anew; nothing was sent")
        number = int(waiting.frame["id"])
        frame = pack(waiting.frame)
        with self._lock:
            waiting.event.clear()
            waiting.life = self.life
            self._waiting[number] = waiting
        try:
            link.send(frame)
            if inside:  # this is the receiving thread
                while not waiting.event.is_set() and time.monotonic() < end:
                    self._take(link)
            else:
                waiting.event.wait(max(end - time.monotonic(), 0.0))
        except GatewayLinkError as error:
            if inside:
                raise
            _log.warning("%s: %s", waiting.frame["do"], error)
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        return waiting.answer, waiting.payload

    def _again(self, waiting: _Waiting, end: float) -> tuple[Message | None, bytes]:
        life, patience = waiting.life, time.monotonic() + self.options.resume_s
        while not self.up and self.life == life and time.monotonic() < patience:
            if self._stop.wait(0.005):
                break
        if not self.up or self.life != life:
            return None, b""  # another process: it does not know what became of it
        waiting.frame["again"] = True
        try:
            return self._once(waiting, max(end, time.monotonic() + self.options.resume_s), life)
        except SessionError:
            return None, b""

    def _connect(self) -> None:
        """Make one attempt."""
        self.folder.check(self.folder.path)
        endpoint = self.folder.read_endpoint()
        token = self.folder.read_token()
        if endpoint.transport == "unix":
            self.folder.check(self.folder.socket)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            address: str | tuple[str, int] = self.folder.socket_path()
        else:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            address = ("127.0.0.1", endpoint.port)
        sock.settimeout(2.0)
        try:
            sock.connect(address)
        except OSError as error:
            sock.close()
            raise GatewayLinkError(
                f"the gateway in {self.folder.path} does not answer: {error.strerror or error}"
            ) from error
        link = FrameSocket(sock, MAX_REPLY)
        try:
            welcome = enter(link, token, self.client, self.name)
            self.life = str(welcome["life"])  # before the socket: whoever has the new one sees the new life
            self._socket = link
            self._on_up(welcome)
        except BaseException:
            self._socket = None
            link.close()
            raise
        self.up = True

    def _run(self) -> None:
        pause = self.options.first_s
        while not self._stop.is_set():
            why = ""
            if self.up:
                pause = self.options.first_s
                why = self._serve()
            else:
                try:
                    self._connect()
                except (SessionError, ConfigError, OSError) as error:
                    _log.debug("%s", error)
                    self._stop.wait(pause)
                    pause = min(2 * pause, self.options.longest_s)
                continue
            self._down(why)

    def _serve(self) -> str:
        link = self._socket
        assert link is not None  # it is up
        try:
            while not self._stop.is_set():
                self._take(link)
        except GatewayLinkError as error:
            return str(error)
        except Exception as error:  # what the owner does with news must not end the link for good
            _log.exception("the link failed")
            return f"the link failed: {type(error).__name__}: {error}"
        return "closed"

    def _down(self, why: str) -> None:
        self.up = False
        link, self._socket = self._socket, None
        if link is not None:
            link.close()
        if not self._stop.is_set():
            _log.warning("the gateway is gone: %s", why)
            with contextlib.suppress(Exception):
                self._on_down(why)
        with self._lock:
            waiting = list(self._waiting.values())
        for one in waiting:
            one.event.set()

    def _take(self, link: FrameSocket) -> None:
        """Receive one frame, and keep the own heart beating."""
        now = time.monotonic()
        if now >= self._beat_due:
            self._beat_due = now + BEAT_S
            link.send(pack({"beat": 1}))
        message, payload = link.receive(self.options.silence_s)
        if "push" in message:
            self._on_push(message)
            return
        if message.get("id") is None and "error" in message:
            raise GatewayLinkError(f"the gateway ended the connection: {message['error']}")
        with self._lock:
            waiting = self._waiting.get(message.get("id", 0))
        if waiting is not None:  # else it came too late
            waiting.answer, waiting.payload = message, payload
            waiting.event.set()
