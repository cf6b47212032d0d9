"""``quantumtrader run`` with the library in a process of its own, which is killed while it trades."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contract.gateway_process import Gateway, Standstill, gateway, until
from e2e.live_desk import SETTINGS, Desk
from quantumtrader import _backend
from quantumtrader.app.live import GatewaySource, Planned, RunRequest, RunResult, plan_run, relive
from quantumtrader.app.live.runner import EVENTS
from quantumtrader.config import load_settings
from quantumtrader.data.journal import JournalReader
from quantumtrader.exceptions import ConfigError, OrderRefusedError, SessionError
from quantumtrader.execution.order_journal import read_journal
from quantumtrader.execution.recovery import rebuild
from quantumtrader.profitdll.gateway import RemoteOrderGateway
from quantumtrader.profitdll.simulator import library_path
from quantumtrader.types import Flag, Kind

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are killed with POSIX signals"),
]
if _backend.engine().name != "rust":
    pytest.skip("the gateway's ring is part of the Rust engine", allow_module_level=True)
try:
    library_path()
except SessionError as error:
    pytest.skip(str(error), allow_module_level=True)

BUSY = SETTINGS.replace("[live]", "[live]\nlate_sample_s = 60.0\nparameters = { every_s = 2.5 }")
PACE = {"speed": "10.0", "orders": "mark_events = 1\n"}
"""A restarted simulator goes on where the one before was killed, as a real market would."""


class Trading:
    """A session in a thread of this process; the library is in the gateway's."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        self.stop = threading.Event()
        self.result: RunResult | None = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.result = self.planned.run.run(self.stop)
        except BaseException as error:
            self.error = error

    def until(self, done: Callable[[], Any]) -> Any:
        def or_dead() -> Any:
            assert self.thread.is_alive(), (self.error, self.result)
            return done()

        return until(or_dead)

    @property
    def records(self) -> list[dict[str, Any]]:
        path = self.planned.run._settings.orders or self.planned.folder / "orders.journal"
        return read_journal(path)[0] if path.exists() else []

    @property
    def gateway_is_there(self) -> bool:
        source = self.planned.run._source
        assert isinstance(source, GatewaySource)
        return source.client.connected

    @property
    def intents(self) -> int:
        return sum(r["kind"] == "intent" for r in self.records)


@contextmanager
def trading(desk: Desk, running: Gateway, **wishes: Any) -> Iterator[Trading]:
    planned = plan_run(
        load_settings(desk.folder / "settings.toml"),
        RunRequest(ticker="WDOX26", gateway=str(running.folder), **wishes),
    )
    one = Trading(planned)
    one.thread.start()
    try:
        yield one
    finally:
        one.stop.set()
        one.thread.join()
    assert one.error is None, one.error


