"""Changes of the close, their runs, their rank and their autocorrelation."""

from __future__ import annotations

import itertools
from math import log

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import Spec, feature
from quantumtrader._fallback.features.technical.closed_bar import ClosedBarFeature, Window


@feature("roc_10", "roc_30")
class RateOfChange(ClosedBarFeature):
    """100·(C/C[−n] − 1)."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(11 if spec.name == "roc_10" else 31)

    def next(self, bar: Bar) -> float:
        """Return the change in percent; NaN where a price is not positive."""
        bars = self._last.add(bar)
        if not bars or bars[0].close <= 0 or bar.close <= 0:
            return NAN
        return 100.0 * ((bar.close - bars[0].close) / bars[0].close)


@feature("mom_10")
class Momentum(ClosedBarFeature):
    """C − C[−10] in ticks."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(11)

    def next(self, bar: Bar) -> float:
        """Return the change."""
        bars = self._last.add(bar)
        return float(bar.close - bars[0].close) if bars else NAN


@feature("streak")
class Streak(ClosedBarFeature):
    """Signed number of closes in a row that rose or fell; 0 at an unchanged close."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._close: int | None = None
        self._run = 0

    def next(self, bar: Bar) -> float:
        """Return the length; NaN before two bars."""
        before, self._close = self._close, bar.close
        if before is None:
            return NAN
        if bar.close > before:
            self._run = max(self._run, 0) + 1
        elif bar.close < before:
            self._run = min(self._run, 0) - 1
        else:
            self._run = 0
        return float(self._run)


@feature("ret_rank_60")
class ReturnRank(ClosedBarFeature):
    """Share of the last 60 returns that are not greater than the last one."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(61)

    def next(self, bar: Bar) -> float:
        """Return the share in (0, 1]; NaN where a price is not positive."""
        c = [b.close for b in self._last.add(bar)]
        if not c or min(c) <= 0:
            return NAN
        # b/a ≤ last/before without division, so that equal returns are equal.
        return sum(b * c[-2] <= c[-1] * a for a, b in itertools.pairwise(c)) / 60


@feature("ret_autocorr_60")
class ReturnAutocorrelation(ClosedBarFeature):
    """Autocorrelation of the last 60 log returns at a lag of one bar."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._last = Window(61)

    def next(self, bar: Bar) -> float:
        """Return the coefficient; 0 where all returns are equal, NaN where a price is not positive."""
        c = [b.close for b in self._last.add(bar)]
        if not c or min(c) <= 0:
            return NAN
        returns = [log(b / a) for a, b in itertools.pairwise(c)]
        if len(set(returns)) == 1:
            return 0.0
        mean = sum(returns) / len(returns)
        x = [r - mean for r in returns]
        return sum(a * b for a, b in itertools.pairwise(x)) / sum(a * a for a in x)
