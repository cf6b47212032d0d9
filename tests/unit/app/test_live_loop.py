"""The loop on paper: the same orders for any batches, the same as replay; what stops it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from live_world import MINUTE, run_loop, session, spec, wdo
from quantumtrader import _backend
from quantumtrader.app.live import LiveLoop, LoopSettings
from quantumtrader.app.live.loop import MarketContext
from quantumtrader.app.live.spec import PaperSettings, build
from quantumtrader.backtest import Backtest, BacktestSettings, VenueSettings
from quantumtrader.clock import ReplayClock
from quantumtrader.execution import (
    LiveDesk,
    ManagerSettings,
    OrderExecutionManagerV4,
    OrderJournal,
    PaperBroker,
    RiskLimits,
    RiskManager,
    StopMode,
    make_strategy,
)
from quantumtrader.execution.order_journal import read_journal
from quantumtrader.types import Events, Kind, Phase


def _cut(events: Events, seed: int) -> list[Events]:
    """Batches of any size, empty ones and single events among them."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, len(events), int(rng.integers(3, 400))))
    return np.split(events, cuts)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[LiveLoop, list, bytes]:
    return run_loop(spec(), [session()], tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("seed", range(6))
def test_batches_change_nothing(seed: int, whole: tuple, tmp_path: Path) -> None:
    loop, samples, journal = run_loop(spec(), _cut(session(), seed), tmp_path)
    assert len(loop.desk.books.ledger.trades) > 10
    assert journal == whole[2]
    for now, then in zip(samples, whole[1], strict=True):
        assert replace(now, values=None) == replace(then, values=None)  # type: ignore[arg-type]
        assert now.values.tobytes() == then.values.tobytes()


@pytest.mark.parametrize("seed", range(2))
def test_single_events_change_nothing(seed: int, tmp_path: Path) -> None:
    events = session(3, seed)
    one = run_loop(spec(), (events[k : k + 1] for k in range(len(events))), tmp_path / "one")
    all_ = run_loop(spec(), [events], tmp_path / "all")
    assert one[2] == all_[2]
    assert len(one[0].desk.books.ledger.fills) > 2


def test_trades_are_those_of_replay(whole: tuple) -> None:
    """With one difference: an exit by time first takes stop and target out, because B3 knows no reduce-only orders, and
    so comes a row later than in replay."""
    loop, samples, _ = whole
    strategy = make_strategy("live_world:Turns")
    settings = BacktestSettings(venue=VenueSettings(), limits=RiskLimits(daily_loss=100_000.0))
    replayed = Backtest(session(), wdo(), strategy, settings).run()
    last = replayed.path.recorded_until - settings.flatten_before_ns  # replay leaves before a recording ends
    ours = [t for t in loop.desk.books.ledger.trades if t.exit_ts < last]
    theirs = [t for t in replayed.trades if t.exit_ts < last][: len(ours)]
    assert len(ours) > 10
    for a, b in zip(ours, theirs, strict=True):
        assert (a.side, a.size, a.entry_tag, a.exit_tag) == (b.side, b.size, b.entry_tag, b.exit_tag)
        assert (a.entry_ts, a.entry_px) == (b.entry_ts, b.entry_px)
        if a.exit_tag in ("stop", "target"):
            assert (a.exit_ts, a.exit_px, a.net) == (b.exit_ts, b.exit_px, b.net)
        else:
            assert 0 < a.exit_ts - b.exit_ts <= 500_000_000
    assert {t.exit_tag for t in ours} >= {"stop", "target"}
    n = len(samples)
    assert np.array([s.values for s in samples]).tobytes() == replayed.frame.values[:n, :2].tobytes()


def test_a_gap_ends_entries_until_the_book_is_whole_again(tmp_path: Path) -> None:
    events = session().copy()
    start = int(np.searchsorted(events["ts_event"], events["ts_event"][0] + 8 * MINUTE))
    tail = events[start:]
    keep = ~np.isin(tail["kind"], (Kind.ORDER, Kind.QUOTE))  # no image, no quote comes any more
    gap = events[start - 1 : start].copy()
    gap["kind"], gap["size"] = Kind.GAP, 9
    stream = np.concatenate((events[:start], gap, tail[keep]))
    loop, samples, _ = run_loop(spec(), [stream], tmp_path)
    after = [s for s in samples if s.ts > int(gap["ts_event"][0]) and s.action != "hold"]
    assert after
    assert all(s.rule in ("invalid_book", "no_touch") for s in after)
    assert not [t for t in loop.desk.books.ledger.trades if t.entry_ts > int(gap["ts_event"][0])]


def test_a_broken_strategy_halts_and_leaves(tmp_path: Path) -> None:
    made = spec(parameters={"fail_after": 200})
    loop, samples, _ = run_loop(made, [session()], tmp_path)
    assert "this strategy is broken" in loop.desk.halted
    assert loop.desk.manager.position == 0
    assert samples[-1].reason == "kill_switch"


def test_a_contract_roll_halts(tmp_path: Path) -> None:
    events = session().copy()
    at = len(events) // 2
    roll = events[at : at + 1].copy()
    for name in roll.dtype.names or ():
        if name not in ("ts_event", "ts_recv", "sequence"):
            roll[name] = 0
    roll["kind"], roll["action"] = Kind.SESSION, Phase.ROLL
    stream = np.concatenate((events[:at], roll, events[at:]))
    loop, _, journal = run_loop(spec(), [stream], tmp_path / "a")
    assert "another contract" in loop.desk.halted
    assert journal == run_loop(spec(), _cut(stream, 3), tmp_path / "b")[2]


def test_a_day_that_lost_its_limit_is_over(tmp_path: Path) -> None:
    loop, samples, _ = run_loop(spec(limits=RiskLimits(daily_loss=30.0)), [session()], tmp_path)
    assert samples[-1].reason == "daily_loss_halt"
    assert -120.0 < loop.desk.books.ledger.session_realised < -20.0


def test_entries_end_before_the_close(tmp_path: Path) -> None:
    hours, first = wdo().hours[-1], int(session()["ts_event"][0])
    opened = datetime.fromtimestamp(first // 10**9, UTC).astimezone(ZoneInfo(wdo().timezone))
    to_close = (datetime.combine(opened.date(), hours.close, opened.tzinfo) - opened).total_seconds()
    made = spec(loop=replace(spec().loop, flatten_before_s=to_close - 8 * 60))
    lived, samples, _ = run_loop(made, [session()], tmp_path)
    closing = [s for s in samples if s.reason == "session_ending"]
    assert closing
    assert not [t for t in lived.desk.books.ledger.trades if t.entry_ts > closing[0].ts + 100_000_000]
    assert lived.desk.manager.position == 0


def test_five_rejected_entries_halt(tmp_path: Path) -> None:
    """The broker takes nothing: a venue that trades in lots of five, and we send one."""
    made, clock, context = spec(), ReplayClock(), MarketContext()
    venue = _backend.core().Venue(tick_size=0.5, point_value=10.0, lot=5)
    broker = PaperBroker(venue, wdo(), clock)
    with OrderJournal(tmp_path / "orders.journal", power_safe=False) as journal:
        manager = OrderExecutionManagerV4(
            broker.connect(), journal, wdo(), RiskManager(made.limits, wdo()), ManagerSettings(), clock
        )
        desk = LiveDesk(manager, made.desk, context)
        loop = LiveLoop(
            wdo(), make_strategy("live_world:Turns"), desk, context, clock, made.loop, broker=broker
        )
        loop.turn(session(), 0)
    assert "5 entries in a row were rejected" in desk.halted
    kinds = [r["kind"] for r in read_journal(tmp_path / "orders.journal")[0]]
    assert kinds.count("plan") == 5


@pytest.mark.parametrize("mode", [StopMode.FLATTEN, StopMode.HAND_OVER])
def test_a_stop_leaves_or_hands_over(mode: StopMode, tmp_path: Path) -> None:
    made = spec(parameters={"every_s": 20.0})
    with OrderJournal(tmp_path / "orders.journal", power_safe=False) as journal:
        loop = build(made, journal)
        events = session()
        at = 0
        while loop.desk.manager.position == 0:
            loop.turn(events[at : at + 50], 0)
            at += 50
        loop.stop(mode)
        for _ in range(200):
            if loop.desk.stopped:
                break
            loop.turn(events[at : at + 50], 0)
            at += 50
        assert loop.desk.stopped
        books = loop.desk.books
        if mode is StopMode.FLATTEN:
            assert (books.ledger.position, len(books.table.open_orders)) == (0, 0)
        else:
            assert books.ledger.position != 0
            assert {s.order.type.value for s in books.table.open_orders} == {"stop", "limit"}


def test_time_can_pass_without_events(tmp_path: Path) -> None:
    with OrderJournal(tmp_path / "orders.journal", power_safe=False) as journal:
        loop = build(spec(), journal)
        events = session()
        at = 0
        while loop.desk.manager.position == 0:
            loop.turn(events[at : at + 50], 0)
            at += 50
        loop.stop(StopMode.FLATTEN)
        for _ in range(10):
            loop.let_time_pass()
        assert loop.desk.stopped
        assert loop.desk.manager.position == 0


def test_the_risk_manager_is_told_everything_that_is_known(tmp_path: Path) -> None:
    limits = RiskLimits(
        daily_loss=100_000.0,
        max_open_positions=1,
        max_event_age_s=5.0,
        max_book_age_s=5.0,
        trading_after_auction_s=10.0,
        trading_before_roll_h=1.0,
        max_atr_ticks=1e9,
        max_realised_volatility=1e9,
        risk_per_trade=0.5,
        capital=10_000.0,
        min_risk_reward=0.5,
        max_correlated_exposure=1e9,
    )
    loop = replace(spec().loop, roll_ts=int(session()["ts_event"][-1]) + 10 * 3600 * 10**9, capital=5_000.0)
    lived, samples, _ = run_loop(spec(limits=limits, loop=loop), [session(12)], tmp_path)
    assert {"atr_14", "rv_1m"} <= set(lived.names)
    assert lived.desk.books.ledger.trades or {s.rule for s in samples if s.rule} == {"volatility"}
    state = lived.desk.state()
    for name in (
        "capital",
        "others",
        "open_trades",
        "last_event_ts",
        "book_ts",
        "book_valid",
        "open_since_ts",
        "roll_ts",
    ):
        assert getattr(state, name) is not None, name


def test_what_nobody_knows_refuses(tmp_path: Path) -> None:
    limits = RiskLimits(daily_loss=100_000.0, max_open_positions=2, max_correlated_exposure=1e9)
    loop = replace(spec().loop, alone=False)
    lived, samples, _ = run_loop(spec(limits=limits, loop=loop), [session(3)], tmp_path)
    assert not lived.desk.books.ledger.trades
    assert {s.rule for s in samples if s.rule} == {"open_positions"}


def test_paper_settings_reach_the_venue(tmp_path: Path) -> None:
    slow = spec(
        paper=PaperSettings(latency_ns=500_000_000),
        loop=LoopSettings(stamp="ts_event", paper_latency_ns=500_000_000),
    )
    lived, samples, _ = run_loop(slow, [session(3)], tmp_path)
    first = next(s for s in samples if s.bracket)
    assert lived.desk.books.ledger.fills[0].ts >= first.ts + 500_000_000
