"""The two answers of the risk manager. Only it can make an ``Approved``, so an unchecked order is a type error."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from typing import Generic, TypeVar

from quantumtrader.exceptions import OrderError, TradingHaltedError
from quantumtrader.execution.risk.kill_switch import KillSwitch
from quantumtrader.types import Order

__all__ = ["Approved", "Gate", "Refused"]

T_co = TypeVar("T_co", covariant=True)
_TOKEN = object()
_MAX_UNUSED = 4096


@dataclass(slots=True)
class Gate:
    """What decides whether an approval still holds; shared by a manager and its approvals."""

    max_age_ns: int
    switch: KillSwitch
    _issued: int = 0
    _unused: OrderedDict[int, None] = field(default_factory=OrderedDict)

    def approve(self, order: Order, ts: int) -> Approved[Order]:
        """Issue an approval; of those never used, the oldest beyond a few thousand are forgotten."""
        self._issued += 1
        self._unused[self._issued] = None
        if len(self._unused) > _MAX_UNUSED:
            self._unused.popitem(last=False)
        return Approved(order, ts, self.switch.epoch, self._issued, self, _TOKEN)

    def spend(self, serial: int) -> bool:
        """Take an approval out of circulation; False when it was not in it."""
        if serial not in self._unused:
            return False
        del self._unused[serial]
        return True


@dataclass(frozen=True, slots=True)
class Approved(Generic[T_co]):
    """An order that passed the checks. Only ``RiskManager`` can make one, and it is good for one use.

    Parameters
    ----------
    order : Order
        The order.
    ts : int
        When it was checked, ns UTC.
    epoch : int
        How often the kill switch had been tripped or cleared by then.
    """

    order: T_co
    ts: int
    epoch: int = 0
    serial: int = field(default=0, repr=False, compare=False)
    gate: Gate | None = field(default=None, repr=False, compare=False)
    token: InitVar[object] = None

    def __post_init__(self, token: object) -> None:
        if token is not _TOKEN:
            raise OrderError(
                "an Approved comes only from RiskManager.check; it cannot be built or copied by hand"
            )

    def use(self, now_ns: int) -> None:
        """Spend the approval at ``now_ns``.

        Raises
        ------
        TradingHaltedError
            If the kill switch was tripped or cleared since the check.
        OrderError
            If it was used before, or is older than ``RiskLimits.approval_age_s``.
        """
        gate = self.gate
        assert gate is not None  # __post_init__ lets nothing else pass
        if not gate.spend(self.serial):
            raise OrderError(
                "an Approved counts for one order; this one was used already. Check the order again"
            )
        gate.switch.refresh()  # another process may have tripped it since
        if self.epoch != gate.switch.epoch:
            raise TradingHaltedError(
                "the kill switch was moved after the order was approved"
                + (f" ({gate.switch.reason})" if gate.switch.reason else "")
                + "; check the order again"
            )
        age = now_ns - self.ts
        if not 0 <= age <= gate.max_age_ns:
            raise OrderError(
                f"the approval is {age / 1e9:g} s old, at most {gate.max_age_ns / 1e9:g} s; check the order again"
            )


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that did not pass.

    Parameters
    ----------
    order : Order
        The order.
    ts : int
        When it was checked, ns UTC.
    rule : str
        Name of the rule that refused it.
    message : str
        What is wrong, with the values.
    numbers : mapping of str to float
        The values, for reports.
    """

    order: Order
    ts: int
    rule: str
    message: str
    numbers: Mapping[str, float]
