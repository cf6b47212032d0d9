"""``quantumtrader collect``: record sessions by the calendar, and bring them into the lake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from quantumtrader import _backend
from quantumtrader.app.vendor_source import VendorSource, open_session
from quantumtrader.clock import LiveClock
from quantumtrader.data.calendar import Calendar
from quantumtrader.data.checkpoints import Books
from quantumtrader.data.contracts import instrument as find_instrument
from quantumtrader.data.lake import Lake
from quantumtrader.data.recorder import (
    CollectorSettings,
    CollectorStatus,
    Feed,
    RealtimeBookCollector,
    RecordedNews,
)
from quantumtrader.data.roll import Rolled, roll
from quantumtrader.data.schedule import Window, next_window
from quantumtrader.exceptions import ConfigError
from quantumtrader.profitdll.session import ConnectionManagerV4
from quantumtrader.types import Events, Instrument, Kind, Phase

if TYPE_CHECKING:
    from quantumtrader.config import Settings

__all__ = [
    "SOURCES",
    "CollectConfig",
    "CollectResult",
    "GeneratorFeed",
    "Request",
    "Source",
    "fresh_books",
    "run_collect",
]

_PROBLEMS = ("invalid_ticker", "nothing")
"""News that make a recording fail."""
_GENERATED_NS = 10 * 3_600_000_000_000
"""Length of a synthetic session without an end."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a source is asked for.

    Parameters
    ----------
    instruments : tuple of Instrument
        By ``Event.instrument``.
    settings : Settings
        Of the user.
    stop_ns : int or None
        When recording ends, ns UTC.
    options : mapping
        What the command line says of the source.
    """

    instruments: tuple[Instrument, ...]
    settings: Settings
    stop_ns: int | None
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where events can come from.

    Parameters
    ----------
    open : callable
        Connects and subscribes; returns the feed and what closes it. Called anew for every session, so that each
        recording begins with a full image of the book.
    synthetic : bool
        Whether its events are made.
    """

    open: Callable[[Request], tuple[Feed, Callable[[], None]]]
    synthetic: bool


@dataclass(frozen=True, slots=True)
class CollectConfig:
    """What is recorded, when, and where to.

    Parameters
    ----------
    symbols : sequence of str
        At least one.
    settings : Settings
        Instruments, folders, calendar.
    source : str
        A name in ``SOURCES``.
    now : bool
        Begin at once, whatever the calendar says.
    until_close : bool
        End after the next session; by default session follows session until it is stopped.
    duration_s : float, optional
        End after so many seconds of recording.
    rolls : bool
        Bring what was recorded into the lake after each session, and what is left over before the first.
    keep_days : int, optional
        As in ``roll``.
    options : mapping
        For the source.
    """

    symbols: Sequence[str]
    settings: Settings
    source: str = "generator"
    now: bool = False
    until_close: bool = False
    duration_s: float | None = None
    rolls: bool = True
    keep_days: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ConfigError(f"source {self.source!r} is not known; use one of {', '.join(SOURCES)}")
        if not self.symbols:
            raise ConfigError("collect: no symbol; name at least one")


@dataclass(frozen=True, slots=True)
class CollectResult:
    """How it went: the last status of each recording, and what became of the journals."""

    recordings: tuple[CollectorStatus, ...]
    rolled: tuple[Rolled, ...]
    problems: tuple[RecordedNews, ...] = ()
    """What the recordings lack: a ticker that the vendor does not know, or of which nothing came."""

    @property
    def failed(self) -> bool:
        """Whether anything was not recorded, or refused by the lake."""
        return (
            bool(self.problems)
            or any(s.error is not None for s in self.recordings)
            or any(r.state == "refused" for r in self.rolled)
        )


def fresh_books() -> Books:
    """Make a book of the engine in force for each kind."""
    core = _backend.core()
    books: Any = {Kind.LEVEL: core.L2Book(), Kind.ORDER: core.OrderBook()}
    return books  # type: ignore[no-any-return]


