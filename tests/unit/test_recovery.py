"""Markets with known parameters: the features find them again, to within their standard errors."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from quantumtrader.types import Events, Kind, empty_events

SECOND = 10**9
START = 1_700_000_000 * SECOND


def run(engine: ModuleType, names: list[str], events: Events, clock: str = "event", warmup: str = "full"):
    """Time after the start in s, and the columns."""
    features = engine.FeatureEngine(names, 0.5, 10.0, clock, warmup)
    features.update_many(events)
    times, values, _ = features.take()
    return (times - START) / SECOND, values.T


def stream(seconds, **fields) -> Events:
    """Events at times in s after the start; every field is a value or an array."""
    events = empty_events(len(seconds))
    stamps = START + np.round(np.asarray(seconds) * SECOND).astype(np.int64)
    events["ts_event"] = events["ts_recv"] = stamps
    events["sequence"] = np.arange(len(seconds))
    for name, value in fields.items():
        events[name] = value
    return events


def quotes(seconds, bid, spread=1, size=10) -> Events:
    bid = np.asarray(bid)
    return stream(seconds, kind=Kind.QUOTE, px=bid, px_ask=bid + spread, size=size, size_ask=size)


def trades(seconds, px, side, size=1) -> Events:
    return stream(seconds, kind=Kind.TRADE, px=px, side=side, size=size)


def merge(*streams: Events) -> Events:
    """Join by time; at one time, in the order given."""
    events = np.concatenate(streams)
    events = events[np.argsort(events["ts_event"], kind="stable")]
    events["sequence"] = np.arange(len(events))
    return np.ascontiguousarray(events)


def assert_within(values: np.ndarray, truth: float, bias: float = 0.0) -> None:
    """The mean of independent values lies within four of its standard errors, and a known bias, of the truth."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - truth) < 4 * error + bias, (np.mean(values), truth, error)


