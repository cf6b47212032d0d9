"""Other names of features: those of the design documents, and of the columns that the bridge publishes.

An alias is another name of one feature: the engine computes the feature once, and the column keeps the name that
was asked for. A name that stands for several features is a group, which is a set (see
:mod:`quantumtrader.features.sets`). The tables are those of ``crates/qt-features/src/aliases.rs``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources
from types import MappingProxyType

from quantumtrader.features.lags import split_lag

_TABLE = json.loads(resources.files("quantumtrader._generated").joinpath("aliases.json").read_text("utf-8"))

ALIASES: MappingProxyType[str, str] = MappingProxyType(_TABLE["aliases"])
"""Other name to the canonical one. ``order_flow_imbalance`` is the imbalance of trades, not ``book_ofi``."""

GROUPS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {name: tuple(members) for name, members in _TABLE["groups"].items()}
)
"""Names of the design documents that stand for several features, and which; ``hmarl`` has the bridge's columns."""


def canonical(name: str) -> str:
    """Return the catalogue's name for ``name``: that of its feature for an alias, else ``name`` itself.

    A column of an earlier row keeps its ``@``.
    """
    feature, lag = split_lag(name)
    found = ALIASES.get(feature, feature)
    return f"{found}@{lag}" if lag else found


def aliases_of(name: str) -> tuple[str, ...]:
    """Return the other names of a feature, in table order."""
    return tuple(alias for alias, target in ALIASES.items() if target == name)


def missing(known: Iterable[str]) -> tuple[str, ...]:
    """Return the features that an alias or a group names and ``known`` does not have, each once.

    Parameters
    ----------
    known : iterable of str
        Names of the catalogue.
    """
    names = set(known)
    wanted = (*ALIASES.values(), *(canonical(name) for group in GROUPS.values() for name in group))
    return tuple(dict.fromkeys(name for name in wanted if name not in names))
