"""Which features a model can learn from: those that were there, and did not stand still."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["SeenValues", "useless_features"]

Float64 = npt.NDArray[np.float64]


class SeenValues:
    """Remembers of each feature whether it was there and whether it varied, however many rows there are.

    Parameters
    ----------
    names : sequence of str
        The columns.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._first = np.full(len(self.names), np.nan)
        self._varies = np.zeros(len(self.names), np.bool_)
        self.rows = 0

    def add(self, X: Float64) -> None:
        """Look at further rows, shape (n, len(names)); NaN is not there."""
        if not len(X):
            return
        self.rows += len(X)
        there = ~np.isnan(X)
        earliest = X[there.argmax(axis=0), np.arange(len(self.names))]
        self._first = np.where(np.isnan(self._first), earliest, self._first)
        self._varies |= (there & (self._first != X)).any(axis=0)

    @property
    def settled(self) -> bool:
        """Whether every feature varied: further rows change nothing."""
        return bool(self._varies.all())

    def useless(self) -> dict[str, str]:
        """Return the features that no model can learn from, and why: ``never there`` or ``always 1.0``."""
        return {
            name: "never there" if np.isnan(first) else f"always {first:g}"
            for name, first, varies in zip(self.names, self._first, self._varies, strict=True)
            if not varies
        }


def useless_features(X: Float64, names: Sequence[str]) -> dict[str, str]:
    """Return what :meth:`SeenValues.useless` says of some rows."""
    seen = SeenValues(names)
    seen.add(X)
    return seen.useless()
