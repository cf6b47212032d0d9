"""A live session from its start to its end: threads, supervision, stop.

::

    main thread      supervisor: heartbeats, kill switch file, disk, silence, signals ─► commands
    session          polls the library: messages, hooks, reconnection
    trading          read ─► recorder ─► tape ─► LiveLoop.turn ─► gateway
    recorder         events journal

Only the trading thread touches loop, desk and gateway. Everybody else asks it by a command.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from quantumtrader import __version__, _backend
from quantumtrader.app.live.gateways import TapedGateway
from quantumtrader.app.live.loop import LiveLoop, Sample
from quantumtrader.app.live.recorder import EventRecorder, write_journal
from quantumtrader.app.live.samples import SampleLog
from quantumtrader.app.live.source import EventSource
from quantumtrader.app.live.spec import SessionSpec, build
from quantumtrader.app.live.tape import Tape
from quantumtrader.app.live.workers import Worker
from quantumtrader.clock import LiveClock
from quantumtrader.exceptions import DataAccessError, QuantumTraderError, TradingHaltedError
from quantumtrader.execution import KillSwitch, OrderJournal, StopMode
from quantumtrader.types import empty_events

__all__ = [
    "EVENTS",
    "ORDERS",
    "TAPE",
    "WARMUP",
    "LiveRun",
    "RunResult",
    "RunSettings",
    "RunStatus",
    "new_folder",
]

_log = logging.getLogger(__name__)

EVENTS, WARMUP, TAPE, ORDERS = "events.qtj", "warmup.qtj", "session.tape", "orders.journal"
_WATCH_S = 0.1
_STATUS_NS = 100_000_000
_NEWS = 200
_LAST_TURNS = 50
"""Turns that a market without further events is given to finish what was begun."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a session is run; nothing of it changes what the loop decides.

    Parameters
    ----------
    folder : Path
        New folder of the session.
    kill_file : Path
        File of the kill switch: a trip is kept there, and a file that appears trips.
    orders : Path, optional
        Order journal that outlives the session; by default one inside the folder.
    on_stop : StopMode
        What happens to a position at the end.
    stop_timeout_s : float
        How long a stop may take, in seconds.
    duration_s : float, optional
        Stop after so long, in seconds.
    turn_s : float
        Wait between two turns without events, in seconds.
    late_s : float
        A thread that does not move for so long is late, in seconds.
    min_free_bytes : int
        Halt when the disk has less left.
    history_days : int
        Past sessions whose trades warm the features.
    history_timeout_s : float
        How long to wait for them, in seconds.
    clear_halt : str
        Who decided to switch trading on again; empty leaves a kill switch that is on.
    """

    folder: Path
    kill_file: Path
    orders: Path | None = None
    on_stop: StopMode = StopMode.FLATTEN
    stop_timeout_s: float = 30.0
    duration_s: float | None = None
    turn_s: float = 0.005
    late_s: float = 5.0
    min_free_bytes: int = 500_000_000
    history_days: int = 0
    history_timeout_s: float = 180.0
    clear_halt: str = ""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What a session is doing now.

    Parameters
    ----------
    ts : int
        Time of the loop, ns UTC.
    events, samples, trades : int
        So far.
    position : int
        Contracts, signed.
    result : float
        Of the trading day after fees, open result included; NaN when a price is missing.
    open_orders : int
        Orders that have not ended.
    action, reason : str
        Of the last row.
    halted : str
        Why the kill switch is on.
    ready : bool
        Whether orders can be sent.
    queued : int
        Batches that wait to be recorded.
    """

    ts: int = 0
    events: int = 0
    samples: int = 0
    trades: int = 0
    position: int = 0
    result: float = 0.0
    open_orders: int = 0
    action: str = ""
    reason: str = ""
    halted: str = ""
    ready: bool = False
    queued: int = 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a session ended.

    Parameters
    ----------
    folder : Path
        What it left behind.
    spec : SessionSpec
        What it was.
    status : RunStatus
        The last one.
    why : str
        Why it ended.
    halted : str
        Why the kill switch was on at the end; empty when it was off.
    clean : bool
        Whether the stop was complete: flat, or guarded as wished.
    found : list of str
        What was found at the start: orders and positions of an earlier process.
    notices : list of str
        What a person should know, in order.
    """

    folder: Path
    spec: SessionSpec
    status: RunStatus
    why: str
    halted: str
    clean: bool
    found: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def new_folder(root: Path, name: str) -> Path:
    """Make the next folder ``NAME_001``, ``NAME_002``, … for its owner only.

    Raises
    ------
    DataAccessError
        If it cannot be made.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, 10_000):
            folder = root / f"{name}_{number:03d}"
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise DataAccessError(
            f"the folder of the session cannot be made: {error.strerror or error}",
            path=root,
            remedy="Check its permissions, or set live.folder",
        ) from error
    raise DataAccessError("there are 9,999 sessions of this day already", path=root)


