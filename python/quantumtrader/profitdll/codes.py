"""The vendor's codes: enumerations, and what a code means in plain words.

A newer library may send a number that is not listed here. Keep such numbers as they are: :func:`describe` names them
without raising, while calling the enumeration with one raises ``ValueError``.
"""

from __future__ import annotations

from quantumtrader._generated.profitdll_codes import (
    AccountFlag,
    AccountType,
    ActivationState,
    AdjustFlag,
    AgentNameFlag,
    BookAction,
    BookSide,
    Code,
    Connection,
    DepthUpdate,
    Exchange,
    Feed,
    Health,
    Interval,
    LegacyResult,
    LoginState,
    MarketState,
    MessageResult,
    NResult,
    OfferBookFlag,
    OpenSide,
    OrderSide,
    OrderStatus,
    OrderType,
    OrderTypeLegacy,
    PositionType,
    PriceGroupFlag,
    RoutingState,
    SecuritySubtype,
    SecurityType,
    TickerState,
    TradeFlag,
    TradeType,
    Validity,
)
from quantumtrader.exceptions import ProfitDllError
from quantumtrader.exceptions import explain_result as explain

__all__ = [
    "AccountFlag",
    "AccountType",
    "ActivationState",
    "AdjustFlag",
    "AgentNameFlag",
    "BookAction",
    "BookSide",
    "Code",
    "Connection",
    "DepthUpdate",
    "Exchange",
    "Feed",
    "Health",
    "Interval",
    "LegacyResult",
    "LoginState",
    "MarketState",
    "MessageResult",
    "NResult",
    "OfferBookFlag",
    "OpenSide",
    "OrderSide",
    "OrderStatus",
    "OrderType",
    "OrderTypeLegacy",
    "PositionType",
    "PriceGroupFlag",
    "RoutingState",
    "SecuritySubtype",
    "SecurityType",
    "TickerState",
    "TradeFlag",
    "TradeType",
    "Validity",
    "check",
    "describe",
    "describe_state",
    "explain",
]

_STATES: dict[int, type[Code]] = {
    Connection.LOGIN: LoginState,
    Connection.ROUTING: RoutingState,
    Connection.MARKET: MarketState,
    Connection.ACTIVATION: ActivationState,
}


def check(code: int, function: str) -> int:
    """Return the result of a call, or raise when it is an error.

    Parameters
    ----------
    code : int
        The result: negative for an error; else 0, an id or a count.
    function : str
        The function that returned it.

    Raises
    ------
    ProfitDllError
        If the result is an error.
    """
    if code < 0:
        raise ProfitDllError(code, function)
    return code


def describe(codes: type[Code], value: int) -> str:
    """Say what a value of an enumeration means: ``REJECTED (8): Rejected; the text says why.``

    A value that is not listed is said to be unknown.
    """
    try:
        member = codes(value)  # type: ignore[call-arg]
    except ValueError:
        return f"unknown {codes.__name__} {value}"
    return f"{member.name} ({value}): {member.meaning}"


def describe_state(connection: int, state: int) -> str:
    """Say what a pair of the State callback means: ``login WRONG_PASSWORD (2): The password is wrong.``"""
    codes = _STATES.get(connection)
    if codes is None:
        return f"unknown connection {connection}, state {state}"
    # Anything but valid is invalid: the vendor sends more than one number.
    if codes is ActivationState and state not in set(ActivationState):
        return f"activation INVALID ({state}): {ActivationState.INVALID.meaning}"
    return f"{Connection(connection).name.lower()} {describe(codes, state)}"  # type: ignore[call-arg]
