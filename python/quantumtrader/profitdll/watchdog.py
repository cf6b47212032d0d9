"""Connected but silent: a feed that reports no trouble and delivers nothing.

Silence is judged against the market's hours, and only for tickers that have been seen to trade in this
session: a contract nobody trades is silent by nature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Silence", "Watchdog"]


@dataclass(frozen=True, slots=True)
class Silence:
    """A ticker, or the whole feed (ticker empty), that stopped.

    Parameters
    ----------
    ticker : str
        Empty when nothing at all arrives.
    seconds : float
        Since the last event.
    text : str
        In plain words, with what to do.
    """

    ticker: str
    seconds: float
    text: str


@dataclass(slots=True)
class Watchdog:
    """Watches the age of the last event.

    Parameters
    ----------
    quiet_s : float
        Seconds without any event, in continuous trading, after which the feed counts as silent.
    ticker_quiet_s : float
        The same for one ticker while others deliver.
    """

    quiet_s: float = 15.0
    ticker_quiet_s: float = 120.0
    current: Silence | None = None
    """The silence of the whole feed that is going on."""
    _last: dict[str, int] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def seen(self, ticker: str, ts_recv: int) -> None:
        """An event of a ticker arrived at ``ts_recv`` (ns UTC, receive clock)."""
        self._last[ticker] = max(ts_recv, self._last.get(ticker, ts_recv))
        self._told.discard(ticker)
        self._told.discard("")
        self.current = None

    def forget(self) -> None:
        """Start anew: after a reconnection, or at a new session."""
        self._last.clear()
        self._told.clear()
        self.current = None

    def check(self, now_ns: int, trading: Mapping[str, bool], since_ns: int) -> list[Silence]:
        """Name what is silent, each silence once until it ends.

        Parameters
        ----------
        now_ns : int
            Receive clock, ns UTC.
        trading : mapping of str to bool
            Subscribed tickers, and whether continuous trading is on for each.
        since_ns : int
            When the subscriptions were made, ns UTC: silence does not count from before.
        """
        open_ = [ticker for ticker, on in trading.items() if on]
        if not open_:
            return []
        latest = max((self._last[t] for t in open_ if t in self._last), default=since_ns)
        found: list[Silence] = []
        quiet = (now_ns - max(latest, since_ns)) / 1e9
        if quiet > self.quiet_s:
            text = (
                f"connected, but no event for {quiet:.0f} s during trading hours: nothing can be trusted to be "
                "current; check Profit itself, then restart the session"
            )
            self.current = Silence("", quiet, text)
            if "" not in self._told:
                self._told.add("")
                found.append(self.current)
            return found
        for ticker in open_:
            if ticker not in self._last or ticker in self._told:
                continue
            age = (now_ns - self._last[ticker]) / 1e9
            if age > self.ticker_quiet_s:
                self._told.add(ticker)
                found.append(
                    Silence(ticker, age, f"{ticker} has been silent for {age:.0f} s while others deliver")
                )
        return found
