"""Work one parent order in replay: slicer, risk manager, order manager and venue over recorded events."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantumtrader.backtest.desk import VenueSettings
from quantumtrader.backtest.market import MarketPath
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.attribution import Slippage, SlippageTracker
from quantumtrader.execution.brackets import Command, Send
from quantumtrader.execution.ledger import Ledger
from quantumtrader.execution.orders import OrderManager, Report
from quantumtrader.execution.risk import Refused, RiskLimits, RiskManager, RiskState
from quantumtrader.execution.routing import MarketView, ParentOrder, Slicer
from quantumtrader.types import PX_NONE, Fill, Flag, Kind, Side

__all__ = ["ParentResult", "work_parent"]


@dataclass(frozen=True, slots=True)
class ParentResult:
    """What became of a parent order.

    Parameters
    ----------
    slicer : Slicer
        In its final state.
    slippage : Slippage
        Its cost, taken apart.
    fills : list of Fill
        Executions.
    refusals : list of Refused
        Children that the risk manager stopped.
    traded : int or None
        Contracts that the market traded meanwhile.
    """

    slicer: Slicer
    slippage: Slippage
    fills: list[Fill]
    refusals: list[Refused]
    traded: int | None


def work_parent(
    path: MarketPath,
    core: Any,
    make: Callable[[Callable[[], int]], Slicer],
    *,
    venue: VenueSettings | None = None,
    limits: RiskLimits | None = None,
    step_ns: int = 100_000_000,
    decision_px: float | None = None,
) -> ParentResult:
    """Work a parent order against a recording.

    Parameters
    ----------
    path : MarketPath
        The recording; it needs a touch (quotes or a book).
    core : module
        Engine module with ``Venue``.
    make : callable
        Gets the source of client ids and returns the slicer.
    venue, limits : optional
        Assumptions about the exchange, limits of the risk manager.
    step_ns : int
        How often the slicer looks at the market, ns.
    decision_px : float, optional
        As in ``attribution.attribute``; by default the mid at the start.

    Raises
    ------
    ConfigError
        If the recording has no touch, or does not reach the start of the parent order.
    """
    return _Run(path, core, make, venue or VenueSettings(), limits or RiskLimits()).work(step_ns, decision_px)


class _Run:
    def __init__(
        self,
        path: MarketPath,
        core: Any,
        make: Callable[[Callable[[], int]], Slicer],
        venue: VenueSettings,
        limits: RiskLimits,
    ) -> None:
        instrument = path.instrument
        if not path.has_touch:
            raise ConfigError(
                "working a parent order in replay needs quotes or a book; the recording has neither"
            )
        self.path = path
        self.settings = venue
        self.venue = core.Venue(
            tick_size=instrument.tick_size,
            point_value=instrument.point_value,
            lot=instrument.lot,
            latency_ns=venue.latency_ns,
            queue=venue.queue,
            fee=instrument.fee,
            adverse_ticks=venue.adverse_ticks,
        )
        self.orders = OrderManager(self.venue)
        self.risk = RiskManager(limits, instrument)
        self.ledger = Ledger(instrument)
        self.slicer = make(self.orders.next_id)
        self.refusals: list[Refused] = []
        self._volume = _continuous_volume(path)
        self._cursor = 0
        self._tracker: SlippageTracker | None = None

    @property
    def parent(self) -> ParentOrder:
        return self.slicer.parent

    def work(self, step_ns: int, decision_px: float | None) -> ParentResult:
        start, end = self.parent.start_ns, self.parent.end_ns
        if step_ns <= 0 or start > int(self.path.now[-1]):
            raise ConfigError(
                f"parent order: a step of {step_ns} ns from {start} is not inside the recording"
            )
        now = start
        self._advance(now)
        mid = self._view(now).mid
        self._tracker = SlippageTracker(
            self.parent.side,
            self.parent.size,
            mid if decision_px is None else decision_px,
            self.path.instrument,
        )
        self._tracker.arrived(mid)
        while not self.slicer.done and now <= end + step_ns:
            self._carry_out(self.slicer.on_market(self._view(now)), now)
            self._carry_out(self.slicer.on_time(now), now)
            now += step_ns
            self._advance(now)
        # What was asked to be cancelled needs the latency, and what was sent late needs to arrive before that.
        self._advance(now + 2 * self.settings.latency_ns + 1)
        self._tracker.ended(self._view(now).mid)
        return ParentResult(
            self.slicer, self._tracker.result(), self.ledger.fills, self.refusals, self.slicer.traded
        )

    def _advance(self, now: int) -> None:
        stop = int(np.searchsorted(self.path.now, now, "right"))
        if stop > self._cursor:
            self.venue.update_many(self.path.events[self._cursor : stop])
            self._cursor = stop
        self.venue.advance(now)
        reports = self.orders.take_reports()
        for report in reports:
            if report.status == "filled":
                self._book(report)
        self._carry_out(self.slicer.on_reports(reports, now), now)

    def _book(self, report: Report) -> None:
        assert self._tracker is not None  # nothing is sent before the start
        fill = report.to_fill()
        self.ledger.apply(fill)
        before = int(np.searchsorted(self.path.now, report.ts, "left")) - 1
        self._tracker.filled(fill, self._mid(before))

    def _carry_out(self, commands: Iterable[Command], now: int) -> None:
        queue = deque(commands)
        while queue:
            command = queue.popleft()
            if not isinstance(command, Send):
                if command.client_id in self.orders:
                    self.orders.cancel(command.client_id, now)
                continue
            answer = self.risk.check(command.order, self._state(now))
            if isinstance(answer, Refused):
                self.refusals.append(answer)
                self.orders.refused(answer)
                queue.extend(self.slicer.on_refused(command.order.client_id, now))
                continue
            assert self._tracker is not None
            self._tracker.sent(command.order.client_id, self._view(now).mid)
            self.orders.submit(answer, now)

    def _mid(self, index: int) -> float:
        if index < 0 or not self.path.touch_defined[index]:
            return math.nan
        return (int(self.path.bid_px[index]) + int(self.path.ask_px[index])) / 2

    def _view(self, now: int) -> MarketView:
        i = self._cursor - 1
        if i < 0:
            return MarketView(ts=now, bid_px=PX_NONE, ask_px=PX_NONE, continuous=False)
        bid_px, bid_sz, ask_px, ask_sz = self.venue.best()
        both = bid_sz + ask_sz
        known = bid_sz > 0 and ask_sz > 0
        return MarketView(
            ts=now,
            bid_px=int(self.path.bid_px[i]),
            ask_px=int(self.path.ask_px[i]),
            bid_sz=bid_sz,
            ask_sz=ask_sz,
            volume=int(self._volume[i]),
            continuous=bool(self.path.continuous[i]),
            imbalance=(bid_sz - ask_sz) / both if known else math.nan,
            micro_px=(bid_px * ask_sz + ask_px * bid_sz) / both if known else math.nan,
        )

    def _state(self, now: int) -> RiskState:
        i = self._cursor - 1
        known = i >= 0
        mark = self.path.exit_px(self.ledger.position, i) if known else PX_NONE
        return RiskState(
            ts=now,
            position=self.ledger.position,
            working_buy=self.orders.working_entries(Side.BUY),
            working_sell=self.orders.working_entries(Side.SELL),
            realised=self.ledger.session_realised,
            open=self.ledger.open_gross(mark),
            bid_px=int(self.path.bid_px[i]) if known else PX_NONE,
            ask_px=int(self.path.ask_px[i]) if known else PX_NONE,
            last_px=int(self.path.last_px[i]) if known else PX_NONE,
            trade=self.parent,
            open_trades=0,
            others=(),
            last_event_ts=int(self.path.now[i]) if known else None,
            book_ts=int(self.path.now[i]) if known else None,
            book_valid=True if known and self.path.touch_defined[i] else None,
            open_since_ts=int(self.path.open_since[i]) if known and self.path.continuous[i] else None,
        )


def _continuous_volume(path: MarketPath) -> Any:
    """Contracts of regular prints so far, after each event."""
    events = path.events
    apart = int(Flag.AUCTION | Flag.CROSS | Flag.CANCELLED | Flag.EDITED)
    regular = (events["kind"] == Kind.TRADE) & ((events["flags"] & apart) == 0) & path.continuous
    return np.cumsum(np.where(regular, events["size"].astype(np.int64), 0))
