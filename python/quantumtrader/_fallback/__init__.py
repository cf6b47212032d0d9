"""The numpy twin of the compiled engine: same names, same errors, same numbers, no compiler needed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from quantumtrader import __version__

if TYPE_CHECKING:
    from quantumtrader._fallback.books import L2Book, OrderBook
    from quantumtrader._fallback.features.engine import FeatureEngine
    from quantumtrader._fallback.generator import generate_session
    from quantumtrader._fallback.indicators import Indicator
    from quantumtrader._fallback.pack import pack_events
    from quantumtrader._fallback.venue import Replay, Venue

__all__ = [
    "ENGINE",
    "FeatureEngine",
    "Indicator",
    "L2Book",
    "OrderBook",
    "Replay",
    "Venue",
    "__version__",
    "generate_session",
    "pack_events",
]

ENGINE = "python"

_HOME = {
    "FeatureEngine": "features.engine",
    "Indicator": "indicators",
    "L2Book": "books",
    "OrderBook": "books",
    "Replay": "venue",
    "Venue": "venue",
    "generate_session": "generator",
    "pack_events": "pack",
}


def __getattr__(name: str) -> object:
    """Load a public name from its file at first use, so that one room never loads the others."""
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
