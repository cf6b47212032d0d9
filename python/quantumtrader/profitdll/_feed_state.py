"""What the feed in Python works on: the twin of ``feed/state.rs``."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from quantumtrader.profitdll._mapping import ABSENT, Date, Phases
from quantumtrader.profitdll._rings import Record, Ring
from quantumtrader.types import PX_NONE, Action, Flag, Kind, Side

COUNTERS = (
    *(
        "trades",
        "history_trades",
        "orders",
        "images",
        "levels",
        "quotes",
        "sessions",
        "gaps",
        "unknown_ticker",
    ),
    *("off_tick", "sentinels", "out_of_range", "bad_date", "far_date", "undated", "untranslated"),
    *(
        "malformed",
        "depth_errors",
        "freed",
        "unfreed",
        "ignored",
        "messages_lost",
        "clock_back",
        "panics",
        "missed",
    ),
)
"""What is counted; see ``feed/counters.rs``."""

NO_TOUCH = (PX_NONE, 0)

_MARGIN = 86_400 * 10**9
"""How far ahead of what is known a date may be before another one must agree with it, ns."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One price of a ladder."""

    px: int
    size: int
    orders: int


@dataclass(slots=True)
class Depth:
    """What is known of the ladder of an instrument: bids and asks, as the library numbers them."""

    sides: tuple[list[Rung], list[Rung]] = field(default_factory=lambda: ([], []))
    irregular: list[bool] = field(default_factory=lambda: [False, False])
    synced: bool = False
    burst: bool = False
    image_due: bool = False

    def forget(self) -> None:
        """After a gap the next notification leads to a full image."""
        self.synced = self.burst = self.image_due = False


@dataclass(slots=True, eq=False)
class FeedInstrument:
    """What the feed knows of one instrument."""

    ticker: str
    exchange: str
    index: int
    ticks_per_point: float
    time: int = 0
    """Greatest exchange time believed, ns UTC; 0 before the first."""
    doubted: int = 0
    """A date far ahead, which the next one may confirm; 0 none."""
    image_complete: bool = False
    image_open: bool = False
    depth: Depth = field(default_factory=Depth)
    bid: tuple[int, int] = NO_TOUCH
    ask: tuple[int, int] = NO_TOUCH
    phases: Phases = field(default_factory=Phases)
    daily: tuple[Any, ...] | None = None
    """The newest totals of the day, until they are taken."""


class Core:
    """Rings, messages and counters."""

    def __init__(self, capacity: int, history_capacity: int, messages: int, edit_is_change: bool) -> None:
        self.ring = Ring(capacity)
        self.history = Ring(history_capacity)
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.edit_is_change = edit_is_change
        self.now = 0
        self.exchange_time = 0
        self.paged = False
        self.asks_told = False
        """Whether price depth has ever named the sell side: up to 4.0.0.33 it always says that it was the buy side."""
        self.market = 0
        self._capacity = max(1, messages)
        self._messages: deque[tuple[Any, ...]] = deque()
        self._lost = 0
        self._lost_at = 0

    def arrive(self, now: int) -> None:
        """Take the receive time of a callback; it never runs backwards."""
        if now < self.now:
            self.counters["clock_back"] += 1
        else:
            self.now = now

    def saw(self, instrument: FeedInstrument, moment: Date) -> Date:
        """Take note of the date of a record and return the one to stamp it with: a doubted date is as good as none.

        One garbled date far ahead must stamp nothing: a date more than a day after both the greatest one and the
        exchange time that was told is doubted until the next one agrees with it to within a day.
        """
        if not isinstance(moment, int):
            return moment
        known = max(instrument.time, self.exchange_time)
        if known and moment - known > _MARGIN:
            if instrument.doubted and abs(moment - instrument.doubted) <= _MARGIN:
                instrument.time, instrument.doubted = moment, 0
                return moment
            instrument.doubted = moment
            self.counters["far_date"] += 1
            return ABSENT
        instrument.time, instrument.doubted = max(instrument.time, moment), 0
        return moment

    def exchange_time_of(self, instrument: FeedInstrument) -> int:
        """Return the greatest exchange time seen, else one that has passed for sure, else the receive time."""
        known = instrument.time or self.exchange_time
        if not known:
            self.counters["undated"] += 1
        return known or self.now

    def push(
        self,
        instrument: FeedInstrument,
        kind: Kind,
        *,
        ts: int | None = None,
        id: int = 0,
        px: int = 0,
        px_ask: int = 0,
        size: int = 0,
        size_ask: int = 0,
        ref_a: int = 0,
        ref_b: int = 0,
        flags: int = 0,
        action: int = 0,
        side: int = Side.NONE,
        ring: Ring | None = None,
    ) -> None:
        """Write a record; ``ts`` is its own exchange time where it has one."""
        ring = ring or self.ring
        if ts is None:
            ts = self.exchange_time_of(instrument)
        record: Record = (
            *(ts, self.now, ring.pushed, id, px, px_ask, size, size_ask, ref_a, ref_b),
            *(instrument.index, int(flags), int(kind), int(action), int(side), 0),
        )
        ring.push(record)

    def bound(self, instrument: FeedInstrument, kind: Kind, action: Action) -> None:
        """Write one bound of a full image."""
        self.push(instrument, kind, action=action, flags=Flag.SNAPSHOT)

    def gap(self, instrument: FeedInstrument, lost: int) -> None:
        """Mark that events of an instrument are missing."""
        instrument.image_complete = instrument.image_open = False
        instrument.depth.forget()
        instrument.bid = instrument.ask = NO_TOUCH
        self.counters["gaps"] += 1
        self.push(instrument, Kind.GAP, size=lost)

    def say(self, kind: str, *values: Any) -> None:
        """Queue a control message; the oldest one goes when there is no room."""
        if len(self._messages) == self._capacity:
            oldest = self._messages.popleft()
            self._lost += 1
            self._lost_at = oldest[1]
            self.counters["messages_lost"] += 1
        self._messages.append((kind, self.now, *values))

    def report(self, kind: str, ticker: str, detail: Any, counter: str | None = None) -> None:
        """Count something, and say so the first time and whenever the count has doubled."""
        self.counters[counter or kind] += 1
        count = self.counters[counter or kind]
        if count & (count - 1) == 0:
            self.say(kind, ticker, detail, count)

    def take_messages(self) -> list[tuple[Any, ...]]:
        """Take the messages that wait."""
        taken: list[tuple[Any, ...]] = []
        if self._lost:
            taken.append(("overflow", self._lost_at, self._lost))
            self._lost = 0
        taken.extend(self._messages)
        self._messages.clear()
        return taken
