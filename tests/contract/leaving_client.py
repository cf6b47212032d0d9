"""Clients that leave without finalising: ``python leaving_client.py bare|session``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

MARKET = '[market]\nspeed = "max"\nticker = "WDOU25"\nmax_events = 0\nduration_s = 36000.0\n'


class Lingers:
    """Holds a shutting-down Python, modules already gone, until a callback under way has met it."""

    def __init__(self) -> None:
        self.sleep = time.sleep

    def __del__(self) -> None:
        self.sleep(0.3)


LINGERS = Lingers()


def bare() -> None:
    """A client that knows nothing but the vendor's functions.

    Its callbacks outlive Python: what a library still calls may never be freed, and nothing on the library's side
    could help a client that does. So what is left to go wrong is the thread that Python ends inside a callback.
    """
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import ctypes

    from contract.simulator_client import FOLDER, SUFFIX, Client

    client = Client(ctypes.CDLL(str(FOLDER / f"libprofitdll_sim16{SUFFIX}")), 2)
    client.connect(MARKET, "TradeV2", "TinyBook", "OfferBookV2")
    for callback in client.keep.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(callback))
    assert client.call("SubscribeTicker", "WDOU25", "F") == 0
    assert client.call("SubscribeOfferBook", "WDOU25", "F") == 0
    client.wait_for(lambda: sum(e[0] == "TinyBook" for e in client.events) > 20)


def session() -> None:
    """Our session, polled on its own thread, with callbacks in Python."""
    from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions

    manager = ConnectionManagerV4(options=SessionOptions(scenario=MARKET), native=False)
    manager.initialize()
    manager.subscribe_ticker("WDOU25")
    manager.start()
    time.sleep(0.3)


if __name__ == "__main__":
    {"bare": bare, "session": session}[sys.argv[1]]()
    sys.stdout.write("left\n")
    sys.stdout.flush()
