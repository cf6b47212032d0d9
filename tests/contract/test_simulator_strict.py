"""What strict mode catches, and that the border holds."""

from __future__ import annotations

import ctypes
import json
import time
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_void_p
from pathlib import Path

import pytest

from contract.simulator_client import (
    FOLDER,
    NL_OK,
    SUFFIX,
    Trade,
    f64,
    i32,
    i64,
    nl,
    open_client,
    session,
    u16,
    u32,
)

LOCKSTEP = "[market]\nmax_events = 3000\n"


@pytest.fixture(params=[2, 4], ids=["utf16", "wchar32"])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_every_function_of_the_table_is_exported(width: int, root: Path) -> None:
    table = json.loads((root / "python/quantumtrader/_generated/profitdll.json").read_text("utf-8"))
    names = [function["name"] for function in table["functions"]]
    assert len(names) > 100
    with open_client(width) as client:
        missing = [name for name in names if not hasattr(client.lib, name)]
    assert not missing


def test_requests_from_a_callback_are_refused(width: int) -> None:
    codes = []
    with session(width, LOCKSTEP, "Trade") as client:
        client.inside["Trade"] = lambda *_: codes.append(
            (
                client.call("SubscribeOfferBook", "WDOU25", "F"),
                client.call("QtSimStep", i64(1), result=i64),
                client.call("DLLFinalize"),
            )
        )
        client.call("SubscribeTicker", "WDOU25", "F")
        client.step(100)
        assert set(codes) == {(nl(0x2B), nl(0x2B), nl(0x2B))}
        assert client.sins()["request_in_callback"] == 3 * len(codes)


def test_accessors_of_the_official_examples_are_permitted() -> None:
    counts = []
    with session(2, LOCKSTEP, "PriceDepth") as client:
        asset = client.asset_id("WDOU25")
        client.inside["PriceDepth"] = lambda asset, side, *_: counts.append(
            client.call("GetPriceDepthSideCount", byref(asset), side)
        )
        client.call("SubscribePriceDepth", byref(asset))
        client.step(200)
        assert max(counts) > 5
        assert client.sins().keys() <= {"reinitialised"}


def test_a_lax_library_lets_requests_through() -> None:
    codes = []
    with session(2, LOCKSTEP + "[strict]\nenabled = false", "Trade") as client:
        client.inside["Trade"] = lambda *_: codes.append(client.call("SubscribeOfferBook", "WDOU25", "F"))
        client.call("SubscribeTicker", "WDOU25", "F")
        client.step(100)
        assert set(codes) == {NL_OK}
        assert client.sins() == {}


def test_trades_translate_inside_their_callback_only(width: int) -> None:
    handles: list[int] = []
    with session(width, LOCKSTEP, "TradeV2") as client:
        client.inside["TradeV2"] = lambda _, handle, __: handles.append(handle)
        client.call("SubscribeTicker", "WDOU25", "F")
        client.step(100)
        assert len(set(handles)) == len(handles) > 2
        out = Trade()
        for handle in (handles[0], handles[-1], None):
            assert client.call("TranslateTrade", c_void_p(handle), byref(out)) == nl(3)
        assert client.sins()["translate_outside_callback"] == 3


def test_text_kept_after_its_callback_is_poison(width: int) -> None:
    kept: list[int] = []
    with session(width, LOCKSTEP, "Trade") as client:
        client.inside["Trade"] = lambda asset, *_: kept.append(asset.ticker)
        client.call("SubscribeTicker", "WDOU25", "F")
        client.step(100)
        assert client.read(kept[-1]) == "☠" * 6
        # Handed back to the library it is caught.
        client.call("SubscribeTicker", c_void_p(kept[-1]), "F")
        assert client.sins()["pointer_kept"] == 1


