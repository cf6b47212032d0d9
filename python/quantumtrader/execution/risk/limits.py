"""What is allowed, and the file that says so for real orders."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import time
from pathlib import Path
from typing import Any, get_type_hints

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.risk.correlations import pair
from quantumtrader.execution.risk.state import number

__all__ = ["WEEKDAYS", "RiskLimits", "limits_from_config", "load_limits"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Names of the days in ``trading_weekdays``, in the order of ``date.weekday()``."""

Window = tuple[time, time]
_RISK_PER_TRADE = 0.02


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """What is allowed; the settings section ``[risk]`` has the same names.

    The limits without None are always on. None switches the others off; a limits file for real orders has to say so
    (``load_limits``). Money is in the instrument's currency, times of day are in its zone.

    Parameters
    ----------
    max_position : int
        Greatest absolute position in contracts, open orders included.
    max_order_size : int
        Greatest size of one order in contracts.
    daily_loss : float
        Loss of the session, realised and open, after fees, at which no new risk is taken.
    orders_per_minute : int
        Entries allowed in any 60 seconds.
    price_collar_ticks : int
        Greatest distance of a limit or stop price from the touch (or last price), in ticks; exits count only
        when their limit is on the far side of the market.
    trading_from, trading_to : time, optional
        Narrower hours for entries than the instrument's own.
    approval_age_s : float
        Seconds of event time within which an approved order must be sent.
    max_notional : float, optional
        Greatest value of one order: contracts times price times money per point.
    max_open_positions : int, optional
        Trades that may be entering or open at once, over all instruments.
    max_trade_risk : float, optional
        Greatest loss of one trade at its stop, fees of both sides included.
    risk_per_trade : float, optional
        The same as a share of the capital, for example 0.02.
    capital : float, optional
        What may be risked at most; where the account's balance is smaller, that one counts.
    min_risk_reward : float, optional
        Least distance of the target as a multiple of the stop's.
    max_correlated_exposure : float, optional
        Greatest combined exposure of correlated instruments; see the rule ``correlation``.
    correlations : mapping of str to float, optional
        Correlations by pair of products or symbols, for example ``{"WDO/WIN": -0.6}``.
    unknown_correlation : str
        Of a pair that nobody knows: ``refuse``, or ``one`` (they lose together, whatever the sides).
    min_atr_ticks, max_atr_ticks : float, optional
        Bounds of the average true range for entries, in ticks.
    min_realised_volatility, max_realised_volatility : float, optional
        Bounds of the realised volatility, in the unit in which ``RiskState`` gives it.
    max_event_age_s : float, optional
        Greatest age of the last market event.
    max_book_age_s : float, optional
        Greatest age of the book; switches on that it must be known to be valid and not crossed.
    trading_weekdays : mapping of str to (time, time) or None, optional
        Hours for entries by weekday (``mon`` … ``sun``) in place of ``trading_from`` and ``trading_to``; None: no
        entries on that day. Days that are not named keep those.
    trading_pauses : tuple of (time, time), optional
        Stretches of every day without entries: auctions, a lunch, the time of an announcement.
    trading_first_minutes, trading_last_minutes : float, optional
        No entries this long after the opening and before the close of the instrument's hours.
    trading_after_auction_s : float, optional
        No entries outside continuous trading, nor this long after it began (again).
    trading_before_roll_h : float, optional
        No entries in the last hours of a contract.

    Raises
    ------
    ConfigError
        A limit out of range; the message names every one.
    """

    max_position: int = 5
    max_order_size: int = 5
    daily_loss: float = 1_000.0
    orders_per_minute: int = 60
    price_collar_ticks: int = 50
    trading_from: time | None = None
    trading_to: time | None = None
    approval_age_s: float = 1.0
    max_notional: float | None = None
    max_open_positions: int | None = None
    max_trade_risk: float | None = None
    risk_per_trade: float | None = None
    capital: float | None = None
    min_risk_reward: float | None = None
    max_correlated_exposure: float | None = None
    correlations: Mapping[str, float] | None = None
    unknown_correlation: str = "refuse"
    min_atr_ticks: float | None = None
    max_atr_ticks: float | None = None
    min_realised_volatility: float | None = None
    max_realised_volatility: float | None = None
    max_event_age_s: float | None = None
    max_book_age_s: float | None = None
    trading_weekdays: Mapping[str, Window | None] | None = None
    trading_pauses: tuple[Window, ...] | None = None
    trading_first_minutes: float | None = None
    trading_last_minutes: float | None = None
    trading_after_auction_s: float | None = None
    trading_before_roll_h: float | None = None

    def __post_init__(self) -> None:
        wrong = [
            text for field in fields(self) if (text := _complaint(field.name, getattr(self, field.name)))
        ]
        for low, high in (
            ("min_atr_ticks", "max_atr_ticks"),
            ("min_realised_volatility", "max_realised_volatility"),
        ):
            least, most = getattr(self, low), getattr(self, high)
            if not wrong and least is not None and most is not None and least > most:
                wrong.append(f"{low} is {least}, above {high} {most}")
        if wrong:
            raise ConfigError("risk limit " + "; ".join(wrong))
        if self.correlations is not None:
            object.__setattr__(self, "correlations", {_pair(k): v for k, v in self.correlations.items()})


