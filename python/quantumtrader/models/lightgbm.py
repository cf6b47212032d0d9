"""Gradient-boosted trees of LightGBM: the primary model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quantumtrader.models._tree import LightGBMText, monotone
from quantumtrader.models.base import register_model

__all__ = ["LightGBM"]


@register_model("lightgbm")
@dataclass
class LightGBM(LightGBMText):
    """Binary or multi-class boosting; the same data, parameters and seed give the same text.

    Parameters
    ----------
    trees : int
        Rounds; 200 to 500 are usual.
    leaves : int
        Of a tree, at most 63 for the native forest's fast path.
    learning_rate, min_leaf, l2 : float, int, float
        Shrinkage, least rows in a leaf, ridge on leaf values.
    feature_share, row_share : float
        Share of the columns per tree, of the rows per round.
    monotone : dict of str to int
        Columns in which the score of the last class may only rise (1) or fall (−1); two classes only.
    bins : int
        Of a column's values; fewer are quicker, and coarser.
    seed : int
        Of every draw.
    threads : int
        Of the library; folds run in parallel instead.
    """

    trees: int = 300
    leaves: int = 31
    learning_rate: float = 0.03
    min_leaf: int = 100
    l2: float = 1.0
    feature_share: float = 0.5
    row_share: float = 0.7
    bins: int = 255
    monotone: Mapping[str, int] = field(default_factory=dict)
    seed: int = 7
    threads: int = 1

    def _rounds(self) -> int:
        return self.trees

    def _parameters(self) -> dict[str, Any]:
        given: dict[str, Any] = {
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.min_leaf,
            "lambda_l2": self.l2,
            "feature_fraction": self.feature_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1 if self.row_share < 1 else 0,
            "seed": self.seed,
            "num_threads": self.threads,
            "max_bin": self.bins,
        }
        if self.monotone:
            given["monotone_constraints"] = monotone(self.monotone, self.names_, self.kind)
        return given
