"""What is fitted on the training part of a split: a model, its calibration, or a stack of models.

Everything that is learned from data happens in :meth:`Recipe.fit_predict`, which is given training rows and
nothing else of the test than its features. So calibration, stacking weights and scaling cannot have seen a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.models._logit import log_odds
from quantumtrader.models.base import Estimator
from quantumtrader.models.calibration import Calibration
from quantumtrader.models.stack import Stack
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.splits import Splitter
from quantumtrader.training.weights import average_uniqueness, time_decay

__all__ = ["Recipe", "Single", "Stacked", "fitted", "out_of_fold", "probabilities", "training_weights"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_LEAST = 1e-6  # probability of a class that the training part did not hold


class Recipe(Protocol):
    """Turns training rows into predictions for test rows."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything that was chosen, as JSON values: what the ledger stores."""
        ...

    def fit_predict(self, train: Dataset, X: Float64, classes: Int64, half_life: float) -> Float64:
        """Return probabilities of ``classes`` for the rows ``X``, shape (n, classes)."""
        ...


@dataclass(frozen=True)
class Single:
    """One model, calibrated where asked.

    Parameters
    ----------
    estimator : Estimator
        Cloned for every fit.
    calibration : str, optional
        A method of ``Calibration``; fitted on inner out-of-fold predictions.
    inner : Splitter, optional
        Divides the training part for it.
    """

    estimator: Estimator
    calibration: str | None = None
    inner: Splitter | None = None

    def __post_init__(self) -> None:
        if self.calibration is not None and self.inner is None:
            raise ConfigError(
                "calibration needs an inner splitter: it must not see rows the model was fitted on"
            )

    @property
    def parameters(self) -> dict[str, Any]:
        """Kind, parameters, calibration."""
        out = {"kind": self.estimator.kind, "parameters": self.estimator.get_params()}
        if self.calibration is not None and self.inner is not None:
            out |= {"calibration": self.calibration, "inner": splitter_text(self.inner)}
        return out

    def fit_predict(self, train: Dataset, X: Float64, classes: Int64, half_life: float) -> Float64:
        """Fit on all training rows; calibrate on inner out-of-fold rows."""
        p = probabilities(fitted(self.estimator, train, half_life), X, classes)
        if self.calibration is None or self.inner is None:
            return p
        scores, rows = out_of_fold(self.estimator, train, self.inner, classes, half_life)
        spans = train.spans[rows]
        outcomes = np.searchsorted(classes, train.y[rows])
        found = Calibration.fit(scores[rows], outcomes, average_uniqueness(spans), method=self.calibration)
        return found.apply(p)


@dataclass(frozen=True)
class Stacked:
    """Several models, weighted by a stack that was fitted on their inner out-of-fold log-odds.

    Parameters
    ----------
    estimators : sequence of Estimator
        At least two.
    inner : Splitter
        Divides the training part.
    stack : Stack
        Weights; cloned for every fit.
    """

    estimators: Sequence[Estimator]
    inner: Splitter
    stack: Stack

    def __post_init__(self) -> None:
        if len(self.estimators) < 2:
            raise ConfigError(f"a stack needs at least two models, got {len(self.estimators)}")

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of all models and of the stack."""
        members = [{"kind": e.kind, "parameters": e.get_params()} for e in self.estimators]
        return {
            "kind": "stack",
            "parameters": self.stack.get_params(),
            "members": members,
            "inner": splitter_text(self.inner),
        }

    def fit_predict(self, train: Dataset, X: Float64, classes: Int64, half_life: float) -> Float64:
        """Fit the stack on inner out-of-fold rows, and the models again on all training rows."""
        inner, outer, rows = [], [], None
        names = [f"{k}.{e.kind}:{c}" for k, e in enumerate(self.estimators) for c in classes]
        for estimator in self.estimators:
            scores, rows = out_of_fold(estimator, train, self.inner, classes, half_life)
            inner.append(log_odds(scores[rows]))
            outer.append(log_odds(probabilities(fitted(estimator, train, half_life), X, classes)))
        part = train.take(rows) if rows is not None else train
        stack = self.stack.clone().fit(
            np.column_stack(inner), part.y, training_weights(part, half_life), names=names, spans=part.spans
        )
        return probabilities(stack, np.column_stack(outer), classes)


def training_weights(data: Dataset, half_life: float) -> Float64:
    """Average uniqueness among the training rows, times the decay over sessions."""
    return average_uniqueness(data.spans) * time_decay(data.spans, half_life)


def fitted(estimator: Estimator, data: Dataset, half_life: float = float("inf")) -> Estimator:
    """Return a clone, fitted on all rows."""
    return estimator.clone().fit(
        data.X, data.y, training_weights(data, half_life), names=data.names, spans=data.spans
    )


def probabilities(estimator: Estimator, X: Float64, classes: Int64) -> Float64:
    """Return probabilities in the order of ``classes``; one the model has never seen gets next to none."""
    out = np.full((len(X), len(classes)), _LEAST)
    out[:, np.searchsorted(classes, estimator.classes_)] = estimator.predict_proba(X)
    return np.asarray(out / out.sum(axis=1, keepdims=True))


def out_of_fold(
    estimator: Estimator, data: Dataset, splitter: Splitter, classes: Int64, half_life: float = float("inf")
) -> tuple[Float64, Int64]:
    """Predict rows with models that were not fitted on them or on what overlaps them.

    Returns
    -------
    probabilities : ndarray of float64, shape (n, classes)
        Mean over the splits that tested a row; NaN where none did.
    rows : ndarray of int64
        Those that were tested.
    """
    total, count = np.zeros((len(data), len(classes))), np.zeros(len(data))
    for split in splitter.split(data.spans):
        model = fitted(estimator, data.take(split.train), half_life)
        total[split.test] += probabilities(model, data.X[split.test], classes)
        count[split.test] += 1
    with np.errstate(invalid="ignore"):
        return total / count[:, None], np.flatnonzero(count)


def splitter_text(splitter: Splitter) -> dict[str, Any]:
    """Return a splitter as JSON values."""
    return {"scheme": type(splitter).__name__, **asdict(splitter)}  # type: ignore[call-overload]
