"""A day of trading on the simulator, with trouble at random times.

Nothing may be lost, leaked or doubled, and memory stays flat.

``QT_DAY_HOURS=9 pytest tests/e2e/test_trading_day.py -s`` plays a whole day; by default half an hour is.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dll_client import orders_of
from quantumtrader import _backend
from quantumtrader.app.collect import fresh_books
from quantumtrader.data.contracts import instrument
from quantumtrader.data.journal import JournalReader
from quantumtrader.data.recorder import CollectorSettings, RealtimeBookCollector
from quantumtrader.data.replayability import check_replayable
from quantumtrader.data.sidecar import read_sidecar
from quantumtrader.exceptions import OrderError, SessionError, TradingHaltedError
from quantumtrader.execution import (
    BracketPlan,
    LiveDesk,
    ManagerSettings,
    OrderExecutionManagerV4,
    OrderJournal,
    ReconcileSettings,
    RiskLimits,
    RiskManager,
)
from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions
from quantumtrader.profitdll.simulator import library_path, report, step
from quantumtrader.types import Events, Kind

try:
    library_path()
except SessionError as error:
    pytest.skip(str(error), allow_module_level=True)

HOURS = float(os.environ.get("QT_DAY_HOURS", "0.5"))
MS = 1_000_000
HOUR, DAY = 3_600_000 * MS, 86_400_000 * MS
PACE = 200
LIMITS = RiskLimits(
    max_position=9, max_order_size=9, daily_loss=1e9, orders_per_minute=10_000, price_collar_ticks=900
)
SETTINGS = ManagerSettings(
    ReconcileSettings(settle_ns=2_000 * MS), sweep_ns=0, reconcile_ns=5_000 * MS, confirm_ns=2_000 * MS
)


_MORE = {"ticker_state": 'state = "auction"\n', "saturation": "state = 6\n", "trade_edit": "size = 3\n"}


def scenario(hours: float, seed: int) -> str:
    """A market, and trouble about every five minutes."""
    rng = random.Random(seed)
    text = (
        f'[market]\nspeed = "lockstep"\nticker = "WDOU25"\nseed = {seed}\nduration_s = {hours * 3600}\nmax_events = 0\n'
        "[orders]\nmax_fill = 2\n[[orders.rules]]\nduplicate = 1\nlate_ms = 300.0\n"
    )
    kinds = (
        "disconnect",
        "broker_down",
        "silent",
        "ticker_state",
        "saturation",
        "frozen",
        "trade_edit",
        "sentinel",
    )
    at = 9 * 3600 + 120.0
    while at < 9 * 3600 + hours * 3600 - 60:
        kind = rng.choice(kinds)
        clock = f"{int(at // 3600):02d}:{int(at // 60 % 60):02d}:{int(at % 60):02d}"
        text += f'[[trouble]]\nat = "{clock}"\nkind = "{kind}"\n'
        if kind not in ("trade_edit", "sentinel"):
            text += f"seconds = {rng.uniform(1, 20):.3f}\n"
        text += {
            "ticker_state": 'state = "auction"\n',
            "saturation": "state = 6\n",
            "trade_edit": "size = 3\n",
        }.get(kind, "")
        at += rng.uniform(60, 500)
    return text


class MarketClock:
    """The market's time, as far as it has been heard."""

    def __init__(self) -> None:
        self.ns = 0

    def now_ns(self) -> int:
        return self.ns


class Tee:
    """Hands the recorder what the client has just read."""

    def __init__(self, session: ConnectionManagerV4) -> None:
        self.session, self.reader = session, session.reader()

    def read(self, max: int) -> Events:
        events, lost = self.reader.read(max)
        assert lost == 0
        return events

    def take_messages(self) -> list[tuple[Any, ...]]:
        return []

    def counters(self) -> dict[str, int]:
        return self.session.feed.counters()


