"""Published forms of market microstructure, measured on a stream: what the data gives, not what the papers found.

Sources: Cont, Kukanov and Stoikov (2014), *The Price Impact of Order Book Events*, for the regression of mid changes
on order-flow imbalance and its slope against depth; Xu, Gould and Howison (2019), *Multi-Level Order-Flow Imbalance in
a Limit Order Book*, for the fit by depth; Lillo and Farmer (2004), *The Long Memory of the Efficient Market*, for the
autocorrelation of signs; Gould and Bonart (2016), *Queue Imbalance as a One-Tick-Ahead Price Predictor in a Limit
Order Book*, for the next mid move.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantumtrader._protocols import Float64
from quantumtrader.evaluation.book_states import Bool
from quantumtrader.evaluation.intervals import Intervals, Touches, measure_intervals
from quantumtrader.evaluation.prints import Prints
from quantumtrader.evaluation.stretches import stretches
from quantumtrader.evaluation.units import SECOND
from quantumtrader.exceptions import ConfigError, EmptyDataError
from quantumtrader.types import Events, Flag

LEAST = 30
"""Intervals that a regression needs."""
SHUFFLES = 20


@dataclass(frozen=True, slots=True)
class ImpactFit:
    """Regressions of the mid change on imbalances over one window, each with an intercept.

    Parameters
    ----------
    start_ns : int
        Start of the window, ns UTC.
    intervals : int
        Usable intervals.
    beta : float
        Slope on order-flow imbalance, ticks per contract; NaN, as are all that need it, without sizes at the touch.
    r2_ofi, r2_trades : float
        R² on order-flow imbalance, and on trade imbalance (bought − sold); NaN where the regressor is constant.
    r2_next : float
        R² of the next interval's mid change on this one's order-flow imbalance: what is left for a forecast.
    r2_placebo : float
        R² with the imbalances in a random order: what chance gives (mean of 20 seeded shuffles; 1/(n − 1) is
        expected). Those of trades where order flow is not measured.
    depth : float
        Mean of (q_b + q_a)/2 after the touch updates of the window, contracts.
    beta_times_depth : float
        Slope times depth, ticks; 1/2 where the touch shows as much as each level behind it holds (Cont, Kukanov and
        Stoikov, 2014), down to 1/4 where it is used up evenly and so shows half of that on average.
    """

    start_ns: int
    intervals: int
    beta: float
    r2_ofi: float
    r2_trades: float
    r2_next: float
    r2_placebo: float
    depth: float
    beta_times_depth: float


@dataclass(frozen=True, slots=True)
class Forms:
    """What a stream gives.

    Parameters
    ----------
    interval_s, window_s : float
        Length of an interval and of a window, s.
    synthetic : bool
        Whether any event was made by a generator.
    stretches : int
        Stretches of continuous trading that the stream was cut into.
    intervals, usable : int
        Whole intervals of all stretches, and the usable ones among them.
    windows : tuple of ImpactFit
        In time order.
    windows_left_out : int
        Windows with fewer than 30 usable intervals, or with a mid that moved in one of them or in none: a line
        through one move explains it whole.
    r2_by_depth : tuple of float
        R² of the mid change on the order-flow imbalances of levels 1 to m, all windows together, m = 1, 2, ….
    adjusted_r2_by_depth : tuple of float
        The same, adjusted for the number of regressors.
    r2_unseen_by_depth : tuple of float
        The same with coefficients of the window before, 1 − Σ(y − ŷ)²/Σ(y − ȳ)² against the window's own mean;
        empty with fewer than two windows. It may be negative.
    depth_exponent : float
        λ of β = c/depth^λ over the windows, least squares in logs; NaN with fewer than five windows with β > 0.
    parents : int
        Signed parent orders: consecutive prints of one side, and of one broker where known, at most 1 ms apart.
    inferred_sides : float
        Share of signed prints whose side was inferred by a rule; NaN without signed prints.
    sign_acf : tuple of float
        Autocorrelation of the signs of parent orders at lags 1, 2, …, mean removed, pairs of one stretch only; empty
        without signed trades of both sides.
    sign_exponent : float
        γ of acf ∝ lag^−γ over the positive lags up to 50, least squares in logs; NaN with fewer than five of them.
    positive_lags : int
        Lags up to 50 with a positive autocorrelation. Where it is much below 50, the exponent means little.
    up_by_imbalance : tuple of float
        Share of touch updates whose next mid move is up, by tenths of q_b/(q_b + q_a); NaN for an empty tenth.
    updates_by_imbalance : tuple of int
        Touch updates in each tenth. Updates before the same move are not independent.
    mid_moves : int
        Mid moves that were next to at least one of these updates.
    auc : float
        Probability that an update before an up move shows a greater queue imbalance than one before a down move.
    """

    interval_s: float
    window_s: float
    synthetic: bool
    stretches: int
    intervals: int
    usable: int
    windows: tuple[ImpactFit, ...]
    windows_left_out: int
    r2_by_depth: tuple[float, ...]
    adjusted_r2_by_depth: tuple[float, ...]
    r2_unseen_by_depth: tuple[float, ...]
    depth_exponent: float
    parents: int
    inferred_sides: float
    sign_acf: tuple[float, ...]
    sign_exponent: float
    positive_lags: int
    up_by_imbalance: tuple[float, ...]
    updates_by_imbalance: tuple[int, ...]
    mid_moves: int
    auc: float


def measure_forms(
    events: Events, *, interval_s: float = 10.0, window_s: float = 1800.0, levels: int = 10, lags: int = 100
) -> Forms:
    """Measure the published forms on one stream.

    Parameters
    ----------
    events : Events
        In stream order, with session markers where trading pauses: an interval lies within one stretch of
        continuous trading, and so does a window.
    interval_s, window_s : float
        Length of an interval, and of a window of intervals that gets regressions of its own, s. The window is a
        multiple of the interval, at least 30 of them.
    levels : int
        Levels of the book, 1 to 50; streams of quotes have one.
    lags : int
        Lags of the autocorrelation, 1 to 100,000.

    Raises
    ------
    ConfigError
        If an argument is out of range.
    EmptyDataError
        If continuous trading has neither a two-sided touch nor a signed trade.
    """
    step, per_window = grid(interval_s, window_s)
    if not 1 <= levels <= 50:
        raise ConfigError(f"levels is {levels}: give 1 to 50")
    if not 1 <= lags <= 100_000:
        raise ConfigError(f"lags is {lags}: give 1 to 100000")
    pieces = stretches(events)
    trades = Prints.of(events, pieces)
    series, touch = measure_intervals(events, pieces, trades, step, levels)
    if not touch.two_sided.any() and not trades.side.any():
        raise EmptyDataError(
            "published forms cannot be measured: continuous trading has neither a two-sided touch nor a signed trade",
            remedy="Give a recording with quotes, a book or trades with sides; bars are not enough",
        )
    windows = _windows(series, per_window)
    fits = [(span, fit) for span in windows if (fit := _impact(series, span)) is not None]
    acf = trades.autocorrelation(lags)
    shares, counts, moves, auc = _next_move(touch)
    positive = [(float(k), x) for k, x in enumerate(acf[:50], 1) if x > 0]
    return Forms(
        interval_s,
        window_s,
        bool((events["flags"] & Flag.SYNTHETIC).any()),
        len(pieces),
        len(series.change),
        int(series.usable.sum()),
        tuple(fit for _, fit in fits),
        len(windows) - len(fits),
        *_by_depth(series, [span for span, _ in fits]),
        _exponent([(fit.depth, fit.beta) for _, fit in fits if fit.beta > 0]),
        len(trades.parents),
        trades.inferred,
        acf,
        _exponent(positive),
        len(positive),
        shares,
        counts,
        moves,
        auc,
    )


def grid(interval_s: float, window_s: float) -> tuple[int, int]:
    """Return the interval in ns, and the intervals in a window.

    Raises
    ------
    ConfigError
        If an interval is out of range, or a window no multiple of it.
    """
    if not 1e-6 <= interval_s <= 1e6:
        raise ConfigError(f"interval_s is {interval_s}: give 0.000001 to 1000000 seconds")
    step = round(interval_s * SECOND)
    window = round(window_s * SECOND) if 0 < window_s <= 1e9 else 0
    if window % step or window < LEAST * step:
        raise ConfigError(
            f"window_s is {window_s}: give a multiple of interval_s ({interval_s:g}), at least {LEAST} of them"
        )
    return step, window // step


def _windows(series: Intervals, per_window: int) -> list[slice]:
    """Windows of intervals, none of which reaches across stretches; the last of a stretch may be shorter."""
    cuts = np.flatnonzero(np.diff(series.stretch, prepend=-1, append=-1))
    return [
        slice(first, min(first + per_window, stop))
        for begin, stop in itertools.pairwise(cuts.tolist())
        for first in range(begin, stop, per_window)
    ]


def _impact(series: Intervals, span: slice) -> ImpactFit | None:
    usable = series.usable[span]
    change, flow, delta = series.change[span], series.flow[span], series.delta[span]
    y = change[usable]
    if len(y) < LEAST or np.ptp(y) == 0 or np.count_nonzero(y) < 2:
        return None
    x = flow[:, 0] if series.sized else delta
    shuffled = np.random.default_rng(0)
    placebo = float(np.mean([_line(shuffled.permutation(x[usable]), y)[1] for _ in range(SHUFFLES)]))
    beta = r2 = following = depth = float("nan")
    if series.sized:
        beta, r2 = _line(x[usable], y)
        pairs = usable[:-1] & usable[1:]
        following = _line(x[:-1][pairs], change[1:][pairs])[1]
        updates = series.updates[span].sum()
        depth = float(series.depth[span].sum() / updates) if updates else float("nan")
    return ImpactFit(
        int(series.starts[span][0]),
        len(y),
        beta,
        r2,
        _line(delta[usable], y)[1],
        following,
        placebo,
        depth,
        beta * depth,
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
    series: Intervals, spans: list[slice]
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    if not series.sized or not spans:
        return (), (), ()
    chosen = [np.arange(span.start, span.stop)[series.usable[span]] for span in spans]
    rows = np.concatenate(chosen)
    y, n = series.change[rows], len(rows)
    total = float(((y - y.mean()) ** 2).sum())
    seen, adjusted, unseen = [], [], []
    for m in range(1, series.flow.shape[1] + 1):
        x = series.flow[:, :m]
        r2 = 1 - _residual(x[rows], y, _fit(x[rows], y)) / total
        seen.append(r2)
        adjusted.append(1 - (1 - r2) * (n - 1) / (n - m - 1) if n > m + 1 else float("nan"))
        errors = totals = 0.0
        for a, b in itertools.pairwise(chosen):
            now = series.change[b]
            errors += _residual(x[b], now, _fit(x[a], series.change[a]))
            totals += float(((now - now.mean()) ** 2).sum())
        if totals:
            unseen.append(1 - errors / totals)
    return tuple(seen), tuple(adjusted), tuple(unseen)


def _fit(x: Float64, y: Float64) -> Float64:
    design = np.column_stack([np.ones(len(x)), x])
    return np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], np.float64)


def _residual(x: Float64, y: Float64, coefficients: Float64) -> float:
    return float(((y - coefficients[0] - x @ coefficients[1:]) ** 2).sum())


def _exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return λ of y = c/x^λ by least squares in logs."""
    if len(points) < 5:
        return float("nan")
    x, y = np.log(np.array(points, np.float64)).T
    return -_line(x, y)[0]


