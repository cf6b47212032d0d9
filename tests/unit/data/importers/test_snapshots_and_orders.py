"""Bitstamp's orders, WonderTrader's snapshots, xquotes' minutes: small files, their traps, and broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quantumtrader import Instrument
from quantumtrader.data.importers import Options
from quantumtrader.data.source import find_importer
from quantumtrader.exceptions import DataError, DataFormatError, UnsortedEventsError
from quantumtrader.types import PX_NONE, Action, Flag, Kind

BTC = Instrument("BTCUSD", "BTCUSD", tick_size=0.01, point_value=1.0, currency="USD", size_step=1e-5)
IF = Instrument("IF2101", "IF", tick_size=0.2, point_value=300.0, currency="CNY")
EURUSD = Instrument("EURUSD", "EURUSD", tick_size=1e-5, point_value=1e5, currency="USD")
T0 = 1_430_438_404_000


def bitstamp(folder: Path, orders: list[tuple], trades: list[tuple] = ()) -> Path:  # type: ignore[assignment]
    """Orders are (line, what, id, side, price, amount), trades (line, id, price, amount); 10 ms between lines."""
    names = ["line", "event", "order_id", "order_type", "price", "amount"]
    columns = dict(zip(names, map(list, zip(*orders, strict=True)), strict=True))
    columns["event"] = [f"order_{what}" for what in columns["event"]]
    columns |= {"recv_ms": [T0 + 10 * line for line in columns["line"]], "exch_s": [T0 // 1000] * len(orders)}
    pq.write_table(pa.table(columns), folder / "raw_order_events.parquet")
    if trades:
        columns = dict(
            zip(["line", "trade_id", "price", "amount"], map(list, zip(*trades, strict=True)), strict=True)
        )
        columns["recv_ms"] = [T0 + 10 * line for line in columns["line"]]
        pq.write_table(pa.table(columns), folder / "raw_trades.parquet")
    return folder


def read(path: Path, instrument: Instrument, **options: object):
    parts = list(find_importer(path).read(path, instrument, Options(**options)))  # type: ignore[arg-type]
    events = np.concatenate([p.events for p in parts])
    return events, [r for p in parts for r in p.rejected], [n for p in parts for n in p.notes]


def test_orders_and_the_trade_between_two_of_them(tmp_path: Path) -> None:
    """A resting ask of 2 loses 0.5 to a bid that comes later: the buyer is the aggressor."""
    folder = bitstamp(
        tmp_path,
        [
            (0, "created", 7, 1, 236.5, 2.0),
            (1, "created", 8, 0, 236.5, 0.5),
            (2, "changed", 7, 1, 236.5, 1.5),
            (3, "deleted", 8, 0, 236.5, 0.0),
            (5, "deleted", 7, 1, 236.5, 1.5),
        ],
        [(4, 99, 236.5, 0.5)],
    )
    events, rejected, notes = read(folder, BTC)
    assert rejected == []
    assert events["kind"].tolist() == [Kind.ORDER] * 4 + [Kind.TRADE, Kind.ORDER]
    orders = events[events["kind"] == Kind.ORDER]
    assert orders["action"].tolist() == [Action.ADD, Action.ADD, Action.EDIT, Action.DELETE, Action.DELETE]
    assert orders["size"].tolist() == [200_000, 50_000, 150_000, 0, 0]
    assert (orders["px"] == 23_650).all()
    (trade,) = events[events["kind"] == Kind.TRADE]
    assert (trade["side"], trade["size"], trade["id"]) == (1, 50_000, 99)
    assert trade["flags"] == Flag.SIDE_INFERRED
    assert (trade["ts_event"], trade["ts_recv"]) == ((T0 + 40) * 10**6,) * 2
    assert "for 1 of 1 trades" in " ".join(notes)
    bare, _, _ = read(folder, BTC, infer_side="none")
    assert bare["side"][bare["kind"] == Kind.TRADE].tolist() == [0]


def test_one_loss_makes_one_side(tmp_path: Path) -> None:
    """Where only the resting order is seen to lose the amount, the other side is the aggressor; a cancel is no loss."""
    folder = bitstamp(
        tmp_path,
        [
            (0, "created", 7, 0, 236.5, 2.0),
            (1, "created", 9, 0, 236.4, 0.5),
            (2, "deleted", 9, 0, 236.4, 0.5),
            (3, "changed", 7, 0, 236.5, 1.5),
        ],
        [(4, 99, 236.5, 0.5), (5, 100, 236.5, 0.5)],
    )
    events, _, _ = read(folder, BTC)
    assert events["side"][events["kind"] == Kind.TRADE].tolist() == [-1, 0]


def test_records_that_came_late_and_orders_from_before(tmp_path: Path) -> None:
    folder = bitstamp(
        tmp_path,
        [
            (0, "deleted", 5, 0, 236.0, 1.0),  # came before its own creation
            (1, "created", 5, 0, 236.0, 1.0),
            (2, "changed", 6, 1, 237.0, 1.0),  # rested before the log
            (3, "deleted", 4, 1, 238.0, 1.0),
        ],
    )
    events, _, notes = read(folder, BTC)
    assert [(e["id"], e["action"], e["size"]) for e in events] == [(6, Action.ADD, 100_000)]
    text = "; ".join(notes)
    assert "1 records are about orders that were deleted before" in text
    assert "2 deletes are about orders that were never seen" in text
    assert "no file of trades" in text


def test_amounts_are_counted_in_whole_steps(tmp_path: Path) -> None:
    folder = bitstamp(
        tmp_path,
        [
            (0, "created", 1, 0, 236.0, 0.123456),
            (1, "created", 2, 0, 236.0, 1e-8),
            (2, "created", 3, 0, 236.0, 0.3),
        ],
    )
    events, _, notes = read(folder, BTC)
    assert events["size"].tolist() == [12_345, 1, 30_000]
    assert "2 amounts are rounded down to whole steps of 1e-05" in notes


def test_bitstamp_rows_that_cannot_be_used(tmp_path: Path) -> None:
    good = [(k, "created", k, 0, 236.0, 1.0) for k in range(1, 9)]
    folder = bitstamp(
        tmp_path,
        [
            *good,
            (9, "changed", 1, 0, 236.005, 1.0),
            (10, "altered", 1, 0, 236.0, 1.0),
            (11, "changed", 1, 2, 236.0, 1.0),
            (12, "changed", 1, 0, 236.0, -1.0),
        ],
    )
    _, rejected, _ = read(folder, BTC)
    assert [(r.line, r.column) for r in rejected] == [
        (10, "event"),
        (11, "order_type"),
        (9, "price"),
        (12, "amount"),
    ]
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match="in no format that is known"):
        find_importer(tmp_path / "other.parquet")
    late = bitstamp(tmp_path, [(5, "created", 1, 0, 236.0, 1.0), (4, "created", 2, 0, 236.0, 1.0)])
    with pytest.raises(UnsortedEventsError, match="runs backwards"):
        read(late, BTC)


def ticks(path: Path, rows: list[tuple], code: str = "IF2101") -> Path:
    """Rows are (time, price, volume, bid, bid size, ask, ask size)."""
    names = ["action_time", "price", "volume", "bid_price_1", "bid_qty_1", "ask_price_1", "ask_qty_1"]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    columns |= {"action_date": [20210104] * len(rows), "code": [code] * len(rows)}
    pq.write_table(pa.table(columns), path)
    return path


def test_a_snapshot_is_a_trade_and_the_quote_it_leaves(tmp_path: Path) -> None:
    path = ticks(
        tmp_path / "IF_1.parquet",
        [
            (93000400, 5230.0, 0, 5229.8, 3, 5230.0, 2),
            (93000900, 5230.0, 71, 5230.0, 1, 5230.2, 4),
            (93001400, 5230.0, 5, 5230.0, 1, 5230.2, 4),
            (93001900, 0.0, 0, 0.0, 0, 5230.2, 4),
        ],
    )
    events, rejected, notes = read(path, IF)
    assert rejected == []
    assert events["kind"].tolist() == [Kind.QUOTE, Kind.TRADE, Kind.QUOTE, Kind.TRADE, Kind.QUOTE]
    first, second = events[events["kind"] == Kind.TRADE]
    # At the ask that was there before it: bought; at the bid: sold.
    assert (first["px"], first["size"], first["side"]) == (26_150, 71, 1)
    assert first["flags"] == Flag.SIDE_INFERRED | Flag.MORE
    assert (second["side"], second["flags"]) == (-1, Flag.SIDE_INFERRED)
    last = events[-1]
    assert (last["px"], last["size"], last["px_ask"], last["size_ask"]) == (PX_NONE, 0, 26_151, 4)
    # 09:30:00.400 in Shanghai, eight hours ahead of UTC.
    assert int(events["ts_event"][0]) == int(np.datetime64("2021-01-04T01:30:00.400", "ns").astype(np.int64))
    assert any("several may hide" in note for note in notes)
    bare, _, _ = read(path, IF, infer_side="none")
    assert (bare["side"][bare["kind"] == Kind.TRADE] == 0).all()


def test_a_folder_of_days_is_one_stream(tmp_path: Path) -> None:
    ticks(tmp_path / "a.parquet", [(93000000, 5230.0, 1, 5229.8, 3, 5230.0, 2)])
    ticks(tmp_path / "b.parquet", [(93000500, 5230.0, 2, 5229.8, 3, 5230.0, 2)])
    events, _, _ = read(tmp_path, IF)
    assert events["kind"].tolist() == [Kind.TRADE, Kind.QUOTE, Kind.TRADE]
    assert events["side"].tolist() == [0, 0, 1]
    assert events["sequence"].tolist() == [0, 1, 2]
    ticks(tmp_path / "c.parquet", [(93001000, 5230.0, 2, 5229.8, 3, 5230.0, 2)], code="IF2102")
    with pytest.raises(DataFormatError, match=r"holds 2 contracts \(IF2101, IF2102\)"):
        read(tmp_path, IF)


def test_snapshots_that_cannot_be_used(tmp_path: Path) -> None:
    row = (5230.0, 1, 5229.8, 3, 5230.0, 2)
    path = ticks(
        tmp_path / "a.parquet",
        [
            (93000000, *row),
            (93000500, *row),
            (93001000, *row),
            (93061000, *row),
            (93001500, 5230.1, *row[1:]),
        ],
    )
    _, rejected, _ = read(path, IF)
    assert [(r.line, r.column) for r in rejected] == [(4, "action_time"), (5, "price")]
    with pytest.raises(UnsortedEventsError, match="runs backwards"):
        read(ticks(tmp_path / "b.parquet", [(93000500, *row), (93000000, *row)]), IF)


def minutes(path: Path, **columns: list[object]) -> Path:
    """Two minutes of EURUSD with one missing between them."""
    table = {
        "ts_utc": [1_483_315_200, 1_483_315_320],
        "open_e5": [105_200, 105_210],
        "high_e5": [105_215, 105_210],
        "low_e5": [105_195, 105_205],
        "close_e5": [105_210, 105_206],
    }
    pq.write_table(pa.table(table | columns), path)
    return path


def test_minutes_of_xquotes(tmp_path: Path) -> None:
    events, rejected, notes = read(minutes(tmp_path / "m.parquet"), EURUSD)
    # A bar is known a minute after its start.
    assert rejected == []
    assert events["ts_event"].tolist() == [1_483_315_260 * 10**9, 1_483_315_380 * 10**9]
    assert events["id"].tolist() == [1_483_315_200 * 10**9, 1_483_315_320 * 10**9]
    prices = [events[field].tolist() for field in ("px", "px_ask", "ref_a", "ref_b")]
    assert prices == [[105_200, 105_210], [105_215, 105_210], [105_195, 105_205], [105_210, 105_206]]
    assert events["size"].tolist() == [0, 0]
    assert "no volume in the file: stored as 0" in notes
    broken = minutes(tmp_path / "b.parquet", high_e5=[105_215, 105_205])
    assert [(r.line, r.column, r.value) for r in read(broken, EURUSD)[1]] == [(2, "high", "105205")]
    with pytest.raises(DataFormatError, match="column open_e5 holds double, expected whole numbers"):
        read(minutes(tmp_path / "f.parquet", open_e5=[1.052, 1.0521]), EURUSD)
