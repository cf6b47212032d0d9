"""Synthetic recordings for trying a training: a year of bars and weeks of book, all flagged synthetic."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from quantumtrader import _backend
from quantumtrader.data.contracts import instrument as find_instrument
from quantumtrader.training.pipelines.minute_bars import bars_of
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.types import Events, Kind

__all__ = ["synthetic_bars", "synthetic_book"]

MINUTE = 60 * 10**9
SYMBOL = "WDOFUT"
_GENERATED = date(2025, 8, 4)
"""Session that the generator makes when no other one is asked for."""
_OPEN_HOUR = 12  # UTC: 09:00 in São Paulo


def synthetic_bars(
    sessions: int, seed: int = 7, minutes: int = 120, first: date = date(2024, 1, 2)
) -> Recording:
    """Return sessions of one-minute bars, made of the prints of generated sessions."""
    parts = [bars_of(part) for part in _days(sessions, seed, minutes, first)]
    return Recording.of(_numbered(parts), find_instrument(SYMBOL), "synthetic bars")


def synthetic_book(days: int, seed: int = 7, minutes: int = 15, first: date | None = None) -> Recording:
    """Return sessions of orders and prints.

    By default the last one is that before the generated session of ``demo`` and of the simulator: there a model that was
    trained on them is still valid.
    """
    if first is None:
        first = _GENERATED
        for _ in range(days):
            first -= timedelta(days=3 if first.weekday() == 0 else 1)
    parts = list(_days(days, seed + 1, minutes, first))
    return Recording.of(_numbered(parts), find_instrument(SYMBOL), "synthetic book")


def _days(count: int, seed: int, minutes: int, first: date) -> Iterator[Events]:
    """Yield generated sessions on consecutive weekdays; each begins where the last one ended."""
    core: Any = _backend.core()
    day, price = first, 10_800
    for k in range(count):
        while day.weekday() >= 5:
            day += timedelta(days=1)
        opened = datetime(day.year, day.month, day.day, _OPEN_HOUR, tzinfo=UTC)
        events = core.generate_session(
            seed=seed * 100_003 + k,
            duration_ns=minutes * MINUTE,
            start_px=price,
            open_ns=int(opened.timestamp()) * 10**9,
        )
        yield events
        prints = events["px"][events["kind"] == Kind.TRADE]
        price = int(np.clip(prints[-1], 5_000, 20_000)) if len(prints) else price
        day += timedelta(days=1)


def _numbered(parts: list[Events]) -> list[Events]:
    count = 0
    for part in parts:
        part["sequence"] = np.arange(count, count + len(part))
        count += len(part)
    return parts
