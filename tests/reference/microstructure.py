"""Microstructure as defined, over the facts known at one row."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from fractions import Fraction

import numpy as np

from reference.recording import MINUTE, Deal, View
from reference.rules import NAN, SECOND, Row, define, e_n, over, points


@define("spread_ticks", touch=True)
def _(row: Row) -> float:
    return NAN if row.view.mid is None else row.view.asks[0][0] - row.view.bids[0][0]


@define("spread_bps", touch=True)
def _(row: Row) -> float:
    mid = row.view.mid
    return NAN if mid is None or mid <= 0 else 10_000 * (row.view.asks[0][0] - row.view.bids[0][0]) / mid


@define("weighted_mid_dev", touch=True)
def _(row: Row) -> float:
    if row.view.mid is None:
        return NAN
    (bp, bq), (ap, aq) = row.view.bids[0], row.view.asks[0]
    return NAN if 0 in (bq, aq) else Fraction(bp * aq + ap * bq, bq + aq) - Fraction(bp + ap, 2)


# -- the mid in force -----------------------------------------------------------------------------------


def mid_of(view: View | None) -> float | None:
    return view.mid if view is not None and view.good else None


def mids_at(row: Row, times: list[int]) -> list[float | None]:
    """The mid in force at each time, everything of that time included; None before the session."""
    stamps = [v.t for v in row.known]
    found = [(t, bisect_right(stamps, t)) for t in times]
    return [mid_of(row.known[k - 1]) if k and t >= row.start else None for t, k in found]


def mid_before(row: Row, deal: Deal) -> float | None:
    earlier = bisect_right([v.at for v in row.known], deal.at - 1)
    return mid_of(row.known[earlier - 1]) if earlier else None


def moves(row: Row) -> list[tuple[int, int]]:
    """Time and direction of each change from one mid to another in the session."""
    out = []
    for a, b in itertools.pairwise(row.known):
        before, after = mid_of(a), mid_of(b)
        if b.at >= row.first and before is not None and after is not None and before != after:
            out.append((b.t, 1 if after > before else -1))
    return out


for label, length in {"1s": SECOND, "10s": 10 * SECOND}.items():

    @define(f"mid_return_{label}", length, touch=True)
    def _(row: Row, length=length) -> float:
        then, now = mids_at(row, [row.t - length])[0], row.view.mid
        return NAN if now is None or then is None else now - then


@define("tick_run", touch=True)
def _(row: Row) -> float:
    runs = [(d, len(list(run))) for d, run in itertools.groupby(d for _, d in moves(row))]
    return runs[-1][0] * runs[-1][1] if runs else NAN


@define("mid_changes_1m", MINUTE, touch=True)
def _(row: Row) -> float:
    return sum(t > row.t - MINUTE for t, _ in moves(row))


@define("reversal_ratio_5m", 5 * MINUTE, touch=True)
def _(row: Row) -> float:
    pairs = [(a, b) for (_, a), (t, b) in itertools.pairwise(moves(row)) if t > row.t - 5 * MINUTE]
    return over(sum(a != b for a, b in pairs), len(pairs), NAN)


# -- the spread over time -------------------------------------------------------------------------------


def stretches(row: Row, window: int) -> tuple[list[int], list[int]]:
    """The spreads in force over the window, and how long each was, in ns."""
    spreads, lengths = [], []
    ends = [v.t for v in row.known[1:]] + [row.t]
    for view, end in zip(row.known, ends, strict=True):
        length = end - max(view.t, row.t - window, row.start)
        if mid_of(view) is not None and length > 0:
            spreads.append(view.asks[0][0] - view.bids[0][0])
            lengths.append(length)
    return spreads, lengths


@define("spread_mean_1m", MINUTE, touch=True)
def _(row: Row) -> float:
    spreads, lengths = stretches(row, MINUTE)
    return float(np.average(spreads, weights=lengths)) if lengths else NAN


@define("spread_std_5m", 5 * MINUTE, touch=True)
def _(row: Row) -> float:
    spreads, lengths = stretches(row, 5 * MINUTE)
    if not lengths:
        return NAN
    mean = Fraction(sum(s * d for s, d in zip(spreads, lengths, strict=True)), sum(lengths))
    squares = sum((s - mean) ** 2 * d for s, d in zip(spreads, lengths, strict=True))
    return math.sqrt(squares / sum(lengths))


@define("spread_quality", MINUTE, touch=True)
def _(row: Row) -> float:
    spreads, lengths = stretches(row, MINUTE)
    return over(sum(d for s, d in zip(spreads, lengths, strict=True) if s == 1), sum(lengths), NAN)


# -- trades against the mid -----------------------------------------------------------------------------


def weighted(costs: list[tuple[int, float]]) -> float:
    """Mean of 2·cost by volume."""
    return over(sum(2 * q * Fraction(cost) for q, cost in costs), sum(q for q, _ in costs), NAN)


@define("effective_spread_1m", MINUTE, touch=True)
def _(row: Row) -> float:
    deals = [(d, mid_before(row, d)) for d in row.inside(MINUTE) if d.side]
    return weighted([(d.q, d.side * (d.px - mid)) for d, mid in deals if mid is not None])


def marked(row: Row) -> list[tuple[Deal, float, float]]:
    """Signed trades aged 5 s to 65 s with the mid before them and five seconds after them."""
    deals = [d for d in row.inside(65 * SECOND) if d.side and d.t <= row.t - 5 * SECOND]
    later = mids_at(row, [d.t + 5 * SECOND for d in deals])
    known = [(d, mid_before(row, d), mid) for d, mid in zip(deals, later, strict=True)]
    return [(d, a, b) for d, a, b in known if a is not None and b is not None]


@define("realized_spread_1m", 65 * SECOND, touch=True)
def _(row: Row) -> float:
    return weighted([(d.q, d.side * (d.px - later)) for d, _, later in marked(row)])


@define("price_impact_1m", 65 * SECOND, touch=True)
def _(row: Row) -> float:
    return weighted([(d.q, d.side * (later - before)) for d, before, later in marked(row)])


@define("trade_at_ask_ratio_1m", MINUTE, touch=True)
def _(row: Row) -> float:
    at_ask = at_bid = 0
    for d in row.inside(MINUTE):
        views = [v for v in row.known if v.at < d.at]
        if views and views[-1].good:
            asks, bids = views[-1].asks, views[-1].bids
            at_ask += d.q if asks and d.px >= asks[0][0] else 0
            at_bid += d.q if bids and d.px <= bids[0][0] else 0
    return over(at_ask, at_ask + at_bid, NAN)


# -- regressions over intervals of ten seconds ----------------------------------------------------------


def impact(row: Row, n: int, flow: str) -> tuple[list[int], list[float]]:
    """Regressor and change of the mid over the last n intervals, where both mids are there."""
    grid = list(points(row, 10 * SECOND, row.t))[-n - 1 :]
    updates = [(b.t, e_n(a.level(0), b.level(0))) for a, b in row.updates()]
    signed = [(d.t, d.side * d.q) for d in row.deals]
    facts = updates if flow == "book" else signed
    x, y = [], []
    for (a, b), (before, after) in zip(
        itertools.pairwise(grid), itertools.pairwise(mids_at(row, grid)), strict=True
    ):
        if before is not None and after is not None:
            x.append(sum(q for t, q in facts if a < t <= b))
            y.append(after - before)
    return x, y


def fit(x: list[int], y: list[float]) -> tuple[float, float]:
    """Slope and R² of the least-squares line."""
    if len(x) < 3 or len(set(x)) == 1:
        return NAN, NAN
    slope, level = np.polyfit(x, y, 1)
    rest = np.sum((np.array(y) - slope * np.array(x) - level) ** 2)
    whole = np.sum((np.array(y) - np.mean(y)) ** 2)
    return float(slope), float(1 - rest / whole) if len(set(y)) > 1 else NAN


for label, length in {"5m": 30, "30m": 180}.items():
    define(f"kyle_lambda_{label}", length * 10 * SECOND, touch=True)(
        lambda row, n=length: fit(*impact(row, n, "trades"))[0]
    )
define("ofi_beta_30m", 30 * MINUTE, sizes=True)(lambda row: fit(*impact(row, 180, "book"))[0])
define("ofi_r2_30m", 30 * MINUTE, sizes=True)(lambda row: fit(*impact(row, 180, "book"))[1])


# -- traded prices --------------------------------------------------------------------------------------


@define("roll_spread_5m", 5 * MINUTE)
def _(row: Row) -> float:
    px = [d.px for d in row.inside(5 * MINUTE)]
    if len(px) < 4:
        return NAN
    changes = [Fraction(b - a) for a, b in itertools.pairwise(px)]
    pairs = list(itertools.pairwise(changes))
    early, late = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    covariance = sum((a - early) * (b - late) for a, b in pairs) / len(pairs)
    return 2 * math.sqrt(max(0, -covariance))


@define("uptick_ratio_1m", MINUTE)
def _(row: Row) -> float:
    changes = [b.px - a.px for a, b in itertools.pairwise(row.deals) if b.t > row.t - MINUTE]
    return over(sum(c > 0 for c in changes), sum(c != 0 for c in changes), NAN)


# -- parent orders --------------------------------------------------------------------------------------


def parents(row: Row) -> list[list[Deal]]:
    """The session's prints cut into parents, the one still open last."""
    out: list[list[Deal]] = []
    broken = True
    for d in row.deals:
        if d.side == 0:
            broken = True
            continue
        if not broken and out:
            last = out[-1][-1]
            broker = next((x.broker for x in out[-1] if x.broker), 0)
            broken = d.side != last.side or d.t - last.t > 10**6 or 0 != broker != d.broker != 0
        if broken:
            out.append([])
        out[-1].append(d)
        broken = False
    return out


