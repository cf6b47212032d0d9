"""The last move repeats, or reverses: whichever the training rows say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.models._binned import ByState
from quantumtrader.models.base import register_model

__all__ = ["LastSign"]


@register_model("last_sign")
@dataclass
class LastSign(ByState):
    """Shares of the classes by the sign of one feature.

    Parameters
    ----------
    column : str
        A return, for example ``mid_return_10s`` for books and ``ret_1`` for bars; or a difference of two moving averages,
        ``ema_cross_9_20``.
    """

    column: str = "ret_1"

    def _signs(self, X: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.sign(X[:, self._column(self.column)])
