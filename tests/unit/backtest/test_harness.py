"""One trade followed by hand, in R$, and no look at the future."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
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
from quantumtrader.execution import (
    MarketState,
    OrderManager,
    Report,
    RiskLimits,
    Signal,
    SignalAction,
    make_strategy,
)
from quantumtrader.types import Events, Instrument, Phase

Row = npt.NDArray[np.float64]

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


@dataclass(frozen=True)
class Leaving(AtTimes):
    """Asks to leave at given seconds after 09:00, whether anything is held or not."""

    exits: tuple[float, ...] = ()

    def evaluate(self, row: Row, market: MarketState) -> Signal:
        if market.ts in {T0 + round(at * SECOND) for at in self.exits}:
            return Signal(market.ts, SignalAction.EXIT, "turned")
        return super().evaluate(row, market)


def test_an_exit_that_the_strategy_asks_for() -> None:
    # One order a minute: limits of entries hold no exit back.
    limits = RiskLimits(daily_loss=1e6, orders_per_minute=1)
    result = run(
        rising(1000), Leaving(((2.0, 1),), exits=(1.0, 10.0, 10.1)), settings=replace(FAST, limits=limits)
    )
    (trade_,) = result.trades
    # Sold at the bid 1000, 20 ms after it was asked for; the wishes before the trade and after it change nothing.
    assert (trade_.entry_px, trade_.exit_px, trade_.exit_tag) == (1001.0, 1000.0, "turned")
    assert trade_.exit_ts == T0 + 10_020_000_000
    assert result.refusals == []
    assert [d.side for d in result.decisions] == [1]
    assert result.actions.count("exit") == 3
    assert alive(result) == {}


def alive(result: BacktestResult) -> dict[int, int]:
    """Contracts, signed, of the orders that have not ended."""
    left: dict[int, int] = {}
    for entry in result.journal:
        if entry.event == "sent":
            left[entry.client_id] = int(entry.detail.split()[1])
        elif entry.event == "filled":
            left[entry.client_id] -= int(entry.detail.split()[0])
        elif entry.event in ("cancelled", "rejected"):
            left[entry.client_id] = 0
    return {client_id: size for client_id, size in left.items() if size}


@pytest.mark.parametrize("latency_ms", [20, 130])
@pytest.mark.parametrize("tenths", [21, 22, 23, 27, 49, 50, 51, 52, 53, 60])
def test_an_exit_at_any_row_of_a_trade_leaves_nothing_behind(tenths: int, latency_ms: int) -> None:
    """With the entry on its way, filled in part, and in the rows about the fill of the stop."""
    rows = [marker(0, Phase.OPEN), quote(0.01, 1000, 1001, 2)]
    for k in range(20, 70):  # two contracts at a time, and a fall through the stop at 5.0 s
        px = 1000 if k < 50 else 994
        rows += [quote(k / 10 + 0.05, px, px + 1, 2), trade(k / 10 + 0.06, px, 1, -1)]
    events = stream([*rows, *(quote(k, 994, 995, 50) for k in range(8, 14)), marker(60, Phase.CLOSED)])
    settings = replace(FAST, venue=VenueSettings(latency_ns=latency_ms * 1_000_000))
    strategy = Leaving(((2.0, 1),), size=5, exits=(tenths / 10,))
    result = run(events, strategy, settings=settings)
    assert (result.ledger.position, result.left_open, result.halted) == (0, 0, "")
    assert alive(result) == {}
    assert sum(f.side * f.size for f in result.fills) == 0
    tags = {result.fill_tags[f.client_id] for f in result.fills} - {"time_has_come"}
    assert tags <= {"turned", "stop"}


def test_no_entries_close_to_the_end() -> None:
    result = run(rising(), AtTimes(((48.9, 1), (49.5, 1))))
    assert result.fills == []
    assert "session_ending" in result.reasons


def test_the_daily_loss_flattens_and_halts_the_session() -> None:
    settings = replace(FAST, limits=RiskLimits(daily_loss=10.0))
    result = run(rising(), AtTimes(((2.0, -1), (20.0, -1)), stop_ticks=30), settings=settings)
    (trade_,) = result.trades
    assert trade_.exit_tag == "daily_loss"
    assert [d.rule for d in result.decisions] == [""]
    after = result.frame.times > trade_.exit_ts
    assert {r for r, late in zip(result.reasons, after, strict=True) if late} == {"daily_loss_halt"}


def test_the_daily_loss_holds_through_an_auction_and_ends_with_the_date() -> None:
    day = 24 * 3600
    rows = [marker(0, Phase.OPEN)]
    for start in (0, day):
        for k in range(60):
            px = 1000 - 2 * max(0, min(k - 4, 10))  # falls 20 ticks from second 5 to 14
            rows += [quote(start + k + 0.5, px, px + 1), trade(start + k + 0.6, px, 20, -1)]
            if k == 20:
                rows += [marker(start + k + 0.7, Phase.AUCTION), marker(start + k + 1, Phase.OPEN)]
    settings = replace(FAST, limits=RiskLimits(daily_loss=50.0))
    strategy = AtTimes(((2.0, 1), (30.0, 1), (day + 30.0, 1)), stop_ticks=40, clock="1s")
    result = run(stream(rows), strategy, settings=settings)
    assert [t.exit_tag for t in result.trades] == ["daily_loss", "session_end"]
    assert result.trades[0].net < -50.0
    assert result.trades[1].entry_ts >= T0 + (day + 30) * SECOND  # none at 30 s, after the auction
    assert "daily_loss_halt" in result.reasons


@pytest.mark.parametrize("phase", [Phase.AUCTION, Phase.CLOSED])
def test_an_auction_that_nobody_announced_is_not_known_ahead(phase: int) -> None:
    rows = [marker(0, Phase.OPEN)]
    rows += [quote(k + 0.5, 1000, 1001) for k in range(60)]
    stop = [*rows[:31], marker(30.7, phase), marker(35, Phase.OPEN), *rows[36:]]
    strategy = AtTimes(((2.0, 1), (30.0, -1)), hold_s=0.0)
    plain, halted = run(stream(rows), strategy), run(stream(stop), strategy)
    before = int(np.searchsorted(plain.frame.times, T0 + round(30.6 * SECOND), side="right"))
    assert before > 200
    assert plain.actions[:before] == halted.actions[:before]
    assert plain.reasons[:before] == halted.reasons[:before]
    assert "session_ending" not in halted.reasons[:before]
    assert [f for f in halted.fills if f.ts < T0 + 30 * SECOND] == [
        f for f in plain.fills if f.ts < T0 + 30 * SECOND
    ]


def test_a_working_entry_is_cancelled_at_the_daily_loss() -> None:
    # 300 wanted where 50 stand: the rest waits, while the first 50 lose the day's money.
    rows = [marker(0, Phase.OPEN), quote(0.5, 1000, 1001), quote(2.5, 990, 1020, 900)]
    rows += [quote(k, 990, 1020, 900) for k in range(3, 60)]
    limits = RiskLimits(max_position=300, max_order_size=300, daily_loss=100.0)
    events = stream([r | ({"size_ask": 1} if r.get("px_ask") == 1020 else {}) for r in rows])
    result = run(events, AtTimes(((2.0, 1),), size=300, stop_ticks=60), settings=replace(FAST, limits=limits))
    entry = result.decisions[0].order_id
    assert "cancel_asked" in [e.event for e in result.journal if e.client_id == entry]
    assert "daily_loss_halt" in result.reasons
    assert result.ledger.position == 0
    assert not [f for f in result.fills if f.side > 0 and f.ts > T0 + 5 * SECOND]


@dataclass(frozen=True)
class Failing(AtTimes):
    """Raises after a while."""

    fail_at: float = 10.0

    def evaluate(self, row: Row, market: MarketState) -> Signal:
        if market.ts >= T0 + round(self.fail_at * SECOND):
            raise ZeroDivisionError("of all things")
        return super().evaluate(row, market)


def test_a_strategy_that_fails_is_switched_off_and_its_position_left() -> None:
    flat = rising(to=1000)
    result = run(flat, Failing(((2.0, 1),)))
    assert "ZeroDivisionError: of all things" in result.halted
    assert [t.exit_tag for t in result.trades] == ["kill_switch"]
    assert result.trades[0].exit_ts < T0 + 11 * SECOND
    assert result.reasons[-1] == "kill_switch"
    assert run(flat, AtTimes()).halted == ""


def test_reports_that_contradict_each_other_stop_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    real = OrderManager.take_reports

    def twice(self: OrderManager) -> list[Report]:
        reports = real(self)
        for report in reports:
            if report.status == "filled":
                self.apply([report._replace(report_id=9_999)])
        return reports

    monkeypatch.setattr(OrderManager, "take_reports", twice)
    result = run(rising(), AtTimes(((2.0, 1), (20.0, 1))))
    assert "inconsistent" in result.halted
    assert len(result.decisions) == 1
    assert len(result.refusals) == 0


def test_a_refused_entry_starts_no_pause() -> None:
    settings = replace(FAST, limits=RiskLimits(max_position=1))
    seen: list[int] = []

    class Watching(AtTimes):
        def evaluate(self, row: Row, market: MarketState) -> Signal:
            seen.append(market.last_exit_ts)
            return super().evaluate(row, market)

    result = run(rising(), Watching(((2.0, 1),), size=2), settings=settings)
    assert [r.rule for r in result.refusals] == ["position_limit"]
    assert set(seen) == {0}


@pytest.mark.parametrize(("phase", "halted"), [(Phase.OPEN, False), (Phase.AUCTION, True)])
def test_a_contract_roll_makes_no_profit(phase: int, halted: bool) -> None:
    rows = [marker(0, Phase.OPEN)]
    rows += [quote(k + 0.5, 1000, 1001) for k in range(10)]
    rows += [marker(9.8, phase), marker(10, Phase.ROLL), marker(10.1, Phase.OPEN)]
    rows += [quote(k + 0.5, 1200, 1201) for k in range(10, 30)]  # the next contract stands 200 ticks higher
    strategy = AtTimes(((2.0, 1), (20.0, 1)), stop_ticks=500, target_ticks=500)
    result = run(stream(rows), strategy)
    first = result.trades[0]
    assert (first.entry_px, first.exit_px, first.exit_tag) == (1001.0, 1000.0, "contract_roll")
    assert result.fill_tags[result.fills[1].client_id] == "contract_roll"
    assert result.ledger.position == 0
    if halted:  # no market to leave on: booked at the old contract's last price, and nothing more is sent
        assert "contract roll" in result.halted
        assert len(result.trades) == 1
    else:
        assert (result.halted, len(result.trades)) == ("", 2)
    summary = summarise(result, compute_baselines(result))
    assert summary.gross == pytest.approx(-5.0 * len(result.trades))
    assert abs(compute_baselines(result).random.long).max() < 20


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


def test_what_is_left_has_one_mark_for_strategy_and_baselines() -> None:
    rows = [marker(0, Phase.OPEN), *(quote(k + 0.5, 1000, 1001) for k in range(20)), marker(19.9, Phase.HALT)]
    events = stream([*rows, *(trade(k + 0.5, 1003) for k in range(20, 40)), quote(40, 1000, 1001)])
    result = run(events, AtTimes(((2.0, 1),)))
    assert result.left_open == 1  # nobody trades in a halt, so it is settled at the last touch
    assert [t.exit_tag for t in result.trades] == ["recording_ended"]
    baselines = compute_baselines(result)
    summary = summarise(result, baselines)
    assert summary.gross == pytest.approx(-5.0)  # bought at 1001, the bid is 1000, whatever was printed last
    assert baselines.random.long.tolist() == pytest.approx([summary.net])
    assert result.equity.net[-1] == pytest.approx(summary.net)
