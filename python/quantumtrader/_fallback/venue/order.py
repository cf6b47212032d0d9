"""Orders of ours at the venue."""

from __future__ import annotations

from dataclasses import dataclass, field

from quantumtrader._fallback.venue.queue import Queue
from quantumtrader.types import PX_NONE

__all__ = ["Working", "short_of"]


def short_of(side: int, a: int, b: int) -> bool:
    """Whether an order of this side with limit ``a`` does not reach ``b``: a lower buy, a higher sale."""
    return a < b if side > 0 else a > b


@dataclass(slots=True)
class Working:
    """An order at the venue. ``state`` is ``taking``, ``resting``, ``armed`` or ``done``."""

    client_id: int
    side: int
    size: int
    type: str
    px: int
    reduce_only: bool
    sent: int
    limit_px: int = PX_NONE
    arrived: int = 0
    left: int = 0
    state: str = "taking"
    queue: Queue = field(default_factory=Queue)
    changed: bool = True

    def accepts(self, px: int) -> bool:
        """Whether it may trade at ``px`` as a taker."""
        return self.type != "limit" or not short_of(self.side, self.px, px)

    def triggers(self, px: int) -> bool:
        """Whether a print at ``px`` triggers it."""
        return px >= self.px if self.side > 0 else px <= self.px

    def trigger(self) -> None:
        """Triggered: a stop wants liquidity at any price, a stop-limit is a limit order from now on."""
        self.state = "taking"
        if self.type == "stop_limit":
            self.type, self.px = "limit", self.limit_px
