"""Frames on a socket: two lengths, a JSON object, and raw bytes where there are event records.

::

    u32 length of the JSON | u32 length of the bytes (network order) | JSON object, UTF-8 | bytes

A frame is taken whole or refused: too long, no JSON, not an object, nested too deep, not a finite number, or cut short.
"""

from __future__ import annotations

import contextlib
import json
import math
import select
import socket
import struct
import threading
import time
from typing import Any, NoReturn

from quantumtrader.exceptions import GatewayLinkError

__all__ = ["MAX_REPLY", "MAX_REQUEST", "FrameSocket", "Message", "PeerGoneError", "pack"]

Message = dict[str, Any]

MAX_REQUEST = 1 << 16
"""Bytes of a frame that a gateway takes."""
MAX_REPLY = 1 << 24
"""Bytes of a frame that a client takes: the largest are lists of orders, and history in pieces."""

_HEAD = struct.Struct("!II")
_FRAME_S = 2.0
"""Seconds in which a frame that has begun must be complete."""


class PeerGoneError(GatewayLinkError):
    """The other side closed the connection, or is silent: no rule was broken."""


def pack(message: Message, payload: bytes = b"") -> bytes:
    """Make a frame. Numbers that are not finite become null."""
    try:
        text = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        text = json.dumps(_finite(message), allow_nan=False, separators=(",", ":")).encode()
    return _HEAD.pack(len(text), len(payload)) + text + payload


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)


class FrameSocket:
    """A connected socket that sends and receives frames. Any thread may send; one receives.

    Parameters
    ----------
    sock : socket
        Connected; owned from now on.
    largest : int
        Bytes of a frame that is taken.
    send_timeout_s : float
        Seconds after which a peer that takes nothing counts as gone.
    """

    def __init__(self, sock: socket.socket, largest: int, send_timeout_s: float = 2.0) -> None:
        self._socket = sock
        self._largest = largest
        self._lock = threading.Lock()
        self._held = bytearray()
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(send_timeout_s)

    def send(self, frame: bytes) -> None:
        """Send what :func:`pack` made.

        Raises
        ------
        GatewayLinkError
            The peer is gone, or does not read.
        """
        try:
            with self._lock:
                self._socket.sendall(frame)
        except OSError as error:
            raise PeerGoneError(f"sending failed: {error.strerror or error}") from error

    def receive(self, silence_s: float) -> tuple[Message, bytes]:
        """Wait for the next frame.

        Parameters
        ----------
        silence_s : float
            Seconds without a single byte after which the peer counts as gone.

        Raises
        ------
        GatewayLinkError
            The peer closed, is silent, or sent something that is no frame.
        """
        self._fill(_HEAD.size, silence_s)
        text_size, payload_size = _HEAD.unpack_from(self._held)
        size = _HEAD.size + text_size + payload_size
        if size > self._largest:
            raise GatewayLinkError(f"a frame of {size} bytes, at most {self._largest} are taken")
        self._fill(size, _FRAME_S)
        text = bytes(self._held[_HEAD.size : _HEAD.size + text_size])
        payload = bytes(self._held[_HEAD.size + text_size : size])
        del self._held[:size]
        try:
            message = _decoder.decode(text.decode())
        except (ValueError, RecursionError) as error:
            raise GatewayLinkError(f"a frame that is no JSON: {error}") from error
        if not isinstance(message, dict):
            raise GatewayLinkError(f"a frame with a JSON {type(message).__name__}, expected an object")
        return message, payload

    def _fill(self, size: int, patience_s: float) -> None:
        end = time.monotonic() + patience_s
        while len(self._held) < size:
            try:
                # The patience is the socket's own, so that a sender on another thread is not cut short by it.
                piece = self._wait(max(end - time.monotonic(), 0.0), size)
            except (OSError, ValueError) as error:  # the second when the socket was closed on this side
                raise PeerGoneError(f"receiving failed: {error}") from error
            if piece is None:
                if self._held:
                    raise GatewayLinkError(f"a frame that was not complete after {patience_s:g} s")
                raise PeerGoneError(f"the peer sent nothing for {patience_s:g} s")
            if not piece and self._held:
                raise GatewayLinkError("the peer closed the connection in the middle of a frame")
            if not piece:
                raise PeerGoneError("the peer closed the connection")
            self._held += piece

    def _wait(self, seconds: float, size: int) -> bytes | None:
        if not _readable(self._socket, seconds):
            return None
        return self._socket.recv(max(min(size - len(self._held), 1 << 18), 4096))

    def close(self) -> None:
        """End the connection; a thread that receives wakes up."""
        with contextlib.suppress(OSError):  # the peer may have been first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _readable(sock: socket.socket, seconds: float) -> bool:
    if not hasattr(select, "poll"):  # Windows, where descriptors of any size can be selected
        return bool(select.select([sock], [], [], seconds)[0])
    waiter = select.poll()
    waiter.register(sock, select.POLLIN)
    return bool(waiter.poll(seconds * 1000))
