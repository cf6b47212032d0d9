"""Volatility of bars: from closes, from ranges, from both."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import isnan, log, sqrt
from statistics import fmean

import numpy as np

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature, log_ratio, log_returns, root
from quantumtrader._fallback.features.numbers import NAN, quotient
from quantumtrader._fallback.features.registry import Spec, feature


def _sample_variance(x: list[float]) -> float:
    """Variance with divisor n − 1."""
    return float(np.var(x, ddof=1))


@feature("rv_close_30")
class CloseVolatility(HeldFeature):
    """Sample standard deviation of the last 30 one-bar log returns."""

    bars = 31

    def close(self, bar: Bar) -> float:
        """Return the deviation; NaN before 31 bars."""
        return sqrt(_sample_variance(log_returns(list(self.last)))) if self.full else NAN


@feature("vol_ratio_10_60")
class VolatilityRatio(HeldFeature):
    """Deviation of the last 10 one-bar log returns over that of the last 60."""

    bars = 61

    def close(self, bar: Bar) -> float:
        """Return the ratio; NaN before 61 bars and where the longer deviation is 0."""
        if not self.full:
            return NAN
        returns = log_returns(list(self.last))
        return quotient(sqrt(_sample_variance(returns[-10:])), sqrt(_sample_variance(returns)))


def _parkinson(b: Bar) -> float:
    return log_ratio(b.high, b.low) ** 2 / (4.0 * log(2.0))


def _garman_klass(b: Bar) -> float:
    return 0.5 * log_ratio(b.high, b.low) ** 2 - (2.0 * log(2.0) - 1.0) * log_ratio(b.close, b.open) ** 2


def _rogers_satchell(b: Bar) -> float:
    above = log_ratio(b.high, b.close) * log_ratio(b.high, b.open)
    return above + log_ratio(b.low, b.close) * log_ratio(b.low, b.open)


_VARIANCES: dict[str, Callable[[Bar], float]] = {
    "parkinson_30": _parkinson,
    "garman_klass_30": _garman_klass,
    "rogers_satchell_30": _rogers_satchell,
}


@feature(*_VARIANCES)
class RangeVolatility(HeldFeature):
    """Root of the mean over 30 bars of a variance estimated within each bar."""

    bars = 30

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._variance = _VARIANCES[spec.name]

    def close(self, bar: Bar) -> float:
        """Return the volatility; NaN before 30 bars and where a price is not positive."""
        return root(fmean(self._variance(b) for b in self.last)) if self.full else NAN


@feature("yang_zhang_30")
class YangZhang(HeldFeature):
    """Gaps between bars, bodies, and Rogers-Satchell within them (Yang and Zhang, 2000)."""

    bars = 31

    def close(self, bar: Bar) -> float:
        """Return the volatility; NaN before 31 bars and where a price is not positive."""
        if not self.full:
            return NAN
        bars = list(self.last)
        n = len(bars) - 1
        gaps = [log_ratio(after.open, before.close) for before, after in pairwise(bars)]
        bodies = [log_ratio(b.close, b.open) for b in bars[1:]]
        inside = fmean(_rogers_satchell(b) for b in bars[1:])
        k = 0.34 / (1.34 + (n + 1) / (n - 1))
        return root(_sample_variance(gaps) + k * _sample_variance(bodies) + (1.0 - k) * inside)


@feature("ewma_vol")
class EwmaVolatility(HeldFeature):
    """σ² ← 0.94σ² + 0.06r², seeded with the mean of 20 squared returns (RiskMetrics, 1996)."""

    bars = 2
    seed = 20

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._first: list[float] = []
        self._variance = NAN

    def close(self, bar: Bar) -> float:
        """Return σ; NaN before 20 returns and at a bar without one."""
        r = log_ratio(bar.close, self.last[0].close) if self.full else NAN
        if isnan(r):
            return NAN
        if len(self._first) < self.seed:
            self._first.append(r * r)
            if len(self._first) == self.seed:
                self._variance = fmean(self._first)
        else:
            self._variance = 0.94 * self._variance + 0.06 * r * r
        return sqrt(self._variance)
