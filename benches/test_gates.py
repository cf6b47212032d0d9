"""Latency gates: the Rust engine against the Python engine and the C floor, within one run.

No gate knows an absolute time. They are wide on purpose, so that only a real regression fails: the figures to
reach stand in ``beside_peers.py``. In smoke mode (``--benchmark-disable``) the work runs once and nothing is
compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from floor import Floor, compiler
from pytest_benchmark.fixture import BenchmarkFixture

from quantumtrader import Instrument
from quantumtrader.features import FAMILIES, resolve
from quantumtrader.types import Action, Events, Flag, Kind

STREAM = ["book_ofi_100e", "book_imbalance_5", "weighted_mid_dev"]
NAMES = ["flow_ofi_1m", "book_ofi_1m", "cvd_session", "vwap_z", "book_imbalance_5"]


@pytest.fixture(autouse=True)
def _rust_only(core: ModuleType) -> None:
    if core.ENGINE != "rust":
        pytest.skip("the gates compare the Rust engine, which is not in force")


def seconds(work: Callable[[], Any], rounds: int) -> float:
    """CPU seconds of the quickest of ``rounds`` runs."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def gate(
    benchmark: BenchmarkFixture, ours: Callable[[], Any], other: Callable[[], Any], ratio: float, rounds: int
) -> None:
    """Time ours as a benchmark; demand at most ``ratio`` times the other's CPU time."""
    benchmark(ours)
    if benchmark.disabled:
        return
    other()
    found = seconds(ours, max(rounds, 5)) / seconds(other, rounds)
    benchmark.extra_info["ratio"] = found
    assert found <= ratio, f"{found:.4f} times the other's time, the gate is {ratio}"


def test_book_against_python(
    benchmark: BenchmarkFixture, core: ModuleType, python: ModuleType, events: Events
) -> None:
    gate(
        benchmark,
        lambda: core.L2Book().update_many(events),
        lambda: python.L2Book().update_many(events),
        ratio=1 / 10,
        rounds=2,
    )


def test_features_against_python(
    benchmark: BenchmarkFixture, core: ModuleType, python: ModuleType, events: Events, wdo: Instrument
) -> None:
    def run(module: ModuleType) -> None:
        engine = module.FeatureEngine(NAMES, wdo.tick_size, wdo.point_value, "100ms")
        engine.update_many(events)
        engine.take()

    gate(benchmark, lambda: run(core), lambda: run(python), ratio=1 / 10, rounds=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_family_against_python(
    benchmark: BenchmarkFixture,
    core: ModuleType,
    python: ModuleType,
    events: Events,
    wdo: Instrument,
    family: str,
) -> None:
    names, few = list(resolve(family)), events[:6_000]

    def run(module: ModuleType) -> None:
        engine = module.FeatureEngine(names, wdo.tick_size, wdo.point_value, "100ms", "partial")
        engine.update_many(few)
        engine.take()

    gate(benchmark, lambda: run(core), lambda: run(python), ratio=1 / 40, rounds=1)


def test_one_event_per_call_against_python(
    benchmark: BenchmarkFixture, core: ModuleType, python: ModuleType, events: Events, wdo: Instrument
) -> None:
    few = list(events[:4_000])

    def run(module: ModuleType) -> None:
        engine = module.FeatureEngine(NAMES, wdo.tick_size, wdo.point_value, "event")
        for event in few:
            engine.update(event)

    gate(benchmark, lambda: run(core), lambda: run(python), ratio=1 / 3, rounds=2)


def test_replay_against_python(
    benchmark: BenchmarkFixture, core: ModuleType, python: ModuleType, events: Events, wdo: Instrument
) -> None:
    def run(module: ModuleType) -> None:
        venue = module.Venue(tick_size=wdo.tick_size, point_value=wdo.point_value)
        module.Replay(events, venue).advance_to(len(events))

    gate(benchmark, lambda: run(core), lambda: run(python), ratio=1 / 5, rounds=2)


def one_by_one(indicator: Any, numbers: list[float]) -> None:
    update = indicator.update
    for x in numbers:
        update(x)


@pytest.mark.parametrize("case", [("ema", 20), ("rsi", 14)], ids=str)
def test_indicator_update_against_python(
    benchmark: BenchmarkFixture, core: ModuleType, python: ModuleType, closes: Any, case: tuple[str, int]
) -> None:
    few = closes[:20_000].tolist()
    gate(
        benchmark,
        lambda: one_by_one(core.Indicator(*case), few),
        lambda: one_by_one(python.Indicator(*case), few),
        ratio=1 / 5,
        rounds=2,
    )


@pytest.mark.parametrize("case", [("ema", 20), ("rsi", 14)], ids=str)
def test_batch_indicator_against_talib(
    benchmark: BenchmarkFixture, core: ModuleType, closes: Any, case: tuple[str, int]
) -> None:
    talib = pytest.importorskip("talib", reason="TA-Lib is not installed: pip install 'quantumtrader[test]'")
    name, n = case
    peer = getattr(talib, name.upper())
    gate(
        benchmark,
        lambda: core.Indicator(name, n).update_many(closes),
        lambda: peer(closes, n),
        ratio=2.0,
        rounds=15,
    )


@pytest.fixture(scope="module")
def closes() -> Any:
    """A random walk on the tick grid."""
    return 5400.0 + 0.5 * np.cumsum(np.random.default_rng(7).integers(-1, 2, 200_000))


def level_updates(core: ModuleType) -> Events:
    """Plain level updates, each a packet of its own: what the C kernels can read."""
    events = core.generate_session(7, duration_ns=20 * 3_600_000_000_000, max_events=300_000)
    plain = np.isin(events["action"], (Action.ADD, Action.EDIT, Action.DELETE)) & (
        events["kind"] == Kind.LEVEL
    )
    levels = events[plain]
    levels["flags"] &= ~np.uint16(Flag.MORE)
    return levels


@pytest.mark.skipif(compiler() is None, reason="no C compiler for the floor kernels")
def test_book_against_the_c_floor(benchmark: BenchmarkFixture, core: ModuleType) -> None:
    levels = level_updates(core)
    floor = Floor(levels)
    gate(
        benchmark,
        lambda: core.L2Book().update_many(levels),
        lambda: floor.book_branchy(levels),
        ratio=4.0,
        rounds=7,
    )


@pytest.mark.skipif(compiler() is None, reason="no C compiler for the floor kernels")
def test_stream_against_the_c_floor(benchmark: BenchmarkFixture, core: ModuleType, wdo: Instrument) -> None:
    levels = level_updates(core)
    floor, out = Floor(levels), np.empty((len(levels), 3))

    def ours() -> None:
        engine = core.FeatureEngine(STREAM, wdo.tick_size, wdo.point_value, "event")
        engine.update_many(levels)
        engine.take()

    gate(benchmark, ours, lambda: floor.stream(levels, out), ratio=6.0, rounds=7)


@pytest.mark.skipif(compiler() is None, reason="no C compiler for the floor kernels")
def test_replay_against_the_c_floor(benchmark: BenchmarkFixture, core: ModuleType, wdo: Instrument) -> None:
    levels = level_updates(core)
    floor, step = Floor(levels), 100_000_000

    def ours() -> None:
        venue = core.Venue(tick_size=wdo.tick_size, point_value=wdo.point_value)
        for _ in core.Replay(levels, venue).every(step):
            pass

    gate(benchmark, ours, lambda: floor.replay(levels, step), ratio=20.0, rounds=5)
