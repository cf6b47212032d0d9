"""Our work beside hand-written C, and beside the peers that are installed, on the same events in one run.

``python benches/beside_peers.py [--events N] [--rounds N] [--json FILE]``

The day is synthetic and seeded. Rows of one group do the same work on the same records; rounds alternate between
them, and the figure is the median CPU time per event, which a busy machine disturbs little. Compare ratios
within one run only. Before anything is timed, the results are checked to be equal.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from feature_rows import catalogue_rows, feature_file, hot_state, indicator_rows
from floor import TICKS, Floor, compiler
from rows import WDO, Row, agree, nothing

from quantumtrader import __version__, _backend
from quantumtrader.data.lake import Lake
from quantumtrader.types import Action, Events, Flag, Kind

STEP_NS = 100_000_000
STREAM = ["book_ofi_100e", "book_imbalance_5", "weighted_mid_dev"]


@dataclass
class Figure:
    """What was measured for one row."""

    group: str
    name: str
    events: int
    cpu_ns: float
    wall_best_ns: float
    ratio: float | None
    goal: str
    note: str


def day(core: Any, count: int) -> Events:
    """Return a seeded synthetic session of about ``count`` events."""
    # Long enough for any count: the generator stops at the count.
    return core.generate_session(7, duration_ns=20 * 3_600_000_000_000, max_events=count)


def level_updates(events: Events) -> Events:
    """Return plain level updates, each a packet of its own: what the C kernels can read."""
    plain = np.isin(events["action"], (Action.ADD, Action.EDIT, Action.DELETE))
    levels = events[(events["kind"] == Kind.LEVEL) & plain].copy()
    levels["flags"] &= ~np.uint16(Flag.MORE)
    return levels


def book_rows(core: Any, levels: Events, floor: Floor | None) -> Iterator[Row]:
    """Apply level updates, batch."""
    group, n = "L2 update, batch", len(levels)
    if floor is not None:
        bid, _, ask, _ = core.L2Book().best_after_each(levels)
        none = np.iinfo(np.int32).min
        bid = np.where(bid == none, -1, bid.astype(np.int64) - floor.base)
        ask = np.where(ask == none, TICKS, ask.astype(np.int64) - floor.base)
        agree(group, int((bid ^ ask).sum()), floor.book_branchy(levels), floor.book_folded(levels))
        yield Row(
            group,
            "C floor, one branch per side",
            n,
            nothing,
            lambda _: floor.book_branchy(levels),
            reference=True,
        )
        yield Row(
            group, "C floor, side folded into an index", n, nothing, lambda _: floor.book_folded(levels)
        )
    yield Row(
        group,
        "L2Book.update_many",
        n,
        core.L2Book,
        lambda book: book.update_many(levels),
        "<= 1.5x",
        ours=True,
    )


def stream_rows(core: Any, levels: Events, floor: Floor | None) -> Iterator[Row]:
    """Book, OFI, imbalance of five levels and weighted mid after every update."""
    group, n = "book + OFI + imbalance + micro-price", len(levels)

    def engine() -> Any:
        return core.FeatureEngine(STREAM, WDO.tick_size, WDO.point_value, "event")

    if floor is not None:
        out = np.empty((n, 3))
        floor.stream(levels, out)
        check_stream(group, engine(), levels, out)
        yield Row(
            group, "C floor, whole batch", n, nothing, lambda _: floor.stream(levels, out), reference=True
        )
    yield Row(
        group,
        "FeatureEngine.update_many, a row per event",
        n,
        engine,
        lambda e: (e.update_many(levels), e.take()),
        "<= 1.5x",
        ours=True,
    )
    few = list(levels[: min(n, 200_000)])

    def one_by_one(e: Any) -> None:
        update = e.update
        for event in few:
            update(event)

    yield Row(
        group,
        "FeatureEngine.update, one call per event",
        len(few),
        engine,
        one_by_one,
        "<= 150 ns",
        "records prebuilt",
        ours=True,
    )


def load_rows(core: Any, events: Events, folder: Path) -> Iterator[Row]:
    """Parquet on disk (page cache) to event records."""
    group = "Parquet to events"
    lake = Lake(folder, pack=core.pack_events)
    with lake.writer(WDO, source="synthetic") as writer:
        writer.add(events)
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / len(events)
    agree(group, lake.read(WDO.symbol).tobytes() == events.tobytes(), True)
    raw = folder / "events.npy"
    np.save(raw, events)
    yield Row(
        group, "numpy.load of raw records", len(events), nothing, lambda _: np.load(raw), note="64 B/event"
    )
    yield Row(
        group,
        "Lake.read",
        len(events),
        nothing,
        lambda _: lake.read(WDO.symbol),
        "<= 45 ns, <= 9 B",
        f"{size:.2f} B/event",
        ours=True,
    )


def replay_rows(core: Any, events: Events, floor: Floor | None) -> Iterator[Row]:
    """Replay with a strategy that does nothing every 100 ms."""
    group, n = "replay, do-nothing every 100 ms", len(events)
    last = int(events["ts_event"].max())

    def ours(replay_venue: Any) -> int:
        seen = 0
        for _, bid_px, _, ask_px, _ in replay_venue.every(STEP_NS):
            seen += bid_px + ask_px
        return seen

    def venue() -> Any:
        made = core.Venue(tick_size=WDO.tick_size, point_value=WDO.point_value, latency_ns=1_000_000)
        return core.Replay(events, made)

    peer = hftbacktest_row(group, events)
    if peer is not None:
        yield peer
    if floor is not None:
        plain = events.copy()
        plain["kind"][~np.isin(events["action"], (Action.NONE, Action.ADD, Action.EDIT, Action.DELETE))] = (
            Kind.TIMER
        )
        yield Row(
            group, "C floor, book and counters only", n, nothing, lambda _: floor.replay(plain, STEP_NS)
        )
    steps = (last - int(events["ts_event"][0])) // STEP_NS
    yield Row(
        group, "Replay.every", n, venue, ours, "<= 1x, goal 0.6x", f"{steps:,} calls from Python", ours=True
    )


def hftbacktest_row(group: str, events: Events) -> Row | None:
    """Return the same loop in hftbacktest, compiled with numba; None where it is not installed."""
    try:
        import hftbacktest as hbt
        import numba
        from hftbacktest.types import event_dtype
    except ImportError:
        print("hftbacktest is not installed: that row is left out (pip install hftbacktest)", file=sys.stderr)
        return None
    plain = np.isin(events["action"], (Action.NONE, Action.ADD, Action.EDIT, Action.DELETE))
    used = events[np.isin(events["kind"], (Kind.LEVEL, Kind.TRADE)) & plain]
    feed = np.zeros(len(used), event_dtype)
    what = np.where(used["kind"] == Kind.LEVEL, hbt.DEPTH_EVENT, hbt.TRADE_EVENT).astype(np.uint64)
    side = np.where(used["side"] > 0, hbt.BUY_EVENT, hbt.SELL_EVENT).astype(np.uint64)
    feed["ev"] = what | side | np.uint64(hbt.EXCH_EVENT | hbt.LOCAL_EVENT)
    feed["exch_ts"] = used["ts_event"]
    feed["local_ts"] = used["ts_event"] + 1_000_000
    feed["px"] = used["px"] * WDO.tick_size
    feed["qty"] = used["size"]
    low, high = feed["px"].min() - 50.0, feed["px"].max() + 50.0

    def start() -> Any:
        asset = (
            hbt.BacktestAsset()
            .data([feed])
            .linear_asset(WDO.point_value)
            .constant_order_latency(1_000_000, 1_000_000)
            .power_prob_queue_model(2.0)
            .no_partial_fill_exchange()
            .trading_value_fee_model(0.0, 0.0)
            .tick_size(WDO.tick_size)
            .lot_size(1.0)
            .roi_lb(low)
            .roi_ub(high)
            .last_trades_capacity(0)
        )
        return hbt.ROIVectorMarketDepthBacktest([asset])

    @numba.njit
    def loop(backtest: Any, step: int) -> float:
        total = 0.0
        while backtest.elapse(step) == 0:
            depth = backtest.depth(0)
            total += depth.best_bid + depth.best_ask
        return total

    def run(backtest: Any) -> None:
        loop(backtest, STEP_NS)
        backtest.close()

    run(start())  # compiles
    return Row(group, "hftbacktest, elapse in numba", len(used), start, run, reference=True)


def check_stream(group: str, engine: Any, levels: Events, floor: np.ndarray) -> None:
    """Compare the engine's rows with the floor's."""
    engine.update_many(levels)
    _, values, counts = engine.take()
    rows = floor[counts - 1]
    both = ~np.isnan(rows[:, 2])  # the kernel has no answer while a side is missing; an imbalance has
    for column in (1, 2):
        close = np.isclose(values[both, column], rows[both, column], rtol=1e-12, atol=1e-12)
        agree(f"{group}: {STREAM[column]}", bool(close.all()), True)
    changed = np.flatnonzero(
        np.nan_to_num(rows[:, 0])
    )  # a change of the touch never has e = 0 in one-record packets
    sums = np.convolve(rows[changed, 0], np.ones(100), "valid")
    agree(f"{group}: {STREAM[0]}", bool(np.array_equal(values[changed[99:], 0], sums)), True)


def measure(rows: list[Row], rounds: int) -> list[Figure]:
    """Time every row ``rounds`` times, alternating within its group."""
    figures = []
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        spent: dict[str, list[tuple[float, float]]] = {row.name: [] for row in members}
        for turn in range(rounds + 1):
            for row in members:
                state = row.setup()
                wall, cpu = time.perf_counter(), time.process_time()
                row.run(state)
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                if turn:  # the first round warms caches
                    spent[row.name].append((cpu / row.events * 1e9, wall / row.events * 1e9))
        cpus = {name: statistics.median(cpu for cpu, _ in times) for name, times in spent.items()}
        base = next((cpus[row.name] for row in members if row.reference), None)
        figures += [
            Figure(
                group,
                row.name,
                row.events,
                cpus[row.name],
                min(wall for _, wall in spent[row.name]),
                None if base is None else cpus[row.name] / base,
                row.goal,
                row.note,
            )
            for row in members
        ]
    return figures


def show(figures: list[Figure], machine: dict[str, str]) -> None:
    """Print one Markdown table."""
    print("; ".join(f"{key} {value}" for key, value in machine.items()))
    print("\n| work | implementation | cpu ns/event | best wall ns | ratio | goal | note |")
    print("|---|---|---:|---:|---:|---|---|")
    for f in figures:
        ratio = "" if f.ratio is None else f"{f.ratio:.2f}"
        print(
            f"| {f.group} | {f.name} | {f.cpu_ns:.1f} | {f.wall_best_ns:.1f} | {ratio} | {f.goal} | {f.note} |"
        )


def processor() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def commit() -> str:
    """Return the commit that is measured, with a plus where the checkout differs from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def say(what: str) -> None:
    """Say on standard error what takes a moment."""
    print(f"{what} …", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Measure and print; returns the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, help="events of the synthetic day")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds per row")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    core, engine = _backend.core(), _backend.engine()
    count = options.events or (1_225_000 if engine.name == "rust" else 30_000)
    say(f"generating {count:,} events")
    events = day(core, count)
    levels = level_updates(events)
    floor = Floor(levels) if compiler() else None
    if floor is None:
        print("no C compiler: the floor rows are left out", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="quantumtrader-bench-") as folder:
        say("checking that all rows of a group give the same results")
        rows = [
            *book_rows(core, levels, floor),
            *stream_rows(core, levels, floor),
            *load_rows(core, events, Path(folder)),
            *replay_rows(core, events, floor),
            *catalogue_rows(core, min(count, 60_000)),
            *indicator_rows(core, min(count, 225_600)),
        ]
        say("measuring")
        figures = measure(rows, options.rounds)
        say("computing a feature file, and weighing engines")
        facts = [
            feature_file(core, events, Path(folder) / "lake"),
            hot_state(core, min(count, 60_000)),
        ]
    machine = {
        "quantumtrader": __version__,
        "engine": engine.name,
        "python": platform.python_version(),
        "cpu": f"{processor()} x {os.cpu_count()}",
        "os": platform.platform(terse=True),
        "commit": commit(),
        "events": f"{len(events):,} ({len(levels):,} level updates)",
        "on": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    show(figures, machine)
    print("\n" + "\n".join(f"- {fact}" for fact in facts))
    if options.json:
        options.json.write_text(
            json.dumps(
                {"machine": machine, "figures": [asdict(f) for f in figures], "facts": facts}, indent=2
            )
        )
    return figures


if __name__ == "__main__":
    main()
