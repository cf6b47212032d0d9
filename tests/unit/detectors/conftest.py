"""What a script is made to say."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from quantumtrader.features.detectors import Detection, DetectorSettings, detections
from reference.scripts import Script

Find = Callable[..., list[Detection]]


@pytest.fixture
def find(engine: ModuleType) -> Find:
    """Detections of one kind in a script, by each engine in turn."""

    def run(script: Script, kind: str, **settings: float) -> list[Detection]:
        changed = DetectorSettings(**settings).changed()  # type: ignore[arg-type]
        features = engine.FeatureEngine([], 0.5, 10.0, detect=[kind], settings=changed)
        features.update_many(script.timer(5 * 10**9).events())
        return detections(features.take_detections())

    return run
