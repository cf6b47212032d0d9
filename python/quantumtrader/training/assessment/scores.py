"""What an evaluation says row by row, and when a number may be said at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import LEAST_EFFECTIVE, LEAST_SESSIONS, Dataset
from quantumtrader.training.evaluation import Interval, clustered_mean
from quantumtrader.training.spans import Spans
from quantumtrader.training.weights import average_uniqueness

__all__ = ["Scores", "said", "score"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Scores:
    """Losses of the rows that were tested.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Their places in the data set.
    spans : Spans
        Of these rows.
    weights : ndarray of float64, shape (n,)
        Average uniqueness among them; the sum is the effective number.
    outcome : ndarray of int64, shape (n,)
        Index of the class that came.
    gained : ndarray of float64, shape (paths, n)
        Log loss of the base rate less the model's, in nats.
    """

    rows: Int64
    spans: Spans
    weights: Float64
    outcome: Int64
    gained: Float64


def score(data: Dataset, evaluation: Evaluation) -> Scores:
    """Score an evaluation of ``data``, as :func:`~quantumtrader.training.cross_validate.evaluate` does.

    Raises
    ------
    ConfigError
        The evaluation is of other rows or classes.
    """
    p = evaluation.predictions
    if p.shape[1:] != (len(data), len(evaluation.classes)) or not np.array_equal(
        evaluation.classes, data.classes
    ):
        raise ConfigError(
            f"assess: predictions of {p.shape[1]} rows and classes {evaluation.classes.tolist()} are not of this data "
            f"set with {len(data)} rows and classes {data.classes.tolist()}"
        )
    rows = np.flatnonzero(~np.isnan(p[0, :, 0]))
    spans = data.spans[rows]
    outcome = np.searchsorted(data.classes, data.y[rows])
    model, base = (
        -np.log(np.maximum(q[:, rows][:, np.arange(len(rows)), outcome], _LEAST))
        for q in (p, evaluation.base)
    )
    return Scores(rows, spans, average_uniqueness(spans), outcome, base - model)


def said(values: Float64, sessions: Int64, weights: Float64 | None = None) -> Interval | None:
    """Return a mean with its interval over sessions, or None where there is too little to say one.

    Fewer than 20 sessions, or fewer than 500 effective values, are insufficient.
    """
    found = clustered_mean(values, sessions, weights)
    return found if found.sufficient(LEAST_SESSIONS, LEAST_EFFECTIVE) else None
