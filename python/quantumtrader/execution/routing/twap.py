"""Time-weighted: equal slices at equal times, with rules for what to do when behind.

Slice k of n is due at ``start + k x period / n``; what is due by then is ``size x (k + 1) / n``, rounded to lots, so the
schedule is known in advance to the contract. A due slice rests at the near touch for ``patience`` of its interval and then
crosses the spread. What was missed (a halt, rejections, a missing touch) is caught up with at most ``catch_up`` slices at a
time; the last interval may ask for all that is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.routing.parent import MarketView, ParentOrder
from quantumtrader.execution.routing.slicer import Aim, Slicer

__all__ = ["Twap"]


class Twap(Slicer):
    """Work a parent order evenly in time.

    Parameters
    ----------
    parent, new_id
        As in ``Slicer``.
    slices : int
        Number of slices; cut to the number of lots.
    patience : float
        Share of an interval, 0 to 1, for which a due slice rests before it crosses; 1 never crosses.
    catch_up : float
        Greatest number of slices worked at once, at least 1.
    """

    name: ClassVar[str] = "twap"

    def __init__(
        self,
        parent: ParentOrder,
        new_id: Callable[[], int],
        *,
        slices: int = 10,
        patience: float = 0.5,
        catch_up: float = 2.0,
    ) -> None:
        if slices < 1 or not 0 <= patience <= 1 or not catch_up >= 1:
            raise ConfigError(
                f"twap: slices {slices}, patience {patience}, catch_up {catch_up}; expected at least 1, 0 to 1, at least 1"
            )
        super().__init__(parent, new_id)
        self.slices = min(slices, parent.size // parent.lot)
        self.patience = patience
        self.catch_up = catch_up

    def due(self, now_ns: int) -> int:
        """Contracts that the schedule wants filled by the end of the interval of ``now_ns``."""
        return self._scheduled(self._slice(now_ns) + 1)

    def aim(self, market: MarketView) -> Aim | None:  # noqa: D102
        behind = self.due(market.ts) - self.filled
        if behind <= 0:
            return None
        index = self._slice(market.ts)
        if index < self.slices - 1:
            at_once = max(1, math.ceil(self.catch_up * self.parent.size / self.parent.lot / self.slices))
            behind = min(behind, at_once * self.parent.lot)
        late = self.filled < self._scheduled(index)
        into = self.parent.elapsed(market.ts) * self.slices - index
        if self.patience < 1 and (into >= self.patience or late):
            return Aim(market.far(self.parent.side), behind, "late" if late else "cross")
        return Aim(market.near(self.parent.side), behind, "join")

    def _slice(self, now_ns: int) -> int:
        parent = self.parent
        passed = max(0, now_ns - parent.start_ns)
        return min(self.slices - 1, passed * self.slices // (parent.end_ns - parent.start_ns))

    def _scheduled(self, slices: int) -> int:
        lots = self.parent.size // self.parent.lot
        return lots * slices // self.slices * self.parent.lot