def run_collect(
    config: CollectConfig,
    stop: threading.Event,
    *,
    on_wait: Callable[[Window], None] | None = None,
    on_status: Callable[[CollectorStatus], None] | None = None,
    on_rolled: Callable[[list[Rolled]], None] | None = None,
    on_news: Callable[[RecordedNews], None] | None = None,
    period_s: float = 1.0,
    collector: CollectorSettings | None = None,
) -> CollectResult:
    """Record until it is time to end, or until ``stop`` is set.

    Parameters
    ----------
    config : CollectConfig
        What, when and where to.
    stop : Event
        Ends it cleanly from another thread or a signal handler.
    on_wait, on_status, on_rolled, on_news : callable, optional
        Told what is waited for, how recording goes every ``period_s``, what a roll has done, and what the feed says that
        a person should know.
    period_s : float
        Seconds between two calls of ``on_status``.
    collector : CollectorSettings, optional
        Sizes and intervals; by default those of the settings.

    Raises
    ------
    ConfigError
        A symbol without hours and neither ``now`` nor ``duration_s``: nothing says when to record.
    DataAccessError
        Another collector records one of the symbols, or the folders cannot be written.
    """
    settings, clock = config.settings, LiveClock()
    instruments = tuple(find_instrument(symbol, settings) for symbol in config.symbols)
    source, calendar = SOURCES[config.source], Calendar(settings)
    collector = collector or CollectorSettings(
        sync_ns=round(settings.data.journal_sync_s * 1e9),
        checkpoint_ns=round(settings.data.checkpoint_s * 1e9),
    )
    recordings: list[CollectorStatus] = []
    rolled: list[Rolled] = []
    problems: list[RecordedNews] = []

    def tell(news: list[RecordedNews]) -> None:
        problems.extend(one for one in news if one.kind in _PROBLEMS)
        if on_news is not None:
            for one in news:
                on_news(one)

    def bring_in() -> None:
        if config.rolls:
            done = roll(
                settings.data.journal,
                Lake(settings.data.lake, pack=_backend.core().pack_events),
                settings,
                keep_days=config.keep_days,
                now_ns=clock.now_ns(),
            )
            rolled[:] = done
            if on_rolled is not None:
                on_rolled(done)

    bring_in()
    while not stop.is_set():
        now = clock.now_ns()
        window = next_window(instruments, now, calendar)
        if window is None and not config.now:
            raise ConfigError(
                f"{', '.join(config.symbols)}: no trading hours are known, so nothing says when to record; use --now"
            )
        if window is not None and not config.now and window.start_ns > now:
            if on_wait is not None:
                on_wait(window)
            while not stop.is_set() and (now := clock.now_ns()) < window.start_ns:
                stop.wait(min(1.0, (window.start_ns - now) / 1e9))
            if stop.is_set():
                break
        ends = _ends(config, clock.now_ns(), window)
        feed, close = source.open(Request(instruments, settings, ends, config.options))
        try:
            recorder = RealtimeBookCollector(
                feed,
                instruments,
                settings.data.journal,
                source=config.source,
                synthetic=source.synthetic,
                books=fresh_books,
                clock=clock,
                settings=collector,
            )
            with recorder:
                while not stop.is_set() and (ends is None or clock.now_ns() < ends):
                    left = period_s if ends is None else min(period_s, (ends - clock.now_ns()) / 1e9)
                    stop.wait(max(left, 0.001))
                    tell(recorder.take_news())
                    if on_status is not None:
                        on_status(recorder.status())
        finally:
            close()
        recordings.append(recorder.status())
        tell([*recorder.take_news(), *_nothing_of(recordings[-1], instruments, calendar)])
        if on_status is not None:
            on_status(recordings[-1])
        bring_in()
        if config.now or config.until_close or config.duration_s is not None:
            break
    return CollectResult(tuple(recordings), tuple(rolled), tuple(problems))


def _nothing_of(
    status: CollectorStatus, instruments: Sequence[Instrument], calendar: Calendar
) -> list[RecordedNews]:
    """Name the symbols of which nothing came though they traded; a synthetic market trades at any hour."""
    out = []
    for instrument in instruments:
        if instrument.symbol not in status.silent:
            continue
        window = next_window([instrument], status.since_ns, calendar, lead_ns=0, tail_ns=0)
        if status.synthetic or window is None or window.start_ns < status.now_ns:
            text = f"nothing at all was recorded of {instrument.symbol}: check contract, exchange, licence and connection"
            out.append(RecordedNews(status.now_ns, "nothing", text))
    return out


