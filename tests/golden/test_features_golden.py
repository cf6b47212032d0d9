"""A frozen synthetic session and the feature table that it gave; a change here is a change of meaning.

``pytest tests/golden --update-golden`` writes the table anew; the commit says why the numbers moved.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantumtrader.features import catalogue
from quantumtrader.types import EVENT
from reference.flows import random_flow
from reference.rules import FITTED, SESSION_SECONDS, sessions_needed

FILE = Path(__file__).with_name("features.npz")
CLOCKS = ("1m", "bar", "5trades")
QUIET = {
    "fp_exhaustion_low",
    "fp_reversal_signal",
    "pin_60",
    "sweep_detected",
    "sweep_volume_ratio_5m",
    "sweep_run_detected",
    "iceberg_tape_signal",
    "iceberg_detected",
    "iceberg_hidden_est",
    "spoof_score",
    "layering_score",
    "momentum_ignition",
}
"""Signals that this session happens never to raise. They are raised by hand in tests/unit/test_footprints.py; those of
detectors are frozen in detections.npz."""
INFO = {f.name: f for f in catalogue()}
ROWS = 48
"""Rows kept of each clock, spread evenly over the table: doubles hardly compress. Rare signals add a few."""


def compute(engine, names, events, clock):
    features = engine.FeatureEngine(
        list(names), 0.5, 10.0, clock, session_seconds=SESSION_SECONDS, fitted=FITTED
    )
    features.update_many(events)
    return features.take()


def write() -> None:
    from quantumtrader import _fallback

    if FILE.exists():  # numbers alone may move: a generator that draws otherwise is no reason
        with np.load(FILE) as known:
            events = known["events"].view(EVENT)
    else:
        events = random_flow(20_250_804, 3_900, "levels", markers=False)
    tables = {"events": events.view(np.uint8), "names": np.array(list(INFO))}
    for clock in CLOCKS:
        times, values, counts = compute(_fallback, INFO, events, clock)
        kept = rows_to_keep(values)
        tables |= {
            f"{clock}_rows": kept,
            f"{clock}_times": times,
            f"{clock}_values": values[kept],
            f"{clock}_counts": counts,
        }
    np.savez_compressed(FILE, **tables)


def rows_to_keep(values: np.ndarray) -> np.ndarray:
    """Evenly spread rows, and the first row in which each column has another value than in those."""
    even = np.linspace(0, len(values) - 1, ROWS).astype(np.int64)
    kept = set(even.tolist())
    for column in values.T:
        finite = column[even][np.isfinite(column[even])]
        others = np.flatnonzero(np.isfinite(column) & (column != (finite[0] if len(finite) else np.nan)))
        if len(np.unique(finite)) < 2 and len(others):
            kept.add(int(others[0]))
    return np.array(sorted(kept))


@pytest.fixture(scope="module")
def golden(request: pytest.FixtureRequest):
    if request.config.getoption("--update-golden"):
        write()
    with np.load(FILE) as saved:
        return dict(saved)


def test_the_file_is_small(golden):
    assert FILE.stat().st_size < 60_000 + 3 * 8 * ROWS * len(INFO)


@pytest.mark.parametrize("clock", CLOCKS)
def test_features_are_what_they_were(engine, golden, clock):
    events = golden["events"].view(EVENT)
    names = golden["names"].tolist()
    assert set(names) <= set(INFO), "a feature of the golden table has left the catalogue"
    times, values, counts = compute(engine, names, events, clock)
    np.testing.assert_array_equal(times, golden[f"{clock}_times"])
    np.testing.assert_array_equal(counts, golden[f"{clock}_counts"])
    for k, name in enumerate(names):
        expected, got = golden[f"{clock}_values"][:, k], values[golden[f"{clock}_rows"], k]
        if INFO[name].kind == "float":
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10, err_msg=name)
        else:
            np.testing.assert_array_equal(got, expected, err_msg=name)


def test_the_table_says_something(golden):
    """Every feature but the longest windows has several values in it, so that a change would show."""
    values = golden["1m_values"]
    for name, column in zip(golden["names"].tolist(), values.T, strict=True):
        finite = column[np.isfinite(column)]
        if sessions_needed(INFO[name]):
            assert len(finite) == 0, name
            continue
        info = INFO[name]
        # A ratio over seconds has no denominator at many a row of a session with an event every seven.
        short = info.zero == "ZN" and info.warmup_ns is not None and info.warmup_ns < 60 * 10**9
        # Two hundred bars of warm-up leave a quarter.
        assert len(finite) >= ROWS // (8 if short else 4), name
        assert len(np.unique(finite)) >= 2 or name in QUIET, name
