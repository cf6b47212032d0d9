"""Large orders that are withdrawn unexecuted, alone and in layers."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple

from quantumtrader._fallback.features.detect.detection import Held, Sink
from quantumtrader._fallback.features.detect.matching import Matching, Taken
from quantumtrader._fallback.features.detect.slots import SLOTS, Slots
from quantumtrader._fallback.features.feed import RowChange
from quantumtrader._fallback.features.numbers import SECOND
from quantumtrader._fallback.features.tape import Print
from quantumtrader._fallback.features.touch import NO_ASK, NO_BID, Touch
from quantumtrader.types import Flag

LevelsBefore = Callable[[int, int], int]
_MAX_CANDIDATES = 128
_MAX_LAYERS = 64
_HIDDEN = int(Flag.HIDDEN)


class Printed(NamedTuple):
    """Sums over prints since the session began."""

    buy: int = 0
    sell: int = 0
    volume: int = 0

    def pressure(self, then: Printed, side: int) -> float:
        """Return the share of buyers (side 1) or sellers (side -1) in what was printed since ``then``."""
        own = self.buy - then.buy if side > 0 else self.sell - then.sell
        volume = self.volume - then.volume
        return own / volume if volume else 0.0


@dataclass
class Candidate:
    """An addition that may be withdrawn."""

    side: int
    px: int
    order_id: int
    broker: int
    began: int
    size: int
    usual: float
    printed: Printed
    withdrawn: int = 0
    ended: int | None = None
    """When enough of it was withdrawn."""
    own: int = 0
    """Contracts of prints against its broker's orders on the other side."""
    fact: int = 0
    """The fact that began it."""

    @property
    def confidence(self) -> float:
        """What can be known: one broker's order, an order, or a row."""
        return 1.0 if self.broker else 0.8 if self.order_id else 0.5

    def count(self, trade: Print) -> None:
        """Count a print against the orders of its broker on the other side."""
        if trade.side == self.side and self.broker and trade.passive == self.broker:
            self.own += trade.size

    def pressure(self, printed: Printed) -> float:
        """Return the share of the aggressors that would meet orders on the other side, its broker's where known."""
        volume = printed.volume - self.printed.volume
        return self.own / volume if volume and self.broker else printed.pressure(self.printed, self.side)

    def due(self, s: SimpleNamespace) -> int:
        """Return the time after which it is judged, or forgotten."""
        due = self.began + s.spoof_lifetime_ns if self.ended is None else self.ended + s.spoof_after_ns
        return int(due)

    def judge(self, t: int, s: SimpleNamespace) -> None:
        """See whether enough is withdrawn now."""
        if self.withdrawn < s.spoof_withdrawn * self.size:
            self.ended = None
        elif self.ended is None:
            self.ended = t


