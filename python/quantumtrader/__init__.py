"""Order-flow trading for B3's WDO and WIN futures.

The public names load at first use; importing the package costs numpy and nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from quantumtrader import exceptions, features, indicators
    from quantumtrader._backend import EngineFallbackWarning, EngineInfo, core, engine
    from quantumtrader.features import FeatureEngine, FeatureInfo
    from quantumtrader.types import (
        EVENT,
        PX_NONE,
        Action,
        Events,
        FeatureFrame,
        Fill,
        Flag,
        Instrument,
        Kind,
        Order,
        OrderType,
        Phase,
        SessionHours,
        Side,
        columns,
        empty_events,
    )

__all__ = [
    "EVENT",
    "PX_NONE",
    "Action",
    "EngineFallbackWarning",
    "EngineInfo",
    "Events",
    "FeatureEngine",
    "FeatureFrame",
    "FeatureInfo",
    "Fill",
    "Flag",
    "Instrument",
    "Kind",
    "Order",
    "OrderType",
    "Phase",
    "SessionHours",
    "Side",
    "__version__",
    "columns",
    "core",
    "empty_events",
    "engine",
    "exceptions",
    "features",
    "indicators",
]

_MODULES = ("exceptions", "features", "indicators")
_HOME = {
    "_backend": ("EngineFallbackWarning", "EngineInfo", "core", "engine"),
    "features": ("FeatureEngine", "FeatureInfo"),
    "types": (
        "EVENT",
        "PX_NONE",
        "Action",
        "Events",
        "FeatureFrame",
        "Fill",
        "Flag",
        "Instrument",
        "Kind",
        "Order",
        "OrderType",
        "Phase",
        "SessionHours",
        "Side",
        "columns",
        "empty_events",
    ),
}
_HOME_OF = {name: home for home, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name at first use."""
    if name in _MODULES:
        return importlib.import_module(f"quantumtrader.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"quantumtrader.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
