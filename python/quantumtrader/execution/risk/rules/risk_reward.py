"""The target lies far enough away, as a multiple of the stop."""

from __future__ import annotations

import math

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    limit, trade = check.limits.min_risk_reward, check.state.trade
    if limit is None:
        return None
    stop, target = (
        (math.nan, math.nan) if trade is None else (number(trade.stop_ticks), number(trade.target_ticks))
    )
    if not (math.isfinite(stop) and math.isfinite(target) and stop > 0):
        return Broken(
            "the trade has no stop or no target: its risk and reward are not known", {"limit": limit}
        )
    if target >= limit * stop:
        return None
    return Broken(
        f"a target of {target:g} ticks is {target / stop:.2f} times the stop of {stop:g}, at least {limit:g}",
        {"target": target, "stop": stop, "limit": limit},
    )


RULE = Rule("risk_reward", _broken)
