"""What a labelled sample knows of time: when it was decided, until when its label looks, in which session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError

__all__ = ["Spans"]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans of a set of samples, in the order of their decisions.

    Parameters
    ----------
    t0 : ndarray of int64, shape (n,)
        Decision time, ns UTC, non-decreasing.
    t1 : ndarray of int64, shape (n,)
        Last time that the label looks at, ns UTC; not before ``t0``.
    session : ndarray of int64, shape (n,)
        Session date as days since 1970, non-decreasing.

    Raises
    ------
    ConfigError
        Shapes differ, a span ends before it begins, or the order is not that of time; the message gives the
        index.
    """

    t0: Int64
    t1: Int64
    session: Int64

    def __post_init__(self) -> None:
        if not (self.t0.ndim == 1 and self.t0.shape == self.t1.shape == self.session.shape):
            raise ConfigError(
                f"spans: shapes {self.t0.shape}, {self.t1.shape} and {self.session.shape} differ"
            )
        _refuse("span ends before it begins", self.t1 < self.t0)
        _refuse("decision time runs backwards", np.diff(self.t0) < 0)
        _refuse("session runs backwards", np.diff(self.session) < 0)

    def __len__(self) -> int:
        return len(self.t0)

    def __getitem__(self, rows: npt.NDArray[Any] | slice) -> Spans:
        """Return the spans of some rows, which must stay in order."""
        return Spans(self.t0[rows], self.t1[rows], self.session[rows])

    @property
    def sessions(self) -> Int64:
        """Return the distinct session dates, oldest first."""
        return np.unique(self.session)

    def intersects(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        """Return which spans have a time in common with ``[first, last]``, shape (n,)."""
        return (self.t1 >= first) & (self.t0 <= last)


def _refuse(what: str, bad: npt.NDArray[np.bool_]) -> None:
    if bad.any():
        raise ConfigError(f"spans: {what} at sample {int(np.flatnonzero(bad)[0])}")
