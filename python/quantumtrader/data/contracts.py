"""Which contract is which: symbols, expiries, the front contract of a date, instruments by name.

The dollar contract of a month (WDO, DOL) expires on the first business day of that month and trades until the
business day before, so in August 2025 the front contract is WDOU25. The index contract (WIN, IND) expires on
the Wednesday nearest the 15th of an even month, or on the next session when that day is closed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, time
from typing import TYPE_CHECKING, Any

from quantumtrader.data.calendar import DAY, Calendar, facts
from quantumtrader.exceptions import ConfigError, UnknownInstrumentError
from quantumtrader.types import Instrument, SessionHours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quantumtrader.config import Settings

_WEDNESDAY = 2
_NEXT_EXPIRY = 62 * DAY
"""No contract of the table in front is further from its month."""
_SERIES = r"FUT|\$[ND]?|@[ND]?|"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol of a product in the table.

    Parameters
    ----------
    text : str
        As written, in capitals.
    product : str
        For example ``WDO``.
    month, year : int or None
        Of the contract; both None for a continuous series such as ``WDOFUT``, ``WDO$`` or ``WDO``.
    """

    text: str
    product: str
    month: int | None = None
    year: int | None = None

    @property
    def is_series(self) -> bool:
        """Whether this names a chain of contracts instead of one."""
        return self.month is None


def parse_symbol(symbol: str) -> Symbol:
    """Take a symbol of a product in the table apart.

    Raises
    ------
    UnknownInstrumentError
        The product is not in the table, or has no contract in that month.
    """
    table = facts()
    products = table["products"]
    text = symbol.strip().upper()
    match = re.fullmatch(rf"({'|'.join(products)})(?:([{table['month_letters']}])(\d\d)|({_SERIES}))", text)
    if match is None:
        raise UnknownInstrumentError(
            f"unknown instrument {symbol!r}.\n"
            f"Known are contracts and series of {', '.join(products)}, for example WDOU25, WDOFUT, WDO$.\n"
            "Any other is defined for one run with --tick-size, --point-value and --currency (also --lot, "
            "--size-step,\n--fee, --hours, --timezone), in Python with quantumtrader.Instrument(…, tick_size=…, "
            "point_value=…) or\nquantumtrader.config.with_instrument(settings, symbol, {…}), or for good in "
            f"quantumtrader.toml:\n\n{_example(text)}"
        )
    product, letter, year, _ = match.groups()
    if letter is None:
        return Symbol(text, product)
    if letter not in products[product]["months"]:
        raise UnknownInstrumentError(
            f"{product} has no contract {text}: its month letters are {products[product]['months']}"
        )
    return Symbol(text, product, table["month_letters"].index(letter) + 1, 2000 + int(year))


def expiry(symbol: str, calendar: Calendar | None = None) -> date:
    """Date on which a contract expires.

    Dollar contracts last trade on the business day before it, index contracts on it.

    Raises
    ------
    UnknownInstrumentError
        Not a contract of the table; a series has no expiry.
    """
    parsed = parse_symbol(symbol)
    if parsed.month is None or parsed.year is None:
        raise UnknownInstrumentError(
            f"{parsed.text} is a continuous series and has no expiry; name a contract"
        )
    return _expiry(parsed.product, parsed.year, parsed.month, calendar or Calendar())


def last_trading_day(symbol: str, calendar: Calendar | None = None) -> date:
    """Last session of a contract."""
    calendar = calendar or Calendar()
    end = expiry(symbol, calendar)
    if facts()["products"][parse_symbol(symbol).product]["expiry"] == "wednesday_nearest_15":
        return end
    end -= DAY
    while not calendar.is_business_day(end):
        end -= DAY
    return end


def front_contract(product: str, day: date, calendar: Calendar | None = None) -> str:
    """Contract of ``product`` that trades nearest to expiry on ``day``.

    Index contracts stay in front through their expiry Wednesday.

    Examples
    --------
    >>> from datetime import date
    >>> front_contract("WDO", date(2025, 8, 15))
    'WDOU25'
    >>> front_contract("WIN", date(2025, 10, 15))
    'WINV25'
    """
    table = facts()
    if product not in table["products"]:
        raise UnknownInstrumentError(f"no product {product!r} in the table: {', '.join(table['products'])}")
    calendar = calendar or Calendar()
    rule = table["products"][product]
    on_expiry = rule["expiry"] == "wednesday_nearest_15"
    year, month = day.year, day.month
    while True:
        letter = table["month_letters"][month - 1]
        if letter in rule["months"]:
            end = _expiry(product, year, month, calendar)
            if day < end or (on_expiry and day == end):
                return f"{product}{letter}{year % 100:02d}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def near_rolls(
    product: str, days: Iterable[date], within: int, calendar: Calendar | None = None
) -> dict[date, bool]:
    """Say of each day whether it is at most ``within`` sessions from the last one of a contract in front.

    Two are a week: that session, two before it, and the first two in which the next contract is in front. Days for which
    the published holidays do not reach far enough are left out.

    Raises
    ------
    UnknownInstrumentError
        The product is not in the table.
    """
    calendar = calendar or Calendar()
    margin = (2 * within + 14) * DAY  # more than ``within`` sessions, over any holidays
    first, last = calendar.years
    known = [d for d in days if (d - margin).year >= first and (d + margin + _NEXT_EXPIRY).year <= last]
    if not known:
        return {}
    sessions = calendar.business_days(min(known) - margin, max(known) + margin)
    fronts = [front_contract(product, day, calendar) for day in sessions]
    near: set[date] = set()
    for k in range(len(fronts) - 1):
        if fronts[k] != fronts[k + 1]:
            near.update(sessions[max(k - within, 0) : k + within + 1])
    return {day: day in near for day in known}


