"""From the vendor's callback to a feature row, to an order, and to the disk; on the simulator, with the native feed.

``python benches/live.py [--seconds S] [--sustained S]``. One run prints: time from the receive stamp of a callback to the
feature row that it completes (in Rust, and as seen by Python), to the order that Python code decides on and sends through
risk manager, order journal and the vendor's interface, and whether 100,000 market events a second reach the recorder.
Everything is synthetic; times depend on the machine, which is named in the output.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader import _backend
from quantumtrader.app.collect import fresh_books
from quantumtrader.app.vendor_source import VendorSource
from quantumtrader.data.contracts import instrument
from quantumtrader.data.journal import JournalHeader, JournalInstrument, JournalWriter
from quantumtrader.data.recorder import CollectorSettings, RealtimeBookCollector
from quantumtrader.execution import (
    OrderExecutionManagerV4,
    OrderJournal,
    RiskLimits,
    RiskManager,
    RiskState,
)
from quantumtrader.execution.risk import Refused
from quantumtrader.features.sets import resolve
from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions
from quantumtrader.profitdll.simulator import report
from quantumtrader.types import Kind, Order, OrderType

TICKER = "WDOU25"
ACCOUNT = "15003:1001"
MS = 1_000_000
WARM = 50
"""Rows that are not timed, the first ones."""
MARKET = f'[market]\ntickers = ["{TICKER}"]\nspeed = 10.0\nseed = 7\nmax_events = 0\nintensity = 300\n'
KINDS = sum(1 << int(k) for k in (Kind.TRADE, Kind.ORDER, Kind.SESSION, Kind.GAP))


def percentiles(ns: Sequence[int]) -> str:
    """Show a distribution in microseconds."""
    values = np.asarray(ns) / 1e3
    shown = " ".join(f"p{q:g} {np.percentile(values, q):,.1f}" for q in (50, 99, 99.9))
    return f"{shown} max {values.max():,.1f} us  ({len(values):,} samples)"


def open_session(scenario: str, *, routing: bool = False, capacity: int = 1 << 20) -> ConnectionManagerV4:
    """Log in to the simulator."""
    options = SessionOptions(scenario=scenario, login_timeout_s=20, capacity=capacity)
    session = ConnectionManagerV4(options=options, native=True)
    session.initialize("key", "user", "password", routing=routing)
    return session


def rows(seconds: float, names: list[str], clock: str) -> None:
    """Follow the market for some seconds of real time; do nothing else on the thread that follows."""
    session = open_session(MARKET)
    wdo = instrument(TICKER)
    engine: Any = _backend.core().FeatureEngine(names, wdo.tick_size, wdo.point_value, clock, "partial")
    reader = session.reader()
    session.subscribe_ticker(TICKER)
    session.start()  # polled on a thread of its own, as in `quantumtrader run`
    ready: list[int] = []
    seen: list[int] = []
    events, lost = 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        applied, at, stamp, missing = engine.follow(reader, 2 * MS, 0, KINDS)
        events, lost = events + len(applied), lost + missing
        if at:
            engine.take()
            ready.append(at - stamp)
            seen.append(time.time_ns() - stamp)
    session.stop()
    print(f"{len(names)} features at {clock}, {events / seconds:,.0f} events/s, lost {lost:,}; rows alone")
    print(f"  callback to feature row ready      {percentiles(ready[WARM:])}")
    print(f"  callback to row in Python          {percentiles(seen[WARM:])}")
    session.disconnect()


def latency(seconds: float, names: list[str], clock: str, folder: Path, power_safe: bool) -> None:
    """Follow the market for some seconds of real time; send an order at some of the rows."""
    session = open_session(
        MARKET + "[orders]\nper_minute = 100000\nper_day = 1000000\n",
        routing=True,
    )
    wdo = dataclasses.replace(instrument(TICKER), hours=())  # the bench runs at any time of day
    engine: Any = _backend.core().FeatureEngine(names, wdo.tick_size, wdo.point_value, clock, "partial")
    gateway = session.route_orders(ACCOUNT, TICKER, signature="assinatura")
    risk = RiskManager(RiskLimits(orders_per_minute=10**6, price_collar_ticks=500), wdo)
    journal = OrderJournal(folder / f"orders-{len(names)}-{power_safe}.journal", power_safe=power_safe)
    manager = OrderExecutionManagerV4(gateway, journal, wdo, risk)
    reader = session.reader()
    session.subscribe_ticker(TICKER)
    seen: list[int] = []
    sent: list[int] = []
    last, events, warm, lost = 0, 0, 0, 0
    manager.initialize()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        applied, at, stamp, missing = engine.follow(reader, 2 * MS, 0, KINDS)
        lost += missing
        if not len(applied):
            session.poll()
            manager.poll()
            continue
        events += len(applied)
        prints = applied["px"][applied["kind"] == Kind.TRADE]
        last = int(prints[-1]) if len(prints) else last
        if at == 0:
            continue
        _, rows, _ = engine.take()
        warm += len(rows)
        if warm < WARM or not last:
            continue
        seen.append(time.time_ns() - stamp)
        if len(seen) % 4 == 0 and manager.ready:
            # The decision itself is as cheap as can be: what is measured is the way to the market.
            side = 1 if rows[-1, 0] >= 0 else -1
            order = Order(manager.books.free_id(), side, 1, OrderType.LIMIT, last - side * 100, tag="bench")
            now = time.time_ns()
            answer = risk.check(order, RiskState(now, 0, 0, 0, 0.0, 0.0, last - 1, last + 1, last))
            if isinstance(answer, Refused):
                raise SystemExit(answer.message)
            manager.submit(answer)
            sent.append(time.time_ns() - stamp)
            manager.cancel(order.client_id)
        session.poll()
        manager.poll()
    print(f"{len(names)} features at {clock}, {events / seconds:,.0f} events/s, lost {lost:,}; with orders")
    print(f"  callback to row in Python          {percentiles(seen)}")
    word = "survives a power cut" if power_safe else "survives a kill"
    print(f"  callback to order sent ({word}) {percentiles(sent)}")
    journal.close()
    session.disconnect()


def sustained(seconds: float, rate: int, folder: Path) -> None:
    """Play a recording at a fixed rate into the recorder."""
    core: Any = _backend.core()
    one = core.generate_session(seed=3, duration_ns=3_600 * 10**9, intensity=400)
    one = one[np.isin(one["kind"], (Kind.TRADE, Kind.LEVEL))]
    n = round(seconds * rate)
    wdo = instrument(TICKER)
    path = folder / "fast.qtj"
    start = int(one["ts_event"][0])
    header = JournalHeader((JournalInstrument.of(0, wdo),), "bench", True, start)
    with closing(JournalWriter(path, header)) as writer:
        for begin in range(0, n, len(one)):
            part = one[: min(len(one), n - begin)].copy()
            at = begin + np.arange(len(part))
            part["ts_event"] = part["ts_recv"] = start + at * (10**9 // rate)
            part["sequence"] = at + 1
            writer.append(part, start)
    scenario = f'[market]\nsource = "journal"\npath = "{path}"\nticker = "{TICKER}"\nspeed = 1.0\n'
    session = open_session(scenario)
    feed = VendorSource(session, [wdo], "offers")
    collector = RealtimeBookCollector(
        feed,
        [wdo],
        folder / "journal",
        source="simulator",
        synthetic=True,
        books=fresh_books,
        settings=CollectorSettings(),
    )
    began = time.monotonic()
    with collector:
        while time.monotonic() - began < seconds + 2:
            time.sleep(1)
    status = collector.status()
    played = report(session.library)["played"]
    taken = sum(status.events.values())
    print(
        f"{rate:,} market events/s for {seconds:g} s: {played:,} played, {taken:,} records delivered, "
        f"{status.recorded:,} on disk, lost {status.lost}, error {status.error}"
    )
    feed.close()


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--sustained", type=float, default=60)
    parser.add_argument("--rate", type=int, default=100_000)
    asked = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; synthetic market")
    everything = list(resolve("all"))
    some = everything[:30]
    with tempfile.TemporaryDirectory() as folder:
        for names, clock in ((everything, "100ms"), (everything, "event"), (some, "event")):
            rows(asked.seconds, names, clock)
        for names, clock in ((everything, "100ms"), (some, "event")):
            for power_safe in (True, False):
                latency(asked.seconds, names, clock, Path(folder), power_safe)
        if asked.sustained:
            sustained(asked.sustained, asked.rate, Path(folder))


if __name__ == "__main__":
    main()
