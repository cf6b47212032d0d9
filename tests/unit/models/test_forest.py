"""The native forest against the libraries: equal to the last bit, or refused."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from quantumtrader._backend import engine
from quantumtrader.exceptions import DataFormatError, ManifestError
from quantumtrader.models.forest import Forest, LibraryForest
from reference.forests import lightgbm_text, probes, xgboost_text

lightgbm = pytest.importorskip("lightgbm", reason="LightGBM comes with the extra `ml`")
native = pytest.mark.skipif(engine().name != "rust", reason="the Rust engine is not in force")

OBJECTIVES: list[tuple[str, dict[str, Any]]] = [
    ("binary", {}),
    ("binary", {"sigmoid": 0.7123456}),
    ("binary", {"sigmoid": 1.23457, "is_unbalance": True}),
    ("binary", {"sigmoid": 3.3e-5, "boost_from_average": False}),
    ("binary", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}),
    ("binary", {"boosting": "dart", "drop_rate": 0.5}),
    ("binary", {"extra_trees": True, "max_cat_to_onehot": 100}),
    ("binary", {"monotone_constraints": [1, 0, 0, -1, 0, 0], "max_depth": 3}),
    ("multiclass", {}),
    ("multiclass", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}),
    ("multiclassova", {"sigmoid": 2.34567}),
    ("regression", {}),
    ("regression", {"reg_sqrt": True}),
    ("regression", {"min_data_in_leaf": 699}),  # one leaf, no split
    ("regression", {"zero_as_missing": True}),
    ("regression", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}),
    ("regression_l1", {"reg_sqrt": True}),
    ("regression_l1", {}),
    ("quantile", {"alpha": 0.9}),
    ("quantile", {"reg_sqrt": True}),
    ("mape", {}),
    ("huber", {"alpha": 0.5}),
    ("fair", {}),
    ("poisson", {}),
    ("gamma", {}),
    ("tweedie", {}),
    ("lambdarank", {}),
    ("rank_xendcg", {}),
    ("cross_entropy", {}),
    ("cross_entropy_lambda", {}),
]
MISSING: list[dict[str, Any]] = [
    {},
    {"missing": False},
    {"zero_as_missing": True},
    {"use_missing": False},
    {"zero_as_missing": True, "missing": False},
]


def same(a: Any, b: Any) -> None:
    """Equal in every bit, and in shape."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape
    np.testing.assert_array_equal(a.view(np.int64), b.view(np.int64))


def compare(text: str, rows: npt.NDArray[np.float64]) -> None:
    """Raw scores and predictions, by batch and by row, are those of the library."""
    forest, library = Forest.from_text(text), LibraryForest.from_text(text)
    assert forest.num_features == library.num_features == rows.shape[1]
    assert (forest.num_classes, forest.num_trees) == (library.num_classes, library.num_trees)
    assert forest.feature_names == library.feature_names
    for ours, theirs in ((forest.predict_raw, library.predict_raw), (forest.predict, library.predict)):
        expected = theirs(rows)
        same(ours(rows), expected)
        same([ours(row) for row in rows[:50]], np.asarray(expected)[:50])


@native
@pytest.mark.parametrize("missing", MISSING, ids=str)
@pytest.mark.parametrize(("objective", "parameters"), OBJECTIVES, ids=str)
def test_lightgbm_bit_for_bit(objective: str, parameters: dict[str, Any], missing: dict[str, Any]) -> None:
    for seed in (1, 2):
        text, x = lightgbm_text(seed, objective, **(missing | parameters))
        compare(text, probes(np.random.default_rng(seed), x, text))


@native
def test_lightgbm_bit_for_bit_over_many_models() -> None:
    """Shapes at random: sizes of trees, kinds of missing, categories alone and many, short and long runs."""
    rng = np.random.default_rng(11)
    for seed in range(60):
        objective, parameters = OBJECTIVES[rng.integers(len(OBJECTIVES))]
        shape = {
            "num_leaves": int(rng.integers(2, 60)),
            "min_data_in_leaf": int(rng.integers(1, 40)),
            "max_cat_to_onehot": int(rng.choice([1, 4, 100])),
            "max_bin": int(rng.choice([15, 63, 255])),
            "rounds": int(rng.integers(1, 40)),
        }
        text, x = lightgbm_text(seed, objective, **(shape | MISSING[seed % len(MISSING)] | parameters))
        compare(text, probes(rng, x, text))


