"""From the library's callback to the ring: the native feed against ctypes with a deque, driven by one loop in C."""

from __future__ import annotations

import ctypes
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from floor import compile_shared, compiler
from pytest_benchmark.fixture import BenchmarkFixture

from quantumtrader.profitdll.abi import abi
from quantumtrader.profitdll.ctypes_feed import CtypesFeed
from quantumtrader.profitdll.feed import FeedProtocol

CALLS = 20_000
KINDS = {"trades": "NewTrade", "connector_trades": "ConnectorTrade", "offers": "OfferBookV2"}


@pytest.fixture(scope="session")
def driver() -> ctypes.CDLL:
    """The loops in C."""
    cc = compiler()
    if cc is None:
        pytest.skip("no C compiler: install gcc or clang, or set CC")
    return compile_shared(cc, Path(__file__).with_name("callbacks.c"))


@pytest.fixture
def native(core: ModuleType) -> Iterator[FeedProtocol]:
    """The native feed."""
    if core.ENGINE != "rust":
        pytest.skip("the native feed is part of the Rust engine, which is not in force")
    feed: Any = core.ProfitFeed(2)
    yield feed
    feed.close()


def loop(driver: ctypes.CDLL, kind: str, address: int) -> Callable[[], None]:
    """Return a loop over ``CALLS`` calls of a callback."""
    run = driver[kind]
    run.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    run.restype = None
    return lambda: run(address, CALLS)


def of_feed(driver: ctypes.CDLL, kind: str, feed: FeedProtocol) -> Callable[[], None]:
    """Return the loop over a feed's callback."""
    feed.set_functions({"TranslateTrade": ctypes.cast(driver.translate_trade, ctypes.c_void_p).value or 0})
    feed.set_exchange_time(1)
    feed.add_instrument("WDOV26", "F", 0, 0.5)
    return loop(driver, kind, feed.callbacks()[KINDS[kind]])


def quickest(work: Callable[[], None], rounds: int) -> float:
    """Nanoseconds per call in the quickest of ``rounds`` loops."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter_ns()
        work()
        best = min(best, (time.perf_counter_ns() - start) / CALLS)
    return best


@pytest.mark.parametrize("kind", KINDS)
def test_callback_to_ring(
    benchmark: BenchmarkFixture,
    driver: ctypes.CDLL,
    native: FeedProtocol,
    kind: str,
    note: Callable[[str], None],
) -> None:
    """At most a sixth of what it takes ctypes to put the bare arguments into a deque."""
    ours = of_feed(driver, kind, native)
    benchmark(ours)
    records: deque[Any] = deque(maxlen=1 << 16)
    thunk = abi(2).callbacks[KINDS[kind]](lambda *args: records.append(args))
    bare = loop(driver, kind, ctypes.cast(thunk, ctypes.c_void_p).value or 0)
    twin = CtypesFeed(2)
    whole = of_feed(driver, kind, twin)
    bare()
    whole()
    assert len(records) == CALLS
    assert len(twin.read(1 << 16)) == CALLS
    assert native.counters()["orders" if kind == "offers" else "trades"] >= CALLS
    if benchmark.disabled:
        return
    rounds = 30
    found, other = quickest(ours, rounds * 4), quickest(bare, rounds)
    python, clock = quickest(whole, 5), quickest(loop(driver, "clocks", 0), rounds)
    note(
        f"{kind:18} native {found:6.1f} ns (the clock {clock:.1f}), ctypes and deque {other:7.1f} ns"
        f" ({other / found:.1f} times), feed in Python {python:8.1f} ns"
    )
    benchmark.extra_info.update(native_ns=found, ctypes_ns=other, python_ns=python, clock_ns=clock)
    assert other >= 6 * found, f"ctypes takes {other / found:.1f} times as long, the gate is 6"
