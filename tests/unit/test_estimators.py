"""Volatility and Hurst estimators recover the parameters of simulated prices."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from exhaustive import sample
from reference.flows import bar_events

WINDOW = 30
SIGMA = 0.002
"""Standard deviation of the log price over one bar."""
TICKS = 100_000_000
"""Price at log 0 in ticks: the grid of prices is fine enough not to matter."""


def brownian_bars(
    seed: int, n: int, steps: int = 60, drift: float = 0.0, gap: float = 0.0, bridges: bool = True
) -> np.ndarray:
    """Bars of a Brownian motion of the log price, with the drift up and down by turns.

    The extremes of a path known at a number of steps lie inside those of the path itself: the expected range of
    60 steps is 9 % too small. So the extremes between the steps are drawn from Brownian bridges.

    Parameters
    ----------
    seed, n : int
        Seed and number of bars.
    steps : int
        Steps per bar.
    drift : float
        Absolute drift per bar.
    gap : float
        Standard deviation of the log price between a close and the next open.
    bridges : bool
        Whether extremes between the steps count.
    """
    rng = np.random.default_rng(seed)
    turns = np.where(np.arange(n) % 2 == 0, drift, -drift) / steps
    moves = rng.normal(0.0, SIGMA / np.sqrt(steps), (n, steps)) + turns[:, None]
    inside = np.concatenate([np.zeros((n, 1)), np.cumsum(moves, axis=1)], axis=1)
    before, after = inside[:, :-1], inside[:, 1:]
    high, low = np.maximum(before, after), np.minimum(before, after)
    if bridges:
        for extreme, sign in ((high, 1), (low, -1)):
            spread = np.sqrt(moves**2 - 2 * SIGMA**2 / steps * np.log(rng.random((n, steps))))
            extreme[:] = (before + after + sign * spread) / 2
    gaps = rng.normal(0.0, gap, n) if gap else np.zeros(n)
    opens = np.cumsum(gaps) + np.concatenate([[0.0], np.cumsum(inside[:-1, -1])])
    logs = np.column_stack([np.zeros(n), high.max(axis=1), low.min(axis=1), inside[:, -1]]) + opens[:, None]
    return np.column_stack([np.round(TICKS * np.exp(logs)), np.ones(n)]).astype(np.int64)


def values(module: ModuleType, names: list[str], bars: np.ndarray) -> dict[str, np.ndarray]:
    features = module.FeatureEngine(names, 1.0, 1.0, "bar")
    features.update_many(bar_events(bars))
    return dict(zip(names, features.take()[1].T, strict=True))


def variances(module: ModuleType, names: list[str], bars: np.ndarray) -> dict[str, np.ndarray]:
    """Squared volatilities at the ends of windows that share no bar, in units of SIGMA²."""
    columns = values(module, names, bars)
    return {name: (column[WINDOW::WINDOW] / SIGMA) ** 2 for name, column in columns.items()}


def efficiency(found: dict[str, np.ndarray], name: str) -> float:
    """Variance of the squared return of one bar over that of the estimator on one bar, each in units of its mean.

    The sample variance of n returns has 2σ⁴/(n − 1); the mean over n bars has one n-th of a bar's variance.
    """
    close, other = found["rv_close_30"], found[name]
    one_return = close.var() * (WINDOW - 1) / close.mean() ** 2
    return float(one_return / (other.var() * WINDOW / other.mean() ** 2))


RANGES = ["parkinson_30", "garman_klass_30", "rogers_satchell_30"]


def test_range_estimators_are_right_in_the_mean_and_efficient(engine: ModuleType):
    """Efficiencies of Parkinson (1980), 4.9, Garman and Klass (1980), 7.4, Rogers and Satchell (1991), 6.0."""
    found = variances(engine, ["rv_close_30", *RANGES], brownian_bars(1, 60_001))
    for column in found.values():
        assert column.mean() == pytest.approx(1.0, abs=0.01)
    assert efficiency(found, "parkinson_30") == pytest.approx(4.9, rel=0.08)
    assert efficiency(found, "garman_klass_30") == pytest.approx(7.4, rel=0.08)
    assert efficiency(found, "rogers_satchell_30") == pytest.approx(6.0, rel=0.08)


def test_ranges_of_few_steps_are_too_small(engine: ModuleType):
    """Why the bridges are needed: a range of n steps lacks about 2·0.5826·σ/√n of the √(8/π)·σ of the path."""
    found = variances(engine, ["parkinson_30"], brownian_bars(2, 12_001, bridges=False))
    lacking = 2 * 0.5826 / np.sqrt(60) / np.sqrt(8 / np.pi)
    assert found["parkinson_30"].mean() == pytest.approx((1 - lacking) ** 2, abs=0.03)
    assert found["parkinson_30"].mean() < 0.87


def test_rogers_satchell_does_not_see_the_drift(engine: ModuleType):
    found = variances(engine, RANGES, brownian_bars(3, 30_001, drift=SIGMA))
    assert found["rogers_satchell_30"].mean() == pytest.approx(1.0, abs=0.015)
    assert found["parkinson_30"].mean() > 1.25
    assert found["garman_klass_30"].mean() > 1.05


def test_yang_zhang_sees_gaps_and_no_drift(engine: ModuleType):
    gap = 0.5 * SIGMA
    names = ["rv_close_30", "yang_zhang_30", *RANGES]
    found = variances(engine, names, brownian_bars(4, 30_001, gap=gap))
    whole = 1 + (gap / SIGMA) ** 2
    assert found["yang_zhang_30"].mean() == pytest.approx(whole, rel=0.01)
    assert found["rv_close_30"].mean() == pytest.approx(whole, rel=0.015)
    # Ranges within bars do not know what happened between them.
    assert found["rogers_satchell_30"].mean() == pytest.approx(1.0, abs=0.015)
    # Of the variance 2σ⁴/29 of closes, gaps have 0.04·2σ⁴/29, and what is inside is about 7 times as efficient.
    assert found["yang_zhang_30"].var() < found["rv_close_30"].var() / 4


def test_ewma_volatility_of_constant_variance(engine: ModuleType):
    """Mean σ²; variance λ-weighted: (1−λ)/(1+λ)·2σ⁴ with λ = 0.94."""
    found = values(engine, ["ewma_vol"], brownian_bars(5, 40_001, steps=1))["ewma_vol"]
    squares = (found[500:] / SIGMA) ** 2
    assert squares.mean() == pytest.approx(1.0, abs=0.02)
    assert squares.var() == pytest.approx(2 * 0.06 / 1.94, rel=0.1)


# -- Hurst ----------------------------------------------------------------------------------------------

HURST_BARS = 121
LAGS = np.array([1, 2, 4, 8, 16])


def few(module: ModuleType, windows: int) -> int:
    """Return how many windows an engine measures: the Python engine, which gives the same numbers, takes a fifth."""
    return windows if module.__name__.endswith("_core") else sample(windows // 5, windows)


def fractional_noise(rng: np.random.Generator, hurst: float, n: int) -> np.ndarray:
    """Increments of fractional Brownian motion, exactly, from the circulant embedding of their covariance."""
    k = np.arange(n + 1)
    covariance = 0.5 * ((k + 1.0) ** (2 * hurst) - 2.0 * k ** (2 * hurst) + np.abs(k - 1.0) ** (2 * hurst))
    spectrum = np.fft.fft(np.concatenate([covariance, covariance[-2:0:-1]])).real
    m = len(spectrum)
    noise = rng.normal(size=m) + 1j * rng.normal(size=m)
    return np.fft.fft(np.sqrt(np.maximum(spectrum, 0.0) / m) * noise).real[:n]


def small_sample_hurst(seed: int, hurst: float, windows: int) -> np.ndarray:
    """The statistic on many windows of simulated log prices, by numpy alone."""
    rng = np.random.default_rng(seed)
    steps = np.array([fractional_noise(rng, hurst, HURST_BARS - 1) for _ in range(windows)])
    x = np.concatenate([np.zeros((windows, 1)), np.cumsum(steps, axis=1)], axis=1)
    deviations = [np.log(np.std(x[:, q:] - x[:, :-q], axis=1)) for q in LAGS]
    return np.polyfit(np.log(LAGS), np.array(deviations), 1)[0]


def measured_hurst(module: ModuleType, seed: int, hurst: float, windows: int) -> np.ndarray:
    """``hurst_120`` at the ends of windows that share no bar."""
    rng = np.random.default_rng(seed)
    log_price = SIGMA * np.cumsum(fractional_noise(rng, hurst, windows * HURST_BARS))
    px = np.round(TICKS * np.exp(log_price - log_price.mean())).astype(np.int64)
    bars = np.column_stack([px, px, px, px, np.ones_like(px)])
    return values(module, ["hurst_120"], bars)["hurst_120"][HURST_BARS - 1 :: HURST_BARS]


@pytest.mark.parametrize(("hurst", "expected"), [(0.3, 0.28), (0.5, 0.46), (0.7, 0.62)])
def test_hurst_is_what_few_bars_show_of_it(engine: ModuleType, hurst: float, expected: float):
    """120 bars hold 7 differences of lag 16 that share no bar: the mean is below the exponent, by a known amount."""
    simulated = small_sample_hurst(11, hurst, 4_000)
    assert simulated.mean() == pytest.approx(expected, abs=0.005)
    measured = measured_hurst(engine, 12, hurst, few(engine, 250))
    error = np.sqrt(simulated.var() * (1 / len(simulated) + 1 / len(measured)))
    assert abs(measured.mean() - simulated.mean()) < 3 * error


def test_hurst_tells_trends_from_reversals(engine: ModuleType):
    windows = few(engine, 120)
    reverting, random, trending = (measured_hurst(engine, 13, h, windows).mean() for h in (0.3, 0.5, 0.7))
    assert reverting + 0.1 < random < trending - 0.1
