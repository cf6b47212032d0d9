"""How many events a second the recorder takes in, beside a bare write of the same bytes.

``python benches/recorder.py [events]``. Three figures of one run: ``ndarray.tofile`` of the same records in pieces of the
same size (the floor), the collector driven by hand (read, journal, live books, checkpoints), and the collector in its
threads behind the ring, with a producer that pushes at a fixed rate for as long as asked.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader import _backend
from quantumtrader.app.collect import fresh_books
from quantumtrader.data.contracts import instrument
from quantumtrader.data.journal import JournalReader
from quantumtrader.data.recorder import CollectorSettings, CollectorStatus, RealtimeBookCollector
from quantumtrader.types import Events

BATCH = 1_000
CHUNK = 500


def session(n: int) -> Events:
    """Trades and price levels of a synthetic session, repeated until there are ``n``."""
    core: Any = _backend.core()
    one = core.generate_session(seed=7, duration_ns=3_600 * 10**9, intensity=400)
    out = np.tile(one, n // len(one) + 1)[:n].copy()
    out["sequence"] = np.arange(1, n + 1)
    out["ts_recv"] = time.time_ns()
    return out


class ArrayFeed:
    """Hands over an array in pieces of one length."""

    def __init__(self, events: Events) -> None:
        self.events, self.at = events, 0

    def read(self, max: int) -> Events:
        out = self.events[self.at : self.at + min(max, BATCH)]
        self.at += len(out)
        return out

    def take_messages(self) -> list[tuple[Any, ...]]:
        return []

    def counters(self) -> dict[str, int]:
        return {}


class RingFeed:
    """Reads a ring, and counts what it was lapped by."""

    def __init__(self, reader: Any) -> None:
        self.reader, self.lost = reader, 0

    def read(self, max: int) -> Events:
        events, lost = self.reader.read(max)
        self.lost += lost
        return events

    def take_messages(self) -> list[tuple[Any, ...]]:
        return []

    def counters(self) -> dict[str, int]:
        return {"lost": self.lost}


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("QT_BENCH_DIR")) as name:
        yield Path(name)


def floor(events: Events) -> float:
    """Events per second of a bare write, synced at the end."""
    with folder() as where, (where / "bare").open("wb", buffering=0) as file:
        start = time.perf_counter()
        for k in range(0, len(events), BATCH):
            events[k : k + BATCH].tofile(file)
        os.fsync(file.fileno())
        return len(events) / (time.perf_counter() - start)


def by_hand(events: Events, *, books: bool) -> float:
    """Events per second of the collector without threads."""
    with folder() as where:
        collector = RealtimeBookCollector(
            ArrayFeed(events),
            [instrument("WDOU25")],
            where / "journal",
            source="bench",
            synthetic=True,
            books=fresh_books if books else None,
        )
        collector.open()
        start = time.perf_counter()
        while collector.poll():
            pass
        collector.close()
        seconds = time.perf_counter() - start
        assert sum(map(len, JournalReader(collector.journals[0]))) == len(events)
        return len(events) / seconds


def sustained(events: Events, rate: int, seconds: float) -> tuple[CollectorStatus, float, list[float]]:
    """Push into a ring at a rate; returns the last status, the rate reached, and the lags seen (ms)."""
    core: Any = _backend.core()
    ring = core.Ring.create(None, 1 << 18)
    feed = RingFeed(ring.reader())
    lags: list[float] = []
    with folder() as where:
        collector = RealtimeBookCollector(
            feed,
            [instrument("WDOU25")],
            where / "journal",
            source="bench",
            synthetic=True,
            books=fresh_books,
            settings=CollectorSettings(),
        )
        collector.start()
        begin, pushed = time.perf_counter(), 0
        total = round(rate * seconds)
        while pushed < total:
            piece = events[pushed % (len(events) - CHUNK) :][:CHUNK].copy()
            piece["sequence"] = np.arange(pushed + 1, pushed + CHUNK + 1)
            piece["ts_recv"] = time.time_ns()
            ring.push(piece)
            pushed += CHUNK
            ahead = pushed / rate - (time.perf_counter() - begin)
            if ahead > 0:
                time.sleep(ahead)
            if pushed % (rate // CHUNK * CHUNK) < CHUNK:
                lags.append(collector.status().lag_ms)
        reached = pushed / (time.perf_counter() - begin)
        status = collector.stop()
    assert status.recorded - status.gaps + status.lost == pushed
    return status, reached, lags


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("events", nargs="?", type=int, default=2_000_000)
    parser.add_argument("--rate", type=int, default=100_000, help="events per second of the sustained run")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the sustained run")
    options = parser.parse_args()
    events = session(options.events)
    engine = _backend.engine().name
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {engine} engine"
    )
    bare = max(floor(events) for _ in range(3))
    print(f"bare tofile + fsync             {bare:12,.0f} events/s  1.00")
    for name, books in (("collector, journal alone", False), ("collector, books, checkpoints", True)):
        rate = max(by_hand(events, books=books) for _ in range(3))
        print(f"{name:32}{rate:12,.0f} events/s  {rate / bare:.2f}")
    status, reached, lags = sustained(events, options.rate, options.seconds)
    print(
        f"sustained for {options.seconds:.0f} s            {reached:12,.0f} events/s  recorded {status.recorded:,}, "
        f"lost {status.lost:,}, greatest lag {max(lags, default=float('nan')):.0f} ms, checkpoints {status.checkpoints}"
    )


if __name__ == "__main__":
    threading.current_thread().name = "bench"
    main()
