"""Detectors on the one-second grid of the session: absorption, ignition, stuffing."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from types import SimpleNamespace

from quantumtrader._fallback.features.detect.detection import Held, Sink
from quantumtrader._fallback.features.detect.slots import Slots
from quantumtrader._fallback.features.feed import RowChange
from quantumtrader._fallback.features.numbers import SECOND
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.touch import Touch
from quantumtrader.types import PX_NONE


@dataclass
class Second:
    """What happened in one second (g - 1 s, g]."""

    buy: int = 0
    sell: int = 0
    volume: int = 0
    trades: int = 0
    updates: int = 0
    """Row changes of the book."""
    undone: int = 0
    """Updates that were undone, with those that undid them."""
    mid2: int | None = None
    """Twice the mid at its end."""

    def add(self, trade: Print) -> None:
        """Count a print."""
        self.buy += trade.size * (trade.side > 0)
        self.sell += trade.size * (trade.side < 0)
        self.volume += trade.size
        self.trades += 1


class Usual:
    """One count over the last ``n`` seconds; its sums are whole numbers, so they can be kept."""

    def __init__(self, n: int) -> None:
        self._last: deque[int] = deque()
        self._n, self._sum, self._squares = n, 0, 0

    def add(self, x: int) -> None:
        """Take the count of a second; the oldest one goes."""
        self._last.append(x)
        gone = self._last.popleft() if len(self._last) > self._n else 0
        self._sum += x - gone
        self._squares += x * x - gone * gone

    @property
    def full(self) -> bool:
        """Whether all seconds have been seen."""
        return len(self._last) == self._n

    @property
    def mean(self) -> float:
        """Mean once full."""
        return self._sum / self._n

    def deviation(self, x: int) -> tuple[float, float]:
        """Return n·x − Σ and √(n·Σ² − (Σ)²): their quotient is the z-score."""
        n, total = self._n, self._sum
        return float(n * x - total), math.sqrt(max(0, n * self._squares - total * total))


class Absorption:
    """One-sided aggression that does not move the mid."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self._step = 1.0 - math.exp(-1.0 / s.absorption_tau_s)
        self._seconds: deque[Second] = deque(maxlen=s.absorption_window_s + 1)
        self._usual: float | None = None
        self.side = 0

    def on_second(self, g: int, age: int, x: Second, touch: Touch | None, confidence: float) -> None:
        """Judge the window that ends with this second."""
        s = self._s
        self._seconds.append(x)
        was, self.side = self.side, 0
        if age < s.absorption_window_s * SECOND:
            return
        window = list(self._seconds)[-s.absorption_window_s :]
        buy, sell = sum(w.buy for w in window), sum(w.sell for w in window)
        delta, usual = buy - sell, self._usual
        size = float(abs(delta))
        if usual is None:
            self._usual = size
            return
        self._usual = usual + (size - usual) * self._step
        if len(self._seconds) <= s.absorption_window_s:
            return
        before, now = self._seconds[0].mid2, self._seconds[-1].mid2
        if before is None or now is None or not delta:
            return
        along = (now - before) * (1 if delta > 0 else -1)
        if size < s.absorption_factor * usual or along > 2.0 * s.absorption_max_move:
            return
        self.side = -1 if delta > 0 else 1
        if self.side == was:
            return
        full = 2.0 * s.absorption_factor * usual
        score = min(1.0, size / full) if full > 0 else 1.0
        px = PX_NONE if touch is None else touch.bid_px if self.side > 0 else touch.ask_px
        facts = delta, usual, (now - before) / 2, buy, sell
        self._sink.push(g + 1, "absorption", self.side, score, confidence, px, *facts)

    def quiet(self, seconds: int) -> None:
        """Let seconds without any event pass: by the steps that each of them would take, so that any cut is the same."""
        if self._usual is None:
            return
        for _ in range(seconds):
            usual = self._usual - self._usual * self._step
            if usual == self._usual:
                break
            self._usual = usual


@dataclass
class _Onset:
    at: int
    side: int
    moved: int
    mid2: int
    volume: int
    trades: int
    usual: float


class Ignition:
    """A burst that moves the mid and is given back."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self._volumes, self._counts = Usual(s.ignition_history_s), Usual(s.ignition_history_s)
        self._before: int | None = None
        self._onset: _Onset | None = None
        self.held = Held()

    def on_second(self, g: int, x: Second) -> None:
        """Look for an onset in this second."""
        if self._before is not None and x.mid2 is not None and self._burst(x):
            side = (x.buy > x.sell) - (x.buy < x.sell)
            moved = (x.mid2 - self._before) * side
            if side and moved >= 2.0 * self._s.ignition_min_move:
                self._onset = _Onset(g, side, moved, x.mid2, x.volume, x.trades, self._volumes.mean)
        self._volumes.add(x.volume)
        self._counts.add(x.trades)
        self._before = x.mid2

    def _burst(self, x: Second) -> bool:
        for usual, n in ((self._volumes, x.volume), (self._counts, x.trades)):
            above, sd = usual.deviation(n)
            if not usual.full or above <= self._s.ignition_deviations * sd:
                return False
        return True

    def on_touch(self, t: int, touch: Touch | None, confidence: float) -> None:
        """See whether the move is given back."""
        s, o = self._s, self._onset
        if o is None or touch is None or not touch.two_sided:
            return
        if t - o.at > s.ignition_confirm_ns:
            self._onset = None
            return
        back = (o.mid2 - touch.bid_px - touch.ask_px) * o.side
        if back < s.ignition_give_back * o.moved:
            return
        self._onset = None
        side = -o.side
        self.held.set(t, float(side))
        share = back / o.moved
        px = touch.bid_px if side > 0 else touch.ask_px
        facts = o.moved * o.side / 2, share, o.volume, o.usual, o.trades, t - o.at
        self._sink.push(t, "ignition", side, min(1.0, share), confidence, px, *facts)


class Stuffing:
    """A burst of book updates that are undone at once."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self._usual = Usual(s.stuffing_history_s)
        self.score = 0.0
        self.void()

    def void(self) -> None:
        """Forget what was displayed."""
        self._added: Slots[tuple[int, int]] = Slots()

    def on_row(self, t: int, c: RowChange, second: Second) -> None:
        """Count a change of a row."""
        second.updates += 1
        change = c.after - c.before
        if change > 0:
            self._added.put(c.side, c.px, (t, change))
            return
        added = self._added.get(c.side, c.px)
        if added is not None and added[1] == -change and t - added[0] <= self._s.stuffing_undone_ns:
            second.undone += 2
            self._added.remove(c.side, c.px)

    def on_second(self, g: int, x: Second, confidence: float) -> None:
        """Score this second."""
        s, r = self._s, x.updates
        was, self.score = self.score, 0.0
        above, sd = self._usual.deviation(r)
        burst = self._usual.full and above > 0 and above >= s.stuffing_deviations * sd
        if burst and x.trades < s.stuffing_max_trades * r:
            self.score = min(1.0, x.undone / r)
            if self.score > 0 and was == 0:
                facts = r, self._usual.mean, above / sd if sd else math.nan, self.score, x.trades
                self._sink.push(g + 1, "stuffing", 0, self.score, confidence, PX_NONE, *facts)
        self._usual.add(r)
