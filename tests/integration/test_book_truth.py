"""Books built from real order flow against what the exchange says they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from quantumtrader import _backend
from quantumtrader.data.importers import Importer, Options
from quantumtrader.data.importers.binance import Binance
from quantumtrader.data.importers.bitstamp import Bitstamp
from quantumtrader.data.importers.lobster import Lobster
from quantumtrader.data.importers.mbo_parquet import MboParquet
from quantumtrader.training.pipelines.liquidity import displayed_books
from quantumtrader.types import PX_NONE, Events, Instrument, Kind

SharedData = Callable[[str], Path]


def _instrument(symbol: str, tick: float, step: float = 1.0) -> Instrument:
    return Instrument(symbol, symbol, tick, 1.0, "USD", size_step=step, timezone="UTC")


def _load(importer: Importer, path: Path, instrument: Instrument, **options: date) -> Events:
    parts = list(importer.read(path, instrument, Options(**options)))  # type: ignore[arg-type]
    return np.concatenate([part.events for part in parts])


def _after_each_message(events: Events) -> np.ndarray:
    """Index of the last record of each LOBSTER message, the snapshot aside: messages are packets."""
    ends = np.flatnonzero((events["flags"] & 1) == 0)
    return ends[1:]  # the first packet is the snapshot


def test_lobster_aapl_level_1(shared_data: SharedData) -> None:
    folder = shared_data("lobster_aapl_l50_1h")
    aapl = _instrument("AAPL", 0.01)
    parts = list(Lobster().read(folder, aapl, Options(date=date(2012, 6, 21))))
    events = np.concatenate([part.events for part in parts])
    refused = {r.line - 1 for part in parts for r in part.rejected}
    touch = np.stack(_backend.core().OrderBook().best_after_each(events), axis=1)[_after_each_message(events)]

    truth = pq.read_table(folder / "orderbook_1.parquet")
    expected = np.stack(
        [
            np.asarray(truth[name].to_numpy()) // (100 if "price" in name else 1)
            for name in ("bid_price_1", "bid_size_1", "ask_price_1", "ask_size_1")
        ],
        axis=1,
    )
    assert len(expected) == 91_997
    # Hidden trades at half a cent are off the grid and put aside; the book does not move there.
    kept = np.array([i for i in range(len(expected)) if i not in refused])
    assert len(touch) == len(kept)
    place = np.searchsorted(kept, np.arange(len(expected)), side="right") - 1
    equal = (touch[place] == expected).all(axis=1)
    assert equal[0]
    assert equal.mean() >= 0.9990, f"{equal.sum()} of {len(equal)} rows equal"


def test_lobster_aapl_level_10(shared_data: SharedData) -> None:
    folder = shared_data("lobster_aapl_l50_1h")
    events = _load(Lobster(), folder, _instrument("AAPL", 0.01), date=date(2012, 6, 21))
    truth = pq.read_table(folder / "orderbook_50_first672.parquet")
    book = _backend.core().OrderBook()
    start = 0
    equal = 0
    for row, end in enumerate(_after_each_message(events)[: len(truth)]):
        book.update_many(events[start : end + 1])
        start = end + 1
        found = book.depth(10)
        expected = [
            np.array([truth[f"{side}_{what}_{k}"][row].as_py() for k in range(1, 11)])
            // (100 if what == "price" else 1)
            for side in ("bid", "ask")
            for what in ("price", "size")
        ]
        equal += all(np.array_equal(f, e) for f, e in zip(found, expected, strict=True))
    assert (equal, len(truth)) == (672, 672)


def test_lobster_aapl_levels_before_an_order(shared_data: SharedData) -> None:
    """What capacity walks: twenty levels of either side after 376 of the first 672 messages."""
    folder = shared_data("lobster_aapl_l50_1h")
    events = _load(Lobster(), folder, _instrument("AAPL", 0.01), date=date(2012, 6, 21))
    truth = pq.read_table(folder / "orderbook_50_first672.parquet")
    table = np.column_stack([truth[name].to_numpy() for name in truth.column_names])
    times = events["ts_event"][_after_each_message(events)[: len(truth)]].astype(np.int64)
    rows = np.flatnonzero(np.diff(times) > 2_000)  # nothing else happens in the microsecond after
    rows = rows[rows > 5]
    ask, ask_size, bid, bid_size = (table[rows, k : k + 80 : 4] for k in range(4))
    mid = (ask[:, :1] + bid[:, :1]) / 2
    for side, px, size in ((1, ask, ask_size), (-1, bid, bid_size)):
        found = displayed_books([events], times[rows] + 1_000, np.full(len(rows), side))
        assert found is not None
        assert np.array_equal(found[0], size)
        np.testing.assert_allclose(found[1], np.abs(px - mid) / 100)
    assert len(rows) == 376


@pytest.mark.parametrize(
    ("prefix", "tick", "step", "comparisons"),
    [
        ("usdm_btcusdt", 0.1, 0.001, 629),
        ("usdm_ethusdt", 0.01, 0.001, 551),
        ("cm_btcusd_perp", 0.1, 1.0, 1885),
    ],
)
def test_binance_best_quotes(
    shared_data: SharedData, prefix: str, tick: float, step: float, comparisons: int
) -> None:
    """Wherever a depth update and a best quote share their update id, they must agree exactly."""
    folder = shared_data("binance_l2_20240808")
    events = _load(Binance(), folder / prefix, _instrument(prefix, tick, step))
    touch = np.stack(_backend.core().L2Book().best_after_each(events), axis=1)
    ends = np.flatnonzero((events["kind"] == Kind.LEVEL) & ((events["flags"] & (1 | 128)) == 0))

    snapshot = pq.read_table(folder / f"{prefix}_snapshot.parquet")["lastUpdateId"][0].as_py()
    depth = pq.read_table(folder / f"{prefix}_depth.parquet", columns=["line", "u", "side"]).to_pandas()
    messages = depth[(depth["u"] > snapshot) & (depth["side"] != 0)].drop_duplicates("line")
    assert len(messages) == len(ends)  # one packet each, none refused
    quotes = (
        pq.read_table(folder / f"{prefix}_book_ticker.parquet").to_pandas().drop_duplicates("u", keep="last")
    )
    by_id = messages.assign(end=ends).merge(quotes, on="u")
    expected = np.stack(
        [
            np.rint(by_id[c] / s)
            for c, s in (("bid", tick), ("bid_qty", step), ("ask", tick), ("ask_qty", step))
        ],
        axis=1,
    )
    equal = (touch[by_id["end"]] == expected).all(axis=1)
    assert (int(equal.sum()), len(equal)) == (comparisons, comparisons)


def test_cme_by_order(shared_data: SharedData) -> None:
    path = shared_data("cme_es_mbo_20231225") / "esh4_mbo_20231225.parquet"
    events = _load(MboParquet(), path, _instrument("ESH4", 0.25))
    book = _backend.core().OrderBook()
    bid, _, ask, _ = book.best_after_each(events)
    assert book.unknown_ids == 0
    assert len(book) == 11_217
    ends = (events["flags"] & 1) == 0
    crossed = ends & (bid != PX_NONE) & (ask != PX_NONE) & (bid >= ask)
    opening = np.datetime64("2023-12-25T23:00:00", "ns").astype(np.int64)
    assert crossed.any()
    assert (events["ts_event"][crossed] <= opening).all()


def test_bitstamp_best_prices(shared_data: SharedData) -> None:
    """The exchange's own book snapshots, from the five-hundredth on: before, what rested was not known."""
    folder = shared_data("bitstamp_btcusd_l3_20150501")
    events = _load(Bitstamp(), folder, _instrument("BTCUSD", 0.01, 1e-5))
    orders = events[events["kind"] == Kind.ORDER]
    book = _backend.core().OrderBook()
    truth = pq.read_table(folder / "raw_book_top10.parquet").to_pandas()
    times = orders["ts_event"] // 10**6
    start = equal = compared = 0
    for k, snapshot in enumerate(truth.itertuples()):
        expected = round(snapshot.bid_price_1 * 100), round(snapshot.ask_price_1 * 100)
        found = set()
        # The log writes milliseconds: records of the same one may have come before or after.
        for side in ("left", "right"):
            end = int(np.searchsorted(times, snapshot.recv_ms, side=side))
            book.update_many(np.ascontiguousarray(orders[start:end]))
            start = max(start, end)
            bid, _, ask, _ = book.depth(1)
            found.add((int(bid[0]), int(ask[0])))
        if k >= 499:
            compared += 1
            equal += expected in found
    assert compared == 4_512
    assert equal >= 4_500, equal
