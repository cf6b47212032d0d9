"""A ctypes client of the simulated ProfitDLL, declared by hand so that it depends on nothing that it checks.

The true flavour has UTF-16 text, which ``c_wchar_p`` cannot read outside Windows: text goes through
:meth:`Client.wide` and :meth:`Client.read`, in either width.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import sys
import threading
from collections.abc import Callable, Iterator
from ctypes import CFUNCTYPE, Structure, byref
from ctypes import c_double as f64
from ctypes import c_int32 as i32
from ctypes import c_int64 as i64
from ctypes import c_uint8 as u8
from ctypes import c_uint16 as u16
from ctypes import c_uint32 as u32
from ctypes import c_void_p as ptr
from pathlib import Path
from typing import Any

import pytest

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
FOLDER = Path(__file__).parents[2] / "python" / "quantumtrader" / "profitdll" / "simulator"

NL_OK = 0
TIMEOUT_S = 20.0


def nl(n: int) -> int:
    """The error ``0x80000000 + n`` as the signed number that functions return."""
    return n - 0x80000000


class Asset(Structure):
    _fields_ = [("ticker", ptr), ("exchange", ptr), ("feed", i32)]


class AssetId(Structure):
    _fields_ = [("version", u8), ("ticker", ptr), ("exchange", ptr), ("feed", u8)]


class SystemTime(Structure):
    _fields_ = [(n, u16) for n in ("year", "month", "weekday", "day", "hour", "minute", "second", "ms")]


class Trade(Structure):
    _fields_ = [
        ("version", u8),
        ("date", SystemTime),
        ("number", u32),
        ("price", f64),
        ("quantity", i64),
        ("volume", f64),
        ("buyer", i32),
        ("seller", i32),
        ("type", u8),
    ]


class Group(Structure):
    _fields_ = [("version", u8), ("price", f64), ("count", u32), ("quantity", i64), ("flags", u32)]


class TrueOffer(Structure):
    _fields_ = [
        ("price", f64),
        ("quantity", i64),
        ("offer_id", i64),
        ("ts_ns", i64),
        ("agent", i32),
        ("px_ticks", i32),
    ]


def _f(*args: Any) -> Any:
    return CFUNCTYPE(None, *args)


_OFFER_TAIL = (i32, i64, f64, u16, u16, u16, u16, u16, ptr, ptr, ptr)
_INFO = (Asset, ptr, ptr, i64, i64, i64, i32, i32, f64, f64, ptr, ptr)
TYPES: dict[str, Any] = {
    "State": _f(i32, i32),
    "Health": _f(i32),
    "SerieProgress": _f(Asset, i32),
    "Account": _f(i32, ptr, ptr, ptr),
    "Trade": _f(Asset, ptr, u32, f64, f64, i32, i32, i32, i32, u16),
    "TradeV2": _f(AssetId, ptr, u32),
    "HistoryTrade": _f(Asset, ptr, u32, f64, f64, i32, i32, i32, i32),
    "HistoryTradeV2": _f(AssetId, ptr, u32),
    "ChangeCotation": _f(Asset, ptr, u32, f64),
    "TinyBook": _f(Asset, f64, i32, i32),
    "TheoreticalPrice": _f(Asset, f64, i64),
    "Daily": _f(Asset, ptr, *(f64,) * 10, *(i32,) * 7),
    "PriceBook": _f(Asset, i32, i32, i32, i32, i32, f64, ptr, ptr),
    "PriceBookV2": _f(Asset, i32, i32, i32, i64, i32, f64, ptr, ptr),
    "OfferBook": _f(Asset, i32, i32, i32, i32, *_OFFER_TAIL),
    "OfferBookV2": _f(Asset, i32, i32, i32, i64, *_OFFER_TAIL),
    "PriceDepth": _f(AssetId, u8, i32, u8),
    "InvalidTicker": _f(AssetId),
    "AssetList": _f(Asset, ptr),
    "AssetListInfo": _f(*_INFO),
    "AssetListInfoV2": _f(*_INFO, ptr, ptr, ptr),
    "ChangeStateTicker": _f(Asset, ptr, i32),
    "AdjustHistory": _f(Asset, f64, ptr, ptr, ptr, ptr, ptr, i32),
    "AdjustHistoryV2": _f(Asset, f64, ptr, ptr, ptr, ptr, ptr, u32, f64),
}
"""Callback types by the name in their setter."""


def setter(kind: str) -> str:
    """The function that registers a callback: ``TradeV2`` -> ``SetTradeCallbackV2``."""
    return f"Set{kind.removesuffix('V2')}Callback{'V2' if kind.endswith('V2') else ''}"


class Client:
    """One session of a library: every callback becomes a tuple of plain values in :attr:`events`."""

    def __init__(self, lib: ctypes.CDLL, width: int) -> None:
        self.lib, self.width = lib, width
        self.codec = "utf-16-le" if width == 2 else "utf-32-le"
        self.events: list[tuple[Any, ...]] = []
        self.changed = threading.Condition()
        self.keep: dict[str, Any] = {}
        self.inside: dict[str, Callable[..., None]] = {}
        self.problems: list[BaseException] = []

    # ---- text

    def wide(self, text: str) -> ctypes.Array[ctypes.c_char]:
        """Text for an argument."""
        return ctypes.create_string_buffer(text.encode(self.codec) + b"\0" * self.width)

    def read(self, pointer: int | None) -> str:
        """Text of an argument."""
        if not pointer:
            return ""
        units = []
        while any(unit := ctypes.string_at(pointer + len(units) * self.width, self.width)):
            units.append(unit)
        return b"".join(units).decode(self.codec)

    def asset(self, value: Asset | AssetId) -> str:
        """``TICKER:EXCHANGE``."""
        return f"{self.read(value.ticker)}:{self.read(value.exchange)}"

    def asset_id(self, ticker: str, exchange: str = "F") -> AssetId:
        """An identifier for an argument; it keeps its text alive."""
        texts = self.wide(ticker), self.wide(exchange)
        made = AssetId(0, *(ctypes.addressof(t) for t in texts), 0)
        made.keep = texts
        return made

    # ---- calls

    def call(self, name: str, *args: Any, result: Any = i32) -> Any:
        """Call a function; text is made wide."""
        function = getattr(self.lib, name)
        function.restype = result
        return function(*(self.wide(a) if isinstance(a, str) else a for a in args))

    def register(self, *kinds: str) -> None:
        """Register recording callbacks."""
        for kind in kinds:
            self.keep[kind] = TYPES[kind](self._recorder(kind))
            assert self.call(setter(kind), self.keep[kind]) == NL_OK

    def _recorder(self, kind: str) -> Callable[..., None]:
        def record(*args: Any) -> None:
            try:
                self._record(kind, args)
            except BaseException as error:  # raised again by `close`
                self.problems.append(error)

        return record

    def _record(self, kind: str, args: tuple[Any, ...]) -> None:
        inside = self.inside.get(kind)
        if inside is not None:
            inside(*args)
        types = TYPES[kind]._argtypes_
        plain: list[Any] = []
        for position, (value, declared) in enumerate(zip(args, types, strict=True)):
            if declared in (Asset, AssetId):
                plain.append(self.asset(value))
            elif declared is ptr and kind in ("TradeV2", "HistoryTradeV2"):
                plain.append(self.translate(value))
            elif (
                declared is ptr and kind.startswith(("OfferBook", "PriceBook")) and position > len(types) - 3
            ):
                plain.append(self.take_blob(value))
            elif declared is ptr:
                plain.append(self.read(value))
            else:
                plain.append(value)
        with self.changed:
            self.events.append((kind, *plain))
            self.changed.notify_all()

    def translate(self, handle: int | None) -> tuple[Any, ...]:
        """The trade behind a handle: number, time, price, quantity, volume, buyer, seller, type."""
        out = Trade()
        code = self.call("TranslateTrade", ptr(handle), byref(out))
        assert code == NL_OK, code
        d = out.date
        time = f"{d.day:02}/{d.month:02}/{d.year:04} {d.hour:02}:{d.minute:02}:{d.second:02}.{d.ms:03}"
        return out.number, time, out.price, out.quantity, out.volume, out.buyer, out.seller, out.type

    def take_blob(self, pointer: int | None) -> bytes | None:
        """Bytes of an array of a full book, which is freed."""
        if not pointer:
            return None
        size = int.from_bytes(ctypes.string_at(pointer + 4, 4), "little")
        data = ctypes.string_at(pointer, size)
        assert self.call("FreePointer", ptr(pointer), size) == NL_OK
        return data

    # ---- the session

    def configure(self, toml: str) -> None:
        """Set the scenario."""
        data = toml.encode()
        code = self.call("QtSimConfigure", data, i64(len(data)))
        assert code == NL_OK, self.error()

    def login(self, *, routing: bool = False, slots: tuple[Any, ...] = (None,) * 10) -> int:
        """Initialise with callbacks in no slot but that of the state."""
        self.register("State")
        name = "DLLInitializeLogin" if routing else "DLLInitializeMarketLogin"
        return int(self.call(name, "key", "user", "password", None, *slots[: 10 if routing else 7]))

    def connect(self, toml: str, *kinds: str, routing: bool = False) -> None:
        """Configure, log in, register and wait for the market."""
        self.configure(toml)
        assert self.login(routing=routing) == NL_OK, self.error()
        self.register(*kinds)
        self.wait_for(lambda: ("State", 2, 4) in self.events)

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Wait until a condition on the events holds."""
        with self.changed:
            assert self.changed.wait_for(done, TIMEOUT_S), f"not seen; last events: {self.events[-5:]}"

    def step(self, events: int) -> int:
        """Let the market go on, until its callbacks are delivered."""
        played = int(self.call("QtSimStep", i64(events), result=i64))
        assert played >= 0, self.error()
        return played

    def of(self, *kinds: str) -> list[tuple[Any, ...]]:
        """Events of some kinds."""
        return [e for e in self.events if e[0] in kinds]

    def states(self) -> list[tuple[int, int]]:
        """Connection states, in order."""
        return [(e[1], e[2]) for e in self.of("State")]

    def _text(self, name: str) -> str:
        room = 4096
        while True:  # it may grow between two calls
            buffer = ctypes.create_string_buffer(room)
            size = self.call(name, buffer, i64(room), result=i64)
            if size <= room:
                return buffer.raw[:size].decode()
            room = 2 * size

    def report(self) -> dict[str, Any]:
        """Sins, leaks, counts."""
        return dict(json.loads(self._text("QtSimReport")))

    def sins(self) -> dict[str, int]:
        """Sins and how often, without slow callbacks: Python is slow."""
        found = {name: s["count"] for name, s in self.report()["sins"].items()}
        found.pop("slow_callback", None)
        return found

    def error(self) -> str:
        """What went wrong last."""
        return self._text("QtSimLastError")

    def is_loading(self, ticker: str) -> bool:
        """Whether a full image is under way: there is no book to compare with."""
        name = ticker.encode()
        args = name, i64(len(name)), ctypes.c_int8(0), None, i64(0)
        return bool(self.call("QtSimBook", *args, result=i64) == nl(4))

    def true_book(self, ticker: str, side: int) -> list[tuple[float, int, int, int]]:
        """Price, quantity, agent, id of every offer, worst first."""
        name = ticker.encode()
        args = name, i64(len(name)), ctypes.c_int8(side)
        n = self.call("QtSimBook", *args, None, i64(0), result=i64)
        assert n >= 0
        out = (TrueOffer * max(n, 1))()
        assert self.call("QtSimBook", *args, out, i64(n), result=i64) == n
        return [(o.price, o.quantity, o.agent, o.offer_id) for o in out[:n]]

    def close(self) -> None:
        """Finalise, and raise what failed inside a callback."""
        self.call("DLLFinalize")
        for problem in self.problems:
            raise problem


