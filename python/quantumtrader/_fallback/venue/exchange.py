"""State of a venue, its executions and its reports; the rules that use them are in the files beside."""

from __future__ import annotations

import math
from collections.abc import Callable

from quantumtrader._fallback.venue.depth import FIDELITIES, NO_TOUCH, Depth, Touch
from quantumtrader._fallback.venue.order import Working
from quantumtrader._fallback.venue.records import OPEN, RESUME
from quantumtrader._protocols import Report
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import PX_NONE

__all__ = ["Exchange"]

_QUEUES = ("pessimistic", "proportional", "exact")
_LEAST = -(2**63)


class Exchange:
    """What every rule of a venue works on."""

    def __init__(
        self,
        tick_size: float,
        point_value: float,
        lot: int = 1,
        latency_ns: int = 0,
        queue: str = "pessimistic",
        fee: float = 0.0,
        adverse_ticks: int = 1,
    ) -> None:
        for name, value in (("tick_size", tick_size), ("point_value", point_value)):
            if not (math.isfinite(value) and value > 0.0):
                raise ConfigError(f"{name} is {value}; expected a positive number")
        if queue not in _QUEUES:
            raise ConfigError(f'queue "{queue}" is not known; use "pessimistic", "proportional" or "exact"')
        if lot < 1:
            raise ConfigError(f"lot is {lot}; expected a positive number")
        if latency_ns < 0:
            raise ConfigError(f"latency_ns is {latency_ns}; expected 0 or more")
        if not math.isfinite(fee):
            raise ConfigError(f"fee is {fee}; expected a number")
        if adverse_ticks < 0:
            raise ConfigError(f"adverse_ticks is {adverse_ticks}; expected 0 or more")
        self.tick_size = float(tick_size)
        self.point_value = float(point_value)
        self.now_ns = _LEAST
        """Greatest ``ts_event`` seen."""
        self.position = 0
        """Signed contracts that the fills since the last contract roll add up to."""
        self._lot, self._latency, self._model, self._fee, self._adverse = (
            lot,
            latency_ns,
            queue,
            fee,
            adverse_ticks,
        )
        self._depth = Depth()
        self._taken: dict[tuple[int, int], int] = {}
        self._working: list[Working] = []
        self._pending: list[tuple[int, Working | int]] = []
        self._known: set[int] = set()
        self._reports: list[Report] = []
        self._next_report = 1
        self._recv = self._sequence = _LEAST
        self._in_packet = False
        self._phase = OPEN
        self._last_px = PX_NONE
        self._has_prints = False
        self._before = NO_TOUCH
        self._by_id = False

    @property
    def fidelity(self) -> str:
        """What fills rest on."""
        return FIDELITIES[self._depth.fidelity]

    def best(self) -> Touch:
        """Return the recorded touch ``(bid_px, bid_sz, ask_px, ask_sz)``."""
        return self._depth.touch()

    def take_reports(self) -> list[Report]:
        """Return the reports since the last call, in order."""
        out, self._reports = self._reports, []
        return out

    def _is_continuous(self) -> bool:
        return self._phase in (OPEN, RESUME)

    def _sweep_done(self) -> None:
        self._working = [w for w in self._working if w.state != "done"]

    def _by_priority(self, select: Callable[[Working], bool]) -> list[Working]:
        return sorted((w for w in self._working if select(w)), key=lambda w: -w.side * w.px)

    def _reducible(self, side: int) -> int:
        return max(-self.position * side, 0)

    def _wanted(self, w: Working) -> int:
        """Contracts that an order may trade now."""
        if w.state == "done":
            return 0
        return min(w.left, self._reducible(w.side)) if w.reduce_only else w.left

    def _fill(self, w: Working, px: int, size: int, maker: bool, ts: int) -> None:
        """Execute; reduce-only orders that have nothing left to reduce end here."""
        w.left -= size
        if w.left == 0:
            w.state = "done"
        self.position += w.side * size
        self._report(w, ts, "filled", px, size, maker, "")
        for other in self._working:
            if other.state != "done" and other.reduce_only and self._reducible(other.side) == 0:
                self._end(other, "nothing to reduce", ts)

    def _end(self, w: Working, reason: str, ts: int) -> None:
        if w.state != "done":
            w.state = "done"
            self._report(w, ts, "cancelled", w.px, w.left, False, reason)

    def _report(self, w: Working, ts: int, status: str, px: int, size: int, maker: bool, reason: str) -> None:
        fee = self._fee * size if status == "filled" else 0.0
        self._reports.append(
            (self._next_report, w.client_id, ts, status, w.side, px, size, maker, fee, reason)
        )
        self._next_report += 1
