"""The risk manager's calls for signals and positions as dictionaries, in points: an adapter over the same rules.

Signal: ``timestamp`` (ns UTC or an aware ``datetime``), ``action`` (buy or sell), ``entry_price``, ``stop_loss``,
``take_profit`` (points), ``position_size`` (contracts), ``metadata`` with ``prediction`` and ``atr`` (points). Position:
``id``, ``action``, ``entry_price``, ``stop_loss``, ``take_profit``, ``position_size``, ``open_time``, ``status``.

A yes is not an approval: the order that follows is checked again, and only that answer can be sent.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from quantumtrader.exceptions import OrderError
from quantumtrader.execution.risk.approval import Refused
from quantumtrader.execution.risk.limits import RiskLimits
from quantumtrader.execution.risk.state import Plan, RiskState, number
from quantumtrader.types import Instrument, Order, OrderType, Side

__all__ = ["SignalDoor", "StateSource"]

StateSource = Callable[[int], RiskState]
"""What is known at a time, ns UTC: the desk's ``state``."""

_OFF_GRID = 1e-6
_CLOSED_KEPT = 1_000
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


class SignalDoor(ABC):
    """Checks signals and keeps count of positions, both as dictionaries.

    Parameters
    ----------
    instrument : Instrument
        Tick size and money.
    source : callable, optional
        What is known at a time; without it every signal is refused.
    """

    limits: RiskLimits

    def __init__(self, instrument: Instrument, source: StateSource | None = None) -> None:
        self.instrument = instrument
        self.source = source
        self._positions: dict[str, dict[str, Any]] = {}
        self._closed: deque[dict[str, Any]] = deque(maxlen=_CLOSED_KEPT)
        self._closed_result = 0.0
        self._numbered = 0

    @abstractmethod
    def refusal(self, order: Order, state: RiskState) -> Refused | None:
        """Ask the rules without approving."""

    @property
    @abstractmethod
    def tripped(self) -> str:
        """Why the kill switch is on; empty when it is off."""

    def validate_signal(
        self,
        signal: Mapping[str, Any],
        account_balance: float,
        positions: Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]] | None = None,
    ) -> tuple[bool, str]:
        """Whether the rules would let the entry of a signal pass now.

        Parameters
        ----------
        signal : mapping
            See the module.
        account_balance : float
            Capital in the instrument's currency; what is not a positive number refuses.
        positions : positions, optional
            Those held, as a list or by id; by default the registered ones.

        Returns
        -------
        (bool, str)
            The answer, and the reason for a refusal with its rule and values (``approved`` for a yes).
        """
        try:
            order, plan, ts = self._read(signal)
        except OrderError as error:
            return False, str(error)
        if not (math.isfinite(number(account_balance)) and account_balance > 0):
            return False, f"signal: the account balance is {account_balance}, expected a positive amount"
        if self.source is None:
            return False, "signal: no market is known; give the RiskManager a source"
        known = self.source(ts)
        open_trades = self._count(positions)
        if known.open_trades is not None:
            open_trades = max(open_trades, known.open_trades)
        state = replace(known, trade=plan, capital=float(account_balance), open_trades=open_trades)
        atr = _metadata(signal).get("atr")
        if state.atr_ticks is None and atr is not None:
            state = replace(state, atr_ticks=number(atr) / self.instrument.tick_size)
        refused = self.refusal(order, state)
        return (True, "approved") if refused is None else (False, f"{refused.rule}: {refused.message}")

    def validate_signal_ml(
        self,
        signal: Mapping[str, Any],
        account_balance: float,
        prediction: Mapping[str, Any] | None = None,
        positions: Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]] | None = None,
    ) -> tuple[bool, str]:
        """Like ``validate_signal``, for a signal that a model made: signal and prediction must agree.

        Parameters
        ----------
        signal, account_balance, positions
            As in ``validate_signal``.
        prediction : mapping, optional
            ``direction`` (−1 to 1) and ``confidence`` (0 to 1); by default the one in the signal's metadata. A missing
            one refuses.
        """
        said = prediction if prediction is not None else _metadata(signal).get("prediction")
        if not isinstance(said, Mapping):
            return False, "signal: there is no prediction to it"
        direction, confidence = number(said.get("direction")), number(said.get("confidence"))
        if not (-1 <= direction <= 1 and 0 <= confidence <= 1):
            return False, (
                f"signal: the prediction has direction {said.get('direction')} and confidence "
                f"{said.get('confidence')}, expected -1 to 1 and 0 to 1"
            )
        side = _SIDES.get(str(signal.get("action", "")).lower())
        if side is None or not direction * side > 0:
            return False, f"signal: {signal.get('action')!r} against a predicted direction of {direction:g}"
        return self.validate_signal(signal, account_balance, positions)

    def register_position(self, position: Mapping[str, Any]) -> str:
        """Count a position as open; returns its id (``position["id"]``, or a new one).

        Raises
        ------
        OrderError
            If a field is missing or no number, the stop is on the wrong side, or the id is in use.
        """
        self._numbered += 1
        number_ = str(position.get("id") or f"position-{self._numbered}")
        if number_ in self._positions:
            raise OrderError(f"position {number_} is registered already")
        entry, stop, size = (
            self._field(position, k, f"position {number_}")
            for k in ("entry_price", "stop_loss", "position_size")
        )
        side = _side(position, f"position {number_}")
        if (entry - stop) * side <= 0 or size <= 0:
            raise OrderError(
                f"position {number_}: size {size:g}, entry {entry:g} and stop {stop:g} do not fit a {position['action']}"
            )
        self._positions[number_] = {**position, "id": number_, "status": "open"}
        return number_

    def close_position(self, position_id: str, exit_price: float, exit_reason: str) -> dict[str, Any]:
        """Count a position as closed.

        Parameters
        ----------
        position_id : str
            From ``register_position``.
        exit_price : float
            In points.
        exit_reason : str
            For the record.

        Returns
        -------
        dict
            The position with ``status``, ``exit_price``, ``exit_reason``, and its ``result`` in the instrument's currency
            after the fees of both sides.
        """
        held = self._position(position_id)
        if not math.isfinite(number(exit_price)):
            raise OrderError(f"position {position_id}: the exit price is {exit_price}, not a number")
        size = number(held["position_size"])
        points = (exit_price - number(held["entry_price"])) * _side(held, f"position {position_id}")
        result = points * self.instrument.point_value * size - 2 * self.instrument.fee * size
        del self._positions[position_id]
        closed = {
            **held,
            "status": "closed",
            "exit_price": exit_price,
            "exit_reason": exit_reason,
            "result": result,
        }
        self._closed.append(closed)
        self._closed_result += result
        return dict(closed)

    def update_position_stop(self, position_id: str, stop: float) -> None:
        """Move the stop of a position, in points; only towards less risk.

        Raises
        ------
        OrderError
            If the position is not known, or the stop is no number or farther away than the present one.
        """
        held = self._position(position_id)
        before, side = number(held["stop_loss"]), _side(held, f"position {position_id}")
        if not (number(stop) - before) * side >= 0:
            raise OrderError(
                f"position {position_id}: a stop moves from {before:g} only with the trade, not to {stop}"
            )
        held["stop_loss"] = stop

    def get_risk_metrics(self) -> dict[str, Any]:
        """Registered positions and results in numbers; money in the instrument's currency.

        Returns
        -------
        dict
            ``open_positions``, ``contracts`` (signed), ``risk_at_stops`` (what all stops together would lose from the
            entries, fees included), ``closed_positions`` (of the last thousand), ``closed_result`` (since
            ``begin_session``), ``daily_loss_left``, ``kill_switch`` (its reason, or None).
        """
        contracts = risk = 0.0
        for held in self._positions.values():
            size, side = number(held["position_size"]), _side(held, f"position {held['id']}")
            contracts += side * size
            away = (number(held["entry_price"]) - number(held["stop_loss"])) * side
            risk += away * self.instrument.point_value * size + 2 * self.instrument.fee * size
        return {
            "open_positions": len(self._positions),
            "contracts": contracts,
            "risk_at_stops": risk,
            "closed_positions": len(self._closed),
            "closed_result": self._closed_result,
            "daily_loss_left": self.limits.daily_loss + self._closed_result,
            "kill_switch": self.tripped or None,
        }

    def begin_session(self) -> None:
        """Start the count of the day's closed results at zero."""
        self._closed_result = 0.0

    def _read(self, signal: Mapping[str, Any]) -> tuple[Order, Plan, int]:
        """Turn a signal into the order and the trade that it asks for, in ticks."""
        side = _side(signal, "signal")
        entry = self._ticks(signal, "entry_price")
        stop, target = self._ticks(signal, "stop_loss"), self._ticks(signal, "take_profit")
        size = self._field(signal, "position_size", "signal")
        if size <= 0 or size != int(size):
            raise OrderError(f"signal: position_size is {size:g}, expected a whole number of contracts")
        if (entry - stop) * side <= 0 or (target - entry) * side <= 0:
            raise OrderError(
                f"signal: stop {signal['stop_loss']:g} and take profit {signal['take_profit']:g} are not on the two sides "
                f"of {signal['entry_price']:g} where a {signal['action']} needs them"
            )
        plan = Plan(int(size), abs(entry - stop), abs(target - entry))
        order = Order(0, int(side), int(size), OrderType.LIMIT, entry, tag=str(signal.get("reason", "")))
        return order, plan, _time(signal.get("timestamp"))

    def _ticks(self, signal: Mapping[str, Any], name: str) -> int:
        price = self._field(signal, name, "signal")
        ticks = price / self.instrument.tick_size
        if abs(ticks - round(ticks)) > _OFF_GRID * max(1.0, abs(ticks)):
            raise OrderError(
                f"signal: {name} {price:g} is not on the grid of {self.instrument.symbol}, ticks of "
                f"{self.instrument.tick_size:g}"
            )
        return round(ticks)

    def _field(self, record: Mapping[str, Any], name: str, what: str) -> float:
        value = number(record.get(name))
        if not math.isfinite(value):
            raise OrderError(f"{what}: {name} is {record.get(name)}, expected a number")
        return value

    def _position(self, position_id: str) -> dict[str, Any]:
        if position_id not in self._positions:
            known = ", ".join(self._positions) or "none"
            raise OrderError(f"position {position_id} is not open; open are {known}")
        return self._positions[position_id]

    def _count(self, positions: Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]] | None) -> int:
        if positions is None:
            return len(self._positions)
        held = positions.values() if isinstance(positions, Mapping) else positions
        return sum(p.get("status", "open") != "closed" for p in held)


def _side(record: Mapping[str, Any], what: str) -> Side:
    side = _SIDES.get(str(record.get("action", "")).lower())
    if side is None:
        raise OrderError(f"{what}: action is {record.get('action')!r}, expected buy or sell")
    return side


def _metadata(signal: Mapping[str, Any]) -> Mapping[str, Any]:
    found = signal.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _time(value: Any) -> int:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return round(value.timestamp() * 1e6) * 1_000
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise OrderError(f"signal: timestamp is {value!r}, expected ns UTC or a datetime with a time zone")
