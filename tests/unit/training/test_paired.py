"""Does A beat B: by hand, and how often it says so when neither does."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError
from quantumtrader.features import FeatureEngine
from quantumtrader.models import model
from quantumtrader.training.cross_validate import Evaluation, evaluate
from quantumtrader.training.dataset import Dataset, Sufficiency, build_dataset
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.labels import direction
from quantumtrader.training.paired import LEVEL, paired, ships
from quantumtrader.training.recipes import Single
from quantumtrader.training.spans import Spans
from quantumtrader.training.splits import CombinatorialPurged
from quantumtrader.training.trials import Trial, TrialLedger
from reference.planted import S, X, sessions

pytest.importorskip("scipy", reason="needs the extra ml")

MANIFEST = FeatureEngine(["ret_1"], X).manifest
NOTHING = Interval(0.0, 0.0, 0.0, 0.0, 0, 0.0)


def dataset(y: np.ndarray, session: np.ndarray) -> Dataset:
    t0 = np.arange(len(y), dtype=np.int64)
    return Dataset(np.zeros((len(y), 1)), y, Spans(t0, t0, session), t0, MANIFEST, "y", {})


def evaluation(
    data: Dataset, up: np.ndarray, kind: str = "a", changes: dict[str, object] | None = None
) -> Evaluation:
    """An evaluation that gave class 1 the chances ``up``, shape (paths, n)."""
    p = np.stack((1 - up, up), axis=2)
    parameters = {"kind": kind, "data": data.sha256, "splitter": {"scheme": "x"}, **(changes or {})}
    trial = Trial("s", parameters, ("2025-01-01",), (0.0,))
    return Evaluation(
        trial, data.classes, p, np.full_like(p, 0.5), np.zeros(len(p)), NOTHING, None, 0.0, Sufficiency()
    )


def test_by_hand() -> None:
    data = dataset(np.array([1, 0, 1, 1]), np.array([1, 1, 2, 3]))
    a = evaluation(data, np.array([[0.8, 0.4, 0.5, 0.9], [0.8, 0.4, 0.5, 0.2]]))
    b = evaluation(data, np.array([[0.4, 0.5, 0.5, 0.6], [0.4, 0.5, 0.5, 0.6]]))
    found = paired(a, b, data)
    gained = np.log([[0.8 / 0.4, 0.6 / 0.5, 1.0, 0.9 / 0.6], [0.8 / 0.4, 0.6 / 0.5, 1.0, 0.2 / 0.6]])
    np.testing.assert_allclose(found.paths, gained.mean(axis=1))
    assert found.paths_won == 1
    rows = gained.mean(axis=0)
    mean = rows.mean()
    sums = np.array([rows[:2].sum() - 2 * mean, rows[2] - mean, rows[3] - mean])
    error = math.sqrt(3 / 2 * (sums**2).sum()) / 4
    assert found.difference.mean == pytest.approx(mean)
    assert found.difference.error == pytest.approx(error)
    # Student with two degrees of freedom: 1/2 − t / (2 √(2 + t²))
    t = mean / error
    assert found.p_value == pytest.approx(0.5 - t / (2 * math.sqrt(2 + t * t)))
    other = paired(b, a, data)
    assert other.difference.mean == pytest.approx(-mean)
    assert other.p_value == pytest.approx(1 - found.p_value)


def test_overlapping_labels_count_less() -> None:
    y, session = np.array([1, 1, 1]), np.array([1, 1, 2])
    data = replace(
        dataset(np.array([0, *y[1:]]), session),
        spans=Spans(np.array([0, 1, 20]), np.array([5, 5, 25]), session),
    )
    a, b = (evaluation(data, np.array([up])) for up in ([0.5, 0.5, 0.9], [0.5, 0.5, 0.6]))
    # Uniqueness: the first is alone for one of five, the second never.
    weights = np.array([(1 + 4 / 2) / 5, 1 / 2, 1])
    assert paired(a, b, data).difference.mean == pytest.approx(math.log(1.5) / weights.sum())


def test_it_errs_as_often_as_it_says() -> None:
    """Rows of a session move together: one in twenty null comparisons is found at 5 %, a real one most times."""
    rng = np.random.default_rng(4)
    session = np.repeat(np.arange(24), 12)
    found, power = [], []
    for _ in range(1_000):
        y = rng.integers(0, 2, len(session))
        y[:2] = 0, 1
        data = dataset(y, session)
        # Whichever is right, the whole session says so: neither is better.
        lean = np.repeat(np.clip(rng.normal(0, 0.1, 24), -0.3, 0.3), 12) * (2 * y - 1)
        one, two = evaluation(data, 0.5 + lean[None]), evaluation(data, 0.5 - lean[None])
        found.append(paired(one, two, data).p_value)
        better = evaluation(data, 0.5 + lean[None] + 0.15 * (2 * y - 1)[None])
        power.append(paired(better, two, data).p_value)
    for level in (0.05, 0.1, 0.5):
        assert np.mean(np.array(found) < level) == pytest.approx(level, abs=0.035)
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.02)
    assert np.mean(np.array(power) < 0.05) > 0.8
    # As if rows were independent it would be wrong far more often.
    naive = 0
    for k in range(300):
        g = np.random.default_rng(k)
        d = np.repeat(g.normal(size=24), 12)
        naive += bool(d.mean() / (d.std(ddof=1) / math.sqrt(len(d))) > 1.65)
    assert naive / 300 > 0.2


def test_what_may_not_be_compared() -> None:
    data = dataset(np.array([1, 0, 1, 1]), np.array([1, 1, 2, 3]))
    a = evaluation(data, np.full((1, 4), 0.5))
    with pytest.raises(ConfigError, match="the second evaluation is of other data"):
        paired(a, evaluation(data, np.full((1, 4), 0.5), "a", {"data": "x"}), data)
    with pytest.raises(ConfigError, match="other splitter"):
        paired(a, evaluation(data, np.full((1, 4), 0.5), "a", {"splitter": {"scheme": "y"}}), data)
    with pytest.raises(ConfigError, match="other rows"):
        paired(a, evaluation(data, np.array([[0.5, np.nan, 0.5, 0.5]])), data)
    with pytest.raises(ConfigError, match="other rows"):
        paired(a, evaluation(data, np.full((2, 4), 0.5)), data)


def test_nothing_beats_itself() -> None:
    data = dataset(np.array([1, 0, 1, 1]), np.array([1, 1, 2, 3]))
    a = evaluation(data, np.full((1, 4), 0.6))
    assert paired(a, a, data).p_value == 1
    assert not paired(a, a, data).better()
    one = dataset(np.array([1, 0, 1, 1]), np.array([1, 1, 1, 1]))
    assert math.isnan(
        paired(evaluation(one, np.full((1, 4), 0.6)), evaluation(one, np.full((1, 4), 0.5)), one).p_value
    )


def test_what_ships_and_what_the_report_says() -> None:
    rng = np.random.default_rng(2)
    session = np.repeat(np.arange(30), 40)
    data = dataset(rng.integers(0, 2, len(session)), session)
    right = 2 * data.y - 1
    noise = rng.normal(0, 0.05, len(session))
    trees = evaluation(data, 0.5 + noise[None], "lightgbm")
    net = evaluation(data, (0.5 + 0.05 * right + noise)[None], "lstm")
    found = ships(net, trees, data)
    assert found.ships
    assert found.text().startswith("lstm ships: it beats lightgbm by ")
    assert "ahead on 1 of 1 paths" in found.text()
    back = ships(trees, net, data)
    assert not back.ships
    assert back.text().startswith("lightgbm does not ship: against lstm it gains -")
    assert back.text("pt").startswith("lightgbm não entra em uso: contra lstm ganha -")
    assert found.text("pt").startswith("lstm entra em uso: supera lightgbm")
    assert ships(net, trees, data, names=("a", "b")).text().startswith("a ships: it beats b by ")
    # Two challengers share the level, and too little data settles it.
    assert ships(net, trees, data, challengers=2).level == LEVEL / 2
    short = replace(net, sufficiency=Sufficiency(("12 sessions, at least 20 are needed",)))
    found = ships(short, trees, data)
    assert not found.ships
    assert found.text().endswith("the data are insufficient: 12 sessions, at least 20 are needed.")
    with pytest.raises(ConfigError, match="challengers"):
        ships(net, trees, data, challengers=0)
    with pytest.raises(ConfigError, match="no text"):
        found.text("fr")


def test_over_real_evaluations(tmp_path: Path) -> None:
    data = build_dataset(
        sessions(21, 5, 0.9, n=60),
        FeatureEngine(["book_imbalance_1", "mid_return_1s"], X, clock="1s"),
        lambda path, rows: direction(path, rows.times, 3 * S, 0.5),
    )
    ledger = TrialLedger(tmp_path / "trials.jsonl")
    splitter = CombinatorialPurged(4, 2)
    logistic, rate = (
        evaluate(data, Single(model(k)), splitter, ledger, "s") for k in ("logistic", "base_rate")
    )
    found = paired(logistic, rate, data)
    assert found.better()
    assert found.paths_won == 3
    assert not paired(rate, logistic, data).better()
    np.testing.assert_allclose(found.difference.mean, found.paths.mean())
