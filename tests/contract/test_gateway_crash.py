"""Either side is killed at any moment: it is noticed, trading stops, and everything goes on without a double or a loss."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.gateway_process import PACKAGE, Gateway, Standstill, gateway, until
from quantumtrader import _backend
from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import GatewayError, OrderRefusedError, SessionError, TradingHaltedError
from quantumtrader.execution import (
    BracketPlan,
    FindingKind,
    LiveDesk,
    ManagerSettings,
    OrderExecutionManagerV4,
    OrderJournal,
    ReconcileSettings,
    RiskLimits,
    RiskManager,
)
from quantumtrader.gateway import OrderTicket, ReportKind
from quantumtrader.profitdll.connection import ConnectionPhase
from quantumtrader.profitdll.gateway import (
    GatewayClient,
    GatewayOptions,
    RemoteOrderGateway,
    RestartLimits,
    supervise,
)
from quantumtrader.profitdll.session import SessionOptions
from quantumtrader.profitdll.simulator import library_path
from quantumtrader.types import PX_NONE, Instrument, Kind, OrderType, Side

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are killed with POSIX signals"),
]
if _backend.engine().name != "rust":
    pytest.skip("the gateway's ring is part of the Rust engine", allow_module_level=True)
try:
    library_path()
except SessionError as error:
    pytest.skip(str(error), allow_module_level=True)

FAR = 10_600


def kill(client: GatewayClient, number: int = signal.SIGKILL) -> float:
    """Kill the gateway's process; return the seconds of a running machine until the client had noticed."""
    with Standstill() as still:
        begun = time.perf_counter()
        os.kill(client.gateway_pid, number)
        until(lambda: client.connection.phase is ConnectionPhase.LOST)
        return time.perf_counter() - begun - still.seconds


def kinds(orders: RemoteOrderGateway) -> list[ReportKind]:
    return [report.kind for report in orders.take_reports() if report.kind is not ReportKind.ORDER]


def test_a_killed_gateway_is_noticed_and_comes_back(tmp_path: Path) -> None:
    with gateway(tmp_path, "--orders") as running:
        client = running.client()
        client.subscribe_ticker("WDOX26", books="offers")
        orders = RemoteOrderGateway(client, "WDOX26", 0.5)
        book, reader = _backend.core().OrderBook(), client.reader()
        states: list[Any] = []
        client.on("state", states.append)

        def valid() -> bool:
            book.update_many(reader.read()[0])
            return bool(book.valid)

        until(valid)
        local_id = orders.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, FAR))
        assert local_id
        until(lambda: [o for o in orders.orders() if o.status == 0])
        kinds(orders)
        first = client.gateway_pid

        assert kill(client) < 1.0
        assert not orders.connected
        assert client.connection.phase is ConnectionPhase.LOST
        assert kinds(orders) == [ReportKind.DISCONNECTED]
        with pytest.raises(OrderRefusedError, match="nothing was sent"):
            orders.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, FAR))
        with pytest.raises(GatewayError, match="is gone"):
            orders.orders()
        before: list[np.ndarray] = []
        while len(part := reader.read()[0]):
            before.append(part)
            book.update_many(part)
        assert before[-1]["kind"][-1] == Kind.GAP
        assert not book.valid  # nobody keeps it up to date

        until(lambda: client.connected)
        assert client.gateway_pid != first
        assert not orders.connected  # not before its owner knows that numbers of orders are new
        with pytest.raises(OrderRefusedError, match="started anew; nothing was sent"):
            orders.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, FAR))
        until(lambda: client.connection.routing)
        told = kinds(orders)
        assert told[:2] == [ReportKind.RESTARTED, ReportKind.LOST]
        assert ReportKind.CONNECTED in told
        assert orders.connected
        until(valid)  # subscribed again, by itself
        found = [o for o in orders.orders() if not o.stage.final]
        assert [(o.px, o.size, o.traded) for o in found] == [(FAR, 1, 0)]
        client.poll()
        assert [s.after for s in states if s.lost] == [ConnectionPhase.LOST]
        assert any(s.regained for s in states)
        assert any("1 of 10" in text for text in running.said)
        client.disconnect()


def test_a_gateway_that_hangs_is_noticed_too(tmp_path: Path) -> None:
    with gateway(tmp_path, "--orders") as running:
        client = running.client()
        orders = RemoteOrderGateway(client, "WDOX26", 0.5)
        life, pid = client.link.life, client.gateway_pid
        answer: list[BaseException | int] = []

        def send() -> None:
            try:
                answer.append(orders.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, FAR)))
            except BaseException as error:
                answer.append(error)

        os.kill(pid, signal.SIGSTOP)
        try:
            with Standstill() as still:
                begun = time.perf_counter()
                thread = threading.Thread(target=send)
                thread.start()  # in the middle of a request, which the kernel holds for the stopped process
                until(lambda: not client.connected)
                noticed = time.perf_counter() - begun - still.seconds
        finally:
            os.kill(pid, signal.SIGCONT)
        assert noticed < 1.0
        until(lambda: client.connected)
        thread.join(20)
        assert client.link.life == life
        # It is asked what became of the request: carried out once, or certainly not at all.
        sent = [o for o in orders.orders() if o.px == FAR]
        if isinstance(answer[0], int):
            assert [o.ref.local_id for o in sent] == answer
        else:
            assert isinstance(answer[0], OrderRefusedError)
            assert "was not carried out" in str(answer[0])
            time.sleep(0.3)
            assert [o for o in orders.orders() if o.px == FAR] == []
        assert ReportKind.RESTARTED not in kinds(orders)
        client.disconnect()


