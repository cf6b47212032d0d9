"""The figures of ``docs/concepts/detector-quality.md``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from quantumtrader import core
from quantumtrader.config import load_settings, with_instrument
from quantumtrader.data.contracts import instrument
from quantumtrader.data.importers import Options
from quantumtrader.data.source import load_events
from quantumtrader.evaluation import DetectorReport, evaluate_detectors

SharedData = Callable[[str], Path]
SETS = {
    "AAPL": (
        "lobster_aapl_l50_1h",
        "",
        0.01,
        1.0,
        "USD",
        1.0,
        {"date": date(2012, 6, 21), "timezone": "America/New_York"},
    ),
    "ESH4": ("cme_es_mbo_20231225", "esh4_mbo_20231225.parquet", 0.25, 50.0, "USD", 1.0, {}),
    "BTCUSDT": ("binance_l2_20240808", "usdm_btcusdt", 0.1, 1.0, "USDT", 0.001, {}),
}
KINDS = ("sweep", "iceberg_native", "iceberg_synthetic", "spoofing", "layering", "ignition", "stuffing")
BY_LEVEL = tuple(kind for kind in KINDS if kind != "iceberg_native")
RECALL = {
    "AAPL": dict(zip(KINDS, (20, 20, 20, 16, 16, 16, 12), strict=True)),
    "ESH4": dict(zip(KINDS, (17, 17, 17, 17, 17, 17, 15), strict=True)),
    "BTCUSDT": dict(zip(BY_LEVEL, (20, 17, 13, 14, 3, 6), strict=True)),
}


def measured(symbol: str, shared_data: SharedData) -> DetectorReport:
    folder, name, tick, value, currency, step, options = SETS[symbol]
    given = {"tick_size": tick, "point_value": value, "currency": currency, "size_step": step}
    path = shared_data(folder) / name
    loaded = load_events(
        path, symbol, with_instrument(load_settings(), symbol, given), options=Options(**options)
    )
    source = path if symbol == "ESH4" else None
    return evaluate_detectors(loaded.events, loaded.instrument, shuffles=1, source=source)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("symbol", ["AAPL", "ESH4", pytest.param("BTCUSDT", marks=pytest.mark.slow)])
def test_injections_found(symbol: str, shared_data: SharedData) -> None:
    report = measured(symbol, shared_data)
    assert not report.synthetic
    found = {i.kind: i.score.recall.hits for i in report.injected}
    assert found == RECALL[symbol]
    rates = {c.kind: c for c in report.controls}
    if symbol == "AAPL":
        by = {h.name: h for h in report.hidden}
        assert round(by["hidden_volume_ratio_5m"].precision.share, 2) == 0.69
        assert round(by["hidden_volume_ratio_5m"].base.share, 2) == 0.64
        assert report.sweeps is not None
        assert (report.sweeps.recall.hits, report.sweeps.recall.of) == (101, 107)
        assert round(rates["spoofing"].recorded) == 803
        assert rates["spoofing"].by_control["shuffled sides"] > 700
    if symbol == "ESH4":
        assert report.natives is not None
        assert (report.natives.recall.hits, report.natives.recall.of) == (12, 12)
        assert (report.natives.precision.hits, report.natives.precision.of) == (12, 13)
    if symbol == "BTCUSDT":
        assert report.dropped["recording"] == 3426
        assert round(rates["sweep"].recorded, -1) == 4010


def test_the_synthetic_session() -> None:
    report = evaluate_detectors(core().generate_session(seed=7), instrument("WDOU25"), shuffles=0)
    assert report.synthetic
    found = {i.kind: i.score.recall.hits for i in report.injected}
    assert found == dict(zip(BY_LEVEL, (20, 20, 18, 16, 19, 4), strict=True))
    assert all(s.positives.share == 1 and s.misses.share == 0 for s in report.scripted)