def test_frees_are_judged(width: int) -> None:
    blobs: list[int] = []
    with session(width, LOCKSTEP, "OfferBookV2") as client:
        client.take_blob = lambda pointer: blobs.append(pointer)  # type: ignore[method-assign]
        client.step(100)
        client.call("SubscribeOfferBook", "WDOU25", "F")
        client.step(1)
        sizes = [int.from_bytes(ctypes.string_at(b + 4, 4), "little") for b in blobs if b]
        blobs[:] = [b for b in blobs if b]
        assert len(blobs) >= 2
        assert client.report()["leaks"]["blobs"] == len(blobs)
        assert client.call("FreePointer", c_void_p(blobs[0]), sizes[0]) == NL_OK
        assert client.call("FreePointer", c_void_p(blobs[0]), sizes[0]) == nl(3)
        assert client.call("FreePointer", c_void_p(0x1234), 8) == nl(3)
        assert client.call("FreePointer", c_void_p(blobs[1]), sizes[1] + 1) == NL_OK
        sins = client.sins()
        assert (sins["double_free"], sins["wrong_free"], sins["wrong_free_size"]) == (1, 1, 1)
        left = len(blobs) - 2
        client.close()
        assert client.report()["leaks"]["blobs"] == left
        assert client.sins().get("leak", 0) == (1 if left else 0)


def test_a_slow_callback_is_counted() -> None:
    with session(2, LOCKSTEP + "[strict]\nslow_callback_ms = 20", "Daily") as client:
        client.inside["Daily"] = lambda *_: time.sleep(0.05)
        client.call("SubscribeTicker", "WDOU25", "F")
        client.step(3)
        assert client.report()["sins"]["slow_callback"]["count"] >= 1
        assert "daily took" in client.report()["sins"]["slow_callback"]["first"]


def test_both_versions_fire_and_are_a_sin(width: int) -> None:
    with session(width, LOCKSTEP, "OfferBook", "OfferBookV2") as client:
        client.call("SubscribeOfferBook", "WDOU25", "F")
        client.step(300)
        old, new = client.of("OfferBook"), client.of("OfferBookV2")
        changes = [e[1:] for e in old if e[2] != 4]
        assert changes == [e[1:] for e in new if e[2] != 4]
        assert len(changes) > 50
        assert client.sins()["both_versions"] == 1


def test_early_setters_can_be_dropped() -> None:
    with open_client(2) as client:
        client.configure(LOCKSTEP + "[strict]\ndrop_early_setters = true")
        client.register("State", "Trade")
        state = client.keep["State"]
        name = "DLLInitializeMarketLogin"
        assert client.call(name, "key", "user", "password", state, *(None,) * 7) == NL_OK
        client.wait_for(lambda: ("State", 2, 4) in client.events)
        client.call("SubscribeTicker", "WDOU25", "F")
        client.step(100)
        assert not client.of("Trade")
        assert client.sins()["early_setter"] == 2
        client.register("Trade")
        client.step(100)
        assert client.of("Trade")


def test_nonsense_arguments_are_answered(width: int) -> None:
    with session(width, LOCKSTEP) as client:
        null = None
        assert client.call("SubscribeTicker", null, null) == nl(3)
        assert client.call("SubscribePriceDepth", null) == nl(3)
        assert client.call("GetPriceGroup", null, 0, 0, null) == nl(3)
        assert client.call("GetPriceDepthSideCount", null, 7) == nl(3)
        assert client.call("GetHistoryTrades", "WDOU25", "F", "yesterday", "") == nl(3)
        assert client.call("GetAgentName", -1, 3, null, 0) == nl(3)
        wrong = client.asset_id("WDOU25")
        wrong.version = 9
        assert client.call("SubscribePriceDepth", byref(wrong)) == nl(3)
        assert client.call("GetServerClock", *(null,) * 8) == NL_OK
        for name in ("InitializeCustom", "GetSerieHistory"):
            assert client.call(name, *(null,) * 2 if name[0] == "I" else (null,) * 6) == nl(0x12)


# ---- an unmodified ctypes client: c_wchar_p, by-value structs, as the vendor's example declares them


class TAssetID(Structure):
    _fields_ = [("ticker", ctypes.c_wchar_p), ("bolsa", ctypes.c_wchar_p), ("feed", ctypes.c_int)]


