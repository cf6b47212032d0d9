"""Named sets of features, so that a strategy can say what it reads in one word."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quantumtrader.features.catalogue import FeatureInfo, catalogue, info

_BOOK = frozenset({"L1", "L2", "L3"})

SETS: dict[str, Callable[[FeatureInfo], bool]] = {
    "all": lambda f: True,
    "order_flow": lambda f: f.family == "order_flow",
    "technical": lambda f: f.family == "technical",
    "bars": lambda f: f.inputs == ("B",),
    "tick_only": lambda f: _BOOK.isdisjoint(f.inputs),
}
"""Name of a set, and which features are in it. ``tick_only`` needs no touch and no book."""


def resolve(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return feature names in column order.

    Parameters
    ----------
    names : str or sequence of str
        A set (``order_flow``, ``technical``, ``bars``, ``tick_only``, ``all``), one feature, or a list of features.

    Raises
    ------
    UnknownFeatureError
        If a name is neither.
    """
    if isinstance(names, str):
        if names in SETS:
            return tuple(f.name for f in catalogue() if SETS[names](f))
        names = (names,)
    return tuple(info(name).name for name in names)
