"""What crossing from Python into the engine costs, and what a batch costs per event.

``make bench`` times them; in ``make test`` each runs once, so that a bench never rots.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from quantumtrader import FeatureEngine, Instrument
from quantumtrader.types import Events, Kind

ORDER_FLOW = "order_flow"


@pytest.fixture
def levels(events: Events) -> Events:
    """Level updates only."""
    return np.ascontiguousarray(events[events["kind"] == Kind.LEVEL])


def test_book_batch(benchmark: BenchmarkFixture, core: ModuleType, levels: Events) -> None:
    benchmark.extra_info["events"] = len(levels)
    benchmark(lambda: core.L2Book().update_many(levels))


def test_book_best(benchmark: BenchmarkFixture, core: ModuleType, levels: Events) -> None:
    book = core.L2Book()
    book.update_many(levels)
    bid_px, _, ask_px, _ = benchmark(book.best)
    assert bid_px < ask_px


def test_book_depth(benchmark: BenchmarkFixture, core: ModuleType, levels: Events) -> None:
    book = core.L2Book()
    book.update_many(levels)
    bid_px, _, _, _ = benchmark(book.depth, 10)
    assert (np.diff(bid_px) < 0).all()


def test_features_batch(benchmark: BenchmarkFixture, events: Events, wdo: Instrument) -> None:
    benchmark.extra_info["events"] = len(events)
    engine = FeatureEngine(ORDER_FLOW, wdo, clock="100ms")
    assert len(benchmark(engine.run, events)) > 0


def test_features_row_per_event(benchmark: BenchmarkFixture, events: Events, wdo: Instrument) -> None:
    benchmark.extra_info["events"] = len(events)
    engine = FeatureEngine(ORDER_FLOW, wdo, clock="event")
    assert len(benchmark(engine.run, events)) > 0


def test_features_one_call_per_event(benchmark: BenchmarkFixture, events: Events, wdo: Instrument) -> None:
    few = list(events[:5_000])
    benchmark.extra_info["events"] = len(few)
    engine = FeatureEngine(["book_ofi_100e", "book_imbalance_5", "weighted_mid_dev"], wdo, clock="event")

    def run() -> None:
        engine.reset()
        for event in few:
            engine.update(event)

    benchmark(run)


def test_snapshot(benchmark: BenchmarkFixture, events: Events, wdo: Instrument) -> None:
    engine = FeatureEngine(ORDER_FLOW, wdo)
    engine.update_many(events)
    assert benchmark(engine.snapshot).shape == (len(engine.names),)


def test_replay_steps(benchmark: BenchmarkFixture, core: ModuleType, events: Events, wdo: Instrument) -> None:
    benchmark.extra_info["events"] = len(events)
    first, last = int(events["ts_event"][0]), int(events["ts_event"].max())

    def run() -> int:
        venue = core.Venue(tick_size=wdo.tick_size, point_value=wdo.point_value)
        replay = core.Replay(events, venue)
        for now in range(first, last + 100_000_000, 100_000_000):
            replay.advance(now)
        return int(replay.cursor)

    assert benchmark(run) == len(events)
