"""Fetches the trades of past days: one request after the other, each until it is complete or stalls."""

from __future__ import annotations

from collections.abc import Sequence

from quantumtrader.exceptions import ProfitDllError
from quantumtrader.profitdll.codes import NResult
from quantumtrader.profitdll.feed import FeedReader
from quantumtrader.profitdll.history import DayRequest, HistoryPhase, HistoryProgress
from quantumtrader.profitdll.library import ProfitLibrary
from quantumtrader.types import Events

__all__ = ["HistoryFetch"]

_READ = 1 << 16
_PRIMING_QUIET_S, _PRIMING_STALL_S = 0.2, 5.0


class HistoryFetch:
    """One request of a range of days.

    Parameters
    ----------
    library : ProfitLibrary
        Connected.
    reader : FeedReader
        Of the feed's history.
    days : sequence of DayRequest
        Oldest first.
    primed : set of str
        Tickers that have been asked for in this session; changed here. The first answer for a ticker was seen
        to be cut short, so a minute is asked for first and thrown away.
    stall_s, quiet_s : float
        See :class:`~quantumtrader.profitdll.history.HistoryProgress`.
    """

    def __init__(
        self,
        library: ProfitLibrary,
        reader: FeedReader,
        days: Sequence[DayRequest],
        primed: set[str],
        *,
        stall_s: float,
        quiet_s: float = 2.0,
    ) -> None:
        self._library, self._reader, self._primed = library, reader, primed
        self._left = list(days)
        self._stall_s, self._quiet_s = stall_s, quiet_s
        self._running: HistoryProgress | None = None
        self._priming = False
        self.total = len(days)
        self.lost = 0
        """Trades that were overtaken in the ring before they were read."""
        self.error = ""
        """Why it ended early; empty while it runs and when it is complete."""

    @property
    def done(self) -> int:
        """Days that are complete."""
        return self.total - len(self._left)

    @property
    def active(self) -> bool:
        """Whether days are still to come."""
        return bool(self._left) and not self.error

    def on_progress(self, ticker: str, percent: int, ts: int) -> None:
        """The library reported a percentage."""
        if self._running is not None and self._left and ticker == self._left[0].ticker:
            self._running.on_progress(percent, ts)

    def on_last_packet(self, ts: int) -> None:
        """The library flagged the last trade of the request."""
        if self._running is not None:
            self._running.on_trades(0, ts, last=True)

    def poll(self, now_ns: int) -> list[Events]:
        """Read what came, judge the running request, make the next one; returns the trades."""
        events = self._read(now_ns)
        if not self.active:
            return events
        if self._running is None:
            self._ask(now_ns)
            return events
        phase = self._running.phase(now_ns)
        if phase is HistoryPhase.RUNNING:
            return events
        if self._priming:  # it was only to wake the server
            self._priming = False
        elif phase is HistoryPhase.COMPLETE:
            del self._left[0]
        else:
            self._fail(
                f"nothing more for {self._stall_s:g} s at {self._running.percent} % after {self._running.trades} trades; "
                "the vendor cannot cancel it: ask again in a new session, for fewer days"
            )
        self._running = None
        return events

    def _read(self, now_ns: int) -> list[Events]:
        taken: list[Events] = []
        while True:
            events, lost = self._reader.read(_READ)
            if lost:
                self.lost += lost
                self._fail(
                    f"{lost} trades were overtaken before they were read: poll more often, or ask for fewer days"
                )
            if len(events) == 0:
                return taken
            if self._running is not None:
                self._running.on_trades(len(events), now_ns)
            if not self._priming:
                taken.append(events)

    def _ask(self, now_ns: int) -> None:
        day = self._left[0]
        self._priming = day.ticker not in self._primed
        end = day.first_minute if self._priming else day.end
        try:
            self._library.call("GetHistoryTrades", day.ticker, day.exchange, day.start, end)
        except ProfitDllError as error:
            if error.code != NResult.NL_WAITING_SERVER:  # else it is asked again at the next turn
                self._fail(str(error))
            return
        self._primed.add(day.ticker)
        quiet, stall = (
            (_PRIMING_QUIET_S, _PRIMING_STALL_S) if self._priming else (self._quiet_s, self._stall_s)
        )
        self._running = HistoryProgress(now_ns, quiet_s=quiet, stall_s=stall)

    def _fail(self, why: str) -> None:
        if not self.error:
            day = self._left[0] if self._left else None
            what = f"history of {day.ticker} on {day.day}" if day is not None else "history"
            self.error = f"{what}: {why}"
