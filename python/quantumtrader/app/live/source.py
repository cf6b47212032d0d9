"""Where a live session's events come from, and what else is known of their source."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.data.calendar import DAY, Calendar
from quantumtrader.data.sessions import with_sessions
from quantumtrader.exceptions import ConfigError, DataError, ProfitDllError, SessionError
from quantumtrader.execution import OrderGateway
from quantumtrader.profitdll.credentials import Credentials
from quantumtrader.profitdll.feed import FeedReader
from quantumtrader.profitdll.orders import ProfitOrderGateway
from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions
from quantumtrader.profitdll.simulator import step
from quantumtrader.profitdll.subscriptions import Books
from quantumtrader.types import EVENT, Events, Flag, Instrument, Kind, Phase, empty_events

if TYPE_CHECKING:
    from quantumtrader.config import ProfitSettings

__all__ = ["EventSource", "ProfitSource", "session_options", "with_opening"]

_READ = 16_384
_STEP = 64
"""Market events between two turns of a market in lockstep."""


class EventSource(Protocol):
    """Feeds one instrument to a live session; its calls come from the trading thread unless said otherwise."""

    synthetic: bool
    """Whether its market is made."""
    name: str
    """Where events come from, for journals and reports."""

    def open(self, instrument: Instrument, *, routing: bool) -> None:
        """Connect and subscribe; called once, before any other, from the main thread."""
        ...

    def today(self) -> date:
        """Return the session date of the market, from the main thread."""
        ...

    def history(self, days: int, timeout_s: float, stopped: Callable[[], bool]) -> tuple[Events, str]:
        """Fetch the trades of the last session dates, from the main thread; returns them, and why some are missing."""
        ...

    def read(self) -> tuple[Events, int]:
        """Return what is new, and the time of the turn, ns UTC. Does not wait."""
        ...

    @property
    def over(self) -> bool:
        """Whether no event will come any more."""
        ...

    def gateway(self, account: str) -> OrderGateway:
        """Return the order gateway of an account."""
        ...

    def poll(self) -> None:
        """Do what is due; called again and again from a thread of its own."""
        ...

    def trouble(self) -> str:
        """Why the feed cannot be trusted now; empty while it can. From any thread."""
        ...

    def take_news(self) -> list[str]:
        """Hand over what a person should know. From any thread."""
        ...

    def close(self) -> None:
        """End the session with the source."""
        ...


def session_options(profit: ProfitSettings) -> SessionOptions:
    """Options of a session, from the settings."""
    scenario = ""
    if profit.scenario is not None:
        try:
            scenario = Path(profit.scenario).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"scenario {profit.scenario} cannot be read: {error}") from error
    return SessionOptions(
        exchange=profit.exchange,
        version=profit.version,
        login_timeout_s=profit.login_timeout_s,
        history_timeout_s=profit.history_timeout_s,
        quiet_s=profit.quiet_s,
        scenario=scenario,
        scenario_folder=None if profit.scenario is None else Path(profit.scenario).absolute().parent,
    )


class ProfitSource:
    """A session with ProfitDLL or its simulator.

    Parameters
    ----------
    dll_path : Path or None
        None takes the simulator.
    options : SessionOptions
        How the session behaves.
    credentials : Credentials
        For the login; the simulator takes any.
    day_trade : bool
        Which position of the account is meant.
    native : bool, optional
        Whether callbacks land in Rust.
    disconnected_s : float
        A connection that has been lost for so long is trouble, in seconds.
    """

    def __init__(
        self,
        dll_path: Path | None,
        options: SessionOptions,
        credentials: Credentials,
        *,
        day_trade: bool = True,
        native: bool | None = None,
        disconnected_s: float = 30.0,
    ) -> None:
        self._clock: Clock = LiveClock()
        self._credentials = credentials
        self._day_trade = day_trade
        self._disconnected_s = disconnected_s
        self._lost_since: int | None = None
        self.session = ConnectionManagerV4(dll_path, options, native=native)
        self.synthetic = dll_path is None
        self.name = "profitdll simulator" if self.synthetic else "profitdll"
        self._lockstep = False
        self._ended = self._drained = False
        self._now = 0
        self._instrument: Instrument | None = None
        self._pending: Events = empty_events()
        self._reader: FeedReader
        self._phase_seen = False

    def open(self, instrument: Instrument, *, routing: bool) -> None:
        """Log in and subscribe."""
        given, session = self._credentials, self.session
        self._instrument = instrument
        if self.synthetic:
            given = self._credentials = Credentials(
                given.username or "user",
                given.activation_key or "key",
                given.password or "password",
                given.signature or "signature",
            )
        session.initialize(given.activation_key, given.username, given.password, routing=routing)
        self.synthetic = session.library.is_simulator
        self.name = "profitdll simulator" if self.synthetic else "profitdll"
        self._lockstep = self.synthetic and _is_lockstep(session.options.scenario)
        # A reader of its own: the feed itself belongs to the thread that polls the session.
        self._reader = session.reader()
        session.subscribe_ticker(instrument.symbol, books=Books.OFFERS, tick_size=instrument.tick_size)

    def today(self) -> date:
        """Date of the server's clock, else of ours."""
        return self.session.today()

    def history(self, days: int, timeout_s: float, stopped: Callable[[], bool]) -> tuple[Events, str]:
        """Fetch the trades of the last ``days`` session dates and of today up to now."""
        assert self._instrument is not None  # open made it
        instrument, session = self._instrument, self.session
        today = session.today()
        start = _sessions_back(instrument, today, days)
        why = ""
        try:
            session.request_historical_data(instrument.symbol, start, today)
            deadline = self._clock.now_ns() + round(timeout_s * 1e9)
            while not session.wait_for_historical_data(0.2):
                if stopped():
                    why = "stopped"
                    break
                if self._clock.now_ns() > deadline:
                    done, total = session.history_progress
                    why = f"{done} of {total} days came within {timeout_s:g} s"
                    break
        except (SessionError, ProfitDllError, ConfigError, DataError) as error:
            why = str(error)
        parts = session.take_history()
        events = np.concatenate(parts) if parts else empty_events()
        return self._before_live(events[events["instrument"] == 0]), why

    def read(self) -> tuple[Events, int]:
        """Return what is new; a market in lockstep goes on by a few events first."""
        if len(self._pending):
            events, self._pending = self._pending, empty_events()
        else:
            if self._lockstep:
                self._ended = self._ended or step(self.session.library, _STEP) == 0
                self.session.poll()
            events = self._read()
            self._drained = self._ended and not len(events)
        events = self._with_opening(events)
        if not self.synthetic:
            return events, self._clock.now_ns()
        if len(events):  # a made market has a time of its own
            self._now = max(self._now, int(events["ts_event"].max()))
        return events, self._now

    @property
    def over(self) -> bool:
        """Whether a market in lockstep has ended, and everything of it was read."""
        return self._drained

    def gateway(self, account: str) -> OrderGateway:
        """Return the gateway of an account."""
        assert self._instrument is not None  # open made it
        return ProfitOrderGateway(
            self.session,
            account,
            self._instrument.symbol,
            self._instrument.tick_size,
            signature=self._credentials.signature,
            day_trade=self._day_trade,
        )

    def poll(self) -> None:
        """Let the session work; in lockstep it does so in ``read``, so that nothing depends on threads."""
        if not self._lockstep:
            self.session.poll()

    def trouble(self) -> str:
        """Silence, or a connection that stays lost."""
        session = self.session
        if session.connected:
            self._lost_since = None
        elif self._lost_since is None:
            self._lost_since = self._clock.now_ns()
        elif self._clock.now_ns() - self._lost_since > self._disconnected_s * 1e9:
            return f"market data have been disconnected for more than {self._disconnected_s:g} s"
        silence = session.watchdog.current
        return "" if silence is None else silence.text

    def take_news(self) -> list[str]:
        """News of the session."""
        return [f"{news.kind}: {news.text}" for news in self.session.take_news()]

    def close(self) -> None:
        """Finalise the library."""
        self.session.disconnect()

    def _read(self) -> Events:
        """Read what is new; behind events that were lost comes a gap."""
        events, lost = self._reader.read(_READ)
        if lost:
            gap = np.zeros(1, EVENT)
            for name in ("ts_event", "ts_recv"):
                gap[name] = events[name][0]
            gap["sequence"], gap["kind"] = events["sequence"][0] - 1, Kind.GAP
            gap["size"] = min(lost, np.iinfo(np.int32).max)
            events = np.concatenate((gap, events))
        return self._made(events)

    def _made(self, events: Events) -> Events:
        """Let every record of a made market say so."""
        if self.synthetic and len(events):
            events = events.copy()
            events["flags"] |= int(Flag.SYNTHETIC)
        return events

    def _with_opening(self, events: Events) -> Events:
        if self._phase_seen or not len(events):
            return events
        assert self._instrument is not None  # open made it
        marked = with_opening(events, self._instrument)
        self._phase_seen = marked is not None
        return events if marked is None else self._made(marked)

    def _before_live(self, history: Events) -> Events:
        """Keep what came before the first live trade, in the form of a stream that live events can follow."""
        assert self._instrument is not None
        self._pending = self._read()
        live = self._pending[self._pending["kind"] == Kind.TRADE]
        history = history[np.argsort(history["ts_event"], kind="stable")]
        if len(live):
            same = np.flatnonzero((history["id"] == live["id"][0]) & (history["id"] != 0))
            cut = (
                int(same[0]) if len(same) else int(np.searchsorted(history["ts_event"], live["ts_event"][0]))
            )
            history = history[:cut]
        if not len(history):
            return history
        history = history.copy()
        history["ts_recv"] = history["ts_event"]
        marked = with_sessions(history, self._instrument)
        marked["sequence"] = 0  # before every live one
        return self._made(marked)


