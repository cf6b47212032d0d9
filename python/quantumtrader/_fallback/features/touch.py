"""The touch: best bid and ask, whether it can be trusted, and its updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from quantumtrader.types import PX_NONE

NO_BID = -(1 << 40)
"""Price of a bid side that is not there: below every price."""
NO_ASK = 1 << 40
"""Price of an ask side that is not there: above every price."""


class Touch(NamedTuple):
    """Best prices in ticks and sizes in contracts; a missing side has size 0 and a price beyond every other."""

    bid_px: int
    bid_sz: int
    ask_px: int
    ask_sz: int

    @classmethod
    def of(cls, bid_px: int, bid_sz: int, ask_px: int, ask_sz: int) -> Touch:
        """Make a touch from prices that may be ``PX_NONE``."""
        bid = (NO_BID, 0) if bid_px == PX_NONE else (bid_px, bid_sz)
        ask = (NO_ASK, 0) if ask_px == PX_NONE else (ask_px, ask_sz)
        return cls(*bid, *ask)

    @property
    def two_sided(self) -> bool:
        """Whether both sides are there, so that a mid exists."""
        return self.bid_px != NO_BID and self.ask_px != NO_ASK

    @property
    def sized(self) -> bool:
        """Whether every side that is there has a known size."""
        return (self.bid_sz > 0 or self.bid_px == NO_BID) and (self.ask_sz > 0 or self.ask_px == NO_ASK)

    @property
    def mid(self) -> float:
        """Mid price in ticks; only meaningful when two-sided."""
        return (self.bid_px + self.ask_px) / 2


def order_flow_imbalance(before: Touch, after: Touch) -> int:
    """Return e_n of Cont, Kukanov and Stoikov (2014), equation 4, in contracts."""
    e = 0
    if after.bid_px >= before.bid_px:
        e += after.bid_sz
    if after.bid_px <= before.bid_px:
        e -= before.bid_sz
    if after.ask_px <= before.ask_px:
        e -= after.ask_sz
    if after.ask_px >= before.ask_px:
        e += before.ask_sz
    return e


class TouchState:
    """The touch in force after each packet, and its updates.

    ``current`` is None while no touch was ever given, the book is invalid, or bid >= ask. ``reference`` is
    what the next touch is compared with; without one (after a bad touch, a gap, a book image, unknown sizes)
    the next good touch is only remembered. Listeners hear of changes from a reference to a good touch.
    """

    def __init__(self) -> None:
        self.listeners: list[Callable[[int, Touch, Touch], None]] = []
        self.watchers: list[Callable[[int, Touch | None], None]] = []
        """Hear of every packet that leaves another touch in force, None where there is no good one."""
        self.current: Touch | None = None
        self.reference: Touch | None = None

    def drop_reference(self) -> None:
        """Compare the next touch with nothing: what lies between is not order flow."""
        self.reference = None

    def evaluate(self, t: int, given: Touch | None) -> None:
        """Take the touch at the end of a packet; None where it is not known."""
        was = self.current
        self._evaluate(t, given)
        if self.current != was:
            for watcher in self.watchers:
                watcher(t, self.current)

    def _evaluate(self, t: int, given: Touch | None) -> None:
        if given is None or given.bid_px >= given.ask_px:
            self.current = self.reference = None
            return
        before, self.current = self.reference, given
        self.reference = given if given.sized else None
        if before is not None and self.reference is not None and before != given:
            for listener in self.listeners:
                listener(t, before, given)
