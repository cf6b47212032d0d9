"""Every market callback with its values intact, V1 and V2, in both flavours."""

from __future__ import annotations

import math
from ctypes import byref
from itertools import pairwise

import pytest

from contract.simulator_client import (
    NL_OK,
    Book,
    Client,
    Group,
    f64,
    i32,
    i64,
    nl,
    session,
)

LOCKSTEP = "[market]\nmax_events = 6000\n"
WDO, TICK, POINT = "WDOU25:F", 0.5, 10.0


@pytest.fixture(params=[2, 4], ids=["utf16", "wchar32"])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def subscribe(client: Client, *names: str, ticker: str = "WDOU25") -> None:
    for name in names:
        if name == "PriceDepth":
            code = client.call("SubscribePriceDepth", byref(client.asset_id(ticker)))
        else:
            code = client.call(f"Subscribe{name}", ticker, "F")
        assert code == NL_OK


def groups(client: Client, ticker: str, side: int) -> list[tuple[float, int, int]]:
    """The ladder, best first: price, quantity, count."""
    asset, out = client.asset_id(ticker), Group()
    n = client.call("GetPriceDepthSideCount", byref(asset), side)
    assert n >= 0
    found = []
    for position in range(n):
        assert client.call("GetPriceGroup", byref(asset), side, position, byref(out)) == NL_OK
        found.append((out.price, out.quantity, out.count))
    assert client.call("GetPriceGroup", byref(asset), side, n, byref(out)) == nl(9)
    return found


def sums(book: list[tuple[float, int, int, int]]) -> list[tuple[float, int, int]]:
    """Levels of a list of offers, best first."""
    levels: dict[float, list[int]] = {}
    for price, quantity, _, _ in reversed(book):
        level = levels.setdefault(price, [0, 0])
        level[0] += quantity
        level[1] += 1
    return [(p, q, n) for p, (q, n) in levels.items()]


@pytest.mark.parametrize("version", ["OfferBook", "OfferBookV2"])
def test_the_offer_book_is_the_true_one_after_every_packet(width: int, version: str) -> None:
    with session(width, LOCKSTEP + "[profile]\npage_size = 7", version) as client:
        subscribe(client, "OfferBook")
        book, seen, actions = Book(), 0, set()
        while client.step(1):
            for event in client.events[seen:]:
                if event[0] == version:
                    assert event[1] == WDO
                    actions.add(event[2])
                    book.apply(event)
            seen = len(client.events)
            assert book.lists() == [client.true_book("WDOU25", side) for side in (0, 1)]
        assert actions == {0, 1, 2, 3, 4}
        assert len(book.sides[0]) > 20
        assert client.report()["leaks"]["blobs"] == 0
        assert client.sins().keys() <= {"reinitialised"}


