"""Entries only in the instrument's hours, in narrower ones by weekday, off the pauses, and away from open and close."""

from __future__ import annotations

from datetime import UTC, datetime, time

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.limits import WEEKDAYS
from quantumtrader.types import Instrument, SessionHours

__all__ = ["RULE", "hours_on"]

_DAY_S = 86_400.0


def hours_on(instrument: Instrument, local: datetime) -> SessionHours | None:
    """Trading hours in force on the local date; None where the table has none yet or the market never closes."""
    found = None
    for hours in instrument.hours:
        if hours.valid_from <= local.date():
            found = hours
    return found


def _broken(check: Check) -> Broken | None:
    instrument, limits = check.instrument, check.limits
    local = datetime.fromtimestamp(check.state.ts // 1_000_000_000, UTC).astimezone(check.zone)
    hours = hours_on(instrument, local)
    if instrument.hours and hours is None:
        return Broken(f"no trading hours are known for {local:%Y-%m-%d}")

    def broken(what: str) -> Broken:
        here = f"it is {local:%a %Y-%m-%d %H:%M:%S} in {instrument.timezone}"
        return Broken(f"{here}; {what}", {"hour": local.hour + local.minute / 60})

    first, last = limits.trading_from or time.min, limits.trading_to or time.max
    weekday = WEEKDAYS[local.weekday()]
    if limits.trading_weekdays is not None and weekday in limits.trading_weekdays:
        own = limits.trading_weekdays[weekday]
        if own is None:
            return broken("no entries on this weekday")
        first, last = own
    now = local.time()
    opens, closes = (hours.open, hours.close) if hours is not None else (time.min, time.max)
    if not (_within(now, opens, closes) and _within(now, first, last)):
        # Hours that cross midnight may overlap in two stretches: then the narrower ones are named.
        if opens < closes and first < last:
            opens, closes = max(opens, first), min(closes, last)
        elif _within(now, opens, closes):
            opens, closes = first, last
        return broken(f"entries are from {opens} to {closes}")
    for start, end in limits.trading_pauses or ():
        if _within(now, start, end):
            return broken(f"no entries from {start} to {end}")
    if hours is not None:
        since, until = _seconds(opens, now), _seconds(now, closes)
        if limits.trading_first_minutes is not None and not since >= limits.trading_first_minutes * 60:
            return broken(f"no entries in the first {limits.trading_first_minutes:g} minutes after {opens}")
        if limits.trading_last_minutes is not None and not until > limits.trading_last_minutes * 60:
            return broken(f"no entries in the last {limits.trading_last_minutes:g} minutes before {closes}")
    return None


def _within(now: time, start: time, end: time) -> bool:
    """Whether ``start <= now < end`` on the clock; an end before its start is on the next day."""
    if end == time.max:
        end = time.min  # the end of the day, not the microsecond before it
        if start == end:
            return True
    return start <= now < end if start < end else not end <= now < start


def _seconds(start: time, end: time) -> float:
    """Seconds from one time of day to the next occurrence of another."""

    def of(t: time) -> float:
        return t.hour * 3600 + t.minute * 60 + t.second + t.microsecond / 1e6

    return (of(end) - of(start)) % _DAY_S


RULE = Rule("trading_hours", _broken)
