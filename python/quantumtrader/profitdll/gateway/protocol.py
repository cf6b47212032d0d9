"""What can be asked of a gateway, field by field, and how the vocabulary travels as JSON.

A request is ``{"id": n, "do": name, ...fields}``; its answer ``{"id": n, "answer": {...}}`` or
``{"id": n, "error": {"kind", "text"}}``. What comes unasked is ``{"push": kind, ...}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from quantumtrader import exceptions
from quantumtrader.exceptions import GatewayLinkError, ProfitDllError, QuantumTraderError, SessionError
from quantumtrader.gateway import (
    GatewayReport,
    OrderDetails,
    OrderRef,
    OrderTicket,
    ReportKind,
    VendorPosition,
)
from quantumtrader.profitdll.gateway.frames import Message
from quantumtrader.types import OrderType, Side

__all__ = [
    "ACTING",
    "REQUESTS",
    "Request",
    "details_from",
    "details_to",
    "error_from",
    "error_to",
    "parse_request",
    "position_from",
    "position_to",
    "report_from",
    "report_to",
    "ticket_from",
    "ticket_to",
]

_I32, _I63 = (1 << 31) - 1, (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class _Field:
    words: str
    good: Callable[[Any], bool]
    optional: bool = False


def _text(longest: int, *, empty: bool = False) -> _Field:
    def good(value: Any) -> bool:
        return (
            isinstance(value, str) and (empty or value != "") and len(value) <= longest and "\0" not in value
        )

    return _Field(f"text of {'0' if empty else '1'} to {longest} characters", good)


def _whole(low: int, high: int) -> _Field:
    return _Field(f"a whole number from {low} to {high}", lambda v: type(v) is int and low <= v <= high)


def _one_of(*values: Any) -> _Field:
    # Not `in` alone: True == 1.
    return _Field(
        f"one of {', '.join(map(str, values))}", lambda v: type(v) is type(values[0]) and v in values
    )


def _maybe(field: _Field) -> _Field:
    return _Field(field.words, field.good, optional=True)


_PX = _whole(-_I32 - 1, _I32)
_SIZE = _whole(1, 1_000_000)
_FLAG = _Field("true or false", lambda v: type(v) is bool)
_TICK = _Field(
    "a positive number", lambda v: type(v) in (int, float) and math.isfinite(v) and 0 < v <= 1_000_000
)
_TICKER, _LETTER, _DAY = _text(32), _text(2), _text(32)
_DESK = _whole(0, 255)
_ORDER = {"desk": _DESK, "local_id": _whole(0, _I63), "cl_ord_id": _text(128, empty=True)}

REQUESTS: dict[str, dict[str, _Field]] = {
    "subscribe": {
        "ticker": _TICKER,
        "books": _one_of("none", "offers", "depth", "both"),
        "exchange": _maybe(_LETTER),
        "tick_size": _maybe(_TICK),
        "image": _FLAG,
    },
    "unsubscribe": {"ticker": _TICKER},
    "history": {"ticker": _TICKER, "start": _DAY, "end": _DAY, "exchange": _maybe(_LETTER)},
    "take_history": {},
    "agent_name": {"agent": _whole(0, _I32), "short": _FLAG},
    "server_time": {},
    "counters": {},
    "accounts": {},
    "open_desk": {
        "symbol": _TICKER,
        "tick_size": _TICK,
        "account": _text(128, empty=True),
        "exchange": _maybe(_LETTER),
        "day_trade": _FLAG,
    },
    "release": {},
    "send": {
        "desk": _DESK,
        "side": _one_of(int(Side.BUY), int(Side.SELL)),
        "size": _SIZE,
        "type": _one_of(*(t.value for t in OrderType)),
        "px": _PX,
        "stop_px": _PX,
        "again": _FLAG,
    },
    "change": {**_ORDER, "size": _SIZE, "px": _PX, "stop_px": _PX, "again": _FLAG},
    "cancel": {**_ORDER, "again": _FLAG},
    "cancel_all": {"desk": _DESK, "again": _FLAG},
    "zero_position": {"desk": _DESK, "again": _FLAG},
    "details": _ORDER,
    "orders": {"desk": _DESK},
    "position": {"desk": _DESK},
}
"""Every request and its fields."""

ACTING = frozenset(name for name, fields in REQUESTS.items() if "again" in fields)
"""Requests that change something at the broker: carried out once, however often they arrive."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that keeps to the rules.

    Parameters
    ----------
    id : int
        The client's number for it.
    do : str
        Its name.
    fields : dict
        All of its fields; None for optional ones that were left out.
    """

    id: int
    do: str
    fields: dict[str, Any]


def parse_request(message: Message) -> Request:
    """Check a request.

    Raises
    ------
    GatewayLinkError
        What is wrong with it, and what is expected.
    """
    number, do = message.get("id"), message.get("do")
    if type(number) is not int or not 0 < number <= _I63:
        raise GatewayLinkError(f"a request without a positive id (got {_short(number)})")
    if not isinstance(do, str) or do not in REQUESTS:
        raise GatewayLinkError(f"request {_short(do)} is not known; there are {', '.join(REQUESTS)}")
    expected = REQUESTS[do]
    if unknown := set(message) - set(expected) - {"id", "do"}:
        raise GatewayLinkError(f"{do}: unknown field {_short(min(unknown))}; there are {', '.join(expected)}")
    for name, field in expected.items():
        value = message.get(name)
        if value is None and field.optional:
            continue
        if not field.good(value):
            raise GatewayLinkError(f"{do}: {name} is {_short(value)}, expected {field.words}")
    return Request(number, do, {name: message.get(name) for name in expected})


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


# -- the vocabulary --------------------------------------------------------------------------------------------


def ticket_to(ticket: OrderTicket) -> Message:
    """Order ticket as JSON."""
    return {
        "side": int(ticket.side),
        "size": ticket.size,
        "type": ticket.type.value,
        "px": ticket.px,
        "stop_px": ticket.stop_px,
    }


def ticket_from(fields: Message) -> OrderTicket:
    """Order ticket from checked fields."""
    return OrderTicket(
        Side(fields["side"]), fields["size"], OrderType(fields["type"]), fields["px"], fields["stop_px"]
    )


def details_to(details: OrderDetails) -> Message:
    """Order details as JSON; a price that is not known is null."""
    fields = asdict(details)
    fields["side"], fields["type"] = int(details.side), details.type.value
    fields["average_px"] = None if math.isnan(details.average_px) else details.average_px
    return fields


def details_from(fields: Message) -> OrderDetails:
    """Order details from JSON."""
    average = fields["average_px"]
    return OrderDetails(
        **{
            **fields,
            "ref": OrderRef(**fields["ref"]),
            "side": Side(fields["side"]),
            "type": OrderType(fields["type"]),
            "average_px": math.nan if average is None else average,
        }
    )


def position_to(position: VendorPosition) -> Message:
    """Position as JSON."""
    flat = math.isnan(position.average_px)
    return {"size": position.size, "average_px": None if flat else position.average_px}


def position_from(fields: Message) -> VendorPosition:
    """Position from JSON."""
    average = fields["average_px"]
    return VendorPosition(fields["size"], math.nan if average is None else average)


def report_to(report: GatewayReport) -> Message:
    """Report as JSON."""
    return {"kind": report.kind.value, "ref": asdict(report.ref), "text": report.text}


def report_from(fields: Message) -> GatewayReport:
    """Report from JSON."""
    return GatewayReport(ReportKind(fields["kind"]), OrderRef(**fields["ref"]), fields["text"])


_TRAVELLING = (
    "ConfigError",
    "EngineError",
    "SessionError",
    "GatewayError",
    "OrderError",
    "OrderRefusedError",
)


def error_to(error: QuantumTraderError) -> Message:
    """An error as JSON."""
    if isinstance(error, ProfitDllError):
        return {"kind": "ProfitDllError", "code": error.code, "function": error.function, "text": str(error)}
    kind = type(error).__name__
    return {"kind": kind if kind in _TRAVELLING else "SessionError", "text": str(error)}


def error_from(fields: Message) -> QuantumTraderError:
    """The error that the gateway met, to be raised here."""
    kind, text = fields.get("kind"), str(fields.get("text", ""))
    if kind == "ProfitDllError":
        return ProfitDllError(int(fields["code"]), str(fields["function"]))
    found = getattr(exceptions, kind) if kind in _TRAVELLING and isinstance(kind, str) else SessionError
    error: QuantumTraderError = found(text)
    return error
