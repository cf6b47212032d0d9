"""Regimes: trend up, trend down, range, undefined, by ADX and the order of the averages.

ADX above 25 and the averages in order upwards is ``trend_up``, downwards ``trend_down``; a weak ADX is
``range``; a strong one without order is ``undefined`` (Wilder, 1978, for ADX). Both come from the catalogue
(``adx_14``, ``ema_alignment``), so training and trading see the same. A state at the edge does not flutter: a
trend ends at a lower ADX than it began, and a new state must last before it is believed. Only the past counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataError, UnsortedEventsError
from quantumtrader.features import FeatureEngine
from quantumtrader.types import EVENT, FeatureFrame, Instrument, Kind

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FEATURES", "Regime", "RegimeAnalyzer"]

FEATURES = ("adx_14", "ema_alignment")
"""What the analyzer reads."""


class Regime(StrEnum):
    """State of the market."""

    TREND_UP = "trend_up"
    TREND_DOWN = "trend_down"
    RANGE = "range"
    UNDEFINED = "undefined"


@dataclass(slots=True)
class RegimeAnalyzer:
    """Classifies one bar after the other.

    Parameters
    ----------
    enter, leave : float
        ADX above which a trend begins, and below which it has ended; ``leave <= enter``.
    dwell : int
        Bars in a row that must say the same before the regime changes.
    memory : int
        Bars that confidence, support and resistance look back on.
    """

    enter: float = 25.0
    leave: float = 20.0
    dwell: int = 3
    memory: int = 20
    regime: Regime = field(init=False, default=Regime.UNDEFINED)
    """The regime now."""
    _candidate: Regime = field(init=False, repr=False, default=Regime.UNDEFINED)
    _count: int = field(init=False, repr=False, default=0)
    _seen: deque[Regime] = field(init=False, repr=False, default_factory=deque)

    def __post_init__(self) -> None:
        if not (0 <= self.leave <= self.enter <= 100 and self.dwell >= 1 and self.memory >= 1):
            raise ConfigError(
                f"regimes: enter {self.enter}, leave {self.leave}, dwell {self.dwell}, memory {self.memory}; "
                "expected 0 <= leave <= enter <= 100 and at least 1 bar"
            )
        self._seen = deque(maxlen=self.memory)

    def update(self, adx: float, alignment: float) -> Regime:
        """Take the values of one closed bar; returns the regime after it.

        Parameters
        ----------
        adx : float
            ``adx_14``; NaN while it is not warm: the regime is undefined at once.
        alignment : float
            ``ema_alignment``: 1, −1 or 0; NaN likewise.
        """
        if np.isnan(adx) or np.isnan(alignment):
            self.reset()
            return self.regime
        said = self._say(adx, alignment)
        self._seen.append(said)
        self._count = self._count + 1 if said == self._candidate else 1
        self._candidate = said
        if said != self.regime and self._count >= self.dwell:
            self.regime = said
        return self.regime

    def run(self, frame: FeatureFrame) -> npt.NDArray[np.str_]:
        """Classify the rows of a frame with one row per bar, from a new start; shape (n,)."""
        self.reset()
        pairs = zip(frame[FEATURES[0]].tolist(), frame[FEATURES[1]].tolist(), strict=True)
        return np.array([self.update(a, b).value for a, b in pairs], dtype="U10")

    def reset(self) -> None:
        """Forget everything."""
        self.regime = self._candidate = Regime.UNDEFINED
        self._count = 0
        self._seen.clear()

    @property
    def confidence(self) -> float:
        """Share of the last ``memory`` bars that say the regime by themselves; NaN before the first warm bar.

        A count, not a probability.
        """
        if not self._seen:
            return float("nan")
        return sum(r == self.regime for r in self._seen) / len(self._seen)

    def analyze_market(self, df: pd.DataFrame, tick_size: float = 0.01) -> dict[str, Any]:
        """Classify the last bar of a table of candles.

        Parameters
        ----------
        df : DataFrame
            Closed candles with ``open, high, low, close``, ``volume`` where known, and a time index. The features come
            from the feature engine.
        tick_size : float
            Of the prices, in points.

        Returns
        -------
        dict
            ``regime``, ``confidence`` (see the property), ``adx``, ``alignment``, ``support`` and ``resistance``
            (lowest low and highest high of the last ``memory`` bars, in points).

        Raises
        ------
        DataError
            A column is missing, the table is empty, a price is not on the tick grid, or time runs backwards.
        """
        missing = [c for c in ("open", "high", "low", "close") if c not in df.columns]
        if missing or not len(df):
            raise DataError(
                f"candles: {len(df)} rows, missing columns: {', '.join(missing) or 'none'}",
                remedy="Give closed candles with open, high, low, close and a time index",
            )
        instrument = Instrument("CANDLES", "CANDLES", tick_size, 1.0)
        frame = FeatureEngine(list(FEATURES), instrument, clock="bar").run(_bars(df, tick_size))
        self.run(frame)
        last = df.iloc[-self.memory :]
        return {
            "regime": self.regime.value,
            "confidence": self.confidence,
            "adx": float(frame[FEATURES[0]][-1]),
            "alignment": float(frame[FEATURES[1]][-1]),
            "support": float(last["low"].min()),
            "resistance": float(last["high"].max()),
        }

    def _say(self, adx: float, alignment: float) -> Regime:
        """What this bar says by itself, given that a trend in force may stay down to ``leave``."""
        toward = {1.0: Regime.TREND_UP, -1.0: Regime.TREND_DOWN}.get(alignment)
        if adx > self.enter:
            return toward or Regime.UNDEFINED
        if adx >= self.leave and toward is not None and toward == self.regime:
            return toward
        return Regime.RANGE


def _bars(df: pd.DataFrame, tick_size: float) -> npt.NDArray[np.void]:
    import pandas as pd

    index = pd.DatetimeIndex(df.index)
    times = (index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")).as_unit("ns").asi8
    if (np.diff(times) <= 0).any():
        raise UnsortedEventsError(
            "candles: time does not rise from row to row", remedy="Sort by time, drop doubles"
        )
    out = np.zeros(len(df), EVENT)
    out["ts_event"] = out["ts_recv"] = times
    out["sequence"] = np.arange(len(df))
    out["id"] = np.concatenate(([times[0]], times[:-1]))
    out["kind"] = Kind.BAR
    for column, fieldname in zip(
        ("open", "high", "low", "close"), ("px", "px_ask", "ref_a", "ref_b"), strict=True
    ):
        ticks = df[column].to_numpy(np.float64) / tick_size
        if not np.isfinite(ticks).all() or (np.abs(ticks - np.round(ticks)) > 1e-3).any():
            raise DataError(
                f"candles: {column} is missing or off the grid of {tick_size:g} points",
                remedy="Give the right tick_size",
            )
        out[fieldname] = np.round(ticks)
    if "volume" in df.columns:
        out["size"] = df["volume"].to_numpy()
    return out
