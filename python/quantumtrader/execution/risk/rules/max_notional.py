"""Fat finger: one order has a greatest value in money."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule
from quantumtrader.execution.risk.state import is_px

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    limit, unit = check.limits.max_notional, check.instrument.currency
    if limit is None:
        return None
    px = check.value_px
    if not is_px(px):
        return Broken("the order cannot be valued without a price", {"limit": limit})
    value = abs(check.instrument.money(px, check.order.size))
    if value <= limit:
        return None
    return Broken(
        f"{check.order.size} contracts are worth {value:.2f} {unit}, at most {limit:.2f}",
        {"value": value, "limit": limit},
    )


RULE = Rule("max_notional", _broken)
