"""History of trades: what may be asked for, day by day, and when an answer is complete.

There is one request per ticker at a time, it cannot be cancelled, and its end is not reported reliably:
progress may stay at 99, and reach 100 before the last trades. An answer is complete when its last packet was
flagged, or progress reached 100, and nothing has come for a while since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from quantumtrader.exceptions import ConfigError

__all__ = ["DayRequest", "HistoryPhase", "HistoryProgress", "Version", "plan_days"]

Version = tuple[int, int, int, int]

_PERIOD_LIMIT: Version = (4, 0, 0, 41)
"""From this version on the start may be at most 30 days back."""
_PERIOD_DAYS = 30


@dataclass(frozen=True, slots=True)
class DayRequest:
    """One request of one calendar day.

    Parameters
    ----------
    ticker, exchange : str
        For example ``WDOFUT`` and ``F``.
    day : date
        Local date in São Paulo.
    """

    ticker: str
    exchange: str
    day: date

    @property
    def start(self) -> str:
        """First argument, ``DD/MM/YYYY HH:MM:SS``: the time is needed in practice."""
        return datetime.combine(self.day, time()).strftime("%d/%m/%Y %H:%M:%S")

    @property
    def first_minute(self) -> str:
        """An end, exclusive, that asks for one minute only."""
        return datetime.combine(self.day, time(0, 1)).strftime("%d/%m/%Y %H:%M:%S")

    @property
    def end(self) -> str:
        """Second argument, exclusive."""
        return datetime.combine(self.day + timedelta(days=1), time()).strftime("%d/%m/%Y %H:%M:%S")


def plan_days(
    ticker: str, exchange: str, first: date, last: date, today: date, version: Version | None = None
) -> tuple[DayRequest, ...]:
    """Split a range of dates into requests that every version accepts.

    Parameters
    ----------
    ticker, exchange : str
        What to ask for.
    first, last : date
        Local dates, both included. Weekends are left out; holidays answer with nothing.
    today : date
        Local date.
    version : tuple of four int, optional
        Of the library; None applies the limits of the newest one.

    Raises
    ------
    ConfigError
        The range is empty or in the future, or begins before what the version delivers; the message names the
        first date that can be had.
    """
    if first > last:
        raise ConfigError(f"history of {ticker}: {first} is after {last}")
    if last > today:
        raise ConfigError(f"history of {ticker}: {last} is in the future, today is {today}")
    if version is None or version >= _PERIOD_LIMIT:
        oldest = today - timedelta(days=_PERIOD_DAYS)
        if first < oldest:
            known = "this version" if version else "the newest version"
            raise ConfigError(
                f"history of {ticker}: {known} of ProfitDLL delivers at most {_PERIOD_DAYS} days back; ask from "
                f"{oldest} on, and import older days from files"
            )
    days = (last - first).days + 1
    asked = [first + timedelta(days=k) for k in range(days)]
    return tuple(DayRequest(ticker, exchange, day) for day in asked if day.weekday() < 5)


class HistoryPhase(StrEnum):
    """Where a request is."""

    RUNNING = "running"
    COMPLETE = "complete"
    STALLED = "stalled"


@dataclass(slots=True)
class HistoryProgress:
    """Judges one running request.

    Parameters
    ----------
    started_ns : int
        When it was made, ns UTC.
    quiet_s : float
        Seconds without a trade after the end was reported, until it is believed.
    stall_s : float
        Seconds without a trade or any progress after which a request counts as stalled.
    """

    started_ns: int
    quiet_s: float = 2.0
    stall_s: float = 120.0
    percent: int = 0
    trades: int = 0
    last_packet: bool = False
    _active_ns: int = 0

    def __post_init__(self) -> None:
        self._active_ns = self.started_ns

    def on_progress(self, percent: int, ts_ns: int) -> None:
        """The library reported a percentage."""
        if percent != self.percent:
            self._active_ns = max(self._active_ns, ts_ns)
        self.percent = max(self.percent, percent)

    def on_trades(self, count: int, ts_ns: int, *, last: bool = False) -> None:
        """Trades arrived; ``last`` when the last packet was flagged."""
        self.trades += count
        self.last_packet |= last
        self._active_ns = max(self._active_ns, ts_ns)

    def phase(self, now_ns: int) -> HistoryPhase:
        """Judge the request at ``now_ns``."""
        idle = (now_ns - self._active_ns) / 1e9
        if (self.last_packet or self.percent >= 100) and idle >= self.quiet_s:
            return HistoryPhase.COMPLETE
        return HistoryPhase.STALLED if idle >= self.stall_s else HistoryPhase.RUNNING
