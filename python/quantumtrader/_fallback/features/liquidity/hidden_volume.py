"""Volume that was executed at a row beyond what the row displayed (Hautsch and Huang, 2012)."""

from __future__ import annotations

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import MINUTE, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.windows import TimeSum


@feature("hidden_volume_ratio_5m")
class HiddenVolumeRatio(Feature):
    """Share of traded volume by which parent orders exceeded what their rows displayed before them.

    Each print counts what it adds to the excess of its parent at its row.
    """

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._flow = flow
        self._trades = flow.tape.window(5 * MINUTE)
        self._hidden = TimeSum(5 * MINUTE)
        flow.tape.listeners.append(self._on_print)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._hidden.restart()
        self._displayed: dict[int, int | None] = {}
        """Contracts at each row of the open parent before its first print there; None where no book told."""

    def _on_print(self, trade: Print) -> None:
        parent = self._flow.parents.open
        if parent is None:
            return
        if len(parent.prints) == 1:
            self._displayed = {}
        if trade.px not in self._displayed:
            self._displayed[trade.px] = self._size_at(-trade.side, trade.px)
        displayed = self._displayed[trade.px]
        if displayed is None:
            return
        volume = sum(p.size for p in parent.prints if p.px == trade.px)
        excess = max(0, volume - displayed) - max(0, volume - trade.size - displayed)
        if excess:
            self._hidden.add(trade.t, excess)

    def _size_at(self, side: int, px: int) -> int | None:
        feed = self._flow.feed
        return None if feed.book is None or feed.touch() is None else feed.book.size_at(side, px)

    def value(self, t: int) -> float:
        """Return the share; 0 when nothing traded."""
        return ratio(self._hidden.at(t)[0], self._trades.slide(t).volume)
