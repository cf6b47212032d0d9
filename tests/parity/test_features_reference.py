"""Both engines against definitions recomputed from the raw events at single rows."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exhaustive import sample
from quantumtrader.features import catalogue
from quantumtrader.types import Events
from reference.definitions import DEFINITIONS, reference
from reference.flows import FEEDS, many_sessions, random_flow, rough_sessions
from reference.recording import Recording
from reference.rules import FITTED, SESSION_SECONDS, Row, sessions_needed

CLOCKS = ("event", "bar", "100ms", "1s", "7s", "1m", "3trades", "50trades")
INFO = {f.name: f for f in catalogue()}
NAMES = list(INFO)
SESSIONS = {f.name for f in catalogue() if sessions_needed(f)}


def wrong(name: str, got: float, expected: float) -> bool:
    """Whole numbers and flags are exact; a difference of nearly equal floats has no relative precision."""
    if INFO[name].kind != "float":
        return not np.array_equal(got, expected, equal_nan=True)
    return not np.isclose(got, expected, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_every_feature_has_a_definition():
    assert set(DEFINITIONS) == set(NAMES)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 250),
    feed=st.sampled_from(FEEDS),
    clock=st.sampled_from(CLOCKS),
    partial=st.booleans(),
    rlp_by_quote=st.booleans(),
)
@example(seed=7, size=900, feed="levels", clock="1m", partial=False, rlp_by_quote=True)
@example(seed=8, size=900, feed="quotes", clock="7s", partial=False, rlp_by_quote=False)
@example(seed=9, size=900, feed="orders", clock="3trades", partial=True, rlp_by_quote=False)
def test_engine_equals_reference(built, seed, size, feed, clock, partial, rlp_by_quote):
    """At 25 rows of each stream on every push, at each when all is asked for."""
    events = random_flow(seed, min(size, 40) if clock == "100ms" else size, feed)
    recording = Recording(events, rlp_by_quote)
    warmup, rlp = "partial" if partial else "full", "quote" if rlp_by_quote else "drop"
    tables = {}
    for name, engine in built.items():
        features = engine.FeatureEngine(NAMES, 0.5, 10.0, clock, warmup, rlp, SESSION_SECONDS, FITTED)
        features.update_many(events)
        times, values, counts = features.take()
        assert list(zip(times.tolist(), counts.tolist(), strict=True)) == recording.rows(clock), name
        tables[name] = values

    rows = np.random.default_rng(seed).permutation(len(times))[: sample(25, 400)]
    for k in rows:
        expected = reference(recording, int(times[k]), int(counts[k]), partial, clock == "bar")
        for name, values in tables.items():
            found = {
                feature: (got, expected[feature])
                for feature, got in zip(NAMES, values[k].tolist(), strict=True)
                if wrong(feature, got, expected[feature])
            }
            assert not found, f"{name}, row {k} at {times[k]} after {counts[k]} events"


@pytest.mark.parametrize("feed", ["levels", "quotes"])
def test_long_windows_are_reached(built, feed):
    """Five hours without markers: every feature of the feed has been compared with a number, not only NaN."""
    events = random_flow(3, 2_400, feed, markers=False, calm=True)
    recording = Recording(events)
    tables = {}
    for name, engine in built.items():
        features = engine.FeatureEngine(
            NAMES, 0.5, 10.0, "event", session_seconds=SESSION_SECONDS, fitted=FITTED
        )
        features.update_many(events)
        times, tables[name], counts = features.take()
    seen = set()
    last = len(times) - 1
    for k in (last // 2, *np.linspace(last - 200, last, sample(4, 40)).astype(int)):
        expected = reference(recording, int(times[k]), int(counts[k]))
        for name, values in tables.items():
            found = {
                feature: (got, expected[feature])
                for feature, got in zip(NAMES, values[k].tolist(), strict=True)
                if wrong(feature, got, expected[feature])
            }
            assert not found, f"{name}, row {k}"
        seen |= {feature for feature, x in expected.items() if not np.isnan(x)}
    book = {f.name for f in catalogue() if "L2" in f.inputs}
    assert set(NAMES) - seen == SESSIONS | (book if feed == "quotes" else set())


@pytest.mark.parametrize(
    "events",
    [many_sessions(4, 23), rough_sessions(1, 90), rough_sessions(4, 90), rough_sessions(7, 90)],
    ids=["prints", "bars 1", "bars 4", "bars 7"],
)
def test_sessions_are_counted(engine: ModuleType, events: Events):
    """Features that know sessions, compared at every other row."""
    recording = Recording(events)
    names = sorted(SESSIONS | {f.name for f in catalogue() if f.window == "session" and f.inputs == ("B",)})
    features = engine.FeatureEngine(names, 0.5, 10.0, "bar")
    features.update_many(events)
    times, values, counts = features.take()
    assert np.isfinite(values).any(axis=0).all()
    for k in range(0, len(times), 2):
        row = Row(recording, int(times[k]), int(counts[k]), at_close=True)
        expected = [DEFINITIONS[name](row) for name in names]
        np.testing.assert_allclose(values[k], expected, rtol=1e-9, atol=1e-12)
