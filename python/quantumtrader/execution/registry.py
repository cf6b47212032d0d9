"""Strategies by name: those that ship with the package, and those that a user registered."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import quantumtrader.execution.strategies  # noqa: F401  (importing them registers them)
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.strategy import REGISTERED, Strategy

__all__ = ["has_parameter", "make_strategy", "strategies", "strategy_parameters"]

ABOVE = {"hybrid": "quantumtrader.models.hybrid", "model": "quantumtrader.models.strategy"}
"""Strategies of rooms above this one, and the module that registers each when it is first asked for."""


def strategies() -> tuple[str, ...]:
    """Names of all registered strategies."""
    return tuple(sorted({*REGISTERED, *ABOVE}))


def strategy_parameters(strategy: Strategy) -> dict[str, Any]:
    """Parameters of a strategy by name, for reports."""
    return {f.name: getattr(strategy, f.name) for f in fields(strategy)}  # type: ignore[arg-type]


def has_parameter(name: str, parameter: str) -> bool:
    """Whether a strategy, named as in ``make_strategy``, has a parameter."""
    return parameter in {f.name for f in fields(_class_of(name))}  # type: ignore[arg-type]


def _class_of(name: str) -> Callable[..., Strategy]:
    if ":" in name:
        return _load(name)
    if name in ABOVE:
        importlib.import_module(ABOVE[name])
    if name not in REGISTERED:
        raise ConfigError(
            f"no strategy {name!r}; there are {', '.join(strategies())}, or give path/to/file.py:Class"
        )
    return REGISTERED[name]


@lru_cache
def _load(name: str) -> Callable[..., Strategy]:
    """Import a strategy of the user's own; once, so that a decorator in it registers once."""
    source, _, wanted = name.rpartition(":")
    try:
        if source.endswith(".py"):
            path = Path(source).resolve()
            if not path.is_file():
                raise ConfigError(f"strategy {name!r}: there is no file {source}")
            spec = importlib.util.spec_from_file_location(f"_strategy_{path.stem}", path)
            if spec is None or spec.loader is None:
                raise ConfigError(f"strategy {name!r}: {source} is no Python file")
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module  # dataclasses look their module up
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(source)
    except ConfigError:
        raise
    except Exception as error:  # whatever the user's file does, the answer is one line that names it
        raise ConfigError(f"strategy {name!r} cannot be imported: {type(error).__name__}: {error}") from error
    cls = getattr(module, wanted, None)
    if not isinstance(cls, type):
        classes = [k for k, v in vars(module).items() if isinstance(v, type) and hasattr(v, "evaluate")]
        raise ConfigError(f"strategy {name!r}: no class {wanted!r}; it has {', '.join(classes) or 'none'}")
    missing = [m for m in ("name", "rule", "features", "clock", "evaluate") if not hasattr(cls, m)]
    if missing or not is_dataclass(cls):
        what = f"lacks {', '.join(missing)}" if missing else "is no dataclass"
        raise ConfigError(f"strategy {name!r} {what}; see examples/own_strategy.py")
    found: Callable[..., Strategy] = cls  # type: ignore[assignment]  # its members were looked at above
    return found


def make_strategy(name: str, **parameters: str | int | float) -> Strategy:
    """Build a registered strategy.

    Parameters
    ----------
    name : str
        One of ``strategies()``, ``path/to/file.py:Class`` or ``package.module:Class``.
    **parameters
        Overrides of its fields; text is converted to the type of the field's default.

    Raises
    ------
    ConfigError
        If the name or a parameter is unknown, or a value does not convert.
    """
    cls = _class_of(name)
    defaults = {f.name: f.default for f in fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in parameters.items():
        if key not in defaults:
            raise ConfigError(f"strategy {name!r} has no parameter {key!r}; it has {', '.join(defaults)}")
        kind: Callable[..., Any] = type(defaults[key])
        try:
            values[key] = kind(value)
        except ValueError:
            raise ConfigError(f"strategy {name!r}: {key}={value!r} is not {kind.__name__}") from None
    return cls(**values)
