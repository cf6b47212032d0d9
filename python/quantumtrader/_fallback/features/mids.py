"""The mid in force and its changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from quantumtrader._fallback.features.numbers import MINUTE
from quantumtrader._fallback.features.touch import Touch

KEPT_NS = 5 * MINUTE
"""How far back the mid is remembered: the longest window over its changes."""


class Mids:
    """Twice the mid in ticks since the session start, None while there is none.

    Attributes
    ----------
    current : int or None
        Twice the mid in force.
    listeners : list
        Called with (t, before, after) when another mid, or none, comes into force.
    """

    def __init__(self, current: Touch | None) -> None:
        self.listeners: list[Callable[[int, int | None, int | None], None]] = []
        self.current = _mid2(current)
        self.restart(0)

    def restart(self, start: int) -> None:
        """Begin a session; the mid stays in force."""
        self._history: deque[tuple[int, int | None]] = deque([(start, self.current)])

    def watch(self, t: int, touch: Touch | None) -> None:
        """Take the touch in force from ``t`` on."""
        before, after = self.current, _mid2(touch)
        if before == after:
            return
        for listener in self.listeners:
            listener(t, before, after)
        self.current = after
        self._history.append((t, after))
        while len(self._history) > 1 and self._history[1][0] <= t - KEPT_NS:
            self._history.popleft()

    def at(self, t: int) -> int | None:
        """Return twice the mid that was in force at ``t``, events of that time included; None before the session."""
        return next((mid2 for since, mid2 in reversed(self._history) if since <= t), None)


def _mid2(touch: Touch | None) -> int | None:
    return touch.bid_px + touch.ask_px if touch is not None and touch.two_sided else None
