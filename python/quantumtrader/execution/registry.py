"""Strategies by name: those that ship with the package, and those that a user registered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import quantumtrader.execution.strategies  # noqa: F401  (importing them registers them)
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.strategy import REGISTERED, Strategy

__all__ = ["make_strategy", "strategies", "strategy_parameters"]


def strategies() -> tuple[str, ...]:
    """Names of all registered strategies."""
    return tuple(sorted(REGISTERED))


def strategy_parameters(strategy: Strategy) -> dict[str, Any]:
    """Parameters of a strategy by name, for reports."""
    return {f.name: getattr(strategy, f.name) for f in fields(strategy)}  # type: ignore[arg-type]


def make_strategy(name: str, **parameters: str | int | float) -> Strategy:
    """Build a registered strategy.

    Parameters
    ----------
    name : str
        One of ``strategies()``.
    **parameters
        Overrides of its fields; text is converted to the type of the field's default.

    Raises
    ------
    ConfigError
        If the name or a parameter is unknown, or a value does not convert.
    """
    known = strategies()
    if name not in known:
        raise ConfigError(f"no strategy {name!r}; there are {', '.join(known)}")
    cls = REGISTERED[name]
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
