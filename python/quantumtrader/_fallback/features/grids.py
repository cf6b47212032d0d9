"""Series sampled on a time grid that starts with the session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

_NEVER = 1 << 63


class Grid:
    """Reads a value at start + k·step, k ≥ 1, and keeps the last ``length``.

    A point is final once time has passed it; a read exactly on a point sees the value of that moment, which
    a later event with the same time may still change.

    Parameters
    ----------
    step_ns : int
        Distance of the points.
    length : int
        Samples kept.
    read : callable
        Gives the value at a time.
    """

    def __init__(self, step_ns: int, length: int, read: Callable[[int], int | None]) -> None:
        self._step, self._length, self._read = step_ns, length, read
        self.restart(None)

    def restart(self, start: int | None) -> None:
        """Begin a session at ``start``; without one there are no points."""
        self.next = _NEVER if start is None else start + self._step
        self.values: deque[int | None] = deque(maxlen=self._length)
        self._final: tuple[int | None, ...] | None = None

    def advance(self, t: int) -> None:
        """Sample every point before ``t``; nothing has happened since the last event."""
        # Points that later ones of this call would push out need no reading: a night has 50,000 seconds.
        behind = (t - self.next) // self._step - self._length
        if behind > 0:
            self.next += behind * self._step
        while self.next < t:
            self.values.append(self._read(self.next))
            self.next += self._step
            self._final = None

    def at(self, t: int) -> tuple[int | None, ...]:
        """Return the values of the last ``length`` points ≤ ``t``, oldest first.

        The same tuple comes back until time reaches another point, so readers may cache by identity.
        """
        self.advance(t)
        if self.next == t:
            return (*self.values, self._read(t))[-self._length :]
        if self._final is None:
            self._final = tuple(self.values)
        return self._final
