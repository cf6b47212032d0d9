"""Trend and momentum as defined, over the bars known at one row; averages are exact fractions.

Fractions have no rounding, so where the engines compare two averages this says what the comparison should give. They
grow by some bits with every bar: beyond ``EXACT`` bars the same formulas run in floats.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from reference.recording import Candle
from reference.rules import NAN, define

Number = int | float | Fraction
Numbers = Sequence[Number]
EXACT = 600
Bars = list[Candle]


def over_bars(name: str, least: int) -> Callable[[Callable[[Bars], float]], Callable[[Bars], float]]:
    """Define a feature as a function of all bars, given that there are at least so many."""

    def register(f: Callable[[Bars], float]) -> Callable[[Bars], float]:
        define(name)(lambda row: NAN if len(row.candles) < least else f(row.candles))
        return f

    return register


def closes(bars: Bars) -> list[int]:
    return [b.close for b in bars]


def changes(x: Numbers) -> list[Number]:
    return [b - a for a, b in itertools.pairwise(x)]


def mean(x: Numbers) -> Fraction:
    return Fraction(sum(x)) / len(x)


def smoothed(x: Numbers, n: int, weight: Number) -> list[Number]:
    """The mean of the first ``n``, then a weighted mean of the last result and each next number."""
    if len(x) < n:
        return []
    out: list[Number] = [mean(x[:n])]
    if len(x) > EXACT:
        out, weight = [float(out[0])], float(weight)
    for y in x[n:]:
        out.append((1 - weight) * out[-1] + weight * y)
    return out


def ema(x: Numbers, n: int) -> list[Number]:
    return smoothed(x, n, Fraction(2, n + 1))


def wilder(x: Numbers, n: int) -> list[Number]:
    return smoothed(x, n, Fraction(1, n))


def true_ranges(bars: Bars) -> list[int]:
    return [
        max(b.high - b.low, abs(b.high - a.close), abs(b.low - a.close)) for a, b in itertools.pairwise(bars)
    ]


def in_atr(x: Number, bars: Bars) -> float:
    scale = wilder(true_ranges(bars), 14)[-1]
    return float(x / scale) if scale else NAN


def high(bars: Bars, n: int) -> int:
    return max(b.high for b in bars[-n:])


def low(bars: Bars, n: int) -> int:
    return min(b.low for b in bars[-n:])


def share(part: Number, whole: Number) -> Number:
    return Fraction(part) / whole if whole else Fraction(0)


# -- averages -------------------------------------------------------------------------------------------

for length in (9, 20, 50, 100, 200):
    over_bars(f"ema_dist_{length}", max(length, 15))(
        lambda bars, n=length: in_atr(bars[-1].close - ema(closes(bars), n)[-1], bars)
    )
for length in (20, 50, 200):
    over_bars(f"sma_dist_{length}", length)(
        lambda bars, n=length: in_atr(bars[-1].close - mean(closes(bars)[-n:]), bars)
    )
for quick, slow in ((9, 20), (20, 50), (50, 200)):
    over_bars(f"ema_cross_{quick}_{slow}", slow)(
        lambda bars, a=quick, b=slow: in_atr(ema(closes(bars), a)[-1] - ema(closes(bars), b)[-1], bars)
    )


@over_bars("ema_alignment", 50)
def _(bars: Bars) -> float:
    a, b, c = (ema(closes(bars), n)[-1] for n in (9, 20, 50))
    return 1 if a > b > c else -1 if a < b < c else 0


@over_bars("ema20_slope_5", 25)
def _(bars: Bars) -> float:
    e = ema(closes(bars), 20)
    return in_atr((e[-1] - e[-6]) / 5, bars)


def macd(bars: Bars) -> tuple[Number, Number]:
    fast, slow = ema(closes(bars[14:]), 12), ema(closes(bars), 26)
    line = [a - b for a, b in zip(fast, slow, strict=True)]
    return line[-1], ema(line, 9)[-1]


over_bars("macd_line", 34)(lambda bars: in_atr(macd(bars)[0], bars))
over_bars("macd_signal", 34)(lambda bars: in_atr(macd(bars)[1], bars))
over_bars("macd_hist", 34)(lambda bars: in_atr(macd(bars)[0] - macd(bars)[1], bars))


@over_bars("ppo_12_26", 26)
def _(bars: Bars) -> float:
    fast, slow = ema(closes(bars), 12)[-1], ema(closes(bars), 26)[-1]
    return float(100 * (fast / slow - 1)) if slow > 0 else NAN


@over_bars("trix_15", 44)
def _(bars: Bars) -> float:
    a, b = ema(ema(ema(closes(bars), 15), 15), 15)[-2:]
    return float(100 * (b / a - 1)) if a > 0 and b > 0 else NAN


@over_bars("kama_dist_10", 15)
def _(bars: Bars) -> float:
    c = closes(bars)
    # Every weight has a denominator of its own: exact fractions would double in length with each bar.
    average = float(c[9])
    for k in range(10, len(c)):
        path = sum(abs(d) for d in changes(c[k - 10 : k + 1]))
        efficiency = abs(c[k] - c[k - 10]) / path if path else 1
        weight = (efficiency * (2 / 3 - 2 / 31) + 2 / 31) ** 2
        average = (1 - weight) * average + weight * c[k]
    return in_atr(Fraction(c[-1] - average), bars)


@over_bars("awesome_osc", 34)
def _(bars: Bars) -> float:
    middles = [Fraction(b.high + b.low, 2) for b in bars]
    return in_atr(mean(middles[-5:]) - mean(middles[-34:]), bars)


# -- directional movement -------------------------------------------------------------------------------


def wilder_sums(x: Numbers) -> list[Number]:
    """Sums from bar 15 on, so from the 14th number on."""
    total: Number = sum(x[:13])
    keep: Number = Fraction(13, 14) if len(x) <= EXACT else 13 / 14
    out = []
    for y in x[13:]:
        total = total * keep + y
        out.append(total)
    return out


def indicators(bars: Bars) -> list[tuple[Number, Number]]:
    """+DI and −DI of each bar from 15 on."""
    plus, minus = [], []
    for a, b in itertools.pairwise(bars):
        up, down = b.high - a.high, a.low - b.low
        plus.append(up if up > max(down, 0) else 0)
        minus.append(down if down > max(up, 0) else 0)
    sums = zip(*(wilder_sums(x) for x in (plus, minus, true_ranges(bars))), strict=True)
    return [(100 * share(p, r), 100 * share(m, r)) for p, m, r in sums]


def adx(bars: Bars) -> list[Number]:
    dx = [100 * abs(p - m) / (p + m) if p + m else None for p, m in indicators(bars)]
    out: list[Number] = [mean([x or 0 for x in dx[:14]])]
    if len(dx) > EXACT:
        out = [float(out[0])]
    for x in dx[14:]:
        out.append(out[-1] if x is None else (13 * out[-1] + x) / 14)
    return out


over_bars("adx_14", 28)(lambda bars: adx(bars)[-1])
over_bars("adx_slope_5", 33)(lambda bars: (adx(bars)[-1] - adx(bars)[-6]) / 5)
over_bars("plus_di_14", 15)(lambda bars: indicators(bars)[-1][0])
over_bars("minus_di_14", 15)(lambda bars: indicators(bars)[-1][1])


@over_bars("di_spread_14", 15)
def _(bars: Bars) -> float:
    plus, minus = indicators(bars)[-1]
    return share(plus - minus, plus + minus)


# -- trend ----------------------------------------------------------------------------------------------


@over_bars("aroon_osc_25", 26)
def _(bars: Bars) -> float:
    last = bars[-26:]
    top = max(k for k in range(26) if last[k].high == high(last, 26))
    bottom = max(k for k in range(26) if last[k].low == low(last, 26))
    return 100 * top / 25 - 100 * bottom / 25


@over_bars("psar_dist", 15)
def _(bars: Bars) -> float:
    """In floats, operation by operation as Wilder's table does it: whether a bar reaches the stop hangs on them."""
    first, second = bars[0], bars[1]
    down, up = first.low - second.low, second.high - first.high
    side = -1 if down > 0 and down > up else 1
    stop = float(first.low if side > 0 else first.high)
    best = second.high if side > 0 else second.low
    step, shown = 0.02, NAN
    for k in range(1, len(bars)):
        b = bars[k]
        inside = [b] if k == 1 else [bars[k - 1], b]
        limit = {1: min(x.low for x in inside), -1: max(x.high for x in inside)}
        toward, away = (b.high, b.low) if side > 0 else (b.low, b.high)
        if side * (away - stop) <= 0:
            side = -side
            stop = min(best, limit[1]) if side > 0 else max(best, limit[-1])
            best, step = away, 0.02
        elif side * (toward - best) > 0:
            best, step = toward, min(step + 0.02, 0.2)
        shown = stop
        stop = stop + step * (best - stop)
        stop = min(stop, limit[1]) if side > 0 else max(stop, limit[-1])
    return in_atr(Fraction(bars[-1].close - shown), bars)


