"""What a model is: scikit-learn's shape, files instead of pickles, and a registry of kinds.

A model is a dataclass whose fields are its parameters. What it learned lives in attributes that end in ``_``.
The base class checks inputs once for all kinds, so that a model file holds the model and nothing else.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataAccessError, DataError, DataFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quantumtrader.training.spans import Spans

__all__ = ["Estimator", "Model", "load_estimator", "model", "model_kinds", "register_model"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

ESTIMATOR_FILE = "estimator.json"
"""Kind, parameters, classes, columns and what JSON can hold of the state."""
SCHEMA = 1


class Estimator(Protocol):
    """A classifier in scikit-learn's shape that is saved as plain files."""

    kind: ClassVar[str]
    classes_: Int64
    names_: tuple[str, ...]

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        names: Sequence[str],
        spans: Spans | None = None,
    ) -> Self:
        """Learn from rows; returns itself."""
        ...

    def predict_proba(self, X: npt.ArrayLike) -> Float64:
        """Probability of each class, shape (n, classes)."""
        ...

    def get_params(self) -> dict[str, Any]:
        """Parameters, JSON values."""
        ...

    def clone(self) -> Self:
        """Return an unfitted model with the same parameters."""
        ...

    def to_files(self, folder: Path) -> None:
        """Write the fitted model into a folder."""
        ...

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what :meth:`to_files` wrote."""
        ...


class Model(ABC):
    """Base of the models of this package: dataclasses that implement ``_fit``, ``_proba`` and their state.

    Attributes
    ----------
    kind : str
        Name in the registry.
    classes_ : ndarray of int64, shape (classes,)
        Ascending; the order of the columns of :meth:`predict_proba`.
    names_ : tuple of str
        Columns it was fitted on, in order.
    base_rate_ : ndarray of float64, shape (classes,)
        Weighted share of each class in the training rows.
    """

    kind: ClassVar[str] = ""
    classes_: Int64
    names_: tuple[str, ...]
    base_rate_: Float64

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        names: Sequence[str],
        spans: Spans | None = None,
    ) -> Self:
        """Learn from rows.

        Parameters
        ----------
        X : array_like of float, shape (n, features)
            NaN where a feature is missing; infinite values are refused.
        y : array_like of int, shape (n,)
            Classes.
        sample_weight : array_like of float, shape (n,), optional
            Finite, not negative, not all 0. Only their ratios count.
        names : sequence of str
            Of the columns.
        spans : Spans, optional
            Of the rows; for models that divide them further.

        Raises
        ------
        DataError
            Shapes differ, there is one class only, or a value is infinite; the message names the column.
        ConfigError
            A parameter names a column that is not there.
        """
        values, columns = _matrix(X, names)
        raw = np.asarray(y)
        labels = raw.astype(np.int64)
        if labels.shape != (len(values),) or not (labels == raw).all():
            raise DataError(
                f"{self.kind}: {labels.shape} labels for {values.shape} rows, expected one whole number each"
            )
        if spans is not None and len(spans) != len(values):
            raise DataError(f"{self.kind}: {len(spans)} spans for {len(values)} rows")
        weights = (
            np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight, np.float64).copy()
        )
        if weights.shape != labels.shape or not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise DataError(
                f"{self.kind}: weights must be finite, not negative, and as many as rows ({len(values)})"
            )
        kept = weights > 0
        classes = np.unique(labels[kept])
        if len(classes) < 2:
            raise DataError(
                f"{self.kind}: the training rows hold {len(classes)} class(es) ({', '.join(map(str, classes))})",
                remedy="Use more sessions, or a smaller dead zone",
            )
        values, labels, weights = values[kept], labels[kept], weights[kept]
        weights /= weights.mean()
        index = np.searchsorted(classes, labels)
        self.classes_, self.names_ = classes, columns
        self.base_rate_ = np.bincount(index, weights, len(classes)) / weights.sum()
        self._fit(values, index, weights, spans[np.flatnonzero(kept)] if spans is not None else None)
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Float64:
        """Return the probability of each class.

        Parameters
        ----------
        X : array_like of float, shape (n, features)
            Columns in the order of ``names_``; NaN where a feature is missing.

        Returns
        -------
        ndarray of float64, shape (n, classes)
            Rows add up to 1; finite also where every feature is missing.

        Raises
        ------
        ConfigError
            The model was not fitted.
        DataError
            Another number of columns, or an infinite value.
        """
        self._require_fitted()
        values, _ = _matrix(X, self.names_)
        if not len(values):
            return np.empty((0, len(self.classes_)))
        p = self._proba(values)
        return np.asarray(p / p.sum(axis=1, keepdims=True))

    def predict(self, X: npt.ArrayLike) -> Int64:
        """Return the most probable class of each row, shape (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def contributions(self, X: npt.ArrayLike) -> Float64:
        """Say what each feature added to the raw scores.

        Returns
        -------
        ndarray of float64, shape (n, scores, features + 1)
            One score (the log-odds of the second class) for two classes, else one per class. The last column
            is the constant; each row adds up to the raw score.

        Raises
        ------
        ConfigError
            This kind cannot say.
        """
        self._require_fitted()
        values, _ = _matrix(X, self.names_)
        return self._contributions(values)

    def get_params(self) -> dict[str, Any]:
        """Return the parameters by name; JSON values."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]

    def clone(self) -> Self:
        """Return an unfitted model with the same parameters."""
        return type(self)(**self.get_params())

    def to_files(self, folder: Path) -> None:
        """Write the fitted model: ``estimator.json``, and what the kind adds. The same model, the same bytes.

        Raises
        ------
        ConfigError
            The model was not fitted.
        """
        self._require_fitted()
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "schema": SCHEMA,
            "kind": self.kind,
            "parameters": self.get_params(),
            "classes": self.classes_.tolist(),
            "names": list(self.names_),
            "base_rate": self.base_rate_.tolist(),
            "state": self._state(folder),
        }
        text = json.dumps(document, sort_keys=True, indent=1, allow_nan=False)
        (folder / ESTIMATOR_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what :meth:`to_files` wrote.

        Raises
        ------
        DataAccessError
            There is no model.
        DataFormatError
            It is of another kind, or broken.
        """
        document = _document(folder)
        if document["kind"] != cls.kind:
            raise DataFormatError(f"the model is of kind {document['kind']!r}, not {cls.kind!r}", path=folder)
        try:
            found = cls(**document["parameters"])
            found.classes_ = np.array(document["classes"], np.int64)
            found.names_ = tuple(document["names"])
            found.base_rate_ = np.array(document["base_rate"], np.float64)
            found._restore(document["state"], folder)
        except (KeyError, TypeError, ValueError) as error:
            raise DataFormatError(f"the model cannot be read: {error}", path=folder) from error
        return found

    @abstractmethod
    def _fit(self, X: Float64, y: Int64, weights: Float64, spans: Spans | None) -> None:
        """Learn; ``y`` are indices into ``classes_``, weights are positive with mean 1."""

    @abstractmethod
    def _proba(self, X: Float64) -> Float64:
        """Return positive numbers, shape (n, classes); the caller makes rows add up to 1."""

    @abstractmethod
    def _state(self, folder: Path) -> dict[str, Any]:
        """Return what was learned as JSON values; large things go into files of the folder."""

    @abstractmethod
    def _restore(self, state: Mapping[str, Any], folder: Path) -> None:
        """Take what :meth:`_state` gave."""

    def _contributions(self, X: Float64) -> Float64:
        raise ConfigError(f"{self.kind} cannot say what each feature contributed")

    def _require_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            raise ConfigError(f"{self.kind}: the model was not fitted; call fit, or read one with from_files")

    def _column(self, name: str) -> int:
        if name not in self.names_:
            raise ConfigError(f"{self.kind}: the column {name!r} is not among the {len(self.names_)} given")
        return self.names_.index(name)


_KINDS: dict[str, type[Model]] = {}
_HOMES = (
    "base_rate",
    "composite",
    "imbalance_threshold",
    "last_sign",
    "lightgbm",
    "logistic",
    "lstm",
    "random_forest",
    "stack",
    "transformer",
    "xgboost",
)
"""Modules of this package that register a kind; a kind of the user's own registers itself when imported."""

M = TypeVar("M", bound=type[Model])


def register_model(kind: str) -> Callable[[M], M]:
    """Register a class under a kind.

    Raises
    ------
    ConfigError
        Another class has this kind.
    """

    def register(cls: M) -> M:
        known = _KINDS.get(kind)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise ConfigError(f"the model kind {kind!r} is taken by {known.__qualname__}")
        cls.kind = kind
        _KINDS[kind] = cls
        return cls

    return register


def model_kinds() -> tuple[str, ...]:
    """Return the kinds of models, by name."""
    for home in _HOMES:
        import_module(f"quantumtrader.models.{home}")
    return tuple(sorted(_KINDS))


def model(kind: str, **parameters: Any) -> Model:
    """Make an unfitted model.

    Raises
    ------
    ConfigError
        The kind is not known, or a parameter is not one of its.
    """
    cls = _class_of(kind)
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    odd = sorted(parameters.keys() - known)
    if odd:
        raise ConfigError(f"{kind} has no parameter {', '.join(odd)}; it has {', '.join(sorted(known))}")
    return cls(**parameters)


def load_estimator(folder: Path) -> Model:
    """Read a model of any kind; errors as in :meth:`Model.from_files`."""
    return _class_of(str(_document(folder)["kind"])).from_files(folder)


def _class_of(kind: str) -> type[Model]:
    kinds = model_kinds()
    if kind not in kinds:
        raise ConfigError(f"no model kind {kind!r}; there are {', '.join(kinds)}")
    return _KINDS[kind]


def _document(folder: Path) -> dict[str, Any]:
    path = folder / ESTIMATOR_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataAccessError(f"no model is here: {error}", path=path) from error
    except ValueError as error:
        raise DataFormatError(f"not JSON: {error}", path=path) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise DataFormatError(f"not a model of layout {SCHEMA}", path=path)
    return document


def _matrix(X: npt.ArrayLike, names: Sequence[str]) -> tuple[Float64, tuple[str, ...]]:
    columns = tuple(names)
    values = np.ascontiguousarray(X, np.float64)
    if values.ndim != 2 or values.shape[1] != len(columns):
        raise DataError(
            f"model rows: shape {values.shape}, expected (n, {len(columns)}): one column per feature name"
        )
    if len(set(columns)) != len(columns):
        raise DataError("model rows: a column name is there twice")
    infinite = np.isinf(values).any(axis=0)
    if infinite.any():
        raise DataError(f"model rows: {columns[int(infinite.argmax())]} is infinite; missing is NaN")
    return values, columns


def _plain(value: Any) -> Any:
    """Return JSON's form of a parameter: lists, plain dictionaries, finite numbers."""
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"model parameter is {value}; expected a finite number")
    return value
