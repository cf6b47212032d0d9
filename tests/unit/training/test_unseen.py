"""A saved model on sessions after its training."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from quantumtrader.cli import main as cli
from quantumtrader.clock import ReplayClock
from quantumtrader.data.lake import Lake
from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.features import FeatureEngine
from quantumtrader.features.fit.artifact import Artifact, Fits
from quantumtrader.models import model
from quantumtrader.models.manifest import Evidence, ModelManifest
from quantumtrader.models.observation import LOOKS
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.training.dataset import build_dataset
from quantumtrader.training.labels import Latency, direction, round_trips, triple_barrier
from quantumtrader.training.labels.path import PathBuilder
from quantumtrader.training.pipelines import Recording
from quantumtrader.training.pipelines.book_task import decisions_at
from quantumtrader.training.pipelines.unseen import Unseen, judge_unseen, measures_of, unseen_days
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import fitted
from quantumtrader.training.rows import Replayer
from quantumtrader.training.study import Study
from quantumtrader.types import Events, Flag
from reference.assessed import planted_data
from reference.planted import S, X, sessions
from reference.planted_bars import Y, bar_sessions

pytest.importorskip("scipy", reason="intervals need the extra ml")

NOW = 1_800_000_000 * 10**9
POLICY = Policy(0.2, 0.5)
LABEL: dict[str, Any] = {
    "id": "direction",
    "horizon_ns": 3 * S,
    "dead_zone_ticks": 0.5,
    "latency_ns": [2 * 10**6, 5 * 10**6, 40 * 10**6],
    "latency_seed": 7,
}
TRAINED = 20


@pytest.fixture(scope="module")
def parts() -> list[Events]:
    return sessions(44, 3, 0.9, jump=6)


@pytest.fixture
def registry(parts: list[Events], tmp_path: Path) -> ModelRegistry:
    """A ridge of the first twenty sessions."""
    data = planted_data(0.9, TRAINED)
    draft = ModelManifest(
        name="planted", version="1.0.0", kind="logistic", created_ns=NOW, features=data.manifest,
        classes=(-1, 1), label=LABEL, evidence=Evidence("dsr"), limits={"valid_until_ns": None},
        instrument={"symbol": "X", "product": "X", "tick_size": 0.5, "point_value": 10.0},
        data={
            "from_ns": int(data.spans.t0[0]), "to_ns": int(data.spans.t1.max()), "rows": len(data),
            "sha256": data.sha256, "synthetic": True, "sessions": ["2024-10-04", "2024-10-23"],
        },
    )  # fmt: skip
    made = ModelRegistry(tmp_path / "models", ReplayClock(NOW))
    made.save(draft, fitted(model("logistic"), data), data.X, np.concatenate(parts[:2]))
    return made


def judged(registry: ModelRegistry, parts: list[Events], **more: Any) -> Unseen:
    loaded = registry.load("planted", "1.0.0")
    given = {"who": "tester"} | more
    return judge_unseen(registry, loaded, Recording.of(parts, X), POLICY, **given)


def test_a_series_must_reach_the_session_before_the_last(parts: list[Events]) -> None:
    recording = Recording.of(parts[:3], X)
    days = recording.survey().days.tolist()
    assert [recording.session_before(day) for day in days[1:]] == recording.survey().days[:2].astype(
        "datetime64[D]"
    ).tolist()
    assert recording.session_before(days[0]) == date(1970, 1, 1) + timedelta(days=days[0] - 1)  # no hours


def test_a_series_that_ended_with_the_training_is_refused(
    registry: ModelRegistry, parts: list[Events]
) -> None:
    def fits(last: Events) -> Fits:
        end = int(last["ts_event"].max())
        series = {"pin": [[end, 0.25]]}
        return Fits((Artifact("pin", "X", "X", 0.5, 0, end, 1, 1, True, series, {}, "rust 0", "none"),))

    loaded = replace(registry.load("planted", "1.0.0"), fits=fits(parts[TRAINED - 1]))
    recording = Recording.of(parts[: TRAINED + 3], X)
    with pytest.raises(
        ConfigError, match=r"ends on 2024-10-23, before 2024-10-25: .*fit pin --every session"
    ):
        judge_unseen(registry, loaded, recording, POLICY, who="tester", given=loaded.fits)
    judge_unseen(registry, loaded, recording, POLICY, who="tester", given=fits(parts[TRAINED + 1]))


def test_only_what_came_after_the_training_is_judged(registry: ModelRegistry, parts: list[Events]) -> None:
    found = judged(registry, parts)
    assert (found.facts.first, found.facts.last, found.facts.sessions) == ("2024-10-24", "2024-11-16", 24)
    # The same by hand: rows of these sessions, the model's probabilities, the policy's trades.
    data = build_dataset(
        parts[TRAINED:],
        FeatureEngine(["book_imbalance_1", "mid_return_1s"], X, clock="1s"),
        lambda path, rows: direction(path, rows.times, 3 * S, 0.5),
        payer=lambda path, times: round_trips(path, times, 3 * S, Latency(tuple(LABEL["latency_ns"]))),
    )
    known = ~np.isnan(data.X).any(axis=1)
    data = data.take(np.flatnonzero(known))
    assert found.facts.rows == len(data)
    p = registry.load("planted", "1.0.0").batch(data.X)
    assert data.trips is not None
    trades = POLICY.trade(POLICY.sides(p, np.array([-1, 1])), data.trips, data.spans)
    assert found.trades == len(trades.rows)
    assert found.net is not None
    assert found.facts.edge is not None
    assert found.facts.edge.low > 0
    assert found.net.low > 0
    assert found.facts.quality is not None
    up = data.y > 0
    assert found.facts.quality.log_loss == pytest.approx(
        -np.average(np.log(np.where(up, p[:, 1], p[:, 0])), weights=_unique(data)), abs=1e-9
    )


def _unique(data: Any) -> np.ndarray:
    from quantumtrader.training.weights import average_uniqueness

    return average_uniqueness(data.spans)


def test_every_look_is_written_down(registry: ModelRegistry, parts: list[Events]) -> None:
    assert judged(registry, parts[:42]).earlier_looks == 0
    assert judged(registry, parts[:43]).earlier_looks == 1
    lines = [json.loads(text) for text in (registry.root / "planted" / LOOKS).read_text().splitlines()]
    assert [(line["who"], line["first"], line["sessions"]) for line in lines] == [
        ("tester", "2024-10-24", 22),
        ("tester", "2024-10-24", 23),
    ]
    registry.load("planted", "1.0.0")  # it is still a model


def test_a_look_is_of_the_study_of_the_recording(registry: ModelRegistry, parts: list[Events]) -> None:
    # The model says that it was made of generated data; nothing of the recording does.
    assert registry.manifest("planted", "1.0.0").data["synthetic"]
    judged(registry, parts[:42])
    days = np.arange(20_000, 20_050)
    assert list(Study.of("X", "direction", synthetic=False).seen(days))[:1] == ["2024-10-24"]
    assert Study.of("X", "direction", synthetic=True).seen(days) == {}
    generated = [part.copy() for part in parts]
    for part in generated:
        part["flags"] |= int(Flag.SYNTHETIC)
    judged(registry, generated)
    assert list(Study.of("X", "direction", synthetic=True).seen(days))[-1:] == ["2024-11-16"]


def test_too_few_later_sessions_have_no_numbers(registry: ModelRegistry, parts: list[Events]) -> None:
    found = judged(registry, parts[: TRAINED + 5])
    assert found.facts.sessions == 5
    assert found.facts.edge is found.facts.quality is found.net is None


def test_no_later_session_is_an_error(registry: ModelRegistry, parts: list[Events]) -> None:
    with pytest.raises(
        DataError, match="trained on sessions up to 2024-10-23; this recording ends on 2024-10-23"
    ):
        judged(registry, parts[:TRAINED])
    assert not (registry.root / "planted" / LOOKS).exists()
    manifest = registry.manifest("planted", "1.0.0")
    assert unseen_days(manifest, np.array([20_018, 20_019, 20_020])).tolist() == [20_020]


def test_no_spread_is_made_up(registry: ModelRegistry) -> None:
    # Bars hold no bid and ask, and this model's label says of no spread that was assumed when it was trained.
    with pytest.raises(DataError, match="no spread to assume in the model's label"):
        judged(registry, bar_sessions(TRAINED + 2, 3, 0.9))
    assert not (registry.root / "planted" / LOOKS).exists()


def test_labels_are_those_of_the_manifest() -> None:
    part = bar_sessions(1, 3, 0.9)[0]
    path = PathBuilder(Y, 1.0).add(part)
    rows = Replayer(FeatureEngine(["ret_1", "atr_14"], Y, clock="bar"), 0).add(part)
    label, pay = measures_of(
        {"id": "triple_barrier", "multiple": 0.0, "least_ticks": 4.0, "horizon_ns": 300 * S, "latency_ns": [10**6],
         "every_ns": 0, "classes": "touch"}
    )  # fmt: skip
    found = label(path, rows)
    own = triple_barrier(
        path,
        rows.times,
        rows.frame["atr_14"],
        multiple=0.0,
        least_ticks=4.0,
        horizon_ns=300 * S,
        latency=Latency((10**6,)),
    )
    assert len(own) > 40
    assert found.y.tolist() == own.y.tolist()
    assert pay(path, rows.times).buy_ticks[own.rows].tolist() == own.gross_ticks.tolist()
    with pytest.raises(ConfigError, match="the manifest does not say dead_zone_ticks"):
        measures_of({"id": "direction", "horizon_ns": 1, "latency_ns": [1]})
    with pytest.raises(ConfigError, match="label fill cannot be measured again"):
        measures_of({"id": "fill", "horizon_ns": 1, "latency_ns": [1]})


def test_a_book_model_decides_where_something_happens(parts: list[Events]) -> None:
    path = PathBuilder(X, None).add(parts[0])
    rows = Replayer(FeatureEngine(["book_imbalance_1"], X, clock="1s"), 0).add(parts[0])
    label, _ = measures_of({**LABEL, "id": "direction_1", "heartbeat_ns": 3_600 * S, "thin": 2})
    found = label(path, rows)
    due = decisions_at(path, rows.times, 3_600 * S)[::2]
    whole = direction(path, rows.times, 3 * S, 0.5)
    assert 0 < len(found) < len(whole) / 2
    assert set(found.rows.tolist()) <= set(due.tolist())
    same = np.isin(whole.rows, found.rows)
    assert found.y.tolist() == whole.y[same].tolist()
    assert (found.spans.t0 == rows.times[found.rows]).all()


def test_the_command_on_a_lake(registry: ModelRegistry, parts: list[Events], tmp_path: Path) -> None:
    with Lake(tmp_path / "lake").writer(X, source="test") as writer:
        writer.add(np.concatenate(parts[18:]))
    given = [
        "evaluate", "model", "planted", "--models", str(registry.root), "-i", str(tmp_path / "lake"),
        "--tick-size", "0.5", "--point-value", "10", "--currency", "BRL", "--timezone", "UTC", "--hours", "00:00-23:59",
        "--margin", "0.2", "--slippage-ticks", "0.5", "--who", "tester",
    ]  # fmt: skip
    result = CliRunner().invoke(cli.app, [*given, "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["judged"], document["synthetic"], document["sufficient"]) == (
        "after its training",
        True,
        True,
    )
    assert (document["sessions"], document["first"]) == (24, "2024-10-24")
    assert document["edge"]["low"] > 0
    assert document["net"]["low"] > 0
    assert document["cost_ticks"] == 0.5
    again = CliRunner().invoke(cli.app, given)
    assert "planted 1.0.0 (synthetic)" in again.stdout
    assert "looked at 1 times before" in again.stderr
    early = CliRunner().invoke(cli.app, [*given, "--end", "2024-10-23"])
    assert early.exit_code == 3
    assert "was trained on sessions up to 2024-10-23" in early.stderr
