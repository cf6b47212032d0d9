"""What the vendor's numbers and texts mean in our vocabulary: the twin of ``feed/mapping.rs`` and ``feed/stamp.rs``."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

from quantumtrader.profitdll.codes import BookSide, TickerState, TradeType
from quantumtrader.types import Flag, Phase, Side

ABSENT, UNREADABLE = "absent", "unreadable"
"""What a date is that is not a time: not given, or no date."""

Date = int | str
"""ns UTC, or one of the two above."""

AGGRESSOR: dict[int, tuple[int, int]] = {
    TradeType.CROSS_TRADE: (Side.NONE, Flag.CROSS),
    TradeType.AGGRESSOR_BUYER: (Side.BUY, 0),
    TradeType.AGGRESSOR_SELLER: (Side.SELL, 0),
    TradeType.AUCTION: (Side.NONE, Flag.AUCTION),
    TradeType.RLP: (Side.NONE, Flag.RLP),
}
"""Aggressor and flags by trade type; others have neither."""

BOOK_SIDE: dict[int, int] = {BookSide.BUY: Side.BUY, BookSide.SELL: Side.SELL}

_PHASE: dict[int, Phase] = {
    TickerState.OPEN: Phase.OPEN,
    TickerState.FROZEN: Phase.HALT,
    TickerState.INHIBITED: Phase.HALT,
    TickerState.AUCTION: Phase.AUCTION,
    TickerState.CLOSED: Phase.CLOSED,
    TickerState.PRE_CLOSING: Phase.AUCTION,
    TickerState.PRE_OPENING: Phase.AUCTION,
}
_ON_TICK = 1e-6
_BRASILIA_NS = 3 * 3600 * 10**9
_DAY_NS = 86_400 * 10**9
_EPOCH_DAY = 719_163
_TEXT = re.compile(
    r"([0-9]{2})/([0-9]{2})/([0-9]{4})(?: ([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.:]([0-9]{1,3}))?)?"
)


def ticks(price: float, ticks_per_point: float) -> int | None:
    """Return a price in ticks; None between two ticks, for what is no number, and for what does not fit."""
    exact = price * ticks_per_point
    if not math.isfinite(exact):
        return None
    px = round(exact)
    return px if abs(exact - px) <= _ON_TICK and abs(px) < 2**31 else None


def contracts(qty: int) -> int | None:
    """Return a size when the record can hold it."""
    return qty if 0 < qty < 2**31 else None


def parse_date(text: str | None) -> Date:
    """Return the moment of ``dd/mm/yyyy[ HH:mm:ss[.zzz]]`` in Brasília."""
    text = (text or "")[:32].strip(" \t\n\r\f")
    if not text:
        return ABSENT
    match = _TEXT.fullmatch(text)
    if match is None:
        return UNREADABLE
    day, month, year, hour, minute, second, fraction = match.groups(default="0")
    return moment(
        int(year), int(month), int(day), int(hour), int(minute), int(second), int(fraction.ljust(3, "0"))
    )


def system_time(t: Any) -> Date:
    """Return the moment of a ``SYSTEMTIME``."""
    return moment(t.wYear, t.wMonth, t.wDay, t.wHour, t.wMinute, t.wSecond, t.wMilliseconds)


def moment(year: int, month: int, day: int, hour: int, minute: int, second: int, ms: int) -> Date:
    """Return a date and time of Brasília as ns UTC."""
    if (year, month, day) in ((0, 0, 0), (1899, 12, 30)):
        return ABSENT
    if not (1678 <= year < 2262 and hour < 24 and minute < 60 and second < 60 and ms < 1000):
        return UNREADABLE
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return UNREADABLE
    seconds = (hour * 60 + minute) * 60 + second
    return days * _DAY_NS + seconds * 10**9 + ms * 10**6 + _BRASILIA_NS


def brasilia_date(ts: int) -> date:
    """Return the local date in Brasília of a moment in ns UTC: there is no daylight saving since 2019."""
    return date.fromordinal((ts - _BRASILIA_NS) // _DAY_NS + _EPOCH_DAY)


class Phases:
    """The phase that an instrument is in: a session opens once a day, later it resumes."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._opened: int | None = None

    def begin(self, state: int, ts: int) -> int | None:
        """Return the phase that a ticker state begins; None when it is the one that is on already."""
        following: int | None = _PHASE.get(state)
        if following is None:
            return None
        day = (ts - _BRASILIA_NS) // _DAY_NS
        if following == Phase.OPEN and self._opened == day:
            following = Phase.RESUME
        if following == Phase.RESUME:
            if self._last in (Phase.OPEN, Phase.RESUME):
                return None
        elif following == Phase.OPEN:
            self._opened = day
        elif following == self._last:
            return None
        self._last = following
        return following
