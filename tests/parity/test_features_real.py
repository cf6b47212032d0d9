"""Both engines on recorded order flow, column by column, and the definitions at single rows of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from exhaustive import EXHAUSTIVE, sample
from quantumtrader.features import catalogue
from quantumtrader.types import Events
from reference.definitions import DEFINITIONS, reference
from reference.recording import Recording
from reference.rules import FITTED, SESSION_SECONDS, Row
from reference.sets import SETS, load

INFO = {f.name: f for f in catalogue()}
LOOSE = {"bb_pctb_20": 1e-10, "ad_osc_3_10": 1e-10, "eom_14": 1e-10}
"""A position in a band that may be nearly nothing wide, and differences of sums over all bars. All other floats: 1e-11."""


@dataclass(frozen=True)
class Case:
    """How much of a recorded set both engines go through.

    Parameters
    ----------
    name : str
        Set of ``reference.sets``.
    clock, warmup : str
        When rows are due, and from when time windows have values.
    prefix : int
        Events on every push; all of them when all is asked for.
    columns, whole : int
        Features that have a value somewhere in the prefix, and in the whole set: fewer would prove less.
    """

    name: str
    clock: str
    warmup: str
    prefix: int
    columns: int
    whole: int


# Rows are what costs the Python engine most: on every push there are few of them.
CASES = [
    Case("DOL day", f"{sample(10, 1)}s", "full", 70_000, 208, 208),
    Case("DOL day", "50trades", "full", 70_000, 208, 208),
    Case("WDO minutes", "bar", "full", 70_000, 131, 131),
    Case("WDO 5 min", "bar", "full", 500, 131, 132),
    Case("WDO 2018/19", "bar", "full", 500, 131, 132),
    Case("WDO 2021/22", "bar", "full", 500, 131, 132),
    Case("WIN 5 min", "bar", "full", 500, 131, 132),
    Case("AAPL", f"{sample(5, 1)}s", "full", 60_000, 224, 232),
    Case("AMZN", f"{sample(60, 5)}s", "full", 12_000, 207, 223),
    Case("BTCUSDT", "100ms", "full", 30_000, 52, 139),
    Case("BTCUSDT", f"{sample(250, 1000)}ms", "partial", 20_000, 114, 150),
    Case("ETHUSDT", f"{sample(250, 500)}ms", "partial", 20_000, 114, 150),
    Case("BTCUSD", f"{sample(250, 1000)}ms", "partial", 20_000, 114, 153),
    Case("ESH4", f"{sample(30, 10)}s", "full", 60_000, 234, 236),
    Case("Bitstamp", f"{sample(60, 5)}s", "full", 12_000, 239, 247),
    Case("IF2101", f"{sample(60, 10)}s", "full", 12_000, 208, 223),
    Case("EURUSD quotes", f"{sample(20, 5)}s", "full", 6_000, 43, 46),
    Case("EURUSD bars", "bar", "full", 500, 122, 122),
    Case("ES bars", "bar", "full", 500, 130, 130),
    Case("ES quotes", "event", "full", 500, 61, 61),
    Case("BTCUSDT bars", "bar", "full", 500, 130, 130),
    Case("ETHUSDT bars", "bar", "full", 500, 130, 130),
]


def run(module, events: Events, clock: str, warmup: str = "full"):
    features = module.FeatureEngine(
        list(INFO), 0.5, 10.0, clock, warmup, session_seconds=SESSION_SECONDS, fitted=FITTED
    )
    features.update_many(events)
    return features.take()


def test_every_recorded_set_is_compared():
    assert {case.name for case in CASES} == set(SETS)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.name} {c.clock}")
def test_engines_agree_on_recorded_flow(engines, shared_data, case: Case):
    events = load(SETS[case.name], shared_data, None if EXHAUSTIVE else case.prefix)
    rust, python = (run(module, events, case.clock, case.warmup) for module in engines)
    np.testing.assert_array_equal(rust[0], python[0])
    np.testing.assert_array_equal(rust[2], python[2])
    assert len(rust[0]) >= 30
    for k, name in enumerate(INFO):
        a, b = rust[1][:, k], python[1][:, k]
        if INFO[name].kind == "float":
            tolerance = LOOSE.get(name, 1e-11)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=name)
    assert np.isfinite(rust[1]).any(axis=0).sum() >= (case.whole if EXHAUSTIVE else case.columns)


def test_engines_equal_definitions_on_a_b3_day(engines, shared_data):
    """DOL, 2 April 2020, 63,632 events: a row in the middle of the day; some until the close when all is asked for."""
    events = load(SETS["DOL day"], shared_data, sample(30_000, 70_000))
    recording = Recording(events)
    (times, *rust), (_, *python) = (run(module, events, "1m") for module in engines)
    for k in np.linspace(len(times) - 20, len(times) // 8, sample(1, 6)).astype(int):
        expected = reference(recording, int(times[k]), int(rust[1][k]))
        for values, _ in (rust, python):
            for name, got in zip(INFO, values[k].tolist(), strict=True):
                np.testing.assert_allclose(got, expected[name], rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.slow
def test_engine_equals_definitions_on_months_of_bars(engine, shared_data):
    """A year of WDO in bars of five minutes, with its sessions: rows where the twentieth session is long past."""
    events = load(SETS["WDO 5 min"], shared_data)
    recording = Recording(events)
    times, values, counts = run(engine, events, "bar")
    for k in (len(times) // 3, len(times) - 7):
        row = Row(recording, int(times[k]), int(counts[k]), at_close=True)
        for name, got in zip(INFO, values[k].tolist(), strict=True):
            if INFO[name].inputs == ("B",):
                assert np.isfinite(got), name
                np.testing.assert_allclose(got, DEFINITIONS[name](row), rtol=1e-9, atol=1e-9, err_msg=name)
