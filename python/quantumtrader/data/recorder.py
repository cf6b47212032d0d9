"""The recorder: everything a feed delivers, into a journal and its sidecar.

One thread reads the feed and does nothing else; another one writes, keeps the live books and takes checkpoints of
them. Between the two is a bounded queue: when the disk is slow the reader waits, the feed's ring laps it, and what is
lost is counted, written down as a gap, and told.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import re
import shutil
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

import numpy as np

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.data._lock import SymbolLock
from quantumtrader.data.checkpoints import BOOK_KINDS, Books, BooksFactory, take
from quantumtrader.data.journal import SUFFIX, JournalHeader, JournalWriter, instrument_rows
from quantumtrader.data.lake import safe_symbol
from quantumtrader.data.sessions import session_days
from quantumtrader.data.sidecar import SidecarWriter, sidecar_of
from quantumtrader.exceptions import ConfigError, DataAccessError, EngineError
from quantumtrader.types import EVENT, Action, Events, Flag, Instrument, Kind

__all__ = ["CollectorSettings", "CollectorStatus", "Feed", "RealtimeBookCollector", "RecordedNews"]

KEPT_MESSAGES = frozenset(
    {
        # of the market
        *(
            "adjust",
            "adjust_v2",
            "asset_info",
            "asset_info_v2",
            "daily",
            "health",
            "invalid_ticker",
            "last_packet",
        ),
        *("progress", "state", "theoretical", "ticker_state"),
        # of the feed: what is missing from the recording, and why
        *("depth_errors", "faulty", "malformed", "missed", "off_tick", "out_of_range", "overflow", "unfreed"),
        *("unknown_ticker", "untranslated"),
    }
)
"""Control messages that go into the sidecar. Others (accounts, orders) are counted: they are nobody's market data."""
_EPOCH = date(1970, 1, 1)
_SAMPLE_NS = 500_000_000
_SAMPLES = 5
_QUEUED = 64
_LONGEST_NAME = 80
_NEWS = 1_000
_NO_DATA = (Kind.GAP, Kind.SESSION)


@dataclass(frozen=True, slots=True)
class RecordedNews:
    """Something that a person should know of the feed.

    Parameters
    ----------
    ts : int
        When it was noticed, ns UTC.
    kind : str
        ``connection``, ``silence``, ``invalid_ticker``, ``lost``, ``trouble``: the session's words.
    text : str
        In plain words.
    """

    ts: int
    kind: str
    text: str


class Feed(Protocol):
    """What can be recorded: the native feed, its ctypes twin, or anything of their shape."""

    def read(self, max: int) -> Events:
        """Hand over up to ``max`` events that came since the last call, in order; ``sequence`` counts by one."""
        ...

    def take_messages(self) -> list[tuple[Any, ...]]:
        """Hand over the control messages since the last call: name first, then what it carries.

        ``("news", ts, kind, text)`` is told to whoever watches the recording.
        """
        ...

    def counters(self) -> dict[str, int]:
        """Count what the feed saw, dropped and lost."""
        ...


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """How a collector works.

    Parameters
    ----------
    batch : int
        Events read at a time. The queue between the threads holds 64 batches.
    idle_s : float
        Wait after a read that brought nothing.
    flush_ns, sync_ns
        As in ``JournalWriter``.
    checkpoint_ns, checkpoint_events : int
        A checkpoint of every book is taken when either has passed; at most one per batch.
    """

    batch: int = 16_384
    idle_s: float = 0.002
    flush_ns: int = 50_000_000
    sync_ns: int | None = 1_000_000_000
    checkpoint_ns: int = 5_000_000_000
    checkpoint_events: int = 250_000


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """What a collector does now.

    Parameters
    ----------
    state : {"idle", "recording", "failed", "stopped"}
        ``failed``: the feed is still read and counted, nothing is recorded any more.
    now_ns, since_ns : int
        When this was asked, and when recording began, ns UTC; 0 before.
    journal : Path or None
        File being written, or the last one.
    events : dict of str to int
        Taken from the feed and gap markers, by kind.
    recorded : int
        Of these, in whole frames of the journals.
    rates : dict of str to float
        Events per second by kind, over the last seconds.
    lag_ms : float
        Longest time from receipt to recording in the last half second; NaN without events.
    ages_s : dict of str to float
        Seconds since the last event of each symbol; NaN before the first.
    lost : int
        Events that the feed delivered no more: holes in the sequence.
    gaps : int
        Gap markers recorded, those of the feed and those for holes.
    unrecorded : int
        Events that are in no journal because recording failed.
    foreign : int
        Recorded events of an instrument that is not in the table.
    queued : int
        Batches waiting to be written.
    journal_bytes, disk_free_bytes : int
        Size of all journals of this run, and what the disk has left.
    checkpoints, messages : int
        Written to the sidecar.
    messages_left_out : dict of str to int
        Control messages that are no market data, by name.
    counters : dict of str to int
        Of the feed.
    synthetic : bool
        Whether what is recorded was made.
    error : str or None
        Why recording failed.
    news : dict of str to int
        News of the feed so far, by kind; ``take_news`` hands over their texts.
    silent : tuple of str
        Symbols of which no market data came so far: no trade, no quote, no offer.
    """

    state: Literal["idle", "recording", "failed", "stopped"]
    now_ns: int
    since_ns: int
    journal: Path | None
    events: dict[str, int]
    rates: dict[str, float]
    recorded: int
    lag_ms: float
    ages_s: dict[str, float]
    lost: int
    gaps: int
    unrecorded: int
    foreign: int
    queued: int
    journal_bytes: int
    disk_free_bytes: int
    checkpoints: int
    messages: int
    messages_left_out: dict[str, int] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    synthetic: bool = False
    error: str | None = None
    news: dict[str, int] = field(default_factory=dict)
    silent: tuple[str, ...] = ()


