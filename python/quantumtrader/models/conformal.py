"""Abstention: sets of classes that hold the truth as often as promised, and no trade when both sides are in.

Split-conformal sets (Vovk, Gammerman and Shafer, 2005) assume that the future resembles the calibration rows.
Markets do not, so the level follows the errors made (Gibbs and Candès, 2021, "Adaptive conformal inference
under distribution shift").
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError

__all__ = ["AdaptiveConformal"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(slots=True)
class AdaptiveConformal:
    """Prediction sets at a level that adapts.

    Parameters
    ----------
    classes : ndarray of int64, shape (k,)
        In the order of the probabilities' columns; positive ones are the buy side, negative ones the sell side.
    alpha : float
        Share of misses aimed at.
    rate : float
        How fast the level follows; 0 for fixed sets.
    """

    classes: Int64
    alpha: float = 0.1
    rate: float = 0.01
    level: float = field(init=False)
    """Level in force; at or below 0 every class is in, at or above 1 none is."""
    _scores: Float64 = field(init=False, repr=False, default_factory=lambda: np.empty(0))

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
        self._scores = np.sort(1 - p[np.arange(len(y)), np.searchsorted(self.classes, y)])
        self.level = self.alpha
        return self

    def sets(self, probabilities: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return which classes are in the set of each row at the level in force, shape (n, k).

        Raises
        ------
        ConfigError
            Nothing was calibrated.
        """
        n = len(self._scores)
        if n == 0:
            raise ConfigError("conformal: call calibrate with out-of-fold probabilities first")
        p = np.asarray(probabilities, np.float64)
        rank = int(np.ceil((1 - self.level) * (n + 1)))
        if rank > n:
            return np.ones(p.shape, np.bool_)
        if rank < 1:
            return np.zeros(p.shape, np.bool_)
        return np.asarray(1 - p <= self._scores[rank - 1])

    def side(self, probabilities: npt.ArrayLike) -> Int64:
        """Return 1 or −1 where the set of a row holds classes of that side only, else 0: no trade."""
        inside = self.sets(probabilities)
        buy, sell = inside[:, self.classes > 0].any(axis=1), inside[:, self.classes < 0].any(axis=1)
        none = inside[:, self.classes == 0].any(axis=1)
        return np.where(buy & ~sell & ~none, 1, np.where(sell & ~buy & ~none, -1, 0)).astype(np.int64)

    def update(self, probabilities: npt.ArrayLike, outcome: int) -> bool:
        """Learn the outcome of one row once it is known; returns whether the set had missed it."""
        row = np.atleast_2d(np.asarray(probabilities, np.float64))
        place = int(np.searchsorted(self.classes, outcome))
        if place == len(self.classes) or self.classes[place] != outcome:
            raise DataError(f"conformal: outcome {outcome} is not among {self.classes.tolist()}")
        missed = not bool(self.sets(row)[0, place])
        self.level += self.rate * (self.alpha - missed)
        return missed
