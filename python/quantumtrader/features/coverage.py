"""What a computation had to work with: which columns ever held a value, and which inputs ever arrived."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantumtrader.features.guards import InputCounter, absent_inputs
from quantumtrader.types import Events, FeatureFrame

__all__ = ["Coverage"]


class Coverage:
    """Watches the events and rows of one computation; memory is two flags per column and a count per input.

    Parameters
    ----------
    names : sequence of str
        Columns of the rows: names or aliases of features, with a lag or without.

    Examples
    --------
    >>> from quantumtrader.types import empty_events
    >>> watched = Coverage(["flow_ofi_1m", "pin_60"])
    >>> watched.add(empty_events(), FeatureFrame(("flow_ofi_1m", "pin_60"), np.array([0]), np.array([[0.0, np.nan]])))
    >>> watched.without_values(), watched.zero_without_input()
    (('pin_60',), {'trades': ('flow_ofi_1m',)})
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._valued = np.zeros(len(self._names), bool)
        self._moved = np.zeros(len(self._names), bool)
        self._arrived = InputCounter()

    def add(self, events: Events, frame: FeatureFrame) -> None:
        """Take the events that the engine was given, and the rows that it made of them."""
        self._arrived.add(events)
        finite = np.isfinite(frame.values)
        self._valued |= finite.any(axis=0)
        self._moved |= (finite & (frame.values != 0)).any(axis=0)

    def without_values(self) -> tuple[str, ...]:
        """Return the columns that are NaN in every row."""
        return tuple(name for name, valued in zip(self._names, self._valued, strict=True) if not valued)

    def zero_without_input(self) -> dict[str, tuple[str, ...]]:
        """Return, for each input that never arrived, the columns that read it and are 0 wherever they have a value.

        Inputs are named as :func:`~quantumtrader.features.guards.absent_inputs` names them.
        """
        still = [self._names[k] for k in np.flatnonzero(self._valued & ~self._moved)]
        found: dict[str, list[str]] = {}
        for name, absent in absent_inputs(still, self._arrived.counts).items():
            for what in absent:
                found.setdefault(what, []).append(name)
        return {what: tuple(names) for what, names in found.items()}
