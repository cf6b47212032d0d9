"""The feed in Python: callbacks taken by ctypes, records kept in bounded deques.

It serves the Python engine and is what the native feed is compared with. Each callback takes the interpreter's lock, so a
busy program delays the library's thread: at the rates of a real session use the native feed.
"""

from __future__ import annotations

import ctypes
import logging
import math
from collections.abc import Callable
from os import PathLike
from threading import Lock
from typing import Any

from quantumtrader.clock import LiveClock
from quantumtrader.exceptions import ConfigError, EngineError
from quantumtrader.profitdll._feed_state import NO_TOUCH, Core, FeedInstrument
from quantumtrader.profitdll._ladder import Source
from quantumtrader.profitdll._mapping import (
    ABSENT,
    AGGRESSOR,
    BOOK_SIDE,
    UNREADABLE,
    Date,
    contracts,
    parse_date,
    system_time,
    ticks,
)
from quantumtrader.profitdll._offers import Offer, image, update
from quantumtrader.profitdll._rings import RingReader
from quantumtrader.profitdll.abi import abi, declarations
from quantumtrader.profitdll.codes import BookAction, Connection, MarketState, NResult, TradeFlag
from quantumtrader.profitdll.feed import FUNCTIONS
from quantumtrader.types import Events, Flag, Kind, Side, empty_events

__all__ = ["CtypesFeed"]

_MAX_INSTRUMENTS = 1024
_WHOLE = (MarketState.CONNECTED, MarketState.PERFORMANCE_WARNING)
"""Market states that lose nothing: connected, and the server's warning about its performance."""
_IS_EDIT, _LAST_PACKET = int(TradeFlag.TC_IS_EDIT), int(TradeFlag.TC_LAST_PACKET)
_NOT_GIVEN = -(2**31)

_SETTERS = {
    "Progress": "SetSerieProgressCallback",
    "BrokerAccountList": "SetBrokerAccountListChangedCallback",
    "BrokerSubAccountList": "SetBrokerSubAccountListChangedCallback",
    "NewTrade": "SetTradeCallback",
    "ConnectorTrade": "SetTradeCallbackV2",
}
"""Setters that are not named after their callback."""

_HANDED_ON = {
    "Health": "health",
    "Progress": "progress",
    "Account": "account",
    "BrokerAccountList": "broker_account_list",
    "BrokerSubAccountList": "broker_sub_account_list",
    "TheoreticalPrice": "theoretical",
    "InvalidTicker": "invalid_ticker",
    "AssetList": "asset_list",
    "AssetListInfo": "asset_info",
    "AssetListInfoV2": "asset_info_v2",
    "AdjustHistory": "adjust",
    "AdjustHistoryV2": "adjust_v2",
    "Order": "order",
    "OrderHistory": "order_history",
    "AssetPositionList": "position_list",
    "TradingMessageResult": "message_result",
    "OrderChange": "order_change",
    "OrderChangeV2": "order_change_v2",
    "History": "history_order",
    "HistoryV2": "history_order_v2",
}
"""Callbacks whose arguments become a message as they are, and what it is called."""

_FIELDS = {
    "TAssetIDRec": ("pwcTicker", "pwcBolsa"),
    "TConnectorAssetIdentifier": ("Ticker", "Exchange"),
    "TConnectorAccountIdentifier": ("BrokerID", "AccountID", "SubAccountID"),
    "TConnectorOrderIdentifier": ("LocalOrderID", "ClOrderID"),
    "TConnectorTradingMessageResult": ("BrokerID", "OrderID", "MessageID", "ResultCode", "Message"),
}
"""Fields of a struct that a message carries."""

_TEXTS = {"pwcTicker", "pwcBolsa", "Ticker", "Exchange", "AccountID", "SubAccountID", "ClOrderID", "Message"}

_ALIVE: list[Any] = []
"""Callbacks that were handed out: the library may call until the process ends."""

_log = logging.getLogger(__name__)


