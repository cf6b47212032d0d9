"""The strategy ``model``: what was trained offline is what trades, to the bit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantumtrader import FeatureEngine
from quantumtrader.backtest import Backtest, BacktestSettings
from quantumtrader.exceptions import ConfigError, ManifestError, ModelError, PromotionError
from quantumtrader.execution import MarketState, bind_strategy, make_strategy
from quantumtrader.execution.predictions import Prediction
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.states import ModelState
from quantumtrader.models.strategy import ModelStrategy
from quantumtrader.types import Instrument


class Recorded(ModelStrategy):
    """Keeps every prediction with the row it was made on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seen: list[tuple[Prediction, Any]] = []

    def evaluate(self, row: Any, market: MarketState) -> Any:
        signal = super().evaluate(row, market)
        assert self.prediction is not None
        self.seen.append((self.prediction, row[: len(self.model.names)].copy()))
        return signal


def folder(root: Path) -> str:
    return str(root / "wdo_dir" / "1.0.0")


def test_a_replay_gives_the_rows_and_predictions_of_the_training(root: Path, trained: Any) -> None:
    strategy = Recorded(folder=folder(root), alpha=0.0, settle_s=0.0, confidence=0.5, direction=0.0)
    result = Backtest(trained.events, trained.instrument, strategy, chunk=777).run()
    offline = {int(t): row for t, row in zip(trained.frame.times, trained.frame.values, strict=True)}
    predicted = [(said, row) for said, row in strategy.seen if said.ok]
    assert len(predicted) > 3_000
    for said, row in strategy.seen:
        assert np.array_equal(row, offline[said.ts], equal_nan=True)
    rows = np.array([row for _, row in predicted])
    expected = trained.estimator.predict_proba(rows)
    assert [said.probabilities for said, _ in predicted] == [tuple(p) for p in expected.tolist()]
    assert [said.direction for said, _ in predicted] == (expected[:, 1] - expected[:, 0]).tolist()
    assert result.halted == ""


def test_it_trades_and_says_why_not(root: Path, trained: Any) -> None:
    strategy = make_strategy(
        "model",
        folder=folder(root),
        direction=0.05,
        magnitude=0.0,
        confidence=0.5,
        cost_ticks=0.0,
        margin=0.0,
        no_trade_regimes="",
        alpha=0.0,
    )
    result = Backtest(trained.events, trained.instrument, strategy).run()
    reasons = Counter(result.reasons)
    assert result.trades
    assert {"atr_unknown", "in_position", "direction_weak", "missing_ret_1"} <= reasons.keys()
    assert reasons["model_up"] + reasons["model_down"] >= len(result.trades)
    again = Backtest(trained.events, trained.instrument, strategy).run()
    assert again.reasons == result.reasons  # a second run starts anew


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (BacktestSettings(clock="2s"), "clock is 2s, expected 1s"),
        (BacktestSettings(warmup="partial"), "warmup is partial, expected full"),
        (BacktestSettings(rlp_sign="quote"), "rlp_sign is quote, expected drop"),
    ],
)
def test_rows_of_another_kind_are_refused(
    root: Path, trained: Any, settings: BacktestSettings, words: str
) -> None:
    strategy = make_strategy("model", folder=folder(root))
    with pytest.raises(ManifestError, match=words) as caught:
        Backtest(trained.events, trained.instrument, strategy, settings).run()
    assert caught.value.differences == (words,)


def test_another_product_or_tick_is_refused(root: Path, trained: Any) -> None:
    strategy = make_strategy("model", folder=folder(root))
    win = Instrument("WINQ25", "WIN", tick_size=5.0, point_value=0.2)
    with pytest.raises(ManifestError) as caught:
        Backtest(trained.events, win, strategy).run()
    assert caught.value.differences == (
        "tick_size is 5.0, expected 0.5",
        "point_value is 0.2, expected 10.0",
        "product is WIN, expected WDO",
    )


def test_a_later_contract_of_the_product_is_accepted(root: Path, trained: Any) -> None:
    later = replace(trained.instrument, symbol="WDOV25")
    strategy = make_strategy("model", folder=folder(root))
    bind_strategy(strategy, later, FeatureEngine(strategy.features, later, clock="1s").manifest.to_json())


def test_columns_in_another_order_are_refused(root: Path, trained: Any) -> None:
    strategy = make_strategy("model", folder=folder(root))
    names = strategy.features
    manifest = FeatureEngine((names[1], names[0], *names[2:]), trained.instrument, clock="1s").manifest
    with pytest.raises(
        ManifestError, match="another order: column 0 is book_ofi_norm_1m, expected flow_ofi_1m"
    ):
        bind_strategy(strategy, trained.instrument, manifest.to_json())


def test_it_does_not_decide_before_it_knows_its_rows(root: Path, trained: Any) -> None:
    strategy = make_strategy("model", folder=folder(root))
    with pytest.raises(ConfigError, match="bind_strategy"):
        strategy.evaluate(np.zeros(len(strategy.features)), MarketState(1))


def bound(root: Path, trained: Any, **parameters: Any) -> Any:
    real = parameters.pop("real_money", False)
    strategy = make_strategy("model", folder=folder(root), **parameters)
    manifest = FeatureEngine(strategy.features, trained.instrument, clock="1s").manifest.to_json()
    bind_strategy(strategy, trained.instrument, manifest, real_money=real)
    return strategy


def states(root: Path, monkeypatch: pytest.MonkeyPatch, state: ModelState) -> None:
    monkeypatch.setattr("quantumtrader.models.states.States.of", lambda self, version: state)


