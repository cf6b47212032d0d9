"""The live loop: events and time in, orders out. It has no thread, reads no clock, and does not know who drives it.

::

    turn(events, now) ─► feature engine ─► row at t ─► strategy ─► desk: risk ─► gateway
                    └──► market (touch, phase, ages) ──────────────►┘     └─► step: hear, protect, leave

Everything that happens is a function of the turns, the commands between them and the gateway's answers. So a session of
which these were written down is lived again, bit for bit (``relive``).

With a paper broker time is the market's own, and the loop reacts where the stream says so (at rows, and at every event
while an entry or an exit is on its way), never where a batch ends: any batches give the same orders, and the same as
``replay``.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader.app.live.market import LiveMarket, MarketNow
from quantumtrader.clock import ReplayClock
from quantumtrader.data.sessions import session_days
from quantumtrader.exceptions import OrderError, QuantumTraderError, TradingHaltedError
from quantumtrader.execution import (
    BracketPhase,
    LiveDesk,
    MarketState,
    PaperBroker,
    Signal,
    SignalAction,
    StopMode,
    Strategy,
    bind_strategy,
)
from quantumtrader.execution.risk import RiskState, hours_on
from quantumtrader.features import DetectorSettings, FeatureEngine, InputCounter
from quantumtrader.types import Events, Fitted, Instrument, empty_events

__all__ = ["LiveLoop", "LoopSettings", "MarketContext", "Sample"]

_log = logging.getLogger(__name__)

_EPOCH = date(1970, 1, 1)
_MOST_HELD = 65_536
"""Events after which an open paper position looks at the market although no row was due."""
_FACTS = {"atr_ticks": "atr_14", "realised_volatility": "rv_1m"}
"""Facts of the risk manager that are features."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """What changes what the loop does, besides instrument, strategy and desk.

    Parameters
    ----------
    clock : str
        Sampling clock of the features; empty takes the strategy's.
    features : tuple of str
        Further features to compute.
    warmup, rlp_sign : str
        As in ``FeatureEngine``.
    first_day : date or None
        A session of the stream, for ``session_frac``.
    stamp : str
        ``ts_recv`` where time is the receive clock's, ``ts_event`` where it is the market's own.
    has_touch : bool
        Whether a book or quotes were subscribed.
    flatten_before_s : float
        Leave, and enter no more, this long before continuous trading ends, in seconds.
    late_sample_s : float
        A row that is older when it is looked at leads to no entry, in seconds.
    alone : bool
        Whether nothing else trades on the account; otherwise what it holds elsewhere is not known.
    capital : float or None
        Balance of the account, where known.
    roll_ts : int or None
        Last moment of trading of the contract, ns UTC.
    paper_latency_ns : int
        Of the paper broker, one way, in ns.
    fitted : Fitted or None
        What features read that was fitted beforehand.
    detectors : DetectorSettings or None
        Thresholds of the detectors behind features; None for the defaults.
    """

    clock: str = ""
    features: tuple[str, ...] = ()
    warmup: str = "full"
    rlp_sign: str = "drop"
    first_day: date | None = None
    stamp: str = "ts_recv"
    has_touch: bool = True
    flatten_before_s: float = 60.0
    late_sample_s: float = 1.0
    alone: bool = True
    capital: float | None = None
    roll_ts: int | None = None
    paper_latency_ns: int = 20_000_000
    fitted: Fitted | None = None
    detectors: DetectorSettings | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One row and what was decided on it.

    Parameters
    ----------
    ts : int
        Engine time of the row, ns UTC.
    count : int
        Events of the stream that the row reflects, those of the warm-up not counted; negative inside it.
    values : ndarray of float64, shape (n_features,)
        NaN where not warm or not defined.
    action, reason : str
        Of the signal.
    bracket : int
        Number of the trade that was started; 0 for none.
    rule, message : str
        Why an entry was refused at once; empty otherwise.
    """

    ts: int
    count: int
    values: npt.NDArray[np.float64]
    action: str
    reason: str
    bracket: int = 0
    rule: str = ""
    message: str = ""


class MarketContext:
    """What the desk cannot know by itself, added to what the risk manager sees.

    Handed to the desk and to its loop, which keeps it up to date. What is not known stays None: rules that need it refuse.
    """

    def __init__(self) -> None:
        self.alone = False
        """Whether nothing else trades on the account."""
        self.known: dict[str, Any] = {}
        """Fields of ``RiskState``."""

    def __call__(self, state: RiskState) -> RiskState:
        """Add it to a state."""
        return replace(
            state,
            **self.known,
            others=() if self.alone else None,
            open_trades=state.open_trades if self.alone else None,
        )