def resident_kib() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.timeout(7200)
@pytest.mark.skipif(_backend.engine().name != "rust", reason="the native feed is part of the Rust engine")
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_day_with_trouble(tmp_path: Path) -> None:
    wdo = instrument("WDOU25")
    session = ConnectionManagerV4(options=SessionOptions(scenario=scenario(HOURS, 4), login_timeout_s=20))
    session.initialize("key", "ana", "password", routing=True)
    session.subscribe_ticker("WDOU25", books="both")
    reader, book, clock = session.reader(), _backend.core().OrderBook(), MarketClock()
    clock.ns = session.server_time_ns()
    collector = RealtimeBookCollector(
        Tee(session), [wdo], tmp_path / "journal", source="simulator", synthetic=True, books=fresh_books,
        clock=clock, settings=CollectorSettings(sync_ns=None),
    )  # fmt: skip
    collector.open()
    gateway = session.route_orders("15003:1001", "WDOU25", signature="assinatura")
    journal = OrderJournal(tmp_path / "orders.journal", power_safe=False)
    manager = OrderExecutionManagerV4(gateway, journal, wdo, RiskManager(LIMITS, wdo), SETTINGS, clock)
    desk = LiveDesk(manager)
    desk.start()
    close_ns = clock.ns // DAY * DAY + 12 * HOUR + round(HOURS * HOUR)  # Brasília opens at 12:00 UTC
    last, delivered, gaps, turns, entered = 0, 0, 0, 0, 0
    memory: list[int] = []
    rng = random.Random(1)

    def turn(events: int) -> bool:
        nonlocal last, delivered, gaps, turns, entered
        goes_on = step(session.library, events) > 0
        turns += 1
        clock.ns += MS
        session.poll()
        while len((part := reader.read(1 << 14))[0]):
            seen = part[0]
            book.update_many(seen)
            delivered += len(seen)
            gaps += int((seen["kind"] == Kind.GAP).sum())
            prints = seen["px"][seen["kind"] == Kind.TRADE]
            last = int(prints[-1]) if len(prints) else last
            clock.ns = max(clock.ns, int(seen["ts_event"].max()))
        while collector.poll():
            pass
        bid, _, ask, _ = book.best()
        desk.on_market(clock.ns, bid, ask, last)
        assert not desk.halted, desk.halted
        late = clock.ns > close_ns - 180_000 * MS
        if late and desk.busy:
            desk.flatten("close")
        if manager.ready and book.valid and not (late or desk.busy) and rng.random() < 0.02:
            with contextlib.suppress(TradingHaltedError, OrderError):
                desk.enter(BracketPlan(rng.choice((1, -1)), 3, 8, 8, 300_000 * MS, tag="day"))
                entered += 1
        desk.step()
        return goes_on

    while turn(PACE):
        if turns % 200 == 0:
            memory.append(resident_kib())
    for _ in range(600):
        clock.ns += 50 * MS
        turn(0)
        if manager.ready and desk.idle:
            break
    collector.close()
    counters, seen_by_simulator = session.feed.counters(), report(session.library)
    vendor = orders_of(gateway, session)
    flat = gateway.position().size
    losses = session.connection.losses
    journal.close()
    session.disconnect()
    leaked = report(session.library)["leaks"]["blobs"]

    assert entered >= HOURS
    assert losses > 0
    assert gaps > 0
    # No event lost: what the feed wrote is what we read, and what is on the disk.
    assert (
        counters["lost"]
        == counters["messages_lost"]
        == counters["untranslated"]
        == counters["malformed"]
        == 0
    )
    recorded = [
        events for path in sorted((tmp_path / "journal").glob("*.qtj")) for events in JournalReader(path)
    ]
    assert sum(map(len, recorded)) == delivered
    sequence = np.concatenate([events["sequence"] for events in recorded])
    assert (np.diff(sequence) == 1).all()
    lines = [line for path in sorted((tmp_path / "journal").glob("*.jsonl")) for line in read_sidecar(path)]
    replayed = check_replayable(recorded, wdo, fresh_books(), lines)
    assert replayed.valid, replayed.findings
    assert replayed.agreed == replayed.checkpoints > 0
    # No leaked blob, every one freed once.
    assert leaked == 0
    assert counters["freed"] == seen_by_simulator["leaks"]["handed"]
    # Other tests of this process may have opened the library before.
    assert not set(seen_by_simulator["sins"]) - {"slow_callback", "reinitialised"}
    # The ledger is the exchange's.
    ledger = desk.books.ledger
    assert desk.idle
    assert ledger.position == flat == 0
    assert sum(o.traded for o in vendor) == sum(f.size for f in ledger.fills)
    money = -sum(o.side * o.traded * o.average_px for o in vendor if o.traded)
    assert ledger.realised_gross == pytest.approx(money * wdo.tick_value)
    assert [o for o in vendor if not o.stage.final] == []
    # Memory: the second half of the day needs no more than the first, but for what the journal's index costs.
    if len(memory) > 20:
        half = len(memory) // 2
        growth = max(memory[half:]) - max(memory[:half])
        assert growth < 16_384, f"{growth} KiB more in the second half: {memory}"
    print(  # noqa: T201  shown with -s
        f"synthetic day: {HOURS} h, {delivered:,} events, {len(vendor)} orders, {losses} losses, {gaps} gaps, "
        f"memory {memory[0]:,} to {memory[-1]:,} KiB, {seen_by_simulator['sins'] or 'no sins'}"
    )
