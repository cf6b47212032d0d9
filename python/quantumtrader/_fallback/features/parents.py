"""Parent orders: prints of one aggressive order that was cut into several executions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quantumtrader._fallback.features.tape import Print

GAP_NS = 1_000_000
"""Longest pause between two prints of one parent, inclusive."""


@dataclass(slots=True)
class Parent:
    """Consecutive prints of one side, each at most ``GAP_NS`` after the one before, by one broker where known."""

    prints: list[Print]
    broker: int

    @property
    def side(self) -> int:
        """1 buyer, -1 seller."""
        return self.prints[0].side

    @property
    def first(self) -> int:
        """Time of the first print."""
        return self.prints[0].t

    @property
    def last(self) -> int:
        """Time of the last print."""
        return self.prints[-1].t

    @property
    def volume(self) -> int:
        """Contracts."""
        return sum(p.size for p in self.prints)

    @property
    def stepped_back(self) -> bool:
        """Whether a print stepped against the parent's own direction."""
        return any(self.side * (b.px - a.px) < 0 for a, b in zip(self.prints, self.prints[1:], strict=False))

    @property
    def rows(self) -> int:
        """Runs of prints at one price: the distinct rows walked while it never stepped back."""
        return 1 + sum(a.px != b.px for a, b in zip(self.prints, self.prints[1:], strict=False))

    def takes(self, trade: Print, gap_ns: int = GAP_NS) -> bool:
        """Tell whether a print goes on with this parent."""
        same_broker = self.broker == trade.broker or 0 in (self.broker, trade.broker)
        return trade.side == self.side and same_broker and trade.t - self.last <= gap_ns


class Parents:
    """Cuts prints into parents; listeners hear of one when it has ended. Unsigned prints belong to none."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Parent], None]] = []
        self.open: Parent | None = None
        self.gap_ns = GAP_NS
        self.ended_at = 0
        """When the end of the parent that listeners hear of became certain."""

    def restart(self) -> None:
        """Forget the session; what is open is dropped."""
        self.open = None

    def add(self, trade: Print) -> None:
        """Count one print."""
        if self.open is not None and self.open.takes(trade, self.gap_ns):
            self.open.prints.append(trade)
            self.open.broker = self.open.broker or trade.broker
            return
        ended, self.open = self.open, Parent([trade], trade.broker) if trade.side else None
        self.ended_at = trade.t
        self._tell(ended)

    def advance(self, t: int) -> None:
        """Let time pass: a parent whose pause grew too long ends."""
        certain = self.ends(t)
        if certain is not None:
            ended, self.open, self.ended_at = self.open, None, certain
            self._tell(ended)

    def ends(self, t: int) -> int | None:
        """Return when it became certain, at or before ``t``, that no print can go on with the open parent."""
        if self.open is None or t - self.open.last <= self.gap_ns:
            return None
        return self.open.last + self.gap_ns + 1

    def _tell(self, ended: Parent | None) -> None:
        if ended is not None:
            for listener in self.listeners:
                listener(ended)
