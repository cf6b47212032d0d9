"""The feed: what the library's callbacks say, as event records and control messages.

Two feeds have this interface. The native one (``quantumtrader._core.ProfitFeed``) takes the callbacks in Rust, without the
interpreter; :class:`~quantumtrader.profitdll.ctypes_feed.CtypesFeed` takes them in Python and serves the Python engine.
They write the same records.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Protocol

from quantumtrader.exceptions import EngineError
from quantumtrader.types import Events

__all__ = ["FUNCTIONS", "MESSAGES", "FeedProtocol", "FeedReader", "make_feed"]

FUNCTIONS = (
    "TranslateTrade",
    "FreePointer",
    "GetPriceDepthSideCount",
    "GetPriceGroup",
    "GetTheoreticalValues",
)
"""Functions of the library that the feed calls inside callbacks; see :meth:`FeedProtocol.set_functions`."""

_ASSET = ("ticker", "exchange")
_ACCOUNT = ("broker_id", "account_id", "sub_account_id")
_ORDER = ("local_order_id", "cl_ord_id")
_REPORT = ("ticker", "detail", "count")
_SECURITY = (
    *_ASSET,
    *("name", "description", "min_qty", "max_qty", "lot", "security_type", "security_subtype"),
    *("min_price_increment", "contract_multiplier", "validity_date", "isin"),
)
_ADJUSTMENT = (*_ASSET, "value", "type", "note", "adjust_date", "deliberation_date", "payment_date")
_CHANGE = (*_ASSET, "broker", "qty", "traded", "leaves", "side")
_PRICES = ("price", "stop_price", "avg_price", "profit_id")
_NAMES = ("type", "account", "holder", "cl_ord_id", "status", "date")
_DATES = ("last_update", "close_date", "validity_date")

MESSAGES: Mapping[str, tuple[str, ...]] = {
    # of the library
    "state": ("conn_type", "result"),
    "health": ("state",),
    "progress": (*_ASSET, "progress"),
    "account": ("broker_id", "broker_name", "account_id", "holder"),
    "broker_account_list": ("broker_id", "changed"),
    "broker_sub_account_list": _ACCOUNT,
    "theoretical": (*_ASSET, "price", "qty"),
    "daily": (
        *_ASSET,
        *("date_ns", "open", "high", "low", "close", "volume", "adjustment", "max_limit", "min_limit"),
        *("buyer_volume", "seller_volume", "qty", "trades", "open_contracts", "qty_buyer", "qty_seller"),
        *("trades_buyer", "trades_seller"),
    ),
    "invalid_ticker": _ASSET,
    "ticker_state": (*_ASSET, "date_ns", "state"),
    "last_packet": _ASSET,
    "asset_list": (*_ASSET, "name"),
    "asset_info": _SECURITY,
    "asset_info_v2": (*_SECURITY, "sector", "subsector", "segment"),
    "adjust": (*_ADJUSTMENT, "affects_price"),
    "adjust_v2": (*_ADJUSTMENT, "flags", "multiplier"),
    "order": _ORDER,
    "order_history": _ACCOUNT,
    "position_list": (*_ACCOUNT, *_ASSET, "event_id"),
    "message_result": ("broker_id", *_ORDER, "message_id", "result_code", "message"),
    "order_change": (*_CHANGE, *_PRICES, *_NAMES, "text"),
    "order_change_v2": (*_CHANGE, "validity", *_PRICES, *_NAMES, *_DATES, "text"),
    "history_order": (*_CHANGE, *_PRICES, *_NAMES),
    "history_order_v2": (*_CHANGE, "validity", *_PRICES, *_NAMES, *_DATES),
    # of the feed itself; reports come the first time and whenever the count has doubled
    "overflow": ("lost",),
    "faulty": ("panics",),
    "missed": ("missed",),
    "unknown_ticker": _REPORT,
    "off_tick": _REPORT,
    "out_of_range": _REPORT,
    "malformed": _REPORT,
    "untranslated": _REPORT,
    "unfreed": _REPORT,
    "depth_errors": _REPORT,
}
"""Kinds of control messages: what follows ``(kind, ts_recv, …)``. Dates in ``_ns`` are ns UTC or None, other dates
the vendor's text; text that the library left NULL is None."""


