"""Which callbacks the library is given, where and when.

The slots of the initialise call take the first version of each callback only, the setters the second; giving
both doubles the stream. Real functions go into the slots without which sessions were seen to hang, NULL into
the others. Setters are called right after initialise and again once connected: some installations forget the
first round, and twice is harmless.
"""

from __future__ import annotations

from collections.abc import Mapping

from quantumtrader.profitdll.library import ProfitLibrary

__all__ = ["log_in", "needed_functions", "set_callbacks"]

_MARKET_SLOTS = ("NewTrade", "Daily", "PriceBook", "OfferBook", "HistoryTrade", "Progress", "TinyBook")
_LOGIN_SLOTS = ("History", "OrderChange", "Account", *_MARKET_SLOTS)
_FILLED = ("Daily", "Progress", "TinyBook", "Account")
_MARKET_SETTERS = (
    "SetStateCallback",
    "SetDailyCallback",
    "SetTinyBookCallback",
    "SetSerieProgressCallback",
    "SetTradeCallbackV2",
    "SetHistoryTradeCallbackV2",
    "SetOfferBookCallbackV2",
    "SetPriceDepthCallback",
    "SetTheoreticalPriceCallback",
    "SetChangeStateTickerCallback",
    "SetInvalidTickerCallback",
    "SetHealthCallback",
)
_ORDER_SETTERS = (
    "SetAccountCallback",
    "SetOrderCallback",
    "SetOrderHistoryCallback",
    "SetAssetPositionListCallback",
    "SetTradingMessageResultCallback",
)
_CALLED_BY_FEED = (
    "TranslateTrade",
    "FreePointer",
    "GetPriceDepthSideCount",
    "GetPriceGroup",
    "GetTheoreticalValues",
)


def needed_functions(library: ProfitLibrary) -> dict[str, int]:
    """Return the addresses of the functions that a feed calls, those that this library has."""
    return {name: library.address(name) for name in _CALLED_BY_FEED if library.has(name)}


def log_in(
    library: ProfitLibrary,
    callbacks: Mapping[str, int],
    key: str,
    username: str,
    password: str,
    *,
    routing: bool,
) -> None:
    """Call initialise; raises ``ProfitDllError`` when it refuses at once."""
    slots = _LOGIN_SLOTS if routing else _MARKET_SLOTS
    arguments = [callbacks[name] if name in _FILLED else None for name in slots]
    function = "DLLInitializeLogin" if routing else "DLLInitializeMarketLogin"
    library.call(function, key, username, password, callbacks["State"], *arguments)


def set_callbacks(library: ProfitLibrary, callbacks: Mapping[str, int], *, routing: bool) -> None:
    """Call every setter that this library has."""
    for name in _MARKET_SETTERS + (_ORDER_SETTERS if routing else ()):
        if library.has(name) and name in callbacks:
            library.call(name, callbacks[name])
