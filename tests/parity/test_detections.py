"""Detections of both engines, and what is held of them against the definitions."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from exhaustive import sample
from quantumtrader.exceptions import ConfigError
from quantumtrader.features import DetectorSettings, detector_kinds
from quantumtrader.features.detectors import detections
from quantumtrader.types import Events, Kind, Phase
from reference.definitions import DEFINITIONS
from reference.flows import FEEDS, as_events, random_flow
from reference.positives import positives as one_of_each
from reference.recording import Recording
from reference.rules import Row
from reference.scripts import busy_flow
from reference.told import TOLD

HELD = [
    "sweep_detected",
    "sweep_levels_1m",
    "sweep_volume_ratio_5m",
    "sweep_run_detected",
    "iceberg_tape_signal",
    "fp_absorption_live",
    "iceberg_detected",
    "iceberg_hidden_est",
    "spoof_score",
    "layering_score",
    "momentum_ignition",
    "quote_stuffing",
]
KINDS = list(detector_kinds())
# Nothing at its default: each threshold matters somewhere.
OTHER = DetectorSettings(
    sweep_gap_ns=2_000_000,
    sweep_min_levels=2,
    sweep_min_qty=12,
    run_min_length=3,
    run_min_speed=1.0,
    native_window_ns=50_000_000,
    refill_min=1,
    refill_tolerance=0.5,
    tape_min_prints=3,
    tape_max_cv=0.5,
    absorption_window_s=5,
    absorption_factor=1.5,
    absorption_bar_min=0.5,
    exhaustion_factor=1.5,
    spoof_factor=2.0,
    spoof_lifetime_ns=20_000_000_000,
    spoof_withdrawn=0.5,
    layer_factor=1.5,
    layer_min_rows=2,
    layer_within_ns=5_000_000_000,
    ignition_history_s=20,
    ignition_deviations=1.0,
    ignition_min_move=1.0,
    stuffing_history_s=20,
    stuffing_deviations=1.0,
    stuffing_max_trades=1.0,
    stuffing_undone_ns=5_000_000_000,
)


def run(module: ModuleType, events: Events, clock: str = "event", settings: DetectorSettings | None = None):
    changed = settings.changed() if settings else None
    features = module.FeatureEngine(HELD, 0.5, 10.0, clock, detect=KINDS, settings=changed)
    features.update_many(events)
    return features.take(), features.take_detections(), features.dropped


def assert_equal(rust, python) -> None:
    """Times, kinds, sides and prices exactly, the rest to 1e-9."""
    for k in (0, 1, 2, 5):
        np.testing.assert_array_equal(rust[k], python[k])
    for k in (3, 4, 6):
        np.testing.assert_allclose(rust[k], python[k], rtol=1e-9, atol=1e-12)
    assert [a.dtype for a in rust] == [a.dtype for a in python]


@pytest.mark.parametrize("settings", [None, OTHER], ids=["defaults", "others"])
@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("clock", ["event", "1s", "50trades"])
def test_random_flow(engines, feed, clock, settings):
    for seed in range(8 if clock == "event" else 2):
        events = random_flow(seed, 400, feed)
        (rows, rust, lost), (twin, python, dropped) = (run(m, events, clock, settings) for m in engines)
        assert_equal(rust, python)
        np.testing.assert_allclose(rows[1], twin[1], rtol=1e-9, atol=1e-12)
        assert lost == dropped


@pytest.mark.parametrize("settings", [None, OTHER], ids=["defaults", "others"])
@pytest.mark.parametrize("feed", ["trades", "quotes", "levels", "orders"])
def test_flow_with_patterns(engines, feed, settings):
    kinds = set()
    for seed in range(8):
        events = busy_flow(seed, feed)
        (rows, rust, _), (twin, python, _) = (run(m, events, settings=settings) for m in engines)
        assert_equal(rust, python)
        np.testing.assert_allclose(rows[1], twin[1], rtol=1e-9, atol=1e-12)
        assert (np.diff(rust[0]) >= 0).all()
        found = detections(rust)
        assert all(0 <= d.score <= 1 and 0 < d.confidence <= 1 for d in found)
        assert not np.isinf(rust[6]).any()
        kinds |= {d.kind for d in found}
    expected = set(KINDS)
    if feed == "trades":
        expected &= {"sweep", "sweep_run", "iceberg_tape", "absorption_bar", "exhaustion"}
    elif feed == "quotes":
        expected -= {"iceberg_native", "iceberg_synthetic", "spoofing", "layering", "stuffing"}
    elif feed == "levels":
        expected -= {"iceberg_native"}
    assert kinds == expected


@pytest.mark.parametrize("settings", [None, OTHER], ids=["defaults", "others"])
@pytest.mark.parametrize("feed", ["trades", "quotes", "levels", "orders"])
def test_held_features_equal_definitions(engine, feed, settings):
    for seed in range(sample(2 if settings else 3, 12)):
        events = busy_flow(seed, feed)
        recording = Recording(events)
        (times, values, counts), found, _ = run(engine, events, settings=settings)
        # Half of the rows follow a detection closely: there is something to hold.
        near = np.searchsorted(times, found[0][:: max(1, len(found[0]) // 6)])
        rows = np.concatenate((near, np.random.default_rng(seed).integers(0, len(times), 6)))
        for k in rows[rows < len(times)]:
            row = Row(recording, int(times[k]), int(counts[k]))
            row.limits = settings or row.limits
            for name, got in zip(HELD, values[k].tolist(), strict=True):
                text = f"{name} of seed {seed} at row {k}"
                np.testing.assert_allclose(got, DEFINITIONS[name](row), rtol=1e-9, atol=1e-9, err_msg=text)


@pytest.mark.parametrize("settings", [None, OTHER], ids=["defaults", "others"])
@pytest.mark.parametrize("feed", ["trades", "quotes", "levels", "orders"])
def test_what_is_told_equals_definitions(engine, feed, settings):
    """Time, side, place, strength, confidence and every piece of evidence, of patterns and of their near misses."""
    compared = set()
    streams = [busy_flow(seed, feed) for seed in range(20, 20 + sample(2, 12))]
    if feed in ("levels", "orders"):
        streams.append(one_of_each(feed))
    for events in streams:
        _, found, _ = run(engine, events, settings=settings)
        recording = Recording(events)
        # All that was told until each session ended, at the time of the event that ended it.
        ends = [p.first for p in recording.periods[1:]] + [len(events)]
        told = {kind: [] for kind in TOLD}
        for seen in ends:
            row = Row(recording, recording.times[min(seen, len(events) - 1)], seen)
            row.limits = settings or row.limits
            for kind, tell in TOLD.items():
                told[kind] += tell(row)
        for kind, expected in told.items():
            mine = [d for d in detections(found) if d.kind == kind]
            assert [(d.ts, d.side, d.px) for d in mine] == [(d.ts, d.side, d.px) for d in expected], kind
            for got, d in zip(mine, expected, strict=True):
                numbers = [got.score, got.confidence, *got.evidence.values()]
                assert list(got.evidence) == list(d.evidence)
                wanted = [d.score, d.confidence, *d.evidence.values()]
                np.testing.assert_allclose(numbers, wanted, rtol=1e-12, atol=1e-12, err_msg=str(d))
                compared.add(kind)
    expected = {"sweep"} | ({"absorption"} if feed != "trades" else set())
    expected |= {"spoofing"} if feed in ("levels", "orders") else set()
    assert compared >= expected | ({"iceberg_native"} if feed == "orders" else set())


@pytest.mark.parametrize("feed", ["levels", "orders"])
def test_detections_need_nothing_later(engine, feed):
    """Cutting the stream leaves every detection that was certain before the cut as it is."""
    events = busy_flow(4, feed)
    whole = detections(run(engine, events)[1])
    for cut in (len(events) // 3, len(events) // 2, len(events) - 50):
        part = detections(run(engine, events[:cut])[1])
        assert [str(d) for d in part] == [str(d) for d in whole[: len(part)]]
        last = int(events["ts_event"][cut - 1])
        assert all(d.ts > last for d in whole[len(part) :] if d.ts != last)


def test_detections_do_not_depend_on_features_or_clock(engine):
    events = busy_flow(5, "orders")
    expected = [str(d) for d in detections(run(engine, events)[1])]
    alone = engine.FeatureEngine([], 0.5, 10.0, "1m", detect=KINDS)
    alone.update_many(events)
    assert [str(d) for d in detections(alone.take_detections())] == expected
    assert len(alone.take_detections()[0]) == 0
    one = engine.FeatureEngine([], 0.5, 10.0, "1m", detect=["layering"])
    one.update_many(events)
    mine = [str(d) for d in detections(one.take_detections())]
    assert mine == [d for d in expected if "kind='layering'" in d]


@pytest.mark.parametrize("pause_s", [1_000, 100_000])
def test_a_quiet_stretch_is_the_same_for_every_clock(engine, pause_s):
    """How often somebody looks at a silent market must not move the last bit of what is usual."""
    before, after = (flow[flow["kind"] != Kind.SESSION] for flow in (busy_flow(k, "quotes") for k in (6, 7)))
    for name in ("ts_event", "ts_recv"):
        after[name] += before["ts_recv"][-1] - after["ts_recv"][0] + pause_s * 10**9 + 3
    events = np.concatenate((before, after))
    events["sequence"] = np.arange(len(events))
    easy = {"absorption_factor": 0.1, "absorption_max_move": 10.0}
    found = []
    for clock in ("7s", "1h"):
        features = engine.FeatureEngine([], 0.5, 10.0, clock, detect=["absorption"], settings=easy)
        features.update_many(events)
        found.append([d for d in detections(features.take_detections()) if d.ts > after["ts_event"][0]])
    assert found[0] == found[1]
    assert len(found[0]) > 1


def test_nothing_is_absorbed_between_a_roll_and_the_next_session(engine):
    def quote(t: int) -> dict[str, int]:
        return {"kind": Kind.QUOTE, "px": 9, "px_ask": 10, "size": 5, "size_ask": 5, "ts_event": t}

    second = 10**9
    rows = [
        quote(0),
        {"kind": Kind.SESSION, "action": Phase.CLOSED, "ts_event": second},
        {"kind": Kind.SESSION, "action": Phase.ROLL, "ts_event": second},
        quote(2 * second),
        {"kind": Kind.TRADE, "px": 10, "size": 20, "side": 1, "ts_event": 30 * second},
        quote(60 * second),
    ]
    features = engine.FeatureEngine([], 0.5, 10.0, "1h", detect=["absorption"])
    features.update_many(as_events([row | {"ts_recv": row["ts_event"]} for row in rows]))
    assert detections(features.take_detections()) == []


def test_bad_arguments_are_refused_alike(engines):
    cases = [
        {"detect": ["sweeps"]},
        {"detect": ["sweep", "sweep"]},
        {"settings": {"nothing": 1}},
        {"settings": {"sweep_min_levels": 1}},
        {"settings": {"sweep_min_levels": 3.5}},
        {"settings": {"spoof_withdrawn": 1.5}},
        {"settings": {"refill_window_ns": 0}},
    ]
    for case in cases:
        said = []
        for module in engines:
            with pytest.raises(ConfigError) as caught:
                module.FeatureEngine(["cvd_session"], 0.5, 10.0, **case)
            said.append(str(caught.value))
        assert said[0] == said[1]
