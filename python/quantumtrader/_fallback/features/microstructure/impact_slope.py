"""Price impact: regressions of mid changes on signed flow, over intervals of ten seconds."""

from __future__ import annotations

from itertools import pairwise

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN, SECOND
from quantumtrader._fallback.features.registry import Feature, Spec, feature
from quantumtrader._fallback.features.tape import Print

STEP = 10 * SECOND


class _ImpactSlope(Feature):
    """Keeps the mid and a running total of the flow at the points of the grid."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        ends = spec.window_ns // STEP + 1
        track = flow.mids
        self._mids = flow.grid(STEP, ends, lambda t: track.current)
        self._flows = flow.grid(STEP, ends, self._flow_at)
        self._read: tuple[int | None, ...] | None = None
        self._value = NAN

    def _flow_at(self, t: int) -> int:
        """Return the flow of the ten seconds up to ``t``, or a running total of which that is the difference."""
        raise NotImplementedError

    def _regressors(self, flows: tuple[int | None, ...]) -> list[int]:
        raise NotImplementedError

    def value(self, t: int) -> float:
        """Return the statistic of the last intervals with a mid at both ends; NaN with fewer than three."""
        mids, flows = self._mids.at(t), self._flows.at(t)
        if mids is self._read:
            return self._value
        moves = [None if a is None or b is None else b - a for a, b in pairwise(mids)]
        points = [(x, y) for x, y in zip(self._regressors(flows), moves, strict=True) if y is not None]
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
        self.restart()

    def restart(self) -> None:
        """Forget the session."""
        self._delta = 0

    def _add(self, trade: Print) -> None:
        self._delta += trade.side * trade.size

    def _flow_at(self, t: int) -> int:
        return self._delta

    def _regressors(self, flows: tuple[int | None, ...]) -> list[int]:
        return [b - a for a, b in pairwise(flows) if a is not None and b is not None]


@feature("ofi_beta_30m")
class OfiBeta(_ImpactSlope):
    """Slope of the mid change on book OFI, in ticks per contract (Cont, Kukanov and Stoikov, 2014)."""

    needs_sizes = True

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._window = flow.ofi(STEP)

    def _flow_at(self, t: int) -> int:
        return self._window.at(t)[0]

    def _regressors(self, flows: tuple[int | None, ...]) -> list[int]:
        return [x for x in flows[1:] if x is not None]


@feature("ofi_r2_30m")
class OfiR2(OfiBeta):
    """Squared correlation of the mid change with book OFI."""

    def _statistic(self, points: list[tuple[int, int]]) -> float:
        xy, xx, yy = _moments(points)
        return xy * xy / (xx * yy) if xx and yy else NAN
