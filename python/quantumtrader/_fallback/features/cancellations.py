"""Trade or cancel: which removals of displayed size were cancellations."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from quantumtrader._fallback.features.tape import Print
from quantumtrader.types import Flag

_HIDDEN = int(Flag.HIDDEN)
MATCH_NS = 50_000_000
"""How far a print and the removal it explains may lie apart, inclusive."""


@dataclass(slots=True)
class _Removal:
    """Size that left a row of one side, less what prints explain."""

    t: int
    side: int
    px: int
    left: int


@dataclass(slots=True)
class _Execution:
    """What is left of a print that no removal has been explained with."""

    t: int
    side: int
    px: int
    left: int


class Cancellations:
    """Removals over (t − W, t] that no print explains.

    A removal is explained by prints at its price that hit its side, or are unsigned, up to 50 ms before or after;
    oldest first, each contract once.

    Parameters
    ----------
    window_ns : int
        Length W.
    """

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._cancelled: deque[_Removal] = deque()
        self._recent: deque[_Removal] = deque()
        self._executions: deque[_Execution] = deque()
        self._sums = {1: 0, -1: 0}

    def remove(self, t: int, side: int, px: int, size: int) -> None:
        """Take the removal of ``size`` contracts at a row."""
        self._forget_unmatched(t)
        removal = _Removal(t, side, px, size)
        for execution in self._executions:
            if execution.px == px and execution.side in (-side, 0):
                self._match(removal, execution)
        if removal.left:
            self._cancelled.append(removal)
            self._recent.append(removal)
            self._sums[side] += removal.left
        self._slide(t)

    def on_print(self, trade: Print) -> None:
        """Take a print: unless it was hidden it turns cancellations into trades."""
        if trade.flags & _HIDDEN:
            return  # what was executed had not been displayed
        self._forget_unmatched(trade.t)
        execution = _Execution(trade.t, trade.side, trade.px, trade.size)
        for removal in self._recent:
            if removal.px == trade.px and trade.side in (-removal.side, 0):
                self._sums[removal.side] -= self._match(removal, execution)
        if execution.left:
            self._executions.append(execution)

    def at(self, t: int) -> tuple[int, int]:
        """Return the contracts cancelled on the bid and on the ask."""
        self._slide(t)
        return self._sums[1], self._sums[-1]

    @staticmethod
    def _match(removal: _Removal, execution: _Execution) -> int:
        matched = min(removal.left, execution.left)
        removal.left -= matched
        execution.left -= matched
        return matched

    def _forget_unmatched(self, t: int) -> None:
        executions, recent = self._executions, self._recent
        while executions and (executions[0].t < t - MATCH_NS or not executions[0].left):
            executions.popleft()
        while recent and (recent[0].t < t - MATCH_NS or not recent[0].left):
            recent.popleft()

    def _slide(self, t: int) -> None:
        cancelled, edge = self._cancelled, t - self._window_ns
        while cancelled and cancelled[0].t <= edge:
            removal = cancelled.popleft()
            self._sums[removal.side] -= removal.left
