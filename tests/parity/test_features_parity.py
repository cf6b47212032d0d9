"""The two engines against each other: rows, NaN positions and integers exactly, floats to 1e-9."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from quantumtrader.exceptions import ConfigError, DataError, UnknownFeatureError, UnsortedEventsError
from quantumtrader.features import catalogue
from quantumtrader.types import PX_NONE, Action, Flag, Kind, Phase, empty_events
from reference.flows import FEEDS, as_events, random_flow
from reference.rules import FITTED, SESSION_SECONDS, sessions_needed

INFO = {f.name: f for f in catalogue()}
NAMES = list(INFO)
# A step of random flow lasts about 7 s, so that hours pass; fine time grids are kept for short streams.
STEPS = {"event": 900, "bar": 900, "100ms": 30, "1s": 150, "1m": 900, "3trades": 900, "50trades": 900}
CLOCKS = tuple(STEPS)
PAIR = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def build(module: ModuleType, clock="event", warmup="full", rlp_sign="drop", names=NAMES):
    return module.FeatureEngine(names, 0.5, 10.0, clock, warmup, rlp_sign, SESSION_SECONDS, FITTED)


def assert_equal(rust, python) -> None:
    """Compare ``(times, values, counts)`` of both engines."""
    np.testing.assert_array_equal(rust[0], python[0])
    np.testing.assert_array_equal(rust[2], python[2])
    np.testing.assert_array_equal(np.isnan(rust[1]), np.isnan(python[1]))
    for k, name in enumerate(NAMES):
        a, b = rust[1][:, k], python[1][:, k]
        if INFO[name].kind == "float":
            # Where a value is the difference of nearly equal floats, 1e-10 of its unit is what is left.
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10, err_msg=name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=name)


@settings(PAIR, max_examples=60)
@example(
    seed=495, size=0.625, feed="levels", clock="event", warmup="full", rlp_sign="drop"
)  # a roll between sessions
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.floats(0, 1),
    feed=st.sampled_from(FEEDS),
    clock=st.sampled_from(CLOCKS),
    warmup=st.sampled_from(["full", "partial"]),
    rlp_sign=st.sampled_from(["drop", "quote"]),
)
def test_rust_equals_python(engines, seed, size, feed, clock, warmup, rlp_sign):
    events = random_flow(seed, 1 + int(size * STEPS[clock]), feed)
    taken = []
    for module in engines:
        features = build(module, clock, warmup, rlp_sign)
        due = features.update_many(events)
        taken.append(features.take())
        assert due == len(taken[-1][0])
        taken[-1] = (*taken[-1], features.snapshot())
    assert_equal(*taken)
    rust, python = (np.vstack([t[3], t[3]]) for t in taken)
    assert_equal((taken[0][0][:0], rust, taken[0][2][:0]), (taken[0][0][:0], python, taken[0][2][:0]))


@settings(PAIR, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    feed=st.sampled_from(FEEDS),
    clock=st.sampled_from(CLOCKS),
    warmup=st.sampled_from(["full", "partial"]),
    cuts=st.lists(st.integers(0, 200), max_size=12),
)
def test_any_chunking_gives_the_same_bits(engine, seed, feed, clock, warmup, cuts):
    events = random_flow(seed, min(200, STEPS[clock]), feed)
    assert_chunks_equal_whole(engine, events, cuts, clock, warmup)


@pytest.mark.parametrize("clock", ["event", "31s", "bar", "5trades"])
def test_chunking_of_hours_gives_the_same_bits(engine, clock):
    """Hours of full flow, so that every feature has numbers on both sides of the cuts."""
    events = random_flow(2, 2_400, "levels", markers=False, calm=True)
    cuts = np.random.default_rng(5).integers(0, len(events), 20).tolist()
    values = assert_chunks_equal_whole(engine, events, cuts, clock, "full")
    counts_sessions = np.array([sessions_needed(info) > 0 for info in INFO.values()])
    assert (np.isfinite(values).any(axis=0) != counts_sessions).all()


def assert_chunks_equal_whole(module, events, cuts, clock, warmup):
    whole = build(module, clock, warmup)
    whole.update_many(events)
    expected = whole.take()

    pieces = build(module, clock, warmup)
    taken = []
    for piece in np.split(events, sorted({min(c, len(events)) for c in cuts})):
        pieces.update_many(np.ascontiguousarray(piece))
        taken.append(pieces.take())
    for k in range(3):
        joined = np.concatenate([t[k] for t in taken])
        assert joined.tobytes() == expected[k].tobytes()

    single = build(module, clock, warmup)
    due = [single.update(e) for e in events]
    rows = single.take()
    for k in range(3):
        assert rows[k].tobytes() == expected[k].tobytes()
    assert sum(due) <= len(expected[0])
    assert single.snapshot().tobytes() == pieces.snapshot().tobytes() == whole.snapshot().tobytes()
    return expected[1]


# -- single cases ---------------------------------------------------------------------------------------


def last_row(
    module: ModuleType, rows: list[dict[str, int]], names: list[str], clock: str = "event"
) -> list[float]:
    """What the last row says; records a second apart where they do not say when."""
    features = build(module, clock, names=names)
    features.update_many(
        as_events([{"ts_event": k * 10**9, "ts_recv": k * 10**9} | row for k, row in enumerate(rows)])
    )
    return features.take()[1][-1].tolist()


def test_a_side_is_a_sign(engine):
    trades = [{"kind": Kind.TRADE, "px": 10, "size": 3, "side": side} for side in (2, -128, 127)]
    assert last_row(engine, trades, ["cvd_session", "same_side_run"]) == [3.0, 1.0]


def test_a_roll_forgets_that_the_source_brought_bars(engine):
    rows = [
        {"kind": Kind.BAR, "px": 9, "px_ask": 9, "ref_a": 9, "ref_b": 9},
        {"kind": Kind.SESSION, "action": Phase.ROLL},
        {"kind": Kind.TRADE, "px": 10, "size": 1},
        {"kind": Kind.TRADE, "px": 14, "size": 1},
        {"kind": Kind.SESSION, "action": Phase.OPEN},
    ]
    assert last_row(engine, rows, ["bar_range"]) == [4.0]


def test_a_row_of_a_bar_record_sees_the_packet_that_it_ends(engine):
    order = {"kind": Kind.ORDER, "px": 10, "size": 7, "side": 1, "ref_b": -1, "id": 1}
    bar = {"kind": Kind.BAR, "px": 9, "px_ask": 9, "ref_a": 9, "ref_b": 9}
    rows = [order | {"action": Action.ADD}, order | {"action": Action.EDIT, "size": 4, "flags": Flag.MORE}]
    assert last_row(engine, [*rows, bar], ["bid_depth_5"], "bar") == [4.0]
    assert last_row(engine, [*rows, bar | {"flags": Flag.MORE}], ["bid_depth_5"], "bar") == [7.0]


def test_a_negative_size_of_a_quote_is_none(engine):
    quote = {"kind": Kind.QUOTE, "px": 10, "px_ask": 11, "size": -3, "size_ask": 5}
    assert np.isnan(last_row(engine, [quote], ["weighted_mid_dev", "book_imbalance_1"])).all()


def test_a_missing_side_of_a_quote_shows_nothing_whatever_its_size_says(engine):
    quote = {"kind": Kind.QUOTE, "px": 10, "px_ask": PX_NONE, "size": 23, "size_ask": 300}
    assert last_row(engine, [quote], ["book_imbalance_1"]) == [1.0]


def test_a_deletion_of_no_side_is_left_out(engine):
    order = {"kind": Kind.ORDER, "px": 10, "size": 7, "ref_b": 0}
    rows = [order | {"side": 1, "action": Action.ADD}]
    rows += [order | {"side": side, "action": Action.DELETE_FROM} for side in (0, 2, -2)]
    assert last_row(engine, rows, ["bid_depth_5"]) == [7.0]


def test_one_great_bar_leaves_no_rounding_behind(engine):
    """The accumulation line may wander as far as it likes: what comes long after tells of nothing before."""
    rng = np.random.default_rng(1)
    prices = rng.integers(1, 9, (160, 2)).tolist()
    bars = [
        {"kind": Kind.BAR, "px": a, "px_ask": 9, "ref_a": 0, "ref_b": b, "size": 1 + a} for a, b in prices
    ]
    great = {"kind": Kind.BAR, "px": 0, "px_ask": 9, "ref_a": 0, "ref_b": 7, "size": 2**31 - 1}
    with_it, without = (last_row(engine, rows, ["ad_osc_3_10"]) for rows in ([great, *bars], bars))
    np.testing.assert_allclose(with_it, without, rtol=1e-9)


def test_the_warm_up_begins_again_at_a_roll_between_sessions(engine):
    rows = [
        {"kind": Kind.SESSION, "action": Phase.OPEN},
        {"kind": Kind.TRADE, "px": 10, "size": 1, "side": 1},
        {"kind": Kind.SESSION, "action": Phase.CLOSED},
        {"kind": Kind.SESSION, "action": Phase.ROLL, "ts_event": 90 * 10**9, "ts_recv": 90 * 10**9},
    ]
    features = build(engine, names=["delta_1m"])
    features.update_many(as_events([{"ts_event": k, "ts_recv": k} | row for k, row in enumerate(rows)]))
    assert np.isnan(features.snapshot()).all()


def test_a_print_far_away_is_not_walked_to(engine):
    """A wild price costs what any other does: the rows between are empty."""
    far = 2**31 - 1
    trades = [{"kind": Kind.TRADE, "px": px, "size": 5} for px in (100, far, 100, -far, -far)]
    trades.append({"kind": Kind.SESSION, "action": Phase.OPEN})
    features = build(engine, names=["va_width", "fp_va_close_pos"])
    features.update_many(as_events([{"ts_event": k, "ts_recv": k} | row for k, row in enumerate(trades)]))
    values = features.take()[1]
    assert values[:5, 0].tolist() == [0, far - 100, far - 100, far - 100, 2 * far]
    assert values[5, 1] == 0.0


# -- errors ---------------------------------------------------------------------------------------------


def message(module: ModuleType, call) -> tuple[type, str]:
    with pytest.raises((ValueError, KeyError, TypeError)) as caught:
        call(module)
    return type(caught.value), str(caught.value)


BAD_ARGUMENTS = {
    "clock": lambda m: build(m, clock="sometimes"),
    "zero clock": lambda m: build(m, clock="0ms"),
    "empty clock": lambda m: build(m, clock=""),
    "warmup": lambda m: build(m, warmup="none"),
    "rlp_sign": lambda m: build(m, rlp_sign="guess"),
    "names": lambda m: build(m, names=[]),
    "twice": lambda m: build(m, names=["va_width", "va_width"]),
    "tick": lambda m: m.FeatureEngine(["va_width"], 0.0, 10.0),
    "point": lambda m: m.FeatureEngine(["va_width"], 0.5, -1.5),
    "session": lambda m: m.FeatureEngine(["va_width"], 0.5, 10.0, session_seconds=0),
    "endless session": lambda m: m.FeatureEngine(["va_width"], 0.5, 10.0, session_seconds=float("inf")),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_arguments_are_refused_alike(engines, case):
    rust, python = (message(m, BAD_ARGUMENTS[case]) for m in engines)
    assert rust == python
    assert python[0] is ConfigError


@pytest.mark.parametrize(
    "name", ["flow_ofi_2m", "flow_ofi", "book_ofi_1min", "va_widht", "utterly_unlike_anything", "", "é"]
)
def test_unknown_names_are_refused_alike(engines, name):
    rust, python = (message(m, lambda m: build(m, names=[name])) for m in engines)
    assert rust == python
    assert python[0] is UnknownFeatureError


def stream(ts_recv: list[int], sequence: list[int]):
    events = empty_events(len(ts_recv))
    events["kind"] = Kind.TRADE
    events["ts_recv"], events["sequence"] = ts_recv, sequence
    events["ts_event"], events["size"], events["px"] = ts_recv, 1, 10
    return events


BAD_STREAMS = {
    "ts_recv": ([5, 6, 4], [1, 2, 3]),
    "sequence": ([5, 6, 7], [1, 3, 2]),
    "both, sequence first": ([5, 6, 7, 3], [9, 8, 9, 9]),
    "both at once": ([5, 4], [2, 1]),
}


@pytest.mark.parametrize("case", BAD_STREAMS)
def test_unsorted_events_are_refused_alike_and_not_applied(engines, case):
    said = []
    for module in engines:
        features = build(module, names=["cvd_session"])
        said.append(message(module, lambda _, f=features: f.update_many(stream(*BAD_STREAMS[case]))))
        assert features.now_ns == np.iinfo(np.int64).min
        assert len(features.take()[0]) == 0
    assert said[0] == said[1]
    assert said[0][0] is UnsortedEventsError


def test_order_is_kept_from_call_to_call(engines):
    said = []
    for module in engines:
        features = build(module, names=["cvd_session"])
        features.update_many(stream([5, 6], [1, 2]))
        features.update_many(stream([6, 6], [2, 2]))
        said.append(message(module, lambda _, f=features: f.update_many(stream([5, 7], [2, 3]))))
        with pytest.raises(UnsortedEventsError, match="ts_recv runs backwards at event 0: 5 after 6"):
            features.update(stream([5], [9])[0])
        assert features.now_ns == 6
        features.reset()
        assert features.update_many(stream([5], [1])) == 1
    assert said[0] == said[1]


FAR = 10**18
JUMPS = {
    "samples": ("1ms", [(Kind.TRADE, 0), (Kind.TRADE, 5), (Kind.TRADE, FAR)], 2, 'samples of "1ms"'),
    "bars": ("event", [(Kind.TRADE, 0), (Kind.TRADE, FAR)], 1, "one-minute bars"),
    "timer": ("1s", [(Kind.TRADE, 0), (Kind.TIMER, FAR)], 1, 'samples of "1s"'),
}


@pytest.mark.parametrize("case", JUMPS)
def test_a_wild_time_stamp_is_refused_alike(engines, case):
    clock, rows, index, what = JUMPS[case]
    events = stream([0] * len(rows), list(range(len(rows))))
    for k, (kind, t) in enumerate(rows):
        events["kind"][k], events["ts_event"][k] = kind, t
    said = []
    for module in engines:
        features = build(module, clock, names=["cvd_session", "bar_range"])
        said.append(message(module, lambda _, f=features: f.update_many(events)))
        # The events before it are applied; the stream may go on without it.
        assert features.now_ns == rows[index - 1][1]
        assert features.update_many(stream([3 * 10**9], [99])) > 0
        assert features.now_ns == 3 * 10**9
    assert said[0] == said[1]
    assert said[0][0] is DataError
    assert (
        f"event {index}: time jumps {(FAR - rows[index - 1][1]) // 10**9} s ahead, which makes " in said[0][1]
    )
    assert what in said[0][1]


def test_footprints_alone_refuse_a_wild_time_stamp_alike(engines):
    events = stream([0, 1], [0, 1])
    said = []
    for module in engines:
        features = build(module, names=["fp_delta"])
        events["ts_event"][1] = 1_000_004 * 300 * 10**9
        said.append(message(module, lambda _, f=features: f.update_many(events)))
        events["ts_event"][1] = 5_000 * 300 * 10**9
        events["ts_recv"] += 1
        assert features.update_many(events[1:]) == 1
    assert said[0] == said[1]
    assert said[0][0] is DataError
    assert "which makes 1000004 five-minute bars" in said[0][1]


def test_a_million_samples_pass(engines):
    for module in engines:
        features = build(module, "1us", names=["va_width"])
        assert features.update_many(stream([0, 10**9], [0, 1])) == 999_999


def test_a_night_without_events_is_no_error(engines):
    for module in engines:
        features = build(module, "1m")
        assert features.update_many(stream([0, 16 * 3600 * 10**9], [0, 1])) == 16 * 60 - 1


@pytest.mark.parametrize(
    "events", [np.zeros(3), np.zeros((2, 2)), empty_events(6)[::2], empty_events(4).reshape(2, 2)]
)
def test_other_arrays_are_refused_alike(engines, events):
    rust, python = (message(m, lambda m: build(m).update_many(events)) for m in engines)
    assert rust == python
    assert python[0] is ValueError
