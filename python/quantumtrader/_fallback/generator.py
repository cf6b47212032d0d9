"""A seeded synthetic session; the twin of ``crates/qt-venue/src/generator``: same spec, same bytes.

The model is described there. All arithmetic is on integers, and every division is of non-negative numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantumtrader._fallback.prng import ONE, Rng
from quantumtrader.exceptions import ConfigError
from quantumtrader.types import EVENT, Action, Events, Flag, Kind, Phase

DEFAULT_OPEN_NS = 1_754_308_800_000_000_000
"""2025-08-04 09:00 in São Paulo, ns UTC."""

_BASE_RATE = 4
_TAU_NS = 200_000_000
_KICK = (ONE * 2, ONE * 4)
_KICK_MAX = ONE * 1_000
_REGIME_NS = 600_000_000_000
_SWEEP_MAX = 8
_TAIL = ONE * 2 // 3
_WINDOW = 25
_LEAST_LEVELS = 6
_BROKERS = (3, 8, 13, 16, 27, 39, 40, 45, 72, 85, 90, 107, 114, 120, 127, 238, 308, 386, 735, 1618)
# rate %, market orders per mille, size %, shift of the probability of a buy per mille
_REGIMES = ((100, 130, 100, 0), (120, 150, 110, 90), (120, 150, 110, -90), (190, 180, 150, 0))

_TRADE, _LEVEL, _SESSION = int(Kind.TRADE), int(Kind.LEVEL), int(Kind.SESSION)
_ADD, _EDIT, _DELETE = int(Action.ADD), int(Action.EDIT), int(Action.DELETE)
_MORE, _SYNTHETIC, _SNAPSHOT = int(Flag.MORE), int(Flag.SYNTHETIC), int(Flag.SNAPSHOT)


def generate_session(
    seed: int = 7,
    *,
    duration_ns: int = 7_200_000_000_000,
    max_events: int = 0,
    start_px: int = 10_800,
    open_ns: int = DEFAULT_OPEN_NS,
    intensity: int = 100,
    volatility: int = 100,
    trend: int = 0,
    instrument: int = 0,
) -> Events:
    """Make a synthetic session: markers, opening snapshot, flow, closing marker.

    Parameters
    ----------
    seed : int
        Seed, 0 to 2**64 - 1. The same arguments give the same bytes on every machine and in both engines.
    duration_ns : int
        Length of continuous trading in ns, 1 ms to 24 h.
    max_events : int
        Stop after the packet that reaches this many events; 0 for no limit.
    start_px : int
        First ask in ticks, at least 1,000.
    open_ns : int
        Start of continuous trading, ns UTC.
    intensity : int
        Arrival rate in percent, 1 to 10,000.
    volatility : int
        Size of market orders in percent, 10 to 1,000.
    trend : int
        -100 (regimes fall) to 100 (regimes rise).
    instrument : int
        Value of the ``instrument`` field.

    Returns
    -------
    Events, shape (n_events,)
        Every record carries ``Flag.SYNTHETIC``.

    Raises
    ------
    ConfigError
        If an argument is out of range.
    """
    spec = _Spec(duration_ns, max_events, start_px, open_ns, intensity, volatility, trend)
    for name, value, least, greatest in (
        ("seed", seed, 0, (1 << 64) - 1),
        ("duration_ns", duration_ns, 1_000_000, 86_400_000_000_000),
        ("max_events", max_events, 0, (1 << 63) - 1),
        ("start_px", start_px, 1_000, 1_000_000_000),
        ("open_ns", open_ns, 0, 4_000_000_000_000_000_000),
        ("intensity", intensity, 1, 10_000),
        ("volatility", volatility, 10, 1_000),
        ("trend", trend, -100, 100),
    ):
        if not least <= value <= greatest:
            raise ConfigError(f"generate_session: {name} is {value}, expected {least} to {greatest}")
    rows = _Flow(spec, seed).run()
    events = np.array(rows, EVENT)
    events["instrument"] = instrument
    return events


@dataclass(frozen=True, slots=True)
class _Spec:
    duration_ns: int
    max_events: int
    start_px: int
    open_ns: int
    intensity: int
    volatility: int
    trend: int


class _Ladder:
    """Displayed sizes of one side, inside a window behind the best price."""

    __slots__ = ("best", "side", "sizes")

    def __init__(self, side: int, best: int) -> None:
        self.side = side
        self.best = best
        self.sizes: dict[int, int] = {}

    def get(self, px: int) -> int:
        return self.sizes.get(px, 0)

    def set(self, px: int, size: int) -> None:
        if size > 0:
            self.sizes[px] = size
        else:
            self.sizes.pop(px, None)

    def can_empty(self) -> bool:
        return len(self.sizes) > _LEAST_LEVELS

    def next(self, px: int) -> int | None:
        """Return the best occupied price strictly behind ``px``, inside its window."""
        for d in range(1, _WINDOW + 1):
            p = px - self.side * d
            if p in self.sizes:
                return p
        return None


class _Iceberg:
    """An order that shows ``peak`` contracts and refills from ``reserve``."""

    __slots__ = ("broker", "peak", "px", "reserve")

    def __init__(self) -> None:
        self.px = self.peak = self.reserve = self.broker = 0


def _target(depth: int) -> int:
    """Displayed size that a level ``depth`` ticks behind the best reverts to."""
    return 24 + 8 * min(depth, 8)


class _Flow:
    """When something happens, what it is, and the records it makes."""

    def __init__(self, spec: _Spec, seed: int) -> None:
        self.spec = spec
        self.rng = Rng(seed)
        self.out: list[tuple[int, ...]] = []
        self.packet: list[list[int]] = []
        self.books = {1: _Ladder(1, spec.start_px - 1), -1: _Ladder(-1, spec.start_px)}
        self.icebergs = {1: _Iceberg(), -1: _Iceberg()}
        self.parent_left, self.parent_sign, self.parent_broker = 0, 1, 0
        self.regime = _REGIMES[0]
        self.regime_end = spec.open_ns
        self.excitation = 0
        self.ts = spec.open_ns - 300_000_000_000
        self.recv = 0
        self.trade_id = 0

    def run(self) -> list[tuple[int, ...]]:
        close = self.spec.open_ns + self.spec.duration_ns
        self._open()
        while True:
            self.ts += self._gap()
            if self.ts >= close:
                self.ts = close
                break
            if 0 < self.spec.max_events <= len(self.out):
                break
            self._switch_regime()
            if self.rng.chance(self.regime[1]):
                self._market()
                kick = _KICK[1]
            else:
                self._passive()
                kick = _KICK[0]
            self.excitation = min(self.excitation + kick, _KICK_MAX)
        self._marker(Phase.CLOSED)
        return self.out

    # ---- time

    def _gap(self) -> int:
        """Time to the next action: base rate with a U shape over the session, plus excitation."""
        draw = self.rng.exp_q16()
        if self.rng.chance(120):
            gap = 5_000 + self.rng.below(300_000)  # a machine that reacts to the last action
        else:
            elapsed = max(self.ts - self.spec.open_ns, 0)
            x = elapsed // 1024 * 2048 // max(self.spec.duration_ns // 1024, 1)
            from_middle = min(abs(x - 1024), 1024)
            shape = 65 + 110 * from_middle * from_middle // (1024 * 1024)
            percent = shape * self.regime[0] * self.spec.intensity
            rate = max(_BASE_RATE * ONE * percent // 1_000_000 + self.excitation, 64)
            gap = 1_000 + draw * 1_000_000_000 // rate
        self.excitation = self.excitation * _TAU_NS // (_TAU_NS + gap)
        return gap

    def _switch_regime(self) -> None:
        if self.ts < self.regime_end:
            return
        self.regime_end = self.ts + self.rng.exp_q16() * (_REGIME_NS >> 16)
        draw = self.rng.below(100)
        trend = self.spec.trend * 20
        up = 20 + (trend // 100 if trend >= 0 else -(-trend // 100))
        self.regime = _REGIMES[1 if draw < up else 2 if draw < 40 else 3 if draw < 58 else 0]

    # ---- session

    def _open(self) -> None:
        self._marker(Phase.AUCTION)
        self.ts = self.spec.open_ns
        size = 200 + self.rng.below(800)
        buyer, seller = self._broker(), self._broker()
        self._trade(self.spec.start_px - 1, size, 0, buyer, seller, int(Flag.AUCTION))
        self._end_packet()
        self._marker(Phase.OPEN)
        self.ts += 1_000_000
        self._level(0, 0, 0, int(Action.SNAPSHOT_BEGIN), _SNAPSHOT)
        for depth in range(_WINDOW):
            for side in (1, -1):
                size = 1 + self.rng.below(2 * _target(depth))
                ladder = self.books[side]
                px = ladder.best - side * depth
                ladder.set(px, size)
                self._level(side, px, size, _ADD, _SNAPSHOT)
        self._level(0, 0, 0, int(Action.SNAPSHOT_END), _SNAPSHOT)
        self._end_packet()

    def _marker(self, phase: Phase) -> None:
        self._push(_SESSION, 0, 0, 0, 0, 0, int(phase), 0, 0)
        self._end_packet()

    # ---- market orders

    def _market(self) -> None:
        """Send a market order, or now and then print without touching the displayed book."""
        sign, broker = self._aggressor()
        size = self._market_size(sign)
        off_book = self.rng.below(1_000)
        if off_book < 22:
            other = self._broker()
            px = self.books[-sign].best
            buyer, seller = (broker, other) if sign > 0 else (other, broker)
            if off_book < 20:
                self._trade(px, min(size, 5), 0, buyer, seller, int(Flag.RLP))
            else:
                self._trade(px, size + 50, 0, buyer, seller, int(Flag.CROSS))
            self._end_packet()
            return
        self._sweep(sign, size, broker)
        self._end_packet()

    def _aggressor(self) -> tuple[int, int]:
        """Sign and broker: a child of the running parent order, or a lone order."""
        sign = 1 if self.rng.chance(500 + self.regime[3]) else -1
        broker = self._broker()
        if self.parent_left == 0 and self.rng.chance(200):
            self.parent_left = 2 + self.rng.pareto(_TAIL, 200)
            self.parent_sign, self.parent_broker = sign, broker
        if self.parent_left > 0 and self.rng.chance(600):
            self.parent_left -= 1
            return self.parent_sign, self.parent_broker
        return sign, broker

    def _market_size(self, sign: int) -> int:
        """Power-law size; most orders stay within what is displayed, a few mean to clear it."""
        scale = self.regime[2] * self.spec.volatility
        drawn = max(self.rng.pareto(_TAIL, 500) * 2 * scale // 10_000, 1)
        kind = self.rng.below(1_000)
        opposite = self.books[-sign]
        shown = opposite.get(opposite.best)
        if kind < 25:
            return shown + drawn * 2
        if kind < 125:
            return (drawn + 4) // 5 * 5
        if kind < 800:
            return min(drawn, shown)
        return drawn

    def _sweep(self, sign: int, size: int, broker: int) -> None:
        """Trade through the displayed levels of the other side; icebergs refill as they are cleared."""
        book = -sign
        ladder, iceberg = self.books[book], self.icebergs[book]
        left, cleared = size, 0
        while left > 0 and cleared < _SWEEP_MAX:
            px, shown = ladder.best, ladder.get(ladder.best)
            refills = iceberg.reserve > 0 and iceberg.px == px
            keeps = 0 if refills or ladder.can_empty() else 1
            done = min(left, shown - keeps)
            if done == 0:
                break
            left -= done
            maker = iceberg.broker if refills else self._broker()
            self._prints(px, done, sign, broker, maker)
            self._resize(book, px, shown - done)
            if shown == done and refills:
                peak = min(iceberg.peak, iceberg.reserve)
                iceberg.reserve -= peak
                self._resize(book, px, peak)
            elif shown == done:
                cleared += 1
                self._step_back(book)

    def _prints(self, px: int, size: int, sign: int, taker: int, maker: int) -> None:
        """One level's execution as one print, or two when two resting orders met it."""
        first = size if size < 4 or self.rng.chance(600) else 1 + self.rng.below(size - 1)
        for part, seller in ((first, maker), (size - first, self._broker())):
            if part > 0:
                sides = (taker, seller) if sign > 0 else (seller, taker)
                self._trade(px, part, sign, *sides, 0)

    # ---- limit orders and cancels

    def _passive(self) -> None:
        bias = self.regime[3]
        buy = 500 + (bias // 2 if bias >= 0 else -(-bias // 2))
        book = 1 if self.rng.chance(buy) else -1
        if self.books[-1].best - self.books[1].best > 1 and self.rng.chance(550):
            size = 1 + ((self.rng.exp_q16() * 12) >> 16)
            px = self.books[book].best + book
            self._resize(book, px, size)
            self._step_up(book, px)
        else:
            self._add_or_cancel(book)
        self._end_packet()

    def _add_or_cancel(self, book: int) -> None:
        depth = min((self.rng.exp_q16() * 3) >> 16, _WINDOW - 1)
        size = 1 + ((self.rng.exp_q16() * 7) >> 16)
        draw = self.rng.below(1_000)
        hidden = self.rng.below(1_000)
        ladder, iceberg = self.books[book], self.icebergs[book]
        px = ladder.best - book * depth
        shown = ladder.get(px)
        target = _target(depth)
        # Adds win while the level is thin and lose while it is thick: depth reverts to its target.
        adds = 620 if shown * 2 < target else 520 if shown < target else 370
        if shown == 0 or draw < adds:
            if depth < 2 and hidden < 8 and iceberg.reserve == 0:
                iceberg.px = px
                iceberg.peak = 5 + self.rng.below(20)
                iceberg.reserve = iceberg.peak * (4 + self.rng.below(16))
                iceberg.broker = self._broker()
                self._resize(book, px, shown + iceberg.peak)
            else:
                self._resize(book, px, shown + size)
            return
        holds = iceberg.reserve > 0 and iceberg.px == px
        keeps = 1 if holds or not ladder.can_empty() else 0
        left = max(shown - size, keeps)
        if left != shown:
            self._resize(book, px, left)
            if left == 0 and depth == 0:
                self._step_back(book)

    # ---- the book

    def _resize(self, book: int, px: int, size: int) -> None:
        """Set a level and tell it."""
        ladder = self.books[book]
        old = ladder.get(px)
        ladder.set(px, size)
        self._level(book, px, size, _DELETE if size == 0 else _ADD if old == 0 else _EDIT, 0)

    def _step_back(self, book: int) -> None:
        """Move the best price to the next level after it emptied; rows scroll into the window."""
        ladder = self.books[book]
        old = ladder.best
        best = ladder.next(old)
        if best is None:
            return
        ladder.best = best
        for depth in range(_WINDOW - abs(old - best), _WINDOW):
            size = 1 + self.rng.below(2 * _target(depth))
            self._resize(book, best - book * depth, size)
        iceberg = self.icebergs[book]
        if (iceberg.px - best) * book > 0:
            iceberg.reserve = 0

    def _step_up(self, book: int, px: int) -> None:
        """Make a better level the best one; rows scroll out of the window."""
        ladder = self.books[book]
        ladder.best = px
        out = px - book * _WINDOW
        if ladder.get(out) > 0:
            self._resize(book, out, 0)
        iceberg = self.icebergs[book]
        if (px - iceberg.px) * book > 10:
            iceberg.reserve = 0

    # ---- records

    def _broker(self) -> int:
        n = len(_BROKERS)
        return _BROKERS[self.rng.below(n) * self.rng.below(n) // n]

    def _trade(self, px: int, size: int, side: int, buyer: int, seller: int, flags: int) -> None:
        self.trade_id += 1
        self._push(_TRADE, self.trade_id, px, size, buyer, seller, 0, side, flags)

    def _level(self, side: int, px: int, size: int, action: int, flags: int) -> None:
        self._push(_LEVEL, 0, px, size, 0, 0, action, side, flags)

    def _push(
        self, kind: int, id_: int, px: int, size: int, a: int, b: int, action: int, side: int, flags: int
    ) -> None:
        sequence = len(self.out) + len(self.packet) + 1
        flags |= _SYNTHETIC | _MORE
        self.packet.append([self.ts, 0, sequence, id_, px, 0, size, 0, a, b, 0, flags, kind, action, side, 0])

    def _end_packet(self) -> None:
        """Stamp the packet's receive time and clear ``MORE`` on its last record."""
        if not self.packet:
            return
        self.recv = max(self.recv, self.ts + 250_000 + self.rng.below(400_000))
        self.packet[-1][11] &= ~_MORE
        for row in self.packet:
            row[1] = self.recv
            self.out.append(tuple(row))
        self.packet = []
