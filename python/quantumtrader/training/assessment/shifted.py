"""Is it the moment that is predicted? The same predictions, held against labels of later moments of the same session.

Labels are moved within each session by an offset of its own, drawn anew each time. What a model knows of the session as a
whole stays with such labels, and so do their shares and their order; what it knows of the moment is lost. They are moved
one way only, and none goes round the end to the beginning: an earlier label lies in the past of the features, which
remember prices, so a model of nothing but noise would differ from it, for better or worse.
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
        Log loss gained over the base rate with the own labels less that with the moved ones, in nats per row, over
        sessions; None where ``why`` says so.
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
    gained = _gained(evaluation, scores)
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


def _sign_flips(sums: Float64, rng: np.random.Generator) -> float:
    """Return the one-sided p-value of a sum of independent terms that are as often above zero as below."""
    found, reached = float(sums.sum()), 1
    for start in range(0, _FLIPS, _CHUNK):
        signs = rng.choice((-1.0, 1.0), (min(_CHUNK, _FLIPS - start), len(sums)))
        reached += int((signs @ sums >= found - 1e-12 * np.abs(sums).sum()).sum())
    return reached / (_FLIPS + 1)
