"""Series sampled on a time grid that starts with the session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

_NEVER = 1 << 63


def first_point(start: int, step: int, t: int) -> int:
    """Return the first point start + k·step, k ≥ 1, at or after ``t``."""
    return start + max(1, -((start - t) // step)) * step


class Grid:
    """Reads a value at start + k·step, k ≥ 1, from the first market event on, and keeps the last ``length``.

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
        self.restart()

    def restart(self) -> None:
        """Forget the session; there are no points until :meth:`begin`."""
        self.next = _NEVER
        self.values: deque[int | None] = deque(maxlen=self._length)
        self._final: tuple[int | None, ...] | None = None

    def begin(self, start: int, first: int) -> None:
        """Take points of the session that began at ``start``, from the first market event at ``first`` on."""
        self.next = first_point(start, self._step, first)

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
