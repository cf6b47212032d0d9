"""Reading the gateway's ring from another process: as a ring is read, with a gap where the gateway was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantumtrader.profitdll.gateway.folder import GatewayFolder
from quantumtrader.types import EVENT, Events, Kind

__all__ = ["RingFile", "RingFollower"]


@dataclass(slots=True)
class RingFile:
    """The ring as a client sees it, shared by its readers.

    Parameters
    ----------
    folder : GatewayFolder
        Where it is.
    """

    folder: GatewayFolder
    ring: Any = None
    identity: tuple[int, int] = (0, 0)
    """Of the file: another one is another ring."""
    start: int = 0
    """Where readers of this client begin: what was there when it came."""
    losses: int = 0
    """How often the gateway was lost."""
    lost_at: int = 0
    """Where the last loss was noticed: the number of the first event after it."""
    mark: Any = None

    def open(self) -> None:
        """Open the ring, again when it is another file; raises ``ConfigError`` when others can read it."""
        from quantumtrader._core import Ring

        self.folder.check(self.folder.ring)
        found = self.folder.ring.stat()
        if self.identity == (found.st_dev, found.st_ino):
            return
        again = self.ring is not None
        self.ring = Ring.open(self.folder.ring)
        self.identity = (found.st_dev, found.st_ino)
        self.mark = self.ring.reader()
        self.start = 0 if again else self.head

    @property
    def head(self) -> int:
        """Number of the next event that will be written."""
        return int(self.mark.position + self.mark.behind)

    def lose(self) -> None:
        """The gateway is gone: books are void from here on."""
        self.lost_at = self.head
        self.losses += 1


class RingFollower:
    """A reader with a cursor of its own; implements ``FeedReader``.

    Where the gateway was lost it reads a ``GAP`` of every instrument, at once and not only when the gateway is back, so
    that no book is trusted that nobody keeps up to date. So it does at its start, in the middle of a running gateway.

    Parameters
    ----------
    file : RingFile
        The ring.
    instruments : callable
        Returns the numbers of the instruments that the client knows.
    on_lost : callable
        Called with the number of events that were overtaken before they were read.
    """

    def __init__(
        self, file: RingFile, instruments: Callable[[], list[int]], on_lost: Callable[[int], None]
    ) -> None:
        self._file, self._instruments, self._on_lost = file, instruments, on_lost
        self._losses = file.losses
        self._gap_at: int | None = None
        self._last = np.zeros(1, EVENT)
        self._follow(file.start)
        if self._inner.position > 0:
            self._gap_at = int(self._inner.position)

    def _follow(self, start: int) -> None:
        self._identity = self._file.identity
        self._inner = self._file.ring.reader()
        while (before := start - self._inner.position) > 0 and self._inner.behind:
            self._inner.read(min(before, 1 << 16))

    @property
    def behind(self) -> int:
        """Events that are there and not read yet, those lost by a lap included."""
        return int(self._inner.behind)

    def read(self, max: int = 65536) -> tuple[Events, int]:
        """Return at most ``max`` events, and how many were lost before the first of them. Does not wait."""
        if self._file.losses != self._losses:
            self._losses = self._file.losses
            self._gap_at = self._file.lost_at
        if self._gap_at is not None and self._gap_at <= self._inner.position:
            self._gap_at = None
            gaps = self._gaps()
            if len(gaps):
                return gaps, 0
        if self._file.identity != self._identity:
            self._follow(0)
        most = max if self._gap_at is None else min(max, self._gap_at - self._inner.position)
        events, lost = self._inner.read(most)
        if lost:
            self._on_lost(int(lost))
        if len(events):
            self._last = events[-1:].copy()
        return events, int(lost)

    def skip_to_end(self) -> None:
        """Skip everything that is there."""
        self._inner.skip_to_end()

    def _gaps(self) -> Events:
        """A gap of every instrument, at the time of the last event: later ones must not run backwards."""
        indices = self._instruments()
        gaps = np.zeros(len(indices), EVENT)
        for name in ("ts_event", "ts_recv", "sequence"):
            gaps[name] = self._last[name][0]
        gaps["kind"], gaps["instrument"] = Kind.GAP, indices
        return gaps
