"""A random forest grown by LightGBM, so that one loader serves all trees (Breiman, 2001)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.models._tree import LightGBMText
from quantumtrader.models.base import register_model

__all__ = ["RandomForest"]


@register_model("random_forest")
@dataclass
class RandomForest(LightGBMText):
    """Averaged trees, each on its own draw of rows and, in every node, of columns.

    Parameters
    ----------
    trees, leaves, min_leaf : int
        As in ``LightGBM``.
    row_share, feature_share : float
        Share of the rows per tree, of the columns per node.
    bins, seed, threads : int
        As in ``LightGBM``.
    """

    trees: int = 300
    leaves: int = 63
    min_leaf: int = 50
    row_share: float = 0.632
    feature_share: float = 0.3
    bins: int = 255
    seed: int = 7
    threads: int = 1

    def _rounds(self) -> int:
        return self.trees

    def _contributions(self, X: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        # The library adds the trees' contributions up, though it averages their values.
        return np.asarray(super()._contributions(X) / self._booster_.current_iteration())

    def _parameters(self) -> dict[str, Any]:
        return {
            "boosting": "rf",
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_leaf,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "feature_fraction_bynode": self.feature_share,
            "seed": self.seed,
            "num_threads": self.threads,
            "max_bin": self.bins,
        }
