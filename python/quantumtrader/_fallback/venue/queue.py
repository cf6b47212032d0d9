"""How much displayed volume is ahead of a resting order of ours."""

from __future__ import annotations

__all__ = ["Queue"]

MATCH_NS = 50_000_000
"""A print and a fall of the level belong together when they are at most this far apart."""
_LEAST = -(2**63)


class Queue:
    """How much displayed volume is ahead of one resting order of ours."""

    __slots__ = ("ahead", "behind", "credit", "printed", "shown", "touched")

    def __init__(self, shown: int | None = None) -> None:
        self.ahead = shown
        """Displayed contracts ahead; None when nothing is known: only a print through the price fills."""
        self.shown = shown
        """Displayed size of the level when it was last looked at."""
        self.printed = 0
        """Printed at our price and not yet seen as a fall of the level."""
        self.credit = 0
        """Taken off ``ahead`` as cancelled, though a print may still explain it."""
        self.touched = _LEAST
        self.behind: list[int] = []
        """Exact model: ids that came behind us at our price."""

    def _expire(self, now: int) -> None:
        if now - self.touched > MATCH_NS:
            self.printed = self.credit = 0
        self.touched = now

    def on_print(self, volume: int, now: int) -> int:
        """Take a print at our price; return what of it gets past the volume ahead, to us."""
        if self.ahead is None:
            return 0
        self._expire(now)
        self.printed += volume
        explained = min(volume, self.credit)
        self.credit -= explained
        rest = volume - explained
        used = min(rest, self.ahead)
        self.ahead -= used
        return rest - used

    def on_shown(self, size: int | None, model: str, now: int) -> None:
        """See the level with this size (None: out of sight)."""
        if size is None:
            self.shown = None
            return
        fall = 0 if self.shown is None else self.shown - size
        self.shown = size
        if self.ahead is None:
            if fall >= 0:
                self.ahead = size
            return
        if fall < 0 or (fall == 0 and self.ahead <= size):
            return
        self._expire(now)
        traded = min(fall, self.printed)
        self.printed -= traded
        ahead = self.ahead
        base = size + fall - traded
        if model == "proportional" and fall > 0 and base > 0:
            ahead -= (fall - traded) * ahead // base
        ahead = min(ahead, size)
        self.credit += self.ahead - ahead
        self.ahead = ahead

    def on_orders(self, ahead: int, now: int) -> None:
        """Exact model: see what the orders ahead display now, executions of this packet included."""
        if now - self.touched > MATCH_NS:
            self.printed = 0
        self.touched = now
        before = ahead if self.shown is None else self.shown
        self.shown = ahead
        # What fell is first what printed: those contracts have been taken off already.
        self.printed = max(self.printed - max(before - ahead, 0), 0)
        self.ahead = max(ahead - self.printed, 0)
