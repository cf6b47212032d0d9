"""Evaluation: paths, the ledger, nesting, stacks, policies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataAccessError, DataError
from quantumtrader.features import FeatureEngine
from quantumtrader.models import model
from quantumtrader.training.cross_validate import evaluate, fold_importance, nested
from quantumtrader.training.dataset import Dataset, build_dataset
from quantumtrader.training.evaluation.discrimination import auc
from quantumtrader.training.labels import Latency, RoundTrips, direction, round_trips
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import Single, Stacked, out_of_fold
from quantumtrader.training.spans import Spans
from quantumtrader.training.splits import CombinatorialPurged, PurgedWalkForward
from quantumtrader.training.trials import TrialLedger
from reference.planted import S, X, sessions

CPCV = CombinatorialPurged(4, 2)
LOGISTIC, RATE = Single(model("logistic")), Single(model("base_rate"))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return build_dataset(
        sessions(12, 5, 0.9, n=120),
        FeatureEngine(["book_imbalance_1", "mid_return_1s"], X, clock="1s"),
        lambda path, rows: direction(path, rows.times, 3 * S, 0.5),
        payer=lambda path, times: round_trips(path, times, 3 * S, Latency((10**6,))),
    )


@pytest.fixture
def ledger(tmp_path: Path) -> TrialLedger:
    return TrialLedger(tmp_path / "trials.jsonl")


def test_every_evaluation_writes_a_line(data: Dataset, ledger: TrialLedger) -> None:
    found = evaluate(data, LOGISTIC, CPCV, ledger, "s", policy=Policy(0.2, 0.5))
    assert len(ledger.trials()) == 1
    line = ledger.trials()[0]
    assert line.hash == found.trial.hash
    assert line.parameters["kind"] == "logistic"
    assert line.parameters["splitter"] == {
        "scheme": "CombinatorialPurged", "groups": 4, "test_groups": 2, "embargo_sessions": 1, "embargo_ns": 0,
    }  # fmt: skip
    assert line.parameters["data"] == data.sha256
    assert len(line.results) == 12
    assert line.metrics["net_ticks"] == found.net.mean  # type: ignore[union-attr]
    # The session results are those of the trades, mean over the paths.
    assert sum(line.results) == pytest.approx(found.net.mean * found.trades)  # type: ignore[union-attr]
    evaluate(data, Single(model("logistic", l2=9.0)), CPCV, ledger, "s", policy=Policy(0.2, 0.5))
    assert ledger.count("s") == 2
    assert ledger.matrix("s")[1].shape == (12, 2)


def test_no_line_no_result(data: Dataset, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DataAccessError, match="cannot be written"):
        evaluate(data, RATE, CPCV, TrialLedger(blocked / "trials.jsonl"), "s")
    with pytest.raises(TypeError):
        evaluate(data, RATE, CPCV)  # type: ignore[call-arg]


def test_paths_hold_each_row_once(data: Dataset, ledger: TrialLedger) -> None:
    found = evaluate(data, LOGISTIC, CPCV, ledger, "s")
    assert found.predictions.shape == (3, len(data), 2)
    np.testing.assert_allclose(found.predictions.sum(axis=2), 1)
    # Each prediction is that of a model fitted on the training part of its split.
    split = next(iter(CPCV.split(data.spans)))
    train = data.take(split.train)
    fitted = model("logistic").fit(train.X, train.y, recipes_weights(train), names=train.names)
    path = 0  # the first split is on the first path
    assert CPCV.paths()[0, 0] == 0
    rows = split.test[np.isin(CPCV.groups_of(data.spans)[split.test], split.groups[:1])]
    np.testing.assert_allclose(found.predictions[path, rows], fitted.predict_proba(data.X[rows]), atol=1e-12)
    assert len(found.skill) == 3
    assert (found.skill > 0.01).all()
    assert found.net is None


def recipes_weights(data: Dataset) -> np.ndarray:
    from quantumtrader.training.weights import average_uniqueness

    return average_uniqueness(data.spans)


def test_the_base_rate_has_no_skill(data: Dataset, ledger: TrialLedger) -> None:
    found = evaluate(data, RATE, CPCV, ledger, "s")
    assert np.abs(found.skill).max() < 0.005
    assert not found.sufficiency.sufficient  # twelve sessions


def test_walk_forward_is_one_path(data: Dataset, ledger: TrialLedger) -> None:
    found = evaluate(data, LOGISTIC, PurgedWalkForward(6, 2), ledger, "s")
    assert found.predictions.shape[0] == 1
    tested = ~np.isnan(found.predictions[0, :, 0])
    assert sorted(set(data.spans.session[tested])) == data.spans.sessions[7:].tolist()
    assert len(found.trial.results) == 5
    with pytest.raises(ConfigError, match="needs 16 sessions"):
        evaluate(data, LOGISTIC, PurgedWalkForward(14, 2), ledger, "s")


def test_workers_change_nothing(data: Dataset, ledger: TrialLedger) -> None:
    one = evaluate(data, LOGISTIC, CPCV, ledger, "s")
    with ThreadPoolExecutor(2) as pool:
        two = evaluate(data, LOGISTIC, CPCV, ledger, "s", mapper=pool.map)
    np.testing.assert_array_equal(one.predictions, two.predictions)


def test_nested_choice(data: Dataset, ledger: TrialLedger) -> None:
    inner = PurgedWalkForward(2, 1, embargo_sessions=0)
    found = nested(data, [RATE, LOGISTIC], CPCV, inner, ledger, "s", policy=Policy(0.2, 0.5))
    assert found.chosen.tolist() == [1] * 6
    np.testing.assert_array_equal(found.evaluation.predictions, found.evaluations[1].predictions)
    assert ledger.count("s") == 3  # two candidates and the choice
    assert len(ledger.trials("s/inner")) == 12
    assert {t.parameters["outer"] for t in ledger.trials("s/inner")} == set(range(6))


def test_calibration_inside(data: Dataset, ledger: TrialLedger) -> None:
    pytest.importorskip("lightgbm", reason="tree models need the extra ml")
    wild = model("lightgbm", trees=80, leaves=31, min_leaf=2, learning_rate=0.2)
    raw = evaluate(data, Single(wild), CPCV, ledger, "s")
    calm = evaluate(data, Single(wild, "platt", PurgedWalkForward(2, 1, 0)), CPCV, ledger, "s")
    assert raw.skill.mean() < 0 < calm.skill.mean()
    assert calm.trial.parameters["calibration"] == "platt"
    fitted = Single(wild, "platt", PurgedWalkForward(2, 1, 0)).fit(data)
    assert fitted.calibration is not None
    raw_p = fitted.estimator.predict_proba(data.X[:9])
    np.testing.assert_allclose(
        fitted.predict(data.X[:9], data.classes), fitted.calibration.apply(raw_p), atol=1e-12
    )
    # A class that the training rows lack gets next to nothing.
    assert fitted.predict(data.X[:9], np.array([-1, 0, 1]))[:, 1].max() < 1e-5


def test_a_stack(data: Dataset, ledger: TrialLedger) -> None:
    members = [model("logistic"), model("last_sign", column="mid_return_1s"), model("base_rate")]
    stacked = Stacked(members, PurgedWalkForward(2, 1, 0), model("stack"))  # type: ignore[arg-type]
    found = evaluate(data, stacked, CPCV, ledger, "s")
    assert found.skill.mean() > 0.01
    assert [m["kind"] for m in found.trial.parameters["members"]] == ["logistic", "last_sign", "base_rate"]
    # What is fitted is one model, which the registry can keep.
    composite = stacked.fit(data).estimator
    assert composite.kind == "composite"
    np.testing.assert_allclose(
        composite.predict_proba(data.X[:9]),
        stacked.fit_predict(data, data.X[:9], data.classes, float("inf")),
        atol=1e-12,
    )
    with pytest.raises(ConfigError, match="two models"):
        Stacked(members[:1], CPCV, model("stack"))  # type: ignore[arg-type]


def test_out_of_fold_rows_are_unseen(data: Dataset) -> None:
    p, rows = out_of_fold(model("logistic"), data, PurgedWalkForward(6, 2), data.classes)
    assert np.isnan(p[: rows[0]]).all()
    assert not np.isnan(p[rows]).any()


def test_importance_on_folds(data: Dataset) -> None:
    rise = fold_importance(data, LOGISTIC, CPCV)
    assert set(rise) == {"liquidity", "microstructure"}
    assert rise["liquidity"].low > 0.01
    assert rise["liquidity"].n_eff == pytest.approx(data.n_eff, rel=0.02)  # not three times as much
    assert abs(rise["microstructure"].mean) < 0.02


def test_refusals(data: Dataset, ledger: TrialLedger) -> None:
    from dataclasses import replace

    with pytest.raises(ConfigError, match="payer"):
        evaluate(replace(data, trips=None), RATE, CPCV, ledger, "s", policy=Policy())
    with pytest.raises(DataError, match="one class"):
        evaluate(data.derived(y=np.ones(len(data), np.int64)), RATE, CPCV, ledger, "s")
    with pytest.raises(ConfigError, match="policy"):
        Policy(margin=1)
    assert ledger.trials() == []


def test_a_policy_by_hand() -> None:
    t0 = np.arange(5, dtype=np.int64) * 10
    spans = Spans(t0, t0 + 15, np.zeros(5, np.int64))
    trips = RoundTrips(np.array([3.0, 9, np.nan, 2, 2]), np.array([-4.0, -9, 1, 5, -1]), t0 + 15, t0 + 15)
    classes = np.array([-1, 0, 1])
    p = np.array([[0.1, 0.2, 0.7], [0, 0, 1], [0.2, 0.1, 0.7], [0.6, 0.4, 0], [0.3, 0.4, 0.3]])
    policy = Policy(margin=0.2, cost_ticks=0.5)
    sides = policy.sides(p, classes)
    assert sides.tolist() == [1, 1, 1, -1, 0]
    trades = policy.trade(sides, trips, spans)
    # The second finds the first one open, the third no price.
    assert trades.rows.tolist() == [0, 3]
    assert trades.net_ticks.tolist() == [2.5, 4.5]
    assert Policy(0.2).sides(np.array([[0.3, 0.7], [0.45, 0.55]]), np.array([0, 1])).tolist() == [1, 0]


def test_auc_by_hand() -> None:
    assert auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75
    assert auc([1, 1, 1], [0, 1, 1]) == 0.5
    assert np.isnan(auc([1, 2], [1, 1]))
