"""Hyper-parameters by Optuna, within a budget that is fixed before it starts.

Every trial is evaluated on inner purged splits of the training part and is a line of the ledger, so that the number
behind the best one is known. The sampler draws from a seed and from the results of earlier trials alone: a search that was
cut off reads the lines it has written, and goes on to the same end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError, MissingExtraError
from quantumtrader.models.base import model
from quantumtrader.training.cross_validate import Mapper, _evaluate
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.recipes import Fitted, Recipe, Single, splitter_text
from quantumtrader.training.splits import Splitter
from quantumtrader.training.trials import Trial, TrialLedger, configuration_hash

__all__ = ["SPACES", "Choice", "Range", "Search", "Tuned", "require_optuna", "tune"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers between two ends, both included; whole ones where both ends are.

    Parameters
    ----------
    low, high : int or float
        The ends.
    log : bool
        Whether ratios count instead of differences.
    """

    low: int | float
    high: int | float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ConfigError(
                f"search from {self.low} to {self.high}: expected a range, above 0 where ratios count"
            )


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values, JSON values."""

    values: tuple[str | int | float | bool, ...]

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise ConfigError(f"a choice among {self.values}: expected at least two values")


Space = Mapping[str, Range | Choice]

_BOOSTING: Space = {
    "trees": Range(50, 500, log=True),
    "learning_rate": Range(0.01, 0.2, log=True),
    "l2": Range(0.1, 100.0, log=True),
    "feature_share": Range(0.2, 1.0),
    "row_share": Range(0.4, 1.0),
}
_NETWORK: Space = {"rate": Range(3e-4, 1e-2, log=True), "decay": Range(1e-6, 1e-2, log=True)}
SPACES: Mapping[str, Space] = MappingProxyType(
    {
        "lightgbm": {**_BOOSTING, "leaves": Range(4, 63, log=True), "min_leaf": Range(20, 1_000, log=True)},
        "logistic": {"l2": Range(0.01, 10_000.0, log=True)},
        "lstm": {**_NETWORK, "hidden": Choice((16, 32, 64))},
        "random_forest": {
            "leaves": Range(8, 255, log=True),
            "min_leaf": Range(20, 1_000, log=True),
            "feature_share": Range(0.05, 0.8, log=True),
        },
        "transformer": {**_NETWORK, "width": Choice((16, 32, 64)), "layers": Range(1, 3)},
        "xgboost": {**_BOOSTING, "depth": Range(2, 8), "min_child_weight": Range(5.0, 300.0, log=True)},
    }
)
"""What is searched for each kind, unless something else is given."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found.

    Parameters
    ----------
    parameters : dict
        Of the best trial, the fixed ones included.
    value : float
        Its log-loss edge over the base rate on the inner splits, in nats per row.
    trials : tuple of Trial
        All of them, in order.
    reused : int
        How many were in the ledger already.
    """

    parameters: Mapping[str, Any]
    value: float
    trials: tuple[Trial, ...]
    reused: int


def tune(
    data: Dataset,
    kind: str,
    inner: Splitter,
    ledger: TrialLedger,
    study: str,
    *,
    budget: int,
    seed: int = 7,
    space: Space | None = None,
    fixed: Mapping[str, Any] | None = None,
    half_life: float = float("inf"),
    mapper: Mapper = map,
) -> Search:
    """Search the parameters of a model on inner splits of its training rows.

    Parameters
    ----------
    data : Dataset
        The training part, and nothing else.
    kind : str
        Kind of model.
    inner : Splitter
        Divides ``data``.
    ledger : TrialLedger
        Where each trial goes, and where those of a search that was cut off are found.
    study : str
        Trials go into ``study/tuning``.
    budget : int
        Number of trials, fixed in advance; each line says which of how many it is.
    seed : int
        Of the sampler.
    space : mapping, optional
        Ranges and choices by parameter; by default those of ``SPACES``.
    fixed : mapping, optional
        Parameters that are not searched.
    half_life : float
        Of training weights, in sessions.
    mapper : callable
        Runs the folds of a trial.

    Raises
    ------
    ConfigError
        A budget below 1, no search space for the kind, or one that names no parameter of it.
    DataError
        No trial could be evaluated, or the ledger holds other trials under the name of this search.
    MissingExtraError
        Optuna is not installed.
    """
    searched, fixed = _space(kind, space, fixed or {}), dict(fixed or {})
    if budget < 1:
        raise ConfigError(f"tuning of {kind}: the budget is {budget} trials, expected at least 1")
    optuna = require_optuna()
    about = {
        "kind": kind,
        "budget": budget,
        "seed": seed,
        "space": _text(searched),
        "fixed": fixed,
        "data": data.sha256,
        "inner": splitter_text(inner),
        "half_life": None if np.isinf(half_life) else half_life,
    }
    search = configuration_hash(about)[:16]
    study = _study_of(study)
    known = {
        t.parameters["tuning"]["trial"]: t
        for t in ledger.trials(study)
        if t.parameters.get("tuning", {}).get("search") == search
    }
    distributions = {name: _distribution(optuna, one) for name, one in sorted(searched.items())}
    asked = _quiet(optuna, seed)
    trials: list[Trial] = []
    for number in range(budget):
        drawn = asked.ask(distributions)
        parameters = {**fixed, **drawn.params}
        recipe = Single(model(kind, **parameters))
        found = known.get(number)
        if found is None:
            note = {"search": search, "trial": number, "budget": budget, "seed": seed}
            found = _evaluate(
                data, recipe, inner, ledger, study, None, half_life, mapper, {"tuning": note}
            ).trial
        elif found.parameters["parameters"] != recipe.parameters["parameters"]:
            raise DataError(
                f"tuning of {kind}: trial {number} of search {search} is in the ledger with other parameters than "
                "the sampler draws now",
                path=ledger.path,
                remedy="Another version of Optuna wrote it: give the study a new name",
            )
        asked.tell(drawn, found.metrics["edge_nats"])
        trials.append(found)
    best = max(trials, key=lambda t: t.metrics["edge_nats"])
    chosen = {**fixed, **{name: best.parameters["parameters"][name] for name in searched}}
    return Search(chosen, best.metrics["edge_nats"], tuple(trials), len(known))


@dataclass(frozen=True)
class Tuned:
    """A recipe that searches its parameters inside each training part that it is given.

    Evaluated on outer splits it says what tuning is worth; the search never sees a test row.

    Parameters
    ----------
    kind : str
        Kind of model.
    inner : Splitter
        Divides each training part.
    ledger : TrialLedger
        Where the trials go. What a fold of ``evaluate`` searches comes back with its result, and is written there by the
        process that evaluates: workers write nothing.
    study : str
        Trials go into ``study/tuning``.
    budget, seed, space, fixed
        As in :func:`tune`.
    calibration : str, optional
        A method of ``Calibration``; fitted on ``inner``, with the parameters that were found.
    """

    kind: str
    inner: Splitter
    ledger: TrialLedger = field(repr=False)
    study: str
    budget: int
    seed: int = 7
    space: Space | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    calibration: str | None = None

    def __post_init__(self) -> None:
        _space(self.kind, self.space, self.fixed)

    @property
    def parameters(self) -> dict[str, Any]:
        """Kind, budget, seed and space: what was decided before the search."""
        calibrated = {} if self.calibration is None else {"calibration": self.calibration}
        return {
            "kind": self.kind,
            "parameters": dict(self.fixed),
            **calibrated,
            "tuned": {
                "budget": self.budget,
                "seed": self.seed,
                "space": _text(_space(self.kind, self.space, self.fixed)),
                "inner": splitter_text(self.inner),
            },
        }

    @property
    def trials_study(self) -> str:
        """Study of the trials."""
        return _study_of(self.study)

    def into(self, ledger: TrialLedger) -> Tuned:
        """Return the same recipe with another ledger."""
        return replace(self, ledger=ledger)

    def search(self, train: Dataset, half_life: float = float("inf")) -> Search:
        """Search on training rows; see :func:`tune`."""
        return tune(
            train,
            self.kind,
            self.inner,
            self.ledger,
            self.study,
            budget=self.budget,
            seed=self.seed,
            space=self.space,
            fixed=self.fixed,
            half_life=half_life,
        )

    def recipe(self, train: Dataset, half_life: float = float("inf")) -> Recipe:
        """Return the recipe of the best parameters for these training rows."""
        found = model(self.kind, **self.search(train, half_life).parameters)
        return Single(found, self.calibration, None if self.calibration is None else self.inner)

    def fit(self, train: Dataset, half_life: float = float("inf")) -> Fitted:
        """Search, then fit the best on all training rows."""
        return self.recipe(train, half_life).fit(train, half_life)

    def fit_predict(self, train: Dataset, X: Float64, classes: Int64, half_life: float) -> Float64:
        """See ``Recipe``."""
        return self.fit(train, half_life).predict(X, classes)


def _study_of(study: str) -> str:
    return f"{study}/tuning"


def _space(kind: str, space: Space | None, fixed: Mapping[str, Any]) -> dict[str, Range | Choice]:
    given = SPACES.get(kind, {}) if space is None else space
    left = {name: one for name, one in given.items() if name not in fixed}
    known = set(model(kind, **fixed).get_params())
    odd = sorted(left.keys() - known)
    if not left or odd:
        what = f"it has no parameter {', '.join(odd)}" if odd else "there is nothing to search"
        raise ConfigError(f"tuning of {kind}: {what}; its parameters are {', '.join(sorted(known))}")
    return left


def _text(space: Space) -> dict[str, Any]:
    return {name: asdict(one) for name, one in sorted(space.items())}


def _distribution(optuna: ModuleType, one: Range | Choice) -> Any:
    if isinstance(one, Choice):
        return optuna.distributions.CategoricalDistribution(one.values)
    if isinstance(one.low, int) and isinstance(one.high, int):
        return optuna.distributions.IntDistribution(one.low, one.high, log=one.log)
    return optuna.distributions.FloatDistribution(one.low, one.high, log=one.log)


def _quiet(optuna: ModuleType, seed: int) -> Any:
    """Return a study in memory, without the line that Optuna logs about it."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    finally:
        optuna.logging.set_verbosity(level)


def require_optuna() -> ModuleType:
    """Return Optuna.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("optuna", "tune", "a search of parameters") from error
    module: ModuleType = optuna
    return module
