"""What all labels share: which decisions have one, their spans, and what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataError
from quantumtrader.training.labels.path import PricePath
from quantumtrader.training.spans import Spans

__all__ = ["Drops", "Labels"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of decisions.

    Parameters
    ----------
    name : str
        Kind of label.
    rows : ndarray of int64, shape (n,)
        Which of the given decisions have a label, ascending.
    spans : Spans
        From the decision to the last time that the label looks at.
    y : ndarray, shape (n,)
        Class (int64), or number (float64).
    measured_from : dict
        Everything the label depends on; JSON values.
    dropped : dict of str to int
        Decisions without a label, by reason.
    """

    name: str
    rows: Int64
    spans: Spans
    y: npt.NDArray[Any]
    measured_from: Mapping[str, Any]
    dropped: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.rows)


class Drops:
    """Decides which decisions have a label; the first reason against one counts."""

    def __init__(self, path: PricePath, decisions: Int64) -> None:
        if decisions.ndim != 1 or (np.diff(decisions) < 0).any():
            raise DataError("labels: decision times must be one-dimensional and not run backwards")
        self.path = path
        self.t0 = decisions.astype(np.int64)
        self.segment = path.segment_of(self.t0)
        self.kept = np.ones(len(decisions), np.bool_)
        self.reasons: dict[str, int] = {}
        self.drop("outside a session", self.segment < 0)

    def drop(self, reason: str, which: npt.NDArray[np.bool_]) -> None:
        """Leave decisions out."""
        new = int((which & self.kept).sum())
        if new:
            self.reasons[reason] = self.reasons.get(reason, 0) + new
        self.kept &= ~which

    def drop_beyond(self, t1: Int64) -> None:
        """Leave out what would look beyond its segment."""
        inside = self.segment >= 0
        ends = np.where(inside, self.path.segment_end[self.segment], 0)
        why = np.where(inside, self.path.segment_ended[self.segment], "")
        for reason in ("session", "roll", "gap", "data"):
            self.drop(f"beyond the {_NAMES[reason]}", (t1 > ends) & (why == reason))

    def rows(self) -> Int64:
        """Return the decisions that are left."""
        return np.flatnonzero(self.kept)

    def spans(self, t1: Int64) -> Spans:
        """Return the spans of those, ``t1`` of all decisions."""
        rows = self.rows()
        return Spans(self.t0[rows], t1[rows], self.path.segment_session[self.segment[rows]])


_NAMES = {"session": "session's end", "roll": "roll", "gap": "gap", "data": "recording's end"}
