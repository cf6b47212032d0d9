"""Evaluation that is purged, nested, and on record: no line in the ledger, no number.

Each configuration is fitted on the training part of every split and predicts the test part. The predictions
make up out-of-sample paths; scores are computed per path, their intervals over sessions. The line is written
before anything is returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.models.importance import families_of, family_losses
from quantumtrader.training.dataset import Dataset, Sufficiency
from quantumtrader.training.evaluation import Interval, clustered_mean
from quantumtrader.training.policy import Policy
from quantumtrader.training.recipes import Recipe, Searching, Single, fitted, splitter_text
from quantumtrader.training.splits import CombinatorialPurged, Split, Splitter
from quantumtrader.training.trials import Trial, TrialLedger, TrialMemory, configuration_hash
from quantumtrader.training.weights import average_uniqueness

__all__ = ["Evaluation", "FoldTask", "Mapper", "Nested", "evaluate", "fold_importance", "nested"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Mapper = Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]
"""``map``, or the map of a pool: folds are independent of each other."""
Fold = tuple[Float64, Float64, tuple[Trial, ...]]
"""Probabilities of the test rows, base rate of the training part, trials that a search made and nobody wrote down yet."""

_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one configuration did out of sample.

    Parameters
    ----------
    trial : Trial
        Its line in the ledger.
    classes : ndarray of int64, shape (classes,)
    predictions : ndarray of float64, shape (paths, n, classes)
        NaN for rows that no split of the path tested.
    base : ndarray of float64, shape (paths, n, classes)
        Class shares of the training part behind each prediction.
    skill : ndarray of float64, shape (paths,)
        Share of the base rate's log loss that is removed; 0 is no better.
    edge : Interval
        Log loss of the base rate less the model's per row, in nats, over sessions.
    net : Interval or None
        Net ticks per trade over sessions; None without results of trades, NaN without a trade.
    trades : float
        Trades per path.
    sufficiency : Sufficiency
        Whether there is enough to believe any of it.
    """

    trial: Trial
    classes: Int64
    predictions: Float64
    base: Float64
    skill: Float64
    edge: Interval
    net: Interval | None
    trades: float
    sufficiency: Sufficiency

    def mean_predictions(self) -> Float64:
        """Return the mean over the paths, shape (n, classes); NaN for rows never tested."""
        known = ~np.isnan(self.predictions)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(known, self.predictions, 0).sum(axis=0) / known.sum(axis=0))


@dataclass(frozen=True, slots=True)
class Nested:
    """What choosing by inner splits would have done.

    Parameters
    ----------
    evaluations : tuple of Evaluation
        Of every candidate, on the outer splits.
    chosen : ndarray of int64, shape (splits,)
        Candidate that the inner splits of each outer training part preferred.
    evaluation : Evaluation
        Of the choice: what may be claimed for the best of the candidates.
    """

    evaluations: tuple[Evaluation, ...]
    chosen: Int64
    evaluation: Evaluation