class FeedReader(Protocol):
    """A reading end with a cursor of its own."""

    @property
    def behind(self) -> int:
        """Events that are there and not read yet, those lost by a lap included."""
        ...

    def read(self, max: int = 65536) -> tuple[Events, int]:
        """Return at most ``max`` events, and how many were lost before the first of them. Does not wait."""
        ...

    def skip_to_end(self) -> None:
        """Skip everything that is there."""
        ...


class FeedProtocol(Protocol):
    """What a feed promises; what becomes what is in ``docs/concepts/feed.md``."""

    @property
    def history(self) -> FeedReader:
        """The reader of the trades of history requests, which have a ring of their own."""
        ...

    def callbacks(self) -> dict[str, int]:
        """Address of every callback, by the name of its slot (``NewTrade``) and by that of its setter
        (``SetTradeCallback``). They are good until the process ends. Register one version of a callback, not both.
        """
        ...

    def set_functions(self, addresses: dict[str, int], /) -> None:
        """Tell where the library's :data:`FUNCTIONS` are; 0 takes one away.

        Raises ``ConfigError`` for another name, ``EngineError`` when the feed is closed.
        """
        ...

    def add_instrument(self, ticker: str, exchange: str, index: int, tick_size: float) -> None:
        """Add an instrument before its ticker is subscribed: its records carry ``index``.

        Raises ``ConfigError`` when ticker or index are there already, or make no sense.
        """
        ...

    def set_exchange_time(self, ts_ns: int) -> None:
        """Tell an exchange time that has passed for sure, ns UTC, such as the server's clock after the login.

        Records without a date carry it until their instrument had a dated one; without it they carry the receive time.
        """
        ...

    def mark_gap(self) -> None:
        """Mark a gap on every instrument: books are void until their next full image."""
        ...

    def read(self, max: int = 65536) -> Events:
        """Return at most ``max`` events that came since the last call. Does not wait.

        When the reader was too slow, a ``GAP`` record for every instrument comes first, with the number of lost records.
        """
        ...

    def reader(self) -> FeedReader:
        """Return a reader with a cursor of its own; it starts with the oldest event still held."""
        ...

    def take_messages(self) -> list[tuple[Any, ...]]:
        """Take the control messages that wait, oldest first: ``(kind, ts_recv, …)`` as in :data:`MESSAGES`.

        After them come the newest totals of the day of each instrument that has new ones.
        """
        ...

    def counters(self) -> dict[str, int]:
        """Return what was counted since the feed was made."""
        ...

    def close(self) -> None:
        """End the feed: callbacks find nothing from now on. What is in the rings can still be read."""
        ...


def make_feed(
    char_width: int,
    *,
    native: bool,
    path: str | PathLike[str] | None = None,
    capacity: int = 1 << 16,
    history_capacity: int = 1 << 18,
    messages: int = 1 << 14,
    edit_is_change: bool = True,
) -> FeedProtocol:
    """Make a feed.

    Parameters
    ----------
    char_width : int
        Bytes per unit of the library's strings, 2 or 4.
    native : bool
        The one in Rust, of which a process has one per ``char_width`` at a time; else the one in Python.
    path : path-like, optional
        File of the ring, for readers in other processes; native only. A feed that finds records there goes on behind
        them, with a gap.
    capacity, history_capacity : int
        Records that the rings hold, powers of two.
    messages : int
        Control messages that wait; beyond it the oldest go, and ``overflow`` says how many.
    edit_is_change : bool
        Whether the quantity of an edit in the book by order is a signed change, as in the vendor's examples, or the new
        size.

    Raises
    ------
    ConfigError
        If a number makes no sense, or ``path`` is given for the feed in Python.
    EngineError
        If the native feed is not built, or the process has one already.
    """
    settings: dict[str, Any] = {
        "path": path,
        "capacity": capacity,
        "history_capacity": history_capacity,
        "messages": messages,
        "edit_is_change": edit_is_change,
    }
    if not native:
        from quantumtrader.profitdll.ctypes_feed import CtypesFeed

        return CtypesFeed(char_width, **settings)
    try:
        from quantumtrader._core import ProfitFeed
    except ImportError as error:
        raise EngineError(
            f"the native feed is part of the Rust engine, which cannot be loaded: {error}; "
            "use the feed in Python (native=False), or install a wheel for this platform"
        ) from error
    return ProfitFeed(char_width, **settings)
