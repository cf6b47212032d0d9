"""The base rate: what a model must beat before it has said anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.models.base import Model, register_model

if TYPE_CHECKING:
    from quantumtrader.training.spans import Spans

__all__ = ["BaseRate"]

Float64 = npt.NDArray[np.float64]


@register_model("base_rate")
@dataclass
class BaseRate(Model):
    """Every row gets the weighted shares of the training rows."""

    def _fit(self, X: Float64, y: npt.NDArray[np.int64], weights: Float64, spans: Spans | None) -> None:
        """All there is to learn is in ``base_rate_``."""

    def _proba(self, X: Float64) -> Float64:
        return np.tile(self.base_rate_, (len(X), 1))

    def _state(self, folder: Path) -> dict[str, Any]:
        return {}

    def _restore(self, state: Mapping[str, Any], folder: Path) -> None:
        """Nothing to restore."""
