"""A trade whose stop or target cannot be priced would be left as soon as it is entered: it is not entered."""

from __future__ import annotations

import math

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import is_px, number

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    trade, side, px = check.state.trade, check.order.side, check.value_px
    if trade is None or not is_px(px):
        return None
    stop, target = number(trade.stop_ticks), number(trade.target_ticks)
    # No exchange takes a stop at the double of the price either; a far target is only one that is never met.
    if not (math.isnan(stop) or stop < px):
        return Broken(
            f"a stop {stop:g} ticks from {px} has no price that an exchange takes",
            {"stop": stop, "px": px},
        )
    if not (math.isnan(target) or px + side * target > 0):
        return Broken(
            f"a target {target:g} ticks from {px} has no price above 0", {"target": target, "px": px}
        )
    return None


RULE = Rule("exit_price", _broken)
