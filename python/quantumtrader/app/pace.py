"""Replays at the speed of the market, or a multiple of it, for people who watch."""

from __future__ import annotations

import re

from quantumtrader.clock import LiveClock
from quantumtrader.exceptions import ConfigError

__all__ = ["Pacer", "parse_pace"]


def parse_pace(text: str) -> float:
    """Return the speed that ``1x``, ``10x`` or ``max`` means; 0 stands for as fast as possible.

    Raises
    ------
    ConfigError
        If the text is neither.
    """
    if text == "max":
        return 0.0
    match = re.fullmatch(r"(\d+(?:\.\d+)?)x", text)
    if match is None or float(match[1]) <= 0:
        raise ConfigError(f"pace {text!r} is not known; use 1x (as it happened), 10x, or max")
    return float(match[1])


class Pacer:
    """Sleeps until the market's time, scaled, has come.

    Parameters
    ----------
    speed : float
        Market seconds per second; positive.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._clock = LiveClock()
        self._origin: tuple[int, int] | None = None

    def __call__(self, ts: int) -> None:
        """Wait until it is time for a sample at ``ts`` (ns UTC)."""
        if self._origin is None:
            self._origin = (self._clock.now_ns(), ts)
        wall, first = self._origin
        self._clock.sleep_until(wall + round((ts - first) / self._speed))
