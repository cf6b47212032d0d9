"""Both engines generate the same bytes, and what they generate is a plausible session."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError
from quantumtrader.types import Events, Flag, Kind, Phase


@pytest.mark.parametrize("seed", [0, 1, 7, 2**64 - 1])
def test_bytes_are_equal(engines: tuple[ModuleType, ModuleType], seed: int) -> None:
    rust, python = (e.generate_session(seed, max_events=20_000) for e in engines)
    assert rust.dtype == python.dtype
    assert rust.tobytes() == python.tobytes()


@pytest.mark.parametrize(
    "settings",
    [
        {"duration_ns": 30_000_000_000},
        {"intensity": 900, "volatility": 300, "trend": 100, "max_events": 8_000},
        {"intensity": 3, "volatility": 10, "trend": -100, "duration_ns": 3_000_000_000_000},
        {"start_px": 260_000, "open_ns": 1_700_000_000_000_000_000, "instrument": 3, "max_events": 4_000},
    ],
)
def test_settings_mean_the_same(engines: tuple[ModuleType, ModuleType], settings: dict[str, Any]) -> None:
    rust, python = (e.generate_session(11, **settings) for e in engines)
    assert rust.tobytes() == python.tobytes()
    assert (rust["instrument"] == settings.get("instrument", 0)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "generate_session: seed is -1, expected 0 to 18446744073709551615"),
        ({"duration_ns": 0}, "generate_session: duration_ns is 0, expected 1000000 to 86400000000000"),
        ({"max_events": -1}, "generate_session: max_events is -1"),
        ({"start_px": 5}, "generate_session: start_px is 5"),
        ({"intensity": 0}, "generate_session: intensity is 0"),
        ({"volatility": 1}, "generate_session: volatility is 1"),
        ({"trend": 101}, "generate_session: trend is 101"),
        ({"open_ns": -1}, "generate_session: open_ns is -1"),
    ],
)
def test_ranges_are_checked(engine: ModuleType, settings: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        engine.generate_session(**settings)


def touches(events: Events) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Best bid and ask after each packet, from two dicts."""
    books: dict[int, dict[int, int]] = {1: {}, -1: {}}
    out = []
    for e in events:
        if e["kind"] == Kind.LEVEL and e["side"] != 0:
            levels = books[int(e["side"])]
            if e["size"] > 0:
                levels[int(e["px"])] = int(e["size"])
            else:
                del levels[int(e["px"])]
        if not e["flags"] & Flag.MORE and books[1]:
            out.append((max(books[1]), min(books[-1])))
    made = np.array(out)
    return made[:, 0], made[:, 1]


def test_session_is_plausible(engine: ModuleType) -> None:
    events = engine.generate_session(5, max_events=40_000)
    assert (events["flags"] & Flag.SYNTHETIC != 0).all()
    assert (np.diff(events["ts_recv"]) >= 0).all()
    assert (np.diff(events["ts_event"]) >= 0).all()
    assert (np.diff(events["sequence"]) == 1).all()
    bid, ask = touches(events)
    assert (bid < ask).all()
    assert (ask - bid == 1).mean() > 0.7
    regular = (events["kind"] == Kind.TRADE) & (events["side"] != 0)
    side = events["side"][regular].astype(float)
    assert np.corrcoef(side[:-1], side[1:])[0, 1] > 0.15
    assert np.corrcoef(side[:-10], side[10:])[0, 1] > 0.0
    size = events["size"][regular]
    assert size.max() > 15 * np.median(size)
    sweeps = {}
    for e in events[regular]:
        sweeps.setdefault(int(e["ts_event"]), set()).add(int(e["px"]))
    assert sum(len(prices) > 1 for prices in sweeps.values()) > 20
    phases = events["action"][events["kind"] == Kind.SESSION].tolist()
    assert phases == [Phase.AUCTION, Phase.OPEN, Phase.CLOSED]
