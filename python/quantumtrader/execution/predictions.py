"""What a model says at a sampled time, in the words that execution understands.

A prediction is an opinion. It becomes a wish to trade in ``SignalGenerator`` and an order only behind the risk manager.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quantumtrader.exceptions import OrderError

__all__ = ["Prediction"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer of a model at one sample.

    Parameters
    ----------
    ts : int
        Sample time, ns UTC.
    direction : float
        Probability of up minus probability of down, −1 to 1; NaN where nothing is predicted.
    magnitude : float
        Expected absolute move over the label's horizon as a share of the price, scaled by ``direction``; NaN where the
        model does not know moves.
    confidence : float
        Calibrated probability of the predicted side, 0 to 1; NaN where nothing is predicted.
    regime : str
        Market regime; empty where nobody said.
    model_used : str
        Name and version of the model, or of each of several.
    reason : str
        Why nobody may act on it, lower case with underscores; empty for a prediction. The numbers are NaN where nothing is
        predicted, and there where a model is too uncertain.
    probabilities : tuple of float
        Calibrated, one per class of the model.
    """

    ts: int
    direction: float
    magnitude: float
    confidence: float
    regime: str = ""
    model_used: str = ""
    reason: str = ""
    probabilities: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.reason and not (-1.0 <= self.direction <= 1.0 and 0.0 <= self.confidence <= 1.0):
            raise OrderError(
                f"prediction of {self.model_used or 'a model'}: direction {self.direction} and confidence "
                f"{self.confidence}, expected -1 to 1 and 0 to 1"
            )

    @classmethod
    def none(cls, ts: int, reason: str, model_used: str = "", regime: str = "") -> Prediction:
        """No prediction, and why."""
        if not reason:
            raise OrderError("no prediction needs a reason code")
        return cls(ts, math.nan, math.nan, math.nan, regime, model_used, reason)

    @property
    def ok(self) -> bool:
        """Whether one may act on it."""
        return not self.reason

    @property
    def side(self) -> int:
        """1 for up, −1 for down, 0 for neither or nothing."""
        return (self.direction > 0) - (self.direction < 0)

    def to_dict(self) -> dict[str, Any]:
        """Return ``direction, magnitude, confidence, regime, timestamp, model_used`` and ``reason``."""
        return {
            "direction": self.direction,
            "magnitude": self.magnitude,
            "confidence": self.confidence,
            "regime": self.regime,
            "timestamp": self.ts,
            "model_used": self.model_used,
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Prediction:
        """Read what :meth:`to_dict` wrote, or a dictionary with at least direction, confidence and timestamp.

        Raises
        ------
        OrderError
            If a field is missing or no number.
        """
        try:
            ts = document["timestamp"]
            if isinstance(ts, bool) or not isinstance(ts, int):
                raise OrderError(f"prediction: timestamp is {ts!r}, expected ns UTC")
            direction, confidence = float(document["direction"]), float(document["confidence"])
            magnitude = float(document.get("magnitude", math.nan))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, OrderError):
                raise
            raise OrderError(f"prediction: {type(error).__name__}: {error}") from error
        return cls(
            ts,
            direction,
            magnitude,
            confidence,
            regime=str(document.get("regime") or ""),
            model_used=str(document.get("model_used") or ""),
            reason=str(document.get("reason") or ""),
        )