def _expiry(product: str, year: int, month: int, calendar: Calendar) -> date:
    rule = facts()["products"][product]["expiry"]
    if rule == "first_business_day":
        return calendar.next_business_day(date(year, month, 1))
    middle = date(year, month, 15)
    ahead = (_WEDNESDAY - middle.weekday()) % 7
    return calendar.next_business_day(middle + (ahead if ahead <= 3 else ahead - 7) * DAY)


def instrument(symbol: str, settings: Settings | None = None) -> Instrument:
    """Return the instrument of this name.

    What the user says of it comes first, then what he says of its product, then the table. The fee, unless
    said of the instrument, is that of the schedule ``[fees]`` for the symbol or else its product.

    Parameters
    ----------
    symbol : str
        ``WDOU25``, ``WDOFUT``, ``WDO$``, or a name under ``[instruments]`` in the settings.
    settings : Settings, optional
        Source of user-defined instruments and of corrections to the hours.

    Raises
    ------
    UnknownInstrumentError
        No such instrument; the message shows how to define one.
    ConfigError
        The user's definition lacks the tick size, the point value, the currency, or the zone of its hours;
        or the schedule of fees names nothing that is known.
    """
    name, given = _given(symbol, settings)
    try:
        base = _from_table(symbol, settings)
    except UnknownInstrumentError:
        if not given:
            raise
        needed = ["tick_size", "point_value", "currency"] + (["timezone"] if given.get("hours") else [])
        missing = [key for key in needed if given.get(key) is None]
        if missing:
            raise ConfigError(
                f"instrument {name} lacks {' and '.join(missing)}: add {'them' if missing[1:] else 'it'} to "
                f"[instruments.{name}], or give {' and '.join('--' + m.replace('_', '-') for m in missing)}"
            ) from None
        product = given.get("product", name)
        fixed = {"symbol": name, "product": product, "timezone": "UTC"}
        return Instrument(**_with_free({**fixed, **_fee(name, product, settings), **given}))
    _, common = _given(base.product, settings) if name != base.product else ("", {})
    return replace(base, **_with_free({**_fee(base.symbol, base.product, settings), **common, **given}))


def _with_free(said: dict[str, Any]) -> dict[str, Any]:
    """Tell a fee of 0 that was said from one of which nothing was said."""
    return {**said, "free": True} if said.get("fee") == 0 else said


def _fee(symbol: str, product: str, settings: Settings | None) -> dict[str, float]:
    """The fee of the schedule, if it has one."""
    if settings is None or not settings.fees:
        return {}
    schedule = {name.upper(): fees for name, fees in settings.fees.items()}
    own = {name.upper() for name in settings.instruments}
    for name in schedule:
        if name not in own and name not in facts()["products"]:
            try:
                parse_symbol(name)
            except UnknownInstrumentError:
                raise ConfigError(
                    f"[fees.{name}] names neither a product ({', '.join(facts()['products'])}), nor a contract, "
                    "nor an instrument of your own; correct the name or remove it"
                ) from None
    found = schedule.get(symbol.upper(), schedule.get(product.upper()))
    return {} if found is None else {"fee": found.total}


def _given(symbol: str, settings: Settings | None) -> tuple[str, dict[str, Any]]:
    """Name in the settings, and the fields that are set there."""
    names = {} if settings is None else {name.upper(): name for name in settings.instruments}
    name = names.get(symbol.strip().upper())
    if settings is None or name is None:
        return symbol, {}
    own = settings.instruments[name]
    given = {key: getattr(own, key) for key in own.model_fields_set if getattr(own, key) is not None}
    if "hours" in given:
        given["hours"] = _merged([], own.hours)
    return name, given


def _from_table(symbol: str, settings: Settings | None) -> Instrument:
    parsed = parse_symbol(symbol)
    facts_of: dict[str, Any] = facts()["products"][parsed.product]
    published = [
        SessionHours(
            date.fromisoformat(h["valid_from"]), time.fromisoformat(h["open"]), time.fromisoformat(h["close"])
        )
        for h in facts_of["hours"]
    ]
    overrides = () if settings is None else settings.sessions.overrides.get(parsed.product, ())
    return Instrument(
        symbol=parsed.text,
        product=parsed.product,
        tick_size=float(facts_of["tick_size"]),
        point_value=float(facts_of["point_value"]),
        currency=facts_of["currency"],
        lot=int(facts_of["lot"]),
        timezone=facts_of["timezone"],
        hours=_merged(published, overrides),
    )


def is_table_product(instrument: Instrument) -> bool:
    """Whether the instrument belongs to a product of the table."""
    return instrument.product in facts()["products"]


def is_series(instrument: Instrument) -> bool:
    """Whether the instrument is a chain of contracts, whose old prices may be adjusted."""
    return is_table_product(instrument) and parse_symbol(instrument.symbol).is_series


def _merged(published: list[SessionHours], own: Iterable[Any]) -> tuple[SessionHours, ...]:
    by_date = {h.valid_from: h for h in published}
    by_date.update({h.valid_from: SessionHours(h.valid_from, h.open, h.close) for h in own})
    return tuple(by_date[d] for d in sorted(by_date))


def _example(name: str) -> str:
    return (
        f"[instruments.{name if re.fullmatch(r'[A-Z0-9_-]+', name) else 'NAME'}]\n"
        'tick_size = 0.01\npoint_value = 1.0\ncurrency = "USD"\nsize_step = 1.0\ntimezone = "America/New_York"\n'
        'hours = [{from = 2000-01-01, open = "09:30", close = "16:00"}]'
    )
