"""The tick pipeline from events to a candidate, and everything that it must refuse."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import date, time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import (
    ConfigError,
    DataAccessError,
    DataError,
    DataFormatError,
    MissingExtraError,
    ModelError,
)
from quantumtrader.models import model
from quantumtrader.models.manager import ModelManager
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.retraining import RetrainingConfig
from quantumtrader.models.states import ModelState, Move, StateLog
from quantumtrader.training import tuning
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.executor import ProcessExecutor, SerialExecutor
from quantumtrader.training.labels import Latency, path_of, triple_barrier
from quantumtrader.training.pipelines import (
    BookConfig,
    Recording,
    TickConfig,
    TickTrainingPipeline,
    TrainingResult,
    candidates,
    libraries,
)
from quantumtrader.training.pipelines import judge as judge_module
from quantumtrader.training.pipelines import prepared as prepared_module
from quantumtrader.training.pipelines import result as result_module
from quantumtrader.training.pipelines.judge import Plan, make_plan
from quantumtrader.training.pipelines.observe import observe_shadow
from quantumtrader.training.pipelines.prepared import choose_features
from quantumtrader.training.pipelines.retraining import config_of, retrain
from quantumtrader.training.pipelines.ship import check_parity, final_fit, next_version
from quantumtrader.training.pipelines.synthetic import synthetic_book
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import Single
from quantumtrader.training.report import render_page
from quantumtrader.training.run_folder import UNKNOWN_LIBRARIES, RunFolder
from quantumtrader.training.splits import CombinatorialPurged
from quantumtrader.training.trials import TrialLedger
from quantumtrader.training.weights import average_uniqueness
from quantumtrader.types import Events, Instrument, Kind, SessionHours
from reference.planted_bars import SMALL, Y, bar_session, bar_sessions

NOW = 1_700_000_000 * 10**9
LATENCIES = (5 * 10**6, 90 * 10**9, 70 * 10**9)


def train(parts: list[Events], out: Path, instrument: Instrument = Y, **more: Any) -> TrainingResult:
    pipeline = TickTrainingPipeline({**SMALL, **more}, clock=ReplayClock(NOW))
    return pipeline.train(Recording.of(parts, instrument), out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained")


@pytest.fixture(scope="module")
def result(folder: Path) -> TrainingResult:
    return train(bar_sessions(40, 3, 0.9), folder / "first")


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_is_planted_is_found_and_said_to_be_synthetic(result: TrainingResult) -> None:
    assert result.metrics["lightgbm_shallow"]["net_ticks"]["low"] > 0
    assert "synthetic" in result.verdict
    assert result.summary["sufficient"]
    assert all(condition.met for condition in result.judged.assessment.conditions)
    assert result.verdict.startswith("An edge is seen out of sample")
    assert all(found["edge"]["low"] < 0 for found in result.summary["placebos"].values())
    assert result.judged.assessment.parity is True
    assert result.judged.assessment.size is not None
    # What choosing brings, and the rehearsal, are those of the summary; the page is made of them.
    for name in ("nested", "rehearsal"):
        line = getattr(result.judged.assessment, name)
        assert (line.skill, line.trades) == (result.summary[name]["skill"], result.summary[name]["trades"])
    written = json.loads((result.folder / "summary.json").read_text())
    assert written["chosen"] == result.best_model == "lightgbm_shallow"
    assert (written["fees_known"], written["fee_per_contract_side"]) == (True, 0.0)
    # Barriers end at different times, so results do not tell the spread: the assumed one is a cost as any other.
    money = result.judged.assessment.money
    assert money is not None
    assert money.spread_ticks == 1.0
    cost = written["cost_ticks"] + 1.0
    assert money.gross_ticks - money.net_ticks[1] == pytest.approx(1.5 * cost * money.trades)
    # Every session is either worked with or locked away, and the locked ones are the newest.
    assert written["sessions"]["development_count"] == 32
    assert written["sessions"]["vault_count"] == 8
    assert max(result.prepared.data.spans.session) < 20_000 + 32


def test_the_candidate_loads_with_everything_it_must_have(result: TrainingResult) -> None:
    registry = ModelRegistry(result.model.parent.parent)
    loaded = registry.load("y_tick", "1.0.0", validity=False)
    manifest = loaded.manifest
    assert manifest.data["synthetic"] is True
    assert manifest.data["rows"] == len(result.prepared.data)
    assert manifest.evidence.parity_clean is True
    assert manifest.evidence.judged_by == "dsr"
    assert manifest.calibration == "platt"
    assert manifest.label["barrier_ticks"] >= 4
    assert {p.name for p in result.model.iterdir()} >= {
        "conformal.json",
        "golden.npz",
        "golden_events.npz",
        "oof.parquet",
        "report.md",
    }
    # Its sets are of what it serves: nine tenths of the calibrated out-of-fold rows have the truth inside.
    oof = registry.oof("y_tick", "1.0.0").to_pandas().dropna(subset=["p_1"])
    assert loaded.calibration is not None
    served = loaded.calibration.apply(oof[["p_-1", "p_1"]].to_numpy())
    missed = 1 - np.where(oof["y"] > 0, served[:, 1], served[:, 0])
    assert loaded.conformal is not None
    assert (missed <= loaded.conformal.at(0.1).limit).mean() == pytest.approx(0.9, abs=0.003)
    # What is served is what was trained.
    np.testing.assert_allclose(loaded.batch(result.prepared.data.X[:50]).sum(axis=1), 1)


def test_the_model_carries_what_it_has_shown(result: TrainingResult) -> None:
    text = (result.model / "report.md").read_text()
    a = result.judged.assessment
    assert text.startswith(f"# y_tick 1.0.0 (synthetic)\n\n{a.verdict}\n")
    assert "- sessions: 32, 2024-10-04 to 2024-11-04; recorded until 2024-11-12, the rest locked away" in text
    assert a.net is not None
    assert f"- net ticks per trade: {a.net.mean:.2f} (95 %: {a.net.low:.2f} to {a.net.high:.2f})" in text
    shown = [line for line in text.splitlines() if line.startswith(("- met: ", "- NOT MET: "))]
    assert [line.split(": ", 1)[1] for line in shown] == [str(c) for c in a.conditions]
    assert [line.startswith("- met") for line in shown] == [c.met for c in a.conditions]
    assert "`report.html`, in the folder in which the training ran" in text
    assert (result.folder / "report.html").exists()


def test_what_the_pipeline_trained_can_be_observed(result: TrainingResult, tmp_path: Path) -> None:
    root = Path(shutil.copytree(result.model.parent.parent, tmp_path / "models"))
    move = Move(
        "1.0.0", ModelState.CANDIDATE, ModelState.SHADOW, ModelRegistry(root).manifest("y_tick", "1.0.0").hash
    )
    StateLog(root, "y_tick").move("ana", "its gate is not what is tested", "promote", lambda _: ((move,), ()))
    more = Recording.of(bar_sessions(43, 3, 0.9), Y)
    found = observe_shadow(ModelRegistry(root), "y_tick", "1.0.0", more, who="ana")
    # The vault's eight sessions were recorded when it was trained.
    assert [str(s.session) for s in found.sessions] == ["2024-11-13", "2024-11-14", "2024-11-15"]
    assert len(found.left_out) == 40
    assert found.synthetic
    # The same market as in the training: where the training said that a session would lie.
    a = result.judged.assessment
    assert a.expected_low is not None
    assert a.expected_high is not None
    assert all(a.expected_low <= s.result <= a.expected_high for s in found.sessions)


def test_regimes_are_those_that_the_strategy_would_have_heard(result: TrainingResult) -> None:
    regimes = result.prepared.regimes
    assert len(regimes) == len(result.prepared.data)
    assert {"trend_up", "trend_down", "range"} & set(regimes.tolist())


def test_the_same_data_and_seed_give_the_same_bytes(result: TrainingResult, folder: Path) -> None:
    again = train(bar_sessions(40, 3, 0.9), folder / "again")
    assert files_of(again.model) == files_of(result.model)
    assert files_of(again.folder / "assessment") == files_of(result.folder / "assessment")
    other = train(bar_sessions(40, 3, 0.9), folder / "other", seed=8)
    assert files_of(other.model)["model.txt"] != files_of(result.model)["model.txt"]


def test_another_version_of_a_library_is_another_training(
    result: TrainingResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = json.loads((result.folder / "run.json").read_text())["request"]["libraries"]
    assert used == {name: version(name) for name in ("lightgbm", "numpy", "scipy")}
    code = json.loads((result.model / "manifest.json").read_text())["code"]
    assert code["libraries"] == used
    folder = tmp_path / "old"
    shutil.copytree(result.folder, folder)
    asked = json.loads((folder / "run.json").read_text())
    del asked["request"]["libraries"]  # as older versions wrote it
    (folder / "run.json").write_text(json.dumps(asked))
    again = train(bar_sessions(40, 3, 0.9), folder)
    assert UNKNOWN_LIBRARIES.text in again.summary["notes"]
    assert UNKNOWN_LIBRARIES in Assessment.load(folder / "assessment").notes
    assert again.summary["table"] == result.summary["table"]
    assert UNKNOWN_LIBRARIES.text not in result.summary["notes"]
    monkeypatch.setattr(libraries, "version", {**used, "lightgbm": "3.0"}.__getitem__)
    with pytest.raises(ConfigError, match=rf'libraries.lightgbm was "{used["lightgbm"]}", now "3.0"'):
        train(bar_sessions(40, 3, 0.9), result.folder)

    def installed(name: str) -> str:
        if name == "xgboost":
            raise PackageNotFoundError(name)
        return f"{name} 1"

    monkeypatch.setattr(libraries, "version", installed)
    assert libraries.library_versions("standard")["xgboost"] == "xgboost-cpu 1"
    assert libraries.library_versions("deep").keys() >= {"jax", "optax"}


def test_a_random_walk_through_the_whole_pipeline_shows_nothing(tmp_path: Path) -> None:
    """With no margin every decision is traded: it must lose its costs, and must not pass as skill."""
    walk = bar_sessions(40, 3, 0.0, run=1)
    names = (*SMALL["features"], "ema_cross_9_20")
    found = train(walk, tmp_path, replace(Y, free=False), features=names, margin=0.0)
    # Nobody said what a side costs: that is told, and nothing passes on it.
    written = found.summary
    assert (written["fees_known"], written["fee_per_contract_side"]) == (False, None)
    assert "Fees unknown" in found.verdict
    assert {"net_at_1_5_cost": "fees unknown: give --fee"}.items() <= {
        c["name"]: c["found"] for c in written["conditions"] if not c["met"]
    }.items()
    a = found.judged.assessment
    assert found.verdict.startswith("There is nothing here")
    assert all(not row["edge"]["low"] > 0 for row in found.metrics.values())
    assert a.money is not None
    assert a.money.trades > 300
    assert a.money.net_ticks[0] < 0
    assert a.selection is not None
    assert a.selection.dsr is not None
    assert a.selection.dsr < 0.05
    assert {"beats_baselines", "net_at_1_5_cost", "dsr"} <= {c.name for c in a.conditions if not c.met}
    # The cross of two averages is one of the baselines, where its column is there.
    assert list(found.judged.baselines) == ["base_rate", "last_sign", "ma_cross", "logistic"]
    cross = candidates.baselines(names, "tick")["ma_cross"].parameters
    assert cross == {"kind": "last_sign", "parameters": {"column": "ema_cross_9_20"}}


def test_workers_change_nothing(result: TrainingResult, folder: Path) -> None:
    with ProcessExecutor(2) as executor:
        pipeline = TickTrainingPipeline(SMALL, executor=executor, clock=ReplayClock(NOW))
        again = pipeline.train(Recording.of(bar_sessions(40, 3, 0.9), Y), folder / "workers")
    for part in ("folds", "assessment", "data"):
        assert files_of(again.folder / part) == files_of(result.folder / part)
    assert files_of(again.model) == files_of(result.folder / "models" / "y_tick" / "1.0.0")


def test_prints_are_sampled_each_minute(tmp_path: Path) -> None:
    book = synthetic_book(12, minutes=60)
    parts = [part[np.isin(part["kind"], (Kind.TRADE, Kind.SESSION))] for part in book.sessions()]
    pipeline = TickTrainingPipeline(
        {
            "features": ("ret_1", "atr_14", "flow_count_imb_1m", "delta_1m"),
            "candidates": "quick",
            "horizon_s": 300.0,
        }
    )
    found = pipeline.train(Recording.of(parts, book.instrument), tmp_path)
    assert found.prepared.data.manifest.clock == "1m"
    assert found.prepared.data.spans.t0[0] % (60 * 10**9) == 0
    assert found.verdict.startswith("Insufficient")


def test_networks_ship_only_where_they_beat_the_trees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jax", reason="jax comes with the deep extra")
    monkeypatch.setattr(candidates, "NETWORKS", ("lstm",))
    small = {"lightgbm_shallow": Single(model("lightgbm", trees=20, leaves=4, min_leaf=10))}
    monkeypatch.setattr(
        judge_module, "learners", lambda *_: small | {"lstm": Single(model("lstm", hidden=2, epochs=1))}
    )
    found = train(bar_sessions(40, 3, 0.9), tmp_path, candidates="deep")
    assert "ret_1@13" in found.prepared.data.names
    assert found.best_model == "lightgbm_shallow"  # one pass over the rows teaches a network nothing
    assert "lstm does not ship" in found.summary["networks"]["lstm"]
    assert [(n.challenger, n.ships) for n in found.judged.assessment.networks] == [("lstm", False)]


def test_what_cannot_be_tried_here_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as absent:
        absent.setattr(candidates.importlib.util, "find_spec", lambda _: None)
        reasons = candidates.skipped("standard")
        assert not candidates.skipped("quick")
    assert "pip install 'quantumtrader[xgboost]'" in reasons["xgboost"]
    monkeypatch.setattr(result_module, "skipped", lambda _: reasons)
    found = train(bar_sessions(40, 3, 0.9), tmp_path)
    said = f"xgboost was not tried, it is not installed: {reasons['xgboost']}"
    assert said in found.summary["notes"]
    assert said.replace("'", "&#x27;") in (found.folder / "report.html").read_text("utf-8")


def test_a_search_happens_inside_every_training_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("optuna", reason="optuna comes with the tune extra")
    monkeypatch.setattr(candidates, "BUDGET", 2)
    few = {"trees": tuning.Range(10, 20), "min_leaf": tuning.Range(5, 20)}
    monkeypatch.setattr(tuning, "SPACES", {"lightgbm": few})
    monkeypatch.setattr(candidates, "shallow_trees", lambda *_: model("base_rate"))  # so that the search wins
    found = train(bar_sessions(40, 3, 0.9), tmp_path, candidates="tuned")
    assert found.best_model == "lightgbm_tuned"
    assert "lightgbm_tuned+platt" in found.metrics
    ledger = TrialLedger(tmp_path / "trials.jsonl")
    trials = [t for t in ledger.trials() if t.study.endswith("/tuning")]
    assert {t.parameters["tuning"]["budget"] for t in trials} == {2}
    # A search of its own for each training part: none knows the rows that another one tests.
    searches = {t.parameters["tuning"]["search"] for t in trials}
    assert len(searches) == len({t.parameters["data"] for t in trials}) > 10
    assert len(trials) == 2 * len(searches)
    loaded = ModelRegistry(found.model.parent.parent).load("y_tick", "1.0.0", validity=False)
    assert loaded.calibration is not None


def test_asking_again_computes_nothing_and_counts_nothing(
    result: TrainingResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(result.folder)

    def refuse(*_: object, **__: object) -> list[Any]:
        items = list(_[2]) if len(_) > 2 else []  # type: ignore[call-overload]
        assert not items
        return []

    monkeypatch.setattr(SerialExecutor, "map", refuse)
    again = train(bar_sessions(40, 3, 0.9), result.folder)
    assert again.summary == result.summary
    assert files_of(result.folder) == before


def test_a_folder_of_another_training_is_refused(result: TrainingResult) -> None:
    with pytest.raises(ConfigError, match=r"config.barrier_atr was 2.0, now 3.0"):
        train(bar_sessions(40, 3, 0.9), result.folder, barrier_atr=3.0)
    with pytest.raises(ConfigError, match="events was"):
        train(bar_sessions(40, 4, 0.9), result.folder)


def test_a_request_that_failed_before_it_computed_anything_gives_way(tmp_path: Path) -> None:
    with RunFolder(tmp_path, {"a": 1}, ReplayClock(1)):
        pass
    with RunFolder(tmp_path, {"a": 1}, ReplayClock(2)) as same:
        assert (same.resumed, same.created_ns) == (True, 1)
    with RunFolder(tmp_path, {"a": 2}, ReplayClock(3)) as corrected:
        assert (corrected.resumed, corrected.created_ns, corrected.request) == (False, 3, {"a": 2})
        corrected.document("version", lambda: "1.0.0")
    with pytest.raises(ConfigError, match="a was 2, now 3"):
        RunFolder(tmp_path, {"a": 3})


def test_one_training_at_a_time(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path / "out", {"a": 1}),
        pytest.raises(DataAccessError, match="another process trains here"),
    ):
        RunFolder(tmp_path / "out", {"a": 1})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    with pytest.raises(ConfigError, match="holds other files"):
        RunFolder(tmp_path / "full", {"a": 1})


def test_what_a_killed_training_had_half_written_is_removed(tmp_path: Path) -> None:
    begun = tmp_path / f".run.json.{'0' * 32}"  # killed while it wrote what was asked
    begun.write_text("{")
    with RunFolder(tmp_path, {"a": 1}) as folder:
        assert not folder.resumed
    left = [
        tmp_path / name / f".X.npy.{'0' * 32}" for name in ("", "folds", "assessment", "data/direction_1")
    ]
    for part in left:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"")
    with RunFolder(tmp_path, {"a": 1}) as folder:
        assert folder.resumed
    assert [p.name for p in tmp_path.rglob(".*") if p.name != ".training.lock"] == []


def test_a_damaged_fold_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    train(bar_sessions(12, 3, 0.9), tmp_path)
    fold = sorted((tmp_path / "folds").iterdir())[3]
    fold.write_bytes(fold.read_bytes()[:-40])
    with pytest.raises(DataFormatError, match=rf"{fold.name}.*damaged.*Remove it"):
        train(bar_sessions(12, 3, 0.9), tmp_path)
    fold.unlink()
    train(bar_sessions(12, 3, 0.9), tmp_path)
    rows = tmp_path / "data" / "y.npy"
    rows.write_bytes(rows.read_bytes()[:-8] + bytes(8))
    with pytest.raises(DataFormatError, match="cached rows were changed"):
        train(bar_sessions(12, 3, 0.9), tmp_path)


def test_the_vault_is_opened_once_and_on_record(result: TrainingResult) -> None:
    recording = Recording.of(bar_sessions(40, 3, 0.9), Y)
    pipeline = TickTrainingPipeline(SMALL)
    found = pipeline.open_vault(recording, result, who="ana", why="release 1")
    assert found["sessions"] == 8
    assert not found["sufficient"]  # eight sessions say nothing
    assert found["net_ticks"] is None
    lines = TrialLedger(result.folder / "vault.jsonl").trials("vault")
    assert [t.parameters["who"] for t in lines] == ["ana"]
    assert pipeline.open_vault(recording, result, who="ana", why="release 1") == found
    assert len(TrialLedger(result.folder / "vault.jsonl").trials("vault")) == 1
    result.summary.pop("vault_result")
    with pytest.raises(ConfigError, match="opened for this model before, by ana"):
        pipeline.open_vault(recording, result, who="rui", why="again")


@pytest.mark.integration
@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a POSIX signal")
def test_a_killed_training_ends_in_the_same_bytes(tmp_path: Path) -> None:
    def run(folder: str, writes: int) -> int:
        code = subprocess.run(
            [sys.executable, "-m", "reference.killed_training", str(tmp_path / folder), str(writes)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            capture_output=True,
            timeout=150,
        )
        assert code.returncode in (0, -9), code.stderr.decode()
        return code.returncode

    assert run("whole", 0) == 0
    # While rows are written, in the first folds, in later ones; each process goes on where the last one was killed.
    assert [run("cut", writes) for writes in (3, 25, 40, 0)] == [-9, -9, -9, 0]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    created = json.loads((cut / "run.json").read_text())["created_ns"]
    for part in ("assessment", "folds", "data"):
        assert files_of(cut / part) == files_of(whole / part)  # nothing half written is left either
    one, two = files_of(cut / "models"), files_of(whole / "models")
    assert one.keys() == two.keys()
    differ = {name for name in one if one[name] != two[name]}
    assert {Path(name).name for name in differ} <= {"manifest.json"}  # when it was first asked
    manifest = ModelRegistry(cut / "models").manifest("y_tick", "1.0.0")
    assert manifest.created_ns == created
    assert replace(manifest, created_ns=0) == replace(
        ModelRegistry(whole / "models").manifest("y_tick", "1.0.0"), created_ns=0
    )
    lines = [
        [(t.hash, json.dumps(t.parameters), t.results) for t in TrialLedger(f / "trials.jsonl").trials()]
        for f in (cut, whole)
    ]
    assert lines[0] == lines[1]


def test_training_again_goes_through_the_same_procedure(result: TrainingResult, tmp_path: Path) -> None:
    models = result.model.parent.parent
    grown = Recording.of(bar_sessions(42, 3, 0.9), Y)
    same = retrain(models, "y_tick", grown, tmp_path / "early")
    assert (same.due, same.new_sessions, same.rule, same.drift) == (False, 2, RetrainingConfig(), None)
    # Too few sessions came, and what came is as it was: the rule that was set is obeyed, not the usual one.
    manager = ModelManager(models)
    rule = manager.setup_auto_retraining({"every_sessions": 10, "min_new_rows": 1, "max_psi": 1.5})
    same = retrain(models, "y_tick", grown, tmp_path / "early")
    assert (same.due, same.rule, same.result) == (False, rule, None)
    assert same.drift is not None
    assert same.drift[1] < 1
    # As few, with moves that are ten times as large.
    more = Recording.of([*bar_sessions(40, 3, 0.9), *bar_sessions(42, 3, 0.9, step=60)[40:]], Y)
    found = retrain(models, "y_tick", more, tmp_path / "later", valid_sessions=45, clock=ReplayClock(NOW))
    assert found.due
    assert found.drift is not None
    assert found.drift[0] == "atr_14"
    assert found.drift[1] > 2
    assert found.result is not None
    assert found.result.model.name == "1.1.0"
    registry = ModelRegistry(models)
    assert registry.states("y_tick").of("1.1.0") is ModelState.CANDIDATE
    assert registry.manifest("y_tick", "1.1.0").code["config"] == registry.manifest("y_tick", "1.0.0").code[
        "config"
    ] | {"name": "y_tick", "valid_sessions": 45}
    other = RetrainingConfig(models=("z",))
    with pytest.raises(ConfigError, match="its rule is for z only"):
        retrain(models, "y_tick", more, tmp_path / "none", other)
    manager.setup_auto_retraining({"enabled": False})
    with pytest.raises(ConfigError, match="its rule switches it off"):
        retrain(models, "y_tick", more, tmp_path / "none")
    with pytest.raises(ModelError, match="no model z"):
        retrain(models, "z", more, tmp_path / "none")


def test_a_version_that_another_training_took_is_not_its_own(tmp_path: Path) -> None:
    def train_at(now: int, out: str, days: int) -> TrainingResult:
        pipeline = TickTrainingPipeline(SMALL, tmp_path / "models", clock=ReplayClock(now))
        return pipeline.train(Recording.of(bar_sessions(days, 3, 0.9), Y), tmp_path / out)

    slow = train_at(NOW, "slow", 12)
    shutil.rmtree(slow.model)  # as if it had been killed before it saved
    quick = train_at(NOW + 1, "quick", 13)
    assert quick.model == slow.model
    with pytest.raises(ModelError, match=r"y_tick 1\.0\.0 is of another training.*version\.json"):
        train_at(NOW, "slow", 12)
    (tmp_path / "slow" / "version.json").unlink()
    assert train_at(NOW, "slow", 12).model.name == "1.1.0"
    assert train_at(NOW, "slow", 12).model.name == "1.1.0"  # its own is kept


def test_too_few_sessions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="insufficient: 1 session"):
        train(bar_sessions(1, 3, 0.9), tmp_path / "one")
    with pytest.raises(DataError, match="insufficient: 3 sessions outside the vault"):
        train(bar_sessions(4, 3, 0.9), tmp_path / "four")
    few = train(bar_sessions(12, 3, 0.9), tmp_path / "twelve")
    assert few.verdict.startswith("Insufficient")
    assert few.summary["table"] == {}
    assert few.judged.assessment.evidence().dsr is None
    metrics = ModelRegistry(few.model.parent.parent).manifest("y_tick", "1.0.0").metrics
    assert (metrics["sufficient"], metrics["skill"]) == (False, None)


def test_a_shorter_embargo_is_told(tmp_path: Path) -> None:
    def plan(sessions: int) -> Plan:
        return make_plan(
            "s", "tick", sessions, Policy(0.1, 1.0), groups=10, test_groups=2, rehearsal=(120, 5, 1), embargo_sessions=3,
            embargo_ns=5, candidates="quick", seed=7, rows=1_000,
        )  # fmt: skip

    kept = {n: (plan(n).splitter.embargo_sessions, len(plan(n).notes)) for n in (30, 29, 20, 19)}
    assert kept == {30: (3, 0), 29: (1, 1), 20: (1, 1), 19: (0, 1)}
    told = plan(19).notes[0]
    assert told.text.startswith(
        "the embargo after test sessions is 0 sessions instead of 3: 19 sessions in 10"
    )
    assert told.portuguese.startswith(
        "o embargo depois dos pregões de teste é de 0 pregões em vez de 3: 19 pregões em 10"
    )
    few = train(bar_sessions(12, 3, 0.9), tmp_path, groups=10)
    assert any(note.startswith("the embargo after test sessions is 0") for note in few.summary["notes"])
    assert "may leak into the scores" in (few.folder / "report.html").read_text("utf-8")
    assert "pode vazar para os resultados" in render_page(Assessment.load(few.folder / "assessment"), "pt")


@pytest.fixture(scope="module")
def measured(folder: Path) -> TrainingResult:
    """With a half-life, and latencies of which the long ones reach another bar."""
    return train(
        bar_sessions(12, 3, 0.9), folder / "measured", half_life_sessions=2.0, latency_sample_ns=LATENCIES
    )


def test_rows_lose_half_of_their_weight_in_each_half_life(measured: TrainingResult, tmp_path: Path) -> None:
    found = measured
    data, evaluation = found.prepared.data, found.judged.baselines["base_rate"]

    def weights(rows: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        spans = data.spans[rows]
        days = sorted(set(spans.session.tolist()))
        decay = [0.5 ** ((len(days) - 1 - days.index(day)) / 2) for day in spans.session.tolist()]
        return average_uniqueness(spans) * np.array(decay)

    splitter = evaluation.trial.parameters["splitter"]
    plan = CombinatorialPurged(**{k: v for k, v in splitter.items() if k != "scheme"})
    first = next(iter(plan.split(data.spans)))
    w, up = weights(first.train), data.y[first.train] == 1
    expected = (w * up).sum() / w.sum()
    plain = average_uniqueness(data.spans[first.train])
    assert abs(expected - (plain * up).sum() / plain.sum()) > 0.005  # the decay can be told here
    row = first.test[0]
    assert expected == pytest.approx(min(evaluation.predictions[:, row, 1], key=lambda p: abs(p - expected)))
    # What is served is weighted alike.
    recipe = found.judged.recipe
    assert isinstance(recipe, Single)
    alike = recipe.estimator.clone().fit(
        data.X, data.y, weights(np.arange(len(data))), names=data.names, spans=data.spans
    )
    alike.to_files(tmp_path)
    assert (found.model / "model.txt").read_bytes() == (tmp_path / "model.txt").read_bytes()
    # And it is told: what was asked, the lines of the ledger, manifest, summary, page.
    asked = json.loads((found.folder / "run.json").read_text())["request"]["config"]
    assert asked["half_life_sessions"] == 2.0 == evaluation.trial.parameters["half_life_sessions"]
    manifest = ModelRegistry(found.model.parent.parent).manifest("y_tick", "1.0.0")
    assert manifest.code["config"]["half_life_sessions"] == 2.0 == found.summary["half_life_sessions"]
    assert "weight of training rows halves" in (found.folder / "report.html").read_text()
    for odd in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="half-life of the weights is"):
            TickConfig(half_life_sessions=odd)


def test_measured_latencies_are_drawn_and_told(measured: TrainingResult) -> None:
    data, latency = measured.prepared.data, Latency(LATENCIES, TickConfig().seed)
    parts, alike = bar_sessions(12, 3, 0.9), 0
    assert data.trips is not None
    for part in parts:  # session by session here, all of them there
        path = path_of(part, Y, 1.0)
        rows = np.flatnonzero(np.isin(data.spans.session, path.segment_session))
        if not len(rows):
            continue
        buys = triple_barrier(
            path, data.spans.t0[rows], measured.prepared.extra["barrier_ticks"][rows],
            multiple=1.0, least_ticks=4.0, horizon_ns=300 * 10**9, latency=latency,
        )  # fmt: skip
        np.testing.assert_array_equal(data.trips.buy_ticks[rows[buys.rows]], buys.gross_ticks)
        alike += len(buys)
    assert alike == len(data) > 100
    facts = latency.facts()
    request = json.loads((measured.folder / "run.json").read_text())["request"]
    assert request["latency"] == facts
    assert request["config"]["latency_sample_ns"] == list(LATENCIES)
    assert facts.items() <= measured.summary["label"].items()
    manifest = ModelRegistry(measured.model.parent.parent).manifest("y_tick", "1.0.0")
    assert facts.items() <= dict(manifest.label).items()
    assert manifest.label["latency_ns"] == sorted(LATENCIES)  # what measures its label on later sessions
    assert facts["latency_sha256"] in (measured.folder / "report.html").read_text()
    with pytest.raises(ConfigError, match="-1 ns is not between"):
        TickConfig(latency_sample_ns=(-1, 5))


def test_a_folder_that_is_no_version_is_named(tmp_path: Path) -> None:
    for folder in ("1.0.0", "1.2.0"):
        (tmp_path / "y_tick" / folder).mkdir(parents=True)
    assert next_version(tmp_path, "y_tick") == "1.3.0"
    (tmp_path / "y_tick" / "1.9-old").mkdir()
    with pytest.raises(
        ModelError, match=r"1\.9-old: the folder '1\.9-old' among the versions of y_tick is none"
    ):
        next_version(tmp_path, "y_tick")
    pipeline = TickTrainingPipeline(SMALL, models=tmp_path, clock=ReplayClock(NOW))
    with pytest.raises(ModelError, match="among the versions of y_tick"):
        pipeline.train(Recording.of(bar_sessions(12, 3, 0.9), Y), tmp_path / "out")
    assert not (tmp_path / "out" / "data").exists()  # before the work


def test_one_class_only(tmp_path: Path) -> None:
    parts = bar_sessions(8, 3, 0.9)
    price = 10_000
    for part in parts:  # rises for ever
        body = part[part["kind"] == Kind.BAR]
        ramp = price + 8 * np.arange(len(body), dtype=np.int32)
        body["px"], body["ref_b"], body["px_ask"], body["ref_a"] = ramp, ramp + 8, ramp + 9, ramp - 1
        part[part["kind"] == Kind.BAR] = body
    with pytest.raises(DataError, match="one class only"):
        train(parts, tmp_path)


def test_what_the_source_cannot_fill_is_listed(tmp_path: Path) -> None:
    names = (*SMALL["features"], "flow_ofi_1m", "cvd_session")  # type: ignore[misc]
    found = train(bar_sessions(12, 3, 0.9), tmp_path, features=names)
    assert found.summary["left_out"] == {"flow_ofi_1m": "always 0", "cvd_session": "never there"}
    with pytest.raises(DataError, match="atr_14"):
        train(bar_sessions(12, 3, 0.9), tmp_path / "no", features=("ret_1", "ret_5"))


def test_what_comes_late_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Volumes that stand still for all sessions but the last, and a feature that no bar fills."""
    monkeypatch.setattr(prepared_module, "_CHUNK", 7)  # what is seen does not depend on the pieces
    parts = bar_sessions(5, 3, 0.9)
    for part in parts[:-1]:
        part["size"][part["kind"] == Kind.BAR] = 10
    parts[-1]["size"][parts[-1]["kind"] == Kind.BAR] = np.arange(1, 1 + (parts[-1]["kind"] == Kind.BAR).sum())
    names = ("ret_1", "volume_ratio_5_20", "book_imbalance_1")
    late, left_out = choose_features(names, Y, "bar", iter(parts))
    assert (late, left_out) == (("ret_1", "volume_ratio_5_20"), {"book_imbalance_1": "never there"})
    early, left_out = choose_features(names, Y, "bar", iter(parts[:-1]))
    assert (early, left_out["volume_ratio_5_20"]) == (("ret_1",), "always 1")
    # Nothing more is read once everything was seen to vary.
    read = iter(parts)
    assert choose_features(("ret_1",), Y, "bar", read) == (("ret_1",), {})
    assert len(list(read)) == 4


