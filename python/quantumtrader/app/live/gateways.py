"""Two gateways around a tape: one writes down what the broker answers, the other gives those answers again.

Within one turn the broker is connected or not: the state is looked at once, before the turn. Of ``take_reports`` only
answers with something in them are written down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from quantumtrader.app.live.tape import Tape, TapeReader
from quantumtrader.exceptions import GatewayError, OrderRefusedError, QuantumTraderError
from quantumtrader.execution import (
    GatewayReport,
    OrderDetails,
    OrderGateway,
    OrderRef,
    OrderTicket,
    ReportKind,
    VendorPosition,
)
from quantumtrader.types import OrderType, Side

__all__ = ["DifferenceError", "ReplayGateway", "TapeEndError", "TapedGateway"]

_ERRORS: dict[str, type[Exception]] = {"refused": OrderRefusedError, "unknown": GatewayError}


class DifferenceError(QuantumTraderError):
    """A session that is lived again does something else than it did."""


class TapeEndError(QuantumTraderError):
    """The tape ends inside this turn: the process that wrote it died here."""


class TapedGateway:
    """The broker's gateway, with every answer on a tape.

    Parameters
    ----------
    inner : OrderGateway
        The broker.
    tape : Tape
        Where answers go.
    """

    def __init__(self, inner: OrderGateway, tape: Tape) -> None:
        self._inner = inner
        self._tape = tape
        self._connected: bool | None = None
        self._nth = 0
        self._asked = 0

    @property
    def account(self) -> str:
        """Which account."""
        return self._inner.account

    @property
    def symbol(self) -> str:
        """Which contract."""
        return self._inner.symbol

    @property
    def connected(self) -> bool:
        """Whether orders can be sent in this turn."""
        return bool(self._connected)

    def begin_turn(self) -> None:
        """Look whether the broker is connected; called before the turn is put on the tape."""
        now = self._inner.connected
        if now != self._connected:
            self._connected = now
            self._tape.connected(now)
        self._nth = self._asked = 0

    def send(self, ticket: OrderTicket) -> int:
        """Send an order."""
        return int(self._taped("send", _ticket(ticket), lambda: self._inner.send(ticket)))

    def change(self, ref: OrderRef, size: int, px: int, stop_px: int) -> None:
        """Ask to change an order."""
        arguments = {"ref": _ref(ref), "size": size, "px": px, "stop_px": stop_px}
        self._taped("change", arguments, lambda: self._inner.change(ref, size, px, stop_px))

    def cancel(self, ref: OrderRef) -> None:
        """Ask to cancel an order."""
        self._taped("cancel", {"ref": _ref(ref)}, lambda: self._inner.cancel(ref))

    def cancel_all(self) -> None:
        """Ask to cancel every order."""
        self._taped("cancel_all", {}, self._inner.cancel_all)

    def zero_position(self) -> int:
        """Ask to close the position."""
        return int(self._taped("zero_position", {}, self._inner.zero_position))

    def details(self, ref: OrderRef) -> OrderDetails | None:
        """Snapshot of an order."""
        found: OrderDetails | None
        found = self._taped("details", {"ref": _ref(ref)}, lambda: self._inner.details(ref), _details)
        return found

    def orders(self) -> list[OrderDetails]:
        """Every order."""
        found: list[OrderDetails]
        found = self._taped("orders", {}, self._inner.orders, lambda found: [_details(d) for d in found])
        return found

    def position(self) -> VendorPosition:
        """Position of the account."""
        found: VendorPosition = self._taped("position", {}, self._inner.position, _position)
        return found

    def take_reports(self) -> list[GatewayReport]:
        """Hints since the last call."""
        self._asked += 1
        reports = self._inner.take_reports()
        if reports:
            rows = [[r.kind.value, _ref(r.ref), r.text] for r in reports]
            self._tape.call(self._asked, "take_reports", {}, rows)
        return reports

    def _taped(
        self, name: str, arguments: Any, ask: Callable[[], Any], encode: Callable[[Any], Any] = lambda v: v
    ) -> Any:
        self._nth += 1
        try:
            answer = ask()
        except (OrderRefusedError, GatewayError) as error:
            kind = "refused" if isinstance(error, OrderRefusedError) else "unknown"
            self._tape.call(self._nth, name, arguments, {"error": kind, "text": str(error)})
            raise
        self._tape.call(self._nth, name, arguments, encode(answer))
        return answer


class ReplayGateway:
    """Gives the answers of a tape again, as long as the same is asked.

    Parameters
    ----------
    reader : TapeReader
        Shared with whoever reads the turns.
    account, symbol : str
        As the broker's were.
    """

    def __init__(self, reader: TapeReader, account: str, symbol: str) -> None:
        self._reader = reader
        self.account = account
        self.symbol = symbol
        self.connected = False
        self.turn = 0
        self._nth = 0
        self._asked = 0

    def begin_turn(self) -> None:
        """Begin the next turn."""
        self.turn += 1
        self._nth = self._asked = 0

    def end_turn(self) -> None:
        """Check that everything that was asked in this turn was asked again."""
        line = self._reader.peek()
        if line is not None and line[0] == "call" and line[1] == self.turn:
            raise DifferenceError(
                f"turn {self.turn}: {_called(line[3], line[4])} was asked then, and is not now"
            )

    def send(self, ticket: OrderTicket) -> int:
        """Answer ``send``."""
        return int(self._answer("send", _ticket(ticket)))

    def change(self, ref: OrderRef, size: int, px: int, stop_px: int) -> None:
        """Answer ``change``."""
        self._answer("change", {"ref": _ref(ref), "size": size, "px": px, "stop_px": stop_px})

    def cancel(self, ref: OrderRef) -> None:
        """Answer ``cancel``."""
        self._answer("cancel", {"ref": _ref(ref)})

    def cancel_all(self) -> None:
        """Answer ``cancel_all``."""
        self._answer("cancel_all", {})

    def zero_position(self) -> int:
        """Answer ``zero_position``."""
        return int(self._answer("zero_position", {}))

    def details(self, ref: OrderRef) -> OrderDetails | None:
        """Answer ``details``."""
        found = self._answer("details", {"ref": _ref(ref)})
        return None if found is None else _details_of(found)

    def orders(self) -> list[OrderDetails]:
        """Answer ``orders``."""
        return [_details_of(found) for found in self._answer("orders", {})]

    def position(self) -> VendorPosition:
        """Answer ``position``."""
        size, average = self._answer("position", {})
        return VendorPosition(size, math.nan if average is None else average)

    def take_reports(self) -> list[GatewayReport]:
        """Answer ``take_reports``: nothing, unless the tape has something for just this question."""
        self._asked += 1
        line = self._reader.peek()
        if line is None or line[:4] != ["call", self.turn, self._asked, "take_reports"]:
            return []
        self._reader.next()
        return [GatewayReport(ReportKind(kind), OrderRef(*ref), text) for kind, ref, text in line[5]]

    def _answer(self, name: str, arguments: Any) -> Any:
        self._nth += 1
        line = self._reader.peek()
        asked = _called(name, arguments)
        if line is None:
            raise TapeEndError(f"turn {self.turn}: the tape ends before {asked} was answered")
        if line[0] != "call" or line[1] != self.turn:
            raise DifferenceError(f"turn {self.turn}: {asked} is asked now, and was not then")
        _, _, nth, then, given, answer = line
        if (nth, then, given) != (self._nth, name, arguments):
            raise DifferenceError(f"turn {self.turn}: {_called(then, given)} was asked then, {asked} now")
        self._reader.next()
        if isinstance(answer, dict) and "error" in answer:
            raise _ERRORS[answer["error"]](answer["text"])
        return answer


def _called(name: str, arguments: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items())})"


def _ref(ref: OrderRef) -> list[Any]:
    return [ref.local_id, ref.cl_ord_id]


def _ticket(ticket: OrderTicket) -> dict[str, Any]:
    return {**asdict(ticket), "side": int(ticket.side), "type": ticket.type.value}


def _position(position: VendorPosition) -> list[Any]:
    return [position.size, position.average_px if math.isfinite(position.average_px) else None]


def _details(details: OrderDetails | None) -> dict[str, Any] | None:
    if details is None:
        return None
    average = details.average_px if math.isfinite(details.average_px) else None
    return {
        **asdict(details),
        "ref": _ref(details.ref),
        "side": int(details.side),
        "type": details.type.value,
        "average_px": average,
    }


def _details_of(found: dict[str, Any]) -> OrderDetails:
    average = found["average_px"]
    return OrderDetails(
        **{
            **found,
            "ref": OrderRef(*found["ref"]),
            "side": Side(found["side"]),
            "type": OrderType(found["type"]),
            "average_px": math.nan if average is None else average,
        }
    )
