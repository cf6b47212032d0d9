"""What holds for every registered model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataAccessError, DataError, DataFormatError
from quantumtrader.models import Model, load_estimator, model, model_kinds, register_model

pytest.importorskip("lightgbm", reason="tree models need the extra ml")
pytest.importorskip("xgboost", reason="needs the extra xgboost")

SMALL: dict[str, dict[str, Any]] = {
    "lightgbm": {"trees": 12, "min_leaf": 10},
    "random_forest": {"trees": 12, "min_leaf": 10},
    "xgboost": {"trees": 12, "min_child_weight": 1.0},
}
NAMES = ("ret_1", "book_imbalance_1", "mid_return_1s:-1", "a:0", "b:1")
KINDS = model_kinds()
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def make(kind: str) -> Model:
    return model(kind, **SMALL.get(kind, {}))


def rows(classes: int, n: int = 600, seed: int = 1) -> Rows:
    """Features that say something about the class, with holes; classes −1 and 1, or −1, 0 and 1."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    X = score[:, None] * [1, 1, -1, 0, 1] + rng.normal(size=(n, 5))
    cut = np.array([0.0]) if classes == 2 else np.array([-0.6, 0.6])
    y = np.array([-1, 1] if classes == 2 else [-1, 0, 1])[np.searchsorted(cut, score)]
    X[rng.random(X.shape) < 0.05] = np.nan
    return X, y, rng.uniform(0.2, 1.0, n)


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.fixture(params=[2, 3], ids=["binary", "three"])
def data(request: pytest.FixtureRequest) -> Rows:
    return rows(request.param)


