"""Indicators over any numbers, one value at a time or many at once.

>>> from quantumtrader.indicators import Indicator
>>> ema = Indicator("ema", 3)
>>> [ema.update(x) for x in (1.0, 2.0, 6.0, 5.0)]
[nan, nan, 3.0, 4.0]
>>> Indicator("ema", 3).update_many([1.0, 2.0, 6.0, 5.0])
array([nan, nan,  3.,  4.])

:class:`Indicator` is the class of the engine in force itself, with nothing around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantumtrader import _backend

if TYPE_CHECKING:
    from quantumtrader._protocols import IndicatorProtocol as Indicator

__all__ = ["Indicator"]


def __getattr__(name: str) -> object:
    """Take the class from the engine in force, which is chosen at first use."""
    if name != "Indicator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = _backend.core().Indicator
    globals()[name] = value
    return value
