"""One market told by id, by position with single deletes, and by position with delete-from: the same in all three."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exhaustive import sample
from quantumtrader.config import InstrumentSettings, Settings
from quantumtrader.data.source import load_events
from quantumtrader.features import catalogue, detector_kinds
from quantumtrader.features.detectors import detections
from quantumtrader.types import Action, Events, Kind
from reference.flows import as_events, told_alike
from reference.places import FORMS, placed, tell
from reference.rules import FITTED, SESSION_SECONDS
from reference.scripts import busy_flow

NAMES = [f.name for f in catalogue()]


def run(module: ModuleType, events: Events, clock: str = "event"):
    features = module.FeatureEngine(
        NAMES, 0.5, 10.0, clock, "partial", "drop", SESSION_SECONDS, FITTED, detect=list(detector_kinds())
    )
    features.update_many(events)
    times, values, _ = features.take()
    return times, values, features.take_detections(), features.dropped


def assert_alike(module: ModuleType, told: dict[str, Events], clock: str = "event") -> Counter:
    """Rows and detections to the bit; returns how many detections there are of each kind."""
    times, values, found, dropped = run(module, told[FORMS[0]], clock)
    for form in FORMS[1:]:
        other_times, other_values, other_found, other_dropped = run(module, told[form], clock)
        np.testing.assert_array_equal(times, other_times)
        wrong = [n for k, n in enumerate(NAMES) if values[:, k].tobytes() != other_values[:, k].tobytes()]
        assert not wrong, form
        for a, b in zip(found, other_found, strict=True):
            assert a.tobytes() == b.tobytes(), form
        assert dropped == other_dropped
    return Counter(d.kind for d in detections(found))


def in_forms(events: Events) -> dict[str, Events]:
    rows = placed(events)
    return {form: as_events(tell(rows, form)) for form in FORMS}


def count(events: Events, action: Action) -> int:
    return int(((events["kind"] == Kind.ORDER) & (events["action"] == action)).sum())


@settings(max_examples=sample(12, 60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 250),
    clock=st.sampled_from(["event", "1m", "20trades"]),
    calm=st.booleans(),
)
def test_random_markets(engine: ModuleType, seed, size, clock, calm):
    assert_alike(engine, told_alike(seed, size, calm=calm), clock)


def test_forms_differ_and_patterns_occur(engines):
    """What the property is about is there: delete-from, changes of size, and detections that read single orders."""
    rust = engines[0]
    found, told = Counter(), Counter()
    for seed in range(12):
        forms = told_alike(seed, 300)
        found += assert_alike(rust, forms)
        for form, events in forms.items():
            told[form] += count(events, Action.DELETE_FROM)
    assert told["from"] > 100
    assert told["id"] == 0
    assert all(found[kind] for kind in ("iceberg_native", "spoofing", "layering"))


def test_flow_with_patterns(engine: ModuleType):
    """Scripted patterns, whose orders are put in their places."""
    found = assert_alike(engine, in_forms(busy_flow(2, "orders")), "1s")
    assert all(found[kind] for kind in ("iceberg_native", "spoofing", "layering", "stuffing"))


def test_recorded_flow(engines, shared_data):
    """CME E-mini orders, 25 December 2023: half of the hour, or all of it in both engines when all is asked for."""
    given = InstrumentSettings(tick_size=0.25, point_value=50.0, currency="USD", timezone="UTC")
    told = Settings.model_construct(instruments={"ESH4": given})
    path: Path = shared_data("cme_es_mbo_20231225")
    events = load_events(path, "ESH4", told).events[: sample(30_000, 1_000_000)]
    forms = in_forms(events)
    assert count(forms["from"], Action.DELETE_FROM) > 200
    for engine in engines[: sample(1, 2)]:
        found = assert_alike(engine, forms, "1m")
        assert found["iceberg_native"] == sample(31, 85)
