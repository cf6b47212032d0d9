"""Volume against what is usual at this minute of the session."""

from __future__ import annotations

from collections import deque

from quantumtrader._fallback.features.bars import Bar
from quantumtrader._fallback.features.flow import Flow
from quantumtrader._fallback.features.held import HeldFeature
from quantumtrader._fallback.features.numbers import MINUTE, NAN, quotient
from quantumtrader._fallback.features.registry import Spec, feature


@feature("rel_volume_tod")
class VolumeTimeOfDay(HeldFeature):
    """Volume over the mean of the same minute in the last 20 sessions that had it."""

    sessions, minutes = 20, 1440

    def __init__(self, spec: Spec, flow: Flow) -> None:
        super().__init__(spec, flow)
        self._past: dict[int, deque[int]] = {}
        self._today: dict[int, int] = {}

    def restart(self) -> None:
        """Put the minutes of the session that ended with those before."""
        for minute, volume in self._today.items():
            self._past.setdefault(minute, deque(maxlen=self.sessions)).append(volume)
        self._today = {}

    def close(self, bar: Bar) -> float:
        """Return the ratio; NaN before 20 sessions had this minute, and where nothing traded in them."""
        start = self.flow.session_start
        if start is None or not 0 <= bar.start - start < self.minutes * MINUTE:
            return NAN
        minute = (bar.start - start) // MINUTE
        self._today[minute] = self._today.get(minute, 0) + bar.volume
        past = self._past.get(minute, ())
        return quotient(self.sessions * self._today[minute], sum(past)) if len(past) == self.sessions else NAN
