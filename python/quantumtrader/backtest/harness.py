"""The path of one trade, on recorded events.

::

    events ─► feature engine ─► row at t ─► strategy ─► signal ─► risk ─► venue (t + latency) ─► fills ─► ledger
       └──────────────────────────────────────────────────────────►┘

No look-ahead, by construction: the feature engine says how many events it had applied when it took a row; the
venue is advanced to exactly that count before the strategy sees the row, and an order decided at ``t`` is sent
at ``t``.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader.backtest.desk import BracketResult, Desk, VenueSettings
from quantumtrader.backtest.market import MarketPath
from quantumtrader.data.sessions import session_days
from quantumtrader.exceptions import EngineError, QuantumTraderError
from quantumtrader.execution.brackets import BracketPlan
from quantumtrader.execution.ledger import Ledger, Trade
from quantumtrader.execution.orders import JournalEntry
from quantumtrader.execution.risk import Refused, RiskLimits
from quantumtrader.execution.signals import MarketState, Signal, SignalAction
from quantumtrader.execution.strategy import Strategy, bind_strategy
from quantumtrader.features import DetectorSettings, FeatureEngine, InputCounter
from quantumtrader.types import Events, FeatureFrame, Fill, Fitted, Instrument

__all__ = ["Backtest", "BacktestResult", "BacktestSettings", "Decision", "EquityCurve"]

_log = logging.getLogger(__name__)

_TAIL_NS = 60_000_000_000

CHUNK = 65_536
"""Events per call of the feature engine."""

REPORT_FEATURES = (
    "cvd_session",
    "flow_ofi_1m",
    "flow_ofi_5m",
    "book_ofi_norm_1m",
    "vwap_distance",
    "delta_1m",
)
"""Features that the report shows beside those that the strategy asks for."""

BAR_REPORT_FEATURES = ("rsi_14", "ema_cross_9_20", "atr_14")
"""The same for sources that have bars only."""


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    """Everything that changes the outcome, besides the data and the strategy.

    Parameters
    ----------
    clock : str
        Sampling clock of the features; empty takes the strategy's.
    venue : VenueSettings
        Latency and queue model.
    limits : RiskLimits
        Limits of the risk manager.
    features : tuple of str
        Further features to record.
    flatten_before_s : float
        Leave, and enter no more, this long before continuous trading ends, in seconds; at least two bars.
    rlp_sign : str
        How retail liquidity prints are signed: ``drop`` or ``quote``.
    warmup : str
        ``full`` or ``partial``; see the feature catalogue.
    seed : int
        Of the random baseline.
    draws : int
        Of the random baseline.
    fees_known : bool
        Whether a fee of 0 is meant; without it a fee of 0 counts as not known.
    fitted : Fitted or None
        What features read that was fitted beforehand.
    detectors : DetectorSettings or None
        Thresholds of the detectors behind features; None for the defaults.
    """

    clock: str = ""
    venue: VenueSettings = field(default_factory=VenueSettings)
    limits: RiskLimits = field(default_factory=RiskLimits)
    features: tuple[str, ...] = ()
    flatten_before_s: float = 60.0
    rlp_sign: str = "drop"
    warmup: str = "full"
    seed: int = 0
    draws: int = 1_000
    fees_known: bool = False
    fitted: Fitted | None = None
    detectors: DetectorSettings | None = None

    @property
    def flatten_before_ns(self) -> int:
        """``flatten_before_s`` in ns."""
        return round(self.flatten_before_s * 1e9)


@dataclass(frozen=True, slots=True)
class Decision:
    """One sample at which something else than a plain hold happened: an entry, sent or refused."""

    index: int
    ts: int
    side: int
    order_id: int
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class LossHalt:
    """A session stopped by the daily loss.

    Parameters
    ----------
    ts : int
        Sample at which it was seen, ns UTC.
    local : str
        The same in the instrument's zone, ISO without zone.
    result : float
        The session's result then, realised and open, after fees.
    limit : float
        The limit, positive.
    """

    ts: int
    local: str
    result: float
    limit: float


@dataclass(frozen=True, eq=False)
class EquityCurve:
    """Result over time in the instrument's currency; marked at the price at which we could leave.

    Parameters
    ----------
    ts : ndarray of int64, shape (n,)
        ns UTC.
    gross, net : ndarray of float64, shape (n,)
        Before and after fees, open result included.
    position : ndarray of int64, shape (n,)
        Contracts, signed.
    """

    ts: npt.NDArray[np.int64]
    gross: npt.NDArray[np.float64]
    net: npt.NDArray[np.float64]
    position: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """What a replay leaves behind.

    Parameters
    ----------
    path : MarketPath
        The stream that was replayed.
    frame : FeatureFrame
        Features at every sample.
    counts : ndarray of int64, shape (n_samples,)
        Events applied when each row was taken.
    actions, reasons : list of str
        What the strategy said at every sample, and why.
    decisions : list of Decision
        Samples at which an order was asked for.
    fills : list of Fill
        In order.
    fill_tags : dict of int to str
        Client id to the tag of its order.
    trades : list of Trade
        Round trips.
    refusals : list of Refused
        What the risk manager stopped.
    journal : list of JournalEntry
        Every order event.
    entries : list of BracketResult
        Every bracket that was started.
    equity : EquityCurve
        Result over time.
    ledger : Ledger
        The books at the end.
    fidelity : str
        What fills rested on: ``bar``, ``trade``, ``quote``, ``touch``, ``book`` or ``orders``.
    settings : BacktestSettings
        As given, with the clock filled in.
    strategy : Strategy
        As given.
    engine : str
        ``rust`` or ``python``.
    halted : str
        Why the kill switch was on at the end; empty when it was off.
    loss_halts : list of LossHalt
        Sessions that were stopped by the daily loss.
    left_open : int
        Contracts, signed, that had to be settled at the last price because the recording ended.
    """

    path: MarketPath
    frame: FeatureFrame
    counts: npt.NDArray[np.int64]
    actions: list[str]
    reasons: list[str]
    decisions: list[Decision]
    fills: list[Fill]
    fill_tags: dict[int, str]
    trades: list[Trade]
    refusals: list[Refused]
    journal: list[JournalEntry]
    entries: list[BracketResult]
    equity: EquityCurve
    ledger: Ledger
    fidelity: str
    settings: BacktestSettings
    strategy: Strategy
    engine: str
    halted: str = ""
    loss_halts: list[LossHalt] = field(default_factory=list)
    left_open: int = 0

    @property
    def fees_known(self) -> bool:
        """Whether costs are known: a fee was set, or 0 is meant."""
        return self.settings.fees_known or self.path.instrument.fee_known

    @property
    def fee(self) -> float:
        """Fees per contract and side, in the instrument's currency."""
        return self.path.instrument.fee

    @property
    def instrument(self) -> Instrument:
        """What was traded."""
        return self.path.instrument


