"""How much a sample counts: labels that overlap share what they tell (López de Prado, 2018, chapter 4)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.spans import Spans

__all__ = ["average_uniqueness", "check_half_life", "concurrency", "time_decay"]

Float64 = npt.NDArray[np.float64]


def concurrency(spans: Spans) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count how many spans are open.

    Returns
    -------
    times, open : ndarray of int64, shape (m,)
        ``open[k]`` spans hold on ``[times[k], times[k + 1])``; a span holds on ``[t0, t1)``, one of no length
        on the single instant ``t0``.
    """
    ends = np.maximum(spans.t1, spans.t0 + 1)
    times = np.unique(np.concatenate((spans.t0, ends)))
    steps = np.zeros(len(times) + 1, np.int64)
    np.add.at(steps, np.searchsorted(times, spans.t0), 1)
    np.add.at(steps, np.searchsorted(times, ends), -1)
    return times, np.cumsum(steps)[:-1]


def average_uniqueness(spans: Spans) -> Float64:
    """Return the mean of one over the concurrency along each span, in time.

    Returns
    -------
    ndarray of float64, shape (n,)
        In (0, 1]; 1 where no other span overlaps. Their sum is the effective number of samples.
    """
    if len(spans) == 0:
        return np.empty(0)
    times, opened = concurrency(spans)
    lengths = np.diff(times).astype(np.float64)
    share = np.divide(lengths, opened[:-1], out=np.zeros(len(lengths)), where=opened[:-1] > 0)
    total = np.concatenate(([0.0], np.cumsum(share)))
    ends = np.maximum(spans.t1, spans.t0 + 1)
    begin, end = np.searchsorted(times, spans.t0), np.searchsorted(times, ends)
    return (total[end] - total[begin]) / (ends - spans.t0)


def check_half_life(sessions: float | None) -> None:
    """Refuse a half-life that is no positive, finite number of sessions; None is none.

    Raises
    ------
    ConfigError
        The message gives the value.
    """
    if sessions is not None and not (math.isfinite(sessions) and sessions > 0):
        raise ConfigError(
            f"half-life of the weights is {sessions} sessions, expected a positive number, or none for no decay"
        )


def time_decay(spans: Spans, half_life_sessions: float) -> Float64:
    """Return weights that halve every so many sessions, the newest session at 1.

    Parameters
    ----------
    spans : Spans
        Samples.
    half_life_sessions : float
        Positive; infinite for no decay.
    """
    if not half_life_sessions > 0:
        raise ConfigError(
            f"time decay: half-life is {half_life_sessions} sessions, expected a positive number"
        )
    age = len(spans.sessions) - 1 - np.searchsorted(spans.sessions, spans.session)
    return (
        np.ones(len(spans))
        if math.isinf(half_life_sessions)
        else np.asarray(0.5 ** (age / half_life_sessions))
    )
