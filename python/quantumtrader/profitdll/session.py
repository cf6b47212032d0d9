"""One session with the vendor's library, or with the simulator: connect, subscribe, keep connected, fetch
history.

The library calls back on its own thread and forbids calling it from there, so everything that asks something
of it happens in :meth:`ConnectionManagerV4.poll`, on one thread: the caller's, or the session's own
(:meth:`ConnectionManagerV4.start`). Market data never pass through here: they go from the callback into the
ring of the feed, and each consumer reads that with a cursor of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.exceptions import ConfigError, OrderError, ProfitDllError, SessionError
from quantumtrader.profitdll.codes import NResult
from quantumtrader.profitdll.connection import ConnectionPhase, ConnectionState
from quantumtrader.profitdll.credentials import Credentials
from quantumtrader.profitdll.feed import Feed, FeedReader, make_feed
from quantumtrader.profitdll.history import (
    DayRequest,
    HistoryPhase,
    HistoryProgress,
    Version,
    plan_days,
)
from quantumtrader.profitdll.library import ProfitLibrary, load_library
from quantumtrader.profitdll.simulator import configure, library_path
from quantumtrader.profitdll.watchdog import Silence, Watchdog
from quantumtrader.types import Events, Kind, Phase

__all__ = ["Books", "ConnectionManagerV4", "News", "SessionOptions", "Subscription"]

_log = logging.getLogger(__name__)

BRASILIA = timezone(timedelta(hours=-3))
"""The vendor's times: no daylight saving since 2019, and the library is younger than that."""

_READ = 1 << 14
_MARKET_SLOTS = ("NewTrade", "Daily", "PriceBook", "OfferBook", "HistoryTrade", "Progress", "TinyBook")
_LOGIN_SLOTS = ("History", "OrderChange", "Account", *_MARKET_SLOTS)
# Real functions for these, NULL for the rest: sessions with NULL here were seen to hang, and a V1 callback in the
# others would double what the V2 setters deliver.
_FILLED = ("Daily", "Progress", "TinyBook", "Account")
_MARKET_SETTERS = (
    "SetStateCallback",
    "SetDailyCallback",
    "SetTinyBookCallback",
    "SetSerieProgressCallback",
    "SetTradeCallbackV2",
    "SetHistoryTradeCallbackV2",
    "SetOfferBookCallbackV2",
    "SetPriceDepthCallback",
    "SetTheoreticalPriceCallback",
    "SetChangeStateTickerCallback",
    "SetInvalidTickerCallback",
    "SetHealthCallback",
)
_ORDER_SETTERS = (
    "SetAccountCallback",
    "SetOrderCallback",
    "SetOrderHistoryCallback",
    "SetAssetPositionListCallback",
    "SetTradingMessageResultCallback",
)
_CALLED_BY_FEED = (
    "TranslateTrade",
    "FreePointer",
    "GetPriceDepthSideCount",
    "GetPriceGroup",
    "GetTheoreticalValues",
)


