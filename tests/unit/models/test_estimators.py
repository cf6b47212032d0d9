"""What single kinds promise beyond the interface."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError
from quantumtrader.models import model
from quantumtrader.models._logit import log_odds

NAMES = ("a", "b", "c")


def sample(seed: int = 3, n: int = 800) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal([5, -100, 0], [1, 30, 0.01], (n, 3))
    score = (X[:, 0] - 5) + (X[:, 1] + 100) / 60 + rng.logistic(size=n)
    return X, np.searchsorted([-0.7, 0.7], score) - 1, rng.uniform(0.5, 2, n)


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_is_scikit_learns(classes: int) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="needs the extra ml")
    X, y, w = sample()
    y = (y > 0).astype(int) if classes == 2 else y
    ours = model("logistic", l2=3.0).fit(X, y, w, names=NAMES)
    w = w / w.mean()
    mean = (w[:, None] * X).sum(axis=0) / w.sum()
    scaled = (X - mean) / np.sqrt((w[:, None] * (X - mean) ** 2).sum(axis=0) / w.sum())
    theirs = linear_model.LogisticRegression(C=1 / 3.0, tol=1e-10, max_iter=10_000).fit(scaled, y, w)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(scaled), atol=2e-5)


def test_the_scaling_is_of_the_training_rows() -> None:
    X, y, w = sample()
    half = len(X) // 2
    far = X.copy()
    far[half:] *= 1_000  # what the model was not given cannot move it
    one = model("logistic").fit(X[:half], y[:half], w[:half], names=NAMES)
    two = model("logistic").fit(far[:half], y[:half], w[:half], names=NAMES)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    # A missing value counts as the mean of the training rows.
    hole, mean = X[:1].copy(), X[:1].copy()
    hole[0, 1], mean[0, 1] = np.nan, one.mean_[1]  # type: ignore[attr-defined]
    np.testing.assert_allclose(one.predict_proba(hole), one.predict_proba(mean), atol=1e-12)


def test_logistic_reads_named_columns_only() -> None:
    X, y, w = sample()
    fitted = model("logistic", columns=["b"]).fit(X, y, w, names=NAMES)
    other = X.copy()
    other[:, [0, 2]] = 7
    np.testing.assert_array_equal(fitted.predict_proba(X), fitted.predict_proba(other))
    with pytest.raises(ConfigError, match="'z' is not among"):
        model("logistic", columns=["z"]).fit(X, y, w, names=NAMES)


def test_base_rate_and_states_by_hand() -> None:
    X = np.array([[1.0], [1.0], [-1.0], [0.0]])
    y = np.array([1, 1, 0, 0])
    assert model("base_rate").fit(X, y, [1, 1, 1, 5], names=["r"]).predict_proba(X)[0].tolist() == [
        0.75,
        0.25,
    ]
    fitted = model("last_sign", column="r").fit(X, y, names=["r"])
    # Up: 2 of 2 rows, and ten rows at one half: 7/12.
    assert fitted.predict_proba([[3.0], [-2.0], [0.0], [np.nan]])[:, 1].tolist() == pytest.approx(
        [7 / 12, 5 / 11, 5 / 11, 0.5]
    )
    band = model("imbalance_threshold", column="r", threshold=0.5).fit(X, y, names=["r"])
    p = band.predict_proba([[0.4], [-0.5], [0.6]])[:, 1]
    assert p[0] == p[1] == pytest.approx(5 / 11)
    assert p[2] == pytest.approx(7 / 12)


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost"])
def test_monotone_constraints(kind: str) -> None:
    pytest.importorskip(kind, reason="needs its extra")
    X, y, w = sample()
    y = (y > 0).astype(int)
    grid = np.tile(np.median(X, axis=0), (200, 1))
    grid[:, 2] = np.linspace(-0.03, 0.03, 200)  # noise: free trees follow it up and down
    free = model(kind, trees=60).fit(X, y, w, names=NAMES).predict_proba(grid)[:, 1]
    tied = model(kind, trees=60, monotone={"c": 1}).fit(X, y, w, names=NAMES).predict_proba(grid)[:, 1]
    assert (np.diff(free) < -1e-9).any()
    assert (np.diff(tied) >= -1e-7).all()
    with pytest.raises(ConfigError, match="monotone"):
        model(kind, monotone={"z": 1}).fit(X, y, w, names=NAMES)


def test_seeds_differ() -> None:
    pytest.importorskip("lightgbm", reason="needs the extra ml")
    X, y, w = sample()
    one, two = (
        model("lightgbm", trees=20, seed=s).fit(X, y, w, names=NAMES).predict_proba(X) for s in (1, 2)
    )
    assert (one != two).any()


def test_stack_weights() -> None:
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 4_000)
    good = (2 * y - 1) + rng.normal(0, 2, len(y))  # log-odds of a calibrated score would be y·1/2
    opposite = (1 - 2 * y) + rng.normal(0, 2, len(y))
    X = np.column_stack((good, opposite, rng.normal(size=len(y))))
    names = ["good:1", "opposite:1", "noise:1"]
    weights = model("stack", shrinkage=0.0).fit(X, y, names=names).weights_[0]  # type: ignore[attr-defined]
    assert weights[0] > 0.4
    assert weights[1] == 0  # never against a model
    equal = model("stack", shrinkage=1e9).fit(X, y, names=names).weights_[0]  # type: ignore[attr-defined]
    np.testing.assert_allclose(equal[:3], 1 / 3, atol=1e-4)
    with pytest.raises(ConfigError, match="no column of class"):
        model("stack").fit(X, y, names=NAMES)


def test_log_odds() -> None:
    assert log_odds([0.5, 0.75, 0.0, 1.0]).tolist() == pytest.approx(
        [0, np.log(3), -13.815510, 13.815510], abs=1e-5
    )
