"""Volatility and volume indicators against TA-Lib, NaN prefix included."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from quantumtrader.data.source import load_events
from quantumtrader.types import Events, Kind
from reference.flows import bar_events

talib = pytest.importorskip("talib", reason="TA-Lib, the yardstick of these indicators, is in the test extra")

Series = dict[str, np.ndarray]


def bollinger(b: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    upper, middle, lower = talib.BBANDS(b["close"], 20, 2.0, 2.0)
    return lower, middle, upper


def percent_b(b: Series) -> np.ndarray:
    lower, _, upper = bollinger(b)
    return (b["close"] - lower) / (upper - lower)


def band_width(b: Series) -> np.ndarray:
    lower, middle, upper = bollinger(b)
    return (upper - lower) / middle


def squeeze(b: Series) -> np.ndarray:
    lower, _, upper = bollinger(b)
    middle, band = talib.EMA(b["close"], 20), 1.5 * atr(b, 20)
    inside = (upper < middle + band) & (lower > middle - band)
    return np.where(np.isnan(band), np.nan, inside)


def atr(b: Series, n: int) -> np.ndarray:
    return talib.ATR(b["high"], b["low"], b["close"], n)


def mean_volume(b: Series) -> np.ndarray:
    return talib.SMA(b["volume"], 20)


def force_index(b: Series) -> np.ndarray:
    force = talib.EMA(np.diff(b["close"]) * b["volume"][1:], 13)
    return np.concatenate([[np.nan], force]) / (atr(b, 14) * mean_volume(b))


def log_return(b: Series, n: int) -> np.ndarray:
    return np.log1p(talib.ROCP(b["close"], n))


# What TA-Lib gives, and how near: it keeps running sums of squares for Bollinger bands and regressions.
INDICATORS: dict[str, tuple[Callable[[Series], np.ndarray], float]] = {
    "atr_14": (lambda b: atr(b, 14), 1e-8),
    "natr_14": (lambda b: talib.NATR(b["high"], b["low"], b["close"], 14), 1e-8),
    "atr_ratio_7_28": (lambda b: atr(b, 7) / atr(b, 28), 1e-8),
    "bb_pctb_20": (percent_b, 1e-6),
    "bb_width_20": (band_width, 1e-6),
    "squeeze_on": (squeeze, 0.0),
    "keltner_pos_20": (lambda b: (b["close"] - talib.EMA(b["close"], 20)) / (2 * atr(b, 10)), 1e-8),
    "donchian_width_20": (lambda b: talib.MAX(b["high"], 20) - talib.MIN(b["low"], 20), 0.0),
    "dist_high_60": (lambda b: (talib.MAX(b["high"], 60) - b["close"]) / atr(b, 14), 1e-8),
    "dist_low_60": (lambda b: (b["close"] - talib.MIN(b["low"], 60)) / atr(b, 14), 1e-8),
    "ret_10": (lambda b: log_return(b, 10), 1e-8),
    "ret_60": (lambda b: log_return(b, 60), 1e-8),
    "volume_z_20": (lambda b: (b["volume"] - mean_volume(b)) / talib.STDDEV(b["volume"], 20), 1e-6),
    "mfi_14": (lambda b: talib.MFI(b["high"], b["low"], b["close"], b["volume"], 14), 1e-8),
    "ad_osc_3_10": (
        lambda b: talib.ADOSC(b["high"], b["low"], b["close"], b["volume"], 3, 10) / mean_volume(b),
        1e-8,
    ),
    "obv_slope_20": (
        lambda b: talib.LINEARREG_SLOPE(talib.OBV(b["close"], b["volume"]), 20) / mean_volume(b),
        1e-6,
    ),
    "force_index_13": (force_index, 1e-8),
}


def random_bars(seed: int, n: int) -> np.ndarray:
    """A random walk in ticks with gaps between bars, flat bars and bars without volume."""
    rng = np.random.default_rng(seed)
    paths = np.cumsum(np.concatenate([np.full((1, 1), 5_000), rng.integers(-4, 5, (1, n * 8 - 1))], axis=1))
    paths = paths.reshape(n, 8)
    volume = rng.integers(0, 2_000, n)
    still = rng.random(n) < 0.05
    paths[still], volume[still] = paths[still, -1:], 0
    return np.column_stack([paths[:, 0], paths.max(axis=1), paths.min(axis=1), paths[:, -1], volume])


def compare(module: ModuleType, events: Events) -> None:
    bars = events[events["kind"] == Kind.BAR]
    fields = {"open": "px", "high": "px_ask", "low": "ref_a", "close": "ref_b", "volume": "size"}
    series = {name: bars[field].astype(float) for name, field in fields.items()}
    features = module.FeatureEngine(list(INDICATORS), 0.5, 10.0, "bar")
    features.update_many(events)
    values = features.take()[1]
    assert len(values) == len(bars)
    for k, (name, (indicator, tolerance)) in enumerate(INDICATORS.items()):
        expected = indicator(series)
        assert np.isfinite(expected).sum() > len(bars) - 70, name
        np.testing.assert_allclose(
            values[:, k], expected, rtol=tolerance, atol=tolerance, equal_nan=True, err_msg=name
        )


@pytest.mark.parametrize("seed", range(4))
def test_random_walks_equal_ta_lib(engine: ModuleType, seed: int):
    compare(engine, bar_events(random_bars(seed, 600)))


def test_a_month_of_minutes_equals_ta_lib(engine: ModuleType, shared_data):
    """WDOK20, April 2020: its sessions do not interrupt indicators of bars."""
    compare(engine, load_events(shared_data("b3_wdo_win_bars"), "WDOK20").events)
