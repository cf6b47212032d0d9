"""Both engines on recorded order flow, and the definitions at single rows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from exhaustive import sample
from quantumtrader.config import InstrumentSettings, Settings
from quantumtrader.data.importers import Options
from quantumtrader.data.source import load_events
from quantumtrader.features import catalogue
from quantumtrader.types import Events
from reference.definitions import DEFINITIONS, reference
from reference.recording import Recording
from reference.rules import FITTED, SESSION_SECONDS, Row

INFO = {f.name: f for f in catalogue()}


@dataclass(frozen=True)
class Set:
    """A recorded set, and how much of it a test reads."""

    folder: str
    symbol: str
    clock: str
    events: int
    file: str = ""
    tick: float = 0.0
    step: float = 1.0
    options: dict[str, object] = field(default_factory=dict)
    columns: int = 0
    """Least number of features that must have values on it."""


SETS = [
    # Rows are what costs the Python engine most: on every push there are fewer of them.
    Set("b3_dol_ticks_20200402", "DOLK20", f"{sample(10, 1)}s", 70_000, columns=183),
    Set("b3_dol_ticks_20200402", "DOLK20", "50trades", 70_000, columns=183),
    Set("b3_wdo_win_bars", "WDOK20", "bar", 70_000, columns=125),
    Set("b3_wdo_win_bars", "WDOFUT", "bar", 70_000, file="WDOFUT_F_0_5min_profit.csv", columns=126),
    Set(
        "lobster_aapl_l50_1h",
        "AAPL",
        f"{sample(5, 1)}s",
        60_000,
        tick=0.01,
        options={"date": date(2012, 6, 21)},
        columns=184,
    ),
    Set(
        "binance_l2_20240808",
        "BTCUSDT",
        "100ms",
        60_000,
        file="usdm_btcusdt",
        tick=0.1,
        step=0.001,
        columns=36,
    ),
    Set("cme_es_mbo_20231225", "ESH4", f"{sample(30, 10)}s", 60_000, tick=0.25, columns=192),
]


def load(data: Set, shared_data: Callable[[str], Path]) -> Events:
    settings = None
    if data.tick:
        given = InstrumentSettings(
            tick_size=data.tick, point_value=1.0, currency="USD", size_step=data.step, timezone="UTC"
        )
        settings = Settings.model_construct(instruments={data.symbol: given})
    path = shared_data(data.folder)
    path = path / data.file if data.file else path
    events = load_events(path, data.symbol, settings, options=Options(**data.options)).events
    return np.ascontiguousarray(events[: data.events])


def run(module, events: Events, clock: str):
    features = module.FeatureEngine(
        list(INFO), 0.5, 10.0, clock, session_seconds=SESSION_SECONDS, fitted=FITTED
    )
    features.update_many(events)
    return features.take()


def cases() -> list[object]:
    """Return every set; a year of bars when all is asked for."""
    return [
        pytest.param(
            data,
            id=f"{data.folder}-{data.symbol}-{data.clock}",
            marks=pytest.mark.slow if data.symbol == "WDOFUT" else (),
        )
        for data in SETS
    ]


@pytest.mark.parametrize("data", cases())
def test_engines_agree_on_recorded_flow(engines, shared_data, data: Set):
    events = load(data, shared_data)
    rust, python = (run(module, events, data.clock) for module in engines)
    np.testing.assert_array_equal(rust[0], python[0])
    np.testing.assert_array_equal(rust[2], python[2])
    assert len(rust[0]) > 100
    full = 0
    for k, name in enumerate(INFO):
        a, b = rust[1][:, k], python[1][:, k]
        if INFO[name].kind == "float":
            # Prices run into the millions of ticks: moments about them keep 1e-7, the rest 1e-9.
            moment = name in ("profile_skew", "vwap_z")
            np.testing.assert_allclose(a, b, rtol=1e-7 if moment else 1e-9, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=name)
        full += np.isfinite(a).any()
    assert full >= data.columns


def test_engines_equal_definitions_on_a_b3_day(engines, shared_data):
    """DOL, 2 April 2020: 63,632 events; a row near the close, and one in the morning when all is asked for."""
    events = load(SETS[0], shared_data)
    recording = Recording(events)
    (times, *rust), (_, *python) = (run(module, events, "1m") for module in engines)
    for k in (len(times) - 20, len(times) // 4)[: sample(1, 2)]:
        expected = reference(recording, int(times[k]), int(rust[1][k]))
        for values, _ in (rust, python):
            for name, got in zip(INFO, values[k].tolist(), strict=True):
                np.testing.assert_allclose(got, expected[name], rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.slow
def test_engine_equals_definitions_on_months_of_bars(engine, shared_data):
    """A year of WDO in bars of five minutes, with its sessions: rows where the twentieth session is long past."""
    data = next(s for s in SETS if s.symbol == "WDOFUT")
    events = load(data, shared_data)
    recording = Recording(events)
    times, values, counts = run(engine, events, data.clock)
    for k in (len(times) // 3, len(times) - 7):
        row = Row(recording, int(times[k]), int(counts[k]), at_close=True)
        for name, got in zip(INFO, values[k].tolist(), strict=True):
            if INFO[name].inputs == ("B",):
                assert np.isfinite(got), name
                np.testing.assert_allclose(got, DEFINITIONS[name](row), rtol=1e-9, atol=1e-9, err_msg=name)