def acf(row: Row, lag: int) -> float:
    ended = parents(row)
    if ended and row.t - ended[-1][-1].t <= 10**6 and row.deals[-1].side:
        ended.pop()
    x = np.array([p[0].side for p in ended[-500:]], float)
    if len(x) < 500 or len(set(x)) == 1:
        return NAN
    x -= x.mean()
    return float(np.sum(x[lag:] * x[:-lag]) / np.sum(x * x))


define("sign_acf_1")(lambda row: acf(row, 1))
define("sign_acf_10")(lambda row: acf(row, 10))


def intensity(row: Row, side: int) -> float:
    begun = [p[0].t for p in parents(row) if p[0].side == side and p[0].t < row.t]
    return 0.2 + 0.8 * sum(math.exp(-(row.t - t) / SECOND) for t in begun) if row.deals else NAN


define("hawkes_buy")(lambda row: intensity(row, 1))
define("hawkes_sell")(lambda row: intensity(row, -1))


# -- returns on grids -----------------------------------------------------------------------------------


def log_returns(row: Row, times: list[int]) -> list[float]:
    """ln of the ratio of neighbouring mids, where both are there and positive."""
    pairs = itertools.pairwise(mids_at(row, times))
    return [math.log1p((b - a) / a) for a, b in pairs if a is not None and b is not None and a > 0 and b > 0]


