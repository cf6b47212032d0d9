"""Each number of an assessment, computed by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.data.contracts import instrument
from quantumtrader.exceptions import ConfigError
from quantumtrader.models.gate import evidence_conditions
from quantumtrader.models.manifest import Evidence
from quantumtrader.training.assessment.facts import data_facts
from quantumtrader.training.assessment.money import money, p_t, trade_means
from quantumtrader.training.assessment.picture import split_picture
from quantumtrader.training.assessment.placebos import placebo
from quantumtrader.training.assessment.quality import pooled_quality, quality
from quantumtrader.training.assessment.references import (
    always_long,
    hold,
    paths_beaten,
    random_side,
    reference,
)
from quantumtrader.training.assessment.scores import said, score
from quantumtrader.training.assessment.selection import (
    Trials,
    read_trials,
    selection,
    stands_still,
)
from quantumtrader.training.assessment.size import Liquidity, size_facts
from quantumtrader.training.assessment.slices import (
    hours_of,
    path_results,
    rolls_of,
    slices,
    terciles,
    volatility_of,
)
from quantumtrader.training.assessment.walk import Walk, spread_of, walk_paths
from quantumtrader.training.evaluation import Interval, deflated_sharpe, pbo, sharpe
from quantumtrader.training.labels import RoundTrips
from quantumtrader.training.policy import Policy
from quantumtrader.training.spans import Spans
from quantumtrader.training.splits import CombinatorialPurged, PurgedWalkForward
from quantumtrader.training.trials import Trial, TrialLedger, independent_trials
from quantumtrader.types import Instrument
from reference.hands import DAY, FIRST, S, evaluation, rows

X = Instrument("X", "X", tick_size=0.5, point_value=10.0, timezone="America/Sao_Paulo")
POLICY = Policy(margin=0.2, cost_ticks=0.5)

# Four rows in two sessions. The mid moves +3, −5, +3, +1 ticks, the spread is one tick.
BUY, SELL = [2.0, -6.0, 2.0, 0.0], [-4.0, 4.0, -4.0, -2.0]
DATA = rows([1, -1, 1, 1], [0, 0, 1, 1], buy=BUY, sell=SELL)
# Path 0 buys, sells, buys, and passes; path 1 sells first and then only buys the last.
PATHS = evaluation(DATA, [[0.8, 0.3, 0.7, 0.5], [0.2, 0.5, 0.5, 0.9]])


def walked() -> Walk:
    found = walk_paths(DATA, PATHS, score(DATA, PATHS), POLICY)
    assert found is not None
    return found


def test_losses_by_row() -> None:
    found = score(DATA, PATHS)
    assert found.gained[0] == pytest.approx(np.log(np.array([0.8, 0.7, 0.7, 0.5]) / 0.5))
    assert found.gained[1] == pytest.approx(np.log(np.array([0.2, 0.5, 0.5, 0.9]) / 0.5))
    assert found.weights == pytest.approx([1, 1, 1, 1])
    assert found.outcome.tolist() == [1, 0, 1, 1]
    with pytest.raises(ConfigError, match="are not of this data set"):
        score(rows([1, -1], [0, 0]), PATHS)


def test_too_little_says_nothing() -> None:
    sessions = np.repeat(np.arange(20), 25)
    values = np.linspace(0, 1, 500)
    assert said(values, sessions) is not None
    assert said(values[:-1], sessions[:-1]) is None  # 499 values
    assert said(values, np.minimum(sessions, 18)) is None  # 19 sessions
    assert said(values, sessions, np.full(500, 0.9)) is None  # 450 effective


def test_the_spread_of_a_round_trip() -> None:
    assert DATA.trips is not None
    assert spread_of(DATA.trips).tolist() == [1, 1, 1, 1]
    apart = RoundTrips(
        DATA.trips.buy_ticks, DATA.trips.sell_ticks, DATA.trips.buy_left, DATA.trips.buy_left + 1
    )
    assert spread_of(apart).tolist() == [0, 0, 0, 0]
    # Then it must be said.
    data = replace(DATA, trips=apart)
    for said_ticks, gross in ((None, 2.0), (0.8, 2.8)):
        walk = walk_paths(data, PATHS, score(data, PATHS), POLICY, said_ticks)
        assert walk is not None
        assert walk.gross[0] == gross
        assert walk.net(0.5)[0] == pytest.approx(1.5)
    assert hold(data, np.arange(4), 0.5) is None


def test_trades_of_all_paths() -> None:
    w = walked()
    assert w.paths == 2
    assert w.path.tolist() == [0, 0, 0, 1, 1]
    assert w.row.tolist() == [0, 1, 2, 0, 3]
    assert w.side.tolist() == [1, -1, 1, -1, 1]
    assert w.gross.tolist() == [3, 5, 3, -3, 1]  # from mid to mid
    assert w.net(0.5).tolist() == [1.5, 3.5, 1.5, -4.5, -0.5]
    assert w.net(0.5, 2.0).tolist() == [0, 2, 0, -6, -2]
    assert w.net(0.5, 0.0).tolist() == w.gross.tolist()
    assert w.seconds.tolist() == [10] * 5
    assert w.of_path(1).gross.tolist() == [-3, 1]
    assert w.by_session(w.net(0.5), DATA.spans.sessions).tolist() == [(1.5 + 3.5 - 4.5) / 2, (1.5 - 0.5) / 2]


def test_money_by_hand() -> None:
    found = money(DATA, PATHS, score(DATA, PATHS), walked(), POLICY, X)
    assert found.gross.tolist() == [(3 + 5 - 3) / 2, (3 + 1) / 2]
    assert found.gross_ticks == 4.5
    assert found.gross_money == 22.5  # five reais a tick
    assert found.net_ticks == (0.75, 0.75 - 5 * 0.75 / 2, 0.75 - 5 * 1.5 / 2)
    assert found.net_money == (3.75, -5.625, -15.0)
    assert found.cost_ticks == 1.5
    assert found.spread_ticks == 1.0
    assert found.trades == 2.5
    assert found.trades_per_session == 1.25
    assert found.holding_seconds == 10
    assert found.per_trade == (None, None, None)  # five trades say nothing of a mean
    assert found.means is None


def test_means_of_trades_by_hand() -> None:
    # Predicted: path 0 rows 0, 1, 2, path 1 rows 0 and 3; won after half a tick: 2, 4, 2, not −4, not 0.
    share = p_t(DATA, PATHS, score(DATA, PATHS), POLICY)
    assert share == 3 / 5
    found = trade_means(walked(), 0.5, share)
    assert found.break_even_ticks == 9 / 5
    assert found.hit_rate == 3 / 5
    assert found.mean_win == pytest.approx(6.5 / 3)
    assert found.mean_loss == 2.5
    assert found.break_even_hit_rate == pytest.approx(2.5 / (6.5 / 3 + 2.5))
    # At the break-even rate nothing is earned.
    p = found.break_even_hit_rate
    assert p * found.mean_win - (1 - p) * found.mean_loss == pytest.approx(0)
    assert found.p_t == share


def test_money_without_a_trade() -> None:
    idle = evaluation(DATA, [[0.5] * 4])
    scores = score(DATA, idle)
    walk = walk_paths(DATA, idle, scores, POLICY)
    assert walk is not None
    found = money(DATA, idle, scores, walk, POLICY, X)
    assert found.net_ticks == (0, 0, 0)
    assert found.means is None
    assert math.isnan(found.cost_ticks)
    assert math.isnan(p_t(DATA, idle, scores, POLICY))
    assert math.isnan(random_side(DATA, walk, 0.5, 1).percentile)


def test_paths_by_hand() -> None:
    first, second = path_results(PATHS, score(DATA, PATHS), walked(), 0.5)
    assert (first.trades, first.net_ticks) == (3, 6.5)
    assert (second.trades, second.net_ticks) == (2, -5.0)
    assert first.edge is first.net is None


def test_roll_weeks() -> None:
    days = np.array(["2025-08-26", "2025-08-29", "2025-08-29", "2025-09-02", "2031-01-02"], "datetime64[D]")
    names = rolls_of(days.astype(np.int64), instrument("WDO$"))
    assert names is not None
    assert names.tolist() == ["other_weeks", "roll_week", "roll_week", "roll_week", ""]
    assert rolls_of(days.astype(np.int64), Instrument("EURUSD", "EURUSD", 1e-5, 1e5, "USD")) is None


def test_slices() -> None:
    n = 25 * 40
    day = np.repeat(np.arange(25), 40)
    y = np.where(np.arange(n) % 2, 1, -1)
    data = rows(y.tolist(), day.tolist(), buy=[1.0] * n, sell=[-3.0] * n)
    found = evaluation(data, [[0.7] * n])
    scores = score(data, found)
    walk = walk_paths(data, found, scores, POLICY)
    names = np.where(np.arange(n) % 40 < 30, "range", "").astype("U8")
    names[day < 10] = "trend_up"
    first, second = slices(found, scores, walk, 0.5, {"regime": names})
    assert (first.axis, first.name, first.rows, first.sessions, first.trades) == (
        "regime",
        "range",
        450,
        15,
        450,
    )
    assert first.edge is first.net is first.skill is first.ece is None  # 15 sessions
    assert (second.name, second.rows, second.sessions) == ("trend_up", 400, 10)
    places = np.where(np.arange(n) < 600, "B", "A")  # contracts in the order of time, the rest by name
    assert [s.name for s in slices(found, scores, walk, 0.5, {"contract": places})] == ["B", "A"]
    assert [s.name for s in slices(found, scores, walk, 0.5, {"regime": places})] == ["A", "B"]
    (whole,) = slices(found, scores, walk, 0.5, {"contract": np.full(n, "A")})
    assert whole.edge is not None
    assert whole.edge.mean == pytest.approx((math.log(1.4) + math.log(0.6)) / 2)
    assert whole.edge.clusters == 25
    assert whole.skill == pytest.approx(whole.edge.mean / math.log(2))
    assert whole.ece == pytest.approx(0.2)  # 0.7 was said, one half came
    assert whole.n_eff == pytest.approx(1_000)
    assert whole.net is not None
    assert whole.net.mean == pytest.approx(0.5)
    assert whole.net.n_eff == pytest.approx(1_000)


def test_hours_and_thirds() -> None:
    noon = FIRST * DAY + 15 * 3_600 * S
    assert hours_of(np.array([noon, noon + 3_599 * S, noon + 3_600 * S]), "America/Sao_Paulo").tolist() == [
        "12h",
        "12h",
        "13h",
    ]
    thirds = terciles(np.array([1.0, 2, 3, 4, 5, 6, math.nan]))
    assert thirds is not None
    assert thirds.tolist() == ["low", "low", "middle", "middle", "high", "high", ""]
    assert terciles(np.full(5, 2.0)) is None
    assert terciles(np.full(5, math.nan)) is None


def test_volatility_without_a_feature() -> None:
    measure = volatility_of(DATA)
    assert measure is not None
    assert measure[0] == "move"
    assert measure[1].tolist() == [4, 4, 2, 2]  # |3| and |−5|, |3| and |1|


def test_calibration_by_hand() -> None:
    found = quality(PATHS, score(DATA, PATHS))
    errors = [0.2, 0.3, 0.3, 0.5, 0.8, 0.5, 0.5, 0.1]
    assert found.brier == pytest.approx(np.mean(np.square(errors)))
    assert found.base_brier == 0.25
    assert found.log_loss == pytest.approx(-np.mean(np.log(1 - np.array(errors))))
    assert found.base_log_loss == pytest.approx(math.log(2))
    assert found.skill == pytest.approx(1 - found.log_loss / math.log(2))
    (up,) = found.classes
    assert up.name == "1"
    assert up.bins.weight.tolist() == [0, 0, 0.5, 0.5, 0, 1.5, 0, 0.5, 0.5, 0.5]
    assert up.bins.observed[5] == pytest.approx(2 / 3)  # 0.5 three times: up, down, up
    # Bins at 0.2 (came), 0.3 (did not), 0.5 (two of three), 0.7, 0.8 and 0.9 (came), by weight.
    ece = (0.5 * (0.8 + 0.3 + 0.3 + 0.2 + 0.1) + 1.5 * (2 / 3 - 0.5)) / 4
    assert up.ece == pytest.approx(ece)


def test_calibration_of_three_classes() -> None:
    p = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    found = pooled_quality(p, np.full((2, 3), 1 / 3), np.array([2, 0]), np.ones(2), [-1, 0, 1])
    assert found.brier == pytest.approx((0.04 + 0.09 + 0.25 + 0.16 + 0.09 + 0.01) / 2)
    assert found.base_log_loss == pytest.approx(math.log(3))
    assert found.log_loss == pytest.approx(-(math.log(0.5) + math.log(0.6)) / 2)
    assert [c.name for c in found.classes] == ["-1", "0", "1"]
    assert found.classes[1].ece == pytest.approx(0.3)  # never came
    # What had no probability surprises, but not infinitely.
    sure = pooled_quality(np.array([[0.0, 1.0]]), np.full((1, 2), 0.5), np.array([0]), np.ones(1), [0, 1])
    assert sure.log_loss == pytest.approx(-math.log(1e-12))


def test_holding() -> None:
    found = hold(DATA, np.arange(4), 0.5)
    assert found is not None
    assert found.net_ticks == (3 - 5 + 3 + 1) - 2 * 1.5  # spread and cost once a session
    assert found.trades == 2
    long = always_long(DATA, np.arange(4), 0.5)
    assert long is not None
    assert (long.net_ticks, long.trades, long.net) == (sum(BUY) - 4 * 0.5, 4, None)
    # Moves that overlap are not counted twice.
    over = rows([1, -1, 1, 1], [0, 0, 1, 1], buy=BUY, sell=SELL, held=90)
    again = hold(over, np.arange(4), 0.5)
    assert again is not None
    assert again.net_ticks == (3 + 3) - 2 * 1.5


def test_random_sides_of_one_trade() -> None:
    data = rows([1, -1], [0, 0], buy=[2.0, 0.0], sell=[-4.0, 0.0])
    found = evaluation(data, [[0.9, 0.5]])
    walk = walk_paths(data, found, score(data, found), POLICY)
    assert walk is not None
    chance = random_side(data, walk, 0.5, seed=3, draws=4_000)
    assert chance.mean == pytest.approx((1.5 - 4.5) / 2, abs=0.15)
    assert (chance.low, chance.high) == (-4.5, 1.5)
    # The model took the better side: it beats half of the draws and ties with the rest.
    assert chance.percentile == pytest.approx(75, abs=1.5)
    assert random_side(data, walk, 0.5, seed=3) == random_side(data, walk, 0.5, seed=3)


def test_random_sides_of_many_trades() -> None:
    chance = random_side(DATA, walked(), 0.5, seed=1, draws=20_000)
    each = [(b + s - 1) / 2 for b, s in zip(BUY, SELL, strict=True)]
    # Row 0 was traded on both paths, the others on one of two.
    assert chance.mean == pytest.approx(each[0] + (each[1] + each[2] + each[3]) / 2, abs=0.05)


def test_beaten_paths() -> None:
    own = evaluation(DATA, [[0.5] * 4] * 3, skill=np.array([0.1, 0.2, 0.3]))
    others = {
        "a": evaluation(DATA, [[0.5] * 4] * 3, skill=np.array([0.0, 0.2, 0.1])),
        "b": evaluation(DATA, [[0.5] * 4] * 3, skill=np.array([0.05, 0.1, 0.4])),
    }
    assert paths_beaten(own, others) == 1  # a tie is not beaten
    assert reference("a", DATA, others["a"], POLICY).skill == pytest.approx(0.1)


def test_capacity_starts_at_what_was_traded() -> None:
    # Mean gross 1.8, spread 1 and cost 0.5: one contract nets 0.3 less its own impact.
    books = np.array([[5.0, 5.0]])
    found = size_facts(walked(), 0.5, Liquidity(0.0, 1_000.0, books, np.array([0.5, 1.5])))
    assert found.books == 1
    assert found.net_ticks[:3] == pytest.approx([0.3, 0.3, 0.3])
    # Ten contracts take five at 0.5 and five at 1.5: half a tick more, twice.
    assert found.net_ticks[3] == pytest.approx(0.3 - 2 * 0.5)
    assert np.isnan(found.net_ticks[4:]).all()
    assert found.break_even_size == pytest.approx(5 + 5 * 0.3)
    assert found.participation_size == 10
    assert found.contracts == 6
    # Without books only the square-root law is left: sigma 0.1, 1,000 contracts a minute.
    law = size_facts(walked(), 0.5, Liquidity(0.1, 1_000.0))
    assert law.books == 0
    assert law.net_ticks == pytest.approx([0.3 - 0.1 * math.sqrt(q / 1_000) for q in (1, 2, 5, 10, 20, 50)])


def test_the_picture_of_walk_forward() -> None:
    spans = rows([0, 1] * 6, np.repeat(np.arange(6), 2).tolist()).spans
    found = split_picture(PurgedWalkForward(2, 1, 1), spans)
    assert found.rows.shape == (3, 6, 4)
    # Train on two sessions, leave one out, test one; the rest is not used.
    assert found.rows[0].tolist() == [
        [2, 0, 0, 0], [2, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0],
    ]  # fmt: skip
    assert found.rows[2].argmax(axis=1).tolist() == [0, 0, 0, 0, 2, 3]


def test_the_picture_of_combinatorial_splits() -> None:
    data = rows([0, 1] * 4, np.repeat(np.arange(4), 2).tolist())
    found = split_picture(CombinatorialPurged(4, 1, embargo_sessions=1), data.spans)
    assert found.rows.sum(axis=2).tolist() == [[2] * 4] * 4  # every row is somewhere
    assert found.rows[1].argmax(axis=1).tolist() == [0, 3, 2, 0]
    # A label that looks into the next session's test is purged from the training part.
    t1 = data.spans.t1.copy()
    t1[1] = data.spans.t0[2] + S
    long = Spans(data.spans.t0, t1, data.spans.session)
    assert split_picture(CombinatorialPurged(4, 1), long).rows[1, 0].tolist() == [1, 1, 0, 0]


def test_facts() -> None:
    found = data_facts(DATA, 4, np.array(["B", "", "A", "A"]), replace(X, tick_size=0.01, exchange_tick=0.5))
    assert (found.tick_size, found.exchange_ticks) == (0.01, 50)
    assert (found.first, found.last, found.sessions, found.rows) == ("2024-10-04", "2024-10-05", 2, 4)
    assert found.contracts == ("B", "A")
    assert found.classes == {"-1": 0.25, "1": 0.75}
    assert found.dropped == {"beyond the session's end": 3}
    assert found.reasons == (
        "2 sessions, at least 20 are needed",
        "4 effective rows, at least 500 are needed",
    )


# -- what choosing does --------------------------------------------------------------------------------------------


def trials(results: np.ndarray) -> Trials:
    sessions = np.array([str(k) for k in range(len(results))])
    return Trials(results.shape[1], tuple(f"h{k}" for k in range(results.shape[1])), sessions, results)


def test_the_ledger_of_a_study(tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path / "t.jsonl")
    days = np.arange(FIRST, FIRST + 3)
    paid = {"margin": 0.1, "cost_ticks": 0.5}
    kept = ledger.record("s", {"k": 1, "policy": paid}, days, [1.0, 2.0, 3.0])
    ledger.record("s", {"k": 1, "policy": paid}, days, [1.0, 2.0, 4.0])  # again: the last result counts
    other = ledger.record("s", {"k": 2, "policy": paid}, days[1:], [5.0, 6.0])
    false = ledger.record("s", {"k": 3, "policy": paid}, days, [9.0, 9.0, 9.0])
    ledger.record("s", {"k": 4, "policy": None}, days, [0.1, 0.1, 0.1])  # nats, not ticks
    ledger.record("s/inner", {"k": 1, "policy": paid}, days, [1.0, 2.0, 3.0])
    ledger.record("sother", {"k": 1, "policy": paid}, days, [1.0, 2.0, 3.0])
    found = read_trials(ledger, "s", {false.hash})
    assert found.lines == 6
    assert found.hashes == (kept.hash, other.hash)
    assert found.sessions.tolist() == ["2024-10-05", "2024-10-06"]
    assert found.results.tolist() == [[2, 5], [4, 6]]
    assert read_trials(ledger, "none").results.shape == (0, 0)


def test_trials_that_move_together_count_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 40))
    results = np.column_stack((a, a + 0.1 * b, b, np.zeros(40)))
    assert independent_trials(results) == 3
    ledger = TrialLedger(tmp_path / "t.jsonl")
    for k, column in enumerate(results.T):
        ledger.record("s", {"k": k, "policy": {}}, FIRST + np.arange(40), column)
    assert independent_trials(results) == ledger.independent("s")


def test_selection_is_the_statistics_of_the_ledger() -> None:
    rng = np.random.default_rng(8)
    results = rng.normal(0.05, 1, (60, 5))
    own = results[:, 2]
    found = selection(own, trials(results), {}, seed=1, draws=500)
    assert found.configurations == found.independent == found.pbo_trials == 5
    ratios = [sharpe(c).ratio for c in results.T]
    assert found.sharpe == ratios[2]
    assert found.annualised == pytest.approx(ratios[2] * math.sqrt(252))
    assert found.dsr == pytest.approx(deflated_sharpe(sharpe(own), ratios, 5))
    assert found.pbo == pbo(results, 10).probability
    assert len(found.ranks) == 252
    assert found.benchmark == "flat"
    assert found.why == {}


def test_one_trial_is_not_deflated_and_has_no_pbo() -> None:
    column = np.random.default_rng(1).normal(0.3, 1, (40, 1))
    found = selection(column[:, 0], trials(column), {}, seed=1, draws=200)
    assert found.dsr == found.psr
    assert found.expected_best == 0
    assert found.pbo is None
    assert found.why["pbo"] == "one_trial"


def test_too_few_sessions_for_pbo() -> None:
    results = np.random.default_rng(1).normal(size=(19, 3))
    found = selection(results[:, 0], trials(results), {}, seed=1, draws=200)
    assert found.pbo is None
    assert found.why["pbo"] == "few_sessions"
    assert found.reality_check is not None
    short = selection(results[:7, 0], trials(results[:7]), {}, seed=1, draws=200)
    assert short.reality_check is None
    assert short.why["reality_check"] == "few_sessions"


def test_a_ratio_that_is_no_luck_may_still_not_outlive_a_higher_cost() -> None:
    """One trade a session, gross 7 and 13 by turns, 8 ticks of spread and 1 of slippage.

    Net at 1×: −2 and 4, mean 1, standard deviation 3·√(40/39), no skew, kurtosis 1. With one trial the deflated ratio is
    Φ(SR·√39) = Φ(39 / (3·√40)) = Φ(2.0555) = 0.980; at 1.5× the same trades lose 3.5 ticks each.
    """
    days = np.arange(40)
    gross, spread = np.tile([7.0, 13.0], 20), np.full(40, 8.0)
    walk = Walk(1, np.zeros(40, int), days, np.ones(40, int), gross, spread, np.ones(40), days)
    expected, more = (walk.by_session(walk.net(1.0, m), days) for m in (1.0, 1.5))
    found = selection(expected, trials(expected[:, None]), {}, seed=1, draws=200)
    assert found.dsr == pytest.approx(0.9801, abs=5e-5)
    assert more.mean() == -3.5


def test_trials_that_stand_still_are_left_out_exactly_where_pbo_refuses_them() -> None:
    rng = np.random.default_rng(3)
    moving = rng.normal(size=40)
    for still in (0, 3, 4, 5, 7, 10):
        column = moving.copy()
        column[: 4 * still] = 0.0
        refused = False
        try:
            pbo(np.column_stack((moving, column)), 10)
        except ConfigError:
            refused = True
        assert stands_still(column) == refused
    idle = np.column_stack((moving, rng.normal(size=40), np.zeros(40)))
    found = selection(moving, trials(idle), {}, seed=1, draws=200)
    assert found.pbo == pbo(idle[:, :2], 10).probability
    assert found.pbo_trials == 2


def test_the_benchmark_is_the_best_baseline() -> None:
    rng = np.random.default_rng(4)
    good, poor, model = rng.normal(1, 1, 60), rng.normal(-1, 1, 60), rng.normal(0.8, 1, 60)
    found = selection(
        model,
        trials(np.column_stack((good, poor, model))),
        {"good": "h0", "poor": "h1"},
        seed=1,
        draws=500,
    )
    assert found.benchmark == "good"
    assert found.reality_check is not None
    assert found.reality_check > 0.1  # no better than it
    alone = selection(model, trials(np.column_stack((poor, model))), {"poor": "h0"}, seed=1, draws=500)
    assert alone.benchmark == "flat"
    assert alone.reality_check is not None
    assert alone.reality_check < 0.01


# -- placebos and the gate -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edge", "net", "results", "clean"),
    [
        ((-0.1, 0.1), -1.0, [-1.0, -2.0] * 15, True),
        ((0.01, 0.1), -1.0, [-1.0, -2.0] * 15, False),  # it knows something
        ((-0.1, 0.1), 0.2, [0.1, -0.1] * 15, False),  # it earns something
        ((-0.1, 0.1), -0.1, [1.0, 1.1] * 15, False),  # it passes for skill
    ],
)
def test_clean_placebos(edge: tuple[float, float], net: float, results: list[float], clean: bool) -> None:
    trial = Trial("s/placebo", {}, (), tuple(results))
    found = evaluation(
        DATA,
        [[0.5] * 4],
        trial=trial,
        edge=Interval(sum(edge) / 2, *edge, 0.1, 30, 1_000.0),
        net=Interval(net, net - 1, net + 1, 0.5, 30, 600.0),
        trades=600.0,
    )
    noise = trials(np.random.default_rng(1).normal(size=(30, 3)))
    assert placebo("days", found, noise).clean is clean
    idle = evaluation(
        DATA, [[0.5] * 4], trial=Trial("s", {}, (), (0.0,) * 30), net=Interval(*[math.nan] * 4, 0, 0.0)
    )
    assert placebo("days", idle, noise).clean  # what never trades earns nothing


def test_what_was_not_measured_passes_no_condition() -> None:
    assert [c.met for c in evidence_conditions(Evidence("dsr"))] == [False] * 6
    assert [c.name for c in evidence_conditions(Evidence("markout"))][2] == "markout_low"
