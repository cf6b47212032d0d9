"""One trade followed by hand, in R$, and no look at the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.backtest.streams import SECOND, T0, WDO, WIN, AtTimes, marker, quote, stream, trade

from quantumtrader.backtest import (
    Backtest,
    BacktestResult,
    BacktestSettings,
    VenueSettings,
    compute_baselines,
    summarise,
)
from quantumtrader.execution import RiskLimits, make_strategy
from quantumtrader.types import Events, Instrument, Phase

pytestmark = pytest.mark.usefixtures("in_force")

FAST = BacktestSettings(
    venue=VenueSettings(latency_ns=20_000_000),
    limits=RiskLimits(daily_loss=1e6),
    flatten_before_s=1.0,
    draws=200,
)


def run(
    events: Events, strategy: AtTimes, instrument: Instrument = WDO, settings: BacktestSettings = FAST
) -> BacktestResult:
    return Backtest(events, instrument, strategy, settings).run()


def rising(to: int = 1020) -> Events:
    """The touch stands at 1000/1001, rises a tick a second from second 5 on, and buyers pay the ask."""
    rows = [marker(0, Phase.OPEN), quote(0.01, 1000, 1001)]
    for k in range(50):
        px = 1000 + max(0, min(k - 4, to - 1000))
        rows += [quote(k + 0.5, px, px + 1), trade(k + 0.6, px + 1, 20)]
    return stream([*rows, marker(60, Phase.CLOSED)])


def test_a_long_wdo_trade_to_its_target_in_brl() -> None:
    result = run(rising(), AtTimes(((2.0, 1),)))
    (trade_,) = result.trades
    # Bought at the ask 1001 (500.5 points) 20 ms after the decision, sold at the target 1007: 3 points, R$ 30.
    assert (trade_.side, trade_.entry_px, trade_.exit_px, trade_.exit_tag) == (1, 1001.0, 1007.0, "target")
    assert trade_.entry_ts >= T0 + 2_020_000_000
    assert (trade_.gross, trade_.costs, trade_.net) == pytest.approx((30.0, 1.80, 28.20))
    assert trade_.mae_ticks == -1.0  # the bid was one tick below the entry
    assert trade_.entry_tag == "time_has_come"
    assert [f.maker for f in result.fills] == [False, True]


def test_a_short_win_trade_to_its_stop_in_brl() -> None:
    result = run(rising(), AtTimes(((2.0, -1),), size=2), WIN)
    (trade_,) = result.trades
    # Sold 2 at the bid 1000, stop at 1004; the buy stop pays the ask 1004: 4 ticks x 5 points x R$ 0.20 x 2 = R$ 8.
    assert (trade_.side, trade_.entry_px, trade_.exit_tag) == (-1, 1000.0, "stop")
    assert trade_.exit_px >= 1004.0
    assert trade_.gross == pytest.approx(-(trade_.exit_px - 1000) * 5 * 0.2 * 2)
    assert trade_.costs == pytest.approx(4 * 0.25)


def test_time_stop_and_session_end() -> None:
    flat = rising(to=1000)
    (trade_,) = run(flat, AtTimes(((2.0, 1),), hold_s=5.0)).trades
    assert trade_.exit_tag == "time_stop"
    assert (trade_.entry_px, trade_.exit_px) == (1001.0, 1000.0)
    assert 5.0 <= trade_.seconds < 6.5
    result = run(flat, AtTimes(((2.0, 1),)))
    (trade_,) = result.trades
    assert trade_.exit_tag == "session_end"
    assert result.ledger.position == 0


def test_no_entries_close_to_the_end() -> None:
    result = run(rising(), AtTimes(((48.9, 1), (49.5, 1))))
    assert result.fills == []
    assert "session_ending" in result.reasons


def test_the_daily_loss_flattens_and_stops_new_entries() -> None:
    settings = replace(FAST, limits=RiskLimits(daily_loss=10.0))
    result = run(rising(), AtTimes(((2.0, -1), (20.0, -1)), stop_ticks=30), settings=settings)
    (trade_,) = result.trades
    assert trade_.exit_tag == "daily_loss"
    assert [r.rule for r in result.refusals] == ["daily_loss"]
    assert [d.rule for d in result.decisions] == ["", "daily_loss"]


def test_every_sample_has_a_decision_with_a_reason() -> None:
    result = run(rising(), AtTimes(((2.0, 1),)))
    assert len(result.actions) == len(result.reasons) == len(result.frame) == len(result.counts)
    assert all(result.reasons)
    assert result.actions.count("buy") == 1
    # An order decided at t comes after exactly the events up to t.
    for ts, count in zip(result.frame.times.tolist(), result.counts.tolist(), strict=True):
        assert (result.path.now[:count] <= ts).all()
        assert (result.path.now[count:] >= ts).all()


@pytest.mark.parametrize("cut_s", [10.0, 25.05, 33.0])
def test_the_future_changes_nothing_before_it(cut_s: float) -> None:
    """What comes after a moment may be replaced at will: decisions and fills before it stay the same."""
    strategy = AtTimes(((2.0, 1), (12.0, -1), (22.0, 1), (30.0, 1)))
    whole = rising()
    other = whole.copy()
    after = other["ts_event"] > T0 + round(cut_s * SECOND)
    other["px"][after] += 3
    other["px_ask"][after] += 3
    a, b = run(whole, strategy), run(other, strategy)
    before = int(np.searchsorted(a.frame.times, T0 + round(cut_s * SECOND), side="right"))
    assert before > 50
    assert a.actions[:before] == b.actions[:before]
    assert a.reasons[:before] == b.reasons[:before]
    np.testing.assert_array_equal(a.frame.values[:before], b.frame.values[:before])
    limit = T0 + round(cut_s * SECOND)
    assert [f for f in a.fills if f.ts <= limit] == [f for f in b.fills if f.ts <= limit]


def test_chunks_do_not_matter() -> None:
    strategy = AtTimes(((2.0, 1), (12.0, -1), (22.0, 1)))
    whole = Backtest(rising(), WDO, strategy, FAST).run()
    parts = Backtest(rising(), WDO, strategy, FAST, chunk=7).run()
    assert whole.fills == parts.fills
    assert whole.trades == parts.trades
    assert whole.reasons == parts.reasons


def test_random_side_is_the_mean_of_both_sides() -> None:
    strategy = AtTimes(((2.0, 1),))
    result = run(rising(), strategy)
    baselines = compute_baselines(result)
    # The same entry: long makes R$ 28.20 (as above), short is stopped at 1004 or one tick beyond.
    assert baselines.random.long.tolist() == pytest.approx([28.20])
    short = run(rising(), AtTimes(((2.0, -1),))).trades[0].net
    assert baselines.random.short.tolist() == pytest.approx([short])
    assert baselines.random.mean == pytest.approx((28.20 + short) / 2)
    assert 50 < baselines.random.percentile < 100  # beats every short draw, ties with every long one
    assert baselines.hold is not None
    assert baselines.hold.net == pytest.approx((1020 - 1001) * 5.0 - 1.80)
    summary = summarise(result, baselines)
    assert (summary.trades, summary.hit_rate, summary.net) == (1, 1.0, pytest.approx(28.20))
    assert [h.hour for h in summary.hours] == [9]


def test_a_strategy_that_never_trades() -> None:
    result = run(rising(), AtTimes())
    summary = summarise(result, compute_baselines(result))
    assert (summary.trades, summary.net, summary.max_drawdown) == (0, 0.0, 0.0)
    assert np.isnan(summary.random_percentile)
    assert np.isnan(summary.hit_rate)


def test_the_baseline_runs_on_a_hand_made_stream() -> None:
    result = Backtest(rising(), WDO, make_strategy("order_flow_baseline"), FAST).run()
    assert set(result.actions) == {"hold"}  # one minute of warm-up is not over
    assert "not_ready_flow_ofi_1m" in result.reasons
