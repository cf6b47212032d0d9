"""Both feeds on the simulated library: the same records, and the books that they make are the true ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import byref, c_void_p, cast
from typing import Any

import numpy as np
import pytest

from contract.simulator_client import NL_OK, Client, open_client
from quantumtrader.profitdll.ctypes_feed import CtypesFeed
from quantumtrader.profitdll.feed import FUNCTIONS, FeedProtocol
from quantumtrader.types import Events, Flag, Kind, Phase, Side

rust: Any = pytest.importorskip("quantumtrader._core", reason="the compiled engine is not installed")

TICK, TICKER, INDEX = 0.5, "WDOU25", 7
SESSION_START = 1_756_728_000_000_000_000
MARKET = "[market]\nmax_events = {events}\n"
V1 = ("SetTradeCallback", "SetHistoryTradeCallback", "SetOfferBookCallback")
V2 = ("SetTradeCallbackV2", "SetHistoryTradeCallbackV2", "SetOfferBookCallbackV2")
ALWAYS = (
    *("SetDailyCallback", "SetTinyBookCallback", "SetPriceDepthCallback", "SetChangeStateTickerCallback"),
    *("SetSerieProgressCallback", "SetInvalidTickerCallback", "SetTheoreticalPriceCallback"),
)
SCENARIOS = {
    "plain": MARKET.format(events=5000),
    "paged": MARKET.format(events=3000) + "[profile]\npage_size = 7\n",
    "disconnect": MARKET.format(events=4000)
    + '[[trouble]]\nevent = 1500\nkind = "disconnect"\nevents = 500\n',
    "old": MARKET.format(events=2000) + '[profile]\nversion = "4.0.0.31"\n',
}


@contextmanager
def connected(
    width: int, toml: str, make: Callable[[int], FeedProtocol], setters: tuple[str, ...]
) -> Iterator[Any]:
    """Yield a client and its feed, connected and subscribed to everything."""
    with open_client(width) as client:
        feed = make(width)
        try:
            client.configure(toml)
            addresses = feed.callbacks()
            feed.set_functions(
                {name: cast(getattr(client.lib, name), c_void_p).value or 0 for name in FUNCTIONS}
            )
            feed.set_exchange_time(SESSION_START)
            feed.add_instrument(TICKER, "F", INDEX, TICK)
            state = c_void_p(addresses["State"])
            code = client.call("DLLInitializeMarketLogin", "key", "user", "password", state, *(None,) * 7)
            assert code == NL_OK, client.error()
            for setter in setters:
                assert client.call(setter, c_void_p(addresses[setter])) == NL_OK
            states: list[tuple[Any, ...]] = []
            deadline = time.monotonic() + 20
            while (2, 4) not in states and time.monotonic() < deadline:
                states += [m[2:] for m in feed.take_messages() if m[0] == "state"]
                time.sleep(0.01)
            assert (2, 4) in states
            for name in ("Ticker", "OfferBook"):
                assert client.call(f"Subscribe{name}", TICKER, "F") == NL_OK
            assert client.call("SubscribePriceDepth", byref(client.asset_id(TICKER))) == NL_OK
            yield client, feed
            client.call("DLLFinalize")
        finally:
            feed.close()


def levels(client: Client, side: int) -> list[tuple[int, int]]:
    """Return price in ticks and size of the true levels, best first."""
    out: dict[int, int] = {}
    for price, qty, _, _ in reversed(client.true_book(TICKER, side)):
        px = round(price / TICK)
        out[px] = out.get(px, 0) + qty
    return list(out.items())


def shown(book: Any, n: int) -> list[list[tuple[int, int]]]:
    """Return price and size of the first levels of both sides, bids first."""
    bid_px, bid_sz, ask_px, ask_sz = (column.tolist() for column in book.depth(n))
    return [
        [(p, s) for p, s in zip(px, size, strict=True) if s > 0]
        for px, size in ((bid_px, bid_sz), (ask_px, ask_sz))
    ]


def recorded(
    width: int, scenario: str, make: Callable[[int], FeedProtocol], setters: tuple[str, ...], step: int
) -> Any:
    """Play a scenario; every few events the books of the feed must be the true ones."""
    pieces: list[Events] = []
    messages: list[tuple[Any, ...]] = []
    by_order, by_price = rust.OrderBook(), rust.L2Book()
    compared = 0
    with connected(width, SCENARIOS[scenario], make, setters) as (client, feed):
        while client.step(step):
            pieces.append(feed.read(1 << 16))
            messages += feed.take_messages()
            kinds = pieces[-1]["kind"]
            by_order.update_many(pieces[-1][kinds != Kind.LEVEL])
            by_price.update_many(pieces[-1][kinds != Kind.ORDER])
            if by_order.valid and len(pieces) > 1:
                true = [levels(client, side) for side in (0, 1)]
                assert shown(by_order, 2000) == true
                compared += 1
                if by_price.valid:
                    assert shown(by_price, 2000) == true
        counters = feed.counters()
        report = client.report()
    assert (by_order.rejected, by_price.rejected) == (0, 0)
    assert compared > 10
    return np.concatenate(pieces), messages, counters, report


@pytest.mark.parametrize("setters", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("width", [2, 4], ids=["utf16", "utf32"])
def test_both_feeds_on_one_scenario(width: int, scenario: str, setters: tuple[str, ...]) -> None:
    one, two = (
        recorded(width, scenario, make, (*ALWAYS, *setters), step)
        for make, step in ((rust.ProfitFeed, 1 if scenario == "plain" else 13), (CtypesFeed, 13))
    )
    for events in (one[0], two[0]):
        assert (np.diff(events["sequence"]) == 1).all()
        assert (np.diff(events["ts_recv"]) >= 0).all()
        events["ts_recv"] = 0
    np.testing.assert_array_equal(one[0], two[0])
    one[2].pop("clock_back")
    two[2].pop("clock_back")
    assert one[2] == two[2]
    for _, _, counters, report in (one, two):
        # Python is slow, and the tests start one session after another.
        assert set(report["sins"]) <= {"slow_callback", "reinitialised"}
        assert counters["freed"] > 0
        wrong = (
            "unknown_ticker",
            "off_tick",
            "out_of_range",
            "bad_date",
            "undated",
            "untranslated",
            "malformed",
        )
        assert [counters[name] for name in (*wrong, "unfreed", "panics", "missed", "lost")] == [0] * 11
    events = one[0]
    kinds = set(events["kind"].tolist())
    assert kinds >= {Kind.TRADE, Kind.QUOTE, Kind.ORDER, Kind.LEVEL, Kind.SESSION}
    assert (Kind.GAP in kinds) == (scenario == "disconnect")
    trades = events[events["kind"] == Kind.TRADE]
    assert set(trades["side"].tolist()) >= {Side.BUY, Side.SELL}
    opened = events[(events["kind"] == Kind.SESSION) & (events["action"] == Phase.OPEN)]
    assert len(opened) == 1
    assert not (events["flags"] & int(Flag.SYNTHETIC)).any()