_HINTS = get_type_hints(RiskLimits)
OPTIONAL = tuple(name for name, hint in _HINTS.items() if type(None) in getattr(hint, "__args__", ()))
"""Limits that can be off."""


def _complaint(name: str, value: Any) -> str:
    """Say what is wrong with the value of a limit; empty when nothing is."""
    if value is None and name in OPTIONAL:
        return ""
    if name in ("trading_from", "trading_to"):
        return "" if isinstance(value, time) else f"{name} is {value!r}, expected a time of day"
    if name == "correlations":
        return _complaint_pairs(value)
    if name == "unknown_correlation":
        return "" if value in ("refuse", "one") else f"{name} is {value!r}, expected refuse or one"
    if name == "trading_weekdays":
        if not isinstance(value, Mapping):
            return f"{name} is {value!r}, expected hours by weekday"
        bad = [k for k, v in value.items() if k not in WEEKDAYS or not (v is None or _is_window(v))]
        return (
            f"{name}: {', '.join(map(str, bad))} needs a weekday ({', '.join(WEEKDAYS)}) and two times"
            if bad
            else ""
        )
    if name == "trading_pauses":
        good = isinstance(value, tuple) and all(_is_window(v) for v in value)
        return "" if good else f"{name} is {value!r}, expected pairs of different times"
    amount = number(value)
    if not (math.isfinite(amount) and amount > 0):
        return f"{name} is {value}, expected a positive number"
    if name == "risk_per_trade" and amount > 1:
        return f"{name} is {value}, expected a share of the capital, at most 1"
    return ""


def _complaint_pairs(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"correlations is {value!r}, expected a number by pair"
    for name, correlation in value.items():
        if str(name).count("/") != 1 or not all(part.strip() for part in str(name).split("/")):
            return f"correlations: {name!r} is no pair, expected a name such as WDO/WIN"
        if not -1 <= number(correlation) <= 1:
            return f"correlations: {name} is {correlation}, expected -1 to 1"
    return ""


def _is_window(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(v, time) for v in value)
        and value[0] != value[1]
    )


def _pair(name: str) -> str:
    return pair(*name.split("/"))


def load_limits(path: Path | str, product: str | None = None) -> RiskLimits:
    """Read the limits for real orders from a TOML file: every limit has to be in it.

    Nothing is taken from a default: a limit that is wanted off says ``"off"``. A table named after a product, for example
    ``[WIN]``, replaces single limits for it.

    Parameters
    ----------
    path : path
        The file.
    product : str, optional
        Whose table is used besides the common part.

    Raises
    ------
    ConfigError
        A file that cannot be read, an unknown or missing limit, a value out of range; the message lists all of them.
    """
    from quantumtrader.config import RiskSettings, section_complaints

    file = Path(path)
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"limits file {file} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(
            f"limits file {file} cannot be read: {error.strerror}; real orders need one"
        ) from error
    names = [f.name for f in fields(RiskLimits)]
    products = {k: v for k, v in table.items() if isinstance(v, dict) and k not in names}
    wanted = {k: v for k, v in table.items() if k not in products}
    wrong = [f"{k}.{name}: unknown limit" for k, v in products.items() for name in v if name not in names]
    own = products.get(product or "", {})
    wanted.update({k: v for k, v in own.items() if k in names})
    wrong += [f"{k}: unknown limit" for k in wanted if k not in names]
    missing = [name for name in names if name not in wanted]
    if missing:
        wrong.append(
            f"missing: {', '.join(missing)}"
            + (' (write "off" for one that shall not hold)' if set(missing) & set(OPTIONAL) else "")
        )
    given: dict[str, Any] = {}
    for name, value in wanted.items():
        if value == "off" and name in names and name not in OPTIONAL:
            wrong.append(f"{name}: cannot be off")
        elif name in names:
            given[name] = None if value == "off" else value
    parsed, complaints = section_complaints(RiskSettings, given)
    wrong += complaints
    if not wrong:
        try:
            assert parsed is not None  # there is nothing to complain about
            return RiskLimits(**parsed.values())
        except ConfigError as error:
            wrong.append(str(error))
    raise ConfigError(f"limits file {file}: {'; '.join(wrong)}")


def limits_from_config(config: Mapping[str, Any]) -> RiskLimits:
    """Limits from a plain configuration dictionary, for research and paper trading.

    Parameters
    ----------
    config : mapping
        ``risk_per_trade``, at the top or under ``trading`` (0.02 when it is absent), and any other limit by name under
        ``risk``. Everything else in it is left alone.

    Raises
    ------
    ConfigError
        An unknown limit, or a value out of range.
    """
    from quantumtrader.config import RiskSettings, section_complaints

    trading, risk = config.get("trading") or {}, config.get("risk") or {}
    for name, section in (("trading", trading), ("risk", risk)):
        if not isinstance(section, Mapping):
            raise ConfigError(f"config: {name} is {section!r}, expected a dictionary")
    share = trading.get("risk_per_trade", config.get("risk_per_trade", _RISK_PER_TRADE))
    parsed, wrong = section_complaints(RiskSettings, {"risk_per_trade": share, **risk})
    if parsed is None:
        raise ConfigError(f"config: risk.{'; risk.'.join(wrong)}")
    return RiskLimits(**parsed.values())
