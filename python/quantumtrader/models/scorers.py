"""What turns one row into scores and probabilities: trees by the forest, everything else by its estimator.

A composite's members are scored each in its own way, so a stack of trees needs no library either.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataError, ModelError
from quantumtrader.models.base import ESTIMATOR_FILE, Model, load_estimator
from quantumtrader.models.composite import STACK, combined, part_files
from quantumtrader.models.stack import Stack

__all__ = ["CompositeScorer", "EstimatorScorer", "ForestScorer", "Scorer", "make_scorer"]

Float64 = npt.NDArray[np.float64]
TREES = {"lightgbm": "model.txt", "random_forest": "model.txt", "xgboost": "model.json"}
"""Kinds of trees, and the file that the forest reads: it needs no library."""


class Scorer(Protocol):
    """Scores rows of one model."""

    exact: bool
    """Whether scores and probabilities are the same to the bit wherever they are computed."""
    exact_scores: npt.NDArray[np.bool_]
    """Whether each raw score is, shape (scores,)."""

    def probabilities(self, row: Float64) -> tuple[float, ...]:
        """Uncalibrated probability of each class for one row, shape (n_features,)."""
        ...

    def raw(self, rows: Float64) -> Float64:
        """Raw scores of many rows, shape (n, scores): log odds for two classes, else one score per class."""
        ...


class ForestScorer:
    """Trees, one row in microseconds.

    Parameters
    ----------
    text : str
        LightGBM's text format.
    classes : int
        Classes of the model.
    features : int
        Columns of a row.
    """

    exact = True

    def __init__(self, text: str, classes: int, features: int) -> None:
        from quantumtrader.models.forest import Forest

        try:
            self._forest = Forest.from_text(text)
        except DataError as error:
            raise ModelError(f"the trees cannot be read: {error}") from error
        outputs = 1 if classes == 2 else classes
        if (self._forest.num_features, self._forest.num_classes) != (features, outputs):
            raise ModelError(
                f"the trees are of {self._forest.num_features} features and {self._forest.num_classes} scores; the "
                f"manifest says {features} and {outputs}"
            )
        self._binary = classes == 2
        self.exact_scores = np.ones(outputs, np.bool_)

    def probabilities(self, row: Float64) -> tuple[float, ...]:
        """See ``Scorer``."""
        found = self._forest.predict(row)
        parts = [1 - float(found), float(found)] if self._binary else np.asarray(found).tolist()
        total = sum(parts)  # as the estimator does, so that both give the same bits
        return tuple(p / total for p in parts)

    def raw(self, rows: Float64) -> Float64:
        """See ``Scorer``."""
        return np.asarray(self._forest.predict_raw(rows), np.float64).reshape(len(rows), -1)


class EstimatorScorer:
    """Any other kind, by its own code; its probabilities are its raw scores."""

    exact = False

    def __init__(self, estimator: Model) -> None:
        self._estimator = estimator
        self.exact_scores = np.zeros(len(estimator.classes_), np.bool_)

    def probabilities(self, row: Float64) -> tuple[float, ...]:
        """See ``Scorer``."""
        return tuple(self._estimator.predict_proba(row[None, :])[0].tolist())

    def raw(self, rows: Float64) -> Float64:
        """See ``Scorer``."""
        return self._estimator.predict_proba(rows)


class CompositeScorer:
    """Members and their stack. Raw scores are those of the members, one after the other, then the probabilities.

    Parameters
    ----------
    members : sequence of Scorer
        Each scores the columns at its ``places``.
    places : sequence of ndarray of int64
        Of the columns of each member in a row.
    classes : sequence of tuple of int
        Of each member.
    stack : Stack
        Fitted.
    """

    exact = False  # the weighing takes exponentials and logarithms of the machine

    def __init__(
        self,
        members: Sequence[Scorer],
        places: Sequence[npt.NDArray[np.int64]],
        classes: Sequence[tuple[int, ...]],
        stack: Stack,
    ) -> None:
        self._parts = list(zip(members, places, strict=True))
        self._classes = [np.array(c, np.int64) for c in classes]
        self._stack = stack
        own = [member.exact_scores for member in members]
        self.exact_scores = np.concatenate((*own, np.zeros(len(stack.classes_), np.bool_)))

    def probabilities(self, row: Float64) -> tuple[float, ...]:
        """See ``Scorer``."""
        found = [np.array([member.probabilities(row[places])]) for member, places in self._parts]
        return tuple(combined(found, self._classes, self._stack)[0].tolist())

    def raw(self, rows: Float64) -> Float64:
        """See ``Scorer``."""
        own = [member.raw(np.ascontiguousarray(rows[:, places])) for member, places in self._parts]
        both = np.array([self.probabilities(row) for row in rows]).reshape(len(rows), -1)
        return np.column_stack((*own, both))


def make_scorer(
    kind: str, files: Mapping[str, bytes], names: tuple[str, ...], classes: tuple[int, ...]
) -> Scorer:
    """Build the scorer of a model from the bytes of its files.

    Raises
    ------
    ModelError
        If the files are of another kind, other columns or other classes, or cannot be read.
    """
    found_kind, found_names, found_classes = _head(files)
    if found_kind != kind:
        raise ModelError(f"the estimator is of kind {found_kind}, the manifest says {kind}")
    if found_names != names:
        pairs = enumerate(zip(found_names, names, strict=False))
        where = next((k for k, (mine, wanted) in pairs if mine != wanted), None)
        what = (
            f"it has {len(found_names)} columns, the manifest {len(names)}"
            if where is None
            else f"column {where} is {found_names[where]}, the manifest says {names[where]}"
        )
        raise ModelError(f"the estimator was fitted on other columns: {what}")
    if found_classes != classes:
        raise ModelError(
            f"the estimator's classes are {list(found_classes)}, the manifest says {list(classes)}"
        )
    if kind in TREES:
        try:
            text = files[TREES[kind]].decode()
        except (KeyError, UnicodeDecodeError) as error:
            raise ModelError(f"the trees cannot be read ({error})") from error
        return ForestScorer(text, len(classes), len(names))
    if kind == "composite":
        return _composite(files, names, classes)
    return EstimatorScorer(_estimator(files))


def _composite(files: Mapping[str, bytes], names: tuple[str, ...], classes: tuple[int, ...]) -> Scorer:
    count = 0
    while part_files(files, str(count)):
        count += 1
    heads = [_head(part_files(files, str(k))) for k in range(count)]
    members = [
        make_scorer(kind, part_files(files, str(k)), own, seen) for k, (kind, own, seen) in enumerate(heads)
    ]
    odd = [name for _, own, _ in heads for name in own if name not in names]
    if count < 2 or odd:
        raise ModelError(
            f"the composite reads {odd[0]}, which is no column"
            if odd
            else f"the composite has {count} members"
        )
    kind, columns, stacked = _head(part_files(files, STACK))
    seen = sorted({c for _, _, own in heads for c in own})
    wanted = tuple(f"{k}.{head[0]}:{c}" for k, head in enumerate(heads) for c in seen)
    if kind != STACK or columns != wanted or stacked != classes or not set(classes) <= set(seen):
        raise ModelError(
            f"the composite's stack is a {kind} of {', '.join(columns)} with classes {list(stacked)}; expected one of "
            f"{', '.join(wanted)} with classes {list(classes)}"
        )
    stack = _estimator(part_files(files, STACK))
    places = [np.array([names.index(name) for name in own], np.int64) for _, own, _ in heads]
    return CompositeScorer(members, places, [seen for _, _, seen in heads], cast(Stack, stack))


def _estimator(files: Mapping[str, bytes]) -> Model:
    with tempfile.TemporaryDirectory(prefix="quantumtrader-") as folder:
        # What was hashed is what is read: estimators read folders, and the model's own may change meanwhile.
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        try:
            return load_estimator(Path(folder))
        except DataError as error:
            raise ModelError(f"the estimator cannot be read: {error}") from error


def _head(files: Mapping[str, bytes]) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
    """Read kind, columns and classes of an estimator without the library that it may need."""
    try:
        document = json.loads(files[ESTIMATOR_FILE])
        return str(document["kind"]), tuple(document["names"]), tuple(document["classes"])
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{ESTIMATOR_FILE} cannot be read ({error})") from error
