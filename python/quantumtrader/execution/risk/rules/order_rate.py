"""Only so many entries within a minute."""

from __future__ import annotations

from quantumtrader.execution.risk.check import Broken, Check, Rule

__all__ = ["RULE"]

_MINUTE_NS = 60_000_000_000


def _broken(check: Check) -> Broken | None:
    entries = check.entries
    while entries and entries[0] <= check.state.ts - _MINUTE_NS:
        entries.popleft()
    count, limit = len(entries), check.limits.orders_per_minute
    if count < limit:
        return None
    return Broken(f"{count} entries in the last minute, at most {limit}", {"orders": count, "limit": limit})


RULE = Rule("order_rate", _broken)
