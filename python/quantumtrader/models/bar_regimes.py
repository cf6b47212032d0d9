"""Regimes beside rows that come faster than bars: the analyzer hears each bar once."""

from __future__ import annotations

from typing import Protocol

from quantumtrader.exceptions import ConfigError

__all__ = ["BarRegimes", "RegimeSource"]

BAR_NS = 60_000_000_000


class RegimeSource(Protocol):
    """Classifies one bar after the other; ``RegimeAnalyzer`` does."""

    def update(self, adx: float, alignment: float) -> str:
        """Take one closed bar, return the regime after it."""
        ...

    @property
    def confidence(self) -> float:
        """How much of the recent bars agrees; NaN before there are any."""
        ...

    def reset(self) -> None:
        """Forget everything."""
        ...


class BarRegimes:
    """Hands the features of bars to an analyzer, once per bar.

    The first row at or after the end of a minute stands for the bar that ended: its features are those of closed bars,
    so nothing later is known.

    Parameters
    ----------
    source : RegimeSource
        The analyzer.
    bar_ns : int
        Length of the bars behind ``adx_14`` and ``ema_alignment``.
    """

    def __init__(self, source: RegimeSource, bar_ns: int = BAR_NS) -> None:
        if bar_ns <= 0:
            raise ConfigError(f"regimes: bars of {bar_ns} ns, expected a positive length")
        self._source = source
        self._bar_ns = bar_ns
        self._bar: int | None = None
        self.regime = ""
        """The regime now; empty before the first row."""

    def observe(self, ts: int, adx: float, alignment: float) -> str:
        """Take the features of one row; returns the regime."""
        bar = ts // self._bar_ns
        if bar != self._bar:
            self._bar = bar
            self.regime = str(self._source.update(adx, alignment))
        return self.regime

    @property
    def confidence(self) -> float:
        """Of the analyzer."""
        return self._source.confidence

    def reset(self) -> None:
        """Forget everything."""
        self._source.reset()
        self._bar = None
        self.regime = ""
