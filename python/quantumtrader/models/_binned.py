"""Class shares by the sign of one feature: what the one-feature baselines share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.models.base import Model

if TYPE_CHECKING:
    from quantumtrader.training.spans import Spans

__all__ = ["ByState"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_PRIOR = 10.0  # rows at the base rate that every state starts with


class ByState(Model):
    """Shares of the classes in each of three states, drawn to the base rate; a missing feature gives that."""

    shares_: Float64

    def _signs(self, X: Float64) -> Float64:
        """Return −1, 0 or 1 per row, NaN where the feature is missing."""
        raise NotImplementedError

    def _fit(self, X: Float64, y: Int64, weights: Float64, spans: Spans | None) -> None:
        sign = self._signs(X)
        self.shares_ = np.empty((3, len(self.classes_)))
        for k, state in enumerate((-1, 0, 1)):
            inside = sign == state
            counts = np.bincount(y[inside], weights[inside], len(self.classes_)) + _PRIOR * self.base_rate_
            self.shares_[k] = counts / counts.sum()

    def _proba(self, X: Float64) -> Float64:
        sign = self._signs(X)
        known = ~np.isnan(sign)
        out = np.tile(self.base_rate_, (len(X), 1))
        out[known] = self.shares_[sign[known].astype(np.int64) + 1]
        return out

    def _state(self, folder: Path) -> dict[str, Any]:
        return {"shares": self.shares_.tolist()}

    def _restore(self, state: Mapping[str, Any], folder: Path) -> None:
        self.shares_ = np.array(state["shares"], np.float64)
