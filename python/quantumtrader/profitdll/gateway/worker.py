"""The process that has the vendor's library in it: one session, one ring, one socket.

It ends when its supervisor does, or tells it to: the supervisor's end of a pipe is its lifeline.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
import time
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from quantumtrader.clock import LiveClock
from quantumtrader.exceptions import (
    ConfigError,
    DataError,
    EngineError,
    ProfitLibraryError,
    QuantumTraderError,
    SessionError,
)
from quantumtrader.profitdll.connection import ConnectionPhase, Transition
from quantumtrader.profitdll.credentials import Credentials, load_credentials
from quantumtrader.profitdll.gateway.folder import GatewayFolder
from quantumtrader.profitdll.gateway.frames import Message, pack
from quantumtrader.profitdll.gateway.market_door import MarketDoor
from quantumtrader.profitdll.gateway.order_door import ClientLost, OrderDoor
from quantumtrader.profitdll.gateway.protocol import report_to
from quantumtrader.profitdll.gateway.server import BEAT_S, GatewayServer
from quantumtrader.profitdll.polling import News
from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions

__all__ = ["FATAL", "GatewayOptions", "GatewayProcess", "work"]

_log = logging.getLogger(__name__)

FATAL = 3
"""Exit code of an end that a restart would only repeat, such as a refused login."""
_POLL_S = 0.002
_SWITCH_S = 0.0002
"""An order that arrives while the session is polled waits no longer than this for the interpreter."""


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What a gateway does; without secrets, which its process reads for itself.

    Parameters
    ----------
    folder : Path
        Where it meets its clients.
    dll_path : Path, optional
        The vendor's library; None takes the simulator.
    session : SessionOptions
        Of the session; its ``ring`` is the folder's.
    orders : bool
        Whether clients may order.
    account : str
        ``BROKER:ACCOUNT``; empty for the login's only one.
    on_client_lost : ClientLost
        What happens to working orders without a client.
    client_grace_s : float
        Seconds that a lost client has to come back.
    transport : str
        ``unix``, ``tcp``, or ``auto``: Unix where the system has it.
    """

    folder: Path
    dll_path: Path | None = None
    session: SessionOptions = field(default_factory=SessionOptions)
    orders: bool = False
    account: str = ""
    on_client_lost: ClientLost = ClientLost.KEEP
    client_grace_s: float = 10.0
    transport: str = "auto"

    def __post_init__(self) -> None:
        if self.transport not in ("auto", "unix", "tcp"):
            raise ConfigError(f"transport is {self.transport!r}, expected auto, unix or tcp")
        if not self.client_grace_s >= 0:
            raise ConfigError(f"client_grace_s is {self.client_grace_s}, expected 0 or more")


