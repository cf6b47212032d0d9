"""Tickers that were asked for, and how the library is asked."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources

import numpy as np

from quantumtrader.exceptions import ConfigError
from quantumtrader.profitdll.library import ProfitLibrary
from quantumtrader.types import Action, Events, Kind

__all__ = ["Books", "Subscription", "subscribe", "contract_of", "tick_size_of", "unsubscribe"]


class Books(StrEnum):
    """Which book is asked for with a ticker: by order, by price, both or none."""

    NONE = "none"
    OFFERS = "offers"
    DEPTH = "depth"
    BOTH = "both"


_FIRST_NS, _LONGEST_NS = 1_000_000_000, 60_000_000_000


@dataclass(slots=True)
class Renewal:
    """When a book that is void must be asked for again: after a second, then ever more rarely, until an image came."""

    at_ns: int | None = None
    """When it is due; None while the book is whole."""
    wait_ns: int = _FIRST_NS

    def look_at(self, events: Events, now_ns: int) -> None:
        """Take in records of the ticker: gaps void its books, a complete image makes them whole."""
        gaps = np.flatnonzero(events["kind"] == Kind.GAP)
        books = (events["kind"] == Kind.ORDER) | (events["kind"] == Kind.LEVEL)
        images = np.flatnonzero(books & (events["action"] == Action.SNAPSHOT_END))
        if len(gaps) and (not len(images) or images[-1] < gaps[-1]):
            self.at_ns = now_ns + self.wait_ns if self.at_ns is None else self.at_ns
        elif len(images):
            self.at_ns, self.wait_ns = None, _FIRST_NS

    def due(self, now_ns: int) -> bool:
        """Whether to ask now; asking again is put off twice as long."""
        if self.at_ns is None or now_ns < self.at_ns:
            return False
        self.wait_ns = min(2 * self.wait_ns, _LONGEST_NS)
        self.at_ns = now_ns + self.wait_ns
        return True

    def put_off(self, now_ns: int) -> None:
        """An image was asked for by other means: give it time."""
        if self.at_ns is not None:
            self.at_ns = now_ns + self.wait_ns


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
    renewal : Renewal
        When its books must be asked for again.
    """

    ticker: str
    exchange: str
    index: int
    books: Books
    invalid: bool = False
    trading: bool = True
    renewal: Renewal = field(default_factory=Renewal)


def subscribe(library: ProfitLibrary, subscription: Subscription) -> None:
    """Ask for a ticker; asking again is harmless. Raises ``ProfitDllError`` when the library refuses."""
    _ask(library, "Subscribe", subscription)


def unsubscribe(library: ProfitLibrary, subscription: Subscription) -> None:
    """Give a ticker up; raises as :func:`subscribe` does."""
    _ask(library, "Unsubscribe", subscription)


def renew(library: ProfitLibrary, subscription: Subscription) -> None:
    """Give the books up and ask for them again: a second subscription alone need not bring an image."""
    _ask(library, "Unsubscribe", subscription, ticker_too=False)
    _ask(library, "Subscribe", subscription, ticker_too=False)


def _ask(library: ProfitLibrary, verb: str, subscription: Subscription, *, ticker_too: bool = True) -> None:
    ticker, exchange, books = subscription.ticker, subscription.exchange, subscription.books
    if ticker_too:
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


def contract_of(ticker: str) -> str:
    """The contract that orders are to be for, as the vendor writes it: without blanks, in capitals.

    Raises
    ------
    ConfigError
        It is no ticker, or an alias of several contracts: the vendor rejects orders on those.
    """
    name = ticker.strip().upper() if isinstance(ticker, str) else ""
    if not (name.isascii() and name.replace("$", "").replace("@", "").isalnum()):
        raise ConfigError(f"orders in {ticker!r}: that is no ticker; name the contract, for example WDOX26")
    if name.endswith("FUT") or "$" in name or "@" in name:
        raise ConfigError(
            f"orders on {name} are rejected by the vendor: name the contract, for example WDOX26"
        )
    return name


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
