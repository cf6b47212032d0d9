"""Whether a journal has every event: sequence numbers count by one, and what is missing is announced by a gap."""

from __future__ import annotations

import numpy as np

from quantumtrader.types import Events, Kind

__all__ = ["Sequences"]


class Sequences:
    """Follows the numbers of a whole journal, every instrument together."""

    def __init__(self) -> None:
        self.holes = 0
        """Numbers that are missing, and no gap marker says so."""
        self.announced = 0
        """Numbers that are missing right after a gap marker."""
        self.backwards = 0
        """Events whose number is not above the one before; gap markers of one hole may share theirs."""
        self.first_place: int | None = None
        """Sequence after the first hole or step back."""
        self._last: tuple[int, bool] | None = None

    @property
    def complete(self) -> bool:
        """Whether every number is there or announced as lost."""
        return not (self.holes or self.backwards)

    def add(self, events: Events) -> None:
        """Go on with the events that follow."""
        if not len(events):
            return
        sequence, gap = events["sequence"], events["kind"] == Kind.GAP
        before, after_gap = (int(sequence[0]) - 1, False) if self._last is None else self._last
        step = np.diff(sequence, prepend=before)
        follows = np.concatenate(([after_gap], gap[:-1]))
        shared = (step == 0) & gap & follows
        back = (step <= 0) & ~shared
        jump = step > 1
        self.announced += int((step[jump & follows] - 1).sum())
        silent = jump & ~follows
        self.holes += int((step[silent] - 1).sum())
        self.backwards += int(back.sum())
        wrong = np.flatnonzero(silent | back)
        if len(wrong) and self.first_place is None:
            self.first_place = int(sequence[wrong[0]])
        self._last = (int(sequence[-1]), bool(gap[-1]))
