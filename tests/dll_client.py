"""A trading client in a process of its own, on the simulator, that dies where it is told to.

``python dll_client.py FOLDER DIE_AT``: plays scripted trades (entry, partial fills, stop or target, flatten) through
session, feed, order gateway, manager and desk; writes a line of JSON when it is done. What survives a death is what
would: the order journal, and the broker's own file.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from quantumtrader import _backend
from quantumtrader.exceptions import TradingHaltedError
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
from quantumtrader.profitdll.simulator import step
from quantumtrader.types import Instrument, Kind

WDO = Instrument("WDOU25", "WDO", 0.5, 10.0, fee=1.1)
MS = 1_000_000
SCENARIO = """
[market]
speed = "lockstep"
ticker = "WDOU25"
seed = 11
max_events = 40000

[orders]
state_file = "{folder}/broker.state"
mark_events = 50
max_fill = 1
"""
SETTINGS = ManagerSettings(
    ReconcileSettings(settle_ns=300 * MS),
    sweep_ns=0,
    reconcile_ns=2_000 * MS,
    retry_ns=100 * MS,
    confirm_ns=300 * MS,
)
LIMITS = RiskLimits(
    max_position=9, max_order_size=9, daily_loss=1e9, orders_per_minute=10_000, price_collar_ticks=900
)
PLAN = BracketPlan(1, 3, stop_ticks=6, target_ticks=6, time_stop_ns=400 * 1_000 * MS, tag="test")
TRADES = 2
WARM = 1_500
PACE = 40


class Fuse:
    def __init__(self, die_at: int) -> None:
        self.die_at, self.count = die_at, 0

    def point(self) -> None:
        self.count += 1
        if self.count == self.die_at:
            os._exit(9)


class FusedJournal(OrderJournal):
    """Dies before, in the middle of, and after its writes."""

    fuse: Fuse

    def _write(self, line: bytes) -> None:
        self.fuse.point()
        if self.fuse.count + 1 == self.fuse.die_at:
            super()._write(line[: len(line) // 2])
        self.fuse.point()
        super()._write(line)
        self.fuse.point()


class FusedGateway:
    """Dies before and after the calls that change something at the vendor."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name not in ("send", "change", "cancel", "cancel_all", "zero_position"):
            return value

        def call(*args: Any) -> Any:
            self._fuse.point()
            result = value(*args)
            self._fuse.point()
            return result

        return call


class MarketClock:
    """Market time, which goes on a little with every turn even where the market stands."""

    def __init__(self) -> None:
        self.ns = 0

    def now_ns(self) -> int:
        return self.ns


def main(folder: Path, die_at: int) -> None:
    """Trade until the script is over."""
    fuse = Fuse(die_at)
    session = ConnectionManagerV4(
        options=SessionOptions(scenario=SCENARIO.format(folder=folder), login_timeout_s=10)
    )
    session.initialize("key", "ana", "password", routing=True)
    session.subscribe_ticker("WDOU25")
    reader, book = session.reader(), _backend.core().OrderBook()
    clock = MarketClock()
    clock.ns = session.server_time_ns()
    last = 0
    over = False

    def market(events: int) -> None:
        nonlocal last, over
        over = step(session.library, events) == 0
        session.poll()
        clock.ns += MS
        while len(part := reader.read(1 << 14)[0]):
            book.update_many(part)
            prints = part["px"][part["kind"] == Kind.TRADE]
            last = int(prints[-1]) if len(prints) else last
            clock.ns = max(clock.ns, int(part["ts_event"].max()))

    market(WARM)
    FusedJournal.fuse = fuse
    gateway = FusedGateway(session.route_orders("15003:1001", "WDOU25", signature="assinatura"), fuse)
    journal = FusedJournal(folder / "orders.journal")
    manager = OrderExecutionManagerV4(gateway, journal, WDO, RiskManager(LIMITS, WDO), SETTINGS, clock)
    desk = LiveDesk(manager)
    desk.start()

    def turn(events: int) -> None:
        market(events)
        bid, _, ask, _ = book.best()
        desk.on_market(clock.ns, bid, ask, last)
        if desk.halted:
            raise SystemExit(f"halted: {desk.halted}")
        if manager.ready and not desk.busy and not desk.books.todo and desk.books.next_bracket <= TRADES:
            # After a restart the wish may come before the vendor has been asked: it is lost, as it would be.
            with contextlib.suppress(TradingHaltedError):
                desk.enter(PLAN)
        desk.step()

    while not over and not (desk.books.next_bracket > TRADES and desk.idle):
        turn(PACE)
    desk.flatten("end")
    for _ in range(400):
        clock.ns += 20 * MS
        turn(0 if over else PACE)
        if manager.ready and desk.idle:
            break
    books = desk.books
    vendor = gateway.orders()
    sys.stdout.write(
        json.dumps(
            {
                "points": fuse.count,
                "ready": manager.ready,
                "idle": desk.idle,
                "trades": books.next_bracket - 1,
                "ledger": books.ledger.position,
                "vendor": gateway.position().size,
                "gross_ticks": round(books.ledger.realised_gross / WDO.tick_value),
                "vendor_ticks": round(-sum(o.side * o.traded * o.average_px for o in vendor if o.traded)),
                "open": [o.ref.cl_ord_id for o in vendor if not o.stage.final],
                "orders": len(vendor),
                "ours": len(books.links),
                "traded": sum(o.traded for o in vendor),
                "filled": sum(f.size for f in books.ledger.fills),
                "entries": sum(1 for c in books.links if not books.table[c].order.reduce_only),
            }
        )
    )
    journal.close()
    session.disconnect()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
