"""Every feature as its definition reads, over the facts known at one row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from reference.recording import MINUTE, Candle, Deal, Recording, View

SECOND = 10**9
NAN = math.nan


class Row:
    """The facts at one row: time ``t``, the first ``seen`` events."""

    def __init__(
        self, recording: Recording, t: int, seen: int, partial: bool = False, at_close: bool = False
    ) -> None:
        self.t, self.seen, self.partial, self.at_close = t, seen, partial, at_close
        self.recording = recording
        self.period = recording.period(seen)
        first = self.period.first if self.period else seen
        self.start = self.period.start if self.period else None
        self.began = recording.first_market_event(self.period, seen) if self.period else None
        self.deals = [d for d in recording.deals if first <= d.at < seen]
        known = [v for v in recording.views if v.at < seen]
        self.view = known[-1] if known and known[-1].good else None
        self.known = known
        self.first = first
        self._candles: list[Candle] | None = None

    @property
    def candles(self) -> list[Candle]:
        if self._candles is None:
            closing = (
                self.at_close
                and self.period is not None
                and self.period.last == self.seen
                and self.recording.times[self.seen] == self.t
            )
            self._candles = self.recording.candles(self.t, self.seen, closing)
        return self._candles

    def inside(self, window: int, t: int | None = None) -> list[Deal]:
        t = self.t if t is None else t
        return [d for d in self.deals if t - window < d.t <= t]

    def updates(self) -> list[tuple[View, View]]:
        """Pairs of touches, before and after, of this session."""
        pairs = zip(self.known, self.known[1:], strict=False)
        return [
            (a, b)
            for a, b in pairs
            if b.at >= self.first and b.chained and a.sized and b.sized and a.level(0) != b.level(0)
        ]

    def warm(self, window: int) -> bool:
        return self.partial or (self.began is not None and self.t - self.began >= window)


Definition = Callable[[Row], float]
DEFINITIONS: dict[str, Definition] = {}


def define(name: str, window: int = 0, touch: bool = False, sizes: bool = False, book: bool = False):
    """Register a definition with the rules that hold around it."""

    def register(f: Definition) -> Definition:
        def guarded(row: Row) -> float:
            if row.start is None:
                return NAN
            if window and not row.warm(window):
                return NAN
            if (touch or sizes or book) and row.view is None:
                return NAN
            if sizes and not row.view.sized:
                return NAN
            if book and not row.view.by_book:
                return NAN
            return float(f(row))

        DEFINITIONS[name] = guarded
        return f

    return register


def points(row: Row, step: int, until: int) -> range:
    """Grid points of the session from its first market event on, up to ``until``."""
    if row.began is None:
        return range(0)
    grid = range(row.start + step, until + 1, step)
    return grid[sum(1 for g in grid if g < row.began) :] if grid and grid[0] < row.began else grid


def over(a: float, b: float, otherwise: float = 0.0) -> float:
    return float(Fraction(a) / Fraction(b)) if b else otherwise


def net(deals: list[Deal]) -> int:
    return sum(d.q for d in deals if d.side == 1) - sum(d.q for d in deals if d.side == -1)


def gross(deals: list[Deal]) -> int:
    return sum(d.q for d in deals if d.side)


def imbalance(deals: list[Deal]) -> float:
    return over(net(deals), gross(deals))


def e_n(a: tuple[float, int, float, int], b: tuple[float, int, float, int]) -> int:
    """Cont, Kukanov and Stoikov (2014), equation 4."""
    return (b[0] >= a[0]) * b[1] - (b[0] <= a[0]) * a[1] - (b[2] <= a[2]) * b[3] + (b[2] >= a[2]) * a[3]


def ofi(row: Row, window: int, t: int | None = None) -> int:
    t = row.t if t is None else t
    return sum(e_n(a.level(0), b.level(0)) for a, b in row.updates() if t - window < b.t <= t)


def _minutes(name: str, minutes: float) -> int:
    return int(minutes * MINUTE)


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
    inside = [(a, b) for a, b in pairs if b.at >= row.first and b.chained and row.t - MINUTE < b.t]
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
    facts: list[tuple[int, int, str, Deal | tuple[View, View]]] = [(d.at, 0, "deal", d) for d in row.deals]
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


@define("book_imbalance_5", book=True)
def _(row: Row) -> float:
    if row.view.mid is None:
        return NAN
    bid, ask = sum(q for _, q in row.view.bids), sum(q for _, q in row.view.asks)
    return over(bid - ask, bid + ask)


@define("spread_ticks", touch=True)
def _(row: Row) -> float:
    return NAN if row.view.mid is None else row.view.asks[0][0] - row.view.bids[0][0]


@define("weighted_mid_dev", touch=True)
def _(row: Row) -> float:
    if row.view.mid is None:
        return NAN
    (bp, bq), (ap, aq) = row.view.bids[0], row.view.asks[0]
    return NAN if bq + aq == 0 else Fraction(bp * aq + ap * bq, bq + aq) - Fraction(bp + ap, 2)


# -- bars -----------------------------------------------------------------------------------------------


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


@define("ema_dist_20")
def _(row: Row) -> float:
    scale = atr(row, 14)
    return (closes(row)[-1] - ema(closes(row), 20)) / scale if len(row.candles) >= 20 and scale else NAN


@define("ema_cross_9_20")
def _(row: Row) -> float:
    scale = atr(row, 14)
    return (ema(closes(row), 9) - ema(closes(row), 20)) / scale if len(row.candles) >= 20 and scale else NAN


@define("rsi_14")
def _(row: Row) -> float:
    changes = np.diff(closes(row))
    if len(changes) < 14:
        return NAN
    up, down = wilder(list(np.maximum(changes, 0)), 14), wilder(list(np.maximum(-changes, 0)), 14)
    return 100 * up / (up + down) if up + down else 0.0


define("atr_14")(lambda row: atr(row, 14))


@define("volume_ratio_5_20")
def _(row: Row) -> float:
    v = [b.volume for b in row.candles[-20:]]
    return NAN if len(v) < 20 else over(Fraction(sum(v[-5:]), 5), Fraction(sum(v), 20), NAN)


def reference(
    recording: Recording, t: int, seen: int, partial: bool = False, at_close: bool = False
) -> dict[str, float]:
    """Every feature at time ``t`` after the first ``seen`` events.

    ``at_close``: the row is due to a bar's close, so a marker that closed one at ``t`` has done so already.
    """
    row = Row(recording, t, seen, partial, at_close)
    return {name: definition(row) for name, definition in DEFINITIONS.items()}
