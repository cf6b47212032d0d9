"""Is it the moment that is predicted? The same predictions, held against labels of later moments of the same session.

Labels are moved within each session by an offset of its own, drawn anew each time. What a model knows of the session as a
whole stays with such labels, and so does their order; what it knows of the moment is lost. They are moved one way only,
and none goes round the end to the beginning: an earlier label lies in the past of the features, which remember prices, so
a model of nothing but noise would differ from it, for better or worse.

So own labels are held against those of a later part of the day, in which the classes may have other shares, and a model
that says the same at every moment would gain or lose by that alone. What a class brings on average, whatever the moment, is
therefore taken off, as measured on the other sessions. Who knows how the shares change through the day knows of the moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.training.assessment.scores import Scores, said
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.placebo import later_rows

__all__ = ["DRAWS", "Shifted", "shifted_labels"]

Float64 = npt.NDArray[np.float64]

DRAWS = 200
"""Sets of offsets: each row meets this many later labels, less those that overlap its own or lie beyond the session."""
_FLIPS = 9_999
_CHUNK = 1_000
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Shifted:
    """What the own label brings over later ones.

    Parameters
    ----------
    draws : int
        Sets of offsets.
    sessions : int
        Sessions in which a label could be moved.
    edge : Interval or None
        Log loss gained over the base rate with the own labels less that with the moved ones, each beyond what its class
        gains on average in other sessions, in nats per row, over sessions; None where ``why`` says so.
    p : float or None
        Probability of such an edge where the moment is not predicted: share of the sums over sessions, each with a random
        sign, that reach the one found. None as ``edge``.
    why : str
        Why there is no number: ``no_later_label`` (no row has a label in its session's next half that does not overlap
        its own), ``same_label`` (labels do not change within a session), ``insufficient``; empty where there is one.
    """

    draws: int
    sessions: int
    edge: Interval | None
    p: float | None
    why: str


def shifted_labels(evaluation: Evaluation, scores: Scores, seed: int, draws: int = DRAWS) -> Shifted:
    """Hold the predictions of an evaluation against labels moved within their sessions.

    Parameters
    ----------
    evaluation : Evaluation
    scores : Scores
        Of it.
    seed : int
        Of offsets and signs.
    draws : int
        Sets of offsets.
    """
    rng = np.random.default_rng(seed)
    outcome, session = scores.outcome, scores.spans.session
    gained = _beyond_class(_gained(evaluation, scores), session)
    own = gained[np.arange(len(outcome)), outcome]
    total, count, changed = np.zeros(len(outcome)), np.zeros(len(outcome)), False
    for _ in range(draws):
        rows, later = later_rows(scores.spans, rng)
        total[rows] += own[rows] - gained[rows, outcome[later]]
        count[rows] += 1
        changed = changed or bool((outcome[rows] != outcome[later]).any())
    met = np.flatnonzero(count)
    days, place = np.unique(session[met], return_inverse=True)
    if not len(met):
        return Shifted(draws, 0, None, None, "no_later_label")
    if not changed:
        return Shifted(draws, len(days), None, None, "same_label")
    weights = scores.weights[met] * count[met] / draws
    values = total[met] / count[met]
    edge = said(values, session[met], weights)
    if edge is None:
        return Shifted(draws, len(days), None, None, "insufficient")
    sums = np.bincount(place, weights * values).astype(np.float64)
    return Shifted(draws, len(days), edge, _sign_flips(sums, rng), "")


def _gained(evaluation: Evaluation, scores: Scores) -> Float64:
    """Return what each class would have gained over the base rate, mean over the paths, shape (rows, classes)."""
    model, base = (
        np.log(np.maximum(p[:, scores.rows], _LEAST)) for p in (evaluation.predictions, evaluation.base)
    )
    return np.asarray((model - base).mean(axis=0))


def _beyond_class(gained: Float64, session: npt.NDArray[np.int64]) -> Float64:
    """Return what is gained beyond the mean of the class over the rows of all other sessions, shape (rows, classes).

    From a single session nothing is taken off: it has no others, and is never enough for a number.
    """
    _, place, rows = np.unique(session, return_inverse=True, return_counts=True)
    own = np.stack([np.bincount(place, g, len(rows)) for g in gained.T], axis=1)
    others = np.maximum(len(session) - rows, 1)[:, None]
    beyond = gained - ((own.sum(axis=0) - own) / others)[place]
    # What rounding leaves of nothing has a sign too.
    return np.where(np.abs(beyond) <= 1e-12 * np.abs(gained).max(initial=0.0), 0.0, beyond)


def _sign_flips(sums: Float64, rng: np.random.Generator) -> float:
    """Return the one-sided p-value of a sum of independent terms that are as often above zero as below."""
    found, reached = float(sums.sum()), 1
    for start in range(0, _FLIPS, _CHUNK):
        signs = rng.choice((-1.0, 1.0), (min(_CHUNK, _FLIPS - start), len(sums)))
        reached += int((signs @ sums >= found - 1e-12 * np.abs(sums).sum()).sum())
    return reached / (_FLIPS + 1)