def kill(running: Gateway) -> float:
    """Kill the process with the library; returns when."""
    until(lambda: running.said)
    number = re.findall(r"process (\d+)", " ".join(running.said))[-1]
    os.kill(int(number), signal.SIGKILL)
    return time.perf_counter()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Strategies are named relative to where the session runs."""
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, settings=BUSY)


def test_real_orders_live_through_a_gateway_that_is_killed(desk: Desk) -> None:
    wishes = {"real": True, "account": "15003:1001", "limits": desk.folder / "limits.toml"}
    with gateway(desk.folder, "--orders", **PACE) as running:
        running.client().disconnect()
        with trading(desk, running, **wishes) as session:
            status = lambda: session.planned.run.status  # noqa: E731
            sent = 0
            for _ in range(2):
                session.until(lambda sent=sent: status().ready and session.intents > sent + 2)
                with Standstill() as still:
                    killed = kill(running)
                    session.until(lambda: not session.gateway_is_there)
                    took = time.perf_counter() - killed - still.seconds
                assert took < 1.0  # from here on no order can leave
                session.until(lambda: not status().ready)
                gone, sent = len(session.records), session.intents
                session.until(lambda: status().ready)
                kinds = [r["kind"] for r in session.records[gone:]]
                assert "intent" not in kinds[: kinds.index("session")], "nothing leaves while it is away"
        result = session.result
        assert result is not None
        assert (result.halted, result.why, result.clean) == ("", "stopped", True)
        assert result.status.position == 0
        assert result.spec.synthetic
        assert any("SYNTHETIC" in notice for notice in result.notices)
        assert sum("started anew" in notice for notice in result.notices) == 2

        client = running.client()
        client.subscribe_ticker("WDOX26")
        orders = RemoteOrderGateway(client, "WDOX26", 0.5)
        theirs = {o.ref.cl_ord_id: o.traded for o in orders.orders()}
        assert orders.position().size == 0
        client.disconnect()
    # Every order at the broker is one of ours, once, with all of its fills.
    books = rebuild(session.records, result.spec.instrument)
    ours = [(link.ref.cl_ord_id, link.traded) for link in books.links.values() if link.ref.cl_ord_id]
    assert len({number for number, _ in ours}) == len(ours)
    assert dict(ours) == theirs
    relived = relive(session.planned.folder)
    assert relived.identical, relived.differences
    assert relived.ended == "stopped"
    assert relived.calls > 20


def test_paper_orders_live_through_a_gateway_that_is_killed(desk: Desk) -> None:
    with gateway(desk.folder, **PACE) as running:
        running.client().disconnect()
        with trading(desk, running) as session:
            status = lambda: session.planned.run.status  # noqa: E731
            session.until(lambda: status().trades > 0)
            before = status().events
            kill(running)
            session.until(lambda: any("is back" in n for n in session.planned.run._notices))
            session.until(lambda: status().events > before + 500)
            trades = status().trades
            session.until(lambda: status().trades > trades)
    assert session.result is not None
    assert (session.result.halted, session.result.clean, session.result.status.position) == ("", True, 0)
    events = JournalReader(session.planned.folder / EVENTS).read()
    assert (events["kind"] == Kind.GAP).sum() >= 2  # where it was lost, and where the next one began
    assert (events["instrument"] == 0).all()
    assert (events["flags"] & int(Flag.SYNTHETIC)).all()
    relived = relive(session.planned.folder)
    assert relived.identical, relived.differences
    assert relived.samples == session.result.status.samples


def test_a_gateway_that_stays_away_halts(desk: Desk) -> None:
    (desk.folder / "settings.toml").write_text(BUSY.replace("[live]", "[live]\ndisconnect_halt_s = 0.3"))
    with gateway(desk.folder, "--restarts", "0", **PACE) as running:
        running.client().disconnect()
        with trading(desk, running) as session:
            session.until(lambda: session.planned.run.status.events > 100)
            kill(running)
            session.thread.join(30)
    assert session.result is not None
    assert "market data have been disconnected" in session.result.halted
    assert relive(session.planned.folder).identical


def test_the_command_trades_through_a_gateway_beside_another_ticker(desk: Desk) -> None:
    with gateway(
        desk.folder, "--orders", "--transport", "tcp", more='tickers = ["WINV25", "WDOX26"]\n', **PACE
    ) as running:
        client = running.client("other")
        client.subscribe_ticker("WINV25")  # has the number 0 in the ring
        document = desk.run("--gateway", str(running.folder), "--ticker", "WDOX26", "--duration", "4s")
        client.disconnect()
    assert document["synthetic"] is True
    assert document["events"] > 100
    assert document["clean"] is True
    folder = Path(document["folder"])
    assert (JournalReader(folder / EVENTS).read()["instrument"] == 0).all()
    assert desk.run("--verify", str(folder.resolve()))["identical"] is True


def test_what_cannot_be_is_refused_before_anything_is_made(desk: Desk) -> None:
    settings = load_settings(desk.folder / "settings.toml")
    with pytest.raises(ConfigError, match="to `quantumtrader gateway`, not to the one who trades"):
        plan_run(settings, RunRequest(gateway="gw", dll_path=Path("ProfitDLL64.dll")))
    planned = plan_run(settings, RunRequest(ticker="WDOX26", gateway=str(desk.folder / "nowhere")))
    with pytest.raises(SessionError, match="nowhere"):
        planned.run.run(threading.Event())
    with gateway(desk.folder) as running:
        running.client().disconnect()
        wishes = {"real": True, "account": "15003:1001", "limits": desk.folder / "limits.toml"}
        planned = plan_run(settings, RunRequest(ticker="WDOX26", gateway=str(running.folder), **wishes))
        with pytest.raises(OrderRefusedError, match="start it with --orders"):
            planned.run.run(threading.Event())
