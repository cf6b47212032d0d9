"""A broker that lives on, and a client that may die at any write and any call.

The world is a real venue behind a ``PaperBroker``. The client is journal, manager and desk. A ``Fuse`` counts the
points at which a process can die: before, in the middle of and after each journal write, before and after each call
of the gateway. Where it blows, every object of the client is thrown away, as a dead process loses them.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader import _backend
from quantumtrader.exceptions import QuantumTraderError, TradingHaltedError
from quantumtrader.execution import (
    BracketPhase,
    BracketPlan,
    LiveDesk,
    ManagerSettings,
    OrderExecutionManagerV4,
    OrderJournal,
    PaperBroker,
    ReconcileSettings,
    RiskLimits,
    RiskManager,
)
from quantumtrader.execution.order_journal import read_journal
from quantumtrader.execution.recovery import Link, rebuild
from quantumtrader.types import EVENT, Instrument, Kind, OrderType, Phase

MS = 1_000_000
SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
WDO = Instrument("WDOV26", "WDO", 0.5, 10.0, fee=1.1)

SETTINGS = ManagerSettings(
    ReconcileSettings(settle_ns=300 * MS),
    sweep_ns=0,
    reconcile_ns=2 * SECOND,
    retry_ns=100 * MS,
    confirm_ns=300 * MS,
)
LIMITS = RiskLimits(
    max_position=20, max_order_size=10, daily_loss=1e9, orders_per_minute=10_000, price_collar_ticks=500
)


class Crash(BaseException):
    """The process died."""


@dataclass
class Fuse:
    """Counts the points at which a process can die, and dies at some of them."""

    at: frozenset[int] = frozenset()
    count: int = 0
    where: list[str] = field(default_factory=list)

    def point(self, where: str) -> bool:
        """Whether to die here."""
        self.count += 1
        self.where.append(where)
        return self.count in self.at

    def pass_(self, where: str) -> None:
        if self.point(where):
            raise Crash(where)


class FusedJournal(OrderJournal):
    def __init__(self, path: Path, fuse: Fuse) -> None:
        super().__init__(path, power_safe=False)  # processes die here, power does not fail
        self.fuse = fuse

    def _write(self, line: bytes) -> None:
        kind = line.split(b'"kind":"')[1].split(b'"')[0].decode()
        self.fuse.pass_(f"before {kind}")
        if self.fuse.point(f"inside {kind}"):
            super()._write(line[: len(line) // 2])
            raise Crash(f"inside {kind}")
        super()._write(line)
        self.fuse.pass_(f"after {kind}")


class FusedGateway:
    """A gateway that the process may die in, before or after the call had its effect."""

    def __init__(self, inner: Any, fuse: Fuse, trouble: Trouble | None) -> None:
        self.inner, self.fuse, self.trouble = inner, fuse, trouble

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.inner, name)
        if not callable(value):
            return value

        def call(*args: Any) -> Any:
            self.fuse.pass_(f"calling {name}")
            result = value(*args)
            if name == "take_reports" and self.trouble is not None:
                result = self.trouble.bend(result)
            self.fuse.pass_(f"called {name}")
            return result

        return call


@dataclass
class Trouble:
    """Doubles, delays, shuffles and drops reports."""

    rng: random.Random
    late: list[Any] = field(default_factory=list)

    def bend(self, reports: list[Any]) -> list[Any]:
        out, self.late = self.late, []
        for report in reports:
            luck = self.rng.random()
            if luck < 0.25:
                continue
            if luck < 0.5:
                self.late.append(report)
            out += (
                [report] * self.rng.choice([0, 1, 2]) if luck < 0.5 else [report] * self.rng.choice([1, 1, 2])
            )
        self.rng.shuffle(out)
        return out


class Now:
    def __init__(self) -> None:
        self.ns = START

    def now_ns(self) -> int:
        return self.ns


@dataclass
class World:
    """Market, broker, and a client that is started again after it died."""

    path: Path
    fuse: Fuse = field(default_factory=Fuse)
    trouble: Trouble | None = None
    latency_ns: int = 0
    downtime: int = 0
    settings: ManagerSettings = SETTINGS
    strict: bool = True
    """Whether the client sees everything in every turn, so that everything is comparable in every turn."""

    def __post_init__(self) -> None:
        self.clock = Now()
        core: Any = _backend.core()
        venue = core.Venue(
            tick_size=WDO.tick_size, point_value=WDO.point_value, latency_ns=self.latency_ns, adverse_ticks=0
        )
        self.broker = PaperBroker(venue, WDO, self.clock)
        self.desk: LiveDesk | None = None
        self.quote = (0, 0)
        self.deaths = 0
        self.down = 0
        self.sequence = 0
        self.checked = 0
        self.compared = (-1, 0)

    # -- the market --------------------------------------------------------------------------------------------

    def events(self, rows: Iterable[dict[str, int]]) -> None:
        rows = list(rows)
        out = np.zeros(len(rows), EVENT)
        for k, row in enumerate(rows):
            self.sequence += 1
            for name, value in {
                "ts_event": self.clock.ns, "ts_recv": self.clock.ns, "sequence": self.sequence, **row,
            }.items():  # fmt: skip
                out[k][name] = value
        self.broker.update_many(out)

    def tick(self, bid: int, ask: int, bid_sz: int = 5, ask_sz: int = 5, dt: int = 50 * MS) -> None:
        """Time goes on and the quote changes."""
        self.clock.ns += dt
        if self.sequence == 0:
            self.events([{"kind": Kind.SESSION, "action": Phase.OPEN}])
        self.events([{"kind": Kind.QUOTE, "px": bid, "size": bid_sz, "px_ask": ask, "size_ask": ask_sz}])
        self.broker.advance(self.clock.ns)
        self.quote = (bid, ask)

    # -- the client --------------------------------------------------------------------------------------------

    def boot(self) -> None:
        gateway = FusedGateway(self.broker.connect(), self.fuse, self.trouble)
        journal = FusedJournal(self.path, self.fuse)
        self.journal = journal
        risk = RiskManager(LIMITS, WDO)
        manager = OrderExecutionManagerV4(gateway, journal, WDO, risk, self.settings, self.clock)
        desk = LiveDesk(manager)
        desk.start()
        self.desk = desk

    def act(self, action: Callable[[LiveDesk], None] | None = None) -> None:
        """One turn of the client: prices, the script's action, a step. It may die, and comes back."""
        if self.down > 0:
            self.down -= 1
            return
        try:
            if self.desk is None:
                self.boot()
            desk = self.desk
            assert desk is not None
            bid, ask = self.quote
            desk.on_market(self.clock.ns, bid, ask, bid)
            if action is not None:
                with suppress(
                    TradingHaltedError
                ):  # not ready after a restart: the wish is lost, as it would be
                    action(desk)
            desk.step()
        except Crash:
            self.deaths += 1
            self.down = self.downtime
            self.desk = None
            self.journal.close()
            return
        self.check()

    # -- what must hold ----------------------------------------------------------------------------------------

    def check(self) -> None:
        desk = self.desk
        assert desk is not None
        books, broker = desk.books, self.broker
        if (len(self.journal), self.deaths) != self.compared:
            self.compared = (len(self.journal), self.deaths)
            records, _ = read_journal(self.path)
            assert rebuild(records, WDO).fingerprint() == books.fingerprint(), (
                "the journal tells another story"
            )
        assert not desk.halted, desk.halted
        if not desk.manager.ready or books.todo or not self.strict:
            return
        self.checked += 1
        orders = {}
        for held in broker.held:
            found = [c for c, link in books.links.items() if self.same(held, link)]
            assert len(found) == 1, f"order {held} belongs to {found}"
            orders[found[0]] = held
        assert len(orders) == len(broker.held), "one of ours stands for two of the broker's"
        assert books.ledger.position == broker.position, "a fill was lost or doubled"
        sizes: Counter[int] = Counter()
        money: Counter[int] = Counter()
        for fill in books.ledger.fills:
            sizes[fill.client_id] += fill.size
            money[fill.client_id] += fill.px * fill.size
        assert len({f.fill_id for f in books.ledger.fills}) == len(books.ledger.fills)
        for client_id, held in orders.items():
            assert sizes[client_id] == sum(size for _, _, size in held.log)
            assert money[client_id] == sum(px * size for _, px, size in held.log)
            assert books.table[client_id].status.final == held.ended, f"{held} is {books.table[client_id]}"
        alive = [(c, h) for c, h in orders.items() if not h.ended]
        if not books.live:
            assert not [c for c, _ in alive if books.bracket_of(c)], "an order outlives its trade"
        for bracket in books.live.values():
            if bracket.phase is not BracketPhase.OPEN:
                continue
            for type_ in (OrderType.STOP, OrderType.LIMIT):
                guard = sum(
                    h.size - h.traded
                    for c, h in alive
                    if books.bracket_of(c) and h.ticket.side == -bracket.plan.side and h.ticket.type is type_
                )
                assert guard == bracket.net, f"{guard} contracts in {type_} orders guard {bracket.net}"

    def same(self, held: Any, link: Link) -> bool:
        """Whether a link of ours is an order of the broker's."""
        assert self.desk is not None
        if held.cl_ord_id:
            return bool(link.ref.cl_ord_id == held.cl_ord_id)
        now = (self.desk.books.session, self.desk.manager.gateway.session)  # type: ignore[attr-defined]
        return (link.session, held.session, link.ref.local_id) == (*now, held.local_id)

    def settle(self, turns: int = 25) -> None:
        """Let the market stand still until the client knows everything and has done everything."""
        bid, ask = self.quote
        turns += 0 if self.strict else 15
        while turns > 0 or self.desk is None:
            turns -= 1
            self.tick(bid, ask, 50, 50, dt=100 * MS)
            self.act()
        desk = self.desk
        assert desk is not None
        assert desk.manager.ready, (desk.halted, desk.manager.last_report)
        assert not desk.books.todo

    def finish(self) -> None:
        """Flatten, settle, and look at what is left: nothing."""
        self.fuse.at = frozenset()
        self.settle()
        self.act(lambda desk: desk.flatten("end"))
        self.settle()
        desk = self.desk
        assert desk is not None
        before = self.checked
        self.strict = True
        self.act()
        assert self.checked == before + 1, "nothing was checked at the end"
        assert desk.idle
        assert self.broker.position == 0
        assert all(held.ended for held in self.broker.held)
        # Every plan has one entry at most; with one for each trade nothing was sent twice.
        entries = Counter(
            desk.books.bracket_of(c) for c in desk.books.links if not desk.books.table[c].order.reduce_only
        )
        assert all(count == 1 for number, count in entries.items() if number)
        cash = -sum(px * size * h.ticket.side for h in self.broker.held for _, px, size in h.log)
        assert round(desk.books.ledger.realised_gross / WDO.tick_value) == cash
        self.journal.close()


