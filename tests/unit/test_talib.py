"""Trend and momentum against TA-Lib, through the engine: numbers, NaN prefix and flat stretches.

TA-Lib gets the same ticks as float64. What is divided by ATR14 here is divided by TA-Lib's ATR there. Where TA-Lib
divides rounding errors by one another the mathematical value holds; ``UNDEFINED`` says where that is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import numpy as np
import pytest

from quantumtrader.data.source import load_events
from quantumtrader.types import EVENT, Events, Kind

talib = pytest.importorskip("talib", reason="TA-Lib is not installed: pip install 'quantumtrader[test]'")

Array = np.ndarray


@dataclass(frozen=True)
class Ohlc:
    """Bars in ticks."""

    open: Array
    high: Array
    low: Array
    close: Array

    @cached_property
    def atr(self) -> Array:
        atr = talib.ATR(self.high, self.low, self.close, 14)
        return np.where(atr == 0, np.nan, atr)

    @property
    def hlc(self) -> tuple[Array, Array, Array]:
        return self.high, self.low, self.close

    @property
    def typical(self) -> Array:
        return self.high + self.low + self.close


def macd(b: Ohlc) -> tuple[Array, Array, Array]:
    return talib.MACD(b.close, 12, 26, 9)


def before(x: Array, k: int) -> Array:
    return np.concatenate([np.full(k, np.nan), x[:-k]])


def ema(b: Ohlc, n: int) -> Array:
    return talib.EMA(b.close, n)


def sma(b: Ohlc, n: int) -> Array:
    # A sum that runs over the series keeps the rounding of all that has left it; ticks are integers, so there is none.
    return talib.SMA(b.close, n)


def di_spread(b: Ohlc) -> Array:
    plus, minus = talib.PLUS_DI(*b.hlc, 14), talib.MINUS_DI(*b.hlc, 14)
    both = plus + minus
    return np.where(both == 0, 0.0, (plus - minus) / np.where(both == 0, 1, both))


def alignment(b: Ohlc) -> Array:
    a, m, c = ema(b, 9), ema(b, 20), ema(b, 50)
    return np.where(np.isnan(c), np.nan, ((a > m) & (m > c)) * 1.0 - ((a < m) & (m < c)))


def stochastic(b: Ohlc) -> tuple[Array, Array]:
    return talib.STOCH(
        *b.hlc, fastk_period=14, slowk_period=3, slowk_matype=0, slowd_period=3, slowd_matype=0
    )


def residual(b: Ohlc) -> Array:
    """The last close less TA-Lib's line there, over the root of TA-Lib's variance that the line leaves."""
    left = talib.VAR(b.close, 20) * (1 - talib.CORREL(b.close, np.arange(len(b.close), dtype=float), 20) ** 2)
    return (b.close - talib.LINEARREG(b.close, 20)) / np.sqrt(left)


def double(x: Array) -> Array:
    first = talib.EMA(x, 25)
    return talib.EMA(first, 13)


def true_strength(b: Ohlc) -> Array:
    change = b.close - before(b.close, 1)
    net, gross = double(change), double(np.abs(change))
    return np.where(gross == 0, 0.0, 100 * net / np.where(gross == 0, 1, gross))


def middle(b: Ohlc, n: int) -> Array:
    return (talib.MAX(b.high, n) + talib.MIN(b.low, n)) / 2


def cloud(b: Ohlc) -> Array:
    a, c = before((middle(b, 9) + middle(b, 26)) / 2, 26), before(middle(b, 52), 26)
    return b.close - np.clip(b.close, np.minimum(a, c), np.maximum(a, c))


TALIB: dict[str, Callable[[Ohlc], Array]] = {
    **{f"ema_dist_{n}": lambda b, n=n: (b.close - ema(b, n)) / b.atr for n in (9, 20, 50, 100, 200)},
    **{f"sma_dist_{n}": lambda b, n=n: (b.close - sma(b, n)) / b.atr for n in (20, 50, 200)},
    **{
        f"ema_cross_{x}_{y}": lambda b, x=x, y=y: (ema(b, x) - ema(b, y)) / b.atr
        for x, y in ((9, 20), (20, 50), (50, 200))
    },
    "ema_alignment": alignment,
    "ema20_slope_5": lambda b: (ema(b, 20) - before(ema(b, 20), 5)) / 5 / b.atr,
    "macd_line": lambda b: macd(b)[0] / b.atr,
    "macd_signal": lambda b: macd(b)[1] / b.atr,
    "macd_hist": lambda b: macd(b)[2] / b.atr,
    "adx_14": lambda b: talib.ADX(*b.hlc, 14),
    "plus_di_14": lambda b: talib.PLUS_DI(*b.hlc, 14),
    "minus_di_14": lambda b: talib.MINUS_DI(*b.hlc, 14),
    "di_spread_14": di_spread,
    "adx_slope_5": lambda b: (talib.ADX(*b.hlc, 14) - before(talib.ADX(*b.hlc, 14), 5)) / 5,
    "aroon_osc_25": lambda b: talib.AROONOSC(b.high, b.low, 25),
    "psar_dist": lambda b: (b.close - talib.SAR(b.high, b.low, 0.02, 0.2)) / b.atr,
    "linreg_slope_20": lambda b: talib.LINEARREG_SLOPE(b.close, 20) / b.atr,
    "linreg_r2_20": lambda b: talib.CORREL(b.close, np.arange(len(b.close), dtype=float), 20) ** 2,
    "linreg_dev_20": residual,
    "ichimoku_tk": lambda b: (middle(b, 9) - middle(b, 26)) / b.atr,
    "ichimoku_cloud": lambda b: cloud(b) / b.atr,
    "kama_dist_10": lambda b: (b.close - talib.KAMA(b.close, 10)) / b.atr,
    "rsi_7": lambda b: talib.RSI(b.close, 7),
    "rsi_14": lambda b: talib.RSI(b.close, 14),
    "rsi_28": lambda b: talib.RSI(b.close, 28),
    "rsi_slope_5": lambda b: (talib.RSI(b.close, 14) - before(talib.RSI(b.close, 14), 5)) / 5,
    "stoch_k_14": lambda b: stochastic(b)[0],
    "stoch_d_14": lambda b: stochastic(b)[1],
    "stochrsi_14": lambda b: talib.STOCHRSI(b.close, 14, 14, 1, 0)[0],
    "willr_14": lambda b: talib.WILLR(*b.hlc, 14),
    "cci_20": lambda b: talib.CCI(*b.hlc, 20),
    "roc_10": lambda b: talib.ROC(b.close, 10),
    "roc_30": lambda b: talib.ROC(b.close, 30),
    "mom_10": lambda b: talib.MOM(b.close, 10),
    "trix_15": lambda b: talib.TRIX(b.close, 15),
    "tsi_25_13": true_strength,
    "ultosc": lambda b: talib.ULTOSC(*b.hlc, 7, 14, 28),
    "cmo_14": lambda b: talib.CMO(b.close, 14),
    "ppo_12_26": lambda b: 100 * (ema(b, 12) - ema(b, 26)) / ema(b, 26),
    "awesome_osc": lambda b: (
        (talib.SMA((b.high + b.low) / 2, 5) - talib.SMA((b.high + b.low) / 2, 34)) / b.atr
    ),
    "atr_14": lambda b: talib.ATR(*b.hlc, 14),
}
RUNNING_SQUARES = {"linreg_r2_20", "linreg_dev_20"}


def narrow(x: Array, n: int, width: float) -> Array:
    """Where the last ``n`` values lie within ``width``."""
    out = np.zeros(len(x), bool)
    out[n - 1 :] = np.ptp(np.lib.stride_tricks.sliding_window_view(x, n), axis=1) <= width
    return out


# Where the quotient is 0/0 but for rounding, and what it is then.
UNDEFINED: dict[str, tuple[Callable[[Ohlc], Array], float]] = {
    "stochrsi_14": (lambda b: narrow(talib.RSI(b.close, 14), 14, 1e-9), 0.0),
    "cci_20": (lambda b: narrow(b.typical, 20, 0), 0.0),
    "linreg_r2_20": (lambda b: narrow(b.close, 20, 0), 0.0),
    "linreg_dev_20": (lambda b: narrow(np.diff(b.close, prepend=np.nan), 19, 0), np.nan),
}


def bar_events(bars: Ohlc) -> Events:
    events = np.zeros(len(bars.close), EVENT)
    events["kind"] = Kind.BAR
    events["ts_event"] = events["ts_recv"] = 1_700_000_000_000_000_000 + np.arange(len(events)) * 60 * 10**9
    events["sequence"] = np.arange(1, len(events) + 1)
    for field, values in (
        ("px", bars.open),
        ("px_ask", bars.high),
        ("ref_a", bars.low),
        ("ref_b", bars.close),
    ):
        events[field] = values
    events["size"] = 1
    return events


def as_bars(events: Events) -> Ohlc:
    bars = events[events["kind"] == Kind.BAR]
    return Ohlc(*(bars[f].astype(float) for f in ("px", "px_ask", "ref_a", "ref_b")))


def walk(seed: int, n: int, flat: list[tuple[int, int]], step: int = 4) -> Ohlc:
    """A random walk of closes; bars ``a`` to ``b`` of each flat stretch have no range and no change."""
    rng = np.random.default_rng(seed)
    close = 10_000 + np.cumsum(rng.integers(-step, step + 1, n))
    opened = close - rng.integers(-2, 3, n)
    high = np.maximum(opened, close) + rng.integers(0, 4, n)
    low = np.minimum(opened, close) - rng.integers(0, 4, n)
    for a, b in flat:
        shift = close[b - 1] - close[a]
        for x in (opened, high, low, close):
            x[b:] -= shift
            x[a:b] = close[a]
    return Ohlc(*(x.astype(float) for x in (opened, high, low, close)))


WALKS = {
    "walk": lambda: walk(1, 700, []),
    "slow walk, many ties": lambda: walk(2, 700, [], step=1),
    "flat at first": lambda: walk(3, 600, [(0, 45)]),
    "flat inside": lambda: walk(4, 900, [(300, 340), (400, 405), (500, 590)]),
    "flat": lambda: walk(5, 260, [(0, 260)]),
    "up": lambda: Ohlc(*(np.arange(260) + 500.0 + d for d in (0, 1, -1, 0))),
    "down": lambda: Ohlc(*(900.0 - np.arange(260) + d for d in (0, 1, -1, 0))),
}
FILES = {
    "WDOK20_1min_202004_mt5.csv": "WDOK20",
    "WDO_5min_2018_2019_mt5.csv": "WDO$",
    "WINFUT_F_0_5min_profit.csv": "WINFUT",
}


def compare(engine: ModuleType, bars: Ohlc) -> None:
    features = engine.FeatureEngine(list(TALIB), 0.5, 10.0, "bar")
    features.update_many(bar_events(bars))
    values = features.take()[1]
    assert len(values) == len(bars.close)
    for name, ours in zip(TALIB, values.T, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            theirs = TALIB[name](bars)
            if name in UNDEFINED:
                where, value = UNDEFINED[name]
                theirs = np.where(where(bars) & ~np.isnan(theirs), value, theirs)
        tolerance = 1e-6 if name in RUNNING_SQUARES else 1e-8
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs), err_msg=name)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("case", WALKS)
def test_equals_talib_on_walks(engine, case):
    compare(engine, WALKS[case]())


@pytest.mark.parametrize("file", FILES)
def test_equals_talib_on_recorded_bars(engine, shared_data, file):
    events = load_events(shared_data("b3_wdo_win_bars") / file, FILES[file], sessions=False).events
    bars = as_bars(events[:8_000])
    assert len(bars.close) > 3_000
    compare(engine, bars)


def test_flat_series_give_zero(engine):
    names = ["rsi_7", "rsi_14", "rsi_28", "cmo_14", "plus_di_14", "minus_di_14", "di_spread_14", "adx_14"]
    names += ["stoch_k_14", "stoch_d_14", "stochrsi_14", "willr_14", "cci_20", "ultosc", "tsi_25_13"]
    features = engine.FeatureEngine(names, 0.5, 10.0, "bar")
    features.update_many(bar_events(walk(5, 60, [(0, 60)])))
    assert (features.take()[1][-1] == 0).all()


def test_straight_lines(engine):
    names = [
        "rsi_14",
        "cmo_14",
        "adx_14",
        "aroon_osc_25",
        "di_spread_14",
        "supertrend_10_3",
        "ema_alignment",
        "streak",
    ]
    up, down = ([100, 100, 100, 100, 1, 1, 1, 99], [0, -100, 100, -100, -1, -1, -1, -99])
    for case, expected in (("up", up), ("down", down)):
        features = engine.FeatureEngine(names, 0.5, 10.0, "bar")
        features.update_many(bar_events(WALKS[case]())[:100])
        np.testing.assert_allclose(features.take()[1][-1], expected, rtol=1e-12)


# The worked example of StockCharts' ChartSchool for RSI14: closes to four decimals, here in ticks of 0.0001, and the
# index from bar 15 on.
WILDER = [
    443389, 440902, 441497, 436124, 443278, 448264, 450955, 454245, 458433, 460826, 458931, 460328, 456140, 462820,
    462820, 460028, 460328, 464116, 462222, 456439, 462122, 462521, 457137, 464515, 457835, 453548, 440288, 441783,
    442181, 445672, 434205, 426628, 431314,
]  # fmt: skip
WILDER_RSI = [
    70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99, 41.46, 41.87, 45.46,
    37.30, 33.08, 37.77,
]  # fmt: skip


def test_the_published_rsi_example(engine):
    close = np.array(WILDER, float)
    features = engine.FeatureEngine(["rsi_14"], 0.5, 10.0, "bar")
    features.update_many(bar_events(Ohlc(close, close, close, close)))
    values = features.take()[1][:, 0]
    assert np.isnan(values[:14]).all()
    np.testing.assert_allclose(values[14:], WILDER_RSI, atol=0.02)
