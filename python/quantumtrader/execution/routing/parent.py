"""What is to be sliced, and what a slicer may know of the market."""

from __future__ import annotations

import math
from dataclasses import dataclass

from quantumtrader.exceptions import OrderError
from quantumtrader.execution.risk.state import is_px
from quantumtrader.execution.whole import whole_fields
from quantumtrader.types import PX_NONE, Side

__all__ = ["MarketView", "ParentOrder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentOrder:
    """An order that is worked in pieces; the ``TradePlan`` by which the risk manager judges each of them.

    Parameters
    ----------
    side : int
        ``Side.BUY`` or ``Side.SELL``.
    size : int
        Contracts, a positive multiple of ``lot``.
    start_ns, end_ns : int
        When it is worked, ns UTC. What is not filled at the end is cancelled.
    limit_px : int
        No child is priced beyond it, in ticks; ``PX_NONE`` for none.
    max_participation : float, optional
        Greatest share of the contracts that the market trades from the start on, above 0 and at most 1. While the
        traded volume is not known nothing is sent.
    lot : int
        Children are multiples of it.
    least_child : int
        No smaller child is sent, in contracts, unless it is all that is left.
    reduce_only : bool
        Whether the children are exits.
    stop_ticks, target_ticks : float
        Distances of stop and target of the trade that this order begins, in whole ticks; NaN when it has none.
    tag : str
        Why; becomes the children's tag.
    """

    side: int
    size: int
    start_ns: int
    end_ns: int
    limit_px: int = PX_NONE
    max_participation: float | None = None
    lot: int = 1
    least_child: int = 1
    reduce_only: bool = False
    stop_ticks: float = math.nan
    target_ticks: float = math.nan
    tag: str = "parent"

    def __post_init__(self) -> None:
        whole_fields(
            self, "parent order", "side", "size", "start_ns", "end_ns", "limit_px", "lot", "least_child"
        )
        for name in ("stop_ticks", "target_ticks"):
            value = getattr(self, name)
            if isinstance(value, float) and math.isnan(value):
                continue
            whole_fields(self, "parent order", name)
            if getattr(self, name) <= 0:
                raise OrderError(f"parent order: {name} is {value}, expected above 0, or NaN for none")
        if self.side not in (Side.BUY, Side.SELL):
            raise OrderError(f"parent order: side is {self.side}, expected 1 (buy) or -1 (sell)")
        if self.lot <= 0 or self.size <= 0 or self.size % self.lot:
            raise OrderError(f"parent order: size is {self.size}, expected a positive multiple of {self.lot}")
        if self.end_ns <= self.start_ns:
            raise OrderError(f"parent order: ends at {self.end_ns}, not after its start at {self.start_ns}")
        share = self.max_participation
        if share is not None and not 0 < share <= 1:
            raise OrderError(f"parent order: max_participation is {share}, expected above 0 and at most 1")

    def whole_lots(self, contracts: float) -> int:
        """Contracts rounded down to whole lots; 0 for what is negative or not a number."""
        if not (math.isfinite(contracts) and contracts > 0):
            return 0
        return math.floor(contracts / self.lot + 1e-9) * self.lot

    def elapsed(self, now_ns: int) -> float:
        """Share of the period that has passed, 0 to 1."""
        return min(1.0, max(0.0, (now_ns - self.start_ns) / (self.end_ns - self.start_ns)))

    def bounded(self, px: int) -> int:
        """The price, or the limit where the price lies beyond it."""
        if self.limit_px == PX_NONE:
            return px
        return min(px, self.limit_px) if self.side == Side.BUY else max(px, self.limit_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """The market at one time; nothing in it is later than ``ts``.

    Parameters
    ----------
    ts : int
        ns UTC.
    bid_px, ask_px : int
        Touch in ticks; ``PX_NONE`` for a side that is not there.
    bid_sz, ask_sz : int
        Contracts displayed at the touch; 0 when not known.
    volume : int, optional
        Contracts that the market has traded, counted from anywhere; None when not known. Prints only count that belong to
        continuous trading.
    continuous : bool
        Whether continuous trading is on.
    imbalance : float
        Order imbalance of the touch or the flow, −1 (selling) to 1 (buying); NaN when not known.
    micro_px : float
        Micro-price in ticks (fractional); NaN when not known.
    """

    ts: int
    bid_px: int
    ask_px: int
    bid_sz: int = 0
    ask_sz: int = 0
    volume: int | None = None
    continuous: bool = True
    imbalance: float = math.nan
    micro_px: float = math.nan

    @property
    def touch_ok(self) -> bool:
        """Whether both sides exist and do not cross."""
        return is_px(self.bid_px) and is_px(self.ask_px) and self.bid_px < self.ask_px

    @property
    def mid(self) -> float:
        """Mid in ticks; NaN when a side is missing or they cross."""
        return (self.bid_px + self.ask_px) / 2 if self.touch_ok else math.nan

    @property
    def spread(self) -> int:
        """Ask minus bid in ticks; meaningful only when ``touch_ok``."""
        return self.ask_px - self.bid_px

    def near(self, side: int) -> int:
        """Best price on our side, where an order of ours would rest."""
        return self.bid_px if side == Side.BUY else self.ask_px

    def far(self, side: int) -> int:
        """Best price on the other side, where an order of ours would trade at once."""
        return self.ask_px if side == Side.BUY else self.bid_px

    def near_size(self, side: int) -> int:
        """Contracts displayed on our side."""
        return self.bid_sz if side == Side.BUY else self.ask_sz

    def far_size(self, side: int) -> int:
        """Contracts displayed on the other side."""
        return self.ask_sz if side == Side.BUY else self.bid_sz
