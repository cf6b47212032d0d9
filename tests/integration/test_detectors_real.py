"""Detectors on recorded order flow: both engines alike, and icebergs that the exchange's own records prove."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from quantumtrader.data.importers import Options
from quantumtrader.data.importers.binance import Binance
from quantumtrader.data.importers.lobster import Lobster
from quantumtrader.data.importers.mbo_parquet import MboParquet
from quantumtrader.features import detector_kinds
from quantumtrader.features.detectors import detections
from quantumtrader.types import Events, Instrument

SharedData = Callable[[str], Path]
CME = "cme_es_mbo_20231225/esh4_mbo_20231225.parquet"
SETS = {
    "lobster": (Lobster(), "lobster_aapl_l50_1h", 0.01, 1.0, {"date": date(2012, 6, 21)}),
    "binance": (Binance(), "binance_l2_20240808", 0.1, 0.001, {}),
    "cme": (MboParquet(), CME, 0.25, 1.0, {}),
}


def load(name: str, shared_data: SharedData, limit: int | None = None) -> Events:
    importer, folder, tick, step, options = SETS[name]
    instrument = Instrument(name, name, tick, 1.0, "USD", size_step=step, timezone="UTC")
    path = shared_data(folder)
    path = path / "usdm_btcusdt" if name == "binance" else path
    parts = list(importer.read(path, instrument, Options(**options)))
    return np.concatenate([part.events for part in parts])[:limit]


@pytest.mark.parametrize("name", SETS)
def test_engines_detect_alike(engines, shared_data: SharedData, name: str) -> None:
    events = load(name, shared_data, 60_000)
    taken = []
    for module in engines:
        features = module.FeatureEngine([], 0.5, 10.0, detect=list(detector_kinds()))
        features.update_many(events)
        taken.append((*features.take_detections(), np.array(features.dropped)))
    assert len(taken[0][0]) > 100
    for k, (rust, python) in enumerate(zip(*taken, strict=True)):
        if k in (3, 4, 6):
            np.testing.assert_allclose(rust, python, rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(rust, python)


def test_native_icebergs_of_cme(engine, shared_data: SharedData) -> None:
    """Orders executed for more than they ever displayed, by the exchange's fill records, which the engine never sees."""
    table = pq.read_table(shared_data(CME)).to_pandas()
    table = table[table.ts_event > table[table.side.eq("N") & table.action.eq("T")].ts_event.max()]
    fills = table[table.action == "F"].groupby("order_id")["size"].sum()
    whole = pq.read_table(shared_data(CME)).to_pandas()
    shown = whole[whole.action.isin(["A", "M"])].groupby("order_id")["size"].max()
    icebergs = {int(k) for k in fills.index if fills[k] > shown.get(k, 0)}
    assert len(icebergs) == 12

    features = engine.FeatureEngine([], 0.25, 50.0, detect=["iceberg_native"])
    features.update_many(load("cme", shared_data))
    found = detections(features.take_detections())
    ids = {int(d.evidence["order_id"]) for d in found}
    assert icebergs <= ids
    # One more displayed 1 contract, lost it and displayed 26 at once: restored, but never beyond its new size.
    assert len(ids - icebergs) == 1
    # What was hidden is known to the contract: executed = hidden + what the visible orders lost.
    for order in icebergs:
        last = [d for d in found if int(d.evidence["order_id"]) == order][-1]
        assert 0 < last.evidence["hidden"] <= fills[order]
