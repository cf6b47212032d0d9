"""Which families of features a model needs: what it loses on unseen rows when a family is scrambled.

Features of one family say nearly the same thing, so they are scrambled together: one by one, each would seem
needless. Only rows outside the training part count; ``training.cross_validate`` hands them in fold by fold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataError
from quantumtrader.features import info
from quantumtrader.models.base import Estimator

__all__ = ["families_of", "family_losses"]

Float64 = npt.NDArray[np.float64]


def families_of(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Group features by the catalogue's families, in their order."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(info(name).family, []).append(name)
    return {family: tuple(members) for family, members in groups.items()}


def family_losses(
    estimator: Estimator,
    X: Float64,
    y: npt.NDArray[np.int64],
    names: Sequence[str],
    families: Mapping[str, Sequence[str]],
    *,
    repeats: int = 3,
    seed: int = 7,
) -> dict[str, Float64]:
    """Return how much the log loss of each row rises when a family is permuted.

    Parameters
    ----------
    estimator : Estimator
        Fitted on other rows, purged of what overlaps these.
    X, y : ndarray, shape (n, features) and (n,)
        Test rows and their classes.
    names : sequence of str
        Of the columns.
    families : mapping of str to sequence of str
        Columns by family, see :func:`families_of`.
    repeats, seed : int
        Permutations to average over, and their seed.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        In nats; positive where the family helped. The mean, with its interval over sessions, is the importance.
    """
    columns = list(names)
    known = np.isin(y, estimator.classes_)
    if not known.all():
        raise DataError(f"importance: class {y[~known][0]} was not in the training rows")
    place = np.searchsorted(estimator.classes_, y)

    def losses(rows: Float64) -> Float64:
        p = estimator.predict_proba(rows)[np.arange(len(y)), place]
        return np.asarray(-np.log(np.maximum(p, 1e-15)))

    before = losses(X)
    rng = np.random.default_rng(seed)
    out = {}
    for family, members in families.items():
        chosen = [columns.index(name) for name in members]
        rise = np.zeros(len(X))
        for _ in range(repeats):
            scrambled = X.copy()
            scrambled[:, chosen] = X[rng.permutation(len(X))][:, chosen]
            rise += losses(scrambled) - before
        out[family] = rise / repeats
    return out
