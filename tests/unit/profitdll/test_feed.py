"""What both feeds refuse, and how; what they write is compared in ``tests/parity/test_feeds.py``."""

from __future__ import annotations

import ctypes
import logging
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from quantumtrader.exceptions import ConfigError, EngineError
from quantumtrader.profitdll import _offers
from quantumtrader.profitdll._rings import Ring
from quantumtrader.profitdll.abi import abi, declarations
from quantumtrader.profitdll.feed import FeedProtocol, make_feed
from quantumtrader.types import Kind


@pytest.fixture(params=[True, False], ids=["native", "ctypes"])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., FeedProtocol]]:
    """Make feeds of one kind, and close them."""
    if request.param:
        pytest.importorskip("quantumtrader._core", reason="the compiled engine is not installed")
    made: list[FeedProtocol] = []

    def feed(char_width: int = 2, **settings: Any) -> FeedProtocol:
        made.append(make_feed(char_width, native=request.param, **settings))
        return made[-1]

    yield feed
    for one in made:
        one.close()


def test_every_callback_has_an_address(make: Callable[..., FeedProtocol]) -> None:
    addresses = make().callbacks()
    slots = {t["name"] for t in declarations()["callbacks"] if not t["name"].startswith("Enumerate")}
    setters = {
        f["name"]
        for f in declarations()["functions"]
        if f["name"].startswith("Set") and "Callback" in f["name"]
    }
    assert set(addresses) == slots | setters | {"HistoryTradeV2"}
    assert len(set(addresses.values())) == len(setters)
    assert all(addresses.values())


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("", "F", 1, 0.5), "text without NUL"),
        (("A\0", "F", 1, 0.5), "text without NUL"),
        (("A", "F", 1, 0.0), "tick size"),
        (("A", "F", 1, float("nan")), "tick size"),
        (("WDOV26", "F", 1, 0.5), "added before"),
        (("A", "F", 0, 0.5), "added before"),
    ],
)
def test_instruments_that_make_no_sense(make: Callable[..., FeedProtocol], args: Any, reason: str) -> None:
    feed = make()
    feed.add_instrument("WDOV26", "F", 0, 0.5)
    with pytest.raises(ConfigError, match=reason):
        feed.add_instrument(*args)
    with pytest.raises(OverflowError):
        feed.add_instrument("A", "F", 1 << 16, 0.5)


def test_settings_that_make_no_sense(make: Callable[..., FeedProtocol]) -> None:
    with pytest.raises(ConfigError, match="char_width is 3, expected 2"):
        make(3)
    with pytest.raises(ConfigError, match="ring capacity is 5"):
        make(capacity=5)
    with pytest.raises(ConfigError, match='does not call "SendOrder"; it calls TranslateTrade, FreePointer'):
        make().set_functions({"SendOrder": 1})


def test_a_closed_feed_says_so(make: Callable[..., FeedProtocol]) -> None:
    feed = make()
    state = abi(2).callbacks["State"](feed.callbacks()["State"])
    state(2, 4)
    feed.close()
    state(2, 0)
    assert [m[0] for m in feed.take_messages()] == ["state"]
    for use in (
        lambda: feed.add_instrument("A", "F", 0, 1.0),
        lambda: feed.set_functions({"FreePointer": 0}),
        lambda: feed.set_exchange_time(1),
        feed.mark_gap,
    ):
        with pytest.raises(EngineError, match="the feed is closed"):
            use()


def test_messages_have_bounds(make: Callable[..., FeedProtocol]) -> None:
    feed = make(messages=2)
    state = abi(2).callbacks["State"](feed.callbacks()["SetStateCallback"])
    for result in range(5):
        state(0, result)
    messages = feed.take_messages()
    assert [(m[0], *m[2:]) for m in messages] == [("overflow", 3), ("state", 0, 3), ("state", 0, 4)]
    assert feed.counters()["messages_lost"] == 3
    assert feed.take_messages() == []


