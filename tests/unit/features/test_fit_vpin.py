"""VPIN's bucket size, and what VPIN is for flow that knows nothing."""

from __future__ import annotations

from math import comb, pi, sqrt

import numpy as np
import pytest

from quantumtrader import EVENT, FeatureEngine, Flag, Instrument, Kind, Phase, _backend
from quantumtrader.exceptions import EmptyDataError
from quantumtrader.features.fit.vpin import SessionVolumes, bucket_size
from quantumtrader.types import Fitted
from reference.definitions import DEFINITIONS
from reference.recording import Recording
from reference.rules import Row

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)


def trades(n: int, start: int = 0, size: int = 1, seed: int = 0) -> np.ndarray:
    events = np.zeros(n, EVENT)
    events["kind"], events["px"], events["size"] = Kind.TRADE, 100, size
    events["side"] = np.random.default_rng(seed).choice([-1, 1], n)
    events["ts_event"] = events["ts_recv"] = start + np.arange(n) * 10**6
    return events


def marker(t: int, phase: Phase) -> np.ndarray:
    event = np.zeros(1, EVENT)
    event["kind"], event["action"], event["ts_event"], event["ts_recv"] = Kind.SESSION, phase, t, t
    return event


@pytest.mark.parametrize("per_bucket", [20, 101])
def test_fair_coins_give_the_mean_of_a_random_walk(engine, monkeypatch, per_bucket: int) -> None:
    """Of N unit trades |B - S|/N has the mean C(N-1, (N-1)//2)/2^(N-1): about sqrt(2/(pi N))."""
    monkeypatch.setattr(_backend, "core", lambda: engine)
    events = np.concatenate([marker(0, Phase.OPEN), trades(per_bucket * 50 * 24, start=1)])
    clock = f"{per_bucket * 50}trades"  # every value from buckets of its own
    fitted = Fitted(vpin_bucket=per_bucket)
    values = FeatureEngine(["vpin_50"], WDO, clock=clock, fitted=fitted).run(events)["vpin_50"]
    assert len(values) == 24
    exact = comb(per_bucket - 1, (per_bucket - 1) // 2) / 2 ** (per_bucket - 1)
    assert abs(values.mean() - exact) < 4 * values.std(ddof=1) / sqrt(24)
    assert values.mean() == pytest.approx(sqrt(2 / (pi * per_bucket)), rel=0.05)
    # The very buckets, by hand.
    sides = events["side"][1:].reshape(24, 50, per_bucket).sum(axis=2)
    np.testing.assert_allclose(values, np.abs(sides).mean(axis=1) / per_bucket, rtol=1e-12)


def test_bucket_size_by_hand() -> None:
    assert bucket_size([900, 1_100, 1_000, 1_000, 1_249]) == 20
    assert bucket_size([0, 5_000, 0]) == 100
    assert bucket_size([3]) == 1
    for nothing in ([], [0]):
        with pytest.raises(EmptyDataError, match="no session has a trade"):
            bucket_size(nothing)


@pytest.mark.parametrize("parts", [1, 7])
def test_volumes_of_sessions(parts: int) -> None:
    odd = trades(3, start=200 * 10**9, size=1_000)
    odd["flags"][:2] = int(Flag.CANCELLED), int(Flag.CROSS)  # a cross has no side, but a volume
    events = np.concatenate(
        [
            marker(0, Phase.OPEN),
            trades(10, start=1, size=5),
            marker(10**9, Phase.CLOSED),
            marker(100 * 10**9, Phase.OPEN),
            marker(101 * 10**9, Phase.CLOSED),
            marker(200 * 10**9, Phase.OPEN),
            odd,
        ]
    )
    sessions = SessionVolumes()
    for part in np.array_split(events, parts):
        sessions.add(part)
    assert sessions.volumes == [50, 2_000]


def test_the_fit_is_what_the_engine_measures_itself(engine) -> None:
    """After five sessions an engine without a bucket has the size that the fit finds in them."""
    sessions, events = SessionVolumes(), []
    for k in range(6):
        start = k * 10**12
        events += [marker(start, Phase.OPEN), trades(300 + 50 * k, start=start, size=3, seed=k)]
        events += [marker(start + 10**11, Phase.CLOSED)]
    for event in events[:15]:
        sessions.add(event)
    bucket = bucket_size(sessions.volumes)
    last = np.concatenate(events[15:])
    alone = engine.FeatureEngine(["vpin_50"], 0.5, 10.0, "event")
    alone.update_many(np.concatenate(events))
    given = engine.FeatureEngine(["vpin_50"], 0.5, 10.0, "event", fitted=Fitted(vpin_bucket=bucket))
    given.update_many(last)
    expected = given.take()[1]
    np.testing.assert_array_equal(alone.take()[1][-len(expected) :], expected)
    assert np.isfinite(expected).any()


def test_only_sessions_after_the_fitted_data_use_the_bucket(engine) -> None:
    """Three sessions, the size known from the start of the second: NaN in the first, by prints and by bars."""
    events = []
    for k in range(3):
        start = k * 10**14
        events += [marker(start, Phase.OPEN), trades(5_000, start=start, size=5, seed=k)]
        events[-1]["ts_event"] = events[-1]["ts_recv"] = start + np.arange(5_000) * 10**9
        events += [marker(start + 5_000 * 10**9, Phase.CLOSED)]
    stream = np.concatenate(events)
    for since, first in ((None, 0), (-1, 0), (10**14, 1), (10**14 + 1, 2), (10**15, 3)):
        fitted = Fitted(vpin_bucket=100, vpin_from_ns=since)
        features = engine.FeatureEngine(["vpin_50", "vpin_bvc_50"], 0.5, 10.0, "1m", fitted=fitted)
        features.update_many(stream)
        times, values, counts = features.take()
        for name, column in zip(("vpin_50", "vpin_bvc_50"), values.T, strict=True):
            known = set((times[np.isfinite(column)] // 10**14).tolist())
            assert known == set(range(first, 3)), (name, since)
            for k in range(10, len(times), 120):
                row = Row(Recording(stream), int(times[k]), int(counts[k]))
                row.fitted = fitted
                np.testing.assert_allclose(column[k], DEFINITIONS[name](row), rtol=1e-9, err_msg=name)


def test_the_usable_time_is_part_of_the_manifest() -> None:
    hashes = {
        dict(FeatureEngine(["vpin_50"], WDO, fitted=fitted).manifest.options)["fitted_vpin"]
        for fitted in (Fitted(40), Fitted(40, 0), Fitted(40, 1), Fitted(41, 1))
    }
    assert len(hashes) == 4