def test_a_killed_client_leaves_orders_and_the_next_one_finds_them(tmp_path: Path) -> None:
    with gateway(tmp_path, "--orders", "--client-grace", "0.1") as running:
        alive = run_victim(running)
        assert alive == {("stop", -1), ("limit", -1), ("limit", 1)}


def test_entries_of_a_lost_client_are_cancelled_if_that_is_wished(tmp_path: Path) -> None:
    with gateway(tmp_path, "--orders", "--on-client-lost", "cancel", "--client-grace", "0.5") as running:
        alive = run_victim(running, lambda: "2 orders in WDOX26 are being cancelled" in running.errors())
        assert alive == {("stop", -1), ("limit", -1)}
        assert "2 that reduce the position stay" in running.errors()


def test_entries_are_cancelled_even_if_both_are_killed(tmp_path: Path) -> None:
    with gateway(tmp_path, "--orders", "--on-client-lost", "cancel", "--client-grace", "0.5") as running:
        alive = run_victim(
            running, lambda: "2 orders in WDOX26 are being cancelled" in running.errors(), both=True
        )
        assert alive == {("stop", -1), ("limit", -1)}


def run_victim(running: Gateway, ready: Any = None, *, both: bool = False) -> set[tuple[str, int]]:
    """Kill a client that has orders; return which are alive when the next one comes."""
    running.client().disconnect()
    victim = subprocess.Popen(
        [sys.executable, "-m", "contract.gateway_order_client", str(running.folder)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    assert victim.stdout.readline() == "ready\n"
    before = running.client()
    pid = before.gateway_pid
    with pytest.raises(OrderRefusedError, match="victim"):
        RemoteOrderGateway(before, "WDOX26", 0.5)
    victim.kill()
    if both:
        kill(before)
    victim.wait()
    victim.stdout.close()
    if ready is None:
        until(lambda: re.search(r"victim \(process \d+\) is gone", running.errors()))
        time.sleep(0.5)  # longer than the grace and a beat: nobody does anything
    else:
        until(ready)
    orders = until(lambda: take_over(before))
    assert (before.gateway_pid == pid) is not both
    assert orders.position().size == 1
    until(lambda: all(o.status not in (6, 10) for o in orders.orders()))
    alive = {(o.type.value, int(o.side)) for o in orders.orders() if not o.stage.final}
    before.disconnect()
    return alive


def take_over(client: GatewayClient) -> RemoteOrderGateway | None:
    try:
        return RemoteOrderGateway(client, "WDOX26", 0.5)
    except (OrderRefusedError, SessionError):  # another client has the right, or this one is not back yet
        return None


# -- the whole desk --------------------------------------------------------------------------------------------


class Trader:
    """A desk on the gateway, driven by its ring; its clock is the market's, as the simulated broker's is."""

    def __init__(self, client: GatewayClient, journal: Path) -> None:
        self.client, self.clock = client, ReplayClock()
        self.reader = client.reader()
        self.book = _backend.core().OrderBook()
        self.orders = RemoteOrderGateway(client, "WDOX26", 0.5)
        self.see()
        ms = 1_000_000
        settings = ManagerSettings(
            ReconcileSettings(settle_ns=20_000 * ms, window_ns=120_000 * ms, skew_ns=20_000 * ms),
            sweep_ns=2_000 * ms,
            reconcile_ns=20_000 * ms,
            retry_ns=2_000 * ms,
            confirm_ns=20_000 * ms,
        )
        limits = RiskLimits(
            max_position=20,
            max_order_size=10,
            daily_loss=1e9,
            orders_per_minute=10_000,
            price_collar_ticks=2_000,
            approval_age_s=60.0,
        )
        instrument = Instrument("WDOX26", "WDO", 0.5, 10.0, fee=1.1)
        self.journal = OrderJournal(journal, power_safe=False)
        self.manager = OrderExecutionManagerV4(
            self.orders, self.journal, instrument, RiskManager(limits, instrument), settings, self.clock
        )
        self.desk = LiveDesk(self.manager)
        self.entered = self.halted_while_gone = 0

    def see(self) -> None:
        events, lost = self.reader.read()
        assert lost == 0
        if len(events) == 0:
            return
        self.book.update_many(events)
        self.clock.advance(int(events["ts_event"].max()))
        trades = events[events["kind"] == Kind.TRADE]
        if len(trades):
            self.last = int(trades["px"][-1])

    last = PX_NONE

    def step(self) -> None:
        self.see()
        if self.last != PX_NONE:
            self.desk.on_market(self.clock.now_ns(), PX_NONE, PX_NONE, self.last, has_touch=False)
        try:
            self.desk.step()
        except TradingHaltedError:
            self.halted_while_gone += 1

    def enter(self, rng: random.Random) -> None:
        with contextlib.suppress(TradingHaltedError):
            self.desk.enter(BracketPlan(rng.choice((-1, 1)), rng.choice((1, 2)), 4, 4))
            self.entered += 1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_desk_lives_through_kills_at_random_moments(tmp_path: Path, seed: int) -> None:
    """The gateway is killed again and again, often while an order is on its way. Nothing is doubled, nothing is lost."""
    rng = random.Random(seed)
    with gateway(
        tmp_path, "--orders", "--restarts", "1000", "--restart-pause", "0.2", speed="60.0"
    ) as running:
        client = running.client(request_timeout_s=5.0)
        client.subscribe_ticker("WDOX26", books="offers")
        trader = Trader(client, tmp_path / "orders.journal")
        until(lambda: (trader.see(), trader.last != PX_NONE)[1])
        trader.desk.start()
        noticed: list[float] = []
        unknown = 0
        for _ in range(6):
            until(lambda: (trader.step(), trader.manager.ready and not trader.desk.busy)[1], 60)
            moment = rng.choice((0.0, 0.0005, 0.001, 0.002, 0.004, 0.02, 0.2, 0.6))
            pid = client.gateway_pid

            def strike(pid: int = pid, moment: float = moment) -> None:
                time.sleep(moment)
                with Standstill() as still:
                    begun = time.perf_counter()
                    os.kill(pid, signal.SIGKILL)
                    while client.connected and client.gateway_pid == pid:
                        time.sleep(0.0005)
                    noticed.append(time.perf_counter() - begun - still.seconds)

            killer = threading.Thread(target=strike)
            killer.start()
            trader.enter(rng)
            while killer.is_alive():
                trader.step()
            killer.join()
            assert not trader.manager.ready
            unknown += len(trader.manager.books.unresolved)
            with pytest.raises(TradingHaltedError):
                trader.desk.enter(
                    BracketPlan(1, 1, 8, 8)
                ) if not trader.desk.busy else trader.manager.start_bracket(BracketPlan(1, 1, 8, 8))
        until(lambda: (trader.step(), trader.manager.ready)[1], 60)
        trader.desk.flatten("end")
        until(lambda: (trader.step(), trader.desk.idle and trader.manager.ready)[1], 60)

        assert max(noticed) < 1.0
        books, manager = trader.manager.books, trader.manager
        assert trader.desk.halted == ""
        report = manager.reconcile()
        assert report is not None
        assert (
            not report.of(FindingKind.FOREIGN)
            + report.of(FindingKind.AMBIGUOUS)
            + report.of(FindingKind.POSITION)
        )
        theirs = trader.orders.orders()
        ours = {link.ref.cl_ord_id: link for link in books.links.values() if link.ref.cl_ord_id}
        # Every order at the broker is one of ours, once, with all of its fills; and every fill of ours is at the broker.
        permanent = Counter(o.ref.cl_ord_id for o in theirs)
        assert max(permanent.values()) == 1
        arrived = {o.ref.cl_ord_id: o.traded for o in theirs}
        assert {number: link.traded for number, link in ours.items()} == arrived
        assert sum(int(o.side) * o.traded for o in theirs) == trader.orders.position().size == 0
        assert trader.entered == 6
        client.disconnect()
        trader.journal.close()


# -- the supervisor --------------------------------------------------------------------------------------------


def test_restarts_have_a_limit(tmp_path: Path) -> None:
    with gateway(tmp_path, "--restarts", "1") as running:
        client = running.client()
        kill(client)
        until(lambda: client.connected)
        kill(client)
        assert running.wait() == 1
        assert "crashed 2 times in 600 s and is not started again" in " ".join(running.said)
        client.disconnect()


def test_a_refused_login_is_not_repeated(tmp_path: Path) -> None:
    with gateway(tmp_path, more='[login]\nresult = "password_blocked"\n') as running:
        assert running.wait() == 1
        assert "blocked" in " ".join(running.said)
        assert "started again" not in " ".join(running.said)


def test_a_process_without_heartbeat_is_killed(tmp_path: Path) -> None:
    options = GatewayOptions(
        tmp_path / "gw", session=SessionOptions(scenario='[market]\nticker = "WDOX26"\n', login_timeout_s=10)
    )
    said: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=supervise, args=(options, stop, RestartLimits(hang_s=1.0)), kwargs={"say": said.append}
    )
    thread.start()
    try:
        until(lambda: said)
        pid = int(said[0].split("process ")[1].split(")")[0])
        os.kill(pid, signal.SIGSTOP)
        until(lambda: len(said) >= 3)
        assert "no heartbeat for 1 s" in said[1]
        assert "is up" in said[2]
    finally:
        stop.set()
        thread.join()
    assert said[-1] == "gateway has ended"
    assert not (tmp_path / "gw" / "endpoint.json").exists()
