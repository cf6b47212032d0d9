"""Percentage of volume: follow what the market trades.

The aim is ``rate`` of the contracts traded since the start, never more than the parent's size, rounded down to lots. It
rests at the near touch; when more than ``tolerance`` of the parent is missing it crosses the spread. Without a known volume
nothing is sent. The feed's volume may contain our own fills (live) or not (a recording): in a recording the true share is
``rate / (1 + rate)``, below the rate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.routing.parent import MarketView, ParentOrder
from quantumtrader.execution.routing.slicer import Aim, Slicer

__all__ = ["Pov"]


class Pov(Slicer):
    """Work a parent order as a share of the traded volume.

    Parameters
    ----------
    parent, new_id
        As in ``Slicer``.
    rate : float
        Share of the traded contracts, above 0 and at most 0.5; cut to the parent's ``max_participation``.
    tolerance : float
        Share of the parent that may be missing against the aim before the spread is crossed, 0 to 1.
    """

    name: ClassVar[str] = "pov"

    def __init__(
        self, parent: ParentOrder, new_id: Callable[[], int], *, rate: float = 0.1, tolerance: float = 0.05
    ) -> None:
        if not 0 < rate <= 0.5 or not 0 <= tolerance <= 1:
            raise ConfigError(
                f"pov: rate {rate} and tolerance {tolerance}; expected above 0 to 0.5, and 0 to 1"
            )
        super().__init__(parent, new_id)
        self.rate = rate if parent.max_participation is None else min(rate, parent.max_participation)
        self.tolerance = tolerance

    def aim(self, market: MarketView) -> Aim | None:  # noqa: D102
        traded = self.traded
        if traded is None:
            return None
        target = min(self.parent.size, self.parent.whole_lots(self.rate * traded))
        behind = target - self.filled
        if behind <= 0:
            return None
        if behind > self.tolerance * self.parent.size:
            return Aim(market.far(self.parent.side), behind, "behind")
        return Aim(market.near(self.parent.side), behind, "join")
