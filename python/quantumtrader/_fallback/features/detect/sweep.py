"""Sweeps: parent orders that walk several rows, and quick runs of growing prints."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace

from quantumtrader._fallback.features.detect.detection import NAN, Held, Sink
from quantumtrader._fallback.features.numbers import MINUTE, SECOND
from quantumtrader._fallback.features.parents import Parent
from quantumtrader._fallback.features.tape import Print

SizeAt = Callable[[int, int], "int | None"]


class Sweep:
    """Parents on at least ``sweep_min_levels`` rows that never stepped against their direction."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self._shown: list[int | None] = []
        self.held = Held()
        self._walked: deque[tuple[int, int, int]] = deque()
        self._swept: deque[tuple[int, int]] = deque()

    def on_print(self, trade: Print, parent: Parent | None, size_at: SizeAt) -> None:
        """Note what is displayed at each row just before the parent's first print there."""
        if parent is None:
            return
        first = len(parent.prints) == 1
        if first:
            self._shown = []
        if first or trade.px != parent.prints[-2].px:
            self._shown.append(size_at(-trade.side, trade.px))

    def on_parent(self, p: Parent, ts: int) -> None:
        """Judge a parent that has ended, certainly so at ``ts``."""
        if p.stepped_back:
            return
        s = self._s
        self._walked.append((p.last, p.rows, p.side))
        if p.rows < s.sweep_min_levels or p.volume < s.sweep_min_qty:
            return
        self._swept.append((p.first, p.volume))
        self.held.set(ts, float(p.side))
        shown = None if None in self._shown else sum(size or 0 for size in self._shown)
        confidence = 1.0 if p.broker else 0.8 if p.first == p.last else 0.6
        self._sink.push(
            ts,
            "sweep",
            p.side,
            min(1.0, p.rows / s.sweep_full_levels),
            confidence,
            p.prints[-1].px,
            p.rows,
            p.volume,
            len(p.prints),
            p.volume / shown if shown else NAN,
            p.last - p.first,
            p.prints[0].px,
        )

    def levels(self, t: int) -> int:
        """Return the rows of the parent that walked most in the last minute, signed; the later of equals."""
        while self._walked and self._walked[0][0] <= t - MINUTE:
            self._walked.popleft()
        best = max(reversed(self._walked), key=lambda w: w[1], default=(0, 0, 0))
        return best[1] * best[2]

    def volume(self, t: int) -> int:
        """Return the volume of the sweeps that began in the last five minutes."""
        while self._swept and self._swept[0][0] <= t - 5 * MINUTE:
            self._swept.popleft()
        return sum(volume for _, volume in self._swept)


class SweepRun:
    """The run of prints of one side that the last print belongs to; unsigned prints end a run."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self._run: list[Print] = []
        self._weighted = self._volume = 0
        self.on = False

    def on_print(self, trade: Print) -> None:
        """Judge the run with this print."""
        s = self._s
        if trade.side == 0 or (self._run and self._run[0].side != trade.side):
            self._run, self._weighted, self._volume, self.on = [], 0, 0, False
        if trade.side == 0:
            return
        was_on = self.on
        self._weighted += len(self._run) * trade.size
        self._volume += trade.size
        self._run.append(trade)
        k, span = len(self._run), trade.t - self._run[0].t
        rise = k * self._weighted - k * (k - 1) // 2 * self._volume
        quick = float(k - 1) * SECOND > s.run_min_speed * span
        self.on = k >= s.run_min_length and rise > 0 and quick
        if not self.on or was_on:
            return
        spread = k * k * (k * k - 1) / 12
        self._sink.push(
            trade.t,
            "sweep_run",
            trade.side,
            min(1.0, k / (2 * s.run_min_length)),
            0.5,
            trade.px,
            k,
            self._volume,
            rise / spread,
            (k - 1) * SECOND / span if span else math.nan,
            span,
            self._run[0].px,
        )

    def signal(self) -> float:
        """Return the side of the run, if it sweeps, else 0."""
        return float(self._run[0].side) if self.on else 0.0
