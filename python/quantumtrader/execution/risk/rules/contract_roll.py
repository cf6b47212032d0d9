"""Around the rollover: no entries in the last hours of a contract."""

from __future__ import annotations

import math

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    limit = check.limits.trading_before_roll_h
    if limit is None:
        return None
    left = (number(check.state.roll_ts) - check.state.ts) / 3.6e12
    if not math.isfinite(left):
        return Broken(f"the last moment of {check.instrument.symbol} is not known", {"limit": limit})
    if left > limit:
        return None
    return Broken(
        f"{check.instrument.symbol} trades for {left:.2f} h more; entries end {limit:g} h before",
        {"left": left, "limit": limit},
    )


RULE = Rule("contract_roll", _broken)
