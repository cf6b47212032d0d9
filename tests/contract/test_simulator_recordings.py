"""Recordings played through the ABI: generated ones, and real markets where the data is at hand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from contract.simulator_client import NL_OK, Book, i64, nl, session
from quantumtrader.config import Settings
from quantumtrader.data.importers.base import Options
from quantumtrader.data.source import load_events

EVENT = np.dtype(
    [(n, "<i8") for n in ("ts_event", "ts_recv", "sequence", "id")]
    + [(n, "<i4") for n in ("px", "px_ask", "size", "size_ask", "ref_a", "ref_b")]
    + [
        ("instrument", "<u2"),
        ("flags", "<u2"),
        ("kind", "u1"),
        ("action", "u1"),
        ("side", "i1"),
        ("reserved", "u1"),
    ]
)


def write_journal(path: Path, events: np.ndarray, symbol: str = "ESZ5", tick: float = 0.25) -> None:
    header = (
        b'{"schema_version":1,"record_size":64,"source":"test","synthetic":false,"created_ns":0,"instruments":'
        b'[{"index":0,"symbol":"%s","tick_size":%r,"point_value":50.0}]}' % (symbol.encode(), tick)
    )
    with path.open("wb") as file:
        file.write(b"QTJRNL\0\x01" + struct.pack("<II", len(header), zlib.crc32(header)) + header)
        for start in range(0, len(events), 1000):
            payload = events[start : start + 1000].tobytes()
            count = struct.pack("<I", len(payload) // 64)
            file.write(
                struct.pack("<I", 0x4D415246)
                + count
                + struct.pack("<II", zlib.crc32(count + payload), 0)
                + payload
            )


def by_id(n: int) -> np.ndarray:
    """A by-order stream: adds, reductions, growth, deletions, with trades between."""
    rng = np.random.default_rng(5)
    events, live = np.zeros(n, EVENT), []
    events["ts_event"] = events["ts_recv"] = 1_754_312_400_000_000_000 + np.arange(n) * 1_000_000
    events["sequence"], events["kind"], events["ref_b"] = np.arange(1, n + 1), 4, -1
    for i, e in enumerate(events):
        draw = rng.random()
        if not live or draw < 0.45:
            side = int(rng.choice([-1, 1]))
            live.append((i + 1, side))
            e["id"], e["side"], e["action"] = i + 1, side, 1
            e["px"], e["size"] = 20_000 - side * (1 + rng.integers(20)), 1 + rng.integers(9)
        elif draw < 0.6:
            e["kind"], e["px"], e["size"], e["side"], e["ref_b"] = 1, 20_000, 1, 1, 0
        else:
            at = int(rng.integers(len(live)))
            e["id"], e["side"] = live[at]
            if draw < 0.75:
                e["action"], e["size"], e["flags"], e["px"] = 2, 1, 2048, -(2**31)
            else:
                e["action"] = 3
                live.pop(at)
    return events


def test_a_recording_by_order_is_played(tmp_path: Path) -> None:
    write_journal(tmp_path / "es.qtj", by_id(5000))
    toml = f'[market]\nsource = "journal"\npath = "{(tmp_path / "es.qtj").as_posix()}"\n'
    with session(2, toml, "OfferBookV2", "Trade", "PriceDepth") as client:
        for name in ("Ticker", "OfferBook"):
            assert client.call(f"Subscribe{name}", "ESZ5", "F") == NL_OK
        book, seen, played = Book(), 0, 0
        while n := client.step(50):
            played += n
            for event in client.events[seen:]:
                if event[0] == "OfferBookV2":
                    book.apply(event)
            seen = len(client.events)
            assert book.lists() == [client.true_book("ESZ5", side) for side in (0, 1)]
        assert played == 5000
        assert len(book.sides[0]) > 30
        assert {e[4] for e in client.of("Trade")} == {5000.0}


def test_a_corrupt_recording_stops_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "bad.qtj"
    write_journal(path, by_id(2500))
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(bytes(data))
    toml = f'[market]\nsource = "journal"\npath = "{path.as_posix()}"\n'
    with session(2, toml) as client:
        assert client.step(1000) == 1000
        assert client.call("QtSimStep", i64(2000), result=i64) == nl(1)
        assert "corrupt" in client.error()


@pytest.mark.parametrize(
    ("folder", "symbol", "tick", "currency"),
    [("cme_es_mbo_20231225", "ESH4", 0.25, "USD"), ("lobster_aapl_l50_1h", "AAPL", 0.01, "USD")],
)
def test_a_real_market_through_the_abi(
    shared_data: Callable[[str], Path], tmp_path: Path, folder: str, symbol: str, tick: float, currency: str
) -> None:
    """Orders of a real market, by id: the rebuilt book is the true one, volume and last trade are the market's."""
    pytest.importorskip("pyarrow")
    numbers = {"tick_size": tick, "point_value": 50.0, "currency": currency, "timezone": "UTC"}
    settings = Settings(instruments={symbol: numbers})
    path, options = shared_data(folder), Options(date=date(2012, 6, 21))
    events = load_events(path, symbol, settings, options=options, sessions=False).events[:60_000]
    events = np.ascontiguousarray(events)
    write_journal(tmp_path / "real.qtj", events, symbol, tick)
    toml = f'[market]\nsource = "journal"\npath = "{(tmp_path / "real.qtj").as_posix()}"\n'
    with session(2, toml, "OfferBookV2", "Trade", "Daily") as client:
        for name in ("Ticker", "OfferBook"):
            assert client.call(f"Subscribe{name}", symbol, "F") == NL_OK
        book, seen, played, compared = Book(), 0, 0, 0
        while n := client.step(2_000):
            played += n
            for event in client.events[seen:]:
                if event[0] == "OfferBookV2":
                    book.apply(event)
            seen = len(client.events)
            if not client.is_loading(symbol):
                compared += 1
                assert book.lists() == [client.true_book(symbol, side) for side in (0, 1)]
        assert played == len(events)
        assert compared > 10
        assert sum(map(len, book.lists())) > 100
        prints = events[(events["kind"] == 1) & (events["flags"] & (16 | 32) == 0)]
        trades = client.of("Trade")
        assert len(trades) == len(events[events["kind"] == 1])
        assert sum(e[6] for e in trades if not e[10]) == prints["size"].sum() == client.of("Daily")[-1][13]
        assert trades[-1][4] == pytest.approx(events["px"][events["kind"] == 1][-1] * tick)
