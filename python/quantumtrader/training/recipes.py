"""What is fitted on the training part of a split: a model, its calibration, or a stack of models.

Everything that is learned from data happens in :meth:`Recipe.fit`, which is given training rows and nothing of the
test. So calibration, stacking weights and scaling cannot have seen one. What it returns is what is evaluated, and,
fitted on all rows that may be trained on, what the registry saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.models._logit import log_odds
from quantumtrader.models.base import Estimator
from quantumtrader.models.calibration import Calibration
from quantumtrader.models.composite import Composite, aligned, stack_columns
from quantumtrader.models.stack import Stack
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.splits import Splitter
from quantumtrader.training.trials import TrialLedger
from quantumtrader.training.weights import average_uniqueness, time_decay

__all__ = [
    "Fitted",
    "Recipe",
    "Searching",
    "Single",
    "Stacked",
    "fitted",
    "out_of_fold",
    "probabilities",
    "training_weights",
]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a recipe made of training rows.

    Parameters
    ----------
    estimator : Estimator
        Fitted.
    calibration : Calibration or None
        From its probabilities to those that mean what they say; fitted on rows that it had not seen.
    """

    estimator: Estimator
    calibration: Calibration | None = None

    def predict(self, X: Float64, classes: Int64) -> Float64:
        """Return probabilities of ``classes``, shape (n, classes)."""
        p = self.estimator.predict_proba(X)
        if self.calibration is not None:
            p = self.calibration.apply(p)
        return aligned(p, self.estimator.classes_, classes)


class Recipe(Protocol):
    """Turns training rows into predictions for test rows."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything that was chosen, as JSON values: what the ledger stores."""
        ...

    def fit(self, train: Dataset, half_life: float = float("inf")) -> Fitted:
        """Learn from training rows."""
        ...

    def fit_predict(self, train: Dataset, X: Float64, classes: Int64, half_life: float) -> Float64:
        """Return probabilities of ``classes`` for the rows ``X``, shape (n, classes)."""
        ...


@runtime_checkable
class Searching(Recipe, Protocol):
    """A recipe whose fit evaluates trials, and so writes lines."""

    @property
    def ledger(self) -> TrialLedger:
        """Where they go."""
        ...

    @property
    def trials_study(self) -> str:
        """The study that they are of."""
        ...

    def into(self, ledger: TrialLedger) -> Recipe:
        """Return the same recipe with another ledger."""
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

    def fit(self, train: Dataset, half_life: float = float("inf")) -> Fitted:
        """Fit on all training rows; calibrate on inner out-of-fold rows."""
        found = fitted(self.estimator, train, half_life)
        if self.calibration is None or self.inner is None:
            return Fitted(found)
        classes = train.classes
        scores, rows = out_of_fold(self.estimator, train, self.inner, classes, half_life)
        outcomes = np.searchsorted(classes, train.y[rows])
        weights = average_uniqueness(train.spans[rows])
        return Fitted(found, Calibration.fit(scores[rows], outcomes, weights, method=self.calibration))

    def fit_predict(self, train: Dataset, X: Float64, classes: Int64, half_life: float) -> Float64:
        """See ``Recipe``."""
        return self.fit(train, half_life).predict(X, classes)


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

    def fit(self, train: Dataset, half_life: float = float("inf")) -> Fitted:
        """Fit the stack on inner out-of-fold rows, and the models again on all training rows."""
        members = [fitted(estimator, train, half_life) for estimator in self.estimators]
        scores, rows = [], np.arange(0)
        for estimator in self.estimators:
            found, rows = out_of_fold(estimator, train, self.inner, train.classes, half_life)
            scores.append(log_odds(found[rows]))
        part = train.take(rows)
        stack = self.stack.clone().fit(
            np.column_stack(scores),
            part.y,
            training_weights(part, half_life),
            names=stack_columns(members),
            spans=part.spans,
        )
        return Fitted(Composite.of(members, stack, train.names))

    def fit_predict(self, train: Dataset, X: Float64, classes: Int64, half_life: float) -> Float64:
        """See ``Recipe``."""
        return self.fit(train, half_life).predict(X, classes)


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
    return aligned(estimator.predict_proba(X), estimator.classes_, classes)


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
