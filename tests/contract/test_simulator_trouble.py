"""Scripted trouble: what a client sees, and how it comes back."""

from __future__ import annotations

import time
from ctypes import byref

import pytest

from contract.simulator_client import NL_OK, Book, Client, i32, nl, session

MARKET = "[market]\nmax_events = 6000\n"
WDO = "WDOU25:F"


def trouble(kind: str, *, event: int = 1000, **more: object) -> str:
    lines = [f"{k} = {v!r}".replace("'", '"') for k, v in {"event": event, "kind": kind, **more}.items()]
    return MARKET + "[[trouble]]\n" + "\n".join(lines) + "\n"


def subscribe(client: Client) -> None:
    for name in ("Ticker", "OfferBook"):
        assert client.call(f"Subscribe{name}", "WDOU25", "F") == NL_OK
    assert client.call("SubscribePriceDepth", byref(client.asset_id("WDOU25"))) == NL_OK


def rebuilt(client: Client) -> bool:
    """Whether the book of all events so far is the true one."""
    book = Book()
    for event in client.of("OfferBookV2"):
        book.apply(event)
    return book.lists() == [client.true_book("WDOU25", side) for side in (0, 1)]


@pytest.mark.parametrize("width", [2, 4])
def test_a_disconnect_resets_the_book(width: int) -> None:
    toml = trouble("disconnect", events=500)
    with session(width, toml, "OfferBookV2", "Trade", "PriceDepth") as client:
        subscribe(client)
        client.step(1000)
        before = len(client.events)
        client.step(400)  # down: nothing comes but the state
        assert [e for e in client.events[before:] if e[0] != "State"] == []
        assert client.states()[5:] == [(2, 0)]
        assert not rebuilt(client)
        client.step(600)
        assert client.states()[5:] == [(2, 0), (2, 1), (2, 2), (2, 4)]
        assert rebuilt(client)
        numbers = [e[3] for e in client.of("Trade")]
        assert numbers[-1] > len(numbers)  # what was traded meanwhile is not told
        while client.step(500):
            pass
        assert rebuilt(client)


def test_subscriptions_can_be_lost_with_the_connection() -> None:
    toml = trouble("disconnect", events=500) + "[profile]\nkeeps_subscriptions = false"
    with session(2, toml, "OfferBookV2", "Trade") as client:
        subscribe(client)
        client.step(1600)
        before = len(client.of("OfferBookV2"))
        client.step(500)
        assert len(client.of("OfferBookV2")) == before
        subscribe(client)
        client.step(500)
        assert rebuilt(client)


def test_a_disconnect_by_the_clock() -> None:
    toml = MARKET + '[[trouble]]\nat = "09:00:30"\nkind = "disconnect"\nseconds = 20.0\n'
    with session(2, toml, "Trade") as client:
        subscribe(client)
        while (2, 0) not in client.states():
            assert client.step(50)
        times = [e[2][11:] for e in client.of("Trade")]
        assert times[-1] < "09:00:30.500"
        while client.states()[-1] != (2, 4):
            assert client.step(1)
        client.step(200)
        later = [e[2][11:] for e in client.of("Trade")][len(times) :]
        assert later[0] >= "09:00:49.000"


def test_the_broker_goes_and_comes() -> None:
    with session(2, trouble("broker_down", events=100), routing=True) as client:
        client.wait_for(lambda: ("State", 1, 5) in client.events)
        client.step(1010)
        assert client.states()[-1] == (1, 3)
        client.step(100)
        assert client.states()[-3:] == [(1, 3), (1, 4), (1, 5)]


