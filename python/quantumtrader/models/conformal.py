"""Abstention: sets of classes that hold the truth as often as promised, and no trade when both sides are in.

Split-conformal sets (Vovk, Gammerman and Shafer, 2005) assume that the future resembles the calibration rows.
Markets do not, so the level follows the errors made (Gibbs and Candès, 2021, "Adaptive conformal inference
under distribution shift").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError, DataFormatError

__all__ = ["ALPHA", "AdaptiveConformal"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

ALPHA = 0.1
"""Share of misses that serving aims at unless somebody says otherwise."""
_KEPT = 999
"""Scores that are written: the level is then known to a thousandth."""


@dataclass(slots=True)
class AdaptiveConformal:
    """Prediction sets at a level that adapts.

    Parameters
    ----------
    classes : ndarray of int64, shape (k,)
        In the order of the probabilities' columns, rising; positive ones are the buy side, negative ones the sell side.
    alpha : float
        Share of misses aimed at.
    rate : float
        How fast the level follows; 0 for fixed sets.
    """

    classes: Int64
    alpha: float = ALPHA
    rate: float = 0.01
    level: float = field(init=False)
    """Level in force; at or below 0 every class is in, at or above 1 none is."""
    _scores: Float64 = field(init=False, repr=False, default_factory=lambda: np.empty(0))
    _rows: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        if not (0 < self.alpha < 1 and self.rate >= 0):
            raise ConfigError(
                f"conformal: alpha is {self.alpha}, rate {self.rate}; expected (0, 1) and not negative"
            )
        self.level = self.alpha

    def calibrate(self, probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> AdaptiveConformal:
        """Take out-of-fold probabilities, shape (n, k), and the classes that came, shape (n,); returns itself."""
        p, y = np.asarray(probabilities, np.float64), np.asarray(outcomes)
        if p.shape != (len(y), len(self.classes)) or not len(y) or not np.isin(y, self.classes).all():
            raise DataError(
                f"conformal: {p.shape} probabilities for {y.shape} outcomes among {self.classes.tolist()}"
            )
        found = 1 - p[np.arange(len(y)), np.searchsorted(self.classes, y)]
        self._scores = np.sort(np.clip(found, 0, 1))  # a mean of ones may be one and a rounding
        self._rows = len(y)
        self.level = self.alpha
        return self

    def at(self, alpha: float, rate: float = 0.0) -> AdaptiveConformal:
        """Return sets of the same calibration rows that aim at another share of misses, at a level of their own."""
        found = AdaptiveConformal(self.classes, alpha, rate)
        found._scores, found._rows = self._scores, self._rows
        return found

    @property
    def limit(self) -> float:
        """Greatest 1 − p with which a class is in a set at the level in force; infinite where every class is in, or none.

        Raises
        ------
        ConfigError
            Nothing was calibrated.
        """
        n = len(self._scores)
        if n == 0:
            raise ConfigError("conformal: call calibrate with out-of-fold probabilities first")
        rank = math.ceil((1 - self.level) * (n + 1))
        if rank > n:
            return math.inf
        return -math.inf if rank < 1 else float(self._scores[rank - 1])

    def sets(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return which classes are in the set of each row at the level in force, shape (n, k)."""
        return np.asarray(1 - np.asarray(probabilities, np.float64) <= self.limit)

    def sides(self, probabilities: Sequence[float]) -> tuple[bool, bool]:
        """Return whether the set of one row, shape (k,), holds a class of the sell side, and one of the buy side."""
        limit = self.limit
        inside = [c for c, p in zip(self.classes.tolist(), probabilities, strict=True) if 1 - p <= limit]
        return bool(inside) and inside[0] < 0, bool(inside) and inside[-1] > 0

    def update(self, probabilities: npt.ArrayLike, outcome: int) -> bool:
        """Learn the outcome of one row once it is known; returns whether the set had missed it."""
        row = np.atleast_2d(np.asarray(probabilities, np.float64))
        place = int(np.searchsorted(self.classes, outcome))
        if place == len(self.classes) or self.classes[place] != outcome:
            raise DataError(f"conformal: outcome {outcome} is not among {self.classes.tolist()}")
        missed = not bool(self.sets(row)[0, place])
        self.level += self.rate * (self.alpha - missed)
        return missed

    def to_document(self) -> dict[str, Any]:
        """Return JSON values: classes, rows of the calibration, and their scores.

        Of many scores every thousandth is kept, each of a rank rounded up, so that the sets of what is read again are never
        smaller.
        """
        scores, n = self._scores, len(self._scores)
        if n > _KEPT:
            ranks = [math.ceil(j * (n + 1) / (_KEPT + 1)) for j in range(1, _KEPT + 1)]
            scores = scores[np.array(ranks) - 1]
        return {"classes": self.classes.tolist(), "rows": self._rows, "scores": scores.tolist()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_document` gave.

        Raises
        ------
        DataFormatError
            It is none, or was made of other numbers than probabilities.
        """
        try:
            classes = [int(c) for c in document["classes"]]
            scores = np.array([float(s) for s in document["scores"]])
            rows = int(document["rows"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataFormatError(
                f"not the scores of prediction sets: {type(error).__name__}: {error}"
            ) from error
        in_order = (np.diff(scores) >= 0).all() and (np.diff(classes) > 0).all()
        if not (
            in_order and len(classes) > 1 and rows >= len(scores) > 0 and 0 <= scores[0] <= scores[-1] <= 1
        ):
            raise DataFormatError(
                f"not the scores of prediction sets: {len(scores)} of {rows} rows for classes {classes}; expected scores "
                "from 0 to 1 and classes, both rising"
            )
        found = cls(np.array(classes, np.int64))
        found._scores, found._rows = scores, rows
        return found
