"""Traps: what must not be found is not found, and what is there is found.

On a random walk with overlapping labels a shuffled split scores like a prophet, because it trains on the
neighbours of what it tests. The splits of this package score like chance. And an edge that was planted pays
after costs, but not once it is taken out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.features import FeatureEngine
from quantumtrader.models import model
from quantumtrader.training import splits
from quantumtrader.training.cross_validate import evaluate, nested
from quantumtrader.training.dataset import Dataset, build_dataset
from quantumtrader.training.evaluation.discrimination import auc
from quantumtrader.training.labels import Latency, direction, round_trips
from quantumtrader.training.placebo import permute_days
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import Single
from quantumtrader.training.spans import Spans
from quantumtrader.training.splits import CombinatorialPurged, PurgedWalkForward
from quantumtrader.training.trials import TrialLedger
from reference import planted as streams

pytest.importorskip("lightgbm", reason="tree models need the extra ml")

SESSIONS, PER_SESSION, HORIZON = 20, 120, 60
WINDOWS = (50, 100, 150, 200, 300, 400)


def random_walk(seed: int) -> tuple[np.ndarray, np.ndarray, Spans]:
    """Rolling mean returns of a random walk, the sign of its next steps, and their overlapping spans."""
    n, before = SESSIONS * PER_SESSION, max(WINDOWS)
    walk = np.concatenate(([0], np.cumsum(np.random.default_rng(seed).normal(size=n + HORIZON + before))))
    t = before + np.arange(n)
    features = np.column_stack([(walk[t] - walk[t - w]) / w for w in WINDOWS])
    # The walk goes on from session to session, and so do the labels: purging has work to do.
    t0 = np.arange(n, dtype=np.int64)
    return (
        features,
        (walk[t + HORIZON] > walk[t]).astype(np.int64),
        Spans(t0, t0 + HORIZON, t0 // PER_SESSION),
    )


def scored(train: np.ndarray, test: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    trees = model(
        "lightgbm", trees=40, leaves=63, min_leaf=3, learning_rate=0.2, feature_share=1.0, row_share=1.0
    )
    names = [f"x{k}" for k in range(X.shape[1])]
    return trees.fit(X[train], y[train], names=names).predict_proba(X[test])[:, 1]


def test_shuffled_splits_see_the_answer_and_ours_do_not() -> None:
    shuffled, purged = [], []
    for seed in range(8):
        X, y, spans = random_walk(seed)
        folds = (
            np.random.default_rng(seed).permutation(len(y)) % 5
        )  # here only: the package has no such thing
        p = np.empty(len(y))
        for k in range(5):
            p[folds == k] = scored(np.flatnonzero(folds != k), np.flatnonzero(folds == k), X, y)
        shuffled.append(auc(p, y))
        for split in CombinatorialPurged(5, 1, embargo_sessions=1, embargo_ns=max(WINDOWS)).split(spans):
            p[split.test] = scored(split.train, split.test, X, y)
        purged.append(auc(p, y))
    # As docs/concepts/learning.md quotes them.
    assert min(shuffled) > 0.96
    assert np.mean(purged) == pytest.approx(0.49, abs=0.01)


def test_there_is_no_other_splitter() -> None:
    found = {n for n in vars(splits) if hasattr(vars(splits)[n], "split") and n[0].isupper()}
    assert found == {"CombinatorialPurged", "PurgedWalkForward", "Splitter"}
    package = Path(splits.__file__).parent
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "KFold" not in text, path
        assert "train_test_split" not in text, path
        assert "sklearn" not in text, path


def planted(response: float, seed: int = 3, count: int = 24) -> Dataset:
    """Sessions in which the imbalance moves the mid, or does not."""
    latency = Latency((2 * 10**6, 5 * 10**6, 40 * 10**6))
    return build_dataset(
        streams.sessions(count, seed, response),
        FeatureEngine(["book_imbalance_1", "mid_return_1s", "mid_return_10s"], streams.X, clock="1s"),
        lambda path, rows: direction(path, rows.times, 3 * streams.S, 0.5),
        payer=lambda path, times: round_trips(path, times, 3 * streams.S, latency),
    )


POLICY = Policy(margin=0.3, cost_ticks=0.5)
BOOK = CombinatorialPurged(6, 2, embargo_sessions=1)
TREES = Single(model("lightgbm", trees=40, leaves=7, min_leaf=50, monotone={}))


def test_a_planted_edge_is_found_after_costs_and_only_then(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "trials.jsonl")
    there = evaluate(planted(0.9), TREES, BOOK, ledger, "there", policy=POLICY)
    assert there.net is not None
    assert there.sufficiency.sufficient
    assert there.net.low > 0
    assert there.edge.low > 0
    assert (there.skill > 0.02).all()
    gone = evaluate(planted(0.0), TREES, BOOK, ledger, "gone", policy=POLICY)
    assert gone.net is not None
    assert not gone.net.low > 0
    assert gone.edge.low <= 0
    # Whoever trades all the same pays spread and fees: 1.5 ticks a time.
    always = evaluate(planted(0.0), TREES, BOOK, ledger, "always", policy=Policy(0.0, 0.5))
    assert always.net is not None
    assert always.net.high < 0
    assert always.net.mean == pytest.approx(-1.5, abs=0.4)


def test_permuted_days_score_like_chance(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "trials.jsonl")
    placebo = evaluate(permute_days(planted(0.9), 1), TREES, BOOK, ledger, "placebo", policy=POLICY)
    assert placebo.net is not None
    assert placebo.edge.low <= 0
    assert not placebo.net.low > 0
    assert placebo.skill.mean() < 0.01


def test_what_a_test_row_holds_changes_no_other_prediction(tmp_path: Path) -> None:
    data = planted(0.9, count=8)
    splitter = PurgedWalkForward(5, 3, embargo_sessions=0)
    part = next(splitter.split(data.spans))
    for kind in ("logistic", "base_rate", "lightgbm"):
        recipe = Single(
            model(kind, **({"trees": 10} if kind == "lightgbm" else {})), "platt", PurgedWalkForward(2, 1, 0)
        )
        ledger = TrialLedger(tmp_path / f"{kind}.jsonl")
        before = evaluate(data, recipe, splitter, ledger, "s").predictions[0]
        wild = data.X.copy()
        wild[part.test[100:]] = wild[part.test[100:]] * 50 + 7
        changed = data.derived(X=wild)
        after = evaluate(changed, recipe, splitter, ledger, "s").predictions[0]
        np.testing.assert_array_equal(before[part.test[:100]], after[part.test[:100]])
    with pytest.raises(ConfigError, match="inner splitter"):
        Single(model("logistic"), "platt")


def test_rows_that_were_scaled_after_their_replay_are_refused(tmp_path: Path) -> None:
    data = planted(0.9, count=8)
    ledger = TrialLedger(tmp_path / "trials.jsonl")
    scaled = (data.X - np.nanmean(data.X, axis=0)) / np.nanstd(data.X, axis=0)
    with pytest.raises(DataError, match="changed after the replay"):
        replace(data, X=scaled)
    with pytest.raises(DataError, match="changed after the replay"):
        replace(data, y=data.y[::-1].copy())
    fields = (data.y, data.spans, data.ts_feature_max, data.manifest, data.label, data.measured_from)
    with pytest.raises(DataError, match="no seal"):
        evaluate(Dataset(scaled, *fields), TREES, BOOK, ledger, "s")
    part = data.take(slice(0, 900))  # still what a replay made
    assert part.seal == part.sha256 != data.seal
    part.require_sealed()
    # Neither are values written into the arrays, whoever evaluates, chooses or ships.
    data.X[:] = scaled
    with pytest.raises(DataError, match="changed after the replay"):
        evaluate(data, TREES, BOOK, ledger, "s")
    with pytest.raises(DataError, match="changed after the replay"):
        nested(data, [TREES], BOOK, BOOK, ledger, "s")
    assert ledger.trials() == []


def test_only_steps_that_fit_nothing_seal_rows_again() -> None:
    package = Path(splits.__file__).parent
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if ".derived(" in path.read_text(encoding="utf-8")
    }
    steps = ("base_score", "book", "book_task", "prepared")
    assert found == {"dataset.py", "placebo.py", *(f"pipelines/{name}.py" for name in steps)}
