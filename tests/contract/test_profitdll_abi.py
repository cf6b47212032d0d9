"""The ctypes declarations against the published layouts, and values through them across the C boundary."""

from __future__ import annotations

import ctypes
import gc
from typing import Any

import pytest

from quantumtrader.profitdll.abi import Abi, abi, declarations

WIDTHS = (2, 4)


@pytest.fixture(params=WIDTHS, ids=["utf16", "utf32"])
def declared(request: pytest.FixtureRequest) -> Abi:
    return abi(request.param)


def test_ctypes_lays_every_struct_out_as_published(declared: Abi) -> None:
    assert declared.layout_errors() == []
    assert len(declared.structs) == len(declarations()["structs"]) == 21


def test_a_wrong_layout_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Abi(2)

    class TConnectorPriceGroup(ctypes.Structure):
        """As the vendor's Python example has it on Windows: 32 bits for the quantity."""

        _fields_ = (
            ("Version", ctypes.c_uint8),
            ("Price", ctypes.c_double),
            ("Count", ctypes.c_uint32),
            ("Quantity", ctypes.c_int32),
            ("PriceGroupFlags", ctypes.c_uint32),
        )

    structs = {**broken.structs, "TConnectorPriceGroup": TConnectorPriceGroup}
    monkeypatch.setattr(broken, "structs", structs)
    assert broken.layout_errors() == [
        "TConnectorPriceGroup.Quantity is 20, expected 24",
        "TConnectorPriceGroup.PriceGroupFlags is 24, expected 32",
        "TConnectorPriceGroup.size is 32, expected 40",
    ]


@pytest.mark.parametrize(
    ("struct", "sizes"),
    [
        ("TConnectorSendOrder", [112, 112, 120]),
        ("TConnectorChangeOrder", [96, 104]),
        ("TConnectorZeroPosition", [88, 96, 104]),
        ("TConnectorTradingAccountPosition", [200, 208, 216]),
        ("TConnectorOrder", [224, 232]),
        ("TConnectorOrderOut", [632, 640]),
        ("SYSTEMTIME", [16]),
    ],
)
def test_sizes_follow_the_version_byte(struct: str, sizes: list[int]) -> None:
    assert abi(2).sizes(struct) == sizes
    wider = 400 if struct == "TConnectorOrderOut" else 0
    assert abi(4).sizes(struct) == [size + wider for size in sizes]


def test_only_two_widths_exist() -> None:
    with pytest.raises(ValueError, match="2 or 4 bytes, not 1"):
        Abi(1)


def test_new_keeps_nested_text_alive(declared: Abi) -> None:
    order = declared.new(
        "TConnectorSendOrder",
        Version=2,
        AccountID={"BrokerID": 32003, "AccountID": "João 1", "SubAccountID": ""},
        AssetID={"Ticker": "WDOV26", "Exchange": "F"},
        Password="segredo",
        Price=-1.0,
        Quantity=3,
    )
    gc.collect()
    churn = [declared.encode("X" * n) for n in range(200)]
    assert declared.text_at(order.AccountID.AccountID) == "João 1"
    assert declared.text_at(order.AccountID.SubAccountID) == ""
    assert declared.text_at(order.AssetID.Ticker) == "WDOV26"
    assert declared.text_at(order.Password) == "segredo"
    assert (order.Version, order.Price, order.Quantity, order.MessageID) == (2, -1.0, 3, 0)
    assert order.AccountID.BrokerID == 32003
    del churn


def test_new_refuses_fields_that_are_not_there(declared: Abi) -> None:
    with pytest.raises(AttributeError, match="TConnectorAssetIdentifier has no field Tiker"):
        declared.new("TConnectorSendOrder", AssetID={"Tiker": "WDOV26"})


def test_buffers_and_inline_text_are_read_to_their_nul(declared: Abi) -> None:
    buffer = declared.buffer(10)
    out = declared.new("TConnectorAssetIdentifierOut", Ticker=buffer, TickerLength=10)
    assert out.Ticker == ctypes.addressof(buffer)
    text = declared.encode("WINV26")
    ctypes.memmove(out.Ticker, text, ctypes.sizeof(text))
    assert declared.decode(buffer) == "WINV26"
    account = declared.new("TConnectorAccountIdentifierOut", AccountID="123-4")
    assert declared.decode(account.AccountID) == "123-4"
    with pytest.raises(ValueError, match="more than 99 characters"):
        declared.new("TConnectorAccountIdentifierOut", AccountID="1" * 100)


@pytest.mark.parametrize("text", ["", "WDOV26", "Ações à vista", "𝄞"])
def test_text_round_trips_whatever_wchar_t_is(declared: Abi, text: str) -> None:
    array = declared.encode(text)
    assert ctypes.sizeof(array) % declared.char_width == 0
    assert declared.decode(array) == text
    assert declared.text_at(ctypes.addressof(array)) == text


