"""From events to a decision: regime, features, prediction, and whether one may trade on it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ManifestError
from quantumtrader.execution.predictions import Prediction
from quantumtrader.execution.signal_generator import NO_TRADE_REGIMES
from quantumtrader.features.engine import FeatureEngine
from quantumtrader.features.guards import InputCounter, Reason
from quantumtrader.models.bar_regimes import BarRegimes, RegimeSource
from quantumtrader.models.manager import ModelManager
from quantumtrader.models.prediction import PredictionEngine
from quantumtrader.models.regimes import FEATURES as REGIME_FEATURES
from quantumtrader.models.row_guard import RowGuard
from quantumtrader.types import Events

__all__ = ["MLCoordinator"]

Float64 = npt.NDArray[np.float64]


class MLCoordinator:
    """Takes events, hands out predictions.

    Parameters
    ----------
    model_manager : ModelManager
        Loaded models; those that predict a direction are asked.
    feature_engine : FeatureEngine
        Computes at least their features, ``adx_14`` and ``ema_alignment``.
    prediction_engine : PredictionEngine
        Over the same manager.
    regime_trainer : RegimeSource
        Classifies bars; ``RegimeAnalyzer`` does.
    no_trade_regimes : tuple of str
        Regimes in which ``can_trade`` is False.

    Raises
    ------
    ManifestError
        If the engine's rows are not those that a model was trained on: everything that differs.
    """

    def __init__(
        self,
        model_manager: ModelManager,
        feature_engine: FeatureEngine,
        prediction_engine: PredictionEngine,
        regime_trainer: RegimeSource,
        *,
        no_trade_regimes: tuple[str, ...] = NO_TRADE_REGIMES,
    ) -> None:
        self.manager = model_manager
        self.engine = feature_engine
        self.predictions = prediction_engine
        self.regimes = BarRegimes(regime_trainer)
        self._no_trade = no_trade_regimes
        differences = [
            f"{name} is not computed" for name in REGIME_FEATURES if name not in feature_engine.names
        ]
        running, remedies = feature_engine.manifest, []
        for model in model_manager.models.values():
            differences += [f"{model.id}: {d}" for d in model.manifest.differences(running)]
            remedies.append(model.manifest.remedy(running, model.folder))
        if differences:
            remedy = "".join(f". {text}" for text in dict.fromkeys(remedies) if text)
            raise ManifestError(
                f"the feature engine does not fit: {'; '.join(differences)}{remedy}", tuple(differences)
            )
        self._places = [feature_engine.names.index(name) for name in REGIME_FEATURES]
        self._guard = RowGuard(feature_engine.names)
        self._counter = InputCounter()
        self._blocked: dict[str, Reason] = {}
        self._row: tuple[int, Float64] | None = None
        self._requests = self._forced = self._answered = self._tradable = 0
        self._reasons: Counter[str] = Counter()
        self._used: Counter[str] = Counter()

    def process_prediction_request(self, data: Events) -> dict[str, Any] | None:
        """Apply events, and predict on the last row that came due.

        Parameters
        ----------
        data : Events, shape (n,)
            Those since the last call, sorted.

        Returns
        -------
        dict or None
            The prediction's fields, ``regime_confidence``, ``can_trade`` and ``why_not`` (empty when one may); None
            where no row came due.
        """
        self._requests += 1
        before = self._row
        self._apply(data)
        return None if self._row is before else self._answer(self._row)

    def force_prediction(self, data: Events | None = None) -> dict[str, Any] | None:
        """Predict on the state now, whether or not a row is due; None before the first event.

        Rows between the ticks of the sampling clock are of a kind that the model has not seen: nothing may be traded
        on them, and ``why_not`` says ``forced``.
        """
        self._forced += 1
        if data is not None:
            self._apply(data)
        if self.engine.now_ns == np.iinfo(np.int64).min:
            return None
        return self._answer((self.engine.now_ns, self.engine.snapshot()), forced=True)

    def get_coordinator_stats(self) -> dict[str, Any]:
        """Return counts: requests, answers, those one may trade on, reasons against the others, models used."""
        return {
            "requests": self._requests,
            "forced": self._forced,
            "predictions": self._answered,
            "can_trade": self._tradable,
            "reasons": dict(self._reasons),
            "models_used": dict(self._used),
            "regime": self.regimes.regime,
            "models_refused": dict(self.manager.refused),
        }

    def _apply(self, events: Events) -> None:
        self.engine.update_many(events)
        frame, counts = self.engine.take_counted()
        seen = self._counter.add(events, counts)
        for k, ts in enumerate(frame.times.tolist()):
            row = frame.values[k]
            self._blocked = self._guard.observe(ts, row, seen[k])
            self.regimes.observe(ts, *(float(row[p]) for p in self._places))
            self._row = (ts, row)

    def _answer(self, at: tuple[int, Float64] | None, *, forced: bool = False) -> dict[str, Any] | None:
        if at is None:
            return None
        ts, row = at
        predictor = self.manager.predictor_for(self.regimes.regime)
        features = dict(zip(self.engine.names, row.tolist(), strict=True))
        said = PredictionEngine.prediction(predictor, features, self.regimes.regime, ts, self._blocked)
        why_not = self._why_not(said, str(predictor.model.state), predictor.model.state.trades, forced=forced)
        self._answered += said.ok
        self._tradable += not why_not
        self._used[said.model_used] += 1
        if why_not:
            self._reasons[why_not] += 1
        return {
            **said.to_dict(),
            "regime_confidence": self.regimes.confidence,
            "can_trade": not why_not,
            "why_not": why_not,
        }

    def _why_not(self, said: Prediction, state: str, trades: bool, *, forced: bool) -> str:
        if not said.ok:
            return said.reason
        if forced:
            return "forced"
        if said.regime in self._no_trade:
            return f"regime_{said.regime}"
        return "" if trades else f"model_{state}"
