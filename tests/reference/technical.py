"""Bar indicators as defined, over the facts known at one row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

from reference.recording import Candle
from reference.rules import NAN, Row, define, over


def ema(x: list[float], n: int) -> float:
    if len(x) < n:
        return NAN
    value = sum(x[:n]) / n
    for y in x[n:]:
        value = value * (1 - 2 / (n + 1)) + y * 2 / (n + 1)
    return value


def wilder(x: list[float], n: int) -> float:
    if len(x) < n:
        return NAN
    value = sum(x[:n]) / n
    for y in x[n:]:
        value = value * (1 - 1 / n) + y / n
    return value


def closes(row: Row) -> list[float]:
    return [float(c.close) for c in row.candles]


def atr(row: Row, n: int) -> float:
    bars = row.candles
    ranges = [
        max(b.high - b.low, abs(b.high - a.close), abs(b.low - a.close)) for a, b in itertools.pairwise(bars)
    ]
    return wilder(ranges, n)


def log_return(row: Row, k: int) -> float:
    c = closes(row)
    return math.log(c[-1] / c[-1 - k]) if len(c) > k and c[-1] > 0 and c[-1 - k] > 0 else NAN


for lag in (1, 5, 15):
    define(f"ret_{lag}")(lambda row, k=lag: log_return(row, k))


def candle(name: str) -> Callable[[Callable[[Candle], float]], None]:
    def register(f: Callable[[Candle], float]) -> None:
        define(name)(lambda row: f(row.candles[-1]) if row.candles else NAN)

    return register


candle("bar_range")(lambda b: b.high - b.low)
candle("body_ratio")(lambda b: over(b.close - b.open, b.high - b.low))
candle("upper_wick")(lambda b: over(b.high - max(b.open, b.close), b.high - b.low))
candle("lower_wick")(lambda b: over(min(b.open, b.close) - b.low, b.high - b.low))


@define("close_pos_20")
def _(row: Row) -> float:
    bars = row.candles[-20:]
    if len(bars) < 20:
        return NAN
    low, high = min(b.low for b in bars), max(b.high for b in bars)
    return over(bars[-1].close - low, high - low, NAN)


define("atr_14")(lambda row: atr(row, 14))


@define("volume_ratio_5_20")
def _(row: Row) -> float:
    v = [b.volume for b in row.candles[-20:]]
    return NAN if len(v) < 20 else over(Fraction(sum(v[-5:]), 5), Fraction(sum(v), 20), NAN)
