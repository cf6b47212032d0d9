"""The session as a client of the gateway sees it: the doors of ``ConnectionManagerV4``, without the library."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from quantumtrader.clock import Clock
from quantumtrader.exceptions import (
    ConfigError,
    EngineError,
    GatewayLinkError,
    QuantumTraderError,
    SessionError,
)
from quantumtrader.gateway import OrderGateway
from quantumtrader.profitdll.codes import Connection
from quantumtrader.profitdll.connection import ConnectionPhase, Transition
from quantumtrader.profitdll.gateway.folder import default_folder
from quantumtrader.profitdll.gateway.frames import Message
from quantumtrader.profitdll.gateway.link import GatewayLink, LinkOptions
from quantumtrader.profitdll.gateway.reader import RingFile, RingFollower
from quantumtrader.profitdll.polling import News, PolledSession
from quantumtrader.profitdll.subscriptions import Books, Subscription, contract_of, tick_size_of
from quantumtrader.types import EVENT, Events

if TYPE_CHECKING:
    from quantumtrader.profitdll.gateway.orders import RemoteOrderGateway

__all__ = ["GatewayClient"]

_log = logging.getLogger(__name__)

_INBOX = 65_536
_READ = 1 << 14


@dataclass(slots=True)
class _Wanted:
    given: Subscription
    tick_size: float | None


class GatewayClient(PolledSession):
    """Connects to a gateway in another process, and stays connected.

    Parameters
    ----------
    folder : path-like, optional
        Where the gateway is.
    name : str
        Of this client, for people: letters, digits, and ``. : @ / - _``.
    options : LinkOptions, optional
        Patience.
    clock : Clock, optional
        Stamps what this side notices by itself.

    Attributes
    ----------
    connection : ConnectionState
        What the library last said; lost while the gateway is gone.
    subscriptions : dict of str to Subscription
        Of this client, by ticker.
    lost : int
        Events that a reader of this client did not get: they were overtaken in the ring.
    simulator : bool
        Whether the gateway's library is the simulator.
    order_gateway : OrderGateway or None
        What :meth:`route_orders` made.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        name: str = "client",
        options: LinkOptions | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock)
        self.link = GatewayLink(
            Path(folder or default_folder()),
            name,
            options or LinkOptions(),
            on_up=self._on_up,
            on_down=self._on_down,
            on_push=self._on_push,
        )
        self.lost = 0
        self.gateway_pid = 0
        self.simulator = False
        self._wanted: dict[str, _Wanted] = {}
        self._ring = RingFile(self.link.folder)
        self._reader: RingFollower | None = None
        self._desks: list[RemoteOrderGateway] = []
        self._inbox: deque[tuple[str, Any]] = deque(maxlen=_INBOX)
        self._history: list[Events] = []
        self._history_state: Message = {}
        self._life = ""
        self._silence = ""

    # -- connection --------------------------------------------------------------------------------------------

    def initialize(self) -> bool:
        """Connect to the gateway, which has the credentials; raises ``SessionError`` or ``ConfigError``."""
        try:
            from quantumtrader import _core  # noqa: F401
        except ImportError as error:
            raise EngineError(
                f"the gateway's ring is part of the Rust engine, which cannot be loaded: {error}"
            ) from error
        self.link.open()
        return True

    @property
    def connected(self) -> bool:
        """Whether market data arrive: the gateway is there, and its session is connected."""
        return self.link.up and self.connection.phase.usable

    def disconnect(self) -> None:
        """Leave the gateway, which goes on. Orders stay where they are; the right to order is given back."""
        self.stop()
        if self._desks and self.link.up:
            try:
                self.link.call("release")
            except SessionError as error:
                _log.warning("giving the right to order back: %s", error)
        self.link.close()
        self.connection.close()

    def poll(self) -> int:
        """Call the hooks for what came; returns the number of market events seen by them."""
        with self._lock:
            full = len(self._inbox) == _INBOX
            while self._inbox:
                kind, value = self._inbox.popleft()
                self._call(kind, value)
            if full:
                self._tell("lost", "control messages were lost: poll more often")
            return self._take_events() if self._wants_events else 0

    @property
    def silence(self) -> str:
        """Since when nothing comes although the market is on, as the gateway's session says; empty while it does not."""
        return self._silence if self.link.up else ""

    # -- market ------------------------------------------------------------------------------------------------

    @property
    def feed(self) -> Self:
        """Where :meth:`counters` and :meth:`reader` are, as on a session."""
        return self

    def reader(self) -> RingFollower:
        """Return a reader of the live events with a cursor of its own; it starts where this client came in."""
        if self._ring.ring is None:
            raise SessionError("there is no gateway yet: call initialize first")
        return RingFollower(
            self._ring, lambda: [w.given.index for w in list(self._wanted.values())], self._on_lost
        )

    def subscribe_ticker(
        self,
        ticker: str,
        *,
        exchange: str | None = None,
        books: Books | str = Books.OFFERS,
        tick_size: float | None = None,
    ) -> bool:
        """Ask for a ticker's trades and books; after a crash of the gateway it is asked for again.

        Where the ticker is there already, its books are sent anew, unless another client depends on them: then they
        are void for this client until their next full image, and the news say so.

        Parameters
        ----------
        ticker, exchange, books, tick_size
            As on a session.

        Returns
        -------
        bool
            True; what fails raises.
        """
        name = ticker.strip().upper()
        if name not in self._wanted:
            wanted = _Wanted(Subscription(name, exchange or "", -1, Books(books)), tick_size)
            self._subscribe(wanted, image=True)
            self._wanted[name] = wanted
            self.subscriptions[name] = wanted.given
        return True

    def unsubscribe_ticker(self, ticker: str) -> bool:
        """Give a ticker up; the gateway keeps it while another client wants it."""
        name = ticker.strip().upper()
        if name not in self._wanted:
            raise SessionError(f"{name} is not subscribed; there are {', '.join(self._wanted) or 'none'}")
        self.link.call("unsubscribe", ticker=name)
        del self._wanted[name], self.subscriptions[name]
        return True

    def counters(self) -> dict[str, int]:
        """What the gateway's feed counted, and what readers here lost."""
        counted: dict[str, int] = self.link.call("counters")["counters"]
        return {**counted, "lost": self.lost}

    def accounts(self) -> list[str]:
        """Accounts that the login can use."""
        return list(self.link.call("accounts")["accounts"])

    def agent_name(self, agent: int, *, short: bool = True) -> str:
        """Name of a broker; its number as text where the vendor does not know it."""
        return str(self.link.call("agent_name", agent=agent, short=short)["name"])

    def server_time_ns(self) -> int:
        """Time of the market-data server, ns UTC."""
        return int(self.link.call("server_time")["ts"])

    # -- history -----------------------------------------------------------------------------------------------

    def request_historical_data(
        self,
        ticker: str,
        start: date | datetime | str,
        end: date | datetime | str,
        *,
        exchange: str | None = None,
    ) -> int:
        """Ask for the trades of past days, as on a session; returns the number of days."""
        answer = self.link.call("history", ticker=ticker, start=_day(start), end=_day(end), exchange=exchange)
        self._history.clear()
        self._history_state = {"done": 0, "total": int(answer["days"])}
        return int(answer["days"])

    def wait_for_historical_data(self, timeout_seconds: float = 30) -> bool:
        """Wait until the requested history is complete and here; raises ``SessionError`` when it stalled."""
        if not self._history_state:
            raise SessionError("no history was requested")
        end = time.monotonic() + timeout_seconds
        while True:
            state, raw = self.link.ask("take_history")
            self._history_state = state
            if raw:
                events = np.frombuffer(raw, EVENT)
                self._history.append(events)
                self._inbox.append(("history", events))
            elif state["error"]:
                raise SessionError(state["error"])
            elif state["complete"] and not state["left"]:
                return True
            if time.monotonic() >= end:
                return False
            if not raw:
                time.sleep(0.02)

    def take_history(self) -> list[Events]:
        """Hand over the historical trades so far, in the order of their arrival."""
        taken, self._history = self._history, []
        return taken

    @property
    def history_progress(self) -> tuple[int, int]:
        """Days that are complete, and days that were asked for."""
        return self._history_state.get("done", 0), self._history_state.get("total", 0)

    # -- orders -----------------------------------------------------------------------------------------------

    def renew(self, ticker: str) -> None:
        """Ask for a ticker anew, so that its books begin with a full image; raises as :meth:`subscribe_ticker`."""
        self._subscribe(self._wanted[ticker], image=True)

    def route_orders(
        self,
        account: str,
        ticker: str,
        *,
        tick_size: float | None = None,
        day_trade: bool = True,
    ) -> OrderGateway:
        """Ask for the right to order in one contract; the gateway becomes :attr:`order_gateway`.

        Parameters
        ----------
        account : str
            ``BROKER:ACCOUNT``; empty for the gateway's.
        ticker, tick_size, day_trade
            As on a session. The trading password is the gateway's.

        Raises
        ------
        OrderRefusedError
            The gateway takes no orders, or another client has the right.
        """
        from quantumtrader.profitdll.gateway.orders import RemoteOrderGateway

        ticker = contract_of(ticker)
        tick = tick_size_of(ticker) if tick_size is None else tick_size
        self.order_gateway = RemoteOrderGateway(self, ticker, tick, account=account, day_trade=day_trade)
        return self.order_gateway

    def attach_desk(self, desk: RemoteOrderGateway) -> None:
        """Ask for the right to order, for a gateway that was just made."""
        if any(other.key == desk.key for other in self._desks):
            raise ConfigError(f"orders in {desk.symbol} have a gateway on this client already")
        self._desks.append(desk)  # first: its reports may come at once
        try:
            desk.open()
        except BaseException:
            self._desks.remove(desk)
            raise

    # -- on the receiving thread -------------------------------------------------------------------------------

    def _on_up(self, welcome: Message) -> None:
        self._ring.open()
        first, again = not self._life, self._life == welcome["life"]
        self._life, self.gateway_pid = welcome["life"], int(welcome["pid"])
        self.simulator = bool(welcome["simulator"])
        for wanted in list(self._wanted.values()):
            try:
                # A restarted gateway has asked for everything already, and its images follow the gap.
                self._subscribe(wanted, image=again)
            except QuantumTraderError as error:
                wanted.given.invalid = True
                self._tell("connection", f"subscribing {wanted.given.ticker} again failed: {error}")
        for desk in list(self._desks):
            try:
                desk.open()
            except QuantumTraderError as error:
                desk.lose(f"the right to order was not given back: {error}")
                self._tell("connection", f"no orders in {desk.symbol}: {error}")
        before = self.connection.phase
        self._set_state(welcome)
        if not first:
            self._tell("connection", "the gateway is back" + ("" if again else ", started anew"))
            self._transition(Connection.MARKET, before, "the gateway is back")

    def _on_down(self, why: str) -> None:
        before = self.connection.phase
        self.connection.numbers.clear()  # the routing among them: no order can be sent
        self._ring.lose()
        if before.usable:
            self.connection.losses += 1
        text = f"the gateway is gone: {why}"
        for desk in self._desks:
            desk.lose(text)
        self.connection.phase = ConnectionPhase.LOST  # last: who sees it finds everybody told
        self._tell("connection", text)
        self._transition(Connection.MARKET, before, text)

    def _on_push(self, push: Message) -> None:
        match push["push"]:
            case "beat":
                self._set_state(push)
                if self._ring.head < push["head"]:
                    raise GatewayLinkError(
                        "the ring stands still while the gateway writes: it is another file"
                    )
            case "state":
                fields = {k: v for k, v in push.items() if k != "push"}
                fields["before"], fields["after"] = (ConnectionPhase(push[k]) for k in ("before", "after"))
                transition = Transition(**fields)
                self.connection.numbers[transition.kind] = transition.result
                self.connection.phase = transition.after
                self.connection.losses += transition.lost
                self._inbox.append(("state", transition))
            case "message":
                message = tuple(push["message"])
                if message[0] == "invalid_ticker" and message[2] in self.subscriptions:
                    self.subscriptions[message[2]].invalid = True
                self._inbox.append(("message", message))
            case "reports":
                for report in push["reports"]:
                    number = report.pop("desk")
                    for desk in self._desks:
                        desk.take(number, report)
            case "news":
                self._news.append(News(push["ts"], push["kind"], push["text"]))

    def _set_state(self, told: Message) -> None:
        self.connection.numbers = {int(kind): result for kind, result in told["numbers"].items()}
        self.connection.phase = ConnectionPhase(told["phase"])
        self._silence = str(told["silence"])

    def _transition(self, kind: Connection, before: ConnectionPhase, text: str) -> None:
        connection = self.connection
        result = connection.numbers.get(kind, 0)
        now = self._clock.now_ns()
        regained = before is ConnectionPhase.LOST and connection.phase.usable
        transition = Transition(
            now, kind, result, before, connection.phase, connection.routing, regained, text
        )
        self._inbox.append(("state", transition))

    def _subscribe(self, wanted: _Wanted, *, image: bool) -> None:
        given = wanted.given
        answer = self.link.call(
            "subscribe",
            ticker=given.ticker,
            exchange=given.exchange or None,
            books=given.books.value,
            tick_size=wanted.tick_size,
            image=image,
        )
        if given.index not in (-1, answer["index"]):
            raise SessionError(
                f"{given.ticker} was instrument {given.index} and is {answer['index']} now: start this client again"
            )
        given.index, given.exchange, given.invalid = answer["index"], answer["exchange"], answer["invalid"]
        if image and not answer["image"]:
            self._tell(
                "connection",
                f"the books of {given.ticker} are void until their next full image: another client depends on them",
            )

    def _on_lost(self, count: int) -> None:
        self.lost += count
        self._tell("lost", f"{count} events were overtaken in the ring before this client read them")

    def _take_events(self) -> int:
        if self._reader is None:
            self._reader = self.reader()
        seen = 0
        while True:
            events, _ = self._reader.read(_READ)
            if len(events) == 0:
                return seen
            seen += len(events)
            for wanted in list(self._wanted.values()):
                own = events[events["instrument"] == wanted.given.index]
                self._call_for_events(wanted.given.ticker, own)


def _day(value: date | datetime | str) -> str:
    if isinstance(value, datetime):
        value = value.date()
    return value.isoformat() if isinstance(value, date) else value
