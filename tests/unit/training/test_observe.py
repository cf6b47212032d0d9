"""A model beside the market: which sessions count, what they bring, and what the gate makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from quantumtrader.app.live.observe import observe_sessions
from quantumtrader.app.live.runner import TAPE
from quantumtrader.app.live.spec import SessionSpec
from quantumtrader.app.live.tape import Tape
from quantumtrader.cli import main as cli
from quantumtrader.clock import ReplayClock
from quantumtrader.data.lake import Lake
from quantumtrader.exceptions import ConfigError, DataAccessError, DataError, PromotionError
from quantumtrader.execution import RiskLimits
from quantumtrader.features import FeatureEngine
from quantumtrader.models import model
from quantumtrader.models.manifest import Evidence, ModelManifest
from quantumtrader.models.observation import LOOKS, Observed
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.states import ModelState
from quantumtrader.training.dataset import build_dataset
from quantumtrader.training.labels import Latency, direction, round_trips
from quantumtrader.training.pipelines import Recording
from quantumtrader.training.pipelines.observe import observe_shadow
from quantumtrader.training.pipelines.unseen import judge_unseen
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import fitted
from quantumtrader.training.study import Study
from quantumtrader.types import Events, Flag, Kind, SessionHours
from reference.assessed import planted_data
from reference.planted import S, X, sessions

NOW = 1_800_000_000 * 10**9
TRAINED = 20
LAST = date(2024, 10, 23)
DAILY = replace(X, hours=(SessionHours(date(2020, 1, 1), time(11, 0), time(13, 0)),))
"""With hours, so that somebody knows which dates have a session."""
GOOD = Evidence(
    "dsr", paths=9, paths_beaten=9, net_at_1_5_cost=5.0, dsr=0.99, pbo=0.02, placebos_clean=True, parity_clean=True,
    expected_low=0.0, expected_high=1_000.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def parts() -> list[Events]:
    return sessions(TRAINED + 12, 3, 0.9, jump=6)


def save(root: Path, *, synthetic: bool = False, evidence: Evidence = GOOD) -> ModelRegistry:
    """A ridge of the first twenty sessions, in the shadow."""
    data = planted_data(0.9, TRAINED)
    draft = ModelManifest(
        name="planted", version="1.0.0", kind="logistic", created_ns=NOW, features=data.manifest,
        classes=(-1, 1), evidence=evidence, limits={"valid_until_ns": None},
        label={
            "id": "direction", "horizon_ns": 3 * S, "dead_zone_ticks": 0.5,
            "latency_ns": [2 * 10**6, 5 * 10**6, 40 * 10**6], "latency_seed": 7,
        },
        instrument={"symbol": "X", "product": "X", "tick_size": 0.5, "point_value": 10.0},
        data={
            "from_ns": int(data.spans.t0[0]), "to_ns": int(data.spans.t1.max()), "rows": len(data),
            "sha256": data.sha256, "synthetic": synthetic, "recorded_until": str(LAST),
        },
        code={"config": {"margin": 0.2, "slippage_ticks": 0.5}},
    )  # fmt: skip
    made = ModelRegistry(root, ReplayClock(NOW))
    made.save(draft, fitted(model("logistic"), data), data.X, np.concatenate(sessions(2, 3, 0.9, jump=6)))
    made.promote("planted", "1.0.0", why="statistics", who="ana")
    return made


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return save(tmp_path / "models")


def observe(registry: ModelRegistry, parts: list[Events], instrument: Any = X, **more: Any) -> Observed:
    recording = Recording.of(parts, instrument)
    return observe_shadow(registry, "planted", "1.0.0", recording, **({"who": "ana"} | more))


def unmet(registry: ModelRegistry) -> list[str]:
    return [c.name for c in registry.gate("planted", "1.0.0") if not c.met]


def test_results_are_those_of_trading_by_hand(registry: ModelRegistry, parts: list[Events]) -> None:
    found = observe(registry, parts[: TRAINED + 3])
    latency = Latency((2 * 10**6, 5 * 10**6, 40 * 10**6))
    data = build_dataset(
        parts[: TRAINED + 3],
        FeatureEngine(["book_imbalance_1", "mid_return_1s"], X, clock="1s"),
        lambda path, rows: direction(path, rows.times, 3 * S, 0.5),
        payer=lambda path, times: round_trips(path, times, 3 * S, latency),
    )
    assert data.trips is not None
    p = registry.load("planted", "1.0.0").batch(data.X)
    free, nets = 0, dict.fromkeys((20_020, 20_021, 20_022), 0.0)
    for k, day in enumerate(data.spans.session.tolist()):
        lead = p[k, 1] - p[k, 0]
        if day < 20_020 or abs(lead) <= 0.2 or data.spans.t0[k] < free:
            continue
        ticks = (data.trips.buy_ticks if lead > 0 else data.trips.sell_ticks)[k]
        free = (data.trips.buy_left if lead > 0 else data.trips.sell_left)[k]
        nets[day] += ticks - 0.5
    assert [s.result for s in found.sessions] == pytest.approx(list(nets.values()))
    assert [str(s.session) for s in found.sessions] == ["2024-10-24", "2024-10-25", "2024-10-26"]
    lines = registry.performance("planted").lines("1.0.0")
    assert (lines[0]["session"], lines[0]["state"]) == ("2024-10-24", "shadow")
    assert [x["metrics"]["result"] for x in lines] == [s.result for s in found.sessions]
    assert list(Study.of("X", "direction", synthetic=False).seen(np.arange(20_015, 20_030))) == [
        str(s.session) for s in found.sessions
    ]


def test_without_known_fees_nothing_is_recorded(registry: ModelRegistry, parts: list[Events]) -> None:
    with pytest.raises(ConfigError, match=r"the fees of X are not known.*--fee.*\[fees\.X\]"):
        observe(registry, parts, replace(X, free=False))
    assert not registry.performance("planted").lines("1.0.0")
    assert not (registry.root / "planted" / LOOKS).exists()
    paid = observe(registry, parts[: TRAINED + 1], replace(X, free=False, fee=1.5)).sessions[0]
    # Both sides, at 5 of money a tick, and half a tick of slippage.
    assert paid.gross - paid.result == pytest.approx(paid.trades * (2 * 1.5 / 5 + 0.5))


def test_ten_sessions_lead_into_the_canary(registry: ModelRegistry, parts: list[Events]) -> None:
    observe(registry, parts[: TRAINED + 9])
    with pytest.raises(PromotionError, match="shadow_sessions: 9 of 9 inside"):
        registry.promote("planted", "1.0.0", why="hope", who="ana")
    found = observe(registry, parts[: TRAINED + 10])
    assert [str(s.session) for s in found.sessions] == ["2024-11-02"]
    assert list(found.left_out.values()).count("recorded already") == 9
    registry.promote("planted", "1.0.0", why="ten sessions", who="ana")
    assert registry.states("planted").of("1.0.0") is ModelState.CANARY
    with pytest.raises(PromotionError, match="is canary: a canary is observed by the folders"):
        observe(registry, parts)


def test_losing_sessions_keep_it_down(tmp_path: Path) -> None:
    registry = save(tmp_path / "models", evidence=replace(GOOD, expected_low=-5.0, expected_high=5.0))
    # The imbalance says nothing here: every trade pays the spread and the slippage.
    found = observe(registry, [*sessions(TRAINED, 3, 0.9, jump=6), *sessions(32, 3, 0.0, jump=6)[TRAINED:]])
    assert sum(s.result for s in found.sessions) < -100
    assert unmet(registry) == ["shadow_sessions"]


def test_synthetic_sessions_carry_no_model_of_recorded_data(
    registry: ModelRegistry, parts: list[Events], tmp_path: Path
) -> None:
    made = [part.copy() for part in parts]
    for part in made:
        part["flags"] |= int(Flag.SYNTHETIC)
    with pytest.raises(DataError, match="synthetic sessions say nothing of planted"):
        observe(registry, made)
    other = save(tmp_path / "other", synthetic=True)
    assert observe(other, made).synthetic
    assert unmet(other) == ["market_data"]


def test_what_was_known_or_judged_does_not_count(registry: ModelRegistry, parts: list[Events]) -> None:
    with pytest.raises(DataError, match="no session is left to observe: 20 known when it was trained"):
        observe(registry, parts[:TRAINED])
    loaded = registry.load("planted", "1.0.0")
    judge_unseen(registry, loaded, Recording.of(parts[: TRAINED + 2], X), Policy(0.2, 0.5), who="bia")
    with pytest.raises(DataError, match="2 it was judged on it"):
        observe(registry, parts[: TRAINED + 2])
    found = observe(registry, parts[: TRAINED + 3])
    assert [str(s.session) for s in found.sessions] == ["2024-10-26"]


def test_no_session_is_left_out_without_a_word(registry: ModelRegistry, parts: list[Events]) -> None:
    gone = [*parts[: TRAINED + 1], *parts[TRAINED + 2 : TRAINED + 6]]  # without Friday 25 October
    with pytest.raises(DataError, match="1 sessions before 2024-10-29 are missing: 2024-10-25"):
        observe(registry, gone, DAILY)
    assert not (registry.root / "planted" / LOOKS).exists()
    with pytest.raises(ConfigError, match="need a reason"):
        observe(registry, gone, DAILY, absent=[date(2024, 10, 25)])
    found = observe(registry, gone, DAILY, absent=[date(2024, 10, 25)], why="no power")
    assert len(found.sessions) == 5
    line = json.loads((registry.root / "planted" / LOOKS).read_text().splitlines()[0])
    assert (line["absent"], line["why"], line["how"]) == (["2024-10-25"], "no power", "observed")
    with pytest.raises(DataError, match="5 recorded already"):
        observe(registry, gone, DAILY)


def test_sessions_with_lost_events_are_left_out_on_record(
    registry: ModelRegistry, parts: list[Events]
) -> None:
    broken = parts[TRAINED + 1].copy()
    broken["kind"][50] = Kind.GAP
    found = observe(registry, [*parts[: TRAINED + 1], broken, *parts[TRAINED + 2 : TRAINED + 4]])
    assert [s.session.day for s in found.sessions] == [24, 26, 27]
    assert found.left_out[date(2024, 10, 25)] == "events were lost"
    line = json.loads((registry.root / "planted" / LOOKS).read_text().splitlines()[0])
    assert (line["first"], line["last"], line["sessions"]) == ("2024-10-24", "2024-10-27", 3)
    assert line["events_lost"] == ["2024-10-25"]


def test_a_session_that_is_not_over_waits(parts: list[Events], tmp_path: Path) -> None:
    registry = save(tmp_path / "models")
    noon = 20_021 * 86_400 * S + 12 * 3_600 * S + 60 * S
    early = ModelRegistry(registry.root, ReplayClock(noon))
    with pytest.raises(DataError, match="the session of 2024-10-25 is not over"):
        observe(early, parts[: TRAINED + 2], DAILY)


def canary_folder(at: Path, version: str, day: str, nets: list[float], **more: Any) -> Path:
    """What ``quantumtrader run`` leaves of a session, as far as it is read."""
    at.mkdir(parents=True)
    given = {"position": 0, "synthetic": False, "started_ns": NOW} | more
    spec = SessionSpec(
        "paper", "sim", X, RiskLimits(), "model", {"folder": f"models/planted/{version}"},
        synthetic=given["synthetic"],
    )  # fmt: skip
    Tape(at / TAPE, {"session": spec.to_header(), "started_ns": given["started_ns"]}).close()
    (at / "session.json").write_text(json.dumps({"day": day, "position": given["position"]}))
    table = {"size": [2] * len(nets), "gross": [n + 4 for n in nets], "net": nets}
    pq.write_table(pa.table(table), at / "trades.parquet")
    return at


@pytest.fixture
def canary(registry: ModelRegistry, parts: list[Events]) -> ModelRegistry:
    observe(registry, parts[: TRAINED + 10])
    registry.promote("planted", "1.0.0", why="ten sessions", who="ana")
    return registry


def test_a_canary_is_judged_by_its_fills(canary: ModelRegistry, tmp_path: Path) -> None:
    days = [f"2027-02-{k:02}" for k in range(1, 11)]
    folders = [canary_folder(tmp_path / d, "1.0.0", d, [30.0, -10.0]) for d in days]
    found = observe_sessions(canary, "planted", "1.0.0", folders[:9], who="ana")
    # Two trades of two contracts, (30 − 10) of money over 2 contracts at 5 a tick.
    assert {s.result for s in found.sessions} == {2.0}
    assert found.sessions[0].gross == pytest.approx(2.8)
    assert unmet(canary) == ["canary_sessions"]
    with pytest.raises(DataError, match="9 recorded already"):
        observe_sessions(canary, "planted", "1.0.0", folders[:9], who="ana")
    # After a restart one date has two folders.
    again = canary_folder(tmp_path / "again", "1.0.0", days[9], [50.0])
    found = observe_sessions(canary, "planted", "1.0.0", [folders[9], again, again], who="ana")
    assert [(s.result, s.trades) for s in found.sessions] == [(7.0, 3)]
    canary.promote("planted", "1.0.0", why="ten sessions", who="ana")
    assert canary.states("planted").live == "1.0.0"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"version": "1.1.0"}, r"is a session of model models/planted/1\.1\.0, not of planted 1\.0\.0"),
        ({"position": 1}, "ended with 1 contracts"),
        ({"synthetic": True}, "synthetic sessions say nothing"),
        ({"started_ns": NOW - 1}, r"began before planted 1\.0\.0 was canary"),
    ],
)
def test_sessions_that_are_none_of_a_canary(
    canary: ModelRegistry, tmp_path: Path, what: dict[str, Any], words: str
) -> None:
    folder = canary_folder(
        tmp_path / "run", **({"version": "1.0.0", "day": "2027-02-01", "nets": [1.0]} | what)
    )
    with pytest.raises(DataError, match=words):
        observe_sessions(canary, "planted", "1.0.0", [folder], who="ana")
    with pytest.raises(DataAccessError, match=r"session\.json is missing"):
        observe_sessions(canary, "planted", "1.0.0", [tmp_path], who="ana")
    with pytest.raises(ConfigError, match=r"no session of planted 1\.0\.0 is given"):
        observe_sessions(canary, "planted", "1.0.0", [], who="ana")


def test_the_command(registry: ModelRegistry, parts: list[Events], tmp_path: Path) -> None:
    with Lake(tmp_path / "lake").writer(X, source="test") as writer:
        writer.add(np.concatenate(parts[18:30]))

    def run(*more: str) -> Any:
        given = ["models", "observe", "planted", "--models", str(registry.root), "--who", "ana", *more]
        return CliRunner().invoke(cli.app, given)

    source = (
        "-i", str(tmp_path / "lake"), "--tick-size", "0.5", "--point-value", "10", "--currency", "BRL",
        "--timezone", "UTC", "--hours", "00:00-23:59",
    )  # fmt: skip
    unknown = run(*source)
    assert unknown.exit_code == 1
    assert "the fees of X are not known" in unknown.stderr
    source += ("--fee", "0")
    result = run(*source, "--end", "2024-10-24", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["state"], document["synthetic"]) == ("shadow", False)
    assert [s["session"] for s in document["sessions"]] == ["2024-10-24"]
    assert [c["met"] for c in document["gate"] if c["name"] == "shadow_sessions"] == [False]
    shown = run(*source)
    assert shown.exit_code == 0, shown.output
    assert "shadow_sessions: 10 of 10 inside 0 to 1000" in shown.stdout
    assert run(*source).exit_code == 3
    assert run().exit_code == 2
    assert run("--session", str(tmp_path), "-s", "X").exit_code == 2
    assert run("--session", str(tmp_path)).exit_code == 1
    registry.retire("planted", "1.0.0", why="over", who="ana")
    none = run(*source)
    assert none.exit_code == 3
    assert "0 versions of planted are in the shadow" in none.stderr
