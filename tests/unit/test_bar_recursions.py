"""Bar indicators carry over sessions and start again at a roll."""

from __future__ import annotations

import numpy as np
import pytest

from quantumtrader.features import catalogue
from quantumtrader.types import Kind, Phase
from reference.flows import as_events, random_flow

NAMES = [f.name for f in catalogue() if 172 <= f.number <= 224]
NS = 60 * 10**9


def minutes(seed: int, n: int) -> list[dict[str, int]]:
    """Bar records, without times."""
    flow = random_flow(seed, 2 * n, "bars", markers=False, calm=True)
    bars = flow[flow["kind"] == Kind.BAR][:n]
    fields = ("kind", "px", "px_ask", "ref_a", "ref_b", "size")
    return [{f: int(bar[f]) for f in fields} for bar in bars]


def values(engine, rows: list[dict[str, int]]) -> np.ndarray:
    stamped = [{**row, "ts_event": k * NS, "ts_recv": k * NS} for k, row in enumerate(rows)]
    features = engine.FeatureEngine(NAMES, 0.5, 10.0, "bar")
    features.update_many(as_events(stamped))
    return features.take()[1]


def marker(phase: Phase) -> dict[str, int]:
    return {"kind": Kind.SESSION, "action": phase}


def test_they_carry_over_sessions(engine):
    bars = minutes(1, 230)
    night = [marker(Phase.CLOSED), marker(Phase.OPEN)]
    whole, cut = values(engine, bars), values(engine, bars[:90] + night + bars[90:])
    assert np.isfinite(whole[-1]).all()
    assert whole.tobytes() == cut.tobytes()


@pytest.mark.parametrize("before", [1, 12, 230])
def test_they_start_again_at_a_roll(engine, before):
    old, new = minutes(2, before), minutes(3, 210)
    rolled = values(engine, [*old, marker(Phase.ROLL), *new])
    assert rolled[before:].tobytes() == values(engine, new).tobytes()
