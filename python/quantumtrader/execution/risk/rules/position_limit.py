"""The position, working orders included, has a greatest size."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule

__all__ = ["RULE"]


def _broken(check: Check) -> Broken | None:
    reached, limit = abs(check.reached), check.limits.max_position
    if reached <= limit:
        return None
    position, working, signed = check.state.position, check.working, check.order.side * check.order.size
    return Broken(
        f"{position:+d} held, {working} working and {signed:+d} more reach {reached} contracts, at most {limit}",
        {"position": position, "working": working, "size": signed, "limit": limit},
    )


RULE = Rule("position_limit", _broken)