class Spoofing:
    """Follows candidates and scores each when it has been withdrawn."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self._printed = Printed()
        self.held = Held()
        self.layering = Layering(s, sink)
        self._facts = 0
        self.void()

    def void(self) -> None:
        """Forget what was displayed."""
        self._usual: Slots[tuple[float, int]] = Slots()
        self._candidates: list[Candidate] = []
        self._matching = Matching(self._s.spoof_match_ns, self._sink)
        self.layering.void()

    def on_print(self, trade: Print) -> None:
        """Count a print."""
        buy, sell, volume = self._printed
        q = trade.size
        self._printed = Printed(buy + q * (trade.side > 0), sell + q * (trade.side < 0), volume + q)
        self.layering.on_print(trade)
        for c in self._candidates:
            c.count(trade)
        self._facts += 1
        if not trade.side or trade.flags & _HIDDEN or not self._follows(-trade.side, trade.px):
            return  # what a hidden order gave was never displayed: it explains no decrease
        taken = Taken((-trade.side, trade.px), trade.t, self._facts, trade.passive, trade.size)
        for fact, contracts in self._matching.on_print(taken):
            for c in self._candidates:
                if c.fact == fact:
                    c.withdrawn -= contracts
                    c.judge(trade.t, self._s)

    def on_row(self, t: int, c: RowChange, touch: Touch | None, levels_before: LevelsBefore) -> None:
        """Take a change of a row; ``levels_before`` counts the occupied levels better than a price of a side."""
        s, change = self._s, c.after - c.before
        usual = self._usual_size(t, c, touch)
        self._facts += 1
        mine = (x for x in self._candidates if (x.side, x.px) == (c.side, c.px))
        own = next((x for x in mine if x.order_id in (0, c.order_id)), None)
        known = own is not None
        self._follow(t, c, own if own and t - own.began <= s.spoof_lifetime_ns else None)
        if usual is None or known or change < min(s.layer_factor, s.spoof_factor) * usual:
            return
        if not self._near(c, touch, levels_before):
            return
        if len(self._candidates) == _MAX_CANDIDATES:
            self._sink.dropped += 1
            return
        self._candidates.append(
            Candidate(c.side, c.px, c.order_id, c.broker, t, change, usual, self._printed, fact=self._facts)
        )

    def _follows(self, side: int, px: int) -> bool:
        return any((c.side, c.px) == (side, px) for c in self._candidates)

    def _follow(self, t: int, c: RowChange, own: Candidate | None) -> None:
        """Take a change of a row, which may be that of a candidate."""
        change = c.after - c.before
        if change < 0 and self._follows(c.side, c.px):
            taken = Taken((c.side, c.px), t, self._facts, c.broker, -change, own.fact if own else 0)
            gone = self._matching.on_decrease(taken)
            if own:  # by level, more may go than the candidate has
                own.withdrawn += min(gone, own.size - own.withdrawn)
        elif own and change > 0:
            own.withdrawn = max(0, own.withdrawn - change)
        if own:
            self._matching.limit(own.fact, own.withdrawn)
            own.judge(t, self._s)

    def _usual_size(self, t: int, c: RowChange, touch: Touch | None) -> float | None:
        """Bring the usual size of a row up to ``t``; None when nothing was known of it, and far from the touch."""
        distance = _distance(c, touch)
        if distance is not None and abs(distance) >= SLOTS // 2:
            return None  # its slot may be a near row's
        known = self._usual.get(c.side, c.px)
        if known is None:
            size = float(c.before or c.after)
        elif c.before:
            fade = 1.0 - math.exp(-float(t - known[1]) / (self._s.spoof_tau_s * SECOND))
            size = known[0] + (c.before - known[0]) * fade
        else:
            size = known[0]
        self._usual.put(c.side, c.px, (size, t))
        return size if known is not None or c.before else None

    def _near(self, c: RowChange, touch: Touch | None, levels_before: LevelsBefore) -> bool:
        ticks = _distance(c, touch)
        if ticks is None or ticks < 0:
            return False
        levels = levels_before(c.side, c.px)
        return bool((0 if c.order_id else 1) <= levels <= self._s.spoof_max_distance)

    def due(self) -> float:
        """Return the time after which something is due."""
        return min((c.due(self._s) for c in self._candidates), default=math.inf)

    def passed(self, due: int) -> None:
        """Score or forget candidates."""
        for c in [c for c in self._candidates if c.due(self._s) <= due]:
            self._candidates.remove(c)
            if c.ended is not None:
                self._score(due + 1, c, c.ended)

    def _score(self, ts: int, c: Candidate, ended: int) -> None:
        s = self._s
        if c.size >= s.spoof_factor * c.usual:
            pressure = c.pressure(self._printed)
            share = c.withdrawn / c.size
            score = min(1.0, c.size / (s.spoof_full_factor * c.usual)) * share * pressure
            self.held.set(ts, score * c.side)
            facts = c.size, c.usual, share, pressure, ended - c.began, c.order_id
            self._sink.push(ts, "spoofing", c.side, score, c.confidence, c.px, *facts)
        if c.size >= s.layer_factor * c.usual:
            self.layering.add(ts, c, ended, self._printed)


def _distance(c: RowChange, touch: Touch | None) -> int | None:
    """Return how many ticks it is behind the touch of its side."""
    if touch is None:
        return None
    best = touch.bid_px if c.side > 0 else touch.ask_px
    return None if best in (NO_BID, NO_ASK) else (best - c.px) * c.side


class Layering:
    """Several candidates of one side, added and withdrawn together."""

    def __init__(self, s: SimpleNamespace, sink: Sink) -> None:
        self._s, self._sink = s, sink
        self.held = Held()
        self.void()

    def void(self) -> None:
        """Forget what was displayed."""
        self._layers: deque[tuple[Candidate, int]] = deque()

    def on_print(self, trade: Print) -> None:
        """Count a print against the orders of a layer's broker on the other side."""
        for x, _ in self._layers:
            x.count(trade)

    def add(self, ts: int, c: Candidate, ended: int, printed: Printed) -> None:
        """Take a withdrawn candidate: with others of the same second, it may be a layering."""
        s, layers = self._s, self._layers
        while layers and ended - layers[0][1] > s.layer_within_ns:
            layers.popleft()
        if len(layers) == _MAX_LAYERS:
            layers.popleft()
            self._sink.dropped += 1
        layers.append((c, ended))
        group = self._together(c)
        rows = len({x.px for x in group})
        if rows < s.layer_min_rows:
            return
        first = min(group, key=lambda x: x.began)
        size, withdrawn = sum(x.size for x in group), sum(x.withdrawn for x in group)
        pressure = first.pressure(printed)
        score = min(1.0, rows / s.layer_full_rows) * (withdrawn / size) * pressure
        self.held.set(ts, score * c.side)
        confidence = min(x.confidence for x in group)
        facts = rows, size, withdrawn / size, pressure, ended - first.began
        self._sink.push(ts, "layering", c.side, score, confidence, c.px, *facts)

    def _together(self, c: Candidate) -> list[Candidate]:
        """Return the layers around ``c`` that were added within the time of each other: on most rows, the earliest."""
        alike = [x for x, _ in self._layers if (x.side, x.broker) == (c.side, c.broker)]
        within = self._s.layer_within_ns
        starts = sorted({x.began for x in alike if 0 <= c.began - x.began <= within})
        sets = [[x for x in alike if 0 <= x.began - start <= within] for start in starts]
        return max(sets, key=lambda group: len({x.px for x in group}))
