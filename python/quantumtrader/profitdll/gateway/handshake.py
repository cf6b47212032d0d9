"""The first frames of a connection: both sides prove that they can read the token, and that they speak one language.

::

    gateway → {"gateway": "quantumtrader", "protocol", "version", "nonce"}
    client  → {"protocol", "version", "nonce", "proof", "client", "name", "pid"}
    gateway → {"proof", ...}   or   {"error"}, and the connection is closed

The token itself never travels: each proof is an HMAC over both nonces. A client that is asked by somebody who does not
know the token sends nothing further, so orders cannot be collected by a stranger on the port.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from typing import Any

from quantumtrader import __version__
from quantumtrader.exceptions import GatewayLinkError
from quantumtrader.profitdll.gateway.frames import FrameSocket, Message, pack

__all__ = ["PROTOCOL", "Peer", "admit", "enter", "greet"]

PROTOCOL = 1
"""Grows with every change of the frames or the requests; both sides must have the same."""

_HANDSHAKE_S = 2.0
_NONCE = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[\w .:@/-]{1,64}")


@dataclass(frozen=True, slots=True)
class Peer:
    """A client that was let in.

    Parameters
    ----------
    client : str
        Its own random number: the same after a reconnection.
    name : str
        For people.
    pid : int
        Its process.
    answer : str
        The gateway's own proof, made for this handshake.
    """

    client: str
    name: str
    pid: int
    answer: str = ""

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


def _proof(token: bytes, who: str, *nonces: str) -> str:
    return hmac.new(token, ":".join((who, *nonces)).encode(), hashlib.sha256).hexdigest()


def _versions_differ(theirs: Message, who: str) -> str:
    """Why the two cannot talk, for whoever reads it; empty when they can."""
    protocol, version = theirs.get("protocol"), theirs.get("version")
    if protocol == PROTOCOL and version == __version__:
        return ""
    return (
        f"the {who} is quantumtrader {str(version)[:32]} with protocol {str(protocol)[:32]}, this is {__version__} with "
        f"protocol {PROTOCOL}: run both from the same installation"
    )


def greet(link: FrameSocket, token: bytes) -> Peer:
    """Gateway's side: let a client in, or raise; :func:`admit` then completes it.

    Raises
    ------
    GatewayLinkError
        Another version, a wrong token, or no handshake at all. Where it is of use, the client is told why.
    """
    nonce = secrets.token_hex(16)
    link.send(
        pack({"gateway": "quantumtrader", "protocol": PROTOCOL, "version": __version__, "nonce": nonce})
    )
    hello, _ = link.receive(_HANDSHAKE_S)
    if why := _versions_differ(hello, "client"):
        raise GatewayLinkError(why)
    theirs, proof, client, name, pid = (hello.get(k) for k in ("nonce", "proof", "client", "name", "pid"))
    if not (
        isinstance(theirs, str)
        and _NONCE.fullmatch(theirs)
        and isinstance(proof, str)
        and isinstance(client, str)
        and _NONCE.fullmatch(client)
        and isinstance(name, str)
        and _NAME.fullmatch(name)
        and type(pid) is int
    ):
        raise GatewayLinkError("the handshake is malformed: nonce, proof, client, name and pid are expected")
    expected = _proof(token, "client", nonce, theirs)
    if not hmac.compare_digest(proof.encode("utf-8", "replace"), expected.encode()):
        raise GatewayLinkError("the token is wrong: read it from the gateway's folder after it has started")

    return Peer(client, name, pid, _proof(token, "gateway", theirs, nonce))


def admit(link: FrameSocket, peer: Peer, **facts: Any) -> None:
    """Gateway's side: complete the handshake with what the client needs to know."""
    link.send(pack({"proof": peer.answer, **facts}))


def enter(link: FrameSocket, token: bytes, client: str, name: str) -> Message:
    """Client's side; returns what the gateway told.

    Raises
    ------
    GatewayLinkError
        Refused, with the gateway's reason; or the other side is no gateway that knows the token.
    """
    greeting, _ = link.receive(_HANDSHAKE_S)
    if "error" in greeting:
        raise GatewayLinkError(f"the gateway refused: {greeting['error']}")
    nonce = greeting.get("nonce")
    if (
        greeting.get("gateway") != "quantumtrader"
        or not isinstance(nonce, str)
        or not _NONCE.fullmatch(nonce)
    ):
        raise GatewayLinkError("whoever listens here is no quantumtrader gateway")
    if why := _versions_differ(greeting, "gateway"):
        raise GatewayLinkError(why)
    own = secrets.token_hex(16)
    link.send(
        pack(
            {
                "protocol": PROTOCOL,
                "version": __version__,
                "nonce": own,
                "proof": _proof(token, "client", nonce, own),
                "client": client,
                "name": name,
                "pid": os.getpid(),
            }
        )
    )
    answer, _ = link.receive(_HANDSHAKE_S)
    if "error" in answer:
        raise GatewayLinkError(f"the gateway refused: {answer['error']}")
    proof = answer.pop("proof", None)
    if not isinstance(proof, str) or not hmac.compare_digest(
        proof.encode("utf-8", "replace"), _proof(token, "gateway", own, nonce).encode()
    ):
        raise GatewayLinkError("whoever listens here does not know the token: nothing was sent to it")
    return answer
