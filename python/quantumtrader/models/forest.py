"""Tree ensembles at decision time: the native walk, or the library on one thread.

Both give the numbers of the library that trained the model, bit for bit. The native one needs no library, and
several times less time (``docs/concepts/forest.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from quantumtrader import _backend
from quantumtrader.exceptions import DataFormatError, ManifestError, MissingExtraError

if TYPE_CHECKING:
    from quantumtrader._protocols import Float64

__all__ = ["Forest", "LibraryForest"]


class Forest(Protocol):
    """A trained tree ensemble.

    Made by :meth:`from_text`. Safe to use from several threads.

    Examples
    --------
    >>> from quantumtrader.models.forest import Forest
    >>> forest = Forest.from_text(open("model.txt").read())  # doctest: +SKIP
    >>> forest.predict(row)  # doctest: +SKIP
    0.5312
    """

    @staticmethod
    def from_text(text: str, /) -> Forest:
        """Read a model: the text of LightGBM (``Booster.save_model``), or the JSON of XGBoost.

        Parameters
        ----------
        text : str
            The whole file.

        Returns
        -------
        Forest
            The native one where the Rust engine is in force, else a :class:`LibraryForest`.

        Raises
        ------
        DataFormatError
            If the text is damaged, or holds anything that the native walk would not evaluate exactly as the library;
            the message has the place and what is there.
        MissingExtraError
            If the Rust engine is not in force and the library is not installed.
        """
        if _backend.engine().name == "rust":
            from quantumtrader._core import Forest as NativeForest

            return NativeForest.from_text(text)
        return LibraryForest.from_text(text)

    @property
    def num_features(self) -> int:
        """Features of a row."""
        ...

    @property
    def num_classes(self) -> int:
        """Scores of a row: the classes of a multi-class model, 1 for any other, a binary one included."""
        ...

    @property
    def num_trees(self) -> int:
        """Trees of all classes."""
        ...

    @property
    def feature_names(self) -> list[str]:
        """Names of the features in the order of a row; empty when the model has none."""
        ...

    def predict_raw(self, x: npt.ArrayLike, /) -> float | Float64:
        """Return the sums of leaves, before the objective's transform.

        Parameters
        ----------
        x : array_like of float, shape (num_features,) or (n, num_features)
            A row, or a batch of rows. NaN is missing. Contiguous float64 is read without a copy.

        Returns
        -------
        float, or ndarray of float64
            Of a row: a float, or shape ``(num_classes,)`` when there are several. Of a batch: shape ``(n,)``, or
            ``(n, num_classes)``.

        Raises
        ------
        ManifestError
            If the rows do not have the model's number of features.
        """
        ...

    def predict(self, x: npt.ArrayLike, /) -> float | Float64:
        """Return predictions: probabilities or values, whatever the objective makes of the raw scores.

        Parameters, results and errors are those of :meth:`predict_raw`.
        """
        ...


class LibraryForest:
    """The library itself, on one thread: what runs without the Rust engine, and what that is compared with.

    Parameters
    ----------
    text : str
        The model.
    """

    def __init__(self, text: str) -> None:
        self._library = _XGBoost(text) if text.lstrip().startswith("{") else _LightGBM(text)

    @staticmethod
    def from_text(text: str, /) -> LibraryForest:
        """Read a model; errors as in :meth:`Forest.from_text`."""
        return LibraryForest(text)

    @property
    def num_features(self) -> int:
        """Features of a row."""
        return self._library.num_features

    @property
    def num_classes(self) -> int:
        """Scores of a row."""
        return self._library.num_classes

    @property
    def num_trees(self) -> int:
        """Trees of all classes."""
        return self._library.num_trees

    @property
    def feature_names(self) -> list[str]:
        """Names of the features; empty when the model has none."""
        return list(self._library.feature_names)

    def predict_raw(self, x: npt.ArrayLike, /) -> float | Float64:
        """As :meth:`Forest.predict_raw`."""
        return self._shaped(x, raw=True)

    def predict(self, x: npt.ArrayLike, /) -> float | Float64:
        """As :meth:`Forest.predict`."""
        return self._shaped(x, raw=False)

    def _shaped(self, x: npt.ArrayLike, *, raw: bool) -> float | Float64:
        rows = np.array(x, np.float64, order="C", copy=None)
        if rows.ndim not in (1, 2):
            raise ManifestError(f"a row or a batch of rows was expected, got {rows.ndim} dimensions")
        if rows.shape[-1] != self.num_features:
            raise ManifestError(
                f"{rows.shape[-1]} values given, the model has {self.num_features} features per row"
            )
        batch = np.atleast_2d(rows)
        shape = (len(batch), self.num_classes) if self.num_classes > 1 else (len(batch),)
        scores: Float64 = np.zeros(shape)
        if len(batch):
            scores[:] = self._library.scores(batch, raw)
        if rows.ndim == 2:
            return scores
        return float(scores[0]) if self.num_classes == 1 else scores[0]


class _LightGBM:
    def __init__(self, text: str) -> None:
        try:
            import lightgbm
        except ImportError as error:
            raise MissingExtraError("lightgbm", "ml", "a LightGBM model without the Rust engine") from error
        # Told of a broken text, some of its versions end the process instead of raising.
        if not text.startswith("tree\n") or "\nend of trees\n" not in text:
            raise DataFormatError("the text is no LightGBM model", remedy="Save the model anew")
        try:
            self._booster: Any = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise DataFormatError(
                f"model refused by LightGBM: {error}", remedy="Save the model anew"
            ) from error
        self.num_features: int = self._booster.num_feature()
        self.num_classes: int = self._booster.num_model_per_iteration()
        self.num_trees: int = self._booster.num_trees()
        self.feature_names: list[str] = self._booster.feature_name()

    def scores(self, rows: Float64, raw: bool) -> Float64:
        scores: Float64 = self._booster.predict(rows, raw_score=raw, num_threads=1)
        return scores


class _XGBoost:
    def __init__(self, text: str) -> None:
        try:
            import xgboost
        except ImportError as error:
            raise MissingExtraError(
                "xgboost-cpu", "xgboost", "an XGBoost model without the Rust engine"
            ) from error
        try:
            self._booster: Any = xgboost.Booster({"nthread": 1})
            self._booster.load_model(bytearray(text, "utf-8"))
        except xgboost.core.XGBoostError as error:
            raise DataFormatError(
                f"model refused by XGBoost: {error}", remedy="Save the model anew"
            ) from error
        self.num_features: int = self._booster.num_features()
        self.feature_names: list[str] = list(self._booster.feature_names or [])
        shape = self.scores(np.zeros((1, self.num_features)), raw=True).shape
        self.num_classes: int = shape[1] if len(shape) > 1 else 1
        self.num_trees: int = len(self._booster.get_dump())

    def scores(self, rows: Float64, raw: bool) -> Float64:
        kind = "margin" if raw else "value"
        scores = self._booster.inplace_predict(rows, predict_type=kind, validate_features=False)
        return np.asarray(scores, np.float64)