def _next_move(touch: Touches) -> tuple[tuple[float, ...], tuple[int, ...], int, float]:
    # A move is only seen from packets to which it is linked without a break.
    linked = touch.chained.copy()
    linked[1:] &= touch.two_sided[1:] & touch.two_sided[:-1]
    run = np.cumsum(~linked)
    moves = np.flatnonzero(linked[1:] & (np.diff(touch.mid2) != 0)) + 1
    rows = np.flatnonzero(touch.changed & touch.two_sided)
    upcoming = np.searchsorted(moves, rows, side="right")
    rows, upcoming = rows[upcoming < len(moves)], upcoming[upcoming < len(moves)]
    same = run[moves[upcoming]] == run[rows]
    rows, upcoming = rows[same], upcoming[same]
    if len(rows) == 0:
        return (float("nan"),) * 10, (0,) * 10, 0, float("nan")
    bid, ask = touch.bid_sz[rows], touch.ask_sz[rows]
    up = touch.mid2[moves[upcoming]] > touch.mid2[moves[upcoming] - 1]
    tenth = np.minimum(10 * bid // (bid + ask), 9)
    counts = np.bincount(tenth, minlength=10)
    ups = np.bincount(tenth, weights=up, minlength=10)
    shares = tuple(float(u / c) if c else float("nan") for u, c in zip(ups, counts, strict=True))
    return shares, tuple(int(c) for c in counts), len(np.unique(upcoming)), _auc(bid / (bid + ask), up)


def _auc(score: Float64, up: Bool) -> float:
    """Mann-Whitney probability that a positive scores higher than a negative; ties count one half."""
    positives, negatives = int(up.sum()), int((~up).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    return float((rank[inverse][up].sum() - positives * (positives + 1) / 2) / (positives * negatives))
