"""The tape: prints with the side that counts, and sums of them over windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from quantumtrader._fallback.features.touch import Touch
from quantumtrader._records import NOT_A_PRINT, WITHOUT_AGGRESSOR
from quantumtrader.types import Flag

_RLP = int(Flag.RLP)


class Print(NamedTuple):
    """One trade that counts as volume; ``side`` is 0 where no aggressor counts."""

    t: int
    px: int
    size: int
    side: int
    broker: int = 0
    """Broker of the aggressor, 0 unknown or unsigned."""
    passive: int = 0
    """Broker on the passive side, 0 unknown or unsigned."""
    flags: int = 0


class TradeWindow:
    """B, S, V and the counts of trades, signed or not, over (t − W, t]."""

    def __init__(self, window_ns: int) -> None:
        self.window_ns = window_ns
        self.restart()

    def restart(self) -> None:
        """Empty the window."""
        self._prints: deque[Print] = deque()
        self.buy = self.sell = self.volume = self.buys = self.sells = self.count = 0

    def add(self, trade: Print) -> None:
        """Count one print."""
        self._prints.append(trade)
        self._count(trade, 1)
        self.slide(trade.t)

    def slide(self, t: int) -> TradeWindow:
        """Drop what is no longer inside at ``t``; returns the window."""
        prints, edge = self._prints, t - self.window_ns
        while prints and prints[0].t <= edge:
            self._count(prints.popleft(), -1)
        return self

    def _count(self, trade: Print, sign: int) -> None:
        q = sign * trade.size
        self.volume += q
        self.count += sign
        if trade.side > 0:
            self.buy += q
            self.buys += sign
        elif trade.side < 0:
            self.sell += q
            self.sells += sign


class Tape:
    """Turns trade records into prints and hands them to whoever listens.

    Parameters
    ----------
    rlp_by_quote : bool
        Sign retail-liquidity prints against the mid (Lee and Ready, 1991) instead of leaving them unsigned.
    """

    def __init__(self, rlp_by_quote: bool) -> None:
        self._rlp_by_quote = rlp_by_quote
        self.listeners: list[Callable[[Print], None]] = []
        self._windows: dict[int, TradeWindow] = {}
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self.prints = 0
        self.last: Print | None = None
        self._direction = 0
        for window in self._windows.values():
            window.restart()

    def window(self, window_ns: int) -> TradeWindow:
        """Return the window of this length, shared by all who ask."""
        if window_ns not in self._windows:
            self._windows[window_ns] = TradeWindow(window_ns)
            self.listeners.append(self._windows[window_ns].add)
        return self._windows[window_ns]

    def trade(
        self,
        t: int,
        px: int,
        size: int,
        side: int,
        flags: int,
        touch: Touch | None,
        buyer: int = 0,
        seller: int = 0,
    ) -> Print | None:
        """Apply one trade record; None when it is not a print."""
        if size <= 0 or flags & NOT_A_PRINT:
            return None
        if self.last is not None and px != self.last.px:
            self._direction = 1 if px > self.last.px else -1
        side = self._sign(px, side, flags, touch)
        brokers = (buyer, seller)[::side] if side else (0, 0)
        trade = Print(t, px, size, side, brokers[0], brokers[1], flags)
        self.last = trade
        self.prints += 1
        for listener in self.listeners:
            listener(trade)
        return trade

    def _sign(self, px: int, side: int, flags: int, touch: Touch | None) -> int:
        if flags & WITHOUT_AGGRESSOR:
            return 0
        if not flags & _RLP:
            return (side > 0) - (side < 0)
        if not self._rlp_by_quote:
            return 0
        if touch is not None and touch.two_sided and 2 * px != touch.bid_px + touch.ask_px:
            return 1 if 2 * px > touch.bid_px + touch.ask_px else -1
        return self._direction