def test_what_has_no_value_under_the_hours_of_the_first_session_is_left_out() -> None:
    later = replace(Y, hours=(SessionHours(date(2030, 1, 1), time(12), time(20)),))
    _, left_out = choose_features(("ret_1", "session_frac"), later, "bar", bar_sessions(2, 3, 0.9))
    assert left_out == {"session_frac": "never there"}


def test_gaps_and_mixed_contracts(tmp_path: Path) -> None:
    parts = bar_sessions(14, 3, 0.9)
    parts[2]["kind"][20] = Kind.GAP
    with pytest.raises(DataError, match=r"events were lost .*2024-10-06"):
        train(parts, tmp_path / "gap")
    found = train(parts, tmp_path / "dropped", gaps="drop")
    assert found.summary["dropped"]["session with a gap"] > 0
    assert 20_002 not in found.prepared.data.spans.session
    label = ModelRegistry(found.model.parent.parent).manifest("y_tick", "1.0.0").label
    assert label["barrier_ticks"] == np.median(found.prepared.extra["barrier_ticks"]) >= 4
    parts = bar_sessions(14, 3, 0.9)
    for part in parts[7:]:
        part["instrument"] = 1
    with pytest.raises(DataError, match="contracts are mixed without a roll"):
        train(parts, tmp_path / "mixed")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"spread_ticks": 0.0}, "spread 0.0"),
        ({"horizon_s": float("nan")}, "horizon_s is nan"),
        ({"classes": "up"}, "classes is 'up'"),
        ({"gaps": "keep"}, "gaps is 'keep'"),
        ({"candidates": "best"}, "no set of candidates 'best'; there are the sets standard, quick"),
        (
            {"candidates": ("lightgbm", "svm")},
            "no candidate 'svm'; .*as a tuple, lightgbm_shallow, lightgbm, ",
        ),
        ({"candidates": ()}, "no candidates are named"),
    ],
)
def test_what_may_be_configured(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        TickConfig(**given)


@pytest.mark.parametrize(
    ("absent", "asked", "extra"),
    [
        ("lightgbm", "quick", "ml"),
        ("optuna", "tuned", "tune"),
        ("optax", "deep", "deep"),
        ("xgboost", ("xgboost",), "xgboost"),
        ("xgboost", "standard", None),  # which does without
    ],
)
def test_a_missing_library_is_found_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, absent: str, asked: str | tuple[str, ...], extra: str | None
) -> None:
    monkeypatch.setattr(candidates, "_installed", lambda module: module != absent)
    if extra is None:
        TickConfig(candidates=asked)
        return
    for config in (TickConfig, BookConfig):
        with pytest.raises(MissingExtraError, match=rf"quantumtrader\[{extra}\]"):
            config(candidates=asked)


