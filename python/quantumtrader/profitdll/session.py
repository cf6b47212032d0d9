"""One session with the vendor's library, or with the simulator: connect, subscribe, stay connected, fetch history.

The library calls back on its own thread and forbids calling it from there, so whatever asks something of it happens in
:meth:`ConnectionManagerV4.poll`, on one thread: the caller's, or the session's own (:meth:`ConnectionManagerV4.start`).
Market data do not pass through here: they go from the callback into the ring of the feed, which every consumer reads with
a cursor of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from quantumtrader.clock import Clock
from quantumtrader.exceptions import ConfigError, ProfitDllError, SessionError
from quantumtrader.gateway import OrderGateway
from quantumtrader.profitdll._mapping import moment
from quantumtrader.profitdll.codes import NResult
from quantumtrader.profitdll.connection import ConnectionPhase
from quantumtrader.profitdll.credentials import Credentials
from quantumtrader.profitdll.feed import FeedProtocol, FeedReader, make_feed
from quantumtrader.profitdll.fetch import HistoryFetch
from quantumtrader.profitdll.history import Version, plan_days
from quantumtrader.profitdll.library import ProfitLibrary, load_library
from quantumtrader.profitdll.orders import ProfitOrderGateway
from quantumtrader.profitdll.polling import PolledSession
from quantumtrader.profitdll.registration import log_in, needed_functions, set_callbacks
from quantumtrader.profitdll.simulator import SCENARIO_VARIABLE, configure, last_error, library_path
from quantumtrader.profitdll.subscriptions import (
    Books,
    Subscription,
    contract_of,
    renew,
    subscribe,
    tick_size_of,
    unsubscribe,
)
from quantumtrader.profitdll.watchdog import Watchdog
from quantumtrader.types import Events, Kind, Phase

__all__ = ["ConnectionManagerV4", "SessionOptions"]

_log = logging.getLogger(__name__)

_READ = 1 << 14
_NOT_YET = (NResult.NL_NO_LOGIN, NResult.NL_WAITING_SERVER, NResult.NL_NOT_INITIALIZED)
_WAIT_STEP_S = 0.002
_CLOSED = "the session is closed, and the vendor allows one per process: start a new process, or use `quantumtrader gateway`"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a session behaves; the settings section ``[profit]`` has the same names.

    Parameters
    ----------
    exchange : str
        Of tickers that name none; ``F`` is BMF.
    version : str, optional
        Of the library, where its file does not say.
    login_timeout_s : float
        Seconds until a login that is not complete counts as failed.
    history_timeout_s : float
        Seconds without progress after which a day of history counts as stalled.
    quiet_s : float
        Seconds without any event in continuous trading until the feed counts as silent.
    capacity : int
        Records that the ring holds, a power of two.
    ring : Path, optional
        File of the ring, for readers in other processes.
    edit_is_change : bool
        Whether the quantity of an edited offer is a signed change.
    scenario : str
        TOML that tells the simulator what to play; the vendor's library takes none.
    scenario_folder : Path, optional
        What relative paths of the scenario are relative to: the folder of its file; by default the working directory.
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
    scenario_folder: Path | None = None


class ConnectionManagerV4(PolledSession):
    """The session.

    Parameters
    ----------
    dll_path : path-like, optional
        The vendor's library or its folder; None takes the simulator that ships with the package.
    options : SessionOptions, optional
        How it behaves.
    clock : Clock, optional
        Receive clock.
    native : bool, optional
        Whether callbacks land in Rust or in Python; by default in Rust where the Rust engine can be loaded.

    Attributes
    ----------
    connection : ConnectionState
        What the library last said.
    subscriptions : dict of str to Subscription
        By ticker.
    watchdog : Watchdog
        Its ``current`` is the silence of the whole feed that is going on.
    order_gateway : OrderGateway or None
        What :meth:`route_orders` made.
    """

    def __init__(
        self,
        dll_path: Path | str | None = None,
        options: SessionOptions | None = None,
        *,
        clock: Clock | None = None,
        native: bool | None = None,
    ) -> None:
        super().__init__(clock)
        self._path = dll_path
        self.options = options or SessionOptions()
        self._native = _rust_is_there() if native is None else native
        self.watchdog = Watchdog(quiet_s=self.options.quiet_s)
        self._by_index: list[Subscription] = []
        self._subscribed_ns = 0
        self._library: ProfitLibrary | None = None
        self._feed: FeedProtocol | None = None
        self._reader: FeedReader | None = None
        self._credentials = Credentials()
        self._routing = False
        self._set_again = False
        self._refusal = ""
        self._fetch: HistoryFetch | None = None
        self._fetched: list[Events] = []
        self._primed: set[str] = set()

    @property
    def library(self) -> ProfitLibrary:
        """The loaded library; raises ``SessionError`` before :meth:`initialize`."""
        if self._library is None:
            raise SessionError("there is no session yet: call initialize first")
        return self._library

    @property
    def feed(self) -> FeedProtocol:
        """The feed that the callbacks write to; raises as :attr:`library` does."""
        if self._feed is None:
            raise SessionError("there is no session yet: call initialize first")
        return self._feed

    @property
    def connected(self) -> bool:
        """Whether market data arrive."""
        return self.connection.phase.usable

    @property
    def silence(self) -> str:
        """Since when nothing comes although the market is on, in plain words; empty while it does not."""
        current = self.watchdog.current
        return "" if current is None else current.text

    @property
    def version(self) -> Version | None:
        """Version of the library; None where neither the options nor its file say."""
        text = self.options.version or self.library.version
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

        Outside trading hours some installations never report connected market data: a valid activation is enough then,
        and ``connection.phase`` is ``WAITING``.

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
                "this session was opened before; the vendor allows one per process: start a new process, or use "
                "`quantumtrader gateway`"
            )
        self._credentials = Credentials(username, key, password)
        self._routing = routing
        library = load_library(library_path() if self._path is None else self._path)
        _once_per_process(library)
        if library.is_simulator:  # it lets anybody in, but not nobody
            key, username, password = (given or "simulator" for given in (key, username, password))
        if self.options.scenario:
            configure(library, self.options.scenario, self.options.scenario_folder)
        elif library.is_simulator:
            _configure_from_environment(library)
        feed = make_feed(
            library.abi.char_width,
            native=self._native,
            path=self.options.ring,
            capacity=self.options.capacity,
            edit_is_change=self.options.edit_is_change,
        )
        self._library, self._feed, self._reader = library, feed, feed.reader()
        feed.set_functions(needed_functions(library))
        self.connection.open(self._clock.now_ns())
        _OPEN.add(self)
        try:
            with contextlib.chdir(library.folder):
                log_in(library, feed.callbacks(), key, username, password, routing=routing)
        except ProfitDllError as error:
            self.connection.close()
            _OPEN.discard(self)
            feed.close()
            why = last_error(library) if library.is_simulator else ""
            raise SessionError(f"logging in failed at once: {error}{f' ({why})' if why else ''}") from error
        set_callbacks(library, feed.callbacks(), routing=routing)
        if wait:
            self.connect()
        return True

    def connect(self) -> bool:
        """Wait until the login is complete; True at once when it is. Raises ``SessionError`` as :meth:`initialize`."""
        connection = self.connection
        if self.library and connection.phase is ConnectionPhase.CLOSED:
            raise SessionError(_CLOSED)
        self._wait(
            lambda: self._up or connection.phase in (ConnectionPhase.REFUSED, ConnectionPhase.CLOSED),
            self.options.login_timeout_s,
        )
        if self._up:
            return True
        if connection.phase is ConnectionPhase.CLOSED:
            raise SessionError(_CLOSED)
        if connection.phase is ConnectionPhase.REFUSED:
            why = f"the vendor refused the login: {self._refusal or connection.missing()}"
        elif connection.phase.usable:
            why = "market data are connected, the order routing is not: is the broker connected in Profit?"
        elif connection.phase is ConnectionPhase.WAITING and not self._routing:
            self._tell("connection", f"market data are not connected yet: {connection.missing()}")
            return True
        else:
            why = f"no connection after {self.options.login_timeout_s:g} s: {connection.missing()}"
        raise SessionError(self._credentials.redact(why))

    @property
    def _up(self) -> bool:
        return self.connection.phase.usable and (self.connection.routing or not self._routing)

    def disconnect(self) -> None:
        """End the session: stop the thread, finalise the library, close the feed. Harmless when called again."""
        self.stop()
        if self._library is None or self.connection.phase is ConnectionPhase.CLOSED:
            return
        with self._lock:
            self.connection.close()
            result = self._library.function("DLLFinalize")()
            if result != 0:
                _log.warning("DLLFinalize: %s", ProfitDllError(result, "DLLFinalize"))
            self._take_messages()
            self.feed.close()
            _OPEN.discard(self)

    def poll(self) -> int:
        """Do what is due: messages, hooks, reconnection, history, watchdog.

        Returns
        -------
        int
            Market events seen.
        """
        with self._lock:
            self._take_messages()
            seen = self._take_events()
            self._drive_history()
            if self.connected:
                self._renew_books()
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

        An unknown ticker may be refused at once or reported later: see ``subscriptions[ticker].invalid``. Before market
        data are connected the wish is kept, and asked for then.

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
        with self._lock:
            given = self.reserve_ticker(name, exchange=exchange, tick_size=tick_size)
            given.books, given.invalid = Books(books), False
            self.subscriptions[name] = given
            try:
                subscribe(self.library, given)
            except ProfitDllError as error:
                if self.connected or error.code not in _NOT_YET:
                    del self.subscriptions[name]
                    raise
                self._tell("connection", f"{name} is asked for as soon as market data are connected")
            self._subscribed_ns = self._clock.now_ns()
        return True

    def reserve_ticker(
        self, ticker: str, *, exchange: str | None = None, tick_size: float | None = None
    ) -> Subscription:
        """Give a ticker its number in the feed without asking for it; the next one that is reserved gets the next.

        Raises ``ConfigError`` as :meth:`subscribe_ticker` does.
        """
        name = ticker.strip().upper()
        with self._lock:
            given = next((s for s in self._by_index if s.ticker == name), None)
            if given is None:
                tick = tick_size_of(name) if tick_size is None else tick_size
                given = Subscription(name, exchange or self.options.exchange, len(self._by_index), Books.NONE)
                self.feed.add_instrument(name, given.exchange, given.index, tick)
                self._by_index.append(given)
        return given

    def unsubscribe_ticker(self, ticker: str) -> bool:
        """Give a ticker up; True, or raises ``SessionError`` or ``ProfitDllError``."""
        name = ticker.strip().upper()
        if name not in self.subscriptions:
            raise SessionError(
                f"{name} is not subscribed; there are {', '.join(self.subscriptions) or 'none'}"
            )
        with self._lock:
            unsubscribe(self.library, self.subscriptions.pop(name))
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
            ``WDOFUT`` and ``WINFUT`` go back over expiries; expired contracts answer with nothing. It must be subscribed.
        start, end : date, datetime or str
            First and last local date, both included; text as ``YYYY-MM-DD`` or ``DD/MM/YYYY``.
        exchange : str, optional
            One letter; the subscription's by default.

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
        if self._fetch is not None and self._fetch.active:
            raise SessionError(
                "a history request is running, and the vendor cannot cancel it: wait for its end"
            )
        if name not in self.subscriptions:
            raise SessionError(
                f"history of {name}: subscribe it first; without that the vendor delivers nothing for some tickers"
            )
        where = exchange or self.subscriptions[name].exchange
        days = plan_days(name, where, _day(start), _day(end), self.today(), self.version)
        with self._lock:
            self._fetched.clear()
            self._fetch = HistoryFetch(
                self.library, self.feed.history, days, self._primed, stall_s=self.options.history_timeout_s
            )
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
            A day stalled or was refused; what came before it can still be taken.
        """
        fetch = self._fetch
        if fetch is None:
            raise SessionError("no history was requested")
        self._wait(lambda: not fetch.active, timeout_seconds)
        if fetch.error:
            raise SessionError(fetch.error)
        return not fetch.active

    def take_history(self) -> list[Events]:
        """Hand over the historical trades so far, in the order of their arrival."""
        with self._lock:
            taken, self._fetched = self._fetched, []
        return taken

    @property
    def history_progress(self) -> tuple[int, int]:
        """Days that are complete, and days that were asked for."""
        return (0, 0) if self._fetch is None else (self._fetch.done, self._fetch.total)

    def renew(self, ticker: str) -> None:
        """Ask for a ticker anew, so that its books begin with a full image; raises as :meth:`subscribe_ticker`."""
        with self._lock:
            renew(self.library, self.subscriptions[ticker])

    def redact(self, text: str) -> str:
        """Return a text of the vendor's without any secret of this session in it."""
        return self._credentials.redact(text)

    def route_orders(
        self,
        account: str,
        ticker: str,
        *,
        tick_size: float | None = None,
        signature: str = "",
        day_trade: bool = True,
    ) -> OrderGateway:
        """Make the gateway for orders of one account in one contract; it becomes :attr:`order_gateway`.

        Parameters
        ----------
        account : str
            ``BROKER:ACCOUNT`` or ``BROKER:ACCOUNT:SUB``.
        ticker : str
            The contract; aliases such as ``WDOFUT`` are rejected by the vendor.
        tick_size : float, optional
            Needed only for products that the instrument table does not have.
        signature : str
            Trading password.
        day_trade : bool
            Which position of the account is meant: the day's, or the consolidated one.

        Raises
        ------
        SessionError
            The session was opened without order routing.
        ConfigError
            The account or the ticker is not one.
        """
        if not self._routing:
            raise SessionError("this session has no order routing: initialize it with routing=True")
        ticker = contract_of(ticker)
        tick = tick_size_of(ticker) if tick_size is None else tick_size
        self._credentials = replace(self._credentials, signature=signature)
        self.order_gateway = ProfitOrderGateway(
            self, account, ticker, tick, signature=signature, day_trade=day_trade
        )
        return self.order_gateway

    def server_time_ns(self) -> int:
        """Time of the market-data server, ns UTC.

        Raises
        ------
        ProfitDllError
            It is not connected yet.
        SessionError
            What it shows is no time.
        """
        parts = [ctypes.c_int32() for _ in range(7)]
        self.library.call("GetServerClock", ctypes.byref(ctypes.c_double()), *map(ctypes.byref, parts))
        told = [part.value for part in parts]
        now = moment(*told)
        if not isinstance(now, int):
            raise SessionError(f"the server's clock shows {told}, which is no time")
        return now

    def agent_name(self, agent: int, *, short: bool = True) -> str:
        """Name of a broker; its number as text where the vendor does not know it."""
        library, flag = self.library, int(short)
        length = library.function("GetAgentNameLength")(agent, flag)
        if length <= 0:
            return str(agent)
        buffer = library.abi.buffer(length)
        copied = library.function("GetAgentName")(length, agent, buffer, flag)
        return library.abi.decode(buffer) if copied >= 0 else str(agent)

    def _wait(self, done: Callable[[], bool], timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while not done() and time.monotonic() < end:
            if self._thread is None:
                self.poll()
            time.sleep(_WAIT_STEP_S)

    def _take_messages(self) -> None:
        for message in self.feed.take_messages():
            kind, ts, *values = message
            match kind:
                case "state":
                    self._on_state(values[0], values[1], ts)
                case "invalid_ticker":
                    self._on_invalid(values[0] or "", ts)
                case "progress" if self._fetch is not None:
                    self._fetch.on_progress(values[0] or "", values[-1], ts)
                case "last_packet" if self._fetch is not None:
                    self._fetch.on_last_packet(ts)
                case "overflow":
                    self._tell("lost", f"{values[0]} control messages were lost: poll more often", ts)
                case "faulty":
                    self._tell(
                        "trouble",
                        "a callback failed inside the feed: its books are void; restart the session",
                        ts,
                    )
                case "malformed" | "off_tick" | "out_of_range" | "untranslated" | "depth_errors" | "unfreed":
                    self._tell(
                        "trouble",
                        f"{kind.replace('_', ' ')}: {values[-1]} so far, last of {values[0]}: {values[1]}",
                        ts,
                    )
                case "unknown_ticker":
                    self._tell(
                        "trouble", f"events of {values[0]!r}, which was not subscribed, are left out", ts
                    )
                case "missed":
                    self._tell("lost", f"{values[0]} callbacks came while the feed was closed or busy", ts)
                case "health":
                    words = "frozen: events are delayed" if values[0] else "responsive again"
                    self._tell("trouble", f"the library reports that its delivery is {words}", ts)
            self._call("message", message)

    def _on_state(self, kind: int, result: int, ts: int) -> None:
        transition = self.connection.on_state(kind, result, ts)
        _log.info("state (%d, %d): %s", kind, result, transition.text)
        if transition.after is ConnectionPhase.REFUSED and transition.before is not transition.after:
            self._refusal = transition.text
        farewell = transition.before is ConnectionPhase.CLOSED
        if transition.before is not transition.after or (kind == 1 and not farewell):
            self._tell("connection", transition.text, ts)
        first = transition.after.usable and not self._set_again
        if first:
            self._set_again = True
            set_callbacks(self.library, self.feed.callbacks(), routing=self._routing)
            with contextlib.suppress(
                ProfitDllError, SessionError
            ):  # a clock that is not there yet is no reason to fail
                self.feed.set_exchange_time(self.server_time_ns())
        if transition.lost:
            self.watchdog.forget()
        if (
            transition.regained or first
        ):  # what was asked for before the market was there may have been forgotten
            self._resubscribe(ts)
        self._call("state", transition)

    def _resubscribe(self, ts: int) -> None:
        """Ask for everything again: whether the library does so itself is not documented, and twice is harmless."""
        self._subscribed_ns = self._clock.now_ns()
        for subscription in self.subscriptions.values():
            if subscription.invalid:
                continue
            subscription.renewal.put_off(self._clock.now_ns())
            # A library that kept the subscription sends no image for asking again: it must be given up first.
            with contextlib.suppress(ProfitDllError):
                renew(self.library, subscription)
            try:
                subscribe(self.library, subscription)
            except ProfitDllError as error:
                self._tell("connection", f"subscribing {subscription.ticker} again failed: {error}", ts)

    def _renew_books(self) -> None:
        """Ask anew for books that are void though the connection holds: after an overrun or a refused image."""
        now = self._clock.now_ns()
        for subscription in self.subscriptions.values():
            if not subscription.renewal.due(now) or subscription.invalid:
                continue
            self._tell("lost", f"the book of {subscription.ticker} has a gap and is asked for again")
            try:
                renew(self.library, subscription)
            except ProfitDllError as error:
                self._tell("connection", f"asking for {subscription.ticker} again failed: {error}")

    def _on_invalid(self, ticker: str, ts: int) -> None:
        subscription = self.subscriptions.get(ticker)
        if subscription is not None:
            if subscription.invalid:
                return  # each subscription of a ticker is answered, and once is enough
            subscription.invalid = True
        self._tell("invalid_ticker", f"the vendor does not know {ticker!r}: check contract and exchange", ts)

    def _take_events(self) -> int:
        assert self._reader is not None  # initialize made it
        seen = 0
        while True:
            events, lost = self._reader.read(_READ)
            if lost:
                self._tell("lost", f"the session fell behind by {lost} events; its hooks missed them")
            if len(events) == 0:
                return seen
            seen += len(events)
            self._look_at(events)

    def _look_at(self, events: Events) -> None:
        for subscription in self._by_index:
            own = events[events["instrument"] == subscription.index]
            if len(own) == 0:
                continue
            self.watchdog.seen(subscription.ticker, int(own["ts_recv"][-1]))
            subscription.renewal.look_at(own, self._clock.now_ns())
            phases = own["action"][own["kind"] == Kind.SESSION]
            if len(phases):
                subscription.trading = int(phases[-1]) in (Phase.OPEN, Phase.RESUME)
            self._call_for_events(subscription.ticker, own)

    def _watch(self) -> None:
        trading = {s.ticker: s.trading for s in self.subscriptions.values() if not s.invalid}
        for silence in self.watchdog.check(self._clock.now_ns(), trading, self._subscribed_ns):
            self._tell("silence", silence.text)

    def _drive_history(self) -> None:
        if self._fetch is None:
            return
        known = self._fetch.error
        for events in self._fetch.poll(self._clock.now_ns()):
            self._fetched.append(events)
            self._call("history", events)
        if self._fetch.error != known:
            self._tell("history", self._fetch.error)


_OPENED: set[Path] = set()
_OPEN: set[ConnectionManagerV4] = set()
"""Sessions that are open: the library calls into them, so they live and are closed before the process ends."""


@atexit.register
def _close_all() -> None:
    """End what is open while Python still runs: a callback into one that has shut down aborts the process."""
    for session in tuple(_OPEN):
        try:
            session.disconnect()
        except Exception:  # the others have to be closed all the same
            _log.exception("closing %r at the end of the process failed", session)


def _configure_from_environment(library: ProfitLibrary) -> None:
    """Hand over the scenario that the environment names, while its relative path still means what it says."""
    named = os.environ.get(SCENARIO_VARIABLE)
    if not named:
        return
    path = Path(named).absolute()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(f"the scenario of {SCENARIO_VARIABLE} cannot be read: {error}") from error
    configure(library, text, path.parent)


def _once_per_process(library: ProfitLibrary) -> None:
    """Refuse a second initialise of the vendor's library in one process: it was seen to fail or to crash."""
    if library.is_simulator:
        return
    if library.path in _OPENED:
        raise SessionError(
            f"{library.path.name} was opened in this process before, which it does not survive: keep the session, or start "
            "a new process"
        )
    _OPENED.add(library.path)


def _rust_is_there() -> bool:
    try:
        from quantumtrader import _core  # noqa: F401
    except ImportError:
        return False
    return True


def _day(value: date | datetime | str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    for pattern in ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%Y %H:%M:%S"):
        with contextlib.suppress(ValueError):
            return datetime.strptime(value, pattern).date()
    raise ConfigError(f"{value!r} is no date; write 2026-10-09 or 09/10/2026")