def _ends(config: CollectConfig, now: int, window: Window | None) -> int | None:
    """When this recording ends; None: when it is stopped."""
    ends = []
    if config.duration_s is not None:
        ends.append(now + round(config.duration_s * 1e9))
    if window is not None and (not config.now or config.until_close):
        ends.append(window.stop_ns)
    return min(ends, default=None)


class GeneratorFeed:
    """A synthetic session that goes by as if it were live; every event is flagged ``SYNTHETIC``.

    Parameters
    ----------
    events : Events, shape (n,)
        In stream order.
    speed : float
        Market seconds per second. Exchange times are moved to the clock, and squeezed accordingly.
    clock : LiveClock, optional
        The time.
    """

    def __init__(self, events: Events, speed: float = 1.0, clock: LiveClock | None = None) -> None:
        if not speed > 0:
            raise ConfigError(f"speed is {speed}, expected a positive number")
        self._clock = clock or LiveClock()
        self._start_ns = self._clock.now_ns()
        self._events = events
        # What comes before the opening is due at once: nobody wants to wait for a synthetic auction.
        opens = events["ts_event"][(events["kind"] == Kind.SESSION) & (events["action"] == Phase.OPEN)]
        first = opens[:1] if len(opens) else events["ts_event"][:1]
        since = np.maximum(events["ts_event"] - first, 0)
        self._due = self._start_ns + (since / speed).astype(np.int64)
        self._at = 0

    def read(self, max: int) -> Events:
        """Hand over what has become due, stamped with the time of receipt."""
        now = self._clock.now_ns()
        end = min(int(np.searchsorted(self._due, now, side="right")), self._at + max)
        out = self._events[self._at : end].copy()
        out["ts_event"], out["ts_recv"] = self._due[self._at : end], now
        self._at = end
        return out

    def take_messages(self) -> list[tuple[Any, ...]]:
        """Hand over nothing: a generator has no connection."""
        return []

    def counters(self) -> dict[str, int]:
        """How far the session has got."""
        return {"generated": len(self._events), "delivered": self._at}


def _open_generator(request: Request) -> tuple[Feed, Callable[[], None]]:
    clock = LiveClock()
    length = _GENERATED_NS if request.stop_ns is None else max(request.stop_ns - clock.now_ns(), 10**9)
    speed = float(request.options.get("speed", 1.0))
    seed = int(request.options.get("seed", 7))
    core = _backend.core()
    sessions = [
        core.generate_session(
            seed=seed + k, duration_ns=min(round(length * speed), _GENERATED_NS), instrument=k
        )
        for k in range(len(request.instruments))
    ]
    events = np.concatenate(sessions)
    events = events[np.argsort(events["ts_recv"], kind="stable")]
    events["sequence"] = np.arange(1, len(events) + 1)
    return GeneratorFeed(events, speed, clock), lambda: None


_KEPT: list[ConnectionManagerV4] = []
"""The session with the vendor's library, which opens once per process and serves one recording after the other."""


def _open_profitdll(request: Request) -> tuple[Feed, Callable[[], None]]:
    if not _KEPT:
        _KEPT.append(open_session(request.settings, simulator=False))
    _KEPT[0].connect()
    feed = VendorSource(_KEPT[0], request.instruments, keep=True)
    return feed, feed.close


def _open_simulator(request: Request) -> tuple[Feed, Callable[[], None]]:
    scenario = None
    if request.settings.profit.scenario is None:
        tickers = ", ".join(f'"{i.symbol}"' for i in request.instruments)
        speed = float(request.options.get("speed", 1.0))
        seed = int(request.options.get("seed", 7))
        scenario = f"[market]\ntickers = [{tickers}]\nspeed = {speed}\nseed = {seed}\nmax_events = 0\n"
    session = open_session(request.settings, simulator=True, scenario=scenario)
    try:
        feed = VendorSource(session, request.instruments)
    except BaseException:
        session.disconnect()
        raise
    return feed, feed.close


SOURCES: dict[str, Source] = {
    "generator": Source(_open_generator, synthetic=True),
    "simulator": Source(_open_simulator, synthetic=True),
    "profitdll": Source(_open_profitdll, synthetic=False),
}
"""By name: one function each that returns a feed and what closes it."""
