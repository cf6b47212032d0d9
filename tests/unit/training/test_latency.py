"""Latencies: draws that depend on the moment alone, and files of what was measured."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quantumtrader.app.live.order_latencies import order_latencies
from quantumtrader.exceptions import ConfigError, DataAccessError, DataFormatError
from quantumtrader.gateway import OrderStatus
from quantumtrader.training.labels import Latency, read_latencies
from quantumtrader.training.labels.latency import MOST_LATENCIES, ORDER_LATENCIES

MS = 10**6
SAMPLE = (40 * MS, 2 * MS, 90 * MS)
MASK = (1 << 64) - 1


def splitmix(z: int) -> int:
    """The published function on plain integers."""
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_a_draw_depends_on_its_moment_and_the_seed_alone() -> None:
    assert splitmix(0) == 0xE220A8397B1DCDAF  # first output of the generator that starts at 0
    times = 1_700_000_000 * 10**9 + np.sort(np.random.default_rng(1).integers(0, 10**12, 3_000))
    drawn = Latency(SAMPLE, 5).draw(times)
    assert drawn[:50].tolist() == [sorted(SAMPLE)[splitmix(t ^ splitmix(5)) % 3] for t in times[:50].tolist()]
    parts = [Latency(SAMPLE[::-1], 5).draw(part) for part in np.array_split(times, 7)]
    assert np.concatenate(parts).tolist() == drawn.tolist()  # nor on the order of the sample
    assert Latency(SAMPLE, 6).draw(times).tolist() != drawn.tolist()
    shares = [(drawn == value).mean() for value in SAMPLE]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.04)
    assert Latency((3,)).draw(times[:2]).tolist() == [3, 3]


def test_a_sample_is_told_by_hash_and_quantiles() -> None:
    facts = Latency(tuple(k * MS for k in range(100, 0, -1)), 5).facts()
    packed = b"".join(struct.pack("<q", k * MS) for k in range(1, 101))
    assert facts == {
        "latency_count": 100,
        "latency_sha256": hashlib.sha256(packed).hexdigest(),
        "latency_min_ns": MS,
        "latency_p05_ns": 5 * MS,
        "latency_p50_ns": 50 * MS,
        "latency_p95_ns": 95 * MS,
        "latency_max_ns": 100 * MS,
        "latency_seed": 5,
    }
    assert Latency((3,)).facts() == {"latency_ns": [3], "latency_seed": 7}


def test_files_of_latencies(tmp_path: Path) -> None:
    text = tmp_path / ORDER_LATENCIES
    text.write_text("# ns\n40000000\n\n2000000  # the first of the day\n9e7\n")
    assert read_latencies(text) == read_latencies(tmp_path) == tuple(sorted(SAMPLE))
    table = tmp_path / "l.parquet"
    pq.write_table(pa.table({"latency_ns": SAMPLE, "side": [1, 1, 1]}), table)
    assert read_latencies(table) == tuple(sorted(SAMPLE))
    pq.write_table(pa.table({"any": [float(v) for v in SAMPLE]}), table)
    assert read_latencies(table) == tuple(sorted(SAMPLE))
    text.write_text("\n".join(str(k) for k in range(10 * MOST_LATENCIES)))
    many = read_latencies(text)
    assert len(many) == MOST_LATENCIES
    assert (many[0], many[-1]) == (0, 10 * MOST_LATENCIES - 1)
    assert set(np.diff(many).tolist()) == {10, 11}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no latency"),
        ("# only a remark\n", "holds no latency"),
        ("5\n-1\n", "l.txt:2: '-1' is no latency"),
        ("nan", "'nan' is no latency"),
        ("inf", "'inf' is no latency"),
        ("1.5", "'1.5' is no latency"),
        ("20 ms", "'20 ms' is no latency"),
        ("3600000000001", "is no latency"),
        (b"\xff\xfe", "is no text"),
        ([1, None], "None is no latency"),
        ([1.0, float("nan")], "nan is no latency"),
        (["fast"], "'fast' is no latency"),
        ([True], "True is no latency"),
        ([], "holds no latency"),
        ({"a": [1], "b": [2]}, "has the columns a, b, expected latency_ns"),
    ],
)
def test_what_is_no_sample_is_refused(content: Any, said: str, tmp_path: Path) -> None:
    file = tmp_path / ("l.txt" if isinstance(content, (str, bytes)) else "l.parquet")
    if isinstance(content, (str, bytes)):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    else:
        pq.write_table(pa.table(content if isinstance(content, dict) else {"latency_ns": content}), file)
    with pytest.raises(DataFormatError, match=said):
        read_latencies(file)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataAccessError, match="only a live session with real orders"):
        read_latencies(tmp_path)
    for name in ("l.txt", "l.parquet"):
        with pytest.raises(DataAccessError, match="cannot be read"):
            read_latencies(tmp_path / name)
    (tmp_path / "l.parquet").write_text("5")
    with pytest.raises(DataFormatError, match="is no Parquet file"):
        read_latencies(tmp_path / "l.parquet")
    for sample in ((), (-1,), (1.5,), (3_601 * 10**9,)):
        with pytest.raises(ConfigError, match="latency: "):
            Latency(sample)  # type: ignore[arg-type]


def test_latencies_of_an_order_journal() -> None:
    def seen(ts: int, order: int, status: OrderStatus) -> dict[str, Any]:
        return {"kind": "snapshot", "ts": ts, "client_id": order, "details": {"status": int(status)}}

    records = [
        {"kind": "intent", "ts": 100, "client_id": 1},
        {"kind": "intent", "ts": 110, "client_id": 2},
        {"kind": "sent", "ts": 110, "client_id": 2},
        seen(120, 1, OrderStatus.PENDING_NEW),
        seen(130, 1, OrderStatus.NEW),
        seen(150, 2, OrderStatus.FILLED),
        seen(190, 1, OrderStatus.FILLED),
        {"kind": "intent", "ts": 200, "client_id": 3},
        seen(230, 3, OrderStatus.REJECTED),
        seen(240, 9, OrderStatus.NEW),  # of an order that was decided before this session
    ]
    assert order_latencies(records) == [30, 40]
