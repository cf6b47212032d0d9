"""Bar indicators: they carry over sessions, start again at a roll, and keep to their bands and clips."""

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


def held(engine, name: str, bars: list[tuple[int, int, int]]) -> list[float]:
    """Value of one feature after each bar of (high, low, close)."""
    rows = [
        {
            "kind": Kind.BAR,
            "px": c,
            "px_ask": h,
            "ref_a": low,
            "ref_b": c,
            "size": 1,
            "ts_recv": k,
            "ts_event": k,
        }
        for k, (h, low, c) in enumerate(bars)
    ]
    features = engine.FeatureEngine([name], 0.5, 10.0, "bar")
    features.update_many(as_events(rows))
    return features.take()[1][:, 0].tolist()


FALLING = [(101 - k, 99 - k, 100 - k) for k in range(40)]


@pytest.mark.parametrize(("n", "direction"), [(11, 1), (17, 1), (18, -1), (40, -1)])
def test_supertrend_turns_beyond_its_band(engine, n, direction):
    """ATR10 is 2 and the lower band stays at 90 − 6: bar 17 closes on it, bar 18 below."""
    assert held(engine, "supertrend_10_3", FALLING[:n])[-1] == direction


@pytest.mark.parametrize(("close", "direction"), [(67, -1), (68, 1)])
def test_supertrend_turns_back_beyond_its_band(engine, close, direction):
    """After the fall to 61 the upper band is at 61 + 6."""
    assert held(engine, "supertrend_10_3", [*FALLING, (close, 60, close)])[-1] == direction


def test_fisher_is_clipped(engine):
    """Always at the top: v stays at 0.999, so that F tends to ln 1999."""
    values = held(engine, "fisher_10", [(k + 1, k - 1, k) for k in range(100, 300)])
    assert values[9] == pytest.approx(0.5 * np.log(1.33 / 0.67), rel=1e-14)
    assert values[-1] == pytest.approx(np.log(1999), rel=1e-12)
