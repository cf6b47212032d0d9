"""Order-flow-aware: join, improve or cross, decided anew at every look at the market.

With the side's sign taken out, so that plus is bad for us:

- *pressure*: (micro-price − mid) / half the spread, or the imbalance where there is no micro-price; −1 to 1. Plus: the price
  is about to move away from us. Not known counts as 0.
- *lateness*: (what the pace asks for − filled) / size. The pace is ``elapsed ** (1 − urgency)``: linear at urgency 0, all at
  once near 1.
- *rush*: less than ``rush`` of the period is left.

Then, in this order:

1. **cross** in a rush, or when pressure + lateness + urgency ≥ ``cross_at`` and the spread is at most ``max_spread`` ticks;
   at most what is displayed on the far side (all in a rush);
2. **improve** by one tick when there is room inside the spread and either pressure ≥ 0 or the queue at the touch is longer
   than ``long_queue`` clips;
3. **join** the near touch otherwise.

A resting child is left alone for ``rest_ns`` unless it is to cross: leaving a queue costs the place in it. What works at
once is ``clip`` of the parent, at least a lot, or what the pace asks for if that is more; it never runs more than a clip
ahead of the pace.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.routing.parent import MarketView, ParentOrder
from quantumtrader.execution.routing.slicer import Aim, Child, Slicer

__all__ = ["FlowRouter"]


class FlowRouter(Slicer):
    """Work a parent order by what the order flow says.

    Parameters
    ----------
    parent, new_id
        As in ``Slicer``.
    urgency : float
        0 (patient) up to, not including, 1.
    cross_at : float
        Sum of pressure, lateness and urgency at which the spread is paid, above 0.
    max_spread : int
        Widest spread in ticks that is crossed outside a rush.
    long_queue : float
        Queue at the touch, in clips, beyond which a tick is given for the front place.
    clip : float
        Share of the parent that rests at once, above 0 and at most 1.
    rush : float
        Last share of the period in which everything left is crossed, 0 to 1; 0 never does.
    rest_ns : int
        Least life of a resting child in ns.
    """

    name: ClassVar[str] = "flow"

    def __init__(
        self,
        parent: ParentOrder,
        new_id: Callable[[], int],
        *,
        urgency: float = 0.0,
        cross_at: float = 0.8,
        max_spread: int = 2,
        long_queue: float = 20.0,
        clip: float = 0.1,
        rush: float = 0.05,
        rest_ns: int = 2_000_000_000,
    ) -> None:
        if not (0 <= urgency < 1 and cross_at > 0 and max_spread >= 1 and long_queue > 0 and rest_ns >= 0):
            raise ConfigError(
                f"flow: urgency {urgency}, cross_at {cross_at}, max_spread {max_spread}, long_queue {long_queue}, "
                f"rest_ns {rest_ns}; expected 0 to below 1, above 0, at least 1, above 0, at least 0"
            )
        if not (0 < clip <= 1 and 0 <= rush <= 1):
            raise ConfigError(f"flow: clip {clip} and rush {rush}; expected above 0 to 1, and 0 to 1")
        super().__init__(parent, new_id)
        self.urgency, self.cross_at, self.max_spread = urgency, cross_at, max_spread
        self.long_queue, self.clip, self.rush, self.rest_ns = long_queue, clip, rush, rest_ns

    def pressure(self, market: MarketView) -> float:
        """How much the book says that the price moves away from us, −1 to 1; 0 when it says nothing."""
        toward = (market.micro_px - market.mid) / (market.spread / 2)
        if not math.isfinite(toward):
            toward = market.imbalance
        return max(-1.0, min(1.0, toward * self.parent.side)) if math.isfinite(toward) else 0.0

    def lateness(self, now_ns: int) -> float:
        """How far the fills are behind the pace, as a share of the parent; minus when ahead."""
        return float(self.parent.elapsed(now_ns) ** (1 - self.urgency)) - self.filled / self.parent.size

    def aim(self, market: MarketView) -> Aim | None:  # noqa: D102
        parent, side = self.parent, self.parent.side
        lateness, pressure = self.lateness(market.ts), self.pressure(market)
        clip = max(parent.lot, parent.whole_lots(self.clip * parent.size))
        size = min(clip, parent.whole_lots(lateness * parent.size + clip))
        size = max(size, parent.whole_lots(lateness * parent.size))
        if 1 - parent.elapsed(market.ts) < self.rush:
            return Aim(market.far(side), self.remaining, "rush")
        if size <= 0:
            return None
        eager = pressure + lateness + self.urgency >= self.cross_at
        if eager and market.spread <= self.max_spread and market.far_size(side) > 0:
            return Aim(market.far(side), max(parent.lot, min(size, market.far_size(side))), "cross")
        px, why = market.near(side), "join"
        if market.spread > 1 and (pressure >= 0 or market.near_size(side) > self.long_queue * clip):
            px, why = px + side, "improve"
        resting = self._resting()
        if resting is not None:
            young = market.ts - resting.sent_ts < self.rest_ns
            at_the_front = resting.why == "improve" and resting.order.px == market.near(side)
            if young or at_the_front or resting.order.px == parent.bounded(px):
                return Aim(resting.order.px, self.working, resting.why)  # no small change behind it either
        return Aim(px, size, why)

    def _resting(self) -> Child | None:
        """The youngest child that rests and is not being cancelled."""
        return next((c for c in reversed(self.alive) if not c.cancel_asked), None)
