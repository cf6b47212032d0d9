"""Both engines against the definitions on slices of recorded markets of every kind: a second opinion on real flow.

Each slice is a few thousand events from where its book is known, with windows that count from the first event, so that
most features have a value; a few rows of it are recomputed from the raw events alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from exhaustive import sample
from quantumtrader.config import InstrumentSettings, Settings
from quantumtrader.data.importers import Options
from quantumtrader.data.source import load_events
from quantumtrader.features import catalogue
from quantumtrader.types import EVENT, Action, Events, Flag, Kind
from reference.definitions import reference
from reference.recording import Recording
from reference.rules import FITTED, SESSION_SECONDS

INFO = {f.name: f for f in catalogue()}
MOMENTS = ("profile_skew", "vwap_z")
"""Moments about prices of millions of ticks: 1e-7, as both engines among each other."""


@dataclass(frozen=True)
class Slice:
    """A few thousand events of a recorded set.

    Parameters
    ----------
    clock : str
        When rows are due; ``rows`` of them are compared.
    columns : int
        Least number of features that have a value in one of them.
    """

    name: str
    folder: str
    symbol: str
    tick: float
    clock: str
    events: int
    columns: int
    file: str = ""
    step: float = 1.0
    rows: int = sample(2, 3)
    image: int = 0
    """Rows around the first print beyond which orders of the image are left out, 0 for none: it holds thousands."""
    options: dict[str, object] = field(default_factory=dict)
    reads: Callable[[Path], Events] | None = None


def fx_quotes(path: Path) -> Events:
    """Half a million quotes into the first fortnight: locked and crossed ones among them."""
    table = pq.read_table(path / "eurusd_ticks.parquet").slice(500_000, 4_000)
    events = np.zeros(len(table), EVENT)
    day = np.datetime64("1970-01-01")
    dates = [
        np.datetime64(f"{d // 10_000}-{d // 100 % 100:02}-{d % 100:02}") for d in table["date"].to_pylist()
    ]
    days = np.array([(d - day).astype(int) for d in dates], np.int64)
    events["kind"] = Kind.QUOTE
    events["ts_event"] = events["ts_recv"] = np.maximum.accumulate(
        days * 86_400 * 10**9 + table["ms"].to_numpy() * 10**6
    )
    events["px"] = np.rint(table["bid"].to_numpy() * 1e5)
    events["px_ask"] = np.rint(table["ask"].to_numpy() * 1e5)
    return events


def bars(times_s: np.ndarray, prices: np.ndarray, volume: np.ndarray | int, length_s: int) -> Events:
    """Bars as records; ``prices`` are open, high, low and close in ticks, shape (n, 4)."""
    events = np.zeros(len(times_s), EVENT)
    events["kind"], events["size"], events["px"] = Kind.BAR, volume, prices[:, 0]
    events["px_ask"], events["ref_a"], events["ref_b"] = prices[:, 1], prices[:, 2], prices[:, 3]
    events["id"] = times_s * 10**9
    events["ts_event"] = events["ts_recv"] = (times_s + length_s) * 10**9
    return events


def fx_bars(path: Path) -> Events:
    table = pq.read_table(path / "eurusd_m1.parquet").slice(200_000, 3_000)
    prices = np.column_stack([table[f"{name}_e5"].to_numpy() for name in ("open", "high", "low", "close")])
    return bars(table["ts_utc"].to_numpy().astype(np.int64), prices, 0, 60)


def es_bars(path: Path) -> Events:
    """One expiry of ES in minutes."""
    table = pq.read_table(path / "es_trade_minute.parquet")
    table = table.filter(pc.equal(table["contract"], pa.scalar("201312", pa.large_string()))).slice(0, 3_000)
    text = [str(d) for d in table["date"].to_pylist()]
    days = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in text], "M8[D]").astype(np.int64)
    times = days * 86_400 + (table["ms"].to_numpy() / 1_000).astype(np.int64)
    names = ("open", "high", "low", "close")
    prices = np.column_stack([np.rint(table[n].to_numpy() / 0.25) for n in names])
    return bars(times, prices, table["volume"].to_numpy(), 60)


NASDAQ = {"date": date(2012, 6, 21)}
SLICES = [
    Slice("AAPL", "lobster_aapl_l50_1h", "AAPL", 0.01, "1s", 6_000, 120, options=NASDAQ),
    Slice("AMZN", "lobster_amzn_l1_day", "AMZN", 0.01, "5s", 6_000, 120, options=NASDAQ),
    Slice("BTCUSDT", "binance_l2_20240808", "BTCUSDT", 0.1, "1s", 10_000, 110, "usdm_btcusdt", 0.001),
    Slice("BTCUSD", "binance_l2_20240808", "BTCUSD", 0.1, "1s", 8_000, 110, "cm_btcusd_perp"),
    Slice(
        "ESH4", "cme_es_mbo_20231225", "ESH4", 0.25, "10s", 5_000, 100, "esh4_mbo_20231225.parquet", image=60
    ),
    Slice("Bitstamp", "bitstamp_btcusd_l3_20150501", "BTCUSD", 0.01, "10s", 5_000, 120, step=1e-5),
    Slice("IF2101", "cffex_if_ticks_202101", "IF2101", 0.2, "10s", 5_000, 120),
    Slice("EURUSD quotes", "fxcm_eurusd_ticks_201405", "", 1e-5, "5s", 4_000, 20, reads=fx_quotes),
    Slice("EURUSD bars", "eurusd_m1_2017_2019", "", 1e-5, "bar", 350, 60, reads=fx_bars),
    Slice(
        "BTCUSDT bars",
        "binance_perp_bars",
        "BTCUSDT",
        0.1,
        "bar",
        350,
        70,
        "btcusdt_5m_202301_202405.parquet",
        0.001,
    ),
    Slice(
        "ETHUSDT bars",
        "binance_perp_bars",
        "ETHUSDT",
        0.01,
        "bar",
        350,
        70,
        "ethusdt_1m_202505_202506.parquet",
        0.001,
    ),
    Slice("ES bars", "lean_es_minute", "", 0.25, "bar", 350, 70, reads=es_bars),
]


def load(data: Slice, folder: Path) -> Events:
    if data.reads is not None:
        return data.reads(folder)
    given = InstrumentSettings(
        tick_size=data.tick, point_value=1.0, currency="USD", size_step=data.step, timezone="UTC"
    )
    settings = Settings.model_construct(instruments={data.symbol: given})
    path = folder / data.file if data.file else folder
    events = load_events(path, data.symbol, settings, options=Options(**data.options)).events
    if data.image:
        first = int(events["px"][events["kind"] == Kind.TRADE][0])
        far = (events["action"] == Action.ADD) & (np.abs(events["px"].astype(np.int64) - first) > data.image)
        events = events[~(far & (events["flags"] & Flag.SNAPSHOT != 0))]
    return np.ascontiguousarray(events[: data.events])


def wrong(name: str, got: float, expected: float) -> bool:
    tolerance = 1e-7 if name in MOMENTS else 1e-9
    return not np.isclose(got, expected, rtol=tolerance, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("data", SLICES, ids=lambda d: d.name)
def test_engines_equal_definitions(engines, shared_data, data: Slice):
    events = load(data, shared_data(data.folder))
    recording = Recording(events)
    tables = []
    for module in engines:
        features = module.FeatureEngine(
            list(INFO), 0.5, 10.0, data.clock, "partial", session_seconds=SESSION_SECONDS, fitted=FITTED
        )
        features.update_many(events)
        tables.append(features.take())
    times, _, counts = tables[0]
    np.testing.assert_array_equal(times, tables[1][0])
    np.testing.assert_array_equal(counts, tables[1][2])
    seen = set()
    for k in np.linspace(len(times) // 4, len(times) - 1, data.rows).astype(int):
        expected = reference(recording, int(times[k]), int(counts[k]), True, data.clock == "bar")
        for engine, (_, values, _) in zip(("rust", "python"), tables, strict=True):
            found = {
                name: (got, expected[name])
                for name, got in zip(INFO, values[k].tolist(), strict=True)
                if wrong(name, got, expected[name])
            }
            assert not found, f"{engine}, row {k} of {len(times)} after {counts[k]} events"
        seen |= {name for name, x in expected.items() if np.isfinite(x)}
    assert len(seen) >= data.columns, len(seen)