def with_opening(events: Events, instrument: Instrument) -> Events | None:
    """Put the opening by the timetable in front of a session that was joined while it went on.

    Features count from it, and recordings get the same marker from ``with_sessions``.

    Parameters
    ----------
    events : Events, shape (n,)
        The first ones that came.
    instrument : Instrument
        For its hours.

    Returns
    -------
    Events or None
        As they are when a phase marker comes before the first market event, or outside of sessions; with an OPEN in
        front otherwise. None while there is neither marker nor market event.
    """
    marker = np.flatnonzero(events["kind"] == Kind.SESSION)
    market = np.flatnonzero(~np.isin(events["kind"], (Kind.SESSION, Kind.TIMER, Kind.GAP)))
    if not marker.size and not market.size:
        return None
    if marker.size and (not market.size or marker[0] < market[0]):
        return events
    opening = _opening_before(instrument, int(events["ts_event"][market[0]]))
    if opening is None:
        return events
    opens = empty_events(1)
    for name in ("ts_recv", "sequence", "instrument"):
        opens[name] = events[name][0]
    opens["ts_event"], opens["kind"], opens["action"] = opening, Kind.SESSION, Phase.OPEN
    return np.concatenate((opens, events))


def _is_lockstep(scenario: str) -> bool:
    market: Any = tomllib.loads(scenario).get("market", {})
    return bool(market.get("speed", "lockstep") == "lockstep")


def _sessions_back(instrument: Instrument, today: date, days: int) -> date:
    calendar, day = Calendar(), today
    found = 0
    for _ in range(60):
        if found >= days:
            break
        day -= DAY
        found += calendar.session(instrument, day) is not None
    return day


def _opening_before(instrument: Instrument, ts: int) -> int | None:
    """Opening of the session that goes on at ``ts``, ns UTC; None outside of sessions."""
    day = datetime.fromtimestamp(ts // 10**9, UTC).astimezone(ZoneInfo(instrument.timezone)).date()
    for k in (0, 1):  # hours that open on the evening before belong to the next date
        bounds = Calendar().session(instrument, day + k * DAY)
        if bounds is not None and bounds.open_ns <= ts < bounds.close_ns:
            return bounds.open_ns
    return None
