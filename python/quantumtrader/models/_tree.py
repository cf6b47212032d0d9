"""What the LightGBM kinds share: training data, texts, boosters."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, MissingExtraError
from quantumtrader.models.base import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quantumtrader.training.spans import Spans

__all__ = ["LightGBMText", "monotone"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

MODEL_FILE = "model.txt"
"""The booster in LightGBM's text format."""


def library() -> ModuleType:
    """Return the lightgbm module.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtraError("lightgbm", "ml", "a LightGBM model") from error
    module: ModuleType = lightgbm
    return module


def monotone(signs: Mapping[str, int], names: tuple[str, ...], kind: str) -> list[int]:
    """Return the constraint of every column: 1 rising, −1 falling, 0 free.

    Raises
    ------
    ConfigError
        A name is not a column, or a sign is none of these.
    """
    odd = sorted(signs.keys() - set(names))
    if odd or any(sign not in (-1, 0, 1) for sign in signs.values()):
        raise ConfigError(f"{kind}: monotone constraints {dict(signs)}: unknown {odd}, signs are -1, 0 or 1")
    return [int(signs.get(name, 0)) for name in names]


class LightGBMText(Model):
    """A LightGBM booster, known by its text: the text is what is saved, compared and loaded."""

    text_: str

    def _parameters(self) -> dict[str, Any]:
        raise NotImplementedError

    def _rounds(self) -> int:
        raise NotImplementedError

    def _fit(self, X: Float64, y: Int64, weights: Float64, spans: Spans | None) -> None:
        lgb = library()
        several = len(self.classes_) > 2
        parameters = {
            "objective": "multiclass" if several else "binary",
            **({"num_class": len(self.classes_)} if several else {}),
            "verbosity": -1,
            "deterministic": True,
            "force_row_wise": True,
            **self._parameters(),
        }
        data = lgb.Dataset(
            X,
            y,
            weight=weights,
            feature_name=[
                f"f{k}" for k in range(X.shape[1])
            ],  # names may hold what the format does not allow
            params={"verbosity": -1, "max_bin": parameters.get("max_bin", 255)},
            free_raw_data=True,
        )
        booster = lgb.train(parameters, data, num_boost_round=self._rounds())
        self.text_ = booster.model_to_string()
        self._booster_ = lgb.Booster(model_str=self.text_)

    def _raw(self, X: Float64, **options: Any) -> Float64:
        # One thread: the library's own threads cost more than they save on a few rows.
        return np.asarray(self._booster_.predict(X, num_threads=1, **options), np.float64)

    def _proba(self, X: Float64) -> Float64:
        p = self._raw(X)
        return np.column_stack((1 - p, p)) if p.ndim == 1 else p

    def _contributions(self, X: Float64) -> Float64:
        scores = 1 if len(self.classes_) == 2 else len(self.classes_)
        return self._raw(X, pred_contrib=True).reshape(len(X), scores, len(self.names_) + 1)

    def _state(self, folder: Path) -> dict[str, Any]:
        (folder / MODEL_FILE).write_text(self.text_, encoding="utf-8", newline="\n")
        return {"model": MODEL_FILE}

    def _restore(self, state: Mapping[str, Any], folder: Path) -> None:
        lgb = library()
        self.text_ = (folder / str(state["model"])).read_text(encoding="utf-8")
        try:
            self._booster_ = lgb.Booster(model_str=self.text_)
        except lgb.basic.LightGBMError as error:
            raise ValueError(str(error)) from error

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_booster_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "text_" in state:
            self._booster_ = library().Booster(model_str=self.text_)
