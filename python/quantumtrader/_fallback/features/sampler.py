"""Sampling clocks: when a row of features is due."""

from __future__ import annotations

import re

from quantumtrader._fallback.features.grids import first_point
from quantumtrader.exceptions import ConfigError

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_MOST = 2**63 - 1
_PATTERN = re.compile(r"0*([1-9][0-9]{0,18})(ns|us|ms|s|m|h|trades)")


class Sampler:
    """A parsed sampling clock and where it stands.

    Parameters
    ----------
    clock : str
        ``event``, ``bar``, a time such as ``100ms``, or a count such as ``50trades``.
    """

    def __init__(self, clock: str) -> None:
        self.clock = clock
        self.every_packet = clock == "event"
        self.every_bar = clock == "bar"
        self.step_ns = self.step_trades = 0
        if not (self.every_packet or self.every_bar):
            match = _PATTERN.fullmatch(clock)
            step = 0 if match is None else int(match[1]) * _UNITS.get(match[2], 1)
            if match is None or step > _MOST:
                raise ConfigError(
                    f'clock "{clock}" is not known; use "event", "bar", a time such as "100ms" or "1s", '
                    'or a count such as "50trades"'
                )
            if match[2] == "trades":
                self.step_trades = step
            else:
                self.step_ns = step
        self.stop()

    def start(self) -> None:
        """Begin a session; the time grid waits for its first market event."""
        self.sampling = True
        self.next_point: int | None = None
        self._trades = 0
        self._trades_due = False

    def stop(self) -> None:
        """Sample nothing until the next start."""
        self.sampling = False
        self.next_point = None
        self._trades = 0
        self._trades_due = False

    def first_event(self, start: int, t: int) -> None:
        """Take the first market event, at ``t``, of the session that began at ``start``."""
        if self.sampling and self.step_ns:
            self.next_point = first_point(start, self.step_ns, t)

    def points_before(self, t: int) -> int:
        """Return how many points of the time grid lie before ``t``."""
        return 0 if self.next_point is None else max(0, -((self.next_point - t) // self.step_ns))

    def passed(self) -> None:
        """Move to the next point of the time grid."""
        if self.next_point is not None:
            self.next_point += self.step_ns

    def count_trade(self) -> None:
        """Count one print."""
        self._trades += 1
        if self.step_trades and self._trades % self.step_trades == 0:
            self._trades_due = True

    def due_after_packet(self) -> bool:
        """Tell whether a row is due at the end of this packet."""
        due = self.sampling and (self.every_packet or self._trades_due)
        self._trades_due = False
        return due
