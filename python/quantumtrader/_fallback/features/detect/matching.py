"""Prints at a row against decreases of it: which contracts were traded, and which were taken away."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from quantumtrader._fallback.features.detect.detection import Sink

_MAX_WAITING = 512


@dataclass
class Taken:
    """Contracts at a row that a print took, or that a decrease took away."""

    row: tuple[int, int]
    t: int
    fact: int
    broker: int
    """Whose resting order it was, 0 unknown."""
    contracts: int
    candidate: int = 0
    """The candidate that a decrease belongs to, by the fact that began it; 0 none."""

    def fits(self, other: Taken) -> bool:
        """Say whether a print and a decrease may be of one order."""
        return self.row == other.row and (self.broker == other.broker or 0 in (self.broker, other.broker))


class Matching:
    """Prints that no decrease has shown yet, and decreases that no print has explained yet; each counts once."""

    def __init__(self, window: int, sink: Sink) -> None:
        self._window, self._sink = window, sink
        self._prints: deque[Taken] = deque()
        self._decreases: deque[Taken] = deque()

    def on_print(self, p: Taken) -> list[tuple[int, int]]:
        """Return the candidates that lost nothing to their withdrawal after all, and the contracts."""
        self._forget(p.t)
        back = [
            (d.candidate, n) for d in self._decreases if d.fits(p) and (n := _settle(p, d)) and d.candidate
        ]
        self._keep(self._prints, p)
        return back

    def on_decrease(self, d: Taken) -> int:
        """Return what no print explains; those before its candidate was added did not meet it."""
        self._forget(d.t)
        for p in self._prints:
            if p.fits(d) and p.fact > d.candidate:
                _settle(p, d)
        self._keep(self._decreases, d)
        return d.contracts

    def limit(self, candidate: int, left: int) -> None:
        """Let no more than ``left`` contracts of a candidate's decreases wait for a print."""
        mine = [d for d in self._decreases if d.candidate == candidate]
        over = sum(d.contracts for d in mine) - left
        for d in reversed(mine):
            n = min(max(0, over), d.contracts)
            over -= n
            d.contracts -= n

    def _forget(self, t: int) -> None:
        for waiting in (self._prints, self._decreases):
            while waiting and (t - waiting[0].t > self._window or not waiting[0].contracts):
                waiting.popleft()

    def _keep(self, waiting: deque[Taken], x: Taken) -> None:
        if not x.contracts:
            return
        if len(waiting) == _MAX_WAITING:
            waiting.popleft()
            self._sink.dropped += 1
        waiting.append(x)


def _settle(a: Taken, b: Taken) -> int:
    n = min(a.contracts, b.contracts)
    a.contracts -= n
    b.contracts -= n
    return n
