"""Nothing new while the kill switch is on; exits neither when it is on hard."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    switch = check.switch
    if not switch.on or (check.order.reduce_only and not switch.hard):
        return None
    return Broken(f"the kill switch is on: {switch.reason}")


RULE = Rule("kill_switch", _broken, exits=True)
