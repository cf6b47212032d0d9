"""Feeds the detectors that somebody asked for, in the order of time."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING

from quantumtrader._fallback.books import Order
from quantumtrader._fallback.features.detect.detection import Sink
from quantumtrader._fallback.features.detect.exhaustion import absorption, exhaustion
from quantumtrader._fallback.features.detect.iceberg import NativeIceberg, SyntheticIceberg, TapeIceberg
from quantumtrader._fallback.features.detect.seconds import Absorption, Ignition, Second, Stuffing
from quantumtrader._fallback.features.detect.spoofing import Spoofing
from quantumtrader._fallback.features.detect.sweep import Sweep, SweepRun
from quantumtrader._fallback.features.feed import RowChange
from quantumtrader._fallback.features.footprints import Footprint
from quantumtrader._fallback.features.numbers import SECOND
from quantumtrader._fallback.features.parents import Parent
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.touch import Touch
from quantumtrader.types import Flag

if TYPE_CHECKING:
    from quantumtrader._fallback.features.flow import Flow

_MORE, _HIDDEN = int(Flag.MORE), int(Flag.HIDDEN)


class Detectors:
    """All detectors of one flow; each runs from when it is first asked for."""

    def __init__(self, flow: Flow, settings: SimpleNamespace, sink: Sink) -> None:
        self._flow, self.settings, self.sink = flow, settings, sink
        self._wanted: set[str] = set()
        self.restart()

    def want(self, kind: str) -> None:
        """Run the detector of this kind."""
        self._wanted.add(kind)
        self._make(kind)

    def restart(self) -> None:
        """Forget the session; what was told stays told."""
        self.sweep: Sweep | None = None
        self.run: SweepRun | None = None
        self.native: NativeIceberg | None = None
        self.synthetic: SyntheticIceberg | None = None
        self.tape: TapeIceberg | None = None
        self.absorption: Absorption | None = None
        self.spoofing: Spoofing | None = None
        self.ignition: Ignition | None = None
        self.stuffing: Stuffing | None = None
        self._second = Second()
        self._next: int | None = None
        for kind in self._wanted:
            self._make(kind)

    def _make(self, kind: str) -> None:
        s, sink = self.settings, self.sink
        if kind == "sweep":
            self.sweep = self.sweep or Sweep(s, sink)
        elif kind == "sweep_run":
            self.run = self.run or SweepRun(s, sink)
        elif kind == "iceberg_native":
            self.native = self.native or NativeIceberg(s, sink)
        elif kind == "iceberg_synthetic":
            self.synthetic = self.synthetic or SyntheticIceberg(s, sink)
        elif kind == "iceberg_tape":
            self.tape = self.tape or TapeIceberg(s, sink)
        elif kind == "absorption":
            self.absorption = self.absorption or Absorption(s, sink)
        elif kind in ("spoofing", "layering"):
            self.spoofing = self.spoofing or Spoofing(s, sink)
        elif kind == "ignition":
            self.ignition = self.ignition or Ignition(s, sink)
        elif kind == "stuffing":
            self.stuffing = self.stuffing or Stuffing(s, sink)

    @property
    def dropped(self) -> int:
        """What was dropped because a table was full."""
        return self.sink.dropped

    def iceberg(self, t: int) -> float:
        """Return the side of the latest live iceberg, by the best rule that found one."""
        for detector in (self.native, self.synthetic, self.tape):
            side = detector.held.live(t, self.settings.iceberg_hold_ns) if detector else None
            if side is not None:
                return side
        return 0.0

    def hidden(self, t: int) -> float:
        """Return the hidden contracts executed so far of that iceberg."""
        for detector in (self.native, self.synthetic):
            hidden = detector.hidden.live(t, self.settings.iceberg_hold_ns) if detector else None
            if hidden is not None:
                return hidden
        return 0.0

    def on_print(self, trade: Print) -> None:
        """Take a print, after the parent that it ended."""
        flow = self._flow
        self._second.add(trade)
        if self.sweep:
            self.sweep.on_print(trade, flow.parents.open, flow.size_at)
        if self.run:
            self.run.on_print(trade)
        if self.tape:
            self.tape.on_print(trade)
        if self.native and flow.feed.by_order and not trade.flags & _HIDDEN:
            self.native.on_print(trade, bool(trade.flags & _MORE))
        if self.synthetic:
            self.synthetic.on_print(trade, flow.touch.current, flow.size_at)
        if self.spoofing:
            self.spoofing.on_print(trade)

    def on_parent(self, parent: Parent) -> None:
        """Take a parent that has ended."""
        if self.sweep:
            self.sweep.on_parent(parent, self._flow.parents.ended_at)

    def on_footprint(self, footprint: Footprint) -> None:
        """Take a closed footprint."""
        ts = self._flow.footprints.ended
        if "absorption_bar" in self._wanted:
            absorption(footprint, ts, self.settings, self.sink)
        if "exhaustion" in self._wanted:
            exhaustion(footprint, ts, self.settings, self.sink)

    def on_order(self, old: Order | None, new: Order | None) -> None:
        """Take an order as it was displayed before a record outside images, and as it is after it."""
        if self.native:
            self.native.on_order(self._flow.now, old, new)

    def on_packet(
        self, t: int, touch: Touch | None, moved: bool, rows: list[RowChange], voided: bool
    ) -> None:
        """Take the end of a packet that may have changed the book; ``moved``: it left another touch."""
        feed = self._flow.feed
        levels, by_order = feed.book is not None, feed.by_order
        if voided:
            for detector in (self.native, self.synthetic, self.spoofing, self.stuffing):
                if detector:
                    detector.void()
        if moved:
            if self.ignition:
                self.ignition.on_touch(t, touch, 0.7 if levels else 0.6)
            if self.synthetic:
                self.synthetic.on_touch(t, touch)
        for c in rows:
            if self.stuffing:
                self.stuffing.on_row(t, c, self._second)
            if self.synthetic:
                self.synthetic.on_row(t, c, 0.7 if by_order else 0.6)
            if self.spoofing:
                self.spoofing.on_row(t, c, touch, feed.levels_before)
        if self.native:
            self.native.on_packet(t)

    def advance(self, t: int) -> None:
        """Let time pass to ``t``: what was due before it happens, in the order of its times."""
        session = self._flow.session
        if self._next is None and session is not None:
            start, first = session
            self._next = start + max(1, -((start - first) // SECOND)) * SECOND
        s = self.settings
        longest = max(s.absorption_window_s, s.ignition_history_s, s.stuffing_history_s)
        quiet_from = None
        while True:
            native = self.native.due() if self.native else math.inf
            spoofing = self.spoofing.due() if self.spoofing else math.inf
            counting = self.absorption or self.ignition or self.stuffing
            second = self._next if self._next is not None and counting else math.inf
            due = min(native, spoofing, second)
            if due >= t:
                break
            if due == second:
                quiet_from = int(due) if quiet_from is None else quiet_from
                self._end_second(int(due))
                if due - quiet_from >= (longest + 2) * SECOND:
                    self._skip(t)
            elif due == spoofing and self.spoofing:
                self.spoofing.passed(int(due))
            elif self.native:
                self.native.passed(int(due))

    def _end_second(self, g: int) -> None:
        flow = self._flow
        x, self._second = self._second, Second()
        touch = flow.touch.current
        touch = touch if touch is not None and touch.two_sided else None
        x.mid2 = None if touch is None else touch.bid_px + touch.ask_px
        if self.absorption:
            age = g - flow.session[1] if flow.session else 0
            self.absorption.on_second(g, age, x, touch, 0.8 if flow.feed.book is not None else 0.6)
        if self.ignition:
            self.ignition.on_second(g, x)
        if self.stuffing:
            self.stuffing.on_second(g, x, 0.8 if flow.feed.by_order else 0.5)
        self._next = g + SECOND

    def _skip(self, t: int) -> None:
        """Leave out the quiet seconds before ``t``: every window holds nothing but such already."""
        assert self._next is not None
        if self._next < t:
            seconds = (t - 1 - self._next) // SECOND + 1
            if self.absorption:
                self.absorption.quiet(seconds)
            self._next += seconds * SECOND
