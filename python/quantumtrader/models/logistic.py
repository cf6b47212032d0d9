"""Logistic regression with a ridge on a few named features; the scaling is part of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.models._logit import fit_binary, fit_multinomial, sigmoid, softmax
from quantumtrader.models.base import Model, register_model

if TYPE_CHECKING:
    from quantumtrader.training.spans import Spans

__all__ = ["Logistic"]

Float64 = npt.NDArray[np.float64]


@register_model("logistic")
@dataclass
class Logistic(Model):
    """L2-penalised logistic regression, multinomial for more than two classes.

    Features are centred, scaled and clipped by numbers of the training rows, inside :meth:`fit`: there is no
    scaler outside that could have seen other rows. A missing value counts as the training mean.

    Parameters
    ----------
    columns : sequence of str
        Features to use; all when empty.
    l2 : float
        Penalty per coefficient on scaled features, relative to a total weight of n; not negative.
    clip : float
        Scaled values are cut off here, in standard deviations.
    """

    columns: Sequence[str] = ()
    l2: float = 1.0
    clip: float = 6.0

    def __post_init__(self) -> None:
        if not (self.l2 >= 0 and self.clip > 0):
            raise ConfigError(
                f"logistic: l2 is {self.l2}, clip {self.clip}; expected not negative and positive"
            )

    def _fit(self, X: Float64, y: npt.NDArray[np.int64], weights: Float64, spans: Spans | None) -> None:
        used = X[:, self._chosen()]
        known = ~np.isnan(used)
        w = weights[:, None] * known
        total = np.maximum(w.sum(axis=0), np.finfo(float).tiny)
        filled = np.where(known, used, 0.0)
        self.mean_ = (w * filled).sum(axis=0) / total
        spread = np.sqrt((w * (filled - self.mean_) ** 2).sum(axis=0) / total)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        design = self._design(X)
        penalty = np.concatenate((np.full(used.shape[1], self.l2), [0.0]))
        if len(self.classes_) == 2:
            self.weights_ = fit_binary(design, y.astype(np.float64), weights, penalty)[:, None]
        else:
            self.weights_ = fit_multinomial(design, y, len(self.classes_), weights, penalty)

    def _proba(self, X: Float64) -> Float64:
        z = self._design(X) @ self.weights_
        if z.shape[1] > 1:
            return softmax(z)
        p = sigmoid(z[:, 0])
        return np.column_stack((1 - p, p))

    def _contributions(self, X: Float64) -> Float64:
        design = self._design(X)
        out = np.zeros((len(X), self.weights_.shape[1], len(self.names_) + 1))
        out[:, :, [*self._chosen(), len(self.names_)]] = design[:, None, :] * self.weights_.T
        return out

    def _chosen(self) -> list[int]:
        return (
            [self._column(name) for name in self.columns] if self.columns else list(range(len(self.names_)))
        )

    def _design(self, X: Float64) -> Float64:
        scaled = np.clip((X[:, self._chosen()] - self.mean_) / self.scale_, -self.clip, self.clip)
        return np.column_stack((np.nan_to_num(scaled, nan=0.0), np.ones(len(X))))

    def _state(self, folder: Path) -> dict[str, Any]:
        return {
            "mean": self.mean_.tolist(),
            "scale": self.scale_.tolist(),
            "weights": self.weights_.tolist(),
        }

    def _restore(self, state: Mapping[str, Any], folder: Path) -> None:
        self.mean_, self.scale_, self.weights_ = (
            np.array(state[k], np.float64) for k in ("mean", "scale", "weights")
        )
