"""Several fitted models and the stack that weighs them, as one model: what is saved, verified and served.

A composite is put together, not fitted: its stack must have seen log-odds of rows that the members had not, and only
whoever divides the rows knows which these are (``training.recipes.Stacked``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.models._logit import log_odds
from quantumtrader.models.base import Estimator, Model, load_estimator, register_model
from quantumtrader.models.stack import Stack

if TYPE_CHECKING:
    from quantumtrader.training.spans import Spans

__all__ = ["STACK", "Composite", "aligned", "combined", "part_files", "stack_columns"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

STACK = "stack"
"""Prefix of the stack's files; those of member k begin with ``k.``."""
_LEAST = 1e-6  # probability of a class that a model has never seen


@register_model("composite")
@dataclass
class Composite(Model):
    """Members and a stack on their log-odds. Made by :meth:`of`; members may read different columns.

    Parameters
    ----------
    members : sequence of dict
        ``kind`` and ``parameters`` of each member.
    stack : dict
        Parameters of the stack.
    """

    members: Sequence[Mapping[str, Any]] = ()
    stack: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, members: Sequence[Estimator], stack: Stack, names: Sequence[str] | None = None) -> Self:
        """Put fitted models together.

        Parameters
        ----------
        members : sequence of Estimator
            At least two, fitted.
        stack : Stack
            Fitted on the columns :func:`stack_columns` of rows that the members had not seen.
        names : sequence of str, optional
            Columns of a row; by default those of the members, each once, in the order of their first coming.

        Raises
        ------
        ConfigError
            If there are fewer than two members, one is not fitted, the stack was fitted on other columns, or a
            member reads a column that ``names`` does not have.
        """
        if len(members) < 2:
            raise ConfigError(f"a composite needs at least two models, got {len(members)}")
        for part in (*members, stack):
            if not hasattr(part, "classes_"):
                raise ConfigError(f"composite: the {part.kind} was not fitted")
        found = cls([{"kind": m.kind, "parameters": m.get_params()} for m in members], stack.get_params())
        found.classes_, found.base_rate_ = stack.classes_, stack.base_rate_
        found.names_ = tuple(names or dict.fromkeys(name for m in members for name in m.names_))
        found._take(members, stack)
        return found

    def _take(self, members: Sequence[Estimator], stack: Stack) -> None:
        wanted = stack_columns(members)
        if stack.names_ != wanted:
            raise ConfigError(
                f"composite: the stack was fitted on {', '.join(stack.names_)}; these members give {', '.join(wanted)}"
            )
        self.parts_, self.stack_ = tuple(members), stack
        self._places = [np.array([self._column(name) for name in m.names_], np.int64) for m in members]

    def _fit(self, X: Float64, y: Int64, weights: Float64, spans: Spans | None) -> None:
        raise ConfigError(
            "a composite is put together, not fitted: training.recipes.Stacked fits its members and its stack"
        )

    def _proba(self, X: Float64) -> Float64:
        found = [m.predict_proba(X[:, places]) for m, places in zip(self.parts_, self._places, strict=True)]
        return combined(found, [m.classes_ for m in self.parts_], self.stack_)

    def _state(self, folder: Path) -> dict[str, Any]:
        for prefix, part in [*((str(k), m) for k, m in enumerate(self.parts_)), (STACK, self.stack_)]:
            with tempfile.TemporaryDirectory(prefix="quantumtrader-") as own:
                part.to_files(Path(own))
                for path in sorted(Path(own).iterdir()):
                    (folder / f"{prefix}.{path.name}").write_bytes(path.read_bytes())
        return {"parts": len(self.parts_)}

    def _restore(self, state: Mapping[str, Any], folder: Path) -> None:
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        *members, stack = (
            _loaded(part_files(files, prefix)) for prefix in (*map(str, range(int(state["parts"]))), STACK)
        )
        if not isinstance(stack, Stack):
            raise ValueError(f"the stack is of kind {stack.kind}")
        try:
            self._take(members, stack)
        except ConfigError as error:
            raise ValueError(str(error)) from error


def stack_columns(members: Sequence[Estimator]) -> tuple[str, ...]:
    """Return the columns of the stack: ``number.kind:class``, for every member and every class that one has seen."""
    classes = _classes([m.classes_ for m in members])
    return tuple(f"{k}.{m.kind}:{c}" for k, m in enumerate(members) for c in classes)


def aligned(found: Float64, own: Int64, classes: Int64) -> Float64:
    """Return probabilities in the order of ``classes``; a class that the model has never seen gets next to none."""
    out = np.full((len(found), len(classes)), _LEAST)
    out[:, np.searchsorted(classes, own)] = found
    return np.asarray(out / out.sum(axis=1, keepdims=True))


def combined(found: Sequence[Float64], own: Sequence[Int64], stack: Stack) -> Float64:
    """Return the stack's probabilities from those of the members.

    Parameters
    ----------
    found : sequence of ndarray of float64, shape (n, classes of the member)
        Probabilities of each member.
    own : sequence of ndarray of int64
        Classes of each member, ascending.
    stack : Stack
        The weights.
    """
    classes = _classes(own)
    scores = [log_odds(aligned(p, c, classes)) for p, c in zip(found, own, strict=True)]
    return stack.predict_proba(np.column_stack(scores))


def part_files(files: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    """Return the files of one part, by the names that its kind gave them."""
    return {name[len(prefix) + 1 :]: data for name, data in files.items() if name.startswith(f"{prefix}.")}


def _classes(own: Sequence[Int64]) -> Int64:
    return np.unique(np.concatenate(own))


def _loaded(files: Mapping[str, bytes]) -> Model:
    with tempfile.TemporaryDirectory(prefix="quantumtrader-") as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        return load_estimator(Path(folder))