@dataclass(slots=True)
class _Curve:
    step_ns: int
    due: int = -(2**63)
    rows: list[tuple[int, float, float, int]] = field(default_factory=list)
    fills: int = 0


class Backtest:
    """Replays one stream through one strategy.

    Parameters
    ----------
    events : Events, shape (n,)
        Sorted stream of one instrument.
    instrument : Instrument
        What is traded.
    strategy : Strategy
        Who decides.
    settings : BacktestSettings
        Assumptions and limits.
    on_progress : callable, optional
        Called with the number of events applied since the last call.
    on_sample : callable, optional
        Called with the time of each sample before it is decided: paces a replay that people watch.
    on_trade : callable, optional
        Called with each trade when it is known to have ended.
    chunk : int
        Events per call of the feature engine; the outcome does not depend on it.

    Examples
    --------
    >>> result = Backtest(events, instrument, make_strategy("order_flow_baseline")).run()  # doctest: +SKIP
    """

    def __init__(
        self,
        events: Events,
        instrument: Instrument,
        strategy: Strategy,
        settings: BacktestSettings | None = None,
        *,
        on_progress: Callable[[int], None] | None = None,
        on_sample: Callable[[int], None] | None = None,
        on_trade: Callable[[Trade], None] | None = None,
        chunk: int = CHUNK,
    ) -> None:
        self._core: Any = _backend.core()
        self._strategy = strategy
        self._settings = settings = settings or BacktestSettings()
        self._path = MarketPath.of(events, instrument, self._core)
        self._desk = Desk(self._path, self._core, settings.venue, settings.limits)
        self._clock = settings.clock or strategy.clock
        shown = BAR_REPORT_FEATURES if self._path.source == "bars" else REPORT_FEATURES
        self._names = tuple(dict.fromkeys((*strategy.features, *shown, *settings.features)))
        self._width = len(strategy.features)
        self._on_progress = on_progress or (lambda n: None)
        self._on_sample = on_sample
        self._on_trade = on_trade
        self._told = 0
        self._last_ts = -(2**63)
        self._chunk = chunk
        span = self._path.recorded_until - int(self._path.now[0])
        self._curve = _Curve(max(1_000_000_000, span // 10_000))
        self._day = -1
        self._lost = False
        self._loss_halts: list[LossHalt] = []
        self._zone = ZoneInfo(instrument.timezone)
        self._actions: list[str] = []
        self._reasons: list[str] = []
        self._decisions: list[Decision] = []

    @property
    def path(self) -> MarketPath:
        """The stream with what it adds up to."""
        return self._path

    def run(self) -> BacktestResult:
        """Replay the whole stream once."""
        events, settings = self._path.events, self._settings
        instrument = self._path.instrument
        first = session_days(events["ts_event"][:1], instrument).tolist()
        engine = FeatureEngine(
            self._names,
            instrument,
            self._clock,
            settings.warmup,
            settings.rlp_sign,
            date(1970, 1, 1) + timedelta(days=first[0]) if first else None,
            detectors=settings.detectors,
            fitted=settings.fitted,
        )
        bind_strategy(self._strategy, instrument, engine.manifest.to_json())
        metadata: dict[str, str] = {}
        taken: list[tuple[Any, Any, Any]] = []
        counter = InputCounter()
        for start in range(0, len(events), self._chunk):
            chunk = events[start : start + self._chunk]
            engine.update_many(chunk)
            frame, counts = engine.take_counted()
            times, values, metadata = frame.times, frame.values, frame.metadata
            inputs = counter.add(chunk, counts)
            # A recording that stops before the close says nothing about the hours until then.
            known = times <= self._path.recorded_until + _TAIL_NS
            times, values, counts = times[known], values[known], counts[known]
            self._samples(times, values, counts, inputs[known])
            taken.append((times, values, counts))
            self._on_progress(len(chunk))
        self._desk.advance_to(len(events))
        self._desk.finish()
        self._record(max(self._path.recorded_until, self._last_ts), force=True)
        return self._result(taken, metadata)

    def _samples(self, times: Any, values: Any, counts: Any, inputs: Any) -> None:
        rows = values[:, : self._width]
        closing = self._path.closing(times, self._settings.flatten_before_ns).tolist()
        days = session_days(times, self._path.instrument).tolist()
        arrived = inputs.tolist()
        for k, (ts, count) in enumerate(zip(times.tolist(), counts.tolist(), strict=True)):
            if count < self._desk.cursor:
                raise EngineError(
                    f"the feature engine took a row after {count} events, earlier than the one before"
                )
            if self._on_sample is not None:
                self._on_sample(ts)
            self._desk.advance_to(count)
            while self._on_trade is not None and self._told < len(self._desk.ledger.trades):
                self._on_trade(self._desk.ledger.trades[self._told])
                self._told += 1
            signal = self._sample(ts, rows[k], closing[k], days[k], arrived[k])
            self._actions.append(signal.action.value)
            self._reasons.append(signal.reason)
            self._record(ts)
            self._last_ts = ts

    def _sample(
        self, ts: int, row: npt.NDArray[np.float64], closing: bool, day: int, inputs: list[int]
    ) -> Signal:
        desk = self._desk
        if (
            day != self._day
        ):  # the daily loss counts from one session date to the next, whatever happens between
            desk.ledger.begin_session()
            self._day, self._lost = day, False
        if not self._lost and desk.loss_limit_reached():
            self._lost = True
            local = datetime.fromtimestamp(ts // 10**9, UTC).astimezone(self._zone)
            self._loss_halts.append(
                LossHalt(
                    ts, f"{local:%Y-%m-%d %H:%M:%S}", desk.session_result(), self._settings.limits.daily_loss
                )
            )
        if desk.busy:
            if desk.risk.tripped:
                desk.flatten("kill_switch", ts)
            elif closing:
                desk.flatten("session_end", ts)
            elif self._lost:
                desk.flatten("daily_loss", ts)
            else:
                desk.tick(ts)
        if desk.risk.tripped:
            return Signal(ts, SignalAction.HOLD, "kill_switch")
        if self._lost:
            return Signal(ts, SignalAction.HOLD, "daily_loss_halt")
        i = desk.cursor - 1
        if i < 0 or not self._path.continuous[i]:
            return Signal(ts, SignalAction.HOLD, "not_continuous")
        if closing:
            return Signal(ts, SignalAction.HOLD, "session_ending")
        market = MarketState(
            ts=ts,
            bid_px=int(self._path.bid_px[i]),
            ask_px=int(self._path.ask_px[i]),
            last_px=int(self._path.last_px[i]),
            has_touch=self._path.has_touch,
            position=desk.ledger.position,
            busy=desk.busy,
            last_exit_ts=desk.last_exit_ts,
            open_since_ts=int(self._path.open_since[i]),
            lot=self._path.instrument.lot,
            trade_side=desk.trade_side,
            inputs=tuple(inputs),
        )
        try:
            signal = self._strategy.evaluate(row, market)
            if not isinstance(signal, Signal):
                raise QuantumTraderError(f"evaluate returned {type(signal).__name__}, expected a Signal")
        except Exception as error:  # whatever it is, a strategy that fails must not trade on
            _log.exception("strategy %s failed at %d", self._strategy.name, ts)
            desk.risk.trip(f"strategy {self._strategy.name} failed: {type(error).__name__}: {error}")
            if desk.busy:
                desk.flatten("kill_switch", ts)
            return Signal(ts, SignalAction.HOLD, "kill_switch")
        if signal.action is SignalAction.EXIT:
            desk.flatten(signal.reason, ts)
        elif signal.side and not desk.busy:
            self._enter(signal)
        return signal

    def _enter(self, signal: Signal) -> None:
        plan = BracketPlan(
            side=signal.side,
            size=signal.size,
            stop_ticks=signal.stop_ticks,
            target_ticks=signal.target_ticks,
            time_stop_ns=signal.time_stop_ns,
            entry_ttl_ns=max(10_000_000_000, 2 * self._path.bar_ns),
            tag=signal.reason,
        )
        order_id, refused = self._desk.enter(plan, signal.ts)
        rule, message = ("", "") if refused is None else (refused.rule, refused.message)
        self._decisions.append(Decision(len(self._actions), signal.ts, signal.side, order_id, rule, message))

    def _record(self, ts: int, *, force: bool = False) -> None:
        ledger, curve = self._desk.ledger, self._curve
        if not force and ts < curve.due and len(ledger.fills) == curve.fills:
            return
        curve.due, curve.fills = ts + curve.step_ns, len(ledger.fills)
        gross = ledger.realised_gross + ledger.open_gross(self._desk.mark_px())
        if math.isnan(gross) and curve.rows:
            return  # a position without a price has no value to draw
        curve.rows.append((ts, gross, gross - ledger.fees, ledger.position))

    def _result(self, taken: list[tuple[Any, Any, Any]], metadata: dict[str, str]) -> BacktestResult:
        desk, engine = self._desk, _backend.engine()
        times, values, counts = (np.concatenate([part[k] for part in taken]) for k in range(3))
        columns = list(zip(*self._curve.rows, strict=True))
        metadata = {**metadata, "synthetic": str(self._path.synthetic).lower()}
        settings = self._settings
        return BacktestResult(
            path=self._path,
            frame=FeatureFrame(self._names, times, values, metadata),
            counts=counts,
            actions=self._actions,
            reasons=self._reasons,
            decisions=self._decisions,
            fills=desk.ledger.fills,
            fill_tags={f.client_id: desk.tag(f.client_id) for f in desk.ledger.fills},
            trades=desk.ledger.trades,
            refusals=desk.refusals,
            journal=desk.orders.journal,
            entries=[r for r in desk.results if r.fills],
            equity=EquityCurve(
                np.array(columns[0], np.int64),
                np.array(columns[1], np.float64),
                np.array(columns[2], np.float64),
                np.array(columns[3], np.int64),
            ),
            ledger=desk.ledger,
            fidelity=desk.venue.fidelity,
            settings=replace(settings, clock=self._clock),
            strategy=self._strategy,
            engine=engine.name,
            halted=desk.risk.tripped,
            loss_halts=self._loss_halts,
            left_open=desk.left_open,
        )
