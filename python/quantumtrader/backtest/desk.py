"""A trading desk in replay: walks a venue through the stream and carries brackets, orders and ledger along.

Both the strategy and the baselines trade through a desk, so they pay the same latency, queue, spread and fees.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from quantumtrader.backtest.market import MarketPath
from quantumtrader.exceptions import ConfigError, OrderError
from quantumtrader.execution.brackets import Bracket, BracketPhase, BracketPlan, Command, Send
from quantumtrader.execution.ledger import Ledger
from quantumtrader.execution.orders import OrderManager, Report
from quantumtrader.execution.risk import Refused, RiskLimits, RiskManager, RiskState
from quantumtrader.types import PX_NONE, Fill, Side

__all__ = ["Desk", "VenueSettings"]

_log = logging.getLogger(__name__)

QUEUES = ("pessimistic", "proportional", "exact")


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """Assumptions about the exchange; fees are the instrument's.

    Parameters
    ----------
    latency_ns : int
        One way, from decision to venue and from venue to decision, in ns.
    queue : str
        How cancels move a resting order forward: ``pessimistic`` (never), ``proportional`` or ``exact``.
    adverse_ticks : int
        What a market order pays where no displayed size is known (trades only, bars).
    """

    latency_ns: int = 20_000_000
    queue: str = "pessimistic"
    adverse_ticks: int = 1

    def __post_init__(self) -> None:
        if self.queue not in QUEUES:
            raise ConfigError(f"queue model {self.queue!r} is not known; there are {', '.join(QUEUES)}")
        if self.latency_ns < 0:
            raise ConfigError(f"latency is {self.latency_ns} ns, expected 0 or more")
        if self.adverse_ticks < 0:
            raise ConfigError(f"adverse_ticks is {self.adverse_ticks}, expected 0 or more")


@dataclass(slots=True)
class _Live:
    bracket: Bracket
    number: int


@dataclass(slots=True)
class BracketResult:
    """What one bracket did: contracts left over and the money that went in and out, in ticks and fees."""

    plan: BracketPlan
    sent_ts: int
    fills: list[Fill] = field(default_factory=list)


class Desk:
    """Venue, order manager, risk manager and ledger of one replay.

    Parameters
    ----------
    path : MarketPath
        The stream.
    core : module
        Engine module with ``Venue``.
    venue : VenueSettings
        Assumptions about the exchange.
    limits : RiskLimits
        Limits of the risk manager.
    """

    def __init__(self, path: MarketPath, core: Any, venue: VenueSettings, limits: RiskLimits) -> None:
        instrument = path.instrument
        self.path = path
        self.settings = venue
        scale = instrument.ticks_per_exchange_tick
        self.venue = core.Venue(
            tick_size=instrument.tick_size,
            point_value=instrument.point_value,
            lot=instrument.lot,
            latency_ns=venue.latency_ns,
            queue=venue.queue,
            fee=instrument.fee,
            adverse_ticks=venue.adverse_ticks * scale,
        )
        self.orders = OrderManager(self.venue)
        # Slippage and collar are meant in the exchange's ticks; an adjusted series comes on finer ones.
        limits = replace(limits, price_collar_ticks=limits.price_collar_ticks * scale)
        self.risk = RiskManager(limits, instrument)
        self.ledger = Ledger(instrument)
        self.results: list[BracketResult] = []
        self.refusals: list[Refused] = []
        self.last_exit_ts = 0
        self.left_open = 0
        """Contracts, signed, that had to be settled because the recording ended."""
        self._live: list[_Live] = []
        self._owner: dict[int, _Live] = {}
        self._rolls = deque(path.rolls)
        self._booked: dict[int, str] = {}
        self._cursor = 0
        self._marked = 0
        self._now = -(2**63)

    @property
    def busy(self) -> bool:
        """Whether any bracket is alive."""
        return bool(self._live)

    @property
    def trade_side(self) -> int:
        """``Side`` of the oldest bracket that is alive; 0 for none."""
        return int(self._live[0].bracket.plan.side) if self._live else int(Side.NONE)

    @property
    def cursor(self) -> int:
        """Events applied."""
        return self._cursor

    @property
    def live(self) -> tuple[Bracket, ...]:
        """Brackets that are not done."""
        return tuple(live.bracket for live in self._live)

    def state(self, ts: int, plan: BracketPlan | None = None) -> RiskState:
        """What the risk manager may know at ``ts``: the market after the last applied event, and our book.

        A replay trades one instrument, and knows no account and no volatility.
        """
        i, ledger = self._cursor - 1, self.ledger
        known = i >= 0
        last = int(self.path.now[i]) if known else None
        defined = known and bool(self.path.touch_defined[i])
        return RiskState(
            ts=ts,
            position=ledger.position,
            working_buy=self.orders.working_entries(Side.BUY),
            working_sell=self.orders.working_entries(Side.SELL),
            realised=ledger.session_realised,
            open=ledger.open_gross(self.mark_px()),
            bid_px=int(self.path.bid_px[i]) if known else PX_NONE,
            ask_px=int(self.path.ask_px[i]) if known else PX_NONE,
            last_px=int(self.path.last_px[i]) if known else PX_NONE,
            has_touch=self.path.has_touch,
            trade=plan,
            open_trades=sum(live.bracket.plan is not plan for live in self._live),
            others=(),
            last_event_ts=last,
            book_ts=last if defined else None,
            book_valid=True if defined and self.path.has_touch else None,
            open_since_ts=int(self.path.open_since[i]) if known and self.path.continuous[i] else None,
        )

    def tag(self, client_id: int) -> str:
        """Why an order was sent, or what was booked without one."""
        return self._booked.get(client_id) or self.orders[client_id].order.tag

    def loss_limit_reached(self) -> bool:
        """Whether the session is known to have lost its daily limit, realised and open.

        While the position has no price at all the result is not known: entries are refused then, but an exit has
        no market to go to.
        """
        result = self.session_result()
        return math.isfinite(result) and self.risk.loss_limit_hit(result)

    def session_result(self) -> float:
        """Result of the session so far, realised and open, after fees; NaN while the position has no price."""
        ledger = self.ledger
        return ledger.session_realised + (ledger.open_gross(self.mark_px()) if ledger.position else 0.0)

    def mark_px(self) -> int:
        """Price in ticks at which the position could be closed now; the last price when flat."""
        if self._cursor == 0:
            return PX_NONE
        if self.ledger.position == 0:
            return int(self.path.last_px[self._cursor - 1])
        return self.path.exit_px(self.ledger.position, self._cursor - 1)

    def advance_to(self, count: int) -> None:
        """Apply events until ``count`` have been applied; reports are handled on the way."""
        while self._cursor < count:
            # A fill of the entry must be seen at once, because stop and target depend on it; the end of a trade that is
            # being left too, because the pause before the next one counts from there.
            waiting = any(
                live.bracket.phase is BracketPhase.ENTERING or live.bracket.closing for live in self._live
            )
            stop = self._cursor + 1 if waiting else count
            if self._rolls and self._rolls[0] < stop:
                if self._rolls[0] == self._cursor:
                    self._rolls.popleft()
                    self._leave_contract()
                    stop = self._cursor + 1
                else:
                    stop = self._rolls[0]
            self.venue.update_many(self.path.events[self._cursor : stop])
            self._cursor = stop
            if self._live:
                self._handle(self._reports())

    def enter(self, plan: BracketPlan, ts: int) -> tuple[int, Refused | None]:
        """Start a bracket at ``ts``; returns the entry's id and the refusal, if there was one."""
        bracket = Bracket(plan, self.orders.next_id)
        live = _Live(bracket, len(self.results))
        self.results.append(BracketResult(plan, ts))
        self._live.append(live)
        before = len(self.refusals)
        self._carry_out(live, bracket.start(ts), ts)
        self._drop_done()
        refused = self.refusals[before] if len(self.refusals) > before else None
        return bracket.client_ids[0], refused

    def tick(self, ts: int) -> None:
        """Let time pass for all brackets."""
        for live in list(self._live):
            self._carry_out(live, live.bracket.on_time(ts), ts)
        self._drop_done()

    def flatten(self, reason: str, ts: int) -> None:
        """Ask all brackets to leave at the market, and let time pass."""
        if self.risk.tripped_hard:
            return  # nothing leaves any more: asking again would only fill the list of refusals
        for live in list(self._live):
            self._carry_out(live, live.bracket.flatten(reason, ts) + live.bracket.on_time(ts), ts)
        self._drop_done()

    def finish(self) -> None:
        """Hand the end of the stream to the venue: what arrives later can no longer trade."""
        end = int(self.path.now[-1])
        self.venue.advance(max(end, self._now) + 2 * self.settings.latency_ns)
        self._handle(self._reports())
        self._mark_until(self._cursor)
        # What is left when the recording ends is settled at its last price, so that every figure counts it.
        self._settle("recording_ended", self._cursor - 1, max(self.path.recorded_until, self._last_fill()))

    def _last_fill(self) -> int:
        return self.ledger.fills[-1].ts if self.ledger.fills else 0

    def _settle(self, reason: str, index: int, ts: int) -> None:
        """Book what is held as closed at the exit price after event ``index``, without an order."""
        for live in self._live:
            side, size = -live.bracket.plan.side, live.bracket.net
            px = self.path.exit_px(-side, index)
            if px == PX_NONE or size <= 0:
                continue
            number = self.orders.next_id()
            self._booked[number] = reason
            self._mark_until(self._cursor)
            fill = Fill(-number, number, ts, side, px, size, False, size * self.path.instrument.fee)
            self.ledger.apply(fill, reason)
            self.results[live.number].fills.append(fill)
            if reason == "recording_ended":
                self.left_open -= side * size

    def _reports(self) -> list[Report]:
        """Take the venue's reports; when they contradict each other, nothing is certain and nothing more is sent."""
        try:
            return self.orders.take_reports()
        except OrderError as error:
            _log.exception("the venue's reports are inconsistent")
            self.risk.trip(f"the venue's reports are inconsistent: {error}", hard=True)
            return []

    def _leave_contract(self) -> None:
        """Close what is held before a roll, at the old contract's price: the step to the next one is not a result."""
        if not self._live:
            return
        last = self._cursor - 1
        now = max(self._now, int(self.path.now[last]))
        self.flatten("contract_roll", now)
        self.venue.advance(now + self.settings.latency_ns)  # the exit arrives before the roll does
        self._handle(self._reports())
        if not self.ledger.position:
            return
        left = self.ledger.position
        self.risk.trip(f"{left:+d} contract(s) could not be closed before the contract roll", hard=True)
        self._settle("contract_roll", last, now)
        self._live.clear()

    def _handle(self, reports: list[Report]) -> None:
        if not reports:
            return
        by_bracket: dict[int, tuple[_Live, list[Report]]] = {}
        for report in reports:
            live = self._owner[report.client_id]
            by_bracket.setdefault(live.number, (live, []))[1].append(report)
            if report.status == "filled":
                self._mark_until(int(self.path.now[: self._cursor].searchsorted(report.ts)))
                fill = report.to_fill()
                self.ledger.apply(fill, self.orders[report.client_id].order.tag)
                self.results[live.number].fills.append(fill)
        heard = max(int(self.path.now[self._cursor - 1]), reports[-1].ts + self.settings.latency_ns)
        for live, own in by_bracket.values():
            self._carry_out(live, live.bracket.on_reports(own, heard), heard)
        self._drop_done()

    def _carry_out(self, live: _Live, commands: Iterable[Command], ts: int) -> None:
        self._now = now = max(self._now, ts)
        queue = deque(commands)
        while queue:
            command = queue.popleft()
            if not isinstance(command, Send):
                # The send of an order may stand behind its cancel here, or may have been refused.
                if command.client_id in self.orders:
                    self.orders.cancel(command.client_id, now)
                continue
            self._owner[command.order.client_id] = live
            answer = self.risk.check(command.order, self.state(now, live.bracket.plan))
            if isinstance(answer, Refused):
                self.refusals.append(answer)
                self.orders.refused(answer)
                queue.extend(live.bracket.on_refused(command.order.client_id, now))
            else:
                self.orders.submit(answer, now)

    def _drop_done(self) -> None:
        if any(live.bracket.done for live in self._live):
            # An entry that was refused or never filled was no trade: it starts no pause.
            if any(live.bracket.done and live.bracket.entry_ts for live in self._live):
                self.last_exit_ts = self._now
            self._live = [live for live in self._live if not live.bracket.done]

    def _mark_until(self, count: int) -> None:
        """Record the exit prices seen since the last mark, for the excursions of the open trade.

        Needed before a fill changes the position and at the end: in between the range only grows.
        """
        if self.ledger.position and count > self._marked:
            self.ledger.mark(*self.path.exit_range(self.ledger.position, self._marked, count))
        self._marked = max(self._marked, count)
