"""Fills where the stream has bars and nothing finer: pessimistic inside the bar."""

from __future__ import annotations

from quantumtrader._fallback.venue.matching import Matching
from quantumtrader._fallback.venue.order import short_of
from quantumtrader._fallback.venue.records import ID, PX, PX_ASK, A, Row

__all__ = ["Bars"]


class Bars(Matching):
    """Fills inside bars."""

    def _on_bar(self, row: Row) -> None:
        """Fill inside a closed bar; only orders sent before it began can trade in it."""
        self._depth.raise_to("bar")
        if self.fidelity != "bar" or not self._working or not self._is_continuous():
            return
        ts_open, bar_open, high, low = row[ID], row[PX], row[PX_ASK], row[A]
        for w in self._working:  # market orders, and limits that the open makes marketable
            if w.state != "taking" or w.sent > ts_open:
                continue
            paid = bar_open + w.side * self._adverse
            if w.accepts(paid):
                self._fill(w, paid, self._wanted(w), False, max(w.arrived, ts_open))
            else:
                w.state = "resting"
        for w in self._working:  # a bar that holds both a stop and a target is a loss
            if w.state != "armed" or w.sent > ts_open or not w.triggers(high if w.side > 0 else low):
                continue
            start = max(bar_open, w.px) if w.side > 0 else min(bar_open, w.px)
            w.trigger()
            if w.accepts(start + w.side * self._adverse):
                self._fill(w, start + w.side * self._adverse, self._wanted(w), False, self.now_ns)
            else:  # a stop-limit that its own bar ran past waits for the bars after it
                w.state, w.sent = "resting", self.now_ns
        for w in self._working:  # through the limit, not only to it
            through = w.type == "limit" and short_of(-w.side, w.px, low if w.side > 0 else high)
            if w.state == "resting" and w.sent <= ts_open and through and self._wanted(w) > 0:
                self._fill(w, w.px, self._wanted(w), True, self.now_ns)
        self._sweep_done()
