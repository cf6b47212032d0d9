"""Dataclasses as JSON values and arrays, and back: by their declared types, with nothing executed."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import DataFormatError

__all__ = ["decode", "encode"]

Arrays = dict[str, npt.NDArray[Any]]

_INFINITE = {"inf": math.inf, "-inf": -math.inf}


def encode(value: Any, arrays: Arrays, where: str = "") -> Any:
    """Return JSON values; arrays go into ``arrays`` under their place, such as ``money.net``.

    NaN becomes null, infinity a text.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: encode(getattr(value, f.name), arrays, f"{where}.{f.name}" if where else f.name)
            for f in dataclasses.fields(value)
        }
    if isinstance(value, np.ndarray):
        arrays[where] = value
        return {"array": where}
    if isinstance(value, float):
        return None if math.isnan(value) else str(float(value)) if math.isinf(value) else float(value)
    if isinstance(value, Mapping):
        return {str(k): encode(v, arrays, f"{where}.{k}") for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(v, arrays, f"{where}.{k}") for k, v in enumerate(value)]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    raise TypeError(f"{where}: {type(value).__name__} has no JSON form")


def decode(kind: Any, value: Any, arrays: Mapping[str, npt.NDArray[Any]], where: str = "") -> Any:
    """Build what :func:`encode` took apart.

    Raises
    ------
    DataFormatError
        Something is missing, additional, or of another type; the message names the place.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return decode(next(a for a in arguments if a is not types.NoneType), value, arrays, where)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        # What has a default came later than files that lack it.
        optional = {f.name for f in dataclasses.fields(kind) if _has_default(f)}
        given = set(value) if isinstance(value, dict) else set()
        odd = sorted((given ^ set(hints)) - (optional - given))
        if not isinstance(value, dict) or odd:
            raise DataFormatError(
                f"{where or 'assessment'}: missing or unknown: {', '.join(odd) or 'everything'}"
            )
        parts = {
            name: decode(hint, value[name], arrays, f"{where}.{name}" if where else name)
            for name, hint in hints.items()
            if name in value
        }
        return kind(**parts)
    if origin is np.ndarray:
        name = value.get("array") if isinstance(value, dict) else None
        if name != where or where not in arrays:
            raise DataFormatError(f"{where}: its array is missing")
        return arrays[where]
    if origin is tuple and isinstance(value, list):
        return tuple(decode(arguments[0], v, arrays, f"{where}.{k}") for k, v in enumerate(value))
    if origin is not None and isinstance(value, dict) and issubclass(origin, Mapping):
        return {k: decode(arguments[1], v, arrays, f"{where}.{k}") for k, v in value.items()}
    if kind is float:
        if value is None:
            return math.nan
        if isinstance(value, str) and value in _INFINITE:
            return _INFINITE[value]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise DataFormatError(f"{where}: {value!r} is not of the kind that belongs here")


def _has_default(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)
