"""Displayed size of an order after each message, for feeds that send what was taken away."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]


def remaining(ids: Int64, sets: Bools, sizes: Int64) -> Int64:
    """Size that is left of each order after each message about it.

    Parameters
    ----------
    ids : ndarray of int64, shape (n,)
        Order of each message, in stream order.
    sets : ndarray of bool, shape (n,)
        True where the message states the whole size (add, modify), False where it takes ``sizes`` away.
    sizes : ndarray of int64, shape (n,)
        The size stated or taken.

    Returns
    -------
    ndarray of int64, shape (n,)
        What is left; negative where an order that was never stated is reduced, or by more than it had.
    """
    n = len(ids)
    if n == 0:
        return np.zeros(0, np.int64)
    order = np.argsort(ids, kind="stable")
    grouped, size, is_set = ids[order], sizes[order], sets[order]
    index = np.arange(n)
    first = np.empty(n, bool)
    first[0] = True
    np.not_equal(grouped[1:], grouped[:-1], out=first[1:])
    start = np.maximum.accumulate(
        np.where(first | is_set, index, 0)
    )  # last statement, or the group's first row
    taken = np.cumsum(np.where(is_set, 0, size))
    before = np.where(is_set[start], taken[start], taken[start] - size[start])
    stated = np.where(is_set[start], size[start], 0)
    out = np.empty(n, np.int64)
    out[order] = stated - (taken - before)
    return out