def test_candidates_may_be_named(tmp_path: Path) -> None:
    assert candidates.names_of(("lstm", "quick")) == ("lightgbm_shallow", "lstm")
    assert candidates.names_of(("stack", "lightgbm")) == ("lightgbm_shallow", "lightgbm", "stack")
    found = train(bar_sessions(12, 3, 0.9), tmp_path, candidates=("random_forest",))
    assert (found.best_model, list(found.judged.candidates)) == ("random_forest", ["random_forest"])


def test_parity_is_that_of_the_sessions_that_have_rows(result: TrainingResult) -> None:
    """Features may warm up over sessions: then the first ones have none."""
    every = result.prepared.data
    data = every.take(np.flatnonzero(every.spans.session >= every.spans.sessions[6]))
    estimator = final_fit(Single(model("base_rate")), data, np.inf)
    parts = bar_sessions(40, 3, 0.9)
    day = date(2024, 10, 4)
    assert check_parity(data, estimator, iter(parts), Y, day)
    other = bar_session(7, 4, 0.9)
    other["sequence"] = parts[7]["sequence"]
    assert not check_parity(data, estimator, iter([*parts[:7], other, *parts[8:]]), Y, day)


def test_a_model_of_before_an_option_is_trained_again_without_it() -> None:
    config: dict[str, Any] = {
        k: v for k, v in asdict(TickConfig(**SMALL)).items() if k != "half_life_sessions"
    }

    class Registry:
        def versions(self, _: str) -> list[str]:
            return ["1.0.0"]

        def manifest(self, *_: str) -> Any:
            return SimpleNamespace(id="y_tick 1.0.0", code={"config": config})

    registry: Any = Registry()
    assert config_of(registry, "y_tick") == ("1.0.0", TickConfig(**SMALL, name="y_tick"))
    del config["seed"]
    with pytest.raises(ModelError, match="does not say how it was trained"):
        config_of(registry, "y_tick")
