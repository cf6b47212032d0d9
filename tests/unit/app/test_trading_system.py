"""The library door."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from live_world import Market, session
from quantumtrader.app.live import SessionSpec, relive
from quantumtrader.app.live.runner import TAPE
from quantumtrader.app.live.tape import TapeReader
from quantumtrader.app.trading_system import TradingSystem
from quantumtrader.exceptions import ConfigError, EngineError
from quantumtrader.features import DetectorSettings
from quantumtrader.features.fit.artifact import Artifact, write_artifact
from quantumtrader.types import Fitted


def _system(tmp_path: Path, market: Market, **config: object) -> TradingSystem:
    given = {"historical_days": 0, "strategy": "live_world:Turns", "risk": {"daily_loss": 1e5}, **config}
    return TradingSystem(given, day=date(2025, 8, 15), out=tmp_path, source=market)


def test_it_trades_the_front_contract_of_the_date_and_stops(tmp_path: Path) -> None:
    system = _system(tmp_path, Market(session(), batch=50, pause=0.002), symbol="WDO")
    assert system.initialize()
    assert not system.running
    assert system.start()
    assert system.ticker == "WDOU25"
    while system.running and system.status.trades < 2:
        pass
    assert system.status.trades >= 2
    system.stop()
    system.stop()
    assert not system.running
    assert system.result is not None
    assert system.result.clean
    assert system.result.status.position == 0
    assert system.report is not None
    assert system.report.document["synthetic"] is True
    assert system.folder is not None
    assert relive(system.folder).identical
    with pytest.raises(EngineError, match="started before"):
        system.start()


def test_what_is_missing_is_a_notice_and_what_is_unknown_an_error(tmp_path: Path) -> None:
    system = _system(tmp_path, Market(session()), hmarl={"agents": 3}, valkey={}, models_dir="x")
    assert system.initialize()
    text = "\n".join(system.notices)
    for part in ("hmarl is not used yet", "valkey is not used yet", "HMARL is not installed"):
        assert part in text
    with pytest.raises(ConfigError, match="unknown simbol"):
        _system(tmp_path, Market(session()), simbol="WDO").initialize()


def test_history_comes_first_by_default(tmp_path: Path) -> None:
    system = TradingSystem(
        {"symbol": "WDOU25", "strategy": "live_world:Turns"}, out=tmp_path, source=Market(session(3))
    )
    system.initialize()
    system.start()
    system.stop()
    assert any("history is not complete" in text for text in system.notices)


def test_fits_and_thresholds_reach_the_session(tmp_path: Path) -> None:
    bucket = {"usable_from_ns": 1, "bucket": 400}
    vpin = Artifact("vpin", "WDOU25", "WDO", 0.5, 0, 1, 1, 1, True, bucket, {}, "rust 0", "none")
    thresholds = tmp_path / "detectors.toml"
    thresholds.write_text("sweep_min_levels = 2", "utf-8")
    system = TradingSystem(
        {"historical_days": 0, "symbol": "WDOU25", "strategy": "live_world:Turns"},
        out=tmp_path / "out",
        source=Market(session(3)),
        fitted=(write_artifact(vpin, tmp_path / "vpin.json"),),
        detector_settings=thresholds,
    )
    system.initialize()
    system.start()
    system.stop()
    assert system.folder is not None
    assert "The vpin fit is not used: no column is vpin_50 or vpin_bvc_50." in system.notices
    loop = SessionSpec.from_header(TapeReader(system.folder / TAPE).header["session"]).loop
    assert loop.fitted == Fitted(vpin_bucket=400, vpin_from_ns=1)
    assert loop.detectors == DetectorSettings(sweep_min_levels=2)
    assert relive(system.folder).identical


def test_an_explicit_ticker_wins(tmp_path: Path) -> None:
    system = _system(tmp_path, Market(session(3)), symbol="WIN")
    system.initialize()
    system.start("WDOU25")
    assert system.ticker == "WDOU25"
    system.stop()


def test_what_fails_is_raised(tmp_path: Path) -> None:
    system = _system(tmp_path, Market(session(3)))
    with pytest.raises(EngineError, match="initialize first"):
        system.start()
    system.initialize()
    (tmp_path / "real").mkdir()
    real = TradingSystem({"historical_days": 0}, real=True, out=tmp_path / "real", source=Market(session(3)))
    real.initialize()
    with pytest.raises(ConfigError, match="real orders need an account"):
        real.start()
