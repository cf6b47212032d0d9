"""What must hold for every feature of the catalogue; a new one is found by itself.

What changes of sizes, sides, times and prices do to it is in ``test_invariances.py``.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from quantumtrader._fallback.features.registry import registered
from quantumtrader.features import FeatureInfo, catalogue
from quantumtrader.types import Events, Flag, Kind, Phase
from reference.flows import FEEDS, as_events, many_sessions, random_flow
from reference.rules import FITTED, SESSION_SECONDS, sessions_needed

INFO = {f.name: f for f in catalogue()}


def counts_bars(info: FeatureInfo) -> bool:
    """Whether the warm-up of a bar feature is a count of bars, not of sessions, buckets or five-minute bars."""
    return not (sessions_needed(info) or "bucket" in info.window or "5 min" in info.window)


def features_where(holds=lambda f: True):
    """Run a test once for each feature of the catalogue that a rule is about."""
    return pytest.mark.parametrize("info", [f for f in catalogue() if holds(f)], ids=lambda f: f.name)


every_feature = features_where()


def run(module: ModuleType, names, events: Events, clock: str = "event", warmup: str = "full"):
    engine = module.FeatureEngine(
        list(names), 0.5, 10.0, clock, warmup, session_seconds=SESSION_SECONDS, fitted=FITTED
    )
    engine.update_many(events)
    return engine.take()


@pytest.fixture(scope="module")
def flows() -> dict[tuple[str, bool], Events]:
    """One rough and one calm stream per feed, several hours long."""
    return {
        (feed, calm): random_flow(11, 2_400, feed, markers=not calm, calm=calm)
        for feed in FEEDS
        for calm in (False, True)
    }


@pytest.fixture(scope="module")
def table(flows):
    """Rows of all features at every event, by engine, feed and calm; computed once."""
    cache: dict[tuple[str, str, bool], tuple] = {}

    def get(module: ModuleType, feed: str, calm: bool):
        key = (module.ENGINE, feed, calm)
        if key not in cache:
            cache[key] = run(module, INFO, flows[feed, calm])
        return cache[key]

    return get


def column(rows, info: FeatureInfo) -> np.ndarray:
    return rows[1][:, list(INFO).index(info.name)]


# -- what it says about itself --------------------------------------------------------------------------


@every_feature
def test_is_documented(info: FeatureInfo):
    assert info.definition.strip()
    assert info.source.strip()
    assert info.window.strip()
    assert info.family in {
        "order_flow",
        "tape_reading",
        "footprint",
        "liquidity",
        "microstructure",
        "technical",
    }
    assert info.inputs
    assert set(info.inputs) <= {"T", "L1", "L2", "L3", "B"}
    low, high = info.range
    # A number without a unit is a ratio, a score or a share; one with a unit says which.
    assert isinstance(info.unit, str)
    assert low is None or high is None or low < high
    assert info.kind in {"float", "integer", "flag"}
    assert info.zero in {None, "Z0", "ZN"}
    assert info.reset in {"session", "roll", "book"}
    assert info.swap_sides in {None, "flips", "keeps"}
    assert info.scale_sizes in {None, "keeps", "scales"}
    assert (info.warmup == "Wt") == (info.warmup_ns is not None)
    assert (info.warmup == "Wn") == (info.warmup_items is not None)


def test_numbers_and_names_are_unique():
    numbers = [f.number for f in catalogue()]
    assert len(set(numbers)) == len(numbers)
    assert numbers == sorted(numbers)
    assert len(INFO) == len(numbers)


def test_the_python_engine_has_exactly_the_catalogue():
    assert set(registered()) == set(INFO)


# -- what it returns ------------------------------------------------------------------------------------


@every_feature
def test_range_holds(engine, table, info: FeatureInfo):
    low, high = info.range
    for feed in FEEDS:
        values = column(table(engine, feed, False), info)
        values = values[~np.isnan(values)]
        assert np.isfinite(values).all()
        slack = 0 if info.kind != "float" else 1e-12 * max(1.0, abs(low or 0.0), abs(high or 0.0))
        assert low is None or (values >= low - slack).all()
        assert high is None or (values <= high + slack).all()
        if info.kind != "float":
            assert (values == np.round(values)).all()


@every_feature
def test_has_values_on_a_full_feed(engine, table, info: FeatureInfo):
    if sessions_needed(info):
        values = run(engine, [info.name], many_sessions(3, sessions_needed(info) + 2))[1][:, 0]
    else:
        values = column(table(engine, "levels", True), info)
    assert np.isfinite(values).any()


@every_feature
def test_missing_input_is_nan(engine, table, info: FeatureInfo):
    if {"L1", "L2", "L3"} & set(info.inputs):
        assert np.isnan(column(table(engine, "trades", False), info)).all()
    if {"L2", "L3"} & set(info.inputs):
        assert np.isnan(column(table(engine, "quotes", False), info)).all()


@features_where(lambda f: f.warmup == "Wt")
def test_time_warm_up_is_exact(engine, flows, table, info: FeatureInfo):
    """Under rule Wt the first number comes with the first row at or after the warm-up, and never before."""
    times, _, _ = rows = table(engine, "levels", True)
    values = column(rows, info)
    elapsed = times - times[0]
    assert np.isnan(values[elapsed < info.warmup_ns]).all()
    partial = run(engine, [info.name], flows["levels", True], "event", "partial")[1][:, 0]
    late = elapsed >= info.warmup_ns
    # From then on full and partial warm-up are the same numbers.
    np.testing.assert_array_equal(values[late], partial[late])
    assert np.isfinite(values[late]).any()


@features_where(lambda f: f.warmup == "Wn" and f.inputs == ("B",) and counts_bars(f))
def test_bar_warm_up_is_exact(engine, info: FeatureInfo):
    """Under rule Wn over bars the first number comes with bar number ``warmup_items``."""
    events = random_flow(5, 80 + info.warmup_items, "bars", markers=False, calm=True)
    bars = events[events["kind"] == Kind.BAR]
    values = run(engine, [info.name], bars, "bar")[1][:, 0]
    np.testing.assert_array_equal(np.isnan(values), np.arange(len(bars)) < info.warmup_items - 1)


@features_where(lambda f: sessions_needed(f) > 0)
def test_session_warm_up_is_exact(engine, info: FeatureInfo):
    """What counts sessions has its first number with the first bar after as many sessions."""
    events = many_sessions(9, info.warmup_items + 3)
    times, values, _ = run(engine, [info.name], events, "bar")
    opens = events["ts_event"][(events["kind"] == Kind.SESSION) & (events["action"] == Phase.OPEN)]
    session = np.searchsorted(opens, times, side="left") - 1
    np.testing.assert_array_equal(np.isnan(values[:, 0]), session < info.warmup_items)


def prints(rows) -> Events:
    """Make a stream of prints: (seconds, price, size, side)."""
    at = 1_700_000_000 * 10**9
    fields = ("ts_event", "ts_recv", "px", "size", "side")
    return as_events(
        [
            dict(zip(fields, (at + s * 10**9, at + s * 10**9, px, size, side), strict=True))
            | {"kind": Kind.TRADE}
            for s, px, size, side in rows
        ]
    )


@features_where(lambda f: f.warmup == "Wn" and "5 min bar" in f.window)
def test_footprint_warm_up_is_exact(engine, info: FeatureInfo):
    """Under rule Wn over five-minute bars the first number comes with the close of bar number ``warmup_items``."""
    events = prints((k * 75, 1_000 + k % 3, 5, (-1) ** k) for k in range(12 * 4))
    values = run(engine, [info.name], events)[1][:, 0]
    closed = np.arange(len(events)) // 4
    np.testing.assert_array_equal(np.isnan(values), closed < info.warmup_items)


# -- how it behaves -------------------------------------------------------------------------------------


@every_feature
def test_alone_equals_in_company(engine, flows, table, info: FeatureInfo):
    alone = run(engine, [info.name], flows["levels", False])
    together = table(engine, "levels", False)
    assert alone[0].tobytes() == together[0].tobytes()
    assert alone[1][:, 0].tobytes() == column(together, info).tobytes()


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("clock", ["event", "20s", "5trades", "bar"])
def test_reset_is_new(engine, flows, feed, clock):
    events = flows[feed, False][:600]
    features = engine.FeatureEngine(
        list(INFO), 0.5, 10.0, clock, session_seconds=SESSION_SECONDS, fitted=FITTED
    )
    first = (features.update_many(events), *features.take(), features.snapshot())
    features.reset()
    assert np.isnan(features.snapshot()).all()
    assert features.now_ns == np.iinfo(np.int64).min
    again = (features.update_many(events), *features.take(), features.snapshot())
    assert first[0] == again[0]
    for a, b in zip(first[1:], again[1:], strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("clock", ["event", "20s", "5trades", "bar"])
def test_no_look_ahead(engine, flows, feed, clock):
    """Cutting the stream leaves every row that was due before the cut as it is."""
    events = flows[feed, False][:600]
    whole = run(engine, INFO, events, clock)
    for cut in (1, 37, 250, 411, 599):
        part = run(engine, INFO, events[:cut], clock)
        n = len(part[0])
        for a, b in zip(part, whole, strict=True):
            assert a.tobytes() == np.ascontiguousarray(b[:n]).tobytes()


def test_memory_of_samples_is_handed_over(engine, flows):
    features = engine.FeatureEngine(["cvd_session"], 0.5, 10.0, "event")
    assert features.update_many(flows["trades", True][:100]) > 0
    assert len(features.take()[0]) > 0
    times, values, counts = features.take()
    assert (times.shape, values.shape, counts.shape) == ((0,), (0, 1), (0,))
    assert (times.dtype, values.dtype, counts.dtype) == (np.int64, np.float64, np.int64)


def test_closed_markers_stop_sampling(engine, flows):
    events = flows["trades", True][:100].copy()
    events[40] = np.zeros(1, events.dtype)[0]
    for stamp in ("ts_event", "ts_recv", "sequence"):
        events[stamp][40] = events[stamp][39]
    events["kind"][40], events["action"][40] = Kind.SESSION, Phase.CLOSED
    events["flags"] &= ~np.uint16(Flag.MORE)
    counts = run(engine, ["cvd_session"], events)[2]
    np.testing.assert_array_equal(counts, np.arange(1, 41))
