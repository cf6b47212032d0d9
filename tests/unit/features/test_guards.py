"""Guards: each reason by hand, all of them against a plain reading of the rules, and a feed that freezes."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumtrader import FeatureEngine, Instrument, core, empty_events, features
from quantumtrader.exceptions import ConfigError, DataError, UnsortedEventsError
from quantumtrader.features import FeatureGuard, GuardLimits, InputCounter, Reason, info
from quantumtrader.types import Kind

S = 10**9
NAN, INF = math.nan, math.inf
WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)


def test_values_that_may_be_used() -> None:
    verdict = FeatureGuard(["flow_ofi_1m", "spread_ticks"]).observe(0, [0.25, 1.0], [5, 5, 0, 0])
    assert verdict.ok
    assert verdict.blocked == {}
    assert verdict["flow_ofi_1m"] is Reason.OK


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1.0, Reason.OK),
        (1.0 + 1e-12, Reason.OK),  # the rounding of a sum
        (1.001, Reason.OUT_OF_RANGE),
        (-1.001, Reason.OUT_OF_RANGE),
        (INF, Reason.INFINITE),
        (-INF, Reason.INFINITE),
        (NAN, Reason.WARMUP),
        (0.0, Reason.OK),
    ],
)
def test_each_value_by_itself(value: float, reason: Reason) -> None:
    assert FeatureGuard(["flow_ofi_1m"]).observe(0, [value])["flow_ofi_1m"] == reason


def test_a_missing_value_is_warm_up_until_it_was_there_or_should_be() -> None:
    guard = FeatureGuard(["flow_ofi_1m", "cvd_session"])  # 60 s, and from the first event on
    assert guard.observe(0, [NAN, NAN]).blocked == {
        "flow_ofi_1m": Reason.WARMUP,
        "cvd_session": Reason.WARMUP,
    }
    assert guard.observe(30 * S, [NAN, 3.0]).blocked == {"flow_ofi_1m": Reason.WARMUP}
    assert guard.observe(59 * S, [NAN, NAN]).blocked == {
        "flow_ofi_1m": Reason.WARMUP,
        "cvd_session": Reason.MISSING,
    }
    assert guard.observe(61 * S, [NAN, 3.0])["flow_ofi_1m"] & Reason.MISSING


def test_the_next_session_warms_up_again() -> None:
    guard = FeatureGuard(["cvd_session", "rsi_14"])
    guard.observe(0, [1.0, 50.0])
    night = 15 * 3600 * S
    verdict = guard.observe(night, [NAN, NAN])
    assert verdict["cvd_session"] == Reason.WARMUP
    assert verdict["rsi_14"] == Reason.MISSING  # bars carry over


def test_a_late_row() -> None:
    guard = FeatureGuard(["flow_ofi_1m"], GuardLimits(late_s=2.0))
    assert guard.observe(0, [0.5], now=2 * S).ok
    assert guard.observe(S, [0.6], now=3 * S + 1)["flow_ofi_1m"] == Reason.LATE
    assert guard.observe(2 * S, [0.7], now=3 * S).ok
    assert guard.blocked(now=4 * S) == {}
    assert guard.blocked(now=4 * S + 1) == {"flow_ofi_1m": Reason.LATE}


def test_a_value_that_stays_while_its_prints_arrive_is_stale() -> None:
    guard = FeatureGuard(["flow_ofi_1m", "book_ofi_1m"], GuardLimits(unchanged_s=10.0, stale_inputs=3))
    for t in range(11):
        assert guard.observe(t * S, [0.5, 7.0], [t, t, 0, 0]).ok
    verdict = guard.observe(11 * S, [0.5, 8.0], [11, 11, 0, 0])
    assert verdict.blocked == {"flow_ofi_1m": Reason.STALE}
    assert guard.observe(12 * S, [0.6, 8.0], [12, 12, 0, 0]).ok


def test_a_value_that_stays_because_nothing_of_its_kind_happens_is_not_stale() -> None:
    guard = FeatureGuard(["flow_ofi_1m", "book_ofi_1m"], GuardLimits(unchanged_s=10.0, stale_inputs=3))
    for t in range(300):
        verdict = guard.observe(t * S, [0.5, float(t)], [2, t, 0, 0])  # quotes only
    assert verdict.ok


def test_resting_values_steps_and_flags_have_more_time() -> None:
    limits = GuardLimits(unchanged_s=10.0, unchanged_integer_s=20.0, rest_s=40.0, stale_inputs=1)
    # cvd_session: 20 s and a session (the rest); delta_divergence_5m is a flag.
    guard = FeatureGuard(["flow_ofi_1m", "flow_ofi_5m", "delta_1m", "delta_divergence_5m"], limits)
    stale: dict[str, int] = {}
    for t in range(100):
        for name in guard.observe(t * S, [0.5, 1.0, 4.0, 1.0], [t + 1, t, 0, 0]).blocked:
            stale.setdefault(name, t)
    assert stale == {"flow_ofi_1m": 11, "flow_ofi_5m": 41, "delta_1m": 81}  # 20 s and its window of 60 s


def test_limits_come_from_the_catalogue() -> None:
    limits = GuardLimits(unchanged_of=(("hmarl_ofi_5m", 7.0), ("spread_ticks", INF)))
    assert limits.unchanged(info("flow_ofi_1m")) == 600
    assert limits.unchanged(info("flow_ofi_5m")) == 7
    assert limits.unchanged(info("spread_ticks")) == INF
    assert limits.unchanged(info("cvd_session")) == 1_800 + 14_400
    assert limits.unchanged(info("delta_divergence_5m")) == INF
    assert limits.unchanged(info("rsi_14")) == 600 + 30 * 60
    assert all(GuardLimits().unchanged(f) >= 600 for f in features.catalogue())
    # What a session has once, and an order statistic of sizes, may stay as they are all day.
    assert limits.unchanged(replace(info("rsi_14"), window="1 session")) == INF
    assert limits.unchanged(replace(info("delta_5m"), update="U12")) == INF
    # Footprint bars have five minutes; what is told of a whole session moves late.
    assert limits.unchanged(replace(info("rsi_14"), family="footprint")) == 600 + 15 * 300
    assert limits.unchanged(replace(info("rsi_14"), window="session")) == 600 + 14_400 + 1_800


def test_a_value_over_many_rows_and_prints_is_constant_however_short_the_time() -> None:
    guard = FeatureGuard(["flow_ofi_1m"], GuardLimits(constant_rows=5, constant_inputs=100))
    for k in range(6):
        assert guard.observe(k, [0.5], [30 * k, 0, 0, 0]).ok
    assert guard.observe(6, [0.5], [180, 0, 0, 0])["flow_ofi_1m"] == Reason.CONSTANT
    slow = FeatureGuard(["flow_ofi_1m"], GuardLimits(constant_rows=5, constant_inputs=100))
    assert all(slow.observe(k, [0.5], [k, 0, 0, 0]).ok for k in range(90))


def test_an_input_that_stops_blocks_what_needs_it() -> None:
    names = ["flow_ofi_1m", "book_ofi_1m", "mlofi_w5_1m", "poc_distance", "rsi_14"]
    guard = FeatureGuard(names, GuardLimits(book_s=5.0, trades_s=20.0))
    for t in range(30):
        x = t / 30
        verdict = guard.observe(t * S, [x, x, x, x, 50 + x], [t + 1, min(t, 3), min(t, 3), 0])
        if t == 8:
            assert verdict.ok
    assert set(verdict.blocked) == {"book_ofi_1m", "mlofi_w5_1m", "poc_distance"}
    assert set(verdict.blocked.values()) == {Reason.FROZEN_INPUT}


def test_what_never_came_is_missing_not_frozen() -> None:
    guard = FeatureGuard(["flow_ofi_1m", "mlofi_w5_1m"], GuardLimits(book_s=5.0))
    for t in range(30):
        verdict = guard.observe(t * S, [t / 30, NAN], [t, t, 0, 0])
    assert verdict.blocked == {"mlofi_w5_1m": Reason.WARMUP}


def test_a_frozen_feed_blocks_everything() -> None:
    guard = FeatureGuard(["flow_ofi_1m", "delta_divergence_5m", "rsi_14"], GuardLimits(feed_s=5.0))
    for t in range(20):
        verdict = guard.observe(t * S, [0.5, 1.0, 50.0], [min(t, 9), 0, 0, 0])
        assert verdict.ok == (t <= 14), t
    assert set(verdict.blocked.values()) == {Reason.FROZEN_FEED}
    assert guard.observe(20 * S, [0.6, 1.0, 50.0], [10, 0, 0, 0]).ok  # it is back


def test_the_source_of_bars_has_its_own_time() -> None:
    guard = FeatureGuard(["rsi_14"], GuardLimits(feed_s=60.0, bars_s=900.0))
    for k in range(40):
        verdict = guard.observe(k * 60 * S, [50.0 + k], [0, 0, 0, 1 + k // 5])  # bars of five minutes
        assert verdict.ok
    for k in range(40, 57):
        verdict = guard.observe(k * 60 * S, [89.0], [0, 0, 0, 8])
    assert verdict["rsi_14"] & Reason.FROZEN_FEED


def test_a_night_is_no_freeze() -> None:
    guard = FeatureGuard(["va_width", "rsi_14"])
    guard.observe(0, [10.0, 50.0], 100)
    assert guard.observe(15 * 3600 * S, [10.0, 50.0], 101).ok


@pytest.mark.parametrize("how", ["inputs", "all", "none"])
def test_a_feed_that_freezes_for_an_engine(how: str) -> None:
    """Ten minutes of a market, then seven of timers only: every feature is blocked, whatever the guard is told."""
    events = core().generate_session(seed=3, duration_ns=600 * S)
    events = events[events["kind"] != Kind.SESSION]
    start = int(events["ts_recv"][-1])
    timers = empty_events(420)
    timers["kind"] = Kind.TIMER
    timers["ts_event"] = timers["ts_recv"] = start + np.arange(1, 421) * S
    timers["sequence"] = events["sequence"][-1] + np.arange(1, 421)
    engine = FeatureEngine(["hmarl_ofi_1m", "cvd_session", "spread_ticks", "delta_divergence_5m"], WDO, "1s")
    guard, counter = FeatureGuard(engine.manifest), InputCounter()
    alive: list[bool] = []
    for part in (events, *np.split(timers, 420)):
        engine.update_many(part)
        frame, seen = engine.take_counted()
        counts = counter.add(part, seen)
        # Timers are events as well: who counts all of them does not see the freeze, so they are not counted.
        market = counts.sum(axis=1)
        told = {"inputs": counts, "all": market, "none": None}[how]
        codes = guard.observe_many(frame.times, frame.values, told)
        alive += (codes[:, 1] == 0).tolist()
    warm = alive[330:590]
    assert all(warm)
    # Windows of five minutes slide on without an event: told nothing, the guard notices when they are empty.
    patience = 61 if how != "none" else 361
    assert not any(alive[601 + patience :])
    assert set(guard.blocked()) == set(engine.names)
    assert all(reason & Reason.FROZEN_FEED for reason in guard.blocked().values())
    assert guard.blocked(["cvd_session"])["cvd_session"].words == ("frozen_feed",)


def test_the_path_to_a_prediction_asks_by_either_name() -> None:
    guard = FeatureGuard(["hmarl_ofi_1m", "spread_ticks"])
    assert guard.blocked() == {"hmarl_ofi_1m": Reason.WARMUP, "spread_ticks": Reason.WARMUP}  # no row yet
    guard.observe(0, [2.0, 1.0])
    assert guard.blocked(["flow_ofi_1m"]) == {"flow_ofi_1m": Reason.OUT_OF_RANGE}
    assert guard.blocked(["order_flow_imbalance"]) == {"order_flow_imbalance": Reason.OUT_OF_RANGE}
    assert guard.blocked(["spread_ticks"]) == {}
    with pytest.raises(ConfigError, match="does not watch rsi_14"):
        guard.blocked(["rsi_14"])


def test_a_guard_repairs_nothing() -> None:
    row = np.array([NAN, 99.0, INF])
    before = row.copy()
    FeatureGuard(["flow_ofi_1m", "flow_ofi_5m", "cvd_session"]).observe(0, row)
    np.testing.assert_array_equal(row, before)


def test_the_report_counts_each_reason() -> None:
    guard = FeatureGuard(["flow_ofi_1m", "spread_ticks"])
    for t, value in enumerate((NAN, 0.5, 2.0, NAN, 3.0)):
        guard.observe(t * S, [value, 1.0 + t])
    report = guard.report()
    assert (report.rows, report.first_ns, report.last_ns, report.blocked_rows) == (5, 0, 4 * S, 4)
    assert [(c.name, c.reason, c.rows, c.first_ns, c.last_ns) for c in report.counts] == [
        ("flow_ofi_1m", "warmup", 1, 0, 0),
        ("flow_ofi_1m", "missing", 1, 3 * S, 3 * S),
        ("flow_ofi_1m", "out_of_range", 2, 2 * S, 4 * S),
    ]
    assert [c.reason for c in report.invalid] == ["out_of_range"]
    assert report.to_dict()["counts"][0]["reason"] == "warmup"
    guard.reset()
    assert guard.report().rows == 0
    assert guard.blocked(["spread_ticks"]) == {"spread_ticks": Reason.WARMUP}


def test_memory_does_not_grow() -> None:
    guard = FeatureGuard(features.resolve("all"))
    rng = np.random.default_rng(0)

    def size() -> int:
        return sum(x.nbytes for x in vars(guard).values() if isinstance(x, np.ndarray))

    sizes = []
    for k in range(3):
        times = (k * 2_000 + np.arange(2_000)) * S
        guard.observe_many(times, rng.normal(size=(2_000, len(guard.names))), np.arange(2_000) + k * 2_000)
        sizes.append(size())
    assert len(set(sizes)) == 1
    assert not any(
        isinstance(x, (list, dict)) and len(x) > 2 * len(guard.names) for x in vars(guard).values()
    )


def test_what_cannot_be_judged_is_refused() -> None:
    guard = FeatureGuard(["flow_ofi_1m"])
    guard.observe(5, [0.5], 10)
    with pytest.raises(UnsortedEventsError, match="row 0: time 4 runs backwards"):
        guard.observe(4, [0.5], 11)
    with pytest.raises(DataError, match="values for 1 times and 1 features"):
        guard.observe(6, [0.5, 0.5], 11)
    with pytest.raises(DataError, match="events_seen runs backwards"):
        guard.observe(6, [0.5], 9)
    with pytest.raises(DataError, match="stay with one"):
        guard.observe(6, [0.5])
    with pytest.raises(DataError, match=r"events_seen has shape \(1, 3\)"):
        FeatureGuard(["flow_ofi_1m"]).observe(6, [0.5], [1, 2, 3])
    with pytest.raises(ConfigError, match="no features"):
        FeatureGuard([])


@pytest.mark.parametrize("wrong", [{"late_s": 0.0}, {"feed_s": -1.0}, {"rest_s": NAN}, {"stale_inputs": 0}])
def test_limits_are_positive(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"guard limit {next(iter(wrong))} is"):
        GuardLimits(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unchanged_of rsi_14 is -1"):
        GuardLimits(unchanged_of=(("rsi_14", -1.0),))


def test_a_name_that_nobody_knows_is_held_to_no_range() -> None:
    guard = FeatureGuard(["mine"])
    assert guard.observe(0, [1e300], 1).ok
    assert guard.observe(S, [INF], 2)["mine"] == Reason.INFINITE


def test_the_counter_follows_the_rows() -> None:
    events = empty_events(6)
    events["kind"] = [Kind.SESSION, Kind.TRADE, Kind.QUOTE, Kind.LEVEL, Kind.ORDER, Kind.TRADE]
    counter = InputCounter()
    assert counter.add(events[:4], [0, 2, 4]).tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]]
    assert counter.add(events[4:], [4, 6]).tolist() == [[1, 1, 1, 0], [2, 1, 2, 0]]
    assert counter.counts.tolist() == [2, 1, 2, 0]
    with pytest.raises(DataError, match="count each slice"):
        counter.add(events[:0], [3])


NAMES = (
    "flow_ofi_1m",
    "spread_ticks",
    "delta_divergence_5m",
    "poc_distance",
    "mlofi_w5_1m",
    "rsi_14",
    "mine",
)
LIMITS = GuardLimits(
    late_s=3.0, unchanged_s=8.0, unchanged_integer_s=12.0, unchanged_bars=0.1, rest_s=20.0, stale_inputs=2,
    constant_rows=6, constant_inputs=9, feed_s=7.0, trades_s=9.0, book_s=6.0, bars_s=11.0, break_s=30.0,
)  # fmt: skip
NEEDS = {"T": ("trades",), "L1": ("quotes", "book"), "L2": ("book",), "B": ("trades", "bars")}
CHANNELS = ("trades", "quotes", "book", "bars")


class Plain:
    """The rules of the guard, value by value, without a thought for speed."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, list[float], list[int]]] = []
        self.began = 0

    def observe(self, t: int, row: list[float], counts: list[int], now: int) -> list[Reason]:
        if not self.rows or t - self.rows[-1][0] > LIMITS.break_s * S:
            self.began = len(self.rows)
        self.rows.append((t, row, counts))
        return [self.judge(k, name, now) for k, name in enumerate(NAMES)]

    def judge(self, k: int, name: str, now: int) -> Reason:
        t, row, counts = self.rows[-1]
        value = row[k]
        entry = None if name == "mine" else info(name)
        session = self.rows[self.began :]
        before = session if entry is None or entry.reset == "session" else self.rows
        out = Reason.OK
        if math.isnan(value):
            due = entry is not None and entry.warmup_ns is not None and t - session[0][0] > entry.warmup_ns
            seen = any(not math.isnan(r[1][k]) for r in before)
            out |= Reason.MISSING if due or seen else Reason.WARMUP
        low, high = (None, None) if entry is None else entry.range
        low, high = -INF if low is None else low, INF if high is None else high
        if math.isinf(value):
            out |= Reason.INFINITE
        elif value < low - 1e-9 * max(1, abs(low)) or value > high + 1e-9 * max(1, abs(high)):
            out |= Reason.OUT_OF_RANGE
        if now - t > LIMITS.late_s * S:
            out |= Reason.LATE
        out |= self.unchanged(k, entry, low, high)
        return out | self.frozen(entry, counts)

    def fed(self, entry: object, counts: list[int]) -> int:
        channels = CHANNELS if entry is None else {c for need in entry.inputs for c in NEEDS[need]}  # type: ignore[attr-defined]
        return sum(counts[CHANNELS.index(c)] for c in channels)

    def unchanged(self, k: int, entry: object, low: float, high: float) -> Reason:
        t, row, counts = self.rows[-1]
        value = row[k]
        first = len(self.rows) - 1
        while first > self.began and self.rows[first - 1][1][k] == value:
            first -= 1
        since_t, _, since_counts = self.rows[first]
        if first == self.began and first and self.rows[first - 1][1][k] == value:
            since_counts = self.rows[first - 1][2]  # what arrived over the break counts, its time does not
        limit = LIMITS.unchanged_s if entry is None else LIMITS.unchanged(entry)  # type: ignore[arg-type]
        if value in (0, low, high):
            limit = max(limit, LIMITS.rest_s)
        arrived = self.fed(entry, counts) - self.fed(entry, since_counts)
        out = Reason.OK
        if t - since_t > limit * S and arrived >= LIMITS.stale_inputs:
            out |= Reason.STALE
        factor = limit / LIMITS.unchanged_s
        rows = len(self.rows) - 1 - first
        if rows > LIMITS.constant_rows * factor and arrived > LIMITS.constant_inputs * factor:
            out |= Reason.CONSTANT
        return Reason.OK if math.isnan(value) else out

    def frozen(self, entry: object, counts: list[int]) -> Reason:
        t = self.rows[-1][0]
        session = self.rows[self.began :]
        previous = [self.rows[self.began - 1][2] if self.began else [0] * 4, *(r[2] for r in session)]
        latest = [session[0][0]] * 4
        for (time, _, now), before in zip(session, previous, strict=False):
            latest = [time if now[c] > before[c] else latest[c] for c in range(4)]
        only_bars = counts[3] > 0 and not any(counts[:3])
        out = Reason.OK
        if t - max(latest) > (LIMITS.bars_s if only_bars else LIMITS.feed_s) * S:
            out |= Reason.FROZEN_FEED
        for need in () if entry is None else entry.inputs:  # type: ignore[attr-defined]
            channels = [CHANNELS.index(c) for c in NEEDS[need]]
            limit = {"T": LIMITS.trades_s, "L1": LIMITS.book_s, "L2": LIMITS.book_s}.get(
                need, LIMITS.bars_s if only_bars else LIMITS.trades_s
            )
            if any(counts[c] for c in channels) and t - max(latest[c] for c in channels) > limit * S:
                out |= Reason.FROZEN_INPUT
        return out


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 60), max_size=4))
def test_the_rules_read_plainly_and_any_chunking(seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    n = 60
    values = np.array([NAN, INF, 0.0, 0.5, 1.0, 1.0, 2.0, -3.0])
    rows = values[rng.integers(0, len(values), (n, len(NAMES)))]
    for t in range(1, n):  # most values stay most of the time
        keep = rng.random(len(NAMES)) < 0.9
        rows[t, keep] = rows[t - 1, keep]
    steps = rng.choice([0, 1, 1, 2, 40], n, p=[0.1, 0.4, 0.3, 0.18, 0.02])
    times = np.cumsum(steps) * S
    busy = rng.random(4) < 0.8
    grows = (rng.random((n, 4)) < 0.5) & busy & (rng.random((n, 1)) < 0.7)
    grows[20:45] &= rng.random(4) < 0.5  # some inputs stop for a while
    counts = np.cumsum(grows, axis=0)
    now = times + rng.integers(0, 5, n) * S
    plain = Plain()
    expected = [
        plain.observe(int(t), row.tolist(), count.tolist(), int(clock))
        for t, row, count, clock in zip(times, rows, counts, now, strict=True)
    ]
    edges = [0, *sorted({c for c in cuts if c < n}), n]
    guard = FeatureGuard(NAMES, LIMITS)
    got = np.concatenate(
        [guard.observe_many(times[a:b], rows[a:b], counts[a:b], now[a:b]) for a, b in pairwise(edges)]
    )
    np.testing.assert_array_equal(got, np.array(expected, np.uint16))
    one = FeatureGuard(NAMES, LIMITS)
    single = [one.observe(int(times[k]), rows[k], counts[k], int(now[k])).codes for k in range(n)]
    np.testing.assert_array_equal(np.array(single), got)
    assert one.report() == guard.report()
