"""A ProfitDLL client in plain ctypes, as the vendor's manual has it, on the simulator; quantumtrader only tells its path.

python examples/profitdll/client.py [PATH_TO_LIBRARY]
"""

from __future__ import annotations

import ctypes
import sys
import threading
from ctypes import POINTER, Structure, c_double, c_int, c_int64, c_ubyte, c_uint, c_void_p, c_wchar_p


class Asset(Structure):
    _fields_ = (("ticker", c_wchar_p), ("exchange", c_wchar_p), ("feed", c_int))


class Identifier(Structure):
    _fields_ = (("version", c_ubyte), ("ticker", c_wchar_p), ("exchange", c_wchar_p), ("feed", c_ubyte))


class Trade(Structure):
    _fields_ = (
        ("version", c_ubyte),
        ("date", ctypes.c_uint16 * 8),
        ("number", c_uint),
        ("price", c_double),
        ("quantity", c_int64),
        ("volume", c_double),
        ("buyer", c_int),
        ("seller", c_int),
        ("type", c_ubyte),
    )


FUNCTION = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
State = FUNCTION(None, c_int, c_int)
Daily = FUNCTION(None, Asset, c_wchar_p, *[c_double] * 10, *[c_int] * 7)
Progress = FUNCTION(None, Asset, c_int)
TinyBook = FUNCTION(None, Asset, c_double, c_int, c_int)
TradeV2 = FUNCTION(None, Identifier, c_void_p, c_uint)


def main(path: str) -> None:
    library = ctypes.CDLL(path)
    library.TranslateTrade.argtypes = (c_void_p, POINTER(Trade))
    connected = threading.Event()
    prices: list[float] = []

    @State
    def on_state(kind: int, result: int) -> None:
        if (kind, result) == (2, 4):
            connected.set()

    @TradeV2
    def on_trade(asset: Identifier, handle: int, flags: int) -> None:
        trade = Trade()
        if (
            library.TranslateTrade(handle, ctypes.byref(trade)) == 0
        ):  # 0 is success, and it works only in here
            prices.append(trade.price)

    # Callbacks must live as long as the session: these names keep them.
    slots = (Daily(lambda *_: None), None, None, None, Progress(lambda *_: None), TinyBook(lambda *_: None))
    result = library.DLLInitializeMarketLogin("key", "user", "password", on_state, None, *slots)
    assert result == 0, hex(result & 0xFFFFFFFF)
    library.SetTradeCallbackV2(on_trade)
    assert connected.wait(5), "no connection after five seconds"
    assert library.SubscribeTicker("WDOU25", "F") == 0
    library.QtSimStep.argtypes, library.QtSimStep.restype = (c_int64,), c_int64
    library.QtSimStep(5_000)  # the simulated market stands still until told to go on
    print(f"{len(prices)} synthetic trades, from {min(prices)} to {max(prices)}")
    library.DLLFinalize()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        from quantumtrader.profitdll.simulator import library_path

        main(str(library_path(ctypes.sizeof(ctypes.c_wchar))))
