"""Slicing: a parent order in, child orders out over time and market state.

A new algorithm is one file with a subclass of ``Slicer`` and one line in ``SLICERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.routing.flow import FlowRouter
from quantumtrader.execution.routing.parent import MarketView, ParentOrder
from quantumtrader.execution.routing.pov import Pov
from quantumtrader.execution.routing.slicer import Aim, Child, Router, Slicer
from quantumtrader.execution.routing.twap import Twap

__all__ = [
    "SLICERS",
    "Aim",
    "Child",
    "FlowRouter",
    "MarketView",
    "ParentOrder",
    "Pov",
    "Router",
    "Slicer",
    "Twap",
    "make_slicer",
]

SLICERS: dict[str, type[Slicer]] = {cls.name: cls for cls in (Twap, Pov, FlowRouter)}
"""Algorithms by name."""


def make_slicer(name: str, parent: ParentOrder, new_id: Callable[[], int], **parameters: Any) -> Slicer:
    """Build a slicer by name.

    Raises
    ------
    ConfigError
        If the name or a parameter is not known, or a parameter is out of range.
    """
    if name not in SLICERS:
        raise ConfigError(f"no slicing algorithm {name!r}; there are {', '.join(SLICERS)}")
    try:
        return SLICERS[name](parent, new_id, **parameters)
    except TypeError as error:
        raise ConfigError(f"slicing algorithm {name!r}: {error}") from error
