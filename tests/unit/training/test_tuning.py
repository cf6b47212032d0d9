"""Searching parameters: the budget, the ledger, the seed, and that no test row has a say."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataError, MissingExtraError
from quantumtrader.features import FeatureEngine
from quantumtrader.models import model
from quantumtrader.training.cross_validate import evaluate, nested
from quantumtrader.training.dataset import Dataset, build_dataset
from quantumtrader.training.executor import SerialExecutor
from quantumtrader.training.labels import direction
from quantumtrader.training.recipes import Single
from quantumtrader.training.run_folder import RunFolder
from quantumtrader.training.splits import CombinatorialPurged, PurgedWalkForward
from quantumtrader.training.trials import Trial, TrialLedger
from quantumtrader.training.tuning import SPACES, Choice, Range, Search, Tuned, tune
from reference.planted import S, X, sessions

INNER = PurgedWalkForward(2, 1, embargo_sessions=0)
SPACE = {"threshold": Range(0.0, 0.9), "column": Choice(("book_imbalance_1", "mid_return_1s"))}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return build_dataset(
        sessions(8, 5, 0.9, n=90),
        FeatureEngine(["book_imbalance_1", "mid_return_1s"], X, clock="1s"),
        lambda path, rows: direction(path, rows.times, 3 * S, 0.5),
    )


@pytest.fixture
def ledger(tmp_path: Path) -> TrialLedger:
    return TrialLedger(tmp_path / "trials.jsonl")


class Counted:
    """A ``map`` that counts its calls, and breaks at one of them."""

    def __init__(self, until: int = 10**9) -> None:
        self.calls, self.until = 0, until

    def __call__(self, fn: Callable[..., Any], items: Iterable[Any]) -> Iterable[Any]:
        self.calls += 1
        if self.calls > self.until:
            raise KeyboardInterrupt
        return map(fn, items)


def search(data: Dataset, ledger: TrialLedger, budget: int = 12, **more: Any) -> Search:
    pytest.importorskip("optuna", reason="needs the extra tune")
    return tune(data, "imbalance_threshold", INNER, ledger, "s", budget=budget, space=SPACE, **more)


def test_every_trial_is_a_line(data: Dataset, ledger: TrialLedger) -> None:
    found = search(data, ledger)
    lines = ledger.trials("s/tuning")
    assert len(lines) == len(found.trials) == ledger.count("s/tuning") == 12
    assert [t.parameters["tuning"]["trial"] for t in lines] == list(range(12))
    assert {(t.parameters["tuning"]["budget"], t.parameters["tuning"]["seed"]) for t in lines} == {(12, 7)}
    assert found.value == max(t.metrics["edge_nats"] for t in lines)
    best = max(lines, key=lambda t: t.metrics["edge_nats"])
    assert dict(found.parameters) == {k: best.parameters["parameters"][k] for k in SPACE}
    # The imbalance says something here, the last return does not.
    assert found.parameters["column"] == "book_imbalance_1"
    assert found.value > 0.05
    assert found.reused == 0


def test_the_seed_says_what_is_tried(data: Dataset, tmp_path: Path) -> None:
    tried = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        found = search(data, TrialLedger(tmp_path / name), seed=seed)
        tried.append([t.parameters["parameters"] for t in found.trials])
    assert tried[0] == tried[1] != tried[2]


@pytest.mark.parametrize("done", [0, 1, 5, 11])
def test_a_search_that_was_cut_off_goes_on(data: Dataset, tmp_path: Path, done: int) -> None:
    whole = search(data, TrialLedger(tmp_path / "whole"))
    ledger = TrialLedger(tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        search(data, ledger, mapper=Counted(done))
    counted = Counted()
    found = search(data, ledger, mapper=counted)
    assert (found.reused, counted.calls) == (done, 12 - done)
    assert found.parameters == whole.parameters
    assert [t.hash for t in found.trials] == [t.hash for t in whole.trials]
    assert len(ledger.trials("s/tuning")) == 12
    again = Counted()
    assert search(data, ledger, mapper=again).reused == 12
    assert again.calls == 0


def test_another_search_is_not_taken_for_this_one(data: Dataset, ledger: TrialLedger) -> None:
    search(data, ledger, budget=3)
    assert search(data, ledger, budget=4).reused == 0  # another budget is another search
    assert search(data.take(slice(0, len(data) - 5)), ledger, budget=3).reused == 0
    assert search(data, ledger, budget=3, half_life=2.0).reused == 0
    assert search(data, ledger, budget=3).reused == 3


def test_lines_of_another_sampler_are_refused(data: Dataset, ledger: TrialLedger) -> None:
    first = search(data, ledger, budget=3).trials[1]
    other = TrialLedger(ledger.path.with_name("other"))
    odd = {**first.parameters, "parameters": {**first.parameters["parameters"], "threshold": 0.123}}
    days = np.array(first.sessions, "datetime64[D]").astype(np.int64)
    other.record("s/tuning", odd, days, first.results, first.metrics)
    with pytest.raises(DataError, match="trial 1 of search"):
        search(data, other, budget=3)


def test_it_tunes_inside_each_training_part(data: Dataset, ledger: TrialLedger) -> None:
    pytest.importorskip("optuna", reason="needs the extra tune")
    tuned = Tuned("imbalance_threshold", INNER, ledger, "s", 4, space=SPACE)
    outer = CombinatorialPurged(4, 1)
    found = evaluate(data, tuned, outer, ledger, "s")
    assert len(ledger.trials("s/tuning")) == 4 * 4  # four outer training parts
    assert len({t.parameters["data"] for t in ledger.trials("s/tuning")}) == 4
    line = ledger.trials("s")[0].parameters
    assert line["tuned"]["budget"] == 4
    assert line["tuned"]["space"]["threshold"] == {"low": 0.0, "high": 0.9, "log": False}
    assert found.skill.mean() > 0.02
    # What a test row holds changes no prediction but its own.
    wild = data.X.copy()
    test = next(outer.split(data.spans)).test
    wild[test[40:]] = -wild[test[40:]]
    changed = data.derived(X=wild)
    after = evaluate(changed, tuned, outer, ledger, "s")
    np.testing.assert_array_equal(found.predictions[0, test[:40]], after.predictions[0, test[:40]])
    # The registry's model: the best parameters, fitted on all rows.
    fitted = tuned.fit(data).estimator
    assert fitted.get_params() == {
        **model("imbalance_threshold").get_params(),
        **tuned.search(data).parameters,
    }


class Elsewhere(SerialExecutor):
    """Runs each fold in another process, in another working folder, as a worker of a cluster does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def map(self, fn, items, *, doing="", done=None):
        code = "import pickle, sys; fn, item = pickle.load(sys.stdin.buffer); pickle.dump(fn(item), sys.stdout.buffer)"

        def run(item):
            given = pickle.dumps((fn, item))
            found = subprocess.run(
                [sys.executable, "-c", code], input=given, cwd=self.folder, stdout=-1, check=True
            )
            return pickle.loads(found.stdout)

        return super().map(run, items, doing=doing, done=done)