def line(y: list[int]) -> tuple[Fraction, list[Fraction]]:
    """Slope and residuals of the least-squares line through ``y`` over 0, 1, ..."""
    n = len(y)
    x = [Fraction(2 * k - n + 1, 2) for k in range(n)]
    slope = sum(a * b for a, b in zip(x, y, strict=True)) / sum(a * a for a in x)
    return slope, [b - mean(y) - slope * a for a, b in zip(x, y, strict=True)]


over_bars("linreg_slope_20", 20)(lambda bars: in_atr(line(closes(bars)[-20:])[0], bars))


@over_bars("linreg_r2_20", 20)
def _(bars: Bars) -> float:
    y = closes(bars)[-20:]
    total = sum((b - mean(y)) ** 2 for b in y)
    return 1 - sum(r * r for r in line(y)[1]) / total if total else 0


@over_bars("linreg_dev_20", 20)
def _(bars: Bars) -> float:
    _, residuals = line(closes(bars)[-20:])
    variance = mean([r * r for r in residuals])
    return float(residuals[-1]) / math.sqrt(variance) if variance else NAN


@over_bars("supertrend_10_3", 11)
def _(bars: Bars) -> float:
    upper = lower = before = None
    side = 0
    for b, reach in zip(bars[10:], wilder(true_ranges(bars), 10), strict=True):
        middle = Fraction(b.high + b.low, 2)
        top, bottom = middle + 3 * reach, middle - 3 * reach
        if side == 0:
            side = 1 if b.close >= middle else -1
        else:
            top = top if top < upper or before > upper else upper
            bottom = bottom if bottom > lower or before < lower else lower
            if side == 1 and b.close < bottom:
                side = -1
            elif side == -1 and b.close > top:
                side = 1
        upper, lower, before = top, bottom, b.close
    return side


