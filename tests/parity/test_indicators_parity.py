"""Indicators by name: both engines give the same bits, refuse the same input in the same words."""

from __future__ import annotations

import importlib
import pickle
from types import ModuleType
from typing import Any

import numpy as np
import pytest

CASES: list[tuple[Any, ...]] = [
    ("sma", 1),
    ("sma", 20),
    ("ema", 1),
    ("ema", 20),
    ("wilder", 14),
    ("rsi",),
    ("rsi", 2),
    ("atr",),
    ("macd",),
    ("macd_signal", 3, 8, 4),
    ("macd_hist", 12, 26),
]


@pytest.fixture(scope="module")
def bars() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    close = 5400.0 + 0.5 * np.cumsum(rng.integers(-2, 3, 5_000))
    close[1000:1100] = close[1000]  # a flat stretch
    return close + rng.random(5_000), close - rng.random(5_000), close


def columns(case: tuple[Any, ...], bars: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    return bars if case[0] == "atr" else bars[2:]


def make(module: ModuleType, case: tuple[Any, ...]) -> Any:
    return module.Indicator(*case)


@pytest.fixture(scope="module")
def rust() -> ModuleType:
    return pytest.importorskip("quantumtrader._core", reason="the Rust engine is not built")


@pytest.fixture(scope="module")
def python() -> ModuleType:
    return importlib.import_module("quantumtrader._fallback")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_bits(rust: ModuleType, python: ModuleType, case: tuple[Any, ...], bars: Any) -> None:
    given = columns(case, bars)
    ours, twin = make(rust, case), make(python, case)
    expected = twin.update_many(*given)
    assert np.array_equal(ours.update_many(*given).view(np.int64), expected.view(np.int64))
    assert (ours.name, ours.parameters, repr(ours)) == (twin.name, twin.parameters, repr(twin))
    assert ours.value == twin.value == expected[-1]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m: m.Indicator("tema", 3),
        lambda m: m.Indicator("ema"),
        lambda m: m.Indicator("ema", 3, 4),
        lambda m: m.Indicator("ema", 0),
        lambda m: m.Indicator("sma", 1_000_001),
        lambda m: m.Indicator("macd", 26),
        lambda m: m.Indicator("ema", 1.5),
        lambda m: m.Indicator("ema", 3).update(1.0, 2.0, 3.0),
        lambda m: m.Indicator("atr").update(1.0),
        lambda m: m.Indicator("atr").update(1.0, 2.0),
        lambda m: m.Indicator("atr").update_many([1.0]),
        lambda m: m.Indicator("atr").update_many([1.0], [1.0, 2.0], [1.0]),
        lambda m: m.Indicator("ema", 3).update_many([[1.0], [2.0]]),
    ],
)
def test_same_refusals(rust: ModuleType, python: ModuleType, wrong: Any) -> None:
    with pytest.raises(Exception) as ours:
        wrong(rust)
    with pytest.raises(type(ours.value)) as twin:
        wrong(python)
    assert str(ours.value) == str(twin.value)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pickles_as_its_configuration(rust: ModuleType, python: ModuleType, case: tuple[Any, ...]) -> None:
    for module in (rust, python):
        was = make(module, case)
        again = pickle.loads(pickle.dumps(was))
        assert (type(again), repr(again)) == (type(was), repr(was))
        assert np.isnan(again.value)
