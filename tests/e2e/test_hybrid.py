"""The strategy ``hybrid`` by its commands: a demonstration, a paper session on the simulator, and both lived again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from e2e.live_desk import LOCKSTEP, SETTINGS, Desk
from hybrid_world import LOOSE, hybrid_models
from quantumtrader.app.live import relive
from quantumtrader.app.live.runner import EVENTS
from quantumtrader.exceptions import SessionError
from quantumtrader.execution.order_journal import read_journal
from quantumtrader.profitdll.simulator import library_path

pytest.importorskip("lightgbm", reason="the models need the ml extra")
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

# Stop and target come from an average range of 14 bars: a session must be longer than that.
SCENARIO = LOCKSTEP.replace("900", "1500").replace("40000", "0")
HOURS = SETTINGS.replace("09:14", "09:24")


@pytest.fixture(scope="module")
def strategy(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a command."""
    models = hybrid_models(tmp_path_factory.mktemp("hybrid") / "models")
    given = [f"{name}={value}" for name, value in {**models, **LOOSE}.items()]
    return ["--strategy", "hybrid", *(word for pair in given for word in ("-p", pair))]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory, strategy: list[str]) -> Desk:
    """A finished paper session in lockstep."""
    try:
        library_path()
    except SessionError as error:
        pytest.skip(str(error))
    desk = Desk(tmp_path_factory.mktemp("paper"), SCENARIO, HOURS)
    document = desk.run(*strategy)
    assert (document["synthetic"], document["clean"], document["halted"]) == (True, True, "")
    assert (document["position"], document["open_orders"]) == (0, 0)
    return desk


def decided(folder: Path) -> list[tuple[Any, ...]]:
    """When something else than a hold was said, what, and why."""
    rows = pq.read_table(folder / "decisions.parquet")
    said = zip(*(rows[name].to_pylist() for name in ("ts", "action", "reason")), strict=True)
    return [row for row in said if row[1] != "hold"]


def exits(folder: Path) -> list[dict[str, Any]]:
    trades = pq.read_table(folder / "trades.parquet").to_pylist()
    return [trade for trade in trades if trade["exit_reason"] == "book_turned"]


def test_a_demonstration_leaves_when_the_book_turns(tmp_path: Path, strategy: list[str]) -> None:
    desk = Desk(tmp_path)
    desk.command("demo", "--minutes", "25", "-o", "demo", *strategy)
    assert exits(tmp_path / "demo")


def test_a_paper_session_is_lived_again_with_the_same_exits(paper: Desk) -> None:
    folder = paper.sessions[0]
    assert exits(folder)
    relived = relive(folder)
    assert relived.identical, relived.differences
    asked = [r["reason"] for r in read_journal(folder / "orders.journal")[0] if r["kind"] == "flatten"]
    assert asked.count("book_turned") == len(exits(folder))  # asked once each, however often it is said


def test_replay_of_the_recording_decides_the_same_exits(paper: Desk, strategy: list[str]) -> None:
    """The exit itself is a round trip later in the session, which first waits for stop and target to be gone."""
    folder, replayed = paper.sessions[0], paper.folder / "replayed"
    source = ("-i", str(folder / EVENTS), "-s", "WDOU25")
    paper.command("replay", "--config", "settings.toml", *source, "-o", "replayed", "--fee", "1.2", *strategy)
    live = decided(folder)
    assert {row[1] for row in live} >= {"sell", "exit"}
    assert live == decided(replayed)
    for ours, theirs in zip(exits(folder), exits(replayed), strict=True):
        for name in ("side", "size", "entry_ts", "entry_price", "entry_reason"):
            assert ours[name] == theirs[name], name
        assert 0 <= (ours["exit_ts"] - theirs["exit_ts"]).total_seconds() < 1.0