class TConnectorAssetIdentifier(Structure):
    _fields_ = [
        ("Version", ctypes.c_ubyte),
        ("Ticker", ctypes.c_wchar_p),
        ("Exchange", ctypes.c_wchar_p),
        ("FeedType", ctypes.c_ubyte),
    ]


def test_an_unmodified_ctypes_client_works_with_the_wide_flavour() -> None:
    path = FOLDER / f"libprofitdll_sim32{SUFFIX}"
    if not path.exists():
        pytest.skip(f"{path.name} is not built: run `make build` with cargo on the path")
    if ctypes.sizeof(ctypes.c_wchar) != 4:
        pytest.skip("wchar_t has 2 bytes here: such a client uses the UTF-16 flavour")
    dll = ctypes.CDLL(str(path))
    text = ctypes.c_wchar_p
    states, trades, translated, books = [], [], [], []

    @CFUNCTYPE(None, i32, i32)
    def on_state(kind, result):
        states.append((kind, result))

    @CFUNCTYPE(None, TAssetID, text, u32, f64, f64, i32, i32, i32, i32, u16)
    def on_trade(asset, date, number, price, volume, qty, buyer, seller, kind, edit):
        trades.append((asset.ticker, asset.bolsa, date, number, price, qty))

    @CFUNCTYPE(None, TConnectorAssetIdentifier, ctypes.c_size_t, u32)
    def on_trade_v2(asset, handle, flags):
        trade = Trade()
        if dll.TranslateTrade(ctypes.c_size_t(handle), byref(trade)) == 0:
            translated.append((asset.Ticker, asset.Exchange, trade.number, trade.price, trade.quantity))

    @CFUNCTYPE(
        None,
        TAssetID,
        i32,
        i32,
        i32,
        i64,
        i32,
        i64,
        f64,
        ctypes.c_char,
        ctypes.c_char,
        ctypes.c_char,
        ctypes.c_char,
        ctypes.c_char,
        text,
        POINTER(ctypes.c_int),
        POINTER(ctypes.c_int),
    )
    def on_book(asset, action, position, side, qty, agent, offer, price, *rest):
        books.append((asset.ticker, action, rest[0]))
        for array in rest[-2:]:
            if array:
                dll.FreePointer(array, array[1])

    @CFUNCTYPE(None, TAssetID, *(f64,) * 0, text, *(f64,) * 10, *(i32,) * 7)
    def nothing(*_):
        pass

    scenario = (LOCKSTEP + "[strict]\nslow_callback_ms = 1000").encode()
    assert dll.QtSimConfigure(scenario, i64(len(scenario))) == 0
    dll.DLLInitializeMarketLogin.argtypes = [text, text, text, *(c_void_p,) * 8]
    dll.QtSimStep.restype = ctypes.c_int64
    pointer = lambda callback: ctypes.cast(callback, c_void_p)  # noqa: E731
    slots = [pointer(on_state), pointer(on_trade), pointer(nothing), *(None,) * 5]
    try:
        assert dll.DLLInitializeMarketLogin("key", "user", "password", *slots) == 0
        assert dll.SetTradeCallbackV2(on_trade_v2) == 0
        assert dll.SetOfferBookCallbackV2(on_book) == 0
        deadline = time.monotonic() + 20
        while (2, 4) not in states and time.monotonic() < deadline:
            time.sleep(0.005)
        assert dll.SubscribeTicker(text("WDOU25"), text("F")) == 0
        assert dll.SubscribeOfferBook(text("WDOU25"), text("F")) == 0
        assert dll.QtSimStep(i64(1000)) >= 1000
    finally:
        dll.DLLFinalize()
    assert {t[:2] for t in trades} == {("WDOU25", "F")}
    assert len(trades[0][2]) == 23
    assert [(t[0], t[1], t[3], t[4], t[5]) for t in trades] == translated
    assert {b[0] for b in books} == {"WDOU25"}
    assert {b[1] for b in books} == {0, 1, 2, 3, 4}
    assert all(b[2] == b"\x01" for b in books if b[1] == 0)
