"""The whole catalogue, indicators, the way from Parquet to a feature file, and what an engine holds in memory."""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rows import WDO, Row, agree, nothing

from quantumtrader.data.lake import Lake
from quantumtrader.features import resolve
from quantumtrader.types import Events, Fitted, Kind, Phase

CHUNK = 4_096
MINUTE = 60_000_000_000
OPEN_NS = 1_754_308_800_000_000_000
QUIET_NS = 210 * MINUTE
FITTED = Fitted(
    vpin_bucket=200,
    microprice=(0, tuple((k % 10 - 4.5) * (0.03 + 0.05 * (k // 10)) for k in range(30))),
    pin=((0, 0.25),),
)


def recording(core: Any, count: int) -> tuple[Events, Events]:
    """Return a quiet morning, and about ``count`` events of the busy minutes that follow it."""
    quiet = core.generate_session(8, duration_ns=QUIET_NS, intensity=10, open_ns=OPEN_NS)
    quiet = quiet[(quiet["kind"] != Kind.SESSION) | (quiet["action"] != Phase.CLOSED)]
    busy = core.generate_session(
        7, duration_ns=2 * QUIET_NS, intensity=1000, max_events=count, open_ns=OPEN_NS + QUIET_NS
    )
    busy = busy[busy["kind"] != Kind.SESSION]
    busy["sequence"] += quiet["sequence"][-1]
    busy["ts_recv"] = np.maximum(busy["ts_recv"], quiet["ts_recv"][-1])
    return quiet, busy


def engine(core: Any, clock: str) -> Any:
    """Return an engine of the whole catalogue that is told everything a feature may need."""
    return core.FeatureEngine(
        list(resolve("all")),
        WDO.tick_size,
        WDO.point_value,
        clock,
        "partial",
        session_seconds=10_800.0,
        fitted=FITTED,
    )


def stream(engine: Any, events: Events) -> int:
    """Feed events in chunks; returns the rows that were taken."""
    rows = 0
    for first in range(0, len(events), CHUNK):
        engine.update_many(events[first : first + CHUNK])
        rows += len(engine.take()[0])
    return rows


def catalogue_rows(core: Any, count: int) -> Iterator[Row]:
    """Every feature: a row per event, and one every 100 ms."""
    quiet, busy = recording(core, count)
    width = len(resolve("all"))
    group = f"all {width} features, busy minutes"

    def warm(clock: str) -> Any:
        made = engine(core, clock)
        stream(made, quiet)
        return made

    for name, clock, goal in (
        ("a row at every event", "event", "< 1000 ns"),
        ("a row every 100 ms", "100ms", "< 100 ns"),
    ):
        rows = stream(warm(clock), busy)
        note = f"{len(busy) / rows:.1f} events per row"
        yield Row(
            group,
            name,
            len(busy),
            lambda clock=clock: warm(clock),
            lambda made: stream(made, busy),
            goal,
            note,
            ours=True,
        )


def optional(name: str) -> Any:
    """Return a module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: its rows are left out", file=sys.stderr)
        return None


def indicator_rows(core: Any, count: int) -> Iterator[Row]:
    """EMA and RSI: one number per call, and many."""
    closes = 5400.0 + 0.5 * np.cumsum(np.random.default_rng(7).integers(-1, 2, count))
    few = closes[: min(count, 100_000)].tolist()
    group, n = "indicator update from Python, EMA(20)", len(few)

    def each(update: Callable[[float], Any]) -> None:
        for x in few:
            update(x)

    yield Row(
        group,
        "Indicator.update",
        n,
        lambda: core.Indicator("ema", 20).update,
        each,
        "<= 60 ns",
        "loop included",
        ours=True,
    )
    if (wickra := optional("wickra")) is not None:
        yield Row(group, "wickra", n, lambda: wickra.EMA(20).update, each)
    if (nautilus := optional("nautilus_trader.indicators.averages")) is not None:
        yield Row(group, "NautilusTrader", n, lambda: nautilus.ExponentialMovingAverage(20).update_raw, each)
    if (talipp := optional("talipp.indicators")) is not None:
        yield Row(group, "talipp", n, lambda: talipp.EMA(20).add, each)
    talib = optional("talib")
    for name, length in (("ema", 20), ("rsi", 14)):
        group = f"batch {name.upper()}({length})"
        if talib is not None:
            peer = getattr(talib, name.upper())
            ours = core.Indicator(name, length).update_many(closes)
            agree(group, bool(np.allclose(ours, peer(closes, length), rtol=1e-9, equal_nan=True)), True)
            yield Row(
                group,
                "TA-Lib",
                count,
                nothing,
                lambda _, peer=peer, length=length: peer(closes, length),
                reference=True,
            )
        yield Row(
            group,
            "Indicator.update_many",
            count,
            lambda name=name, length=length: core.Indicator(name, length),
            lambda indicator: indicator.update_many(closes),
            "<= 1.3x",
            ours=True,
        )


class _Heap(ctypes.Structure):
    """``struct mallinfo2`` of glibc."""

    _fields_ = [
        (name, ctypes.c_size_t) for name in ["arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks"]
    ] + [(name, ctypes.c_size_t) for name in ["fsmblks", "uordblks", "fordblks", "keepcost"]]


def heap() -> int | None:
    """Return the bytes that this process has allocated and not freed; None where the C library does not say."""
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None) if sys.platform == "linux" else None
    if mallinfo is None:
        return None
    mallinfo.restype = _Heap
    now = mallinfo()
    return int(now.uordblks + now.hblkhd)


def hot_state(core: Any, count: int) -> str:
    """Measure what an engine of all features holds once it has seen busy minutes, rows not counted."""
    quiet, busy = recording(core, count)
    stream(engine(core, "100ms"), busy[:CHUNK])
    gc.collect()
    before = heap()
    if before is None:
        return "hot state: unknown on this system"
    made = engine(core, "100ms")
    stream(made, quiet)
    stream(made, busy)
    made.take()  # gives back the room that is kept for the next rows
    gc.collect()
    grown = (heap() or before) - before
    return f"hot state of {len(resolve('all'))} features: {grown / 2**20:.2f} MiB per symbol (goal < 1 MB)"


def feature_file(core: Any, events: Events, folder: Path) -> str:
    """Compute a feature file from a Parquet lake, as the command does, in a process of its own."""
    lake = Lake(folder / "lake", pack=core.pack_events)
    with lake.writer(WDO, source="synthetic") as writer:
        writer.add(events)
    out = folder / "features.parquet"
    command = [sys.executable, "-m", "quantumtrader", "features", "compute", "--input", str(lake.root)]
    command += ["--symbol", WDO.symbol, "--set", "all", "--clock", "1s", "--out", str(out), "--json"]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    wall = time.perf_counter() - begun
    if done.returncode != 0:
        return f"Parquet to feature file: failed\n{done.stdout}{done.stderr}"
    said = json.loads(done.stdout)
    peak = "unknown" if said["peak_rss_bytes"] is None else f"{said['peak_rss_bytes'] / 2**20:,.0f} MiB"
    return (
        f"Parquet to feature file, {said['features']} features every second: {said['events']:,} events, "
        f"{said['rows']:,} rows, {said['events_per_second']:,.0f} events/s, peak memory {peak} (goal < 1 GB), "
        f"{wall:.1f} s with start-up"
    )
