"""Position and working orders must be numbers: every limit rests on them."""

from __future__ import annotations

import math

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    needed = ("position",) if check.order.reduce_only else ("position", "working_buy", "working_sell")
    for name in needed:
        value = getattr(check.state, name)
        if not math.isfinite(number(value)):
            return Broken(f"{name} is {value}, not a number")
    return None


RULE = Rule("unknown_state", _broken, exits=True)
