"""What competes: fixed in advance, so that the number of trials is known before the first one."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence

from quantumtrader.exceptions import ConfigError
from quantumtrader.features.lags import lagged
from quantumtrader.models.base import Model, model
from quantumtrader.models.stack import Stack
from quantumtrader.training.recipes import Recipe, Single, Stacked
from quantumtrader.training.splits import Splitter
from quantumtrader.training.trials import TrialLedger
from quantumtrader.training.tuning import Tuned, require_optuna

__all__ = [
    "BUDGET",
    "NETWORKS",
    "SETS",
    "baselines",
    "learners",
    "shallow_trees",
    "skipped",
    "with_stretches",
]

SETS = ("standard", "quick", "tuned", "deep")
"""Sets of learners: trees and a stack; one LightGBM only; the same and one whose parameters are searched inside every
training part; one LightGBM and two networks on stretches of rows."""
BUDGET = 12
"""Trials of each search."""
NETWORKS = ("lstm", "transformer")
"""Candidates that ship only where a paired test beats LightGBM."""
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


def learners(
    which: str,
    names: Sequence[str],
    kind: str,
    inner: Splitter,
    seed: int,
    min_leaf: int,
    ledger: TrialLedger,
    study: str,
) -> dict[str, Recipe]:
    """Return the candidates of a set.

    Parameters
    ----------
    which : str
        One of ``SETS``.
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
    MissingExtraError
        A search is asked for, and Optuna is not installed.
    """
    if which not in SETS:
        raise ConfigError(f"no set of candidates {which!r}; there are {', '.join(SETS)}")
    shallow = shallow_trees(seed, min_leaf)
    if which == "quick":
        return {"lightgbm_shallow": Single(shallow)}
    if which == "tuned":
        require_optuna()
        fixed = {"bins": 63, "seed": seed}
        tuned = Tuned("lightgbm", inner, ledger, study, BUDGET, seed, fixed=fixed)
        return {"lightgbm_shallow": Single(shallow), "lightgbm_tuned": tuned}
    if which == "deep":
        networks: dict[str, Model] = {
            "lstm": model("lstm", hidden=16, epochs=8, seed=seed),
            "transformer": model("transformer", layers=1, width=16, epochs=8, seed=seed),
        }
        return {"lightgbm_shallow": Single(shallow), **{n: Single(m) for n, m in networks.items()}}
    singles: dict[str, Model] = {
        "lightgbm_shallow": shallow,
        "lightgbm": model(
            "lightgbm", trees=60, leaves=15, learning_rate=0.06, min_leaf=min_leaf, bins=63, seed=seed
        ),
        "random_forest": model(
            "random_forest", trees=40, leaves=15, min_leaf=min_leaf, feature_share=0.2, bins=63, seed=seed
        ),
    }
    if not skipped(which):
        singles["xgboost"] = model("xgboost", trees=60, depth=3, learning_rate=0.06, seed=seed)
    logistic = baselines(names, kind)["logistic"]
    assert isinstance(logistic, Single)
    members = [logistic.estimator, shallow]
    return {name: Single(m) for name, m in singles.items()} | {"stack": Stacked(members, inner, Stack())}


def with_stretches(which: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns, and for networks those of earlier rows of some of them."""
    chosen = [n for n in _SEQUENCE if n in names]
    if which != "deep" or not chosen:
        return names
    return (*names, *lagged(chosen, _STEPS))


def skipped(which: str) -> Mapping[str, str]:
    """Return candidates of a set that are not installed here, and how to install them."""
    if which == "standard" and importlib.util.find_spec("xgboost") is None:
        return {"xgboost": "pip install 'quantumtrader[xgboost]'"}
    return {}
