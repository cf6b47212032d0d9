"""Hurst exponent from the growth of the standard deviation with the lag (Mandelbrot and Van Ness, 1968)."""

from __future__ import annotations

import numpy as np

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.held import HeldFeature, log_ratio
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.registry import feature


@feature("hurst_120")
class Hurst(HeldFeature):
    """Slope of ln sd of overlapping q-bar differences of ln C on ln q, within 121 closes."""

    bars = 121
    lags = (1, 2, 4, 8, 16)

    def close(self, bar: Bar) -> float:
        """Return the slope; NaN before 121 bars, where a deviation is 0 or a price is not positive."""
        if not self.full:
            return NAN
        logs = np.array([log_ratio(b.close, 1) for b in self.last])
        deviations = np.array([np.std(logs[q:] - logs[:-q]) for q in self.lags])
        if not (deviations > 0).all():
            return NAN
        x, y = np.log(self.lags), np.log(deviations)
        x -= x.mean()
        return float((x * y).sum() / (x * x).sum())
