"""Published forms against cases with a known answer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from quantumtrader.evaluation import forms, measure_forms
from quantumtrader.evaluation.intervals import measure_intervals
from quantumtrader.evaluation.prints import Prints
from quantumtrader.evaluation.stretches import stretches
from quantumtrader.exceptions import ConfigError, EmptyDataError
from quantumtrader.types import EVENT, PX_NONE, Events, Flag, Kind, Phase
from reference.flows import as_events, random_flow

SECOND = 10**9
SHORT: dict[str, Any] = {"interval_s": 1.0, "window_s": 60.0}


def stream(*parts: Events) -> Events:
    """Put parts together in order of time."""
    events = np.concatenate(parts)
    events = events[np.argsort(events["ts_event"], kind="stable")]
    events["sequence"] = np.arange(len(events))
    return events


def quotes(t: Any, bid: Any, bid_sz: Any, ask: Any, ask_sz: Any) -> Events:
    events = np.zeros(len(t), EVENT)
    events["kind"] = Kind.QUOTE
    events["ts_event"] = events["ts_recv"] = t
    for name, x in (("px", bid), ("size", bid_sz), ("px_ask", ask), ("size_ask", ask_sz)):
        events[name] = x
    return events


def trades(t: Any, side: Any, size: Any = 1, px: int = 100) -> Events:
    events = np.zeros(len(t), EVENT)
    events["kind"] = Kind.TRADE
    events["ts_event"] = events["ts_recv"] = t
    events["side"], events["size"], events["px"] = side, size, px
    return events


def uniform_book(seed: int, depth: int, steps: int, pause: int = SECOND // 50) -> Events:
    """A book with ``depth`` contracts at every tick, into which unit orders come.

    Buyers eat the ask and sellers refill it, one contract at a time, and likewise at the bid: a side moves by a tick
    when ``depth`` contracts have gone. The two sides are kept a fixed distance apart, as each takes half of the flow.
    """
    rng = np.random.default_rng(seed)
    pressure = np.cumsum(rng.choice([-1, 1], steps))
    bid_px, bid_fill = np.divmod(pressure, depth)
    ask_px, ask_eaten = np.divmod(pressure, depth)
    return quotes(
        SECOND * 10 + np.arange(steps) * pause,
        1000 + bid_px,
        1 + bid_fill,  # contracts that have come to the bid at this price
        1005 + ask_px,
        depth - ask_eaten,  # contracts left at the ask
    )


@pytest.mark.parametrize("depth", [3, 6, 9])
def test_the_slope_in_a_uniform_book_is_half_the_inverse_of_depth(depth: int) -> None:
    got = measure_forms(uniform_book(3, depth, 240_000, SECOND // 1000), **SHORT)
    assert len(got.windows) == 4
    # Each unit of pressure adds a contract to the bid and takes one from the ask, so it is an order flow of 2, and the
    # mid moves by a tick for ``depth`` units.
    for fit in got.windows:
        assert fit.beta == pytest.approx(1 / (2 * depth), rel=0.05)
        assert fit.r2_ofi > 0.97
        assert fit.beta_times_depth == fit.beta * fit.depth
        # The touch is eaten evenly: it shows half of what a whole level holds, and half a contract.
        assert fit.depth == pytest.approx((depth + 1) / 2)
        assert math.isnan(fit.r2_trades)  # no trades: a constant regressor


def test_the_placebo_is_what_chance_gives() -> None:
    got = measure_forms(uniform_book(4, 20, 120_000), interval_s=1, window_s=120)
    n = got.windows[5].intervals
    assert n == 120
    assert np.mean([fit.r2_placebo for fit in got.windows]) == pytest.approx(1 / (n - 1), rel=0.25)
    # Unit steps are independent: the past says nothing.
    assert np.mean([fit.r2_next for fit in got.windows]) < 3 / (n - 1)


def test_impact_of_trades_alone() -> None:
    """Quotes without sizes that follow the trades: nothing of order flow, everything of trades."""
    rng = np.random.default_rng(1)
    side = rng.choice([-1, 1], 3000)
    t = SECOND + np.arange(3000) * SECOND // 10
    events = stream(trades(t, side, 3), quotes(t, 1000 + np.cumsum(side), 0, 1001 + np.cumsum(side), 0))
    events["flags"][events["kind"] == Kind.TRADE] = Flag.SIDE_INFERRED
    got = measure_forms(events, **SHORT)
    assert got.usable > 250
    assert [fit.r2_trades for fit in got.windows] == pytest.approx([1.0] * len(got.windows))
    first = got.windows[0]
    assert all(math.isnan(x) for x in (first.beta, first.r2_ofi, first.r2_next, first.depth, got.auc))
    assert first.r2_placebo < 0.2
    assert got.r2_by_depth == got.r2_unseen_by_depth == ()
    assert got.inferred_sides == 1.0


@pytest.mark.parametrize("feed", ["levels", "orders"])
def test_more_levels_never_fit_worse(feed: str) -> None:
    got = measure_forms(random_flow(2, 6000, feed, markers=False, calm=True), interval_s=60, window_s=3600)
    assert len(got.r2_by_depth) == len(got.adjusted_r2_by_depth) == 10
    assert np.diff(got.r2_by_depth).min() > -1e-9
    assert all(a <= b for a, b in zip(got.adjusted_r2_by_depth, got.r2_by_depth, strict=True))
    assert len(got.r2_unseen_by_depth) == (10 if len(got.windows) > 1 else 0)


def test_unseen_is_the_window_before_applied() -> None:
    """By hand with polyfit, one level, two windows."""
    events = uniform_book(9, 7, 6_000)
    got = measure_forms(events, **SHORT)
    pieces = stretches(events)
    rows = measure_intervals(events, pieces, Prints.of(events, pieces), SECOND, 1)[0]
    a, b = (slice(0, 60), slice(60, 119))
    ok = rows.usable
    slope, start = np.polyfit(rows.flow[a, 0][ok[a]], rows.change[a][ok[a]], 1)
    y = rows.change[b][ok[b]]
    errors = ((y - start - slope * rows.flow[b, 0][ok[b]]) ** 2).sum()
    assert len(got.windows) == 2
    assert got.r2_unseen_by_depth == pytest.approx([1 - errors / ((y - y.mean()) ** 2).sum()])


def test_signs_that_persist() -> None:
    """A sign that is kept with probability p has autocorrelation (2p − 1)^k."""
    rng = np.random.default_rng(5)
    n, p = 60_000, 0.85
    side = np.cumprod(np.where(rng.random(n) < p, 1, -1))
    events = trades(SECOND + np.arange(n) * 2_000_000, side)  # 2 ms apart: each is a parent order
    got = measure_forms(events, lags=5)
    assert got.parents == n
    assert got.sign_acf == pytest.approx([(2 * p - 1) ** k for k in range(1, 6)], abs=0.02)
    assert got.windows == ()


def test_parents_are_runs_of_one_side_and_broker() -> None:
    ms = 1_000_000
    rows = [
        # (time, side, broker, flags)
        (0, 1, 0, 0),
        (ms, 1, 7, 0),  # 1 ms later, broker now known: goes on
        (2 * ms, 1, 8, 0),  # another broker
        (2 * ms, -1, 8, 0),
        (4 * ms, -1, 8, 0),  # too late
        (4 * ms, -1, 8, Flag.CROSS),  # unsigned: ends it
        (4 * ms, -1, 8, 0),
        (4 * ms, -1, 8, Flag.CANCELLED),  # no print
        (4 * ms, -1, 8, 0),
    ]
    events = trades([10 + r[0] for r in rows], [r[1] for r in rows])
    events["flags"] = [r[3] for r in rows]
    events["ref_a"] = events["ref_b"] = [r[2] for r in rows]
    measured = Prints.of(events, stretches(events))
    assert measured.parents.tolist() == [1, 1, -1, -1, -1]


def test_pairs_of_signs_lie_in_one_session() -> None:
    day = [trades(SECOND + k * 100 * SECOND + np.arange(4) * SECOND, [1, 1, -1, -1]) for k in range(2)]
    marks = np.zeros(2, EVENT)
    marks["kind"], marks["action"] = Kind.SESSION, Phase.OPEN
    marks["ts_event"] = [SECOND - 1, 101 * SECOND - 1]
    one = measure_forms(stream(day[0], day[1]), lags=2)
    two = measure_forms(stream(marks, *day), lags=2)
    assert one.sign_acf[0] == pytest.approx((1 - 1 + 1 - 1 + 1 - 1 + 1) / 8)
    assert two.sign_acf[0] == pytest.approx(2 * (1 - 1 + 1) / 8)
    assert (one.stretches, two.stretches) == (1, 2)


def test_exponent_of_a_power_law() -> None:
    assert forms._exponent([(k, 3 * k**-0.6) for k in range(1, 20)]) == pytest.approx(0.6)
    assert math.isnan(forms._exponent([(k, 1 / k) for k in range(1, 5)]))


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_that_of_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, up = rng.integers(0, 12, 200) / 11, rng.random(200) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in score[up] for b in score[~up]]
    assert forms._auc(score, up) == pytest.approx(np.mean(pairs))
    assert math.isnan(forms._auc(score, np.ones(200, bool)))


def test_next_move_by_hand() -> None:
    rows = [
        (100, 5, 101, 5),
        (100, 9, 101, 1),  # 0.9, next move: up
        (100, 8, 101, 2),  # 0.8, up
        (101, 2, 102, 8),  # up; itself 0.2, next move: down
        (100, 5, 101, 5),  # down; 0.5, next move: none before the touch is lost
        (101, 5, 101, 5),
        (102, 5, 103, 5),
        (102, 1, 103, 4),  # 0.2, nothing follows
    ]
    got = measure_forms(quotes(SECOND + np.arange(len(rows)), *zip(*rows, strict=True)))
    assert got.updates_by_imbalance == (0, 0, 1, 0, 0, 0, 0, 0, 1, 1)
    assert got.up_by_imbalance[2] == 0
    assert got.up_by_imbalance[8:] == (1, 1)
    assert (got.mid_moves, got.auc) == (2, 1.0)


def test_intervals_and_windows_stay_within_a_session() -> None:
    """Two sessions of 100 s, an hour apart: 99 whole intervals each, and no move over the pause."""
    morning = uniform_book(1, 10, 5000)
    afternoon = uniform_book(2, 10, 5000)
    afternoon["ts_event"] += 3600 * SECOND
    afternoon["px"] += 500
    afternoon["px_ask"] += 500
    marks = np.zeros(4, EVENT)
    marks["kind"] = Kind.SESSION
    marks["action"] = [Phase.OPEN, Phase.CLOSED, Phase.OPEN, Phase.CLOSED]
    marks["ts_event"] = [10 * SECOND, 111 * SECOND, 3610 * SECOND, 4000 * SECOND]
    events = np.concatenate([marks[:1], morning, marks[1:3], afternoon, marks[3:]])
    got = measure_forms(events, **SHORT)
    assert (got.stretches, got.intervals, got.usable) == (2, 2 * 99, 2 * 99)
    assert [fit.start_ns // SECOND for fit in got.windows] == [10, 70, 3610, 3670]
    assert [fit.intervals for fit in got.windows] == [60, 39, 60, 39]
    alone = measure_forms(np.concatenate([marks[:1], morning, marks[1:2]]), **SHORT)
    assert str(got.windows[:2]) == str(alone.windows)  # NaN is not equal to itself


def test_an_interval_with_a_gap_is_not_used() -> None:
    whole = uniform_book(1, 10, 3000)
    gap = np.zeros(1, EVENT)
    gap["kind"], gap["ts_event"] = Kind.GAP, whole["ts_event"][1610]
    broken = measure_forms(stream(whole, gap), **SHORT)
    assert measure_forms(whole, **SHORT).usable - broken.usable == 1


def test_quiet_windows_are_counted_not_shown() -> None:
    t = SECOND + np.arange(0, 200) * SECOND
    got = measure_forms(quotes(t, 100, 1 + np.arange(200) % 5, 101, 3), **SHORT)
    assert (got.windows, got.windows_left_out) == ((), 4)
    assert got.r2_by_depth == ()
    assert math.isnan(got.auc)


def test_a_window_with_one_move_is_left_out() -> None:
    """A line through one move explains it whole."""
    t = SECOND + np.arange(0, 240) * SECOND
    for moves, windows in ((1, 0), (2, 1)):
        bid = 100 + np.isin(np.arange(240), [70, 90][:moves]).cumsum()
        got = measure_forms(quotes(t, bid, 1 + np.arange(240) % 5, bid + 1, 3), **SHORT)
        assert len(got.windows) == windows


def test_one_sided_and_crossed_books_have_no_mid() -> None:
    t = SECOND + np.arange(120) * SECOND
    assert measure_forms(stream(quotes(t, 100, 1, PX_NONE, 0), trades(t + 1, 1)), **SHORT).usable == 0
    with pytest.raises(EmptyDataError, match="neither a two-sided touch nor a signed trade"):
        measure_forms(quotes(t, 101, 1, 100, 1), **SHORT)


def test_streams_with_nothing_to_measure() -> None:
    bars = as_events([{"kind": Kind.BAR, "ts_event": SECOND}])
    for events in (np.zeros(0, EVENT), bars, trades([SECOND], [0])):
        with pytest.raises(EmptyDataError, match="bars are not enough"):
            measure_forms(events)
    closed = np.zeros(1, EVENT)
    closed["kind"], closed["action"] = Kind.SESSION, Phase.CLOSED
    with pytest.raises(EmptyDataError):
        measure_forms(np.concatenate([closed, trades([SECOND], [1])]))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"interval_s": 0}, "interval_s is 0"),
        ({"interval_s": math.nan}, "interval_s is nan"),
        ({"interval_s": 1e9}, "interval_s is"),
        ({"window_s": 200}, "at least 30"),
        ({"window_s": 1805}, "a multiple of interval_s"),
        ({"window_s": math.inf}, "window_s is inf"),
        ({"levels": 0}, "levels is 0"),
        ({"levels": 51}, "levels is 51"),
        ({"lags": 0}, "lags is 0"),
    ],
)
def test_wrong_arguments(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        measure_forms(uniform_book(1, 5, 10), **wrong)


def test_too_many_intervals() -> None:
    far = quotes([SECOND, 10**6 * SECOND], 100, 1, 101, 1)
    with pytest.raises(ConfigError, match="give longer ones"):
        measure_forms(far, interval_s=0.001, window_s=1)


def test_synthetic_events_are_said_to_be() -> None:
    events = uniform_book(1, 5, 100)
    assert not measure_forms(events).synthetic
    events["flags"][3] = Flag.SYNTHETIC
    assert measure_forms(events).synthetic
