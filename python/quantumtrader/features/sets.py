"""Named sets of features, so that a strategy can say what it reads in one word."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quantumtrader.exceptions import ConfigError, UnknownFeatureError
from quantumtrader.features.aliases import GROUPS
from quantumtrader.features.catalogue import FeatureInfo, catalogue, info

FAMILIES = ("order_flow", "tape_reading", "footprint", "liquidity", "microstructure", "technical")
"""Families of the catalogue, in its order; each is a set of its own name."""

_BOOK = frozenset({"L1", "L2", "L3"})


def _family(name: str) -> Callable[[FeatureInfo], bool]:
    return lambda f: f.family == name


SETS: dict[str, Callable[[FeatureInfo], bool]] = {
    "all": lambda f: True,
    "tick_only": lambda f: _BOOK.isdisjoint(f.inputs),
    "book_enhanced": lambda f: True,
    "bars": lambda f: f.inputs == ("B",),
    **{name: _family(name) for name in FAMILIES},
}
"""Name of a set, and which features are in it.

``tick_only`` needs neither touch nor book; ``book_enhanced`` may use every family. The groups of
:data:`quantumtrader.features.aliases.GROUPS` are sets as well.
"""


def set_names() -> tuple[str, ...]:
    """Return the names of all sets: by rule, by family, and the groups of the design documents."""
    return (*SETS, *GROUPS)


def resolve(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return feature names in column order.

    Parameters
    ----------
    names : str or sequence of str
        A set (``tick_only``, ``book_enhanced``, ``order_flow``, ``all``, …), one feature, or a list of features. An
        alias stays as it is: it names the column, and the engine computes its feature.

    Raises
    ------
    UnknownFeatureError
        If a name is none of these, or of a feature that this catalogue does not have.
    ConfigError
        If a set has no feature in this catalogue.
    """
    if isinstance(names, str):
        if names in SETS:
            chosen = tuple(f.name for f in catalogue() if SETS[names](f))
            if not chosen:
                raise ConfigError(f'the set "{names}" is empty: the catalogue has no such feature')
            return chosen
        names = GROUPS.get(names, (names,))
    for name in names:
        try:
            info(name)
        except UnknownFeatureError:
            if name not in set_names():
                raise
            raise UnknownFeatureError(
                f'"{name}" is a set, not a feature: give it alone, or its features with *resolve("{name}")'
            ) from None
    return tuple(names)
