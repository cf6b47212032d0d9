"""Thresholds of detectors and names of detections agree with what the engines declare."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from quantumtrader import Instrument, core
from quantumtrader.exceptions import ConfigError
from quantumtrader.features import DetectorSettings, FeatureEngine, catalogue, detector_kinds, evidence_fields
from quantumtrader.features.detectors import thresholds_read
from quantumtrader.types import Events
from reference.scripts import ASK, Script, busy_flow

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)


def declared(root: Path) -> dict:
    return json.loads((root / "python/quantumtrader/_generated/detectors.json").read_text("utf-8"))


def test_settings_are_the_declared_parameters(root: Path):
    fields = {f.name: f for f in dataclasses.fields(DetectorSettings)}
    parameters = declared(root)["parameters"]
    assert list(fields) == [p["name"] for p in parameters]
    for p in parameters:
        assert fields[p["name"]].default == p["default"]
        assert fields[p["name"]].type == ("int" if p["whole"] else "float")
        entry = DetectorSettings.__doc__.split(f"    {p['name']} : ")[1]
        assert entry.splitlines()[0].startswith("int" if p["whole"] else "float")


def test_every_parameter_and_kind_is_documented(root: Path):
    page = (root / "docs/concepts/detectors.md").read_text("utf-8")
    for p in declared(root)["parameters"]:
        row = page.split(f"\n| `{p['name']}` | ")[1].splitlines()[0]
        assert p["doc"] in row
        # The page is written by hand: a default that moves by mistake differs from it.
        assert float(row.split(" |")[0].replace(",", "")) == p["default"]
    for kind in detector_kinds():
        assert f"`{kind}`" in page
        assert all(f"`{name}`" in page for name in evidence_fields(kind))


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(DetectorSettings)])
def test_ranges_are_kept(name: str, root: Path):
    p = next(p for p in declared(root)["parameters"] if p["name"] == name)
    for good in (p["low"], p["high"]):
        assert getattr(DetectorSettings(**{name: good}), name) == good
    for bad in (p["low"] - 1, p["high"] + 1, float("nan"), "3", None, True):
        with pytest.raises(ConfigError, match=name):
            DetectorSettings(**{name: bad})
    if p["whole"]:
        with pytest.raises(ConfigError, match="a whole number"):
            DetectorSettings(**{name: p["low"] + 0.5})


def test_unknown_kinds_are_refused():
    with pytest.raises(ConfigError, match="sweep, sweep_run"):
        evidence_fields("sweeps")
    with pytest.raises(ConfigError, match="is not known; use sweep"):
        FeatureEngine([], WDO, detect="sweeps")
    with pytest.raises(ConfigError):
        FeatureEngine([], WDO)


def swept() -> Events:
    return Script("trades").trade(1, ASK, 4).trade(1, ASK + 1, 4).timer(10**9).events()


def test_the_engine_names_what_it_found():
    engine = FeatureEngine([], WDO, detect="all", detectors=DetectorSettings(sweep_min_levels=2))
    assert engine.take_detections() == []
    engine.update_many(swept())
    (d,) = engine.take_detections()
    assert (d.kind, d.side, d.px) == ("sweep", 1, ASK + 1)
    assert list(d.evidence) == list(evidence_fields("sweep"))
    assert (d.evidence["levels"], d.evidence["volume"]) == (2, 8)
    assert engine.take_detections() == []
    assert engine.dropped == 0
    assert engine.detector_settings.sweep_min_levels == 2
    engine.update_many(swept()[:0])
    engine.run(swept())
    assert len(engine.take_detections()) == 1


def test_features_and_detections_come_together_and_settings_move_both():
    strict = FeatureEngine(["sweep_detected"], WDO, "event", detect=["sweep"])
    loose = FeatureEngine(
        ["sweep_detected"], WDO, "event", detect=["sweep"], detectors=DetectorSettings(sweep_min_levels=2)
    )
    assert strict.run(swept()).values[-1, 0] == 0
    assert loose.run(swept()).values[-1, 0] == 1
    assert (len(strict.take_detections()), len(loose.take_detections())) == (0, 1)


def test_the_compiled_engine_pickles_what_it_was_asked_for():
    module = core()
    engine = module.FeatureEngine([], 0.5, 10.0, detect=["sweep"], settings={"sweep_min_levels": 2})
    copy = pickle.loads(pickle.dumps(engine))
    copy.update_many(swept())
    assert len(copy.take_detections()[0]) == 1


def test_thresholds_that_no_column_reads_are_not_in_the_manifest():
    changed = DetectorSettings(sweep_min_levels=4, spoof_factor=7.0)

    def options(names):
        manifest = FeatureEngine(names, WDO, detect="all", detectors=changed).manifest
        return {k: v for k, v in manifest.options if k.startswith("detectors.")}

    assert options(["cvd_session", "sweep_levels_1m"]) == {}
    assert options(["sweep_detected"]) == {"detectors.sweep_min_levels": 4.0}
    assert options(["layering_score", "cvd_session"]) == {"detectors.spoof_factor": 7.0}


def test_features_move_with_the_thresholds_they_are_said_to_read_and_no_others(root):
    """Every threshold to another value, one at a time: what moves is declared."""
    names = [f.name for f in catalogue()]
    read = {name: thresholds_read([name]) for name in names}
    streams = [busy_flow(seed, "orders", patterns=60) for seed in (6, 27)]

    def columns(settings):
        tables = []
        for events in streams:
            features = core().FeatureEngine(names, 0.5, 10.0, "1s", settings=settings)
            features.update_many(events)
            tables.append(features.take()[1])
        return np.concatenate(tables)

    plain, moved = columns(None), set()
    for p in declared(root)["parameters"]:
        for factor in (0.3, 3.0):
            value = min(max(p["default"] * factor, p["low"]), p["high"])
            value = round(value) if p["whole"] else value
            if value == p["default"]:
                continue
            other = columns({p["name"]: float(value)})
            for k, name in enumerate(names):
                if not np.array_equal(plain[:, k], other[:, k], equal_nan=True):
                    assert p["name"] in read[name], f"{name} moves with {p['name']}"
                    moved.add((name, p["name"]))
    declared_pairs = {(name, t) for name, thresholds in read.items() for t in thresholds}
    assert len(moved) > 0.6 * len(declared_pairs), sorted(declared_pairs - moved)
