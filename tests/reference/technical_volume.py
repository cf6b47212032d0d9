"""Price, volatility and volume of bars as defined, over the facts known at one row."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable

import numpy as np

from reference.recording import MINUTE, Candle
from reference.rules import NAN, SECOND, Row, define
from reference.technical import atr, closes, ema, log_return

Bars = list[Candle]


def on_bars(name: str, need: int) -> Callable[[Callable[[Row, Bars], float]], None]:
    """Define a feature of the bars closed so far, NaN before there are ``need`` of them."""

    def register(f: Callable[[Row, Bars], float]) -> None:
        define(name)(lambda row: f(row, row.candles) if len(row.candles) >= need else NAN)

    return register


def nan_over(a: float, b: float) -> float:
    return a / b if b else NAN


def ln(a: float, b: float) -> float:
    return math.log(a / b) if a > 0 and b > 0 else NAN


# -- price ----------------------------------------------------------------------------------------------

for lag in (10, 30, 60):
    define(f"ret_{lag}")(lambda row, k=lag: log_return(row, k))


@on_bars("inside_bar", 2)
def _(row: Row, bars: Bars) -> float:
    a, b = bars[-2:]
    return b.high < a.high and b.low > a.low


@on_bars("engulfing", 2)
def _(row: Row, bars: Bars) -> float:
    (a_low, a_high), (b_low, b_high) = (sorted((b.open, b.close)) for b in bars[-2:])
    a, b = (np.sign(b.close - b.open) for b in bars[-2:])
    return b if b_low < a_low and a_high < b_high and b == -a else 0


@on_bars("dist_high_60", 60)
def _(row: Row, bars: Bars) -> float:
    return nan_over(max(b.high for b in bars[-60:]) - bars[-1].close, atr(row, 14))


@on_bars("dist_low_60", 60)
def _(row: Row, bars: Bars) -> float:
    return nan_over(bars[-1].close - min(b.low for b in bars[-60:]), atr(row, 14))


def of_session(bars: Bars) -> Bars:
    """Bars of the session that the last bar belongs to."""
    return [b for b in bars if b.session is not None and b.session == bars[-1].session]


def session_distance(name: str, distance: Callable[[Bars], float]) -> None:
    def value(row: Row, bars: Bars) -> float:
        return nan_over(distance(of_session(bars)), atr(row, 14)) if of_session(bars) else NAN

    on_bars(name, 15)(value)


session_distance("dist_session_high", lambda bars: max(b.high for b in bars) - bars[-1].close)
session_distance("dist_session_low", lambda bars: bars[-1].close - min(b.low for b in bars))
session_distance("dist_open", lambda bars: bars[-1].close - bars[0].open)


@on_bars("gap_open", 1)
def _(row: Row, bars: Bars) -> float:
    today = of_session(bars)
    before = [b for b in bars if b.session is not None and b.session != bars[-1].session]
    return ln(today[0].open, before[-1].close) if today and before else NAN


@define("session_frac")
def _(row: Row) -> float:
    if row.session_seconds is None or row.start is None or row.period.first < last_roll(row):
        return NAN
    return min(1.0, (row.t - row.start) / SECOND / row.session_seconds)


def last_roll(row: Row) -> int:
    return max((r for r in row.recording.rolls if r < row.seen), default=-1)


@on_bars("updown_10", 11)
def _(row: Row, bars: Bars) -> float:
    return float(np.sign(np.diff(closes(row)[-11:])).sum() / 10)


# -- volatility -----------------------------------------------------------------------------------------


@on_bars("natr_14", 15)
def _(row: Row, bars: Bars) -> float:
    return 100 * atr(row, 14) / bars[-1].close if bars[-1].close > 0 else NAN


@on_bars("atr_ratio_7_28", 29)
def _(row: Row, bars: Bars) -> float:
    return nan_over(atr(row, 7), atr(row, 28))


def bollinger(row: Row) -> tuple[float, float, float]:
    """Lower band, middle, upper band."""
    c = closes(row)[-20:]
    middle, sd = statistics.mean(c), statistics.pstdev(c)
    return middle - 2 * sd, middle, middle + 2 * sd


@on_bars("bb_pctb_20", 20)
def _(row: Row, bars: Bars) -> float:
    lower, _, upper = bollinger(row)
    return nan_over(bars[-1].close - lower, upper - lower)


@on_bars("bb_width_20", 20)
def _(row: Row, bars: Bars) -> float:
    lower, middle, upper = bollinger(row)
    return (upper - lower) / middle if middle > 0 else NAN


@on_bars("keltner_pos_20", 20)
def _(row: Row, bars: Bars) -> float:
    return nan_over(bars[-1].close - ema(closes(row), 20), 2 * atr(row, 10))


@on_bars("squeeze_on", 21)
def _(row: Row, bars: Bars) -> float:
    lower, _, upper = bollinger(row)
    middle, band = ema(closes(row), 20), 1.5 * atr(row, 20)
    return middle - band < lower and upper < middle + band


@on_bars("donchian_width_20", 20)
def _(row: Row, bars: Bars) -> float:
    return max(b.high for b in bars[-20:]) - min(b.low for b in bars[-20:])


def returns(bars: Bars) -> list[float]:
    return [ln(b.close, a.close) for a, b in itertools.pairwise(bars)]


@on_bars("rv_close_30", 31)
def _(row: Row, bars: Bars) -> float:
    return statistics.stdev(returns(bars[-31:]))


@on_bars("vol_ratio_10_60", 61)
def _(row: Row, bars: Bars) -> float:
    return nan_over(statistics.stdev(returns(bars[-11:])), statistics.stdev(returns(bars[-61:])))


@on_bars("parkinson_30", 30)
def _(row: Row, bars: Bars) -> float:
    return math.sqrt(statistics.mean(ln(b.high, b.low) ** 2 for b in bars[-30:]) / (4 * math.log(2)))


@on_bars("garman_klass_30", 30)
def _(row: Row, bars: Bars) -> float:
    terms = [
        0.5 * ln(b.high, b.low) ** 2 - (2 * math.log(2) - 1) * ln(b.close, b.open) ** 2 for b in bars[-30:]
    ]
    return math.sqrt(max(0.0, statistics.mean(terms)))


def rogers_satchell(bars: Bars) -> float:
    return statistics.mean(
        ln(b.high, b.close) * ln(b.high, b.open) + ln(b.low, b.close) * ln(b.low, b.open) for b in bars
    )


@on_bars("rogers_satchell_30", 30)
def _(row: Row, bars: Bars) -> float:
    return math.sqrt(rogers_satchell(bars[-30:]))


@on_bars("yang_zhang_30", 31)
def _(row: Row, bars: Bars) -> float:
    n, last = 30, bars[-31:]
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    over_night = statistics.variance(ln(b.open, a.close) for a, b in itertools.pairwise(last))
    within = statistics.variance(ln(b.close, b.open) for b in last[1:])
    return math.sqrt(over_night + k * within + (1 - k) * rogers_satchell(last[1:]))


@on_bars("ewma_vol", 21)
def _(row: Row, bars: Bars) -> float:
    squares = [r * r for r in returns(bars)]
    n = len(squares) - 20
    weights = [0.94**n] + [0.06 * 0.94 ** (n - 1 - i) for i in range(n)]
    return math.sqrt(
        sum(w * x for w, x in zip(weights, [statistics.mean(squares[:20]), *squares[20:]], strict=True))
    )


@on_bars("hurst_120", 121)
def _(row: Row, bars: Bars) -> float:
    x = [math.log(b.close) for b in bars[-121:]]
    lags = (1, 2, 4, 8, 16)
    deviations = [statistics.pstdev(b - a for a, b in zip(x, x[q:], strict=False)) for q in lags]
    if min(deviations) == 0:
        return NAN
    return statistics.linear_regression([math.log(q) for q in lags], [math.log(d) for d in deviations]).slope


# -- volume ---------------------------------------------------------------------------------------------


@on_bars("volume_z_20", 20)
def _(row: Row, bars: Bars) -> float:
    v = [b.volume for b in bars[-20:]]
    return nan_over(v[-1] - statistics.mean(v), statistics.pstdev(v))


@on_bars("rel_volume_tod", 1)
def _(row: Row, bars: Bars) -> float:
    def minute(b: Candle) -> int | None:
        number = (b.start - b.session.start) // MINUTE if b.session is not None else -1
        return number if 0 <= number < 1440 else None

    this = minute(bars[-1])
    if this is None:
        return NAN
    volumes: dict[int, int] = {}
    for b in bars:
        if minute(b) == this:
            volumes[b.session.first] = volumes.get(b.session.first, 0) + b.volume
    today = volumes.pop(bars[-1].session.first)
    past = list(volumes.values())[-20:]
    return nan_over(today, sum(past) / 20) if len(past) == 20 else NAN


@on_bars("obv_slope_20", 20)
def _(row: Row, bars: Bars) -> float:
    signed = [np.sign(b.close - a.close) * b.volume for a, b in itertools.pairwise(bars)]
    obv = np.cumsum([0, *signed])[-20:]
    return nan_over(
        statistics.linear_regression(range(20), [float(x) for x in obv]).slope,
        statistics.mean(b.volume for b in bars[-20:]),
    )


@on_bars("mfi_14", 15)
def _(row: Row, bars: Bars) -> float:
    typical = [(b.high + b.low + b.close) / 3 for b in bars[-15:]]
    money = [t * b.volume for t, b in zip(typical, bars[-15:], strict=True)]
    up = sum(m for m, (a, b) in zip(money[1:], itertools.pairwise(typical), strict=True) if b > a)
    down = sum(m for m, (a, b) in zip(money[1:], itertools.pairwise(typical), strict=True) if b < a)
    return 100 * up / (up + down) if up + down else 0.0


def accumulated(b: Candle) -> float:
    return b.volume * ((b.close - b.low) - (b.high - b.close)) / (b.high - b.low) if b.high > b.low else 0.0


@on_bars("cmf_20", 20)
def _(row: Row, bars: Bars) -> float:
    volume = sum(b.volume for b in bars[-20:])
    return sum(accumulated(b) for b in bars[-20:]) / volume if volume else 0.0


@on_bars("ad_osc_3_10", 20)
def _(row: Row, bars: Bars) -> float:
    line = np.cumsum([accumulated(b) for b in bars])

    def average(n: int) -> float:
        k, value = 2 / (n + 1), line[0]
        for x in line[1:]:
            value = k * x + (1 - k) * value
        return value

    return nan_over(average(3) - average(10), statistics.mean(b.volume for b in bars[-20:]))


@on_bars("vwma_dist_20", 20)
def _(row: Row, bars: Bars) -> float:
    last = bars[-20:]
    mean = nan_over(sum(b.close * b.volume for b in last), sum(b.volume for b in last))
    return nan_over(last[-1].close - mean, atr(row, 14))


@on_bars("force_index_13", 20)
def _(row: Row, bars: Bars) -> float:
    force = [float((b.close - a.close) * b.volume) for a, b in itertools.pairwise(bars)]
    return nan_over(ema(force, 13), atr(row, 14) * statistics.mean(b.volume for b in bars[-20:]))


@on_bars("eom_14", 15)
def _(row: Row, bars: Bars) -> float:
    middle = [(b.high + b.low) / 2 for b in bars[-15:]]
    boxes = [(b.high - b.low) / b.volume if b.volume else 0.0 for b in bars[-14:]]
    return statistics.mean(
        100 * (b - a) * box for (a, b), box in zip(itertools.pairwise(middle), boxes, strict=True)
    )
