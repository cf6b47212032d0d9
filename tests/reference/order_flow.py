"""Order flow as defined, over the facts known at one row."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from reference.recording import MINUTE, Deal, View
from reference.rules import NAN, SECOND, Row, define, e_n, gross, imbalance, net, ofi, over, points

for label, length in {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "60m": 60}.items():
    W = length * MINUTE
    define(f"flow_ofi_{label}", W)(lambda row, W=W: imbalance(row.inside(W)))
    define(f"book_ofi_{label}", W, sizes=True)(lambda row, W=W: ofi(row, W))
define("book_ofi_10s", 10 * SECOND, sizes=True)(lambda row: ofi(row, 10 * SECOND))


@define("book_ofi_100e", sizes=True)
def _(row: Row) -> float:
    last = row.updates()[-100:]
    return sum(e_n(a.level(0), b.level(0)) for a, b in last) if len(last) == 100 else NAN


@define("book_ofi_norm_1m", MINUTE, sizes=True)
def _(row: Row) -> float:
    states = [b for _, b in row.updates() if row.t - MINUTE < b.t]
    depths = [Fraction(b.level(0)[1] + b.level(0)[3], 2) for b in states]
    return over(ofi(row, MINUTE), sum(depths) / len(depths), NAN) if depths else NAN


@define("mlofi_w5_1m", MINUTE, book=True)
def _(row: Row) -> float:
    pairs = zip(row.known, row.known[1:], strict=False)
    inside = [
        (a, b) for a, b in pairs if b.at >= row.first and b.chained and b.by_book and row.t - MINUTE < b.t
    ]
    weights = [0.5**m for m in range(5)]
    total = sum(w * sum(e_n(a.level(m), b.level(m)) for a, b in inside) for m, w in enumerate(weights))
    return total / sum(weights)


@define("book_ofi_z_1m", sizes=True)
def _(row: Row) -> float:
    ends = [ofi(row, MINUTE, g) for g in points(row, MINUTE, row.t)[-30:]]
    if len(ends) < 30:
        return NAN
    sd = np.std(ends)
    return (ofi(row, MINUTE) - np.mean(ends)) / sd if len(set(ends)) > 1 else NAN


@define("limit_flow_imb_1m", MINUTE, sizes=True)
def _(row: Row) -> float:
    # Facts in stream order; at one event the print comes before the touch that the packet leaves.
    facts: list[tuple[int, int, str, Deal | tuple[View, View]]] = [
        (d.at, 0, "deal", d) for d in row.deals if not d.hidden
    ]
    facts += [(b.at, 1, "touch", (a, b)) for a, b in row.updates()]
    added: list[tuple[int, int, int]] = []
    removals: list[list[int]] = []  # t, side, px, still unexplained
    prints: list[list[int]] = []  # t, side, px, not yet used
    near = 50 * 10**6
    for _, _, what, fact in sorted(facts, key=lambda f: f[:2]):
        if what == "deal":
            left = fact.q
            for r in removals:
                if r[2] == fact.px and fact.side in (0, -r[1]) and fact.t - r[0] <= near:
                    used = min(left, r[3])
                    r[3] -= used
                    left -= used
            prints.append([fact.t, fact.side, fact.px, left])
            continue
        a, b = fact
        (bp, bq, ap, aq), (bp2, bq2, ap2, aq2) = a.level(0), b.level(0)
        for side, px, q, px2, q2 in ((1, bp, bq, bp2, bq2), (-1, ap, aq, ap2, aq2)):
            came = q2 if side * px2 > side * px else max(q2 - q, 0) if px2 == px else 0
            went = q if side * px2 < side * px else max(q - q2, 0) if px2 == px else 0
            if came:
                added.append((b.t, side, came))
            if went:
                for p in prints:
                    if p[2] == px and p[1] in (0, -side) and b.t - p[0] <= near:
                        used = min(went, p[3])
                        p[3] -= used
                        went -= used
                removals.append([b.t, side, px, went])
    inside = [(side, q) for t, side, q in added if t > row.t - MINUTE]
    gone = [(side, left) for t, side, _, left in removals if t > row.t - MINUTE]
    n = sum(side * q for side, q in inside) - sum(side * q for side, q in gone)
    return over(n, sum(q for _, q in inside) + sum(q for _, q in gone))


define("delta_1m", MINUTE)(lambda row: net(row.inside(MINUTE)))
define("delta_5m", 5 * MINUTE)(lambda row: net(row.inside(5 * MINUTE)))
define("cvd_session")(lambda row: net(row.deals) if row.deals else NAN)


@define("cvd_slope_5m", 5 * MINUTE)
def _(row: Row) -> float:
    sampled = points(row, SECOND, row.t)[-300:]
    if len(sampled) < 2:
        return NAN
    y = np.array([net([d for d in row.deals if d.t <= g]) for g in sampled], float)
    x = np.arange(len(sampled), dtype=float)
    return float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())


define("flow_momentum", 5 * MINUTE)(
    lambda row: imbalance(row.inside(MINUTE)) - imbalance(row.inside(5 * MINUTE))
)
define("delta_accel_1m", 2 * MINUTE)(
    lambda row: net(row.inside(MINUTE)) - net(row.inside(MINUTE, row.t - MINUTE))
)


def divergence(row: Row, window: int) -> float:
    before = [d.px for d in row.deals if d.t <= row.t - window]
    if not before:
        return NAN
    delta = net(row.inside(window))
    return float(np.sign(delta)) if (row.deals[-1].px - before[-1]) * delta < 0 else 0.0


define("delta_divergence_5m", 5 * MINUTE)(lambda row: divergence(row, 5 * MINUTE))
define("delta_divergence_15m", 15 * MINUTE)(lambda row: divergence(row, 15 * MINUTE))
define("aggression_buy_1m", MINUTE)(lambda row: sum(d.q for d in row.inside(MINUTE) if d.side > 0) / 60)
define("aggression_sell_1m", MINUTE)(lambda row: sum(d.q for d in row.inside(MINUTE) if d.side < 0) / 60)


@define("flow_aggression_ratio", MINUTE, book=True)
def _(row: Row) -> float:
    joined = sum(v.added for v in row.known if v.at >= row.first and v.t > row.t - MINUTE)
    market = gross(row.inside(MINUTE))
    return over(market, market + joined)


@define("flow_volume_imbalance")
def _(row: Row) -> float:
    if not row.candles or row.candles[-1].net is None:
        return NAN
    return over(row.candles[-1].net, row.candles[-1].gross)


def count_imbalance(deals: list[Deal]) -> float:
    return over(sum(d.side for d in deals), sum(abs(d.side) for d in deals))


define("flow_count_imb_1m", MINUTE)(lambda row: count_imbalance(row.inside(MINUTE)))
define("flow_count_imb_5m", 5 * MINUTE)(lambda row: count_imbalance(row.inside(5 * MINUTE)))


@define("flow_ofi_ewm_30s")
def _(row: Row) -> float:
    signed = [d for d in row.deals if d.side]
    if not signed:
        return 0.0 if row.deals else NAN
    # Weights relative to the last signed print: the common factor cancels in the ratio.
    weights = [math.exp(-(signed[-1].t - d.t) / (30 * SECOND)) for d in signed]
    x = math.fsum(w * d.side * d.q for w, d in zip(weights, signed, strict=True))
    return x / math.fsum(w * d.q for w, d in zip(weights, signed, strict=True))


@define("flow_ofi_1000v")
def _(row: Row) -> float:
    left, up, down = 1000, 0, 0
    for d in reversed(row.deals):
        q = min(d.q, left)
        left -= q
        up += q * (d.side > 0)
        down += q * (d.side < 0)
    return NAN if left else over(up - down, up + down)


@define("flow_sqrt_imb_1m", MINUTE)
def _(row: Row) -> float:
    inside = [d for d in row.inside(MINUTE) if d.side]
    total = math.fsum(math.sqrt(d.q) for d in inside)
    return math.fsum(d.side * math.sqrt(d.q) for d in inside) / total if inside else 0.0


def profile(deals: list[Deal]) -> dict[int, int]:
    rows: dict[int, int] = {}
    for d in deals:
        rows[d.px] = rows.get(d.px, 0) + d.q
    return rows


def poc(rows: dict[int, int]) -> int:
    mean = Fraction(sum(p * v for p, v in rows.items()), sum(rows.values()))
    return sorted(rows, key=lambda p: (-rows[p], abs(p - mean), p))[0]


def value_area(rows: dict[int, int]) -> tuple[int, int]:
    total, low, high = sum(rows.values()), poc(rows), poc(rows)
    while sum(v for p, v in rows.items() if low <= p <= high) < Fraction(7, 10) * total:
        up = [p for p in (high + 1, high + 2) if p <= max(rows)]
        down = [p for p in (low - 1, low - 2) if p >= min(rows)]
        above, below = (sum(rows.get(p, 0) for p in side) for side in (up, down))
        if up and (not down or above >= below):
            high = max(up)
        else:
            low = min(down)
    return low, high


@define("poc_distance", touch=True)
def _(row: Row) -> float:
    return NAN if not row.deals or row.view.mid is None else row.view.mid - poc(profile(row.deals))


@define("va_position", touch=True)
def _(row: Row) -> float:
    if not row.deals or row.view.mid is None:
        return NAN
    low, high = value_area(profile(row.deals))
    return over(row.view.mid - low, high - low, NAN)


@define("va_width")
def _(row: Row) -> float:
    return NAN if not row.deals else np.ptp(value_area(profile(row.deals)))


@define("poc_migration_30m", 30 * MINUTE)
def _(row: Row) -> float:
    sampled = points(row, MINUTE, row.t - 30 * MINUTE)
    before = [d for d in row.deals if sampled and d.t <= sampled[-1]]
    return poc(profile(row.deals)) - poc(profile(before)) if before else NAN


def moments(row: Row) -> tuple[Fraction, Fraction, Fraction]:
    """Mean, variance and third central moment of price, weighted by volume."""
    v = sum(d.q for d in row.deals)
    mean = Fraction(sum(d.q * d.px for d in row.deals), v)
    return mean, *(sum(d.q * (d.px - mean) ** k for d in row.deals) / v for k in (2, 3))


@define("profile_skew")
def _(row: Row) -> float:
    if len({d.px for d in row.deals}) < 2:
        return NAN
    _, m2, m3 = moments(row)
    return float(m3) / float(m2) ** 1.5


@define("vwap_distance")
def _(row: Row) -> float:
    return row.deals[-1].px - moments(row)[0] if row.deals else NAN


@define("vwap_z")
def _(row: Row) -> float:
    if len({d.px for d in row.deals}) < 2:
        return NAN
    mean, m2, _ = moments(row)
    return float(row.deals[-1].px - mean) / math.sqrt(m2)