class LiveRun:
    """Runs one session.

    Parameters
    ----------
    spec : SessionSpec
        What it is; account, source and stamps are filled in.
    source : EventSource
        Where events come from; opened and closed here.
    settings : RunSettings
        How it is run.
    """

    def __init__(self, spec: SessionSpec, source: EventSource, settings: RunSettings) -> None:
        self._spec = spec
        self._source = source
        self._settings = settings
        self._clock = LiveClock()
        self._inbox: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._status = RunStatus()
        self._found: list[str] = []
        self._notices: deque[str] = deque(maxlen=_NEWS)
        self._told: set[str] = set()
        self._why = ""
        self._clean = False
        self._stopping_ns = 0
        self._blind = False
        self._last_turns = _LAST_TURNS
        self._status_due = 0
        self._last = ("", "")
        self._failed: QuantumTraderError | None = None
        self._samples: SampleLog
        self._loop: LiveLoop
        self._tape: Tape
        self._recorder: EventRecorder
        self._gateway: TapedGateway | None = None

    @property
    def status(self) -> RunStatus:
        """What it is doing, from any thread."""
        return self._status

    @property
    def loop(self) -> LiveLoop:
        """The loop; only its own thread may touch it while the session runs."""
        return self._loop

    @property
    def spec(self) -> SessionSpec:
        """What it is; complete once it runs."""
        return self._spec

    def run(
        self,
        stop: threading.Event,
        *,
        on_status: Callable[[RunStatus], None] | None = None,
        on_notice: Callable[[str], None] | None = None,
        on_started: Callable[[], None] | None = None,
        period_s: float = 0.5,
    ) -> RunResult:
        """Run until ``stop`` is set, the time is over, the market ends, or trading is halted.

        Parameters
        ----------
        stop : Event
            Begins a clean stop, from a signal handler or another thread.
        on_status, on_notice, on_started : callable, optional
            Told how it goes every ``period_s`` seconds, what a person should know, and that trading began.

        Raises
        ------
        TradingHaltedError
            The kill switch is on from before.
        QuantumTraderError
            The session cannot be started; nothing was sent.
        """
        settings = self._settings
        switch = self._switch()
        self._on_notice = on_notice or (lambda text: None)
        try:
            self._source.open(self._spec.instrument, routing=self._spec.mode == "real")
            journal = self._open(stop)
        except BaseException:
            self._source.close()
            raise
        with journal:
            trading = self._worker("trading", self._turn)
            recording = self._worker("recorder", self._recorder.work)
            session = self._worker("session", self._source.poll, pause_s=0.01)
            workers = (recording, session, trading)
            for worker in workers:
                worker.start()
            if on_started is not None:
                on_started()
            try:
                self._watch(workers, stop, switch, on_status, period_s)
            finally:
                self._shut_down(workers)
            self._status = self._snapshot()
            halted = self._loop.desk.halted or switch.reason
            if halted and not switch.on:
                switch.trip(halted, hard=self._loop.desk.manager.risk.tripped_hard)
            if self._failed is not None:
                raise self._failed
        return RunResult(
            settings.folder,
            self._spec,
            self._status,
            self._why,
            halted,
            self._clean,
            self._found,
            list(self._notices),
        )

    # -- start -------------------------------------------------------------------------------------------------

    def _switch(self) -> KillSwitch:
        switch = KillSwitch(self._settings.kill_file)
        if switch.on and not self._settings.clear_halt:
            raise TradingHaltedError(
                f"the kill switch is on since before: {switch.reason} ({self._settings.kill_file}). Look at the account, "
                "then start with --clear-halt and your name"
            )
        if switch.on:
            switch.clear(self._settings.clear_halt)
        return switch

    def _open(self, stop: threading.Event) -> OrderJournal:
        settings, source = self._settings, self._source
        real = self._spec.mode == "real"
        broker = source.gateway(self._spec.account) if real else None
        account = self._spec.account if broker is None else broker.account
        stamp = "ts_event" if source.synthetic or not real else "ts_recv"
        self._spec = spec = replace(
            self._spec,
            account=account,
            synthetic=source.synthetic,
            source=source.name,
            loop=replace(self._spec.loop, stamp=stamp, first_day=source.today()),
        )
        warm, events = self._warm_up(stop)
        journal = OrderJournal(settings.orders or settings.folder / ORDERS, power_safe=real)
        try:
            self._tape = Tape(
                settings.folder / TAPE,
                {
                    "session": spec.to_header(),
                    "engine": _backend.engine().name,
                    "version": __version__,
                    "orders": None if settings.orders is None else str(settings.orders.resolve()),
                    "order_records": len(journal),
                    "warmup": warm,
                    "started_ns": self._clock.now_ns(),
                },
            )
            if broker is not None:
                self._gateway = TapedGateway(broker, self._tape)
            self._loop = build(spec, journal, self._gateway, self._take)
            self._samples = SampleLog(settings.folder, self._loop.names)
            if warm:
                self._loop.warm_up(events)
            self._recorder = EventRecorder(
                settings.folder / EVENTS, spec.instrument, source.name, synthetic=source.synthetic
            )
        except BaseException:
            journal.close()
            raise
        return journal

    def _warm_up(self, stop: threading.Event) -> tuple[int, Any]:
        settings, spec = self._settings, self._spec
        if not settings.history_days:
            return 0, empty_events()
        events, why = self._source.history(settings.history_days, settings.history_timeout_s, stop.is_set)
        if why:
            self._notice(
                f"history is not complete: {why}; features that look further back stay empty for a while"
            )
        if len(events):
            write_journal(
                settings.folder / WARMUP, events, spec.instrument, spec.source, synthetic=spec.synthetic
            )
        return len(events), events

    def _worker(self, name: str, body: Callable[[], bool | None], pause_s: float = 0.0) -> Worker:
        return Worker(name, body, pause_s=pause_s, late_s=self._settings.late_s)

    # -- the trading thread ------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """One turn; False when the session is over."""
        try:
            return self._one_turn()
        except TradingHaltedError as error:
            self._end(f"halted: {error}")
        except DataAccessError as error:  # the tape: what happens now could not be lived again
            self._loop.desk.manager.risk.trip(str(error), hard=True)
            self._end(f"halted: {error}")
        return False

    def _one_turn(self) -> bool:
        while True:
            try:
                name, arguments = self._inbox.get_nowait()
            except queue.Empty:
                break
            self._command(name, **arguments)
        events, now = self._source.read()
        if len(events):
            self._recorder.put(events)
        if self._blind:
            events = empty_events()
        if self._gateway is not None:
            if now == 0:
                return self._rest()  # a made market that has not begun has no time yet
            self._gateway.begin_turn()
            self._tape.begin(len(events), now)
        fresh = not self._loop.started
        try:
            self._loop.turn(events, now)
        except (TradingHaltedError, DataAccessError):
            raise
        except QuantumTraderError as error:
            if fresh:  # nothing has begun: the session cannot be started
                self._failed = error
                self._end(f"the session cannot be started: {error}")
                return False
            _log.exception("the loop failed")
            self._blind = True  # the stream cannot be followed any more; the desk still can
            self._halt(f"the loop failed: {type(error).__name__}: {error}")
        if fresh and self._loop.started:
            self._begun()
        self._show()
        if self._over(bool(len(events))):
            return False
        return True if len(events) else self._rest()

    def _rest(self) -> bool:
        """Wait a little; False when a stop came before anything had begun."""
        self._show()
        threading.Event().wait(self._settings.turn_s)
        return not self._why

    def _begun(self) -> None:
        self._found = self._look_back()
        if self._settings.clear_halt:
            self._command("clear", by=self._settings.clear_halt)

    def _command(self, name: str, **arguments: Any) -> None:
        if not self._loop.started:
            self._end("stopped before the market began", clean=True)
            return
        self._tape.command(self._loop.applied, name, **arguments)
        execute(self._loop, name, arguments)
        if name == "stop":
            self._stopping_ns = self._stopping_ns or self._clock.now_ns()

    def _over(self, news: bool) -> bool:
        """Whether the session is over; begins what has to be begun for that."""
        desk, settings = self._loop.desk, self._settings
        if not self._loop.started:
            return False
        if desk.halted and not self._stopping_ns:
            mode = StopMode.HAND_OVER if desk.manager.risk.tripped_hard else StopMode.FLATTEN
            self._command("stop", mode=mode.value)
        if self._source.over and not news:
            if not self._stopping_ns:
                self._command("stop", mode=settings.on_stop.value)
            self._command("pass")
            self._last_turns -= 1
        if not self._stopping_ns:
            return False
        if desk.stopped:
            return self._end("the market ended" if self._source.over else "stopped", clean=True)
        if self._last_turns <= 0:
            return self._end(f"the market ended before the stop was complete: {self._left()}")
        if (self._clock.now_ns() - self._stopping_ns) / 1e9 > settings.stop_timeout_s:
            return self._end(f"the stop was not complete after {settings.stop_timeout_s:g} s: {self._left()}")
        return False

    def _end(self, why: str, *, clean: bool = False) -> bool:
        self._why = self._why or why
        self._clean = clean
        return True

    def _left(self) -> str:
        books = self._loop.desk.books
        orders = len(books.table.open_orders)
        left = f"position {books.ledger.position:+d}, {orders} orders are working"
        bare = self._loop.desk.unguarded
        return f"{left}; {bare:+d} contracts outside trades have no stop at the exchange" if bare else left

    def _look_back(self) -> list[str]:
        """What an earlier process left, and what the first comparison with the vendor found."""
        manager = self._loop.desk.manager
        books, report = manager.books, manager.last_report
        found = []
        if books.session > 1:
            found.append(
                f"resumed from the order journal: position {books.ledger.position:+d}, {len(books.live)} trades alive, "
                f"{len(books.table.open_orders)} orders working, {len(books.unresolved)} without an answer"
            )
        if books.killed:
            found.append(f"the order journal says that trading was halted: {books.killed}")
        if report is not None:
            found += [f"{finding.kind}: {finding.message}" for finding in report.findings]
        return found

    def _take(self, sample: Sample) -> None:
        self._last = (sample.action, sample.rule or sample.reason)
        self._samples.write(sample)

    def _show(self) -> None:
        now = self._clock.now_ns()
        if now >= self._status_due:
            self._status_due = now + _STATUS_NS
            self._status = self._snapshot()

    def _snapshot(self) -> RunStatus:
        loop, desk = self._loop, self._loop.desk
        books, manager = desk.books, desk.manager
        return RunStatus(
            ts=loop.clock.now_ns(),
            events=loop.applied,
            samples=loop.samples,
            trades=len(books.ledger.trades),
            position=books.ledger.position,
            result=manager.result(desk.mark_px()),
            open_orders=len(books.table.open_orders),
            action=self._last[0],
            reason=self._last[1],
            halted=desk.halted,
            ready=manager.ready,
            queued=self._recorder.queued,
        )

    # -- the supervisor ----------------------------------------------------------------------------------------

    def _watch(
        self,
        workers: tuple[Worker, ...],
        stop: threading.Event,
        switch: KillSwitch,
        on_status: Callable[[RunStatus], None] | None,
        period_s: float,
    ) -> None:
        trading, began, asked, shown = workers[-1], self._clock.now_ns(), False, 0
        while trading.alive:
            trading.join(_WATCH_S)
            now = self._clock.now_ns()
            for news in self._source.take_news():
                self._notice(news)
            for text in self._troubles(workers):
                self._halt(text)
            switch.refresh()
            if switch.on:
                self._halt(switch.reason, hard=switch.hard)
            elif self._status.halted:
                switch.trip(self._status.halted, hard=self._loop.desk.manager.risk.tripped_hard)
            over = self._settings.duration_s is not None and now - began > self._settings.duration_s * 1e9
            if (stop.is_set() or over) and not asked:
                asked = True
                self._inbox.put(("stop", {"mode": self._settings.on_stop.value}))
            if asked and trading.age_s > self._settings.stop_timeout_s:
                break  # it hangs: what is at the exchange stays there, and the switch is on
            if on_status is not None and now - shown > period_s * 1e9:
                shown = now
                on_status(self._status)
        if trading.error:
            self._halt(f"trading died: {trading.error}")
            self._why = self._why or f"trading died: {trading.error}"
            switch.trip(self._why)

    def _troubles(self, workers: tuple[Worker, ...]) -> list[str]:
        found = [worker.trouble() for worker in workers]
        found += [self._source.trouble(), self._recorder.failed, self._samples.failed]
        try:
            free = shutil.disk_usage(self._settings.folder).free
        except OSError as error:
            found.append(f"the disk cannot be looked at: {error.strerror or error}")
        else:
            if free < self._settings.min_free_bytes:
                found.append(f"the disk is full: {free // 1_000_000} MB left")
        return [text for text in found if text]

    def _halt(self, reason: str, *, hard: bool = False) -> None:
        key = reason.rstrip("0123456789. s")  # ages change, the trouble is the same
        if key not in self._told:
            self._told.add(key)
            self._notice(f"halt: {reason}")
            self._inbox.put(("halt", {"reason": reason, "hard": hard}))

    def _notice(self, text: str) -> None:
        _log.warning("%s", text)
        self._notices.append(text)
        self._on_notice(text)

    def _shut_down(self, workers: tuple[Worker, ...]) -> None:
        """End the threads, the library and the files, whatever failed before."""
        recording, session, trading = workers
        trading.stop()
        gone = trading.join(self._settings.stop_timeout_s)
        session.stop()
        session.join(self._settings.late_s)
        if gone:
            self._source.close()
            try:
                self._tape.end(self._loop.applied, self._why or "ended by an error")
            except DataAccessError as error:
                self._notice(str(error))
        else:
            self._notice("the trading thread does not end: the library is left as it is")
        recording.stop()
        recording.join(self._settings.late_s)
        self._recorder.close()
        self._samples.close()
        if self._recorder.failed:
            self._notice(self._recorder.failed)


def execute(loop: LiveLoop, name: str, arguments: dict[str, Any]) -> None:
    """Carry out a command, live or from a tape."""
    match name:
        case "halt":
            loop.halt(arguments["reason"], hard=arguments["hard"])
        case "stop":
            loop.stop(StopMode(arguments["mode"]))
        case "pass":
            loop.let_time_pass()
        case "clear":
            loop.desk.manager.clear(arguments["by"])
        case _:
            raise QuantumTraderError(f"the tape has the unknown command {name!r}: another version wrote it")
