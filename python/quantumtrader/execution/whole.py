"""Whole numbers at the doors: what is no integer is refused there, not met later as an order that cannot be priced."""

from __future__ import annotations

import operator
from typing import Any

from quantumtrader.exceptions import OrderError

__all__ = ["whole", "whole_fields"]


def whole(value: Any, what: str) -> int:
    """Return an integer as Python's own; NumPy's count, ``bool`` and floats (``6.0`` too) do not.

    Raises
    ------
    OrderError
        It is something else; ``what`` says of which value.
    """
    if type(value) is int:
        return value
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise OrderError(
        f"{what} is {value!r}, expected a whole number: round it first, for example with round()"
    )


def whole_fields(record: Any, what: str, *names: str) -> None:
    """Check fields of a frozen dataclass and put them as Python integers; see ``whole``."""
    for name in names:
        value = getattr(record, name)
        if type(value) is not int:
            object.__setattr__(record, name, whole(value, f"{what}: {name}"))