class LiveLoop:
    """One strategy on one instrument.

    Parameters
    ----------
    instrument : Instrument
        What is traded.
    strategy : Strategy
        Who decides: the same object as in ``replay``.
    desk : LiveDesk
        Its manager's clock must be ``clock``, its context must be ``context``.
    context : MarketContext
        What the risk manager is told besides.
    clock : ReplayClock
        The loop's time; nobody else moves it.
    settings : LoopSettings
        See there.
    broker : PaperBroker, optional
        The broker, when it is one on paper.
    on_sample : callable, optional
        Told of every row.
    """

    def __init__(
        self,
        instrument: Instrument,
        strategy: Strategy,
        desk: LiveDesk,
        context: MarketContext,
        clock: ReplayClock,
        settings: LoopSettings | None = None,
        *,
        broker: PaperBroker | None = None,
        on_sample: Callable[[Sample], None] | None = None,
    ) -> None:
        self.instrument = instrument
        self.strategy = strategy
        self.desk = desk
        self.clock = clock
        self.settings = settings = settings or LoopSettings()
        self.broker = broker
        self._context = context
        context.alone = settings.alone
        self.names = self._features(strategy, desk, settings)
        self.engine = FeatureEngine(
            self.names,
            instrument,
            settings.clock or strategy.clock,
            settings.warmup,
            settings.rlp_sign,
            settings.first_day,
            detectors=settings.detectors,
            fitted=settings.fitted,
        )
        bind_strategy(strategy, instrument, self.engine.manifest.to_json(), real_money=broker is None)
        self.market = LiveMarket(_backend.core(), settings.stamp if broker is None else "ts_event")
        self.applied = 0
        """Events of the stream so far."""
        self.samples = 0
        """Rows so far."""
        self.started = False
        self._on_sample = on_sample or (lambda sample: None)
        self._width = len(strategy.features)
        self._zone = ZoneInfo(instrument.timezone)
        self._warm = 0
        self._inputs = InputCounter()
        self._held: Events = empty_events()
        self._held_from = 0
        self._at = 0
        self._heard = 0
        self._day = -1
        self._lost = False
        self._end: tuple[int, float] = (0, 0.0)
        self._volatility: dict[str, float] = {}

    @staticmethod
    def _features(strategy: Strategy, desk: LiveDesk, settings: LoopSettings) -> tuple[str, ...]:
        limits = desk.manager.risk.limits
        needed = []
        if limits.min_atr_ticks is not None or limits.max_atr_ticks is not None:
            needed.append(_FACTS["atr_ticks"])
        if limits.min_realised_volatility is not None or limits.max_realised_volatility is not None:
            needed.append(_FACTS["realised_volatility"])
        return tuple(dict.fromkeys((*strategy.features, *needed, *settings.features)))

    # -- what comes in -----------------------------------------------------------------------------------------

    def warm_up(self, events: Events) -> int:
        """Let the features see the past, before the first turn; no row of it is acted on. Returns the rows dropped."""
        self.engine.update_many(events)
        self._warm += len(events)
        return len(self.engine.take())

    def turn(self, events: Events, now_ns: int) -> None:
        """Take what is new.

        Parameters
        ----------
        events : Events, shape (n,)
            Of the instrument, in stream order.
        now_ns : int
            Time of the turn, ns UTC; not looked at with a paper broker, whose time is the market's.

        Raises
        ------
        UnsortedEventsError
            If the stream runs backwards.
        TradingHaltedError
            If the order journal cannot be written: nothing can be done any more.
        """
        if self.broker is None:
            self.clock.advance(now_ns)
        elif len(events) == 0:
            return
        elif not self.started:
            self.clock.advance(int(events["ts_event"][0]))
        if not self.started:
            self.started = True
            self.desk.start()
        if len(events):
            self._take(events)
        if self.broker is None:
            self._look(self.market.last, self.clock.now_ns())
            self.desk.step()

    def halt(self, reason: str, *, hard: bool = False) -> None:
        """Throw the kill switch; unless it is hard, leave at the market."""
        if hard:
            self.desk.manager.halt(reason, hard=True)
        else:
            self.desk.halt(reason)

    def stop(self, mode: StopMode) -> None:
        """Begin to stop; turns go on until ``desk.stopped``."""
        self.desk.stop(mode)

    def let_time_pass(self) -> None:
        """Let a paper market's orders arrive although no event comes any more: twice the latency, and hear."""
        if self.broker is None:
            return
        self._flush()
        now = max(self.clock.now_ns(), self.market.last.now_ns) + 2 * self.settings.paper_latency_ns
        self.broker.advance(now)
        self.clock.advance(now)
        self._look(self.market.last, now)
        self.desk.step()

    # -- a batch -----------------------------------------------------------------------------------------------

    def _take(self, events: Events) -> None:
        self.engine.update_many(events)
        frame, counts = self.engine.take_counted()
        self.market.extend(events)
        base = self._warm + self.applied
        rows = (counts - base).tolist()
        inputs = self._inputs.add(events, counts - self._warm).tolist()
        days = session_days(frame.times, self.instrument).tolist()
        rolls = list(self.market.rolls)
        self._hold(events)
        for k, (ts, at) in enumerate(zip(frame.times.tolist(), rows, strict=True)):
            while rolls and rolls[0] < at:
                self._roll(rolls.pop(0))
            self._advance(at, row=True)
            self._decide(ts, at, days[k], frame.values[k], inputs[k])
        for at in rolls:
            self._roll(at)
        self._advance(len(events), row=False)
        self.applied += len(events)

    def _decide(self, ts: int, at: int, day: int, values: npt.NDArray[np.float64], inputs: list[int]) -> None:
        for fact, name in _FACTS.items():
            if name in self.names:
                self._volatility[fact] = float(values[self.names.index(name)])
        market = self.market.at(at - 1)
        if self.broker is not None:
            self._hear(market)
            self.clock.advance(ts)
            self._look(market, ts)
            self.desk.step()
        else:
            self._look(market, self.clock.now_ns())
        self._turn_day(day)
        signal, bracket, rule, message = self._sample(ts, values[: self._width], market, inputs)
        self.samples += 1
        self._on_sample(
            Sample(ts, self.applied + at, values, signal.action.value, signal.reason, bracket, rule, message)
        )

    def _sample(
        self, ts: int, row: npt.NDArray[np.float64], market: MarketNow, inputs: list[int]
    ) -> tuple[Signal, int, str, str]:
        desk = self.desk
        closing = ts >= self._session_end(ts) - round(self.settings.flatten_before_s * 1e9)
        if not (desk.idle or desk.halted):
            if closing:
                self._leave("session_end")
            elif self._lost:
                self._leave("daily_loss")
        why = self._barred(market, closing)
        if why:
            return Signal(ts, SignalAction.HOLD, why), 0, "", ""
        state = MarketState(
            ts=ts,
            bid_px=market.bid_px,
            ask_px=market.ask_px,
            last_px=market.last_px,
            has_touch=self.settings.has_touch,
            position=desk.manager.position,
            busy=desk.busy,
            last_exit_ts=desk.last_exit_ts,
            open_since_ts=market.open_since_ns,
            lot=self.instrument.lot,
            trade_side=desk.trade_side,
            inputs=tuple(inputs),
        )
        try:
            signal = self.strategy.evaluate(row, state)
            if not isinstance(signal, Signal):
                raise QuantumTraderError(f"evaluate returned {type(signal).__name__}, expected a Signal")
        except Exception as error:  # whatever it is, a strategy that fails must not trade on
            _log.exception("strategy %s failed at %d", self.strategy.name, ts)
            self.halt(f"strategy {self.strategy.name} failed: {type(error).__name__}: {error}")
            return Signal(ts, SignalAction.HOLD, "kill_switch"), 0, "", ""
        if signal.action is SignalAction.EXIT:
            desk.on_signal(signal)  # however old the row is: what is late for an entry is not for a way out
        if not signal.side or desk.busy:
            return signal, 0, "", ""
        return signal, *self._enter(signal, market)

    def _barred(self, market: MarketNow, closing: bool) -> str:
        """Why no strategy is asked now; empty when one is."""
        if self.desk.halted:
            return "kill_switch"
        if self._lost:
            return "daily_loss_halt"
        if not market.continuous:
            return "not_continuous"
        return "session_ending" if closing else ""

    def _enter(self, signal: Signal, market: MarketNow) -> tuple[int, str, str]:
        desk = self.desk
        age = (self.clock.now_ns() - market.event_ns) / 1e9
        if self.broker is None and not age <= self.settings.late_sample_s:
            return 0, "late_sample", f"the row is {age:.3f} s old, at most {self.settings.late_sample_s:g} s"
        before = desk.refusals[-1] if desk.refusals else None
        try:
            number = desk.on_signal(signal)
        except (TradingHaltedError, OrderError) as error:  # not now: reconciling, stopping, cleaning up
            return 0, "not_ready", str(error)
        last = desk.refusals[-1] if desk.refusals else None
        if last is not None and last is not before:
            return number or 0, last.rule, last.message
        return number or 0, "", ""

    def _leave(self, reason: str) -> None:
        self.desk.leave(reason)

    def _roll(self, at: int) -> None:
        """The feed goes over to another contract at event ``at``: what is held belongs to the old one."""
        self._advance(at, row=True)
        market = self.market.at(at - 1)
        if self.broker is not None:
            self._hear(market)
            self.clock.advance(market.now_ns)
        self._look(market, self.clock.now_ns())
        self.halt("the feed went over to another contract: start again on that one")

    def _turn_day(self, day: int) -> None:
        """Begin the day of the session, and notice a day that has lost its limit."""
        manager = self.desk.manager
        if day != self._day:
            self._day, self._lost = day, False
            manager.begin_day((_EPOCH + timedelta(days=day)).isoformat())
        result = manager.result(self.desk.mark_px())
        if not self._lost and math.isfinite(result) and manager.risk.loss_limit_hit(result):
            self._lost = True

    def _session_end(self, ts: int) -> float:
        """End of the session that runs at ``ts`` or comes next, ns UTC; infinity for a market that never closes."""
        since, end = self._end
        if not since <= ts < end:
            end = _next_close(self.instrument, ts, self._zone)
            self._end = (ts, end)
        return end

    # -- the desk's view ---------------------------------------------------------------------------------------

    def _look(self, market: MarketNow, now_ns: int) -> None:
        """Show the desk the market and what else the risk manager may ask for."""
        settings = self.settings
        self._context.known = {
            "capital": settings.capital,
            "atr_ticks": self._volatility.get("atr_ticks"),
            "realised_volatility": self._volatility.get("realised_volatility"),
            "last_event_ts": market.event_ns or None,
            "book_ts": market.book_ns or None,
            "book_valid": market.book_valid if settings.has_touch else None,
            "open_since_ts": market.open_since_ns if market.continuous else None,
            "roll_ts": settings.roll_ts,
        }
        self.desk.on_market(now_ns, market.bid_px, market.ask_px, market.last_px, settings.has_touch)

    # -- the paper broker --------------------------------------------------------------------------------------

    def _hold(self, events: Events) -> None:
        """Put the batch behind what the broker has not seen yet; places are counted from the batch's first event."""
        if self.broker is None:
            return
        left = self._held[self._at - self._held_from :]
        self._held = np.concatenate((left, events)) if len(left) else events
        self._held_from = self._at = -len(left)

    def _advance(self, stop: int, *, row: bool) -> None:
        """Let the paper broker have the events up to ``stop``.

        While an entry is on its way every event counts, because stop and target depend on its fill; while a trade is being
        left too, because its stop is gone before it is flat. While a position is open, the desk looks at rows only: what a
        batch brings behind the last row waits for the next one.
        """
        if self.broker is None:
            return
        while self._at < stop:
            moving = self._moving
            if moving:
                end = self._at + 1
            elif row or self.desk.idle:
                end = stop
            else:
                end = self._at + _MOST_HELD
                if end > stop:
                    return
            self.broker.update_many(self._held[self._at - self._held_from : end - self._held_from])
            self._at = end
            if moving or not (row or self.desk.idle):
                self._hear(self.market.at(end - 1))

    @property
    def _moving(self) -> bool:
        """Whether a trade is being entered or left."""
        return any(b.phase is BracketPhase.ENTERING or b.closing for b in self.desk.books.live.values())

    def _hear(self, market: MarketNow) -> None:
        """React to the paper exchange's reports when they have arrived here, one latency later."""
        broker = self.broker
        if broker is None or broker.reports == self._heard:
            return
        self._heard = broker.reports
        self.clock.advance(max(market.now_ns, broker.reported_ns + self.settings.paper_latency_ns))
        self._look(market, self.clock.now_ns())
        self.desk.step()

    def _flush(self) -> None:
        """Let the broker have everything."""
        if self.broker is not None and self._at - self._held_from < len(self._held):
            self.broker.update_many(self._held[self._at - self._held_from :])
            self._at = self._held_from + len(self._held)


def _next_close(instrument: Instrument, ts: int, zone: ZoneInfo) -> float:
    if not instrument.hours:
        return math.inf
    day = datetime.fromtimestamp(ts // 10**9, UTC).astimezone(zone).date()
    for _ in range(8):
        hours = hours_on(instrument, datetime(day.year, day.month, day.day, 12, tzinfo=zone))
        if hours is not None:
            end = int(datetime.combine(day, hours.close, zone).timestamp()) * 10**9
            if end > ts:
                return end
        day += timedelta(days=1)
    return math.inf
