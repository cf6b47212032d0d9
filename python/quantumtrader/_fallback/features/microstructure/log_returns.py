"""Statistics of the log returns of the mid on a time grid."""

from __future__ import annotations

from itertools import pairwise
from math import log1p, nan, pi, sqrt

from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import SECOND, quotient
from quantumtrader._fallback.features.registry import Feature, Spec, feature


def log_returns(mids: tuple[int | None, ...]) -> list[float]:
    """Return ln(b/a) of neighbours, left out where one is missing or not positive."""
    pairs = [(a, b) for a, b in pairwise(mids) if a is not None and b is not None]
    return [log1p((b - a) / a) for a, b in pairs if a > 0 and b > 0]


def realized_variance(returns: list[float]) -> float:
    """Return the sum of squares."""
    return sum(r * r for r in returns)


class _OfMids(Feature):
    """A statistic of the mids at the last points of a grid, computed once per point."""

    step = SECOND
    further = 1
    """Points beyond one per interval."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._flow = flow
        ends = spec.window_ns // self.step + self.further
        track = flow.mids
        self._series = flow.grid(self.step, ends, lambda t: track.current)
        self._read: tuple[int | None, ...] | None = None
        self._value = nan

    def value(self, t: int) -> float:
        """Return the statistic."""
        mids = self._series.at(t)
        if mids is not self._read:
            self._read, self._value = mids, self._statistic(mids, t)
        return self._value

    def _statistic(self, mids: tuple[int | None, ...], t: int) -> float:
        return self._of_returns(log_returns(mids))

    def _of_returns(self, r: list[float]) -> float:
        raise NotImplementedError


@feature("rv_1m")
class RealizedVolatility(_OfMids):
    """Root of the sum of squared returns, in basis points."""

    def _of_returns(self, r: list[float]) -> float:
        return 1e4 * sqrt(realized_variance(r)) if r else nan


@feature("variance_ratio_5")
class VarianceRatio(_OfMids):
    """Variance of overlapping sums of five returns against five times that of one (Lo and MacKinlay, 1988)."""

    q = 5

    def _of_returns(self, r: list[float]) -> float:
        n, q = len(r), self.q
        if n <= q or len(set(r)) == 1:
            return nan
        mean = sum(r) / n
        short = sum((x - mean) ** 2 for x in r) / (n - 1)
        long = sum((sum(r[k : k + q]) - q * mean) ** 2 for k in range(n - q + 1))
        return long / (q * (n - q + 1) * (1 - q / n)) / short


@feature("jump_ratio_30m")
class JumpRatio(_OfMids):
    """One minus bipower over realized variance, at least 0 (Barndorff-Nielsen and Shephard, 2004)."""

    step = 10 * SECOND

    def _of_returns(self, r: list[float]) -> float:
        n = len(r)
        if n < 2:
            return nan
        rv = realized_variance(r)
        bv = pi / 2 * n / (n - 1) * sum(abs(a * b) for a, b in pairwise(r))
        return max(0.0, 1 - bv / rv) if rv else 0.0


@feature("signature_ratio_5m")
class SignatureRatio(_OfMids):
    """Variance seen every second against every ten seconds, over the same intervals of ten seconds."""

    seconds = 10
    further = 10
    """Up to nine seconds lie behind the last interval; one more point begins the first."""

    def _statistic(self, mids: tuple[int | None, ...], t: int) -> float:
        behind = (t - (self._flow.session_start or 0)) // SECOND % self.seconds
        done = mids[: len(mids) - behind]
        short = long = 0.0
        for k in range(self.spec.window_ns // SECOND // self.seconds):
            interval = done[len(done) - self.seconds * (k + 1) - 1 : len(done) - self.seconds * k]
            if len(interval) <= self.seconds:
                break
            over = log_returns((interval[0], interval[-1]))
            if over:
                short += realized_variance(log_returns(interval))
                long += realized_variance(over)
        return quotient(short, long)
