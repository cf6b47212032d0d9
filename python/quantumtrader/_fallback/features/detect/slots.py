"""A small table of price rows: row ``px`` of a side lives in slot ``px mod 256``, the later row of a slot wins."""

from __future__ import annotations

from typing import Generic, TypeVar

SLOTS = 256
T = TypeVar("T")


class Slots(Generic[T]):
    """At most ``SLOTS`` rows per side."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], tuple[int, T]] = {}

    def get(self, side: int, px: int) -> T | None:
        """Return what is kept of a row."""
        found = self._rows.get((side, px % SLOTS))
        return found[1] if found is not None and found[0] == px else None

    def put(self, side: int, px: int, row: T) -> None:
        """Keep a row."""
        self._rows[side, px % SLOTS] = px, row

    def remove(self, side: int, px: int) -> None:
        """Forget a row."""
        del self._rows[side, px % SLOTS]