def test_silence_is_late_not_lost() -> None:
    with session(2, trouble("silent", events=800), "OfferBookV2", "Trade") as client:
        subscribe(client)
        client.step(1000)
        before = len(client.events)
        client.step(700)
        assert len(client.events) == before
        assert client.states()[-1] == (2, 4)
        client.step(300)
        assert rebuilt(client)
        numbers = [e[3] for e in client.of("Trade")]
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    ("state", "code"),
    [("frozen", 2), ("inhibited", 3), ("pre_closing", 10), ("pre_opening", 13), ("closed", 6)],
)
def test_ticker_states_come_and_go(state: str, code: int) -> None:
    with session(2, trouble("ticker_state", state=state, events=100), "ChangeStateTicker") as client:
        subscribe(client)
        client.step(1500)
        assert [e[3] for e in client.of("ChangeStateTicker")] == [6, 4, 0, code, 0]


@pytest.mark.parametrize(("build", "states"), [(41, [(2, 5), (2, 4)]), (38, [])])
def test_saturation_is_a_market_state_since_39(build: int, states: list[tuple[int, int]]) -> None:
    toml = trouble("saturation", state=5, events=100) + f'[profile]\nversion = "4.0.0.{build}"'
    with session(2, toml) as client:
        client.step(1500)
        assert client.states()[5:] == states


def test_a_frozen_delivery_shows_in_the_health() -> None:
    state = i32()
    with session(2, trouble("frozen", events=100), "Health") as client:
        client.step(1010)
        assert client.call("GetHealthStatus", byref(state)) == NL_OK
        assert state.value == 1
        client.step(200)
        client.call("GetHealthStatus", byref(state))
        assert state.value == 0
        assert client.of("Health") == [("Health", 1), ("Health", 0)]


def test_a_ticker_can_become_invalid() -> None:
    with session(2, trouble("invalid_ticker", ticker="WDOU25"), "InvalidTicker", "Trade") as client:
        subscribe(client)
        client.step(1010)
        assert client.of("InvalidTicker") == [("InvalidTicker", WDO)]
        before = len(client.of("Trade"))
        client.step(500)
        assert len(client.of("Trade")) == before
        assert client.call("SubscribeOfferBook", "WDOU25", "F") == nl(0x1F)


def test_a_trade_is_corrected() -> None:
    with session(2, trouble("trade_edit", size=77), "Trade", "TradeV2") as client:
        subscribe(client)
        client.step(1500)
        for kind, number, size, flag in (("Trade", 3, 6, 10), ("TradeV2", None, None, 3)):
            events = client.of(kind)
            edits = [i for i, e in enumerate(events) if e[flag] == 1]
            assert len(edits) == 1
            edit, before = events[edits[0]], events[edits[0] - 1]
            if kind == "Trade":
                assert edit[number] == before[number]
                assert (edit[size], edit[4]) == (77, before[4])
            else:
                assert edit[2][0] == before[2][0]
                assert edit[2][3] == 77


def test_sentinel_records_have_neither_date_nor_price() -> None:
    with session(2, trouble("sentinel"), "Trade", "TradeV2") as client:
        subscribe(client)
        client.step(1500)
        assert [e[2:7] for e in client.of("Trade") if e[4] <= 0] == [
            ("30/12/1899 00:00:00.000", 0, 0.0, 0.0, 0)
        ]
        assert [e[2][:3] for e in client.of("TradeV2") if e[2][2] <= 0] == [
            (0, "00/00/0000 00:00:00.000", 0.0)
        ]


def test_a_roll_empties_book_and_day() -> None:
    with session(2, trouble("roll"), "OfferBookV2", "Daily") as client:
        subscribe(client)
        client.step(1000)
        traded = client.of("Daily")[-1][13]
        client.step(1)
        assert rebuilt(client)
        client.step(300)
        assert 0 < client.of("Daily")[-1][13] < traded


