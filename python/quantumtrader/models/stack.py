"""A linear stack: out-of-fold log-odds of several models, weights not negative and drawn to equal ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.models._logit import fit_binary, sigmoid
from quantumtrader.models.base import Model, register_model

if TYPE_CHECKING:
    from quantumtrader.training.spans import Spans

__all__ = ["Stack"]

Float64 = npt.NDArray[np.float64]


@register_model("stack")
@dataclass
class Stack(Model):
    """Non-negative ridge logistic regression on log-odds.

    A column ``model:class`` holds the log-odds of one class that one model gave to rows it was *not* fitted on
    (``training.cross_validate`` makes them). Two classes need the columns of the second one, three or more
    those of all: one regression per class against the rest. A missing score counts as the mean of the others.

    Parameters
    ----------
    shrinkage : float
        Penalty on the distance from equal weights (1 over the number of models), in rows; not negative.
    """

    shrinkage: float = 100.0

    def __post_init__(self) -> None:
        if not self.shrinkage >= 0:
            raise ConfigError(f"stack: shrinkage is {self.shrinkage}, expected a number that is not negative")

    def _fit(self, X: Float64, y: npt.NDArray[np.int64], weights: Float64, spans: Spans | None) -> None:
        self.weights_ = [
            _non_negative(self._scores(X, c), (y == c).astype(np.float64), weights, self.shrinkage)
            for c in self._targets()
        ]

    def _proba(self, X: Float64) -> Float64:
        pairs = zip(self._targets(), self.weights_, strict=True)
        z = np.column_stack([self._scores(X, c) @ w[:-1] + w[-1] for c, w in pairs])
        p = np.clip(sigmoid(z), 1e-12, 1 - 1e-12)
        return p if p.shape[1] > 1 else np.column_stack((1 - p, p))

    def _targets(self) -> range:
        return range(1, 2) if len(self.classes_) == 2 else range(len(self.classes_))

    def _scores(self, X: Float64, target: int) -> Float64:
        suffix = f":{self.classes_[target]}"
        chosen = [k for k, name in enumerate(self.names_) if name.endswith(suffix)]
        if not chosen:
            raise ConfigError(
                f"stack: no column of class {self.classes_[target]}: expected names such as lightgbm{suffix}"
            )
        used = X[:, chosen]
        known = ~np.isnan(used)
        mean = np.where(known, used, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return np.where(known, used, mean[:, None])

    def _state(self, folder: Path) -> dict[str, Any]:
        return {"weights": [w.tolist() for w in self.weights_]}

    def _restore(self, state: Mapping[str, Any], folder: Path) -> None:
        self.weights_ = [np.array(w, np.float64) for w in state["weights"]]


def _non_negative(X: Float64, target: Float64, weights: Float64, shrinkage: float) -> Float64:
    """Fit with an intercept; coefficients that want to be negative are set to 0, one after the other."""
    k = X.shape[1]
    free = list(range(k))
    while True:
        design = np.column_stack((X[:, free], np.ones(len(X))))
        penalty = np.concatenate((np.full(len(free), shrinkage), [0.0]))
        centre = np.concatenate((np.full(len(free), 1 / k), [0.0]))
        found = fit_binary(design, target, weights, penalty, centre)
        if not free or (found[:-1] >= 0).all():
            break
        del free[int(found[:-1].argmin())]
    out = np.zeros(k + 1)
    out[free], out[-1] = found[:-1], found[-1]
    return out
