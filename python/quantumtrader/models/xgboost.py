"""Gradient-boosted trees of XGBoost: a second opinion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import MissingExtraError
from quantumtrader.models._tree import monotone
from quantumtrader.models.base import Model, register_model

if TYPE_CHECKING:
    from quantumtrader.training.spans import Spans

__all__ = ["XGBoost"]

Float64 = npt.NDArray[np.float64]
MODEL_FILE = "model.json"


@register_model("xgboost")
@dataclass
class XGBoost(Model):
    """Histogram boosting; needs the extra ``xgboost``.

    Parameters
    ----------
    trees, depth : int
        Rounds, and depth of a tree.
    learning_rate, l2, min_child_weight : float
        Shrinkage, ridge on leaf values, least weight in a leaf.
    feature_share, row_share : float
        Share of the columns and rows per tree.
    monotone : dict of str to int
        As in ``LightGBM``.
    seed, threads : int
        As in ``LightGBM``.
    """

    trees: int = 300
    depth: int = 5
    learning_rate: float = 0.03
    l2: float = 1.0
    min_child_weight: float = 20.0
    feature_share: float = 0.5
    row_share: float = 0.7
    monotone: Mapping[str, int] = field(default_factory=dict)
    seed: int = 7
    threads: int = 1

    def _fit(self, X: Float64, y: npt.NDArray[np.int64], weights: Float64, spans: Spans | None) -> None:
        xgb = _library()
        several = len(self.classes_) > 2
        parameters: dict[str, Any] = {
            "objective": "multi:softprob" if several else "binary:logistic",
            **({"num_class": len(self.classes_)} if several else {}),
            "tree_method": "hist",
            "max_depth": self.depth,
            "eta": self.learning_rate,
            "lambda": self.l2,
            "min_child_weight": self.min_child_weight,
            "colsample_bytree": self.feature_share,
            "subsample": self.row_share,
            "seed": self.seed,
            "nthread": self.threads,
        }
        if self.monotone:
            parameters["monotone_constraints"] = tuple(monotone(self.monotone, self.names_, self.kind))
        data = xgb.DMatrix(X, y, weight=weights, nthread=self.threads)
        booster = xgb.train(parameters, data, num_boost_round=self.trees)
        self._take(bytes(booster.save_raw("json")))

    def _proba(self, X: Float64) -> Float64:
        p = np.asarray(self._booster_.predict(_library().DMatrix(X, nthread=1)), np.float64)
        return np.column_stack((1 - p, p)) if p.ndim == 1 else p

    def _contributions(self, X: Float64) -> Float64:
        scores = 1 if len(self.classes_) == 2 else len(self.classes_)
        found = self._booster_.predict(_library().DMatrix(X, nthread=1), pred_contribs=True)
        return np.asarray(found, np.float64).reshape(len(X), scores, len(self.names_) + 1)

    def _state(self, folder: Path) -> dict[str, Any]:
        (folder / MODEL_FILE).write_bytes(self.raw_)
        return {"model": MODEL_FILE}

    def _restore(self, state: Mapping[str, Any], folder: Path) -> None:
        self._take((folder / str(state["model"])).read_bytes())

    def _take(self, raw: bytes) -> None:
        xgb = _library()
        self.raw_ = raw
        self._booster_ = xgb.Booster()
        try:
            self._booster_.load_model(bytearray(raw))
        except xgb.core.XGBoostError as error:
            raise ValueError(str(error)) from error
        self._booster_.set_param({"nthread": 1})


def _library() -> ModuleType:
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtraError("xgboost-cpu", "xgboost", "an XGBoost model") from error
    module: ModuleType = xgboost
    return module
