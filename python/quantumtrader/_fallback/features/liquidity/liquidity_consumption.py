"""Traded volume in units of the depth near the touch."""

from __future__ import annotations

from collections import deque

from quantumtrader._fallback.features.depth import LEVELS, Ladder
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.liquidity.ladder import ask_depth, bid_depth
from quantumtrader._fallback.features.numbers import MINUTE, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature


@feature("liquidity_consumption_1m")
class LiquidityConsumption(Feature):
    """V over the time-weighted mean of what the first five levels of both sides display."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._flow = flow
        self._trades = flow.tape.window(MINUTE)
        self._shown: deque[tuple[int, int | None]] = deque([(0, None)])
        """From when on how many contracts were displayed; None while the touch was not good."""
        flow.depth.wanted = True
        flow.depth.watchers.append(self._on_levels)

    def restart(self) -> None:
        """Begin a session with the book in force."""
        start = self._flow.session_start
        assert start is not None
        self._shown = deque([(start, self._shown[-1][1])])

    def _on_levels(self, t: int, levels: Ladder | None) -> None:
        shown = None if levels is None else bid_depth(levels[:LEVELS]) + ask_depth(levels[:LEVELS])
        if shown != self._shown[-1][1]:
            self._shown.append((t, shown))
        while len(self._shown) > 1 and self._shown[1][0] <= t - MINUTE:
            self._shown.popleft()

    def value(self, t: int) -> float:
        """Return the ratio; NaN when nothing was displayed for any time."""
        area = time = 0
        ends = [*[begin for begin, _ in self._shown][1:], t]
        for (begin, shown), end in zip(self._shown, ends, strict=True):
            span = end - max(begin, t - MINUTE)
            if shown is not None and span > 0:
                area += shown * span
                time += span
        return quotient(self._trades.slide(t).volume * time, area)