PLAN = BracketPlan(1, 3, stop_ticks=8, target_ticks=8, time_stop_ns=60 * SECOND, tag="test")


# -- a client in a process of its own --------------------------------------------------------------------------------


@dataclass
class Dying(Fuse):
    """Ends the process on the spot, as a kill does: nothing is flushed, closed or caught."""

    def point(self, where: str) -> bool:
        blown = super().point(where)
        if blown and not where.startswith("inside"):
            os._exit(9)
        return blown


class RemoteGateway:
    """The client's end of a gateway that lives in the parent process."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe

    def __getattr__(self, name: str) -> Any:
        if name in ("order_gateway", "attach_orders"):  # it is no connection manager
            raise AttributeError(name)
        if name in ("account", "symbol", "connected", "session"):
            return self._ask(name)
        return lambda *args: self._ask(name, *args)

    def _ask(self, name: str, *args: Any) -> Any:
        self.pipe.send((name, args))
        result = self.pipe.recv()
        if isinstance(result, Exception):
            raise result
        return result


def client(pipe: Connection, path: Path, die_at: int) -> None:
    """Run a desk until the parent has no more ticks; ends with the number of points at which it could have died."""
    clock = Now()
    fuse = Dying(frozenset({die_at}))
    try:
        gateway = RemoteGateway(pipe)
        clock.ns, _ = gateway.tick()
        journal = FusedJournal(path, fuse)
        risk = RiskManager(LIMITS, WDO)
        manager = OrderExecutionManagerV4(
            FusedGateway(gateway, fuse, None), journal, WDO, risk, SETTINGS, clock
        )
        desk = LiveDesk(manager)
        desk.start()
        while (now := gateway.tick()) is not None:
            clock.ns, (bid, ask) = now
            desk.on_market(clock.ns, bid, ask, bid)
            if manager.ready and not desk.busy and not desk.books.next_bracket > 1:
                desk.enter(PLAN)
            desk.step()
        pipe.send(("bye", (fuse.count,)))
    except Crash:
        os._exit(9)


def _context() -> multiprocessing.context.BaseContext:
    """Clients that begin with a fresh interpreter; where the system can, one that has imported everything already."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["crash_world"])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))  # its own way to find what it preloads
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
    return context


def serve(world: World, market: Iterable[tuple[int, int, int, int]], die_at: int) -> tuple[int, int]:
    """Be the world for a client process, and start it again when it dies; returns deaths and points."""
    context = _context()
    ticks = iter(market)
    deaths = 0
    while True:
        ours, theirs = context.Pipe()
        process = context.Process(target=client, args=(theirs, world.path, die_at))
        process.start()
        theirs.close()
        gateway = world.broker.connect()
        try:
            while True:
                name, args = ours.recv()
                if name == "bye":
                    process.join()
                    return deaths, args[0]
                if name == "tick":
                    step = next(ticks, None)
                    if step is not None:
                        world.tick(*step)
                    ours.send(None if step is None else (world.clock.ns, world.quote))
                    continue
                try:
                    value = getattr(gateway, name)
                    ours.send(value(*args) if callable(value) else value)
                except QuantumTraderError as error:
                    ours.send(error)
        except EOFError:
            process.join()
            assert process.exitcode == 9, f"the client ended with {process.exitcode}"
            deaths, die_at = deaths + 1, 0
        finally:
            ours.close()
