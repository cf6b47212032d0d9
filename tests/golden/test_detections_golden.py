"""Two frozen sessions full of patterns, and what was detected in them; a change here is a change of meaning.

``pytest tests/golden --update-golden`` writes it anew; the commit says why it moved.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantumtrader.features import detector_kinds
from quantumtrader.types import EVENT
from reference.scripts import busy_flow

FILE = Path(__file__).with_name("detections.npz")
SEEDS = (6, 27)
PARTS = ("times", "kinds", "sides", "scores", "confidences", "prices", "evidence")


def compute(engine, events):
    features = engine.FeatureEngine([], 0.5, 10.0, detect=list(detector_kinds()))
    features.update_many(events)
    return dict(zip(PARTS, features.take_detections(), strict=True))


def write() -> None:
    from quantumtrader import _fallback

    tables = {}
    for seed in SEEDS:
        events = busy_flow(seed, "orders", patterns=60)
        tables[f"{seed}_events"] = events.view(np.uint8)
        tables |= {f"{seed}_{part}": found for part, found in compute(_fallback, events).items()}
    np.savez_compressed(FILE, **tables)


@pytest.fixture(scope="module")
def golden(request: pytest.FixtureRequest):
    if request.config.getoption("--update-golden"):
        write()
    with np.load(FILE) as saved:
        return dict(saved)


@pytest.mark.parametrize("seed", SEEDS)
def test_detections_are_what_they_were(engine, golden, seed):
    found = compute(engine, golden[f"{seed}_events"].view(EVENT))
    for part in PARTS:
        expected = golden[f"{seed}_{part}"]
        if part in ("scores", "confidences", "evidence"):
            np.testing.assert_allclose(found[part], expected, rtol=1e-9, atol=1e-12, err_msg=part)
        else:
            np.testing.assert_array_equal(found[part], expected, err_msg=part)


def test_every_kind_is_among_them(golden):
    kinds = np.concatenate([golden[f"{seed}_kinds"] for seed in SEEDS])
    assert len(np.unique(kinds)) == len(detector_kinds())
    assert FILE.stat().st_size < 200_000
