"""What one line of the table in ``beside_peers.py`` is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quantumtrader import Instrument

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)


@dataclass
class Row:
    """One line of the table."""

    group: str
    name: str
    events: int
    setup: Callable[[], Any]
    run: Callable[[Any], Any]
    goal: str = ""
    note: str = ""
    reference: bool = False
    ours: bool = False


def nothing() -> None:
    """Stand in for a set-up that is not needed."""


def agree(group: str, *values: object) -> None:
    """Refuse to time implementations that do not give the same result."""
    if len(set(values)) != 1:
        raise SystemExit(f"{group}: results differ, nothing is timed: {values}")