def signs(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.choice([-1, 1], n)


# -- spreads --------------------------------------------------------------------------------------------


def test_roll_finds_the_spread_behind_the_bounce(engine):
    """Trades at ± 3 ticks about a random walk: the spread is 6."""
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        n, side = 3_100, signs(rng, 3_100)
        px = 10_000 + np.cumsum(rng.choice([-1, 0, 1], n, p=[0.1, 0.8, 0.1])) + 3 * side
        _, (roll,) = run(engine, ["roll_spread_5m"], trades(np.arange(n) / 10, px, side))
        found.append(roll[-1])
    assert_within(np.array(found), 6.0)


def test_no_bounce_no_spread(engine):
    """A trend has positive covariance of changes, which gives 0."""
    n = 3_100
    px = 10_000 + np.cumsum(np.repeat([0, 1, 1, 0], n // 4))
    assert run(engine, ["roll_spread_5m"], trades(np.arange(n) / 10, px, 1))[1][0, -1] == 0.0


def test_effective_spread_splits_into_realized_spread_and_impact(engine):
    """Trades 4 ticks from the mid that move it by 3 for good: 8 = 2 + 6, without any error."""
    rng = np.random.default_rng(1)
    n, side = 40, signs(rng, 40)
    bid = 1_000 + 3 * np.concatenate([[0], np.cumsum(side)])
    at = 10 * np.arange(1, n + 1)
    deals = trades(at, bid[:-1] + 1 + 4 * side, side, rng.integers(1, 50, n))
    events = merge(quotes(np.concatenate([[0], at + 1]), bid, spread=2), deals)
    names = ["effective_spread_1m", "realized_spread_1m", "price_impact_1m"]
    _, values = run(engine, names, events)
    np.testing.assert_array_equal(values[:, -1], [8.0, 2.0, 6.0])


def test_spreads_count_for_as_long_as_they_last(engine):
    """One tick for 0.6 s of every second, three for the rest."""
    at = np.arange(400)
    events = merge(quotes(at, np.full(400, 100), 1), quotes(at + 0.6, np.full(400, 100), 3))
    names = ["spread_mean_1m", "spread_std_5m", "spread_quality"]
    seconds, values = run(engine, names, events, "1s")
    np.testing.assert_allclose(values[:, seconds > 310].T - [1.8, np.sqrt(0.96), 0.6], 0.0, atol=1e-12)


# -- impact ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0, 5])
def test_kyle_finds_the_impact_of_a_contract(engine, noise):
    """The mid moves by 0.05 ticks per contract bought, and by noise of its own."""
    found = []
    for seed in range(4 if noise else 1):
        rng = np.random.default_rng(seed)
        n = 185
        size, side = 20 * rng.integers(1, 10, n), signs(rng, n)
        moves = side * size // 20 + rng.integers(-noise, noise + 1, n)
        at = 10 * np.arange(n) + 5
        events = merge(
            quotes([0, *at + 1], 100_000 + np.concatenate([[0], np.cumsum(moves)])),
            trades(at, 100_000, side, size),
        )
        _, (short, long) = run(engine, ["kyle_lambda_5m", "kyle_lambda_30m"], events, "10s")
        assert np.isfinite(short[-1])
        found.append(long[-1])
        x = (side * size)[-181:-1]
        error = np.sqrt(noise * (noise + 1) / 3) / (np.std(x) * np.sqrt(len(x)))
        assert abs(found[-1] - 0.05) <= 4 * error + 1e-15
    assert noise or found == [0.05]


def test_ofi_beta_of_a_uniform_book_is_one_over_twice_its_depth(engine):
    """40 contracts at every tick: a tick takes an imbalance of 80, whatever the path."""
    rng = np.random.default_rng(2)
    n = 4_000
    bid = 5_000 + np.cumsum(signs(rng, n))
    _, (beta, r2) = run(engine, ["ofi_beta_30m", "ofi_r2_30m"], quotes(np.arange(n) / 2, bid, 1, 40), "10s")
    np.testing.assert_allclose(beta[-10:], 1 / 80, rtol=1e-14)
    np.testing.assert_allclose(r2[-10:], 1.0, rtol=1e-14)


# -- the mid as a process -------------------------------------------------------------------------------


def walk(rng: np.random.Generator, n: int, persistence: float = 0.0) -> np.ndarray:
    """Bids whose steps of about 100 ticks follow each other with this autocorrelation; rounding is nothing to them."""
    steps = rng.normal(0, 100, n)
    for k in range(1, n):
        steps[k] += persistence * steps[k - 1]
    return 1_000_000 + np.round(np.cumsum(steps)).astype(int)


@pytest.mark.parametrize("persistence", [-0.3, 0.0, 0.3])
def test_variance_ratio_of_a_known_process(engine, persistence):
    """A random walk has 1; steps with autocorrelation φ have 1 + 2Σ(1 − k/5)φᵏ."""
    windows = 40
    bid = walk(np.random.default_rng(3), 300 * windows + 2, persistence)
    _, (found,) = run(engine, ["variance_ratio_5"], quotes(np.arange(len(bid)), bid), "5m")
    truth = 1 + 2 * sum((1 - k / 5) * persistence**k for k in range(1, 5))
    found = found[np.isfinite(found)]
    assert len(found) >= windows - 1
    # What is left of the bias is of the order of (autocorrelation)/(number of returns).
    assert_within(found, truth, bias=abs(persistence) * 5 / 300)


def test_realized_volatility_finds_sigma(engine):
    """Steps of 100 ticks a second at a mid near 1,000,000 are one basis point each."""
    bid = walk(np.random.default_rng(4), 60 * 80)
    bid = bid - np.round(np.linspace(0, bid[-1] - 1_000_000, len(bid))).astype(int)
    _, (rv,) = run(engine, ["rv_1m"], quotes(np.arange(len(bid)), bid), "1m")
    assert_within(rv[np.isfinite(rv)] ** 2, 60.0, bias=2.0)


def test_jump_ratio_tells_a_jump_from_diffusion(engine):
    """A jump with four times the variance of the rest is four fifths of all; diffusion alone has nearly none."""
    diffusion, jumping = [], []
    for seed in range(10):
        bid = walk(np.random.default_rng(seed), 200)
        jumped = bid + np.where(np.arange(200) >= 100, round(2 * 100 * np.sqrt(180)), 0)
        for path, into in ((bid, diffusion), (jumped, jumping)):
            into.append(run(engine, ["jump_ratio_30m"], quotes(10 * np.arange(200), path), "10s")[1][0, -1])
    assert np.mean(diffusion) < 0.1
    # The jump's products with its neighbours stay in the bipower variation: (π/2)·2·|J|·E|r|/RV.
    leak = np.pi / 2 * 2 * np.sqrt(180 * 4) * np.sqrt(2 / np.pi) / (5 * 180)
    assert_within(np.array(jumping), 0.8 - leak)


def test_signature_of_a_bounce(engine):
    """A mid that bounces by ± 1 on the even seconds is back at every tenth: only the walk of those is left there."""
    rng = np.random.default_rng(6)
    n = 1_200
    walk_10 = np.repeat(np.cumsum(signs(rng, n // 10)), 10)
    bid = 1_000_000 + 5 * walk_10 + np.arange(n) % 2
    _, (found,) = run(engine, ["signature_ratio_5m"], quotes(np.arange(n), bid), "10s")
    # In ten seconds: nine bounces of 1, then from 1 up to 0 and by ± 5: 9 + 16 or 9 + 36 against 25.
    low, high = (9 + 16) / 25, (9 + 36) / 25
    found = found[np.isfinite(found)]
    assert ((found > low - 1e-3) & (found < high + 1e-3)).all()
    assert np.std(found) > 0
    assert abs(np.mean(found) - (low + high) / 2) < 0.2


def test_reversals_of_an_alternating_and_of_a_trending_mid(engine):
    at = np.arange(400)
    names = ["reversal_ratio_5m", "mid_changes_1m", "tick_run"]
    _, alternating = run(engine, names, quotes(at, 100 + at % 2))
    _, trending = run(engine, names, quotes(at, 100 + at))
    assert alternating[:, -1].tolist() == [1.0, 60.0, 1.0]
    assert trending[:, -1].tolist() == [0.0, 60.0, 399.0]


# -- the order of orders --------------------------------------------------------------------------------


def test_sign_autocorrelation_of_a_markov_chain(engine):
    """The next parent has the side of the last with probability 3/4: autocorrelation ½ᵏ at lag k."""
    rng = np.random.default_rng(7)
    n = 500 * 21
    side = np.cumprod(np.where(rng.random(n) < 0.75, 1, -1))
    names = ["sign_acf_1", "sign_acf_10"]
    _, (one, ten) = run(engine, names, trades(np.arange(n) / 100, 100, side), "500trades")
    one, ten = one[np.isfinite(one)], ten[np.isfinite(ten)]
    assert len(one) == 20
    # Removing the estimated mean lowers every lag by the mean's variance, 3/500 here.
    assert_within(one, 0.5, bias=0.01)
    assert_within(ten, 0.5**10, bias=0.01)


def test_hawkes_intensity_is_the_sum_over_parents(engine):
    """Bursts of one side within a millisecond are one parent, dated by its first print; a parent at t is not before t."""
    rng = np.random.default_rng(8)
    n = 600
    at = np.round(np.cumsum(rng.exponential(0.3, n)), 3)
    at[rng.random(n) < 0.1] += 0.0005
    at = np.maximum.accumulate(at)
    side = signs(rng, n)
    names = ["hawkes_buy", "hawkes_sell"]
    seconds, values = run(engine, names, trades(at, 100, side))
    begins = np.array(
        [k == 0 or side[k] != side[k - 1] or at[k] - at[k - 1] > 0.001 + 1e-9 for k in range(n)]
    )
    for which, found in zip((1, -1), values, strict=True):
        own = at[begins & (side == which)]
        expected = [0.2 + 0.8 * np.exp(-(t - own[own < t - 1e-7])).sum() for t in seconds]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_hawkes_intensity_of_a_steady_stream(engine):
    """One buy every half second: μ + α/(e^½ − 1) just before the next one."""
    n = 400
    _, (buy, sell) = run(engine, ["hawkes_buy", "hawkes_sell"], trades(np.arange(n) / 2, 100, 1))
    np.testing.assert_allclose(buy[-1], 0.2 + 0.8 / (np.exp(0.5) - 1), rtol=1e-12)
    assert sell[-1] == 0.2


MU, ALPHA, BETA = 0.2, 0.8, 1.0
"""What the features assume, per second: four fifths of all parents are offspring of earlier ones."""


def hawkes(rng: np.random.Generator, until: float) -> np.ndarray:
    """Times in s of a self-exciting process, by Ogata's thinning."""
    now, excited = 0.0, 0.0
    out: list[float] = []
    while True:
        bound = MU + excited
        wait = rng.exponential(1 / bound)
        now, excited = now + wait, excited * np.exp(-BETA * wait)
        if now > until:
            return np.array(out)
        if rng.random() * bound <= MU + excited:
            out.append(now)
            excited += ALPHA


def kolmogorov(residuals: np.ndarray) -> float:
    """Distance of a sample from the unit exponential, times the root of its size: 1.63 is the 1 % level."""
    n = len(residuals)
    cdf = 1 - np.exp(-np.sort(residuals))
    steps = np.arange(n + 1) / n
    return max((steps[1:] - cdf).max(), (cdf - steps[:-1]).max()) * np.sqrt(n)


def test_hawkes_intensity_of_self_exciting_sides(engine):
    """Buyers and sellers, each of whom excite their own side: the intensity is what their compensator grows by.

    In the time that the integral of the intensity tells, arrivals are a Poisson process of rate 1 (Papangelou 1972):
    what lies between two of them is unit exponential, and independent of what came before.
    """
    rng = np.random.default_rng(10)
    until = 1_200.0
    own = [np.round(hawkes(rng, until), 9) for _ in range(2)]
    at = np.concatenate(own)
    side = np.repeat([1, -1], [len(x) for x in own])
    order = np.argsort(at)
    events = trades(np.concatenate(([0.0], at[order], [until])), 100, np.concatenate(([0], side[order], [0])))
    features = engine.FeatureEngine(
        # Of one parent are prints of one time only.
        ["hawkes_buy", "hawkes_sell"],
        0.5,
        10.0,
        "20ms",
        settings={"sweep_gap_ns": 0.0},
    )
    features.update_many(events)
    times, intensities, _ = features.take()
    seconds = (times - START) / SECOND
    residuals = []
    for arrivals, intensity in zip(own, intensities.T, strict=True):
        grown = np.concatenate(([0.0], np.cumsum((intensity[1:] + intensity[:-1]) / 2 * np.diff(seconds))))
        # What is expected less what came is a martingale whose variance is what is expected.
        assert abs(len(arrivals) - grown[-1]) < 4 * np.sqrt(grown[-1])
        between = np.diff(np.interp(arrivals, seconds, grown))
        assert_within(between, 1.0)
        assert kolmogorov(between) < 1.63
        assert abs(np.corrcoef(between[1:], between[:-1])[0, 1]) < 3 / np.sqrt(len(between))
        residuals.append(between)
        # Neither a constant rate nor the other side's intensity does that.
        assert kolmogorov(np.diff(arrivals) * len(arrivals) / until) > 3
    other = np.concatenate(([0.0], np.cumsum(intensities[1:, 1] * np.diff(seconds))))
    assert kolmogorov(np.diff(np.interp(own[0], seconds, other))) > 3
    assert kolmogorov(np.concatenate(residuals)) < 1.63
    assert min(len(x) for x in residuals) > 800
