"""Depth, spread and cost of the book against what is usual, as one score."""

from __future__ import annotations

from math import expm1, isnan

from quantumtrader._fallback.features.depth import Ladder
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.liquidity.impact import impact
from quantumtrader._fallback.features.liquidity.ladder import ask_depth, bid_depth
from quantumtrader._fallback.features.numbers import MINUTE, NAN, ratio
from quantumtrader._fallback.features.registry import Feature, Spec, feature

_TAU_NS = 30 * MINUTE


class FadingMean:
    """Mean of a signal that holds from one change to the next, with weight exp(−age/τ).

    Time without a signal does not count: it only ages what was before.
    """

    def __init__(self) -> None:
        self._x = NAN
        self.restart(0)

    def restart(self, t: int) -> None:
        """Begin again at ``t``; the signal stays."""
        self._sum = self._weight = 0.0
        self._since = t

    def set(self, t: int, x: float) -> None:
        """Set the signal from ``t`` on; NaN for none."""
        self._sum, self._weight = self._until(t)
        self._since, self._x = t, x

    def at(self, t: int) -> float:
        """Return the mean at ``t``; the signal while none of it has lasted."""
        total, weight = self._until(t)
        return total / weight if weight else self._x

    def _until(self, t: int) -> tuple[float, float]:
        gone = -expm1(-(t - self._since) / _TAU_NS)
        total, weight = self._sum * (1.0 - gone), self._weight * (1.0 - gone)
        return (total, weight) if isnan(self._x) else (total + self._x * gone, weight + gone)


@feature("liquidity_score")
class LiquidityScore(Feature):
    """100·(0.4d + 0.3s + 0.3c): depth against usual depth, one tick over the spread, usual cost against cost."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._flow = flow
        flow.depth.wanted = True
        flow.depth.watchers.append(self._on_levels)
        self._depth, self._cost = NAN, NAN
        self._usual_depth, self._usual_cost = FadingMean(), FadingMean()

    def restart(self) -> None:
        """Begin a session: what is usual is learnt anew from the book in force."""
        start = self._flow.session_start
        assert start is not None
        self._usual_depth.restart(start)
        self._usual_cost.restart(start)

    def _on_levels(self, t: int, levels: Ladder | None) -> None:
        depth = cost = NAN
        if levels is not None:
            depth = float(bid_depth(levels) + ask_depth(levels))
            cost = (impact(levels, 1) + impact(levels, -1)) / 2
        if (depth, cost) != (self._depth, self._cost):
            self._depth, self._cost = depth, cost
            self._usual_depth.set(t, depth)
            self._usual_cost.set(t, cost)

    def value(self, t: int) -> float:
        """Return the score; NaN without a spread."""
        touch = self._flow.touch.current
        if touch is None or not touch.two_sided:
            return NAN
        d = ratio(self._depth, self._depth + self._usual_depth.at(t))
        s = 1 / (touch.ask_px - touch.bid_px)
        usual = self._usual_cost.at(t)
        c = 0.0 if isnan(self._cost) else usual / (self._cost + usual)
        return 100 * (0.4 * d + 0.3 * s + 0.3 * c)
