"""Indicators of the engine in force, and TA-Lib beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quantumtrader import indicators
from quantumtrader.indicators import Indicator


@pytest.fixture(scope="module")
def bars() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    close = 5400.0 + 0.5 * np.cumsum(rng.integers(-2, 3, 3_000))
    return close + rng.random(3_000), close - rng.random(3_000), close


@pytest.mark.parametrize(
    ("case", "peer", "tolerance"),
    [
        (("sma", 20), lambda t, h, lo, c: t.SMA(c, 20), 1e-12),
        (("ema", 20), lambda t, h, lo, c: t.EMA(c, 20), 1e-12),
        (("rsi", 14), lambda t, h, lo, c: t.RSI(c, 14), 1e-12),
        (("atr", 14), lambda t, h, lo, c: t.ATR(h, lo, c, 14), 1e-12),
        (("macd",), lambda t, h, lo, c: t.MACD(c, 12, 26, 9)[0], 1e-9),
        (("macd_signal",), lambda t, h, lo, c: t.MACD(c, 12, 26, 9)[1], 1e-9),
        (("macd_hist", 5, 34, 5), lambda t, h, lo, c: t.MACD(c, 5, 34, 5)[2], 1e-9),
    ],
    ids=lambda x: str(x[0]) if isinstance(x, tuple) else None,
)
def test_is_what_talib_computes(case: tuple[Any, ...], peer: Any, tolerance: float, bars: Any) -> None:
    talib = pytest.importorskip("talib", reason="TA-Lib is not installed: pip install 'quantumtrader[test]'")
    got = Indicator(*case).update_many(*(bars if case[0] == "atr" else bars[2:]))
    np.testing.assert_allclose(got, peer(talib, *bars), rtol=tolerance, atol=tolerance, equal_nan=True)


@pytest.mark.parametrize("case", [("ema", 20), ("rsi", 14), ("macd",), ("atr", 5)], ids=str)
def test_chunks_and_single_steps_give_the_same_bits(case: tuple[Any, ...], bars: Any) -> None:
    given = bars if case[0] == "atr" else bars[2:]
    whole = Indicator(*case).update_many(*given)
    single, parts = Indicator(*case), Indicator(*case)
    one_by_one = np.array([single.update(*row) for row in zip(*(c.tolist() for c in given), strict=True)])
    chunks = [parts.update_many(*(c[k : k + 700] for c in given)) for k in range(0, 3_000, 700)]
    assert one_by_one.tobytes() == whole.tobytes() == np.concatenate(chunks).tobytes()
    assert single.value == parts.value == whole[-1]


def test_by_hand() -> None:
    ema = Indicator("ema", 3)
    assert np.isnan([ema.value, ema.update(1.0), ema.update(2.0)]).all()
    assert (ema.update(6), ema.update(5.0), ema.value) == (3.0, 4.0, 4.0)
    ema.reset()
    assert np.isnan(ema.value)
    assert np.isnan(ema.update(1.0))
    atr = Indicator("atr", 2)
    for bar in ((12, 8, 10), (13, 11, 12), (12, 5, 6)):
        atr.update(*bar)
    assert atr.value == 5.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_ends_it(bad: float) -> None:
    for case in (("rsi", 2), ("sma", 2), ("atr", 2)):
        indicator = Indicator(*case)
        step = (lambda x: (x, x, x)) if case[0] == "atr" else (lambda x: (x,))
        got = indicator.update_many(*step([1.0, 2.0, 1.0, bad, 1.0, 2.0, 1.0, 2.0]))
        assert not np.isnan(got[2]), case
        assert np.isnan(got[3:]).all(), case
        assert np.isnan(indicator.update(*step(1.0)))
        indicator.reset()
        assert not np.isnan(indicator.update_many(*step([1.0, 2.0, 1.0]))[-1])


def test_takes_what_numpy_can_make_an_array_of() -> None:
    x = np.arange(40)
    expected = Indicator("ema", 3).update_many(x.astype(np.float64))
    strided = np.repeat(x.astype(np.float64), 2)[::2]
    frozen = x.astype(np.float64)
    frozen.flags.writeable = False
    for given in (x, x.tolist(), x.astype(np.float32), strided, frozen):
        assert np.array_equal(Indicator("ema", 3).update_many(given), expected, equal_nan=True)
    empty = Indicator("ema", 3)
    assert empty.update_many([]).shape == (0,)
    assert np.isnan(empty.value)


def test_the_module_has_one_name() -> None:
    assert indicators.__all__ == ["Indicator"]
    with pytest.raises(AttributeError, match="no attribute 'Ema'"):
        indicators.Ema  # noqa: B018
