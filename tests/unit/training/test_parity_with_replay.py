"""What was trained offline is what a replay computes: the same rows, the same predictions, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.backtest import Backtest
from quantumtrader.clock import ReplayClock
from quantumtrader.execution.signals import MarketState, Signal
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.strategy import ModelStrategy
from quantumtrader.training.pipelines import Recording, TickTrainingPipeline
from reference.planted_bars import SMALL, Y, bar_sessions


class Watched(ModelStrategy):
    """Remembers every row that it was given, and what was predicted."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rows: dict[int, np.ndarray[Any, Any]] = {}
        self.said: dict[int, tuple[float, ...]] = {}

    def evaluate(self, row: np.ndarray[Any, Any], market: MarketState) -> Signal:
        signal = super().evaluate(row, market)
        self.rows[market.ts] = row[: len(self.model.names)].copy()
        if self.prediction is not None and self.prediction.ok:
            self.said[market.ts] = self.prediction.probabilities
        return signal


def test_rows_and_predictions_of_a_replay_are_those_of_the_training(tmp_path: Path) -> None:
    parts = bar_sessions(40, 3, 0.9)
    pipeline = TickTrainingPipeline(SMALL, clock=ReplayClock(1))
    result = pipeline.train(Recording.of(parts, Y), tmp_path / "out")
    strategy = Watched(folder=str(result.model), alpha=0.0)
    replay = Backtest(np.concatenate(parts[:32]), Y, strategy, chunk=77).run()
    data = result.prepared.data
    loaded = ModelRegistry(result.model.parent.parent).load("y_tick", "1.0.0", validity=False)
    expected = loaded.batch(data.X)
    assert len(data) > 500
    place = np.searchsorted(replay.frame.times, data.spans.t0)
    np.testing.assert_array_equal(replay.frame.times[place], data.spans.t0)
    np.testing.assert_array_equal(replay.frame.values[place, : len(data.names)], data.X)
    for k, t0 in enumerate(data.spans.t0.tolist()):
        if t0 in strategy.rows:  # outside trading hours a strategy is not asked
            np.testing.assert_array_equal(strategy.rows[t0], data.X[k])
        if t0 in strategy.said:  # a guard may block a row whose column stands still
            assert strategy.said[t0] == tuple(expected[k].tolist())
    told = strategy.said.keys() & set(data.spans.t0.tolist())
    assert len(told) > 0.8 * len(data)