def test_a_history_stalls_at_99_and_goes_on_after_100() -> None:
    toml = MARKET + "[history]\nstall_ms = 1000\nafter_100 = 5\nsentinels = 3\n"
    told: dict[int, float] = {}  # when, by percentage, on the thread that told it
    with session(2, toml, "HistoryTrade", "HistoryTradeV2", "SerieProgress") as client:
        client.inside["SerieProgress"] = lambda _, percent: told.setdefault(percent, time.monotonic())
        client.step(3000)
        args = "GetHistoryTrades", "WDOU25", "F", "04/08/2025 00:00:00", "05/08/2025 00:00:00"
        assert client.call(*args) == NL_OK
        client.wait_for(lambda: ("SerieProgress", WDO, 99) in client.events)
        assert client.call(*args) == nl(0x1A)  # one request per ticker at a time
        client.wait_for(lambda: any(e[0] == "HistoryTradeV2" and e[3] & 2 for e in client.events))
        assert told[100] - told[99] >= 1.0
        at = client.events.index(("SerieProgress", WDO, 100))
        assert len([e for e in client.events[at:] if e[0] == "HistoryTrade"]) == 5
        assert len([e for e in client.of("HistoryTrade") if e[4] <= 0]) == 3
        # While it stalls, the market goes on: the request holds up nothing.
        client.wait_for(lambda: client.call(*args) == NL_OK)


def test_outside_hours_there_is_a_login_a_day_and_empty_books() -> None:
    kinds = "OfferBookV2", "Daily", "ChangeStateTicker", "Trade", "HistoryTrade", "SerieProgress"
    with session(2, MARKET + "open = false", *kinds) as client:
        subscribe(client)
        assert client.step(100) == 0
        assert [e[3] for e in client.of("ChangeStateTicker")] == [6]
        assert client.of("Daily")[0][6] == 5400.0
        (book,) = client.of("OfferBookV2")
        assert (book[-1][:4], book[-2][:4]) == (b"\0" * 4, b"\0" * 4)
        assert not client.of("Trade")
        args = "GetHistoryTrades", "WDOU25", "F", "01/08/2025 00:00:00", "02/08/2025 00:00:00"
        assert client.call(*args) == NL_OK
        client.wait_for(lambda: ("SerieProgress", WDO, 100) in client.events)
        assert client.of("HistoryTrade")


def test_a_slow_client_makes_the_market_wait_and_the_state_say_so() -> None:
    toml = '[market]\nmax_events = 3000\nspeed = "max"\n[queue]\ncapacity = 200\nhigh_water = 150\n'
    with session(2, toml, "OfferBookV2") as client:
        client.inside["OfferBookV2"] = lambda *_: time.sleep(0.0005)
        subscribe(client)
        client.wait_for(lambda: (2, 6) in client.states() and client.states()[-1] == (2, 4))
        client.wait_for(lambda: client.report()["played"] >= 3000)
        client.wait_for(lambda: rebuilt(client))
        assert client.report()["queue"]["most"] < 300


def test_a_market_that_does_not_wait_loses_and_says_so() -> None:
    toml = '[market]\nmax_events = 6000\nspeed = "max"\n[queue]\ncapacity = 200\nhigh_water = 150\noverflow = "drop"\n'
    with session(2, toml, "OfferBookV2") as client:
        client.inside["OfferBookV2"] = lambda *_: time.sleep(0.0002)
        subscribe(client)
        client.wait_for(lambda: client.report()["played"] >= 6000 and client.report()["queue"]["events"] == 0)
        client.wait_for(lambda: client.states()[-1] == (2, 4) and rebuilt(client))
        assert (2, 6) in client.states()
        fulls = [e for e in client.of("OfferBookV2") if e[2] == 4]
        assert len(fulls) > 1


def test_real_time_pace() -> None:
    """Five minutes of auction come before the first trade; a slow machine may take longer for them, never less."""
    toml = "[market]\nmax_events = 3000\nspeed = 200\n"
    begun = time.monotonic()
    with session(2, toml, "Trade") as client:
        subscribe(client)
        client.wait_for(lambda: len(client.of("Trade")) > 30)
        assert client.of("Trade")[0][2].endswith("09:00:00.000")
        assert time.monotonic() - begun > 300 / 200
