"""What competes: fixed in advance, so that the number of trials is known before the first one."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from quantumtrader.exceptions import ConfigError, MissingExtraError
from quantumtrader.features.lags import lagged
from quantumtrader.models.base import Model, model
from quantumtrader.models.stack import Stack
from quantumtrader.training.recipes import Recipe, Single, Stacked
from quantumtrader.training.splits import Splitter
from quantumtrader.training.trials import TrialLedger
from quantumtrader.training.tuning import Tuned

__all__ = [
    "BUDGET",
    "LEARNERS",
    "NETWORKS",
    "SETS",
    "Candidates",
    "baselines",
    "learners",
    "names_of",
    "require_candidates",
    "shallow_trees",
    "skipped",
    "with_stretches",
]

Candidates = str | tuple[str, ...]
"""A set of ``SETS``, or candidates by their names of ``LEARNERS``."""

LEARNERS = (
    "lightgbm_shallow", "lightgbm", "random_forest", "xgboost", "stack", "lightgbm_tuned", "lstm", "transformer",
)  # fmt: skip
"""Names of all candidates, in the order in which they are tried."""
SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "standard": ("lightgbm_shallow", "lightgbm", "random_forest", "xgboost", "stack"),
        "quick": ("lightgbm_shallow",),
        "tuned": ("lightgbm_shallow", "lightgbm_tuned"),
        "deep": ("lightgbm_shallow", "lstm", "transformer"),
    }
)
"""Sets of learners: trees and a stack; one LightGBM only; the same and one whose parameters are searched inside every
training part; one LightGBM and two networks on stretches of rows."""
BUDGET = 12
"""Trials of each search."""
NETWORKS = ("lstm", "transformer")
"""Candidates that ship only where a paired test beats LightGBM."""
_BESIDE = (*NETWORKS, "stack", "lightgbm_tuned")
"""Candidates beside which the shallow LightGBM is always tried: it is what they are held against, or made of."""
_EXTRAS: Mapping[str, tuple[tuple[str, ...], str, str]] = MappingProxyType(
    {
        "xgboost": (("xgboost",), "xgboost-cpu", "xgboost"),
        "lightgbm_tuned": (("optuna",), "optuna", "tune"),
        **dict.fromkeys(NETWORKS, (("jax", "optax"), "jax and optax", "deep")),
    }
)
"""Candidate to the modules it is fitted with, the packages they come in, and the extra that installs them."""
_SEQUENCE = (
    "ret_1", "bar_range", "close_pos_20", "volume_ratio_5_20", "flow_ofi_1m", "flow_count_imb_1m", "book_imbalance_1",
    "weighted_mid_dev", "mid_return_1s", "spread_ticks",
)  # fmt: skip
_STEPS = (1, 2, 3, 5, 8, 13)
"""Rows back that a network sees of each of these."""

_RETURNS = ("mid_return_10s", "mid_return_1s", "ret_1")
_CROSSES = ("ema_cross_9_20", "ema_cross_20_50")
_IMBALANCES = ("book_imbalance_1", "flow_volume_imbalance", "flow_count_imb_1m")
_PICKED = {
    "tick": (
        "ret_1", "ret_5", "ret_15", "rsi_14", "ema_dist_20", "bb_pctb_20", "di_spread_14", "volume_z_20",
        "dist_open", "session_frac",
    ),
    "book": (
        "book_imbalance_1", "book_imbalance_5", "book_pressure", "weighted_mid_dev", "flow_ofi_1m", "spread_ticks",
        "mid_return_1s", "mid_return_10s", "flow_count_imb_1m", "delta_1m",
    ),
}  # fmt: skip


def baselines(names: Sequence[str], kind: str) -> dict[str, Recipe]:
    """Return what every model has to beat, as far as the columns are there.

    Parameters
    ----------
    names : sequence of str
        Columns.
    kind : str
        ``tick`` or ``book``: which ten features the logistic regression reads.
    """
    out: dict[str, Recipe] = {"base_rate": Single(model("base_rate"))}
    returned = next((n for n in _RETURNS if n in names), None)
    if returned is not None:
        out["last_sign"] = Single(model("last_sign", column=returned))
    cross = next((n for n in _CROSSES if n in names), None)
    if cross is not None:
        out["ma_cross"] = Single(model("last_sign", column=cross))  # which average lies above the other
    imbalance = next((n for n in _IMBALANCES if n in names), None)
    if imbalance is not None:
        out["imbalance_threshold"] = Single(model("imbalance_threshold", column=imbalance))
    picked = [n for n in _PICKED[kind] if n in names] or list(names[:10])
    out["logistic"] = Single(model("logistic", columns=picked, l2=100.0))
    return out


def shallow_trees(seed: int, min_leaf: int) -> Model:
    """Return the LightGBM that is in every set."""
    return model("lightgbm", trees=60, leaves=7, learning_rate=0.06, min_leaf=min_leaf, bins=63, seed=seed)


def names_of(which: Candidates) -> tuple[str, ...]:
    """Return the candidates of a set, or those that are named, in the order of ``LEARNERS``.

    A network, a stack or a search brings the shallow LightGBM with it.

    Raises
    ------
    ConfigError
        A name is not known, or there is none.
    """
    asked = (which,) if isinstance(which, str) else tuple(which)
    if isinstance(which, str):
        odd = "" if which in SETS else f"no set of candidates {which!r}"
    else:
        unknown = [name for name in asked if name not in SETS and name not in LEARNERS]
        odd = f"no candidate {unknown[0]!r}" if unknown else "" if asked else "no candidates are named"
    if odd:
        raise ConfigError(
            f"{odd}; there are the sets {', '.join(SETS)}, and by name, as a tuple, {', '.join(LEARNERS)}"
        )
    wanted = {one for name in asked for one in SETS.get(name, (name,))}
    if wanted.intersection(_BESIDE):
        wanted.add("lightgbm_shallow")
    return tuple(name for name in LEARNERS if name in wanted)


def require_candidates(which: Candidates) -> None:
    """Refuse candidates that cannot be fitted here; worth asking before anything is read.

    Raises
    ------
    ConfigError
        A name is not known, or there is none.
    MissingExtraError
        A library that one of them is fitted with is not installed; one that its set does without is not needed.
    """
    names = names_of(which)
    for module in ("lightgbm", "scipy"):
        if not _installed(module):
            raise MissingExtraError(module, "ml", "a training")
    for name in names:
        modules, packages, extra = _EXTRAS.get(name, ((), "", ""))
        if name not in skipped(which) and not all(map(_installed, modules)):
            raise MissingExtraError(packages, extra, f"the candidate {name}")


def learners(
    which: Candidates,
    names: Sequence[str],
    kind: str,
    inner: Splitter,
    seed: int,
    min_leaf: int,
    ledger: TrialLedger,
    study: str,
) -> dict[str, Recipe]:
    """Return candidates by name.

    Parameters
    ----------
    which : str or tuple of str
        One of ``SETS``, or names of ``LEARNERS``.
    names, kind
        As for :func:`baselines`.
    inner : Splitter
        Divides training parts for the stack.
    seed : int
        Of the trees.
    min_leaf : int
        Least rows in a leaf.
    ledger, study
        Where the trials of searches go: ``study/tuning``.

    Raises
    ------
    ConfigError, MissingExtraError
        As of :func:`require_candidates`.
    """
    require_candidates(which)
    shallow = shallow_trees(seed, min_leaf)

    def made(name: str) -> Recipe:
        if name == "stack":
            logistic = baselines(names, kind)["logistic"]
            assert isinstance(logistic, Single)
            return Stacked([logistic.estimator, shallow], inner, Stack())
        if name == "lightgbm_tuned":
            fixed = {"bins": 63, "seed": seed}
            return Tuned("lightgbm", inner, ledger, study, BUDGET, seed, fixed=fixed)
        return Single(shallow if name == "lightgbm_shallow" else _estimator(name, seed, min_leaf))

    left = skipped(which)
    return {name: made(name) for name in names_of(which) if name not in left}


def _estimator(name: str, seed: int, min_leaf: int) -> Model:
    given: dict[str, dict[str, Any]] = {
        "lightgbm": {"trees": 60, "leaves": 15, "learning_rate": 0.06, "min_leaf": min_leaf, "bins": 63},
        "random_forest": {"trees": 40, "leaves": 15, "min_leaf": min_leaf, "feature_share": 0.2, "bins": 63},
        "xgboost": {"trees": 60, "depth": 3, "learning_rate": 0.06},
        "lstm": {"hidden": 16, "epochs": 8},
        "transformer": {"layers": 1, "width": 16, "epochs": 8},
    }
    return model(name, **given[name], seed=seed)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def with_stretches(which: Candidates, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns, and for networks those of earlier rows of some of them."""
    chosen = [n for n in _SEQUENCE if n in names]
    if not chosen or not set(names_of(which)).intersection(NETWORKS):
        return names
    return (*names, *lagged(chosen, _STEPS))


def skipped(which: Candidates) -> Mapping[str, str]:
    """Return candidates of a set that are not installed here, and how to install them; a named one is never left out."""
    asked = (which,) if isinstance(which, str) else which
    if "standard" in asked and "xgboost" not in asked and not _installed("xgboost"):
        return {"xgboost": "pip install 'quantumtrader[xgboost]'"}
    return {}
