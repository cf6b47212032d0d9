"""Price impact: regressions of mid changes on signed flow, over intervals of ten seconds."""

from __future__ import annotations

from itertools import pairwise

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, SECOND
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.touch import Touch, order_flow_imbalance

STEP = 10 * SECOND


class _ImpactSlope(Feature):
    """Keeps the mid and the total flow of the session at the points of the grid."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        ends, track = spec.window_ns // STEP + 1, flow.mids
        self._mids = flow.grid(STEP, ends, lambda t: track.current)
        self._totals = flow.grid(STEP, ends, lambda t: self._total)
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._total = 0
        self._read: tuple[int | None, ...] | None = None
        self._value = NAN

    def value(self, t: int) -> float:
        """Return the statistic of the last intervals with a mid at both ends; NaN with fewer than three."""
        mids, totals = self._mids.at(t), self._totals.at(t)
        if mids is not self._read:
            ends = list(zip(totals, mids, strict=True))
            points = [
                (x1 - x0, y1 - y0)
                for (x0, y0), (x1, y1) in pairwise(ends)
                if x0 is not None and x1 is not None and y0 is not None and y1 is not None
            ]
            self._read, self._value = mids, self._statistic(points)
        return self._value

    def _statistic(self, points: list[tuple[int, int]]) -> float:
        """Return the slope of ticks on contracts; the ordinates are half ticks."""
        xy, xx, _ = _moments(points)
        return xy / (2 * xx) if xx else NAN


def _moments(points: list[tuple[int, int]]) -> tuple[int, int, int]:
    """Return n² times the covariance and the variances; zeros with fewer than three points."""
    n = len(points)
    if n < 3:
        return 0, 0, 0
    sx, sy = sum(x for x, _ in points), sum(y for _, y in points)
    return (
        n * sum(x * y for x, y in points) - sx * sy,
        n * sum(x * x for x, _ in points) - sx * sx,
        n * sum(y * y for _, y in points) - sy * sy,
    )


@feature("kyle_lambda_5m", "kyle_lambda_30m")
class KyleLambda(_ImpactSlope):
    """Slope of the mid change on delta, in ticks per contract (Kyle, 1985)."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.tape.listeners.append(self._add)

    def _add(self, trade: Print) -> None:
        self._total += trade.side * trade.size


@feature("ofi_beta_30m")
class OfiBeta(_ImpactSlope):
    """Slope of the mid change on book OFI, in ticks per contract (Cont, Kukanov and Stoikov, 2014)."""

    needs_sizes = True

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        flow.touch.listeners.append(self._add)

    def _add(self, t: int, before: Touch, after: Touch) -> None:
        self._total += order_flow_imbalance(before, after)


@feature("ofi_r2_30m")
class OfiR2(OfiBeta):
    """Squared correlation of the mid change with book OFI."""

    def _statistic(self, points: list[tuple[int, int]]) -> float:
        xy, xx, yy = _moments(points)
        return xy * xy / (xx * yy) if xx and yy else NAN