@pytest.mark.parametrize("state", [ModelState.CANDIDATE, ModelState.SHADOW, ModelState.RETIRED])
def test_only_promoted_models_trade_real_money(
    root: Path, trained: Any, state: ModelState, monkeypatch: pytest.MonkeyPatch
) -> None:
    states(root, monkeypatch, state)
    bound(root, trained)
    with pytest.raises(PromotionError, match=f"is {state}: only a canary or a live model"):
        bound(root, trained, real_money=True)


@pytest.mark.parametrize(("state", "size"), [(ModelState.CANARY, 1), (ModelState.LIVE, 4)])
def test_a_canary_trades_one_lot(
    root: Path, trained: Any, state: ModelState, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    states(root, monkeypatch, state)
    loose: dict[str, Any] = {
        "direction": 0.0,
        "confidence": 0.0,
        "cost_ticks": 0.0,
        "margin": 0.0,
        "magnitude": 0.0,
    }
    strategy = bound(
        root, trained, real_money=True, size=4, max_size=4, settle_s=0.0, no_trade_regimes="", **loose
    )
    rows = trained.frame.values[np.isfinite(trained.frame.values).all(axis=1)]
    market = MarketState(int(trained.frame.times[-1]), 10_800, 10_801, 10_800)
    sizes = set()
    for row in rows[:400]:
        signal = strategy.evaluate(np.r_[row, 4.0, 30.0, 1.0], market)
        sizes.add(signal.size)
        if signal.size:
            break
    assert size in sizes


def test_an_expired_model_predicts_nothing(root: Path, trained: Any) -> None:
    strategy = bound(root, trained)
    until = trained.draft.limits["valid_until_ns"]
    row = np.r_[trained.frame.values[-1], 4.0, 30.0, 1.0]
    signal = strategy.evaluate(row, MarketState(until + 1, 10_800, 10_801, 10_800))
    assert signal.reason == "model_expired"


def test_a_guard_blocks(root: Path, trained: Any) -> None:
    """A book imbalance of 7 is beyond its range: the model must not see it."""
    strategy = bound(root, trained)
    place = strategy.features.index("book_imbalance_1")
    row = np.r_[trained.frame.values[-1], 4.0, 30.0, 1.0]
    row[place] = 7.0
    signal = strategy.evaluate(row, MarketState(int(trained.frame.times[-1]), 10_800, 10_801, 10_800))
    assert signal.reason == "blocked_book_imbalance_1"


@pytest.mark.parametrize("counted", [True, False])
def test_a_dead_feed_is_noticed_where_records_are_counted(root: Path, trained: Any, counted: bool) -> None:
    """Nothing arrives for two minutes, while windows still run empty: without counts each change looks like an arrival."""
    strategy = bound(root, trained, no_trade_regimes="")
    row = np.r_[trained.frame.values[-1], 4.0, 30.0, 1.0]
    place, begin = strategy.features.index("delta_1m"), int(trained.frame.times[-1])
    said = []
    for second in range(121):
        row[place] = second
        inputs = (10, 5, 20, 0) if counted else None
        market = MarketState(begin + second * 10**9, 10_800, 10_801, 10_800, inputs=inputs)
        said.append(strategy.evaluate(row, market).reason)
    assert any(reason.startswith("blocked") for reason in said) is counted
    if counted:  # a minute without any record
        assert (said[60].startswith("blocked"), said[61]) == (False, "blocked_flow_ofi_1m")


def test_it_does_not_trade_where_the_regime_is_undefined(root: Path, trained: Any) -> None:
    loose = {
        "direction": 0.0,
        "confidence": 0.0,
        "cost_ticks": 0.0,
        "margin": 0.0,
        "magnitude": 0.0,
        "alpha": 0.0,
    }
    row = np.r_[trained.frame.values[-1], 4.0, np.nan, np.nan]
    market = MarketState(int(trained.frame.times[-1]), 10_800, 10_801, 10_800)
    assert bound(root, trained, **loose).evaluate(row, market).reason == "regime_undefined"
    assert bound(root, trained, no_trade_regimes="", **loose).evaluate(row, market).size == 1


def test_the_folder_of_a_name_is_its_live_version(root: Path) -> None:
    with pytest.raises(ConfigError, match="no live version"):
        make_strategy("model", folder=str(root / "wdo_dir"))
    with pytest.raises(ConfigError, match="give the model's folder"):
        make_strategy("model")
    with pytest.raises(ModelError, match="there is no model"):
        make_strategy("model", folder=str(root / "wdo_dir" / "9.0.0"))


def test_demo_and_replay_take_it_alike(root: Path, tmp_path: Path, trained: Any) -> None:
    from quantumtrader.app import DemoConfig, run_demo

    loose = {"direction": "0.05", "magnitude": "0", "confidence": "0.5", "cost_ticks": "0", "margin": "0"}
    loose |= {"no_trade_regimes": "", "alpha": "0"}
    done = run_demo(
        DemoConfig(
            tmp_path / "out",
            seed=5,
            minutes=40,
            strategy="model",
            parameters={"folder": folder(root), **loose},
        )
    )
    assert done.backtest.strategy.name == "model"
    assert done.backtest.trades
    assert "wdo_dir 1.0.0" in done.report.read_text("utf-8")


def test_registry_refuses_what_the_strategy_would_load(root: Path) -> None:
    (root / "wdo_dir" / "1.0.0" / "report.md").write_bytes(b"changed")
    with pytest.raises(ModelError, match=r"hash of report\.md"):
        make_strategy("model", folder=folder(root))
    assert ModelRegistry(root).versions("wdo_dir") == ("1.0.0",)