@native
def test_models_have_what_they_are_meant_to_show() -> None:
    """Both directions of each kind of missing, and categories one by one and many at once."""
    kinds = set()
    for missing in MISSING:
        text, _ = lightgbm_text(1, "binary", **missing)
        kinds |= {int(d) for line in re.findall(r"decision_type=(.*)", text) for d in line.split()}
    assert {d >> 2 for d in kinds if not d & 1} == {0, 1, 2}
    assert (
        {d & 2 for d in kinds if not d & 1 and d >> 2 == 1} == {d & 2 for d in kinds if d >> 2 == 2} == {0, 2}
    )
    text, _ = lightgbm_text(1, "binary", max_cat_to_onehot=1)
    words = [int(w) for line in re.findall(r"cat_threshold=(.*)", text) for w in line.split()]
    assert any(w.bit_count() > 1 for w in words)
    text, _ = lightgbm_text(1, "binary", max_cat_to_onehot=100)
    sets = [line.split() for line in re.findall(r"cat_threshold=(.*)", text)]
    assert sets


@native
def test_an_objective_of_the_users_has_raw_predictions() -> None:
    def squared(scores: npt.NDArray[Any], data: Any) -> tuple[Any, Any]:
        return scores - data.get_label(), np.ones(len(scores))

    text, x = lightgbm_text(1, "regression", loss=squared)
    assert "objective=" not in text.split("Tree=0")[0]
    compare(text, probes(np.random.default_rng(1), x, text))


@native
@pytest.mark.parametrize(
    "objective", ["binary:logistic", "reg:logistic", "binary:logitraw", "reg:squarederror", "multi:softprob"]
)
def test_xgboost_bit_for_bit(objective: str) -> None:
    pytest.importorskip("xgboost", reason="XGBoost comes with the extra `xgboost`")
    for seed in range(6):
        base = {"base_score": 0.3} if seed % 2 else {}
        text, x = xgboost_text(seed, objective, **base, num_parallel_tree=1 + seed // 4)
        rows = probes(np.random.default_rng(seed), x, text)
        # The library refuses infinite values, and what becomes infinite in single precision.
        rows[np.abs(rows) > 3e38] = 7.0
        forest, library = Forest.from_text(text), LibraryForest.from_text(text)
        assert (forest.num_classes, forest.num_trees) == (library.num_classes, library.num_trees)
        same(forest.predict_raw(rows), library.predict_raw(rows))
        same(forest.predict(rows), library.predict(rows))
        same(forest.predict(rows[3]), library.predict(rows[3]))


@native
def test_files_make_the_same_forest_again(tmp_path: Path) -> None:
    text, x = lightgbm_text(3, "multiclass")
    path = tmp_path / "model.txt"
    lightgbm.Booster(model_str=text).save_model(path)
    saved = path.read_text("utf-8")
    rows = probes(np.random.default_rng(3), x, text)
    same(Forest.from_text(saved).predict(rows), Forest.from_text(text).predict(rows))
    same(
        Forest.from_text(saved).predict(rows), lightgbm.Booster(model_file=path).predict(rows, num_threads=1)
    )


@pytest.mark.parametrize("made", [Forest.from_text, LibraryForest.from_text], ids=["in force", "library"])
def test_rows_batches_and_what_they_may_be(made: Any) -> None:
    text, x = lightgbm_text(1, "binary")
    forest = made(text)
    batch = forest.predict(x)
    assert batch.shape == (len(x),)
    assert isinstance(forest.predict(x[0]), float)
    same(forest.predict(x[0]), batch[0])
    same(forest.predict(np.asfortranarray(x)), batch)
    same(forest.predict(x[::2]), batch[::2])
    same(forest.predict(list(x[0])), batch[0])
    same(forest.predict(x.astype(np.float32)), made(text).predict(x.astype(np.float32).astype(np.float64)))
    assert forest.predict(x[:0]).shape == (0,)
    several = made(lightgbm_text(1, "multiclass")[0])
    assert several.predict(x[0]).shape == (3,)
    assert several.predict(x[:0]).shape == (0, 3)
    for wrong in (x[0, :5], x[:, :5], np.zeros((2, 3, 6)), np.float64(1.0)):
        with pytest.raises(ManifestError, match=r"6 features|dimensions"):
            forest.predict(wrong)


@native
def test_the_native_forest_is_in_force_and_says_what_it_is() -> None:
    text, _ = lightgbm_text(1, "binary")
    forest: Any = Forest.from_text(text)
    assert repr(forest) == 'Forest("binary sigmoid:1", trees=12, features=6, classes=1)'
    assert forest.objective == "binary sigmoid:1"


@native
def test_threads_share_a_forest() -> None:
    text, x = lightgbm_text(1, "multiclass", rounds=30)
    forest = Forest.from_text(text)
    expected = forest.predict(x)
    equal: list[bool] = []

    def work() -> None:
        equal.extend(np.array_equal(forest.predict(x), expected) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert equal == [True] * 80


def broken(text: str, old: str, new: str) -> str:
    assert re.search(old, text)
    return re.sub(r"tree_sizes=.*\n", "", re.sub(old, new, text, count=1))


@native
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (r"^tree\n", "forest\n", r"line 1: `forest` where a LightGBM model begins"),
        (r"version=v4", "version=v9", r"line 2: version=`v9`"),
        (r"num_class=1", "num_class=2", r"line 3: num_class=`2`"),
        (r"objective=binary", "objective=focal", r"line 7: objective=`focal sigmoid:1`"),
        (r"feature_names=", "tree_kind=oblique\nfeature_names=", r"line 8: `tree_kind` is no known key"),
        (r"max_feature_idx=5", "max_feature_idx=8", r"6 names for max_feature_idx=8"),
        (r"is_linear=0", "is_linear=1", r"linear trees are not evaluated"),
        (r"split_feature=\d+", "split_feature=6", r"feature 6 of 6"),
        (r"split_feature=\d+", "split_feature=x", r"`x` is no number of split_feature"),
        (r"decision_type=\d+", "decision_type=12", r"decision_type 12 is not known"),
        (r"threshold=\S+", "threshold=nan", r"NaN|is no set"),
        (r"leaf_value=\S+", "leaf_value=nan", r"a leaf's value is NaN"),
        (r"leaf_value=\S+ ", "leaf_value=", r"leaf_value has \d+ values"),
        (r"left_child=\S+", "left_child=0", r"hangs from two places"),
        (r"left_child=\S+", "left_child=99", r"there is no node 99"),
        (r"left_child=\S+", "left_child=-99", r"-99 is no leaf"),
        (r"num_leaves=\d+", "num_leaves=99999999999999999999", r"a number was expected"),
        (r"num_leaves=\d+", "num_leaves=900000", r"LightGBM allows"),
        (r"Tree=1\n", "Tree=7\n", r"`Tree=7` where Tree=1 belongs"),
        (r"Tree=1\n", "", r"where Tree=1 belongs"),
        (r"end of trees[\s\S]*", "", r"ends before `end of trees`"),
        (r"shrinkage=1\n", "shrinkage=1\nshrinkage=1\n", r"appears twice"),
    ],
)
def test_damage_is_named(old: str, new: str, says: str) -> None:
    text, _ = lightgbm_text(2, "binary")
    with pytest.raises(DataFormatError, match=says) as caught:
        Forest.from_text(broken(text, old, new))
    assert re.search(r"line \d+", str(caught.value))