def evaluate(
    data: Dataset,
    recipe: Recipe,
    splitter: Splitter,
    ledger: TrialLedger,
    study: str,
    *,
    policy: Policy | None = None,
    half_life: float = float("inf"),
    mapper: Mapper = map,
    notes: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Evaluate one configuration, and write it into the ledger.

    Parameters
    ----------
    data : Dataset
        Without the vault's sessions.
    recipe : Recipe
        What is fitted; see ``training.recipes``.
    splitter : Splitter
        One of ``training.splits``.
    ledger : TrialLedger
        Where the line goes; its results are net ticks per session, or log-loss edge where ``data`` knows of no trades.
    study : str
        Configurations of one study compete with each other.
    policy : Policy, optional
        What is traded; needs the data set's results.
    half_life : float
        Of training weights, in sessions.
    mapper : callable
        Runs the folds.
    notes : mapping, optional
        More for the ledger's parameters, JSON values.

    Raises
    ------
    DataError
        The rows were changed after their replay (see ``Dataset.require_sealed``), or cannot be learned from (see
        ``Dataset.require_usable``).
    ConfigError
        A policy without results to trade, or too few sessions for the splitter.
    """
    data.require_sealed()
    data.require_usable()
    return _evaluate(data, recipe, splitter, ledger, study, policy, half_life, mapper, notes)


def _evaluate(
    data: Dataset,
    recipe: Recipe,
    splitter: Splitter,
    ledger: TrialLedger,
    study: str,
    policy: Policy | None,
    half_life: float,
    mapper: Mapper,
    notes: Mapping[str, Any] | None,
) -> Evaluation:
    if policy is not None and data.trips is None:
        raise ConfigError("evaluate: a policy needs results of trades: build the data set with a payer")
    classes = data.classes
    splits = list(splitter.split(data.spans))
    known = tuple(recipe.ledger.trials(recipe.trials_study)) if isinstance(recipe, Searching) else ()
    # Verified before: parts of it for the folds need no hash of their own.
    task = FoldTask(replace(data, seal=""), recipe, classes, half_life, known)
    folds = [task.keep(found) for found in mapper(task, splits)]
    predictions, base = _paths(data, splitter, splits, folds, classes)
    return _scored(
        data, recipe.parameters, splitter, predictions, base, ledger, study, policy, half_life, notes
    )


def nested(
    data: Dataset,
    candidates: Sequence[Recipe],
    outer: Splitter,
    inner: Splitter,
    ledger: TrialLedger,
    study: str,
    *,
    policy: Policy | None = None,
    half_life: float = float("inf"),
    mapper: Mapper = map,
) -> Nested:
    """Choose among candidates inside each training part, and judge the choice on the test parts.

    Every candidate has its line in ``study``, and so has the choice; inner evaluations have theirs in
    ``study/inner``. Arguments are those of :func:`evaluate`.
    """
    if not candidates:
        raise ConfigError("nested evaluation: there are no candidates")
    data.require_sealed()
    data.require_usable()
    evaluations = tuple(
        _evaluate(data, c, outer, ledger, study, policy, half_life, mapper, None) for c in candidates
    )
    splits = list(outer.split(data.spans))
    chosen = np.zeros(len(splits), np.int64)
    for place, split in enumerate(splits):
        train = data.take(split.train)
        where = {"outer": split.number}
        scores = [
            _evaluate(train, c, inner, ledger, f"{study}/inner", policy, half_life, mapper, where).edge.mean
            for c in candidates
        ]
        chosen[place] = int(np.argmax(scores))
    predictions = np.full_like(evaluations[0].predictions, np.nan)
    base = evaluations[0].base
    for path, rows, number in _places(data, outer, splits):
        predictions[path, rows] = evaluations[chosen[number]].predictions[path, rows]
    parameters = {
        "kind": "nested",
        "candidates": [c.parameters for c in candidates],
        "inner": splitter_text(inner),
    }
    found = _scored(data, parameters, outer, predictions, base, ledger, study, policy, half_life, None)
    return Nested(evaluations, chosen, found)


def fold_importance(
    data: Dataset,
    recipe: Single,
    splitter: Splitter,
    *,
    families: Mapping[str, Sequence[str]] | None = None,
    half_life: float = float("inf"),
    repeats: int = 3,
    seed: int = 7,
) -> dict[str, Interval]:
    """Return the rise of the log loss when a family of features is scrambled in the test rows, over sessions.

    Describes a configuration that was evaluated; it chooses nothing, so it writes no line.
    """
    groups = families or families_of(data.names)
    losses: dict[str, list[Float64]] = {name: [] for name in groups}
    weights, sessions = [], []
    for split in splitter.split(data.spans):
        model = fitted(recipe.estimator, data.take(split.train), half_life)
        rows = split.test[np.isin(data.y[split.test], model.classes_)]
        found = family_losses(
            model, data.X[rows], data.y[rows], data.names, groups, repeats=repeats, seed=seed + split.number
        )
        for name, values in found.items():
            losses[name].append(values)
        weights.append(average_uniqueness(data.spans[rows]))
        sessions.append(data.spans.session[rows])
    # Splits that test a row several times together count it once.
    times = splitter.path_count if isinstance(splitter, CombinatorialPurged) else 1
    w, s = np.concatenate(weights) / times, np.concatenate(sessions)
    return {name: clustered_mean(np.concatenate(v), s, w) for name, v in losses.items()}


@dataclass(frozen=True)
class FoldTask:
    """What is computed for each split: fit on its training part, predict its test part.

    Parameters
    ----------
    data, recipe, half_life
        As given to :func:`evaluate`.
    classes : ndarray of int64, shape (classes,)
    known : tuple of Trial
        Of searches inside training parts, those that are in the ledger.
    """

    data: Dataset
    recipe: Recipe
    classes: Int64
    half_life: float
    known: tuple[Trial, ...] = ()

    @cached_property
    def key(self) -> str:
        """Hash of everything the result depends on but the split."""
        return configuration_hash(
            {
                "data": self.data.sha256,
                "recipe": self.recipe.parameters,
                "classes": self.classes.tolist(),
                "half_life": None if np.isinf(self.half_life) else self.half_life,
            }
        )

    def keep(self, fold: Fold) -> Fold:
        """Write the trials of a fold into the recipe's ledger; returns the fold without them.

        Called in the process that evaluates, before the fold's predictions are used or stored.
        """
        if isinstance(self.recipe, Searching):
            for trial in fold[2]:
                days = np.array(trial.sessions, "datetime64[D]").astype(np.int64)
                self.recipe.ledger.record(trial.study, trial.parameters, days, trial.results, trial.metrics)
        return *fold[:2], ()

    def __call__(self, split: Split) -> Fold:
        """Return the test rows' probabilities, the base rate of the training part, and the trials of a search in it."""
        if not len(split.train):
            raise ConfigError(
                f"split {split.number}: nothing is left to train on after purging {split.purged} and embargoing "
                f"{split.embargoed} rows; use more sessions or a shorter horizon"
            )
        data, classes = self.data, self.classes
        train = data.take(split.train)
        weights = average_uniqueness(train.spans)
        # Half a row of each class more: a class that the training part lacks is rare, not impossible.
        counts = np.bincount(np.searchsorted(classes, train.y), weights, len(classes)) + 0.5
        recipe, trials = self.recipe, None
        if isinstance(recipe, Searching):
            trials = TrialMemory(recipe.ledger.path, self.known)
            recipe = recipe.into(trials)
        found = recipe.fit_predict(train, data.X[split.test], classes, self.half_life)
        return found, counts / counts.sum(), () if trials is None else tuple(trials.added)


def _places(data: Dataset, splitter: Splitter, splits: list[Split]) -> Iterable[tuple[int, Int64, int]]:
    """Yield path, rows and place of the split that predicts these rows on this path."""
    if not isinstance(splitter, CombinatorialPurged):
        for place, split in enumerate(splits):
            yield 0, split.test, place
        return
    group = splitter.groups_of(data.spans)
    for path, numbers in enumerate(splitter.paths()):
        for g, number in enumerate(numbers.tolist()):
            yield path, np.flatnonzero(group == g), number


def _paths(
    data: Dataset,
    splitter: Splitter,
    splits: list[Split],
    folds: list[Fold],
    classes: Int64,
) -> tuple[Float64, Float64]:
    count = splitter.path_count if isinstance(splitter, CombinatorialPurged) else 1
    predictions = np.full((count, len(data), len(classes)), np.nan)
    base = predictions.copy()
    for path, rows, place in _places(data, splitter, splits):
        values, rate, _ = folds[place]
        predictions[path, rows] = values[np.searchsorted(splits[place].test, rows)]
        base[path, rows] = rate
    return predictions, base


def _scored(
    data: Dataset,
    parameters: Mapping[str, Any],
    splitter: Splitter,
    predictions: Float64,
    base: Float64,
    ledger: TrialLedger,
    study: str,
    policy: Policy | None,
    half_life: float,
    notes: Mapping[str, Any] | None,
) -> Evaluation:
    classes = data.classes
    tested = np.flatnonzero(~np.isnan(predictions[0, :, 0]))
    part = data.take(tested)
    weights = average_uniqueness(part.spans)
    place = np.searchsorted(classes, part.y)
    model_loss, base_loss = (
        -np.log(np.maximum(p[:, tested][:, np.arange(len(tested)), place], _LEAST))
        for p in (predictions, base)
    )
    skill = 1 - (model_loss * weights).sum(axis=1) / (base_loss * weights).sum(axis=1)
    gained = (base_loss - model_loss).mean(axis=0)
    session = part.spans.session
    edge = clustered_mean(gained, session, weights)
    dates = part.spans.sessions
    results = np.array([(gained * weights)[session == day].sum() for day in dates])
    metrics = {
        "skill": float(skill.mean()),
        "skill_worst_path": float(skill.min()),
        "edge_nats": edge.mean,
        "edge_low": edge.low,
        "edge_high": edge.high,
    }
    net, per_path = None, 0.0
    if policy is not None and part.trips is not None:
        ticks, days = [], []
        results = np.zeros(len(dates))
        for path in predictions:
            trades = policy.trade(policy.sides(path[tested], classes), part.trips, part.spans)
            ticks.append(trades.net_ticks)
            days.append(session[trades.rows])
            np.add.at(results, np.searchsorted(dates, days[-1]), trades.net_ticks / len(predictions))
        per_path = sum(map(len, ticks)) / len(predictions)
        every = np.concatenate(ticks)
        # Paths repeat the same sessions: together they count as one.
        net = clustered_mean(every, np.concatenate(days), np.full(len(every), 1 / len(predictions)))
        metrics |= {"net_ticks": net.mean, "net_low": net.low, "net_high": net.high, "trades": per_path}
    trial = ledger.record(
        study,
        {
            **parameters,
            "data": data.sha256,
            "label": {"name": data.label, **data.measured_from},
            "splitter": splitter_text(splitter),
            "half_life_sessions": None if np.isinf(half_life) else half_life,
            "policy": None if policy is None else {"margin": policy.margin, "cost_ticks": policy.cost_ticks},
            **(notes or {}),
        },
        dates,
        results,
        metrics,
    )
    return Evaluation(trial, classes, predictions, base, skill, edge, net, per_path, part.sufficiency())
