"""What competes: fixed in advance, so that the number of trials is known before the first one."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence

from quantumtrader.exceptions import ConfigError
from quantumtrader.models.base import Model, model
from quantumtrader.models.stack import Stack
from quantumtrader.training.recipes import Recipe, Single, Stacked
from quantumtrader.training.splits import Splitter

__all__ = ["SETS", "baselines", "learners", "skipped"]

SETS = ("standard", "quick")
"""Sets of learners: all of them, or one LightGBM only."""

_RETURNS = ("mid_return_10s", "mid_return_1s", "ret_1")
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
    imbalance = next((n for n in _IMBALANCES if n in names), None)
    if imbalance is not None:
        out["imbalance_threshold"] = Single(model("imbalance_threshold", column=imbalance))
    picked = [n for n in _PICKED[kind] if n in names] or list(names[:10])
    out["logistic"] = Single(model("logistic", columns=picked, l2=100.0))
    return out


def learners(
    which: str, names: Sequence[str], kind: str, inner: Splitter, seed: int, min_leaf: int = 100
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
    """
    if which not in SETS:
        raise ConfigError(f"no set of candidates {which!r}; there are {', '.join(SETS)}")
    shallow = model("lightgbm", trees=60, leaves=7, learning_rate=0.06, min_leaf=min_leaf, bins=63, seed=seed)
    if which == "quick":
        return {"lightgbm_shallow": Single(shallow)}
    singles: dict[str, Model] = {
        "lightgbm_shallow": shallow,
        "lightgbm": model(
            "lightgbm", trees=60, leaves=15, learning_rate=0.06, min_leaf=min_leaf, bins=63, seed=seed
        ),
        "random_forest": model(
            "random_forest", trees=40, leaves=15, min_leaf=min_leaf, feature_share=0.2, bins=63, seed=seed
        ),
    }
    if not skipped():
        singles["xgboost"] = model("xgboost", trees=60, depth=3, learning_rate=0.06, seed=seed)
    logistic = baselines(names, kind)["logistic"]
    assert isinstance(logistic, Single)
    members = [logistic.estimator, shallow]
    return {name: Single(m) for name, m in singles.items()} | {"stack": Stacked(members, inner, Stack())}


def skipped() -> Mapping[str, str]:
    """Return candidates that cannot be tried here, and why."""
    if importlib.util.find_spec("xgboost") is None:
        return {"xgboost": "not installed; pip install 'quantumtrader[xgboost]'"}
    return {}
