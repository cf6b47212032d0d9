"""From a row to the stretch of rows that it holds: the tensor that networks with a memory read.

Columns ``name@k`` (see ``quantumtrader.features.lagged``) are the value k rows before. A value that is not there, since
the session was younger or the feature was not defined, stays marked as such: a network is told which are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from quantumtrader.features.lags import split_lag

if TYPE_CHECKING:
    from quantumtrader.training.spans import Spans

__all__ = ["Stretch", "later_sessions"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

LEAST_SESSIONS = 5
"""Sessions below which none are set aside for early stopping."""


@dataclass(frozen=True)
class Stretch:
    """The tensor of a row, and the scale of its features.

    Parameters
    ----------
    places : ndarray of int64, shape (steps, features)
        Column of each value, the oldest step first; −1 where there is none.
    mean, scale : ndarray of float64, shape (features,)
        Of the rows that it was fitted on, over all steps.
    clip : float
        Scaled values are cut off here.
    """

    places: Int64
    mean: Float64
    scale: Float64
    clip: float

    @classmethod
    def fit(cls, names: Sequence[str], X: Float64, weights: Float64, clip: float) -> Self:
        """Find the layout in the names, and the scale in training rows."""
        places = _places(names)
        count, total, square = (np.zeros(places.shape[1]) for _ in range(3))
        shift = np.zeros(places.shape[1])
        for k, columns in enumerate(places.T):
            own = columns[columns >= 0]
            known = X[:, own][~np.isnan(X[:, own])]
            shift[k] = known[0] if len(known) else 0.0  # near the mean: squares of prices would lose digits
        for row in places:
            for k, column in enumerate(row.tolist()):
                if column < 0:
                    continue
                values = X[:, column] - shift[k]
                known = ~np.isnan(values)
                w, v = weights[known], values[known]
                count[k] += w.sum()
                total[k] += (w * v).sum()
                square[k] += (w * v**2).sum()
        mean = total / np.maximum(count, np.finfo(float).tiny)
        spread = np.sqrt(np.maximum(square / np.maximum(count, np.finfo(float).tiny) - mean**2, 0.0))
        return cls(places, mean + shift, np.where(spread > 0, spread, 1.0), clip)

    @classmethod
    def of(cls, names: Sequence[str], state: Mapping[str, Any], clip: float) -> Self:
        """Read what :meth:`state` gave."""
        places = _places(names)
        mean, scale = (np.array(state[key], np.float64) for key in ("mean", "scale"))
        if not (
            mean.shape == scale.shape == places.shape[1:] and np.isfinite(mean).all() and (scale > 0).all()
        ):
            raise ValueError("mean and scale are not those of the columns")
        return cls(places, mean, scale, clip)

    @property
    def state(self) -> dict[str, Any]:
        """JSON values; the layout is in the names."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @property
    def steps(self) -> int:
        """Rows of a stretch."""
        return int(self.places.shape[0])

    @property
    def features(self) -> int:
        """Features of a step."""
        return int(self.places.shape[1])

    def tensor(self, X: Float64) -> Float32:
        """Return scaled values, then 1 where they are known, shape (n, steps, 2 · features); unknown values are 0."""
        raw = X[:, np.maximum(self.places, 0)]
        known = ~np.isnan(raw) & (self.places >= 0)
        scaled = np.clip((raw - self.mean) / self.scale, -self.clip, self.clip)
        return np.concatenate((np.where(known, scaled, 0.0), known), axis=2).astype(np.float32)


def later_sessions(spans: Spans, share: float) -> tuple[Int64, Int64] | None:
    """Set the last sessions aside to say when to stop, and purge what overlaps them.

    Parameters
    ----------
    spans : Spans
        Of the training rows.
    share : float
        Of the sessions.

    Returns
    -------
    train, stop : ndarray of int64
        Rows; no label of the first looks into the time of the second. None when there are too few sessions.
    """
    sessions = spans.sessions
    count = round(len(sessions) * share)
    if count < 1 or len(sessions) < LEAST_SESSIONS:
        return None
    stop = spans.session >= sessions[-count]
    train = ~stop & (spans.t1 < spans.t0[stop].min())
    return (np.flatnonzero(train), np.flatnonzero(stop)) if train.any() else None


def _places(names: Sequence[str]) -> Int64:
    parts = [split_lag(name) for name in names]
    features = list(dict.fromkeys(feature for feature, _ in parts))
    lags = sorted({lag for _, lag in parts}, reverse=True)
    places = np.full((len(lags), len(features)), -1, np.int64)
    for column, (feature, lag) in enumerate(parts):
        places[lags.index(lag), features.index(feature)] = column
    return places