def told(trial: Trial) -> tuple[Any, ...]:
    return trial.study, trial.hash, trial.sessions, trial.results


def test_trials_of_a_fold_elsewhere_come_back(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("optuna", reason="needs the extra tune")
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    outer = CombinatorialPurged(2, 1)
    with RunFolder(Path("out"), {"kind": "test"}) as folder:
        tuned = Tuned("imbalance_threshold", INNER, folder.ledger, "s", 3, space=SPACE)
        found = evaluate(data, tuned, outer, folder.ledger, "s", mapper=folder.mapper(Elsewhere(there)))
        lines = folder.ledger.trials()
        assert [t.study for t in lines] == ["s/tuning"] * 6 + ["s"]
        assert all(t.ts > 0 for t in lines)
        assert list(there.iterdir()) == []
        # Killed after the lines and before a fold was stored: it is computed again, and no line stands twice.
        next((folder.path / "folds").iterdir()).unlink()
        again = evaluate(data, tuned, outer, folder.ledger, "s", mapper=folder.mapper(Elsewhere(there)))
        assert [told(t) for t in folder.ledger.trials()] == [told(t) for t in lines]
        assert [t.ts for t in folder.ledger.trials()] == [t.ts for t in lines]
        np.testing.assert_array_equal(found.predictions, again.predictions)
    # Computed here it is the same, line by line but for when.
    ledger = TrialLedger(tmp_path / "own.jsonl")
    evaluate(data, Tuned("imbalance_threshold", INNER, ledger, "s", 3, space=SPACE), outer, ledger, "s")
    assert [told(t) for t in ledger.trials()] == [told(t) for t in lines]


def test_it_competes_with_what_is_not_tuned(data: Dataset, ledger: TrialLedger) -> None:
    pytest.importorskip("optuna", reason="needs the extra tune")
    candidates = [
        Single(model("base_rate")),
        Tuned("imbalance_threshold", INNER, ledger, "s", 10, space=SPACE),
    ]
    found = nested(data, candidates, CombinatorialPurged(4, 1), PurgedWalkForward(4, 1, 0), ledger, "s")
    assert found.chosen.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("kind", sorted(SPACES))
def test_spaces_are_of_the_kinds(kind: str) -> None:
    tuned = Tuned(kind, INNER, TrialLedger(Path("nowhere")), "s", 1)
    assert tuned.parameters["tuned"]["space"].keys() == SPACES[kind].keys()
    for name, one in SPACES[kind].items():
        for value in one.values if isinstance(one, Choice) else (one.low, one.high):
            assert model(kind, **{name: value}).get_params()[name] == value


def test_refusals(data: Dataset, ledger: TrialLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="0 trials"):
        tune(data, "logistic", INNER, ledger, "s", budget=0)
    with pytest.raises(ConfigError, match="no parameter nonsense"):
        Tuned("logistic", INNER, ledger, "s", 3, space={"nonsense": Range(0, 1)})
    with pytest.raises(ConfigError, match="nothing to search"):
        Tuned("base_rate", INNER, ledger, "s", 3)
    with pytest.raises(ConfigError, match="nothing to search"):
        Tuned("logistic", INNER, ledger, "s", 3, fixed={"l2": 1.0})
    with pytest.raises(ConfigError, match="no model kind"):
        Tuned("oracle", INNER, ledger, "s", 3)
    with pytest.raises(ConfigError, match="expected a range"):
        Range(0, 1, log=True)
    with pytest.raises(ConfigError, match="two values"):
        Choice((1,))
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"quantumtrader\[tune\]"):
        tune(data, "logistic", INNER, ledger, "s", budget=2)
    assert ledger.trials() == []
