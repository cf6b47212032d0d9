"""A long replay through every feature: memory stays flat and nothing drifts.

The same day is replayed again and again under later dates. ``QT_SOAK_EVENTS`` sets how many events there are in all
(default 2 million; ``make soak``: 10 million).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from quantumtrader import features
from quantumtrader.types import Events, Fitted

EVENTS = int(os.environ.get("QT_SOAK_EVENTS", "2_000_000"))
CHUNK = 65_536
DAY_NS = 86_400_000_000_000
DAY_S = 36_000
SLACK = 8 << 20
"""Bytes by which the process may grow after the warm-up: allocators keep a little."""
FITTED = Fitted(
    vpin_bucket=40,
    microprice=(0, tuple((k % 10 - 4.5) * (0.03 + 0.05 * (k // 10)) for k in range(30))),
    pin=((0, 0.25),),
)


@pytest.fixture(scope="module")
def rust() -> ModuleType:
    return pytest.importorskip("quantumtrader._core", reason="the Rust engine is not built")


@pytest.fixture(scope="module")
def day(rust: ModuleType) -> Events:
    """Ten quiet hours: six hundred bars."""
    return rust.generate_session(11, duration_ns=DAY_S * 1_000_000_000, intensity=10)


def resident() -> int:
    """Bytes of this process that are in memory; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def engine(module: ModuleType, names: list[str]) -> object:
    return module.FeatureEngine(
        names, 0.5, 10.0, "100ms", "partial", session_seconds=float(DAY_S), fitted=FITTED
    )


def later(day: Events, days: int) -> Events:
    """Return the day that many days later."""
    moved = day.copy()
    for stamp in ("ts_event", "ts_recv"):
        moved[stamp] += days * DAY_NS
    moved["sequence"] += days * len(day)
    return moved


def replay(engine: object, events: Events) -> list[np.ndarray]:
    """Rows of a day, the last of each chunk only: enough to see a difference, little enough to keep."""
    last = []
    for first in range(0, len(events), CHUNK):
        engine.update_many(events[first : first + CHUNK])
        _, values, _ = engine.take()
        if len(values):
            last.append(values[-1].copy())
    return last


@pytest.mark.timeout(1_800)
def test_memory_is_flat_and_nothing_drifts(rust: ModuleType, day: Events) -> None:
    infos = features.catalogue()
    names = [info.name for info in infos]
    long = engine(rust, names)
    days = max(EVENTS // len(day), 8)
    days += days == 21  # the day on which rel_volume_tod has its first value: the one before it has none
    warm_days = max(days // 4, 3)
    begun, warm, rows = time.perf_counter(), 0, []
    for number in range(days):
        if number == warm_days:
            warm = resident()
        before, rows = rows, replay(long, day)
        if number < days - 1:
            day[:] = later(day, 1)
    spent, grown = time.perf_counter() - begun, resident() - warm
    sys.stdout.write(
        f"\n{days * len(day):,} events in {days} days, {spent:.1f} s, {spent / days / len(day) * 1e9:.0f} ns "
        f"per event, {resident() / 2**20:.0f} MiB, {grown / 2**10:+,.0f} KiB since day {warm_days}\n"
    )
    assert grown <= SLACK, f"{grown:,} bytes more than after {warm_days} days"

    # What begins anew with the session equals an engine that saw only the last two days, bit for bit. The day before
    # leaves it the book, which stays until the snapshot of the opening.
    short = engine(rust, names)
    alone = [replay(short, later(day, -1)), replay(short, day)][1]
    assert len(alone) == len(rows) == len(before) > 0
    wrong = []
    for k, info in enumerate(infos):
        got, fresh, earlier = (np.array([row[k] for row in part]) for part in (rows, alone, before))
        if info.reset in ("session", "book") and not np.array_equal(got, fresh, equal_nan=True):
            wrong.append(f"{info.name} is not that of an engine that is two days old: {got} and {fresh}")
        # What goes on over sessions has forgotten the beginning: two equal days give equal numbers.
        if not np.allclose(got, earlier, rtol=1e-9, atol=1e-9, equal_nan=True):
            wrong.append(f"{info.name} differs on two equal days: {got} and {earlier}")
    assert not wrong, "\n".join(wrong)
