"""What holds for every registered model."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader.exceptions import (
    ConfigError,
    DataAccessError,
    DataError,
    DataFormatError,
    MissingExtraError,
)
from quantumtrader.models import Model, load_estimator, model, model_kinds, register_model
from quantumtrader.models._logit import log_odds
from quantumtrader.models.composite import Composite, stack_columns
from quantumtrader.models.stack import Stack

pytest.importorskip("lightgbm", reason="tree models need the extra ml")

SMALL: dict[str, dict[str, Any]] = {
    "lightgbm": {"trees": 12, "min_leaf": 10},
    "random_forest": {"trees": 12, "min_leaf": 10},
    "xgboost": {"trees": 12, "min_child_weight": 1.0},
    "lstm": {"hidden": 8, "epochs": 6, "batch": 64, "rate": 0.02},
    "transformer": {"width": 8, "heads": 2, "layers": 1, "epochs": 6, "batch": 64, "rate": 0.02},
}
NAMES = ("ret_1", "book_imbalance_1", "mid_return_1s:-1", "a:0", "b:1")
NEEDS = {
    "lstm": ("deep", "jax", "optax"),
    "transformer": ("deep", "jax", "optax"),
    "xgboost": ("xgboost", "xgboost"),
}
"""Extra of a kind, and what it brings."""


def kind_or_skip(kind: str) -> Any:
    extra, *packages = NEEDS.get(kind, ("ml",))
    absent = any(importlib.util.find_spec(name) is None for name in packages)
    return pytest.param(kind, marks=pytest.mark.skipif(absent, reason=f"needs the extra {extra}"))


KINDS = [kind_or_skip(kind) for kind in model_kinds()]
ALONE = [kind for kind in KINDS if kind.values != ("composite",)]
"""Kinds that learn from rows; a composite is put together from those that did."""
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def make(kind: str) -> Model:
    return model(kind, **SMALL.get(kind, {}))


def fit(kind: str, X: np.ndarray, y: np.ndarray, w: np.ndarray) -> Model:
    if kind != "composite":
        return make(kind).fit(X, y, w, names=NAMES)
    # One member reads all columns, the other two of them; the stack is fitted on the rows that they did not see.
    half = slice(0, len(X) // 2), slice(len(X) // 2, None)
    members = [
        make("logistic").fit(X[half[0]], y[half[0]], names=NAMES),
        make("lightgbm").fit(X[half[0]][:, [3, 0]], y[half[0]], names=(NAMES[3], NAMES[0])),
    ]
    scores = [
        log_odds(m.predict_proba(X[half[1]][:, places]))
        for m, places in zip(members, ([0, 1, 2, 3, 4], [3, 0]), strict=True)
    ]
    stack = Stack().fit(np.column_stack(scores), y[half[1]], w[half[1]], names=stack_columns(members))
    return Composite.of(members, stack)


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
    assert set(model_kinds()) >= {
        "base_rate", "composite", "imbalance_threshold", "last_sign", "lightgbm", "logistic", "lstm", "random_forest",
        "stack", "transformer", "xgboost",
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities(kind: str, data: Rows) -> None:
    X, y, w = data
    fitted = fit(kind, X, y, w)
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
    fitted = fit(kind, X, y, w)
    empty = fitted.predict_proba(np.full((3, 5), np.nan))
    assert np.isfinite(empty).all()
    assert (empty == empty[0]).all()
    infinite = X.copy()
    infinite[3, 1] = np.inf
    for call in (lambda: fitted.predict_proba(infinite), lambda: fit(kind, infinite, y, w)):
        with pytest.raises(DataError, match="book_imbalance_1 is infinite"):
            call()


@pytest.mark.parametrize("kind", KINDS)
def test_clone(kind: str, data: Rows) -> None:
    X, y, w = data
    fitted = fit(kind, X, y, w)
    copy = fitted.clone()
    assert copy.get_params() == fitted.get_params() == json.loads(json.dumps(fitted.get_params()))
    if kind != "composite":
        assert copy.get_params() == make(kind).get_params()
    with pytest.raises(ConfigError, match="not fitted"):
        copy.predict_proba(X)


@pytest.mark.parametrize("kind", KINDS)
def test_same_data_and_seed_give_the_same_bytes(kind: str, data: Rows, tmp_path: Path) -> None:
    X, y, w = data
    for run in ("a", "b"):
        fit(kind, X, y, w).to_files(tmp_path / run)
    assert files(tmp_path / "a") == files(tmp_path / "b")


@pytest.mark.parametrize("kind", KINDS)
def test_files(kind: str, data: Rows, tmp_path: Path) -> None:
    X, y, w = data
    fitted = fit(kind, X, y, w)
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
    fit(kind, X, y, w).to_files(tmp_path)
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
    with pytest.raises(DataError, match="one column per"):
        fit(kind, X, y, w).predict_proba(X[:, :4])
    for call in (lambda: make(kind).predict_proba(X), lambda: make(kind).to_files(tmp_path)):
        with pytest.raises(ConfigError, match="not fitted"):
            call()
    with pytest.raises(ConfigError, match="no parameter"):
        model(kind, nonsense=1)
    if kind == "composite":
        with pytest.raises(ConfigError, match="put together"):
            make(kind).fit(X, y, names=NAMES)
        return
    one: list[Callable[[], object]] = [
        lambda: make(kind).fit(X, np.ones(len(X)), names=NAMES),
        lambda: make(kind).fit(X, y[:-1], names=NAMES),
        lambda: make(kind).fit(X, y + 0.5, names=NAMES),
        lambda: make(kind).fit(X[:, :4], y, names=NAMES),
        lambda: make(kind).fit(X, y, -w, names=NAMES),
        lambda: make(kind).fit(X, y, np.where(y > 0, w, 0), names=NAMES),
        lambda: make(kind).fit(X, y, w, names=("x",) * 5),
    ]
    for call in one:
        with pytest.raises(DataError):
            call()


@pytest.mark.parametrize("kind", ALONE)
def test_only_ratios_of_weights_count(kind: str) -> None:
    X, y, w = rows(2)
    one, two = (make(kind).fit(X, y, k * w, names=NAMES).predict_proba(X) for k in (1, 64))
    np.testing.assert_allclose(one, two, atol=1e-12)


@pytest.mark.parametrize(
    "kind", [kind_or_skip(kind) for kind in ("lightgbm", "logistic", "random_forest", "xgboost")]
)
def test_contributions_add_up(kind: str, data: Rows) -> None:
    X, y, w = data
    fitted = fit(kind, X, y, w)
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


def test_extras_load_at_first_use_and_are_named_when_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys; import quantumtrader.models as m; m.model_kinds(); import quantumtrader.training.cross_validate; "
        "print([x for x in ('jax', 'lightgbm', 'optax', 'optuna', 'xgboost', 'sklearn', 'scipy') if x in sys.modules])"
    )
    root = Path(__file__).parents[2] / "python"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    X, y, w = rows(2)
    for kind, package, extra in (
        ("lightgbm", "lightgbm", "ml"),
        ("lstm", "jax", "deep"),
        ("transformer", "optax", "deep"),
        ("xgboost", "xgboost", "xgboost"),
    ):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingExtraError, match=rf"quantumtrader\[{extra}\]"):
            make(kind).fit(X, y, w, names=NAMES)
