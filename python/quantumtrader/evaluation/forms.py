"""Published forms of market microstructure, measured on a stream: what the data gives, not what the papers found.

Sources: Cont, Kukanov and Stoikov (2014), *The Price Impact of Order Book Events*, for the regression of mid changes
on order-flow imbalance and its slope against depth; Xu, Gould and Howison (2019), *Multi-Level Order-Flow Imbalance in
a Limit Order Book*, for the fit by depth; Lillo and Farmer (2004), *The Long Memory of the Efficient Market*, for the
autocorrelation of signs; Gould and Bonart (2016), *Queue Imbalance as a One-Tick-Ahead Price Predictor in a Limit
Order Book*, for the next mid move.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from quantumtrader._protocols import Float64, Int64
from quantumtrader.evaluation.book_states import BookStates, book_states
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import Events, Flag, Kind

SECOND = 1_000_000_000
PARENT_GAP = 1_000_000
LEAST = 30
"""Intervals that a regression needs."""


@dataclass(frozen=True, slots=True)
class ImpactFit:
    """Regressions of the mid change on imbalances over one window of the session.

    Parameters
    ----------
    start_ns : int
        Start of the window, ns UTC.
    intervals : int
        Intervals with a mid at both ends.
    beta : float
        Slope on order-flow imbalance, ticks per contract.
    r2_ofi, r2_trades : float
        R² on order-flow imbalance, and on trade imbalance (bought − sold); NaN where the regressor is constant.
    r2_next : float
        R² of the next interval's mid change on this one's order-flow imbalance: what is left for a forecast.
    r2_placebo : float
        R² with the imbalances in a random order: what chance gives (mean of 20 seeded shuffles).
    depth : float
        Mean of (q_b + q_a)/2 over the touch updates of the window, contracts.
    """

    start_ns: int
    intervals: int
    beta: float
    r2_ofi: float
    r2_trades: float
    r2_next: float
    r2_placebo: float
    depth: float

    @property
    def beta_times_depth(self) -> float:
        """Slope times depth, ticks; 1/2 in a book of uniform depth (Cont, Kukanov and Stoikov, 2014, eq. 7)."""
        return self.beta * self.depth


@dataclass(frozen=True, slots=True)
class Forms:
    """What a stream gives.

    Parameters
    ----------
    interval_s, window_s : float
        Length of an interval and of a window, s.
    windows : tuple of ImpactFit
        In time order; windows with fewer than 30 usable intervals, or without any order flow, are left out.
    r2_by_depth : tuple of float
        R² of the mid change on the order-flow imbalances of levels 1 to m, all windows together, m = 1, 2, ….
    adjusted_r2_by_depth : tuple of float
        The same, adjusted for the number of regressors.
    r2_unseen_by_depth : tuple of float
        The same with coefficients of the window before, 1 − Σ(y − ŷ)²/Σ(y − ȳ)² against the window's own mean;
        empty with fewer than two windows. It may be negative.
    depth_exponent : float
        λ of β = c/depth^λ over the windows, least squares in logs; NaN with fewer than five windows with β > 0.
    sign_acf : tuple of float
        Autocorrelation of the signs of parent orders at lags 1, 2, …, mean removed; empty without signed trades.
    sign_exponent : float
        γ of acf ∝ lag^−γ over the positive lags up to 50, least squares in logs; NaN with fewer than five of them.
    parents : int
        Parent orders.
    up_by_imbalance : tuple of float
        Share of touch updates whose next mid move is up, by tenths of q_b/(q_b + q_a); NaN for an empty tenth.
    updates_by_imbalance : tuple of int
        Touch updates in each tenth.
    auc : float
        Probability that an update before an up move shows a greater queue imbalance than one before a down move.
    """

    interval_s: float
    window_s: float
    windows: tuple[ImpactFit, ...]
    r2_by_depth: tuple[float, ...]
    adjusted_r2_by_depth: tuple[float, ...]
    r2_unseen_by_depth: tuple[float, ...]
    depth_exponent: float
    sign_acf: tuple[float, ...]
    sign_exponent: float
    parents: int
    up_by_imbalance: tuple[float, ...]
    updates_by_imbalance: tuple[int, ...]
    auc: float


def measure_forms(
    events: Events, *, interval_s: float = 10.0, window_s: float = 1800.0, levels: int = 10, lags: int = 100
) -> Forms:
    """Measure the published forms on one stream.

    Parameters
    ----------
    events : Events
        Sorted; the whole stream is one session, its intervals are anchored at the first good touch.
    interval_s, window_s : float
        Length of an interval, and of a window of intervals that gets regressions of its own, s.
    levels : int
        Levels of the book, 1 to 50; streams of quotes have one.
    lags : int
        Lags of the autocorrelation.

    Raises
    ------
    ConfigError
        If an argument is out of range.
    EmptyDataError
        If no packet leaves a two-sided touch.
    """
    if not 0 < interval_s <= window_s / LEAST:
        raise ConfigError(f"interval_s is {interval_s}: give a number above 0 and at most window_s/{LEAST}")
    if not 1 <= levels <= 50:
        raise ConfigError(f"levels is {levels}: give 1 to 50")
    states = book_states(events, levels)
    trades = _trades(events)
    series = _Series.of(states, trades, round(interval_s * SECOND))
    per_window = round(window_s / interval_s)
    fits, spans = [], []
    for first in range(0, len(series.change), per_window):
        span = slice(first, first + per_window)
        fit = _window(series, span)
        if fit is not None:
            fits.append(fit)
            spans.append(span)
    by_depth = _by_depth(series, spans)
    signs = _parent_signs(*trades)
    acf = _autocorrelation(signs, lags)
    shares, counts, auc = _next_move(states)
    return Forms(
        interval_s,
        window_s,
        tuple(fits),
        *by_depth,
        _exponent([(f.depth, f.beta) for f in fits if f.beta > 0]),
        acf,
        _exponent([(k, x) for k, x in enumerate(acf[:50], 1) if x > 0]),
        len(signs),
        shares,
        counts,
        auc,
    )


@dataclass(frozen=True, slots=True)
class _Series:
    """One row per interval."""

    starts: Int64
    change: Float64
    """Mid change, ticks; NaN without a mid at an end."""
    flow: Float64
    """Order-flow imbalance by level, shape (n, levels)."""
    delta: Float64
    """Bought less sold, contracts."""
    depth: Float64
    """Sum of (q_b + q_a)/2 over touch updates."""
    updates: Float64

    @classmethod
    def of(cls, states: BookStates, trades: tuple[Int64, Int64, Int64], step: int) -> _Series:
        start = int(states.times[0])
        n = int((states.times[-1] - start) // step)
        edges = start + step * np.arange(n + 1)

        def total(t: Int64, x: Int64) -> Float64:
            # An interval is (edge, next edge], as a window at its end is.
            k = np.searchsorted(edges, t, side="left") - 1
            inside = (k >= 0) & (k < n)
            return np.asarray(np.bincount(k[inside], x[inside].astype(np.float64), n), np.float64)

        flow = np.column_stack([total(states.times, states.flow[:, m]) for m in range(states.levels)])
        shown = states.changed.astype(np.int64)
        t, size, side = trades
        return cls(
            edges[:-1],
            np.diff(states.mid2_at(edges)) / 2,
            flow,
            total(t, size * side),
            total(states.times, shown * (states.bid_sz + states.ask_sz)) / 2,
            total(states.times, shown),
        )


def _trades(events: Events) -> tuple[Int64, Int64, Int64]:
    """Times, sizes and signs of prints; crosses, auctions and RLP are unsigned."""
    flags = events["flags"]
    print_ = (
        (events["kind"] == Kind.TRADE) & (flags & (Flag.CANCELLED | Flag.EDITED) == 0) & (events["size"] > 0)
    )
    side = np.where(flags & (Flag.CROSS | Flag.AUCTION | Flag.RLP) != 0, 0, np.sign(events["side"]))
    times = np.maximum.accumulate(events["ts_event"])
    return times[print_], events["size"][print_].astype(np.int64), side[print_].astype(np.int64)


def _window(series: _Series, span: slice) -> ImpactFit | None:
    change, flow, delta = series.change[span], series.flow[span, 0], series.delta[span]
    usable = np.isfinite(change)
    if usable.sum() < LEAST:
        return None
    beta, r2 = _line(flow[usable], change[usable])
    if np.isnan(beta):
        return None
    following = usable[1:]
    shuffled = np.random.default_rng(0)
    placebo = [_line(shuffled.permutation(flow[usable]), change[usable])[1] for _ in range(20)]
    updates = series.updates[span].sum()
    return ImpactFit(
        int(series.starts[span][0]),
        int(usable.sum()),
        beta,
        r2,
        _line(delta[usable], change[usable])[1],
        _line(flow[:-1][following], change[1:][following])[1],
        float(np.mean(placebo)),
        float(series.depth[span].sum() / updates) if updates else float("nan"),
    )


def _line(x: Float64, y: Float64) -> tuple[float, float]:
    """Slope and R² of y on x with an intercept; NaN where x or y is constant."""
    if len(x) < 2:
        return float("nan"), float("nan")
    dx, dy = x - x.mean(), y - y.mean()
    xx, yy, xy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    if xx == 0:
        return float("nan"), float("nan")
    return xy / xx, xy * xy / (xx * yy) if yy else float("nan")


def _by_depth(
    series: _Series, spans: list[slice]
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    usable = np.zeros(len(series.change), bool)
    for span in spans:
        usable[span] = np.isfinite(series.change[span])
    y = series.change[usable]
    n = len(y)
    seen, adjusted, unseen = [], [], []
    if n == 0 or np.ptp(y) == 0:
        return (), (), ()
    for m in range(1, series.flow.shape[1] + 1):
        x = series.flow[:, :m]
        r2 = 1 - _residual(x[usable], y, _fit(x[usable], y)) / float(((y - y.mean()) ** 2).sum())
        seen.append(r2)
        adjusted.append(1 - (1 - r2) * (n - 1) / (n - m - 1) if n > m + 1 else float("nan"))
        errors = totals = 0.0
        for earlier, later in itertools.pairwise(spans):
            a, b = (np.isfinite(series.change[s]) for s in (earlier, later))
            now = series.change[later][b]
            errors += _residual(x[later][b], now, _fit(x[earlier][a], series.change[earlier][a]))
            totals += float(((now - now.mean()) ** 2).sum())
        if totals:
            unseen.append(1 - errors / totals)
    return tuple(seen), tuple(adjusted), tuple(unseen)


def _fit(x: Float64, y: Float64) -> Float64:
    design = np.column_stack([np.ones(len(x)), x])
    return np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], np.float64)


def _residual(x: Float64, y: Float64, coefficients: Float64) -> float:
    return float(((y - coefficients[0] - x @ coefficients[1:]) ** 2).sum())


def _parent_signs(t: Int64, size: Int64, side: Int64) -> Int64:
    """Sign of each parent order: consecutive prints of one side at most 1 ms apart."""
    if len(t) == 0:
        return np.zeros(0, np.int64)
    begins = np.ones(len(t), bool)
    begins[1:] = (side[1:] != side[:-1]) | (np.diff(t) > PARENT_GAP)
    return np.asarray(side[begins & (side != 0)], np.int64)


def _autocorrelation(signs: Int64, lags: int) -> tuple[float, ...]:
    x = signs - signs.mean() if len(signs) else signs.astype(np.float64)
    total = float(x @ x)
    if total == 0:
        return ()
    return tuple(float(x[k:] @ x[:-k]) / total for k in range(1, min(lags, len(x) - 1) + 1))


def _exponent(points: list[tuple[float, float]]) -> float:
    """Return λ of y = c/x^λ by least squares in logs."""
    if len(points) < 5:
        return float("nan")
    x, y = np.log(np.array(points, np.float64)).T
    return -_line(x, y)[0]


def _next_move(states: BookStates) -> tuple[tuple[float, ...], tuple[int, ...], float]:
    moves = np.flatnonzero(np.diff(states.mid2)) + 1
    direction = np.sign(states.mid2[moves] - states.mid2[moves - 1])
    rows = np.flatnonzero(states.changed)
    upcoming = np.searchsorted(moves, rows, side="right")
    rows, upcoming = rows[upcoming < len(moves)], upcoming[upcoming < len(moves)]
    total = states.bid_sz[rows] + states.ask_sz[rows]
    rows, upcoming = rows[total > 0], upcoming[total > 0]
    if len(rows) == 0:
        return (float("nan"),) * 10, (0,) * 10, float("nan")
    share = states.bid_sz[rows] / (states.bid_sz[rows] + states.ask_sz[rows])
    up = direction[upcoming] > 0
    tenth = np.minimum((10 * share).astype(np.int64), 9)
    counts = np.bincount(tenth, minlength=10)
    ups = np.bincount(tenth, weights=up, minlength=10)
    shares = tuple(float(u / c) if c else float("nan") for u, c in zip(ups, counts, strict=True))
    return shares, tuple(int(c) for c in counts), _auc(share, up)


def _auc(score: Float64, up: np.ndarray) -> float:
    """Mann-Whitney probability that a positive scores higher than a negative; ties count one half."""
    positives, negatives = int(up.sum()), int((~up).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    return float((rank[inverse][up].sum() - positives * (positives + 1) / 2) / (positives * negatives))
