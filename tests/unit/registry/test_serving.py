"""Manager, prediction engine and coordinator over real model folders."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader import FeatureEngine
from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import ConfigError, DataFormatError, ManifestError, ModelError
from quantumtrader.execution import Prediction
from quantumtrader.models.coordinator import MLCoordinator
from quantumtrader.models.manager import ModelManager
from quantumtrader.models.prediction import PredictionEngine, Predictor, pool
from quantumtrader.models.regimes import FEATURES, RegimeAnalyzer
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.retraining import RetrainingConfig, read_rule
from quantumtrader.models.states import ModelState

NOW = 1_800_000_000_000_000_000


def manager(root: Path) -> ModelManager:
    found = ModelManager(root, ReplayClock(NOW), alpha=0.0)
    found.load_models()
    return found


def a_row(trained: Any, k: int = -1) -> dict[str, float]:
    whole = np.flatnonzero(np.isfinite(trained.frame.values).all(axis=1))[k]
    return dict(zip(trained.frame.names, trained.frame.values[whole].tolist(), strict=True))


def to_live(root: Path, version: str) -> None:
    r = ModelRegistry(root, ReplayClock(NOW))
    for month, state in enumerate(("", "shadow", "canary")):
        for day in range(1, 11) if state else ():
            r.performance("wdo_dir").record(
                version, ModelState(state), {"session": f"2026-0{month}-{day:02}", "result": 1}
            )
        r.promote("wdo_dir", version, why="test", who="ana")


def test_new_models_are_found_by_being_there(root: Path, save: Callable[..., Path], trained: Any) -> None:
    m = manager(root)
    assert list(m.models) == ["wdo_dir"]
    assert m.get_all_required_features() == set(trained.draft.features.names)
    save(name="other")
    assert list(m.load_models()) == ["other", "wdo_dir"]


def test_prediction_dictionary(root: Path, trained: Any) -> None:
    row = a_row(trained)
    said = manager(root).predict(row, timestamp=5)
    p = trained.estimator.predict_proba(np.array([list(row.values())]))[0]
    assert said == {
        "direction": p[1] - p[0],
        "magnitude": abs(p[1] - p[0]) * 0.0004,
        "confidence": max(p),
        "regime": "",
        "timestamp": 5,
        "model_used": "wdo_dir 1.0.0",
        "reason": "",
    }


def test_batch_and_by_regime(root: Path, save: Callable[..., Path], trained: Any) -> None:
    save(name="wdo_range", regime="range")
    m = manager(root)
    engine = PredictionEngine(m)
    row = a_row(trained)
    assert engine.predict_by_regime(row, {"regime": "range"})["model_used"] == "wdo_range 1.0.0"
    assert engine.predict_by_regime(row, "trend_up")["model_used"] == "wdo_dir 1.0.0"
    with pytest.raises(ModelError, match="2 models predict a direction"):
        engine.predict(row)
    many = engine.batch_predict([{**row, "timestamp": 7}, {}], model="wdo_dir")
    assert [x["timestamp"] for x in many] == [7, 0]
    assert many[1]["reason"] == "missing_flow_ofi_1m"
    assert engine.predict(row, model="wdo_range", regime="trend_up")["reason"] == "other_regime"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_missing_or_blocked_is_not_predicted(root: Path, trained: Any, value: float) -> None:
    engine = PredictionEngine(manager(root))
    row = {**a_row(trained), "ret_1": value}
    said = engine.predict(row)
    assert said["reason"] == ("missing_ret_1" if math.isnan(value) else "infinite_ret_1")
    assert math.isnan(said["direction"])
    assert math.isnan(said["confidence"])
    said = engine.predict(a_row(trained), blocked={"somebody_elses": 1, "cvd_session": "stale"})
    assert said["reason"] == "blocked_cvd_session"
    assert engine.predict(a_row(trained), blocked={"somebody_elses": 1})["reason"] == ""


def test_a_column_may_be_allowed_to_be_missing(root: Path, save: Callable[..., Path], trained: Any) -> None:
    save(version="1.1.0", may_be_missing=("ret_1",))
    m = manager(root)
    row = {**a_row(trained), "ret_1": math.nan}
    assert m.predict(row)["model_used"] == "wdo_dir 1.1.0"
    assert m.predict(row)["reason"] == ""
    assert m.predict({**row, "cvd_session": math.nan})["reason"] == "missing_cvd_session"


def test_a_live_model_serves_before_a_newer_candidate(root: Path, save: Callable[..., Path]) -> None:
    to_live(root, "1.0.0")
    save(version="2.0.0")
    assert manager(root).models["wdo_dir"].manifest.version == "1.0.0"


def test_a_damaged_live_model_is_not_replaced_by_a_candidate(root: Path, save: Callable[..., Path]) -> None:
    to_live(root, "1.0.0")
    save(version="2.0.0")
    (root / "wdo_dir" / "1.0.0" / "model.txt").write_bytes(b"tree")
    m = manager(root)
    assert m.models == {}
    assert "hash of model.txt" in m.refused["wdo_dir 1.0.0"]
    with pytest.raises(ModelError, match=r"hash of model\.txt"):
        m.predictor("wdo_dir")


def test_rollback_is_hot(
    root: Path, save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, trained: Any
) -> None:
    save(version="1.1.0")
    to_live(root, "1.0.0")
    to_live(root, "1.1.0")
    m = manager(root)
    assert m.predict(a_row(trained))["model_used"] == "wdo_dir 1.1.0"
    hot = m._previous["wdo_dir"]
    m.rollback("wdo_dir", why="drill", who="ana")
    assert m.models["wdo_dir"] is hot
    assert m.predict(a_row(trained))["model_used"] == "wdo_dir 1.0.0"


def test_performance_reaches_the_gate(root: Path) -> None:
    m = manager(root)
    ModelRegistry(root, ReplayClock(NOW)).promote("wdo_dir", "1.0.0", why="test", who="ana")
    for day in range(1, 11):
        m.update_model_performance("wdo_dir", {"session": f"2026-01-{day:02}", "result": 2.0, "hits": 0.5})
    found = {c.name: c.met for c in m.registry.gate("wdo_dir", "1.0.0")}
    assert found["shadow_sessions"]
    assert all(found.values())
    with pytest.raises(ModelError, match="no model nobody"):
        m.update_model_performance("nobody", {})


def test_retraining_is_a_rule_of_each_model(root: Path, save: Callable[..., Path]) -> None:
    save(name="other")
    m = manager(root)
    config = m.setup_auto_retraining({"every_sessions": 5, "models": ["wdo_dir"], "min_new_rows": 100})
    assert config == RetrainingConfig(every_sessions=5, models=("wdo_dir",), min_new_rows=100)
    assert (read_rule(root, "wdo_dir"), read_rule(root, "other")) == (config, None)
    every = m.setup_auto_retraining({"enabled": False})
    assert read_rule(root, "wdo_dir") == read_rule(root, "other") == every
    assert [
        config.due(*x)
        for x in [(5, 100, 0.0), (4, 100, 0.0), (4, 100, 0.3), (9, 99, 0.3), (1, 100, math.nan)]
    ] == [
        True,
        False,
        True,
        False,
        False,
    ]
    for bad in (
        {"every": 1}, {"every_sessions": 0}, {"max_psi": 0.0}, {"max_psi": math.nan}, {"every_sessions": 2.5},
        {"models": "wdo_dir"},
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            m.setup_auto_retraining(bad)
    with pytest.raises(ModelError, match="there is no model nobody"):
        m.setup_auto_retraining({"models": ["other", "nobody"]})
    assert read_rule(root, "other") == every
    assert list(m.load_models()) == ["other", "wdo_dir"]  # the file is in nobody's way
    (root / "other" / "retraining.json").write_text("[]")
    with pytest.raises(DataFormatError, match="is no rule of retraining"):
        read_rule(root, "other")


def test_the_ensemble_weighs_equally(root: Path, save: Callable[..., Path], trained: Any) -> None:
    save(name="second", classes=(-1, 1))
    save(name="third", regime="range")
    m = manager(root)
    row = a_row(trained)
    one = m.predict(row, "wdo_dir")
    both = m.predict_with_ensemble(row, "trend_up")
    assert both["model_used"] == "second 1.0.0 + wdo_dir 1.0.0"
    assert both["direction"] == pytest.approx(one["direction"])
    assert both["confidence"] == pytest.approx(one["confidence"])
    assert both["magnitude"] == pytest.approx(one["magnitude"])
    assert len(m.predict_with_ensemble(row, "range")["model_used"].split("+")) == 3


def test_pool_by_hand() -> None:
    a = Prediction(1, 0.5, 0.0005, 0.6, "", "a")  # up 0.6, down 0.1, neither 0.3
    b = Prediction(1, -0.1, 0.0001, 0.4, "", "b")  # up 0.3, down 0.4, neither 0.3
    found = pool([a, b, Prediction.none(1, "missing_x", "c")])
    assert found.direction == pytest.approx(0.2)
    assert found.confidence == pytest.approx((0.6 + 0.3) / 2)
    assert found.magnitude == pytest.approx(0.2 * 0.001)
    assert found.model_used == "a + b"
    assert pool([Prediction.none(1, "missing_x", "c")]).reason == "missing_x"


def test_classes_without_direction_lead_to_no_signal(root: Path, trained: Any) -> None:
    found = ModelRegistry(root, ReplayClock(NOW)).load("wdo_dir", "1.0.0")
    fill = replace(found, manifest=replace(found.manifest, classes=(0, 1)))
    with pytest.raises(ConfigError, match="not a direction"):
        Predictor(fill)


def coordinator(root: Path, trained: Any, **options: Any) -> MLCoordinator:
    m = manager(root)
    engine = FeatureEngine((*trained.draft.features.names, *FEATURES), trained.instrument, clock="1s")
    return MLCoordinator(m, engine, PredictionEngine(m), RegimeAnalyzer(), **options)


def test_the_coordinator_predicts_as_offline(root: Path, trained: Any) -> None:
    c = coordinator(root, trained)
    answers = [
        c.process_prediction_request(trained.events[k : k + 500]) for k in range(0, len(trained.events), 500)
    ]
    given = [a for a in answers if a is not None]
    said = [a for a in given if not a["reason"]]
    assert len(said) > 100
    times = {int(t): k for k, t in enumerate(trained.frame.times)}
    rows = trained.frame.values[[times[a["timestamp"]] for a in said]]
    p = trained.estimator.predict_proba(rows)
    assert [a["direction"] for a in said] == (p[:, 1] - p[:, 0]).tolist()
    assert {a["why_not"] for a in said} <= {"regime_undefined", "model_candidate"}
    assert "model_candidate" in {a["why_not"] for a in said}
    stats = c.get_coordinator_stats()
    assert stats["requests"] == len(answers)
    assert stats["predictions"] == len(said)
    assert stats["can_trade"] == 0
    assert sum(stats["reasons"].values()) == len(given)


def test_a_live_model_may_trade_and_a_forced_answer_may_not(root: Path, trained: Any) -> None:
    to_live(root, "1.0.0")
    c = coordinator(root, trained, no_trade_regimes=())
    assert c.force_prediction() is None
    answer = c.process_prediction_request(trained.events[:60_000])
    assert answer is not None
    assert answer["can_trade"]
    assert answer["why_not"] == ""
    forced = c.force_prediction(trained.events[60_000:60_001])
    assert forced is not None
    assert not forced["can_trade"]
    assert forced["why_not"] == "forced"
    assert c.process_prediction_request(trained.events[60_001:60_001]) is None


def test_an_engine_of_other_rows_is_refused(root: Path, trained: Any) -> None:
    m = manager(root)
    engine = FeatureEngine(trained.draft.features.names[1:], trained.instrument, clock="2s")
    with pytest.raises(ManifestError) as caught:
        MLCoordinator(m, engine, PredictionEngine(m), RegimeAnalyzer())
    assert caught.value.differences == (
        "adx_14 is not computed",
        "ema_alignment is not computed",
        "wdo_dir 1.0.0: missing flow_ofi_1m",
        "wdo_dir 1.0.0: clock is 2s, expected 1s",
    )
