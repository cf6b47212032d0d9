"""Fat finger: one order has a greatest size."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    size, limit = check.order.size, check.limits.max_order_size
    if size <= limit:
        return None
    return Broken(f"{size} contracts, at most {limit}", {"size": size, "limit": limit})


RULE = Rule("max_order_size", _broken)
