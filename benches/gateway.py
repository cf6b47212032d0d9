"""What the second process costs: callback to reader, and an order's round trip, beside the same in one process.

``python benches/gateway.py [--seconds 20] [--orders 2000]``. Both sides play the same scenario of the simulator, in one
run. Events: from the stamp that the native callback took to the moment in which a reader in a busy loop has them. Orders:
the call of ``send`` with a limit order far from the market, until it returns the order's number; and of ``position``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.exceptions import SessionError
from quantumtrader.gateway import OrderTicket
from quantumtrader.profitdll.gateway import (
    GatewayClient,
    GatewayOptions,
    RemoteOrderGateway,
    supervise,
)
from quantumtrader.profitdll.orders import ProfitOrderGateway
from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions
from quantumtrader.types import OrderType, Side

SCENARIO = """
[market]
speed = 60.0
ticker = "WDOX26"
seed = 5
max_events = 0
[strict]
slow_callback_ms = 1000.0
[orders]
latency_ms = 1.0
per_minute = 1000000
per_day = 1000000
"""
FAR = 10_600


@contextmanager
def in_one_process() -> Iterator[tuple[Any, Any]]:
    """A session here, polled by its own thread."""
    session = ConnectionManagerV4(options=SessionOptions(scenario=SCENARIO))
    session.initialize("key", "user", "password", routing=True)
    session.start()
    try:
        yield session, ProfitOrderGateway(session, "15003:1001", "WDOX26", 0.5, signature="any")
    finally:
        session.disconnect()


@contextmanager
def in_two_processes() -> Iterator[tuple[Any, Any]]:
    """A gateway, and a client here."""
    with tempfile.TemporaryDirectory() as name:
        options = GatewayOptions(Path(name) / "gw", session=SessionOptions(scenario=SCENARIO), orders=True)
        stop = threading.Event()
        thread = threading.Thread(target=supervise, args=(options, stop))
        thread.start()
        try:
            client = connect(options.folder)
            yield client, RemoteOrderGateway(client, "WDOX26", 0.5)
            client.disconnect()
        finally:
            stop.set()
            thread.join()


def connect(folder: Path) -> GatewayClient:
    while True:
        client = GatewayClient(folder, "bench")
        try:
            client.initialize()
            return client
        except SessionError:
            time.sleep(0.05)


def latencies(session: Any, seconds: float) -> tuple[np.ndarray, int]:
    """Age of every event when a reader has it, in us; and how many were lost."""
    session.subscribe_ticker("WDOX26", books="both")
    reader = session.reader()
    while len(reader.read()[0]) < 5 or not is_open(reader):
        time.sleep(0.01)
    ages, gone, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        events, lost = reader.read()
        if len(events):
            ages.append(time.time_ns() - events["ts_recv"])
            gone += lost
    return np.concatenate(ages) / 1e3, gone


def is_open(reader: Any) -> bool:
    return bool((reader.read()[0]["kind"] == 1).any())


def round_trips(call: Any, n: int) -> np.ndarray:
    """Duration of calls, in us."""
    took = np.empty(n)
    for i in range(n):
        start = time.perf_counter_ns()
        call()
        took[i] = time.perf_counter_ns() - start
        time.sleep(0.0005)
    return took / 1e3


def line(name: str, values: np.ndarray, note: str = "") -> None:
    p50, p99, p999 = np.percentile(values, (50, 99, 99.9))
    print(f"{name:44}{p50:10,.1f}{p99:12,.1f}{p999:12,.1f}  {note}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each event measurement")
    parser.add_argument("--orders", type=int, default=2_000, help="orders of each kind")
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    )
    print(f"{'microseconds':44}{'p50':>10}{'p99':>12}{'p99.9':>12}")
    ticket = OrderTicket(Side.BUY, 1, OrderType.LIMIT, FAR)
    for name, place in (("one process", in_one_process), ("two processes", in_two_processes)):
        with place() as (session, orders):
            ages, lost = latencies(session, options.seconds)
            line(f"callback to reader, {name}", ages, f"{len(ages):,} events, {lost} lost")
            line(f"send, {name}", round_trips(lambda o=orders: o.send(ticket), options.orders))
            line(f"position, {name}", round_trips(orders.position, options.orders))


if __name__ == "__main__":
    multiprocessing.freeze_support()
    main()
