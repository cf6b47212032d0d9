"""The native feed and the one in Python write the same records and messages, whatever the library calls with."""

from __future__ import annotations

import ctypes
import random
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from quantumtrader.profitdll.abi import abi, declarations
from quantumtrader.profitdll.ctypes_feed import CtypesFeed
from quantumtrader.profitdll.feed import MESSAGES, FeedProtocol
from quantumtrader.types import EVENT, Action, Events, Kind

rust: Any = pytest.importorskip("quantumtrader._core", reason="the compiled engine is not installed")

DATES = (
    "11/09/2026 09:30:00.123",
    "11/09/2026 10:00:00:999",
    "11/09/2026",
    "12/09/2026 09:00:00",
    "",
    "no date",
)
PRICES = (5432.5, 5433.0, 5000.0, 5432.25, 0.0, -1.0, float("nan"), float("inf"), float("-inf"), 1e300)
SIZES = (1, 2, 50, 2**31 - 1, 0, -1, 2**31, -(2**40))
TICKERS = ("WDOV26", "WDOV26", "WDOV26", "WINV26", "ABEV3", "WDOX26", None)


class Library:
    """What the callbacks are called with, and the functions that the feed calls back."""

    def __init__(self, width: int, seed: int) -> None:
        self.abi = abi(width)
        self.random = random.Random(seed)
        self.pages = seed % 2 == 0
        self.freed: list[tuple[int, int]] = []
        self.ladder: list[list[tuple[float, int, int, int]]] = [[], []]
        self.kept: list[Any] = []
        self.functions = {name: self._function(name) for name in ("TranslateTrade", "FreePointer")}
        for name in ("GetPriceDepthSideCount", "GetPriceGroup", "GetTheoreticalValues"):
            self.functions[name] = self._function(name)

    def _function(self, name: str) -> Any:
        i32, ptr, u8 = ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint8
        types = {
            "TranslateTrade": (ptr, ptr),
            "FreePointer": (ptr, i32),
            "GetPriceDepthSideCount": (ptr, u8),
            "GetPriceGroup": (ptr, u8, i32, ptr),
            "GetTheoreticalValues": (ptr, ptr, ptr),
        }
        return ctypes.CFUNCTYPE(i32, *types[name])(getattr(self, f"_{name}"))

    def _TranslateTrade(self, handle: int, out: int) -> int:
        size = ctypes.sizeof(self.abi.structs["TConnectorTrade"])
        ctypes.memmove(out, handle, size)
        return -5 if self.abi.structs["TConnectorTrade"].from_address(handle).Price == -7.0 else 0

    def _FreePointer(self, array: int, size: int) -> int:
        self.freed.append((array, size))
        return 0

    def _GetPriceDepthSideCount(self, asset: int, side: int) -> int:
        return len(self.ladder[side])

    def _GetPriceGroup(self, asset: int, side: int, at: int, out: int) -> int:
        if at >= len(self.ladder[side]):
            return -1
        group = self.abi.structs["TConnectorPriceGroup"].from_address(out)
        group.Price, group.Quantity, group.Count, group.PriceGroupFlags = self.ladder[side][at]
        return 0

    def _GetTheoreticalValues(self, asset: int, price: int, qty: int) -> int:
        ctypes.c_double.from_address(price).value = 5432.5
        ctypes.c_int64.from_address(qty).value = 2**40
        return 0

    def addresses(self) -> dict[str, int]:
        """Addresses of the functions."""
        return {name: ctypes.cast(f, ctypes.c_void_p).value or 0 for name, f in self.functions.items()}

    def text(self, text: str | None) -> int | None:
        """Address of a text."""
        if text is None:
            return None
        array = self.abi.encode(text)
        self.kept.append(array)
        return ctypes.addressof(array)

    def asset(self, ticker: str | None) -> Any:
        """Return an asset of the older kind."""
        return self.abi.structs["TAssetIDRec"](self.text(ticker), self.text("F"), 0)

    def identifier(self, ticker: str | None) -> Any:
        """Return an asset of the newer kind."""
        return self.abi.structs["TConnectorAssetIdentifier"](0, self.text(ticker), self.text("F"), 0)

    def blob(self, version: int) -> int | None:
        """Return one side of a full image, sometimes broken."""
        r = self.random
        if r.random() < 0.15:
            return None
        out = b""
        count = r.randrange(6)
        bad = r.random() < 0.15
        for _ in range(count):
            price = r.choice(PRICES) if bad else 5400.0 + r.randrange(100) * 0.5
            qty = r.choice(SIZES[:6]) if bad else r.randrange(1, 99)
            date = r.choice(DATES).encode()
            head = struct.pack("<d" + ("i" if version == 1 else "q"), price, qty)
            out += head + struct.pack("<iqH", r.randrange(300), r.randrange(2**40), len(date)) + date
        if r.random() < 0.9:
            out += struct.pack("<I", r.choice((0, 1, 2, 3, 3, 3) if self.pages else (0, 1)))
        count = r.choice((count, -1, 2**31 - 1, count + 1)) if r.random() < 0.1 else count
        total = r.choice((-1, 0, 7, 9, 2**31 - 1)) if r.random() < 0.1 else len(out) + 8
        array = ctypes.create_string_buffer(struct.pack("<ii", count, total) + out)
        self.kept.append(array)
        return ctypes.addressof(array)

    def calls(self, n: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Yield random callbacks: the slot, and the arguments."""
        r = self.random
        makers = [getattr(self, name) for name in dir(self) if name.startswith("make_")]
        for _ in range(n):
            yield r.choice(makers)()

    def make_trade(self) -> tuple[str, tuple[Any, ...]]:
        r = self.random
        slot = r.choice(("NewTrade", "NewTrade", "HistoryTrade"))
        price = r.choice(PRICES) if r.random() < 0.2 else 5000 + r.randrange(2000) * 0.5
        qty = r.choice((1, 5, 2**31 - 1, 0, -1))
        args: tuple[Any, ...] = (
            self.asset(r.choice(TICKERS)),
            self.text(r.choice((*DATES, None))),
            r.randrange(2**32),
        )
        args += (price, 1e6, qty, r.randrange(-3, 300), r.randrange(300), r.randrange(-1, 40))
        return slot, args + ((r.choice((0, 0, 1, 0x100)),) if slot == "NewTrade" else ())

    def make_trade_v2(self) -> tuple[str, tuple[Any, ...]]:
        r = self.random
        trade = self.abi.structs["TConnectorTrade"]()
        date = trade.TradeDate
        if r.random() < 0.9:
            date.wYear, date.wMonth, date.wDay = 2026, r.choice((9, 9, 13)), 11
            date.wHour, date.wMinute, date.wSecond, date.wMilliseconds = (
                r.randrange(25),
                59,
                59,
                r.randrange(1000),
            )
        trade.Price = r.choice((*PRICES, -7.0)) if r.random() < 0.2 else 5000 + r.randrange(2000) * 0.5
        trade.Quantity, trade.TradeType, trade.TradeNumber = (
            r.choice(SIZES),
            r.randrange(256),
            r.randrange(2**32),
        )
        trade.BuyAgent, trade.SellAgent = r.randrange(300), r.randrange(300)
        self.kept.append(trade)
        slot = r.choice(("ConnectorTrade", "ConnectorTrade", "HistoryTradeV2"))
        return slot, (self.identifier(r.choice(TICKERS)), ctypes.addressof(trade), r.randrange(4))

    def make_tiny(self) -> tuple[str, tuple[Any, ...]]:
        r = self.random
        price = r.choice((*PRICES, 5432.0, 5433.5))
        return "TinyBook", (
            self.asset(r.choice(TICKERS)),
            price,
            r.choice((1, 7, 0, -1)),
            r.choice((0, 1, 0, 1, 2)),
        )

    def make_offer(self) -> tuple[str, tuple[Any, ...]]:
        r = self.random
        version = r.choice((1, 2))
        action = r.choice((0, 0, 0, 1, 1, 2, 3, 4, 4, 5, -1))
        full = action == 4
        sell, buy = (self.blob(version), self.blob(version)) if full or r.random() < 0.02 else (None, None)
        price = r.choice(PRICES) if r.random() < 0.05 else 5000 + r.randrange(2000) * 0.5
        qty = r.choice(SIZES) if r.random() < 0.1 else r.randrange(1, 50)
        if version == 1:
            qty = max(min(qty, 2**31 - 1), -(2**31))
        args: tuple[Any, ...] = (
            self.asset(r.choice(TICKERS)),
            action,
            r.choice((0, 1, 2, 30, -1)),
            r.choice((0, 1, 1, 0, 3)),
        )
        args += (qty, r.randrange(300), r.randrange(2**50), price, *(r.choice((0, 1)) for _ in range(5)))
        return ("OfferBook" if version == 1 else "OfferBookV2"), (
            *args,
            self.text(r.choice(DATES)),
            sell,
            buy,
        )

    def make_price_book(self) -> tuple[str, tuple[Any, ...]]:
        arrays = self.blob(1), self.blob(1)
        return self.random.choice(("PriceBook", "PriceBookV2")), (
            self.asset("WDOV26"),
            4,
            0,
            0,
            0,
            0,
            0.0,
            *arrays,
        )

    def make_depth(self) -> tuple[str, tuple[Any, ...]]:
        r = self.random
        if r.random() < 0.8:
            for side in (0, 1):
                levels = sorted(r.sample(range(40), r.randrange(12)), reverse=side == 0)
                self.ladder[side] = [
                    (5400 + k * 0.5, r.randrange(1, 9), r.randrange(1, 4), 0) for k in levels
                ]
                if r.random() < 0.1:
                    self.ladder[side].insert(0, (float("-inf"), 0, 0, 1))
                if r.random() < 0.1:
                    self.ladder[side].append((r.choice(PRICES), r.choice(SIZES[:6]), 2**32 - 1, 0))
        kind = r.choice((0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9))
        return "PriceDepth", (
            self.identifier(r.choice(TICKERS)),
            r.choice((0, 1, 0, 1, 2)),
            r.randrange(-1, 12),
            kind,
        )

    def make_state(self) -> tuple[str, tuple[Any, ...]]:
        return "State", (self.random.choice((0, 1, 2, 2, 2)), self.random.choice((0, 1, 4, 4, 5)))

    def make_ticker_state(self) -> tuple[str, tuple[Any, ...]]:
        r = self.random
        states = (0, 2, 3, 4, 6, 10, 13, 255)
        return "ChangeStateTicker", (
            self.asset(r.choice(TICKERS)),
            self.text(r.choice(DATES)),
            r.choice(states),
        )

    def make_daily(self) -> tuple[str, tuple[Any, ...]]:
        r = self.random
        numbers = [r.random() for _ in range(10)] + [r.randrange(10**6) for _ in range(7)]
        return "Daily", (self.asset(r.choice(TICKERS)), self.text(r.choice((*DATES, None))), *numbers)

    def make_message(self) -> tuple[str, tuple[Any, ...]]:
        """Any callback that is handed on, with random arguments of its types."""
        special = {"State", "NewTrade", "HistoryTrade", "ConnectorTrade", "TinyBook", "Daily", "PriceDepth"}
        special |= {"PriceBook", "PriceBookV2", "OfferBook", "OfferBookV2", "ChangeStateTicker"}
        plain = [
            t for t in declarations()["callbacks"] if t["name"] not in special and t["returns"] == "void"
        ]
        table = self.random.choice(plain)
        return table["name"], tuple(self.value(ty) for _, ty in table["args"])

    def value(self, ty: str) -> Any:
        """Return a random value of a type."""
        r = self.random
        if ty == "text":
            return self.text(r.choice(("", "Fulano", "Ações à vista", "𝄞", None)))
        if ty == "f64":
            return r.random()
        if ty.startswith("*"):
            made = self.value(ty[1:])
            self.kept.append(made)
            return ctypes.pointer(made)
        if ty in self.abi.structs:
            table = next(t for t in declarations()["structs"] if t["name"] == ty)
            return self.abi.structs[ty](*(self.value(field["type"]) for field in table["fields"]))
        return r.randrange({"u8": 256, "u16": 65536, "i32": 2**31, "u32": 2**32, "i64": 2**63}[ty])


class Client:
    """A feed with its callbacks as functions."""

    def __init__(self, feed: FeedProtocol, library: Library) -> None:
        self.feed = feed
        feed.set_functions(library.addresses())
        feed.set_exchange_time(1_789_000_000_000_000_000)
        for index, (ticker, tick) in enumerate((("WDOV26", 0.5), ("WINV26", 5.0), ("ABEV3", 0.01)), start=3):
            feed.add_instrument(ticker, "B" if ticker == "ABEV3" else "F", index, tick)
        types = library.abi.callbacks
        self._functions = {
            name: types["ConnectorTrade" if name == "HistoryTradeV2" else name](address)
            for name, address in feed.callbacks().items()
            if not name.startswith("Set")
        }

    def call(self, slot: str, args: tuple[Any, ...]) -> None:
        """Call as the library would."""
        self._functions[slot](*args)


@pytest.fixture(params=[2, 4], ids=["utf16", "utf32"])
def width(request: pytest.FixtureRequest) -> int:
    """Bytes per unit of the library's strings."""
    return int(request.param)


def without_receive_time(events: Events) -> Events:
    """Return events with ``ts_recv`` 0."""
    out = events.copy()
    out["ts_recv"] = 0
    return out


@pytest.mark.parametrize("edit_is_change", [True, False], ids=["change", "size"])
@pytest.mark.parametrize("seed", range(3))
def test_random_callbacks(width: int, seed: int, edit_is_change: bool) -> None:
    library = Library(width, seed)
    native = rust.ProfitFeed(width, edit_is_change=edit_is_change, messages=256)
    try:
        clients = [
            Client(native, library),
            Client(CtypesFeed(width, edit_is_change=edit_is_change, messages=256), library),
        ]
        kinds = set()
        for n, (slot, args) in enumerate(library.calls(6_500)):
            for client in clients:
                client.call(slot, args)
            if n % 50 == 49:
                one, two = (client.feed.take_messages() for client in clients)
                assert [repr((m[0], *m[2:])) for m in one] == [repr((m[0], *m[2:])) for m in two]
                assert all(len(m) - 2 in (len(MESSAGES[m[0]]), 0) for m in one)
                kinds |= {m[0] for m in one}
                library.kept.clear()
        one, two = (without_receive_time(client.feed.read(1 << 20)) for client in clients)
        np.testing.assert_array_equal(one, two)
        assert set(one["kind"].tolist()) == {
            Kind.TRADE,
            Kind.QUOTE,
            Kind.LEVEL,
            Kind.ORDER,
            Kind.SESSION,
            Kind.GAP,
        }
        actions = set(Action) - {Action.NONE} - ({Action.CLEAR} if library.pages else set())
        assert set(one[one["kind"] == Kind.ORDER]["action"].tolist()) == actions
        assert len(one) > 5_000
        one, two = (without_receive_time(client.feed.history.read()[0]) for client in clients)
        np.testing.assert_array_equal(one, two)
        assert len(one) > 50
        counts = [client.feed.counters() for client in clients]
        assert counts[0] == counts[1]
        assert len(library.freed) == 2 * counts[0]["freed"]
        never = {"undated", "unfreed", "messages_lost", "clock_back", "panics", "missed", "lost"}
        assert {name for name, count in counts[0].items() if count == 0} == never
        assert kinds == set(MESSAGES) - {"overflow", "faulty", "missed", "unfreed", "depth_errors"}
    finally:
        native.close()


@pytest.mark.parametrize("seed", range(4))
def test_the_ladder_follows_a_library_that_is_ahead(width: int, seed: int) -> None:
    """Notifications come late, so what is read is newer; when all have come, book and library agree."""
    library = Library(width, seed)
    r = library.random
    native = rust.ProfitFeed(width)
    try:
        clients = [Client(native, library), Client(CtypesFeed(width), library)]
        asset = library.identifier("WDOV26")
        book = rust.L2Book()
        late: list[tuple[int, int, int]] = []
        for client in clients:
            client.call("PriceDepth", (asset, 0, 0, 4))
        for round_ in range(400):
            for _ in range(r.randrange(1, 30)):
                if r.random() < 0.6:
                    late.append(change(r, library.ladder))
                elif late:
                    for client in clients:
                        client.call("PriceDepth", (asset, *late[0]))
                    late.pop(0)
            if round_ % 4 == 3:
                for notice in late:
                    for client in clients:
                        client.call("PriceDepth", (asset, *notice))
                late.clear()
                one, two = (without_receive_time(client.feed.read(1 << 20)) for client in clients)
                np.testing.assert_array_equal(one, two)
                book.update_many(one)
                assert book.valid
                assert book.rejected == 0
                bid_px, bid_sz, ask_px, ask_sz = (column.tolist() for column in book.depth(60))
                for side, px, size in ((0, bid_px, bid_sz), (1, ask_px, ask_sz)):
                    expected = [(round(price * 2), qty) for price, qty, _, _ in library.ladder[side]]
                    assert list(zip(px, size, strict=True))[: len(expected)] == expected
                    assert size[len(expected) :] == [0] * (60 - len(expected))
    finally:
        native.close()


def change(r: random.Random, ladder: list[list[tuple[float, int, int, int]]]) -> tuple[int, int, int]:
    """Change one level, and return what the library says about it."""
    side = r.randrange(2)
    levels = ladder[side]
    at = r.randrange(len(levels)) if levels else 0
    if levels and r.random() < 0.5:
        levels[at] = (levels[at][0], r.randrange(1, 9), r.randrange(1, 4), 0)
        return side, at, 1
    if len(levels) > 12 or (levels and r.random() < 0.4):
        if r.random() < 0.2:
            del levels[: at + 1]
            return side, at, 8
        del levels[at]
        return side, at, 2
    price = 5400 + r.randrange(40) * 0.5
    order = [level[0] for level in levels]
    if price in order:
        return side, order.index(price), 1
    at = sum(p > price if side == 0 else p < price for p in order)
    levels.insert(at, (price, r.randrange(1, 9), 1, 0))
    return side, at, r.choice((0, 3))


def test_a_slow_reader_is_told_what_it_missed(width: int) -> None:
    library = Library(width, 0)
    native = rust.ProfitFeed(width, capacity=8, history_capacity=2)
    try:
        for client in (
            Client(native, library),
            Client(CtypesFeed(width, capacity=8, history_capacity=2), library),
        ):
            other = client.feed.reader()
            trade = (library.asset("WDOV26"), library.text(DATES[0]), 1, 5432.5, 1.0, 1, 1, 1, 2)
            for _ in range(5):
                client.call("NewTrade", (*trade, 0))
            assert len(client.feed.read(2)) == 2
            for _ in range(20):
                client.call("NewTrade", (*trade, 0))
                client.call("HistoryTrade", trade)
            assert (client.feed.history.behind, other.behind) == (20, 25)
            events = client.feed.read()
            assert events.dtype == EVENT
            gaps, trades = events[:3], events[3:]
            assert gaps["kind"].tolist() == [Kind.GAP] * 3
            assert gaps["instrument"].tolist() == [3, 4, 5]
            assert gaps["size"].tolist() == [15] * 3
            assert gaps["sequence"].tolist() == [16] * 3
            assert (gaps["ts_recv"] == trades["ts_recv"][0]).all()
            assert trades["sequence"].tolist() == list(range(17, 25))
            assert client.feed.counters()["lost"] == 15
            events, lost = other.read(3)
            assert (events["sequence"].tolist(), lost) == ([17, 18, 19], 17)
            other.skip_to_end()
            assert (other.behind, len(other.read()[0]), len(client.feed.read())) == (0, 0, 0)
            events, lost = client.feed.history.read()
            assert (len(events), lost) == (2, 18)
    finally:
        native.close()


def test_a_loss_without_room_for_an_event_is_told_by_the_next_read(width: int) -> None:
    library = Library(width, 0)
    native = rust.ProfitFeed(width, capacity=8)
    try:
        for client in (Client(native, library), Client(CtypesFeed(width, capacity=8), library)):
            trade = (library.asset("WDOV26"), library.text(DATES[0]), 1, 5432.5, 1.0, 1, 1, 1, 2)
            for _ in range(20):
                client.call("NewTrade", (*trade, 0))
            other = client.feed.reader()
            assert len(client.feed.read(0)) == 0
            assert client.feed.counters()["lost"] == 0
            events = client.feed.read()
            assert events["kind"].tolist() == [Kind.GAP] * 3 + [Kind.TRADE] * 8
            assert events["sequence"].tolist() == [11, 11, 11, *range(12, 20)]
            assert (events["ts_event"] == events["ts_event"][3]).all()
            assert client.feed.counters()["lost"] == 12
            for _ in range(9):
                client.call("NewTrade", (*trade, 0))
            assert (len(other.read(0)[0]), other.read(0)[1], other.read(1)[1]) == (0, 0, 9)
    finally:
        native.close()


def test_threads_share_a_feed(width: int) -> None:
    """While one thread reads, the others may do everything else."""
    library = Library(width, 0)
    native = rust.ProfitFeed(width)
    try:
        client = Client(native, library)
        trade = (library.asset("WDOV26"), library.text(DATES[0]), 1, 5432.5, 1.0, 1, 1, 1, 2)
        reader, stop, failures, read = native.reader(), threading.Event(), list[BaseException](), [0]

        def keep(act: Callable[[], object]) -> None:
            try:
                while not stop.is_set():
                    act()
            except BaseException as error:
                failures.append(error)

        def count() -> None:
            read[0] += len(native.read())

        acts: list[Callable[[], object]] = [count, native.read, native.counters, native.take_messages]
        acts += [lambda: reader.behind, reader.read, native.reader, lambda: native.history.behind]
        threads = [threading.Thread(target=keep, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for n in range(3_000):
            client.call("NewTrade", (*trade, 0))
            if n % 500 == 0:
                native.add_instrument(f"X{n}", "F", 100 + n, 0.5)
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert read[0] <= native.counters()["trades"] == 3_000
    finally:
        native.close()