class CtypesFeed:
    """The feed of one library; the interface is that of :class:`~quantumtrader.profitdll.feed.FeedProtocol`.

    Parameters
    ----------
    char_width : int
        Bytes per unit of the library's strings, 2 or 4.
    path : None
        A ring in a file is the native feed's.
    capacity, history_capacity : int
        Records that the rings hold, powers of two.
    messages : int
        Control messages that wait.
    edit_is_change : bool
        Whether the quantity of an edit in the book by order is a signed change, or the new size.

    Raises
    ------
    ConfigError
        If a number makes no sense, or a path is given.
    """

    def __init__(
        self,
        char_width: int = 2,
        *,
        path: str | PathLike[str] | None = None,
        capacity: int = 1 << 16,
        history_capacity: int = 1 << 18,
        messages: int = 1 << 14,
        edit_is_change: bool = True,
    ) -> None:
        if char_width not in (2, 4):
            raise ConfigError(
                f"char_width is {char_width}, expected 2 (the library) or 4 (the simulator's wide flavour)"
            )
        if path is not None:
            raise ConfigError(f"ring {path}: a ring in a file needs the native feed; leave the path out")
        self._abi = abi(char_width)
        self._clock = LiveClock()
        self._core = Core(capacity, history_capacity, messages, edit_is_change)
        self._lock = Lock()
        self._open = True
        self._functions: dict[str, Callable[..., int] | None] = dict.fromkeys(FUNCTIONS)
        self._instruments: list[FeedInstrument] = []
        self._by_ticker: dict[str, list[FeedInstrument]] = {}
        self._lost = 0
        self._default = self._core.ring.reader(self._lock)
        self._history = self._core.history.reader(self._lock)
        self._callbacks = self._make_callbacks()

    # interface

    @property
    def history(self) -> RingReader:
        """The reader of the trades of history requests."""
        return self._history

    def callbacks(self) -> dict[str, int]:
        """Return the address of every callback, by the name of its slot and by that of its setter."""
        return dict(self._callbacks)

    def set_functions(self, addresses: dict[str, int], /) -> None:
        """Tell where the library's functions are; 0 takes one away."""
        self._check_open()
        for name, address in addresses.items():
            if name not in FUNCTIONS:
                raise ConfigError(f'the feed does not call "{name}"; it calls {", ".join(FUNCTIONS)}')
            self._functions[name] = _PROTOTYPES[name](address) if address else None

    def add_instrument(self, ticker: str, exchange: str, index: int, tick_size: float) -> None:
        """Add an instrument before its ticker is subscribed."""
        problem = None
        if not ticker or "\0" in ticker + exchange:
            problem = "ticker and exchange are text without NUL, the ticker not empty"
        elif not (math.isfinite(tick_size) and tick_size > 0):
            problem = "the tick size must be a positive number: take it from the instrument table"
        elif any(i.index == index or (i.ticker, i.exchange) == (ticker, exchange) for i in self._instruments):
            problem = "its ticker or its index was added before; add each of them once"
        elif len(self._instruments) == _MAX_INSTRUMENTS:
            problem = "the feed has as many instruments as it can have; close it and make a new one"
        if problem is not None:
            raise ConfigError(f'instrument "{ticker}": {problem}')
        self._check_open()
        if not 0 <= index < 1 << 16:
            raise OverflowError(f"instrument index {index} does not fit into 16 bits")
        with self._lock:
            instrument = FeedInstrument(ticker, exchange, index, 1.0 / tick_size)
            self._instruments.append(instrument)
            self._by_ticker.setdefault(ticker, []).append(instrument)

    def set_exchange_time(self, ts_ns: int) -> None:
        """Tell an exchange time that has passed for sure, ns UTC."""
        self._check_open()
        self._core.exchange_time = ts_ns

    def mark_gap(self) -> None:
        """Mark a gap on every instrument."""
        self._check_open()
        with self._lock:
            self._core.arrive(self._clock.now_ns())
            self._gap_everywhere()

    def read(self, max: int = 65536) -> Events:
        """Return at most ``max`` events, and a gap on every instrument in front of them when some were lost."""
        events, lost = self._default.read(max)
        if not lost:
            return events
        self._lost += lost
        gaps = empty_events(len(self._instruments))
        for name in ("ts_event", "ts_recv"):
            gaps[name] = events[name][0]
        gaps["sequence"] = events["sequence"][0] - 1
        gaps["size"], gaps["kind"] = min(lost, 2**31 - 1), Kind.GAP
        gaps["instrument"] = [i.index for i in self._instruments]
        together = empty_events(len(gaps) + len(events))
        together[: len(gaps)], together[len(gaps) :] = gaps, events
        return together

    def reader(self) -> RingReader:
        """Return a reader with a cursor of its own."""
        return self._core.ring.reader(self._lock)

    def take_messages(self) -> list[tuple[Any, ...]]:
        """Take the control messages that wait, oldest first, then the newest totals of the day of each instrument."""
        with self._lock:
            taken = self._core.take_messages()
            for instrument in self._instruments:
                if instrument.daily is not None:
                    taken.append(instrument.daily)
                    instrument.daily = None
            return taken

    def counters(self) -> dict[str, int]:
        """Return what was counted since the feed was made."""
        return {**self._core.counters, "lost": self._lost}

    def close(self) -> None:
        """End the feed: callbacks find nothing from now on."""
        with self._lock:
            self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise EngineError("the feed is closed; make a new feed")

    # callbacks

    def _make_callbacks(self) -> dict[str, int]:
        bodies: dict[str, Callable[..., None]] = {
            "State": self._state,
            "NewTrade": self._new_trade,
            "HistoryTrade": self._history_trade,
            "ConnectorTrade": lambda *a: self._connector_trade(*a, live=True),
            "ChangeCotation": self._ignored,
            "TinyBook": self._tiny_book,
            "Daily": self._daily,
            "PriceBook": self._price_book,
            "PriceBookV2": self._price_book,
            "OfferBook": lambda *a: self._offer_book(*a, version=1),
            "OfferBookV2": lambda *a: self._offer_book(*a, version=2),
            "PriceDepth": self._price_depth,
            "ChangeStateTicker": self._ticker_state,
        }
        args = {table["name"]: [ty for _, ty in table["args"]] for table in declarations()["callbacks"]}
        for name, kind in _HANDED_ON.items():
            bodies[name] = self._hand_on(kind, args[name])
        slots = {name: (name, body) for name, body in bodies.items()}
        slots["HistoryTradeV2"] = "ConnectorTrade", lambda *a: self._connector_trade(*a, live=False)
        addresses: dict[str, int] = {}
        for slot, (name, body) in slots.items():
            thunk = self._abi.callbacks[name](self._entered(body))
            _ALIVE.append(thunk)
            address = ctypes.cast(thunk, ctypes.c_void_p).value or 0
            version = "V2" if slot.endswith("V2") else ""
            setter = _SETTERS.get(slot, f"Set{slot.removesuffix('V2')}Callback{version}")
            addresses[slot] = addresses[setter] = address
        return addresses

    def _entered(self, body: Callable[..., None]) -> Callable[..., None]:
        """Stamp a callback, let one in at a time, and keep exceptions from crossing the border."""
        now_ns, lock, core = self._clock.now_ns, self._lock, self._core

        def callback(*args: Any) -> None:
            now = now_ns()
            with lock:
                if not self._open:
                    return
                core.arrive(now)
                try:
                    body(*args)
                except Exception:  # whatever it was doing is lost, and the library must not see it
                    _log.exception("a callback of the library failed; a gap is marked")
                    core.counters["panics"] += 1
                    core.say("faulty", core.counters["panics"])
                    self._gap_everywhere()

        return callback

    def _gap_everywhere(self) -> None:
        for instrument in self._instruments:
            self._core.gap(instrument, 0)

    def _find(self, ticker: int | None, exchange: int | None) -> FeedInstrument | None:
        """Return the instrument of a ticker; the exchange counts only where the ticker is listed on several."""
        text = self._abi.text_at(ticker) if ticker else ""
        found = self._by_ticker.get(text)
        if found is None:
            self._core.report("unknown_ticker", text, None)
            return None
        if len(found) == 1:
            return found[0]
        where = self._abi.text_at(exchange)
        for instrument in found:
            if instrument.exchange == where:
                return instrument
        self._core.report("unknown_ticker", text, None)
        return None

    def _date(self, text: int | None) -> Date:
        return parse_date(self._abi.text_at(text)) if text else ABSENT

    def _text(self, address: int | None) -> str | None:
        return self._abi.text_at(address) if address else None

    def _state(self, conn_type: int, result: int) -> None:
        self._core.say("state", conn_type, result)
        if conn_type == Connection.MARKET:
            left = self._core.market in _WHOLE
            self._core.market = result
            if left and result not in _WHOLE:
                self._gap_everywhere()

    def _new_trade(
        self, asset: Any, date: int | None, number: int, price: float, _volume: float, *rest: int
    ) -> None:
        instrument = self._find(asset.pwcTicker, asset.pwcBolsa)
        if instrument is not None:
            qty, buyer, seller, trade_type, is_edit = rest
            moment = self._date(date)
            self._trade(
                instrument, number, moment, price, qty, buyer, seller, trade_type, bool(is_edit), True
            )

    def _history_trade(
        self, asset: Any, date: int | None, number: int, price: float, _volume: float, *rest: int
    ) -> None:
        instrument = self._find(asset.pwcTicker, asset.pwcBolsa)
        if instrument is not None:
            qty, buyer, seller, trade_type = rest
            moment = self._date(date)
            self._trade(instrument, number, moment, price, qty, buyer, seller, trade_type, False, False)

    def _connector_trade(self, asset: Any, handle: int | None, flags: int, *, live: bool) -> None:
        instrument = self._find(asset.Ticker, asset.Exchange)
        if instrument is None:
            return
        out = self._abi.structs["TConnectorTrade"]()
        translate = self._functions["TranslateTrade"]
        code = translate(handle, ctypes.addressof(out)) if translate else _NOT_GIVEN
        if code == NResult.NL_OK:
            moment = system_time(out.TradeDate)
            agents = out.BuyAgent, out.SellAgent
            edit = bool(flags & _IS_EDIT)
            number, price, qty = out.TradeNumber, out.Price, out.Quantity
            self._trade(instrument, number, moment, price, qty, *agents, out.TradeType, edit, live)
        else:
            self._core.report("untranslated", instrument.ticker, code)
        if flags & _LAST_PACKET:
            self._core.say("last_packet", instrument.ticker, instrument.exchange)

    def _trade(
        self,
        instrument: FeedInstrument,
        number: int,
        moment: Date,
        price: float,
        qty: int,
        buyer: int,
        seller: int,
        trade_type: int,
        is_edit: bool,
        live: bool,
    ) -> None:
        core = self._core
        if moment == ABSENT or price <= 0:
            core.counters["sentinels"] += 1
            return
        px = ticks(price, instrument.ticks_per_point)
        if px is None:
            core.report("off_tick", instrument.ticker, price)
            return
        size = 0 if is_edit and qty == 0 else contracts(qty)  # an edit to no contracts takes the trade back
        if size is None:
            core.report("out_of_range", instrument.ticker, qty)
            return
        if live:
            moment = core.saw(instrument, moment)
        if moment == UNREADABLE:
            core.counters["bad_date"] += 1
        side, flags = AGGRESSOR.get(trade_type, (Side.NONE, 0))
        core.counters["trades" if live else "history_trades"] += 1
        core.push(
            instrument,
            Kind.TRADE,
            ts=moment if isinstance(moment, int) else None,
            id=number,
            px=px,
            size=size,
            ref_a=buyer,
            ref_b=seller,
            side=side,
            flags=flags | Flag.EDITED if is_edit else flags,
            ring=None if live else core.history,
        )

    def _tiny_book(self, asset: Any, price: float, qty: int, side_code: int) -> None:
        instrument = self._find(asset.pwcTicker, asset.pwcBolsa)
        if instrument is None:
            return
        core = self._core
        side = BOOK_SIDE.get(side_code)
        if side is None:
            core.report("malformed", instrument.ticker, side_code)
            return
        px, size = ticks(price, instrument.ticks_per_point), contracts(qty)
        if px is None and qty > 0:
            core.report("off_tick", instrument.ticker, price)
        best = NO_TOUCH if px is None or size is None or not price > 0 else (px, size)
        if side == Side.BUY:
            instrument.bid = best
        else:
            instrument.ask = best
        core.counters["quotes"] += 1
        (px, size), (px_ask, size_ask) = instrument.bid, instrument.ask
        core.push(instrument, Kind.QUOTE, px=px, size=size, px_ask=px_ask, size_ask=size_ask)

    def _daily(self, asset: Any, date: int | None, *numbers: float) -> None:
        instrument = self._find(asset.pwcTicker, asset.pwcBolsa)
        if instrument is None:
            return
        moment = self._date(date)
        when = moment if isinstance(moment, int) else None
        # Only the newest totals matter.
        instrument.daily = ("daily", self._core.now, instrument.ticker, instrument.exchange, when, *numbers)

    def _ticker_state(self, asset: Any, date: int | None, state: int) -> None:
        instrument = self._find(asset.pwcTicker, asset.pwcBolsa)
        if instrument is None:
            return
        core, moment = self._core, self._date(date)
        core.saw(instrument, moment)
        when = moment if isinstance(moment, int) else None
        core.say("ticker_state", instrument.ticker, instrument.exchange, when, state)
        ts = core.exchange_time_of(instrument)
        phase = instrument.phases.begin(state, ts)
        if phase is not None:
            core.counters["sessions"] += 1
            core.push(instrument, Kind.SESSION, ts=ts, action=phase)

    def _offer_book(self, asset: Any, *args: Any, version: int) -> None:
        *scalars, date, sell, buy = args
        instrument = self._find(asset.pwcTicker, asset.pwcBolsa)
        if instrument is not None:
            offer = Offer(*(*scalars, sell, buy, version))
            if offer.action == BookAction.FULL_BOOK:
                image(self._core, instrument, offer)
            else:
                moment = self._date(date) if offer.has_date and offer.action <= BookAction.EDIT else ABSENT
                update(self._core, instrument, offer, moment)
        self._free(sell)
        self._free(buy)

    def _price_book(self, *args: Any) -> None:
        self._ignored()
        self._free(args[-2])
        self._free(args[-1])

    def _ignored(self, *_: Any) -> None:
        self._core.counters["ignored"] += 1

    def _free(self, array: int | None) -> None:
        """Hand an array back to the library, once."""
        if not array:
            return
        free = self._functions["FreePointer"]
        if free is None:
            self._core.report("unfreed", "", "FreePointer was not given")
            return
        free(array, ctypes.c_int32.from_address(array + 4).value)
        self._core.counters["freed"] += 1

    def _price_depth(self, asset: Any, side: int, position: int, kind: int) -> None:
        instrument = self._find(asset.Ticker, asset.Exchange)
        if instrument is not None:
            source = Source(
                asset,
                self._abi.structs["TConnectorPriceGroup"],
                self._functions["GetPriceDepthSideCount"],
                self._functions["GetPriceGroup"],
                self._functions["GetTheoreticalValues"],
            )
            source.notify(self._core, instrument, side, position, kind)

    def _hand_on(self, kind: str, types: list[str]) -> Callable[..., None]:
        """Make a callback that turns its arguments into a message."""

        def body(*args: Any) -> None:
            values: list[Any] = []
            for ty, value in zip(types, args, strict=True):
                self._flatten(ty, value, values)
            self._core.say(kind, *values)

        return body

    def _flatten(self, ty: str, value: Any, values: list[Any]) -> None:
        if ty == "text":
            values.append(self._text(value))
        elif ty.startswith("*"):
            if value:
                self._flatten(ty[1:], value.contents, values)
        elif ty in _FIELDS:
            for name in _FIELDS[ty]:
                field = getattr(value, name)
                if isinstance(field, ctypes.Structure):
                    self._flatten(type(field).__name__, field, values)
                else:
                    values.append(self._text(field) if name in _TEXTS else field)
        else:
            values.append(value)


def _prototype(*args: Any) -> Any:
    return getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)(ctypes.c_int32, *args)


_PROTOTYPES: dict[str, Any] = {
    "TranslateTrade": _prototype(ctypes.c_void_p, ctypes.c_void_p),
    "FreePointer": _prototype(ctypes.c_void_p, ctypes.c_int32),
    "GetPriceDepthSideCount": _prototype(ctypes.c_void_p, ctypes.c_uint8),
    "GetPriceGroup": _prototype(ctypes.c_void_p, ctypes.c_uint8, ctypes.c_int32, ctypes.c_void_p),
    "GetTheoreticalValues": _prototype(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
}