class RealtimeBookCollector:
    """Records every event of a feed: trades, every action on the offer book, price depth, quotes, markers.

    Journals are named ``<session date>_<symbols>_<part>.qtj`` and are never written to twice: a restart on the same
    session begins the next part. ``start`` and ``stop`` run it in threads of its own; ``open``, ``poll`` and
    ``close`` drive it by hand.

    Parameters
    ----------
    feed : Feed
        Read from one thread.
    instruments : sequence of Instrument
        By ``Event.instrument``.
    folder : Path
        Where journals go; made for its owner only when it is not there.
    source : str
        Where the events come from.
    synthetic : bool
        Whether they were made.
    books : callable, optional
        Makes a fresh book for each kind; without it no checkpoints are taken, and ``validate`` can compare the
        rebuilt books with nothing.
    clock : Clock, optional
        The time; the system's by default.
    settings : CollectorSettings, optional
        Sizes and intervals.
    on_loss : callable, optional
        Told how many events were lost, from the writing thread: ask the feed for a new image of the book.

    Raises
    ------
    ConfigError
        No instrument, one that is named twice or cannot be in a file name, or instruments whose sessions have
        different dates.
    """

    def __init__(
        self,
        feed: Feed,
        instruments: Sequence[Instrument],
        folder: Path | str,
        *,
        source: str,
        synthetic: bool = False,
        books: BooksFactory | None = None,
        clock: Clock | None = None,
        settings: CollectorSettings | None = None,
        on_loss: Callable[[int], None] | None = None,
    ) -> None:
        _check(instruments)
        self._feed = feed
        self._instruments = tuple(instruments)
        self._folder = Path(folder)
        self._source = source
        self._clock = clock or LiveClock()
        self._settings = settings or CollectorSettings()
        self._on_loss = on_loss
        self._make_books = books
        self._locks: list[SymbolLock] = []
        self._journal: JournalWriter | None = None
        self._sidecar: SidecarWriter | None = None
        self._books: list[Books] = []
        self._seen = [dict.fromkeys(BOOK_KINDS, -1) for _ in instruments]
        self._threads: list[threading.Thread] = []
        self._queue: queue.Queue[tuple[Events, list[tuple[Any, ...]]] | str | None] = queue.Queue(_QUEUED)
        self._stopping = threading.Event()
        self._tally = _Tally(len(instruments), synthetic)
        self._lock = threading.Lock()
        self.journals: list[Path] = []
        """Every journal of this run, in order."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def open(self) -> None:
        """Take the locks and begin a journal.

        Raises
        ------
        DataAccessError
            Another collector records one of the symbols, or the folder cannot be written.
        EngineError
            It is or was open: a collector runs once.
        """
        if self._tally.state != "idle":
            raise EngineError(f"the collector is {self._tally.state}; make a new one for every run")
        try:
            if not self._folder.exists():
                self._folder.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise DataAccessError(
                f"cannot make the folder of the journals: {error.strerror or error}",
                path=self._folder,
                remedy="Check its permissions, or set data.journal",
            ) from error
        try:
            for instrument in self._instruments:
                self._locks.append(SymbolLock(self._folder, instrument.symbol))
            self._begin_part()
        except BaseException:
            self._release()
            raise
        self._tally.begin(self._clock.now_ns())

    def start(self) -> None:
        """Open, and record in the background until ``stop``."""
        self.open()
        self._threads = [
            threading.Thread(target=self._write_all, name="recorder-write", daemon=True),
            threading.Thread(target=self._read_all, name="recorder-read", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> CollectorStatus:
        """Read what is left, close the journal, and say how it went; a second call changes nothing."""
        self._stopping.set()
        for thread in reversed(self._threads):
            thread.join()
        self._threads = []
        self.close()
        return self.status()

    def poll(self) -> int:
        """Read and record once, in this thread; returns how many events came."""
        events, messages = self._feed.read(self._settings.batch), self._feed.take_messages()
        self._record(events, messages)
        return len(events)

    def close(self) -> None:
        """Close the journal and give the locks back."""
        if self._tally.state in ("idle", "stopped"):
            return
        now = self._clock.now_ns()
        self._checkpoint(now, due=True)
        self._end_part(now)
        self._release()
        with self._lock:
            self._tally.end()

    def status(self) -> CollectorStatus:
        """Return what is going on; cheap, from any thread."""
        free = 0
        with contextlib.suppress(OSError):  # a folder that is gone must not hide the rest
            free = shutil.disk_usage(self._folder if self._folder.exists() else Path()).free
        counters = dict(self._feed.counters())
        now = self._clock.now_ns()
        with self._lock:
            return self._tally.status(
                now,
                [i.symbol for i in self._instruments],
                self.journals[-1] if self.journals else None,
                (self._journal.size, self._journal.written) if self._journal else (0, 0),
                free,
                self._queue.qsize(),
                counters,
            )

    def take_news(self) -> list[RecordedNews]:
        """Hand over the news since the last call, the last 1,000 at most; from any thread."""
        with self._lock:
            taken = list(self._tally.untold)
            self._tally.untold.clear()
        return taken

    # the two threads

    def _read_all(self) -> None:
        batch, idle = self._settings.batch, self._settings.idle_s
        try:
            while True:
                last = self._stopping.is_set()
                events, messages = self._feed.read(batch), list[tuple[Any, ...]]()
                try:
                    messages = self._feed.take_messages()
                finally:
                    self._queue.put((events, messages))
                if not len(events):
                    if last:
                        return
                    self._stopping.wait(idle)
        except Exception as error:
            # The writer fails for it when it has written what was read before.
            self._queue.put(f"the feed cannot be read: {type(error).__name__}: {error}")
        finally:
            self._queue.put(None)

    def _write_all(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, str):
                self._fail(item)
                continue
            try:
                self._record(*item)
            except Exception as error:  # whatever it is, the reader must not stall
                self._fail(f"internal error: {type(error).__name__}: {error}")

    # recording

    def _record(self, events: Events, messages: list[tuple[Any, ...]]) -> None:
        now = self._clock.now_ns()
        self._note(messages, now)
        if self._tally.state == "failed":
            with self._lock:
                self._tally.unrecorded += len(events)
            return
        left = len(events)
        try:
            for part, restarted in _runs(events, self._tally.last_sequence):
                if restarted:
                    self._note_line(now, "restart", before=self._tally.last_sequence)
                    self._end_part(now)
                    self._begin_part()
                left -= len(part)  # from here on the journal knows whether it has them
                self._append(part, now)
            if self._journal is not None:
                self._journal.tick(now)
        except DataAccessError as error:
            with self._lock:
                self._tally.unrecorded += left
            self._fail(str(error))
            return
        self._checkpoint(now)

    def _append(self, events: Events, now: int) -> None:
        assert self._journal is not None
        last = self._tally.last_sequence
        events, lost = _with_gaps(events, last, len(self._instruments))
        with self._lock:
            self._tally.add(events, lost, now)
        self._journal.append(events, now)
        self._apply(events)
        gaps = events[events["kind"] == Kind.GAP]
        for gap in gaps:
            self._note_line(
                now,
                "gap",
                symbol=self._symbol(int(gap["instrument"])),
                sequence=int(gap["sequence"]),
                lost=int(gap["size"]),
                by="recorder" if lost else "feed",
            )
        if lost and self._on_loss is not None:
            self._on_loss(lost)

    def _apply(self, events: Events) -> None:
        """Bring the live books up to date."""
        which = events["instrument"]
        for index, books in enumerate(self._books):
            mine = events if len(self._instruments) == 1 else events[which == index]
            if not len(mine):
                continue
            kinds = set(np.unique(mine["kind"]).tolist())
            for kind, book in books.items():
                if kind in kinds or self._seen[index][kind] >= 0:
                    book.update_many(mine)
                    self._seen[index][kind] = int(mine["sequence"][-1])

    def _checkpoint(self, now: int, *, due: bool = False) -> None:
        settings, tally = self._settings, self._tally
        if self._sidecar is None or self._journal is None or not self._books or not tally.since_checkpoint:
            return
        if not (
            due
            or now - tally.checkpoint_ns >= settings.checkpoint_ns
            or tally.since_checkpoint >= settings.checkpoint_events
        ):
            return
        try:
            self._journal.flush()  # a checkpoint never speaks of events that a kill would take along
        except DataAccessError as error:
            self._fail(str(error))
            return
        count = 0
        for index, books in enumerate(self._books):
            for kind, book in books.items():
                if (sequence := self._seen[index][kind]) >= 0:
                    point = take(book, kind, self._symbol(index), sequence)
                    self._note_line(now, "checkpoint", **point.as_line())
                    count += 1
        with self._lock:
            tally.checkpoints += count
            tally.checkpoint_ns, tally.since_checkpoint = now, 0

    def _note(self, messages: list[tuple[Any, ...]], now: int) -> None:
        for message in messages:
            name = str(message[0])
            if name == "news":
                news = RecordedNews(int(message[1]), str(message[2]), str(message[3]))
                with self._lock:
                    self._tally.untold.append(news)
                    self._tally.news[news.kind] += 1
                self._note_line(now, "news", noticed=news.ts, kind=news.kind, text=news.text)
            elif name in KEPT_MESSAGES:
                self._note_line(now, "message", name=name, fields=list(message[1:]))
                self._tally.messages += 1
            else:
                self._tally.left_out[name] += 1

    def _note_line(self, now: int, what: str, **fields: Any) -> None:
        """Write to the sidecar; the journal goes on without one when that fails."""
        if self._sidecar is None:
            return
        try:
            self._sidecar.write(now, what, **fields)
        except DataAccessError as error:
            self._sidecar = None
            with self._lock:
                self._tally.error = str(error)

    def _fail(self, why: str) -> None:
        """Stop recording, loudly; reading goes on and is counted."""
        now = self._clock.now_ns()
        with self._lock:
            self._tally.state, self._tally.error = "failed", why
        self._note_line(now, "error", message=why)
        with contextlib.suppress(DataAccessError):
            self._end_part(now)

    # files

    def _begin_part(self) -> None:
        now = self._clock.now_ns()
        header = JournalHeader(instrument_rows(self._instruments), self._source, self._tally.synthetic, now)
        stem = f"{self._session(now)}_{_names(self._instruments)}"
        part = 1 + max(
            (int(m[1]) for p in self._folder.glob(f"{stem}_*") if (m := re.search(r"_(\d+)\.\w+$", p.name))),
            default=0,
        )
        path = self._folder / f"{stem}_{part:03d}{SUFFIX}"
        settings = self._settings
        self._journal = JournalWriter(path, header, flush_ns=settings.flush_ns, sync_ns=settings.sync_ns)
        self.journals.append(path)
        self._sidecar = SidecarWriter(sidecar_of(path))
        self._books = [self._make_books() for _ in self._instruments] if self._make_books else []
        self._seen = [dict.fromkeys(BOOK_KINDS, -1) for _ in self._instruments]
        self._tally.last_sequence = None
        self._note_line(
            now,
            "start",
            source=self._source,
            synthetic=self._tally.synthetic,
            symbols=[i.symbol for i in self._instruments],
            pid=os.getpid(),
        )

    def _end_part(self, now: int) -> None:
        journal, self._journal = self._journal, None
        if journal is None:
            return
        try:
            journal.close()
        except DataAccessError as error:
            with self._lock:
                self._tally.state, self._tally.error = "failed", str(error)
            self._note_line(now, "error", message=str(error))
        with self._lock:
            self._tally.closed_bytes += journal.size
            self._tally.recorded += journal.written
            self._tally.unrecorded += journal.taken - journal.written
        self._note_line(
            now,
            "stop",
            events=journal.written,
            lost=self._tally.lost,
            unrecorded=self._tally.unrecorded,
            messages_left_out=dict(self._tally.left_out),
        )
        if self._sidecar is not None:
            with contextlib.suppress(OSError):  # on a full disk: the lines are there, only not durable
                self._sidecar.sync()
            self._sidecar.close()
            self._sidecar = None

    def _release(self) -> None:
        for lock in self._locks:
            lock.release()
        self._locks = []

    def _session(self, now: int) -> date:
        day = int(session_days(np.array([now], np.int64), self._instruments[0])[0])
        return _EPOCH + timedelta(days=day)

    def _symbol(self, index: int) -> str:
        return self._instruments[index].symbol if index < len(self._instruments) else f"#{index}"


class _Tally:
    """What has been counted so far."""

    def __init__(self, instruments: int, synthetic: bool) -> None:
        self.state: Literal["idle", "recording", "failed", "stopped"] = "idle"
        self.synthetic = synthetic
        self.error: str | None = None
        self.since_ns = 0
        self.last_sequence: int | None = None
        self.lost = self.gaps = self.recorded = self.unrecorded = self.foreign = 0
        self.messages = self.checkpoints = self.since_checkpoint = self.checkpoint_ns = self.closed_bytes = 0
        self.left_out: Counter[str] = Counter()
        self.news: Counter[str] = Counter()
        self.untold: deque[RecordedNews] = deque(maxlen=_NEWS)
        self._heard = np.zeros(instruments, bool)
        self.by_kind = np.zeros(256, np.int64)
        self._last_recv = np.zeros(instruments, np.int64)
        self._lag_ns = self._lag_before_ns = -1
        self._samples: deque[tuple[int, Any]] = deque(maxlen=_SAMPLES)

    def begin(self, now: int) -> None:
        self.state, self.since_ns, self.checkpoint_ns = "recording", now, now
        self._samples.append((now, self.by_kind.copy()))

    def end(self) -> None:
        if self.state == "recording":
            self.state = "stopped"

    def add(self, events: Events, lost: int, now: int) -> None:
        self.by_kind += np.bincount(events["kind"], minlength=256)
        self.gaps = int(self.by_kind[Kind.GAP])
        self.lost += lost
        self.since_checkpoint += len(events)
        self.last_sequence = int(events["sequence"][-1])
        which = events["instrument"]
        for index in np.unique(which).tolist():
            if index < len(self._last_recv):
                mine = events["ts_recv"][which == index] if len(self._last_recv) > 1 else events["ts_recv"]
                self._last_recv[index] = mine[-1]
                if not self._heard[index]:
                    self._heard[index] = _market_data(events[which == index])
            else:
                self.foreign += int((which == index).sum())
        self._lag_ns = max(self._lag_ns, now - int(events["ts_recv"][0]))
        if not self.synthetic and (events["flags"][0] & int(Flag.SYNTHETIC)):
            self.synthetic = True

    def _sample(self, now: int) -> None:
        if not self._samples or now - self._samples[-1][0] >= _SAMPLE_NS:
            self._samples.append((now, self.by_kind.copy()))
            self._lag_before_ns, self._lag_ns = self._lag_ns, -1

    def status(
        self,
        now: int,
        symbols: list[str],
        journal: Path | None,
        open_journal: tuple[int, int],
        free: int,
        queued: int,
        counters: Mapping[str, int],
    ) -> CollectorStatus:
        self._sample(now)
        then, before = self._samples[0]
        seconds = (now - then) / 1e9
        lag = max(self._lag_ns, self._lag_before_ns)
        ages = {
            symbol: (now - int(last)) / 1e9 if last else float("nan")
            for symbol, last in zip(symbols, self._last_recv, strict=True)
        }
        counts = {kind.name.lower(): int(self.by_kind[kind]) for kind in Kind if self.by_kind[kind]}
        rates = {
            kind.name.lower(): float(self.by_kind[kind] - before[kind]) / seconds if seconds > 0 else 0.0
            for kind in Kind
            if self.by_kind[kind]
        }
        return CollectorStatus(
            state=self.state,
            now_ns=now,
            since_ns=self.since_ns,
            journal=journal,
            events=counts,
            rates=rates,
            lag_ms=lag / 1e6 if lag >= 0 else float("nan"),
            ages_s=ages,
            lost=self.lost,
            gaps=self.gaps,
            unrecorded=self.unrecorded,
            foreign=self.foreign,
            queued=queued,
            recorded=self.recorded + open_journal[1],
            journal_bytes=self.closed_bytes + open_journal[0],
            disk_free_bytes=free,
            checkpoints=self.checkpoints,
            messages=self.messages,
            messages_left_out=dict(self.left_out),
            counters=dict(counters),
            synthetic=self.synthetic,
            error=self.error,
            news=dict(self.news),
            silent=tuple(s for s, heard in zip(symbols, self._heard, strict=True) if not heard),
        )


def _market_data(events: Events) -> bool:
    """Whether anything among the events is of the market itself; marks around an empty image are not."""
    marks = np.isin(events["action"], (Action.SNAPSHOT_BEGIN, Action.SNAPSHOT_END))
    books = np.isin(events["kind"], (Kind.ORDER, Kind.LEVEL))
    return bool((~np.isin(events["kind"], _NO_DATA) & ~(books & marks)).any())


def _runs(events: Events, last: int | None) -> list[tuple[Events, bool]]:
    """Cut events where the sequence runs backwards: the feed began anew there."""
    if not len(events):
        return []
    sequence = events["sequence"]
    back = np.flatnonzero(np.diff(sequence) <= 0) + 1
    first = last is not None and int(sequence[0]) <= last
    return [(part, first if k == 0 else True) for k, part in enumerate(np.split(events, back))]


def _with_gaps(events: Events, last: int | None, instruments: int) -> tuple[Events, int]:
    """Put a gap marker per instrument where the sequence has a hole; returns how many events are missing, too.

    The markers take the first numbers of the hole, and share its last one where it is smaller than they are many.
    """
    sequence = events["sequence"]
    before = np.concatenate(([sequence[0] - 1 if last is None else last], sequence[:-1]))
    missing = sequence - before - 1
    holes = np.flatnonzero(missing)
    if not len(holes):
        return events, 0
    gaps = np.zeros(len(holes) * instruments, EVENT)
    for k, hole in enumerate(holes.tolist()):
        mine = gaps[k * instruments : (k + 1) * instruments]
        mine["kind"] = Kind.GAP
        mine["ts_event"], mine["ts_recv"] = events["ts_event"][hole], events["ts_recv"][hole]
        mine["instrument"] = np.arange(instruments)
        mine["size"] = min(int(missing[hole]), np.iinfo(np.int32).max)
        mine["sequence"] = before[hole] + 1 + np.minimum(np.arange(instruments), missing[hole] - 1)
    return np.insert(events, np.repeat(holes, instruments), gaps), int(missing.sum())


def _check(instruments: Sequence[Instrument]) -> None:
    symbols = [safe_symbol(i.symbol) for i in instruments]
    if not symbols:
        raise ConfigError("collector: no instrument; name at least one symbol")
    if len(set(symbols)) != len(symbols):
        raise ConfigError(f"collector: a symbol is named twice: {', '.join(symbols)}")
    days = {(i.timezone, tuple(h for h in i.hours if h.open >= h.close)) for i in instruments}
    if len(days) > 1:
        raise ConfigError(
            f"collector: the sessions of {', '.join(symbols)} have different dates; use one collector for each"
        )


def _names(instruments: Sequence[Instrument]) -> str:
    names = "+".join(sorted(i.symbol for i in instruments))
    if len(names) <= _LONGEST_NAME:
        return names
    return f"{len(instruments)}-symbols-{hashlib.sha256(names.encode()).hexdigest()[:8]}"
