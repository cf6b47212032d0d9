"""The recorded sets, one line each, and how each is read as events.

None of them is part of the project: they are looked for where ``shared_data`` of ``conftest.py`` says.
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

from quantumtrader.config import InstrumentSettings, Settings
from quantumtrader.data.importers import Options
from quantumtrader.data.source import load_events
from quantumtrader.types import EVENT, PX_NONE, Action, Events, Flag, Kind

SharedData = Callable[[str], Path]


@dataclass(frozen=True)
class RecordedSet:
    """Where a set lies and what it needs to be read.

    Parameters
    ----------
    folder : str
        Data set.
    symbol : str
        Instrument; the project's own settings know those whose ``tick`` is 0.
    file : str
        One of several files of the folder.
    tick, step : float
        Tick size, and contracts of one unit of size.
    options : dict
        What the importer is told.
    reads : callable
        Reads the folder in place of an importer, for what no importer knows.
    """

    folder: str
    symbol: str = ""
    file: str = ""
    tick: float = 0.0
    step: float = 1.0
    options: dict[str, object] = field(default_factory=dict)
    reads: Callable[[Path], Events] | None = None


def load(data: RecordedSet, shared_data: SharedData, limit: int | None = None) -> Events:
    """Return the first ``limit`` events of a set, all of them without it; skips the test where it is absent."""
    folder = shared_data(data.folder)
    if data.reads is not None:
        return np.ascontiguousarray(data.reads(folder)[:limit])
    settings = None
    if data.tick:
        given = InstrumentSettings(
            tick_size=data.tick, point_value=1.0, currency="USD", size_step=data.step, timezone="UTC"
        )
        settings = Settings.model_construct(instruments={data.symbol: given})
    path = folder / data.file if data.file else folder
    events = load_events(path, data.symbol, settings, options=Options(**data.options)).events
    return np.ascontiguousarray(events[:limit])


def near_the_first_print(events: Events, rows: int) -> Events:
    """Leave out what an image shows more than ``rows`` rows from the first print: it holds thousands."""
    first = int(events["px"][events["kind"] == Kind.TRADE][0])
    far = (events["action"] == Action.ADD) & (np.abs(events["px"].astype(np.int64) - first) > rows)
    return np.ascontiguousarray(events[~(far & (events["flags"] & Flag.SNAPSHOT != 0))])


def days(dates: list[int]) -> np.ndarray:
    """Days since 1970 of dates such as 20131006."""
    text = [f"{d // 10_000}-{d // 100 % 100:02}-{d % 100:02}" for d in dates]
    return np.array(text, "M8[D]").astype(np.int64)


def fx_quotes(path: Path) -> Events:
    """Half a million quotes into the first fortnight: locked and crossed ones among them."""
    table = pq.read_table(path / "eurusd_ticks.parquet").slice(500_000, 100_000)
    events = np.zeros(len(table), EVENT)
    events["kind"] = Kind.QUOTE
    times = days(table["date"].to_pylist()) * 86_400 * 10**9 + table["ms"].to_numpy() * 10**6
    events["ts_event"] = events["ts_recv"] = np.maximum.accumulate(times.astype(np.int64))
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
    table = pq.read_table(path / "eurusd_m1.parquet").slice(200_000, 50_000)
    prices = np.column_stack([table[f"{name}_e5"].to_numpy() for name in ("open", "high", "low", "close")])
    return bars(table["ts_utc"].to_numpy().astype(np.int64), prices, 0, 60)


def es_expiry(path: Path) -> pa.Table:
    """One expiry of ES in minutes."""
    table = pq.read_table(path)
    return table.filter(pc.equal(table["contract"], pa.scalar("201312", pa.large_string())))


def es_bars(path: Path) -> Events:
    table = es_expiry(path / "es_trade_minute.parquet")
    times = days(table["date"].to_pylist()) * 86_400 + (table["ms"].to_numpy() / 1_000).astype(np.int64)
    names = ("open", "high", "low", "close")
    prices = np.column_stack([np.rint(table[n].to_numpy() / 0.25) for n in names])
    return bars(times, prices, table["volume"].to_numpy(), 60)


def es_quotes(path: Path) -> Events:
    """Touch at the close of each minute of one expiry of ES; in some minutes one side is empty."""
    table = es_expiry(path / "es_quote_minute.parquet")
    events = np.zeros(len(table), EVENT)
    events["kind"] = Kind.QUOTE
    times = days(table["date"].to_pylist()) * 86_400 * 10**9 + (table["ms"].to_numpy() * 10**6).astype(
        np.int64
    )
    events["ts_event"] = events["ts_recv"] = np.maximum.accumulate(times + 60 * 10**9)
    for px, size, side in (("px", "size", "bid"), ("px_ask", "size_ask", "ask")):
        close = table[f"{side}_close"].to_numpy()
        empty = np.isnan(close)
        events[px] = np.where(empty, PX_NONE, np.rint(np.where(empty, 0, close) / 0.25))
        events[size] = np.where(empty, 0, table[f"{side}_size"].to_numpy())
    return events


B3 = "b3_wdo_win_bars"
NASDAQ: dict[str, object] = {"date": date(2012, 6, 21)}
SETS = {
    "DOL day": RecordedSet("b3_dol_ticks_20200402", "DOLK20"),
    "WDO minutes": RecordedSet(B3, "WDOK20", "WDOK20_1min_202004_mt5.csv"),
    "WDO 5 min": RecordedSet(B3, "WDOFUT", "WDOFUT_F_0_5min_profit.csv"),
    "WDO 2018/19": RecordedSet(B3, "WDO$", "WDO_5min_2018_2019_mt5.csv"),
    "WDO 2021/22": RecordedSet(B3, "WDOFUT", "WDO_1min_2021_2022_profit.csv"),
    "WIN 5 min": RecordedSet(B3, "WINFUT", "WINFUT_F_0_5min_profit.csv"),
    "AAPL": RecordedSet("lobster_aapl_l50_1h", "AAPL", tick=0.01, options=NASDAQ),
    "AMZN": RecordedSet("lobster_amzn_l1_day", "AMZN", tick=0.01, options=NASDAQ),
    "BTCUSDT": RecordedSet("binance_l2_20240808", "BTCUSDT", "usdm_btcusdt", 0.1, 0.001),
    "ETHUSDT": RecordedSet("binance_l2_20240808", "ETHUSDT", "usdm_ethusdt", 0.01, 0.001),
    "BTCUSD": RecordedSet("binance_l2_20240808", "BTCUSD", "cm_btcusd_perp", 0.1),
    "ESH4": RecordedSet("cme_es_mbo_20231225", "ESH4", tick=0.25),
    "Bitstamp": RecordedSet("bitstamp_btcusd_l3_20150501", "BTCUSD", tick=0.01, step=1e-5),
    "IF2101": RecordedSet("cffex_if_ticks_202101", "IF2101", tick=0.2),
    "EURUSD quotes": RecordedSet("fxcm_eurusd_ticks_201405", reads=fx_quotes),
    "EURUSD bars": RecordedSet("eurusd_m1_2017_2019", reads=fx_bars),
    "ES bars": RecordedSet("lean_es_minute", reads=es_bars),
    "ES quotes": RecordedSet("lean_es_minute", reads=es_quotes),
    "BTCUSDT bars": RecordedSet(
        "binance_perp_bars", "BTCUSDT", "btcusdt_5m_202301_202405.parquet", 0.1, 0.001
    ),
    "ETHUSDT bars": RecordedSet(
        "binance_perp_bars", "ETHUSDT", "ethusdt_1m_202505_202506.parquet", 0.01, 0.001
    ),
}
"""Every set by a short name."""