def test_every_kind_is_checked() -> None:
    assert set(KINDS) >= {
        "base_rate", "imbalance_threshold", "last_sign", "lightgbm", "logistic", "random_forest", "stack", "xgboost",
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities(kind: str, data: Rows) -> None:
    X, y, w = data
    fitted = make(kind).fit(X, y, w, names=NAMES)
    assert fitted.classes_.tolist() == sorted(set(y.tolist()))
    p = fitted.predict_proba(X)
    assert p.shape == (len(X), len(fitted.classes_))
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    assert (p >= 0).all()
    if kind != "base_rate":
        # Columns are in the order of the classes: each is likelier where it came.
        for k, c in enumerate(fitted.classes_):
            assert p[y == c, k].mean() > p[y != c, k].mean()
        assert (fitted.predict(X) == y).mean() > 0.4
    assert fitted.predict_proba(X[:0]).shape == (0, p.shape[1])


@pytest.mark.parametrize("kind", KINDS)
def test_missing_values(kind: str, data: Rows) -> None:
    X, y, w = data
    fitted = make(kind).fit(X, y, w, names=NAMES)
    empty = fitted.predict_proba(np.full((3, 5), np.nan))
    assert np.isfinite(empty).all()
    assert (empty == empty[0]).all()
    infinite = X.copy()
    infinite[3, 1] = np.inf
    for call in (lambda: fitted.predict_proba(infinite), lambda: make(kind).fit(infinite, y, names=NAMES)):
        with pytest.raises(DataError, match="book_imbalance_1 is infinite"):
            call()


@pytest.mark.parametrize("kind", KINDS)
def test_clone(kind: str, data: Rows) -> None:
    X, y, w = data
    first = make(kind)
    fitted = first.clone().fit(X, y, w, names=NAMES)
    copy = fitted.clone()
    assert copy.get_params() == first.get_params() == json.loads(json.dumps(first.get_params()))
    with pytest.raises(ConfigError, match="not fitted"):
        copy.predict_proba(X)


@pytest.mark.parametrize("kind", KINDS)
def test_same_data_and_seed_give_the_same_bytes(kind: str, data: Rows, tmp_path: Path) -> None:
    X, y, w = data
    for run in ("a", "b"):
        make(kind).fit(X, y, w, names=NAMES).to_files(tmp_path / run)
    assert files(tmp_path / "a") == files(tmp_path / "b")


@pytest.mark.parametrize("kind", KINDS)
def test_files(kind: str, data: Rows, tmp_path: Path) -> None:
    X, y, w = data
    fitted = make(kind).fit(X, y, w, names=NAMES)
    fitted.to_files(tmp_path / "model")
    again = load_estimator(tmp_path / "model")
    assert type(again) is type(fitted)
    assert again.names_ == NAMES
    assert again.get_params() == fitted.get_params()
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    again.to_files(tmp_path / "again")
    assert files(tmp_path / "model") == files(tmp_path / "again")
    assert not any(name.endswith((".pkl", ".pickle", ".joblib")) for name in files(tmp_path / "model"))


@pytest.mark.parametrize("kind", KINDS)
def test_broken_files(kind: str, tmp_path: Path) -> None:
    X, y, w = rows(2)
    make(kind).fit(X, y, w, names=NAMES).to_files(tmp_path)
    with pytest.raises(DataAccessError):
        load_estimator(tmp_path / "nowhere")
    path = tmp_path / "estimator.json"
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(DataFormatError):
        load_estimator(tmp_path)
    document = json.loads(text)
    del document["state"]
    path.write_text(json.dumps(document))
    with pytest.raises(DataFormatError):
        load_estimator(tmp_path)
    other = "base_rate" if kind != "base_rate" else "logistic"
    path.write_text(text)
    with pytest.raises(DataFormatError, match="of kind"):
        type(model(other)).from_files(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_refusals(kind: str, tmp_path: Path) -> None:
    X, y, w = rows(2)
    one: list[Callable[[], object]] = [
        lambda: make(kind).fit(X, np.ones(len(X)), names=NAMES),
        lambda: make(kind).fit(X, y[:-1], names=NAMES),
        lambda: make(kind).fit(X, y + 0.5, names=NAMES),
        lambda: make(kind).fit(X[:, :4], y, names=NAMES),
        lambda: make(kind).fit(X, y, -w, names=NAMES),
        lambda: make(kind).fit(X, y, np.where(y > 0, w, 0), names=NAMES),
        lambda: make(kind).fit(X, y, w, names=("x",) * 5),
        lambda: make(kind).fit(X, y, w, names=NAMES).predict_proba(X[:, :4]),
    ]
    for call in one:
        with pytest.raises(DataError):
            call()
    for call in (lambda: make(kind).predict_proba(X), lambda: make(kind).to_files(tmp_path)):
        with pytest.raises(ConfigError, match="not fitted"):
            call()
    with pytest.raises(ConfigError, match="no parameter"):
        model(kind, nonsense=1)


@pytest.mark.parametrize("kind", KINDS)
def test_only_ratios_of_weights_count(kind: str) -> None:
    X, y, w = rows(2)
    one, two = (make(kind).fit(X, y, k * w, names=NAMES).predict_proba(X) for k in (1, 64))
    np.testing.assert_allclose(one, two, atol=1e-12)


@pytest.mark.parametrize("kind", ["lightgbm", "logistic", "random_forest", "xgboost"])
def test_contributions_add_up(kind: str, data: Rows) -> None:
    X, y, w = data
    fitted = make(kind).fit(X, y, w, names=NAMES)
    found = fitted.contributions(X)
    p = fitted.predict_proba(X)
    assert found.shape == (len(X), 1 if p.shape[1] == 2 else 3, 6)
    score = found.sum(axis=2)
    if p.shape[1] == 2:
        np.testing.assert_allclose(score[:, 0], np.log(p[:, 1] / p[:, 0]), atol=1e-5)
    else:
        np.testing.assert_allclose(score[:, 0] - score[:, 1], np.log(p[:, 0] / p[:, 1]), atol=1e-5)


def test_a_kind_has_one_class() -> None:
    with pytest.raises(ConfigError, match="taken"):

        @register_model("logistic")
        class Other(Model): ...

    with pytest.raises(ConfigError, match="no model kind"):
        model("oracle")
