"""Both engines against the definitions on slices of recorded markets of every kind: a second opinion on real flow.

Each slice is a few thousand events from where its book is known, with windows that count from the first event, so that
most features have a value; rows of it are recomputed from the raw events alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from exhaustive import sample
from quantumtrader.features import catalogue
from quantumtrader.types import Events
from reference import sets
from reference.definitions import reference
from reference.recording import Recording
from reference.rules import FITTED, SESSION_SECONDS

INFO = {f.name: f for f in catalogue()}
MOMENTS = ("profile_skew", "vwap_z")
"""Moments about prices of millions of ticks, in floats: 1e-9. Everything else that is no whole number: 1e-10."""
LONG = {
    "iceberg_detected",
    "iceberg_hidden_est",
    "spoof_score",
    "layering_score",
    "liquidity_score",
    "hidden_volume_ratio_5m",
    "vpin_50",
    "vpin_bvc_50",
    "adx_slope_5",
}
"""Definitions that go through the whole session again: compared at a few of the rows."""


@dataclass(frozen=True)
class Slice:
    """A few thousand events of a recorded set.

    Parameters
    ----------
    name : str
        Set of ``reference.sets``.
    clock : str
        When rows are due.
    events : int
        How many.
    columns : int
        Features that have a value in one of the compared rows.
    bucket : int
        Size of a VPIN bucket that the slice fills fifty times, but not thousands of times.
    image : int
        Rows around the first print beyond which what an image shows is left out, 0 for none: it holds thousands.
    """

    name: str
    clock: str
    events: int
    columns: int
    bucket: int
    image: int = 0


SLICES = [
    Slice("DOL day", "20s", 6_000, 188, 371),
    Slice("AAPL", "2s", 4_000, 128, 683),
    Slice("AMZN", "5s", 6_000, 190, 1_187),
    Slice("BTCUSDT", "100ms", 4_000, 109, 203, 60),
    Slice("ETHUSDT", "100ms", 4_000, 108, 478, 60),
    Slice("BTCUSD", "100ms", 4_000, 111, 3, 60),
    Slice("ESH4", "3trades", 4_500, 142, 5, 15),
    Slice("Bitstamp", "20s", 4_000, 197, 516_061),
    Slice("IF2101", "20s", 4_000, 154, 277),
    Slice("EURUSD quotes", "5s", 4_000, 46, 1),
    Slice("ES quotes", "event", 350, 61, 1),
    Slice("WDO minutes", "bar", 280, 130, 2_094),
    Slice("WDO 5 min", "bar", 280, 131, 105_780),
    Slice("WDO 2018/19", "bar", 280, 131, 21_869),
    Slice("WDO 2021/22", "bar", 280, 130, 13_890),
    Slice("WIN 5 min", "bar", 280, 131, 798_350),
    Slice("EURUSD bars", "bar", 280, 122, 1),
    Slice("BTCUSDT bars", "bar", 280, 130, 1_414_094),
    Slice("ETHUSDT bars", "bar", 280, 130, 4_826_394),
    Slice("ES bars", "bar", 280, 130, 194),
]


def load(data: Slice, shared_data: Callable[[str], Path]) -> Events:
    events = sets.load(sets.SETS[data.name], shared_data)
    if data.image:
        events = sets.near_the_first_print(events, data.image)
    return np.ascontiguousarray(events[: data.events])


def wrong(name: str, got: float, expected: float) -> bool:
    if INFO[name].kind != "float":
        return not np.array_equal(got, expected, equal_nan=True)
    tolerance = 1e-9 if name in MOMENTS else 1e-10
    return not np.isclose(got, expected, rtol=tolerance, atol=tolerance, equal_nan=True)


def test_every_recorded_set_is_compared():
    assert {data.name for data in SLICES} == set(sets.SETS)


@pytest.mark.parametrize("data", SLICES, ids=lambda d: d.name)
def test_engines_equal_definitions(engines, shared_data, data: Slice):
    """At rows from the first to the last: 26 on every push, each of them when all is asked for."""
    events = load(data, shared_data)
    recording = Recording(events)
    fitted = replace(FITTED, vpin_bucket=data.bucket)
    tables = []
    for module in engines:
        features = module.FeatureEngine(
            list(INFO), 0.5, 10.0, data.clock, "partial", session_seconds=SESSION_SECONDS, fitted=fitted
        )
        features.update_many(events)
        tables.append(features.take())
    times, _, counts = tables[0]
    np.testing.assert_array_equal(times, tables[1][0])
    np.testing.assert_array_equal(counts, tables[1][2])
    assert len(times) >= 26
    seen = set()
    rows = np.unique(np.linspace(len(times) - 1, 0, sample(26, len(times))).astype(int))[::-1]
    for i, k in enumerate(rows.tolist()):
        without = () if i % sample(13, 5) == 0 else LONG
        moment = int(times[k]), int(counts[k])
        expected = reference(recording, *moment, True, data.clock == "bar", fitted, without)
        for engine, (_, values, _) in zip(("rust", "python"), tables, strict=True):
            found = {
                name: (got, expected[name])
                for name, got in zip(INFO, values[k].tolist(), strict=True)
                if name in expected and wrong(name, got, expected[name])
            }
            assert not found, f"{engine}, row {k} of {len(times)} after {counts[k]} events"
        seen |= {name for name, x in expected.items() if np.isfinite(x)}
    assert len(seen) >= data.columns, len(seen)