def middle(bars: Bars, n: int) -> Fraction:
    return Fraction(high(bars, n) + low(bars, n), 2)


over_bars("ichimoku_tk", 26)(lambda bars: in_atr(middle(bars, 9) - middle(bars, 26), bars))


@over_bars("ichimoku_cloud", 78)
def _(bars: Bars) -> float:
    then = bars[:-26]
    spans = [(middle(then, 9) + middle(then, 26)) / 2, middle(then, 52)]
    c = bars[-1].close
    return in_atr(
        c - max(spans) if c > max(spans) else c - min(spans) if c < min(spans) else Fraction(0), bars
    )


# -- relative strength ----------------------------------------------------------------------------------


def gains_and_losses(bars: Bars, n: int) -> list[tuple[Number, Number]]:
    d = changes(closes(bars))
    up, down = wilder([max(x, 0) for x in d], n), wilder([max(-x, 0) for x in d], n)
    return list(zip(up, down, strict=True))


def rsi(bars: Bars, n: int) -> list[Number]:
    return [100 * share(u, u + d) for u, d in gains_and_losses(bars, n)]


for length in (7, 14, 28):
    over_bars(f"rsi_{length}", length + 1)(lambda bars, n=length: rsi(bars, n)[-1])
over_bars("rsi_slope_5", 20)(lambda bars: (rsi(bars, 14)[-1] - rsi(bars, 14)[-6]) / 5)


@over_bars("rsi_divergence_20", 20)
def _(bars: Bars) -> float:
    c, strength = closes(bars), dict(enumerate(rsi(bars, 14), start=14))
    tops = [k for k in range(19, len(c)) if c[k] > max(c[k - 19 : k])]
    bottoms = [k for k in range(19, len(c)) if c[k] < min(c[k - 19 : k])]
    now = len(c) - 1
    if len(tops) > 1 and tops[-1] == now:
        return -1 if strength[now] < strength[tops[-2]] else 0
    if len(bottoms) > 1 and bottoms[-1] == now:
        return 1 if strength[now] > strength[bottoms[-2]] else 0
    return 0


