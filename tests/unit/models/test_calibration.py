"""Calibration, abstention, importance."""

from __future__ import annotations

import json

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataError, DataFormatError
from quantumtrader.models import model
from quantumtrader.models._logit import log_odds, sigmoid
from quantumtrader.models.calibration import Calibration
from quantumtrader.models.conformal import AdaptiveConformal
from quantumtrader.models.importance import families_of, family_losses
from quantumtrader.training.evaluation import expected_calibration_error, log_loss


def overconfident(n: int = 20_000, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with twice the true log-odds."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0.3, 1, n)
    y = (rng.random(n) < sigmoid(z)).astype(np.int64)
    p = sigmoid(2 * z)
    return np.column_stack((1 - p, p)), y, z


@pytest.mark.parametrize("method", ["platt", "beta", "isotonic"])
def test_overconfidence_is_undone(method: str) -> None:
    p, y, _ = overconfident()
    found = Calibration.fit(p, y, method=method)
    q, truth, _ = overconfident(seed=9)
    after = found.apply(q)
    assert expected_calibration_error(q, truth) > 0.08
    assert expected_calibration_error(after, truth) < 0.02
    assert log_loss(after, truth) < log_loss(q, truth) - 0.05
    if method == "platt":
        assert found.curves[0] == pytest.approx((0.5, 0.0), abs=0.04)
    order = np.argsort(q[:, 1])
    assert (np.diff(after[order, 1]) >= -1e-12).all()  # never turns the order around
    again = Calibration.from_document(json.loads(json.dumps(found.to_document())))
    np.testing.assert_array_equal(again.apply(q), after)


def test_isotonic_by_hand() -> None:
    p = np.repeat([0.1, 0.2, 0.3, 0.4], 2_000)
    y = np.concatenate([np.arange(2_000) < k for k in (200, 900, 300, 1_200)]).astype(
        int
    )  # 0.2 and 0.3 violate
    found = Calibration.fit(np.column_stack((1 - p, p)), y, method="isotonic")
    at = found.apply([[0.9, 0.1], [0.75, 0.25], [0.6, 0.4], [0.1, 0.9]])[:, 1]
    assert at.tolist() == pytest.approx([0.1, 0.3, 0.6, 0.6])


def test_isotonic_needs_samples() -> None:
    p, y, _ = overconfident()
    with pytest.raises(DataError, match="5000 effective samples, there are 2000"):
        Calibration.fit(p, y, np.full(len(y), 0.1), method="isotonic")


def test_three_classes_and_regimes() -> None:
    rng = np.random.default_rng(4)
    truth = rng.dirichlet([2, 3, 2], 12_000)
    y = (rng.random(len(truth))[:, None] > truth.cumsum(axis=1)).sum(axis=1)
    distorted = truth**2 / (truth**2).sum(axis=1, keepdims=True)
    found = Calibration.fit(distorted, y)
    after = found.apply(distorted)
    np.testing.assert_allclose(after.sum(axis=1), 1)
    assert log_loss(after, y) < log_loss(distorted, y)

    p, y, z = overconfident()
    regime = np.where(np.arange(len(y)) % 2, "range", "trend_up")
    shifted = np.where(regime == "range", z + 1, z)
    y = (rng.random(len(y)) < sigmoid(shifted)).astype(int)
    by = Calibration.fit(p, y, regimes=regime)
    assert by.intercepts["range"][0] - by.intercepts["trend_up"][0] == pytest.approx(1, abs=0.12)
    np.testing.assert_array_equal(by.apply(p, np.full(len(p), "unseen")), by.apply(p))
    assert log_loss(by.apply(p, regime), y) < log_loss(by.apply(p), y)


def test_calibration_refusals() -> None:
    p, y, _ = overconfident(100)
    with pytest.raises(ConfigError, match="not known"):
        Calibration.fit(p, y, method="magic")
    with pytest.raises(DataError, match="class 0 never came"):
        Calibration.fit(p, np.ones(100))
    with pytest.raises(DataFormatError):
        Calibration.from_document({"method": "platt", "classes": 2, "curves": [[1.0]], "intercepts": {}})


def test_conformal_by_hand() -> None:
    classes = np.array([-1, 1])
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.45, 0.55]])
    tool = AdaptiveConformal(classes, alpha=0.4, rate=0).calibrate(p, np.array([-1, -1, 1, 1, -1]))
    # Scores 0.1, 0.2, 0.3, 0.4, 0.55; rank ceil(0.6·6) = 4: classes with at least 0.6.
    assert tool.sets([[0.6, 0.4], [0.5, 0.5], [0.1, 0.9]]).tolist() == [
        [True, False],
        [False, False],
        [False, True],
    ]
    sides = [tool.sides(row) for row in ([0.6, 0.4], [0.5, 0.5], [0.1, 0.9])]
    assert sides == [(True, False), (False, False), (False, True)]
    assert tool.at(0.01).sides([0.1, 0.9]) == (True, True)  # rank 6 of 5 scores: every class is in
    three = AdaptiveConformal(np.array([-1, 0, 1]), 0.5).calibrate(
        [[0.2, 0.2, 0.6]], [1]
    )  # classes with at least 0.6
    assert three.sides([0.1, 0.3, 0.6]) == (False, True)
    assert three.sides([0.1, 0.6, 0.3]) == (False, False)  # neither is no side


