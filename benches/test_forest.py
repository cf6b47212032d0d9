"""One fresh row per call through trained forests: ours, LightGBM's ``predict`` on one thread, and its fast C API.

Rows rotate: one row again and again flatters every cache. Each call is timed on its own, and the note at the end of the
run has the median and the 99th percentile. ``make bench`` times them; in ``make test`` each runs once, on small models.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from quantumtrader._backend import engine
from quantumtrader.models.forest import Forest

lightgbm = pytest.importorskip("lightgbm", reason="LightGBM comes with the extra `ml`")

FEATURES, ROWS, CALLS = 250, 1_024, 5_000
MODELS = {"A": (1, 200, 31), "B": (1, 500, 63), "C": (3, 300, 31)}
"""Classes, iterations and leaves: A has 200 trees, B 500, C 900 of three classes."""


@cache
def model(name: str, small: bool) -> tuple[str, Any]:
    """A binary or three-class model on noise with a signal, and rows to ask it about."""
    classes, rounds, leaves = MODELS[name]
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2_000 if small else 8_000, FEATURES))
    score = x[:, :20].sum(1) + 2 * x[:, 0] * x[:, 1] + 4 * rng.normal(size=len(x))
    y = score > 0 if classes == 1 else np.digitize(score, [-2, 2])
    settings = {
        "objective": "binary" if classes == 1 else "multiclass", "num_class": classes, "num_leaves": leaves,
        "learning_rate": 0.05, "max_bin": 63, "verbose": -1, "num_threads": 1,
    }  # fmt: skip
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y), 4 if small else rounds)
    return booster.model_to_string(), rng.normal(size=(ROWS, FEATURES))


def ours(text: str) -> Callable[[Any], Any]:
    """The forest of the engine in force."""
    return Forest.from_text(text).predict_raw


def booster(text: str) -> Callable[[Any], Any]:
    """``Booster.predict`` on one thread."""
    loaded = lightgbm.Booster(model_str=text)
    return lambda row: loaded.predict(row[None, :], raw_score=True, num_threads=1)


def fast(text: str) -> Callable[[Any], Any]:
    """``LGBM_BoosterPredictForMatSingleRowFast`` through ctypes, with everything prepared that can be."""
    loaded, library = lightgbm.Booster(model_str=text), lightgbm.basic._LIB
    config, length = ctypes.c_void_p(), ctypes.c_int64()
    status = library.LGBM_BoosterPredictForMatSingleRowFastInit(
        loaded._handle, 1, 0, 0, 1, FEATURES, b"num_threads=1", ctypes.byref(config)
    )
    assert status == 0
    out = np.zeros(loaded.num_model_per_iteration())
    place = ctypes.c_void_p(out.ctypes.data)

    def predict(row: Any) -> Any:
        library.LGBM_BoosterPredictForMatSingleRowFast(
            config, ctypes.c_void_p(row.ctypes.data), ctypes.byref(length), place
        )
        return out

    predict.booster = loaded  # type: ignore[attr-defined]  # alive as long as its handle is used
    return predict


ROUTES = {"forest": ours, "predict, one thread": booster, "C API, fast": fast}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("route", ROUTES)
def test_one_row(benchmark: BenchmarkFixture, note: Callable[[str], None], route: str, name: str) -> None:
    small = benchmark.disabled
    text, rows = model(name, small)
    predict = ROUTES[route](text)
    expected = lightgbm.Booster(model_str=text).predict(rows[:20], raw_score=True, num_threads=1)
    np.testing.assert_array_equal([np.squeeze(np.array(predict(row))) for row in rows[:20]], expected)

    took = np.zeros(50 if small else CALLS)
    for k in range(len(took)):
        row = rows[k % ROWS]
        start = time.perf_counter_ns()
        predict(row)
        took[k] = time.perf_counter_ns() - start
    p50, p99 = np.percentile(took, [50, 99]) / 1_000
    benchmark.extra_info.update(p50_us=p50, p99_us=p99)
    if not small:
        note(f"forest {name}, {route} ({engine().name}): p50 {p50:.1f} us, p99 {p99:.1f} us")
    turn = iter(range(1 << 60))
    benchmark(lambda: predict(rows[next(turn) % ROWS]))


def test_batch(benchmark: BenchmarkFixture) -> None:
    text, rows = model("A", benchmark.disabled)
    forest = Forest.from_text(text)
    benchmark.extra_info["rows"] = len(rows)
    assert np.shape(benchmark(forest.predict, rows)) == (ROWS,)


@pytest.mark.skipif(engine().name != "rust", reason="compares the Rust engine with the library")
def test_forest_is_several_times_faster_than_the_library(benchmark: BenchmarkFixture) -> None:
    """Within one run: the median call through the native forest against the fastest door of the library."""
    if benchmark.disabled:
        pytest.skip("compares times")
    text, rows = model("A", False)
    calls = [ours(text), fast(text)]
    took = np.zeros((2, 2_000))
    for k in range(took.shape[1]):
        for which, predict in enumerate(calls):
            row = rows[k % ROWS]
            start = time.perf_counter_ns()
            predict(row)
            took[which, k] = time.perf_counter_ns() - start
    benchmark(lambda: calls[0](rows[0]))
    native, library = np.median(took, 1)
    assert native * 2 < library
