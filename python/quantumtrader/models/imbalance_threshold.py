"""The fuller side of the book wins, when it is fuller by enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.models._binned import ByState
from quantumtrader.models.base import register_model

__all__ = ["ImbalanceThreshold"]


@register_model("imbalance_threshold")
@dataclass
class ImbalanceThreshold(ByState):
    """Shares of the classes by whether an imbalance is below, within or above a band.

    Parameters
    ----------
    column : str
        An imbalance in [−1, 1].
    threshold : float
        Half width of the band, in [0, 1).
    """

    column: str = "book_imbalance_1"
    threshold: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < 1:
            raise ConfigError(f"imbalance_threshold: threshold is {self.threshold}, expected 0 to below 1")

    def _signs(self, X: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x = X[:, self._column(self.column)]
        return np.where(np.abs(x) <= self.threshold, 0.0, np.sign(x))  # NaN stays NaN
