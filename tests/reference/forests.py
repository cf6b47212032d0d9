"""Models and rows that look for a difference between the native walk and the libraries."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

SPECIAL = np.array([
    np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-35, -1e-35, 9.99e-36, 1.0000001e-35, 1e-30, -1e-30,
    1.7e308, -1.7e308, 1e39, 2147483647.0, 2147483648.0, 4294967297.0, -1.0, -0.5, -0.999, 0.999, 31.5, 63.0, 1e15,
])  # fmt: skip
"""Values at which a comparison, a conversion or a lookup can go wrong."""


def features(rng: np.random.Generator, rows: int, missing: bool) -> Float64:
    """Six features: three continuous, one with many zeros, one of small integers, one of categories."""
    x = rng.normal(size=(rows, 6))
    x[:, 3] *= rng.random(rows) < 0.4
    x[:, 4] = rng.integers(-3, 4, rows)
    x[:, 5] = rng.integers(0, 70, rows)
    if missing:
        x[rng.random(x.shape) < 0.1] = np.nan
    return x


def probes(rng: np.random.Generator, x: Float64, text: str, rows: int = 600) -> Float64:
    """Rows of training values, of values at and beside the model's thresholds, and of special ones."""
    numbers = re.findall(r'(?:^threshold=|"split_conditions":\[)([^\n\]]*)', text, re.MULTILINE)
    thresholds = np.array([float(t) for line in numbers for t in re.split(r"[ ,]", line) if t] or [0.0])
    beside = np.concatenate(
        (
            thresholds,
            np.nextafter(thresholds, np.inf),
            np.nextafter(thresholds, -np.inf),
            np.nextafter(thresholds.astype(np.float32), np.float32(np.inf)).astype(np.float64),
            np.nextafter(thresholds.astype(np.float32), np.float32(-np.inf)).astype(np.float64),
        )
    )
    shape = (rows, x.shape[1])
    drawn = np.take_along_axis(x, rng.integers(0, len(x), shape), 0)
    kind = rng.random(shape)
    drawn = np.where(kind < 0.35, rng.choice(beside, shape), drawn)
    return np.ascontiguousarray(np.where(kind > 0.8, rng.choice(SPECIAL, shape), drawn))


def lightgbm_text(seed: int, objective: str, *, rounds: int = 12, **parameters: Any) -> tuple[str, Float64]:
    """A small LightGBM model and the features it was trained on; ``loss`` is a function in the objective's place."""
    import lightgbm

    rng = np.random.default_rng(seed)
    missing, rows = parameters.pop("missing", True), 700
    x = features(rng, rows, missing)
    score = np.nan_to_num(x[:, 0]) + (np.nan_to_num(x[:, 5]) % 7 == 2) + rng.normal(size=rows) / 2
    y: npt.NDArray[Any]
    if objective.startswith("multiclass"):
        y = np.digitize(score, [-0.3, 0.6])
        parameters["num_class"] = 3
    elif objective in ("binary", "cross_entropy", "cross_entropy_lambda", "lambdarank", "rank_xendcg"):
        y = (score > 0).astype(int)
    else:
        y = np.abs(score) + 0.1
    settings = {
        "objective": parameters.pop("loss", objective), "verbose": -1, "num_threads": 1, "num_leaves": 13,
        "min_data_in_leaf": 5, "min_data_per_group": 5, "cat_smooth": 1.0, "max_cat_to_onehot": 4, "seed": seed,
        **parameters,
    }  # fmt: skip
    data = lightgbm.Dataset(
        x,
        y,
        group=[100] * 7 if "rank" in objective else None,
        categorical_feature=[5] if seed % 2 else "auto",
    )
    return lightgbm.train(settings, data, rounds).model_to_string(), x


def xgboost_text(seed: int, objective: str, **parameters: Any) -> tuple[str, Float64]:
    """A small XGBoost model and the features it was trained on."""
    import xgboost

    rng = np.random.default_rng(seed)
    x = features(rng, 700, missing=bool(seed % 3))
    score = np.nan_to_num(x[:, 0]) + np.nan_to_num(x[:, 3]) + rng.normal(size=700) / 2
    if objective.startswith("multi"):
        y: npt.NDArray[Any] = np.digitize(score, [-0.3, 0.6])
        parameters["num_class"] = 3
    else:
        y = score if "squared" in objective else (score > 0).astype(int)
    settings = {"objective": objective, "nthread": 1, "max_depth": 5, "seed": seed, **parameters}
    booster = xgboost.train(settings, xgboost.DMatrix(x, y), 12)
    return bytes(booster.save_raw("json")).decode(), x
