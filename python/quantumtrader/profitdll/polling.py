"""What every session has, whoever holds the library: hooks, news, one thread that polls, and the door for orders.

Nothing of a session's owner runs on the vendor's thread or on a socket's. What came is kept until the next
:meth:`PolledSession.poll`, which calls the hooks one by one; one that fails costs nobody else an event or a state.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

import numpy as np

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.exceptions import ConfigError, OrderError, QuantumTraderError, SessionError
from quantumtrader.gateway import OrderGateway
from quantumtrader.profitdll._mapping import brasilia_date
from quantumtrader.profitdll.connection import ConnectionState
from quantumtrader.profitdll.feed import FeedReader
from quantumtrader.profitdll.subscriptions import Books, Subscription
from quantumtrader.types import Events, Kind

__all__ = ["News", "PolledSession"]

_log = logging.getLogger(__name__)

_NEWS = 1_000
_EVENT_HOOKS: dict[str, tuple[int, ...] | None] = {
    "trade": (Kind.TRADE,),
    "order_book": (Kind.ORDER, Kind.LEVEL),
    "ticker": (Kind.QUOTE, Kind.SESSION),
    "events": None,
}
"""Hooks that take events: which kinds; None for all."""
_HOOKS = (*_EVENT_HOOKS, "history", "state", "message")


@dataclass(frozen=True, slots=True)
class News:
    """Something that a person or a supervisor should know.

    Parameters
    ----------
    ts : int
        Receive time, ns UTC.
    kind : str
        ``connection``, ``silence``, ``invalid_ticker``, ``history``, ``lost`` or ``trouble``.
    text : str
        In plain words, without secrets.
    """

    ts: int
    kind: str
    text: str


class PolledSession(ABC):
    """The common half of ``ConnectionManagerV4`` and ``GatewayClient``.

    Parameters
    ----------
    clock : Clock, optional
        Stamps what this side notices by itself; by default the system's.

    Attributes
    ----------
    connection : ConnectionState
        What the library last said.
    subscriptions : dict of str to Subscription
        By ticker.
    order_gateway : OrderGateway or None
        What ``route_orders`` made.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.connection = ConnectionState()
        self.subscriptions: dict[str, Subscription] = {}
        self.order_gateway: OrderGateway | None = None
        self._clock = clock or LiveClock()
        self._lock = threading.RLock()
        self._hooks: dict[str, list[Callable[..., None]]] = {}
        self._news: deque[News] = deque(maxlen=_NEWS)
        self._order_gate: Callable[[Any], int] | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def __repr__(self) -> str:
        tickers = ", ".join(self.subscriptions) or "no subscription"
        return f"{type(self).__name__}({self.connection.phase}, {tickers})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    # -- what differs ------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def connected(self) -> bool:
        """Whether market data arrive."""

    @abstractmethod
    def disconnect(self) -> None:
        """End the session. Harmless when called again."""

    @abstractmethod
    def poll(self) -> int:
        """Do what is due and call the hooks for what came; returns the number of market events seen."""

    @abstractmethod
    def reader(self) -> FeedReader:
        """Return a reader of the live events with a cursor of its own."""

    @abstractmethod
    def subscribe_ticker(
        self,
        ticker: str,
        *,
        exchange: str | None = None,
        books: Books | str = Books.OFFERS,
        tick_size: float | None = None,
    ) -> bool:
        """Ask for a ticker's trades and books."""

    @abstractmethod
    def renew(self, ticker: str) -> None:
        """Ask for a ticker anew, so that its books begin with a full image; raises as :meth:`subscribe_ticker`."""

    @abstractmethod
    def request_historical_data(
        self,
        ticker: str,
        start: date | datetime | str,
        end: date | datetime | str,
        *,
        exchange: str | None = None,
    ) -> int:
        """Ask for the trades of past days; returns the number of days."""

    @abstractmethod
    def wait_for_historical_data(self, timeout_seconds: float = 30) -> bool:
        """Wait until the requested history is complete; raises ``SessionError`` when it stalled."""

    @abstractmethod
    def take_history(self) -> list[Events]:
        """Hand over the historical trades so far, in the order of their arrival."""

    @property
    @abstractmethod
    def history_progress(self) -> tuple[int, int]:
        """Days that are complete, and days that were asked for."""

    @property
    @abstractmethod
    def silence(self) -> str:
        """Since when nothing comes although the market is on, in plain words; empty while it does not."""

    @abstractmethod
    def server_time_ns(self) -> int:
        """Time of the market-data server, ns UTC."""

    def redact(self, text: str) -> str:
        """Return a text of the vendor's without any secret of this session in it."""
        return text

    # -- the thread --------------------------------------------------------------------------------------------

    def start(self, every_s: float = 0.01) -> None:
        """Poll on a thread of the session's own, every ``every_s`` seconds, until :meth:`stop`."""
        if self._thread is not None:
            raise SessionError(f"{self!r} polls already")
        self._stop.clear()

        def run() -> None:
            while not self._stop.wait(every_s):
                try:
                    self.poll()
                except Exception as error:  # whatever failed, the session must go on, and say so
                    _log.exception("polling %r failed", self)
                    self._tell("trouble", f"polling failed: {type(error).__name__}: {error}")

        self._thread = threading.Thread(target=run, name=f"poll-{type(self).__name__}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the polling thread, if there is one."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    # -- hooks and news ----------------------------------------------------------------------------------------

    def on(self, kind: str, hook: Callable[..., None]) -> None:
        """Register a hook; :meth:`poll` calls it.

        Parameters
        ----------
        kind : str
            ``trade``, ``order_book``, ``ticker`` or ``events``: takes the ticker and an array of its records;
            ``history``: an array; ``state``: a ``Transition``; ``message``: a tuple of the feed.
        hook : callable
            Called with what the kind says.

        Raises
        ------
        ConfigError
            There is no such kind.
        """
        if kind not in _HOOKS:
            raise ConfigError(f"no hook {kind!r}; there are {', '.join(_HOOKS)}")
        self._hooks.setdefault(kind, []).append(hook)

    def off(self, kind: str, hook: Callable[..., None]) -> None:
        """Take a hook away that :meth:`on` registered."""
        self._hooks[kind].remove(hook)

    def take_news(self) -> list[News]:
        """Hand over what a person should know, oldest first; at most the last 1,000."""
        # Other threads may be telling: one by one, and what comes meanwhile comes next time.
        return [self._news.popleft() for _ in range(len(self._news))]

    def _tell(self, kind: str, text: str, ts: int | None = None) -> None:
        when = self._clock.now_ns() if ts is None else ts
        self._news.append(News(when, kind, self.redact(text)))

    def _call(self, kind: str, *arguments: Any) -> None:
        for hook in tuple(self._hooks.get(kind, ())):
            try:
                hook(*arguments)
            except Exception as error:  # a hook of somebody's must not cost anybody else an event or a state
                _log.exception("hook %r of %r failed", kind, self)
                self._tell("trouble", f"a hook for {kind!r} failed: {type(error).__name__}: {error}")

    def _call_for_events(self, ticker: str, events: Events) -> None:
        """Call the hooks for records of one ticker, each with the kinds that it takes."""
        for kind, wanted in _EVENT_HOOKS.items():
            if self._hooks.get(kind):
                part = events if wanted is None else events[np.isin(events["kind"], wanted)]
                if len(part):
                    self._call(kind, ticker, part)

    @property
    def _wants_events(self) -> bool:
        return any(self._hooks.get(kind) for kind in _EVENT_HOOKS)

    # -- orders and time ---------------------------------------------------------------------------------------

    def attach_orders(self, gate: Callable[[Any], int]) -> None:
        """Connect the order manager, through which alone orders leave."""
        self._order_gate = gate

    def send_order(self, order: Any) -> int:
        """Send an order that the risk manager approved, through the attached order manager.

        Raises
        ------
        OrderError
            No order manager is attached: there is no way around it.
        """
        if self._order_gate is None:
            raise OrderError(
                "no order manager is attached: make an OrderExecutionManagerV4 with this session; orders pass its risk "
                "manager or not at all"
            )
        return self._order_gate(order)

    def today(self) -> date:
        """Local date in Brasília: the server's where it answers, else the clock's."""
        try:
            now = self.server_time_ns()
        except QuantumTraderError:
            now = self._clock.now_ns()
        return brasilia_date(now)
