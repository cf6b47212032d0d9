"""Statistics of evaluation against hand-computed cases, published figures and simulations."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumtrader.exceptions import ConfigError
from quantumtrader.training import evaluation as ev

NORMAL = NormalDist()


def skill_less(seed: int, trials: int = 50, days: int = 250) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((days, trials))


class TestSharpe:
    def test_by_hand(self) -> None:
        s = ev.sharpe([1.0, 2.0, 3.0, 6.0])
        # mean 3, deviations -2 -1 0 3: squares 14, cubes 18, fourths 98
        assert s.ratio == pytest.approx(3 / math.sqrt(14 / 3))
        assert s.skewness == pytest.approx((18 / 4) / (14 / 4) ** 1.5)
        assert s.kurtosis == pytest.approx((98 / 4) / (14 / 4) ** 2)

    def test_probabilistic_by_hand(self) -> None:
        # Two years of months, ratio 0.458 per month, skewness -2.448, kurtosis 10.164: the paper's example.
        s = ev.Sharpe(0.458, 24, -2.448, 10.164)
        by_hand = NORMAL.cdf(0.458 * math.sqrt(23) / math.sqrt(1 + 2.448 * 0.458 + 9.164 / 4 * 0.458**2))
        assert ev.probabilistic_sharpe(s) == pytest.approx(by_hand, abs=1e-12)
        assert ev.probabilistic_sharpe(s) == pytest.approx(0.913, abs=5e-4)
        assert ev.probabilistic_sharpe(ev.Sharpe(0.458, 24)) == pytest.approx(0.982, abs=5e-4)

    def test_best_of_fifty_over_a_year(self) -> None:
        # The spread of skill-less yearly ratios is 1 year^-1/2: the best of 50 shows about 2.3, on 22 days about 7.7.
        spread = np.array([-1.0, 1.0]) / math.sqrt(2)  # standard deviation 1
        assert ev.expected_best_sharpe(spread, 50) == pytest.approx(2.3, abs=0.05)
        assert ev.expected_best_sharpe(spread * math.sqrt(252 / 22), 50) == pytest.approx(7.7, abs=0.1)

    def test_expected_best_is_that_of_a_simulation(self) -> None:
        best = np.random.default_rng(1).standard_normal((20_000, 50)).max(axis=1).mean()
        spread = np.array([-1.0, 1.0]) / math.sqrt(2)
        assert ev.expected_best_sharpe(spread, 50) == pytest.approx(
            best, rel=0.02
        )  # the formula is asymptotic

    def test_one_trial_deflates_nothing(self) -> None:
        s = ev.sharpe(skill_less(3, 1)[:, 0] + 0.1)
        assert ev.deflated_sharpe(s, [s.ratio]) == ev.probabilistic_sharpe(s)

    def test_track_record_is_where_the_probability_reaches_the_confidence(self) -> None:
        s = ev.Sharpe(0.1, 250, -0.5, 6)
        n = ev.track_record_length(s)
        assert ev.probabilistic_sharpe(ev.Sharpe(0.1, math.ceil(n), -0.5, 6)) >= 0.95
        assert ev.probabilistic_sharpe(ev.Sharpe(0.1, math.floor(n), -0.5, 6)) <= 0.95
        assert ev.track_record_length(ev.Sharpe(-0.1, 250)) == math.inf

    @pytest.mark.parametrize(("years", "days"), [(2.0, 170), (1.0, 680)])
    def test_days_to_believe_a_pre_registered_ratio(self, years: float, days: int) -> None:
        assert ev.track_record_length(ev.Sharpe(years / math.sqrt(252), 1)) == pytest.approx(days, rel=0.02)

    def test_no_variation_is_no_ratio(self) -> None:
        for flat in ([0.0, 0.0, 0.0], [0.1, 0.1, 0.1], [5.0]):
            s = ev.sharpe(flat)
            assert math.isnan(s.ratio)
            assert math.isnan(ev.probabilistic_sharpe(s))

    def test_gaps_are_refused(self) -> None:
        with pytest.raises(ConfigError, match="value 1 is nan"):
            ev.sharpe([1.0, math.nan, 2.0])


class TestOverfitting:
    def test_skill_less_simulation_reproduces_the_known_values(self) -> None:
        """60 runs of 50 strategies over 250 days: PBO near .47, DSR near .53, naive test fooled, DSR never."""
        probabilities, deflated, naive, best = [], [], [], []
        for seed in range(60):
            x = skill_less(seed)
            ratios = [ev.sharpe(c) for c in x.T]
            winner = max(ratios, key=lambda s: s.ratio)
            probabilities.append(ev.pbo(x).probability)
            deflated.append(ev.deflated_sharpe(winner, [s.ratio for s in ratios]))
            naive.append(ev.probabilistic_sharpe(winner))
            best.append(ev.annualised(winner.ratio))
        assert np.mean(probabilities) == pytest.approx(0.47, abs=0.08)
        assert np.mean(deflated) == pytest.approx(0.53, abs=0.08)
        assert np.mean(best) == pytest.approx(2.39, abs=0.2)
        assert np.mean(np.array(deflated) > 0.95) == 0
        assert np.mean(np.array(naive) > 0.95) >= 0.85

    def test_one_true_strategy_is_told_from_luck_more_often_than_not(self) -> None:
        probabilities, deflated = [], []
        for seed in range(60):
            x = skill_less(1000 + seed)
            x[:, 7] += 4 / math.sqrt(252)
            ratios = [ev.sharpe(c) for c in x.T]
            probabilities.append(ev.pbo(x).probability)
            deflated.append(ev.deflated_sharpe(max(ratios, key=lambda s: s.ratio), [s.ratio for s in ratios]))
        assert np.mean(probabilities) == pytest.approx(0.14, abs=0.08)
        assert 0.2 < np.mean(np.array(deflated) > 0.95) < 0.6

    def test_against_a_naive_reference(self) -> None:
        from itertools import combinations

        x = skill_less(5, 6, 43)
        got = ev.pbo(x, blocks=4)
        y = x[3:]
        losses = []
        for half in combinations(range(4), 2):
            inside = np.concatenate([y[b * 10 : b * 10 + 10] for b in half])
            outside = np.concatenate([y[b * 10 : b * 10 + 10] for b in range(4) if b not in half])
            past = inside.mean(0) / inside.std(0, ddof=1)
            future = outside.mean(0) / outside.std(0, ddof=1)
            rank = (future < future[past.argmax()]).sum() + 1
            losses.append(rank / 7 <= 0.5)
        assert len(got.ranks) == 6
        assert got.probability == np.mean(losses)

    def test_a_trial_that_always_wins_is_not_overfitting(self) -> None:
        x = skill_less(2, 10, 100)
        x[:, 3] += 10
        assert ev.pbo(x).probability == 0

    @pytest.mark.parametrize(
        ("shape", "blocks", "words"),
        [((100, 1), 10, "two trials"), ((100, 5), 3, "even"), ((15, 5), 10, "blocks of at least two")],
    )
    def test_bad_input(self, shape: tuple[int, int], blocks: int, words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            ev.pbo(np.random.default_rng(0).standard_normal(shape), blocks)

    def test_a_trial_that_never_traded_is_named(self) -> None:
        x = skill_less(2, 4, 40)
        x[:, 2] = 0
        with pytest.raises(ConfigError, match="trial 2"):
            ev.pbo(x)


class TestBootstrap:
    def test_blocks_have_the_mean_length_and_wrap(self) -> None:
        index = ev.stationary_indices(100, 2_000, 8.0, np.random.default_rng(0))
        goes_on = (np.diff(index, axis=1) % 100) == 1
        # A fresh block starts at the next position by chance once in a hundred.
        assert goes_on.mean() == pytest.approx(7 / 8 + (1 / 8) / 100, abs=0.003)
        assert np.bincount(index.ravel(), minlength=100).std() / 2_000 < 0.05

    def test_length_one_is_the_plain_bootstrap(self) -> None:
        index = ev.stationary_indices(50, 500, 1.0, np.random.default_rng(0))
        assert ((np.diff(index, axis=1) % 50) == 1).mean() == pytest.approx(1 / 50, abs=0.005)

    def test_block_length_of_an_autoregression(self) -> None:
        """AR(1): G / g = 2 phi / (1 - phi^2), and the length is (G / g)^(2/3) n^(1/3)."""
        n, phi = 20_000, 0.5
        noise = np.random.default_rng(4).standard_normal(n)
        x = np.empty(n)
        x[0] = noise[0]
        for k in range(1, n):
            x[k] = phi * x[k - 1] + noise[k]
        assert ev.block_length(x) == pytest.approx(
            (2 * phi / (1 - phi**2)) ** (2 / 3) * n ** (1 / 3), rel=0.2
        )

    def test_block_length_of_noise_is_short_and_of_a_constant_one(self) -> None:
        lengths = [ev.block_length(skill_less(s, 1, 500)[:, 0]) for s in range(20)]
        assert np.median(lengths) < 5
        assert ev.block_length(np.full(50, 3.0)) == 1


class TestRealityCheck:
    def test_size_under_the_null(self) -> None:
        """With no better strategy the tests reject about as often as they say."""
        white, hansen = [], []
        for seed in range(150):
            x = skill_less(seed, 10, 100)
            white.append(ev.reality_check(x, draws=300, length=1, seed=seed).p_value)
            hansen.append(ev.spa(x, draws=300, length=1, seed=seed).p_value)
        for p in (white, hansen):
            assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.075)

    def test_power(self) -> None:
        x = skill_less(1, 10, 250)
        x[:, 4] += 0.35
        for test in (ev.reality_check, ev.spa):
            result = test(x, draws=1_000)
            assert result.best == 4
            assert result.p_value < 0.01

    def test_hopeless_strategies_blunt_white_and_not_hansen(self) -> None:
        x = skill_less(3, 1, 250) + 0.14
        noisy = np.column_stack((x, 20 * skill_less(4, 30, 250) - 5))
        white = ev.reality_check(noisy, draws=1_000, length=1)
        hansen = ev.spa(noisy, draws=1_000, length=1)
        assert hansen.best == 0
        assert hansen.p_value < 0.1 < white.p_value
        assert hansen.lower <= hansen.p_value <= hansen.upper

    def test_same_seed_same_answer(self) -> None:
        x = skill_less(8, 3, 60)
        assert ev.spa(x, draws=200, seed=5) == ev.spa(x, draws=200, seed=5)

    def test_one_strategy_agrees_with_a_normal_test(self) -> None:
        x = skill_less(11, 1, 400)[:, 0] + 0.08
        z = x.mean() / (x.std(ddof=1) / 20)
        assert ev.reality_check(x, draws=5_000, length=1).p_value == pytest.approx(
            1 - NORMAL.cdf(z), abs=0.02
        )

    def test_a_copy_of_the_benchmark_is_named(self) -> None:
        with pytest.raises(ConfigError, match="strategy 1"):
            ev.spa(np.column_stack((skill_less(1, 1, 50), np.zeros((50, 1)))), draws=50, length=1)


class TestClustered:
    def test_by_hand(self) -> None:
        # Days with sums of deviations -3 and +3 around the mean 3: error = sqrt(2 / 1 * 18) / 4.
        got = ev.clustered_mean([1.0, 2.0, 4.0, 5.0], np.array([1, 1, 2, 2]))
        assert got.mean == 3
        assert got.error == pytest.approx(math.sqrt(36) / 4)
        assert got.high - got.mean == pytest.approx(
            12.706 * got.error, rel=1e-4
        )  # t with one degree of freedom

    def test_one_value_a_day_is_the_usual_interval(self) -> None:
        x = skill_less(2, 1, 30)[:, 0]
        got = ev.clustered_mean(x, np.arange(30))
        assert got.error == pytest.approx(x.std(ddof=1) / math.sqrt(30))

    def test_copies_within_a_day_add_nothing(self) -> None:
        x = skill_less(2, 1, 30)[:, 0]
        once, often = (
            ev.clustered_mean(x, np.arange(30)),
            ev.clustered_mean(np.repeat(x, 50), np.repeat(np.arange(30), 50)),
        )
        assert often.error == pytest.approx(once.error)

    def test_covers_the_truth_as_often_as_it_says(self) -> None:
        rng, hits = np.random.default_rng(0), 0
        for _ in range(400):
            day = np.repeat(rng.standard_normal(25), 20)
            got = ev.clustered_mean(day + rng.standard_normal(500), np.repeat(np.arange(25), 20))
            hits += got.low <= 0 <= got.high
        assert hits / 400 == pytest.approx(0.95, abs=0.03)

    def test_one_day_has_no_interval_and_nothing_has_no_mean(self) -> None:
        assert math.isnan(ev.clustered_mean([1.0, 2.0], np.array([1, 1])).low)
        assert math.isnan(ev.clustered_mean([], np.array([])).mean)
        assert not ev.clustered_mean([1.0] * 600, np.repeat(np.arange(10), 60)).sufficient()


class TestCalibration:
    def test_by_hand(self) -> None:
        p, y = [0.9, 0.6, 0.2], [1, 0, 0]
        assert ev.brier(p, y) == pytest.approx((0.01 + 0.36 + 0.04) / 3)
        assert ev.log_loss(p, y) == pytest.approx(-(math.log(0.9) + math.log(0.4) + math.log(0.8)) / 3)
        assert ev.expected_calibration_error(p, y) == pytest.approx((0.1 + 0.6 + 0.2) / 3)

    def test_base_rate_has_no_skill(self) -> None:
        y = np.array([1, 0, 0, 1, 0])
        assert ev.log_loss_skill(np.full(5, 0.4), y, 0.4) == pytest.approx(0)
        assert ev.log_loss_skill(np.full(5, 0.9), y, 0.4) < 0

    def test_three_classes(self) -> None:
        p = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
        assert ev.brier(p, [0, 2]) == pytest.approx((0.25 + 0.09 + 0.04 + 0.01 + 0.01 + 0.04) / 2)
        assert ev.log_loss(p, [0, 2]) == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2)

    def test_calibrated_probabilities_have_almost_no_error(self) -> None:
        rng = np.random.default_rng(0)
        p = rng.random(200_000)
        assert ev.expected_calibration_error(p, rng.random(200_000) < p) < 0.005

    def test_certain_and_wrong_is_infinitely_surprising_unless_without_weight(self) -> None:
        assert ev.log_loss([1.0, 0.5], [0, 1]) == math.inf
        assert ev.log_loss([1.0, 0.5], [0, 1], [0, 1]) == pytest.approx(math.log(2))

    @pytest.mark.parametrize(
        ("p", "y", "words"),
        [
            ([1.2], [1], "add up to 1"),
            ([0.5], [2], "from 0 to 1"),
            ([0.5], [0.5], "whole"),
            ([], [], "empty"),
        ],
    )
    def test_bad_input(self, p: list[float], y: list[float], words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            ev.brier(p, y)

    @given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=50))
    def test_bounds(self, rows: list[tuple[float, int]]) -> None:
        p, y = zip(*rows, strict=True)
        assert 0 <= ev.brier(p, y) <= 1
        assert 0 <= ev.expected_calibration_error(p, y) <= 1


class TestBreakEven:
    @pytest.mark.parametrize(
        ("k", "one", "half_more"),
        [
            (2, 75.0, 87.5),
            (4, 62.5, 68.8),
            (6, 58.3, 62.5),
            (10, 55.0, 57.5),
            (20, 52.5, 53.7),
            (40, 51.2, 51.9),
        ],
    )
    def test_table(self, k: float, one: float, half_more: float) -> None:
        assert 100 * ev.break_even(k, k, 1.0) == pytest.approx(one, abs=0.06)
        assert 100 * ev.break_even(k, k, 1.5) == pytest.approx(half_more, abs=0.06)

    def test_unequal_barriers_earn_nothing_at_the_rate(self) -> None:
        p = ev.break_even(8, 3, 1.2)
        assert p * 8 - (1 - p) * 3 - 1.2 == pytest.approx(0)

    def test_round_trips_at_executable_prices(self) -> None:
        side = [1, 1, -1, -1, 0, 1]
        bid0, ask0 = [10.0] * 6, [11.0] * 6
        bid1, ask1 = [12.0, 11.5, 7.0, 9.5, 50.0, math.nan], [13.0, 12.5, 8.0, 10.5, 51.0, math.nan]
        # +1 - .5, +.5 - .5 (nothing), +2 - .5, -.5 - .5, left out, unknown
        assert ev.round_trip_share(side, bid0, ask0, bid1, ask1, 0.5) == pytest.approx(2 / 5)
        assert math.isnan(ev.round_trip_share([0], [1.0], [2.0], [1.0], [2.0], 0.5))


class TestCapacity:
    def test_walk_by_hand(self) -> None:
        got = ev.walk_the_book([[5, 5, 5], [1, 1, 1]], [0.5, 1.5, 2.5], 7)
        assert got[0] == pytest.approx((5 * 0.5 + 2 * 1.5) / 7)
        assert math.isnan(got[1])

    def test_net_edge_and_its_zero(self) -> None:
        books = np.full((4, 3), 10.0)
        got = ev.capacity(
            3.0, books, [0.5, 1.5, 2.5], sigma_ticks=2, volume=10_000, cost_ticks=0.2, sizes=(1, 10, 20)
        )
        assert got.net_ticks[0] == pytest.approx(3 - 1 - 2 * 0.01 - 0.2)
        assert got.net_ticks[2] == pytest.approx(3 - 2 - 2 * math.sqrt(20 / 10_000) - 0.2)
        assert got.break_even_size == math.inf
        assert got.contracts == 20
        assert got.participation_size == 100

    def test_crossing_is_interpolated(self) -> None:
        books = np.full((1, 3), 10.0)
        got = ev.capacity(1.5, books, [0.5, 1.5, 2.5], sigma_ticks=0, volume=1e6, sizes=(1, 10, 20))
        assert list(got.net_ticks) == pytest.approx([0.5, 0.5, -0.5])
        assert got.break_even_size == pytest.approx(15)

    def test_deeper_than_the_books_is_unknown_and_no_promise(self) -> None:
        got = ev.capacity(5.0, [[2, 2]], [0.5, 1.5], sigma_ticks=0, volume=1e6, sizes=(1, 4, 5))
        assert math.isnan(got.net_ticks[2])
        assert got.contracts == 4

    def test_no_edge_no_size(self) -> None:
        assert ev.capacity(0.5, [[50]], [0.5], sigma_ticks=0, volume=1e6, sizes=(1, 2)).contracts == 0
