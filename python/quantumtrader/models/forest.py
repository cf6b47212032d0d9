"""Trees from their text, one row or many, by the library on one thread."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.models._tree import library

__all__ = ["Forest"]

Float64 = npt.NDArray[np.float64]


class Forest:
    """LightGBM's trees."""

    def __init__(self, booster: Any) -> None:
        self._booster = booster

    @classmethod
    def from_text(cls, text: str) -> Forest:
        """Read a model in LightGBM's text format."""
        return cls(library().Booster(model_str=text))

    @property
    def num_features(self) -> int:
        """Columns of a row."""
        return int(self._booster.num_feature())

    @property
    def num_classes(self) -> int:
        """Scores of a row: the classes of a multi-class model, else 1."""
        return int(self._booster.num_model_per_iteration())

    def predict(self, rows: Float64) -> Any:
        """Return what the objective makes of the scores, for one row or many."""
        return self._predict(rows, raw=False)

    def predict_raw(self, rows: Float64) -> Any:
        """Return raw scores of one row or many."""
        return self._predict(rows, raw=True)

    def _predict(self, rows: Float64, *, raw: bool) -> Any:
        found = self._booster.predict(np.atleast_2d(rows), raw_score=raw, num_threads=1)
        return found[0] if rows.ndim == 1 else found
