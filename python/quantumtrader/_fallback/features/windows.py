"""Sliding windows: what happened in (t − W, t]."""

from __future__ import annotations

from collections import deque


class TimeSum:
    """Exact sums of integer contributions over a time window.

    Parameters
    ----------
    window_ns : int
        Length W; an entry at t counts at t and no longer at t + W.
    width : int
        Contributions per entry.
    """

    def __init__(self, window_ns: int, width: int = 1) -> None:
        self.window_ns = window_ns
        self._zero = [0] * width
        self.restart()

    def restart(self) -> None:
        """Empty the window."""
        self._entries: deque[tuple[int, ...]] = deque()
        self._sums = list(self._zero)

    def add(self, t: int, *contributions: int) -> None:
        """Count ``contributions`` at ``t``."""
        self._entries.append((t, *contributions))
        sums = self._sums
        for k, x in enumerate(contributions):
            sums[k] += x
        self._evict(t)

    def at(self, t: int) -> list[int]:
        """Return the sums over (t − W, t]."""
        self._evict(t)
        return self._sums

    def __len__(self) -> int:
        return len(self._entries)

    def _evict(self, t: int) -> None:
        entries, edge, sums = self._entries, t - self.window_ns, self._sums
        while entries and entries[0][0] <= edge:
            entry = entries.popleft()
            for k in range(1, len(entry)):
                sums[k - 1] -= entry[k]
