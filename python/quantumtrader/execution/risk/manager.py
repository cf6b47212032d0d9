"""The gate that every order passes: ``RiskManager.check(order, state) -> Approved[Order] | Refused``."""

from __future__ import annotations

from collections import deque
from zoneinfo import ZoneInfo

from quantumtrader.execution.risk.approval import Approved, Gate, Refused
from quantumtrader.execution.risk.check import Check
from quantumtrader.execution.risk.kill_switch import KillSwitch
from quantumtrader.execution.risk.limits import RiskLimits
from quantumtrader.execution.risk.rules import RULES
from quantumtrader.execution.risk.rules.daily_loss import loss_limit_hit
from quantumtrader.execution.risk.signal_door import SignalDoor, StateSource
from quantumtrader.execution.risk.state import RiskState
from quantumtrader.types import Instrument, Order

__all__ = ["RiskManager"]


class RiskManager(SignalDoor):
    """Checks the orders of one instrument against limits; owns the kill switch, or shares one.

    ``SignalDoor`` adds the calls that take and give dictionaries (``validate_signal``, …) over the same rules.

    Parameters
    ----------
    limits : RiskLimits
        What is allowed.
    instrument : Instrument
        Lot, tick value and trading hours.
    switch : KillSwitch, optional
        One for all instruments of an account, usually with a file; by default one of its own, in memory.
    source : callable, optional
        What is known at a time (ns UTC), for the calls of ``SignalDoor``.
    """

    def __init__(
        self,
        limits: RiskLimits,
        instrument: Instrument,
        *,
        switch: KillSwitch | None = None,
        source: StateSource | None = None,
    ) -> None:
        super().__init__(instrument, source)
        self.limits = limits
        self.switch = switch or KillSwitch()
        self._gate = Gate(round(limits.approval_age_s * 1e9), self.switch)
        self._entries: deque[int] = deque()
        self._zone = ZoneInfo(instrument.timezone)

    @property
    def tripped(self) -> str:
        """Why the kill switch is on; empty when it is off."""
        return self.switch.reason

    @property
    def tripped_hard(self) -> bool:
        """Whether exits are refused as well."""
        return self.switch.hard

    @property
    def kill_log(self) -> tuple[str, ...]:
        """Every trip and clear, in order."""
        return self.switch.log

    def trip(self, reason: str, *, hard: bool = False) -> None:
        """Switch trading off until a person clears it; see ``KillSwitch.trip``."""
        self.switch.trip(reason, hard=hard)

    def clear(self, by: str) -> None:
        """Switch trading on again; ``by`` names the person who decided so."""
        self.switch.clear(by)

    def loss_limit_hit(self, result: float) -> bool:
        """Whether a session's result, realised and open, has reached the daily loss.

        A result that is not known (NaN) counts as reached: what cannot be shown to be within the limit is not.
        """
        return loss_limit_hit(self.limits, result)

    def check(self, order: Order, state: RiskState) -> Approved[Order] | Refused:
        """Approve or refuse an order.

        Parameters
        ----------
        order : Order
            The wish.
        state : RiskState
            Position, result and prices now.

        Returns
        -------
        Approved[Order] or Refused
            The first rule that is broken refuses; an approved entry counts towards the order rate.
        """
        refused = self.refusal(order, state)
        if refused is not None:
            return refused
        if not order.reduce_only:
            self._entries.append(state.ts)
        return self._gate.approve(order, state.ts)

    def refusal(self, order: Order, state: RiskState) -> Refused | None:
        """Ask the rules without approving: the refusal that ``check`` would give, or None. Nothing is counted."""
        self.switch.refresh()
        check = Check(order, state, self.limits, self.instrument, self._zone, self.switch, self._entries)
        for rule in RULES:
            if order.reduce_only and not rule.exits:
                continue
            broken = rule.broken(check)
            if broken is not None:
                text = f"order {order.client_id} refused by {rule.name}: {broken.message}"
                return Refused(order, state.ts, rule.name, text, broken.numbers)
        return None