def test_full_books_come_in_pages_from_36_on() -> None:
    for build, pages in ((36, 5), (31, 1)):
        toml = LOCKSTEP + f'[profile]\nversion = "4.0.0.{build}"\npage_size = 4'
        with session(2, toml, "OfferBookV2") as client:
            client.step(100)
            subscribe(client, "OfferBook")
            client.step(1)
            full = [e for e in client.of("OfferBookV2") if e[2] == 4]
            longest = max(len(client.true_book("WDOU25", side)) for side in (0, 1))
            assert len(full) in ({1} if pages == 1 else {-(-longest // 4) + d for d in (-1, 0, 1)})
            flags = [int.from_bytes(e[-2][-4:], "little") for e in full]
            assert flags == ([1] if build == 31 else [2, *[0] * (len(full) - 2), 1])


def test_the_price_depth_is_the_sum_of_the_offers(width: int) -> None:
    with session(width, LOCKSTEP, "PriceDepth") as client:
        subscribe(client, "PriceDepth")
        while client.step(40):
            for side in (0, 1):
                assert groups(client, "WDOU25", side) == sums(client.true_book("WDOU25", side))
        events = client.of("PriceDepth")
        assert {e[1] for e in events} == {WDO}
        assert {e[2] for e in events} == {0, 1}
        assert {e[4] for e in events} >= {0, 1, 2, 3, 4, 5, 6}
        # Every burst is bracketed on its side: prepare, changes, flush.
        depth = [0, 0]
        for _, _, side, _, kind in events:
            depth[side] += {5: 1, 6: -1}.get(kind, 0)
            assert depth[side] in (0, 1)
        assert depth == [0, 0]


def test_before_34_the_depth_always_names_the_buy_side() -> None:
    with session(2, LOCKSTEP + '[profile]\nversion = "4.0.0.31"', "PriceDepth") as client:
        subscribe(client, "PriceDepth")
        client.step(500)
        assert {e[2] for e in client.of("PriceDepth")} == {0}


def test_trades_of_both_versions_agree(width: int) -> None:
    with session(width, LOCKSTEP, "Trade", "TradeV2", "ChangeCotation") as client:
        subscribe(client, "Ticker")
        client.step(3000)
        old, new, last = client.of("Trade"), client.of("TradeV2"), client.of("ChangeCotation")
        assert len(old) == len(new) == len(last) > 300
        for v1, v2, cotation in zip(old, new, last, strict=True):
            _, asset, date, number, price, volume, qty, buyer, seller, kind, edit = v1
            assert asset == v2[1] == cotation[1] == WDO
            assert v2[2] == (number, date, price, qty, volume, buyer, seller, kind)
            assert v2[3] == edit == 0
            assert cotation[2:] == (date, number, price)
            assert (price / TICK).is_integer()
            assert qty > 0
            assert volume == pytest.approx(price * qty * POINT)
        assert [e[3] for e in old] == list(range(1, len(old) + 1))
        assert {e[9] for e in old} >= {2, 3, 4, 13}
        assert all(
            a[2][6:10] + a[2][3:5] + a[2][:2] + a[2][10:] <= b[2][6:10] + b[2][3:5] + b[2][:2] + b[2][10:]
            for a, b in pairwise(old)
        )
        assert client.sins()["both_versions"] == 1


def test_tiny_book_and_day_follow_the_market(width: int) -> None:
    with session(width, LOCKSTEP, "TinyBook", "Daily", "Trade", "ChangeStateTicker") as client:
        subscribe(client, "Ticker")
        client.step(3000)
        tiny = {e[4]: e[2:4] for e in client.of("TinyBook")}
        for side in (0, 1):
            best = sums(client.true_book("WDOU25", side))[0]
            assert tiny[side] == best[:2]
        trades, day = client.of("Trade"), client.of("Daily")[-1]
        prices = [e[4] for e in trades]
        assert day[1] == WDO
        assert day[3:7] == (prices[0], max(prices), min(prices), prices[-1])
        by_kind = {k: [e for e in trades if e[9] == k] for k in (2, 3)}
        assert day[7] == pytest.approx(sum(e[5] for e in trades))
        assert day[8] == 5400.0  # the close before
        assert (day[9], day[10]) == (5724.0, 5076.0)
        assert day[11:13] == tuple(pytest.approx(sum(e[5] for e in by_kind[k])) for k in (2, 3))
        quantity = {k: sum(e[6] for e in by_kind[k]) for k in (2, 3)}
        assert day[13:] == (
            sum(e[6] for e in trades),
            len(trades),
            0,
            quantity[2],
            quantity[3],
            len(by_kind[2]),
            len(by_kind[3]),
        )
        assert [e[3] for e in client.of("ChangeStateTicker")] == [6, 4, 0]


def test_history_ends_with_its_last_packet(width: int) -> None:
    kinds = "HistoryTrade", "HistoryTradeV2", "SerieProgress", "Trade"
    with session(width, LOCKSTEP, *kinds) as client:
        subscribe(client, "Ticker")
        client.step(3000)
        ask = "GetHistoryTrades", "WDOU25", "F", "04/08/2025 00:00:00", "05/08/2025 00:00:00"
        assert client.call(*ask) == NL_OK
        client.wait_for(lambda: ("SerieProgress", WDO, 100) in client.events)
        old, new = client.of("HistoryTrade"), client.of("HistoryTradeV2")
        assert [e[1:10] for e in old] == [e[1:10] for e in client.of("Trade")]
        assert [e[2][0] for e in new] == [e[3] for e in old]
        assert [e[3] for e in new] == [0] * (len(new) - 1) + [2]
        progress = [e[2] for e in client.of("SerieProgress")]
        assert progress == sorted(set(progress))
        assert progress[-2:] == [99, 100]


def test_history_has_days_before_and_limits_by_version() -> None:
    ask = "GetHistoryTrades", "WDOU25", "F"
    with session(2, LOCKSTEP, "HistoryTrade", "SerieProgress") as client:
        assert client.call(*ask, "01/08/2025 00:00:00", "02/08/2025 00:00:00") == NL_OK
        client.wait_for(lambda: ("SerieProgress", WDO, 100) in client.events)
        assert {e[2][:10] for e in client.of("HistoryTrade")} == {"01/08/2025"}
        assert client.call(*ask, "01/06/2025 00:00:00", "02/06/2025 00:00:00") == nl(0x2E)
        assert client.call(*ask, "20/07/2025 00:00:00", "30/07/2025 00:00:00") == nl(3)
        assert client.call(*ask, "01/08/2025", "02/08/2025") == nl(3)
        # A Saturday: accepted, and nothing comes.
        before = len(client.of("HistoryTrade"))
        assert client.call(*ask, "02/08/2025 00:00:00", "03/08/2025 00:00:00") == NL_OK
        client.wait_for(lambda: len([e for e in client.events if e == ("SerieProgress", WDO, 100)]) == 2)
        assert len(client.of("HistoryTrade")) == before
    with session(2, LOCKSTEP + '[profile]\nversion = "4.0.0.38"') as client:
        assert client.call(*ask, "01/06/2025 00:00:00", "02/06/2025 00:00:00") == NL_OK


def test_ticker_details_in_all_forms(width: int) -> None:
    with session(width, LOCKSTEP, "AssetList", "AssetListInfo", "AssetListInfoV2") as client:
        assert client.call("RequestTickerInfo", "WDOU25", "F") == NL_OK
        client.wait_for(lambda: bool(client.of("AssetListInfoV2")))
        name = "Mini US dollar future, US$10,000"
        assert client.of("AssetList") == [("AssetList", WDO, name)]
        details = (WDO, name, name, 1, 10_000, 1, 0, 13, TICK, POINT)
        assert client.of("AssetListInfo")[0][1:11] == details
        assert client.of("AssetListInfoV2")[0][1:11] == details
        assert client.of("AssetListInfoV2")[0][13:] == ("Derivativos", "Futuros", "Minicontratos")


def test_adjustments_are_told(width: int) -> None:
    toml = """
        [[market.adjustments]]
        value = 1.5
        kind = "Rolagem"
        note = "à vista"
        date = "01/08/2025"
        affects_price = true
        multiplier = 0.25
    """
    with session(width, toml, "AdjustHistory", "AdjustHistoryV2") as client:
        subscribe(client, "AdjustHistory")
        client.wait_for(lambda: bool(client.of("AdjustHistoryV2")))
        told = (WDO, 1.5, "Rolagem", "à vista", "01/08/2025", "01/08/2025", "01/08/2025")
        assert client.of("AdjustHistory")[0][1:] == (*told, 1)
        assert client.of("AdjustHistoryV2")[0][1:] == (*told, 1, 0.25)


@pytest.mark.parametrize(("version", "stride"), [("PriceBook", 16), ("PriceBookV2", 20)])
def test_the_deprecated_price_book_comes_whole(width: int, version: str, stride: int) -> None:
    with session(width, LOCKSTEP, version) as client:
        subscribe(client, "PriceBook")
        client.step(500)
        event = client.of(version)[-1]
        assert event[1:3] == (WDO, 4)
        for side, blob in ((1, event[-2]), (0, event[-1])):
            levels = []
            for at in range(8, len(blob), stride):
                quantity = int.from_bytes(blob[at + 8 : at + stride - 4], "little")
                count = int.from_bytes(blob[at + stride - 4 : at + stride], "little")
                levels.append((f64.from_buffer_copy(blob, at).value, quantity, count))
            assert levels[::-1] == sums(client.true_book("WDOU25", side))


def test_an_unknown_ticker_is_reported(width: int) -> None:
    with session(width, LOCKSTEP, "InvalidTicker") as client:
        assert client.call("SubscribeTicker", "WDOX99", "F") == NL_OK
        assert client.call("SubscribeOfferBook", "WDOX99", "F") == nl(0x1F)
        assert client.call("SubscribeTicker", "WDOU25", "BMF") == nl(0x0F)
        assert client.call("SubscribeTicker", "WDOU25", "") == nl(3)
        client.wait_for(lambda: len(client.of("InvalidTicker")) == 2)
        assert client.of("InvalidTicker") == [("InvalidTicker", "WDOX99:F")] * 2
    with session(width, '[profile]\nversion = "4.0.0.36"', "InvalidTicker") as client:
        assert client.call("SubscribeOfferBook", "WDOX99", "F") == NL_OK


def test_an_alias_stays_an_alias(width: int) -> None:
    with session(width, LOCKSTEP, "Trade") as client:
        subscribe(client, "Ticker", ticker="WDOFUT")
        client.step(100)
        assert {e[1] for e in client.of("Trade")} == {"WDOFUT:F"}


def test_two_markets_do_not_mix() -> None:
    toml = '[market]\ntickers = ["WDOU25", "WINQ25"]\nmax_events = 2000'
    with session(2, toml, "Trade", "OfferBookV2") as client:
        for ticker in ("WDOU25", "WINQ25"):
            subscribe(client, "Ticker", "OfferBook", ticker=ticker)
        while client.step(1000):
            pass
        for ticker, tick in (("WDOU25", 0.5), ("WINQ25", 5.0)):
            trades = [e for e in client.of("Trade") if e[1] == f"{ticker}:F"]
            assert len(trades) > 50
            assert all((e[4] / tick).is_integer() for e in trades)
            book = Book()
            for event in client.of("OfferBookV2"):
                if event[1] == f"{ticker}:F":
                    book.apply(event)
            assert book.lists() == [client.true_book(ticker, side) for side in (0, 1)]


def test_after_unsubscribing_nothing_comes() -> None:
    kinds = "Trade", "OfferBookV2", "PriceDepth", "Daily"
    with session(2, LOCKSTEP, *kinds) as client:
        subscribe(client, "Ticker", "OfferBook", "PriceDepth")
        client.step(500)
        for name in ("Ticker", "OfferBook"):
            assert client.call(f"Unsubscribe{name}", "WDOU25", "F") == NL_OK
        assert client.call("UnsubscribePriceDepth", byref(client.asset_id("WDOU25"))) == NL_OK
        client.step(1)
        before = len(client.of(*kinds))
        client.step(1000)
        assert len(client.of(*kinds)) == before > 0
        assert client.call("GetPriceDepthSideCount", byref(client.asset_id("WDOU25")), 0) == nl(0x0C)


def test_the_ladder_asked_for_again_comes_again_from_38_on() -> None:
    for build, times in ((38, 2), (37, 1)):
        toml = LOCKSTEP + f'[profile]\nversion = "4.0.0.{build}"'
        with session(2, toml, "PriceDepth") as client:
            client.step(1000)
            subscribe(client, "PriceDepth")
            subscribe(client, "PriceDepth")
            client.step(1)
            assert len([e for e in client.of("PriceDepth") if e[4] == 4]) == 2 * times


def test_the_last_close_is_there_at_the_second_call() -> None:
    with session(2, LOCKSTEP) as client:
        close = f64()
        ask = "GetLastDailyClose", "WDOU25", "F", byref(close), i32(0)
        assert client.call(*ask) == nl(0x15)
        subscribe(client, "Ticker")
        client.step(1)
        assert client.call(*ask) == nl(4)
        assert client.call(*ask) == NL_OK
        assert close.value == 5400.0


def test_the_opening_auction_has_a_theoretical_price(width: int) -> None:
    toml = LOCKSTEP + '[[trouble]]\nevent = 1000\nkind = "ticker_state"\nstate = "auction"\nevents = 300'
    with session(width, toml, "TheoreticalPrice", "ChangeStateTicker", "PriceDepth") as client:
        subscribe(client, "Ticker", "PriceDepth")
        client.step(1100)
        asset, price, quantity, group = client.asset_id("WDOU25"), f64(), i64(), Group()
        assert client.call("GetTheoreticalValues", byref(asset), byref(price), byref(quantity)) == NL_OK
        assert client.of("TheoreticalPrice")[-1] == ("TheoreticalPrice", WDO, price.value, quantity.value)
        assert price.value > 5000
        assert client.call("GetPriceGroup", byref(asset), 0, 0, byref(group)) == NL_OK
        assert (group.price, group.flags) == (-math.inf, 1)
        assert group.quantity == quantity.value
        client.call("GetPriceGroup", byref(asset), 0, 1, byref(group))
        assert (group.price, group.flags) == (sums(client.true_book("WDOU25", 0))[0][0], 0)
        client.step(400)
        client.call("GetPriceGroup", byref(asset), 0, 0, byref(group))
        assert group.flags == 0
        assert [e[3] for e in client.of("ChangeStateTicker")] == [6, 4, 0, 4, 0]
        assert any(e[4] == 7 for e in client.of("PriceDepth"))