@over_bars("stochrsi_14", 28)
def _(bars: Bars) -> float:
    last = rsi(bars, 14)[-14:]
    return 100 * share(last[-1] - min(last), max(last) - min(last))


@over_bars("cmo_14", 15)
def _(bars: Bars) -> float:
    up, down = gains_and_losses(bars, 14)[-1]
    return 100 * share(up - down, up + down)


# -- oscillators ----------------------------------------------------------------------------------------


def fast_k(bars: Bars) -> Fraction:
    return 100 * share(bars[-1].close - low(bars, 14), high(bars, 14) - low(bars, 14))


def slow_k(bars: Bars) -> Fraction:
    return mean([fast_k(bars[: len(bars) - k]) for k in range(3)])


over_bars("stoch_k_14", 18)(slow_k)
over_bars("stoch_d_14", 18)(lambda bars: mean([slow_k(bars[: len(bars) - k]) for k in range(3)]))


@over_bars("willr_14", 14)
def _(bars: Bars) -> float:
    return -100 * share(high(bars, 14) - bars[-1].close, high(bars, 14) - low(bars, 14))


@over_bars("cci_20", 20)
def _(bars: Bars) -> float:
    tp = [Fraction(b.high + b.low + b.close, 3) for b in bars[-20:]]
    return share(tp[-1] - mean(tp), Fraction(15, 1000) * mean([abs(x - mean(tp)) for x in tp]))


def twice_smoothed(x: Numbers) -> Number:
    return ema(ema(x, 25), 13)[-1]


@over_bars("tsi_25_13", 38)
def _(bars: Bars) -> float:
    d = changes(closes(bars))
    return 100 * share(twice_smoothed(d), twice_smoothed([abs(x) for x in d]))


@over_bars("ultosc", 29)
def _(bars: Bars) -> float:
    buying = [b.close - min(b.low, a.close) for a, b in itertools.pairwise(bars)]
    ranges = true_ranges(bars)
    return sum(
        Fraction(100 * w, 7) * share(sum(buying[-n:]), sum(ranges[-n:]))
        for n, w in ((7, 4), (14, 2), (28, 1))
    )


@over_bars("fisher_10", 10)
def _(bars: Bars) -> float:
    v = f = 0.0
    for k in range(10, len(bars) + 1):
        x = [(b.high + b.low) / 2 for b in bars[k - 10 : k]]
        place = (x[-1] - min(x)) / (max(x) - min(x)) if max(x) > min(x) else 0.5
        v = 0.33 * 2 * (place - 0.5) + 0.67 * v
        v = min(max(v, -0.999), 0.999)
        f = math.atanh(v) + f / 2
    return f


# -- changes --------------------------------------------------------------------------------------------


def rate_of_change(bars: Bars, n: int) -> float:
    a, b = bars[-1 - n].close, bars[-1].close
    return 100 * (b / a - 1) if a > 0 and b > 0 else NAN


over_bars("roc_10", 11)(lambda bars: rate_of_change(bars, 10))
over_bars("roc_30", 31)(lambda bars: rate_of_change(bars, 30))
over_bars("mom_10", 11)(lambda bars: bars[-1].close - bars[-11].close)


@over_bars("streak", 2)
def _(bars: Bars) -> float:
    signs = [(d > 0) - (d < 0) for d in changes(closes(bars))]
    run = list(itertools.takewhile(lambda s: s == signs[-1], reversed(signs)))
    return sum(run)


@over_bars("ret_rank_60", 61)
def _(bars: Bars) -> float:
    c = closes(bars)[-61:]
    if min(c) <= 0:
        return NAN
    returns = [Fraction(b, a) for a, b in itertools.pairwise(c)]
    return sum(r <= returns[-1] for r in returns) / 60


@over_bars("ret_autocorr_60", 61)
def _(bars: Bars) -> float:
    c = closes(bars)[-61:]
    if min(c) <= 0:
        return NAN
    r = [math.log(b) - math.log(a) for a, b in itertools.pairwise(c)]
    m = math.fsum(r) / 60
    variance = math.fsum((x - m) ** 2 for x in r)
    same = len({Fraction(b, a) for a, b in itertools.pairwise(c)}) == 1
    return 0 if same else math.fsum((x - m) * (y - m) for x, y in itertools.pairwise(r)) / variance
