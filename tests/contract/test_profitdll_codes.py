"""Codes in plain words."""

from __future__ import annotations

import pickle
from enum import IntFlag

import pytest

from quantumtrader.exceptions import ProfitDllError
from quantumtrader.profitdll import codes
from quantumtrader.profitdll.abi import declarations
from quantumtrader.profitdll.codes import (
    BookSide,
    NResult,
    OrderSide,
    OrderStatus,
    TradeFlag,
    TradeType,
    check,
    describe,
    describe_state,
    explain,
)


@pytest.mark.parametrize("code", [-2147483633, 0x8000000F, -2147483633 & (2**64 - 1)])
def test_results_are_explained_however_they_are_signed(code: int) -> None:
    assert (
        explain(code)
        == "NL_EXCHANGE_UNKNOWN (0x8000000F): The exchange is unknown: use its one letter, `F` for futures."
    )


def test_unknown_results_keep_their_number() -> None:
    assert explain(-2147483647 + 0xFFF) == "unknown result 0x80001000"
    assert explain(0) == "NL_OK (0x00000000): Success."


def test_ids_and_counts_pass_and_errors_raise() -> None:
    assert check(0, "SubscribeTicker") == 0
    assert check(2**40, "SendOrder") == 2**40
    with pytest.raises(ProfitDllError, match=r"^SendOrder: NL_NO_LOGIN \(0x80000005\)") as caught:
        check(-2147483643, "SendOrder")
    assert (caught.value.code, caught.value.function) == (NResult.NL_NO_LOGIN, "SendOrder")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.code) == (str(caught.value), caught.value.code)


def test_values_that_newer_libraries_may_send_are_described() -> None:
    assert describe(OrderStatus, 8) == "REJECTED (8): Rejected; the text says why."
    assert describe(OrderStatus, 250) == "unknown OrderStatus 250"
    assert describe_state(0, 2) == "login WRONG_PASSWORD (2): The password is wrong."
    assert describe_state(1, 5) == "routing BROKER_CONNECTED (5): Connected to the broker."
    assert describe_state(3, 7) == "activation INVALID (7): The activation key is not valid."
    assert describe_state(2, 77) == "market unknown MarketState 77"
    assert describe_state(9, 1) == "unknown connection 9, state 1"


def test_book_and_order_sides_are_not_the_same() -> None:
    assert (BookSide.BUY, BookSide.SELL) == (0, 1)
    assert (OrderSide.BUY, OrderSide.SELL) == (1, 2)
    assert (TradeType.AGGRESSOR_BUYER, TradeType.AGGRESSOR_SELLER) == (2, 3)
    assert TradeFlag(3) == TradeFlag.TC_IS_EDIT | TradeFlag.TC_LAST_PACKET


def test_every_declared_set_is_here_with_its_meanings() -> None:
    for table in declarations()["codes"]:
        enumeration = getattr(codes, table["name"])
        assert table["name"] in codes.__all__
        assert issubclass(enumeration, IntFlag) == (table["kind"] == "flags")
        assert {m.name: int(m) for m in enumeration} == {v["name"]: v["value"] for v in table["values"]}
        if table["kind"] == "enum":
            assert [m.meaning for m in enumeration] == [v["doc"] for v in table["values"]]
