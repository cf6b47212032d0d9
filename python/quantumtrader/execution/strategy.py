"""The contract of a strategy, and how one gets a name.

A strategy is a function from one feature row to one ``Signal``. It sees no orders, no money and no future, so
the same object serves replay and live trading. Adding one is one file in ``strategies/`` with
``@register_strategy("name")`` and one line in ``strategies/__init__.py``; ``registry`` finds it by that name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.signals import MarketState, Signal
from quantumtrader.types import Instrument

__all__ = ["REGISTERED", "Strategy", "bind_strategy", "register_strategy"]


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


def bind_strategy(
    strategy: Strategy, instrument: Instrument, manifest: str, *, real_money: bool = False
) -> None:
    """Tell a strategy what it will trade and what its rows are; whoever feeds it does so before the first row.

    A strategy that has no method ``bind`` needs to know neither. One that has it may refuse: it was made for other rows,
    another product, or not for real money.

    Parameters
    ----------
    strategy : Strategy
        Who decides.
    instrument : Instrument
        What is traded.
    manifest : str
        The feature manifest of the engine whose rows begin with ``strategy.features``, as JSON.
    real_money : bool
        Whether orders reach a broker.
    """
    bind = getattr(strategy, "bind", None)
    if bind is not None:
        bind(instrument, manifest, real_money=real_money)


S = TypeVar("S", bound=type)
REGISTERED: dict[str, Callable[..., Strategy]] = {}
"""Name to class."""


def register_strategy(name: str) -> Callable[[S], S]:
    """Class decorator: make a strategy selectable by ``name``."""

    def register(cls: S) -> S:
        if name in REGISTERED:
            raise ConfigError(f"strategy {name!r} is registered twice")
        REGISTERED[name] = cls
        return cls

    return register