def test_a_garbled_date_does_not_stamp_its_own_trade(make: Callable[..., FeedProtocol]) -> None:
    """A single trade dated years ahead would end the session for everybody who follows market time."""
    feed = make()
    feed.add_instrument("WDOV26", "F", 0, 0.5)
    asset = abi(2).new("TAssetIDRec", pwcTicker="WDOV26", pwcBolsa="F")
    trade = abi(2).callbacks["NewTrade"](feed.callbacks()["NewTrade"])
    for number, date in enumerate(
        ("11/09/2026 09:00:00.000", "11/09/2062 09:00:00.500", "11/09/2026 09:00:01.000")
    ):
        text = abi(2).encode(date)
        trade(asset, ctypes.addressof(text), number, 5432.5, 27162.5, 1, 3, 8, 2, 0)
    events = feed.read()
    first = 1_789_128_000_000_000_000  # 2026-09-11 12:00 UTC
    assert events["id"].tolist() == [0, 1, 2]  # none is dropped
    assert events["ts_event"].tolist() == [first, first, first + 1_000_000_000]
    counted = feed.counters()
    assert (counted["trades"], counted["far_date"], counted["bad_date"]) == (3, 1, 0)


def test_a_process_has_one_native_feed() -> None:
    core: Any = pytest.importorskip("quantumtrader._core", reason="the compiled engine is not installed")
    first = core.ProfitFeed(2)
    with pytest.raises(EngineError, match="close it first"):
        core.ProfitFeed(2)
    core.ProfitFeed(4).close()
    first.close()
    core.ProfitFeed(2).close()


def test_a_ring_in_a_file_goes_on_with_a_gap(tmp_path: Path) -> None:
    core: Any = pytest.importorskip("quantumtrader._core", reason="the compiled engine is not installed")
    with pytest.raises(ConfigError, match="needs the native feed"):
        make_feed(2, native=False, path=tmp_path / "ring")
    asset = abi(2).new("TAssetIDRec", pwcTicker="WDOV26", pwcBolsa="F")
    for expected in ([], [Kind.QUOTE, Kind.GAP]):
        feed = make_feed(2, native=True, path=tmp_path / "ring", capacity=64)
        feed.set_exchange_time(5)
        feed.add_instrument("WDOV26", "F", 3, 0.5)
        outside = core.Ring.open(tmp_path / "ring").reader()
        assert outside.read()[0]["kind"].tolist() == expected
        abi(2).callbacks["TinyBook"](feed.callbacks()["TinyBook"])(asset, 5432.5, 1, 0)
        events, lost = outside.read()
        assert (events["kind"].tolist(), events["sequence"].tolist(), lost) == (
            [Kind.QUOTE],
            [len(expected)],
            0,
        )
        feed.close()
        del feed  # its readers keep the file until then


def test_what_a_callback_raises_stays_inside(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    feed = make_feed(2, native=False)
    feed.add_instrument("WDOV26", "F", 3, 0.5)
    feed.set_exchange_time(1)

    def fail(*_: object) -> None:
        raise RuntimeError("a test asked for this")

    monkeypatch.setattr("quantumtrader.profitdll.ctypes_feed.update", fail)
    assert _offers.update is not fail
    asset = abi(2).new("TAssetIDRec", pwcTicker="WDOV26", pwcBolsa="F")
    offer = abi(2).callbacks["OfferBookV2"](feed.callbacks()["OfferBookV2"])
    with caplog.at_level(logging.ERROR):
        offer(asset, 0, 0, 0, 1, 1, 1, 5432.5, 1, 1, 0, 1, 1, ctypes.c_void_p(None), None, None)
    assert "a test asked for this" in caplog.text
    assert feed.read()["kind"].tolist() == [Kind.GAP]
    assert [m[0] for m in feed.take_messages()] == ["faulty"]
    assert feed.counters()["panics"] == 1


def test_readers_that_nobody_holds_cost_nothing() -> None:
    ring, lock = Ring(1 << 12), Lock()
    record = (0,) * 16
    for n in range(1 << 12):
        ring.push((*record[:2], n, *record[3:]))
    kept = ring.reader(lock)
    tracemalloc.start()
    try:
        for _ in range(200):
            ring.reader(lock)
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    ring.push((*record[:2], 1 << 12, *record[3:]))
    events, lost = kept.read()
    assert (len(events), lost) == (1 << 12, 1)
