"""Tickers that were asked for, and how the library is asked."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from quantumtrader.exceptions import ConfigError
from quantumtrader.profitdll.library import ProfitLibrary

__all__ = ["Books", "Subscription", "subscribe", "tick_size_of", "unsubscribe"]


class Books(StrEnum):
    """Which book is asked for with a ticker: by order, by price, both or none."""

    NONE = "none"
    OFFERS = "offers"
    DEPTH = "depth"
    BOTH = "both"


@dataclass(slots=True)
class Subscription:
    """A ticker that was asked for.

    Parameters
    ----------
    ticker, exchange : str
        As given to the vendor.
    index : int
        Value of the ``instrument`` field of its events.
    books : Books
        What was asked for besides trades.
    invalid : bool
        The vendor does not know it.
    trading : bool
        Whether continuous trading is on, as far as the vendor said; assumed until it says otherwise.
    """

    ticker: str
    exchange: str
    index: int
    books: Books
    invalid: bool = False
    trading: bool = True


def subscribe(library: ProfitLibrary, subscription: Subscription) -> None:
    """Ask for a ticker; asking again is harmless. Raises ``ProfitDllError`` when the library refuses."""
    _ask(library, "Subscribe", subscription)


def unsubscribe(library: ProfitLibrary, subscription: Subscription) -> None:
    """Give a ticker up; raises as :func:`subscribe` does."""
    _ask(library, "Unsubscribe", subscription)


def _ask(library: ProfitLibrary, verb: str, subscription: Subscription) -> None:
    ticker, exchange, books = subscription.ticker, subscription.exchange, subscription.books
    library.call(verb + "Ticker", ticker, exchange)
    if books in (Books.OFFERS, Books.BOTH):
        library.call(verb + "OfferBook", ticker, exchange)
    if books in (Books.DEPTH, Books.BOTH):
        asset = library.abi.new("TConnectorAssetIdentifier", Ticker=ticker, Exchange=exchange)
        library.call(verb + "PriceDepth", ctypes.byref(asset))


@cache
def _ticks() -> dict[str, float]:
    text = (resources.files("quantumtrader._generated") / "instruments.json").read_text("utf-8")
    return {name: float(row["tick_size"]) for name, row in json.loads(text)["products"].items()}


def tick_size_of(ticker: str) -> float:
    """Points per tick of a product in the instrument table.

    Raises
    ------
    ConfigError
        The table does not have it.
    """
    for product, tick in _ticks().items():
        if ticker.startswith(product):
            return tick
    raise ConfigError(
        f"the tick size of {ticker} is not in the instrument table ({', '.join(_ticks())}): give it with tick_size"
    )