@native
def test_a_text_that_was_changed_by_hand_does_not_have_its_sizes() -> None:
    text, _ = lightgbm_text(2, "binary")
    with pytest.raises(DataFormatError, match="the text was cut, or changed by hand"):
        Forest.from_text(text.replace("shrinkage=1\n", "shrinkage=1.0\n", 1))


@native
def test_linear_trees_of_the_library_are_refused() -> None:
    text, _ = lightgbm_text(2, "regression", linear_tree=True)
    with pytest.raises(DataFormatError, match=r"line \d+: is_linear=`1`: linear trees"):
        Forest.from_text(text)


@native
@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"objective": "multi:softmax"}, "train with multi:softprob"),
        (
            {"objective": "count:poisson"},
            "of an objective that is not known|objective `count:poisson` is not known",
        ),
        ({"objective": "binary:logistic", "booster": "dart"}, "is not of the booster gbtree"),
        ({"objective": "binary:logistic", "booster": "gblinear"}, "booster `gblinear`"),
    ],
)
def test_other_models_of_xgboost_are_refused(parameters: dict[str, Any], says: str) -> None:
    pytest.importorskip("xgboost", reason="XGBoost comes with the extra `xgboost`")
    kind = parameters.pop("objective")
    if parameters.get("booster") == "gblinear":
        text, _ = xgboost_text(1, kind)
        text = text.replace('"name":"gbtree"', '"name":"gblinear"')
    else:
        text, _ = xgboost_text(1, kind, **parameters)
    with pytest.raises(DataFormatError, match=says) as caught:
        Forest.from_text(text)
    assert re.search(r"byte \d+", str(caught.value))


@pytest.mark.parametrize("text", ["", "tree", "tree\n", "{}", "[1]", '{"learner":', "\x00" * 50, "{" * 5000])
@pytest.mark.parametrize("made", [Forest.from_text, LibraryForest.from_text], ids=["in force", "library"])
def test_what_is_no_model_is_refused(made: Any, text: str) -> None:
    if text.startswith("{"):
        pytest.importorskip("xgboost", reason="XGBoost comes with the extra `xgboost`")
    with pytest.raises(DataFormatError, match="model"):
        made(text)