@contextlib.contextmanager
def open_client(width: int) -> Iterator[Client]:
    """A client of the flavour with this many bytes per character; skips when it is not built."""
    path = FOLDER / f"libprofitdll_sim{width * 8}{SUFFIX}"
    if not path.exists():
        pytest.skip(f"{path.name} is not built: run `make build` with cargo on the path")
    lib = ctypes.CDLL(str(path))
    assert lib.QtSimCharWidth() == width
    client = Client(lib, width)
    try:
        yield client
    finally:
        client.close()


@contextlib.contextmanager
def session(width: int, toml: str, *kinds: str, routing: bool = False) -> Iterator[Client]:
    """A connected client."""
    with open_client(width) as client:
        client.connect(toml, *kinds, routing=routing)
        yield client


class Book:
    """The offer book as a client rebuilds it: one list per side, worst first (buy 0, sell 1)."""

    def __init__(self) -> None:
        self.sides: list[list[list[Any]]] = [[], []]

    def apply(self, event: tuple[Any, ...]) -> None:
        """Apply an ``OfferBook`` or ``OfferBookV2`` event."""
        (_, _, action, position, side, qty, agent, offer_id, price, *has, _date, sell, buy) = event
        if action == 4:
            for s, blob in ((1, sell), (0, buy)):
                if blob is not None:
                    entries, flags = decode_offers(blob, 4 if event[0] == "OfferBook" else 8)
                    if flags & 2 or (not flags & 2 and flags & 1 and not self.paged):
                        self.sides[s] = []
                    self.sides[s] += entries
            self.paged = not flags & 1
            return
        book = self.sides[side]
        index = len(book) - 1 - position
        if action == 0:
            assert 0 <= position <= len(book)
            book.insert(len(book) - position, [price, qty, agent, offer_id])
        elif action == 1:
            entry = book[index]
            assert index >= 0
            entry[1] += qty if has[1] else 0
            for at, flag, value in ((0, has[0], price), (3, has[3], offer_id), (2, has[4], agent)):
                entry[at] = value if flag else entry[at]
        elif action == 2:
            assert index >= 0
            del book[index]
        else:
            assert index >= 0
            del book[index:]

    paged = False

    def lists(self) -> list[list[tuple[Any, ...]]]:
        """Both sides as :meth:`Client.true_book` gives them."""
        return [[tuple(o) for o in side] for side in self.sides]


def decode_offers(blob: bytes, quantity_bytes: int) -> tuple[list[list[Any]], int]:
    """Entries ``[price, qty, agent, id]`` and the flags of an offer-book array."""
    number = lambda at, n: int.from_bytes(blob[at : at + n], "little", signed=True)  # noqa: E731
    entries, at = [], 8
    for _ in range(number(0, 4)):
        price = f64.from_buffer_copy(blob, at).value
        at += 8
        qty, at = number(at, quantity_bytes), at + quantity_bytes
        agent, offer_id, length = number(at, 4), number(at + 4, 8), number(at + 12, 2)
        at += 14 + length
        assert length == 23
        entries.append([price, qty, agent, offer_id])
    assert at + 4 == len(blob) == number(4, 4)
    return entries, number(at, 4)
