"""When the strategy ``hybrid`` enters and leaves. Its models are of a synthetic session; what they say may be given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hybrid_world import BARS, ROWS, hybrid_models
from quantumtrader import FeatureEngine
from quantumtrader.data.contracts import instrument
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution import MarketState, bind_strategy
from quantumtrader.execution.predictions import Prediction
from quantumtrader.models.hybrid import HybridStrategy
from quantumtrader.types import PX_NONE

pytest.importorskip("lightgbm", reason="the models need the ml extra")

SECOND = 10**9
T0 = 1_754_395_200 * SECOND


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return hybrid_models(tmp_path_factory.mktemp("models"))


class Book:
    """Says one direction after the other, each for the same reason not to be acted on; NaN predicts nothing."""

    def __init__(self, directions: list[float], reason: str = "") -> None:
        self.directions = iter(directions)
        self.reason = reason

    def predict(self, ts: int, row: Any, *, regime: str = "", blocked: Any = None) -> Prediction:
        direction = next(self.directions)
        if np.isnan(direction):
            return Prediction.none(ts, "missing_ret_1", "book", regime)
        return Prediction(ts, direction, np.nan, (1 + abs(direction)) / 2, regime, "book", self.reason)


def bound(models: dict[str, str], barrier_ticks: float = 0.0, **parameters: Any) -> HybridStrategy:
    """The strategy, told what its rows are; orders cost no fee."""
    strategy = HybridStrategy(**models, **parameters)
    manifest = strategy._base.manifest
    label = {**manifest.label, "barrier_ticks": barrier_ticks}
    strategy._base = replace(strategy._base, manifest=replace(manifest, label=label))
    wdo = replace(instrument("WDOU25"), fee=0.0)
    bind_strategy(strategy, wdo, FeatureEngine(strategy.features, wdo, strategy.clock).manifest.to_json())
    return strategy


def a_row(strategy: HybridStrategy, **values: float) -> Any:
    known = {"atr_14": 8.0, "adx_14": 30.0, "ema_alignment": 1.0} | values
    return np.array([known.get(name, 0.0) for name in strategy.features])


LOOSE = {
    "direction": 0.0,
    "confidence": 0.0,
    "entry": 0.0,
    "no_trade_regimes": "",
    "settle_s": 0.0,
    "alpha": 0.0,
}


def test_what_the_guard_blocks_is_not_traded_on(models: dict[str, str]) -> None:
    """An imbalance of 7 and a range of −1 are none: the models must not see them, though the bar was asked before."""
    strategy = bound(models, **LOOSE)

    def said(seconds: int, **values: float) -> str:
        market = MarketState(T0 + seconds * SECOND, 1000, 1001, 1000)
        return strategy.evaluate(a_row(strategy, **values), market).reason

    assert not said(1).startswith("blocked")
    assert said(2, book_imbalance_1=7.0) == "blocked_book_imbalance_1"
    assert said(3, bar_range=-1.0) == "blocked_bar_range"  # of the tick model, in the middle of its bar
    assert not said(4).startswith("blocked")
    assert said(60, bar_range=-1.0) == "blocked_bar_range"
    assert said(61) == "blocked_bar_range"  # the bar was asked on its first row
    assert not said(120).startswith("blocked")


@pytest.mark.parametrize(("confidence", "reason"), [(0.555, "below_break_even"), (0.58, "model_up")])
def test_break_even_is_that_of_the_label(models: dict[str, str], confidence: float, reason: str) -> None:
    """Barriers of 10 ticks and a cost of 1: p* = 11/20; 0.02 more is 0.57. The bracket, 12 to 24, asks for 0.38 only."""
    strategy = bound(models, barrier_ticks=10.0, weight=0.0, **LOOSE)
    base = Prediction(T0, 2 * confidence - 1, np.nan, confidence, "", "tick")
    strategy._base_predictor.predict = lambda *_, **__: base  # type: ignore[method-assign]
    strategy._timing_predictor = Book([0.5])  # type: ignore[assignment]
    signal = strategy.evaluate(a_row(strategy), MarketState(T0, 1000, 1001, 1000))
    assert (signal.reason, strategy.prediction and strategy.prediction.confidence) == (
        reason,
        pytest.approx(confidence),
    )
    assert signal.stop_ticks in (0, 12)


def test_it_does_not_trade_where_the_regime_is_undefined(models: dict[str, str]) -> None:
    for asked, reason in (({}, "regime_undefined"), ({"no_trade_regimes": "range"}, "model_up")):
        strategy = bound(
            models, weight=0.0, **{k: v for k, v in LOOSE.items() if k != "no_trade_regimes"}, **asked
        )
        base = Prediction(T0, 0.8, np.nan, 0.9, "", "tick")
        strategy._base_predictor.predict = lambda *_, base=base, **__: base  # type: ignore[method-assign]
        strategy._timing_predictor = Book([0.5])  # type: ignore[assignment]
        assert strategy.evaluate(a_row(strategy), MarketState(T0, 1000, 1001, 1000)).reason == reason
    with pytest.raises(ConfigError, match="no_trade_regimes has 'undefind'"):
        HybridStrategy(**models, no_trade_regimes="range,undefind")


def exits(models: dict[str, str], directions: list[float], side: int = 1, **more: Any) -> list[int]:
    """Numbers of the rows, half a second apart, on which a trade is asked to be left."""
    market = {"bid_px": 1000, "ask_px": 1001, **more.pop("market", {})}
    reason = more.pop("reason", "")
    strategy = bound(models, **{"exit": 0.2, "exit_s": 1.0, "alpha": 0.0, **more})
    strategy._timing_predictor = Book(directions, reason)  # type: ignore[assignment]
    row = np.zeros(len(strategy.features))
    said = [
        strategy.evaluate(
            row, MarketState(T0 + k * SECOND // 2, position=side, busy=side != 0, trade_side=side, **market)
        )
        for k in range(len(directions))
    ]
    assert {s.reason for s in said if s.action == "exit"} <= {"book_turned"}
    return [k for k, s in enumerate(said) if s.action == "exit"]


def test_it_leaves_when_the_book_stays_against_the_trade(models: dict[str, str]) -> None:
    assert exits(models, [0.3, -0.1, -0.2, -0.3, -0.3, -0.3]) == [4, 5]
    assert exits(models, [-0.3, 0.1, 0.2, 0.3, 0.3], side=-1) == [4]
    assert exits(models, [-0.9] * 5, side=0) == []


def test_between_the_thresholds_nothing_changes(models: dict[str, str]) -> None:
    assert exits(models, [-0.19] * 6) == []  # never reached
    assert exits(models, [-0.2, -0.01, -0.01]) == [2]  # reached, and never back
    assert exits(models, [-0.2, -0.3, 0.0, -0.2, -0.3, -0.3]) == [5]  # back at 0: counted anew


def test_what_is_not_known_is_not_against(models: dict[str, str]) -> None:
    assert exits(models, [-0.3, np.nan, -0.3, -0.3, -0.3]) == [4]


def test_what_is_too_uncertain_to_enter_on_is_a_way_out(models: dict[str, str]) -> None:
    assert exits(models, [-0.3] * 4, reason="conformal_both_sides") == [2, 3]
    strategy = bound(models, **LOOSE)
    strategy._timing_predictor = Book([0.3], "conformal_both_sides")  # type: ignore[assignment]
    assert (
        strategy.evaluate(a_row(strategy), MarketState(T0, 1000, 1001, 1000)).reason == "conformal_both_sides"
    )


def test_an_auction_begins_the_count_anew(models: dict[str, str]) -> None:
    assert exits(models, [-0.3] * 5, market={"open_since_ts": T0 + SECOND}) == [4]


def test_without_a_price_to_leave_at_the_stop_stays(models: dict[str, str]) -> None:
    none = {"bid_px": PX_NONE}
    assert exits(models, [-0.3] * 4, market=none) == []
    assert exits(models, [0.3] * 4, side=-1, market=none) == [2, 3]  # one who is short leaves at the ask
    assert exits(models, [-0.3] * 4, market={**none, "has_touch": False}) == [2, 3]


def test_thresholds_are_options(models: dict[str, str]) -> None:
    assert exits(models, [-1.0] * 9, exit=0.0) == []
    assert exits(models, [-0.3, -0.3], exit=0.3, exit_s=0.0) == [0, 1]
    for wrong in ({"exit": 1.1}, {"exit": float("nan")}, {"exit_s": -1.0}, {"exit_s": float("inf")}):
        with pytest.raises(ConfigError, match=rf"hybrid: {next(iter(wrong))} is"):
            HybridStrategy(**models, **wrong)
    assert "out when the latter leads against the trade by 0.2" in HybridStrategy(**models).rule
    assert "out when" not in HybridStrategy(**models, exit=0.0).rule


def test_each_model_reads_its_own_columns_where_both_share_one(models: dict[str, str]) -> None:
    """``ret_1`` is the book model's first column and the tick model's second."""
    strategy = HybridStrategy(**models)
    assert (BARS.index("ret_1"), ROWS.index("ret_1")) == (1, 0)
    row = np.arange(len(strategy.features), dtype=np.float64)
    place = {name: k for k, name in enumerate(strategy.features)}
    assert row[strategy._bars].tolist() == [place[name] for name in BARS]
    wdo = instrument("WDOU25")
    bind_strategy(strategy, wdo, FeatureEngine(strategy.features, wdo, strategy.clock).manifest.to_json())