def test_conformal_covers_and_adapts() -> None:
    rng = np.random.default_rng(6)
    z = rng.normal(0, 1.5, 20_000)
    p = np.column_stack((sigmoid(-z), sigmoid(z)))
    y = np.where(rng.random(len(z)) < p[:, 1], 1, -1)
    classes = np.array([-1, 1])
    tool = AdaptiveConformal(classes, 0.1, 0).calibrate(p[:10_000], y[:10_000])
    inside = tool.sets(p[10_000:])[np.arange(10_000), (y[10_000:] > 0).astype(int)]
    assert inside.mean() == pytest.approx(0.9, abs=0.012)
    # The world turns around: fixed sets miss most of the time, adaptive ones find back.
    misses = {}
    for rate in (0.0, 0.02):
        turned = AdaptiveConformal(classes, 0.1, rate).calibrate(p[:10_000], y[:10_000])
        missed = [turned.update(p[k], int(-y[k])) for k in range(10_000, 13_000)]
        misses[rate] = np.mean(missed[1_000:])
    assert misses[0.0] > 0.25
    assert misses[0.02] == pytest.approx(0.1, abs=0.02)
    with pytest.raises(ConfigError, match="calibrate"):
        AdaptiveConformal(classes).sets(p)
    with pytest.raises(DataError, match="not among"):
        tool.update(p[0], 5)


def test_scores_of_sets_are_kept_as_ranks_rounded_up() -> None:
    rng = np.random.default_rng(4)
    up = rng.random(12_345)
    y = np.where(rng.random(len(up)) < up, 1, -1)
    whole = AdaptiveConformal(np.array([-1, 1])).calibrate(np.column_stack((1 - up, up)), y)
    document = json.loads(json.dumps(whole.to_document()))
    assert (document["rows"], len(document["scores"])) == (12_345, 999)
    read = AdaptiveConformal.from_document(document)
    for alpha in (0.0015, 0.05, 0.1, 0.3337, 0.999):
        assert whole.at(alpha).limit <= read.at(alpha).limit <= whole.at(max(alpha - 0.0011, 1e-9)).limit
    few = AdaptiveConformal(np.array([-1, 1])).calibrate([[0.25, 0.75], [0.5, 0.5]], [1, -1])
    assert few.to_document() == {"classes": [-1, 1], "rows": 2, "scores": [0.25, 0.5]}
    for change in (
        {"scores": [0.5, 0.25]},
        {"scores": []},
        {"scores": [0.1, 1.5]},
        {"rows": 1},
        {"classes": [1, -1]},
    ):
        with pytest.raises(DataFormatError, match="not the scores of prediction sets"):
            AdaptiveConformal.from_document(few.to_document() | change)
    with pytest.raises(DataFormatError, match="KeyError"):
        AdaptiveConformal.from_document({})


def test_importance_by_family() -> None:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(4_000, 3))
    y = (rng.random(4_000) < sigmoid(1.5 * X[:, 0] + 0.3 * X[:, 2])).astype(np.int64)
    names = ("flow_ofi_1m", "adx_14", "book_imbalance_1")
    fitted = model("logistic").fit(X[:2_000], y[:2_000], names=names)
    families = families_of(names)
    assert families == {
        "order_flow": ("flow_ofi_1m",),
        "technical": ("adx_14",),
        "liquidity": ("book_imbalance_1",),
    }
    rise = {k: v.mean() for k, v in family_losses(fitted, X[2_000:], y[2_000:], names, families).items()}
    assert rise["order_flow"] > 0.2 > rise["liquidity"] > 0.002
    assert abs(rise["technical"]) < 0.002
    assert log_odds(0.5) == 0
