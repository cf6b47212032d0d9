"""Events and orders of a session, whoever holds the library: what live trading needs of it."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import date

import numpy as np

from quantumtrader.app.live.source import with_opening
from quantumtrader.clock import Clock, LiveClock
from quantumtrader.data.calendar import DAY, Calendar
from quantumtrader.data.sessions import with_sessions
from quantumtrader.exceptions import ConfigError, DataError, ProfitDllError, QuantumTraderError, SessionError
from quantumtrader.execution import OrderGateway
from quantumtrader.profitdll.feed import FeedReader
from quantumtrader.profitdll.polling import PolledSession
from quantumtrader.profitdll.subscriptions import Books, Subscription
from quantumtrader.types import EVENT, Events, Flag, Instrument, Kind, empty_events

__all__ = ["SYNTHETIC", "SessionSource"]

SYNTHETIC = (
    "SYNTHETIC: the market is the simulator's; nothing that comes of it says anything about a real one"
)
"""What everybody is told who trades on the simulator."""
_log = logging.getLogger(__name__)

_READ = 16_384
_RENEW_NS = 1_000_000_000
"""A book is asked for anew no more often than this."""


class SessionSource(ABC):
    """One instrument of a session; implements ``EventSource`` but for how the session is opened and orders are routed.

    Parameters
    ----------
    session : PolledSession
        Not open yet.
    day_trade : bool
        Which position of the account is meant.
    disconnected_s : float
        A connection that has been lost for so long is trouble, in seconds.
    """

    name: str
    synthetic: bool

    def __init__(self, session: PolledSession, *, day_trade: bool, disconnected_s: float) -> None:
        self._session = session
        self._day_trade = day_trade
        self._disconnected_s = disconnected_s
        self._clock: Clock = LiveClock()
        self._lost_since: int | None = None
        self._now = 0
        self._instrument: Instrument
        self._given: Subscription
        self._index = 0
        self._reader: FeedReader
        self._pending: Events = empty_events()
        self._phase_seen = False
        self._renew = False
        self._renew_due = 0

    @abstractmethod
    def open(self, instrument: Instrument, *, routing: bool) -> None:
        """Connect and subscribe."""

    @abstractmethod
    def gateway(self, account: str) -> OrderGateway:
        """Return the gateway of an account."""

    def _subscribe(self, instrument: Instrument) -> None:
        """Ask for the instrument, on a session that is open."""
        self._instrument = instrument
        # A reader of its own: the session's belongs to the thread that polls it.
        self._reader = self._session.reader()
        self._session.subscribe_ticker(instrument.symbol, books=Books.OFFERS, tick_size=instrument.tick_size)
        self._given = self._session.subscriptions[instrument.symbol]
        self._index = self._given.index

    def today(self) -> date:
        """Date of the server's clock, else of ours."""
        return self._session.today()

    def history(self, days: int, timeout_s: float, stopped: Callable[[], bool]) -> tuple[Events, str]:
        """Fetch the trades of the last ``days`` session dates and of today up to now."""
        session, symbol = self._session, self._instrument.symbol
        today = session.today()
        why = ""
        try:
            session.request_historical_data(symbol, _sessions_back(self._instrument, today, days), today)
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
        return self._before_live(self._own(np.concatenate(parts) if parts else empty_events())), why

    def read(self) -> tuple[Events, int]:
        """Return what is new, and the time of the turn."""
        if len(self._pending):
            events, self._pending = self._pending, empty_events()
        else:
            events = self._next()
        events = self._with_opening(events)
        if not self.synthetic:
            return events, self._clock.now_ns()
        if len(events):  # a made market has a time of its own
            self._now = max(self._now, int(events["ts_event"].max()))
        return events, self._now

    @property
    def over(self) -> bool:
        """Whether no event will come any more: nobody knows that of a market that runs by itself."""
        return False

    def poll(self) -> None:
        """Let the session work, and ask anew for a book of which events were missed."""
        self._session.poll()
        now = self._clock.now_ns()
        if self._renew and self._session.connected and now >= self._renew_due:
            self._renew_due = now + _RENEW_NS
            try:
                self._session.renew(self._instrument.symbol)
                self._renew = False
            except QuantumTraderError as error:  # the connection may be lost again: it is tried again
                _log.warning("asking for the book of %s anew: %s", self._instrument.symbol, error)

    def trouble(self) -> str:
        """Silence, a ticker that is not ours any more, or a connection that stays lost."""
        if self._session.connected:
            self._lost_since = None
            if self._given.invalid:
                return f"{self._instrument.symbol} is not subscribed: see the news of the session"
        elif self._lost_since is None:
            self._lost_since = self._clock.now_ns()
        elif self._clock.now_ns() - self._lost_since > self._disconnected_s * 1e9:
            return f"market data have been disconnected for more than {self._disconnected_s:g} s"
        return self._session.silence

    def take_news(self) -> list[str]:
        """News of the session."""
        return [f"{news.kind}: {news.text}" for news in self._session.take_news()]

    def close(self) -> None:
        """End the session."""
        self._session.disconnect()

    def _next(self) -> Events:
        """Read what is new, for a turn."""
        return self._read()

    def _read(self) -> Events:
        """Read what is new of the instrument; behind events that were lost comes a gap."""
        events, lost = self._reader.read(_READ)
        own = self._own(events)
        if lost:
            gap = np.zeros(1, EVENT)
            for name in ("ts_event", "ts_recv"):
                gap[name] = events[name][0]
            gap["sequence"], gap["kind"] = events["sequence"][0] - 1, Kind.GAP
            gap["size"] = min(lost, np.iinfo(np.int32).max)
            own = np.concatenate((gap, own))
            self._renew = True
        return self._made(own)

    def _own(self, events: Events) -> Events:
        """Keep the instrument's records, as those of the only one: its number is the feed's own affair.

        Where the ticker was refused, such as by a gateway that was started anew, its number may be another's now: then
        nothing but gaps are its own.
        """
        own: Events = events[events["instrument"] == self._index]
        if self._given.invalid:
            own = own[own["kind"] == Kind.GAP]
        if self._index:
            own["instrument"] = 0
        return own

    def _made(self, events: Events) -> Events:
        """Let every record of a made market say so."""
        if self.synthetic and len(events):
            events = events.copy()
            events["flags"] |= int(Flag.SYNTHETIC)
        return events

    def _with_opening(self, events: Events) -> Events:
        if self._phase_seen or not len(events):
            return events
        marked = with_opening(events, self._instrument)
        self._phase_seen = marked is not None
        return events if marked is None else self._made(marked)

    def _before_live(self, history: Events) -> Events:
        """Keep what came before the first live trade, in the form of a stream that live events can follow."""
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


def _sessions_back(instrument: Instrument, today: date, days: int) -> date:
    calendar, day = Calendar(), today
    found = 0
    for _ in range(60):
        if found >= days:
            break
        day -= DAY
        found += calendar.session(instrument, day) is not None
    return day