def last_returns(row: Row, step: int, n: int) -> np.ndarray:
    return np.array(log_returns(row, list(points(row, step, row.t))[-n - 1 :]))


@define("rv_1m", MINUTE, touch=True)
def _(row: Row) -> float:
    r = last_returns(row, SECOND, 60)
    return 1e4 * float(np.sqrt(np.sum(r**2))) if len(r) else NAN


@define("variance_ratio_5", 5 * MINUTE, touch=True)
def _(row: Row) -> float:
    r = last_returns(row, SECOND, 300)
    n, q = len(r), 5
    if n <= q or len(set(r)) == 1:
        return NAN
    long = np.convolve(r - r.mean(), np.ones(q), "valid")
    return float(np.sum(long**2) / (q * (n - q + 1) * (1 - q / n)) / np.var(r, ddof=1))


@define("jump_ratio_30m", 30 * MINUTE, touch=True)
def _(row: Row) -> float:
    r = last_returns(row, 10 * SECOND, 180)
    if len(r) < 2:
        return NAN
    bipower = math.pi / 2 * len(r) / (len(r) - 1) * np.sum(np.abs(r[1:] * r[:-1]))
    return max(0.0, 1 - bipower / np.sum(r**2)) if np.any(r) else 0.0


@define("signature_ratio_5m", 5 * MINUTE, touch=True)
def _(row: Row) -> float:
    seconds, tens = points(row, SECOND, row.t), list(points(row, 10 * SECOND, row.t))[-31:]
    short = long = 0.0
    for a, b in itertools.pairwise(tens):
        whole = log_returns(row, [a, b])
        if whole:
            long += whole[0] ** 2
            short += sum(r**2 for r in log_returns(row, [g for g in seconds if a <= g <= b]))
    return short / long if long else NAN
