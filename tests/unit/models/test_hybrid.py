"""When the strategy ``hybrid`` asks to leave. Its models are of a synthetic session; what the book model says is given."""

from __future__ import annotations

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
    """Says one direction after the other; NaN predicts nothing."""

    def __init__(self, directions: list[float]) -> None:
        self.directions = iter(directions)

    def predict(self, ts: int, row: Any, *, regime: str = "") -> Prediction:
        direction = next(self.directions)
        if np.isnan(direction):
            return Prediction.none(ts, "missing_ret_1", "book", regime)
        return Prediction(ts, direction, np.nan, (1 + abs(direction)) / 2, regime, "book")


def exits(models: dict[str, str], directions: list[float], side: int = 1, **more: Any) -> list[int]:
    """Numbers of the rows, half a second apart, on which a trade is asked to be left."""
    market = {"bid_px": 1000, "ask_px": 1001, **more.pop("market", {})}
    strategy = HybridStrategy(**models, **{"exit": 0.2, "exit_s": 1.0, **more})
    wdo = instrument("WDOU25")
    bind_strategy(strategy, wdo, FeatureEngine(strategy.features, wdo, strategy.clock).manifest.to_json())
    strategy._timing_predictor = Book(directions)  # type: ignore[assignment]
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
