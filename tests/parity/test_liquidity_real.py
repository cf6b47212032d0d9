"""Hidden volume as estimated, against the executions that the venue marked as hidden."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from quantumtrader.types import Flag, Kind
from reference.sets import SETS, load

MINUTE = 60 * 10**9


def test_hidden_volume_follows_the_marked_executions(engine: ModuleType, shared_data):
    """AAPL, 21 June 2012, 9:30 to 10:30: a third of the volume was hidden, a fifth to a half of it in five minutes."""
    data = SETS["AAPL"]
    events = load(data, shared_data)
    features = engine.FeatureEngine(["hidden_volume_ratio_5m"], data.tick, 1.0, "1m")
    features.update_many(events)
    times, values, _ = features.take()
    trades = events[events["kind"] == Kind.TRADE]
    marked = []
    for t in times:
        inside = trades[(trades["ts_event"] > t - 5 * MINUTE) & (trades["ts_event"] <= t)]
        hidden = inside[inside["flags"] & Flag.HIDDEN > 0]
        marked.append(hidden["size"].sum() / max(inside["size"].sum(), 1))
    warm = np.isfinite(values[:, 0])
    estimated, marked = values[warm, 0], np.array(marked)[warm]
    assert len(marked) == 55
    assert np.ptp(marked) > 0.2
    assert round(np.corrcoef(estimated, marked)[0, 1], 2) == 0.98  # docs/concepts/features-liquidity.md
    # Executions against a refilled row look hidden too; none that were marked are missed by much.
    assert (abs(estimated - marked) < 0.07).all()
