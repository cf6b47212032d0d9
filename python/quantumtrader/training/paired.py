"""Does one configuration beat another: the paired difference of their losses on the same rows, session by session.

Two models that see the same market share most of its luck. The difference of their losses per row takes it out, and
rows of one session count as one observation, since they are not independent (Diebold and Mariano, 1995, with the
cluster-robust variance of Cameron and Miller, 2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, MissingExtraError
from quantumtrader.training.cross_validate import Evaluation
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.evaluation import Interval, clustered_mean
from quantumtrader.training.weights import average_uniqueness

__all__ = ["LEVEL", "Paired", "Shipping", "paired", "ships"]

Float64 = npt.NDArray[np.float64]

LEVEL = 0.05
"""Chance of shipping a model that is no better, over all challengers of a study together."""
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Paired:
    """How much less one evaluation loses than another, per row.

    Parameters
    ----------
    difference : Interval
        Mean log loss of B less that of A over the rows, in nats, with its interval over sessions: above 0 where A is
        better.
    p_value : float
        Chance of a mean difference this large or larger were A no better (one-sided, Student with sessions − 1 degrees
        of freedom); NaN with fewer than two sessions.
    paths : ndarray of float64, shape (paths,)
        Mean difference on each out-of-sample path.
    """

    difference: Interval
    p_value: float
    paths: Float64

    @property
    def paths_won(self) -> int:
        """Paths on which A loses less."""
        return int((self.paths > 0).sum())

    def better(self, level: float = LEVEL) -> bool:
        """Whether A beats B: the chance is below ``level``, and A loses less on most paths."""
        return self.p_value < level and 2 * self.paths_won > len(self.paths)


def paired(a: Evaluation, b: Evaluation, data: Dataset) -> Paired:
    """Compare two evaluations of the same data on the same splits.

    Paths repeat the same rows: their mean is taken before the sessions are compared.

    Parameters
    ----------
    a, b : Evaluation
        Whether the first is better is asked.
    data : Dataset
        What both were evaluated on.

    Raises
    ------
    ConfigError
        If they are of other data, other splits or other rows; the message says what differs.
    MissingExtraError
        If scipy is not installed.
    """
    for name, value in (("data", data.sha256), ("splitter", a.trial.parameters["splitter"])):
        for which, one in (("first", a), ("second", b)):
            if one.trial.parameters[name] != value:
                raise ConfigError(
                    f"paired test: the {which} evaluation is of other {name}: {one.trial.parameters[name]}"
                )
    tested = ~np.isnan(a.predictions[:, :, 0])
    if a.predictions.shape != b.predictions.shape or not np.array_equal(
        tested, ~np.isnan(b.predictions[:, :, 0])
    ):
        raise ConfigError("paired test: the evaluations predicted other rows")
    rows = np.flatnonzero(tested[0])
    place = np.searchsorted(a.classes, data.y[rows])
    losses = [
        -np.log(np.maximum(p[:, rows][:, np.arange(len(rows)), place], _LEAST))
        for p in (a.predictions, b.predictions)
    ]
    gained = losses[1] - losses[0]
    spans = data.spans[rows]
    weights = average_uniqueness(spans)
    found = clustered_mean(gained.mean(axis=0), spans.session, weights)
    return Paired(found, _chance(found), (gained * weights).sum(axis=1) / weights.sum())


@dataclass(frozen=True, slots=True)
class Shipping:
    """Whether a challenger may take the place of the model in use, and why.

    Parameters
    ----------
    ships : bool
        Whether it may.
    challenger, incumbent : str
        What the two are called: their kinds, unless something else was said.
    paired : Paired
        The test.
    level : float
        Chance below which the test must lie: :data:`LEVEL` over the number of challengers.
    challengers : int
        How many were tried against the incumbent.
    insufficient : tuple of str
        Why the data would not do, whatever the test says.
    """

    ships: bool
    challenger: str
    incumbent: str
    paired: Paired
    level: float
    challengers: int
    insufficient: tuple[str, ...] = ()

    def text(self, lang: str = "en") -> str:
        """Return one sentence for the report, in ``en`` or ``pt``."""
        if lang not in _TEXTS:
            raise ConfigError(f"no text in {lang!r}; there are {', '.join(_TEXTS)}")
        words, found = _TEXTS[lang], self.paired.difference
        because = words["short"].format("; ".join(self.insufficient)) if self.insufficient else ""
        return words["ships" if self.ships else "stays"].format(
            a=self.challenger,
            b=self.incumbent,
            mean=1e3 * found.mean,
            low=1e3 * found.low,
            high=1e3 * found.high,
            sessions=found.clusters,
            p=self.paired.p_value,
            level=self.level,
            won=self.paired.paths_won,
            paths=len(self.paired.paths),
            because=because,
        )


_TEXTS = {
    "en": {
        "ships": "{a} ships: it beats {b} by {mean:.2f} millinats per row (95 % interval {low:.2f} to {high:.2f} over "
        "{sessions} sessions, p = {p:.4f} below {level:.4g}, ahead on {won} of {paths} paths).",
        "stays": "{a} does not ship: against {b} it gains {mean:.2f} millinats per row (95 % interval {low:.2f} to "
        "{high:.2f} over {sessions} sessions, p = {p:.4f}, {level:.4g} is needed; ahead on {won} of {paths} "
        "paths){because}.",
        "short": "; the data are insufficient: {}",
    },
    "pt": {
        "ships": "{a} entra em uso: supera {b} em {mean:.2f} milinats por linha (intervalo de 95 % de {low:.2f} a "
        "{high:.2f} em {sessions} pregões, p = {p:.4f} abaixo de {level:.4g}, à frente em {won} de {paths} trajetórias).",
        "stays": "{a} não entra em uso: contra {b} ganha {mean:.2f} milinats por linha (intervalo de 95 % de {low:.2f} "
        "a {high:.2f} em {sessions} pregões, p = {p:.4f}, exige-se {level:.4g}; à frente em {won} de {paths} "
        "trajetórias){because}.",
        "short": "; os dados são insuficientes: {}",
    },
}


def ships(
    challenger: Evaluation,
    incumbent: Evaluation,
    data: Dataset,
    *,
    challengers: int = 1,
    names: tuple[str, str] | None = None,
) -> Shipping:
    """Decide whether a challenger, such as a deep model, may ship: only where it beats the incumbent.

    Parameters
    ----------
    challenger, incumbent : Evaluation
        On the same data and splits; the incumbent is the primary model, LightGBM.
    data : Dataset
        What both were evaluated on.
    challengers : int
        How many are tried against this incumbent: each has a share of :data:`LEVEL` (Bonferroni).
    names : tuple of str, optional
        What to call the two in the text; by default their kinds.

    Raises
    ------
    ConfigError
        As in :func:`paired`, or there is no challenger.
    """
    if challengers < 1:
        raise ConfigError(f"ships: {challengers} challengers, expected at least 1")
    found, level = paired(challenger, incumbent, data), LEVEL / challengers
    reasons = tuple(dict.fromkeys((*challenger.sufficiency.reasons, *incumbent.sufficiency.reasons)))
    one, other = names or (str(e.trial.parameters["kind"]) for e in (challenger, incumbent))
    return Shipping(found.better(level) and not reasons, one, other, found, level, challengers, reasons)


def _chance(found: Interval) -> float:
    if found.clusters < 2:
        return math.nan
    if found.error == 0:
        return 0.0 if found.mean > 0 else 1.0
    try:
        from scipy.stats import t
    except ImportError as error:
        raise MissingExtraError("scipy", "ml", "a paired test") from error
    return float(t.sf(found.mean / found.error, found.clusters - 1))