class GatewayProcess:
    """The session and its server, driven by :meth:`turn`.

    Parameters
    ----------
    options : GatewayOptions
        What it does.
    restarted : bool
        After a crash: the tickers from before are subscribed again.
    """

    def __init__(self, options: GatewayOptions, *, restarted: bool = False) -> None:
        self.options = options
        self.life = secrets.token_hex(8)
        folder = GatewayFolder(options.folder)
        folder.prepare()
        continued = folder.ring.exists()
        if continued:
            folder.check(folder.ring)
        self._secrets = load_credentials()
        self.session = _open(options, folder, self._secrets)
        self._told: list[News] = []
        try:
            self.market = MarketDoor(self.session, folder, continued=continued)
            self.orders = OrderDoor(
                self.session,
                folder,
                routing=options.orders,
                account=options.account,
                # The simulator takes any trading password, but not none.
                signature=self._secrets.signature
                or ("simulator" if self.session.library.is_simulator else ""),
                on_lost=options.on_client_lost,
                grace_s=options.client_grace_s,
                tell=self._tell,
            )
            self._mark = self.session.reader()
            self._mark.skip_to_end()
            self.market.restore(ask=restarted)
            if restarted:
                self.orders.restore()
            self.session.on("state", self._on_state)
            self.session.on("message", self._on_message)
            unix = options.transport != "tcp" and hasattr(socket, "AF_UNIX")
            self.server = GatewayServer(
                folder,
                self.market,
                self.orders,
                self._welcome,
                life=self.life,
                transport="unix" if unix else "tcp",
            )
        except BaseException:
            self.session.disconnect()
            raise
        self._beat_due = 0.0

    def turn(self) -> bool:
        """Do what is due; returns whether a heartbeat was."""
        try:
            self.session.poll()
        except Exception as error:  # the session must go on, and say so
            _log.exception("polling the session failed")
            self._tell("trouble", f"polling the session failed: {type(error).__name__}: {error}")
        holder, reports = self.orders.take_reports()
        self.orders.keep()
        if reports:
            holder.post(
                pack({"push": "reports", "reports": [{"desk": d, **report_to(r)} for d, r in reports]})
            )
        told, self._told = self._told, []
        for news in (*self.session.take_news(), *told):
            _log.info("%s: %s", news.kind, news.text)
            self.server.publish("news", ts=news.ts, kind=news.kind, text=news.text)
        now = time.monotonic()
        if now < self._beat_due:
            return False
        self._beat_due = now + BEAT_S
        self.server.publish("beat", **self._state())
        self.orders.look_after_orders()
        return True

    def close(self) -> None:
        """End the session in order."""
        self.server.close()
        self.session.disconnect()

    def _state(self) -> Message:
        connection = self.session.connection
        # Later than the head: a client that sees less in its ring has another ring.
        return {
            "phase": connection.phase.value,
            "numbers": {str(kind): result for kind, result in connection.numbers.items()},
            "silence": self.session.silence,
            "head": self._mark.position + self._mark.behind,  # type: ignore[attr-defined]
        }

    def _welcome(self) -> Message:
        return {
            "life": self.life,
            "pid": os.getpid(),
            "orders": self.options.orders,
            "simulator": self.session.library.is_simulator,
            **self._state(),
        }

    def _on_state(self, transition: Transition) -> None:
        self.server.publish(
            "state",
            ts=transition.ts,
            kind=transition.kind,
            result=transition.result,
            before=transition.before.value,
            after=transition.after.value,
            routing=transition.routing,
            regained=transition.regained,
            text=transition.text,
        )

    def _on_message(self, message: tuple[Any, ...]) -> None:
        if message[0] != "state":
            self.server.publish("message", message=list(message))

    def _tell(self, kind: str, text: str) -> None:
        self._told.append(News(LiveClock().now_ns(), kind, self._secrets.redact(text)))


def _open(options: GatewayOptions, folder: GatewayFolder, secret: Credentials) -> ConnectionManagerV4:
    if options.dll_path is not None:
        secret.require("username", "activation_key", "password")
    session = ConnectionManagerV4(options.dll_path, replace(options.session, ring=folder.ring), native=True)
    try:
        try:
            session.initialize(
                secret.activation_key, secret.username, secret.password, routing=options.orders, wait=False
            )
        except SessionError as error:
            raise _RefusedError(str(error)) from error
        session.connect()
    except SessionError as error:
        phase = session.connection.phase
        if isinstance(error, _RefusedError) or phase is ConnectionPhase.REFUSED:
            session.disconnect()
            raise _RefusedError(str(error)) from error
        if not (phase.usable or phase is ConnectionPhase.WAITING):
            session.disconnect()
            raise
        _log.warning("%s", error)  # market or broker may come while clients wait for them
    except BaseException:
        session.disconnect()
        raise
    return session


class _RefusedError(SessionError):
    """The vendor said no: asking again could block the login."""


def work(options: GatewayOptions, lifeline: Connection, restarted: bool) -> None:
    """Run until the lifeline says so; exits with :data:`FATAL` when starting again makes no sense."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells every process; the supervisor decides
    sys.setswitchinterval(_SWITCH_S)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s gateway[%(process)d] %(message)s")
    try:
        gateway = GatewayProcess(options, restarted=restarted)
    except (ConfigError, DataError, EngineError, ProfitLibraryError, _RefusedError) as error:
        lifeline.send(("failed", str(error)))
        sys.exit(FATAL)
    except QuantumTraderError as error:
        lifeline.send(("failed", str(error)))
        sys.exit(1)
    try:
        lifeline.send(("up", gateway.life))
        while True:
            beat = gateway.turn()
            if beat:
                lifeline.send(("beat", ""))
                if lifeline.poll():
                    break
            time.sleep(_POLL_S)
    except (EOFError, OSError):
        _log.info("the supervisor closed the lifeline: ending")
    finally:
        gateway.close()