def test_null_is_empty_and_nul_is_refused_without_saying_the_text(declared: Abi) -> None:
    assert declared.text_at(None) == declared.text_at(0) == ""
    with pytest.raises(ValueError, match="contains NUL") as caught:
        declared.encode("secret\0")
    assert "secret" not in str(caught.value)


def _value(declared: Abi, ty: str, n: int, kept: list[Any]) -> tuple[Any, Any]:
    """Return an argument of a type, and what a handler sees of it."""
    if ty == "text":
        kept.append(declared.encode(f"text {n}"))
        return ctypes.addressof(kept[-1]), f"text {n}"
    if ty == "pointer":
        return 0x1000 + n, 0x1000 + n
    if ty == "f64":
        return n + 0.5, n + 0.5
    if ty in ("i64", "isize"):
        return -(2**40) - n, -(2**40) - n
    if ty in ("u8", "u16", "i32", "u32"):
        return n + 1, n + 1
    if ty.startswith("*"):
        made = declared.new(ty[1:], Version=n)
        kept.append(made)
        return ctypes.pointer(made), n
    text = {
        "TAssetIDRec": {"pwcTicker": f"T{n}", "pwcBolsa": "F", "nFeed": n},
        "TConnectorAssetIdentifier": {"Version": 1, "Ticker": f"T{n}", "Exchange": "F"},
        "TConnectorAccountIdentifier": {
            "BrokerID": n,
            "AccountID": f"A{n}",
            "SubAccountID": "",
            "Reserved": n,
        },
        "TConnectorOrderIdentifier": {"LocalOrderID": 2**40 + n, "ClOrderID": f"C{n}"},
    }[ty]
    made = declared.new(ty, **text)
    kept.append(made)
    return made, text


def _seen(declared: Abi, ty: str, value: Any) -> Any:
    if ty == "text":
        return declared.text_at(value)
    if ty.startswith("*"):
        return value.contents.Version
    if not isinstance(value, ctypes.Structure):
        return value
    numbers = ("Version", "BrokerID", "Reserved", "LocalOrderID", "nFeed")
    names = {
        "TAssetIDRec": ("pwcTicker", "pwcBolsa", "nFeed"),
        "TConnectorAssetIdentifier": ("Version", "Ticker", "Exchange"),
        "TConnectorAccountIdentifier": ("BrokerID", "AccountID", "SubAccountID", "Reserved"),
        "TConnectorOrderIdentifier": ("LocalOrderID", "ClOrderID"),
    }[ty]
    return {n: getattr(value, n) if n in numbers else declared.text_at(getattr(value, n)) for n in names}


@pytest.mark.parametrize("name", [table["name"] for table in declarations()["callbacks"]])
def test_every_callback_takes_its_values_intact(declared: Abi, name: str) -> None:
    types = next(t for t in declarations()["callbacks"] if t["name"] == name)
    arguments = [ty for _, ty in types["args"]]
    got: list[Any] = []

    def handler(*args: Any) -> int:
        got.append([_seen(declared, ty, value) for ty, value in zip(arguments, args, strict=True)])
        return 1

    callback = declared.callbacks[name](handler)
    kept: list[Any] = []
    values = [_value(declared, ty, n, kept) for n, ty in enumerate(arguments)]
    assert callback(*(value for value, _ in values)) == (1 if types["returns"] == "i32" else None)
    assert got == [[expected for _, expected in values]]


def test_functions_take_text_and_callbacks_of_their_type(declared: Abi) -> None:
    assert len(declared.functions) == 106
    login = declared.functions["DLLInitializeLogin"]
    assert login.arguments[3:5] == ("state", "history")
    assert len(login.argtypes) == 14
    assert login.routing
    assert login.restype is ctypes.c_int32
    assert declared.functions["SendOrder"].restype is ctypes.c_int64
    assert declared.functions["GetPosition"].restype is ctypes.c_void_p
    assert declared.functions["SetHealthCallback"].since == "4.0.0.41"

    key, state = login.argtypes[0], login.argtypes[3]
    assert declared.decode(key.from_param("é")) == "é"
    assert key.from_param(None).value is None
    with pytest.raises(TypeError, match="expected text, not bytes"):
        key.from_param(b"WDOV26")

    right = declared.callbacks["State"](lambda *_: None)
    assert state.from_param(right) is right
    assert state.from_param(None).value is None
    assert state.from_param(0x1234).value == 0x1234
    wrong = declared.callbacks["Health"](lambda *_: None)
    with pytest.raises(TypeError, match="expected a callback of type State"):
        state.from_param(wrong)


def test_a_v2_callback_does_not_fit_a_v1_slot(declared: Abi) -> None:
    slot = declared.functions["DLLInitializeMarketLogin"].argtypes[4]
    with pytest.raises(TypeError, match="expected a callback of type NewTrade"):
        slot.from_param(declared.callbacks["ConnectorTrade"](lambda *_: None))