class Books(StrEnum):
    """Which book is subscribed to with a ticker."""

    NONE = "none"
    OFFERS = "offers"
    DEPTH = "depth"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a session behaves; the settings section ``[profit]`` has the same names.

    Parameters
    ----------
    exchange : str
        Of tickers that name none; ``F`` is BMF.
    version : str, optional
        Of the library, where its file does not say.
    login_timeout_s, history_timeout_s, quiet_s : float
        See ``[profit]``.
    capacity : int
        Records that the ring holds, a power of two.
    ring : Path, optional
        File of the ring, for readers in other processes.
    edit_is_change : bool
        Whether the quantity of an edited offer is a signed change.
    scenario : str
        TOML that tells the simulator what to play; the vendor's library takes none.
    """

    exchange: str = "F"
    version: str | None = None
    login_timeout_s: float = 60.0
    history_timeout_s: float = 180.0
    quiet_s: float = 15.0
    capacity: int = 1 << 18
    ring: Path | None = None
    edit_is_change: bool = True
    scenario: str = ""


@dataclass(slots=True)
class Subscription:
    """A ticker that was asked for.

    Parameters
    ----------
    ticker, exchange : str
        As given to the vendor.
    index : int
        Value of the ``instrument`` field of its events.
    books : Books
        What was asked for besides trades.
    invalid : bool
        The vendor does not know it.
    trading : bool
        Whether continuous trading is on, as far as the vendor said; assumed until it says otherwise.
    """

    ticker: str
    exchange: str
    index: int
    books: Books
    invalid: bool = False
    trading: bool = True


@dataclass(frozen=True, slots=True)
class News:
    """Something that a person or a supervisor should know.

    Parameters
    ----------
    ts : int
        Receive time, ns UTC.
    kind : str
        ``connection``, ``silence``, ``invalid_ticker``, ``history``, ``lost`` or ``vendor``.
    text : str
        In plain words.
    """

    ts: int
    kind: str
    text: str


@dataclass(slots=True)
class _History:
    days: list[DayRequest]
    total: int
    running: DayRequest | None = None
    priming: bool = False
    progress: HistoryProgress | None = None
    tries: int = 0
    error: str = ""
    primed: set[str] = field(default_factory=set)


class ConnectionManagerV4:
    """The session.

    Parameters
    ----------
    dll_path : path-like, optional
        The vendor's library or its folder; None takes the simulator that ships with the package.
    options : SessionOptions, optional
        How it behaves.
    clock : Clock, optional
        Receive clock.
    feed : callable, optional
        Makes the feed, given the library and the options; the native one by default where the Rust engine is
        in force.
    """

    def __init__(
        self,
        dll_path: Path | str | None = None,
        options: SessionOptions | None = None,
        *,
        clock: Clock | None = None,
        feed: Callable[[ProfitLibrary, SessionOptions], Feed] = make_feed,
    ) -> None:
        self._path = dll_path
        self.options = options or SessionOptions()
        self._clock = clock or LiveClock()
        self._make_feed = feed
        self.connection = ConnectionState()
        self.subscriptions: dict[str, Subscription] = {}
        self._by_index: dict[int, Subscription] = {}
        self.watchdog = Watchdog(quiet_s=self.options.quiet_s)
        self._library: ProfitLibrary | None = None
        self._feed: Feed | None = None
        self._own: FeedReader | None = None
        self._past: FeedReader | None = None
        self._hooks: dict[str, list[Callable[..., None]]] = {}
        self._messages: list[Callable[[tuple[Any, ...]], None]] = []
        self._news: list[News] = []
        self._history: _History | None = None
        self._history_events: list[Events] = []
        self._routing = False
        self._registered_connected = False
        self._since = 0
        self._order_gate: Callable[[Any], int] | None = None
        self._credentials = Credentials()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def __repr__(self) -> str:
        return f"ConnectionManagerV4({self.connection.phase}, {', '.join(self.subscriptions) or 'no subscription'})"

    @property
    def library(self) -> ProfitLibrary:
        """The loaded library.

        Raises
        ------
        SessionError
            Before :meth:`initialize`.
        """
        if self._library is None:
            raise SessionError("no session: call initialize first")
        return self._library

    @property
    def feed(self) -> Feed:
        """The feed that the callbacks write to; raises as :attr:`library` does."""
        if self._feed is None:
            raise SessionError("no session: call initialize first")
        return self._feed

    @property
    def connected(self) -> bool:
        """Whether market data arrive."""
        return self.connection.phase.usable

    @property
    def synthetic(self) -> bool:
        """Whether the simulator is loaded: whatever comes from it is synthetic or played back."""
        return self.library.is_simulator

    @property
    def version(self) -> Version | None:
        """Version of the library; None where neither its file nor the options say."""
        text = self.options.version or (self.library.version if self._library else None)
        if text is None:
            return None
        a, b, c, d = (int(part) for part in text.split("."))
        return a, b, c, d

    def initialize(
        self,
        key: str = "",
        username: str = "",
        password: str = "",
        *,
        routing: bool = False,
        wait: bool = True,
    ) -> bool:
        """Load the library, log in, and wait until market data are connected.

        Outside trading hours some installations never report connected market data: a valid activation is
        enough then, and ``connection.phase`` is ``WAITING``.

        Parameters
        ----------
        key, username, password : str
            Of the vendor; kept out of every message.
        routing : bool
            Whether orders will be sent.
        wait : bool
            Return at once when False; :meth:`poll` then brings the session up.

        Returns
        -------
        bool
            True; what fails raises.

        Raises
        ------
        ProfitLibraryError
            The library cannot be loaded.
        SessionError
            The login is refused, does not complete in time, or this session was opened before.
        """
        if self._library is not None:
            raise SessionError(
                "this session was opened before; the vendor allows one per process: make a new process, or use the gateway"
            )
        self._credentials = Credentials(username, key, password)
        self._library = load_library(library_path() if self._path is None else self._path)
        if self.options.scenario:
            configure(self._library, self.options.scenario)
        self._routing = routing
        feed = self._feed = self._make_feed(self._library, self.options)
        feed.set_functions(
            {name: self._library.address(name) for name in _CALLED_BY_FEED if self._library.has(name)}
        )
        self._own, self._past = feed.reader(), feed.history()
        slots = feed.callbacks()
        names = _LOGIN_SLOTS if routing else _MARKET_SLOTS
        arguments = [slots[name] if name in _FILLED else None for name in names]
        function = "DLLInitializeLogin" if routing else "DLLInitializeMarketLogin"
        self.connection.open(self._clock.now_ns())
        with contextlib.chdir(self._library.folder):
            try:
                self._library.call(function, key, username, password, slots["State"], *arguments)
            except ProfitDllError as error:
                raise SessionError(f"logging in failed at once: {error}") from error
        self._register()
        if wait:
            self._wait_login()
        return True

    def connect(self) -> bool:
        """Wait until market data are connected; True at once when they are."""
        self._wait_login()
        return True

    def disconnect(self) -> None:
        """End the session: stop the thread, finalise the library, close the feed. Harmless when called
        again.
        """
        self.stop()
        if self._library is None or self.connection.phase is ConnectionPhase.CLOSED:
            return
        self.connection.close()
        with self._lock:
            result = self._library.function("DLLFinalize")()
            if result != 0:
                _log.warning("DLLFinalize answered %d", result)
            self._take_messages()
            self.feed.close()

    def __enter__(self) -> ConnectionManagerV4:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def start(self, every_s: float = 0.01) -> None:
        """Poll on a thread of the session's own, every ``every_s`` seconds, until :meth:`stop`."""
        if self._thread is not None:
            raise SessionError("the session polls already")
        self._stop.clear()

        def run() -> None:
            while not self._stop.wait(every_s):
                try:
                    self.poll()
                except Exception:  # the session must go on living; what happened is not lost
                    _log.exception("polling the session failed")
                    self._tell("vendor", "polling the session failed; see the log")

        self._thread = threading.Thread(target=run, name="profitdll-session", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the polling thread, if there is one."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def poll(self) -> int:
        """Do what is due: messages, reconnection, history, watchdog, hooks.

        Returns
        -------
        int
            Market events seen.
        """
        with self._lock:
            self._take_messages()
            seen = self._take_events()
            self._drive_history()
            self._watch()
        return seen

    def reader(self) -> FeedReader:
        """Return a reader of the live events with a cursor of its own, from the oldest record still held."""
        return self.feed.reader()

    def subscribe_ticker(
        self,
        ticker: str,
        *,
        exchange: str | None = None,
        books: Books | str = Books.OFFERS,
        tick_size: float | None = None,
    ) -> bool:
        """Ask for a ticker's trades and books; its events appear in the feed from now on.

        An unknown ticker may be refused at once or reported later: see ``subscriptions[ticker].invalid``.

        Parameters
        ----------
        ticker : str
            Contract or alias, ``WDOX26`` or ``WDOFUT``.
        exchange : str, optional
            One letter.
        books : Books
            Which book.
        tick_size : float, optional
            Needed only for products that the instrument table does not have.

        Returns
        -------
        bool
            True; what fails raises.

        Raises
        ------
        ProfitDllError
            The library refuses.
        ConfigError
            The tick size is not known.
        """
        name = ticker.strip().upper()
        if name in self.subscriptions:
            return True
        tick = tick_size if tick_size is not None else _tick_size(name)
        subscription = Subscription(
            name, exchange or self.options.exchange, len(self._by_index), Books(books)
        )
        with self._lock:
            self.feed.add_instrument(name, subscription.exchange, subscription.index, tick)
            self._by_index[subscription.index] = subscription
            self._subscribe(subscription)
            self.subscriptions[name] = subscription
            self._since = self._clock.now_ns()
        return True

    def unsubscribe_ticker(self, ticker: str) -> bool:
        """Give a ticker up; raises ``ProfitDllError`` where the library refuses."""
        subscription = self.subscriptions.pop(ticker.strip().upper(), None)
        if subscription is None:
            raise SessionError(
                f"{ticker} is not subscribed; there are {', '.join(self.subscriptions) or 'none'}"
            )
        with self._lock:
            for name in _calls(subscription.books):
                self._market_call("Unsubscribe" + name, subscription)
        return True

    def request_historical_data(
        self,
        ticker: str,
        start: date | datetime | str,
        end: date | datetime | str,
        *,
        exchange: str | None = None,
    ) -> int:
        """Ask for the trades of past days, one day after the other.

        Parameters
        ----------
        ticker : str
            ``WDOFUT`` and ``WINFUT`` go back over expiries; expired contracts answer with nothing. It must be
            subscribed.
        start, end : date, datetime or str
            First and last local date, both included; text as ``YYYY-MM-DD`` or ``DD/MM/YYYY``.

        Returns
        -------
        int
            Number of days that will be asked for.

        Raises
        ------
        ConfigError
            The range is not one that this version delivers.
        SessionError
            The ticker is not subscribed, or another request is running.
        """
        name = ticker.strip().upper()
        if self._history is not None and self._history.running is not None:
            raise SessionError("a history request is running; the vendor cannot cancel it: wait for its end")
        if name not in self.subscriptions:
            raise SessionError(
                f"history of {name}: subscribe it first; without that the vendor delivers nothing for some tickers"
            )
        where = exchange or self.subscriptions[name].exchange
        days = plan_days(name, where, _day(start), _day(end), self.today(), self.version)
        with self._lock:
            self._history = _History(list(days), len(days))
            self._history_events.clear()
        return len(days)

    def wait_for_historical_data(self, timeout_seconds: float = 30) -> bool:
        """Wait until the requested history is complete.

        Returns
        -------
        bool
            True when every day is complete, False when the time is over and days are still running.

        Raises
        ------
        SessionError
            A day stalled or was refused; what came before it stays available.
        """
        if self._history is None:
            raise SessionError("no history was requested")
        history = self._history
        self._wait(
            lambda: bool(history.error) or (not history.days and history.running is None), timeout_seconds
        )
        if history.error:
            raise SessionError(history.error)
        return not history.days and history.running is None

    def take_history(self) -> list[Events]:
        """Hand over the historical events so far, in the order of their arrival."""
        with self._lock:
            taken, self._history_events = self._history_events, []
        return taken

    @property
    def history_progress(self) -> tuple[int, int]:
        """Days that are complete, and days that were asked for."""
        if self._history is None:
            return 0, 0
        left = len(self._history.days) + (self._history.running is not None)
        return self._history.total - left, self._history.total

    def take_news(self) -> list[News]:
        """Hand over what a person should know, oldest first."""
        with self._lock:
            taken, self._news = self._news, []
        return taken

    def on(self, kind: str, hook: Callable[..., None]) -> None:
        """Register a hook; it is called by :meth:`poll`, never on the vendor's thread.

        Parameters
        ----------
        kind : str
            ``trade``, ``order_book``, ``ticker``, ``events`` (arrays of records of these kinds), ``history``
            (arrays), ``state`` (a :class:`Transition`), or ``message`` (a tuple of the feed).
        hook : callable
            Takes what the kind says, and for arrays the ticker first.
        """
        known = ("trade", "order_book", "ticker", "events", "history", "state", "message")
        if kind not in known:
            raise ConfigError(f"no hook {kind!r}; there are {', '.join(known)}")
        self._hooks.setdefault(kind, []).append(hook)

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
                "no order manager is attached to this session: make an OrderExecutionManagerV4 with it; orders pass its risk "
                "manager or not at all"
            )
        return self._order_gate(order)

    def server_time_ns(self) -> int:
        """Time of the market-data server, ns UTC; raises ``ProfitDllError`` before it is connected."""
        parts = [ctypes.c_int32() for _ in range(7)]
        self.library.call(
            "GetServerClock", ctypes.byref(ctypes.c_double()), *(ctypes.byref(p) for p in parts)
        )
        year, month, day, hour, minute, second, millisecond = (p.value for p in parts)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=BRASILIA)
        return int(moment.timestamp()) * 1_000_000_000 + millisecond * 1_000_000

    def today(self) -> date:
        """Local date in Brasília: the server's where it can be had, else the clock's."""
        try:
            now = self.server_time_ns()
        except ProfitDllError:
            now = self._clock.now_ns()
        return datetime.fromtimestamp(now // 1_000_000_000, BRASILIA).date()

    def agent_name(self, agent: int, *, short: bool = True) -> str:
        """Name of a broker; its number as text where the vendor does not know it."""
        flag = int(short)
        length = self.library.function("GetAgentNameLength")(agent, flag)
        if length <= 0:
            return str(agent)
        buffer = self.library.abi.buffer(length)
        if self.library.function("GetAgentName")(length, agent, buffer, flag) < 0:
            return str(agent)
        return self.library.abi.decode(buffer)

    def _register(self) -> None:
        """Set every callback; done after initialise and again once connected, as some installations lose the
        first.
        """
        setters = _MARKET_SETTERS + (_ORDER_SETTERS if self._routing else ())
        callbacks = self.feed.callbacks()
        for name in setters:
            if self.library.has(name) and name in callbacks:
                self.library.call(name, callbacks[name])

    def _wait_login(self) -> None:
        def settled() -> bool:
            phase = self.connection.phase
            up = phase.usable and (self.connection.routing or not self._routing)
            return up or phase in (ConnectionPhase.REFUSED, ConnectionPhase.CLOSED)

        self._wait(settled, self.options.login_timeout_s)
        if settled() and self.connection.phase.usable:
            return
        if self.connection.phase is ConnectionPhase.WAITING and not self._routing:
            self._tell("connection", f"market data are not connected yet: {self.connection.missing()}")
            return
        if self.connection.phase.usable:
            why = "market data are connected, the order routing is not: is the broker connected in Profit?"
        else:
            why = self.connection.missing()
        raise SessionError(
            self._credentials.redact(f"no connection after {self.options.login_timeout_s:g} s: {why}")
            if self.connection.phase is not ConnectionPhase.REFUSED
            else self._credentials.redact(f"the vendor refused the login: {self._refusal or why}")
        )

    _refusal = ""

    def _wait(self, done: Callable[[], bool], timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while not done() and time.monotonic() < end:
            if self._thread is None or self._thread is threading.current_thread():
                self.poll()
            time.sleep(0.002)

    def _take_messages(self) -> None:
        for message in self.feed.take_messages():
            kind, ts, *values = message
            if kind == "state":
                self._on_state(*values[:2], ts)
            elif kind == "invalid_ticker":
                self._on_invalid(str(values[0]), ts)
            elif kind == "progress":
                self._on_progress(str(values[0]), int(values[-1]), ts)
            elif kind == "last_packet":
                if self._history is not None and self._history.progress is not None:
                    self._history.progress.on_trades(0, ts, last=True)
            elif kind == "overflow":
                self._tell("lost", f"{values[0]} control messages were lost: poll more often", ts)
            for hook in self._hooks.get("message", ()):
                hook(message)

    def _on_state(self, kind: int, result: int, ts: int) -> None:
        transition = self.connection.on_state(kind, result, ts)
        if transition.after is ConnectionPhase.REFUSED and transition.before is not ConnectionPhase.REFUSED:
            self._refusal = transition.text
        _log.info("state (%d, %d): %s", kind, result, transition.text)
        if transition.before is not transition.after or kind == 1:
            self._tell("connection", transition.text, ts)
        if self.connection.phase.usable and not self._registered_connected:
            self._registered_connected = True
            self._register()
        if transition.lost:
            self.watchdog.forget()
        if transition.regained:
            self._resubscribe(ts)
        for hook in self._hooks.get("state", ()):
            hook(transition)

    def _resubscribe(self, ts: int) -> None:
        """Ask for everything again: whether the library does so by itself is not documented, and asking twice
        is harmless.
        """
        self._since = self._clock.now_ns()
        for subscription in self.subscriptions.values():
            if subscription.invalid:
                continue
            try:
                self._subscribe(subscription)
            except ProfitDllError as error:
                self._tell("connection", f"subscribing {subscription.ticker} again failed: {error}", ts)

    def _subscribe(self, subscription: Subscription) -> None:
        for name in _calls(subscription.books):
            self._market_call("Subscribe" + name, subscription)

    def _market_call(self, function: str, subscription: Subscription) -> None:
        if function.endswith("PriceDepth"):
            asset = self.library.abi.new(
                "TConnectorAssetIdentifier", Ticker=subscription.ticker, Exchange=subscription.exchange
            )
            self.library.call(function, ctypes.byref(asset))
        else:
            self.library.call(function, subscription.ticker, subscription.exchange)

    def _on_invalid(self, ticker: str, ts: int) -> None:
        subscription = self.subscriptions.get(ticker)
        if subscription is not None:
            subscription.invalid = True
        self._tell(
            "invalid_ticker",
            f"the vendor does not know the ticker {ticker!r}; check contract and exchange",
            ts,
        )

    def _take_events(self) -> int:
        assert self._own is not None
        seen = 0
        lost = self._own.lost
        while len(events := self._own.read(_READ)):
            seen += len(events)
            self._look_at(events)
            if len(events) < _READ:
                break
        if self._own.lost != lost:
            self._tell("lost", f"the session fell behind by {self._own.lost - lost} events")
        return seen

    def _look_at(self, events: Events) -> None:
        indices = events["instrument"]
        for index, subscription in self._by_index.items():
            mine = indices == index
            if not mine.any():
                continue
            own = events[mine]
            self.watchdog.seen(subscription.ticker, int(own["ts_recv"][-1]))
            markers = own[own["kind"] == Kind.Session]
            if len(markers):
                subscription.trading = int(markers["action"][-1]) in (Phase.OPEN, Phase.RESUME)
            for kind, wanted in _HOOK_KINDS.items():
                for hook in self._hooks.get(kind, ()):
                    part = own if wanted is None else own[_is_in(own["kind"], wanted)]
                    if len(part):
                        hook(subscription.ticker, part)

    def _watch(self) -> None:
        if not self.connected:
            return
        trading = {s.ticker: s.trading for s in self.subscriptions.values() if not s.invalid}
        for silence in self.watchdog.check(self._clock.now_ns(), trading, self._since):
            self._tell("silence", silence.text)

    def silent(self) -> Silence | None:
        """The silence of the whole feed that is going on, if there is one."""
        return self.watchdog.current

    def _tell(self, kind: str, text: str, ts: int | None = None) -> None:
        self._news.append(
            News(self._clock.now_ns() if ts is None else ts, kind, self._credentials.redact(text))
        )
        del self._news[:-1000]

    def _on_progress(self, ticker: str, percent: int, ts: int) -> None:
        history = self._history
        if history is not None and history.running is not None and history.progress is not None:
            if ticker == history.running.ticker:
                history.progress.on_progress(percent, ts)

    def _drive_history(self) -> None:
        assert self._past is not None
        now = self._clock.now_ns()
        events = self._past.read(_READ)
        history = self._history
        while len(events):
            if history is not None and history.progress is not None:
                history.progress.on_trades(len(events), now)
            if history is None or not history.priming:
                self._history_events.append(events)
                for hook in self._hooks.get("history", ()):
                    hook(events)
            events = self._past.read(_READ)
        if history is None or history.error:
            return
        if history.running is None:
            if history.days:
                self._ask_day(history, now)
            return
        assert history.progress is not None
        phase = history.progress.phase(now)
        if phase is HistoryPhase.COMPLETE:
            if not history.priming:
                history.days.pop(0)
                history.tries = 0
            history.running = history.progress = None
        elif phase is HistoryPhase.STALLED:
            if history.priming:  # it was only to wake the server
                history.running = history.progress = None
                return
            history.error = (
                f"history of {history.running.ticker} on {history.running.day}: nothing more for "
                f"{history.progress.stall_s:g} s at {history.progress.percent} % after {history.progress.trades} trades; "
                "the vendor cannot cancel it: ask again in a new session, fewer days at once"
            )
            history.running = None
            self._tell("history", history.error)

    def _ask_day(self, history: _History, now: int) -> None:
        day = history.days[0]
        # The first answer of a session for a ticker was seen to be cut short: a minute is asked for and thrown away.
        history.priming = day.ticker not in history.primed
        history.primed.add(day.ticker)
        start, end = day.start, day.end
        if history.priming:
            end = start[:-5] + "01:00"
        try:
            self.library.call("GetHistoryTrades", day.ticker, day.exchange, start, end)
        except ProfitDllError as error:
            if error.code == NResult.NL_WAITING_SERVER:
                history.primed.discard(day.ticker)
                return
            history.error = f"history of {day.ticker} on {day.day}: {error}"
            self._tell("history", history.error)
            return
        history.running = day
        quiet, stall = (0.2, 5.0) if history.priming else (2.0, self.options.history_timeout_s)
        history.progress = HistoryProgress(now, quiet_s=quiet, stall_s=stall)


_BOOK_KINDS = (int(Kind.Order), int(Kind.Level))
_HOOK_KINDS: dict[str, tuple[int, ...] | None] = {
    "trade": (int(Kind.Trade),),
    "order_book": _BOOK_KINDS,
    "ticker": (int(Kind.Quote), int(Kind.Session)),
    "events": None,
}


def _is_in(kinds: Any, wanted: Iterable[int]) -> Any:
    import numpy as np

    return np.isin(kinds, list(wanted))


def _calls(books: Books) -> tuple[str, ...]:
    calls: tuple[str, ...] = ("Ticker",)
    if books in (Books.OFFERS, Books.BOTH):
        calls += ("OfferBook",)
    if books in (Books.DEPTH, Books.BOTH):
        calls += ("PriceDepth",)
    return calls


def _day(value: date | datetime | str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    for pattern in ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%Y %H:%M:%S"):
        with contextlib.suppress(ValueError):
            return datetime.strptime(value, pattern).date()
    raise ConfigError(f"{value!r} is no date; write 2026-10-09 or 09/10/2026")


@cache
def _products() -> dict[str, float]:
    text = (resources.files("quantumtrader._generated") / "instruments.json").read_text("utf-8")
    return {name: float(row["tick_size"]) for name, row in json.loads(text)["products"].items()}


def _tick_size(ticker: str) -> float:
    for product, tick in _products().items():
        if ticker.startswith(product):
            return tick
    raise ConfigError(
        f"the tick size of {ticker} is not in the instrument table; give it with tick_size, or define [instruments.{ticker}]"
    )
