"""Synthetic recordings for trying a training: a year of bars and weeks of book, all flagged synthetic."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from quantumtrader import _backend
from quantumtrader.data.contracts import instrument as find_instrument
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.types import EVENT, Events, Flag, Kind, Phase

__all__ = ["bars_of", "synthetic_bars", "synthetic_book"]

MINUTE = 60 * 10**9
SYMBOL = "WDOFUT"
_OPEN_HOUR = 12  # UTC: 09:00 in São Paulo


def synthetic_bars(
    sessions: int, seed: int = 7, minutes: int = 120, first: date = date(2024, 1, 2)
) -> Recording:
    """Return sessions of one-minute bars, made of the prints of generated sessions."""
    parts = [bars_of(part) for part in _days(sessions, seed, minutes, first)]
    return Recording.of(_numbered(parts), find_instrument(SYMBOL), "synthetic bars")


def synthetic_book(days: int, seed: int = 7, minutes: int = 15, first: date = date(2025, 1, 2)) -> Recording:
    """Return sessions of orders and prints."""
    parts = list(_days(days, seed + 1, minutes, first))
    return Recording.of(_numbered(parts), find_instrument(SYMBOL), "synthetic book")


def bars_of(events: Events) -> Events:
    """Return the one-minute bars of the prints of a session, between its markers."""
    prints = events[events["kind"] == Kind.TRADE]
    minute = prints["ts_event"] // MINUTE
    begins = np.flatnonzero(np.concatenate(([True], minute[1:] != minute[:-1])))
    ends = np.concatenate((begins[1:], [len(prints)]))
    out = np.zeros(len(begins) + 2, EVENT)
    body = out[1:-1]
    body["kind"] = Kind.BAR
    body["id"] = minute[begins] * MINUTE
    body["ts_event"] = body["ts_recv"] = (minute[begins] + 1) * MINUTE
    body["px"], body["ref_b"] = prints["px"][begins], prints["px"][ends - 1]
    body["px_ask"] = np.maximum.reduceat(prints["px"], begins)
    body["ref_a"] = np.minimum.reduceat(prints["px"], begins)
    body["size"] = np.add.reduceat(prints["size"].astype(np.int64), begins)
    out["flags"] = int(Flag.SYNTHETIC)
    out["kind"][[0, -1]] = Kind.SESSION
    out["action"][0], out["action"][-1] = Phase.OPEN, Phase.CLOSED
    out["ts_event"][0] = out["ts_recv"][0] = body["id"][0]
    out["ts_event"][-1] = out["ts_recv"][-1] = body["ts_event"][-1]
    return out


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
