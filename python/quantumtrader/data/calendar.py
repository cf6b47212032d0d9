"""Business days and session bounds.

The facts (holidays, hours with start dates) are generated into ``_generated/instruments.json``; the rules
that read them are here. B3's days apply to products of the table; an instrument of the user's own trades on
every weekday when it has hours, and never closes when it has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from quantumtrader.exceptions import ConfigError
from quantumtrader.types import Instrument

if TYPE_CHECKING:
    from quantumtrader.config import Settings

DAY = timedelta(days=1)
_LONGEST_PAUSE = 21
"""Days that are looked back for a session."""


@cache
def facts() -> Mapping[str, Any]:
    """Return the generated instrument table: products, holidays, late openings, the years covered."""
    text = resources.files("quantumtrader._generated").joinpath("instruments.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


@dataclass(frozen=True, slots=True)
class SessionBounds:
    """Continuous trading of one date, ns UTC."""

    date: date
    open_ns: int
    close_ns: int


class Calendar:
    """B3's business days, corrected by the user's settings.

    Parameters
    ----------
    settings : Settings, optional
        ``sessions.holidays_extra`` and ``sessions.holidays_removed`` correct the published days.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        table = facts()
        first, last = table["years"]
        self.years: tuple[int, int] = (int(first), int(last))
        self._holidays = {date.fromisoformat(day): str(name) for day, name in table["holidays"].items()}
        self._late = {
            date.fromisoformat(d): time.fromisoformat(t) for d, t in table.get("late_opens", {}).items()
        }
        if settings is not None:
            self._holidays.update(dict.fromkeys(settings.sessions.holidays_extra, "configured"))
            for day in settings.sessions.holidays_removed:
                self._holidays.pop(day, None)

    def is_business_day(self, day: date) -> bool:
        """Whether B3 trades on ``day``.

        Raises
        ------
        ConfigError
            The year is outside the published ones: guessing would move expiries.
        """
        if not self.years[0] <= day.year <= self.years[1]:
            raise ConfigError(
                f"B3 holidays are known for {self.years[0]} to {self.years[1]}, not for {day}; "
                "update quantumtrader"
            )
        return day.weekday() < 5 and day not in self._holidays

    def holiday(self, day: date) -> str | None:
        """Name of the holiday on ``day``, or None."""
        return self._holidays.get(day)

    def next_business_day(self, day: date) -> date:
        """``day`` itself when B3 trades on it, else the first day after it that does."""
        while not self.is_business_day(day):
            day += DAY
        return day

    def business_days(self, start: date, end: date) -> list[date]:
        """Every business day in ``[start, end]``, ascending."""
        return [d for n in range((end - start).days + 1) if self.is_business_day(d := start + n * DAY)]

    def session(self, instrument: Instrument, day: date) -> SessionBounds | None:
        """Bounds of the session of ``day``: the one that closes on it.

        Hours that open later than they close (CME: 17:00 to 16:00) open on the evening before.

        Returns
        -------
        SessionBounds or None
            None on a day without a session, for a market that never closes, and for days before the first
            known hours.
        """
        hours = [h for h in instrument.hours if h.valid_from <= day]
        if not hours:
            return None
        is_b3 = instrument.product in facts()["products"]
        if not (self.is_business_day(day) if is_b3 else day.weekday() < 5):
            return None
        opens, closes = hours[-1].open, hours[-1].close
        if is_b3 and day in self._late:
            opens = self._late[day]
        zone = ZoneInfo(instrument.timezone)
        opening = day if opens < closes else day - DAY
        return SessionBounds(day, _utc_ns(opening, opens, zone), _utc_ns(day, closes, zone))

    def previous_session(self, instrument: Instrument, day: date) -> date | None:
        """Last date before ``day`` with a session; the day before for a market that never closes.

        Returns
        -------
        date or None
            None where no session of the three weeks before is known: its hours, or the holidays of its year, are not.
        """
        if not instrument.hours:
            return day - DAY
        earlier = (day - n * DAY for n in range(1, _LONGEST_PAUSE + 1))
        try:
            return next((d for d in earlier if self.session(instrument, d) is not None), None)
        except ConfigError:  # a year whose holidays are not published
            return None

    def session_dates(self, instrument: Instrument, start: date, end: date) -> list[date]:
        """Dates in ``[start, end]`` that have a session."""
        days = ((start + n * DAY) for n in range((end - start).days + 1))
        return [day for day in days if self.session(instrument, day) is not None]


def _utc_ns(day: date, at: time, zone: ZoneInfo) -> int:
    moment = datetime.combine(day, at, zone)
    return int(moment.timestamp()) * 1_000_000_000
