"""Regimes: the rule, hysteresis, dwell, causality."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantumtrader.exceptions import ConfigError, DataError
from quantumtrader.models.regimes import FEATURES, RegimeAnalyzer
from quantumtrader.types import FeatureFrame


def said(pairs: list[tuple[float, float]], **settings: float) -> list[str]:
    frame = FeatureFrame(FEATURES, np.arange(len(pairs)), np.array(pairs, float).reshape(-1, 2))
    return RegimeAnalyzer(**settings).run(frame).tolist()  # type: ignore[arg-type]


def test_the_rule() -> None:
    up = said([(30, 1), (30, -1), (20, 1), (30, 0), (25, 1)], dwell=1, leave=25)
    assert up == ["trend_up", "trend_down", "range", "undefined", "range"]


def test_hysteresis_and_dwell() -> None:
    # A trend ends below 20 only; one that never began does not start at 22.
    assert said([(22, 1), (26, 1), (22, 1), (19, 1)], dwell=1) == ["range", "trend_up", "trend_up", "range"]
    assert said([(26, 1), (22, -1)], dwell=1) == ["trend_up", "range"]
    # A state must last: one odd bar changes nothing.
    assert said([(30, 1)] * 3 + [(10, 0)] * 2 + [(30, 1)]) == ["undefined"] * 2 + ["trend_up"] * 4
    assert said([(30, 1)] * 3 + [(10, 0)] * 3)[-1] == "range"


def test_not_warm_is_undefined_at_once() -> None:
    assert said([(30, 1)] * 3 + [(np.nan, 1), (30, 1)], dwell=3)[-2:] == ["undefined", "undefined"]


def test_only_the_past_counts() -> None:
    rng = np.random.default_rng(1)
    pairs = list(zip(rng.uniform(10, 40, 300), rng.choice([-1.0, 0, 1], 300), strict=True))
    whole = said(pairs)
    for k in (50, 180, 299):
        assert said(pairs[:k]) == whole[:k]
    assert len(set(whole)) == 4


def candles(drift: float, n: int = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    close = 5_000 + np.round(np.cumsum(rng.normal(drift, 1.0, n)) * 2) / 2
    opened = np.concatenate(([5_000], close[:-1]))
    spread = np.round(rng.uniform(0, 2, n)) / 2
    index = pd.date_range("2025-07-01 12:00", periods=n, freq="5min", tz="UTC")
    high, low = np.maximum(opened, close) + spread, np.minimum(opened, close) - spread
    return pd.DataFrame({"open": opened, "high": high, "low": low, "close": close, "volume": 10}, index)


def test_analyze_market() -> None:
    up = RegimeAnalyzer().analyze_market(candles(0.8), tick_size=0.5)
    assert up["regime"] == "trend_up"
    assert up["adx"] > 25
    assert up["alignment"] == 1
    assert 0 < up["confidence"] <= 1
    last = candles(0.8).iloc[-20:]
    assert (up["support"], up["resistance"]) == (last["low"].min(), last["high"].max())
    assert RegimeAnalyzer().analyze_market(candles(-0.8), tick_size=0.5)["regime"] == "trend_down"
    short = RegimeAnalyzer().analyze_market(candles(0.8, n=20), tick_size=0.5)
    assert short["regime"] == "undefined"
    assert np.isnan(short["confidence"])


def test_refusals() -> None:
    with pytest.raises(DataError, match="missing columns: close"):
        RegimeAnalyzer().analyze_market(candles(0).drop(columns="close"))
    with pytest.raises(DataError, match="off the grid"):
        RegimeAnalyzer().analyze_market(candles(0) + 0.2, tick_size=0.5)
    with pytest.raises(DataError, match="does not rise"):
        RegimeAnalyzer().analyze_market(candles(0).iloc[::-1], tick_size=0.5)
    with pytest.raises(ConfigError):
        RegimeAnalyzer(enter=20, leave=25)
