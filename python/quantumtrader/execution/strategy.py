"""The contract of a strategy and the list of those that ship with the package.

A strategy is a function from one feature row to one ``Signal``. It sees no orders, no money and no future, so
the same object serves replay and live trading. Adding one is one file in ``strategies/`` with
``@register_strategy("name")`` and one line in ``strategies/__init__.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.signals import MarketState, Signal

__all__ = ["Strategy", "make_strategy", "register_strategy", "strategies", "strategy_parameters"]


class Strategy(Protocol):
    """Feature row in, signal out. Implementations are dataclasses: their fields are their parameters."""

    @property
    def name(self) -> str:
        """Name in the registry."""
        ...

    @property
    def rule(self) -> str:
        """The rule in one or two sentences, for the report."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Catalogue names of the columns of the row, in order."""
        ...

    @property
    def clock(self) -> str:
        """Sampling clock it was meant for, for example ``100ms`` or ``bar``."""
        ...

    def evaluate(self, row: npt.NDArray[np.float64], market: MarketState) -> Signal:
        """Decide on one sample.

        Parameters
        ----------
        row : ndarray of float64, shape (n_features,)
            Values of ``features`` at ``market.ts``; NaN where one is not warm or not defined.
        market : MarketState
            Touch, last price and position at the same time.

        Returns
        -------
        Signal
            Never None: a hold carries its reason.
        """
        ...


S = TypeVar("S", bound=type)
_REGISTRY: dict[str, Callable[..., Strategy]] = {}


def register_strategy(name: str) -> Callable[[S], S]:
    """Class decorator: make a strategy selectable by ``name``."""

    def register(cls: S) -> S:
        if name in _REGISTRY:
            raise ConfigError(f"strategy {name!r} is registered twice")
        _REGISTRY[name] = cls
        return cls

    return register


def strategies() -> tuple[str, ...]:
    """Names of all registered strategies."""
    import quantumtrader.execution.strategies  # noqa: F401  (registers the built-in ones)

    return tuple(sorted(_REGISTRY))


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
    cls = _REGISTRY[name]
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
