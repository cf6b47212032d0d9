"""From rows to predictions: which model, may it predict on this row, and what does it say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, ModelError
from quantumtrader.execution.predictions import Prediction
from quantumtrader.models.conformal import ALPHA, AdaptiveConformal

if TYPE_CHECKING:
    from quantumtrader.models.manager import ModelManager
    from quantumtrader.models.registry import LoadedModel

__all__ = ["PredictionEngine", "Predictor", "pool"]

Float64 = npt.NDArray[np.float64]


class Predictor:
    """One model, ready to predict: a row in, a prediction out, in microseconds.

    Parameters
    ----------
    model : LoadedModel
        A model whose classes speak of direction: at least one below 0 and one above.
    alpha : float
        Share of rows whose prediction set may miss what comes; on a row whose set does not hold one side alone, nobody may
        act on the prediction. 0 asks no set.

    Raises
    ------
    ConfigError
        If the classes of the model say nothing about direction, or ``alpha`` is no share.
    ModelError
        If sets are asked for, and the model carries no scores to make them of.
    """

    def __init__(self, model: LoadedModel, alpha: float = ALPHA) -> None:
        classes = model.manifest.classes
        if not (min(classes) < 0 < max(classes)):
            raise ConfigError(
                f"{model.id} predicts {model.manifest.label['id']} with classes {list(classes)}, not a direction: it "
                "cannot lead to a signal by itself"
            )
        if alpha and model.conformal is None:
            raise ModelError(
                f"{model.id} carries no scores of prediction sets (conformal.json), so nobody knows when it should abstain",
                remedy="Train it again, or switch abstention off with alpha=0 (-p alpha=0)",
            )
        self.conformal: AdaptiveConformal | None = None
        """Sets of this predictor, at a fixed level: serving hears no outcomes."""
        if alpha and model.conformal is not None:
            self.conformal = model.conformal.at(alpha)
        self.model = model
        self.names = model.names
        self._up = tuple(k for k, c in enumerate(classes) if c > 0)
        self._down = tuple(k for k, c in enumerate(classes) if c < 0)
        move = model.manifest.label.get("move")
        self._move = float("nan") if move is None else float(move)
        self._until = model.manifest.limits["valid_until_ns"]
        optional = set(model.manifest.may_be_missing)
        self._needed = np.array([k for k, name in enumerate(self.names) if name not in optional], np.int64)
        self._all = len(self._needed) == len(self.names)

    def predict(
        self, ts: int, row: Float64, *, regime: str = "", blocked: Mapping[str, Any] | None = None
    ) -> Prediction:
        """Predict on one row.

        Parameters
        ----------
        ts : int
            Sample time, ns UTC.
        row : ndarray of float64, shape (n_features,)
            Columns in the order of ``names``; NaN is missing.
        regime : str
            Market regime; empty where nobody said.
        blocked : mapping of str, optional
            Columns that a feature guard blocks, and why; of these only the model's own count.

        Returns
        -------
        Prediction
            Without one, ``reason`` says why: ``missing_<feature>``, ``infinite_<feature>``, ``blocked_<feature>``,
            ``model_expired``, ``other_regime``, ``not_a_number`` (of the model's own). One with numbers that nobody may act
            on has ``conformal_both_sides`` (the prediction set holds both) or ``conformal_no_side`` (it does not hold the
            predicted one).
        """
        model = self.model
        if self._until is not None and ts > self._until:
            return Prediction.none(ts, "model_expired", model.id, regime)
        if model.manifest.regime and model.manifest.regime != regime:
            return Prediction.none(ts, "other_regime", model.id, regime)
        if blocked:
            own = next((name for name in blocked if name in self.names), None)
            if own is not None:
                return Prediction.none(ts, f"blocked_{own}", model.id, regime)
        if not np.isfinite(row).all():
            why = self._missing(row)
            if why:
                return Prediction.none(ts, why, model.id, regime)
        p = model.probabilities(row, regime)
        if not math.isfinite(sum(p)):  # min and max below would make a certain side of NaN
            return Prediction.none(ts, "not_a_number", model.id, regime)
        up, down = sum(p[k] for k in self._up), sum(p[k] for k in self._down)
        # Rounding of sums may step over the edge.
        direction, confidence = max(-1.0, min(1.0, up - down)), min(1.0, max(up, down))
        reason = "" if self.conformal is None else _abstention(direction, *self.conformal.sides(p))
        return Prediction(ts, direction, abs(direction) * self._move, confidence, regime, model.id, reason, p)

    def _missing(self, row: Float64) -> str:
        infinite = np.isinf(row)
        if infinite.any():
            return f"infinite_{self.names[int(infinite.argmax())]}"
        needed = row if self._all else row[self._needed]
        nan = np.isnan(needed)
        return f"missing_{self.names[int(self._needed[int(nan.argmax())])]}" if nan.any() else ""


class PredictionEngine:
    """Predicts with the models of a manager.

    Parameters
    ----------
    model_manager : ModelManager
        Whose models; loaded ones only.
    """

    def __init__(self, model_manager: ModelManager) -> None:
        self.manager = model_manager

    def predict(
        self,
        features: Mapping[str, float],
        *,
        model: str | None = None,
        regime: str = "",
        timestamp: int = 0,
        blocked: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Predict on one row.

        Parameters
        ----------
        features : mapping of str to float
            By name; further ones are left aside, an absent one is missing.
        model : str, optional
            Name of the model; by default the only one that is loaded.
        regime, timestamp, blocked
            See :meth:`Predictor.predict`; ``timestamp`` in ns UTC.

        Returns
        -------
        dict
            ``direction, magnitude, confidence, regime, timestamp, model_used, reason``. Where ``reason`` is not empty nobody
            may act on it; the numbers are NaN where nothing is predicted.
        """
        predictor = self.manager.predictor(model)
        return self.prediction(predictor, features, regime, timestamp, blocked).to_dict()

    def predict_by_regime(
        self,
        features: Mapping[str, float],
        regime_info: Mapping[str, Any] | str,
        *,
        timestamp: int = 0,
        blocked: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Predict with the model of the regime: its own where there is one, else the one for all regimes.

        Parameters
        ----------
        features, timestamp, blocked
            As in :meth:`predict`.
        regime_info : mapping or str
            ``regime``, or the word itself.
        """
        regime = regime_of(regime_info)
        predictor = self.manager.predictor_for(regime)
        return self.prediction(predictor, features, regime, timestamp, blocked).to_dict()

    def batch_predict(
        self, rows: Iterable[Mapping[str, float]], *, model: str | None = None, regime: str = ""
    ) -> list[dict[str, Any]]:
        """Predict on many rows, each as :meth:`predict` does; a row may have a ``timestamp``."""
        predictor = self.manager.predictor(model)
        return [
            self.prediction(predictor, row, regime, int(row.get("timestamp", 0)), None).to_dict()
            for row in rows
        ]

    @staticmethod
    def prediction(
        predictor: Predictor,
        features: Mapping[str, float],
        regime: str,
        timestamp: int,
        blocked: Mapping[str, Any] | None,
    ) -> Prediction:
        """Return what one model says of features by name."""
        row = np.array([features.get(name, np.nan) for name in predictor.names], np.float64)
        return predictor.predict(timestamp, row, regime=regime, blocked=blocked)


def _abstention(direction: float, down: bool, up: bool) -> str:
    """Why nobody may act on a direction, given the sides of its prediction set; empty where one may."""
    if down and up:
        return "conformal_both_sides"
    return "" if (up and direction > 0) or (down and direction < 0) else "conformal_no_side"


def regime_of(regime_info: Mapping[str, Any] | str) -> str:
    """Return the word of a regime."""
    return str(regime_info if isinstance(regime_info, str) else regime_info.get("regime") or "")


def pool(predictions: Sequence[Prediction]) -> Prediction:
    """Combine predictions of one sample with equal weights; those without one are left out.

    Equal weights are what estimated ones have to beat. Directions are averaged; the confidence is the mean probability
    of the side that results, a model of three classes counting what it gives to that side.

    Raises
    ------
    ModelError
        If there are none, or they are of several times.
    """
    if not predictions or len({p.ts for p in predictions}) > 1:
        raise ModelError("an ensemble needs predictions of one sample")
    said = [p for p in predictions if p.ok]
    if not said:
        return predictions[0]
    n = len(said)
    direction = sum(p.direction for p in said) / n
    side = (direction > 0) - (direction < 0)
    # p_up = (direction + p_up + p_down) / 2, and p_up + p_down = 2 confidence - |direction|
    confidence = (
        sum((side * p.direction + 2 * p.confidence - abs(p.direction)) / 2 for p in said) / n if side else 0.5
    )
    move = sum(p.magnitude / abs(p.direction) if p.direction else 0.0 for p in said) / n
    return Prediction(
        said[0].ts,
        max(-1.0, min(1.0, direction)),
        abs(direction) * move,
        max(0.0, min(1.0, confidence)),
        said[0].regime,
        " + ".join(p.model_used for p in said),
    )
